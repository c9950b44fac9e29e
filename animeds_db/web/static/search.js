/* The search box above the grid: words, what is said, an SQL condition, or a named query with its parameters. */

import * as api from "./api.js";
import { button, h, options, show, tellError } from "./dom.js";
import { spoken } from "./format.js";
import { go, pieces, selection, startedBy, without } from "./selection.js";

const WAYS = [
  ["text", "Words", "a girl with red hair in the rain"],
  ["said", "Said", "promise"],
  ["where", "Condition", "sharpness > 100 AND has_tag(tags, 'smile')"],
  ["query", "Query", ""],
];

export class Search {
  constructor(el) {
    this.el = el;
    this.named = null;
    this.way = h("select", { "aria-label": "Search by" }, options(WAYS.map(([name, words]) => [name, words]), "text"));
    this.input = h("input", { type: "search", id: "search-box", autocomplete: "off", spellcheck: "false", maxlength: 4000 });
    this.picker = h("select", { id: "query-box", "aria-label": "Named query", hidden: true });
    this.params = h("div", { class: "params" });
    this.chips = h("div", { class: "chips", "aria-label": "Active filters" });
    this.form = h(
      "form",
      { class: "search", role: "search" },
      h("div", { class: "search-line" }, this.way, this.input, this.picker, h("button", { class: "primary" }, "Search")),
      this.params,
    );
    this.form.addEventListener("submit", (event) => (event.preventDefault(), this.#search()));
    this.way.addEventListener("change", () => this.#shape().catch(tellError));
    this.picker.addEventListener("change", () => this.#drawParams());
    show(el, this.form, this.chips);
  }

  focus() {
    (this.way.value === "query" ? this.picker : this.input).focus();
    this.input.select();
  }

  /* Shows the state of the address. */
  async update() {
    const now = selection();
    const way = now.has("query") ? "query" : (["where", "said"].find((name) => now.has(name) && !now.has("text")) ?? "text");
    this.way.value = way;
    this.input.value = way === "query" ? "" : (now.get(way) ?? "");
    this.#drawChips(now);
    await this.#shape(now);
  }

  async #shape(now = selection()) {
    const way = this.way.value;
    const [, words, example] = WAYS.find(([name]) => name === way);
    this.input.hidden = way === "query";
    this.picker.hidden = this.params.hidden = way !== "query";
    this.input.placeholder = example;
    this.input.setAttribute("aria-label", words);
    this.input.classList.toggle("code", way === "where");
    if (way === "query") await this.#listQueries(now.get("query"));
  }

  async #listQueries(chosen) {
    this.named ??= (await api.queries()).filter((query) => query.gives_frames ?? /\bframe_id\b/.test(query.sql ?? "frame_id"));
    show(this.picker, options(this.named.map((q) => [q.name, q.title ? `${q.name} – ${q.title}` : q.name]), chosen ?? undefined));
    this.#drawParams();
  }

  #drawParams() {
    const query = this.named?.find((q) => q.name === this.picker.value);
    show(this.params, query ? parameterFields(query.parameters, selection()) : null);
  }

  #search() {
    const way = this.way.value;
    if (way === "query") return go(startedBy(selection(), "query", this.picker.value, givenParameters(this.params)));
    const value = this.input.value.trim();
    const now = selection();
    if (way !== "text") return go(value ? new URLSearchParams([...without(now, way), [way, value]]) : without(now, way));
    return go(startedBy(now, "text", value));
  }

  #drawChips(now) {
    const chips = pieces(now).map(({ name, value, what }) =>
      h(
        "span",
        { class: "piece" },
        h("span", { class: "what" }, what),
        h("span", { class: name === "q" || name === "where" ? "code" : null }, name === "tag" ? spoken(value) : short(value)),
        button("×", () => go(name === "query" ? startedBy(now, "query", "") : without(now, name, value)), {
          class: "quiet",
          "aria-label": `Remove ${what} ${short(value)}`,
        }),
      ),
    );
    const clear = chips.length > 1 && button("clear all", () => go(new URLSearchParams()), { class: "link" });
    show(this.chips, chips, clear);
    this.chips.hidden = !chips.length;
  }
}

const short = (text) => (text.length > 60 ? `${text.slice(0, 57)}…` : text);

const EXAMPLE = { list: "a, b, c", tags: "1girl, red_hair" };

/* One field per parameter of a named query, filled from p.NAME in the address or the default. */
export function parameterFields(parameters, given) {
  return parameters.map((parameter) => {
    const value = given.get(`p.${parameter.name}`);
    const id = `param-${parameter.name}`;
    const input = parameter.type === "bool" ? flag(parameter, value, id) : line(parameter, value, id);
    const help = parameter.help ?? parameter.description ?? "";
    return h("div", { class: "field" }, h("label", { for: id }, parameter.name, parameter.required && h("span", { class: "hint" }, " required")), input, help && h("p", { class: "hint" }, help));
  });
}

function flag(parameter, value, id) {
  const chosen = value ?? (parameter.default === null || parameter.default === undefined ? "" : String(parameter.default));
  return h("select", { id, name: parameter.name }, options([["", "–"], "true", "false"], chosen));
}

function line(parameter, value, id) {
  const numeric = parameter.type === "int" || parameter.type === "real";
  return h("input", {
    id,
    name: parameter.name,
    type: "text",
    inputmode: numeric ? "decimal" : null,
    required: parameter.required,
    autocomplete: "off",
    placeholder: asText(parameter.default) || EXAMPLE[parameter.type],
    value: value ?? "",
  });
}

const asText = (value) => (value === null || value === undefined ? "" : Array.isArray(value) ? value.join(", ") : String(value));

/* Returns the filled-in values. Empty fields use their defaults. */
export function givenParameters(el) {
  const given = {};
  for (const input of el.querySelectorAll("[name]")) if (input.value.trim() !== "") given[input.name] = input.value.trim();
  return given;
}
