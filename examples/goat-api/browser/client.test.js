// The guide's client, on a page of one origin against servers of another.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";

import { launch } from "./chromium.js";
import { Market } from "./market.js";

const CLIENT = new URL("../../../docs/guide/client.mjs", import.meta.url);
const IN_PROGRESS = { "Idempotency-Refusal": "idempotency-in-progress", "Retry-After": "0" };

async function serve(answer) {
  const server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { base: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

/** A server that answers POSTs one after the other by the script, and lets pages of all origins read them. */
async function scripted(script, exposed) {
  let posts = 0;
  const server = await serve((request, response) => {
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Access-Control-Allow-Headers", "Idempotency-Key, Content-Type");
    if (exposed) response.setHeader("Access-Control-Expose-Headers", exposed);
    if (request.method === "OPTIONS") return response.writeHead(204).end();
    const [status, headers] = script[Math.min(posts, script.length - 1)];
    posts += 1;
    response.writeHead(status, headers).end(String(posts));
  });
  return { ...server, posts: () => posts };
}

let browser, shop, page;
before(async () => {
  browser = await launch();
  const client = await readFile(CLIENT);
  shop = await serve((request, response) => {
    const [type, body] = request.url === "/client.mjs" ? ["text/javascript", client] : ["text/html", "<!doctype html>"];
    response.writeHead(200, { "Content-Type": type }).end(body);
  });
  page = await browser.newPage();
  await page.goto(shop.base);
});
after(async () => {
  await browser.close();
  shop.stop();
});

/** Posts from the shop's page; gives the answer, or the error's text. */
function post(url, json, ...options) {
  return page.evaluate(
    async ([url, json, options]) => {
      const { post } = await import("/client.mjs");
      return post(url, "k", json, ...options).catch(String);
    },
    [url, json, options],
  );
}

const EXPOSED = "Idempotency-Refusal, Idempotency-Replayed, Retry-After";

// S97
describe("the guide's client across origins", () => {
  for (const [name, script, exposed, options, status, posts] of [
    ["a refusal whose headers are hidden is not final", [[202, IN_PROGRESS], [202, IN_PROGRESS], [201, {}]], "", [], 201, 3],
    ["nor is a hidden 409", [[409, IN_PROGRESS], [201, {}]], "", [], 201, 2],
    ["nor where other headers are exposed", [[202, IN_PROGRESS], [201, {}]], "ETag", [], 201, 2],
    ["a refusal that is seen is not final", [[202, IN_PROGRESS], [201, {}]], EXPOSED, [8, true], 201, 2],
    ["a 202 of the operation's own is taken once it is replayed", [[202, {}], [202, { "Idempotency-Replayed": "true" }]], EXPOSED, [], 202, 2],
    ["or at once where the caller knows that headers are exposed", [[202, {}]], EXPOSED, [8, true], 202, 1],
    ["what is final is final", [[400, { "Idempotency-Refusal": "idempotency-key-reused" }]], "", [], 400, 1],
  ]) {
    it(name, async () => {
      const server = await scripted(script, exposed);
      const answer = await post(server.base, "{}", ...options);
      assert.equal(answer.status, status, JSON.stringify(answer));
      assert.equal(server.posts(), posts);
      server.stop();
    });
  }

  it("without a final answer the outcome is unknown", async () => {
    for (const exposed of ["", EXPOSED]) {
      const server = await scripted([[202, IN_PROGRESS]], exposed);
      assert.match(await post(server.base, "{}", 2), /unknown/);
      assert.equal(server.posts(), 2);
      server.stop();
    }
  });

  for (const framework of ["axum", "actix"]) {
    it(`the market lets it in, in ${framework}`, async () => {
      const market = await Market.start({ framework, "order-delay": "1s", "cors-origin": shop.base });
      const goat = JSON.stringify({ name: "Heidi", owner: "Peter", breed: "Nubian" });
      const { id } = await (await market.post("/goats", JSON.parse(goat))).json();
      await market.post(`/goats/${id}/catalog`, { name: "Milk", description: "", price: 1 });
      const order = JSON.stringify({ items: [{ goatId: id, catalogItem: "Milk", quantity: 1 }] });
      const answers = await Promise.all([1, 2].map(() => post(`${market.base}/orders`, order, 8, true)));
      assert.deepEqual(answers.map(({ status }) => status), [201, 201]);
      assert.equal(answers[0].body, answers[1].body);
      assert.equal((await market.list("/orders")).length, 1);
      await market.stop();
    });

    it(`the market keeps it out unless it is told, in ${framework}`, async () => {
      const market = await Market.start({ framework });
      assert.match(await post(`${market.base}/goats`, "{}", 1), /TypeError/);
      await market.stop();
    });
  }
});

describe("the guide's client in Node.js, which hides nothing", () => {
  it("takes the operation's own 202 at once", async () => {
    const { post } = await import(CLIENT);
    const server = await scripted([[202, {}]], "");
    assert.equal((await post(server.base, "k", "{}")).status, 202);
    assert.equal(server.posts(), 1);
    server.stop();
  });

  const later = (milliseconds) => new Date(Date.now() + milliseconds).toUTCString();
  for (const [name, script, attempts, posts] of [
    ["makes one attempt where it is told none", [[503, {}]], 0, 1],
    ["makes one attempt where it is told no number", [[503, {}]], NaN, 1],
    ["takes the number of attempts as text", [[503, {}]], "2", 2],
    ["ends where it is asked to wait for years", [[503, { "Retry-After": "99999999999" }]], 8, 1],
    ["ends where it is asked to wait until next year", [[503, { "Retry-After": later(3e10) }]], 8, 1],
    ["follows no redirect by a GET", [[302, { Location: "/paid" }], [200, {}]], 1, 1],
  ]) {
    it(name, async () => {
      const { post } = await import(CLIENT);
      const server = await scripted(script, "");
      await assert.rejects(post(server.base, "k", "{}", attempts));
      assert.equal(server.posts(), posts);
      server.stop();
    });
  }

  it("waits until the date that it is told", async () => {
    const { post } = await import(CLIENT);
    const [server, began] = [await scripted([[503, { "Retry-After": later(2500) }], [201, {}]], ""), Date.now()];
    assert.equal((await post(server.base, "k", "{}")).status, 201);
    assert.ok(Date.now() - began > 1000);
    server.stop();
  });
});
