/* The list of named queries, your own first. */

import * as api from "./api.js";
import { start } from "./chrome.js";
import { $, failure, h, show } from "./dom.js";

start(load);

async function load() {
  const place = $("#content");
  try {
    const all = await api.queries();
    const mine = all.filter((query) => query.mine);
    show(
      place,
      part("Yours", mine, mine.length ? null : "None yet. “Save as query…” on the SQL page or on a selection adds one to ./queries."),
      part("Built in", all.filter((query) => !query.mine)),
      h("p", {}, h("a", { class: "button", href: "/sql" }, "Write a query")),
    );
  } catch (error) {
    show(place, failure(error, load));
  }
}

function part(title, queries, none) {
  return h("section", {}, h("h2", {}, title), none && h("p", { class: "hint" }, none), h("ul", { class: "query-list" }, queries.map(line)));
}

function line({ name, title, parameters }) {
  return h(
    "li",
    {},
    h("a", { class: "code", href: `/queries/${encodeURIComponent(name)}` }, name),
    h("span", {}, title),
    h("span", { class: "hint" }, parameters.map((p) => (p.required ? `${p.name} (needed)` : p.name)).join(", ")),
  );
}
