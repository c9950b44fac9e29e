/* The page of clips for video trainers: filters, a grid whose tiles play, trim handles, keep and drop, export. */

import * as api from "./api.js";
import { entitle, start } from "./chrome.js";
import { ClipExport } from "./clipexport.js";
import { ClipFilters, chosen } from "./clipfilters.js";
import { changed, readOnly, undo } from "./corrections.js";
import { $, button, debounce, empty, failure, h, show, tellError } from "./dom.js";
import { clock, count, counted, seconds } from "./format.js";
import { FrameList } from "./framelist.js";
import { Grid } from "./grid.js";
import { HoverPlay } from "./hoverplay.js";
import { bind, keyButton } from "./keys.js";
import { clip as videoOf } from "./player.js";
import { Rubber } from "./rubber.js";
import { manner, setManner } from "./selection.js";
import { Trimmer } from "./trimmer.js";

const SIZE = 240;
const WIDE = matchMedia("(min-width: 801px)");
const CLIPS = {
  page: async (params, from, n, signal) => (await api.get("/api/clips", [...params, ["from", from], ["count", n]], signal)).clips.map(asTile),
  count: async (params, signal) => {
    const told = await api.get("/api/clips/count", params, signal);
    total = told.seconds;
    return told.count;
  },
  key: (clip) => clip.clip_id,
};
let list = null;
let total = 0;

const filters = new ClipFilters($("#filters"), load);
const keepPlace = debounce(250, (i) => setManner({ at: i || null }));
const grid = new Grid($("#grid"), { move: keepPlace, choose: tellNumber });
new Rubber(grid);
const hover = new HoverPlay($("#grid"), {
  tiles: ".tile",
  source: (tile) => clipOf(tile) && videoOf(clipOf(tile).clip_id),
  place: (tile) => $(".pic", tile),
});
const trimmer = new Trimmer($("#work"), { trim, closed: () => grid.move(0) });
const exporting = new ClipExport($("#export-clips"), chosenIds);
const number = h("p", { class: "number", role: "status" }, "…");

start(async () => {
  addEventListener("undone", load);
  addEventListener("popstate", load);
  $("#grid").addEventListener("click", opened);
  bindKeys();
  WIDE.addEventListener("change", fold);
  fold();
  entitle("Clips");
  const acts = readOnly() ? [] : [keyButton("Trim…", "t", open), keyButton("Keep", "y", keep), keyButton("Drop", "x", drop), button("Export clips…", () => (trimmer.close(), exporting.open()), { id: "open-export" })];
  show($("#toolbar"), number, h("div", { class: "tools" }, keyButton("Play", "p", play), acts));
  filters.load().catch(tellError);
  await load();
  const job = manner("job");
  if (job) await exporting.follow(job);
});

/* The filters are folded away on a narrow screen. */
const fold = () => ($("#drawer").open = WIDE.matches);

/* A clip as a tile draws it: the frame that represents it. */
const asTile = (clip) => ({ ...clip, time_s: clip.first_s, dropped: false, score: null, length: `${seconds(clip.seconds)}${clip.is_kept ? ", kept" : ""}` });

const clipOf = (tile) => grid.frame(Number(tile.dataset.i));

async function load() {
  list?.end();
  hover.stop();
  list = new FrameList(chosen(), drawn, CLIPS);
  $("#grid").setAttribute("aria-busy", "true");
  const at = grid.list ? grid.cursor : Number(manner("at", 0)) || 0;
  grid.size = SIZE;
  grid.use(list, { at, link: (clip) => (clip.frame_id ? `/frames/${encodeURIComponent(clip.frame_id)}` : "#") });
  return list.start(at);
}

function drawn() {
  if (list.windows.size || list.total === 0 || list.failed) $("#grid").removeAttribute("aria-busy");
  $("#grid").querySelector(".empty")?.remove();
  tellNumber();
  if (list.failed && !list.length) return $("#grid").append(failure(list.failed, load));
  if (list.total === 0) $("#grid").append(nothingHere());
  if (list.total && grid.cursor >= list.total) grid.cursor = list.total - 1;
  grid.redraw();
}

function tellNumber() {
  if (grid.chosen.size) number.textContent = `${count(grid.chosen.size)} selected`;
  else number.textContent = list?.total === null ? "…" : `${counted(list.total, "clip")}, ${total < 100 ? seconds(total) : clock(total)}`;
}

const nothingHere = () =>
  empty("No clips", h("p", {}, "Remove a filter. Before ", h("code", {}, "animeds shots"), " has found the shots of the videos, there are no clips."), h("p", {}, h("a", { class: "button", href: "/clips" }, "Remove all filters")));

/* --- corrections --- */

/* Returns the ids of the clips that a correction or an export is about. */
async function acted() {
  return (await grid.settled()) ? list.ids(grid.acted()) : [];
}

/* Sends a correction, offers to undo it, and loads the clips again. */
async function correct(path, body, words) {
  try {
    const { act } = await api.post(path, body);
    changed(act, words);
    await load();
    return true;
  } catch (error) {
    tellError(error);
    list.reload().catch(tellError);
    return false;
  }
}

async function drop() {
  const ids = await acted();
  if (!ids.length) return;
  list.say(ids, { dropped: true });
  correct("/api/clips/drop", { clips: ids }, `${counted(ids.length, "clip")}: dropped`);
}

function keep() {
  const clip = grid.frame();
  if (clip) correct("/api/clips/keep", { clip: clip.clip_id }, "This clip is kept as it is");
}

function open() {
  const clip = grid.frame();
  if (!clip || readOnly()) return;
  hover.stop();
  exporting.close();
  trimmer.open(clip);
}

async function trim(clip, times, words) {
  if (await correct("/api/clips/trim", { clip: clip.clip_id, ...times }, words)) trimmer.close();
}

/* The ids of the selected clips; null: all that the filters give. */
async function chosenIds() {
  await grid.settled();
  return grid.chosen.size && grid.chosen.size < list.total ? acted() : null;
}

/* A click on a tile opens its trim handles; with a modifier it opens the frame. */
function opened(event) {
  const tile = event.target.closest(".tile");
  if (!tile || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.target.closest("button")) return;
  event.preventDefault();
  grid.move(0, { to: Number(tile.dataset.i) });
  readOnly() ? play() : open();
}

const play = () => hover.toggle(grid.tiles.get(grid.cursor));

function bindKeys() {
  const by = (step) => (event) => grid.move(step(), { extend: event.shiftKey });
  bind("Move", [
    ["j ArrowRight", "next clip", by(() => 1)],
    ["k ArrowLeft", "previous clip", by(() => -1)],
    ["ArrowDown", "one row down", by(() => grid.columns)],
    ["ArrowUp", "one row up", by(() => -grid.columns)],
    ["Home", "first clip", by(() => -Infinity)],
    ["End", "last clip", by(() => Infinity)],
    ["p", "play the clip, or stop (also while the mouse rests on it)", play],
  ]);
  bind("Select", [
    ["v", "select or deselect this clip", () => grid.toggle()],
    ["a", "select all clips", () => grid.chooseAll()],
    ["Escape", "close the trim handles, or clear the selection", () => trimmer.close() || exporting.close() || grid.clear()],
  ]);
  bind("Correct", [
    [["t", " ", "Enter"], "trim: choose the first and the last frame", open],
    ["y", "keep this clip exactly as it is", keep],
    ["x", "drop: no clip uses these frames", drop],
    ["u", "undo", undo],
  ]);
}
