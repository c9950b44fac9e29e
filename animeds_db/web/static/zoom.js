/* Zoom and pan of the picture of a frame: wheel, buttons and keys; a drag or Shift with the arrows moves it. */

import { button, h } from "./dom.js";

const MOST = 12;
const STEP = 1.5;
const SHARP = 1.2;

export class Zoom {
  constructor() {
    this.reset();
    this.moving = null;
  }

  reset() {
    Object.assign(this, { scale: 1, x: 0, y: 0 });
    this.#apply();
  }

  get isClose() {
    return this.scale > 1;
  }

  /* Holds the parts of the picture: `view` is the frame around `inner`, which is moved. `full` is the address of the
     picture in its own size, which is loaded as soon as somebody looks closely. */
  attach(view, inner, full) {
    Object.assign(this, { view, inner, full });
    view.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    view.addEventListener("pointerdown", (event) => this.#pressed(event));
    view.addEventListener("pointermove", (event) => this.#dragged(event));
    for (const end of ["pointerup", "pointercancel"]) view.addEventListener(end, () => (this.moving = null));
    view.addEventListener("click", (event) => this.wasDragged && (event.stopPropagation(), (this.wasDragged = false)), true);
    this.level = h("output", { "aria-label": "Zoom" });
    this.#apply();
    return h(
      "div",
      { class: "zoom", role: "group", "aria-label": "Zoom" },
      button("−", () => this.by(1 / STEP), { "aria-label": "Smaller", "aria-keyshortcuts": "-", title: "Smaller (-)" }),
      this.level,
      button("+", () => this.by(STEP), { "aria-label": "Larger", "aria-keyshortcuts": "+", title: "Larger (+)" }),
      button("Fit", () => this.reset(), { "aria-keyshortcuts": "z", title: "The whole picture (z)" }),
    );
  }

  /* Zooms by a factor; the point (in shares of what is in view) stays where it is. */
  by(factor, { x, y } = { x: 0.5, y: 0.5 }) {
    const scale = Math.min(MOST, Math.max(1, this.scale * factor));
    const ratio = scale / this.scale;
    Object.assign(this, { scale, x: x - (x - this.x) * ratio, y: y - (y - this.y) * ratio });
    this.#apply();
  }

  /* Shows a part further to the right and down, in shares of what is in view. */
  pan(right, down) {
    this.x -= right;
    this.y -= down;
    this.#apply();
  }

  #apply() {
    if (!this.view) return;
    this.x = Math.min(0, Math.max(1 - this.scale, this.x));
    this.y = Math.min(0, Math.max(1 - this.scale, this.y));
    this.inner.style.transform = this.isClose ? `translate(${100 * this.x}%, ${100 * this.y}%) scale(${this.scale})` : "";
    this.view.classList.toggle("close", this.isClose);
    this.level.textContent = `${Math.round(100 * this.scale)} %`;
    if (this.scale > SHARP) this.#sharpen();
  }

  async #sharpen() {
    const img = this.inner.querySelector("img");
    if (!img || img.dataset.full) return;
    img.dataset.full = "1";
    const sharp = new Image();
    sharp.src = this.full;
    await sharp.decode().then(() => (img.src = sharp.src), () => {}); // the smaller picture stays
  }

  #wheel(event) {
    if (!this.isClose && !event.ctrlKey) return; // the page scrolls
    event.preventDefault();
    const { left, top, width, height } = this.view.getBoundingClientRect();
    this.by(event.deltaY < 0 ? 1.15 : 1 / 1.15, { x: (event.clientX - left) / width, y: (event.clientY - top) / height });
  }

  #pressed(event) {
    this.wasDragged = false;
    if (event.button || !this.isClose || event.defaultPrevented || event.target.closest("button, .crop-layer")) return;
    this.moving = { id: event.pointerId, x: event.clientX, y: event.clientY };
    event.preventDefault();
  }

  #dragged(event) {
    if (!this.moving) return;
    const [dx, dy] = [event.clientX - this.moving.x, event.clientY - this.moving.y];
    if (!this.wasDragged && Math.hypot(dx, dy) < 4) return;
    if (!this.wasDragged) this.view.setPointerCapture(event.pointerId);
    this.wasDragged = true;
    Object.assign(this.moving, { x: event.clientX, y: event.clientY });
    this.pan(-dx / this.view.clientWidth, -dy / this.view.clientHeight);
  }
}
