/* Saved views: selections with a name, kept in the database. The bar lists them; one click or Enter opens one. */

import * as api from "./api.js";
import { readOnly } from "./corrections.js";
import { $, button, dialog, field, h, show, tellError, toast } from "./dom.js";
import { address, selection, shown } from "./selection.js";

const path = (name) => `/api/selections/${encodeURIComponent(name)}`;
const alike = (params) => [...shown(params)].map((pair) => pair.join("=")).sort().join("&");

export class Views {
  constructor(el) {
    this.el = el;
    this.all = [];
  }

  async load() {
    this.all = await api.get("/api/selections");
    this.draw();
  }

  /* Shows the views, and marks the one that the page shows. */
  draw() {
    const now = alike(selection());
    const chips = this.all.map((view) => this.#chip(view, alike(selection(`?${view.selection}`)) === now));
    show(this.el, chips.length ? h("span", { class: "palette-title" }, "Views") : null, chips);
    this.el.hidden = !chips.length;
  }

  #chip(view, current) {
    const link = h("a", { href: address("/", selection(`?${view.selection}`)), data: { state: "" }, "aria-current": current ? "true" : null, title: view.who ? `saved by ${view.who}` : null }, view.name);
    return h("span", { class: current ? "piece view current" : "piece view" }, link, readOnly() ? null : button("×", () => this.#remove(view), { class: "quiet", "aria-label": `Delete the view ${view.name}` }));
  }

  /* Asks for a name and saves this selection. */
  ask(params) {
    const name = h("input", { type: "text", required: true, maxlength: 80, autocomplete: "off" });
    const wrong = h("p", { class: "wrong", role: "alert" });
    const form = h("form", {}, field("Name", name, "The filters, the order and what is hidden are saved in the database. A view of this name is replaced."), wrong, h("button", { class: "primary" }, "Save"));
    const box = dialog("Save this view", form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await this.#put(name.value.trim(), shown(params).toString());
      } catch (error) {
        wrong.textContent = [error.message, error.hint].filter(Boolean).join(" – ");
        return;
      }
      box.close();
      toast(`Saved the view ${name.value.trim()}.`);
    });
    name.focus();
  }

  async #put(name, text) {
    await api.send("PUT", path(name), { selection: text });
    await this.load();
  }

  async #remove(view) {
    try {
      await api.send("DELETE", path(view.name));
      await this.load();
      toast(`Deleted the view ${view.name}.`, { actions: [["Undo", () => this.#put(view.name, view.selection).catch(tellError)]] });
      $("#search-box")?.focus();
    } catch (error) {
      tellError(error);
    }
  }
}
