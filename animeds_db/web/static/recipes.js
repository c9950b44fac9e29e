/* Saved recipes on the export page: an export is saved as a recipe, and a recipe is made again as a job. */

import * as api from "./api.js";
import { readOnly } from "./corrections.js";
import { button, h, show, tellError, toast } from "./dom.js";
import { counted } from "./format.js";

const address = (name) => `/api/recipes/${encodeURIComponent(name)}`;

export class Recipes {
  /* `asked()` returns the request of the export on the page. `view` shows the job of a recipe that is made. */
  constructor(el, view, asked) {
    Object.assign(this, { el, view, asked });
  }

  /* Shows the saved recipes; an empty list shows nothing. */
  async load() {
    try {
      const found = await api.get("/api/recipes");
      show(this.el, found.length ? h("div", { class: "card" }, h("h2", {}, "Saved recipes"), h("ul", { class: "job-list" }, found.map((one) => this.#item(one)))) : null);
    } catch (error) {
      tellError(error);
    }
  }

  /* Saves the export on the page. Returns false if the service refuses. */
  async save() {
    try {
      const { name, notes } = await api.post("/api/recipes", this.asked());
      toast([`Saved as ${name}.toml.`, ...notes].join(" "));
      await this.load();
      return true;
    } catch (error) {
      tellError(error);
      return false;
    }
  }

  #item({ name, folders, n_sources: sources, error }) {
    const words = error ?? `${counted(sources, "group")} of sources, ${counted(folders.length, "folder")}`;
    const text = h("pre", { class: "code recipe-text", hidden: true, tabindex: 0, "aria-label": `Recipe ${name}` });
    const look = button("Show", () => this.#look(name, text, look), { "aria-expanded": "false", "aria-label": `Show ${name}` });
    return h(
      "li",
      { data: { recipe: name } },
      h("span", { class: "what" }, h("strong", {}, `${name}.toml`), h("span", { class: error ? "wrong" : "hint" }, words)),
      h("span", { class: "row" }, look, readOnly() || error ? null : button("Make", () => this.#make(name), { "aria-label": `Make ${name}` })),
      text,
    );
  }

  async #look(name, place, look) {
    try {
      if (!place.textContent) place.textContent = (await api.get(address(name))).text;
      place.hidden = !place.hidden;
      look.setAttribute("aria-expanded", String(!place.hidden));
    } catch (error) {
      tellError(error);
    }
  }

  async #make(name) {
    try {
      await this.view.start({}, `${address(name)}/make`);
      this.view.el.scrollIntoView({ block: "nearest" });
    } catch (error) {
      tellError(error);
    }
  }
}

/* Returns what a page shows when a recipe was made. */
export function made({ steps, question, failed, folders, kept, n_pictures: pictures, notes }) {
  const title = question.length ? `Nobody is named ${question.join(" or ")}` : steps.length ? `Made: ${counted(pictures, "picture")}` : "Everything is up to date";
  return [
    h("h2", { id: "recipe-done" }, title),
    question.length ? h("p", {}, "Give a group of faces this name, then make the recipe again. ", h("a", { href: "/clusters" }, "Faces")) : null,
    failed.length ? h("p", { class: "wrong" }, `These sources could not be read: ${failed.join(", ")}.`) : null,
    kept.length ? h("p", {}, `These folders were changed by hand, so they stay as they are: ${kept.join(", ")}.`) : null,
    folders.length ? h("p", { class: "row" }, folders.map((name) => h("a", { class: "button", href: `/api/exports/${encodeURIComponent(name)}/zip`, download: `${name}.zip` }, `Download ${name}.zip`))) : null,
    notes.length ? h("ul", {}, notes.map((note) => h("li", { class: "hint" }, note))) : null,
  ];
}
