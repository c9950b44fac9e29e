/* The map: every frame or face is a point, and similar ones are near each other. A line drawn around points selects
   them; the grid shows the selection. */

import * as api from "./api.js";
import { start } from "./chrome.js";
import { readOnly } from "./corrections.js";
import { $, button, dialog, empty, failure, field, h, options, show, tellError, toast } from "./dom.js";
import { count, counted, spoken } from "./format.js";
import { JobView } from "./jobs.js";
import { bind, keyButton } from "./keys.js";
import { Lasso } from "./lasso.js";
import { MapView } from "./mapview.js";
import { Points } from "./points.js";
import { manner, setManner } from "./selection.js";

const STEPS = 65535;
const HUES = 10;
const LISTED = 1000;
const SHOWN = 12;
const RING = { now: 60, least: 10, most: 300 };
const BY = { character: "Character", appearance: "Outfit", cluster: "Group of faces", episode: "Episode" };
const OF = { frames: "Frames", faces: "Faces" };

let of = manner("of") in OF ? manner("of") : "frames";
let by = manner("by") in BY ? manner("by") : "character";
let map = null;
let colours = { names: [], counts: [], codes: [] };
let chosen = [];
let byKeys = false;
let shownPoint = -1;

const el = $("#map");
Object.assign(el, { tabIndex: 0 });
el.setAttribute("role", "application");
el.setAttribute("aria-label", "Map. Arrows move it, plus and minus zoom, v selects what is in the ring.");
const card = h("figure", { class: "map-card", hidden: true });
const view = new MapView(el, { drawn: sketch });
const lasso = new Lasso(view, { line: sketch, choose, point: hover, clicked });
const job = new JobView($("#work"), { done: ({ points, method }) => (queueMicrotask(load), h("p", { role: "status" }, `Done: ${counted(points, "point")} by ${method}`)) });
const number = h("p", { class: "number", role: "status", id: "chosen" });
const kinds = h("select", { "aria-label": "Points", onchange: () => ((of = kinds.value), setManner({ of }), load()) }, options(Object.entries(OF), of));
const colouring = h("select", { "aria-label": "Colours", id: "by", onchange: () => recolour(colouring.value) }, options(Object.entries(BY), by));
const moving = keyButton("Move", "m", () => move(!lasso.moves), { class: "toggle", "aria-pressed": false, title: "A drag moves the map instead of selecting" });
const acts = h("div", { class: "acts" });
const again = button("Compute again", () => begin(true));

start(async () => {
  el.append(card);
  show($("#map-bar"), number, acts, h("div", { class: "tools" }, kinds, colouring, moving, zoomButtons(), readOnly() ? null : again));
  bindKeys();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => map?.method && paint());
  await load();
  if (!readOnly()) await job.resume("map");
});

const zoomButtons = () => [
  button("−", () => view.by(1 / 1.5), { "aria-label": "Smaller", "aria-keyshortcuts": "-" }),
  button("+", () => view.by(1.5), { "aria-label": "Larger", "aria-keyshortcuts": "+" }),
  keyButton("Fit", "z", () => view.whole()),
];

async function load() {
  el.setAttribute("aria-busy", "true");
  el.querySelector(".empty")?.remove();
  try {
    map = await api.get("/api/map", { of });
    view.use(map.ids.length ? new Points(map.x, map.y, STEPS) : null);
    choose([]);
    if (map.method === null) return nothing();
    await recolour(by);
  } catch (error) {
    el.append(failure(error, load));
  } finally {
    el.removeAttribute("aria-busy");
    again.hidden = !map?.method;
  }
}

function nothing() {
  show($("#legend"));
  view.paint();
  const words = readOnly() ? "This service is read-only. Compute it with: animeds map" : "It is computed once, and again when frames were added. 100 000 frames take some minutes.";
  el.append(empty("There is no map yet", words, readOnly() ? "" : button("Compute the map", () => begin(false), { class: "primary", id: "compute" })));
}

async function begin(repeat) {
  try {
    await job.start({ kind: "map", of, again: repeat });
  } catch (error) {
    tellError(error);
  }
}

