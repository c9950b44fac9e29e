/* The picture of a frame with its boxes, and links to the previous and next frame. */

import * as api from "./api.js";
import { overlay } from "./boxes.js";
import { readOnly } from "./corrections.js";
import { h } from "./dom.js";
import { exactClock, episodeName } from "./format.js";
import { keyButton } from "./keys.js";

const WIDTH = 1600;

/* `zoom` is the Zoom of the page; `crop` is its CropBox while somebody draws a crop, else null, and `masking`
   its MaskBox; `masks` are the masks that are shown, null: none; `player` is its
   FramePlayer; `below` is shown below the picture. */
export function stage(known, parts) {
  const { current, boxed, choose, link, zoom, crop, masking, masks, player, below } = parts;
  const { frame } = known;
  const img = h("img", { alt: alt(known), src: api.image(frame.frame_id, WIDTH), decoding: "async" });
  const inner = h("div", { class: "inner" }, img, masking ? null : shownMasks(frame, masks), crop?.layer, masking?.layer);
  const picture = h("div", { class: frame.dropped ? "picture dropped" : "picture" }, inner);
  picture.style.aspectRatio = `${frame.width} / ${frame.height}`;
  picture.style.setProperty("--ratio", frame.width / frame.height);
  if (boxed && !crop && !masking) drawBoxes(inner, known, current, choose);
  picture.append(zoom.attach(picture, inner, api.image(frame.frame_id)));
  img.addEventListener("load", () => tellMissing(img, frame));
  if (player.video) picture.append(player.video);
  return h("section", { class: "stage", "aria-label": "Picture" }, bar(known, parts), crop?.bar, masking?.bar, picture, strip(known, link), below);
}

const alt = ({ frame, faces }) => {
  const names = faces.map((face) => face.character).filter((name) => name && name !== "unknown" && name !== "ood");
  return `${frame.show ?? ""} ${episodeName(frame)} at ${exactClock(frame.time_s)}${names.length ? `: ${names.join(", ")}` : ""}`.trim();
};

/* The masks of a frame, a colour for each part. null: they are hidden. */
function shownMasks(frame, masks) {
  return [...new Set((masks ?? []).map(({ part }) => part))].map((part, i) => {
    const el = h("div", { class: `mask-shown part-${i % 4}`, title: part });
    el.style.maskImage = `url("${api.mask(frame.frame_id, part)}")`;
    return el;
  });
}

/* Redraws the boxes when the picture changes its size. Faces can be clicked. */
function drawBoxes(picture, known, current, choose) {
  const faces = known.faces.map((face) => ({ ...face, detection_id: face.face_id, kind: "face" }));
  const others = [...(known.heads ?? []).map((box) => ({ ...box, kind: "head" })), ...(known.persons ?? []).map((box) => ({ ...box, kind: "person" }))];
  const watch = new ResizeObserver(() => {
    if (!picture.isConnected) return watch.disconnect();
    picture.querySelector("svg")?.remove();
    const { clientWidth: w, clientHeight: t } = picture;
    const crops = known.crops.map(({ crop: [left, top, right, bottom] }) => ({ kind: "crop", left, top, right, bottom }));
    if (w) picture.append(overlay([...others.map((box) => ({ ...box, character: null })), ...crops, ...faces], w, t, { current: faces[current]?.face_id }));
  });
  watch.observe(picture);
  picture.addEventListener("click", (event) => {
    const { left, top, width, height } = picture.getBoundingClientRect();
    const [x, y] = [(event.clientX - left) / width, (event.clientY - top) / height];
    const hit = faces.findIndex((box) => box.left <= x && x <= box.right && box.top <= y && y <= box.bottom);
    if (hit >= 0) choose(hit);
  });
}

function bar({ frame, neighbours }, { around, link, boxed, flip, crop, editCrop, masks, flipMasks, masking, editMask, player, play }) {
  const before = around.before ?? asFrame(neighbours?.before);
  const after = around.after ?? asFrame(neighbours?.after);
  return h(
    "div",
    { class: "stage-bar" },
    h("h1", {}, [frame.show, episodeName(frame)].filter(Boolean).join(" "), " ", h("span", { class: "soft" }, exactClock(frame.time_s))),
    frame.dropped && h("span", { class: "badge bad" }, "dropped"),
    h(
      "div",
      { class: "row" },
      frame.time_s === null ? null : keyButton(player.video ? "Stop" : "Play", "p", play, { id: "play", title: "Play the seconds around this frame (p)" }),
      keyButton("Boxes", "b", flip, { "aria-pressed": boxed, class: "toggle" }),
      keyButton("Masks", "m", flipMasks, { "aria-pressed": Boolean(masks), class: "toggle" }),
      readOnly() ? null : keyButton("Crop", "e", editCrop, { "aria-pressed": Boolean(crop), class: "toggle" }),
      readOnly() ? null : keyButton("Draw mask", "d", editMask, { "aria-pressed": Boolean(masking), class: "toggle" }),
      h("a", { class: "button", href: `/?like=${encodeURIComponent(frame.frame_id)}`, "aria-keyshortcuts": "s" }, "Similar ", h("kbd", { "aria-hidden": "true" }, "s")),
      step(before, "Previous", "k", around.before ? -1 : 0, link),
      step(after, "Next", "j", around.after ? 1 : 0, link),
    ),
  );
}

const asFrame = (id) => (id ? { frame_id: id } : null);

function step(frame, words, key, by, link) {
  const inner = [words, " ", h("kbd", { "aria-hidden": "true" }, key)];
  return frame
    ? h("a", { class: "button", href: link(frame, by), "aria-keyshortcuts": key }, inner)
    : h("button", { type: "button", disabled: true }, inner);
}

/* The frames of the same shot, including this one. */
function strip({ frame, neighbours }, link) {
  const ids = neighbours?.shot ?? [];
  if (ids.length < 2) return null;
  return h(
    "nav",
    { class: "shot-strip", "aria-label": "The same shot" },
    ids.map((id) =>
      h(
        "a",
        { href: link({ frame_id: id }, 0), "aria-current": id === frame.frame_id ? "true" : null },
        h("img", { src: api.thumbnail(id), alt: id === frame.frame_id ? "this frame" : `frame ${id}`, loading: "lazy" }),
      ),
    ),
  );
}

/* If the picture is the placeholder (it has another shape), its reason is also shown as text. */
async function tellMissing(img, frame) {
  const placeholder = img.naturalWidth === 960 && img.naturalHeight === 540 && frame.width !== 960;
  if (!placeholder) return;
  const answer = await fetch(img.src);
  const reason = answer.headers.get("X-Animeds-Missing");
  if (!reason) return;
  img.alt = `No picture: ${reason}`;
  img.closest(".stage").append(
    h("p", { class: "notice", role: "status" }, `${reason}. If the files moved, run: `, h("code", {}, "animeds sources relocate OLD NEW")),
  );
}
