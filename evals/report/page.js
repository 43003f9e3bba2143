"use strict";
const form = document.getElementById("filter");
const items = Array.from(document.querySelectorAll("#questions > details"));
const texts = new Map();

function textOf(item) {
  if (!texts.has(item)) texts.set(item, item.textContent.toLowerCase());
  return texts.get(item);
}

function fits(item) {
  const { verdict, kind, suite, search } = form.elements;
  return (!verdict.value || item.dataset.verdict === verdict.value)
    && (!kind.value || item.dataset.kind === kind.value)
    && (!suite.value || item.dataset.suites.split("\n").includes(suite.value))
    && search.value.toLowerCase().split(/\s+/).every((word) => textOf(item).includes(word));
}

function filter() {
  let shown = 0;
  for (const item of items) {
    item.hidden = !fits(item);
    shown += item.hidden ? 0 : 1;
  }
  document.getElementById("shown").textContent = `${shown} of ${items.length} shown`;
}

function openLinked() {
  const item = items.find((each) => each.id === location.hash.slice(1));
  if (!item) return;
  item.hidden = false;
  item.open = true;
  item.scrollIntoView();
}

form.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("reset", () => setTimeout(filter));
form.addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", openLinked);
filter();
openLinked();
