/* The descriptions of a frame and of its boxes, with a form to write them. */

import { readOnly, say } from "./corrections.js";
import { button, dialog, field, h } from "./dom.js";

/* `again` loads the page after a description was written. */
export function descriptionsPart(known, part, again) {
  const frame = known.frame.frame_id;
  const whole = known.descriptions.find((row) => row.detection_id === null);
  const boxes = known.descriptions.filter((row) => row.detection_id !== null);
  if (readOnly() && !known.descriptions.length) return null;
  const rows = [whole ?? { detection_id: null, text: null }, ...boxes];
  return part("Descriptions", rows.map((row) => one(row, row.detection_id ?? frame, again)));
}

function one(row, id, again) {
  const words = row.text ?? "This frame has no description.";
  const origin = row.text === null ? null : row.model === "label" ? "written by a person" : `from ${row.model}`;
  return h(
    "div",
    { class: "description" },
    h("p", { class: row.text === null ? "hint" : "caption" }, words),
    h("p", { class: "hint" }, row.detection_id && `${row.detection_id}: `, origin),
    readOnly() ? null : button(row.text === null ? "Write a description" : "Edit the description", () => edit(row, id, again), { class: "quiet" }),
  );
}

function edit(row, id, again) {
  const input = h("textarea", { rows: 6, maxlength: 10000 }, row.text ?? "");
  const form = h("form", { method: "dialog" }, field("Description", input, "An empty one removes yours: the captioner's is used again."), h("button", { class: "primary" }, "Apply"));
  dialog("Description", form);
  form.addEventListener("submit", () => {
    const text = input.value.trim();
    if (text === (row.text ?? "")) return;
    const word = text ? { field: "description", op: "set", value: text, ids: [id] } : { field: "description", op: "remove", value: null, ids: [id] };
    say(word, text ? "Description written" : "Description removed", null, again);
  });
  input.focus();
}
