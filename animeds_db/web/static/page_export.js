/* The export page: the selection, the form, a dry run, and the export with its progress. */

import * as api from "./api.js";
import { start } from "./chrome.js";
import { $, button, empty, failure, field, h, show, tellError } from "./dom.js";
import { exportOptions, fill, values } from "./exportform.js";
import { count, counted, seconds } from "./format.js";
import { keyButton } from "./keys.js";
import { address, manner, pieces, selection, setManner } from "./selection.js";
import { toggleSql } from "./sqlpanel.js";

const place = $("#content");
const wrong = h("p", { class: "wrong", role: "alert" });
const plan = h("section", { "aria-label": "Dry run", "aria-live": "polite" });
const work = h("section", { "aria-label": "Progress" });
const sqlPanel = h("div", {});
const form = h("form", { class: "export-form" });
const name = h("input", { type: "text", required: true, pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]*", maxlength: 80, autocomplete: "off" });
let following = null;
let groups = [];

start(async () => {
  try {
    groups = exportOptions(await api.get("/api/choices"));
  } catch (error) {
    return show(place, failure(error));
  }
  draw();
  const job = manner("job");
  if (job) follow(job);
  try {
    const n = await api.count(selection());
    $("#how-many").textContent = counted(n, "frame");
  } catch (error) {
    $("#how-many").textContent = error.message;
  }
});

function draw() {
  name.value = manner("out", suggested());
  fill(form, groups, new URLSearchParams(location.search));
  if (selection().get("p.copies") === "true") form.elements.copies.checked = true;
  const buttons = h(
    "p",
    { class: "actions" },
    button("Dry run", dryRun, { id: "dry-run" }),
    h("button", { class: "primary", id: "export" }, "Export"),
    keyButton("See the SQL", "s", () => toggleSql(sqlPanel, selection())),
    wrong,
  );
  form.elements.layout.closest(".fields").prepend(field("Name of the folder", name, "It is created in the service's export folder."));
  form.append(buttons);
  form.addEventListener("submit", (event) => (event.preventDefault(), run()));
  const refused = refusal();
  if (refused) form.querySelector("#export").disabled = true;
  if ("readOnly" in document.body.dataset) form.querySelector("#dry-run").disabled = true;
  show(place, refused, chosen(), sqlPanel, form, plan, work);
}

/* Returns a notice if this service cannot export, else null. It is shown before the form is filled in. */
function refusal() {
  if ("readOnly" in document.body.dataset) return h("p", { class: "notice", role: "status" }, "This service is read-only. Start it without ", h("code", {}, "--read-only"), " to export.");
  if (!("exports" in document.body.dataset)) return h("p", { class: "notice", role: "status" }, "This service writes no exports. Start it with ", h("code", {}, "animeds serve --exports FOLDER"), " to allow them. A dry run is possible anyway.");
  return null;
}

function chosen() {
  const params = selection();
  const chips = pieces(params).map(({ what, value }) => h("span", { class: "piece" }, h("span", { class: "what" }, what), value.length > 80 ? `${value.slice(0, 77)}…` : value, " "));
  return h(
    "section",
    { class: "card" },
    h("div", { class: "head-line" }, h("h2", { id: "how-many", role: "status" }, "…"), h("a", { href: address("/", params) }, "Show them")),
    chips.length ? h("div", { class: "chips" }, chips) : h("p", { class: "hint" }, "All frames. To export fewer, filter them on the Frames page and press Export there."),
  );
}

function suggested() {
  const words = [...selection().values()].join("_").toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 40);
  return words || "frames";
}

function request(dry) {
  const { layout, ...rest } = values(form, groups);
  return { selection: selection().toString(), layout, out: name.value.trim(), options: rest, dry_run: dry };
}

