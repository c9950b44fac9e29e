/* Faces that look like one person: a name is typed under each group; groups are merged and split. */

import * as api from "./api.js";
import { start } from "./chrome.js";
import { readOnly } from "./corrections.js";
import { $, button, empty, failure, h, options, show, tellError } from "./dom.js";
import { counted } from "./format.js";
import { Groups } from "./groups.js";
import { JobView } from "./jobs.js";

const place = $("#content");
const work = h("section", { "aria-label": "Progress" });
const names = h("datalist", { id: "cast" });
const view = new JobView(work, { done: finished });
const groups = new Groups({ names: "cast", card, load, name, merge, split });

start(async () => {
  const run = readOnly() ? null : h("p", { class: "row" }, button("Group faces", () => begin({ kind: "cluster" }), { id: "cluster" }), groups.merging, button("Name all faces", () => begin({ kind: "classify" }), { id: "classify", class: "primary", title: "Compare every face with the named ones" }));
  show(place, run, work, names, groups.el);
  await load();
  if (!readOnly()) for (const kind of ["cluster", "classify"]) if (!view.stop) await view.resume(kind);
});

async function load() {
  try {
    const [found, known] = await Promise.all([api.get("/api/clusters"), api.characters()]);
    show(names, options(known.map(({ name: called }) => called)));
    groups.draw(found, empty("No groups of faces yet", h("p", {}, readOnly() ? "This service is read-only." : "Press Group faces: faces that look like one person come together, and you type a name under each group.")));
  } catch (error) {
    show(groups.el, failure(error, load));
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

function card({ cluster, name: called, n_faces: n, n_episodes: episodes, faces }) {
  const title = `Group ${cluster}`;
  const pictures = faces.map((face) => h("a", { class: "face-card", href: `/frames/${encodeURIComponent(face.frame_id)}`, draggable: "false" }, h("img", { src: api.faceCrop(face), alt: `face of ${called ?? title}`, loading: "lazy", draggable: "false" })));
  return { number: cluster, title, name: called, facts: `${counted(n, "face")} in ${counted(episodes, "episode")}`, pictures };
}

async function name(cluster, called) {
  const { added } = await api.post(`/api/clusters/${cluster}/name`, { name: called });
  return `Group ${cluster} is ${called}: ${counted(added, "example")} added`;
}

async function merge(clusters) {
  await api.post("/api/clusters/merge", { clusters });
  return `${counted(clusters.length, "group")} merged`;
}

async function split(cluster) {
  const { sizes } = await api.post(`/api/clusters/${cluster}/split`, {});
  return `Split into ${counted(Object.keys(sizes).length, "group")}`;
}
