/* All requests to the service. Every failure is an ApiError with a message for people. */

import { shown } from "./selection.js";

export class ApiError extends Error {
  constructor(status, { kind = "Error", message = "", hint = null, line = null, column = null, ...rest } = {}) {
    super(message || `The service answered with status ${status}.`);
    Object.assign(this, { name: "ApiError", status, kind, hint, line, column, rest });
  }
}

const NO_ANSWER = {
  kind: "NoAnswer",
  message: "The service does not answer.",
  hint: "Is `animeds serve` still running? Start it again and try once more.",
};
const NO_TOKEN = {
  kind: "NoToken",
  message: "The token is missing or wrong.",
  hint: "Open the whole address that `animeds serve` printed, with ?token=…",
};

const AT_ONCE = 3;
const PATIENCE = 4;
let running = 0;
const waiting = [];

/* Limits the number of requests at the same time, in order, so that pictures are not delayed. */
async function turn() {
  if (running >= AT_ONCE) await new Promise((go) => waiting.push(go));
  running += 1;
}

function over() {
  running -= 1;
  waiting.shift()?.();
}

/* Seconds after which numbers that are being counted again are asked for again. */
export const AGAIN = 1;

export const rest = (seconds) => new Promise((go) => setTimeout(go, 1000 * seconds));

/* Repeats a request a little later when the service is busy. */
async function fetched(path, init) {
  for (let patience = PATIENCE; ; patience--) {
    await turn();
    let response;
    try {
      init.signal?.throwIfAborted();
      response = await fetch(path, { credentials: "same-origin", ...init });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError(0, NO_ANSWER);
    } finally {
      over();
    }
    if (response.status !== 503 || !patience) return response;
    await rest(Number(response.headers.get("Retry-After")) || 2);
  }
}

async function ask(path, init) {
  const response = await fetched(path, init);
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  if (response.status === 401) throw new ApiError(401, { ...NO_TOKEN, ...body.error });
  throw new ApiError(response.status, body.error ?? { message: typeof body.detail === "string" ? body.detail : "" });
}

const asked = (path, params) => {
  const words = params instanceof URLSearchParams ? params : new URLSearchParams(params ?? {});
  const text = words.toString();
  return text ? `${path}?${text}` : path;
};

export const get = async (path, params, signal) =>
  (await ask(asked(path, params), { signal, headers: { Accept: "application/json" } })).json();

export async function send(method, path, body, signal) {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  const response = await ask(path, { method, headers, body: JSON.stringify(body ?? {}), signal });
  return response.status === 204 ? {} : response.json();
}

/* Sends one file to a folder of the service. */
export async function upload(folder, file) {
  const headers = { "Content-Type": "application/octet-stream", Accept: "application/json" };
  const init = { method: "PUT", headers, body: file };
  return (await ask(asked("/api/uploads", { folder, name: file.name }), init)).json();
}

export const post = (path, body, signal) => send("POST", path, body, signal);

const plus = (selection, more) => {
  const params = new URLSearchParams(selection);
  for (const [name, value] of Object.entries(more)) params.set(name, value);
  return params;
};

export const frames = (selection, from, n, signal) => get("/api/frames", plus(shown(selection), { from, count: n }), signal);
export const count = async (selection, signal) => (await get("/api/count", shown(selection), signal)).count;
export const facet = (selection, name, limit, signal) => get("/api/facets", plus(shown(selection), { facet: name, limit }), signal);
export const explain = async (selection, signal) => (await get("/api/explain", shown(selection), signal)).sql;
export const frame = (id, signal) => get(`/api/frames/${encodeURIComponent(id)}`, {}, signal);
export const sql = (q, { signal, ...more } = {}) => post("/api/sql", { q, ...more }, signal);
export const queries = () => get("/api/queries");
export const status = () => get("/api/status");
export const characters = () => get("/api/characters");
export const character = (name) => get(`/api/characters/${encodeURIComponent(name)}`);

const ROOM = 0.22;

export const thumbnail = (id) => `/api/frames/${encodeURIComponent(id)}/thumbnail`;
export const image = (id, width) => `/api/frames/${encodeURIComponent(id)}/image${width ? `?width=${width}` : ""}`;

export const masks = (id) => get(`/api/frames/${encodeURIComponent(id)}/masks`);

/* The picture of a mask: white, opaque where the mask is. `box`: only that of a box. */
export const mask = (id, part, box) => asked(`/api/frames/${encodeURIComponent(id)}/mask`, { part, ...(box ? { box } : {}) });

/* The picture of a face, with some of its surroundings if its box is known. */
export function faceCrop({ frame_id: frameId, face_id: faceId, left, top, right, bottom }) {
  const path = `/api/frames/${encodeURIComponent(frameId)}/crop`;
  if (left === undefined) return `${path}?face=${encodeURIComponent(faceId)}`;
  const [x, y] = [(right - left) * ROOM, (bottom - top) * ROOM];
  const box = [left - x, top - y, right + x, bottom + y].map((edge) => Math.min(1, Math.max(0, edge)).toFixed(5));
  return `${path}?box=${box.join(",")}`;
}

/* Converts {"columns", "rows"} to a list of objects. */
export function records({ columns, rows }) {
  return rows.map((row) => Object.fromEntries(columns.map((column, i) => [column.name, row[i]])));
}

export const quoted = (text) => `'${String(text).replaceAll("'", "''")}'`;

/* Calls `on` with (kind, data) for each event of a job until it ends. Returns a function that stops this. */
export function follow(path, on) {
  const source = new EventSource(path);
  for (const kind of ["progress", "done", "error", "cancelled", "interrupted"]) {
    source.addEventListener(kind, (event) => {
      if (event.data === undefined) return on("lost", null); // the connection broke; the browser reconnects by itself
      if (kind !== "progress") source.close();
      on(kind, JSON.parse(event.data));
    });
  }
  return () => source.close();
}
