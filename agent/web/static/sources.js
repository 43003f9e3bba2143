// The numbered places that an answer stands on, and the excerpt that appears beside whatever refers to one.

import { el, webAddress } from "./dom.js";
import { colored, outward } from "./markdown.js";

const DELAY = 120; // milliseconds; a pointer that only passes by opens nothing
const box = document.getElementById("excerpt");
let timer = 0;

/** Return the list of an answer's places. */
export function sourceList(citations) {
  return el("ol", {}, ...citations.map(card));
}

/** Show the excerpt of the place that is pointed at or focused, inside `turn`. */
export function showExcerpts(turn, citationOf) {
  const over = (event) => {
    const anchor = event.target.closest("[data-number]");
    if (anchor) later(() => open(anchor, turn, citationOf(Number(anchor.dataset.number))), event.type);
  };
  for (const name of ["pointerover", "focusin"]) turn.addEventListener(name, over);
  for (const name of ["pointerout", "focusout"]) turn.addEventListener(name, () => later(closeExcerpt, name));
}

/** Hide the excerpt; returns whether there was one. */
export function closeExcerpt() {
  clearTimeout(timer);
  if (box.hidden) return false;
  box.hidden = true;
  document.querySelectorAll("[aria-describedby=excerpt]").forEach((anchor) => anchor.removeAttribute("aria-describedby"));
  document.querySelectorAll(".meant").forEach((element) => element.classList.remove("meant"));
  return true;
}

function card(citation) {
  const url = webAddress(citation.url);
  const name = el("span.name", {}, citation.title);
  const title = url ? outward(url, { "data-number": citation.number }, name) : el("span", {}, name);
  return el(
    "li",
    { value: citation.number, "data-card": citation.number },
    el("span.number", { "aria-hidden": "true" }, String(citation.number)),
    title,
    el("span.place", {}, `${citation.path}:${citation.start_line}–${citation.end_line}`),
    citation.stale?.length ? el("span.stale", {}, `Names what is gone: ${citation.stale.join(", ")}`) : null,
    citation.excerpt ? lines(citation) : null,
  );
}

function lines(citation) {
  const code = el("pre", { tabindex: "0" });
  const details = el("details", { toggle: () => code.childNodes.length || code.append(excerpt(citation)) }, el("summary", {}, "Show lines"), code);
  return details;
}

function excerpt(citation) {
  return el("code", {}, colored(citation.excerpt, /\.pyx?i?$/.test(citation.path) ? "python" : "plaintext"));
}

function later(action, cause) {
  clearTimeout(timer);
  timer = setTimeout(action, cause.startsWith("focus") ? 0 : DELAY);
}

function open(anchor, turn, citation) {
  closeExcerpt();
  turn.querySelector(`[data-card="${citation?.number}"]`)?.classList.add("meant");
  if (!citation?.excerpt) return;
  const place = el("p.place", {}, `${citation.path}:${citation.start_line}–${citation.end_line}`);
  box.replaceChildren(el("p.name", {}, citation.title), place, el("pre", {}, excerpt(citation)));
  box.hidden = false;
  anchor.setAttribute("aria-describedby", "excerpt");
  const at = anchor.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.left, innerWidth - box.offsetWidth - 8));
  const below = at.bottom + 8 + box.offsetHeight < innerHeight;
  box.style.left = `${left + scrollX}px`;
  box.style.top = `${(below ? at.bottom + 8 : Math.max(8, at.top - box.offsetHeight - 8)) + scrollY}px`;
}

box.addEventListener("pointerenter", () => clearTimeout(timer)); // a pointer may go into it, to read or copy
box.addEventListener("pointerleave", () => later(closeExcerpt, "pointerleave"));
