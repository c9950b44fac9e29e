/* The page of frames: puts search, filters, grid and corrections together. */

import { quoted, status } from "./api.js";
import { Boxes, facesOf } from "./boxes.js";
import { entitle, start } from "./chrome.js";
import { Palette, characterWords, look, readOnly, say, undo } from "./corrections.js";
import { $, debounce, empty, failure, h, tellError, toast } from "./dom.js";
import { Facets } from "./facets.js";
import { counted, spoken } from "./format.js";
import { FrameList } from "./framelist.js";
import { Grid } from "./grid.js";
import { HoverPlay } from "./hoverplay.js";
import { bind } from "./keys.js";
import { shotOfFrame } from "./player.js";
import { Rubber } from "./rubber.js";
import { Search } from "./search.js";
import { address, manner, pieces, selection, setManner, shown, stateLink } from "./selection.js";
import { toggleSql } from "./sqlpanel.js";
import { editTags } from "./tageditor.js";
import { Toolbar } from "./toolbar.js";
import { Views } from "./views.js";

const SOME = 100_000; // maximum number of frames that are labelled at once
const LISTED = 1000;
let list = null;
let noFrames = false;

start(async () => {
  addEventListener("click", stateLink);
  addEventListener("statechange", load);
  addEventListener("undone", () => (boxes.forget(), list.reload().catch(tellError)));
  bindKeys();
  const drawing = load();
  look();
  palette.load().catch(tellError);
  views.load().catch(tellError);
  status().then(({ frames, recounting }) => ((noFrames = !frames && !recounting), list.total === 0 && drawn())).catch(tellError);
  await drawing;
});

const search = new Search($("#search"));
const facets = new Facets($("#facets"));
const boxes = new Boxes(() => grid.redraw());
const keepPlace = debounce(250, (i) => setManner({ at: i || null }));
const grid = new Grid($("#grid"), {
  move: keepPlace,
  view: (ids) => boxes.need(ids).catch(tellError),
  choose: () => toolbar.chose(grid.chosen.size),
});
grid.boxes = boxes;
new Rubber(grid);
const hover = new HoverPlay($("#grid"), {
  tiles: ".tile",
  source: (tile) => shotOf(grid.frame(Number(tile.dataset.i))),
  place: (tile) => $(".pic", tile),
});
const toolbar = new Toolbar($("#toolbar"), {
  size: (size) => grid.setSize(size),
  boxes: showBoxes,
  sql: () => toggleSql($("#sql-panel"), selection()),
  drop: drop,
  keep: () => judge("keep"),
  tags: tags,
  clear: () => grid.clear(),
  save: saveView,
  all: chooseAll,
  chosen: chosenFrames,
});
const views = new Views($("#views"));
const palette = new Palette($("#palette"), name);

async function load() {
  list?.end();
  const chosen = selection();
  const at = Number(manner("at", 0)) || 0;
  list = new FrameList(chosen, drawn);
  $("#grid").setAttribute("aria-busy", "true");
  grid.setSize(toolbar.size);
  grid.use(list, { at, link: (frame, i) => address(`/frames/${encodeURIComponent(frame.frame_id)}`, placed(chosen, i)) });
  const starting = list.start(at);
  $("#sql-panel").replaceChildren();
  toolbar.chose(0);
  toolbar.update(chosen);
  facets.update(chosen);
  search.update().catch(tellError);
  views.draw();
  boxes.on = toolbar.boxes;
  entitle(title(chosen));
  return starting;
}

function placed(params, i) {
  const next = new URLSearchParams(params);
  next.set("at", i);
  return next;
}

const shotOf = (frame) => (frame && frame.time_s !== null ? shotOfFrame(frame.frame_id) : null);

const title = (params) => pieces(params).map(({ value }) => spoken(value)).join(", ").slice(0, 60) || "Frames";

