/* One named query: a form for its parameters, the rows, and the SQL. */

import * as api from "./api.js";
import { entitle, start } from "./chrome.js";
import { $, button, failure, h, show } from "./dom.js";
import { highlighted, withValues } from "./highlight.js";
import { Results } from "./results.js";
import { givenParameters, parameterFields } from "./search.js";
import { address } from "./selection.js";

const name = decodeURIComponent(location.pathname.split("/").pop());
const fields = h("div", { class: "params" });
const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
const result = h("section", { class: "result", "aria-label": "Rows" });
const results = new Results(result);
let query = null;

start(async () => {
  addEventListener("popstate", asked);
  const all = await api.queries();
  query = all.find((one) => one.name === name);
  if (!query) return show($("#content"), failure({ message: `There is no query “${name}”.`, hint: "The Queries page lists all queries." }));
  draw();
  return asked();
});

function draw() {
  entitle(query.title || name);
  const form = h("form", { class: "card query-form" }, fields, h("p", { class: "row" }, h("button", { class: "primary" }, "Run"), wrong));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    history.pushState(null, "", address(location.pathname, prefixed(givenParameters(fields))));
    run();
  });
  show(
    $("#content"),
    h("header", { class: "page-head" }, h("h1", {}, h("span", { class: "code" }, name)), h("p", { class: "lead" }, query.title), query.description && h("p", { class: "lead" }, query.description)),
    form,
    result,
    h(
      "details",
      { class: "card" },
      h("summary", {}, "See the SQL"),
      h("pre", { class: "code", tabindex: "0" }, highlighted(query.sql)),
      h("p", { class: "row" }, button("Edit in SQL", () => location.assign(editAddress()))),
    ),
  );
}

const prefixed = (given) => new URLSearchParams(Object.entries(given).map(([key, value]) => [`p.${key}`, value]));

/* Writes the values of the form into the SQL text, because the editor has no form. */
const editAddress = () => address("/sql", new URLSearchParams({ q: withValues(query.sql, query.parameters, givenParameters(fields)) }));

async function asked() {
  const params = new URLSearchParams(location.search);
  show(fields, parameterFields(query.parameters, params));
  fields.hidden = !query.parameters.length;
  const missing = query.parameters.some((p) => p.required && !params.has(`p.${p.name}`));
  if (missing) return result.replaceChildren(h("p", { class: "hint" }, "Fill in the required fields, then press Run."));
  return run();
}

async function run() {
  const params = prefixed(givenParameters(fields));
  const path = `/api/queries/${encodeURIComponent(name)}`;
  const stop = new AbortController();
  wrong.hidden = true;
  results.waiting(() => stop.abort());
  try {
    const answer = await api.get(path, params, stop.signal);
    const selection = new URLSearchParams([["query", name], ...params]);
    results.draw(answer, { path, params, selection });
  } catch (error) {
    results.clear();
    if (error.name === "AbortError") return;
    wrong.hidden = false;
    wrong.textContent = [error.message, error.hint].filter(Boolean).join(" – ");
  }
}
