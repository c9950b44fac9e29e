/* What one character wears: a name is typed under each outfit; outfits are merged and split. */

import * as api from "./api.js";
import { entitle, start } from "./chrome.js";
import { readOnly, undo } from "./corrections.js";
import { $, empty, failure, h, show } from "./dom.js";
import { counted, spoken } from "./format.js";
import { Groups } from "./groups.js";
import { bind } from "./keys.js";
import { address } from "./selection.js";

const character = decodeURIComponent(location.pathname.split("/")[2]);
const path = `/api/characters/${encodeURIComponent(character)}/outfits`;
const place = $("#content");
const rest = h("p", { class: "hint" });
const groups = new Groups({ card, load, name, merge, split });
let version = null;

start(async () => {
  entitle(`What ${character} wears`);
  addEventListener("undone", load);
  const head = h("header", { class: "page-head" }, h("h1", {}, `What ${character} wears`), h("p", { class: "lead" }, "Pictures with similar clothes. A name becomes a filter, a folder and a part of captions."), h("p", { class: "row" }, readOnly() ? null : groups.merging, h("a", { class: "button", href: `/characters/${encodeURIComponent(character)}` }, character)));
  show(place, head, groups.el, rest);
  bind("Correct", [["u", "undo", () => undo()]]);
  await load();
});

async function load() {
  try {
    const found = await api.get(path);
    version = found.version;
    groups.draw(found.outfits, empty("No outfits were found", "Too few pictures show the clothes, or each shows different ones."));
    rest.textContent = found.n_not_grouped ? `${counted(found.n_not_grouped, "picture")} belong to no outfit: their clothes are not seen, or too few are alike.` : "";
  } catch (error) {
    show(groups.el, failure(error, load));
  }
}

function card({ outfit, name, n_bodies: n, n_from_shot: fromShot, n_episodes: episodes, tags, bodies }) {
  const title = `Outfit ${outfit}`;
  const facts = [`${counted(n, "picture")} in ${counted(episodes, "episode")}`, tags && spoken(tags), fromShot ? `${fromShot} by their shot` : null].filter(Boolean).join(" · ");
  const all = name && [" · ", h("a", { href: address("/", new URLSearchParams({ appearance: `${character}/${name}` })), draggable: "false" }, "all frames")];
  const pictures = bodies.map((body) => picture(body, name ?? title));
  return { number: outfit, title, name, facts: [facts, all], pictures };
}

function picture(body, wears) {
  const { frame_id: frame, left, top, right, bottom } = body;
  const box = [left, top, right, bottom].map((edge) => edge.toFixed(5)).join(",");
  const src = `/api/frames/${encodeURIComponent(frame)}/crop?box=${box}`;
  return h("a", { class: "face-card body", href: `/frames/${encodeURIComponent(frame)}`, draggable: "false" }, h("img", { src, alt: `${character}, ${wears}`, loading: "lazy", draggable: "false" }), body.from_shot && h("span", {}, "by its shot"));
}

async function say(what, body, words) {
  const { act } = await api.post(`${path}/${what}`, { version, ...body });
  return { act, words };
}

function name(number, called) {
  return say(`${number}/name`, { name: called }, `Outfit ${number} is ${called}`);
}

function merge(outfits) {
  return say("merge", { outfits }, `${counted(outfits.length, "outfit")} merged`);
}

function split(number) {
  return say(`${number}/split`, {}, `Outfit ${number} was split`);
}
