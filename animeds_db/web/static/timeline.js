/* Where a character appears: one line per episode, one mark per frame. Marks link to frames, lines to episodes. */

import { h, svg } from "./dom.js";
import { clock, counted, episodeName } from "./format.js";
import { address } from "./selection.js";

const WIDTH = 1000;
const HEIGHT = 18;
const MARK = 3;

/* episodes: [{source_id, season, episode, duration_s, times: [{frame_id, time_s}]}] */
export function timeline(name, episodes) {
  const longest = Math.max(1, ...episodes.map((one) => one.duration_s || Math.max(0, ...one.times.map((t) => t.time_s))));
  return h("div", { class: "timeline" }, episodes.map((one) => line(name, one, longest)));
}

function line(name, one, longest) {
  const words = episodeName(one) || one.title || one.source_id;
  const filter = new URLSearchParams({ character: name, source: one.source_id });
  const length = one.duration_s || longest;
  const root = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": spokenLine(words, one) });
  root.append(svg("rect", { class: "track", x: 0, y: HEIGHT / 2 - 2, width: (WIDTH * length) / longest, height: 4 }));
  for (const { frame_id: id, time_s: at } of one.times) root.append(mark(id, at, longest));
  return h("div", { class: "timeline-row" }, h("a", { href: address("/", filter) }, words), root, h("span", { class: "hint" }, counted(one.times.length, "frame")));
}

function mark(id, at, longest) {
  const link = svg("a", { href: `/frames/${encodeURIComponent(id)}`, tabindex: "-1", "aria-label": clock(at) });
  link.append(svg("title", {}, clock(at)), svg("rect", { class: "mark", x: Math.min(WIDTH - MARK, (WIDTH * at) / longest), y: 0, width: MARK, height: HEIGHT }));
  return link;
}

const spokenLine = (words, { times }) =>
  times.length ? `${words}: ${counted(times.length, "frame")} from ${clock(times[0].time_s)} to ${clock(times.at(-1).time_s)}` : `${words}: does not appear`;
