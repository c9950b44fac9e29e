/* The timeline of a video: chapters, shots, what is said, and who is in which shot. Every mark opens a frame. */

import { $$, h, options, show, svg } from "./dom.js";
import { clock, hue } from "./format.js";
import { manner, setManner } from "./selection.js";

const WIDTH = 1000;
const HEIGHT = 16;
const LEAST = 2;
const ROUNDED = 0.002; // seconds by which rounded times of one moment differ
const SPANS = [["60", "1 minute"], ["300", "5 minutes"], ["all", "the whole video"]];

export class SourceTimeline {
  constructor(link) {
    this.link = link;
    this.el = h("section", { class: "source-timeline", "aria-label": "Timeline" });
    this.span = h("select", { "aria-label": "Length of the timeline", onchange: () => (setManner({ span: this.span.value }), this.#draw()) }, options(SPANS, manner("span", "300")));
  }

  /* Shows the timeline of a video around a time. known: the answer of /api/sources/ID/timeline. */
  update(known, at) {
    Object.assign(this, { known, at });
    this.#draw();
    return this.el;
  }

  #draw() {
    const { known, at } = this;
    if (!known) return;
    const { shots, lines, characters, chapters } = known;
    const whole = known.duration_s ?? shots.at(-1)?.end_s ?? 1;
    const length = this.span.value === "all" ? whole : Math.min(whole, Number(this.span.value));
    const from = Math.max(0, Math.min(at - length / 2, whole - length));
    this.view = { from, until: from + length };
    const rows = [
      ["Chapters", chapters, (one) => one.title ?? one.kind ?? "chapter", "chapter"],
      ["Shots", shots, (one) => [`shot ${one.shot}`, one.motion].filter(Boolean).join(", "), "cut"],
      ["Said", lines, (one) => [one.speaker, one.text].filter(Boolean).join(": "), "said"],
      ...characters.map(({ name, spans }) => [name, spans, () => name, `who hue-${hue(name)}`]),
    ];
    show(
      this.el,
      h("div", { class: "timeline-head" }, h("h2", {}, "Timeline"), h("span", { class: "hint" }, `${clock(from)} to ${clock(from + length)}`), this.span),
      rows.map((row) => this.#row(...row)),
    );
  }

  #row(name, items, words, kind) {
    const { from, until } = this.view;
    const seen = items.filter((one) => one.end_s > from && one.first_s < until);
    if (!seen.length) return null;
    const root = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "group", "aria-label": `${name}: ${seen.length}` });
    root.append(svg("rect", { class: "track", x: 0, y: HEIGHT / 2 - 1, width: WIDTH, height: 2 }), ...seen.map((one, i) => this.#mark(one, words(one), kind, i === 0)));
    root.append(svg("rect", { class: "here", x: this.#x(this.at) - 1, y: 0, width: 2, height: HEIGHT }));
    root.addEventListener("keydown", (event) => step(event, root));
    return h("div", { class: "timeline-row" }, h("span", { class: "name", title: name }, name), root);
  }

  #mark(one, words, kind, first) {
    const [left, right] = [this.#x(one.first_s), this.#x(one.end_s)].map((x) => Math.min(WIDTH, Math.max(0, x)));
    const bar = svg("rect", { class: one.first_s <= this.at + ROUNDED && this.at + ROUNDED < one.end_s ? `bar ${kind} now` : `bar ${kind}`, x: left, y: 1, width: Math.max(LEAST, right - left - 1), height: HEIGHT - 2, rx: 1 });
    const spoken = `${clock(one.first_s)} ${words}`;
    if (!one.frame_id) return svg("g", {}, svg("title", {}, `${spoken} (no frame)`), bar);
    return svg("a", { href: this.link({ frame_id: one.frame_id }, 0), tabindex: first ? "0" : "-1", "aria-label": spoken }, svg("title", {}, spoken), bar);
  }

  #x(seconds) {
    return (WIDTH * (seconds - this.view.from)) / (this.view.until - this.view.from);
  }
}

/* The arrows move between the marks of a row. */
function step(event, root) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  const marks = $$("a", root);
  const next = marks[marks.indexOf(document.activeElement) + by];
  next?.focus();
}
