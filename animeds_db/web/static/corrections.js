/* Corrections of frames and faces. The page shows a correction at once and reverts it if the service refuses it.
   Each correction is stored as a label with author and time; `u` undoes it. */

import * as api from "./api.js";
import { button, dialog, field, h, options, show, tellError, toast } from "./dom.js";
import { counted, plainCharacter } from "./format.js";

const done = [];
const own = new Set();
let line = Promise.resolve();
let seen = null;

export const readOnly = () => "readOnly" in document.body.dataset;

/* Remembers the latest change set when the page was loaded, so that later corrections by others are reported and not
   overwritten. Corrections wait until it is known. */
export function look() {
  if (readOnly()) return Promise.resolve();
  const looking = line.then(async () => {
    const { acts } = await api.get("/api/labels", { count: 1 });
    seen = acts[0]?.act ?? null;
  });
  line = looking.catch(tellError);
  return line;
}

/* label: {field, op, value, ids} or {…, selection}; `apply` shows it and returns a function that reverts it. That is called if the
   service refuses the label, and by an undo. Labels are sent one after the other, in order. */
export function say(word, words, apply, again) {
  if (readOnly()) return toast("This service is read-only. Start it without --read-only to make corrections.", { kind: "failed" });
  const back = apply?.() ?? (() => {});
  line = line.then(() => speak(word, words, back, () => say(word, words, apply, again), again));
  return line;
}

async function speak(word, words, back, retry, again) {
  try {
    const { act, n } = await post(word);
    own.add(act);
    done.push({ act, words, again, back });
    toast(`${words}${n > 1 ? ` (${counted(n, "label")})` : ""}`, { actions: [["Undo (u)", undo]] });
    again?.();
    return true;
  } catch (error) {
    back();
    if (error.rest?.others?.length) differ(error, retry, again);
    else tellError(error);
    return false;
  }
}

/* Corrections by this page itself are not conflicts. */
async function post(word) {
  try {
    return await api.post("/api/labels", { ...word, seen });
  } catch (error) {
    const others = error.rest?.others ?? [];
    if (error.status !== 409 || !others.length || !others.every(({ act }) => own.has(act))) throw error;
    return api.post("/api/labels", { ...word, seen: [...own].at(-1) });
  }
}

/* Remembers a change set that this page made in another way than by `say`, and offers to undo it. */
export function changed(act, words) {
  own.add(act);
  done.push({ act, words });
  toast(words, { actions: [["Undo (u)", undo]] });
}

/* Two people labelled the same face differently: shows both labels and lets the person choose. */
function differ(error, retry, again) {
  toast(`${error.message}${error.hint ? ` – ${error.hint}` : ""}`, {
    kind: "failed",
    stay: 60000,
    actions: [["Keep theirs", () => look().then(again)], ["Use mine", () => look().then(retry)]],
  });
}

/* Undoes the latest change set of this page, or else the latest of all. */
export function undo() {
  if (readOnly()) return;
  const last = done.pop();
  line = line.then(() => undone(last));
  return line;
}

async function undone(last) {
  try {
    own.add((await api.post("/api/labels/undo", last ? { act: last.act } : {})).act);
    toast(last ? `Undone: ${last.words}` : "Undone: the latest change");
    last?.back?.();
    dispatchEvent(new CustomEvent("undone"));
    last?.again?.();
  } catch (error) {
    tellError(error);
  }
}

/* The characters for the keys 1…9. */
export class Palette {
  constructor(el, pressed) {
    this.el = el;
    this.pressed = pressed;
    this.names = [];
    this.all = [];
  }

  async load() {
    const known = (await api.characters()).map((row) => row.name ?? row.character);
    this.all = known.filter((name) => !["ood", "unknown"].includes(name));
    this.names = this.all.slice(0, 9);
    this.draw();
  }

  draw() {
    if (!this.el || readOnly()) return;
    const chips = this.names.map((name, i) =>
      h("button", { type: "button", class: "chip", onclick: () => this.pressed(name), "aria-keyshortcuts": i + 1 }, h("kbd", {}, i + 1), " ", name),
    );
    const nobody = button([h("kbd", {}, 0), " unknown"], () => this.pressed("unknown"), { class: "chip" });
    const other = button([h("kbd", {}, "c"), " other…"], () => this.ask(), { class: "chip" });
    show(this.el, h("span", { class: "palette-title" }, "This is"), chips, nobody, other);
  }

  byKey(key) {
    if (key === "0") return "unknown";
    return this.names[Number(key) - 1] ?? null;
  }

  /* Asks for the name of a known or new character. */
  ask() {
    const input = h("input", { type: "text", list: "all-characters", autocomplete: "off", required: true });
    const list = h("datalist", { id: "all-characters" }, options(this.all));
    const form = h("form", { method: "dialog" }, field("Name", input), list, h("button", { class: "primary" }, "Apply"));
    const box = dialog("Who is this?", form);
    form.addEventListener("submit", () => {
      const name = input.value.trim();
      if (!name) return;
      if (!this.all.includes(name)) this.all.push(name);
      if (!this.names.includes(name) && this.names.length < 9) this.names.push(name);
      this.draw();
      this.pressed(name);
    });
    input.focus();
    return box;
  }
}

export const characterWords = (name, n) => `${counted(n, "frame")}: ${plainCharacter(name)}`;
