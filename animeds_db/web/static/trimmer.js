/* The trim handles of a clip: its video with the frames around it, and two handles for the first and the last frame.
   Everything is counted in frames of the video, from the first frame of the clip. */

import { button, h, show } from "./dom.js";
import { exactClock, seconds } from "./format.js";
import { keyButton } from "./keys.js";
import { clip as videoOf, end, isCalm, playing } from "./player.js";

const AROUND_S = 2;
const LONGEST_S = 10;
const FAR = 10;
const SLACK = 0.3; // of a frame: the video starts with the right frame although times are rounded

export class Trimmer {
  constructor(el, on) {
    Object.assign(this, { el, on, clip: null });
  }

  open(clip) {
    this.close();
    this.clip = clip;
    this.frame = clip.seconds / clip.source_frames;
    const before = Math.max(0, Math.floor(Math.min(AROUND_S, (LONGEST_S - clip.seconds) / 2, clip.first_s) / this.frame));
    this.lead = before; // frames in the video before the clip
    this.least = -Math.min(before, Math.round((clip.first_s - clip.shot_first_s) / this.frame));
    this.most = clip.source_frames - 1 + Math.min(before, Math.round((clip.shot_end_s - clip.first_s) / this.frame) - clip.source_frames);
    [this.first, this.last] = [0, clip.source_frames - 1];
    this.video = playing(videoOf(clip.clip_id, ((before + SLACK) * this.frame).toFixed(4)), { "aria-label": "The clip and the frames around it" });
    this.video.autoplay = false;
    this.video.addEventListener("loadedmetadata", () => (this.#seek(this.first), isCalm() || this.#play()));
    this.video.addEventListener("refused", () => this.close());
    for (const event of ["play", "seeked"]) this.video.addEventListener(event, () => this.#watch());
    this.#draw();
    this.starts.focus({ preventScroll: true });
  }

  /* Returns true if it was open. */
  close() {
    if (!this.clip) return false;
    cancelAnimationFrame(this.watching);
    end(this.video);
    this.clip = null;
    this.el.replaceChildren();
    this.on.closed();
    return true;
  }

  #draw() {
    this.range = h("div", { class: "range" });
    this.now = h("div", { class: "now" });
    this.starts = this.#handle("First frame", () => this.first, (at) => (this.first = Math.min(Math.max(this.least, at), this.last)));
    this.ends = this.#handle("Last frame", () => this.last, (at) => (this.last = Math.max(Math.min(this.most, at), this.first)));
    this.words = h("output", {});
    this.apply = keyButton("Trim", "Enter", () => this.#apply(), { class: "primary", id: "apply-trim" });
    const strip = h("div", { class: "strip-of-frames" }, this.range, this.now, this.starts, this.ends);
    show(
      this.el,
      h(
        "section",
        { class: "trimmer", "aria-label": "Trim" },
        h("div", { class: "trim-video" }, this.video),
        h("div", { class: "trim-side" }, strip, this.words, h("p", { class: "row" }, this.apply, button("Play or pause", () => (this.video.paused ? this.#play() : this.video.pause())), keyButton("Close", "Esc", () => this.close()))),
      ),
    );
    this.strip = strip;
    this.#tell();
  }

  #handle(words, at, put) {
    const handle = h("div", { class: "handle", role: "slider", tabindex: "0", "aria-label": words, "aria-valuemin": this.least, "aria-valuemax": this.most });
    const move = (to) => {
      put(to);
      this.video.pause();
      this.#seek(at());
      this.#tell();
    };
    handle.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -FAR, PageUp: FAR, Home: -Infinity, End: Infinity };
      if (event.key === "Enter") this.#apply();
      else if (event.key in steps) move(at() + steps[event.key] * (event.shiftKey ? FAR : 1));
      else return;
      event.preventDefault();
    });
    handle.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      handle.focus();
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const { left, width } = this.strip.getBoundingClientRect();
      const share = (event.clientX - left) / width;
      move(this.least + Math.round(share * (this.most + 1 - this.least) - (handle === this.ends ? 1 : 0)));
    });
    return handle;
  }

  #tell() {
    const { clip, frame, first, last } = this;
    const share = (at) => `${(100 * (at - this.least)) / (this.most + 1 - this.least)}%`;
    Object.assign(this.range.style, { left: share(first), right: `calc(100% - ${share(last + 1)})` });
    this.starts.style.left = share(first);
    this.ends.style.left = share(last + 1);
    const time = (at) => clip.first_s + at * frame;
    const length = (last + 1 - first) * frame;
    for (const [handle, at] of [[this.starts, first], [this.ends, last]]) {
      handle.setAttribute("aria-valuenow", at);
      handle.setAttribute("aria-valuetext", exactClock(time(at)));
    }
    this.words.textContent = `${exactClock(time(first))} to ${exactClock(time(last))}: ${seconds(length)}, ${Math.floor(length * clip.fps + 1e-6)} frames at ${clip.fps} per second`;
    this.apply.disabled = first === 0 && last === clip.source_frames - 1;
  }

  #apply() {
    const { clip, frame, first, last } = this;
    const times = {};
    if (first !== 0) times.first_s = clip.first_s + first * frame;
    if (last !== clip.source_frames - 1) times.last_s = clip.first_s + last * frame;
    if (Object.keys(times).length) this.on.trim(clip, times, `Trimmed to ${seconds((last + 1 - first) * frame)}`);
  }

  /* Shows a frame. Half of its time is added, because times of videos are rounded. */
  #seek(at) {
    this.video.currentTime = (at + this.lead + 0.5) * this.frame;
  }

  #play() {
    if (this.video.currentTime >= (this.last + this.lead) * this.frame) this.#seek(this.first);
    this.video.play().catch(() => this.#quietly());
  }

  /* Without a click before, browsers only play without sound. */
  #quietly() {
    this.video.muted = true;
    this.video.play().catch(() => {}); // the buttons play it
  }

  /* Shows where the video is; while it plays, repeats what is between the handles. */
  #watch() {
    cancelAnimationFrame(this.watching);
    if (!this.clip) return;
    const at = this.video.currentTime / this.frame - this.lead;
    if (!this.video.paused && at >= this.last + 1) this.#seek(this.first);
    this.now.style.left = `${Math.min(100, Math.max(0, (100 * (at - this.least)) / (this.most + 1 - this.least)))}%`;
    if (!this.video.paused) this.watching = requestAnimationFrame(() => this.#watch());
  }
}
