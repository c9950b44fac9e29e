/* Groups of near-duplicates: the kept frame, its copies, and the reason they are grouped. */

import * as api from "./api.js";
import { start } from "./chrome.js";
import { DedupForm } from "./dedupform.js";
import { look, readOnly, say, undo } from "./corrections.js";
import { $, button, empty, failure, h, show, tellError } from "./dom.js";
import { count, counted, score, where } from "./format.js";
import { why } from "./framefacts.js";
import { bind, keyButton } from "./keys.js";
import { selection } from "./selection.js";

const PAGE = 20;
const place = h("div", { "aria-busy": "true" });
const finding = h("div", { class: "finding" });
let groups = [];
let next = 0;
let total = null;
let at = 0;

start(async () => {
  show($("#content"), finding, place);
  addEventListener("undone", again);
  bind("Move", [
    ["j ArrowDown", "next group", () => move(at + 1)],
    ["k ArrowUp", "previous group", () => move(at - 1)],
    [[" ", "Enter"], "open the kept frame", () => groups[at] && location.assign(`/frames/${keeper(groups[at]).frame_id}`)],
  ]);
  bind("Correct", [
    ["x", "drop all copies in this group", () => groups[at] && dropCopies(groups[at])],
    ["a", "keep all in this group", () => groups[at] && keepAll(groups[at])],
    [["1", "2", "3", "4", "5", "6", "7", "8", "9"], "", ({ key }) => keepOnly(groups[at], Number(key) - 1)],
    [["1–9"], "keep this one, drop the others in the group", () => {}],
    ["u", "undo", undo],
  ]);
  if (!readOnly()) new DedupForm(finding, again).load().catch(tellError);
  const drawing = again();
  look();
  await drawing;
});

async function again() {
  [groups, next] = [[], 0];
  try {
    await load();
  } catch (error) {
    show(place, failure(error, again));
  }
}

async function load() {
  const params = new URLSearchParams([...selection(), ["from", next], ["count", PAGE]]);
  const answer = await api.get("/api/duplicates", params);
  groups.push(...answer.groups);
  total = answer.total ?? total;
  next = answer.next !== null && answer.next !== undefined ? groups.length : null;
  draw();
}

const keeper = (group) => group.frames.find((frame) => frame.keeper) ?? group.frames[0];

function draw() {
  if (!groups.length) return show(place, none());
  show(
    place,
    h("p", { class: "row" }, h("strong", {}, total === null ? `${count(groups.length)} groups shown` : counted(total, "group")), h("a", { class: "button", href: `/sql?q=${encodeURIComponent("SELECT * FROM duplicates ORDER BY group_id, keeper DESC")}` }, "See the SQL")),
    h("ol", { class: "groups" }, groups.map(groupItem)),
    next !== null && button("Show more groups", () => load().catch(tellError), { id: "more" }),
  );
}

const none = () =>
  empty(
    selection().has("group") ? "There is no such group" : "No duplicates found yet",
    h("p", {}, readOnly() ? "This service is read-only." : "Press Find near-duplicates."),
    h("p", {}, h("a", { class: "button", href: "/" }, "Show the frames")),
  );

function groupItem(group, i) {
  const frames = [...group.frames].sort((a, b) => Number(b.keeper) - Number(a.keeper));
  group.frames = frames;
  return h(
    "li",
    { class: i === at ? "card group current" : "card group", tabindex: i === at ? 0 : -1, data: { i }, onfocusin: () => marked(i), "aria-label": `Group of ${frames.length}` },
    h(
      "div",
      { class: "head-line" },
      h("h2", {}, counted(frames.length, "frame")),
      h("span", { class: "hint" }, reason(group)),
      readOnly() ? null : h("span", { class: "row" }, keyButton("Drop copies", "x", () => dropCopies(group)), keyButton("Keep all", "a", () => keepAll(group))),
    ),
    h("div", { class: "group-frames" }, frames.map((frame, n) => member(group, frame, n))),
  );
}

const reason = (group) => why(group.frames.find((frame) => !frame.keeper) ?? group.frames[0]);

function member(group, frame, n) {
  const state = frame.dropped ? "dropped" : frame.said === "keep" ? "kept by a person" : frame.keeper ? "kept" : "copy";
  return h(
    "figure",
    { class: frame.dropped ? "member dropped" : frame.keeper ? "member keeper" : "member" },
    h("a", { href: `/frames/${encodeURIComponent(frame.frame_id)}` }, h("img", { src: api.thumbnail(frame.frame_id), alt: `${where(frame)}: ${state}`, loading: "lazy" })),
    h("figcaption", {}, h("span", {}, h("span", { class: frame.keeper ? "badge good" : "badge plain" }, state), " ", where(frame)), h("span", { class: "hint" }, frame.keeper ? `${frame.width} × ${frame.height}` : `similarity ${score(frame.similarity)}`)),
    readOnly() ? null : n < 9 ? keyButton("Keep this", String(n + 1), () => keepOnly(group, n), { class: "quiet" }) : button("Keep this", () => keepOnly(group, n), { class: "quiet" }),
  );
}

function marked(i) {
  at = i;
  for (const item of place.querySelectorAll(".group")) item.classList.toggle("current", Number(item.dataset.i) === i);
}

function move(i) {
  if (!groups.length) return;
  const to = Math.min(groups.length - 1, Math.max(0, i));
  marked(to);
  const item = place.querySelector(`.group[data-i="${to}"]`);
  item.tabIndex = 0;
  item.focus({ preventScroll: true });
  item.scrollIntoView({ block: "nearest" });
  if (to === groups.length - 1 && next !== null) load().then(() => move(to), tellError);
}

/* --- corrections --- */

function judge(frames, verdict, words) {
  if (!frames.length) return;
  const ids = frames.map((frame) => frame.frame_id);
  return say({ field: "frame", op: "set", value: verdict, ids }, words, () => {
    const before = frames.map(({ dropped, said }) => ({ dropped, said }));
    frames.forEach((frame) => Object.assign(frame, { dropped: verdict === "drop", said: verdict }));
    draw();
    return () => (frames.forEach((frame, i) => Object.assign(frame, before[i])), draw());
  });
}

const dropCopies = (group) => {
  const copies = group.frames.filter((frame) => !frame.keeper);
  return judge(copies, "drop", `${counted(copies.length, "copy", "copies")} dropped`);
};

const keepAll = (group) => judge(group.frames, "keep", `${counted(group.frames.length, "frame")} kept`);

function keepOnly(group, n) {
  const one = group?.frames[n];
  if (!one) return;
  judge([one], "keep", "This one is kept");
  judge(group.frames.filter((frame) => frame !== one), "drop", `${counted(group.frames.length - 1, "other")} dropped`);
}
