// The parts of a result around the table: totals, questions, what stands apart, coverage, files.

import { button, h, uniqueId } from "./dom.js";
import { count, cycle, day, many, money, moneyOf, month, reason, side } from "./words.js";

const figure = (words, amount, note, kind) =>
  h("div", { class: `total ${kind}` }, h("dt", null, words), h("dd", null, h("span", { class: "figure" }, amount), note && h("span", { class: "note" }, note)));

/** Totals of one currency. */
export function totals(document, currency) {
  const total = document.totals.find((total) => total.currency === currency);
  const of = (name) => money(total?.[name] ?? "0", currency);
  const [gaps, over] = ["under", "over"].map((way) =>
    document.gaps.filter((gap) => gap.direction === way && gap.amount?.currency === currency).length);
  const waste = document.waste_totals.find((money) => money.currency === currency);
  const barred = Number(total?.time_barred ?? 0) > 0;
  const aside = [
    waste && h("li", null, h("strong", null, money(waste.amount, currency)), " bought and not used, your own cost"),
    barred && h("li", null, h("strong", null, of("time_barred")), " too old to charge or credit"),
    document.unpriced_gaps > 0 && h("li", null, `${many(document.unpriced_gaps, "gap")} without a price, in seats only`),
  ].filter(Boolean);
  return h("section", { "aria-label": `Totals in ${currency}` },
    h("dl", { class: "totals" },
      figure("Billed too little", of("under"), many(gaps, "gap"), "under"),
      figure("Billed too much", of("over"), many(over, "gap"), "over"),
      figure("Each month from now", `+${of("forward_under")}`, `−${of("forward_over")} billed too much`, "forward")),
    aside.length > 0 && h("ul", { class: "beside" }, aside));
}

/** Matches that wait for a person. */
export function proposals(view) {
  const waiting = view.document.proposals.filter((proposal) => proposal.status === "waiting");
  const decided = ["yes", "no"].flatMap((way) => view.state[way].map((pair) => [way, pair]));
  if (waiting.length + decided.length === 0) return null;
  const seen = new Set();
  const once = waiting.filter((p) => !seen.has(`${p.side}\t${p.source}\t${p.target}`) && seen.add(`${p.side}\t${p.source}\t${p.target}`));
  const item = (proposal) => {
    const pair = { side: proposal.side, source: proposal.source, target: proposal.target };
    if (pair.source.toLowerCase() === pair.target.toLowerCase()) {
      return h("li", { class: "question" }, h("p", null, h("q", null, pair.source), ` is the name of several ids. Which one the bill means is not told by the name.`),
        h("p", { class: "dim small" }, "Add a file of mappings that names the id: side, source, target, approved_by."));
    }
    return h("li", { class: "question" },
      h("p", null, `Is the ${proposal.side} `, h("q", null, proposal.source), " on the bill the same as ", h("q", null, proposal.target), "?"),
      h("p", { class: "dim small" }, `Likeness ${count(Number(proposal.score) * 100, 0)} %. ${proposal.reasons.join("; ")}.`),
      h("div", { class: "actions" },
        button("Yes, the same", () => view.decide("yes", pair), { class: "button small primary", "data-decide": "yes" }),
        button("No", () => view.decide("no", pair), { class: "button small", "aria-label": `No, ${proposal.source} is not ${proposal.target}` })));
  };
  return h("section", { class: "panel ask", "aria-labelledby": "ask-title" },
    h("h2", { id: "ask-title", tabindex: -1 }, once.length > 0 ? `${many(once.length, "match waits", "matches wait")} for you` : "Decided by you"),
    once.length > 0 && h("p", { class: "dim" }, "A likeness is never used by itself. Until you decide, neither side of it is compared."),
    h("ul", { class: "plain" }, once.slice(0, 20).map(item)),
    once.length > 20 && h("p", { class: "dim" }, `and ${once.length - 20} more after these`),
    h("ul", { class: "plain decided" }, decided.map(([way, pair]) => h("li", null,
      h("span", null, h("q", null, pair.source), way === "yes" ? " is the same as " : " is not ", h("q", null, pair.target), ". "),
      h("button", { type: "button", class: "link", onclick: () => view.undo(way, pair) }, "Undo")))));
}

