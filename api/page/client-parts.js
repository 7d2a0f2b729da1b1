// What the page of a client's link shows: words first, then figures, then where they come from.

import { button, h, s, uniqueId } from "./dom.js";
import { count, day, exact, many, money, moneyOf, month, shortMonth } from "./words.js";

const isUnder = (view) => view.direction === "under";
const has = (part) => exact(part.amount.amount) > 0n || exact(part.seat_months) > 0n;
const open = (view) => view.objections.filter((one) => one.open);

export const REASONS = {
  unauthorized_seats: "We did not order these seats",
  count_wrong: "We have fewer seats than that",
  already_paid: "We have paid for this already",
  price: "The price is not right",
  late_billing: "This comes too late",
  contract_review: "We want to look at the contract first",
  refusal: "We do not want to pay this",
};

/** What it is, in a sentence; where it stands, in another. */
export function summary(view) {
  const { msp, client } = view;
  const amount = moneyOf(view.totals.claimed.amount);
  const products = [...new Set(view.lines.map((line) => line.product))];
  const what = products.length > 1 ? `${products.length} products` : products[0];
  let title = `A correction of your invoices from ${msp}`;
  let lead = `${msp} is preparing this page. There is nothing for you to do yet.`;
  if (view.message && isUnder(view)) {
    title = `${msp} billed ${amount} too little`;
    lead = `${msp} compared its records with the invoices to ${client} and found seats of ${what ?? "licences"} that you have and that were not billed. Nothing is charged before you have seen this.`;
  } else if (view.message) {
    title = `${msp} owes you ${amount}`;
    lead = `${msp} compared its records with the invoices to ${client} and found that it had billed too many seats of ${what ?? "licences"}. You get all of it back.`;
  }
  return h("section", { class: "start", "aria-labelledby": "title" },
    h("h1", { id: "title", tabindex: "-1" }, title), h("p", { class: "lead" }, lead), standing(view));
}

function standing(view) {
  const words = [];
  if (view.state === "found" && view.message) words.push(`${view.msp} is looking at this again and will write to you.`);
  if (view.state === "resolved") words.push("This is settled. Nothing is left for you to do.");
  if (view.state === "waived") words.push("What was open is not charged, as you confirmed.");
  if (view.accepted_at) words.push(`Accepted on ${day(view.accepted_at.slice(0, 10))}. Thank you.`);
  if (open(view).length) {
    const sum = open(view).reduce((sum, one) => sum + exact(one.disputed.amount.amount), 0n);
    words.push(`You object to ${money(sum, view.currency)}. It rests until ${view.msp} has answered, by ${day(open(view)[0].reply_by)}.`);
  }
  if (!words.length && view.message && view.state === "communicated") words.push(`Please answer by ${day(view.message.reply_by)}.`);
  return words.map((text) => h("p", { class: "standing" }, text));
}

/** The sums. */
export function totals(view) {
  const one = (name, part, note, kind) =>
    h("div", { class: `total ${kind ?? ""}` }, h("dt", null, name),
      h("dd", null, h("span", { class: "figure" }, moneyOf(part.amount)), note && h("span", { class: "note" }, note)));
  const { claimed, billed, credited, given_up: given, open: left } = view.totals;
  const seats = `${count(claimed.seat_months)} seat-months, before tax`;
  return h("dl", { class: "totals" },
    one(isUnder(view) ? "For past months" : "Billed too much", claimed, seats, "under"),
    isUnder(view) && exact(view.monthly_forward.amount) > 0n && h("div", { class: "total" }, h("dt", null, "From now on"),
      h("dd", null, h("span", { class: "figure" }, `+${moneyOf(view.monthly_forward)}`), h("span", { class: "note" }, view.next_invoice_on ? `a month, from ${day(view.next_invoice_on)}` : "a month"))),
    has(billed) && one("Invoiced or agreed", billed),
    has(credited) && one("Given back", credited),
    has(given) && one("Not charged", given),
    (has(billed) || has(credited) || has(given)) && one("Still open", left));
}

