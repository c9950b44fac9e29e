/* The mask editor of a frame: what is marked is learnt by a trainer. A brush, boxes and flood paint or erase; the result
   is a label of the whole picture or of one of its boxes, and it replaces the masks of models. */

import * as api from "./api.js";
import { targets } from "./cropbox.js";
import { button, h, options, tellError } from "./dom.js";

const LONGEST = 512;
const STEPS = 30;
const TOOLS = [["brush", "Brush"], ["box", "Box"], ["flood", "Flood: similar colours"]];
const PARTS = ["character", "text", "logo", "border"];
const TINT = "#12c98f";

export class MaskBox {
  /* `on.apply(target, part, png)`, `on.remove(target, part)` and `on.cancel()` hear of the end. `masks` are those of the
     frame, and `wanted` is the box to begin with. */
  constructor(known, masks, wanted, on) {
    const { width, height, frame_id: frameId } = known.frame;
    const factor = Math.min(1, LONGEST / Math.max(width, height));
    Object.assign(this, { on, masks, frameId, all: targets(known), past: [], boxes: boxesOf(known) });
    this.target = this.all.find(({ id }) => id === wanted) ?? this.all[0];
    this.canvas = h("canvas", { width: Math.max(1, Math.round(width * factor)), height: Math.max(1, Math.round(height * factor)) });
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    this.outline = h("div", { class: "mask-outline", hidden: true });
    this.layer = h("div", { class: "mask-layer" }, this.canvas, this.outline);
    this.#build();
    this.layer.addEventListener("pointerdown", (event) => this.#pressed(event));
    this.layer.addEventListener("pointermove", (event) => this.#moved(event));
    for (const end of ["pointerup", "pointercancel"]) this.layer.addEventListener(end, (event) => this.#released(event));
    this.bar.addEventListener("keydown", (event) => this.#key(event));
    this.#load();
  }

  #build() {
    const parts = [...new Set([...PARTS, ...this.masks.map(({ part }) => part)])];
    const redo = () => this.#load();
    this.pick = h("select", { "aria-label": "Mask of", onchange: redo }, options(this.all.map(({ id, words }) => [id, words]), this.target.id));
    this.part = h("select", { "aria-label": "What the mask shows", onchange: redo }, options(parts, "character"));
    this.tool = h("select", { "aria-label": "Tool", id: "mask-tool" }, options(TOOLS, "brush"));
    this.size = h("input", { type: "range", min: 1, max: 60, value: 16, "aria-label": "Size of the brush, or likeness of colours" });
    this.erases = h("input", { type: "checkbox", id: "mask-erase" });
    this.removing = button("Remove", () => this.on.remove(this.target, this.part.value), { class: "bad", title: "Remove what was drawn; the mask of the model counts again" });
    this.undoing = button("Undo stroke", () => this.undo());
    this.bar = h(
      "div",
      { class: "crop-bar row", role: "group", "aria-label": "Mask" },
      h("span", {}, "Mask of"),
      this.pick,
      this.part,
      this.tool,
      this.size,
      h("label", { for: "mask-erase" }, this.erases, " erase"),
      button("Fill", () => this.#whole(true)),
      button("Clear", () => this.#whole(false)),
      this.undoing,
      button("Apply", () => this.#apply(), { class: "primary", id: "apply-mask" }),
      this.removing,
      button("Cancel", () => this.on.cancel()),
      h("span", { class: "hint" }, "What is marked is learnt. u undoes a stroke."),
    );
  }

  /* Shows the mask that counts now. Nobody can draw or apply before it is there: the canvas still shows another one. */
  async #load() {
    const load = (this.latest = {});
    this.layer.setAttribute("aria-busy", "true");
    this.target = this.all.find(({ id }) => id === this.pick.value);
    const isWhole = this.target.id === this.frameId;
    const box = this.boxes.get(this.target.id);
    this.removing.hidden = !this.masks.some((one) => one.by === "person" && one.part === this.part.value && (one.detection_id ?? this.frameId) === this.target.id);
    this.outline.hidden = !box;
    const percent = (x) => `${100 * x}%`;
    if (box) Object.assign(this.outline.style, { left: percent(box.left), top: percent(box.top), width: percent(box.right - box.left), height: percent(box.bottom - box.top) });
    this.past = [];
    this.#told();
    try {
      const picture = await pictureOf(api.mask(this.frameId, this.part.value, isWhole ? null : this.target.id));
      if (load !== this.latest) return; // another one was chosen in the meantime
      this.pen.globalCompositeOperation = "source-over";
      this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
      this.pen.drawImage(picture, 0, 0, this.canvas.width, this.canvas.height);
      coloured(this.pen, TINT);
      this.colours ??= colours(await pictureOf(api.image(this.frameId, LONGEST)), this.canvas.width, this.canvas.height);
      if (load === this.latest) this.layer.removeAttribute("aria-busy");
    } catch (error) {
      tellError(error);
    }
  }

  get #isBusy() {
    return this.layer.hasAttribute("aria-busy");
  }

  #told() {
    this.undoing.disabled = !this.past.length;
  }

  /* Keeps the mask as it is, so that the next stroke can be undone. */
  #keep() {
    this.past.push(this.pen.getImageData(0, 0, this.canvas.width, this.canvas.height));
    if (this.past.length > STEPS) this.past.shift();
    this.#told();
  }

  undo() {
    const before = this.past.pop();
    if (before) this.pen.putImageData(before, 0, 0);
    this.#told();
  }

  #whole(all) {
    if (this.#isBusy) return;
    this.#keep();
    this.pen.globalCompositeOperation = "source-over";
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.pen.fillStyle = TINT;
    if (all) this.pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  #point(event) {
    const { left, top, width, height } = this.layer.getBoundingClientRect();
    return { x: ((event.clientX - left) / width) * this.canvas.width, y: ((event.clientY - top) / height) * this.canvas.height };
  }

  #ready() {
    Object.assign(this.pen, { fillStyle: TINT, strokeStyle: TINT, lineCap: "round", lineJoin: "round" });
    this.pen.globalCompositeOperation = this.erases.checked ? "destination-out" : "source-over";
    this.pen.lineWidth = Number(this.size.value);
  }

  #pressed(event) {
    if (event.button || this.#isBusy) return;
    event.preventDefault();
    event.stopPropagation();
    this.layer.setPointerCapture(event.pointerId);
    this.#keep();
    this.from = this.#point(event);
    this.#ready();
    if (this.tool.value === "flood") this.#flood(this.from);
    else this.#moved(event);
  }

  #moved(event) {
    if (!this.from || this.tool.value === "flood") return;
    const to = this.#point(event);
    if (this.tool.value === "box") {
      this.pen.putImageData(this.past.at(-1), 0, 0);
      return this.pen.fillRect(Math.min(this.from.x, to.x), Math.min(this.from.y, to.y), Math.abs(to.x - this.from.x), Math.abs(to.y - this.from.y));
    }
    this.pen.beginPath();
    this.pen.moveTo(this.from.x, this.from.y);
    this.pen.lineTo(to.x, to.y);
    this.pen.stroke();
    this.from = to;
  }

