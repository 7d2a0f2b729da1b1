// Elements from plain values. Text is always text: nothing here takes markup.

const SVG = "http://www.w3.org/2000/svg";

function put(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** An HTML element. */
export const h = (tag, attributes, ...children) =>
  put(document.createElement(tag), attributes, children);

/** An SVG element. */
export const s = (tag, attributes, ...children) =>
  put(document.createElementNS(SVG, tag), attributes, children);

/** Replaces what is in an element. */
export function fill(element, ...children) {
  element.replaceChildren();
  return put(element, null, children);
}

export const byId = (id) => document.getElementById(id);

let next = 0;
/** An id that nothing else on the page has. */
export const uniqueId = (prefix) => `${prefix}-${(next += 1)}`;

/** A button. */
export const button = (words, onclick, attributes) =>
  h("button", { type: "button", class: "button", onclick, ...attributes }, words);
