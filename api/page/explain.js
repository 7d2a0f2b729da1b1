// One gap from the lines of the files to the cent.

import { copy } from "./csv.js";
import { button, h } from "./dom.js";
import { stepChart } from "./charts.js";
import { count, day, kind, money, moneyOf, month } from "./words.js";

const ROLES = {
  counted: "What the client has",
  billed: "What the client is billed",
  bundle_parent: "The bundle that includes it",
  adjustment: "Charged or given back apart",
};

/** The days of a record, in words. */
function days(record) {
  if (record.from && record.until) return `${day(record.from)} until ${day(record.until)}`;
  if (record.from) return `from ${day(record.from)} on`;
  return record.on ? `on ${day(record.on)}` : "";
}

/** What a record says, in a line. */
function says(record) {
  const parts = [];
  if (record.purchased != null) parts.push(`${count(record.purchased)} bought`);
  if (record.assigned != null) parts.push(`${count(record.assigned)} assigned`);
  if (record.active != null) parts.push(`${count(record.active)} active`);
  if (record.quantity != null) parts.push(`${count(record.quantity)} seats`);
  const price = record.unit_price ?? record.unit_cost;
  if (price != null && record.currency) parts.push(`at ${money(price, record.currency)}`);
  if (record.term) parts.push(record.term);
  if (record.line_type && record.line_type !== "regular") parts.push(record.line_type.replaceAll("_", " "));
  return parts.join(", ");
}

function rows(explanation) {
  const groups = Object.keys(ROLES).map((role) => [role, explanation.rows.filter((row) => row.role === role)]);
  return h("section", null, h("h4", null, "The rows behind it"),
    groups.filter(([, list]) => list.length > 0).map(([role, list]) =>
      h("div", { class: "rows" }, h("h5", null, ROLES[role]),
        h("ul", null, list.slice(0, 40).map((row) => h("li", null,
          h("span", { class: "source" }, `${row.file}, ${row.file.endsWith(".json") ? "item" : "line"} ${row.line}`),
          h("span", null, says(row.record)), h("span", { class: "dim" }, days(row.record))))),
        list.length > 40 && h("p", { class: "dim" }, `and ${list.length - 40} more`))));
}

const COUNTS = { claimed: "", provisional: "not over yet, not counted", time_barred: "too old, not counted" };

function months(explanation) {
  const gap = explanation.gap;
  const currency = gap.amount?.currency;
  const amount = (text) => (currency ? money(text, currency) : "–");
  const line = (part) => h("tr", { class: part.counts_as === "claimed" ? null : "barred" },
    h("th", { scope: "row" }, month(part.month)),
    h("td", { class: "sum" }, part.calculation, COUNTS[part.counts_as] && h("em", null, ` ${COUNTS[part.counts_as]}`)),
    h("td", { class: "number" }, amount(part.amount)));
  return h("section", null, h("h4", null, "How it adds up"),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Calculation by month" },
      h("table", { class: "calc" },
        h("thead", null, h("tr", null, h("th", { scope: "col" }, "Month"), h("th", { scope: "col" }, "Calculation"), h("th", { scope: "col", class: "number" }, "Amount"))),
        h("tbody", null, explanation.months.map(line)),
        h("tfoot", null, h("tr", null, h("th", { scope: "row", colspan: 2 }, `Together ${count(gap.seat_months, 6)} seat-months`),
          h("td", { class: "number" }, gap.unpriced ? "no price" : moneyOf(gap.amount)))))));
}

function rules(explanation) {
  if (explanation.rules.length === 0) return null;
  return h("section", null, h("h4", null, "Rules that hold here"),
    h("ul", { class: "plain" }, explanation.rules.map((rule) => h("li", null,
      `${rule.kind.replaceAll("_", " ")} ${rule.value}: ${rule.reason} `, h("span", { class: "dim" }, `(${rule.owner})`)))));
}

function names(explanation) {
  const mapped = explanation.names.filter((name) => name.mapping || name.written !== name.stands_for);
  if (mapped.length === 0) return null;
  return h("section", null, h("h4", null, "Names"),
    h("ul", { class: "plain" }, mapped.map((name) => h("li", null, name.mapping ?? `${name.written} stands for ${name.stands_for}`))));
}

/** What follows from it. */
function facts(gap) {
  const less = gap.direction === "under" ? "more" : "less";
  const after = gap.amount_after_adjustments;
  const lines = [
    after && after.amount !== gap.amount?.amount && `${moneyOf(after)} is left after what other lines charged or gave back already`,
    Number(gap.time_barred.amount) > 0 && `${money(gap.time_barred.amount, gap.amount.currency)} is older than the limit of back-billing and not in the amount`,
    Number(gap.monthly_forward?.amount ?? 0) > 0 && `${moneyOf(gap.monthly_forward)} ${less} each month from now on`,
    gap.assumed && "Days before a snapshot are taken to be as the snapshot shows",
    gap.needs_allocation && "The client is billed in several entities: it is to be allocated first",
  ].filter(Boolean);
  return lines.length > 0 && h("ul", { class: "facts" }, lines.map((line) => h("li", null, line)));
}

/** The text for the client, to be copied. */
function inWords(text, sentences) {
  const told = h("span", { class: "told", role: "status" });
  const take = async () => { told.textContent = (await copy(text.join("\n\n"))) ? "Copied." : "The browser does not let this page copy."; };
  return h("section", null, h("h4", null, "In words, for the client"),
    sentences.slice(1).map((part) => h("p", { class: "small" }, part)),
    h("p", { class: "tools" }, button("Copy the text", take, { class: "button small" }), told));
}

/** Everything about one gap. */
export function explained(explanation) {
  const { gap, text } = explanation;
  // The calculations stand in the table; here are the sentences around it.
  const sentences = text.filter((part) => !/^\d{4}-\d{2}: /.test(part));
  return h("article", { class: "explained" },
    h("header", null, h("p", { class: "eyebrow" }, kind(gap.kind)),
      h("h3", null, `${gap.client}: ${gap.product}`),
      h("p", { class: "figure" }, gap.unpriced ? "no price known" : moneyOf(gap.amount))),
    h("p", null, sentences[0]),
    stepChart(explanation.stretches),
    months(explanation),
    facts(gap),
    h("div", { class: "columns" }, rows(explanation), h("div", null, rules(explanation), names(explanation),
      inWords(text, sentences))));
}
