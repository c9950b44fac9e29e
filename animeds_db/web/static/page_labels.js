/* The history: all change sets with author and time. Each can be undone, and each undo redone. */

import * as api from "./api.js";
import { start } from "./chrome.js";
import { readOnly, undo } from "./corrections.js";
import { $, button, empty, failure, h, show, tellError } from "./dom.js";
import { count, when } from "./format.js";
import { bind } from "./keys.js";

const PAGE = 100;
const place = $("#content");
let acts = [];
let next = null;

start(async () => {
  bind("History", [["u", "undo the latest change", () => undo()]]);
  addEventListener("undone", again);
  await again();
});

async function again() {
  acts = [];
  try {
    await load();
  } catch (error) {
    show(place, failure(error, again));
  }
}

async function load() {
  const answer = await api.get("/api/labels", { from: acts.length, count: PAGE });
  acts.push(...answer.acts);
  next = answer.next;
  draw();
}

function draw() {
  if (!acts.length) return show(place, empty("No corrections yet", h("p", {}, "Drop a frame with ", h("kbd", {}, "x"), " or name a face with ", h("kbd", {}, "1"), "…", h("kbd", {}, "9"), ". Corrections are listed here.")));
  show(
    place,
    h("p", { class: "row" }, h("a", { class: "button", href: `/sql?q=${encodeURIComponent("SELECT * FROM label_history ORDER BY said_at DESC")}` }, "See the SQL")),
    h(
      "div",
      { class: "table-scroll" },
      h(
        "table",
        { class: "history" },
        h("thead", {}, h("tr", {}, ["When", "Who", "What", "Labels", ""].map((words) => h("th", { scope: "col", class: words === "Labels" ? "number" : null }, words || h("span", { class: "hidden" }, "Undo"))))),
        h("tbody", {}, acts.map(row)),
      ),
    ),
    next && button("Show older", () => load().catch(tellError)),
  );
}

function row(act) {
  const taken = act.counts === false;
  const isUndo = String(act.what).startsWith("undo ");
  const words = isUndo ? `Redo ${act.what}` : `Undo ${act.what}`;
  return h(
    "tr",
    { class: taken ? "taken" : null },
    h("td", { class: "when nowrap" }, when(act.said_at)),
    h("td", { class: "who" }, act.who),
    h("td", { class: "what" }, isUndo ? undone(act.what) : act.what, taken && h("span", { class: "badge plain" }, "undone"), act.n_gone ? h("span", { class: "badge" }, `${count(act.n_gone)} for frames that no longer exist`) : null),
    h("td", { class: "n number" }, count(act.n)),
    h("td", { class: "undo" }, readOnly() || taken ? null : button(isUndo ? "Redo" : "Undo", () => takeBack(act), { "aria-label": words })),
  );
}

/* "undo 261129-0258-z5p3mn" as what that change set was, if it is on the page. */
function undone(what) {
  const found = acts.find(({ act }) => what === `undo ${act}`);
  return found ? `Undone: ${found.what}` : what;
}

async function takeBack({ act }) {
  try {
    await api.post("/api/labels/undo", { act });
    await again();
  } catch (error) {
    tellError(error);
  }
}
