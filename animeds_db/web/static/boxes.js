/* Boxes and names over pictures. One SELECT fetches them for all frames in view; they are cached. */

import * as api from "./api.js";
import { svg } from "./dom.js";
import { hue, plainCharacter } from "./format.js";

const KEPT = 4000;
const ASKED = `SELECT frame_id, detection_id, kind, "left", top, "right", bottom, character, character_score, margin
FROM identified_detections WHERE kind = 'face' AND frame_id IN`;

export class Boxes {
  constructor(changed) {
    this.changed = changed;
    this.known = new Map();
    this.on = false;
  }

  get(id) {
    return this.on ? this.known.get(id) : undefined;
  }

  async need(ids) {
    if (!this.on) return;
    const missing = ids.filter((id) => !this.known.has(id));
    if (!missing.length) return;
    const found = await facesOf(missing);
    if (this.known.size > KEPT) this.known.clear();
    for (const id of missing) this.known.set(id, found.get(id) ?? []);
    this.changed();
  }

  forget() {
    this.known.clear();
  }
}

/* Returns the boxes of these frames: a Map from frame_id to rows of identified_detections. */
export async function facesOf(ids) {
  const found = new Map();
  if (!ids.length) return found;
  const answer = await api.sql(`${ASKED} (${ids.map(api.quoted).join(", ")}) ORDER BY frame_id, "left"`, {
    limit: 10000,
  });
  for (const face of api.records(answer)) {
    if (!found.has(face.frame_id)) found.set(face.frame_id, []);
    found.get(face.frame_id).push(face);
  }
  return found;
}

/* Returns an SVG with the size of the displayed picture. The box with id `current` is highlighted. */
export function overlay(boxes, width, height, { current = null, names = true } = {}) {
  const root = svg("svg", { class: "boxes", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const size = Math.max(9, Math.min(14, height / 12));
  for (const box of boxes) root.append(...drawn(box, width, height, size, box.detection_id === current, names));
  return root;
}

const ruler = document.createElement("canvas").getContext("2d");

function widthOf(words, size) {
  ruler.font = `600 ${size}px ${getComputedStyle(document.body).fontFamily}`;
  return ruler.measureText(words).width;
}

function drawn(box, width, height, size, current, names) {
  const [x, y] = [box.left * width, box.top * height];
  const [w, h] = [(box.right - box.left) * width, (box.bottom - box.top) * height];
  const known = box.character && !["unknown", "ood"].includes(box.character);
  const look = `box ${box.kind ?? "face"} ${known ? `hue-${hue(box.character)}` : "nobody"}${current ? " current" : ""}`;
  const rect = svg("rect", { class: look, x, y, width: w, height: h, rx: 2 });
  if (!names || !box.character || (!known && !current)) return [rect];
  const words = plainCharacter(box.character);
  const wide = Math.min(widthOf(words, size) + 7, width);
  const left = Math.min(x, width - wide);
  const above = y > size + 4 ? y - size - 4 : Math.min(y + h, height - size - 4);
  return [
    rect,
    svg("rect", { class: "plate", x: left, y: above, width: wide, height: size + 4, rx: 2 }),
    svg("text", { class: "name", x: left + 3, y: above + size * 0.82 + 2, "font-size": size }, words),
  ];
}