/** Billed and billable by month, for one product. */
function chart(line) {
  const months = line.months;
  const high = months.reduce((most, one) => Math.max(most, Number(one.billable), Number(one.billed)), 1);
  const [height, top, foot] = [180, 18, 24];
  const scale = (height - top - foot) / high;
  const step = 100 / months.length;
  const wide = Math.min(step * 0.34, 6);
  const every = Math.ceil(months.length / 8);
  const ground = height - foot;
  const id = uniqueId("hatch");
  const columns = months.map((one, at) => {
    const middle = at * step + step / 2;
    const [a, b] = [Number(one.billable) * scale, Number(one.billed) * scale];
    return s("g", null,
      s("rect", { class: "have", x: `${middle - wide}%`, y: ground - a, width: `${wide * 0.94}%`, height: a, rx: 2 }),
      s("rect", { class: "was", x: `${middle + wide * 0.06}%`, y: ground - b, width: `${wide * 0.94}%`, height: b, rx: 2, fill: `url(#${id})` }),
      at % every === 0 && s("text", { class: "axis", x: `${middle}%`, y: height - 6 }, shortMonth(one.month)));
  });
  const pattern = () => s("pattern", { id, width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    s("rect", { class: "over-ground", width: 5, height: 5 }), s("line", { class: "over-line", x1: 0, y1: 0, x2: 0, y2: 5 }));
  return h("figure", { class: "chart-of" },
    s("svg", { class: "months", height, "aria-hidden": "true" }, s("defs", null, pattern()),
      s("line", { class: "ground", x1: 0, x2: "100%", y1: ground + 0.5, y2: ground + 0.5 }), columns,
      s("text", { class: "axis start", x: 0, y: 11 }, `up to ${many(high, "seat")}`)),
    h("figcaption", null, h("ul", { class: "legend" },
      h("li", null, s("svg", { width: 12, height: 12, "aria-hidden": "true" }, s("rect", { class: "have", width: 12, height: 12, rx: 3 })), "to be billed"),
      h("li", null, s("svg", { width: 12, height: 12, "aria-hidden": "true" }, s("rect", { class: "was", width: 12, height: 12, rx: 3, fill: `url(#${id})` })), "billed"))));
}

const right = (name) => h("th", { scope: "col", class: "number" }, name);

function table(line, currency) {
  const rows = line.months.map((one) => h("tr", { class: one.time_barred && "barred" },
    h("th", { scope: "row" }, month(one.month), one.time_barred && h("span", { class: "remark" }, "too old, not asked for")),
    h("td", { class: "number" }, count(one.billable)), h("td", { class: "number" }, count(one.billed)),
    h("td", { class: "number wide" }, count(one.seat_months, 6)), h("td", { class: "number" }, moneyOf(one.amount))));
  const sum = line.months.filter((one) => !one.time_barred).reduce((sum, one) => sum + exact(one.amount.amount), 0n);
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${line.product}, month by month` },
    h("table", { class: "list" },
      h("caption", { class: "offscreen" }, `${line.product}, month by month`),
      h("thead", null, h("tr", null, h("th", { scope: "col" }, "Month"), right("You have"), right("Billed"),
        h("th", { scope: "col", class: "number wide" }, "Seat-months"), right("Difference"))),
      h("tbody", null, rows),
      h("tfoot", null, h("tr", null, h("th", { scope: "row" }, "Together"), h("td"), h("td"), h("td", { class: "wide" }),
        h("td", { class: "number" }, money(sum, currency))))));
}

function source(one) {
  const lines = one.lines.join(", ");
  return h("li", null, h("span", { class: "strong" }, one.file),
    h("span", { class: "source" }, `line${one.lines.length > 1 ? "s" : ""} ${lines}${one.more ? ` and ${one.more} more` : ""}`));
}

/** One product: chart, table, rows. */
export const product = (view) => (line) =>
  h("section", { class: "panel", "aria-labelledby": `line-${line.number}` },
    h("h2", { id: `line-${line.number}` }, line.product),
    h("p", { class: "dim" }, line.unit_price && `${money(line.unit_price, view.currency)} a seat and month. `,
      `Billed until now: ${many(line.billed_seats, "seat")}. `,
      view.next_invoice_on && `On your invoice of ${day(view.next_invoice_on)}: ${many(line.next_seats, "seat")}.`),
    line.months.length > 0 && [chart(line), table(line, view.currency)],
    line.sources.length > 0 && h("details", null, h("summary", null, "Where these figures come from"),
      h("p", { class: "small dim" }, `Rows of the files that ${view.msp} compared. Ask for any of them.`),
      h("div", { class: "rows" }, h("ul", null, line.sources.map(source)))));

/** A paragraph of the letter's text flows; a table keeps its columns. */
function block(text) {
  const isTable = text.split("\n").some((line) => /^[- ]{5,}$/.test(line));
  return isTable ? h("pre", { tabindex: "0" }, text) : h("p", null, text.replaceAll("\n", " "));
}

/** The letter, as it was sent; else what was told. */
export function letter(view) {
  if (view.letter) {
    return h("section", { class: "panel", "aria-labelledby": "letter" }, h("h2", { id: "letter" }, "The letter"),
      h("p", { class: "dim" }, `${view.letter.subject}. Sent ${day(view.letter.sent_at.slice(0, 10))}.`),
      h("div", { class: "letter" }, view.letter.text.trim().split("\n\n").map(block)));
  }
  if (!view.message) return null;
  const { context, data, going_forward: next, on } = view.message;
  return h("section", { class: "panel", "aria-labelledby": "letter" }, h("h2", { id: "letter" }, `What ${view.msp} wrote`),
    h("p", { class: "dim" }, day(on)), [context, data, next].map((text) => h("p", { class: "said" }, text)));
}

function planTable(parts, caption) {
  return h("div", { class: "scroll" }, h("table", null, h("caption", { class: "offscreen" }, caption),
    h("thead", null, h("tr", null, h("th", { scope: "col" }, "Due"), right("Amount"), h("th", { scope: "col" }, "State"))),
    h("tbody", null, parts.map((one) => h("tr", null, h("th", { scope: "row" }, day(one.due_on)),
      h("td", { class: "number" }, moneyOf(one.amount)), h("td", null, one.state === "scheduled" ? "to come" : one.state))))));
}

/** A way to pay in a few words: how many parts, how much, from when on. */
export function wayName({ parts, cadence }) {
  const [first] = parts;
  if (parts.length === 1) return `All at once: ${moneyOf(first.amount)} on ${day(first.due_on)}`;
  const even = parts.every((one) => one.amount.amount === first.amount.amount);
  return `${parts.length} ${cadence} parts of ${moneyOf(first.amount)}${even ? " each" : " at most"}, the first on ${day(first.due_on)}`;
}

const planPanel = (title, words, ...content) =>
  h("section", { class: "panel", "aria-labelledby": "plan" }, h("h2", { id: "plan" }, title), h("p", { class: "dim" }, words), content);

/** How it is paid: as agreed, or as offered. */
export function plan(view) {
  const agreed = view.agreed_plan;
  if (agreed.length) {
    const title = agreed.length > 1 ? "You pay in parts" : "You pay all at once";
    return planPanel(title, "As agreed, without a surcharge.", planTable(agreed, title));
  }
  const ways = view.offered_ways;
  if (!ways.length) return null;
  if (ways.length === 1) {
    const [{ parts, why }] = ways;
    const title = parts.length > 1 ? `You can pay in ${many(parts.length, "part")}` : `You can pay on ${day(parts[0].due_on)}`;
    return planPanel(title, "Without a surcharge. You need not: it is an offer.", planTable(parts, title), why && h("p", { class: "small" }, why));
  }
  return planPanel(`You can choose among ${ways.length} ways to pay`, "All come to the same sum, without a surcharge. You need not choose: it is an offer.",
    h("ul", { class: "plain ways" }, ways.map(way)));
}

function way(one) {
  const name = wayName(one);
  return h("li", { id: `way-${one.choice}` }, h("h3", null, name),
    one.parts.length > 1 && h("details", null, h("summary", null, "Show each part"), planTable(one.parts, name)),
    one.why && h("p", { class: "small" }, one.why));
}

/** What was objected, and answered. */
export function objections(view) {
  if (!view.objections.length) return null;
  return h("section", { class: "panel", "aria-labelledby": "objections" }, h("h2", { id: "objections" }, "What you objected to"),
    h("ul", { class: "plain objections" }, view.objections.map((one) => h("li", null,
      h("p", { class: "strong" }, `${REASONS[one.reason] ?? one.reason}: ${moneyOf(one.disputed.amount)}`),
      h("p", { class: "dim small" }, `${day(one.said_at.slice(0, 10))}. ${one.open ? `An answer is due by ${day(one.reply_by)}.` : "Answered."}`),
      one.answer && h("p", { class: "said" }, one.answer)))));
}

/** What is on the button of the offered ways to pay. */
export const payWords = ({ offered_ways: ways }) => {
  if (ways.length > 1) return "Choose how to pay";
  return ways[0]?.parts.length === 1 ? "Pay as offered" : "Pay in parts";
};

const NAMES = { accept: () => "Accept", plan: payWords, dispute: () => "Object" };

/** The buttons; what cannot be done says why where it matters. */
export function answers(view, choose) {
  const can = view.possible.filter((one) => one.allowed);
  const waivers = view.possible.filter((one) => one.action === "confirm_waiver");
  const waits = view.message && ["communicated", "disputed"].includes(view.state);
  if (!can.length && !waivers.length && (view.codes_to || !waits)) return null;
  if (!view.codes_to) {
    return h("section", { class: "panel ask", "aria-labelledby": "answer" }, h("h2", { id: "answer" }, "Your answer"),
      h("p", null, `Nothing can be confirmed on this page, since no code can be mailed to you from here. Tell ${view.msp} by mail or by telephone what you think; they record it.`));
  }
  const simple = can.filter((one) => one.action !== "confirm_waiver").map((one) =>
    button(NAMES[one.action](view), () => choose(one), { class: one.action === "accept" ? "button primary" : "button", id: `do-${one.action}` }));
  return h("section", { class: "panel ask", "aria-labelledby": "answer" }, h("h2", { id: "answer" }, "Your answer"),
    h("p", { class: "dim" }, `Each answer is confirmed by a code that is mailed to ${view.codes_to}. You can object to a part; the rest goes on.`),
    h("div", { class: "actions" }, simple), waivers.map((one) => waiver(view, one, choose)));
}

function waiver(view, one, choose) {
  const amount = moneyOf(view.waivers.find((waiver) => waiver.request === one.request)?.amount);
  return h("div", { class: "waiver" }, h("p", { class: "strong" }, `${view.msp} is ready not to charge ${amount}.`),
    one.allowed
      ? [h("p", { class: "small dim" }, "For the books of both sides it asks you to confirm this in writing."),
        button(`Confirm that ${amount} is not charged`, () => choose(one), { id: `do-waiver-${one.request}` })]
      : h("p", { class: "small" }, one.why));
}

/** Who to ask, and until when the page is there. */
export const foot = (view) => [
  h("p", null, `This page was made by ${view.msp} for ${view.client}. It ends on ${day(view.expires_at.slice(0, 10))}. Case ${view.reference}.`),
  view.facts_sha256 && h("p", { class: "source" }, `Facts ${view.facts_sha256}`),
];
