/* The review page: doubtful names one after the other, each confirmed or corrected with one key. */

import * as api from "./api.js";
import { start } from "./chrome.js";
import { Palette, look, readOnly, say, undo } from "./corrections.js";
import { $, button, empty, failure, h, show, tellError } from "./dom.js";
import { counted, plainCharacter, score, where } from "./format.js";
import { bind, keyButton } from "./keys.js";
import { manner } from "./selection.js";

const REASONS = {
  margin: "another character is almost as similar",
  shot: "another face in the same shot has a different name",
  score: "the score is close to the threshold",
  cluster: "many faces are similar to this one",
  lot: "picked at random, to estimate the accuracy",
};
const place = $("#content");
const k = Number(manner("k", 60)) || 60;
let faces = [];
let at = 0;
const palette = new Palette($("#palette"), name);

start(async () => {
  addEventListener("undone", () => load(at));
  bindKeys();
  const drawing = load(0);
  look();
  palette.load().catch(tellError);
  await drawing;
});

/* Loads the doubtful faces. Those that were answered here stay, even if the answer was undone. */
async function load(to) {
  try {
    const fresh = (await api.get("/api/review", { k })).faces;
    const again = new Set(fresh.map((face) => face.face_id));
    faces = [...faces.filter((face) => "said" in face && !again.has(face.face_id)), ...fresh];
    at = Math.min(to, Math.max(0, faces.length - 1));
    draw();
  } catch (error) {
    show(place, failure(error, () => load(to)));
  }
}

function draw() {
  $("#palette").hidden = !faces.length;
  if (!faces.length) return show(place, none());
  const settled = faces.filter((face) => face.said).length;
  const bar = h("span", {});
  bar.style.width = `${(100 * settled) / faces.length}%`;
  show(
    place,
    h("div", { class: "row" }, h("strong", { role: "status" }, `${settled} of ${counted(faces.length, "face")} settled`), h("span", { class: "meter good review-meter", "aria-hidden": "true" }, bar), h("a", { class: "button", href: `/sql?q=${encodeURIComponent("SELECT * FROM doubts ORDER BY worth DESC")}` }, "See the SQL"), settled === faces.length && button("More faces", () => ((faces = []), load(0)), { class: "primary" })),
    h("div", { class: "review" }, asked(faces[at]), queue()),
  );
}

const none = () =>
  empty(
    "Nothing to review",
    h("p", {}, "People have named every face, or no name was given yet. Type names under the groups of faces, then press Name all faces."), h("p", {}, h("a", { class: "button primary", href: "/clusters" }, "Group and name faces")),
    h("p", {}, h("a", { class: "button", href: "/characters" }, "Show the characters")),
  );

function asked(face) {
  const second = face.second && face.second !== face.character ? face.second : null;
  return h(
    "section",
    { class: "asked card", "aria-label": "Face to review" },
    h("img", { class: "large-face", src: api.faceCrop(face), alt: `A face, ${where(face)}` }),
    h(
      "div",
      { class: "asked-words" },
      h("h2", {}, face.said ? `Your answer: ${plainCharacter(face.said)}` : `Is this ${plainCharacter(face.character)}?`),
      h("p", { class: "hint" }, `${REASONS[face.reason] ?? face.reason}; score ${score(face.score)}, margin ${score(face.margin)}`),
      readOnly()
        ? null
        : h(
            "div",
            { class: "row" },
            keyButton(`Yes, ${plainCharacter(face.character)}`, "y", () => name(face.character), { class: "primary" }),
            second && keyButton(`It is ${plainCharacter(second)}`, "n", () => name(second)),
            keyButton("Not in the cast", "x", () => name("ood")),
          ),
      h("a", { href: `/frames/${encodeURIComponent(face.frame_id)}` }, h("img", { class: "whole", src: api.thumbnail(face.frame_id), alt: "Show the whole frame", loading: "lazy" }), where(face)),
    ),
  );
}

function queue() {
  return h(
    "ol",
    { class: "queue" },
    faces.map((face, i) =>
      h(
        "li",
        {},
        h(
          "button",
          { type: "button", id: `q-${i}`, class: i === at ? "queued current" : "queued", "aria-current": i === at ? "true" : null, onclick: () => move(i) },
          h("img", { src: api.faceCrop(face), alt: "", loading: "lazy" }),
          h("span", { class: face.said ? "name done" : "name" }, face.said ? `✓ ${plainCharacter(face.said)}` : plainCharacter(face.character)),
        ),
      ),
    ),
  );
}

function move(i) {
  if (!faces.length) return;
  at = Math.min(faces.length - 1, Math.max(0, i));
  draw();
  $(`#q-${at}`)?.scrollIntoView({ block: "nearest" });
}

function name(character) {
  const face = faces[at];
  if (!face || !character) return;
  say({ field: "character", op: "set", value: character, ids: [face.face_id] }, `This is ${plainCharacter(character)}`, () => {
    const before = face.said;
    face.said = character;
    draw();
    return () => ((face.said = before), draw());
  });
  move(at + 1);
}

function bindKeys() {
  const rows = () => Math.max(1, Math.floor(($(".queue")?.clientWidth ?? 90) / 90));
  bind("Move", [
    ["j ArrowRight", "next face", () => move(at + 1)],
    ["k ArrowLeft", "previous face", () => move(at - 1)],
    ["ArrowDown", "one row down", () => move(at + rows())],
    ["ArrowUp", "one row up", () => move(at - rows())],
    [[" ", "Enter"], "open the frame", () => faces[at] && location.assign(`/frames/${encodeURIComponent(faces[at].frame_id)}`)],
  ]);
  bind("Answer", [
    ["y", "yes, the name is right", () => name(faces[at]?.character)],
    ["n", "it is the second character", () => name(faces[at]?.second)],
    [["1", "2", "3", "4", "5", "6", "7", "8", "9"], "", ({ key }) => name(palette.byKey(key))],
    [["1–9"], "it is this character", () => {}],
    ["0", "unknown character", () => name("unknown")],
    ["x", "not in the cast", () => name("ood")],
    ["c", "another character", () => palette.ask()],
    ["u", "undo", undo],
  ]);
}
