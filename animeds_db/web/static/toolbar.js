/* The line above the grid: count, sort order and size; or, with a selection, the actions for it. */

import { readOnly } from "./corrections.js";
import { $, button, h, options, show } from "./dom.js";
import { count, counted } from "./format.js";
import { keyButton } from "./keys.js";
import { address, go, manner, selection, setManner, withValue, without } from "./selection.js";

const SIZES = { min: 110, max: 420, step: 10 };
const SORTS = [
  ["", "best first"],
  ["faces", "faces first"],
  ["time", "by time"],
  ["new", "newest first"],
  ["score", "by score"],
  ["random", "random"],
];

export class Toolbar {
  constructor(el, on) {
    this.on = on;
    this.params = selection();
    this.size = Number(manner("size")) || Number(localStorage.getItem("animeds-size")) || 200;
    this.boxes = manner("boxes") === "1";
    this.number = h("p", { class: "number", role: "status" }, "…");
    this.sort = h("select", { "aria-label": "Sort", onchange: () => this.#sort() });
    this.slider = h("input", { type: "range", ...SIZES, value: this.size, "aria-label": "Size of the pictures", oninput: () => this.#sized() });
    this.boxButton = keyButton("Boxes", "b", () => this.toggleBoxes(), { "aria-pressed": this.boxes, class: "toggle" });
    this.export = h("a", { class: "button" }, "Export…");
    this.save = keyButton("Save view…", "w", on.save, { title: "Keep this selection under a name" });
    this.save.hidden = readOnly();
    this.main = h(
      "div",
      { class: "tools" },
      this.sort,
      h("label", { class: "size" }, this.slider),
      this.boxButton,
      keyButton("SQL", "s", on.sql, { title: "See the SQL" }),
    );
    this.lasting = h("div", { class: "lasting" }, this.save, this.export);
    this.acts = h("div", { class: "acts", hidden: true });
    show(el, this.number, this.main, this.acts, this.lasting);
    this.#shapeActs();
  }

  update(params) {
    const chosen = params.get("sort") ?? "";
    const ranked = ["text", "like", "q", "query"].some((name) => params.has(name));
    show(this.sort, options(SORTS.filter(([name]) => (name || ranked) && (name !== "score" || params.has("text") || params.has("like"))), chosen || (ranked ? "" : "faces")));
    this.params = params;
    this.export.href = address("/export", params);
    if (readOnly()) this.export.hidden = true;
  }

  count(total, loaded) {
    this.number.textContent = total === null ? (loaded ? `more than ${count(loaded)}` : "…") : counted(total, "frame");
  }

  /* Shows the actions for the selected frames instead of the rest of the line. */
  chose(n) {
    const params = n ? this.on.chosen() : this.params;
    if (params) this.export.href = address("/export", params);
    else this.export.removeAttribute("href");
    this.export.title = params ? "" : "These are too many frames to export one by one. Choose fewer, or all results.";
    this.acts.hidden = !n;
    this.main.hidden = Boolean(n);
    this.number.hidden = Boolean(n);
    if (n) $(".n", this.acts).textContent = `${count(n)} selected`;
  }

  toggleBoxes() {
    this.boxes = !this.boxes;
    this.boxButton.setAttribute("aria-pressed", this.boxes);
    this.on.boxes(this.boxes);
  }

  step(direction) {
    this.slider.value = this.size + direction * 40;
    this.#sized();
  }

  #shapeActs() {
    const acts = readOnly()
      ? []
      : [
          keyButton("Drop", "x", this.on.drop),
          button("Keep", this.on.keep),
          keyButton("Tags…", "t", this.on.tags),
        ];
    show(this.acts, h("p", { class: "number n", role: "status" }), acts, keyButton("All results", "a", this.on.all), keyButton("None", "Esc", this.on.clear));
  }

  #sized() {
    this.size = Number(this.slider.value);
    localStorage.setItem("animeds-size", this.size);
    setManner({ size: this.size });
    this.on.size(this.size);
  }

  #sort() {
    const now = selection();
    go(this.sort.value ? withValue(now, "sort", this.sort.value) : without(now, "sort"));
  }
}
