/* What an export would write: its folders, what is left out, and some of its pictures. */

import * as api from "./api.js";
import { h } from "./dom.js";
import { count, counted } from "./format.js";

const HEADS = { folder: "Folder", pictures: "Pictures", repeats: "Repeats", samples: "Samples", probability: "Share", weight: "Weight", target: "Target share" };

/* Returns the folders that an export would write, what it leaves out, and some of its pictures with their captions. */
export function previewed({ folders, notes, pictures }) {
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
    pictures.length ? [h("h3", {}, pictures.length < total ? `${count(pictures.length)} of them` : "The pictures"), differences(pictures), h("ul", { class: "preview" }, pictures.map(picture))] : null,
  );
}

/* Returns what an export wrote, with a link to its ZIP file and `more` buttons. */
export function finished({ n_pictures: n, folder, notes }, unit, ...more) {
  return [
    h("h2", { id: "export-done" }, `Done: ${counted(n, unit)}`),
    h("p", {}, "In ", h("code", {}, folder)),
    h("p", { class: "row" }, h("a", { class: "button primary", id: "download", href: `/api/exports/${encodeURIComponent(folder)}/zip`, download: `${folder}.zip` }, "Download ZIP"), more),
    notes?.length ? h("ul", {}, notes.map((note) => h("li", { class: "hint" }, note))) : null,
  ];
}

/* How many of the shown captions differ from those of the last export to this folder. */
function differences(pictures) {
  if (!pictures.length || pictures[0].is_new === undefined) return null;
  const fresh = pictures.filter((one) => one.is_new).length;
  const changed = pictures.filter((one) => !one.is_new && one.before !== one.caption).length;
  return h("p", { class: "hint", id: "differences" }, `Compared with the last export to this folder, ${count(changed)} of these ${counted(pictures.length, "caption")} change, and ${counted(fresh, "picture is new", "pictures are new")}.`);
}

/* The caption; where the last export wrote another one, with what goes and what comes. */
function captionOf({ caption, before, is_new: isNew }) {
  if (isNew === undefined || isNew || before === caption) return h("span", { class: "caption" }, caption ?? "no caption", isNew && h("span", { class: "badge plain" }, "new"));
  const [old, now] = [before, caption].map((text) => (text ?? "").split(", ").filter(Boolean));
  const gone = old.filter((tag) => !now.includes(tag)).map((tag) => h("del", {}, tag));
  const parts = now.map((tag) => (old.includes(tag) ? tag : h("ins", {}, tag)));
  const list = [...gone, ...parts].flatMap((part, i) => (i ? [", ", part] : [part]));
  return h("span", { class: "caption changed" }, list.length ? list : "no caption");
}

function picture({ folder, frame_id: frame, crop, repeats, ...texts }) {
  const src = crop ? `/api/frames/${encodeURIComponent(frame)}/crop?box=${crop.map((edge) => edge.toFixed(5)).join(",")}` : api.thumbnail(frame);
  return h(
    "li",
    {},
    h("a", { href: `/frames/${encodeURIComponent(frame)}` }, h("img", { src, alt: `frame ${frame}`, loading: "lazy" })),
    h("p", {}, h("span", { class: "code hint" }, folder === "." ? "" : folder, repeats > 1 ? ` × ${repeats}` : ""), captionOf(texts)),
  );
}