/* Updates the grid and the text above it after frames were loaded or corrected. */
function drawn() {
  toolbar.count(list.total, list.length);
  if (list.windows.size || list.total === 0 || list.failed) $("#grid").removeAttribute("aria-busy");
  const state = $("#grid").querySelector(".empty");
  if (list.failed && !list.length) return tellState(failure(list.failed, load));
  if (list.total === 0) return tellState(nothingHere());
  state?.remove();
  if (grid.list === list) grid.redraw();
  if (list.failed) tellError(list.failed);
}

function tellState(words) {
  $("#grid").querySelector(".empty")?.remove();
  $("#grid").append(words);
}

function nothingHere() {
  if (noFrames)
    return empty("No frames yet", h("p", {}, "Choose a folder with episodes or pictures, and press Ingest."), h("p", {}, h("a", { class: "button primary", href: "/ingest" }, "Add episodes")));
  return empty(
    "No frames match",
    "Remove a filter, or show what is hidden.",
    h("p", { class: "row" }, h("a", { class: "button", href: "/", data: { state: "" } }, "Remove all filters"), h("a", { class: "button", href: "/?hide=none", data: { state: "" } }, "Show all frames")),
  );
}

function showBoxes(on) {
  boxes.on = on;
  setManner({ boxes: on ? 1 : null });
  grid.redraw();
}

/* --- corrections --- */

/* Returns what a correction is about: {n, ids}, or {n, selection} for all results of a large selection. */
async function targets() {
  if (!(await grid.settled())) return { n: 0, ids: [] };
  const places = grid.acted();
  if (places.length > LISTED && places.length === list.total) return { n: list.total, selection: shown(list.selection).toString() };
  const ids = await list.ids(places);
  return { n: ids.length, ids };
}

async function judge(verdict) {
  const { n, ...about } = await targets();
  if (!n) return;
  const words = `${counted(n, "frame")}: ${verdict === "drop" ? "dropped" : "kept"}`;
  const apply = about.ids && (() => list.say(about.ids, { dropped: verdict === "drop" }));
  say({ field: "frame", op: "set", value: verdict, ...about }, words, apply, apply ? null : () => list.reload().catch(tellError));
}

/* x drops frames; x on frames that are already dropped undoes it. */
async function drop() {
  if (!(await grid.settled())) return;
  if (grid.chosen.size > LISTED) return judge("drop");
  const frames = grid.acted().map((i) => grid.frame(i)).filter(Boolean);
  if (frames.length && frames.every((frame) => frame.dropped)) return unjudge(frames.map((f) => f.frame_id));
  return judge("drop");
}

function unjudge(ids) {
  const words = `${counted(ids.length, "frame")}: keep or drop removed`;
  say({ field: "frame", op: "remove", value: null, ids }, words, () => list.say(ids, { dropped: false }));
}

/* Names the face of frames that have exactly one; frames with several faces must be opened. */
async function name(character) {
  if (!(await grid.settled())) return;
  if (grid.chosen.size > LISTED) return toast(`At most ${counted(LISTED, "frame")} can be named at once. Select fewer.`, { kind: "failed" });
  const { ids } = await targets();
  if (!ids.length) return;
  const faces = await facesOf(ids).catch((error) => (tellError(error), new Map()));
  const single = ids.filter((id) => faces.get(id)?.length === 1);
  const rest = ids.length - single.length;
  if (rest) {
    const many = ids.find((id) => faces.get(id)?.length > 1);
    toast(`${counted(rest, "frame")} without exactly one face. Open ${rest === 1 ? "it" : "them"} to choose the face.`, {
      kind: "failed",
      actions: many ? [["Open", () => location.assign(`/frames/${many}`)]] : [],
    });
  }
  if (!single.length) return;
  const said = single.map((id) => faces.get(id)[0].detection_id);
  const shown = ["unknown", "ood"].includes(character) ? [] : [character];
  say({ field: "character", op: "set", value: character, ids: said }, characterWords(character, said.length), () => {
    boxes.forget();
    return list.say(single, { characters: shown });
  });
}

async function tags() {
  const { n, ...about } = await targets();
  if (!n) return;
  editTags(n, about, (edits, words, everywhere) => {
    say({ tags: edits, ...(everywhere ? { everywhere } : about) }, words, null, () => facets.update(selection()));
  });
}

