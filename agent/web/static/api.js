// The HTTP contract as the page uses it. Addresses are relative, so that a proxy may put the service under a prefix.

const KEY = "fury-agent.key";

/** What the service, or the way to it, said instead of an answer. */
export class Problem extends Error {
  /**
   * @param {{status?: number, type?: string, detail?: string}} document RFC 9457; status 0 where none was reached.
   * @param {number|null} retryAfter seconds.
   */
  constructor({ status = 0, type = "", detail = "" }, retryAfter = null) {
    super(String(detail));
    this.status = status;
    this.type = type;
    this.retryAfter = retryAfter;
  }
}

/** Keep an API key until the tab is closed. */
export function useKey(key) {
  try {
    sessionStorage.setItem(KEY, key);
  } catch {
    // Without storage the key is asked for again.
  }
}

/**
 * Ask, and yield `[name, data]` for each event: `sources`, `token`, then `answer`.
 * @throws {Problem}
 */
export async function* ask(request, signal) {
  const reply = await call("query", { body: request, accept: "text/event-stream", signal });
  let complete = false;
  for await (const [name, data] of events(reply.body)) {
    if (name === "error") throw new Problem(data, data.extra?.retry_after ?? null);
    complete ||= name === "answer";
    yield [name, data];
  }
  if (!complete) throw new Problem({ detail: "The connection broke off before the answer was complete." });
}

/** Return what is indexed. */
export async function libraries() {
  return (await call("libraries", {})).json();
}

/** Say whether an answer helped. */
export async function feedback(answerId, verdict, reason) {
  await call("feedback", { body: { answer_id: answerId, verdict, ...(reason ? { reason } : {}) } });
}

async function call(path, { body, accept = "application/json", signal }) {
  const headers = { Accept: accept };
  const key = storedKey();
  if (key) headers.Authorization = `Bearer ${key}`;
  if (body) headers["Content-Type"] = "application/json";
  let reply;
  try {
    reply = await fetch(path, {
      method: body ? "POST" : "GET",
      headers,
      body: body && JSON.stringify(body),
      credentials: "omit",
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ detail: "" });
  }
  if (!reply.ok) throw await problemOf(reply);
  return reply;
}

async function problemOf(reply) {
  const seconds = Number.parseInt(reply.headers.get("Retry-After") ?? "", 10);
  const document = await reply.json().catch(() => ({}));
  return new Problem({ ...document, status: reply.status }, Number.isNaN(seconds) ? null : seconds);
}

async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const frames = (buffer + value).split("\n\n");
      buffer = frames.pop();
      yield* frames.map(decoded).filter((event) => event !== null);
    }
  } catch (error) {
    if (error.name === "AbortError" || error instanceof Problem) throw error;
    throw new Problem({ detail: "The connection broke off before the answer was complete." });
  } finally {
    reader.cancel().catch(() => {});
  }
}

function decoded(frame) {
  const fields = new Map(frame.split("\n").map((line) => {
    const colon = line.indexOf(": ");
    return [line.slice(0, colon), line.slice(colon + 2)];
  }));
  return fields.has("event") && fields.has("data") ? [fields.get("event"), JSON.parse(fields.get("data"))] : null;
}

function storedKey() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}
