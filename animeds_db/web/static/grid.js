/* A grid of any length. Only tiles in view are in the document, so 100,000 frames scroll like 100.
   Very long grids are scaled to a height that browsers can scroll; one step then covers more rows. */

import { h, tellError } from "./dom.js";
import { blankTile, drawTile, tileSize } from "./tile.js";

const GAP = 8;
const HIGHEST = 12_000_000;
const AHEAD = 2;
const SETTLED = 90;

export class Grid {
  /* `on` can have: move(i), open(i), view(ids), choose(). */
  constructor(scroller, on = {}) {
    this.scroller = scroller;
    this.on = on;
    this.canvas = h("div", { class: "grid", role: "list" });
    this.tiles = new Map();
    this.chosen = new Set();
    this.choosing = null;
    this.refused = false;
    this.cursor = 0;
    this.anchor = 0;
    this.size = 220;
    scroller.append(this.canvas);
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.canvas.addEventListener("click", (event) => this.#clicked(event));
    this.canvas.addEventListener("focusin", (event) => this.#focused(event));
    this.watch = new ResizeObserver(() => this.measure());
    this.watch.observe(scroller);
  }

  use(list, { at = 0, link }) {
    this.list = list;
    this.link = link;
    this.cursor = this.anchor = at;
    this.choosing = null;
    this.refused = false;
    this.chosen.clear();
    for (const tile of this.tiles.values()) tile.remove();
    this.tiles.clear();
    this.scroller.scrollTop = 0;
    this.wanted = at;
    this.measure();
  }

  setSize(size) {
    const top = this.#firstRow() * this.columns;
    this.size = size;
    this.measure();
    this.scroller.scrollTop = this.#toScroll(Math.floor(top / this.columns) * this.rowHeight);
  }

  measure() {
    const style = getComputedStyle(this.scroller);
    const width = this.scroller.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (width <= 0) return;
    this.columns = Math.max(2, Math.round((width + GAP) / (this.size + GAP)));
    this.width = Math.floor((width - GAP * (this.columns - 1)) / this.columns);
    this.height = tileSize(this.width);
    this.rowHeight = this.height + GAP;
    for (const [i, tile] of this.tiles) this.#place(tile, i);
    this.draw();
  }

  /* Updates the document to show the tiles in view. */
  draw() {
    if (!this.list || !this.columns) return;
    const rows = Math.ceil(this.list.length / this.columns);
    this.whole = rows * this.rowHeight;
    this.pressed = Math.min(this.whole, HIGHEST);
    this.canvas.style.height = `${this.pressed}px`;
    if (this.wanted && this.wanted < this.list.length) return this.#restore();
    const first = Math.max(0, this.#firstRow() - AHEAD) * this.columns;
    const shown = Math.ceil(this.scroller.clientHeight / this.rowHeight) + 2 * AHEAD + 1;
    const last = Math.min(this.list.length, first + shown * this.columns) - 1;
    this.#clear(first, last);
    for (let i = first; i <= last; i++) this.#tile(i);
    [this.first, this.last] = [first, last];
    this.#settle();
  }

  /* Scrolls to the position in the address as soon as it exists. */
  #restore() {
    const place = this.wanted;
    this.wanted = 0;
    this.reveal(place);
  }

  /* Redraws tiles whose labels or boxes have changed. */
  redraw() {
    for (const [i, tile] of this.tiles) this.#fill(tile, i);
    this.draw();
  }

  reveal(i) {
    const top = Math.floor(i / this.columns) * this.rowHeight;
    const now = this.#virtualTop();
    if (top < now) this.scroller.scrollTop = this.#toScroll(top);
    else if (top + this.rowHeight > now + this.scroller.clientHeight)
      this.scroller.scrollTop = this.#toScroll(top + this.rowHeight - this.scroller.clientHeight + GAP);
    this.draw();
  }

  /* Moves the cursor by a number of positions, or to one; with `extend`, selects everything between. */
  move(step, { extend = false, to = null } = {}) {
    if (!this.list?.length) return;
    const goal = to ?? this.cursor + step;
    const next = Math.min(this.list.length - 1, Math.max(0, goal));
    const before = this.cursor;
    this.cursor = next;
    this.refused = false;
    if (extend) this.#chooseBetween(this.anchor, next);
    else this.anchor = next;
    this.reveal(next);
    for (const i of [before, next]) if (this.tiles.has(i)) this.#fill(this.tiles.get(i), i);
    this.focusing = next;
    this.#focus();
    this.on.move?.(next);
  }

  toggle(i = this.cursor) {
    this.chosen.has(i) ? this.chosen.delete(i) : this.chosen.add(i);
    this.anchor = i;
    this.#chose();
  }

  /* Selects all rows as soon as they are counted; `tooMany` is called instead if there are more than `most`. */
  chooseAll(most = Infinity, tooMany = null) {
    const { list } = this;
    const choosing = list.counting.then(() => {
      if (this.choosing !== choosing) return;
      if (list.total !== null && list.total <= most) return this.choose(Array.from({ length: list.total }, (_, i) => i));
      this.refused = true;
      list.total === null ? tellError(list.uncounted) : tooMany(list.total);
    });
    this.choosing = choosing;
  }

  /* Whatever acts on the selection awaits this. False: all rows were wanted and could not be selected, so nothing is done until
     the person moves on or selects something. */
  async settled() {
    await this.choosing;
    return !this.refused;
  }

  choose(places) {
    for (const i of places) this.chosen.add(i);
    this.#chose();
  }

  /* Selects these positions and no others. */
  chooseOnly(places) {
    this.chosen = new Set(places);
    this.#chose();
  }

  /* Returns a point of the window as a point of the whole grid. */
  at(x, y) {
    const { left, top } = this.canvas.getBoundingClientRect();
    return { x: x - left, y: y - top - this.scroller.scrollTop + this.#virtualTop() };
  }

  /* Returns the positions whose tiles touch the box between two points of the grid. */
  between(a, b) {
    const [left, right] = [a.x, b.x].sort((p, q) => p - q);
    const [top, bottom] = [a.y, b.y].sort((p, q) => p - q);
    const across = this.width + GAP;
    const found = [];
    for (let row = Math.max(0, Math.floor((top + GAP) / this.rowHeight)); row * this.rowHeight <= bottom; row++)
      for (let column = Math.max(0, Math.floor((left + GAP) / across)); column < this.columns && column * across <= right; column++)
        if (row * this.columns + column < this.list.length) found.push(row * this.columns + column);
        else return found;
    return found;
  }

  clear() {
    this.choosing = null;
    this.chosen.clear();
    this.#chose();
  }

  /* Returns the positions a key acts on: the selected ones, or the one under the cursor. */
  acted() {
    return this.chosen.size ? [...this.chosen].sort((a, b) => a - b) : this.list?.length ? [this.cursor] : [];
  }

  frame(i = this.cursor) {
    return this.list?.get(i) ?? null;
  }

  /* Moves the focus to the cursor's tile as soon as its frame is loaded. */
  #focus() {
    const link = this.tiles.get(this.focusing)?.querySelector("a");
    if (!link) return;
    this.focusing = null;
    link.focus({ preventScroll: true });
  }

  #chooseBetween(a, b) {
    for (let i = Math.min(a, b); i <= Math.max(a, b); i++) this.chosen.add(i);
    this.#chose();
  }

  #chose() {
    this.refused = false;
    for (const [i, tile] of this.tiles) this.#fill(tile, i);
    this.on.choose?.();
  }

