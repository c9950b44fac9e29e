/* The crop editor of a frame: a box drawn by hand, for the whole picture or for one of its boxes. It is a label, and
   exports cut it out. By mouse: draw, move, pull at an edge. By keyboard: arrows move it, Shift and an arrow resize it. */

import { button, h, options } from "./dom.js";
import { plainCharacter } from "./format.js";

const LEAST = 0.02;
const STEP = 0.02;
const ROOM = 0.3;
const EDGES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const clamped = (x) => Math.min(1, Math.max(0, x));

/* Returns what can be cropped: [id, words, first box], the whole picture first. */
export function targets({ frame, faces, heads, halfbodies, persons, crops }) {
  const drawn = (id) => crops.find((one) => (one.detection_id ?? frame.frame_id) === id)?.crop ?? null;
  const boxes = [["face", faces], ["head", heads], ["half body", halfbodies], ["person", persons]].flatMap(([kind, some]) =>
    (some ?? []).map((box, i) => {
      const name = box.character ? `: ${plainCharacter(box.character)}` : "";
      return { id: box.detection_id, words: `${kind} ${i + 1}${name}`, drawn: drawn(box.detection_id), first: roomy(box) };
    }),
  );
  return [{ id: frame.frame_id, words: "the whole picture", drawn: drawn(frame.frame_id), first: [0.1, 0.1, 0.9, 0.9] }, ...boxes];
}

const roomy = ({ left, top, right, bottom }) => {
  const [x, y] = [(right - left) * ROOM, (bottom - top) * ROOM];
  return [left - x, top - y, right + x, bottom + y].map(clamped);
};

export class CropBox {
  /* `on.apply(target, box)`, `on.remove(target)` and `on.cancel()` hear of the end. */
  constructor(known, wanted, on) {
    Object.assign(this, { on, size: known.frame, all: targets(known) });
    this.target = this.all.find(({ id }) => id === wanted) ?? this.all[0];
    this.box = h("div", { class: "crop-box", tabindex: "0", role: "group", "aria-label": "Crop: arrows move it, Shift and an arrow resize it, Enter applies it" }, EDGES.map((edge) => h("span", { class: `edge ${edge}`, data: { edge } })));
    this.layer = h("div", { class: "crop-layer" }, this.box);
    this.words = h("output", { class: "hint" });
    this.pick = h("select", { "aria-label": "Crop of", onchange: () => this.#choose(this.pick.value) }, options(this.all.map(({ id, words }) => [id, words]), this.target.id));
    this.removing = button("Remove", () => on.remove(this.target), { class: "bad" });
    this.bar = h(
      "div",
      { class: "crop-bar row", role: "group", "aria-label": "Crop" },
      h("span", {}, "Crop of"),
      this.pick,
      this.words,
      button("Apply", () => this.#apply(), { class: "primary", id: "apply-crop" }),
      this.removing,
      button("Cancel", () => on.cancel()),
      h("span", { class: "hint" }, "Draw a box. Arrows move it, Shift and an arrow resize it; with Alt by one pixel."),
    );
    this.layer.addEventListener("pointerdown", (event) => this.#pressed(event));
    this.layer.addEventListener("pointermove", (event) => this.#moved(event));
    for (const end of ["pointerup", "pointercancel"]) this.layer.addEventListener(end, () => (this.drag = null));
    for (const el of [this.box, this.bar]) el.addEventListener("keydown", (event) => this.#key(event));
    this.#choose(this.target.id);
  }

  #choose(id) {
    this.target = this.all.find((one) => one.id === id);
    this.removing.hidden = !this.target.drawn;
    this.#set(this.target.drawn ?? this.target.first);
  }

  #set(edges) {
    this.edges = edges;
    const [left, top, right, bottom] = edges;
    const percent = (x) => `${100 * x}%`;
    Object.assign(this.box.style, { left: percent(left), top: percent(top), width: percent(right - left), height: percent(bottom - top) });
    this.words.textContent = `${Math.round((right - left) * this.size.width)} × ${Math.round((bottom - top) * this.size.height)} px`;
  }

  #apply() {
    this.on.apply(this.target, this.edges.map((edge) => edge.toFixed(5)).join(","));
  }

  #point(event) {
    const { left, top, width, height } = this.layer.getBoundingClientRect();
    return { x: clamped((event.clientX - left) / width), y: clamped((event.clientY - top) / height) };
  }

  #pressed(event) {
    if (event.button) return;
    event.preventDefault();
    event.stopPropagation();
    this.layer.setPointerCapture(event.pointerId);
    this.drag = { from: this.#point(event), edges: this.edges, edge: event.target.dataset.edge, moves: event.target === this.box };
    this.box.focus({ preventScroll: true });
  }

  #moved(event) {
    if (!this.drag) return;
    const { from, edges, edge, moves } = this.drag;
    const to = this.#point(event);
    if (moves) this.#set(shifted(edges, to.x - from.x, to.y - from.y));
    else if (edge) this.#set(pulled(edges, edge, to));
    else if (Math.abs(to.x - from.x) > LEAST && Math.abs(to.y - from.y) > LEAST)
      this.#set([Math.min(from.x, to.x), Math.min(from.y, to.y), Math.max(from.x, to.x), Math.max(from.y, to.y)]);
  }

  #key(event) {
    const way = ARROWS[event.key];
    const inForm = event.target.matches("select, button");
    if (event.key === "Escape") this.on.cancel();
    else if (event.key === "Enter" && !inForm) this.#apply();
    else if (way && !inForm) this.#step(event, way);
    else return;
    event.preventDefault();
  }

  #step({ shiftKey, altKey }, [x, y]) {
    const [dx, dy] = altKey ? [x / this.size.width, y / this.size.height] : [x * STEP, y * STEP];
    const [left, top, right, bottom] = this.edges;
    if (!shiftKey) return this.#set(shifted(this.edges, dx, dy));
    this.#set([left, top, Math.min(1, Math.max(left + LEAST, right + dx)), Math.min(1, Math.max(top + LEAST, bottom + dy))]);
  }
}

function shifted([left, top, right, bottom], dx, dy) {
  const x = Math.min(1 - right, Math.max(-left, dx));
  const y = Math.min(1 - bottom, Math.max(-top, dy));
  return [left + x, top + y, right + x, bottom + y];
}

function pulled([left, top, right, bottom], edge, { x, y }) {
  return [
    edge.includes("w") ? Math.min(x, right - LEAST) : left,
    edge.includes("n") ? Math.min(y, bottom - LEAST) : top,
    edge.includes("e") ? Math.max(x, left + LEAST) : right,
    edge.includes("s") ? Math.max(y, top + LEAST) : bottom,
  ];
}
