// What the page of a client's link asks of the service. The token stands behind `#` in the address and goes
// out in a header only, so that no log holds it.

/** A problem answer, or no answer. */
export class Problem extends Error {
  constructor(detail, code = "", status = 0) {
    super(detail);
    this.code = code;
    this.status = status;
  }
}

export const token = () => decodeURIComponent(location.hash.slice(1));

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(`/v1/client-link${path}`, {
      ...options,
      headers: { "Client-Link": token(), ...options.headers },
      credentials: "omit",
      cache: "no-store",
    });
  } catch {
    throw new Problem("The service cannot be reached. Check your connection and try again.");
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body) return body;
  throw new Problem(body?.detail ?? `The service answered ${response.status}.`, body?.code, response.status);
}

const post = (path, body, headers) =>
  ask(path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers } });

/** The correction. */
export const look = () => ask("");

/** Has a code mailed to the registered contact; `about`: the waiver's `request`, or the `choice` of a way to pay. */
export const sendCode = (action, about) => post("/codes", { action, ...about });

const PATHS = { accept: "/accept", dispute: "/dispute", plan: "/plan", confirm_waiver: "/confirm-waiver" };

/** Does something, of the version that was seen. Answers the correction as it then is. */
export const act = (action, version, body) => post(PATHS[action], body, { "If-Match": `"v${version}"` });
