/* The page of one frame: the picture, its faces, its tags, and their origin. */

import * as api from "./api.js";
import { entitle, start } from "./chrome.js";
import { Palette, changed, look, readOnly, say, undo } from "./corrections.js";
import { CropBox } from "./cropbox.js";
import { $, failure, show, tellError } from "./dom.js";
import { facts } from "./framefacts.js";
import { FramePlayer } from "./frameplayer.js";
import { plainCharacter, where } from "./format.js";
import { bind } from "./keys.js";
import { MaskBox } from "./maskbox.js";
import { address, manner, selection, stateLink } from "./selection.js";
import { SourceTimeline } from "./sourcetimeline.js";
import { stage } from "./stage.js";
import { editTags } from "./tageditor.js";
import { Zoom } from "./zoom.js";

let known = null;
let current = 0;
let boxed = manner("boxes", "1") === "1";
let around = { before: null, after: null };
let crop = null;
let masking = null;
let masks = null;
let masked = manner("masks") === "1";
let when = null;
const zoom = new Zoom();
const player = new FramePlayer(() => known && draw());
const place = $("#frame");

start(async () => {
  addEventListener("popstate", load);
  addEventListener("undone", load);
  addEventListener("click", stateLink);
  bindKeys();
  const drawing = load();
  look();
  palette.load().catch(tellError);
  await drawing;
});

const palette = new Palette($("#palette"), name);
const timeline = new SourceTimeline((frame) => link(frame, 0));
const id = () => decodeURIComponent(location.pathname.split("/").pop());

async function load() {
  player.stop();
  try {
    [known, masks] = await Promise.all([api.frame(id()), masked ? api.masks(id()) : null]);
  } catch (error) {
    return show(place, failure(error, load));
  }
  current = Math.min(current, Math.max(0, known.faces.length - 1));
  draw();
  await Promise.all([neighbours(), timed()]);
}

function draw() {
  entitle(`${where(known.frame)} ${known.frame.show ?? ""}`.trim());
  const below = when && timeline.update(when, known.frame.time_s);
  const parts = { current, boxed, around, choose, link, flip, zoom, crop, editCrop, masks, flipMasks, masking, editMask, player, play, below };
  player.through(() => show(place, stage(known, parts), facts(known, { current, choose, search: selection(), again: load })));
}

/* Loads the timeline of the video that the frame is from. */
async function timed() {
  const source = known.frame.source_id;
  if (known.frame.time_s === null) when = null;
  else if (when?.source_id !== source) when = await api.get(`/api/sources/${encodeURIComponent(source)}/timeline`);
  draw();
}

function play() {
  if (known.frame.time_s === null) return;
  if (crop || masking) endEditing();
  zoom.reset();
  player.toggle(id());
}

/* The previous and next frame in the selection this frame was opened from. */
async function neighbours() {
  const at = manner("at");
  if (at === null) return;
  const from = Math.max(0, Number(at) - 1);
  const { frames } = await api.frames(selection(), from, 3);
  const here = frames.findIndex((frame) => frame.frame_id === id());
  if (here < 0) return;
  around = { before: frames[here - 1] ?? null, after: frames[here + 1] ?? null, at: from + here };
  draw();
}

const link = (frame, step) => {
  const params = selection();
  if (step) params.set("at", around.at + step);
  if (!boxed) params.set("boxes", 0);
  if (masked) params.set("masks", 1);
  return address(`/frames/${encodeURIComponent(frame.frame_id)}`, params);
};

function step(direction) {
  const frame = direction < 0 ? (around.before ?? known?.neighbours?.before) : (around.after ?? known?.neighbours?.after);
  if (!frame) return;
  const inSelection = direction < 0 ? around.before : around.after;
  history.pushState(null, "", link(typeof frame === "string" ? { frame_id: frame } : frame, inSelection ? direction : 0));
  around = { before: null, after: null };
  current = 0;
  crop = masking = null;
  zoom.reset();
  load();
}

function choose(i) {
  if (!known.faces.length) return;
  current = (i + known.faces.length) % known.faces.length;
  draw();
}

function flip() {
  boxed = !boxed;
  const params = new URLSearchParams(location.search);
  boxed ? params.delete("boxes") : params.set("boxes", 0);
  history.replaceState(null, "", address(location.pathname, params));
  draw();
}

async function flipMasks() {
  masked = !masked;
  const params = new URLSearchParams(location.search);
  masked ? params.set("masks", 1) : params.delete("masks");
  history.replaceState(null, "", address(location.pathname, params));
  try {
    masks = masked ? await api.masks(id()) : null;
  } catch (error) {
    tellError(error);
  }
  draw();
}

/* --- corrections --- */

