// What an answer says of the attempt that got it: from its status and two headers, and nothing else.

/**
 * `outcome` is a name of words.js. `handler` is "ran", "not" (it did not run for this attempt) or "unknown".
 * An answer of null is none at all.
 */
export function judge(answer) {
  if (answer === null) return { outcome: "hung-up", handler: "unknown" };
  if (answer.replayed) return { outcome: "replayed", handler: "not" };
  if (answer.refusal !== null) return { outcome: refused(answer.refusal), handler: "not" };
  if (answer.status < 400) return { outcome: "ran", handler: "ran" };
  return { outcome: freesItsKey(answer.status) ? "failed" : "failed-perhaps-saved", handler: "ran" };
}

function refused(code) {
  if (code === "idempotency-in-progress") return "in-progress";
  if (code === "idempotency-key-reused") return "key-reused";
  return "refused";
}

/** No profile keeps these; the profile `stripe` keeps the others. */
function freesItsKey(status) {
  return status < 500 && status !== 402;
}
