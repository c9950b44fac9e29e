/* The fields of the export form. Fields that nobody filled in are not sent, so the service uses its defaults. */

import { field, h, options } from "./dom.js";

/* Groups of fields: name, label, kind, choices or hint. `choices` is the answer of /api/choices. */
export const exportOptions = (choices) => [
  ["Which frames", [["copies", "Include near-duplicates", "flag"], ["dropped", "Include dropped frames", "flag"]]],
  ["Output folder", [["layout", "Layout", "choice", choices.layouts.map(({ name, title }) => [name, `${name}: ${title}`])], ["overwrite", "Replace an existing export with this name", "flag"]]],
  [
    "Pictures",
    [
      ["image_format", "Format", "choice", choices.formats],
      ["quality", "Quality of WebP and JPEG", "whole", "1…100; default: 95"],
      ["max_size", "Maximum longer edge", "whole", "pixels; default: as in the video"],
      ["crop", "Crop", "choice", [["", "no crop"], ...choices.crops]],
    ],
  ],
  [
    "Masks",
    [
      ["mask", "What is learnt", "text", "character, person, or a name; default: everything"],
      ["mask_out", "What is not learnt", "text", "text, logo, border"],
      ["background", "Background", "text", "keep, remove, blur, or #00ff00"],
    ],
  ],
  [
    "Captions",
    [
      ["captions", "Captions", "choice", [["", "default"], ...choices.captions, ["none", "no captions"]]],
      ["activation_tag", "Activation tag", "text", "first word of every caption"],
      ["threshold", "Minimum score of a tag", "real", "0…1; default: the tagger's own threshold"],
    ],
  ],
  [
    "Folders",
    [
      ["arrange", "Folders by", "text", "n_characters/character, episode, …; default: one folder"],
      ["balance", "Balance folders with repeats", "flag"],
    ],
  ],
];

/* The same for an export of clips. Rate and numbers of frames are those of the filters. */
export const clipOptions = (choices) => [
  [
    "Output folder",
    [
      ["layout", "Layout", "choice", choices.layouts.filter(({ name }) => choices.clip_layouts.includes(name)).map(({ name, title }) => [name, `${name}: ${title}`])],
      ["overwrite", "Replace an existing export with this name", "flag"],
    ],
  ],
  [
    "Clips",
    [
      ["short_edge", "Shorter edge", "whole", "pixels; default: as in the video"],
      ["sound", "Sound", "choice", [["", "none"], ["default", "the default track"]]],
      ["crf", "Quality of H.264", "whole", "0 (best) … 51; default: 12"],
      ["lossless", "Lossless", "flag"],
      ["first_frame", "First frame as a picture beside each clip", "flag"],
      ["deinterlace", "Make interlaced frames whole", "flag"],
    ],
  ],
  [
    "Captions",
    [
      ["captions", "Captions", "choice", [["", "default"], ...choices.captions, ["none", "no captions"]]],
      ["activation_tag", "Activation tag", "text", "first word of every caption"],
      ["dialogue", "Add what is said, and by whom", "flag"],
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

/* Returns the filled-in values with their types. The service reports invalid values. */
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
