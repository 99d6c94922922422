// The attempts, newest first, in groups of one key each; what changes in one is written where it stands.

import { keyHeader } from "./api.js";
import { short } from "./key.js";
import { count, durationWords, handlerWords, outcomeWord, sentence, statusWords } from "./words.js";

export class Timeline {
  #panel;
  #groups = new Map();
  #rows = new Map();

  constructor(panel) {
    this.#panel = panel;
  }

  show(attempts) {
    this.#panel.querySelector("[data-is=none]").hidden = attempts.all.length > 0;
    for (const attempt of attempts.all) this.#fill(this.#row(attempt), attempt);
    for (const [key, group] of this.#groups) {
      const requests = count(attempts.under(key).length, "request");
      const orders = count(attempts.ordersUnder(key).size, "order");
      part(group, "tally").textContent = `${requests}, ${orders}`;
    }
  }

  /** Lets the clocks of running attempts go on. */
  tick(attempts, now) {
    for (const attempt of attempts.all.filter(({ outcome }) => outcome === "running")) {
      part(this.#rows.get(attempt.number), "duration").textContent = durationWords(now - attempt.started);
    }
  }

  #row(attempt) {
    if (!this.#rows.has(attempt.number)) {
      const row = copy("attempt-row");
      part(this.#group(attempt.key), "attempts").prepend(row);
      this.#rows.set(attempt.number, row);
      part(row, "duration").textContent = durationWords(0);
    }
    return this.#rows.get(attempt.number);
  }

  #group(key) {
    if (!this.#groups.has(key)) {
      const group = copy("key-group");
      part(group, "key").textContent = short(key);
      part(group, "key").title = key;
      part(this.#panel, "groups").prepend(group);
      this.#groups.set(key, group);
    }
    return this.#groups.get(key);
  }

  #fill(row, attempt) {
    row.dataset.outcome = attempt.outcome;
    row.dataset.handler = attempt.handler;
    part(row, "number").textContent = attempt.number;
    part(row, "action").textContent = attempt.action;
    part(row, "outcome").textContent = outcomeWord(attempt);
    part(row, "icon").setAttribute("href", `#icon-${attempt.outcome}`);
    part(row, "status").textContent = attempt.outcome === "running" ? "waiting" : statusWords(attempt);
    part(row, "handler").textContent = handlerWords(attempt);
    part(row, "sentence").textContent = sentence(attempt);
    part(row, "wire").textContent = wire(attempt);
    if (attempt.duration !== null) part(row, "duration").textContent = durationWords(attempt.duration);
  }
}

/** The request and its answer, as they were sent. */
function wire({ key, body, answer, outcome }) {
  const request = ["POST /orders", "Content-Type: application/json", `Idempotency-Key: ${keyHeader(key)}`, "", body];
  if (outcome === "running") return request.join("\n");
  if (answer === null) return [...request, "", "(nobody saw an answer)"].join("\n");
  return [...request, "", answer.status, ...answer.headers, "", answer.body].join("\n");
}

function copy(template) {
  return document.getElementById(template).content.firstElementChild.cloneNode(true);
}

function part(element, name) {
  return element.querySelector(`[data-is=${name}]`);
}