async function recolour(wanted) {
  by = colouring.value = wanted;
  setManner({ by });
  colours = await api.get("/api/map/colours", { of, by });
  paint();
  legend();
}

function paint() {
  const style = getComputedStyle(document.documentElement);
  const hues = Array.from({ length: HUES }, (_, k) => style.getPropertyValue(`--point-${k}`).trim());
  view.colour(Int32Array.from(colours.codes, (code) => (code < HUES ? code : -1)), hues.slice(0, colours.names.length));
}

/* The values with their colours. Pressing one selects its points. */
function legend() {
  const { names, counts, codes } = colours;
  const none = codes.reduce((sum, code) => sum + (code < 0), 0);
  const row = (words, n, code) => button([h("span", { class: code >= 0 && code < HUES ? `dot point-${code}` : "dot" }), h("span", { class: "value" }, words), h("span", { class: "n" }, count(n))], (event) => choose(withCode(code), event.shiftKey), { "aria-label": `Select ${words}, ${counted(n, of.slice(0, -1))}`, title: `Select ${words}` });
  const note = [map.is_current ? null : "Frames or models have changed since this map was computed.", map.method === "PCA" ? "Without the extra [map] this is only a coarse map, a PCA." : null];
  show(
    $("#legend"),
    h("h2", {}, BY[by]),
    h("div", { class: "legend-rows" }, names.map((name, code) => row(spoken(name), counts[code], code)), none ? row("none", none, -1) : null),
    note.map((words) => words && h("p", { class: "hint" }, words)),
    h("p", { class: "hint" }, `${counted(map.ids.length, of.slice(0, -1))}, ${map.method}, ${map.model}`),
    h("div", { class: "picked", id: "picked" }),
  );
  tell();
}

const withCode = (code) => [...colours.codes.keys()].filter((i) => colours.codes[i] === code);
const frameOf = (i) => (of === "frames" ? map.ids[i] : map.frames[i]);
const picture = (i) => (of === "frames" ? api.thumbnail(map.ids[i]) : api.faceCrop({ frame_id: map.frames[i], face_id: map.ids[i] }));
const valueOf = (i) => (colours.codes[i] >= 0 ? spoken(colours.names[colours.codes[i]]) : "");

function choose(points, add = false) {
  chosen = add ? [...new Set([...chosen, ...points])] : points;
  if (map && chosen.length) {
    view.chosen = new Uint8Array(map.ids.length);
    for (const i of chosen) view.chosen[i] = 1;
  } else view.chosen = null;
  view.draw();
  tell();
}

const chosenFrames = () => [...new Set(chosen.map(frameOf))];

/* Shows what is selected, with some of its pictures, and what can be done with it. */
function tell() {
  number.textContent = chosen.length ? `${count(chosen.length)} selected` : "Draw a line around points";
  show(acts, chosen.length ? [keyButton("Show in the grid", "Enter", toGrid, { class: "primary" }), readOnly() ? null : keyButton("Save view…", "w", save), keyButton("None", "Esc", () => choose([]))] : null);
  const place = $("#picked");
  if (!place) return;
  const step = Math.max(1, Math.ceil(chosen.length / SHOWN));
  show(place, chosen.filter((_, k) => k % step === 0).map((i) => h("a", { href: `/frames/${encodeURIComponent(frameOf(i))}` }, h("img", { src: picture(i), alt: valueOf(i), loading: "lazy" }))));
}

function toGrid() {
  const ids = chosenFrames();
  if (!ids.length) return false;
  if (ids.length > LISTED) return save();
  return open(`SELECT frame_id FROM frames WHERE frame_id IN (${ids.map(api.quoted).join(", ")})`);
}

const open = (sql) => location.assign(`/?${new URLSearchParams({ q: sql, hide: "none", sort: "time" })}`);

