const TEMPORARY = ["in-progress", "too-many-waiters", "store-unavailable", "shutting-down"];

// Posts JSON under a key that was stored before, and again until there is an answer.
export async function post(url, key, json, attempts = 8) {
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
      if (attempt === attempts || !isTemporary(response)) return answer;
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
  return [408, 429, 500, 502, 503, 504].includes(response.status);
}
