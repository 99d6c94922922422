// What can be ordered: the goats that have something on offer, and the form that chooses from it.

import { list, post } from "./api.js";
import { newKey } from "./key.js";

/** How many of the newest goats are asked for their catalogs. */
const ASKED = 20;
const ASK_AGAIN_MS = 250;

const CLOVER = { name: "Clover", owner: "Peter", breed: "Nubian" };
const CATALOG = [
  { name: "Milk", description: "A litre, of this morning", price: 2.5 },
  { name: "Soap", description: "With lavender", price: 4.2 },
  { name: "Cheese", description: "A wheel, three months old", price: 18.9 },
];

export class Shop {
  #goats = [];
  #form;

  constructor(form) {
    this.#form = form;
    form.goat.addEventListener("change", () => this.#showCatalog());
  }

  /** Finds goats that have something on offer, and sees to it that there is one. */
  async open() {
    this.#goats = await goatsOnOffer();
    if (this.#goats.length === 0) {
      await setUp();
      this.#goats = await goatsOnOffer();
    }
    const options = this.#goats.map((goat) => new Option(`${goat.name}, ${goat.breed}`, goat.id));
    this.#form.goat.replaceChildren(...options);
    this.#showCatalog();
  }

  /** The chosen order as JSON text, with so many `more` of the item. */
  order(more = 0) {
    return this.orderOf(this.#form.item.value, this.quantity + more);
  }

  /** An order for any item of the chosen goat, on offer or not. */
  orderOf(catalogItem, quantity = this.quantity) {
    return JSON.stringify({ items: [{ goatId: this.#form.goat.value, catalogItem, quantity }] });
  }

  /** What is in the field if the market would take it, and 1 if not. */
  get quantity() {
    return this.#form.quantity.checkValidity() ? this.#form.quantity.valueAsNumber : 1;
  }

  /** A goat's name, if it is one of those on offer. */
  nameOf(goatId) {
    return this.#goats.find((goat) => goat.id === goatId)?.name ?? "another goat";
  }

  #showCatalog() {
    const goat = this.#goats.find((goat) => goat.id === this.#form.goat.value);
    const options = goat.catalog.map((item) => new Option(`${item.name}, ${price(item.price)}`, item.name));
    this.#form.item.replaceChildren(...options);
  }
}

export function price(number) {
  return number.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 20 });
}

async function goatsOnOffer() {
  const goats = (await list("/goats")).slice(-ASKED).reverse();
  const catalogs = await Promise.all(goats.map((goat) => list(`/goats/${goat.id}/catalog`)));
  return goats
    .map((goat, index) => ({ ...goat, catalog: catalogs[index] }))
    .filter((goat) => goat.catalog.length > 0);
}

/**
 * Registers a goat and its catalog. Pages that open at the same time use the same key, so that there is one
 * goat; a key that names no goat any more, or is somebody else's, gives way to one of this page alone.
 */
async function setUp() {
  const goat = JSON.stringify(CLOVER);
  for (const key of ["goat-market-home", newKey()]) {
    const answer = await patiently(() => post("/goats", key, goat));
    if (answer.id !== null && (await stock(answer.id))) return;
  }
  throw new Error("no goat could be registered");
}

/** Another page may be registering the goat just now: its answer is ours as well. */
async function patiently(send) {
  for (;;) {
    const answer = await send();
    if (answer.refusal !== "idempotency-in-progress") return answer;
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

/** Offers the catalog's items: each replaces the one of its name, so that this needs no key. */
async function stock(goatId) {
  for (const item of CATALOG) {
    const answer = await post(`/goats/${goatId}/catalog`, null, JSON.stringify(item));
    if (answer.status !== 204) return false;
  }
  return true;
}
