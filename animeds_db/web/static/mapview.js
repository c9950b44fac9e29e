/* Draws the points of the map on a canvas, with zoom and pan. Pixels are written directly: 100,000 points take a few
   milliseconds, also without a graphics card. */

import { h } from "./dom.js";

const MOST_ZOOM = 60;
const MARGIN = 0.04;
const DIM = 0.22;

export class MapView {
  /* `on` can have drawn(): the view has changed. */
  constructor(el, on = {}) {
    Object.assign(this, { el, on, zoom: 1, x: 0.5, y: 0.5, chosen: null, codes: null });
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.over = h("canvas", { "aria-hidden": "true" });
    el.append(this.canvas, this.over);
    new ResizeObserver(() => this.#measure()).observe(el);
  }

  use(points) {
    this.points = points;
    this.#measure();
  }

  /* hues: a CSS colour for each code; a point without one is grey. codes: one per point. */
  colour(codes, hues) {
    this.codes = codes;
    this.paint(hues);
  }

  /* Converts colours to pixels: plain, and dimmed for points that are not selected. */
  paint(hues = []) {
    const style = getComputedStyle(this.el);
    const ground = rgb(style.backgroundColor);
    const grey = rgb(style.color);
    const all = [...hues.map((hue) => rgb(hue)), grey];
    this.ground = pixel(ground);
    this.plain = Uint32Array.from(all, pixel);
    this.dim = Uint32Array.from(all, (colour) => pixel(colour.map((part, k) => ground[k] + DIM * (part - ground[k]))));
    this.draw();
  }

  #measure() {
    const { width, height } = this.el.getBoundingClientRect();
    if (!width || !height) return;
    this.ratio = Math.min(2, devicePixelRatio || 1);
    [this.width, this.height] = [width, height];
    for (const canvas of [this.canvas, this.over]) [canvas.width, canvas.height] = [Math.round(width * this.ratio), Math.round(height * this.ratio)];
    this.image = this.canvas.getContext("2d").createImageData(this.canvas.width, this.canvas.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.draw();
  }

  /* Number of screen pixels of a whole map. */
  get scale() {
    return Math.min(this.width, this.height) * (1 - 2 * MARGIN) * this.zoom;
  }

  toScreen(x, y) {
    return [(x - this.x) * this.scale + this.width / 2, (y - this.y) * this.scale + this.height / 2];
  }

  toMap(left, top) {
    return [(left - this.width / 2) / this.scale + this.x, (top - this.height / 2) / this.scale + this.y];
  }

  /* Zooms by a factor; the position on the screen stays where it is. */
  by(factor, [left, top] = [this.width / 2, this.height / 2]) {
    const [x, y] = this.toMap(left, top);
    this.zoom = Math.min(MOST_ZOOM, Math.max(1, this.zoom * factor));
    const [nowX, nowY] = this.toMap(left, top);
    this.pan((x - nowX) * this.scale, (y - nowY) * this.scale);
  }

  /* Moves by screen pixels: what is further to the right and down comes into view. */
  pan(right, down) {
    this.x = Math.min(1, Math.max(0, this.x + right / this.scale));
    this.y = Math.min(1, Math.max(0, this.y + down / this.scale));
    this.draw();
  }

  whole() {
    Object.assign(this, { zoom: 1, x: 0.5, y: 0.5 });
    this.draw();
  }

  /* Draws once before the next frame of the screen. */
  draw() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      this.#draw();
      this.on.drawn?.();
    });
  }

  #draw() {
    if (!this.points || !this.pixels || !this.plain) return;
    this.pixels.fill(this.ground);
    const size = Math.max(2, Math.round((this.points.n > 20_000 ? 2 : this.points.n > 2000 ? 4 : 7) * this.ratio * Math.min(2.5, this.zoom ** 0.4)));
    if (this.chosen) this.#dots(size, this.dim, (i) => !this.chosen[i]);
    this.#dots(size, this.plain, this.chosen && ((i) => this.chosen[i]));
    this.canvas.getContext("2d").putImageData(this.image, 0, 0);
  }

  #dots(size, colours, only) {
    const { pixels, points, codes } = this;
    const { width, height } = this.image;
    const scale = this.scale * this.ratio;
    const left = width / 2 - this.x * scale - size / 2;
    const top = height / 2 - this.y * scale - size / 2;
    const others = colours.length - 1;
    for (let i = 0; i < points.n; i++) {
      if (only && !only(i)) continue;
      const x = Math.round(points.x[i] * scale + left);
      const y = Math.round(points.y[i] * scale + top);
      if (x < 0 || y < 0 || x + size > width || y + size > height) continue;
      const code = codes ? codes[i] : -1;
      const colour = colours[code < 0 || code > others ? others : code];
      for (let row = 0, at = y * width + x; row < size; row++, at += width) {
        const cut = size > 3 && (row === 0 || row === size - 1) ? 1 : 0; // rounder
        for (let k = cut; k < size - cut; k++) pixels[at + k] = colour;
      }
    }
  }

  /* Draws a line, a circle and a mark above the points; positions of the map. */
  sketch({ line = null, circle = null, mark = null }) {
    const context = this.over.getContext("2d");
    const style = getComputedStyle(this.over);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    context.strokeStyle = style.color;
    context.fillStyle = style.backgroundColor;
    context.lineWidth = 1.5;
    if (line) {
      context.beginPath();
      for (let k = 0; k < line.length; k += 2) context.lineTo(...this.toScreen(line[k], line[k + 1]));
      context.closePath();
      context.save();
      context.globalAlpha = 0.12;
      context.fillStyle = style.color;
      context.fill();
      context.restore();
      context.stroke();
    }
    for (const [at, radius] of [[circle && [this.x, this.y], circle], [mark, 6]]) {
      if (!at) continue;
      context.beginPath();
      context.arc(...this.toScreen(...at), radius, 0, 2 * Math.PI);
      context.stroke();
    }
  }
}

const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/* Returns [red, green, blue] of a CSS colour. */
function rgb(colour) {
  probe.fillStyle = colour;
  probe.fillRect(0, 0, 1, 1);
  return [...probe.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

const pixel = ([red, green, blue]) => ((255 << 24) | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0;
