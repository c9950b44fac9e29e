/* What every page has: the help on keys, the name of the database, and links that keep the selection. */

import * as api from "./api.js";
import { $, h, show, tellError } from "./dom.js";
import { counted } from "./format.js";
import { startHelp } from "./keys.js";

/* The sources of which frames are missing, and what was noticed of each. */
const DAMAGED = `/sql?q=${encodeURIComponent("SELECT title, n_damaged, n_gaps, error AS noticed, uri FROM sources\nWHERE n_damaged > 0 OR n_gaps > 0")}`;

/* Runs the page once its module has been read to the end. */
export function start(main) {
  startHelp();
  $(".top nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  Promise.resolve().then(main).catch(tellError).finally(tellDatabase);
}

async function tellDatabase() {
  const place = $("#database");
  try {
    const status = await api.status();
    const readOnly = "readOnly" in document.body.dataset;
    show(
      place,
      readOnly && h("span", { class: "badge" }, "read-only"), // first: on a telephone the end is cut off
      readOnly && " ",
      h("span", { title: status.database ?? "" }, status.name ?? ""),
      ` ${counted(status.frames, "frame")}`,
      status.damaged > 0 && [" ", h("a", { href: DAMAGED, class: "badge" }, `${counted(status.damaged, "source")} damaged`)],
    );
  } catch (error) {
    place.textContent = error.message;
  }
}

/* A title of the window that says what is on the page. */
export function entitle(words) {
  document.title = `${words} · animeds`;
}