const ASK = {
  client: "Whose file is this? It names no client.",
  date_order: "In dates such as 03/04/2026, what comes first?",
  currency: "In which currency are its prices?",
  invoice_timing: "Which months does an invoice charge?",
};
const CHOICES = { dmy: "Day first (3 April)", mdy: "Month first (4 March)", advance: "From its date on", arrears: "Before its date" };

/** What files do not say. */
export function questions(list, answer) {
  if (list.length === 0) return null;
  const form = h("form", { class: "panel ask", onsubmit: (event) => {
    event.preventDefault();
    answer(list.map((question, at) => ({ ...question, answer: new FormData(form).get(`q${at}`) })));
  } },
  h("h2", { tabindex: -1, id: "questions-title" }, list.length === 1 ? "One question first" : `${list.length} questions first`),
  list.map((question, at) => {
    const words = ASK[question.question] ?? question.question;
    const choices = question.choices;
    const title = [h("span", { class: "source" }, question.file), words];
    if (choices.length === 0) {
      const id = uniqueId("answer");
      return h("div", { class: "question" }, h("label", { for: id }, title),
        h("input", { id, name: `q${at}`, required: true, maxlength: question.question === "currency" ? 3 : 300,
          pattern: question.question === "currency" ? "[A-Za-z]{3}" : null,
          placeholder: question.question === "currency" ? "USD" : "Name of the client", autocomplete: "off" }));
    }
    return h("fieldset", { class: "question" }, h("legend", null, title),
      choices.map((choice) => h("label", { class: "radio" }, h("input", { type: "radio", name: `q${at}`, value: choice, required: true }), CHOICES[choice] ?? choice)));
  }),
  h("button", { class: "button primary", type: "submit" }, "Continue"));
  return form;
}

const classes = (number, hidden) => [number && "number", hidden && "wide"].filter(Boolean).join(" ") || null;

function table(title, note, columns, rows) {
  if (rows.length === 0) return null;
  return h("section", { class: "panel" }, h("h2", null, title), h("p", { class: "dim" }, note),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title },
      h("table", { class: "list" },
        h("thead", null, h("tr", null, columns.map(([name, number, hidden]) => h("th", { scope: "col", class: classes(number, hidden) }, name)))),
        h("tbody", null, rows.slice(0, MOST_LINES).map((cells) => h("tr", null, cells.map((cell, at) =>
          h(at === 0 ? "th" : "td", { scope: at === 0 ? "row" : null, class: classes(columns[at][1], columns[at][2]) }, cell))))))));
}

const both = (one, more) => [h("span", { class: "client" }, one.client), h("span", { class: "product" }, one.product), more && h("span", { class: "kind-small" }, more)];

/** What is told, and is in no total of gaps. */
export function apart(document, client) {
  const of = (list) => list.filter((one) => !client || one.client === client);
  return [
    table("Another price than agreed", "A conversation about the price, not a correction of seats.",
      [["Client and product"], ["Agreed", 1, 1], ["Billed", 1, 1], ["Seats", 1], ["Makes", 1]],
      of(document.price_differences).map((one) => [both(one, `${money(one.billed, one.amount.currency)} instead of ${money(one.expected, one.amount.currency)}`), money(one.expected, one.amount.currency) + cycle(one.cycle),
        money(one.billed, one.amount.currency), count(one.seats), moneyOf(one.amount)])),
    table("Billed on another term than bought", "The same number of seats, at the price of another commitment.",
      [["Client and product"], ["Seats", 1], ["Billed as", 0, 1], ["Bought as", 0, 1], ["Difference", 1]],
      of(document.term_mix).map((one) => [both(one, `${one.from_term} instead of ${one.to_term}`), count(one.seats), one.from_term, one.to_term, moneyOf(one.amount)])),
    table("Bought and not used", "Waste is your cost, not the client's bill. It is never added to the gaps.",
      [["Client and product"], ["Seats", 1], ["Seat-months", 1, 1], ["Cost", 1], ["Can be dropped by", 0, 1]],
      of(document.waste).map((one) => [both(one, one.drop_by && `can be dropped by ${day(one.drop_by)}`), count(one.seats), count(one.seat_months), moneyOf(one.cost), one.drop_by ? day(one.drop_by) : "–"])),
  ];
}

