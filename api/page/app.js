// The page: files or the sample in, one result out. What is known is in `session` and gone with the page.

import * as address from "./address.js";
import { own, Problem, sample, sampleFiles } from "./api.js";
import { clientChart, monthChart } from "./charts.js";
import { save } from "./csv.js";
import { button, byId, fill, h } from "./dom.js";
import { explained } from "./explain.js";
import { gapTable } from "./gaps.js";
import { editor } from "./editor.js";
import * as parts from "./parts.js";
import { many, month } from "./words.js";

const MOST_BYTES = 10 * 1024 * 1024;
const MOST_FILES = 20;

const state = address.read();
/** The visitor's files, what they said of them, edited sample texts, the last answer, explanations. */
let session = fresh();
let running = null;

function fresh() {
  return { files: [], said: {}, texts: {}, from: null, to: null, answer: null, explanations: new Map() };
}

const isOwn = () => session.files.length > 0;

/** What is asked beside the files. */
function request(more = {}) {
  const asked = { ...more };
  const said = Object.entries(session.said).map(([name, answers]) => ({ name, ...answers }));
  for (const [name, text] of Object.entries(session.texts)) said.push({ name, text });
  if (said.length) asked.files = said;
  if (state.yes.length) asked.mappings = state.yes;
  if (state.no.length) asked.rejected = state.no;
  if (session.from) asked.from = session.from;
  if (session.to) asked.to = session.to;
  return asked;
}

const send = (asked, signal) => (isOwn() ? own(session.files, asked, signal) : sample(asked));

/** Asks, and shows the result, what is in the way, or what went wrong. */
async function run(words, focus) {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  fill(byId("problem"));
  fill(byId("status"), h("p", { class: "busy" }, h("span", { class: "spinner", "aria-hidden": "true" }), words));
  byId("result").setAttribute("aria-busy", "true");
  try {
    const answer = await send(request(), signal);
    if (signal.aborted) return;
    session.answer = answer;
    session.explanations.clear();
    show(focus);
  } catch (problem) {
    if (problem.name === "AbortError" || signal.aborted) return;
    fail(problem, () => run(words, focus));
  } finally {
    if (!signal.aborted) {
      fill(byId("status"));
      byId("result").removeAttribute("aria-busy");
    }
  }
}

function fail(problem, again) {
  const known = problem instanceof Problem;
  if (!known) console.error(problem);
  const list = known ? problem.errors.filter((error) => error.reason !== problem.message).slice(0, 20) : [];
  fill(byId("problem"), h("div", { class: "panel problem" },
    h("p", null, h("strong", null, known ? problem.message : "Something went wrong on this page.")),
    list.length > 0 && h("ul", null, list.map((error) => h("li", null, error.pointer ? `${error.pointer}: ` : "", error.reason))),
    problem.retryAfter > 0 && h("p", { class: "dim" }, `There will be room in about ${many(problem.retryAfter, "second")}.`),
    h("div", { class: "actions" }, again && button("Try again", again, { class: "button small" }), button("Start over", startOver, { class: "button small" }))));
}

function startOver() {
  running?.abort();
  session = fresh();
  Object.assign(state, { sample: false, client: null, gap: null, currency: null, sort: null, yes: [], no: [] });
  address.write(state);
  fill(byId("problem"));
  fill(byId("status"));
  fill(byId("result")).hidden = true;
  byId("start").hidden = false;
  byId("choose").focus();
}

function startSample() {
  session = fresh();
  state.sample = true;
  address.write(state);
  return run("Auditing the sample", "#result-title");
}

/** Takes files that were dropped or chosen. */
function take(list) {
  const files = [...session.files];
  for (const file of list) {
    let name = file.name;
    for (let again = 2; files.some((known) => known.name === name); again += 1) name = `${file.name} (${again})`;
    files.push({ name, file });
  }
  const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
  if (list.length === 0) return;
  if (files.length > MOST_FILES) return fail(new Problem(`At most ${MOST_FILES} files at once.`));
  if (bytes > MOST_BYTES) return fail(new Problem("The files have more than 10 MB together. Take one month or a few clients."));
  if (!isOwn()) {
    session = fresh();
    Object.assign(state, { sample: false, client: null, gap: null, yes: [], no: [] });
  }
  session.files = files;
  address.write(state);
  run(`Reading ${many(files.length, "file")}`, "#result-title");
}

