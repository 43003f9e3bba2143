// Which library and version is asked: what `/libraries` lists (the default first), and what an address or an earlier
// visit chose. A version is sent only where it was chosen: otherwise the service takes the one that a question names.

import { el } from "./dom.js";

const KEY = "fury-agent.version";
let choices = [];
let select = null;

/** Fill the switch; returns the choice that holds, or undefined where nothing is indexed. */
export function fillVersions(element, entries) {
  [select, choices] = [element, choicesOf(entries)];
  select.replaceChildren(...choices.map(({ label }, index) => el("option", { value: index }, label)));
  select.parentElement.hidden = choices.length === 0;
  select.onchange = remember; // filled anew once a key is given
  const wanted = wish();
  const sameLibrary = choices.filter(({ request }) => request.library === wanted.library);
  const chosen = sameLibrary.find(({ request }) => request.version === wanted.version) ?? sameLibrary[0] ?? choices[0];
  select.value = String(choices.indexOf(chosen));
  return chosen?.request;
}

/** Return `{library, version}` for a request; empty, or without a version, where the service shall choose. */
export function chosenVersion() {
  return choices[select?.value]?.request ?? {};
}

// A library of one version is one choice; one of several is itself, then each version.
function choicesOf(entries) {
  return [...new Set(entries.map(({ library }) => library))].flatMap((library) => {
    const versions = entries.filter((entry) => entry.library === library).map(({ version }) => version);
    if (versions.length === 1) return [{ label: `${library} ${versions[0]}`, request: { library } }];
    const each = versions.map((version) => ({ label: `${library} ${version}`, request: { library, version } }));
    return [{ label: `${library}, any version`, request: { library } }, ...each];
  });
}

function wish() {
  const asked = new URLSearchParams(location.search);
  if (asked.has("library")) return { library: asked.get("library"), version: asked.get("version") ?? undefined };
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") ?? {};
  } catch {
    return {};
  }
}

function remember() {
  try {
    localStorage.setItem(KEY, JSON.stringify(chosenVersion()));
  } catch {
    // It holds for this visit.
  }
}
