/* Plays light videos, which the service makes on demand. A video says why it cannot be played. */

import { get } from "./api.js";
import { h, toast } from "./dom.js";

const CALM = matchMedia("(prefers-reduced-motion: reduce)");
const NO_H264 = "This browser cannot play H.264 video.";

/* True if the person asked for less motion: then nothing plays unless they ask for it. */
export const isCalm = () => CALM.matches;

const part = (kind, id, params) => `/api/${kind}/${encodeURIComponent(id)}/video${params ? `?${new URLSearchParams(params)}` : ""}`;
export const aroundFrame = (id) => part("frames", id);
export const shotOfFrame = (id) => part("frames", id, { shot: true });
export const clip = (id, margin) => part("clips", id, margin ? { margin } : null);

/* Returns a video that plays as soon as it is there. */
export function playing(src, { muted = false, ...props } = {}) {
  const video = h("video", { src, autoplay: true, playsinline: true, ...props });
  video.muted = muted;
  video.addEventListener("error", () => tellWhy(video));
  return video;
}

/* Removes a video and stops its download, with which the service stops making it. */
export function end(video) {
  video.remove();
  video.removeAttribute("src");
  video.load();
}

async function tellWhy(video) {
  const src = video.getAttribute("src");
  if (!src) return; // it was ended
  video.dispatchEvent(new CustomEvent("refused"));
  try {
    await get(src);
  } catch (error) {
    const words = error instanceof SyntaxError ? NO_H264 : [error.message, error.hint].filter(Boolean).join(" – ");
    if (video.isConnected) toast(words, { kind: "failed" });
  }
}
