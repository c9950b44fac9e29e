/* Plays a tile while the pointer rests on it, and on request by key. One plays at a time. */

import { end, isCalm, playing } from "./player.js";

const REST_MS = 300;

export class HoverPlay {
  /* `area` holds the tiles; `source(tile)` is the address of a tile's video, or null; it is shown in `place(tile)`. */
  constructor(area, { tiles, source, place }) {
    Object.assign(this, { tiles, source, place, tile: null, video: null });
    area.addEventListener("pointerover", (event) => this.#over(event));
    area.addEventListener("pointerleave", () => this.stop());
    area.addEventListener("scroll", () => this.stop(), { passive: true, capture: true });
  }

  /* Plays a tile, or stops it if it plays. */
  toggle(tile) {
    const isPlaying = tile === this.tile && this.video;
    this.stop();
    if (!isPlaying && tile) this.#play(tile);
  }

  stop() {
    clearTimeout(this.timer);
    if (this.video) {
      this.video.parentElement?.classList.remove("waiting", "playing");
      end(this.video);
    }
    this.tile = this.video = null;
  }

  #over(event) {
    if (event.pointerType !== "mouse" || isCalm()) return;
    const tile = event.target.closest(this.tiles);
    if (tile === this.tile) return;
    this.stop();
    this.tile = tile;
    if (tile) this.timer = setTimeout(() => this.#play(tile), REST_MS);
  }

  #play(tile) {
    const src = this.source(tile);
    if (!src || !tile.isConnected) return;
    this.tile = tile;
    const place = this.place(tile);
    this.video = playing(src, { muted: true, loop: true, "aria-hidden": "true" });
    this.video.addEventListener("playing", () => place.classList.replace("waiting", "playing"));
    this.video.addEventListener("refused", () => place.classList.remove("waiting"));
    place.classList.add("waiting");
    place.append(this.video);
  }
}
