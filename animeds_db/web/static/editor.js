/* The SQL editor: a textarea over a coloured copy of its text. Tab moves the focus on, as in other fields. */

import { h } from "./dom.js";
import { highlighted } from "./highlight.js";

const STORE = "animeds-sql-history";
const MOST = 100;

export class Editor {
  constructor(run) {
    this.run = run;
    this.place = null;
    this.area = h("textarea", {
      class: "sql",
      spellcheck: "false",
      autocapitalize: "off",
      autocomplete: "off",
      "aria-label": "SQL: one SELECT",
      "aria-describedby": "editor-keys",
      rows: 7,
      wrap: "soft",
    });
    this.copy = h("pre", { class: "sql-copy", "aria-hidden": "true" });
    this.wrong = h("p", { class: "sql-wrong", role: "alert", hidden: true });
    this.el = h("div", { class: "editor" }, h("div", { class: "layers" }, this.copy, this.area), this.wrong);
    this.area.addEventListener("input", () => this.#typed());
    this.area.addEventListener("keydown", (event) => this.#key(event));
    this.area.addEventListener("scroll", () => (this.copy.scrollTop = this.area.scrollTop));
  }

  get text() {
    return this.area.value;
  }

  set text(value) {
    this.area.value = value;
    this.#typed();
  }

  insert(words) {
    this.area.focus();
    this.area.setRangeText(words, this.area.selectionStart, this.area.selectionEnd, "end");
    this.#typed();
  }

  /* Shows an error, marks the word at its line and column (from 1), and puts the caret there. */
  mark(error) {
    this.wrong.hidden = false;
    const at = error.line ? offset(this.text, error.line, error.column ?? 1) : null;
    const place = error.line ? `line ${error.line}${error.column ? `, column ${error.column}` : ""}: ` : "";
    this.wrong.replaceChildren(h("strong", {}, place), error.message, error.hint ? h("span", { class: "hint" }, ` ${error.hint}`) : "");
    this.area.setAttribute("aria-invalid", "true");
    if (at === null) return;
    this.#draw([at, at + wordLength(this.text, at)]);
    this.area.focus();
    this.area.setSelectionRange(at, at);
  }

  clearMark() {
    this.wrong.hidden = true;
    this.area.removeAttribute("aria-invalid");
    this.#draw(null);
  }

  remember() {
    const all = past().filter((text) => text !== this.text);
    all.unshift(this.text);
    localStorage.setItem(STORE, JSON.stringify(all.slice(0, MOST)));
    this.place = null;
  }

  /* Steps through the history. The unsent text stays at its end. */
  back(step) {
    const all = past();
    if (this.place === null) this.unsaved = this.text;
    const next = (this.place ?? -1) + step;
    if (next < -1 || next >= all.length) return;
    this.place = next === -1 ? null : next;
    this.text = next === -1 ? this.unsaved : all[next];
  }

  #typed() {
    this.clearMark();
    this.area.rows = Math.min(24, Math.max(7, this.text.split("\n").length + 1));
  }

  #draw(mark) {
    this.copy.replaceChildren(...highlighted(this.text, mark), "\n");
    this.copy.scrollTop = this.area.scrollTop;
  }

  #key(event) {
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key === "Enter") this.run();
    else if (command && event.key === "/") this.#eachLine(toggleComment);
    else if (command && event.key === "]") this.#eachLine((lines) => lines.map((line) => `    ${line}`));
    else if (command && event.key === "[") this.#eachLine((lines) => lines.map((line) => line.replace(/^ {1,4}/, "")));
    else if (event.altKey && event.key === "ArrowUp") this.back(1);
    else if (event.altKey && event.key === "ArrowDown") this.back(-1);
    else if (event.key === "Enter" && !event.shiftKey && !event.altKey && !event.isComposing) this.#newLine();
    else return;
    event.preventDefault();
  }

  /* Inserts a new line with the indentation of the current one. */
  #newLine() {
    const before = this.text.slice(0, this.area.selectionStart);
    const indent = /(?:^|\n)([ \t]*)[^\n]*$/.exec(before)[1];
    document.execCommand("insertText", false, `\n${indent}`); // keeps the undo history of the browser
  }

  #eachLine(change) {
    const { selectionStart: a, selectionEnd: b } = this.area;
    const from = this.text.lastIndexOf("\n", a - 1) + 1;
    const to = this.text.indexOf("\n", b) < 0 ? this.text.length : this.text.indexOf("\n", b);
    const lines = change(this.text.slice(from, to).split("\n")).join("\n");
    this.area.setSelectionRange(from, to);
    document.execCommand("insertText", false, lines);
    this.area.setSelectionRange(from, from + lines.length);
  }
}

function toggleComment(lines) {
  const on = lines.every((line) => /^\s*--/.test(line) || !line.trim());
  return lines.map((line) => (on ? line.replace(/^(\s*)-- ?/, "$1") : line.trim() ? `-- ${line}` : line));
}

export function past() {
  try {
    const found = JSON.parse(localStorage.getItem(STORE) ?? "[]");
    return Array.isArray(found) ? found.filter((text) => typeof text === "string") : [];
  } catch {
    return [];
  }
}

function offset(text, line, column) {
  const lines = text.split("\n");
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return Math.min(text.length, before + Math.min(column - 1, (lines[line - 1] ?? "").length));
}

function wordLength(text, at) {
  const word = /^\w+|^[^\s]/.exec(text.slice(at));
  return word ? word[0].length : 1;
}
