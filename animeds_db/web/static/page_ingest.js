/* The page Add: a folder of the service, the models, the sampling, and the ingest with its progress. */

import * as api from "./api.js";
import { start } from "./chrome.js";
import { $, button, empty, failure, field, h, options, show } from "./dom.js";
import { counted } from "./format.js";
import { JobView } from "./jobs.js";
import { Uploads } from "./uploads.js";

const wrong = h("p", { class: "wrong", role: "alert" });
const browser = h("div", { class: "browser" });
const work = h("section", { "aria-label": "Progress" });
const input = h("input", { type: "text", id: "folder", autocomplete: "off", spellcheck: "false", required: true });
const view = new JobView(work, { done: finished });
const uploads = new Uploads({ folder: () => here.path, done: (path) => go(path, false) });
let roots = [];
let here = null;

start(async () => {
  try {
    const choices = await api.get("/api/choices");
    await open(null);
    show($("#content"), form(choices), work);
  } catch (error) {
    return show($("#content"), failure(error), work);
  }
  await view.resume("ingest");
});

function form(choices) {
  const profile = h("select", { name: "profile" }, options(choices.profiles, choices.profile));
  const sample = h("select", { name: "sample" }, options(known(choices.sampling, choices.sample), choices.sample));
  const named = h("input", { type: "text", name: "show", autocomplete: "off", maxlength: 200 });
  const places = h("fieldset", { class: "card" }, h("legend", {}, "Folder"), field("Path of a folder or a file", input, "Choose a folder below, or paste a path and press Enter."), browser, uploads.el);
  uploads.dropOn(places);
  const made = h(
    "form",
    { class: "export-form" },
    places,
    h(
      "fieldset",
      { class: "card" },
      h("legend", {}, "Models and frames"),
      h("div", { class: "fields" }, field("Models", profile, "anime: for anime; tiny: small and fast, to try it out; none: no models"), field("Frames", sample, "keyframes is a good start"), field("Show", named, "default: read from the names of the files")),
    ),
    h("p", { class: "actions" }, h("button", { class: "primary", id: "ingest" }, "Ingest"), wrong),
  );
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || input.value.trim() === here?.path) return;
    event.preventDefault();
    open(input.value.trim()).catch(tellWrong);
  });
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    ingest({ profile: profile.value, sample: sample.value, show: named.value.trim() || null });
  });
  return made;
}

const known = (names, chosen) => (names.includes(chosen) ? names : [...names, chosen]);

async function open(path) {
  wrong.textContent = "";
  const answer = await api.get("/api/folders", path ? { path } : {});
  [roots, here] = [answer.roots, answer.folder];
  if (!path || here.path.startsWith(path) || input.value === "") input.value = here.path;
  else input.value = path;
  draw();
}

const go = (path, focus = true) => open(path).then(() => focus && browser.querySelector("button")?.focus()).catch(tellWrong);

function draw() {
  const found = [here.videos && counted(here.videos, "episode"), here.archives && counted(here.archives, "archive"), here.pictures && counted(here.pictures, "picture")].filter(Boolean);
  const others = roots.filter((root) => root !== here.path);
  show(
    browser,
    h("p", { class: "row" }, here.parent && button("↑ Up", () => go(here.parent), { "aria-label": "Up to the folder above" }), others.map((root) => button(root, () => go(root), { class: "link" }))),
    h("p", { class: "hint", role: "status" }, found.length ? `${found.join(", ")} in this folder` : "No episodes or pictures directly in this folder", here.folders.length ? "; folders inside are read too" : "", "."),
    h("ul", { class: "folders" }, here.folders.map(({ name, title }) => h("li", {}, button(["📁 ", title], () => ((input.value = name), go(name)), { class: "quiet" })))),
    here.truncated && h("p", { class: "hint" }, "There are more folders. Paste the path of yours."),
  );
}

async function ingest(choice) {
  wrong.textContent = "";
  try {
    await view.start({ kind: "ingest", paths: [input.value.trim()], ...choice });
    work.scrollIntoView({ block: "nearest" });
  } catch (error) {
    tellWrong(error);
  }
}

function tellWrong(error) {
  wrong.textContent = [error.message, error.hint].filter(Boolean).join(" – ");
}

function finished(report) {
  const lost = report.failed ?? [];
  const next = [
    h("a", { class: "button primary", href: "/" }, "See the frames"),
    h("a", { class: "button", href: "/duplicates" }, "Find near-duplicates"),
    h("a", { class: "button", href: "/clusters" }, "Name the faces"),
  ];
  return [
    h("h2", { id: "ingest-done" }, `Done: ${counted(report.frames, "frame")} from ${counted(report.sources - lost.length, "source")}`),
    lost.length ? h("ul", {}, lost.map((one) => h("li", { class: "wrong" }, `${one.title}: ${one.message}${one.hint ? ` – ${one.hint}` : ""}`))) : null,
    report.frames ? h("p", { class: "row" }, next) : empty("Nothing was added"),
  ];
}
