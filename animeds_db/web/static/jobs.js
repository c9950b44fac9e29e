/* A job of the service on a page: its progress, its log, how it ended, and buttons to stop and to continue it.
   The service runs the job, so a page can be closed and opened again. */

import * as api from "./api.js";
import { button, failure, h, show, tellError } from "./dom.js";
import { count, counted, seconds } from "./format.js";

const UNITS = { ingest: "source", export: "file" };
const SOON = 2;

export const path = (job) => `/api/jobs/${encodeURIComponent(job)}`;
export const isActive = (job) => ["waiting", "running"].includes(job.state);
export const listed = (kind) => api.get("/api/jobs", kind ? { kind } : {});

export class JobView {
  /* `done(report, job)` returns what the page shows when a job has ended well. `began(job)` hears of each job. */
  constructor(el, { done, began = () => {} }) {
    Object.assign(this, { el, done, began });
  }

  /* Starts a job: `body` for /api/jobs, or another address. */
  async start(body, address = "/api/jobs") {
    const { job } = await api.post(address, body);
    await this.follow(job);
  }

  /* Shows the newest job of a kind if it still runs, or if a restart of the service interrupted it. */
  async resume(kind) {
    const [newest] = await listed(kind);
    if (newest && (isActive(newest) || newest.state === "interrupted")) await this.follow(newest.job);
  }

  async follow(id) {
    this.stop?.();
    this.seen = performance.now();
    this.lines = h("ol", { class: "log" });
    this.bar = h("progress", { max: 1, "aria-label": "Progress" });
    this.words = h("p", { role: "status" }, "Starting…");
    this.title = h("h2", {}, "Job");
    const cancel = button("Stop", () => api.post(`${path(id)}/cancel`).catch(tellError));
    show(
      this.el,
      h("div", { class: "card job" }, this.title, this.bar, this.words, h("p", { class: "row" }, cancel, h("span", { class: "hint" }, "It continues if you close this page.")), this.#log()),
    );
    try {
      this.#tell(await api.get(path(id)), "progress");
    } catch (error) {
      return show(this.el, failure(error));
    }
    this.began(id);
    this.stop = api.follow(`${path(id)}/events`, (kind, job) => {
      if (kind === "lost") this.words.textContent = "Connection lost; reconnecting…";
      else if (this.el.isConnected) this.#tell(job, kind);
    });
  }

  #log() {
    return h("details", { class: "log-box" }, h("summary", {}, "Log"), this.lines);
  }

  #tell(job, kind) {
    this.title.textContent = job.title;
    if (job.log_from === 0) this.lines.replaceChildren();
    this.lines.append(...job.log.map((line) => h("li", {}, line)));
    if (kind !== "progress") return this.#ended(job);
    this.bar.max = Math.max(1, job.total);
    if (job.total) this.bar.value = job.done + job.part;
    this.words.textContent = this.#progress(job);
  }

  #progress(job) {
    if (job.state === "waiting") return "Waiting until an earlier job has ended…";
    const unit = UNITS[job.kind];
    const far = job.total ? (unit ? `${count(job.done)} of ${counted(job.total, unit)}` : `${Math.floor((100 * job.done) / job.total)} %`) : "Starting…";
    const share = job.total ? (job.done + job.part) / job.total : 0;
    const took = (performance.now() - this.seen) / 1000;
    this.first ??= share;
    const left = share > this.first && took > SOON ? `about ${seconds((took / (share - this.first)) * (1 - share))} left` : "";
    return [far, job.step, left].filter(Boolean).join(", ");
  }

  #ended(job) {
    this.stop?.();
    dispatchEvent(new Event("jobended"));
    this.first = undefined;
    const more = job.log.length || this.lines.children.length ? this.#log() : null;
    const again = button("Continue", () => this.#continue(job.job), { class: "primary" });
    if (job.state === "done") return show(this.el, h("div", { class: "card done job" }, this.done(job.report, job), more));
    if (job.state === "failed") return show(this.el, h("div", { class: "card job" }, failure(job.error), h("p", { class: "row" }, again), more));
    const why = job.state === "interrupted" ? "The service was restarted, so this job was interrupted." : "This job was stopped.";
    show(this.el, h("div", { class: "card job" }, h("h2", {}, job.title), h("p", { role: "status" }, `${why} Finished work is kept.`), h("p", { class: "row" }, again), more));
  }

  async #continue(id) {
    try {
      await this.start({}, `${path(id)}/continue`);
    } catch (error) {
      tellError(error);
    }
  }
}
