// A market of its own for each test: the program as a child process, on a free port, with a new database.

import { randomUUID } from "node:crypto";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PROGRAM = process.env.GOAT_API;
if (!PROGRAM) throw new Error("GOAT_API must name the market's program; .ci/browser builds it and says so");

export class Market {
  #child;
  #directory;

  /** Options are the program's flags, such as `{ "order-delay": "2s" }`. */
  static async start(options) {
    const market = new Market();
    market.#directory = await mkdtemp(join(tmpdir(), "goat-market-"));
    const flags = { listen: "127.0.0.1:0", database: join(market.#directory, "goats.db"), ...options };
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
    const env = { RUST_LOG: "warn" };
    market.#child = spawn(PROGRAM, args, { env, stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(createInterface(market.#child.stdout), "line");
    market.base = line.replace(/^goat market on /, "");
    return market;
  }

  async stop() {
    const ended = once(this.#child, "exit");
    if (this.#child.kill()) await ended;
    await rm(this.#directory, { recursive: true });
  }

  async list(path) {
    const response = await fetch(this.base + path);
    return (await response.json()).items;
  }

  async post(path, body) {
    const headers = { "content-type": "application/json", "idempotency-key": randomUUID() };
    return fetch(this.base + path, { method: "POST", headers, body: JSON.stringify(body) });
  }
}
