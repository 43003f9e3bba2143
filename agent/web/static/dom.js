// Elements without markup strings: text is always text.

/**
 * Make an element.
 * @param {string} name tag, with classes after dots: `p.note`.
 * @param {object} attributes functions become listeners of the event; false and null are left out.
 * @param {...(Node|string)} children
 */
export function el(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value !== false && value != null) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";
const SHAPES = {
  up: "M6 9v8H3V9zm0 0 4-6c1.6 0 2.2 1.1 2 2.300L11.5 8H16c1 0 1.6.8 1.4 1.700l-1.3 6c-.2.8-.8 1.3-1.6 1.300H6",
  down: "M14 11V3h3v8zm0 0-4 6c-1.6 0-2.2-1.1-2-2.300l.5-2.700H4c-1 0-1.6-.8-1.4-1.700l1.3-6C4.1 3.5 4.7 3 5.5 3H14",
  copy: "M7 7V4.500C7 3.7 7.7 3 8.5 3h7c.8 0 1.5.7 1.5 1.500v7c0 .8-.7 1.5-1.5 1.500H13M4.5 7h7c.8 0 1.5.7 1.5 1.500v7c0 .8-.7 1.5-1.5 1.500h-7C3.7 17 3 16.3 3 15.500v-7C3 7.7 3.7 7 4.5 7z",
  done: "M4 10.5 8.5 15 16 5.5",
  alert: "M10 3 18 16.500H2zM10 8v4m0 2v.5",
};

/** Make one of the drawn signs; what it means is said by its button's label. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

/** Say something to screen readers. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

/** Return the address where it is one of the web, else null: never `javascript:` or `data:`. */
export function webAddress(text) {
  const url = URL.canParse(text ?? "") ? new URL(text) : null;
  return url && /^https?:$/.test(url.protocol) ? url.href : null;
}
