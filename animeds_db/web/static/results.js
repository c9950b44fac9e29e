/* Rows of a SELECT as a table, or as a grid if they have a frame_id. The view is part of the address. */

import { button, h, show, tellError } from "./dom.js";
import { FrameList } from "./framelist.js";
import { Grid } from "./grid.js";
import { address, manner, setManner } from "./selection.js";
import { downloads, resultTable, resultWords } from "./table.js";

export class Results {
  constructor(el) {
    this.el = el;
    this.body = h("div", {});
  }

  waiting(stop) {
    show(this.el, h("p", { class: "row" }, "Running… ", button("Stop", stop)));
    this.el.setAttribute("aria-busy", "asking");
  }

  clear() {
    show(this.el);
  }

  /* answer: {columns, rows, …}; path, params: address of the rows as a file; selection: the same rows as frames. */
  draw(answer, { path, params, selection, more }) {
    this.answer = answer;
    this.selection = selection;
    const frames = answer.columns.some(({ name }) => name === "frame_id");
    this.view = frames && manner("view") === "grid" ? "grid" : "table";
    const ways = frames
      ? [this.#way("table", "Table"), this.#way("grid", "Grid"), h("a", { class: "button", href: address("/", selection) }, "Browse"), h("a", { class: "button", href: address("/export", selection) }, "Export…")]
      : [];
    show(
      this.el,
      h("div", { class: "result-bar" }, h("p", { role: "status" }, resultWords(answer)), h("div", { class: "row" }, ways, downloads(path, params), more)),
      this.body,
    );
    this.#drawBody();
  }

  #way(name, words) {
    return button(words, () => this.#turn(name), { class: "toggle", data: { way: name }, "aria-pressed": this.view === name });
  }

  #turn(view) {
    this.view = view;
    setManner({ view: view === "grid" ? view : null });
    for (const way of this.el.querySelectorAll("[data-way]")) way.setAttribute("aria-pressed", way.dataset.way === view);
    this.#drawBody();
  }

  #drawBody() {
    if (!this.answer.rows.length) return show(this.body, h("p", { class: "hint" }, "The query returned no rows."));
    if (this.view === "table") return show(this.body, resultTable(this.answer));
    const place = h("div", { class: "grid-scroll inline" });
    show(this.body, place);
    const grid = new Grid(place);
    const list = new FrameList(new URLSearchParams([...this.selection, ["hide", "none"]]), () => grid.redraw());
    grid.use(list, { link: (frame, i) => address(`/frames/${encodeURIComponent(frame.frame_id)}`, new URLSearchParams([...this.selection, ["at", i]])) });
    list.start().catch(tellError);
    return place;
  }
}
