// How the page says what happened.

/** A word for the badge, and a sentence. */
const OUTCOMES = {
  running: ["Running", "The answer has not come yet."],
  ran: ["Ran", "The handler ran, and its answer is kept under the key."],
  replayed: ["Replayed", "The kept answer came back, byte for byte. Nothing was done again."],
  "in-progress": ["In progress", "The original is still running. Nothing was started a second time."],
  "key-reused": ["Refused: reused key", "The key stands for another payload, so nothing was done."],
  refused: ["Refused", "The server refused before the handler was asked."],
  failed: ["Failed, not saved", "The handler said no. The answer is not kept, so the key is free again."],
  "failed-perhaps-saved": ["Failed", "The handler failed. Whether that is kept is the profile’s to say: send it again to see."],
  "hung-up": ["Hung up", "The request left, and nobody waited for the answer."],
  "no-answer": ["No answer", "The connection broke. The request may have arrived, or not."],
};

const HANDLERS = {
  ran: "handler ran",
  not: "handler did not run",
  running: "handler is running",
  "one-of-these": "handler ran for one of these",
  unknown: "handler: unknown",
};

export function outcomeWord(attempt) {
  return OUTCOMES[attempt.outcome][0];
}

export function handlerWords(attempt) {
  if (attempt.outcome === "running") return "handler: not known yet";
  const words = HANDLERS[attempt.handler];
  return attempt.toldBy === null ? words : `${words}, as attempt ${attempt.toldBy} shows`;
}

/** What happened to an attempt, in one or two sentences. */
export function sentence(attempt) {
  const said = OUTCOMES[attempt.outcome][1];
  if (attempt.toldBy !== null || attempt.handler !== "unknown" || attempt.outcome === "running") return said;
  if (attempt.probable !== null) {
    return `${said} It probably ran: an order has come up that no answer has named. Send it again for proof.`;
  }
  return `${said} Send it again to find out whether it was done.`;
}

export function statusWords(attempt) {
  return attempt.answer === null ? "no status" : String(attempt.answer.status);
}

export function durationWords(milliseconds) {
  return milliseconds < 1000
    ? `${Math.max(1, Math.round(milliseconds))} ms`
    : `${(milliseconds / 1000).toFixed(2)} s`;
}

export function count(number, one, many = `${one}s`) {
  return `${number === 0 ? "no" : number} ${number === 1 ? one : many}`;
}

/** All that an attempt came to, for somebody who only listens. */
export function spoken(attempt) {
  const words = `Attempt ${attempt.number}, ${attempt.action}: ${outcomeWord(attempt).toLowerCase()}`;
  if (attempt.outcome === "running") return `${words}.`;
  const time = durationWords(attempt.duration);
  return `${words}. ${statusWords(attempt)} after ${time}, ${handlerWords(attempt)}.`;
}
