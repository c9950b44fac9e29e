/* Faces that look like one person: a name is typed under each group; groups are merged and split. */

import * as api from "./api.js";
import { start } from "./chrome.js";
import { readOnly } from "./corrections.js";
import { $, button, empty, failure, h, options, show, tellError, toast } from "./dom.js";
import { counted } from "./format.js";
import { JobView } from "./jobs.js";

const place = $("#content");
const list = h("div", { class: "clusters", "aria-busy": "true" });
const work = h("section", { "aria-label": "Progress" });
const names = h("datalist", { id: "cast" });
const chosen = new Set();
const merging = button("Merge the selected", () => merge([...chosen]), { id: "merge", disabled: true });
const view = new JobView(work, { done: finished });
let groups = [];

start(async () => {
  const run = readOnly() ? null : h("p", { class: "row" }, button("Group faces", () => begin({ kind: "cluster" }), { id: "cluster" }), merging, button("Name all faces", () => begin({ kind: "classify" }), { id: "classify", class: "primary", title: "Compare every face with the named ones" }));
  show(place, run, work, names, list);
  await load();
  if (!readOnly()) for (const kind of ["cluster", "classify"]) if (!view.stop) await view.resume(kind);
});

async function load() {
  try {
    const [found, known] = await Promise.all([api.get("/api/clusters"), api.characters()]);
    groups = found;
    show(names, options(known.map(({ name }) => name)));
    chosen.clear();
    draw();
  } catch (error) {
    show(list, failure(error, load));
  }
}

async function begin(body) {
  try {
    await view.start(body);
  } catch (error) {
    tellError(error);
  }
}

function finished(report, job) {
  queueMicrotask(load);
  if (job.kind === "cluster") return h("h2", { id: "cluster-done" }, `Done: ${counted(report.clusters, "group")} of ${counted(report.grouped, "face")}`);
  const known = report.rows.filter(({ character }) => !["unknown", "ood"].includes(character));
  return [h("h2", { id: "classify-done" }, `Done: ${counted(known.reduce((sum, row) => sum + row.faces, 0), "face")} named`), h("p", { class: "row" }, h("a", { class: "button primary", href: "/characters" }, "See the characters"), h("a", { class: "button", href: "/review" }, "Review doubtful names"))];
}

function draw() {
  merging.disabled = chosen.size < 2;
  if (!groups.length) return show(list, empty("No groups of faces yet", h("p", {}, readOnly() ? "This service is read-only." : "Press Group faces: faces that look like one person come together, and you type a name under each group.")));
  show(list, groups.map(card));
}

function card(group) {
  const { cluster, name, faces } = group;
  const title = `Group ${cluster}`;
  const props = { class: "card cluster", "aria-label": title, data: { cluster } };
  if (!readOnly()) Object.assign(props, { draggable: "true", ondragstart: (event) => event.dataTransfer.setData("text/plain", String(cluster)), ondragover: (event) => event.preventDefault(), ondrop: (event) => dropped(event, cluster) });
  return h(
    "article",
    props,
    h("div", { class: "head-line" }, h("h2", {}, name ?? title), h("span", { class: "hint" }, `${counted(group.n_faces, "face")} in ${counted(group.n_episodes, "episode")}`)),
    h("div", { class: "faces" }, faces.map((face) => h("a", { class: "face-card", href: `/frames/${encodeURIComponent(face.frame_id)}`, draggable: "false" }, h("img", { src: api.faceCrop(face), alt: `face of ${name ?? title}`, loading: "lazy", draggable: "false" })))),
    readOnly() ? null : tools(group, title),
  );
}

function tools({ cluster, name }, title) {
  const input = h("input", { type: "text", list: "cast", autocomplete: "off", maxlength: 200, required: true, placeholder: "Name", "aria-label": `Name of ${title}`, value: name ?? "" });
  const box = h("input", { type: "checkbox", checked: chosen.has(cluster), "aria-label": `Select ${title}`, onchange: () => (box.checked ? chosen.add(cluster) : chosen.delete(cluster), (merging.disabled = chosen.size < 2)) });
  const form = h("form", { class: "row" }, input, h("button", {}, "Name"), button("Split", () => change(`/api/clusters/${cluster}/split`, {}, ({ sizes }) => `Split into ${Object.keys(sizes).length} groups`), { "aria-label": `Split ${title}` }), h("label", { class: "row" }, box, "select"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const called = input.value.trim();
    change(`/api/clusters/${cluster}/name`, { name: called }, ({ added }) => `${title} is ${called}: ${counted(added, "example")} added`);
  });
  return form;
}

function dropped(event, onto) {
  event.preventDefault();
  const other = Number(event.dataTransfer.getData("text/plain"));
  if (other && other !== onto) merge([onto, other]);
}

const merge = (clusters) => change("/api/clusters/merge", { clusters }, () => `${counted(clusters.length, "group")} merged`);

async function change(path, body, words) {
  list.setAttribute("aria-busy", "true");
  try {
    toast(words(await api.post(path, body)));
    await load();
  } catch (error) {
    tellError(error);
  } finally {
    list.removeAttribute("aria-busy");
  }
}
