// The attempts so far, and what later ones prove about those that never saw their answer.

import { judge } from "./outcome.js";

export class Attempts {
  #all = [];
  /** Ids of the orders on the market when they were last looked at. */
  #market = new Set();

  /** In the order in which they were sent. */
  get all() {
    return this.#all;
  }

  under(key) {
    return this.#all.filter((attempt) => attempt.key === key);
  }

  /** Notes that a request leaves at `now`, in milliseconds. `press` is the same for all that one press sends. */
  begin({ action, press, key, body, now }) {
    const attempt = {
      number: this.#all.length + 1,
      action,
      press,
      key,
      body,
      started: now,
      duration: null,
      answer: null,
      outcome: "running",
      handler: "unknown",
      /** The number of the attempt that told what `handler` says, if it was another. */
      toldBy: null,
      /** The order that this attempt probably placed: it came up, and no answer has named it. */
      probable: null,
      marketBefore: this.#market,
      /** Nobody has said yet whether the handler ran, or it has not ended. */
      get isOpen() {
        const unanswered = this.outcome === "hung-up" || this.outcome === "no-answer";
        return unanswered && (this.handler === "unknown" || this.handler === "running");
      },
    };
    this.#all.push(attempt);
    return attempt;
  }

  /** Notes what came at `now`; `answer` is null for a client that hung up. */
  end(attempt, answer, now) {
    Object.assign(attempt, { answer, duration: now - attempt.started, ...judge(answer) });
    this.#learnFrom(attempt);
  }

  /** Notes that the connection broke without an answer. */
  lose(attempt, now) {
    Object.assign(attempt, { duration: now - attempt.started, outcome: "no-answer", handler: "unknown" });
  }

  /** Notes which orders there are now. */
  sawOrders(orders) {
    this.#market = new Set(orders.map((order) => order.id));
    const [attempt, ...more] = this.#all.filter((attempt) => attempt.isOpen);
    if (attempt === undefined || more.length > 0 || this.#all.some(isRunning)) return;
    const named = this.placed();
    const appeared = orders.filter(
      (order) => !named.has(order.id) && !attempt.marketBefore.has(order.id) && asksFor(attempt, order),
    );
    if (appeared.length === 1) attempt.probable = appeared[0].id;
  }

  /** Which key each order was placed under, as far as answers named them. */
  placed() {
    const named = this.#all.filter((attempt) => orderOf(attempt) !== null);
    return new Map(named.map((attempt) => [orderOf(attempt), attempt.key]));
  }

  /** Ids of the orders that were placed under a key, as far as is known. */
  ordersUnder(key) {
    const ids = this.under(key).map((attempt) => orderOf(attempt) ?? attempt.probable);
    return new Set(ids.filter((id) => id !== null));
  }

  /** Whether something may still happen that no answer will tell. */
  get isUnsettled() {
    return this.#all.some((attempt) => isRunning(attempt) || attempt.isOpen);
  }

  /** An answer tells what became of earlier attempts that asked for the same. */
  #learnFrom(attempt) {
    const same = this.under(attempt.key).filter((other) => other.body === attempt.body);
    const open = same.filter((other) => other.isOpen && other.number < attempt.number);
    const tell = (handler) => {
      for (const other of open) Object.assign(other, { handler, toldBy: attempt.number });
    };
    const somebodyElse = same.some((other) => other.outcome === "ran" || isRunning(other));
    // Had one of those placed the order, this one would have got the replay.
    if (attempt.outcome === "ran") tell("not");
    if (attempt.outcome === "replayed" && attempt.answer.status < 400 && !somebodyElse) {
      tell(open.length === 1 ? "ran" : "one-of-these");
    }
    if (attempt.outcome === "in-progress" && !somebodyElse && open.length === 1) tell("running");
  }
}

function isRunning(attempt) {
  return attempt.outcome === "running";
}

function orderOf(attempt) {
  const placed = attempt.outcome === "ran" || attempt.outcome === "replayed";
  return placed && attempt.answer.status < 400 ? attempt.answer.id : null;
}

function asksFor(attempt, order) {
  const lines = (items) => JSON.stringify(items.map((item) => [item.goatId, item.catalogItem, item.quantity]));
  return lines(JSON.parse(attempt.body).items) === lines(order.items);
}
