// The list of orders on the market, newest first, and how many there are.

import { price } from "./shop.js";
import { count } from "./words.js";

/** How many of the newest orders are shown. */
const SHOWN = 12;

export class OrderList {
  #panel;
  #shop;
  #known = new Set();

  constructor(panel, shop) {
    this.#panel = panel;
    this.#shop = shop;
  }

  /** `orders` is all of them, oldest first; `origins` has words for where those of this page come from. */
  show(orders, origins) {
    const find = (name) => this.#panel.querySelector(`[data-is=${name}]`);
    find("count").textContent = orders.length;
    find("unit").textContent = orders.length === 1 ? "order" : "orders";
    find("none").hidden = orders.length > 0;
    const newest = orders.slice(-SHOWN).reverse();
    find("list").replaceChildren(...newest.map((order) => this.#row(order, origins.get(order.id) ?? "from elsewhere, or earlier")));
    const hidden = orders.length - newest.length;
    find("more").textContent = hidden > 0 ? `and ${count(hidden, "older one")}` : "";
    this.#known = new Set(orders.map((order) => order.id));
  }

  #row(order, origin) {
    const row = document.getElementById("order-row").content.firstElementChild.cloneNode(true);
    const write = (name, text) => (row.querySelector(`[data-is=${name}]`).textContent = text);
    row.dataset.id = order.id;
    row.classList.toggle("new", this.#known.size > 0 && !this.#known.has(order.id));
    write("items", order.items.map((item) => `${item.quantity} × ${item.catalogItem}`).join(", "));
    write("total", price(order.total));
    write("goat", `from ${[...new Set(order.items.map((item) => this.#shop.nameOf(item.goatId)))].join(", ")}`);
    write("id", `…${order.id.slice(-6)}`);
    write("origin", origin);
    return row;
  }
}
