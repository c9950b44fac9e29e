/* The editor for tags: which tags the chosen frames have, and what to change. One Apply is one change set. */

import * as api from "./api.js";
import { $, button, debounce, dialog, failure, field, h, options, show } from "./dom.js";
import { counted, spoken } from "./format.js";

const SHOWN = 100;
const OFFERED = 500;

/* Opens the editor for `n` frames: `about` is {ids} or {selection}. Calls `then` with the edits ({add, remove, replace}),
   their text, and whether they hold for the whole database. */
export function editTags(n, about, then) {
  return new TagEditor(n, about, then).box;
}

class TagEditor {
  constructor(n, about, then) {
    Object.assign(this, { n, then, rows: [], edits: { add: new Set(), remove: new Set(), replace: new Map() } });
    this.input = h("input", { type: "text", placeholder: "smile, -solo", autocomplete: "off", list: "known-tags" });
    this.known = h("datalist", { id: "known-tags" });
    this.find = h("input", { type: "search", placeholder: "Find a tag of these frames", "aria-label": "Find a tag", autocomplete: "off", oninput: debounce(120, () => this.#list()) });
    this.list = h("ul", { class: "tag-rows", "aria-label": "Tags of these frames", "aria-busy": "true" });
    this.changes = h("div", { class: "chips", "aria-label": "Changes", hidden: true });
    this.everywhere = h("input", { type: "checkbox" });
    this.wide = field("In all frames of the database that have these tags", this.everywhere);
    const form = h(
      "form",
      { method: "dialog" },
      field("Add or remove", this.input, "Separate tags by commas. A leading minus removes a tag."),
      this.known,
      this.changes,
      h("div", { class: "tag-find" }, this.find, this.list),
      this.wide,
      h("button", { class: "primary" }, "Apply"),
    );
    this.find.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
    form.addEventListener("submit", () => this.#apply());
    this.box = dialog(`Tags of ${counted(n, "frame")}`, form);
    this.#draw();
    this.input.focus();
    this.#load(about);
  }

  async #load(about) {
    try {
      this.rows = (await api.post("/api/labels/tags", about)).tags;
      this.#list();
      const { values } = await api.facet(new URLSearchParams({ hide: "none" }), "tag", OFFERED);
      show(this.known, options(values.map(({ value }) => spoken(value))));
    } catch (error) {
      show(this.list, failure(error));
    }
  }

  #list() {
    const sought = this.find.value.trim().replaceAll(" ", "_").toLowerCase();
    const fitting = this.rows.filter(({ tag }) => tag.toLowerCase().includes(sought));
    const none = sought ? "No tag of these frames matches." : "These frames have no tags.";
    show(
      this.list,
      fitting.slice(0, SHOWN).map((row) => this.#row(row)),
      fitting.length > SHOWN && h("li", { class: "hint" }, `${fitting.length - SHOWN} more. Type in the box above to find them.`),
      !fitting.length && h("li", { class: "hint" }, none),
    );
  }

  #row({ tag, n_frames: n }) {
    const bar = h("span", { class: "bar" });
    bar.style.width = `${(100 * n) / this.n}%`;
    const words = spoken(tag);
    const rest = n < this.n;
    return h(
      "li",
      {},
      h("span", { class: "value" }, words, bar),
      h("span", { class: "n" }, rest ? `${n} of ${this.n}` : this.n === 1 ? "" : "all"),
      h(
        "span",
        { class: "row" },
        rest && button("Add to all", () => this.#change("add", tag), { "aria-label": `Add ${words} to all` }),
        button("Replace…", (event) => this.#askReplace(event.currentTarget, tag), { "aria-label": `Replace ${words}` }),
        button("Remove", () => this.#change("remove", tag), { "aria-label": `Remove ${words}` }),
      ),
    );
  }

  #askReplace(pressed, tag) {
    const input = h("input", { type: "text", "aria-label": `Tag instead of ${spoken(tag)}`, placeholder: "new tag", autocomplete: "off", list: "known-tags" });
    const done = () => {
      const instead = asTag(input.value);
      if (instead && instead !== tag) this.#change("replace", tag, instead);
      else this.#list();
      this.input.focus();
    };
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#list();
      else if (event.key !== "Enter") return;
      else done();
      event.preventDefault();
    });
    pressed.parentElement.replaceChildren(input, button("Replace", done, { class: "primary" }));
    input.focus();
  }

  /* Notes a change; a tag has at most one. */
  #change(op, tag, instead) {
    this.#forget(tag);
    if (op === "replace") this.edits.replace.set(tag, instead);
    else this.edits[op].add(tag);
    this.#draw();
    this.#list();
  }

  #forget(tag) {
    for (const some of Object.values(this.edits)) some.delete(tag);
  }

  #draw() {
    const { add, remove, replace } = this.edits;
    const chips = said(this.edits).map(([tag, words]) =>
      h("span", { class: "piece" }, words, button("×", () => (this.#forget(tag), this.#draw()), { class: "quiet", "aria-label": `Do not change ${spoken(tag)}` })),
    );
    show(this.changes, chips);
    this.changes.hidden = !chips.length;
    this.wide.hidden = add.size > 0 || remove.size + replace.size === 0;
    if (this.wide.hidden) this.everywhere.checked = false;
  }

  #apply() {
    for (const [op, tag] of typed(this.input.value)) {
      this.#forget(tag);
      this.edits[op].add(tag);
    }
    const words = said(this.edits).map(([, text]) => text).join(" ");
    if (!words) return;
    const { add, remove, replace } = this.edits;
    const everywhere = this.everywhere.checked && !add.size;
    const what = everywhere ? "Everywhere" : counted(this.n, "frame");
    this.then({ add: [...add], remove: [...remove], replace: Object.fromEntries(replace) }, `${what}: ${words}`, everywhere);
  }
}

const said = ({ add, remove, replace }) => [
  ...[...add].map((tag) => [tag, `+${spoken(tag)}`]),
  ...[...remove].map((tag) => [tag, `−${spoken(tag)}`]),
  ...[...replace].map(([old, instead]) => [old, `${spoken(old)} → ${spoken(instead)}`]),
];

const asTag = (text) => text.trim().replaceAll(" ", "_");

function typed(text) {
  return text.split(",").map((part) => part.trim()).filter(Boolean).map((part) => {
    const removes = /^[-−]./.test(part);
    return [removes ? "remove" : "add", asTag(part.replace(removes ? /^[-−]\s*/ : /^\+(?=.)\s*/, ""))];
  });
}
