/* The export of clips: a form, what it would write bucket by bucket, and its progress. */

import * as api from "./api.js";
import { chosen } from "./clipfilters.js";
import { button, debounce, field, h, show, tellError } from "./dom.js";
import { clipOptions, fill, values } from "./exportform.js";
import { finished } from "./exportpreview.js";
import { clock, count, counted, seconds } from "./format.js";
import { JobView } from "./jobs.js";
import { address, setManner } from "./selection.js";

const PAUSE_MS = 500;
const HEADS = { size: "Size", frames: "Frames", clips: "Clips", seconds: "Length", cut_s: "Not used" };

export class ClipExport {
  /* `ids` returns the ids of the selected clips; null: all that the filters give. */
  constructor(el, ids) {
    Object.assign(this, { el, ids, latest: 0 });
    this.plan = h("section", { "aria-label": "Preview", "aria-live": "polite" });
    this.work = h("section", { "aria-label": "Progress" });
    this.wrong = h("p", { class: "wrong", role: "alert" });
    this.view = new JobView(this.work, { done: (report) => finished(report, "clip"), began: (job) => setManner({ job }) });
  }

  async open() {
    try {
      this.groups ??= clipOptions(await api.get("/api/choices"));
    } catch (error) {
      return tellError(error);
    }
    this.#draw();
    this.name.focus({ preventScroll: true });
    await this.#preview();
  }

  /* Returns true if it was open. */
  close() {
    if (!this.el.firstChild) return false;
    this.el.replaceChildren();
    setManner({ job: null });
    return true;
  }

  /* Shows an export that runs, or has ended. */
  async follow(job) {
    show(this.el, h("div", { class: "clip-export" }, this.work, button("Close", () => this.close())));
    await this.view.follow(job);
  }

  #draw() {
    this.form = h("form", { class: "export-form" });
    fill(this.form, this.groups, new URLSearchParams());
    this.name = h("input", { type: "text", required: true, pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]*", maxlength: 80, autocomplete: "off", value: "clips" });
    this.form.elements.layout.closest(".fields").prepend(field("Name of the folder", this.name, "It is created in the service's export folder."));
    const cannot = !("exports" in document.body.dataset);
    this.form.append(
      h(
        "p",
        { class: "actions" },
        button("Preview", () => this.#preview(), { id: "preview-clips" }),
        h("button", { class: "primary", id: "run-export", disabled: cannot }, "Export clips"),
        button("Close", () => this.close()),
        cannot && h("span", { class: "hint" }, "This service writes no exports. Start it with ", h("code", {}, "--exports FOLDER"), "."),
        this.wrong,
      ),
    );
    this.form.addEventListener("submit", (event) => (event.preventDefault(), this.#run()));
    this.form.addEventListener("input", debounce(PAUSE_MS, () => this.form.checkValidity() && this.#preview()));
    show(this.el, h("section", { class: "clip-export", "aria-label": "Export clips" }, h("h2", {}, "Export clips"), this.form, this.plan, this.work));
  }

  async #ask(dry) {
    const { layout, ...options } = values(this.form, this.groups);
    const body = { clips: await this.ids(), layout, out: this.name.value.trim(), options, dry_run: dry };
    return [body, address("/api/clips/export", chosen())];
  }

  /* Shows what the form would write. Only the newest answer counts. */
  async #preview() {
    const mine = ++this.latest;
    this.wrong.textContent = "";
    try {
      const [body, path] = await this.#ask(true);
      const told = await api.post(path, body);
      if (mine === this.latest) show(this.plan, previewed(told));
    } catch (error) {
      if (mine === this.latest) this.#tell(error);
    }
  }

  async #run() {
    this.wrong.textContent = "";
    try {
      const [body, path] = await this.#ask(false);
      await this.view.start(body, path);
      this.work.scrollIntoView({ block: "nearest" });
    } catch (error) {
      this.#tell(error);
    }
  }

  #tell(error) {
    this.wrong.textContent = [error.message, error.hint].filter(Boolean).join(" – ");
  }
}

/* Returns the buckets of an export, and the clips that none of them takes, with the reasons. */
function previewed({ buckets, dropped, n_dropped: left, notes }) {
  const n = buckets.reduce((sum, row) => sum + row.clips, 0);
  const length = buckets.reduce((sum, row) => sum + row.seconds, 0);
  return h(
    "div",
    { class: "card" },
    h("h3", {}, `Would write ${counted(n, "clip")}, ${length < 100 ? seconds(length) : clock(length)}`),
    notes.map((note) => h("p", { class: "hint" }, note)),
    h("table", {}, h("thead", {}, h("tr", {}, Object.values(HEADS).map((head) => h("th", { scope: "col", class: "number" }, head)))), h("tbody", {}, buckets.map(bucket))),
    left > 0 &&
      h("details", {}, h("summary", {}, `${counted(left, "clip")} left out`), h("ul", {}, dropped.map(({ clip_id: id, seconds: s, frames, why }) => h("li", { class: "hint" }, `${id}: ${seconds(s)}, ${counted(frames, "frame")}: ${why}`)))),
  );
}

function bucket({ width, height, frames, clips, seconds: s, cut_s: cut }) {
  return h("tr", {}, [`${width} × ${height}`, frames, count(clips), seconds(s), seconds(cut)].map((value) => h("td", { class: "number" }, String(value))));
}
