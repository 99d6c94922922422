// Requests to the market, and what of its answers the page looks at.

const JSON_TYPE = "application/json";

/** The members of a list, such as `/orders`. */
export async function list(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`GET ${path} was answered with ${response.status}`);
  return (await response.json()).items;
}

/** Sends a body; under a key, unless that is null. Throws if no answer comes. */
export async function post(path, key, body) {
  const response = await fetch(path, { method: "POST", headers: headers(key), body });
  return answer(response.status, (name) => response.headers.get(name), await response.text());
}

/**
 * Sends a body and closes the connection as soon as it has left, without waiting for the answer: null.
 * (`fetch` does not tell when a body has left.)
 */
export function postAndHangUp(path, key, body) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    for (const [name, value] of Object.entries(headers(key))) request.setRequestHeader(name, value);
    request.upload.onload = () => request.abort();
    request.onabort = () => resolve(null);
    request.onerror = () => reject(new TypeError("no answer"));
    request.onload = () => {
      const header = (name) => request.getResponseHeader(name);
      resolve(answer(request.status, header, request.responseText));
    };
    request.send(body);
  });
}

/** The header is a structured field: a string in quotes. */
export function keyHeader(key) {
  return `"${key}"`;
}

function headers(key) {
  const headers = { "Content-Type": JSON_TYPE };
  return key === null ? headers : { ...headers, "Idempotency-Key": keyHeader(key) };
}

const SHOWN = ["Content-Type", "Idempotency-Replayed", "Idempotency-Refusal", "Retry-After"];

function answer(status, header, body) {
  const lines = SHOWN.filter((name) => header(name) !== null);
  return {
    status,
    replayed: header("Idempotency-Replayed") === "true",
    refusal: header("Idempotency-Refusal"),
    headers: lines.map((name) => `${name}: ${header(name)}`),
    body,
    id: idIn(body),
  };
}

function idIn(body) {
  try {
    return JSON.parse(body).id ?? null;
  } catch {
    return null;
  }
}
