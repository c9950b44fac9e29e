/* The switches above the filters: which frames the page hides. What is hidden is in the address, so it can be shared. */

import { field, h } from "./dom.js";
import { HIDDEN, go, hidden, selection, withValue } from "./selection.js";

export class Hiding {
  constructor() {
    this.boxes = Object.entries(HIDDEN).map(([word, words]) => {
      const box = h("input", { type: "checkbox", id: `hide-${word}`, name: word, onchange: () => this.#changed() });
      return [word, box, field(words, box)];
    });
    this.el = h("fieldset", { class: "hiding" }, h("legend", {}, "Hide"), this.boxes.map(([, , row]) => row));
  }

  update(params) {
    const now = hidden(params);
    for (const [word, box] of this.boxes) box.checked = now.includes(word);
  }

  #changed() {
    const words = this.boxes.filter(([, box]) => box.checked).map(([word]) => word);
    go(withValue(selection(), "hide", words.join(",") || "none"));
  }
}
