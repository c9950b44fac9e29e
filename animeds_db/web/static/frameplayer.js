/* Plays the seconds around a frame in the place of its picture, with sound. */

import { aroundFrame, end, playing } from "./player.js";

export class FramePlayer {
  /* `changed` is called when it begins and ends. */
  constructor(changed) {
    this.changed = changed;
    this.video = null;
  }

  toggle(id) {
    if (this.video) return this.stop();
    this.video = playing(aroundFrame(id), { controls: true, "aria-label": "The seconds around this frame" });
    this.video.addEventListener("refused", () => this.stop());
    this.changed();
  }

  /* Returns true if it has played. */
  stop() {
    if (!this.video) return false;
    end(this.video);
    this.video = null;
    this.changed();
    return true;
  }

  /* Draws the page again by `draw`, which moves the video and so pauses it: it goes on afterwards. */
  through(draw) {
    const goesOn = this.video && !this.video.paused;
    draw();
    if (goesOn) this.video.play().catch(() => {}); // the browser shows a button instead
  }
}
