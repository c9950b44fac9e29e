/* A box that the mouse draws over the grid: it selects the tiles that it touches. With Ctrl or Shift it adds them to the
   selection; Esc stops it. Shift with the arrow keys does the same by keyboard. */

import { h } from "./dom.js";

const FAR = 6;
const EDGE = 36;
const FAST = 18;

export class Rubber {
  constructor(grid) {
    this.grid = grid;
    this.scroller = grid.scroller;
    this.el = h("div", { class: "rubber", hidden: true, "aria-hidden": "true" });
    document.body.append(this.el);
    this.scroller.addEventListener("pointerdown", (event) => this.#pressed(event));
    this.scroller.addEventListener("pointermove", (event) => this.#moved(event));
    this.scroller.addEventListener("pointerup", () => this.#end());
    this.scroller.addEventListener("pointercancel", () => this.#end());
    this.scroller.addEventListener("dragstart", (event) => event.preventDefault());
    this.scroller.addEventListener("click", (event) => this.#clicked(event), true);
    addEventListener("keydown", (event) => this.#key(event), true);
  }

  #pressed(event) {
    this.ended = false;
    const onScrollbar = event.offsetX > this.scroller.clientWidth && event.target === this.scroller;
    if (event.pointerType !== "mouse" || event.button || onScrollbar || event.target.closest("button")) return;
    this.from = { x: event.clientX, y: event.clientY, id: event.pointerId };
    this.start = this.grid.at(event.clientX, event.clientY);
    this.before = new Set(event.ctrlKey || event.metaKey || event.shiftKey ? this.grid.chosen : []);
  }

  #moved(event) {
    if (!this.from) return;
    this.to = { x: event.clientX, y: event.clientY };
    if (this.el.hidden && Math.hypot(this.to.x - this.from.x, this.to.y - this.from.y) < FAR) return;
    if (this.el.hidden) this.scroller.setPointerCapture(this.from.id);
    this.el.hidden = false;
    this.#draw();
    this.scrolling ??= requestAnimationFrame(() => this.#scroll());
  }

  /* Selects what lies in the box now, and shows the part of the box that is in view. */
  #draw() {
    const now = this.grid.at(this.to.x, this.to.y);
    this.grid.chooseOnly([...this.before, ...this.grid.between(this.start, now)]);
    const view = this.scroller.getBoundingClientRect();
    const y = this.to.y + this.start.y - now.y;
    const [left, right] = [this.from.x, this.to.x].sort((a, b) => a - b).map((x) => Math.min(view.right, Math.max(view.left, x)));
    const [top, bottom] = [y, this.to.y].sort((a, b) => a - b).map((edge) => Math.min(view.bottom, Math.max(view.top, edge)));
    Object.assign(this.el.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
  }

  /* Scrolls while the mouse is near the upper or lower edge. */
  #scroll() {
    this.scrolling = null;
    if (this.el.hidden) return;
    const view = this.scroller.getBoundingClientRect();
    const above = Math.min(0, this.to.y - view.top - EDGE);
    const below = Math.max(0, this.to.y - view.bottom + EDGE);
    if (!above && !below) return;
    this.scroller.scrollTop += Math.max(-FAST, Math.min(FAST, above + below));
    this.#draw();
    this.scrolling = requestAnimationFrame(() => this.#scroll());
  }

  #end() {
    this.ended = !this.el.hidden;
    this.el.hidden = true;
    this.from = null;
  }

  /* The click at the end of a drag opens no frame. */
  #clicked(event) {
    if (!this.ended) return;
    this.ended = false;
    event.preventDefault();
    event.stopPropagation();
  }

  #key(event) {
    if (event.key !== "Escape" || this.el.hidden) return;
    this.grid.chooseOnly(this.before);
    this.#end();
    event.stopPropagation();
  }
}