  #clicked(event) {
    const tile = event.target.closest(".tile");
    if (!tile) return;
    const i = Number(tile.dataset.i);
    if (event.target.closest("button")) this.toggle(i);
    else if (event.shiftKey) this.move(0, { extend: true, to: i });
    else return;
    event.preventDefault();
  }

  #focused(event) {
    const tile = event.target.closest(".tile");
    if (tile && Number(tile.dataset.i) !== this.cursor) this.#setCursor(Number(tile.dataset.i));
  }

  #setCursor(i) {
    const before = this.cursor;
    this.cursor = i;
    for (const place of [before, i]) if (this.tiles.has(place)) this.#fill(this.tiles.get(place), place);
    this.on.move?.(i);
  }

  #scrolled() {
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      this.draw();
    });
  }

  #settle() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.#settled(), this.settledOnce ? SETTLED : 0);
    this.settledOnce = true;
  }

  /* Requests frames and pictures when scrolling has stopped. */
  #settled() {
    if (!this.list?.length) return;
    this.list.need(this.first, this.last);
    const ids = [];
    for (const [i, tile] of this.tiles) {
      const frame = this.list.get(i);
      const img = tile.querySelector("img");
      if (frame && img && img.dataset.src && !img.src) img.src = img.dataset.src;
      if (frame) ids.push(frame.frame_id);
    }
    this.on.view?.(ids);
  }

  #clear(first, last) {
    for (const [i, tile] of this.tiles) {
      const leaves = i < first || i > last || i >= this.list.length;
      if (!leaves || (tile.contains(document.activeElement) && i < this.list.length)) continue;
      tile.querySelector("img")?.removeAttribute("src");
      tile.remove();
      this.tiles.delete(i);
    }
  }

  #tile(i) {
    const known = this.tiles.get(i);
    if (!known) {
      const tile = blankTile(i);
      this.tiles.set(i, tile);
      this.#fill(tile, i);
      this.#place(tile, i);
      this.canvas.append(tile);
    } else if (known.dataset.frame === "" && this.list.get(i)) this.#fill(known, i);
    if (known && this.pressed < this.whole) this.#place(known, i);
  }

  #fill(tile, i) {
    drawTile(tile, this.list.get(i), {
      current: i === this.cursor,
      chosen: this.chosen.has(i),
      link: (frame) => this.link(frame, i),
      boxes: this.boxes,
      width: this.width,
      of: this.list.total,
      place: i,
    });
    if (i === this.focusing) this.#focus();
  }

  #place(tile, i) {
    const row = Math.floor(i / this.columns);
    const y = row * this.rowHeight - (this.pressed < this.whole ? this.#virtualTop() - this.scroller.scrollTop : 0);
    tile.style.width = `${this.width}px`;
    tile.style.height = `${this.height}px`;
    tile.style.transform = `translate(${(i % this.columns) * (this.width + GAP)}px, ${y}px)`;
  }

  #factor() {
    const view = this.scroller.clientHeight;
    return this.pressed < this.whole ? (this.whole - view) / (this.pressed - view) : 1;
  }

  #virtualTop() {
    return this.scroller.scrollTop * this.#factor();
  }

  #toScroll(top) {
    return Math.max(0, top / this.#factor());
  }

  #firstRow() {
    return this.rowHeight ? Math.floor(this.#virtualTop() / this.rowHeight) : 0;
  }
}
