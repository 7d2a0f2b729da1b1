// The table of gaps: sorted as asked, each row opens its explanation.

import { button, h, uniqueId } from "./dom.js";
import { copy, gapsCsv, save } from "./csv.js";
import { count, exact, kind, many, moneyOf } from "./words.js";

const COLUMNS = [
  { key: "client", name: "Client and product", value: (gap) => gap.client.toLowerCase() },
  { key: "kind", name: "What", value: (gap) => kind(gap.kind), class: "wide" },
  { key: "seats", name: "Seats", value: (gap) => exact(gap.seats), number: true },
  { key: "months", name: "Seat-months", value: (gap) => exact(gap.seat_months), number: true, class: "widest" },
  { key: "amount", name: "Amount", value: (gap) => exact(gap.amount?.amount), number: true },
  { key: "forward", name: "A month from now", value: (gap) => exact(gap.monthly_forward?.amount), number: true, class: "wide" },
];

function sorted(gaps, sort) {
  const [key, way] = (sort ?? "amount.down").split(".");
  const column = COLUMNS.find((column) => column.key === key) ?? COLUMNS[4];
  const sign = way === "up" ? 1 : -1;
  return [...gaps].sort((a, b) => {
    const [x, y] = [column.value(a), column.value(b)];
    return x < y ? -sign : x > y ? sign : 0;
  });
}

const arrow = (active, way) => h("span", { class: "arrow", "aria-hidden": "true" }, active ? (way === "up" ? "↑" : "↓") : "");

function head(view) {
  const [now, way] = (view.state.sort ?? "amount.down").split(".");
  return h("tr", null, COLUMNS.map((column) => {
    const active = column.key === now;
    const turn = active ? (way === "up" ? "down" : "up") : column.number ? "down" : "up";
    return h("th", { scope: "col", class: [column.number && "number", column.class].filter(Boolean).join(" ") || null,
      "aria-sort": active ? (way === "up" ? "ascending" : "descending") : null },
    h("button", { type: "button", class: "sort", "data-sort": column.key, onclick: () => view.change({ sort: `${column.key}.${turn}` }, `[data-sort="${column.key}"]`) },
      column.number && arrow(active, way), column.name, !column.number && arrow(active, way)));
  }));
}

const sign = (gap) => (gap.direction === "under" ? "+" : "−");

function row(gap, view) {
  const open = view.state.gap === gap.id;
  const panel = uniqueId("explained");
  const opened = h("td", { colspan: COLUMNS.length, id: panel });
  if (open) view.explain(gap, opened);
  const cells = h("tr", { class: `gap ${gap.direction}${open ? " open" : ""}`,
    onclick: (event) => { if (!event.target.closest("button")) view.toggle(gap); } },
  h("th", { scope: "row" },
    h("button", { type: "button", class: "opener", "data-gap": gap.id, "aria-expanded": String(open), "aria-controls": open ? panel : null, onclick: () => view.toggle(gap) },
      h("span", { class: "chevron", "aria-hidden": "true" }, "›"),
      h("span", null, h("span", { class: "client" }, gap.client), h("span", { class: "product" }, gap.product), h("span", { class: "kind-small" }, kind(gap.kind))))),
  h("td", { class: "wide" }, h("span", { class: `tag ${gap.direction}` }, kind(gap.kind))),
  h("td", { class: "number" }, `${sign(gap)}${count(gap.seats)}`),
  h("td", { class: "number widest" }, count(gap.seat_months)),
  h("td", { class: "number amount" }, gap.unpriced ? "no price" : moneyOf(gap.amount),
    gap.assumed && h("span", { class: "remark" }, "assumed")),
  h("td", { class: "number wide" }, moneyOf(gap.monthly_forward)));
  return [cells, open && h("tr", { class: "opened" }, opened)];
}

/** Rows that are drawn at first, and added at a time: a browser draws thousands slowly. */
const AT_ONCE = 200;

/** The gaps of the view, with what can be done with them. */
export function gapTable(view, gaps) {
  const told = h("span", { class: "told", role: "status" });
  const shown = sorted(gaps, view.state.sort);
  const tools = h("div", { class: "tools" }, told,
    button("Copy as CSV", async () => {
      told.textContent = (await copy(gapsCsv(shown))) ? `Copied ${many(shown.length, "row")}.` : "The browser does not let this page copy; use Save.";
    }, { class: "button small", id: "copy" }),
    button("Save CSV", () => save("gaps.csv", gapsCsv(shown)), { class: "button small" }),
    button("Print", () => window.print(), { class: "button small" }));
  const filter = view.state.client && h("p", { class: "filter" }, `Only ${view.state.client}. `,
    h("button", { type: "button", class: "link", onclick: () => view.change({ client: null }, "#gaps-title") }, "Show all clients"));
  const opened = shown.findIndex((gap) => gap.id === view.state.gap);
  const body = h("tbody", null, shown.slice(0, Math.max(AT_ONCE, opened + 1)).map((gap) => row(gap, view)));
  const drawn = () => body.querySelectorAll("tr.gap").length;
  const more = shown.length > drawn() && button("Show more", () => {
    body.append(...shown.slice(drawn(), drawn() + AT_ONCE).flatMap((gap) => row(gap, view)).filter(Boolean));
    if (drawn() === shown.length) more.remove();
  }, { class: "button small" });
  const table = shown.length === 0
    ? h("p", { class: "empty" }, view.document.gaps.length === 0 ? "No gap was found where both sides could be compared. See below what was compared." : "No gap here.")
    : h("div", { class: "scroll" }, h("table", { class: "gaps", "aria-labelledby": "gaps-title" },
      h("thead", null, head(view)), body), more);
  return h("section", { class: "panel", "aria-labelledby": "gaps-title" },
    h("div", { class: "panel-head" }, h("h2", { id: "gaps-title", tabindex: -1 }, many(shown.length, "gap")), tools), filter, table);
}
