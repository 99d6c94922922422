// How the page says what happened.

import { short } from "./key.js";

/** A word for the badge, and a sentence. */
const OUTCOMES = {
  running: ["Running", "The answer has not come yet."],
  ran: ["Ran", "The handler ran, and its answer is kept."],
  replayed: ["Replayed", "The kept answer came back. Nothing was redone."],
  "in-progress": ["In progress", "The original still runs. Nothing was started twice."],
  "key-reused": ["Refused: reused key", "The key stands for another payload. Nothing was done."],
  refused: ["Refused", "The server refused before the handler was asked."],
  failed: ["Failed, not saved", "The handler said no. Nothing is kept: the key is free."],
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
  return attempt.toldBy === null ? words : `${words} (says attempt ${attempt.toldBy})`;
}

/** What happened to an attempt, and what to do about it. */
export function sentence(attempt) {
  const [, said] = OUTCOMES[attempt.outcome];
  if (!attempt.isOpen) return said;
  if (attempt.probable !== null) {
    return `${said} It has probably run: an order came up that no answer has named. Send it again for proof.`;
  }
  return `${said} Send it again to find out what became of it.`;
}

/** Where each order of this page comes from, by its id. */
export function origins(attempts) {
  const named = [...attempts.placed()].map(([id, key]) => [id, `under key ${short(key)}`]);
  const probable = attempts.all
    .filter((attempt) => attempt.probable !== null)
    .map((attempt) => [attempt.probable, `probably under key ${short(attempt.key)}`]);
  return new Map([...probable, ...named]);
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
  if (number === 0) return `no ${one}`;
  return number === 1 ? `1 ${one}` : `${number} ${many}`;
}

/** What an attempt came to, in few words. */
export function brief(attempt) {
  const words = `${attempt.action}: ${outcomeWord(attempt).toLowerCase()}`;
  if (attempt.outcome === "running") return `${words}.`;
  return `${words}, ${statusWords(attempt)} after ${durationWords(attempt.duration)}.`;
}
