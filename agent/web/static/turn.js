// One question and what comes of it: places, the draft as it is written, then the checked answer, or why there is none.

import { announce, el } from "./dom.js";
import { badge, picture } from "./check.js";
import { rendered } from "./markdown.js";
import { closeExcerpt, showExcerpts, sourceList } from "./sources.js";
import { thumbs } from "./thumbs.js";

const REDRAWN = 80; // milliseconds between two renderings of the draft
const NOTES = {
  declined: "Not in the sources",
  sources_only: "Places only, no written answer",
};

let made = 0;

export class Turn {
  /** @param {string} question */
  constructor(question) {
    this.question = question;
    this.draft = "";
    this.citations = [];
    this.timer = 0;
    const id = `question-${++made}`;
    this.status = el("p.progress", {}, "Searching the sources");
    this.prose = el("div.prose");
    this.answer = el("div.answer", {}, this.status, this.prose);
    this.sources = el("aside.sources", { "aria-label": "Sources", hidden: true });
    this.element = el("article.turn", { "aria-labelledby": id, "aria-busy": "true" }, el("h2.question", { id, tabindex: "-1" }, question), this.answer, this.sources);
    showExcerpts(this.element, (number) => this.citations.find((citation) => citation.number === number));
  }

  /** Show the places that the answer will be written from. */
  found({ citations }) {
    this.place(citations);
    this.status.textContent = "Reading";
    announce(`${citations.length} places found. Writing the answer.`);
  }

  /** Show some more of the draft. */
  write(text) {
    this.draft += text;
    this.status.textContent = "Writing";
    this.timer ||= setTimeout(() => {
      this.timer = 0;
      this.prose.replaceChildren(rendered(this.draft, this.citations));
    }, REDRAWN);
  }

  /** Put the checked answer in the place of the draft. */
  finish(answer) {
    this.settle(answer.status);
    if (answer.citations.length) this.place(answer.citations);
    const note = NOTES[answer.status];
    const parts = [
      note ? el("p.verdict", {}, note) : null,
      el("div.prose", {}, rendered(answer.answer, this.citations)),
      picture(answer.verification?.ran),
      badge(answer.verification ?? {}),
      el("footer", {}, thumbs(answer.answer_id), el("p.made", {}, provenance(answer))),
    ];
    this.answer.replaceChildren(...parts.filter(Boolean));
    announce(note ? `${note}.` : "The answer is complete.");
  }

  /** Say that it was stopped, and keep what there is of the draft. */
  stop(again) {
    this.settle("stopped");
    this.prose.replaceChildren(rendered(this.draft, this.citations));
    this.answer.append(notice("Stopped.", this.draft ? "What you see was not checked." : "", again));
    announce("Stopped.");
  }

  /** Say why there is no answer, and when to ask again. */
  fail(problem, again) {
    this.settle("failed");
    if (this.draft) this.prose.replaceChildren();
    const [title, detail] = explanation(problem);
    this.answer.append(notice(title, detail, again, problem.retryAfter ?? 0));
    announce(`${title} ${detail}`);
  }

  settle(state) {
    clearTimeout(this.timer);
    closeExcerpt(); // what it is anchored to may be gone
    this.status.remove();
    this.element.dataset.state = state;
    this.element.setAttribute("aria-busy", "false");
  }

  place(citations) {
    this.citations = citations;
    this.sources.hidden = citations.length === 0;
    this.sources.replaceChildren(el("h3", {}, "Sources"), sourceList(citations));
  }
}

function provenance({ library, version, model, timings }) {
  const seconds = Number(timings?.total_ms) / 1000;
  return [`${library} ${version}`, model, Number.isFinite(seconds) && `${seconds.toFixed(1)} s`].filter(Boolean).join(" · ");
}

function explanation({ status, message, retryAfter }) {
  if (status === 0 && message) return ["The answer was cut off.", message];
  if (status === 0) return ["The service cannot be reached.", "Is your connection up? Your question is kept here."];
  if (status === 401) return ["This service asks for a key.", message];
  if (status === 429) return ["You have asked a lot in a short time.", "A short pause, then go on."];
  if (status === 503 && retryAfter) return ["Many are asking right now.", "Your question is kept here; ask again in a moment."];
  if (status === 504) return ["This took too long.", message];
  return [status >= 500 ? "Something is not working." : "This cannot be asked like that.", message];
}

function notice(title, detail, again, wait = 0) {
  const button = el("button", { type: "button", click: again }, "Ask again");
  let left = Math.ceil(wait);
  const tick = () => {
    button.disabled = left > 0;
    button.textContent = left > 0 ? `Ask again in ${left} s` : "Ask again";
    if (left-- > 0) setTimeout(tick, 1000);
  };
  tick();
  return el("div.notice", {}, el("p", {}, el("strong", {}, title), " ", detail), button);
}
