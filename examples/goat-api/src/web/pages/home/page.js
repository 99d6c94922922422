// Joins the buttons to what they do, and what happened to where it is shown.

import { Actions } from "./actions.js";
import { list } from "./api.js";
import { Attempts } from "./attempts.js";
import { OrderList } from "./orders.js";
import { Shop } from "./shop.js";
import { Timeline } from "./timeline.js";
import { origins, brief } from "./words.js";

/** An order that takes less cannot be watched while it is placed. */
const TOO_QUICK_MS = 500;
/** How often the orders are asked for while something is under way, and for how long at most. */
const ASK_EVERY_MS = 700;
const ASK_FOR_MS = 120_000;

const find = (id) => document.getElementById(id);

const attempts = new Attempts();
const shop = new Shop(find("order"));
const actions = new Actions(attempts, shop, changed);
const timeline = new Timeline(find("timeline"));
const orders = new OrderList(find("orders"), shop);
let askUntil = 0;

function changed() {
  find("key").textContent = actions.key;
  timeline.show(attempts);
  showOutcome();
  showPace();
  askUntil = performance.now() + ASK_FOR_MS;
  refresh();
}

/** The outcomes of the last button that was pressed. */
function showOutcome() {
  const last = attempts.all.at(-1);
  if (last === undefined) return;
  const together = attempts.all.filter((attempt) => attempt.press === last.press);
  find("outcome").textContent = together.map(brief).join(" ");
  find("outcome-bar").dataset.outcome = last.outcome;
}

function showPace() {
  const ran = attempts.all.find((attempt) => attempt.outcome === "ran");
  if (ran !== undefined) find("pace").hidden = ran.duration >= TOO_QUICK_MS;
}

let asked = 0;
/** Asks for the orders; an answer that a later one has overtaken is dropped. */
async function refresh() {
  asked += 1;
  const question = asked;
  try {
    const all = await list("/orders");
    if (question !== asked) return;
    attempts.sawOrders(all);
    orders.show(all, origins(attempts));
    find("bar-count").textContent = all.length === 1 ? "1 order" : `${all.length} orders`;
    timeline.show(attempts);
  } catch {
    say("The list of orders could not be loaded: is the market still running?");
  }
}

function say(trouble) {
  find("outcome").textContent = trouble;
  find("outcome-bar").dataset.outcome = "no-answer";
}

for (const button of document.querySelectorAll("button[data-action]")) {
  button.addEventListener("click", () => actions[button.dataset.action]());
}
find("order").addEventListener("submit", (event) => event.preventDefault());

setInterval(() => timeline.tick(attempts, performance.now()), 100);
setInterval(() => {
  if (attempts.isUnsettled && performance.now() < askUntil) refresh();
}, ASK_EVERY_MS);

try {
  await shop.open();
  find("key").textContent = actions.key;
  await refresh();
  document.querySelector("main").inert = false;
} catch (error) {
  say(`The market could not be set up: ${error.message}. Reload the page to try again.`);
}
