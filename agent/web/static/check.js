// What was checked in an answer, in one line that opens; and the picture that its code made.

import { el, icon } from "./dom.js";

const PICTURE = /^\/?(pictures\/[\w.-]+\.png)$/;

/** Return the badge, or null where there was nothing to check. */
export function badge(verification) {
  const { checked_names: names = 0, checked_calls: calls = 0, repaired = [], findings = [], unchecked = null } = verification;
  const { unchecked_names: openNames = [], unchecked_calls: openCalls = 0 } = verification;
  const open = openNames.length + openCalls;
  const ran = verification.ran ?? null;
  const problems = findings.filter(({ kind }) => kind !== "unused-import");
  const failed = ran && !ran.ok;
  if (!names && !calls && !problems.length && !repaired.length && !ran && !unchecked) return null;
  const words = [
    problems.length ? count(problems.length, "problem") : names || calls ? "Checked" : "Not checked",
    names && count(names, "name"),
    calls && count(calls, "call"),
    open && `${open} not decided`,
    repaired.length && `${repaired.length} repaired`,
    ran && (failed ? "run failed" : `ran in ${Number(ran.seconds).toFixed(1)} s`),
  ];
  const state = problems.length || failed ? "wrong" : names || calls ? "right" : "open";
  return el(
    `details.check.${state}`,
    {},
    el("summary", {}, icon(state === "right" ? "done" : "alert"), words.filter(Boolean).join(" · ")),
    el("div.findings", {}, ...paragraphs({ problems, repaired, unchecked, ran, names, calls, openNames, openCalls })),
  );
}

/** Return the picture that the code showed when it ran, or null. */
export function picture(ran) {
  const source = PICTURE.exec(ran?.image_url ?? "")?.[1];
  if (!source) return null;
  const link = el("a", { href: source, target: "_blank", rel: "noopener" }, el("img", { src: source, alt: "What the code drew when it was run", loading: "lazy" }));
  return el("figure", {}, link, el("figcaption", {}, "What the code drew when it was run."));
}

function paragraphs({ problems, repaired, unchecked, ran, names, calls, openNames, openCalls }) {
  return [
    problems.length ? el("ul", {}, ...problems.map(finding)) : null,
    repaired.length ? el("p", {}, "Put right before you saw it:") : null,
    repaired.length ? el("ul", {}, ...repaired.map((text) => el("li", {}, ...marked(text)))) : null,
    ran?.error ? el("pre", { tabindex: "0" }, ran.error) : null,
    unchecked ? el("p", {}, `Not checked: ${unchecked}`) : null,
    openNames.length ? el("p", {}, "Not decided by the sources: ", ...listed(openNames), ".") : null,
    openCalls ? el("p", {}, `Not decided: ${count(openCalls, "call")} with arguments that cannot be seen.`) : null,
    problems.length || unchecked || !(names || calls) ? null : el("p", {}, "Every name and call of the library that could be decided exists in this version."),
  ].filter(Boolean);
}

function finding({ line, message, suggestions = [], kind }) {
  const where = el("span.line", {}, `Line ${line}: `);
  const instead = suggestions.length ? [" Instead: ", ...listed(suggestions)] : [];
  return el("li", { "data-kind": kind }, where, ...marked(message), ...instead);
}

function listed(names) {
  return names.flatMap((name, index) => [index ? ", " : "", el("code", {}, name)]);
}

// Messages put names between backticks.
function marked(text) {
  return String(text).split("`").map((part, index) => (index % 2 ? el("code", {}, part) : part));
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
