/* Rows as a table, with download links. It says so when rows were cut off. */

import * as api from "./api.js";
import { h } from "./dom.js";
import { counted, seconds } from "./format.js";

const NUMBER = /^(u?(tiny|small|big|huge)?int(eger|\d+)?|float\d*|half_?float|double|real|decimal.*)$/i;
const LONG = 120;

export function resultTable({ columns, rows }) {
  if (!columns.length) return h("p", { class: "hint" }, "No columns.");
  const kinds = columns.map(({ name, type }) => (NUMBER.test(type) ? "number" : name === "frame_id" ? "frame" : name === "face_id" ? "face" : ""));
  const head = columns.map(({ name, type }, i) => h("th", { scope: "col", class: kinds[i] === "number" ? "number" : null, title: type }, name));
  const both = kinds.includes("frame") && kinds.includes("face");
  const body = rows.map((row) => h("tr", {}, row.map((value, i) => cell(value, both && kinds[i] === "frame" ? "plain-frame" : kinds[i]))));
  return h(
    "div",
    { class: "table-scroll result-table", tabindex: "0", role: "region", "aria-label": "Rows" },
    h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, body)),
  );
}

function cell(value, kind) {
  if (value === null || value === undefined) return h("td", { class: "null" }, "null");
  if (kind === "frame") return h("td", { class: "id" }, frameLink(String(value), String(value)));
  if (kind === "plain-frame") return h("td", { class: "nowrap" }, h("a", { class: "code", href: `/frames/${encodeURIComponent(value)}` }, String(value)));
  if (kind === "face") return h("td", { class: "id" }, faceLink(String(value)));
  if (kind === "number") return h("td", { class: "number" }, round(value));
  return h("td", {}, cut(typeof value === "object" ? (Array.isArray(value) ? value.map(plain).join(", ") : JSON.stringify(value)) : String(value)));
}

const frameLink = (id, words) =>
  h("a", { href: `/frames/${encodeURIComponent(id)}` }, h("img", { src: api.thumbnail(id), alt: "", loading: "lazy", width: 64, height: 36 }), h("span", { class: "code" }, words));

function faceLink(id) {
  const frame = id.replace(/-[a-z_]+\d+$/, "");
  return h("a", { class: "face", href: `/frames/${encodeURIComponent(frame)}` }, h("img", { src: api.faceCrop({ frame_id: frame, face_id: id }), alt: "", loading: "lazy", width: 36, height: 36 }), h("span", { class: "code" }, id));
}

const plain = (value) => (typeof value === "object" && value !== null ? JSON.stringify(value) : String(value));

const round = (value) => (typeof value === "number" && !Number.isInteger(value) ? String(Number(value.toPrecision(6))) : String(value));

const cut = (text) => (text.length > LONG ? h("details", { class: "long" }, h("summary", {}, `${text.slice(0, LONG)}…`), text) : text);

/* "1 000 rows in 12 ms; more rows are not shown". */
export function resultWords({ rows, truncated, next, seconds: took }) {
  const time = took === undefined ? "" : ` in ${seconds(took)}`;
  const more = truncated || next ? "; more rows are not shown" : "";
  return `${counted(rows.length, "row")}${time}${more}`;
}

export function downloads(path, params) {
  const link = (format) => {
    const all = new URLSearchParams(params);
    all.set("format", format);
    return `${path}?${all}`;
  };
  return [
    h("a", { class: "button", href: link("csv"), download: "" }, "CSV"),
    h("a", { class: "button", href: link("arrow"), download: "" }, "Arrow"),
    h("a", { class: "button", href: link("json") }, "JSON"),
  ];
}
