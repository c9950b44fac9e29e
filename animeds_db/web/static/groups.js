/* Cards of groups of pictures. A name is typed under each; groups are split, and merged, also by dragging one onto
   another. */

import { changed, readOnly } from "./corrections.js";
import { button, h, show, tellError, toast } from "./dom.js";

export class Groups {
  /* of: names (id of a datalist), card(group) → {number, title, name, facts, pictures}; load(); and what a person does:
     name(number, called), merge(numbers), split(number) → the words to show, or {act, words} if it can be undone. */
  constructor(of) {
    this.of = of;
    this.chosen = new Set();
    this.el = h("div", { class: "clusters", "aria-busy": "true" });
    this.merging = button("Merge the selected", () => this.#merge([...this.chosen]), { id: "merge", disabled: true });
  }

  draw(groups, nothing) {
    this.chosen.clear();
    this.merging.disabled = true;
    show(this.el, groups.length ? groups.map((group) => this.#card(this.of.card(group))) : nothing);
  }

  #card({ number, title, name, facts, pictures }) {
    const props = { class: "card cluster", "aria-label": title, data: { cluster: number } };
    if (!readOnly()) Object.assign(props, { draggable: "true", ondragstart: (event) => event.dataTransfer.setData("text/plain", String(number)), ondragover: (event) => event.preventDefault(), ondrop: (event) => this.#dropped(event, number) });
    return h(
      "article",
      props,
      h("div", { class: "head-line" }, h("h2", {}, name ?? title), h("span", { class: "hint" }, facts)),
      h("div", { class: "faces" }, pictures),
      readOnly() ? null : this.#tools(number, title, name),
    );
  }

  #tools(number, title, name) {
    const input = h("input", { type: "text", list: this.of.names, autocomplete: "off", maxlength: 200, required: true, placeholder: "Name", "aria-label": `Name of ${title}`, value: name ?? "" });
    const box = h("input", { type: "checkbox", "aria-label": `Select ${title}`, onchange: () => this.#select(number, box.checked) });
    const form = h("form", { class: "row" }, input, h("button", {}, "Name"), button("Split", () => this.#change(() => this.of.split(number)), { "aria-label": `Split ${title}` }), h("label", { class: "row" }, box, "select"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#change(() => this.of.name(number, input.value.trim()));
    });
    return form;
  }

  #select(number, on) {
    if (on) this.chosen.add(number);
    else this.chosen.delete(number);
    this.merging.disabled = this.chosen.size < 2;
  }

  #dropped(event, onto) {
    event.preventDefault();
    const other = Number(event.dataTransfer.getData("text/plain"));
    if (other && other !== onto) this.#merge([onto, other]);
  }

  #merge(numbers) {
    return this.#change(() => this.of.merge(numbers));
  }

  async #change(does) {
    this.el.setAttribute("aria-busy", "true");
    try {
      const done = await does();
      if (done.act) changed(done.act, done.words);
      else toast(done);
    } catch (error) {
      tellError(error);
    }
    await this.of.load();
  }
}