function remove(name) {
  session.files = session.files.filter((file) => file.name !== name);
  delete session.said[name];
  if (session.files.length === 0) return startOver();
  run("Reading again", "#files-title");
}

function answerQuestions(answers) {
  for (const { file, question, answer } of answers) {
    if (!answer) continue;
    const value = question === "currency" ? answer.trim().toUpperCase() : answer.trim();
    session.said[file] = { ...session.said[file], [question]: value };
  }
  run("Reading again with your answers", "#result-title");
}

/** What the parts of the result may do. */
const view = {
  state,
  get document() {
    return session.answer.audit;
  },
  change(patch, focus) {
    Object.assign(state, patch);
    address.write(state);
    show(focus);
  },
  toggle(gap) {
    const open = state.gap === gap.id;
    this.change({ gap: open ? null : gap.id }, `[data-gap="${gap.id}"]`);
    if (!open) document.querySelector(".opened")?.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  },
  decide(answer, pair) {
    state[answer].push(pair);
    address.write(state);
    run("Comparing again", "#gaps-title");
  },
  undo(answer, pair) {
    state[answer] = state[answer].filter((known) => known !== pair);
    address.write(state);
    run("Comparing again", "#gaps-title");
  },
  async explain(gap, cell) {
    const known = session.explanations.get(gap.id);
    if (known) return fill(cell, explained(known));
    fill(cell, h("p", { class: "busy", role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), "Following it to its rows"));
    const asked = session;
    try {
      const answer = await send(request({ explain: gap.id }));
      if (asked !== session) return;
      session.explanations.set(gap.id, answer.explanation);
      fill(cell, explained(answer.explanation));
    } catch (problem) {
      fill(cell, h("p", { role: "alert" }, problem.message, " ", button("Try again", () => this.explain(gap, cell), { class: "button small" })));
    }
  },
};

const currenciesOf = (document) => {
  const names = new Set(document.totals.map((total) => total.currency));
  for (const money of document.waste_totals) names.add(money.currency);
  const gaps = (name) => document.gaps.filter((gap) => gap.amount?.currency === name).length;
  return [...names].sort((a, b) => gaps(b) - gaps(a) || (a < b ? -1 : 1));
};

function heading(answer) {
  const { months } = answer;
  const title = isOwn() ? "Your files" : Object.keys(session.texts).length ? "The sample, with your changes" : "A sample service provider, 12 clients";
  return h("div", { class: "result-head" },
    h("div", null, h("h1", { id: "result-title", tabindex: -1 }, title),
      h("p", { class: "dim" }, months ? (months.from === months.to ? month(months.from, "long") : `${month(months.from, "long")} to ${month(months.to, "long")}`) : "Not compared yet")),
    h("div", { class: "actions" },
      isOwn() && button("Add files", () => byId("picker").click(), { class: "button small" }),
      button(isOwn() ? "Start over" : "Use your own files", startOver, { class: "button small" })));
}

function period(answer) {
  if (!isOwn() || !answer.months) return null;
  const form = h("form", { class: "period", onsubmit: (event) => {
    event.preventDefault();
    const chosen = new FormData(form);
    [session.from, session.to] = [chosen.get("from") || null, chosen.get("to") || null];
    run("Comparing again", "#result-title");
  } },
  ["from", "to"].map((name) => h("label", null, name === "from" ? "From" : "to",
    h("input", { type: "month", name, value: answer.months[name], pattern: "\\d{4}-\\d{2}", placeholder: "2026-01" }))),
  h("button", { type: "submit", class: "button small" }, "Compare these months"));
  return form;
}

