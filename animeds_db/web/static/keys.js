/* Keyboard shortcuts, and the help generated from them. Shortcuts are off while a person types. */

import { $, button, dialog, h } from "./dom.js";

const bound = [];
const CORRECTING = ["Correct", "Answer", "History"];
const NAMES = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", " ": "Space", Escape: "Esc" };

/* bind("Move", [["j ArrowRight", "next frame", does], …]); `does` gets the event. Keys separated by a space are alternatives. */
export function bind(group, rows) {
  if (CORRECTING.includes(group) && "readOnly" in document.body.dataset) return bindRefusals(rows);
  for (const [keys, help, does] of rows) {
    const names = Array.isArray(keys) ? keys : keys.split(" ");
    bound.push({ group, keys: names, help, does });
  }
}

/* On a read-only service the help leaves out these keys; pressing one shows a message. */
function bindRefusals(rows) {
  for (const [keys, , does] of rows) bound.push({ keys: Array.isArray(keys) ? keys : keys.split(" "), does });
}

export const isWriting = (el) =>
  el instanceof HTMLElement && (el.isContentEditable || el.matches("input:not([type=checkbox], [type=range]), textarea, select"));

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (isWriting(event.target) || $("dialog[open]")) return;
  const pressable = event.target.closest?.("button, a:not(.tile a), summary, [role=button], input");
  if (pressable && (event.key === "Enter" || event.key === " ")) return;
  if (event.target.matches?.("input[type=range]") && event.key.startsWith("Arrow")) return;
  for (const { keys, does } of bound) {
    if (!keys.includes(event.key)) continue;
    if (does(event) !== false) event.preventDefault();
    return;
  }
});

export function help() {
  const told = bound.filter((row) => row.help);
  const groups = grouped([...told.filter((row) => row.group !== "Help"), ...told.filter((row) => row.group === "Help")]);
  dialog(
    "Keys",
    h("div", { class: "keys" }, [...groups].map(([group, rows]) => section(group, rows))),
    h("p", { class: "hint" }, "Everything else can be reached with Tab and Enter. Shortcuts are off while you type."),
  );
}

function grouped(rows) {
  const found = new Map();
  for (const row of rows) found.set(row.group, [...(found.get(row.group) ?? []), row]);
  return found;
}

function section(group, rows) {
  const lines = rows.map(({ keys, help: words }) => [
    h("dt", {}, keys.map((key) => h("kbd", {}, NAMES[key] ?? key))),
    h("dd", {}, words),
  ]);
  return h("section", {}, h("h3", {}, group), h("dl", {}, lines));
}

export function startHelp() {
  $("#help")?.addEventListener("click", help);
  bind("Help", [["?", "show these shortcuts", help]]);
}

/* A button that shows its shortcut. */
export const keyButton = (words, key, does, props = {}) =>
  button([words, " ", h("kbd", { "aria-hidden": "true" }, key)], does, { "aria-keyshortcuts": key, ...props });
