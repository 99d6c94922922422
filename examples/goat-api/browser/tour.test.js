// Every outcome that the page can show, on every kind of market, screen and input.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { findings } from "./accessibility.js";
import { DESKTOP, launch, PHONE } from "./chromium.js";
import { Market } from "./market.js";
import { Visitor } from "./visitor.js";

const ORDER_DELAY = { "order-delay": "3s" };

const light = (screen) => ({ ...screen, colorScheme: "light" });
const dark = (screen) => ({ ...screen, colorScheme: "dark" });

const STATUSES = {
  reference: { mismatch: 400, inProgress: 202 },
  ietf: { mismatch: 422, inProgress: 409 },
  stripe: { mismatch: 400, inProgress: 409 },
};

const TOURS = [
  { framework: "axum", profile: "reference", by: "mouse", name: "desktop, light", options: light(DESKTOP) },
  { framework: "axum", profile: "reference", by: "keyboard", name: "phone, dark", options: dark(PHONE) },
  { framework: "actix", profile: "reference", by: "keyboard", name: "desktop, dark", options: dark(DESKTOP) },
  { framework: "actix", profile: "reference", by: "mouse", name: "phone, light", options: light(PHONE) },
  { framework: "axum", profile: "ietf", by: "mouse", name: "phone, dark", options: dark(PHONE) },
  { framework: "actix", profile: "ietf", by: "keyboard", name: "desktop, light", options: light(DESKTOP) },
  { framework: "axum", profile: "stripe", by: "mouse", name: "desktop, dark", options: dark(DESKTOP) },
];

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

describe("a tour of all outcomes", { concurrency: 4 }, () => {
  for (const { framework, profile, by, name, options } of TOURS) {
    it(`in ${framework}, profile ${profile}, by ${by}, ${name}`, async () => {
      const market = await Market.start({ framework, profile, ...ORDER_DELAY });
      try {
        const visitor = await Visitor.open(browser, market, options, by);
        await tour(visitor, STATUSES[profile]);
        await visitor.expectNoTrouble();
        assert.deepEqual(await findings(visitor.page), []);
        await visitor.close();
      } finally {
        await market.stop();
      }
    });
  }
});

async function tour(visitor, status) {
  const ran = ["Ran", 201, "handler ran"];
  const replayed = ["Replayed", 201, "handler did not run"];
  const inProgress = ["In progress", status.inProgress, "handler did not run"];
  const reused = ["Refused: reused key", status.mismatch, "handler did not run"];

  await visitor.expectOrders(0);
  await visitor.order("Soap", 2);
  await visitor.press("Place the order");
  const original = await visitor.expect(1, "Place the order", ran);
  assert.ok(seconds(original) >= 3, `an order took ${original.duration}`);
  await visitor.said(/^Place the order: ran, 201 after .+ s\.$/);
  await visitor.expectOrders(1);
  assert.equal(await visitor.page.locator("#pace").isVisible(), false);

  await visitor.press("Send it again");
  const replay = await visitor.expect(2, "Send it again", replayed);
  assert.equal(replay.key, original.key);
  assert.equal(bodyOf(replay), bodyOf(original));
  await visitor.said(/^Send it again: replayed, 201 after .+\.$/);
  await visitor.expectOrders(1);

  await visitor.press("Change the payload");
  await visitor.expect(3, "Change the payload", reused);
  await visitor.expectOrders(1);
  assert.equal(await visitor.tally(original.key), "3 requests, 1 order");

  await visitor.press("Double-click");
  const pair = [await visitor.attempt(4), await visitor.attempt(5)];
  pair.sort((one, other) => (one.outcome === "Ran" ? -1 : 1));
  await visitor.expect(pair[0].number, pair[0].action, ran);
  await visitor.expect(pair[1].number, pair[1].action, inProgress);
  assert.deepEqual(pair.map(({ action }) => action).sort(), ["Double-click, first", "Double-click, second"]);
  assert.equal(pair[0].key, pair[1].key);
  assert.notEqual(pair[0].key, original.key);
  await visitor.expectOrders(2);

  await visitor.press("Hang up");
  const hungUp = await visitor.expect(6, "Hang up", ["Hung up", "no status", "handler: unknown"]);
  assert.match(hungUp.sentence, /Send it again to find out/);
  assert.equal(await visitor.tally(hungUp.key), "1 request, no order");
  await visitor.press("Send it again");
  await visitor.expect(7, "Send it again", inProgress);
  await visitor.waitFor(6, "handler", "handler is running (says attempt 7)");
  await visitor.expectOrders(3);
  await visitor.waitFor(6, "sentence", /probably/);
  assert.match(await visitor.page.locator("#orders li").first().textContent(), /probably under key/);
  const proof = await visitor.sendAgainUntilReplayed(8);
  await visitor.expect(proof.number, "Send it again", replayed);
  await visitor.expect(6, "Hang up", ["Hung up", "no status", `handler ran (says attempt ${proof.number})`]);
  await visitor.expectOrders(3);

  let next = proof.number + 1;
  await visitor.press("Make it fail");
  const failed = await visitor.expect(next, "Make it fail", ["Failed, not saved", 400, "handler ran"]);
  assert.match(failed.wire, /Moon cheese/);
  await visitor.expectOrders(3);
  await visitor.press("Repair it");
  const repaired = await visitor.expect(next + 1, "Repair it", ran);
  assert.equal(repaired.key, failed.key);
  await visitor.expectOrders(4);
  assert.equal(await visitor.tally(failed.key), "2 requests, 1 order");

  next += 2;
  await visitor.press("New key");
  const key = await visitor.key();
  assert.notEqual(key, repaired.key);
  await visitor.pressTwice("Place the order");
  const twice = [await visitor.attempt(next), await visitor.attempt(next + 1)];
  assert.deepEqual(twice.map(({ outcome }) => outcome).sort(), ["In progress", "Ran"]);
  assert.deepEqual(twice.map((attempt) => attempt.key), [key, key]);
  await visitor.expectOrders(5);

  const orders = await visitor.market.list("/orders");
  const lines = orders.map(({ items: [line] }) => `${line.quantity} ${line.catalogItem}`);
  assert.deepEqual(lines, Array(5).fill("2 Soap"));
}

function seconds({ duration }) {
  const [number, unit] = duration.split(" ");
  return unit === "s" ? Number(number) : Number(number) / 1000;
}

/** The last line of what went over the wire. */
function bodyOf({ wire }) {
  return wire.split("\n").at(-1);
}
