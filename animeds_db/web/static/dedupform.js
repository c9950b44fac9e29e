/* Finds near-duplicates: a threshold slider with the effect of each position, and the run. */

import * as api from "./api.js";
import { button, h, show, tellError } from "./dom.js";
import { count, counted } from "./format.js";
import { JobView, listed } from "./jobs.js";

export class DedupForm {
  /* `found` is called when a run has written new groups. */
  constructor(el, found) {
    this.found = found;
    this.effects = null;
    this.dial = h("div", {});
    this.work = h("section", { "aria-label": "Progress" });
    this.view = new JobView(this.work, { done: (report) => this.#done(report) });
    const buttons = h(
      "p",
      { class: "row" },
      button("Find near-duplicates", () => this.#run(false), { class: "primary", id: "dedup" }),
      button("Compare thresholds", () => this.#run(true), { id: "dedup-preview" }),
    );
    show(el, h("div", { class: "card" }, buttons, this.dial), this.work);
  }

  /* Shows the newest comparison of thresholds, and a job that still runs. */
  async load() {
    const jobs = await listed("dedup");
    const compared = jobs.find((job) => job.state === "done" && job.report?.rows);
    if (compared) this.#compare(compared.report);
    await this.view.resume("dedup");
  }

  async #run(preview) {
    const threshold = this.effects ? this.#row().threshold : null;
    try {
      await this.view.start(preview ? { kind: "dedup", preview } : { kind: "dedup", threshold });
    } catch (error) {
      tellError(error);
    }
  }

  #done(report) {
    if (report.rows) {
      this.#compare(report);
      return h("p", { role: "status" }, "Compared. Move the slider to see the effect of each threshold.");
    }
    queueMicrotask(this.found);
    return [h("h2", { id: "dedup-done" }, `Done: ${counted(report.groups, "group")}, ${counted(report.copies, "copy", "copies")}`), h("p", { class: "hint" }, `${counted(report.frames, "frame")} compared at a threshold of ${report.threshold}`)];
  }

  #row() {
    return this.rows[Number(this.slider.value)];
  }

  #compare(effects) {
    this.effects = effects;
    this.rows = effects.rows.filter((row) => row.dial === "threshold");
    const now = this.rows.findIndex((row) => row.threshold === effects.threshold);
    this.slider = h("input", { type: "range", id: "threshold", min: 0, max: this.rows.length - 1, step: 1, value: now, "aria-label": "Threshold", oninput: () => this.#tell() });
    this.words = h("p", { role: "status" });
    this.pairs = h("div", { class: "pairs" });
    show(this.dial, h("label", { class: "dial" }, h("span", {}, "fewer frames stay"), this.slider, h("span", {}, "more frames stay")), this.words, this.pairs);
    this.#tell();
  }

  #tell() {
    const row = this.#row();
    this.slider.setAttribute("aria-valuetext", `${row.threshold}: ${count(row.stay)} frames stay`);
    this.words.textContent = `At ${row.threshold}: ${counted(row.copies, "copy", "copies")} left out, ${counted(row.stay, "frame")} stay (${Math.round(100 * row.share)} %).`;
    const near = this.effects.pairs.find(([threshold]) => threshold === row.threshold)?.[1] ?? [];
    show(this.pairs, near.map((pair) => this.#pair(pair)));
  }

  #pair({ left, right, says, copy }) {
    const picture = (id) => h("a", { href: `/frames/${encodeURIComponent(id)}` }, h("img", { src: api.thumbnail(id), alt: "", loading: "lazy" }));
    return h("figure", { class: copy ? "pair copy" : "pair" }, h("span", {}, picture(left), picture(right)), h("figcaption", {}, h("span", { class: copy ? "badge" : "badge good" }, copy ? "one is left out" : "both stay"), " ", says));
  }
}
