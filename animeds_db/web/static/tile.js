/* One tile of the grid: picture, characters, time. A tile depends only on its frame, so it can be redrawn at any time.
   A clip is drawn as the frame that represents it. */

import { thumbnail } from "./api.js";
import { overlay } from "./boxes.js";
import { $, h, show } from "./dom.js";
import { clock, plainCharacter, score, where } from "./format.js";

const CAPTION = 22;

export const tileSize = (width) => Math.round((width * 9) / 16) + CAPTION;

export const blankTile = (i) => h("div", { class: "tile", role: "listitem", data: { i, frame: "" } });

export function drawTile(tile, frame, { current, chosen, link, boxes, width, of, place }) {
  tile.classList.toggle("current", current);
  tile.classList.toggle("chosen", chosen);
  if (of) {
    tile.setAttribute("aria-setsize", of);
    tile.setAttribute("aria-posinset", place + 1);
  }
  if (!frame) return;
  tile.classList.toggle("dropped", frame.dropped);
  tile.classList.toggle("pending", Boolean(frame.pending));
  if (tile.dataset.frame !== (frame.clip_id ?? frame.frame_id)) build(tile, frame);
  const anchor = $("a", tile);
  anchor.href = link(frame);
  anchor.tabIndex = current ? 0 : -1;
  anchor.setAttribute("aria-label", spokenTile(frame, chosen));
  $(".who", tile).textContent = frame.dropped ? "dropped" : frame.characters.map(plainCharacter).join(", ");
  $(".choose", tile).setAttribute("aria-pressed", chosen);
  drawOver($(".pic", tile), boxes?.get(frame.frame_id), frame, width);
}

function build(tile, frame) {
  tile.dataset.frame = frame.clip_id ?? frame.frame_id;
  const img = frame.frame_id && h("img", { alt: "", decoding: "async", draggable: "false", data: { src: thumbnail(frame.frame_id) } });
  img?.addEventListener("load", () => img.classList.add("there"));
  const pic = h("span", { class: "pic" }, img);
  pic.style.aspectRatio = `${frame.width || 16} / ${frame.height || 9}`;
  pic.classList.toggle("tall", (frame.width || 16) / (frame.height || 9) < 16 / 9);
  show(
    tile,
    h("a", { class: "shot" }, pic),
    h(
      "div",
      { class: "cap" },
      h("span", { class: "who" }),
      h("span", { class: "at" }, below(frame)),
    ),
    h("button", { type: "button", class: "choose", tabindex: "-1", "aria-label": "Select", title: "Select (v)" }, "✓"),
  );
}

const below = (frame) =>
  frame.length ? `${clock(frame.time_s)}, ${frame.length}` : frame.score === null || frame.score === undefined ? where(frame) : score(frame.score);

function drawOver(pic, found, frame, width) {
  $("svg", pic)?.remove();
  if (!found?.length) return;
  const ratio = (frame.width || 16) / (frame.height || 9);
  const across = ratio < 16 / 9 ? ((width * 9) / 16) * ratio : width;
  pic.append(overlay(found, across, across / ratio));
}

function spokenTile(frame, chosen) {
  const who = frame.characters.length ? frame.characters.map(plainCharacter).join(", ") : "no named character";
  return [where(frame) || frame.frame_id, frame.length, who, frame.dropped && "dropped", chosen && "selected"].filter(Boolean).join(", ");
}