function result(answer) {
  const document = answer.audit;
  const tools = isOwn() ? (file) => button("Remove", () => remove(file.name), { class: "link", "aria-label": `Remove ${file.name}` }) : null;
  const files = parts.files(answer.files, tools);
  if (!document) {
    return [parts.questions(answer.questions, answerQuestions),
      answer.questions.length === 0 && h("div", { class: "panel problem" }, h("p", null, h("strong", null, answer.not_audited ?? ""))), files];
  }
  const currencies = currenciesOf(document);
  const currency = currencies.includes(state.currency) ? state.currency : currencies[0];
  const of = document.gaps.filter((gap) => !gap.amount || gap.amount.currency === currency || !currency);
  const priced = of.filter((gap) => gap.amount);
  const shown = of.filter((gap) => !state.client || gap.client === state.client);
  const { from, to } = answer.months;
  const choice = currencies.length > 1 && h("div", { class: "choice", role: "group", "aria-label": "Currency" },
    currencies.map((name) => button(name, () => view.change({ currency: name, gap: null, client: null }, `[data-currency="${name}"]`),
      { class: "button small", "data-currency": name, "aria-pressed": String(name === currency) })));
  return [choice, currency && parts.totals(document, currency), parts.proposals(view),
    priced.length > 0 && h("div", { class: "charts" },
      clientChart(priced, currency, state.client, (client) => view.change({ client, gap: null }, "#gaps-title")),
      monthChart(state.client ? shown.filter((gap) => gap.amount) : priced, currency, from, to)),
    gapTable(view, shown), parts.apart(document, state.client), parts.coverage(document), period(answer), files,
    isOwn() ? null : sampleTools()];
}

/** The sample's files: to look into, to save, to change. */
function sampleTools() {
  const place = h("div", null);
  const details = h("details", { class: "panel", ontoggle: async () => {
    if (!details.open || place.childElementCount) return;
    try {
      const { data, command } = await sampleFiles();
      fill(place, editor(data, command, session.texts, save, (texts) => {
        session.texts = texts;
        run("Comparing again with your changes", "#result-title");
      }));
    } catch (problem) {
      fill(place, h("p", { role: "alert" }, problem.message));
    }
  } }, h("summary", null, h("h2", null, "Look into the sample's files, change them, run it yourself")), place);
  return details;
}

/** Draws everything anew: it is little, and so nothing can be stale. */
function show(focus) {
  const answer = session.answer;
  if (!answer) return;
  byId("start").hidden = true;
  const place = byId("result");
  const top = scrollY;
  fill(place, heading(answer), result(answer));
  place.hidden = false;
  const target = focus && place.querySelector(focus);
  target?.focus({ preventScroll: true });
  if (focus === "#result-title") scrollTo(0, 0);
  else {
    scrollTo(0, top);
    if (focus === "#gaps-title") target?.scrollIntoView({ block: "nearest" });
  }
}

function listen() {
  byId("choose").addEventListener("click", () => byId("picker").click());
  byId("sample").addEventListener("click", startSample);
  byId("picker").addEventListener("change", (event) => {
    take([...event.target.files]);
    event.target.value = "";
  });
  let depth = 0;
  const over = (on) => document.body.classList.toggle("dragging", on);
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  addEventListener("dragenter", (event) => { if (carries(event)) { depth += 1; over(true); } });
  addEventListener("dragleave", (event) => { if (carries(event) && (depth -= 1) <= 0) { depth = 0; over(false); } });
  addEventListener("dragover", (event) => { if (carries(event)) event.preventDefault(); });
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    depth = 0;
    over(false);
    take([...event.dataTransfer.files]);
  });
  addEventListener("hashchange", () => {
    if (location.hash === "#main") return;
    const before = JSON.stringify([state.yes, state.no]);
    Object.assign(state, address.read());
    if (!state.sample) return;
    if (session.answer && !isOwn() && before === JSON.stringify([state.yes, state.no])) show();
    else startSample();
  });
}

listen();
if (state.sample) startSample();