/* Saves the frames under a name, and opens them in the grid. */
function save() {
  const ids = chosenFrames();
  if (!ids.length) return false;
  if (readOnly()) return tellError(new Error(`This service is read-only: at most ${count(LISTED)} frames can be shown.`));
  const name = h("input", { type: "text", required: true, maxlength: 80, autocomplete: "off" });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const form = h("form", {}, field("Name", name, `${counted(ids.length, "frame")} are saved as a view in the database. A view of this name is replaced.`), wrong, h("button", { class: "primary" }, "Save and show"));
  dialog("Save these frames", form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const called = name.value.trim();
    try {
      await api.send("PUT", `/api/selections/${encodeURIComponent(called)}`, { frames: ids });
    } catch (error) {
      wrong.textContent = [error.message, error.hint].filter(Boolean).join(" – ");
      return;
    }
    open(`SELECT frame_id FROM saved_frames(${api.quoted(called)})`);
  });
  name.focus();
}

/* Shows the picture of a point beside it. */
function hover(i, at) {
  if (i === shownPoint) return;
  shownPoint = i;
  card.hidden = i < 0;
  sketch();
  if (i < 0) return;
  const [left, top] = at ?? view.toScreen(view.points.x[i], view.points.y[i]);
  show(card, h("img", { src: picture(i), alt: "" }), h("figcaption", {}, [valueOf(i), frameOf(i)].filter(Boolean).join(" · ")));
  card.style.left = `${Math.max(0, left > view.width / 2 ? left - 216 : Math.min(left + 16, view.width - 200))}px`;
  card.style.top = `${Math.max(0, Math.min(view.height - 170, top - 60))}px`;
}

function clicked(i, add) {
  if (i < 0) return choose([]);
  return choose([i], add);
}

function sketch() {
  if (!view.points) return;
  const mark = shownPoint >= 0 ? [view.points.x[shownPoint], view.points.y[shownPoint]] : null;
  view.sketch({ line: lasso.line, circle: byKeys ? RING.now : null, mark });
}

function move(on) {
  lasso.moves = on;
  moving.setAttribute("aria-pressed", on);
  el.classList.toggle("moving", on);
}

/* --- the keyboard: the ring in the middle selects --- */

function bindKeys() {
  const far = 40;
  const byKey = (does) => () => {
    if (!view.points) return false;
    byKeys = true;
    does();
    hover(view.points.nearest(view.x, view.y, RING.now / view.scale));
    return sketch();
  };
  const ring = (factor) => byKey(() => (RING.now = Math.min(RING.most, Math.max(RING.least, RING.now * factor))));
  bind("Move", [
    ["ArrowLeft", "to the left", byKey(() => view.pan(-far, 0))],
    ["ArrowRight", "to the right", byKey(() => view.pan(far, 0))],
    ["ArrowUp", "up", byKey(() => view.pan(0, -far))],
    ["ArrowDown", "down", byKey(() => view.pan(0, far))],
    ["+", "larger", byKey(() => view.by(1.5))],
    ["-", "smaller", byKey(() => view.by(1 / 1.5))],
    ["z", "the whole map", byKey(() => view.whole())],
    ["m", "a drag moves the map, or selects", () => move(!lasso.moves)],
  ]);
  bind("Select", [
    ["v", "select what is in the ring", byKey(chooseRing)],
    ["[", "smaller ring", ring(1 / 1.3)],
    ["]", "larger ring", ring(1.3)],
    ["a", "select all", () => map && choose([...map.ids.keys()])],
    ["Escape", "clear the selection", () => (lasso.stop(), choose([]))],
    ["Enter", "show the selection in the grid", toGrid],
    ["w", "save the selection as a view", () => (readOnly() ? false : save())],
  ]);
  bind("See", [["c", "other colours", () => recolour(next(by)).catch(tellError)]]);
}

function chooseRing() {
  const inside = view.points.around(view.x, view.y, RING.now / view.scale);
  if (!inside.length) toast("There is nothing in the ring. Move the map with the arrow keys, or press ] for a larger ring.");
  choose(inside, true);
}

function next(now) {
  const all = Object.keys(BY);
  return all[(all.indexOf(now) + 1) % all.length];
}
