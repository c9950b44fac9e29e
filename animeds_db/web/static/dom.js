/* Builds elements. Text is never parsed as markup, so tags, titles and file names cannot become HTML. Links to anything
   but a page are not followed. */

const SVG = "http://www.w3.org/2000/svg";
const SAFE = /^(https?:\/\/|\/|\?|#)/i;

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

export function h(name, props, ...children) {
  return fill(document.createElement(name), props, children);
}

export function svg(name, props, ...children) {
  return fill(document.createElementNS(SVG, name), props, children);
}

function fill(el, props, children) {
  for (const [key, value] of Object.entries(props ?? {})) put(el, key, value);
  el.append(...kept(children));
  return el;
}

function kept(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

function put(el, key, value) {
  if (value === null || value === undefined) return;
  if (key.startsWith("aria-")) return el.setAttribute(key, value);
  if (value === false) return;
  if (key.startsWith("on")) el.addEventListener(key.slice(2), value);
  else if (key === "data") Object.assign(el.dataset, value);
  else if (key === "value" || key === "checked" || key === "selected" || key === "indeterminate") el[key] = value;
  else if (key === "href") SAFE.test(value) && el.setAttribute(key, value);
  else el.setAttribute(key, value === true ? "" : value);
}

/* Replaces the content of an element; the focus moves to the matching element in the new content. */
export function show(el, ...children) {
  const held = el.contains(document.activeElement) ? document.activeElement.id : "";
  el.replaceChildren(...kept(children));
  el.removeAttribute("aria-busy");
  if (held) document.getElementById(held)?.focus({ preventScroll: true });
  return el;
}

export function button(words, does, props = {}) {
  return h("button", { type: "button", onclick: does, ...props }, words);
}

/* A form field with its label and an optional hint, which screen readers read with it. */
export function field(words, input, hint) {
  const id = input.id || `f-${Math.random().toString(36).slice(2, 9)}`;
  input.id = id;
  if (hint) input.setAttribute("aria-describedby", `${id}-hint`);
  return h(
    "div",
    { class: input.type === "checkbox" ? "field check" : "field" },
    h("label", { for: id }, words),
    input,
    hint && h("p", { class: "hint", id: `${id}-hint` }, hint),
  );
}

export function options(values, chosen) {
  return values.map((value) => {
    const [name, words] = Array.isArray(value) ? value : [value, value];
    return h("option", { value: name, selected: name === chosen }, words);
  });
}

export function empty(title, ...rest) {
  return h("div", { class: "empty" }, h("h2", {}, title), ...rest.map((r) => (typeof r === "string" ? h("p", {}, r) : r)));
}

/* Shows an error: what is wrong, then what to do. */
export function failure(error, retry) {
  return h(
    "div",
    { class: "empty failed", role: "alert" },
    h("h2", {}, error.message),
    error.hint && h("p", {}, error.hint),
    retry && button("Try again", retry),
  );
}

/* Shows a short message at the edge of the page. Messages with buttons stay longer. */
export function toast(words, { kind = "said", actions = [], stay = 0 } = {}) {
  const box = h("div", { class: `toast ${kind}` }, h("p", {}, words));
  const gone = () => box.remove();
  for (const [name, does] of actions) box.append(button(name, () => (gone(), does())));
  box.append(button("×", gone, { class: "quiet", "aria-label": "Close" }));
  const all = $("#toasts");
  while (all.children.length > 3) all.firstChild.remove();
  all.append(box);
  setTimeout(gone, stay || (kind === "failed" ? 12000 : actions.length ? 8000 : 4000));
  return box;
}

export function tellError(error) {
  if (error.name !== "AbortError") toast(error.hint ? `${error.message} – ${error.hint}` : error.message, { kind: "failed" });
}

/* Opens a modal dialog and returns it. Esc closes it, and the focus returns to where it was. */
export function dialog(title, ...content) {
  const box = h("dialog", { "aria-label": title }, h("header", {}, h("h2", {}, title)), ...content);
  box.firstChild.append(button("×", () => box.close(), { class: "quiet", "aria-label": "Close" }));
  box.addEventListener("close", () => box.remove());
  box.addEventListener("click", (event) => event.target === box && box.close());
  document.body.append(box);
  box.showModal();
  return box;
}

export function debounce(wait, does) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => does(...args), wait);
  };
}
