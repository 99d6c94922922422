const TEMPORARY = [
  "in-progress", "too-many-waiters", "store-unavailable", "rolled-back", "outcome-unknown", "shutting-down",
  "payload-unreadable",
];

// In milliseconds, and far below the time that the server remembers a key.
const DEADLINE = 120_000;

// Posts JSON under a key that was stored before, and again until there is a final answer.
//
// It throws if there is none: the outcome is unknown, and the same key and payload may be sent later, while
// the server remembers the key.
// `exposed` says that a server of another origin exposes `Idempotency-Refusal` to this page.
export async function post(url, key, json, attempts = 8, exposed = false) {
  const deadline = Date.now() + DEADLINE;
  for (let attempt = 1; ; attempt += 1) {
    let atLeast = 0;
    let failure;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "Idempotency-Key": `"${key}"`, "Content-Type": "application/json" },
        body: json,
        // A 301 or 302 would be followed by a GET, whose answer is not the operation's.
        redirect: "error",
        signal: AbortSignal.timeout(35_000),
      });
      const answer = { status: response.status, body: await response.text() };
      if (!isTemporary(response) && (exposed || !mayHideARefusal(response))) return answer;
      failure = new Error("the outcome is unknown", { cause: answer });
      atLeast = retryAfter(response);
    } catch (error) {
      // Nobody knows whether it took effect, and the same key may be sent again.
      failure = error;
    }
    const pause = atLeast + Math.min(30_000, 250 * 2 ** (attempt - 1)) * Math.random();
    if (!(attempt < attempts) || Date.now() + pause >= deadline) throw failure;
    await new Promise((resolve) => setTimeout(resolve, pause));
    // A machine that was suspended has waited longer.
    if (Date.now() >= deadline) throw failure;
  }
}

// Seconds or a date, in milliseconds from now.
function retryAfter(response) {
  const value = response.headers.get("Retry-After") ?? "";
  const wait = /^\d+$/.test(value) ? 1000 * Number(value) : Date.parse(value) - Date.now();
  return Math.max(0, wait || 0);
}

function isTemporary(response) {
  const code = response.headers.get("Idempotency-Refusal");
  if (code) return TEMPORARY.includes(code.replace("idempotency-", ""));
  return [408, 425, 429, 500, 502, 503, 504].includes(response.status);
}

// Across origins, a browser hides each header that the server does not expose. A 202 or 409 without
// one of ours may then say "in progress". Sent again, a true answer is replayed, or comes again.
function mayHideARefusal(response) {
  const ours = ["Idempotency-Refusal", "Idempotency-Replayed"];
  const seen = ours.some((name) => response.headers.has(name));
  return response.type === "cors" && !seen && [202, 409].includes(response.status);
}