async function dryRun() {
  wrong.textContent = "";
  show(plan, h("p", { class: "hint" }, "Counting…"));
  try {
    const { folders, notes } = await api.post("/api/exports", request(true));
    show(plan, folders.length ? folderTable(folders, notes) : empty("Nothing would be written", notes[0] ?? "No frame is in this selection."));
    plan.scrollIntoView({ block: "nearest" });
  } catch (error) {
    show(plan);
    tellWrong(error);
  }
}

function tellWrong(error) {
  wrong.textContent = [error.message, error.hint].filter(Boolean).join(" – ");
}

const HEADS = { folder: "Folder", pictures: "Pictures", repeats: "Repeats", samples: "Samples", probability: "Share", weight: "Weight", target: "Target share" };

function folderTable(folders, notes) {
  const names = Object.keys(HEADS).filter((key) => key in folders[0]);
  const total = folders.reduce((sum, row) => sum + row.pictures, 0);
  return h(
    "div",
    { class: "card" },
    h("h2", {}, `Would write ${counted(total, "picture")} in ${counted(folders.length, "folder")}`),
    notes.map((note) => h("p", { class: "hint" }, note)),
    h(
      "div",
      { class: "table-scroll" },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, names.map((key) => h("th", { scope: "col", class: key === "folder" ? null : "number" }, HEADS[key])))),
        h("tbody", {}, folders.slice(0, 500).map((row) => h("tr", {}, names.map((key) => h("td", { class: key === "folder" ? "code" : "number" }, key === "probability" || key === "target" ? `${(100 * row[key]).toFixed(1)} %` : String(row[key])))))),
      ),
    ),
  );
}

async function run() {
  wrong.textContent = "";
  try {
    const { job } = await api.post("/api/exports", request(false));
    setManner({ job, out: name.value.trim() });
    follow(job);
  } catch (error) {
    tellWrong(error);
  }
}

/* Shows the progress of a job. The service runs it, so this page can be closed and opened again. */
async function follow(job) {
  following?.();
  const path = `/api/exports/${encodeURIComponent(job)}`;
  const bar = h("progress", { max: 100, "aria-label": "Export" });
  const words = h("p", { role: "status" }, "Starting…");
  const cancel = button("Stop", () => api.post(`${path}/cancel`).catch(tellError));
  show(work, h("div", { class: "card" }, h("h2", {}, "Export"), bar, words, h("p", { class: "row" }, cancel, h("span", { class: "hint" }, "The export continues if you close this page. Open this address to see it again."))));
  work.scrollIntoView({ block: "nearest" });
  const began = performance.now();
  try {
    await api.get(path);
  } catch (error) {
    return show(work, failure(error));
  }
  following = api.follow(`${path}/events`, (kind, data) => {
    if (kind === "progress") tell(bar, words, data, began);
    else if (kind === "lost") words.textContent = "Connection lost; reconnecting…";
    else ended(kind, data);
  });
}

function tell(bar, words, { done, total }, began) {
  bar.max = Math.max(1, total);
  bar.value = done;
  const took = (performance.now() - began) / 1000;
  const left = done > 5 && took > 2 ? `, about ${seconds((took / done) * (total - done))} left` : "";
  words.textContent = `${count(done)} of ${counted(total, "picture")}${left}`;
}

function ended(kind, data) {
  if (kind === "error") return show(work, failure(data.error ?? data));
  if (kind === "cancelled") return show(work, h("div", { class: "card" }, h("h2", {}, "Stopped"), h("p", {}, "Finished pictures are kept. Run the same export again to continue.")));
  const report = data.report ?? data;
  const n = report.n_pictures ?? report.pictures ?? 0;
  show(
    work,
    h(
      "div",
      { class: "card done" },
      h("h2", { id: "export-done" }, `Done: ${counted(n, "picture")}`),
      h("p", {}, "In ", h("code", {}, report.folder ?? report.out ?? name.value)),
      (report.notes ?? []).length ? h("ul", {}, report.notes.map((note) => h("li", { class: "hint" }, note))) : null,
    ),
  );
}