/* Shows the change; returns a function that reverts it. */
function as(change) {
  const before = structuredClone(known);
  change(known);
  draw();
  return () => {
    known = before;
    draw();
  };
}

function name(character) {
  const face = known.faces[current];
  if (!face) return;
  const at = current;
  const back = () =>
    as((frame) => Object.assign(frame.faces[at], { character, by: "label", score: 1, margin: 1 }));
  say({ field: "character", op: "set", value: character, ids: [face.face_id] }, `This is ${plainCharacter(character)}`, back, load);
  if (current < known.faces.length - 1) choose(current + 1);
}

function drop() {
  const dropped = known.frame.dropped;
  const word = dropped
    ? { field: "frame", op: "remove", value: null, ids: [id()] }
    : { field: "frame", op: "set", value: "drop", ids: [id()] };
  say(word, dropped ? "No longer dropped" : "Dropped", () => as((frame) => (frame.frame.dropped = !dropped)), load);
}

function tags() {
  const about = { ids: [id()] };
  editTags(1, about, (edits, words, everywhere) => say({ tags: edits, ...(everywhere ? { everywhere } : about) }, words, null, load));
}

/* Starts the crop editor for the current face or, without faces, for the whole picture; or ends it. */
function editCrop() {
  if (crop || readOnly()) return endEditing();
  player.stop();
  masking = null;
  crop = new CropBox(known, known.faces[current]?.face_id, {
    apply: (target, value) => sayCrop(target, { op: "set", value }, `Crop of ${target.words}`),
    remove: (target) => sayCrop(target, { op: "remove", value: null }, `Crop of ${target.words}: removed`),
    cancel: endEditing,
  });
  draw();
  crop.box.focus({ preventScroll: true });
}

function sayCrop(target, word, words) {
  endEditing();
  say({ field: "crop", ...word, ids: [target.id] }, words, null, load);
}

/* Starts the mask editor for the whole picture, or ends it. */
async function editMask() {
  if (masking || readOnly()) return endEditing();
  player.stop();
  crop = null;
  try {
    masking = new MaskBox(known, await api.masks(id()), id(), {
      apply: (target, part, png) => sayMask({ id: target.id, part, png }, `Mask of ${target.words}`),
      remove: (target, part) => sayMask({ id: target.id, part, png: null }, `Mask of ${target.words}: removed`),
      cancel: endEditing,
    });
  } catch (error) {
    tellError(error);
  }
  draw();
}

async function sayMask(body, words) {
  try {
    const { act } = await api.post("/api/labels/mask", body);
    masking = null;
    masked = true;
    changed(act, words);
    await load();
  } catch (error) {
    tellError(error);
  }
}

function endEditing() {
  crop = masking = null;
  draw();
}

/* An arrow with Shift moves a picture that is zoomed in. */
const orPan = (right, down, does) => (event) => (event.shiftKey && zoom.isClose ? zoom.pan(right, down) : does());

function back() {
  if (crop || masking) return endEditing();
  if (player.stop()) return;
  if (zoom.isClose) return zoom.reset();
  const params = selection();
  if (manner("at") !== null) params.set("at", manner("at"));
  location.assign(address("/", params));
}

function bindKeys() {
  bind("Move", [
    ["j ArrowRight", "next frame of the selection", orPan(0.2, 0, () => step(1))],
    ["k ArrowLeft", "previous frame", orPan(-0.2, 0, () => step(-1))],
    ["ArrowDown", "next face", orPan(0, 0.2, () => choose(current + 1))],
    ["ArrowUp", "previous face", orPan(0, -0.2, () => choose(current - 1))],
    ["Escape", "back to the grid", back],
  ]);
  bind("Correct", [
    [["1", "2", "3", "4", "5", "6", "7", "8", "9"], "", ({ key }) => palette.byKey(key) && name(palette.byKey(key))],
    [["1–9"], "name this face and go to the next face", () => {}],
    ["0", "unknown character", () => name("unknown")],
    ["c", "another character", () => palette.ask()],
    ["x", "drop the frame, or undo it", drop],
    ["t", "tags", tags],
    ["e", "crop: draw the part that exports use", editCrop],
    ["d", "mask: draw what trainers learn", editMask],
    ["u", "undo", () => (masking ? masking.undo() : undo())],
  ]);
  bind("See", [
    ["p", "play the seconds around the frame, or stop", play],
    ["b", "boxes and names", flip],
    ["m", "masks", flipMasks],
    [["="], "", () => zoom.by(1.5)],
    ["+ -", "zoom in, zoom out (Shift and arrows move the picture)", ({ key }) => zoom.by(key === "-" ? 1 / 1.5 : 1.5)],
    ["z", "the whole picture", () => zoom.reset()],
    ["s", "similar frames", () => location.assign(address("/", new URLSearchParams({ like: id() })))],
  ]);
}
