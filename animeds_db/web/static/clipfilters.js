/* The filters of the page of clips. They are in the address. */

import * as api from "./api.js";
import { debounce, field, h, options, show } from "./dom.js";
import { go } from "./selection.js";

const NAMES = ["character", "motion", "said", "min_s", "max_s", "fps", "frames", "kept", "shot", "source"];
const MOTIONS = [["", "any"], "moving", "still", "pan", "zoom"];
const TRAINERS = [
  ["", "Wan, HunyuanVideo: 4n+1"],
  ["8n+1", "LTX: 8n+1"],
  ["any", "any number"],
];
const PAUSE_MS = 400;

/* Returns the filters in the address, as the service takes them. */
export function chosen() {
  const found = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(location.search)) if (NAMES.includes(name) && value !== "") found.append(name, value);
  return found;
}

export class ClipFilters {
  constructor(form, changed) {
    const given = chosen();
    this.form = form;
    this.changed = changed;
    this.character = h("select", { name: "character" }, options([["", "any"], ...given.getAll("character")], given.get("character") ?? ""));
    const number = (name, words) => h("input", { type: "number", name, min: 0, max: 600, step: "any", value: given.get(name) ?? "", placeholder: words });
    show(
      form,
      field("Character", this.character),
      field("Motion", h("select", { name: "motion" }, options(MOTIONS, given.get("motion") ?? ""))),
      field("What is said", h("input", { type: "search", name: "said", value: given.get("said") ?? "", autocomplete: "off" })),
      field("At least, seconds", number("min_s", "1")),
      field("At most, seconds", number("max_s", "5")),
      field("Numbers of frames", h("select", { name: "frames" }, options(TRAINERS, given.get("frames") ?? ""))),
      field("Frames per second", number("fps", "16")),
      field("Only kept clips", h("input", { type: "checkbox", name: "kept", checked: given.has("kept") })),
    );
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", debounce(PAUSE_MS, () => this.#apply()));
  }

  async load() {
    const names = (await api.characters()).map(({ name }) => name).filter((name) => !["ood", "unknown"].includes(name));
    show(this.character, options([["", "any"], ...names], chosen().get("character") ?? ""));
  }

  #apply() {
    if (!this.form.checkValidity()) return;
    const next = new URLSearchParams();
    for (const [name, value] of chosen()) if (["shot", "source"].includes(name)) next.append(name, value);
    for (const input of this.form.elements) {
      const value = input.type === "checkbox" ? (input.checked ? "true" : "") : input.value.trim();
      if (input.name && value !== "") next.append(input.name, value);
    }
    go(next, { replace: true });
    this.changed();
  }
}
