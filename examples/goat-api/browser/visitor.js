// A person in front of the page: presses its buttons and reads what it says.

import assert from "node:assert/strict";

/** More than there are places for the focus on the page, and than retries that any original needs. */
const MANY = 200;

export class Visitor {
  /** What no page may do: errors, and requests to another origin. */
  #errors = [];
  #strangers = [];

  /** `by` is "mouse" or "keyboard". */
  static async open(browser, market, options, by = "mouse") {
    const visitor = new Visitor();
    const context = await browser.newContext(options);
    visitor.page = await context.newPage();
    visitor.by = by;
    visitor.market = market;
    visitor.#watch();
    await visitor.page.goto(`${market.base}/`);
    await visitor.page.waitForSelector("main:not([inert])");
    return visitor;
  }

  close() {
    return this.page.context().close();
  }

  /** Presses the button of this name once, and does not wait for what comes of it. */
  async press(name) {
    if (this.by === "mouse") return this.#button(name).click();
    await this.focus(this.#button(name));
    await this.page.keyboard.press("Enter");
  }

  /** Presses the button of this name twice, as quickly as can be. */
  async pressTwice(name) {
    if (this.by === "mouse") return this.#button(name).dblclick();
    await this.focus(this.#button(name));
    await Promise.all([this.page.keyboard.press("Enter"), this.page.keyboard.press("Space")]);
  }

  async order(item, quantity) {
    const { page } = this;
    if (this.by === "mouse") {
      await page.getByLabel("Item").selectOption({ value: item });
      await page.getByLabel("Quantity").fill(String(quantity));
      return;
    }
    await this.focus(page.getByLabel("Item"));
    await page.keyboard.type(item);
    await this.focus(page.getByLabel("Quantity"));
    await page.keyboard.press("Control+A");
    await page.keyboard.type(String(quantity));
  }

  /** Tabs to an element, and sees that one can see it there. */
  async focus(locator) {
    const isAt = () => locator.evaluate((element) => element === document.activeElement);
    for (let tabs = 0; !(await isAt()); tabs += 1) {
      assert.ok(tabs < MANY, "the element cannot be reached with the tab key");
      const isAhead = await locator.evaluate((element) => {
        const position = document.activeElement.compareDocumentPosition(element);
        return (position & (Node.DOCUMENT_POSITION_FOLLOWING | Node.DOCUMENT_POSITION_CONTAINED_BY)) !== 0;
      });
      await this.page.keyboard.press(isAhead ? "Tab" : "Shift+Tab");
    }
    const outline = await locator.evaluate((element) => getComputedStyle(element).outlineStyle);
    assert.equal(outline, "solid", "the focus is not visible");
    await assertInSight(locator);
  }

  /** What the timeline says of an attempt, once it has ended. */
  async attempt(number) {
    const row = this.row(number);
    await row.and(this.page.locator(":not([data-outcome=running])")).waitFor();
    const read = (name) => row.locator(`[data-is=${name}]`).textContent();
    const names = ["action", "outcome", "status", "duration", "handler", "sentence", "wire"];
    const texts = await Promise.all(names.map(read));
    const group = this.page.locator(".group").filter({ has: row });
    const key = await group.locator("[data-is=key]").textContent();
    return { number, key, ...Object.fromEntries(names.map((name, index) => [name, texts[index]])) };
  }

  row(number) {
    const itsNumber = this.page.locator(`[data-is=number]:text-is("${number}")`);
    return this.page.locator(".attempt").filter({ has: itsNumber });
  }

  /** Waits until an attempt's field says something of this pattern. */
  waitFor(number, field, pattern) {
    return this.row(number).locator(`[data-is=${field}]`).filter({ hasText: pattern }).waitFor();
  }

  /** Checks an attempt against [outcome, status, handler]. */
  async expect(number, action, [outcome, status, handler]) {
    const attempt = await this.attempt(number);
    const { action: done, outcome: came, status: code, handler: ran } = attempt;
    assert.deepEqual(
      { number, action: done, outcome: came, status: code, handler: ran },
      { number, action, outcome, status: String(status), handler },
    );
    assert.match(attempt.duration, /^\d+ ms$|^\d+\.\d\d s$/);
    return attempt;
  }

  /** Presses "Send it again" until the original has ended and is replayed; gives the replay. */
  async sendAgainUntilReplayed(next) {
    for (let number = next; number < next + MANY; number += 1) {
      await this.press("Send it again");
      const attempt = await this.attempt(number);
      if (attempt.outcome !== "In progress") return attempt;
    }
    return assert.fail("the original does not end");
  }

  /** Has `lose` deal with the next request that places an order. */
  async loseNextOrder(lose) {
    let isLost = false;
    await this.page.route("**/orders", (route) => {
      if (isLost || route.request().method() !== "POST") return route.fallback();
      isLost = true;
      return lose(route);
    });
  }

  /** The list shows so many orders, and the very ones that the API lists. */
  async expectOrders(count) {
    const shown = this.page.locator("#orders [data-is=count]");
    await shown.and(this.page.locator(`:text-is("${count}")`)).waitFor();
    const ids = await this.page.locator("#orders li").evaluateAll((rows) => rows.map((row) => row.dataset.id));
    const listed = await this.market.list("/orders");
    assert.deepEqual(ids, listed.map((order) => order.id).reverse());
    assert.equal(listed.length, count);
  }

  /** What was said for those who only listen. */
  said(pattern) {
    return this.page.getByRole("status").filter({ hasText: pattern }).waitFor();
  }

  async key() {
    return (await this.page.locator("#key").textContent()).slice(0, 8);
  }

  tally(key) {
    return this.page.locator(".group").filter({ hasText: key }).locator("[data-is=tally]").textContent();
  }

  /** No error, no request to anywhere else, nothing wider than the window. */
  async expectNoTrouble() {
    assert.deepEqual(this.#errors, []);
    assert.deepEqual(this.#strangers, []);
    const { scroll, window } = await this.page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return { scroll: scrollWidth, window: clientWidth };
    });
    assert.ok(scroll <= window, `the page is ${scroll} wide in a window of ${window}`);
  }

  #button(name) {
    return this.page.getByRole("button", { name, exact: true });
  }

  #watch() {
    this.page.on("pageerror", (error) => this.#errors.push(String(error)));
    this.page.on("console", (message) => {
      const unexpected = ["error", "warning"].includes(message.type()) && !isRefusal(message);
      if (unexpected) this.#errors.push(message.text());
    });
    this.page.context().on("request", (request) => {
      if (new URL(request.url()).origin !== this.market.base) this.#strangers.push(request.url());
    });
  }
}

/** Chromium writes an error for each answer of 400 and above; those to orders are what the page is about. */
function isRefusal(message) {
  const { pathname } = new URL(message.location().url || "about:blank");
  return pathname === "/orders" && /status of (400|409|422)/.test(message.text());
}

/** The bar at the bottom must not cover what has the focus. */
async function assertInSight(locator) {
  const isCovered = await locator.evaluate((element) => {
    const box = element.getBoundingClientRect();
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return !(top === element || element.contains(top));
  });
  assert.equal(isCovered, false, "what has the focus is covered");
}
