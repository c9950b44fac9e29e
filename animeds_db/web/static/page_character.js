/* One character: where it appears, its examples, and its faces, the least certain first. */

import * as api from "./api.js";
import { entitle, start } from "./chrome.js";
import { $, button, failure, h, show } from "./dom.js";
import { counted, score, where } from "./format.js";
import { address } from "./selection.js";
import { timeline } from "./timeline.js";

const name = decodeURIComponent(location.pathname.split("/").pop());
const ORDERS = { unsure: "least certain first", sure: "most certain first", time: "by time" };
const SHOWN = 60;

const missing = h("section", { id: "missing" });

start(load);

async function load() {
  entitle(name);
  try {
    draw(await api.character(name));
  } catch (error) {
    show($("#content"), failure(error, load));
  }
}

function draw(known) {
  const all = address("/", new URLSearchParams({ character: name }));
  show(
    $("#content"),
    h(
      "header",
      { class: "page-head" },
      h("h1", {}, known.name ?? name),
      h("p", { class: "row" }, h("a", { class: "button", href: all }, "All frames"), h("a", { class: "button", href: `/characters/${encodeURIComponent(name)}/outfits` }, "Outfits"), h("a", { class: "button", href: address("/export", new URLSearchParams({ character: name })) }, "Export…"), h("a", { class: "button", href: `/api/characters/${encodeURIComponent(name)}` }, "JSON"), h("a", { class: "button", href: address("/sql", new URLSearchParams({ q: faceSql() })) }, "See the SQL")),
    ),
    h("section", {}, h("h2", {}, "Where"), known.timeline?.length ? timeline(name, known.timeline) : h("p", { class: "hint" }, "No frames yet.")),
    examplesPart(known.examples ?? []),
    missing,
    facesPart(known.faces ?? []),
  );
  if (known.faces?.length && !["unknown", "ood"].includes(name)) tellMissing();
}

/* The kinds of pictures that are missing, with the frames that would fill each gap. */
async function tellMissing() {
  try {
    const { n_pictures: n, gaps, stretches, commands } = await api.get(`/api/characters/${encodeURIComponent(name)}/coverage`);
    const filled = gaps.filter(({ best }) => best.length);
    const rest = gaps.filter(({ best }) => !best.length).map(({ gap }) => gap);
    show(
      missing,
      h("h2", {}, `What is missing (${gaps.length})`),
      h("p", { class: "hint" }, gaps.length ? `Kinds of pictures that ${counted(n, "kept picture")} lack.` : "There is a picture of every kind."),
      filled.map(({ gap, best }) => h("p", { class: "row" }, gap, best.map((id) => h("a", { href: `/frames/${encodeURIComponent(id)}` }, h("img", { class: "gap-frame", src: api.thumbnail(id), alt: `would fill: ${gap}`, loading: "lazy" }))))),
      rest.length ? h("p", {}, `Nothing in the database would fill these gaps: ${rest.join(", ")}.`) : null,
      stretches && gaps.length ? [h("p", {}, `${stretches}. They could fill gaps:`), commands.slice(0, 3).map((one) => h("p", {}, h("code", {}, one)))] : null,
    );
  } catch (error) {
    show(missing, failure(error, tellMissing));
  }
}

const faceSql = () => `SELECT face_id, frame_id, character_score AS score, margin\nFROM faces\nWHERE character = ${api.quoted(name)}\nORDER BY margin`;

function examplesPart(examples) {
  if (!examples.length)
    return h("section", {}, h("h2", {}, "Examples"), h("p", { class: "hint" }, "None. The name comes from people or tags. A name under a group on the page ", h("a", { href: "/clusters" }, "Faces"), " adds examples."));
  return h(
    "section",
    {},
    h("h2", {}, `Examples (${examples.length})`),
    h("div", { class: "faces" }, examples.slice(0, 40).map((one) => h("figure", { class: "face-card" }, h("img", { src: `/api/examples/${encodeURIComponent(one.example_id)}/thumbnail`, alt: "", loading: "lazy" }), h("figcaption", {}, [one.appearance, one.origin].filter(Boolean).join(", "))))),
  );
}

/* Narrow margins come first because mistakes are likely there. */
function facesPart(faces) {
  let order = new URLSearchParams(location.search).get("order") ?? "unsure";
  let shown = SHOWN;
  const place = h("div", { class: "faces" });
  const more = button("Show more", () => ((shown += SHOWN), redraw()));
  const ways = h("div", { class: "row" });
  const redraw = () => {
    const rows = sorted(faces, order);
    show(ways, Object.entries(ORDERS).map(([key, words]) => button(words, () => turn(key), { class: "toggle", "aria-pressed": key === order })));
    show(place, rows.slice(0, shown).map(faceCard));
    more.hidden = rows.length <= shown;
  };
  const turn = (key) => {
    order = key;
    history.replaceState(null, "", key === "unsure" ? location.pathname : `${location.pathname}?order=${key}`);
    redraw();
  };
  redraw();
  return h("section", {}, h("div", { class: "head-line" }, h("h2", {}, `Faces (${faces.length})`), ways), faces.length ? place : h("p", { class: "hint" }, "No face has this name."), more);
}

function sorted(faces, order) {
  if (order === "time") return faces.toSorted((a, b) => (a.face_id < b.face_id ? -1 : 1));
  const sure = (face) => (face.by === "label" ? 2 : (face.margin ?? face.score ?? 0));
  return faces.toSorted((a, b) => (order === "sure" ? sure(b) - sure(a) : sure(a) - sure(b)));
}

function faceCard(face) {
  const bar = h("span", {});
  bar.style.width = `${Math.round(100 * Math.min(1, face.margin ?? 0))}%`;
  const human = face.by === "label";
  return h(
    "a",
    { class: "face-card", href: `/frames/${encodeURIComponent(face.frame_id)}`, title: human ? "named by a person" : `score ${score(face.score)}, margin ${score(face.margin)}, by ${face.by}` },
    h("img", { src: api.faceCrop(face), alt: `${name}, ${where(face)}`, loading: "lazy" }),
    h("span", { class: human ? "meter good" : "meter", "aria-hidden": "true" }, bar),
    h("span", {}, human ? "by a person" : `margin ${score(face.margin)}`),
    h("span", {}, where(face)),
  );
}
