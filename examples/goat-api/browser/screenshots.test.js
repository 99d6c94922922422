// The pictures of the README: written to docs/screenshots if UPDATE_DOCS is set, and else only checked.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { fileURLToPath } from "node:url";

import { DESKTOP, launch, PHONE } from "./chromium.js";
import { Market } from "./market.js";
import { Visitor } from "./visitor.js";

const DOCS = fileURLToPath(new URL("../../../docs/screenshots", import.meta.url));
/** Before .ci/browser packs them tighter, if they are to be kept. */
const LARGEST = 300_000;
/** An empty page of these sizes takes less. */
const SMALLEST = 30_000;

let browser, folder;
before(async () => {
  browser = await launch();
  folder = process.env.UPDATE_DOCS ? DOCS : await mkdtemp(join(tmpdir(), "goat-screenshots-"));
  await mkdir(folder, { recursive: true });
});
after(async () => {
  await browser.close();
  if (folder !== DOCS) await rm(folder, { recursive: true });
});

for (const [name, options] of [
  ["desktop-light", { ...DESKTOP, colorScheme: "light" }],
  ["desktop-dark", { ...DESKTOP, colorScheme: "dark" }],
  ["phone", { ...PHONE, colorScheme: "light" }],
]) {
  it(`a picture: ${name}`, async () => {
    const market = await Market.start({ "order-delay": "1s" });
    try {
      const visitor = await Visitor.open(browser, market, { ...options, reducedMotion: "reduce" });
      await scene(visitor);
      await visitor.page.locator(name === "phone" ? "#timeline" : "header").evaluate((element) => element.scrollIntoView());
      const path = join(folder, `${name}.png`);
      await visitor.page.screenshot({ path });
      await visitor.close();
      const png = await readFile(path);
      assert.equal(png.subarray(1, 4).toString(), "PNG");
      assert.ok(png.length > SMALLEST && png.length < LARGEST, `${name} has ${png.length} bytes`);
      assert.equal(png.readUInt32BE(16), options.viewport.width * (options.deviceScaleFactor ?? 1));
    } finally {
      await market.stop();
    }
  });
}

async function scene(visitor) {
  await visitor.press("Place the order");
  await visitor.attempt(1);
  await visitor.press("Send it again");
  await visitor.attempt(2);
  await visitor.press("Change the payload");
  await visitor.attempt(3);
  await visitor.press("Double-click");
  await Promise.all([visitor.attempt(4), visitor.attempt(5)]);
  await visitor.expectOrders(2);
  await visitor.page.mouse.move(0, 0);
}
