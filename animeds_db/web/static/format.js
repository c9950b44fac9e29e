/* Formats numbers, times and names, the same on every page. */

const whole = new Intl.NumberFormat("en");

export const count = (n) => whole.format(n).replaceAll(",", "\u202f");

export const counted = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

export function clock(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const s = Math.floor(seconds);
  const parts = [Math.floor(s / 60) % 60, s % 60].map((n) => String(n).padStart(2, "0"));
  return s >= 3600 ? `${Math.floor(s / 3600)}:${parts.join(":")}` : parts.join(":");
}

export function exactClock(seconds) {
  if (seconds === null || seconds === undefined) return "";
  return `${clock(seconds)}.${String(Math.floor((seconds % 1) * 1000)).padStart(3, "0")}`;
}

export function episodeName(frame) {
  const { season, episode } = frame;
  const two = (n) => String(n).padStart(2, "0");
  return (season === null || season === undefined ? "" : `S${two(season)}`) + (episode === null || episode === undefined ? "" : `E${two(episode)}`);
}

export const where = (frame) => [episodeName(frame), clock(frame.time_s)].filter(Boolean).join(" ");

export const spoken = (tag) => String(tag).replaceAll("_", " ");

export const share = (x) => (x === null || x === undefined ? "" : x >= 0.995 ? "100 %" : `${Math.round(x * 100)} %`);

export const score = (x) => (x === null || x === undefined ? "" : Number(x).toFixed(2));

export const seconds = (s) => (s < 1 ? `${Math.round(s * 1000)} ms` : `${s.toFixed(1)} s`);

export const plainCharacter = (name) =>
  name === null || name === undefined || name === "" ? "not classified" : name === "ood" ? "not in the cast" : name;

export function when(text) {
  const at = new Date(text);
  if (Number.isNaN(at.valueOf())) return String(text ?? "");
  return at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/* Returns a stable colour for a name: a number 0…9 for the classes .hue-N. */
export function hue(name) {
  let sum = 0;
  for (const letter of String(name)) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  return sum % 10;
}
