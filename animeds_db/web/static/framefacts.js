/* Everything known about a frame, with the model or person it comes from. */

import * as api from "./api.js";
import { descriptionsPart } from "./descriptions.js";
import { h } from "./dom.js";
import { count, hue, plainCharacter, score, share, spoken, when } from "./format.js";
import { address } from "./selection.js";

const MEASURED = ["gate", "sharpness", "brightness", "contrast", "saturation", "rating", "text_upper", "text_lower", "is_keyframe", "is_blank", "phash"];
const REASONS = { phash: "nearly identical pictures", embedding: "similar to the image model" };

export function facts(known, { current, choose, again }) {
  return h(
    "aside",
    { class: "side", "aria-label": "Details" },
    facesPart(known, current, choose),
    tagsPart(known),
    captionPart(known),
    descriptionsPart(known, part, again),
    copies(known),
    said(known),
    measured(known),
    origin(known),
    links(known),
  );
}

const part = (title, ...rest) => h("section", { class: "part" }, h("h2", {}, title), ...rest);

function facesPart({ frame, faces }, current, choose) {
  if (!faces.length) return part("Faces", h("p", { class: "hint" }, "The detector found no faces here."));
  const rows = faces.map((face, i) =>
    h(
      "li",
      {},
      h(
        "button",
        { type: "button", id: `face-${i}`, class: "face-row", "aria-pressed": i === current, onclick: () => choose(i) },
        h("img", { src: api.faceCrop({ ...face, frame_id: frame.frame_id }), alt: "", width: 44, height: 44, loading: "lazy" }),
        h("span", { class: "face-words" }, h("span", { class: "face-name" }, h("span", { class: named(face) ? `dot hue-${hue(face.character)}` : "dot" }), plainCharacter(face.character)), h("span", { class: "hint" }, whoSays(face))),
      ),
    ),
  );
  return part(faces.length > 1 ? `Faces (${faces.length})` : "Face", h("ul", { class: "face-list" }, rows));
}

const named = (face) => face.character && !["unknown", "ood"].includes(face.character);

function whoSays(face) {
  if (face.by === "label") return "corrected by a person";
  if (!face.character) return `detected with score ${score(face.score)}; not classified yet`;
  const sure = face.character_score ?? face.score;
  const words = [`score ${score(sure)}`];
  if (face.margin !== null && face.margin !== undefined) words.push(`margin ${score(face.margin)}`);
  if (face.by) words.push(`by ${face.by}`);
  return words.join(", ");
}

function tagsPart({ tags, frame }) {
  if (!tags?.length) return part("Tags", h("p", { class: "hint" }, "none"));
  const sure = tags.filter((tag) => tag.counts);
  const rest = tags.filter((tag) => !tag.counts);
  return part(
    "Tags",
    h("ul", { class: "tags" }, sure.map(tagItem)),
    rest.length ? h("details", {}, h("summary", { class: "hint" }, `${count(rest.length)} below the threshold`), h("ul", { class: "tags faint" }, rest.map(tagItem))) : null,
    h("p", { class: "hint" }, origins(tags), frame.rating ? `; rating: ${frame.rating}` : ""),
  );
}

function tagItem({ tag, score: sure, model, category }) {
  const human = model === "label";
  return h(
    "li",
    {},
    h(
      "a",
      { href: address("/", new URLSearchParams({ tag })), title: `${category ?? ""} ${human ? "added by a person" : `${share(sure)}, ${model}`}`.trim() },
      spoken(tag),
      h("span", { class: "n" }, human ? "✓" : Math.round(sure * 100)),
      human && h("span", { class: "hidden" }, " added by a person"),
    ),
  );
}

const origins = (tags) => `from ${[...new Set(tags.map((tag) => (tag.model === "label" ? "people" : tag.model)))].join(", ")}; scores in per cent`;

function captionPart({ captions }) {
  const caption = captions?.default;
  return caption ? part("Caption", h("p", { class: "caption" }, caption)) : null;
}

