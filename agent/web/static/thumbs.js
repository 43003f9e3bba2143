// Whether an answer helped, and why.

import { feedback } from "./api.js";
import { el, icon } from "./dom.js";

/** Return the two thumbs of an answer; a second opinion replaces the first. */
export function thumbs(answerId) {
  const said = el("span.said", { role: "status" });
  const place = el("div.why");
  const buttons = ["up", "down"].map((verdict) =>
    el("button.thumb", {
      type: "button",
      "aria-pressed": "false",
      "aria-label": verdict === "up" ? "This helped" : "This did not help",
      click: () => choose(verdict),
    }, icon(verdict)),
  );

  async function choose(verdict) {
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(["up", "down"][index] === verdict)));
    place.replaceChildren(reasonForm(verdict));
    place.querySelector("input").focus();
    await send(verdict);
  }

  async function send(verdict, reason) {
    try {
      await feedback(answerId, verdict, reason);
      said.textContent = "Thank you.";
    } catch (problem) {
      said.textContent = `This could not be kept. ${problem.message}`;
    }
  }

  function reasonForm(verdict) {
    const input = el("input", {
      type: "text",
      maxlength: "2000",
      "aria-label": "Why? (optional)",
      placeholder: verdict === "up" ? "What helped? (optional)" : "What is wrong? (optional)",
    });
    const submit = async (event) => {
      event.preventDefault();
      const reason = input.value.trim();
      place.replaceChildren();
      buttons[verdict === "up" ? 0 : 1].focus();
      if (reason) await send(verdict, reason);
    };
    return el("form.reason", { submit }, input, el("button", { type: "submit" }, "Send"));
  }

  return el("div.thumbs", {}, el("div.row", { role: "group", "aria-label": "Did this help?" }, ...buttons, said), place);
}
