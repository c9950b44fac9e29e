/* The pointer on the map: a drag encloses points, or moves the map; the wheel zooms; a point under it is shown. */

const FAR = 3;
const REACH = 12;

export class Lasso {
  /* `on`: line(positions or null) while it is drawn; choose(points, add); point(i, [left, top]); clicked(i). */
  constructor(view, on) {
    Object.assign(this, { view, on, moves: false });
    const el = view.el;
    el.addEventListener("pointerdown", (event) => this.#pressed(event));
    el.addEventListener("pointermove", (event) => this.#moved(event));
    el.addEventListener("pointerup", (event) => this.#released(event));
    el.addEventListener("pointercancel", () => this.stop());
    el.addEventListener("pointerleave", () => this.on.point(-1));
    el.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  stop() {
    this.from = this.line = null;
    this.on.line(null);
  }

  #at(event) {
    const { left, top } = this.view.el.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  #pressed(event) {
    if (event.button > 1 || !this.view.points) return;
    event.preventDefault();
    this.view.el.focus({ preventScroll: true });
    this.from = this.last = this.#at(event);
    this.pans = this.moves || event.button === 1 || event.altKey;
    this.adds = event.shiftKey || event.ctrlKey || event.metaKey;
    this.wasDragged = false;
    this.line = this.pans ? null : this.view.toMap(...this.from);
    this.view.el.setPointerCapture(event.pointerId);
  }

  #moved(event) {
    if (!this.view.points) return;
    const now = this.#at(event);
    if (!this.from) return this.on.point(this.#under(now), now);
    if (!this.wasDragged && Math.hypot(now[0] - this.from[0], now[1] - this.from[1]) < FAR) return;
    if (!this.wasDragged) this.on.point(-1);
    this.wasDragged = true;
    if (this.pans) this.view.pan(this.last[0] - now[0], this.last[1] - now[1]);
    else this.#draw(now);
    this.last = now;
  }

  #draw(now) {
    this.line.push(...this.view.toMap(...now));
    this.on.line(this.line);
  }

  #released(event) {
    if (!this.from) return;
    const { line, wasDragged, pans, adds } = this;
    this.stop();
    if (wasDragged && !pans) this.on.choose(this.view.points.inside(line), adds);
    else if (!wasDragged) this.on.clicked(this.#under(this.#at(event)), adds);
  }

  #under(at) {
    return this.view.points.nearest(...this.view.toMap(...at), REACH / this.view.scale);
  }

  #wheel(event) {
    if (!this.view.points) return;
    event.preventDefault();
    this.view.by(Math.exp(-Math.max(-120, Math.min(120, event.deltaY)) / 400), this.#at(event));
  }
}
