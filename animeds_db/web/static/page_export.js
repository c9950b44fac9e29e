/* The export page: the selection, the form, a preview that follows the form, and the export with its progress. */

import * as api from "./api.js";
import { start } from "./chrome.js";
import { $, button, debounce, empty, failure, field, h, show } from "./dom.js";
import { exportOptions, fill, values } from "./exportform.js";
import { finished, previewed } from "./exportpreview.js";
import { counted, spoken } from "./format.js";
import { JobView } from "./jobs.js";
import { keyButton } from "./keys.js";
import { Recipes, made } from "./recipes.js";
import { address, hidden, manner, pieces, selection, setManner, startedBy, without } from "./selection.js";
import { toggleSql } from "./sqlpanel.js";

const place = $("#content");
const wrong = h("p", { class: "wrong", role: "alert" });
const plan = h("section", { "aria-label": "Preview", "aria-live": "polite" });
const work = h("section", { "aria-label": "Progress" });
const saved = h("section", { "aria-label": "Saved recipes" });
const view = new JobView(work, { done: (report, { kind }) => (kind === "make" ? made(report) : finished(report, "picture", button("Save as a recipe", () => recipes.save(), { id: "save-done" }))), began: (job) => setManner({ job, out: name.value.trim() }) });
const sqlPanel = h("div", {});
const card = h("section", { class: "card" });
const howMany = h("h2", { id: "how-many", role: "status" });
const leftOut = h("span", { class: "hint" });
const form = h("form", { class: "export-form" });
const name = h("input", { type: "text", required: true, pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]*", maxlength: 80, autocomplete: "off" });
const recipes = new Recipes(saved, view, () => request(false));
const PAUSE_MS = 500;
let groups = [];
let latest = 0;

start(async () => {
  try {
    groups = exportOptions(await api.get("/api/choices"));
  } catch (error) {
    return show(place, failure(error));
  }
  draw();
  recipes.load();
  count();
  const job = manner("job");
  if (job) await view.follow(job);
  if (!("readOnly" in document.body.dataset)) dryRun();
});

/* Counts the frames of the selection, and those that are left out because they are blank or subtitled. */
async function count() {
  const mine = selection().toString();
  const all = new URLSearchParams([...exported()].map(([key, value]) => [key, key === "hide" ? "none" : value]));
  try {
    const [n, every] = await Promise.all([api.count(exported()), api.count(all)]);
    if (mine !== selection().toString()) return;
    howMany.textContent = counted(n, "frame");
    leftOut.textContent = every > n ? `${counted(every - n, "blank or subtitled frame")} left out` : "";
  } catch (error) {
    howMany.textContent = error.message;
  }
}

function draw() {
  name.value = manner("out", suggested());
  fill(form, groups, new URLSearchParams(location.search));
  if (selection().get("p.copies") === "true") form.elements.copies.checked = true;
  const buttons = h(
    "p",
    { class: "actions" },
    button("Preview", () => dryRun().then(() => plan.scrollIntoView({ block: "nearest" })), { id: "dry-run" }),
    h("button", { class: "primary", id: "export" }, "Export"),
    button("Save as a recipe", () => form.reportValidity() && recipes.save(), { id: "save-recipe", title: "A file that does all of this again, with `animeds make`" }),
    keyButton("See the SQL", "s", () => toggleSql(sqlPanel, selection())),
    wrong,
  );
  form.elements.layout.closest(".fields").prepend(field("Name of the folder", name, "It is created in the service's export folder."));
  form.append(buttons);
  form.addEventListener("submit", (event) => (event.preventDefault(), run()));
  form.addEventListener("input", debounce(PAUSE_MS, () => form.checkValidity() && dryRun()));
  const refused = refusal();
  if (refused) for (const id of ["#export", "#save-recipe"]) form.querySelector(id).disabled = true;
  if ("readOnly" in document.body.dataset) form.querySelector("#dry-run").disabled = true;
  show(place, refused, chosen(), sqlPanel, form, plan, work, saved);
}

/* Returns a notice if this service cannot export, else null. It is shown before the form is filled in. */
function refusal() {
  if ("readOnly" in document.body.dataset) return h("p", { class: "notice", role: "status" }, "This service is read-only. Start it without ", h("code", {}, "--read-only"), " to export.");
  if (!("exports" in document.body.dataset)) return h("p", { class: "notice", role: "status" }, "This service writes no exports. Start it with ", h("code", {}, "animeds serve --exports FOLDER"), " to allow them. The preview shows what it would write.");
  return null;
}

/* Shows the selection. Each part of it can be removed here. */
function chosen() {
  const params = selection();
  const chips = pieces(params).map(({ name: part, what, value }) => {
    const short = value.length > 80 ? `${value.slice(0, 77)}…` : value;
    const words = h("span", { class: "words" }, h("span", { class: "what" }, what), " ", part === "tag" ? spoken(short) : short);
    return h("span", { class: "piece" }, words, button("×", () => remove(part, value), { class: "quiet", "aria-label": `Remove ${what} ${short}` }));
  });
  howMany.textContent = "Counting the frames…";
  leftOut.textContent = "";
  return show(
    card,
    h("div", { class: "head-line" }, howMany, leftOut, h("a", { href: address("/", params) }, "Show them")),
    chips.length ? h("div", { class: "chips" }, chips) : h("p", { class: "hint" }, "All frames. To export fewer, filter them on the Frames page and press Export there."),
  );
}

/* Removes a part of the selection; the form keeps what was filled in. */
function remove(part, value) {
  const now = new URLSearchParams(location.search);
  const next = part === "query" ? startedBy(now, "query", "") : without(now, part, value);
  history.replaceState(null, "", address(location.pathname, next));
  chosen();
  card.querySelector("a").focus();
  count();
  dryRun();
}

function suggested() {
  const words = pieces(selection()).map(({ value }) => value).join("_").toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 40);
  return words || "frames";
}

/* The selection of the export. Near-duplicates and dropped frames are left out by the export itself, which counts them. */
function exported() {
  const sent = new URLSearchParams(selection());
  sent.set("hide", hidden(sent).filter((word) => ["blank", "subtitled"].includes(word)).join(",") || "none");
  return sent;
}

function request(dry) {
  const { layout, ...rest } = values(form, groups);
  return { selection: exported().toString(), layout, out: name.value.trim(), options: rest, dry_run: dry };
}

/* Shows what the form would write. Only the newest answer counts. */
async function dryRun() {
  const mine = ++latest;
  wrong.textContent = "";
  plan.setAttribute("aria-busy", "true");
  try {
    const answer = await api.post("/api/exports", request(true));
    if (mine !== latest) return;
    show(plan, answer.folders.length ? previewed(answer) : empty("Nothing would be written", answer.notes[0] ?? "No frame is in this selection."));
  } catch (error) {
    if (mine !== latest) return;
    show(plan);
    tellWrong(error);
  } finally {
    if (mine === latest) plan.removeAttribute("aria-busy");
  }
}

function tellWrong(error) {
  wrong.textContent = [error.message, error.hint].filter(Boolean).join(" – ");
}

async function run() {
  wrong.textContent = "";
  try {
    await view.start(request(false), "/api/exports");
    work.scrollIntoView({ block: "nearest" });
  } catch (error) {
    tellWrong(error);
  }
}
