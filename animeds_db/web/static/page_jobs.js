/* The page of jobs: what the service is doing, has done, and did not finish. */

import * as api from "./api.js";
import { start } from "./chrome.js";
import { readOnly } from "./corrections.js";
import { $, button, empty, failure, h, show, tellError } from "./dom.js";
import { when } from "./format.js";
import { JobView, isActive, listed, path } from "./jobs.js";

const SHOWN = 30;
const LOOK_MS = 3000;
const place = $("#content");
const work = h("section", { "aria-label": "Job" });
const list = h("div", { "aria-busy": "true" });
const view = new JobView(work, { done: (report, job) => [h("h2", {}, `Done: ${job.title}`), h("p", { class: "hint" }, words(report))] });

start(async () => {
  show(place, work, list);
  await load();
  const wanted = new URLSearchParams(location.search).get("job");
  if (wanted) await view.follow(wanted);
  setInterval(() => !document.hidden && load(), LOOK_MS);
});

async function load() {
  try {
    draw(await listed());
  } catch (error) {
    show(list, failure(error, load));
  }
}

function draw(jobs) {
  if (!jobs.length) return show(list, empty("No jobs yet", h("p", {}, "An ingest, a search for near-duplicates, or an export is listed here."), h("p", {}, h("a", { class: "button primary", href: "/ingest" }, "Add episodes"))));
  show(list, h("ul", { class: "job-list" }, jobs.slice(0, SHOWN).map(item)));
}

function item(job) {
  const share = job.total ? Math.floor((100 * (job.done + job.part)) / job.total) : 0;
  const state = job.state === "running" ? `running, ${share} %` : job.state;
  const act = async (what) => {
    try {
      const answer = await api.post(`${path(job.job)}/${what}`);
      if (what === "continue") await view.follow(answer.job);
      await load();
    } catch (error) {
      tellError(error);
    }
  };
  return h(
    "li",
    {},
    h("span", { class: "what" }, h("strong", {}, job.title), h("span", { class: "hint" }, when(1000 * job.created_at))),
    h("span", { class: `badge ${job.state === "done" ? "good" : "plain"}` }, state),
    h(
      "span",
      { class: "row" },
      button("Log", () => view.follow(job.job), { "aria-label": `Log of ${job.title}` }),
      readOnly() ? null : isActive(job) ? button("Stop", () => act("cancel"), { "aria-label": `Stop ${job.title}` }) : job.state === "done" ? null : button("Continue", () => act("continue"), { "aria-label": `Continue ${job.title}` }),
    ),
    job.error && h("span", { class: "wrong" }, job.error.message),
  );
}

const words = (report) =>
  Object.entries(report ?? {})
    .filter(([, value]) => typeof value === "number")
    .map(([name, value]) => `${name.replace(/^n_/, "").replaceAll("_", " ")}: ${value}`)
    .join(", ");
