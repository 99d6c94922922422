// What the page does besides the tour: a quick market, a lost connection, its set-up, and how it looks.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { findings } from "./accessibility.js";
import { DESKTOP, launch, PHONE } from "./chromium.js";
import { Market } from "./market.js";
import { Visitor } from "./visitor.js";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** A market of each framework for a test, and its end. */
function onEach(name, options, test, frameworks = ["axum", "actix"]) {
  for (const framework of frameworks) {
    it(`${name}, in ${framework}`, async () => {
      const market = await Market.start({ framework, ...options });
      try {
        await test(market);
      } finally {
        await market.stop();
      }
    });
  }
}

describe("the page", { concurrency: 3 }, () => {
  onEach("shows one order on a market that is too quick to watch", { "order-delay": "0s" }, async (market) => {
    const visitor = await Visitor.open(browser, market, PHONE);
    await visitor.press("Double-click");
    const outcomes = [await visitor.attempt(1), await visitor.attempt(2)].map(({ outcome }) => outcome);
    assert.ok(outcomes.includes("Ran"), String(outcomes));
    assert.ok(outcomes.includes("Replayed") || outcomes.includes("In progress"), String(outcomes));
    await visitor.expectOrders(1);
    assert.match(await visitor.page.locator("#pace").innerText(), /--order-delay 3s/);
    await visitor.press("Hang up");
    await visitor.expect(3, "Hang up", ["Hung up", "no status", "handler: unknown"]);
    const proof = await visitor.sendAgainUntilReplayed(4);
    assert.equal(proof.outcome, "Replayed");
    await visitor.waitFor(3, "handler", `handler ran (says attempt ${proof.number})`);
    await visitor.expectOrders(2);
    await visitor.press("Repair it");
    await visitor.waitFor(proof.number + 1, "outcome", "Failed, not saved");
    await visitor.waitFor(proof.number + 2, "outcome", "Ran");
    await visitor.expectOrders(3);
    await visitor.expectNoTrouble();
    await visitor.close();
  });

  onEach("tells a lost connection from a refusal, and finds out what became of it", {}, async (market) => {
    const visitor = await Visitor.open(browser, market, DESKTOP);
    // The request is lost on its way: nothing arrives.
    await visitor.loseNextOrder((route) => route.abort());
    await visitor.press("Place the order");
    await visitor.expect(1, "Place the order", ["No answer", "no status", "handler: unknown"]);
    await visitor.press("Send it again");
    await visitor.expect(2, "Send it again", ["Ran", 201, "handler ran"]);
    await visitor.expect(1, "Place the order", ["No answer", "no status", "handler did not run (says attempt 2)"]);
    // The answer is lost on its way: the order was placed.
    await visitor.press("New key");
    await visitor.loseNextOrder((route) => route.fetch().then(() => route.abort()));
    await visitor.press("Place the order");
    await visitor.expect(3, "Place the order", ["No answer", "no status", "handler: unknown"]);
    await visitor.press("Send it again");
    await visitor.expect(4, "Send it again", ["Replayed", 201, "handler did not run"]);
    await visitor.expect(3, "Place the order", ["No answer", "no status", "handler ran (says attempt 4)"]);
    await visitor.expectOrders(2);
    await visitor.close();
  });

  onEach("sets up one goat, however many open it at the same time", {}, async (market) => {
    const visitors = await Promise.all([1, 2, 3, 4].map(() => Visitor.open(browser, market, DESKTOP)));
    assert.deepEqual((await market.list("/goats")).map(({ name }) => name), ["Clover"]);
    await Promise.all(visitors.map((visitor) => visitor.press("Place the order")));
    for (const visitor of visitors) await visitor.expect(1, "Place the order", ["Ran", 201, "handler ran"]);
    assert.equal((await market.list("/orders")).length, 4);
    await visitors[0].press("New key");
    await visitors[0].expectOrders(4);
    await Promise.all(visitors.map((visitor) => visitor.close()));
  });

  onEach("takes the goats that have something on offer, and adds none", {}, async (market) => {
    for (const name of ["Heidi", "Nanny"]) await market.post("/goats", { name, owner: "Peter", breed: "Alpine" });
    const [{ id }] = await market.list("/goats");
    // A name that would be markup if the page wrote it as such.
    const item = "<img src=x onerror=alert(1)>";
    await market.post(`/goats/${id}/catalog`, { name: item, description: "", price: 0.125 });
    const visitor = await Visitor.open(browser, market, PHONE);
    assert.deepEqual(await visitor.page.getByLabel("Goat").locator("option").allTextContents(), ["Heidi, Alpine"]);
    await visitor.press("Place the order");
    await visitor.expect(1, "Place the order", ["Ran", 201, "handler ran"]);
    await visitor.expectOrders(1);
    const row = await visitor.page.locator("#orders li").innerText();
    assert.ok(row.includes(`3 × ${item}`) && row.includes("0.375"), row);
    assert.equal((await market.list("/goats")).length, 2);
    await visitor.expectNoTrouble();
    assert.deepEqual(await findings(visitor.page), []);
    await visitor.close();
  });

  onEach("turns nothing for those who asked for less motion", { "order-delay": "2s" }, async (market) => {
    for (const [reducedMotion, animation] of [["reduce", "none"], ["no-preference", "turn"]]) {
      const visitor = await Visitor.open(browser, market, { ...DESKTOP, reducedMotion });
      await visitor.press("Place the order");
      const icon = visitor.row(1).locator(".badge svg");
      await visitor.row(1).and(visitor.page.locator("[data-outcome=running]")).waitFor();
      assert.equal(await icon.evaluate((element) => getComputedStyle(element).animationName), animation);
      await visitor.expect(1, "Place the order", ["Ran", 201, "handler ran"]);
      await visitor.close();
    }
  }, ["axum"]);
});
