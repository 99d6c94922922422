// How the page reads an answer, and what it takes a later one to prove: its own modules, in the browser.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { launch } from "./chromium.js";
import { Market } from "./market.js";
import { Visitor } from "./visitor.js";

let browser, market, page;
before(async () => {
  browser = await launch();
  market = await Market.start({});
  ({ page } = await Visitor.open(browser, market, {}));
});
after(async () => {
  await browser.close();
  await market.stop();
});

const answer = (status, more = {}) => ({ status, replayed: false, refusal: null, id: null, ...more });

describe("an answer", () => {
  const judge = (given) => page.evaluate(async (given) => (await import("/home/outcome.js")).judge(given), given);
  for (const [name, given, outcome, handler] of [
    ["a fresh success", answer(201), "ran", "ran"],
    ["a replayed success", answer(201, { replayed: true }), "replayed", "not"],
    ["a replayed failure", answer(500, { replayed: true }), "replayed", "not"],
    ["in progress, as accepted", answer(202, { refusal: "idempotency-in-progress" }), "in-progress", "not"],
    ["in progress, as a conflict", answer(409, { refusal: "idempotency-in-progress" }), "in-progress", "not"],
    ["the handler's own 202", answer(202), "ran", "ran"],
    ["a reused key", answer(422, { refusal: "idempotency-key-reused" }), "key-reused", "not"],
    ["a missing key", answer(400, { refusal: "idempotency-key-missing" }), "refused", "not"],
    ["a store out of reach", answer(503, { refusal: "idempotency-store-unavailable" }), "refused", "not"],
    ["the handler's own 400", answer(400), "failed", "ran"],
    ["the handler's own 409", answer(409), "failed", "ran"],
    ["a 402, which one profile keeps", answer(402), "failed-perhaps-saved", "ran"],
    ["a 500, which one profile keeps", answer(500), "failed-perhaps-saved", "ran"],
    ["no answer", null, "hung-up", "unknown"],
  ]) {
    it(`that is ${name}: ${outcome}`, async () => assert.deepEqual(await judge(given), { outcome, handler }));
  }
});

describe("what a later attempt proves", () => {
  /** Plays [number of the attempt, answer] in turn, after all have begun; gives what each handler is said to do. */
  const play = (bodies, events) =>
    page.evaluate(
      async ([bodies, events]) => {
        const { Attempts } = await import("/home/attempts.js");
        const attempts = new Attempts();
        const begun = bodies.map((body) => attempts.begin({ action: "", press: 1, key: "k", body, now: 0 }));
        for (const [number, given] of events) attempts.end(begun[number - 1], given, 1);
        return begun.map(({ handler, toldBy }) => (toldBy === null ? handler : `${handler} by ${toldBy}`));
      },
      [bodies, events],
    );
  const replay = answer(201, { replayed: true, id: "1" });
  const inProgress = answer(202, { refusal: "idempotency-in-progress" });

  for (const [name, bodies, events, handlers] of [
    ["a replay: that the one who hung up ran", ["a", "a"], [[1, null], [2, replay]], ["ran by 2", "not"]],
    ["a replay: that one of two ran", ["a", "a", "a"], [[1, null], [2, null], [3, replay]],
      ["one-of-these by 3", "one-of-these by 3", "not"]],
    ["a replay of what ran before: nothing", ["a", "a", "a"], [[1, answer(201)], [2, null], [3, replay]],
      ["ran", "unknown", "not"]],
    ["a replay while another still runs: nothing", ["a", "a", "a"], [[1, null], [3, replay]],
      ["unknown", "unknown", "not"]],
    ["a run: that the one who hung up did not run", ["a", "a"], [[1, null], [2, answer(201)]],
      ["not by 2", "ran"]],
    ["in progress: that it still runs, until a replay", ["a", "a", "a", "b"],
      [[1, null], [4, answer(400, { refusal: "idempotency-key-reused" })], [3, null], [2, inProgress]],
      ["running by 2", "not", "unknown", "not"]],
    ["another payload: nothing", ["a", "b"], [[1, null], [2, answer(201)]], ["unknown", "ran"]],
    ["a replayed failure: nothing of who ran", ["a", "a"], [[1, null], [2, answer(500, { replayed: true })]],
      ["unknown", "not"]],
  ]) {
    it(name, async () => assert.deepEqual(await play(bodies, events), handlers));
  }
});
