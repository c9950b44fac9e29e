/* A selection and its URL. The URL holds the state, so everything on a page can be shared as a link. */

const ONE = ["q", "query", "text", "like", "where", "said", "group", "hide", "sort"];
const MANY = ["character", "appearance", "tag", "show", "season", "episode", "gate", "shot", "source"];
const STARTS = ["q", "query", "text", "like"];

/* Frames that the pages hide unless a person shows them. */
export const HIDDEN = { copies: "Near-duplicates", dropped: "Dropped frames", blank: "Blank frames", subtitled: "Burned-in text" };

const belongs = (name) => ONE.includes(name) || MANY.includes(name) || name.startsWith("p.");

/* Returns the selection part of the address as URLSearchParams. */
export function selection(search = location.search) {
  const found = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(search)) if (belongs(name) && value !== "") found.append(name, value);
  return found;
}

/* Returns what a selection hides: the words in its address, else those that make sense for it. */
export function hidden(params) {
  if (params.has("hide")) return params.get("hide").split(",").filter((word) => word in HIDDEN);
  if (params.has("group")) return [];
  return params.has("gate") ? ["copies", "dropped"] : Object.keys(HIDDEN);
}

/* Returns a selection as it is sent to the service: with what it hides, and faces first if nothing else is asked for. */
export function shown(params) {
  const sent = new URLSearchParams(params);
  sent.set("hide", hidden(params).join(",") || "none");
  if (!sent.has("sort") && !STARTS.some((name) => sent.has(name))) sent.set("sort", "faces");
  return sent;
}

/* Returns a display setting from the address (at, size, boxes, view …). */
export function manner(name, otherwise = null) {
  return new URLSearchParams(location.search).get(name) ?? otherwise;
}

export function setManner(changes) {
  const params = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") params.delete(name);
    else params.set(name, value);
  }
  history.replaceState(history.state, "", address(location.pathname, params));
}

export const address = (path, params) => (params.toString() ? `${path}?${params}` : path);

export function withValue(params, name, value) {
  const next = new URLSearchParams(params);
  if (MANY.includes(name)) next.append(name, value);
  else next.set(name, value);
  return next;
}

export function without(params, name, value) {
  const next = new URLSearchParams();
  for (const [n, v] of params) if (n !== name || (value !== undefined && v !== value)) next.append(n, v);
  return next;
}

export const has = (params, name, value) => params.getAll(name).includes(value);

/* A new search keeps the filters and replaces the old search. */
export function startedBy(params, name, value, more = {}) {
  const next = new URLSearchParams();
  for (const [n, v] of params) if (!STARTS.includes(n) && !n.startsWith("p.") && n !== name) next.append(n, v);
  if (value !== "") next.set(name, value);
  for (const [n, v] of Object.entries(more)) if (v !== "") next.set(`p.${n}`, v);
  return next;
}

const WORDS = { appearance: "outfit", q: "SQL", query: "query", text: "words", like: "similar to", where: "where", said: "said", group: "group of" };

/* Returns the parts of a selection: name, value, and the text on the chip. */
export function pieces(params) {
  return [...params]
    .filter(([name]) => name !== "sort" && name !== "hide")
    .map(([name, value]) => ({ name, value, what: (value.startsWith("-") && ["tag", "character", "appearance"].includes(name) ? "without " : "") + (WORDS[name] ?? name.replace(/^p\./, "")) }));
}

/* Changes the state of this page without reloading it. */
export function go(params, { replace = false } = {}) {
  const next = address(location.pathname, params);
  if (replace) history.replaceState(null, "", next);
  else history.pushState(null, "", next);
  dispatchEvent(new Event("statechange"));
}

addEventListener("popstate", () => dispatchEvent(new Event("statechange")));

/* A click on a link to the same page only changes the state; with a modifier key it is an ordinary link. */
export function stateLink(event) {
  const link = event.target.closest("a[data-state]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  go(new URLSearchParams(new URL(link.href).search));
}
