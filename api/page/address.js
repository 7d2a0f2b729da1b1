// The state that can be shared stands in the address, and only there: which view of the sample.

/** Reads `#sample&client=..&gap=..`. */
export function read() {
  const state = { sample: false, client: null, gap: null, currency: null, sort: null, yes: [], no: [] };
  for (const pair of location.hash.slice(1).split("&").filter(Boolean)) {
    const at = pair.indexOf("=");
    const name = at < 0 ? pair : pair.slice(0, at);
    let value = "";
    try {
      value = at < 0 ? "" : decodeURIComponent(pair.slice(at + 1).replaceAll("+", " "));
    } catch {
      continue;
    }
    if (name === "sample") state.sample = true;
    else if (name === "yes" || name === "no") {
      const [side, source, target] = value.split("\t");
      if (target) state[name].push({ side, source, target });
    } else if (name in state) state[name] = value || null;
  }
  return state;
}

/** Writes it, without a new entry in the history. */
export function write(state) {
  const parts = [];
  if (state.sample) {
    parts.push("sample");
    for (const name of ["currency", "client", "gap", "sort"]) {
      if (state[name]) parts.push(`${name}=${encodeURIComponent(state[name])}`);
    }
    for (const name of ["yes", "no"]) {
      for (const pair of state[name]) {
        parts.push(`${name}=${encodeURIComponent([pair.side, pair.source, pair.target].join("\t"))}`);
      }
    }
  }
  const hash = parts.length ? `#${parts.join("&")}` : " ";
  history.replaceState(null, "", hash === " " ? location.pathname : hash);
}
