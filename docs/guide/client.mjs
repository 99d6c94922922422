const TEMPORARY = [
  "in-progress", "too-many-waiters", "store-unavailable", "rolled-back", "outcome-unknown", "shutting-down",
  "payload-unreadable",
];

// Posts JSON under a key that was stored before, and again until there is a final answer.
//
// It throws if there is none: the outcome is unknown, and the same key and payload may be sent later.
// `exposed` says that a server of another origin exposes `Idempotency-Refusal` to this page.
export async function post(url, key, json, attempts = 8, exposed = false) {
  for (let attempt = 1; ; attempt += 1) {
    let atLeast = 0;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "Idempotency-Key": `"${key}"`, "Content-Type": "application/json" },
        body: json,
        signal: AbortSignal.timeout(35_000),
      });
      const answer = { status: response.status, body: await response.text() };
      if (!isTemporary(response) && (exposed || !mayHideARefusal(response))) return answer;
      if (attempt === attempts) throw new Error("the outcome is unknown", { cause: answer });
      atLeast = 1000 * (Number(response.headers.get("Retry-After")) || 0);
    } catch (error) {
      // Nobody knows whether it took effect, and the same key may be sent again.
      if (attempt === attempts) throw error;
    }
    const pause = Math.min(30_000, 250 * 2 ** (attempt - 1)) * Math.random();
    await new Promise((resolve) => setTimeout(resolve, atLeast + pause));
  }
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
