/* The fields of the export form. The one rule: a field that nobody touched is not sent, so defaults are the service's. */

import { field, h, options } from "./dom.js";

const LAYOUTS = [
  ["plain", "plain: pictures and .txt"],
  ["kohya", "kohya (sd-scripts)"],
  ["kohya-toml", "kohya with TOML"],
  ["everydream", "EveryDream2"],
  ["onetrainer", "OneTrainer"],
  ["ai-toolkit", "ai-toolkit"],
  ["diffusion-pipe", "diffusion-pipe"],
  ["simpletuner", "SimpleTuner"],
  ["musubi", "musubi-tuner"],
  ["imagefolder", "Hugging Face image folder"],
  ["webdataset", "WebDataset"],
  ["zip", "ZIP"],
];

/* name, words, kind, choices or hint */
export const exportOptions = () => [
  ["Which frames", [["copies", "Near-duplicates too", "flag"], ["dropped", "Dropped frames too", "flag"]]],
  ["Where it goes", [["layout", "Layout", "choice", LAYOUTS], ["overwrite", "Replace an export of that name", "flag"]]],
  [
    "Pictures",
    [
      ["image_format", "Format", "choice", ["png", "webp", "jpg"]],
      ["quality", "Quality of WebP and JPEG", "whole", "1…100; left empty: 95"],
      ["max_size", "Longer edge at most", "whole", "pixels; empty: as in the video"],
      ["crop", "Crop", "choice", [["", "whole frames"], ["face", "faces"], ["head", "heads"], ["halfbody", "upper bodies"], ["person", "persons"]]],
    ],
  ],
  [
    "Captions",
    [
      ["captions", "Captions", "choice", [["", "as the seed guide does"], ["kohya", "kohya"], ["anime2sd", "anime2sd"], ["screenshot-pipeline", "screenshot pipeline"], ["natural", "a sentence"], ["none", "none"]]],
      ["activation_tag", "Activation tag", "text", "stands first in every caption"],
      ["threshold", "Minimum score of a tag", "real", "0…1; empty: the tagger's own threshold"],
    ],
  ],
  [
    "Folders",
    [
      ["arrange", "Folders by", "text", "n_characters/character, episode, …; empty: one folder"],
      ["balance", "Balance folders with repeats", "flag"],
    ],
  ],
];

export function fill(form, groups, given) {
  for (const [title, rows] of groups) {
    const inputs = rows.map(([name, words, kind, more]) => {
      const input = control(name, kind, more, given.get(name));
      return field(words, input, typeof more === "string" ? more : null);
    });
    form.append(h("fieldset", { class: "card" }, h("legend", {}, title), h("div", { class: "fields" }, inputs)));
  }
}

function control(name, kind, more, value) {
  if (kind === "choice") return h("select", { name }, options(more, value ?? undefined));
  if (kind === "flag") return h("input", { type: "checkbox", name, checked: value === "1" });
  return h("input", { type: "text", name, inputmode: kind === "text" ? null : "decimal", autocomplete: "off", value: value ?? "", data: { kind } });
}

/* What was filled in, in its types. Raises nothing: the service refuses what makes no sense, with words. */
export function values(form, groups) {
  const found = {};
  for (const [, rows] of groups)
    for (const [name, , kind] of rows) {
      const input = form.elements[name];
      const text = kind === "flag" ? "" : input.value.trim();
      if (kind === "flag") input.checked && (found[name] = true);
      else if (text !== "") found[name] = kind === "whole" || kind === "real" ? Number(text.replace(",", ".")) : text;
    }
  return found;
}
