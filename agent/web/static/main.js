// The page: one conversation at a time, its composer, and the keys.

import { Problem, ask, libraries, useKey } from "./api.js";
import { announce, el } from "./dom.js";
import { conversations, forget, keep } from "./history.js";
import { closeExcerpt } from "./sources.js";
import { Turn } from "./turn.js";
import { setUpThemes } from "./themes.js";
import { chosenVersion, fillVersions } from "./versions.js";

const EXAMPLES = {
  fury: [
    "How do I draw three spheres of different colours?",
    "What does ShowManager do, and how do I start it?",
    "How do I save a scene as a picture?",
  ],
};

const $ = (id) => document.getElementById(id);
const input = $("question");
let conversation = { id: null, turns: [] };
let running = null; // the AbortController of the question that is being answered

// --- asking ---------------------------------------------------------------------------------------

async function submit(question) {
  if (running || !question.trim()) return;
  const turn = new Turn(question.trim());
  begin(turn);
  const control = (running = new AbortController());
  showRunning(true);
  try {
    await follow(turn, control.signal);
  } catch (problem) {
    if (control.signal.aborted) turn.stop(() => again(turn));
    else failed(turn, problem);
  } finally {
    if (running === control) {
      running = null;
      showRunning(false);
    }
  }
}

async function follow(turn, signal) {
  const mine = conversation;
  const body = { question: turn.question, ...chosenVersion() };
  if (mine.id) body.conversation_id = mine.id;
  for await (const [name, data] of ask(body, signal)) {
    if (name === "sources") turn.found(data);
    if (name === "token") turn.write(data.text);
    if (name !== "answer") continue;
    turn.finish(data);
    mine.id = data.conversation_id;
    mine.turns.push({ question: turn.question, answer: data });
    keep(mine);
  }
}

function failed(turn, problem) {
  const expected = problem instanceof Problem;
  if (!expected) console.error(problem); // a fault of this page: told to whoever looks for it
  turn.fail(expected ? problem : new Problem({ detail: problem.message }), () => again(turn));
  if (problem.status === 401) $("key").showModal();
}

function again(turn) {
  turn.element.remove();
  submit(turn.question);
}

function begin(turn) {
  input.value = "";
  grow();
  showTurn(turn);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  turn.element.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
}

function showTurn(turn) {
  $("conversation").append(turn.element);
  document.body.classList.add("talking");
  $("new").hidden = false;
}

function showRunning(is) {
  $("send").hidden = is;
  $("stop").hidden = !is;
}

function stop() {
  running?.abort();
  input.focus();
}

// --- conversations --------------------------------------------------------------------------------

function open(chosen) {
  running?.abort();
  conversation = chosen;
  $("conversation").replaceChildren();
  document.body.classList.toggle("talking", chosen.turns.length > 0);
  $("new").hidden = chosen.turns.length === 0;
  for (const { question, answer } of chosen.turns) {
    const turn = new Turn(question);
    turn.finish(answer);
    showTurn(turn);
  }
  announce("");
  input.focus();
}

function listConversations() {
  const kept = conversations();
  $("conversations").replaceChildren(...kept.map(conversationItem));
  $("history").classList.toggle("none", kept.length === 0);
}

function conversationItem(chosen) {
  const title = chosen.turns[0].question;
  const reopen = () => {
    $("history").close();
    open(chosen);
  };
  const remove = () => {
    forget(chosen.id);
    if (conversation.id === chosen.id) open({ id: null, turns: [] });
    listConversations();
    $("history").querySelector("button").focus();
  };
  return el(
    "li",
    {},
    el("button.past", { type: "button", click: reopen }, el("span", {}, title), el("small", {}, pastOf(chosen))),
    el("button.remove", { type: "button", "aria-label": `Delete “${title}”`, click: remove }, "×"),
  );
}

function pastOf({ turns }) {
  const { library, version } = turns[0].answer;
  return `${library} ${version}${turns.length > 1 ? ` · ${turns.length} questions` : ""}`;
}

// --- the composer and the keys ---------------------------------------------------------------------

function grow() {
  input.style.height = "auto";
  input.style.height = `${input.scrollHeight}px`;
}

function onEnter(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit(input.value);
}

function onKey(event) {
  const typing = event.target.closest?.("input, textarea, select, dialog[open]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    input.focus();
  }
  if (event.key !== "Escape" || document.querySelector("dialog[open]") || closeExcerpt()) return;
  if (running) stop();
  else if (document.documentElement.classList.contains("framed")) parent.postMessage("fury-agent:close", "*");
}

function present({ library }) {
  const item = (question) => el("li", {}, el("button", { type: "button", click: () => submit(question) }, question));
  $("title").textContent = `Ask ${library}’s own sources.`;
  $("examples").replaceChildren(...(EXAMPLES[library] ?? []).map(item));
}

async function introduce() {
  try {
    const chosen = fillVersions($("version"), await libraries());
    if (chosen) present(chosen);
  } catch (problem) {
    $("health").textContent = problem.status === 401 ? "A key is needed." : "The service does not answer at the moment.";
    if (problem.status === 401) $("key").showModal();
  }
}

// --- setting up -------------------------------------------------------------------------------------

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  submit(input.value);
});
$("stop").addEventListener("click", stop);
$("new").addEventListener("click", () => open({ id: null, turns: [] }));
$("version").addEventListener("change", () => present(chosenVersion()));
$("open-history").addEventListener("click", () => {
  listConversations();
  $("history").showModal();
});
$("forget").addEventListener("click", () => {
  forget();
  listConversations();
  open({ id: null, turns: [] });
});
$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey($("key-value").value);
  $("key").close();
  $("health").textContent = "";
  introduce();
});
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // beside it
}
input.addEventListener("input", grow);
input.addEventListener("keydown", onEnter);
document.addEventListener("keydown", onKey);
setUpThemes($("theme"));

input.value = new URLSearchParams(location.search).get("q") ?? ""; // filled in, never sent: a link must not ask
grow();
input.focus();
introduce();