const span = (months) => (months ? (months[0] === months[1] ? month(months[0]) : `${month(months[0])} – ${month(months[1])}`) : "–");

/** Clients and rows that a list shows. */
const MOST_LINES = 200;

/** What was compared, what was not, and why. */
export function coverage(document) {
  const whole = document.coverage.filter((line) => !line.product);
  const parts = (client) => {
    const seen = new Map();
    for (const line of document.coverage.filter((line) => line.client === client && line.product)) seen.set(line.product + line.reason, line);
    return [...seen.values()];
  };
  const compared = whole.filter((line) => line.status === "compared").length;
  // Those that could not be compared first: they are what is to be done.
  const listed = [...whole].sort((a, b) => (a.status < b.status ? 1 : a.status > b.status ? -1 : 0)).slice(0, MOST_LINES);
  const remark = (line) => [
    line.reason && h("p", { class: "why" }, h("strong", null, reason(line.reason)[0]), " ", reason(line.reason)[1]),
    line.missing_months.length > 0 && !line.reason && h("p", { class: "dim small" }, `Not compared: ${line.missing_months.map((name) => month(name)).join(", ")}`),
    line.assumed && h("p", { class: "dim small" }, "Rests on a snapshot that is taken to hold for the whole time."),
    parts(line.client).map((part) => h("p", { class: "small" }, h("strong", null, part.product), ` ${reason(part.reason)[0].toLowerCase()}`)),
  ];
  return h("section", { class: "panel", "aria-labelledby": "coverage-title" },
    h("h2", { id: "coverage-title" }, `${compared} of ${many(whole.length, "client")} compared`),
    h("p", { class: "dim" }, "What cannot be compared is a result too. No money is made up for it."),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Coverage" },
      h("table", { class: "list coverage" },
        h("thead", null, h("tr", null, ["Client", "Result", "Has", "Billed"].map((name, at) => h("th", { scope: "col", class: at > 1 ? "wide" : null }, name)))),
        h("tbody", null, listed.map((line) => h("tr", { class: line.status }, h("th", { scope: "row" }, line.client),
          h("td", null, h("span", { class: line.status === "compared" ? "state good" : "state" }, line.status === "compared" ? "Compared" : "Not compared"), remark(line)),
          h("td", { class: "nowrap wide" }, span(line.entitlement)), h("td", { class: "nowrap wide" }, span(line.billing))))))),
    whole.length > MOST_LINES && h("p", { class: "dim" }, `and ${whole.length - MOST_LINES} more`));
}

/** What each file was read as, and what was wrong with it. */
export function files(list, tools) {
  const item = (file) => h("li", { class: file.used ? "file" : "file bad" },
    h("div", { class: "file-line" }, h("strong", null, file.name),
      h("span", { class: "dim" }, file.title ? `${file.title}${file.sides.length ? ` (${file.sides.map(side).join(", ")})` : ""}, ${many(file.rows, "row")}` : "not read"),
      tools?.(file)),
    file.error && h("p", { class: "why" }, file.error.line ? `Line ${file.error.line}: ` : "", file.error.message),
    file.refused_total > 0 && h("details", null, h("summary", null, `${many(file.refused_total, "row")} could not be read; their clients are not compared`),
      h("ul", null, file.refused.map((row) => h("li", null, `Line ${row.line}${row.column ? `, ${row.column}` : ""}${row.value ? `: ${row.value}` : ""} ${row.reason}`)))),
    file.notes.length > 0 && h("details", null, h("summary", null, many(file.notes.length, "remark")), h("ul", null, file.notes.map((note) => h("li", null, note)))));
  return h("section", { class: "panel", "aria-labelledby": "files-title" }, h("h2", { id: "files-title" }, "Files"),
    h("ul", { class: "plain files" }, list.map(item)));
}
