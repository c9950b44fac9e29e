/* The filters beside the grid. Every filter is a link, so it can be opened, copied and undone with Back. */

import * as api from "./api.js";
import { debounce, h, show } from "./dom.js";
import { count, plainCharacter, spoken } from "./format.js";
import { Hiding } from "./hiding.js";
import { address, has, manner, without, withValue } from "./selection.js";

const FACETS = [
  ["character", "Character", true],
  ["appearance", "Outfit", false],
  ["tag", "Tag", true],
  ["episode", "Episode", true],
  ["gate", "Quality gate", true],
  ["show", "Show", false],
  ["season", "Season", false],
  ["shot", "Shot", false],
  ["source", "Source", false],
];
const GATES = {
  passed: "passed",
  unmeasured: "not measured",
  blank: "blank",
  small: "too small",
  dark: "too dark",
  bright: "too bright",
  blurred: "blurred",
  text: "burned-in text",
  border: "borders",
};
const SHORT = 8;
const LONG = 200;

export class Facets {
  constructor(el) {
    this.el = el;
    this.parts = new Map();
    const parts = FACETS.map(([name, title, open]) => this.#part(name, title, open));
    this.hiding = new Hiding();
    this.inner = h("details", { class: "drawer" }, h("summary", {}, "Filters", h("span", { class: "n" })), this.hiding.el, ...parts);
    this.inner.open = matchMedia("(min-width: 801px)").matches;
    show(el, this.inner);
  }

  /* Shows the values of a selection. Only open parts send requests. */
  update(selection) {
    this.selection = selection;
    this.hiding.update(selection);
    this.asking?.abort();
    this.asking = new AbortController();
    const chosen = FACETS.filter(([name]) => selection.has(name)).length;
    this.inner.querySelector(".n").textContent = chosen ? ` (${chosen})` : "";
    for (const part of this.parts.values()) {
      part.long = false;
      if (part.box.open || selection.has(part.name)) this.#ask(part);
    }
  }

  #part(name, title, open) {
    const list = h("ul", { class: "values" });
    const search = h("input", { type: "search", placeholder: `Find ${title.toLowerCase()}`, "aria-label": `Find ${title.toLowerCase()}`, autocomplete: "off" });
    const more = h("button", { type: "button", class: "link", hidden: true }, "more…");
    const box = h("details", { class: "facet" }, h("summary", {}, title), ["tag", "character", "appearance"].includes(name) ? search : null, list, more);
    box.open = open || manner("open", "").split(",").includes(name);
    const part = { name, title, box, list, search, more, long: false, values: [] };
    box.addEventListener("toggle", () => box.open && this.selection && part.shown !== this.selection && this.#ask(part));
    search.addEventListener("input", debounce(120, () => this.#find(part)));
    more.addEventListener("click", () => this.#longer(part));
    this.parts.set(name, part);
    return box;
  }

  #longer(part) {
    part.long = !part.long;
    if (part.long && part.values.length > SHORT && part.asked === LONG) this.#draw(part);
    else this.#ask(part);
  }

  async #find(part) {
    if (part.asked !== LONG) await this.#ask(part, LONG);
    else this.#draw(part);
  }

  async #ask(part, limit = part.long ? LONG : SHORT + 1) {
    part.shown = this.selection;
    const mine = (part.asking = Symbol(part.name));
    part.list.setAttribute("aria-busy", "true");
    try {
      let answer;
      do {
        if (answer) await api.rest(api.AGAIN);
        answer = await api.facet(this.selection, part.name, limit, this.asking.signal);
        if (part.asking !== mine) return;
        part.values = answer.values;
        part.asked = limit;
        this.#draw(part);
      } while (answer.recounting);
    } catch (error) {
      if (error.name !== "AbortError") show(part.list, h("li", { class: "hint" }, error.message));
    } finally {
      if (part.asking === mine) part.list.removeAttribute("aria-busy");
    }
  }

  #draw(part) {
    const sought = part.search.value.trim().toLowerCase().replaceAll(" ", "_");
    const fitting = part.values.filter(({ value }) => !sought || String(value).toLowerCase().replaceAll(" ", "_").includes(sought));
    const shown = fitting.slice(0, part.long || sought ? LONG : SHORT);
    const missing = this.selection.getAll(part.name).filter((v) => !shown.some(({ value }) => String(value ?? "none") === v));
    const most = Math.max(1, ...part.values.map((v) => v.count));
    show(
      part.list,
      missing.map((value) => this.#row(part.name, { value, count: null }, most)),
      shown.map((value) => this.#row(part.name, value, most)),
      !shown.length && !missing.length && h("li", { class: "hint" }, sought ? "No matches." : this.#nothing(part.name)),
    );
    part.more.hidden = part.values.length <= SHORT || Boolean(sought);
    part.more.textContent = part.long ? "fewer" : "more…";
  }

  #nothing(name) {
    if (name === "appearance") return "No outfits are named. A character's page leads to them.";
    if (name !== "character") return "No values.";
    return [...this.selection].length ? "No named characters in these frames." : "No characters are named yet.";
  }

  #row(name, { value, count: n }, most) {
    const text = value === null ? "none" : String(value);
    const on = has(this.selection, name, text);
    const next = on ? without(this.selection, name, text) : withValue(this.selection, name, text);
    const bar = h("span", { class: "bar" });
    bar.style.width = n === null ? "0" : `${Math.max(1, (100 * n) / most)}%`;
    return h(
      "li",
      {},
      h(
        "a",
        { href: address("/", next), data: { state: "" }, "aria-current": on ? "true" : null, class: on ? "on" : null },
        bar,
        h("span", { class: "value" }, on && h("span", { class: "tick", "aria-hidden": "true" }, "✓ "), words(name, text)),
        n === null ? null : h("span", { class: "n" }, count(n)),
        on && h("span", { class: "hidden" }, ", selected: remove"),
      ),
    );
  }
}

function words(name, value) {
  if (name === "tag") return spoken(value);
  if (name === "character") return plainCharacter(value);
  if (value === "none") return "unknown";
  if (name === "gate") return GATES[value] ?? value;
  return name === "episode" ? `Episode ${value}` : name === "season" ? `Season ${value}` : value;
}
