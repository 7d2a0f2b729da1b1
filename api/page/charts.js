// Charts made by hand: money by client as bars beside names, by month as columns, seats over time as steps.

import { h, s, uniqueId } from "./dom.js";
import { exact, length, money, month, monthsBetween, shortMonth, count } from "./words.js";

/** A pattern of lines for what is billed too much, so that colour is not the only difference. */
const hatch = (id) =>
  s("pattern", { id, width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    s("rect", { class: "over-ground", width: 5, height: 5 }), s("line", { class: "over-line", x1: 0, y1: 0, x2: 0, y2: 5 }));

const legend = () =>
  h("ul", { class: "legend" },
    h("li", null, swatch("under"), "billed too little"), h("li", null, swatch("over"), "billed too much"));

function swatch(kind) {
  const id = uniqueId("hatch");
  return s("svg", { width: 12, height: 12, "aria-hidden": "true" }, s("defs", null, hatch(id)),
    s("rect", { width: 12, height: 12, rx: 3, class: kind, fill: kind === "over" ? `url(#${id})` : null }));
}

/** Sums of gaps by client: `[{client, under, over}]`, largest first. */
function byClient(gaps) {
  const sums = new Map();
  for (const gap of gaps) {
    const sum = sums.get(gap.client) ?? { client: gap.client, under: 0n, over: 0n };
    sum[gap.direction] += exact(gap.amount.amount);
    sums.set(gap.client, sum);
  }
  const all = [...sums.values()].filter((sum) => sum.under + sum.over > 0n);
  return all.sort((a, b) => (b.under + b.over > a.under + a.over ? 1 : -1));
}

/** Clients that the chart shows: those with most money. */
const MOST_BARS = 12;

/** Each client a button that narrows the table to it. */
export function clientChart(gaps, currency, chosen, choose) {
  const sums = byClient(gaps);
  const most = sums.reduce((most, sum) => (sum.under + sum.over > most ? sum.under + sum.over : most), 1n);
  const share = (units) => (length(units) / length(most)) * 100;
  const rows = sums.slice(0, MOST_BARS).map((sum) => {
    const id = uniqueId("hatch");
    const under = share(sum.under);
    const bar = s("svg", { class: "bar-line", "aria-hidden": "true" },
      s("defs", null, hatch(id)),
      s("rect", { class: "under", width: `${under}%`, height: 8 }),
      s("rect", { class: "over", x: `${under}%`, width: `${share(sum.over)}%`, height: 8, fill: `url(#${id})` }));
    const parts = [];
    if (sum.under) parts.push(`${money(sum.under, currency)} too little`);
    if (sum.over) parts.push(`${money(sum.over, currency)} too much`);
    return h("li", null,
      h("button", { type: "button", class: "bar-row", "aria-pressed": String(chosen === sum.client),
        onclick: () => choose(chosen === sum.client ? null : sum.client) },
      h("span", { class: "bar-name" }, sum.client), h("span", { class: "bar-value" }, parts.join(", ")), bar));
  });
  return h("figure", { class: "panel chart" },
    h("figcaption", null, h("h2", null, "By client"), legend()), h("ol", { class: "bars" }, rows),
    sums.length > MOST_BARS && h("p", { class: "dim small" }, `and ${sums.length - MOST_BARS} more in the table`));
}

/** Sums by month over the whole period, under above the line and over below it. */
function byMonth(gaps, from, to) {
  const sums = new Map(monthsBetween(from, to).map((name) => [name, { under: 0n, over: 0n, open: false }]));
  for (const gap of gaps) {
    for (const part of gap.months) {
      const sum = sums.get(part.month);
      if (!sum || part.time_barred) continue;
      sum[gap.direction] += exact(part.amount);
      sum.open ||= part.provisional;
    }
  }
  return [...sums];
}

const larger = (a, b) => (a > b ? a : b);

/** Columns by month; the same figures stand in a table for those who do not see them. */
export function monthChart(gaps, currency, from, to) {
  const sums = byMonth(gaps, from, to);
  const [height, foot, top] = [220, 26, 22];
  const up = sums.reduce((most, [, sum]) => larger(most, sum.under), 0n);
  const down = sums.reduce((most, [, sum]) => larger(most, sum.over), 0n);
  const scale = (height - foot - top - 4) / Math.max(length(up + down), 0.01);
  const zero = top + length(up) * scale;
  const step = 100 / sums.length;
  const wide = step * 0.64;
  const id = uniqueId("hatch");
  const every = Math.ceil(sums.length / 8);
  const columns = sums.map(([name, sum], at) => {
    const x = `${at * step + (step - wide) / 2}%`;
    const [above, below] = [length(sum.under) * scale, length(sum.over) * scale];
    return s("g", null,
      above > 0 && s("rect", { class: sum.open ? "under open" : "under", x, y: zero - above, width: `${wide}%`, height: above, rx: 3 }),
      below > 0 && s("rect", { class: "over", x, y: zero + 1, width: `${wide}%`, height: below, rx: 3, fill: `url(#${id})` }),
      at % every === 0 && s("text", { class: "axis", x: `${at * step + step / 2}%`, y: height - 6 }, shortMonth(name)));
  });
  const table = h("table", { class: "offscreen" }, h("caption", null, `Money by month, ${currency}`),
    h("thead", null, h("tr", null, ["Month", "Billed too little", "Billed too much"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", null, sums.map(([name, sum]) => h("tr", null, h("th", { scope: "row" }, month(name)),
      h("td", null, money(sum.under, currency)), h("td", null, money(sum.over, currency))))));
  const peak = up > 0n && s("text", { class: "axis start", x: 0, y: 12 }, `up to ${money(up, currency)} a month`);
  return h("figure", { class: "panel chart" },
    h("figcaption", null, h("h2", null, "By month"), legend()),
    s("svg", { class: "months", height, "aria-hidden": "true" }, s("defs", null, hatch(id)),
      s("line", { class: "ground", x1: 0, x2: "100%", y1: zero + 0.5, y2: zero + 0.5 }), columns, peak), table);
}

/** What is to be billed and what was billed, day by day, as two lines. */
export function stepChart(stretches) {
  const days = stretches.reduce((sum, part) => sum + part.days, 0);
  const values = stretches.flatMap((part) => [Number(part.waterfall.billable), Number(part.billed)]);
  const high = Math.max(...values);
  if (days === 0 || high === 0) return null;
  const low = Math.min(...values);
  // From 0 where that leaves the difference visible; else from below the lower line.
  const floor = low > high * 0.6 ? Math.max(0, low - (high - low) * 1.5) : 0;
  const [height, top, foot] = [170, 16, 26];
  const y = (value) => top + (1 - (value - floor) / (high - floor || 1)) * (height - top - foot);
  const percent = (at) => `${(at / days) * 100}%`;
  const parts = { shades: [], marks: [], billed: [], billable: [] };
  const before = {};
  const draw = (name, value, from, to) => {
    const now = y(value);
    if (before[name] !== undefined && before[name] !== now) parts[name].push([from, from, before[name], now]);
    parts[name].push([from, to, now, now]);
    before[name] = now;
    return now;
  };
  let at = 0;
  let last = null;
  for (const part of stretches) {
    const end = at + part.days;
    const a = draw("billable", Number(part.waterfall.billable), at, end);
    const b = draw("billed", Number(part.billed), at, end);
    if (a !== b) parts.shades.push(s("rect", { class: a < b ? "shade under" : "shade over", x: percent(at), width: percent(part.days), y: Math.min(a, b), height: Math.abs(a - b) }));
    if (part.month !== last) parts.marks.push([at, part.month]);
    last = part.month;
    at = end;
  }
  const lines = (name) => parts[name].map(([x1, x2, y1, y2]) => s("line", { class: `line ${name}`, x1: percent(x1), x2: percent(x2), y1, y2 }));
  const every = Math.ceil(parts.marks.length / 7);
  const end = stretches.at(-1);
  const words = `${count(end.waterfall.billable)} to bill, ${count(end.billed)} billed on the last day`;
  return h("figure", { class: "steps" },
    s("svg", { height, role: "img", "aria-label": `Seats over time: ${words}` },
      parts.shades, s("line", { class: "ground", x1: 0, x2: "100%", y1: height - foot, y2: height - foot }), lines("billed"), lines("billable"),
      parts.marks.filter((_, index) => index % every === 0).map(([x, name]) => s("text", { class: "axis start", x: percent(x), y: height - 6 }, shortMonth(name)))),
    h("figcaption", null, h("ul", { class: "legend" },
      h("li", null, h("span", { class: "dash billable" }), `to bill, now ${count(end.waterfall.billable)}`),
      h("li", null, h("span", { class: "dash billed" }), `billed, now ${count(end.billed)}`))));
}