function copies({ frame, duplicates }) {
  if (!duplicates?.length) return null;
  const mine = duplicates.find((row) => row.frame_id === frame.frame_id);
  const others = duplicates.filter((row) => row.frame_id !== frame.frame_id);
  const words = mine?.keeper ? "This frame is kept; these are its copies." : "This is a copy. Another frame of its group is kept.";
  return part(
    "Copies",
    h("p", {}, words),
    h("div", { class: "strip wide" }, others.slice(0, 8).map((row) => h("a", { href: `/frames/${row.frame_id}` }, h("img", { src: api.thumbnail(row.frame_id), alt: row.keeper ? "the kept frame" : "a copy", loading: "lazy" })))),
    h("p", { class: "hint" }, mine ? why(mine) : null, " ", h("a", { href: `/duplicates?group=${encodeURIComponent(duplicates[0].group_id)}` }, "show the whole group")),
  );
}

export const why = ({ reason, similarity }) =>
  [REASONS[reason] ?? reason, similarity !== null && similarity !== undefined ? `similarity ${score(similarity)}` : ""].filter(Boolean).join(", ");

function said({ labels }) {
  if (!labels?.length) return null;
  return part(
    "Your corrections",
    h(
      "ul",
      { class: "said" },
      labels.map((label) =>
        h("li", {}, h("strong", {}, labelWords(label)), h("span", { class: "hint" }, ` ${label.who ?? "somebody"}, ${when(label.said_at ?? label.at)}`)),
      ),
    ),
  );
}

function labelWords({ field, op, value }) {
  if (field === "tag") return `${op === "add" ? "+" : "−"}${spoken(value)}`;
  if (field === "crop" || field === "mask") return `${field} drawn by hand`;
  if (field === "frame") return op === "set" ? value : "keep or drop removed";
  if (field === "description") return op === "remove" ? "description removed" : `description: ${value}`;
  return op === "remove" ? `${field}: correction removed` : `${field}: ${plainCharacter(value)}`;
}

function measured({ frame, gate }) {
  const row = { ...frame, gate: gate ?? frame.gate };
  const rows = MEASURED.filter((name) => row[name] !== null && row[name] !== undefined).map((name) => [
    h("dt", {}, name.replaceAll("_", " ")),
    h("dd", {}, typeof row[name] === "number" && !Number.isInteger(row[name]) ? row[name].toFixed(3) : String(row[name])),
  ]);
  return part("Measured", h("dl", { class: "facts" }, h("dt", {}, "size"), h("dd", {}, `${frame.width} × ${frame.height}`), rows));
}

function origin({ frame, source, provenance }) {
  const rows = Object.entries({
    frame: frame.frame_id,
    file: source?.uri,
    title: source?.title,
    credit: source?.credit,
    licence: source?.licence,
    url: source?.url,
    stream: frame.stream,
    pts: frame.pts,
    shot: frame.shot,
    codec: source?.codec,
    fps: source?.fps?.toFixed?.(3),
    sampling: source?.sampling,
    damaged: source?.n_damaged || source?.n_gaps ? `${source.n_damaged} damaged frames, ${source.n_gaps} gaps` : null,
    noticed: source?.error,
    models: modelWords(provenance?.models ?? source?.models),
  }).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return part(
    "Source",
    h("dl", { class: "facts" }, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, name === "url" ? h("a", { href: value, rel: "noreferrer" }, value) : String(value))])),
  );
}

const modelWords = (models) =>
  Array.isArray(models) ? models.map((m) => (typeof m === "string" ? m : (m.name ?? m.model ?? JSON.stringify(m)))).join(", ") : models;

function links({ frame }) {
  const id = encodeURIComponent(frame.frame_id);
  const q = `SELECT * FROM frames WHERE frame_id = ${api.quoted(frame.frame_id)}`;
  return h(
    "p",
    { class: "row" },
    h("a", { class: "button", href: `/api/frames/${id}` }, "JSON"),
    h("a", { class: "button", href: `/api/frames/${id}/image`, download: `${frame.frame_id}.png` }, "Picture"),
    h("a", { class: "button", href: address("/sql", new URLSearchParams({ q })) }, "See the SQL"),
  );
}
