/* What people say of frames and faces. The one rule: the page shows it at once, and takes it back by itself when the
   service refuses; each is a label with who and when, and `u` takes it back. */

import * as api from "./api.js";
import { button, dialog, field, h, options, show, tellError, toast } from "./dom.js";
import { counted, plainCharacter, spoken } from "./format.js";

const done = [];
const own = new Set();
let line = Promise.resolve();
let seen = null;

export const readOnly = () => "readOnly" in document.body.dataset;

/* Remembers which act was the newest when the page was drawn: who has spoken since is told, not overruled.
   What is said before that is known waits for it. */
export function look() {
  if (readOnly()) return Promise.resolve();
  const looking = line.then(async () => {
    const { acts } = await api.get("/api/labels", { count: 1 });
    seen = acts[0]?.act ?? null;
  });
  line = looking.catch(tellError);
  return line;
}

/* word: {field, op, value, ids} or {…, selection}; `apply` shows it and gives what takes that back.
   Words go out one after the other, in the order in which they were said. */
export function say(word, words, apply, again) {
  if (readOnly()) return toast("This service is read-only: start it without --read-only to correct.", { kind: "failed" });
  const back = apply?.() ?? (() => {});
  line = line.then(() => speak(word, words, back, () => say(word, words, apply, again), again));
  return line;
}

async function speak(word, words, back, anew, again) {
  try {
    const { act, n } = await post(word);
    own.add(act);
    done.push({ act, words, again });
    toast(`${words}${n > 1 ? ` (${counted(n, "label")})` : ""}`, { actions: [["Undo (u)", undo]] });
    again?.();
    return true;
  } catch (error) {
    back();
    if (error.rest?.others?.length) differ(error, anew, again);
    else tellError(error);
    return false;
  }
}

/* What this page has said itself since it was drawn is no reason to stop. */
async function post(word) {
  try {
    return await api.post("/api/labels", { ...word, seen });
  } catch (error) {
    const others = error.rest?.others ?? [];
    if (error.status !== 409 || !others.length || !others.every(({ act }) => own.has(act))) throw error;
    return api.post("/api/labels", { ...word, seen: [...own].at(-1) });
  }
}

/* Two people said different things of the same face: both words are shown, and one is chosen. */
function differ(error, anew, again) {
  toast(`${error.message}${error.hint ? ` – ${error.hint}` : ""}`, {
    kind: "failed",
    stay: 60000,
    actions: [["Keep theirs", () => look().then(again)], ["Say mine", () => look().then(anew)]],
  });
}

/* Takes back the newest act of this page, else the newest of all. */
export function undo() {
  if (readOnly()) return;
  const last = done.pop();
  line = line.then(() => undone(last));
  return line;
}

async function undone(last) {
  try {
    own.add((await api.post("/api/labels/undo", last ? { act: last.act } : {})).act);
    toast(last ? `Taken back: ${last.words}` : "Taken back: the newest that counted");
    dispatchEvent(new CustomEvent("undone"));
    last?.again?.();
  } catch (error) {
    tellError(error);
  }
}

/* The characters under the keys 1…9. */
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
    const nobody = button([h("kbd", {}, 0), " nobody known"], () => this.pressed("unknown"), { class: "chip" });
    const other = button([h("kbd", {}, "c"), " other…"], () => this.ask(), { class: "chip" });
    show(this.el, h("span", { class: "palette-title" }, "This is"), chips, nobody, other);
  }

  byKey(key) {
    if (key === "0") return "unknown";
    return this.names[Number(key) - 1] ?? null;
  }

  /* Asks for a name, known or new. */
  ask() {
    const input = h("input", { type: "text", list: "all-characters", autocomplete: "off", required: true });
    const list = h("datalist", { id: "all-characters" }, options(this.all));
    const form = h("form", { method: "dialog" }, field("Name", input), list, h("button", { class: "primary" }, "Say it"));
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

/* Asks for tags to add and remove: "smile, -solo". Calls `then` with [op, tag] pairs. */
export function askTags(n, known, then) {
  const input = h("input", { type: "text", placeholder: "smile, -solo", autocomplete: "off", list: "known-tags" });
  const list = h("datalist", { id: "known-tags" }, options(known.map(spoken)));
  const form = h(
    "form",
    { method: "dialog" },
    field(`Tags of ${counted(n, "frame")}`, input, "Commas between them. A minus in front takes a tag away."),
    list,
    h("button", { class: "primary" }, "Say it"),
  );
  dialog("Tags", form);
  form.addEventListener("submit", () => {
    const pairs = input.value.split(",").map((part) => part.trim()).filter(Boolean).map(pair);
    if (pairs.length) then(pairs);
  });
  input.focus();
}

function pair(text) {
  const removes = /^[-−]/.test(text);
  return [removes ? "remove" : "add", text.replace(/^[-−+]\s*/, "").trim().replaceAll(" ", "_")];
}

export const characterWords = (name, n) => `${counted(n, "frame")}: ${plainCharacter(name)}`;
