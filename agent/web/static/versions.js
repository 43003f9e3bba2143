// Which library and version is asked: what `/libraries` lists, and what an address or an earlier visit chose.

import { el } from "./dom.js";

const KEY = "fury-agent.version";
let listed = [];
let select = null;

/** Fill the switch; returns the entry that is chosen, or undefined where nothing is indexed. */
export function fillVersions(element, entries) {
  [select, listed] = [element, entries];
  select.replaceChildren(...entries.map(({ library, version }, index) => el("option", { value: index }, `${library} ${version}`)));
  select.parentElement.hidden = entries.length === 0;
  select.addEventListener("change", remember);
  const wanted = wish();
  const index = entries.findIndex((entry) => matches(entry, wanted));
  select.value = String(Math.max(0, index));
  return entries[select.value];
}

/** Return `{library, version}` for a request; empty where the service shall choose. */
export function chosenVersion() {
  const entry = listed[select?.value];
  return entry ? { library: entry.library, version: entry.version } : {};
}

function wish() {
  const asked = new URLSearchParams(location.search);
  if (asked.has("library")) return { library: asked.get("library"), version: asked.get("version") };
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") ?? {};
  } catch {
    return {};
  }
}

function matches(entry, { library, version }) {
  return entry.library === library && (!version || entry.version === version);
}

function remember() {
  try {
    localStorage.setItem(KEY, JSON.stringify(chosenVersion()));
  } catch {
    // It holds for this visit.
  }
}
