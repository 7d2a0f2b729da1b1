// What the page asks of the service that served it.

/** A problem answer, or no answer. */
export class Problem extends Error {
  constructor(detail, errors = [], retryAfter = 0) {
    super(detail);
    this.errors = errors;
    this.retryAfter = retryAfter;
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, credentials: "omit", cache: "no-cache" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The service cannot be reached. Check your connection and try again.");
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body) return body;
  const wait = Number(response.headers.get("Retry-After") ?? 0);
  throw new Problem(body?.detail ?? `The service answered ${response.status}.`, body?.errors ?? [], wait);
}

/** The sample, untouched, edited or with answers. */
export function sample(request) {
  const keys = Object.keys(request);
  if (keys.length === 0) return ask("/v1/sample-audit", {});
  if (keys.length === 1 && request.explain) {
    return ask(`/v1/sample-audit?explain=${encodeURIComponent(request.explain)}`, {});
  }
  return ask("/v1/sample-audit", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
  });
}

/** The visitor's own files. */
export function own(files, request, signal) {
  const form = new FormData();
  form.append("request", JSON.stringify(request));
  for (const { name, file } of files) form.append("file", file, name);
  return ask("/v1/sample-audit", { method: "POST", body: form, signal });
}

export const sampleFiles = () => ask("/v1/sample-audit/files", {});