function chooseAll() {
  grid.chooseAll(SOME, (n) => toast(`${counted(n, "frame")} are too many for one change. Filter first: at most ${counted(SOME, "frame")}.`, { kind: "failed" }));
}

/* Returns the chosen frames as a selection; all results are the selection itself. Null: they are too many to list. */
function chosenFrames() {
  if (!list || grid.chosen.size === list.total) return selection();
  if (grid.chosen.size > LISTED) return null;
  const ids = grid.acted().map((i) => grid.frame(i)?.frame_id).filter(Boolean);
  return new URLSearchParams({ q: `SELECT frame_id FROM frames WHERE frame_id IN (${ids.map(quoted).join(", ")})`, hide: "none" });
}

/* Selects all frames in the same shot as the frame under the cursor. */
async function chooseShot() {
  const frame = grid.frame();
  if (!frame) return;
  const same = (other) => other && other.shot === frame.shot && other.frame_id.split("-")[0] === frame.frame_id.split("-")[0];
  const places = [grid.cursor];
  for (const step of [-1, 1]) for (let i = grid.cursor + step; same(list.get(i)); i += step) places.push(i);
  grid.choose(places);
}

/* Saves the selection as a view: the chosen frames, or the filters. */
async function saveView() {
  if (!(await grid.settled())) return;
  const params = grid.chosen.size ? chosenFrames() : selection();
  if (params) views.ask(params);
  else toast(`At most ${counted(LISTED, "frame")} can be saved one by one. Choose fewer, or all results.`, { kind: "failed" });
}

function bindKeys() {
  const by = (step) => (event) => grid.move(step(), { extend: event.shiftKey });
  bind("Move", [
    ["j ArrowRight", "next frame", by(() => 1)],
    ["k ArrowLeft", "previous frame", by(() => -1)],
    ["ArrowDown", "one row down", by(() => grid.columns)],
    ["ArrowUp", "one row up", by(() => -grid.columns)],
    ["PageDown", "one page down", by(() => grid.columns * Math.floor($("#grid").clientHeight / grid.rowHeight))],
    ["PageUp", "one page up", by(() => -grid.columns * Math.floor($("#grid").clientHeight / grid.rowHeight))],
    ["Home", "first frame", by(() => -Infinity)],
    ["End", "last frame", by(() => Infinity)],
    [[" ", "Enter"], "open the frame", open],
  ]);
  bind("Select", [
    ["v", "select or deselect this frame", () => grid.toggle()],
    ["J", "extend the selection (Shift with any arrow; Shift-click; draw a box with the mouse)", () => grid.move(1, { extend: true })],
    ["K", "extend the selection backwards", () => grid.move(-1, { extend: true })],
    ["g", "select all frames of this shot", chooseShot],
    ["a", "select all results", chooseAll],
    ["Escape", "clear the selection", () => grid.clear()],
    ["w", "save this view", () => (readOnly() ? false : saveView())],
  ]);
  bind("Correct", [
    ["x", "drop, or undo it", drop],
    [["1", "2", "3", "4", "5", "6", "7", "8", "9"], "", ({ key }) => palette.byKey(key) && name(palette.byKey(key))],
    [["1–9"], "name the face (characters below the grid)", () => {}],
    ["0", "unknown character", () => name("unknown")],
    ["c", "another character", () => palette.ask()],
    ["t", "tags", tags],
    ["u", "undo", undo],
  ]);
  bind("See", [
    ["/", "search", () => search.focus()],
    ["p", "play the shot, or stop (also while the mouse rests on it)", () => hover.toggle(grid.tiles.get(grid.cursor))],
    ["b", "boxes and names", () => toolbar.toggleBoxes()],
    ["+", "larger", () => toolbar.step(1)],
    ["-", "smaller", () => toolbar.step(-1)],
    ["s", "see the SQL", () => toggleSql($("#sql-panel"), selection()).then(() => $("#sql-panel pre")?.focus())],
  ]);
}

function open() {
  const frame = grid.frame();
  if (frame) location.assign(grid.link(frame, grid.cursor));
}
