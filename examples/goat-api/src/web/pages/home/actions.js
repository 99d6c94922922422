// What each button does: which requests leave, under which key, and when.

import { post, postAndHangUp } from "./api.js";
import { newKey } from "./key.js";

const MOON_CHEESE = "Moon cheese";

export class Actions {
  #attempts;
  #shop;
  #changed;
  #presses = 0;
  key = newKey();

  /** `changed` is called whenever an attempt begins or ends, and when there is another key. */
  constructor(attempts, shop, changed) {
    this.#attempts = attempts;
    this.#shop = shop;
    this.#changed = changed;
  }

  place(press = this.#press()) {
    return this.#send("Place the order", press, this.#shop.order());
  }

  /** The key's own request once more, or the last one if none was accepted. */
  again() {
    const sent = this.#attempts.under(this.key);
    const original = sent.find(holdsTheKey) ?? sent.at(-1);
    return this.#send("Send it again", this.#press(), original?.body ?? this.#shop.order());
  }

  async doubleClick() {
    this.#takeFreshKey();
    const [press, order] = [this.#press(), this.#shop.order()];
    await Promise.all([
      this.#send("Double-click, first", press, order),
      this.#send("Double-click, second", press, order),
    ]);
  }

  /** Another payload is only another one if the key stands for one already. */
  async changePayload() {
    const press = this.#press();
    if (!this.#attempts.under(this.key).some(holdsTheKey)) await this.place(press);
    await this.#send("Change the payload", press, this.#shop.order(1));
  }

  hangUp() {
    this.#takeFreshKey();
    return this.#send("Hang up", this.#press(), this.#shop.order(), postAndHangUp);
  }

  fail(press = this.#press()) {
    this.#takeFreshKey();
    return this.#send("Make it fail", press, this.#shop.orderOf(MOON_CHEESE));
  }

  /** There is something to repair if the last attempt failed. */
  async repair() {
    const press = this.#press();
    const last = this.#attempts.under(this.key).at(-1);
    if (last?.outcome !== "failed") await this.fail(press);
    await this.#send("Repair it", press, this.#shop.order());
  }

  newKey() {
    this.key = newKey();
    this.#changed();
  }

  #press() {
    this.#presses += 1;
    return this.#presses;
  }

  #takeFreshKey() {
    if (this.#attempts.under(this.key).length > 0) this.newKey();
  }

  async #send(action, press, body, how = post) {
    const attempt = this.#attempts.begin({ action, press, key: this.key, body, now: performance.now() });
    this.#changed();
    try {
      const answer = await how("/orders", attempt.key, body);
      this.#attempts.end(attempt, answer, performance.now());
    } catch {
      this.#attempts.lose(attempt, performance.now());
    }
    this.#changed();
  }
}

/** Whether the key may now stand for what this attempt asked for. */
function holdsTheKey(attempt) {
  return !["failed", "key-reused", "refused"].includes(attempt.outcome);
}
