/* The list of characters, with faces and examples. */

import * as api from "./api.js";
import { start } from "./chrome.js";
import { $, empty, failure, h, show } from "./dom.js";
import { count, counted } from "./format.js";

start(load);

async function load() {
  const place = $("#content");
  try {
    const all = await api.characters();
    if (!all.length) return show(place, nobody());
    const most = Math.max(1, ...all.map((row) => row.faces ?? 0));
    show(place, h("div", { class: "cards" }, all.map((row) => card(row, most))), faceLink());
  } catch (error) {
    show(place, failure(error, load));
  }
}

const nobody = () =>
  empty(
    "No characters are named yet",
    h("p", {}, "Group the faces, and type a name under each group. Or name faces by hand: open a frame and press c."),
    h("p", { class: "row" }, h("a", { class: "button primary", href: "/clusters" }, "Group and name faces"), h("a", { class: "button", href: "/" }, "Show the frames")),
  );

const faceLink = () => h("p", { class: "hint" }, "Unknown faces are listed by ", h("a", { href: "/queries/unknown_faces" }, "the query unknown_faces"), "; doubtful names in ", h("a", { href: "/review" }, "the review"), ".");

function card(row, most) {
  const bar = h("span", {});
  bar.style.width = `${(100 * (row.faces ?? 0)) / most}%`;
  const faces = row.sample.slice(0, 4);
  return h(
    "article",
    { class: "card" },
    h("div", { class: "head-line" }, h("h2", {}, h("a", { href: `/characters/${encodeURIComponent(row.name)}` }, row.name)), h("span", { class: "hint" }, `${count(row.faces ?? 0)} faces`)),
    h("div", { class: "strip" }, faces.map((face) => h("img", { src: api.faceCrop(face), alt: "", loading: "lazy" }))),
    h("span", { class: "meter", "aria-hidden": "true" }, bar),
    h("p", { class: "hint" }, [row.frames !== undefined && counted(row.frames, "frame"), row.examples ? counted(row.examples, "example") : "no examples: named by people or by tags"].filter(Boolean).join(", ")),
  );
}