  #released(event) {
    if (this.from) event.stopPropagation();
    this.from = null;
  }

  /* Paints what has about the colour of the picture at this point, and is connected with it. */
  #flood({ x, y }) {
    const [width, height] = [this.canvas.width, this.canvas.height];
    const filled = connected(this.colours, width, height, Math.floor(x), Math.floor(y), 2 * Number(this.size.value));
    const layer = h("canvas", { width, height });
    const pen = layer.getContext("2d");
    pen.putImageData(new ImageData(filled, width, height), 0, 0);
    coloured(pen, TINT);
    this.#ready();
    this.pen.drawImage(layer, 0, 0);
  }

  #apply() {
    if (this.#isBusy) return;
    const { left, top, right, bottom } = this.boxes.get(this.target.id) ?? { left: 0, top: 0, right: 1, bottom: 1 };
    const { width, height } = this.canvas;
    const [x, y, w, t] = [left * width, top * height, (right - left) * width, (bottom - top) * height];
    const cut = h("canvas", { width: Math.max(1, Math.round(w)), height: Math.max(1, Math.round(t)) });
    const pen = cut.getContext("2d");
    pen.drawImage(this.canvas, x, y, w, t, 0, 0, cut.width, cut.height);
    coloured(pen, "#fff");
    this.on.apply(this.target, this.part.value, cut.toDataURL("image/png").split(",")[1]);
  }

  #key(event) {
    const inForm = event.target.matches("select, button, input");
    if (event.key === "Escape") this.on.cancel();
    else if (event.key === "Enter" && !inForm) this.#apply();
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) this.undo();
    else return;
    event.preventDefault();
  }
}

/* Gives everything that is drawn one colour. */
function coloured(pen, colour) {
  pen.globalCompositeOperation = "source-in";
  pen.fillStyle = colour;
  pen.fillRect(0, 0, pen.canvas.width, pen.canvas.height);
}

/* The boxes of a frame by id. */
function boxesOf({ faces, heads, halfbodies, persons }) {
  return new Map([faces, heads, halfbodies, persons].flatMap((some) => (some ?? []).map((box) => [box.detection_id ?? box.face_id, box])));
}

async function pictureOf(address) {
  const picture = new Image();
  picture.src = address;
  await picture.decode();
  return picture;
}

function colours(picture, width, height) {
  const pen = h("canvas", { width, height }).getContext("2d");
  pen.drawImage(picture, 0, 0, width, height);
  return pen.getImageData(0, 0, width, height).data;
}

/* Returns RGBA that is white where colours are connected with the one at (x, y) and differ from it by at most `most`. */
function connected(pixels, width, height, x, y, most) {
  const filled = new Uint8ClampedArray(pixels.length);
  const first = 4 * (y * width + x);
  const alike = (at) => [0, 1, 2].every((c) => Math.abs(pixels[at + c] - pixels[first + c]) <= most);
  const waiting = [[x, y]];
  while (waiting.length) {
    const [column, row] = waiting.pop();
    const at = 4 * (row * width + column);
    if (column < 0 || row < 0 || column >= width || row >= height || filled[at + 3] || !alike(at)) continue;
    filled.fill(255, at, at + 4);
    waiting.push([column + 1, row], [column - 1, row], [column, row + 1], [column, row - 1]);
  }
  return filled;
}
