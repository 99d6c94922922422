// Idempotency keys: random, so that no two intentions ever share one.

/** A UUID of version 4; `crypto.randomUUID` is missing on a page that came over plain HTTP from another machine. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Enough of a key to tell it from the others on the page. */
export function short(key) {
  return key.slice(0, 8);
}
