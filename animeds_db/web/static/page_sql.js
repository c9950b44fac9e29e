/* The SQL page: editor, history, list of views, and results. */

import * as api from "./api.js";
import { entitle, start } from "./chrome.js";
import { $, button, dialog, h, show, tellError } from "./dom.js";
import { Editor, past } from "./editor.js";
import { highlighted } from "./highlight.js";
import { bind } from "./keys.js";
import { Results } from "./results.js";
import { drawSchema } from "./schema.js";
import { askSave } from "./sqlpanel.js";

const LIMIT = 1000;
const FIRST = "SELECT tag, count(*) AS frames\nFROM tags\nWHERE score >= 0.5\nGROUP BY tag\nORDER BY frames DESC\nLIMIT 50";
const editor = new Editor(run);
const results = new Results($("#result"));
let stop = null;
let ran = null;

start(async () => {
  show(
    $("#editor"),
    editor.el,
    h(
      "div",
      { class: "row editor-row" },
      button(["Run ", h("kbd", { "aria-hidden": "true" }, "Ctrl Enter")], run, { class: "primary", "aria-keyshortcuts": "Control+Enter", id: "run" }),
      button("History…", showPast),
      button("Save as query…", () => askSave(editor.text)),
      h("p", { class: "hint", id: "editor-keys" }, "Alt+↑↓ history, Ctrl+/ comment, Ctrl+] indent, Tab leaves the editor"),
    ),
  );
  bind("SQL", [
    [["Ctrl+Enter"], "run (in the editor)", () => {}],
    [["Alt+↑"], "history (in the editor)", () => {}],
    [["Ctrl+/"], "comment or uncomment (in the editor)", () => {}],
    ["e /", "go to the editor", () => editor.area.focus()],
  ]);
  addEventListener("popstate", asked);
  drawSchema($("#schema"), (words) => editor.insert(words)).catch(tellError);
  await asked();
});

/* Runs the SQL in the address. */
async function asked() {
  const q = new URLSearchParams(location.search).get("q");
  editor.text = q ?? past()[0] ?? FIRST;
  if (q) await run();
  else results.clear();
}

async function run() {
  const q = editor.text;
  if (!q.trim()) return editor.area.focus();
  stop?.abort();
  const mine = (stop = new AbortController());
  editor.clearMark();
  if (new URLSearchParams(location.search).get("q") !== q) {
    const params = new URLSearchParams(location.search);
    params.set("q", q);
    history.pushState(null, "", `/sql?${params}`);
  }
  entitle(q.replace(/\s+/g, " ").slice(0, 50));
  results.waiting(() => mine.abort());
  try {
    const answer = await api.sql(q, { limit: LIMIT, signal: mine.signal });
    editor.remember();
    ran = q;
    results.draw(answer, { path: "/api/sql", params: { q: ran }, selection: new URLSearchParams({ q: ran }) });
  } catch (error) {
    if (mine !== stop) return;
    results.clear();
    if (error.name === "AbortError") show($("#result"), h("p", { class: "hint" }, "Stopped."));
    else editor.mark(error);
  }
}

function showPast() {
  const all = past();
  const rows = all.map((text) =>
    h("li", {}, h("button", { type: "button", class: "past", onclick: () => (box.close(), (editor.text = text), editor.area.focus()) }, h("pre", {}, highlighted(text)))),
  );
  const box = dialog("SQL history", rows.length ? h("ul", { class: "pasts" }, rows) : h("p", { class: "hint" }, "Nothing has been run in this browser yet."));
}
