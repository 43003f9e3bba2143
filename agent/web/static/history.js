// Conversations, kept in this browser: what is read back is data of unknown origin, and is rendered as carefully as news.

const KEY = "fury-agent.conversations";
const KEPT = 30;

/** Return the conversations, latest first: `{id, turns: [{question, answer}]}`. */
export function conversations() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter(usable) : [];
  } catch {
    return [];
  }
}

/** Keep a conversation, in front. Without storage, or without room in it, the page works all the same. */
export function keep(conversation) {
  let kept = [conversation, ...conversations().filter(({ id }) => id !== conversation.id)].slice(0, KEPT);
  while (kept.length && !stored(kept)) kept = kept.slice(0, -1);
}

/** Delete one conversation, or all. */
export function forget(id) {
  stored(id === undefined ? [] : conversations().filter((conversation) => conversation.id !== id));
}

function stored(kept) {
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
    return true;
  } catch {
    return false;
  }
}

function usable(conversation) {
  const turns = conversation?.turns;
  return typeof conversation?.id === "string" && Array.isArray(turns) && turns.length > 0 && turns.every(readable);
}

function readable(turn) {
  const answer = turn?.answer;
  return typeof turn?.question === "string" && typeof answer?.answer === "string" && Array.isArray(answer.citations);
}
