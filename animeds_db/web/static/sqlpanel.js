/* "See the SQL": the SELECT of a selection, to copy, edit, or save as a named query. */

import * as api from "./api.js";
import { highlighted } from "./highlight.js";
import { $, button, dialog, field, h, show, tellError, toast } from "./dom.js";
import { address } from "./selection.js";

export async function toggleSql(el, selection) {
  if (el.childElementCount) return show(el);
  try {
    const sql = await api.explain(selection);
    show(el, panel(sql, () => show(el)));
  } catch (error) {
    tellError(error);
  }
}

function panel(sql, close) {
  return h(
    "section",
    { class: "sql-panel", "aria-label": "The SQL of this selection" },
    h("pre", { class: "code", tabindex: "0" }, highlighted(sql)),
    h(
      "p",
      { class: "row" },
      button("Copy", () => copy(sql)),
      h("a", { class: "button", href: address("/sql", new URLSearchParams({ q: sql })) }, "Edit in SQL"),
      button("Save as query…", () => askSave(sql)),
      button("Close", close, { class: "quiet" }),
    ),
  );
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied.");
  } catch {
    toast("The browser did not allow copying. Select the text and press Ctrl+C.", { kind: "failed" });
  }
}

/* Asks for a name and saves ./queries/NAME.sql. */
export function askSave(sql, then) {
  const name = h("input", { type: "text", required: true, pattern: "[A-Za-z_][A-Za-z0-9_]*", maxlength: 60, autocomplete: "off" });
  const title = h("input", { type: "text", maxlength: 200, autocomplete: "off" });
  const words = h("textarea", { rows: 2, maxlength: 2000 });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const form = h(
    "form",
    {},
    field("Name", name, "Letters, digits and _. The query is saved as a file in ./queries."),
    field("Title", title),
    field("Description", words),
    wrong,
    h("button", { class: "primary" }, "Save"),
  );
  const box = dialog("Save as a named query", form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await api.post("/api/queries", { name: name.value, title: title.value, description: words.value, sql });
    } catch (error) {
      wrong.textContent = [error.message, error.hint].filter(Boolean).join(" – ");
      return;
    }
    box.close();
    toast(`Saved as ${name.value}.`, { actions: [["Open it", () => location.assign(`/queries/${encodeURIComponent(name.value)}`)]] });
    then?.(name.value);
  });
  $("input", form).focus();
}
