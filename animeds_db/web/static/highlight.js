/* Colours SQL. Returns elements, never markup. A wrong guess only gives a word the wrong colour. */

import { h } from "./dom.js";

const WORDS =
  "SELECT FROM WHERE AND OR NOT NULL IS IN AS ON USING JOIN LEFT RIGHT FULL INNER OUTER CROSS SEMI ANTI ASOF GROUP BY ORDER HAVING LIMIT OFFSET UNION ALL " +
  "EXCEPT INTERSECT DISTINCT WITH RECURSIVE CASE WHEN THEN ELSE END OVER PARTITION QUALIFY FILTER VALUES ASC DESC NULLS FIRST LAST BETWEEN LIKE ILIKE EXISTS " +
  "EXCLUDE REPLACE TRUE FALSE INTERVAL CAST LATERAL UNNEST EXPLAIN ANALYZE PIVOT UNPIVOT ROWS RANGE PRECEDING FOLLOWING CURRENT ROW UNBOUNDED NAME SAMPLE";
const KEYWORDS = new Set(WORDS.split(" "));
const TOKEN = /(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^']|'')*'?)|("(?:[^"]|"")*"?)|(\$\w+)|(\b\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?\b)|(\b[A-Za-z_]\w*\b)/g;
const KINDS = ["", "comment", "string", "name", "param", "number", "word"];

/* Returns `sql` as elements and texts; the range from `mark[0]` to `mark[1]` is marked as wrong. */
export function highlighted(sql, mark = null) {
  const found = [];
  let at = 0;
  for (const match of sql.matchAll(TOKEN)) {
    const kind = KINDS[match.findIndex((part, i) => i > 0 && part !== undefined)];
    add(found, sql.slice(at, match.index), "", at, mark);
    add(found, match[0], kind === "word" ? (KEYWORDS.has(match[0].toUpperCase()) ? "keyword" : "") : kind, match.index, mark);
    at = match.index + match[0].length;
  }
  add(found, sql.slice(at), "", at, mark);
  return found;
}

/* Returns a named query with values instead of $parameters, without the lines that declare them. */
export function withValues(sql, parameters, given) {
  const values = new Map(parameters.map((p) => [`$${p.name}`, literal(p.type, given[p.name] ?? p.default)]));
  const body = sql.replace(/^--\s*(name:|param\s).*\n/gm, "");
  return body.replace(TOKEN, (text) => (text.startsWith("$") ? (values.get(text) ?? text) : text));
}

function literal(type, value) {
  if (value === null || value === undefined) return "NULL";
  if (type === "condition") return `(${value})`;
  const quoted = (text) => `'${String(text).replaceAll("'", "''")}'`;
  if (type === "list" || type === "tags") return `[${(Array.isArray(value) ? value : String(value).split(",").map((part) => part.trim())).map(quoted).join(", ")}]`;
  return ["text", "character", "show"].includes(type) || Number.isNaN(Number(value)) ? quoted(value) : String(value);
}

function add(found, text, kind, start, mark) {
  if (!text) return;
  if (mark && mark[0] < start + text.length && mark[1] > start) {
    const [a, b] = [Math.max(0, mark[0] - start), Math.min(text.length, mark[1] - start)];
    found.push(piece(text.slice(0, a), kind), h("mark", { class: kind && `t-${kind}` }, text.slice(a, b)), piece(text.slice(b), kind));
  } else found.push(piece(text, kind));
}

const piece = (text, kind) => (kind ? h("span", { class: `t-${kind}` }, text) : text);
