/* The list of views and columns beside the editor. A click inserts the name into the query. */

import * as api from "./api.js";
import { button, h, show } from "./dom.js";

const ASKED = `SELECT c.table_name AS view, c.column_name AS name, c.data_type AS type
FROM duckdb_columns() AS c JOIN duckdb_views() AS v ON v.view_name = c.table_name AND v.schema_name = c.schema_name
WHERE NOT v.internal AND NOT c.internal ORDER BY c.table_name, c.column_index`;
const FIRST = ["frames", "tags", "faces", "characters", "frame_characters", "kept", "good", "duplicates", "shots", "sources", "labels"];

export async function drawSchema(el, insert) {
  let views = new Map();
  try {
    const columns = api.records(await api.sql(ASKED, { limit: 5000 }));
    for (const column of columns) views.set(column.view, [...(views.get(column.view) ?? []), column]);
  } catch {
    views = new Map(FIRST.map((name) => [name, []]));
  }
  const known = [...views.keys()].filter((name) => !name.startsWith("lance_") && !name.startsWith("_"));
  const names = [...FIRST.filter((name) => known.includes(name)), ...known.filter((name) => !FIRST.includes(name)).sort()];
  show(
    el,
    h("details", { class: "schema-box", open: matchMedia("(min-width: 801px)").matches }, h("summary", {}, "Views"), names.map((name) => view(name, views.get(name), insert))),
    h("p", { class: "hint" }, "Macros such as has_tag(tags, 'smile') are described in docs/sql.md."),
  );
}

function view(name, columns, insert) {
  const rows = columns.map((column) =>
    h("li", {}, button(column.name, () => insert(safe(column.name)), { class: "link code", title: `Insert ${column.name}` }), h("span", { class: "hint" }, short(column.type))),
  );
  return h(
    "details",
    {},
    h("summary", {}, h("span", { class: "code" }, name)),
    h("ul", { class: "columns" }, h("li", {}, button(`FROM ${name}`, () => insert(`FROM ${name} `), { class: "link code" })), rows),
  );
}

const RESERVED = ["show", "left", "right", "by", "at"];
const safe = (name) => (RESERVED.includes(name) || !/^[a-z_]\w*$/i.test(name) ? `"${name}"` : name);
const short = (type) => (type.length > 16 ? `${type.slice(0, 15)}…` : type).toLowerCase();
