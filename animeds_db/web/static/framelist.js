/* The frames of a selection, or other rows that a grid shows, loaded in windows. A frame that is not loaded is null; it is fetched when it stays in view,
   and the oldest windows are dropped. */

import * as api from "./api.js";

const WINDOW = 120;
const KEPT = 60;

const FRAMES = { page: async (...asked) => (await api.frames(...asked)).frames, count: api.count, key: (frame) => frame.frame_id };

export class FrameList {
  /* `source` says how rows are loaded and counted, and what identifies a row. */
  constructor(selection, changed, source = FRAMES) {
    this.source = source;
    this.selection = selection;
    this.changed = changed;
    this.total = null;
    this.counting = null;
    this.uncounted = null;
    this.failed = null;
    this.windows = new Map();
    this.asked = new Map();
    this.said = new Map();
    this.ended = false;
  }

  /* Loads the first window. The total count may take longer and arrives later. */
  async start(first = 0) {
    this.counting = this.source.count(this.selection).then((n) => this.#counted(n), (error) => this.#fail((this.uncounted = error)));
    await this.#fetch(Math.floor(first / WINDOW));
    return this.counting;
  }

  end() {
    this.ended = true;
    for (const stop of this.asked.values()) stop.abort();
  }

  get length() {
    if (this.total !== null) return this.total;
    const windows = [...this.windows.keys()];
    return windows.length ? Math.max(...windows.map((w) => w * WINDOW + this.windows.get(w).length)) : 0;
  }

  get(i) {
    const window = this.windows.get(Math.floor(i / WINDOW));
    const frame = window?.[i % WINDOW];
    if (!frame) return null;
    const said = this.said.get(this.source.key(frame));
    return said ? { ...frame, ...said } : frame;
  }

  /* Fetches missing frames between two positions, and cancels requests for frames that scrolled out of view. */
  need(first, last) {
    const wanted = new Set();
    for (let w = Math.floor(first / WINDOW); w <= Math.floor(last / WINDOW); w++) wanted.add(w);
    for (const [w, stop] of this.asked) if (!wanted.has(w)) stop.abort();
    for (const w of wanted) if (!this.windows.has(w) && !this.asked.has(w)) this.#fetch(w);
    this.#forget(wanted);
  }

  /* Returns the ids at these positions, and loads missing ones. */
  async ids(places) {
    const windows = new Set([...places].map((i) => Math.floor(i / WINDOW)));
    const found = new Map();
    for (const w of windows) found.set(w, this.windows.get(w) ?? (await this.#load(w)));
    return [...places].map((i) => found.get(Math.floor(i / WINDOW))[i % WINDOW]).filter(Boolean).map(this.source.key);
  }

  /* Changes frames before the service has confirmed; returns a function that reverts it. */
  say(ids, change) {
    const before = new Map(ids.map((id) => [id, this.said.get(id)]));
    for (const id of ids) this.said.set(id, { ...this.said.get(id), ...change });
    this.changed();
    return () => {
      for (const [id, old] of before) old ? this.said.set(id, old) : this.said.delete(id);
      this.changed();
    };
  }

  /* Loads everything again: after an undo, or after a correction in another tab. */
  async reload() {
    const windows = [...this.windows.keys()];
    const fresh = await Promise.all(windows.slice(-6).map(async (w) => [w, await this.#load(w)]));
    this.windows = new Map(fresh);
    this.said.clear();
    this.changed();
  }

  async #fetch(w) {
    const stop = new AbortController();
    this.asked.set(w, stop);
    try {
      this.windows.set(w, await this.#load(w, stop.signal));
      this.failed = null;
    } catch (error) {
      this.#fail(error);
    } finally {
      this.asked.delete(w);
    }
    if (!this.ended) this.changed();
  }

  #load(w, signal) {
    return this.source.page(this.selection, w * WINDOW, WINDOW, signal);
  }

  #counted(n) {
    this.total = n;
    if (!this.ended) this.changed();
  }

  #fail(error) {
    if (error.name === "AbortError" || this.ended) return;
    this.failed = error;
    this.changed();
  }

  #forget(wanted) {
    for (const w of this.windows.keys()) {
      if (this.windows.size <= KEPT) return;
      if (!wanted.has(w)) this.windows.delete(w);
    }
  }
}
