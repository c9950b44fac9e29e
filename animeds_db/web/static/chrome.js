/* Parts of every page: keyboard help, the name of the database, and links that keep the selection. */

import * as api from "./api.js";
import { $, h, show, tellError } from "./dom.js";
import { counted } from "./format.js";
import { startHelp } from "./keys.js";

/* SQL page that lists the sources with missing frames. */
const DAMAGED = `/sql?q=${encodeURIComponent("SELECT title, n_damaged, n_gaps, error AS noticed, uri FROM sources\nWHERE n_damaged > 0 OR n_gaps > 0")}`;

/* Runs the page when its module has loaded completely. */
export function start(main) {
  startHelp();
  $(".top nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  addEventListener("jobended", tellDatabase);
  Promise.resolve().then(main).catch(tellError).finally(tellDatabase);
}

async function tellDatabase() {
  const place = $("#database");
  try {
    const status = await api.status();
    const readOnly = "readOnly" in document.body.dataset;
    show(
      place,
      readOnly && h("span", { class: "badge" }, "read-only"), // first, because small screens cut off the end
      readOnly && " ",
      await working(),
      h("span", { title: status.database ?? "" }, status.name ?? ""),
      status.exists ? ` ${counted(status.frames, "frame")}` : " does not exist yet",
      status.damaged > 0 && [" ", h("a", { href: DAMAGED, class: "badge" }, `${counted(status.damaged, "source")} damaged`)],
    );
    if (status.recounting) api.rest(api.AGAIN).then(tellDatabase);
  } catch (error) {
    place.textContent = error.message;
  }
}

/* A link to the job that runs now, if there is one. */
async function working() {
  const job = (await api.get("/api/jobs")).find(({ state }) => state === "running");
  return job ? [h("a", { href: `/jobs?job=${job.job}`, class: "badge", title: job.title }, "1 job"), " "] : null;
}

/* Sets the title of the window. */
export function entitle(words) {
  document.title = `${words} · animeds`;
}
