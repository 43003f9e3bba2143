// An answer's Markdown as elements. The text is a model's, and so hostile until shown otherwise: HTML is text, markup
// passes DOMPurify, links lead only to the hosts of the citations, and images do not exist.

import DOMPurify from "./vendor/purify.mjs";
import hljs from "./vendor/highlight.js";
import bash from "./vendor/highlight-bash.js";
import python from "./vendor/highlight-python.js";
import pythonRepl from "./vendor/highlight-python-repl.js";
import MarkdownIt from "./vendor/markdown-it.mjs";
import { el, icon, webAddress } from "./dom.js";

const ALLOWED = {
  ALLOWED_TAGS: [
    ..."p br hr strong em s code pre span a ul ol li blockquote".split(" "),
    ..."h1 h2 h3 h4 h5 h6 table thead tbody tr th td".split(" "),
  ],
  ALLOWED_ATTR: ["href", "class", "start"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};
const REFERENCES = /\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]/g;

hljs.registerLanguage("bash", bash);
hljs.registerLanguage("python", python);
hljs.registerLanguage("python-repl", pythonRepl);

const markdown = new MarkdownIt({ html: false, linkify: true, highlight: highlight });
markdown.disable("reference"); // `[1]: https://…` would take the place of a citation's own link
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
markdown.renderer.rules.image = (tokens, index) => markdown.utils.escapeHtml(tokens[index].content);

/**
 * Return an answer as elements.
 * @param {string} text Markdown; `[1]` refers to the citation of that number.
 * @param {object[]} citations
 * @returns {DocumentFragment}
 */
export function rendered(text, citations) {
  const fragment = DOMPurify.sanitize(markdown.render(String(text)), ALLOWED);
  const hosts = new Set(citations.map(({ url }) => webAddress(url)).filter(Boolean).map((url) => new URL(url).host));
  fragment.querySelectorAll("a").forEach((link) => keepInside(link, hosts));
  fragment.querySelectorAll("[class]").forEach(onlyHighlighting);
  fragment.querySelectorAll("h1, h2, h3, h4, h5, h6").forEach(asHeading);
  fragment.querySelectorAll("table").forEach(scrollable);
  fragment.querySelectorAll("pre").forEach(withCopyButton);
  linkReferences(fragment, new Map(citations.map((citation) => [citation.number, citation])));
  return fragment;
}

/** Return code, coloured where it is Python or shell. */
export function colored(code, language = "python") {
  return DOMPurify.sanitize(highlight(String(code), language), ALLOWED);
}

/** Return a link that leaves the page without telling where from. */
export function outward(url, attributes, ...children) {
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer", ...attributes }, ...children);
}

function highlight(code, language) {
  const known = hljs.getLanguage(language) ? language : "plaintext";
  return known === "plaintext" ? markdown.utils.escapeHtml(code) : hljs.highlight(code, { language: known }).value;
}

function keepInside(link, hosts) {
  const url = webAddress(link.getAttribute("href"));
  if (url && hosts.has(new URL(url).host)) link.replaceWith(outward(url, {}, ...link.childNodes));
  else link.replaceWith(...link.childNodes);
}

function onlyHighlighting(element) {
  const kept = [...element.classList].filter((name) => /^(hljs-|language-)[\w-]*$|^\w+_$/.test(name));
  element.className = kept.join(" ");
}

// The question is the heading above: an answer's own come below it.
function asHeading(heading) {
  const level = Math.min(6, Number(heading.tagName[1]) + 2);
  heading.replaceWith(el(`h${level}`, {}, ...heading.childNodes));
}

function scrollable(table) {
  const frame = el("div.table", { role: "region", tabindex: "0", "aria-label": "Table" });
  table.replaceWith(frame);
  frame.append(table);
}

function withCopyButton(block) {
  const frame = el("div.code");
  block.replaceWith(frame);
  block.tabIndex = 0; // so that a keyboard can scroll it
  const label = el("span", {}, "Copy");
  const button = el("button.copy", { type: "button", click: () => copy(block, label) }, icon("copy"), label);
  frame.append(block, button);
}

async function copy(block, label) {
  try {
    await navigator.clipboard.writeText(block.textContent.replace(/\n$/, ""));
    label.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(block); // no clipboard without HTTPS: one key is left to press
    label.textContent = "Press Ctrl+C";
  }
  setTimeout(() => (label.textContent = "Copy"), 2000);
}

function linkReferences(fragment, citations) {
  const walker = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const node of texts) {
    if (!node.parentElement?.closest("a, code, pre")) node.replaceWith(...withReferences(node.data, citations));
  }
}

function withReferences(text, citations) {
  // `split` by an expression with one group: text, numbers, text, numbers, ..., text.
  return text.split(REFERENCES).flatMap((part, index) => {
    if (index % 2 === 0) return [part];
    return part.split(",").map((number) => reference(Number(number), citations.get(Number(number))));
  });
}

function reference(number, citation) {
  if (!citation) return `[${number}]`;
  const url = webAddress(citation.url);
  const attributes = { class: "reference", "data-number": number, "aria-label": `Source ${number}: ${citation.title}` };
  return url ? outward(url, attributes, String(number)) : el("span", { tabindex: "0", role: "note", ...attributes }, String(number));
}
