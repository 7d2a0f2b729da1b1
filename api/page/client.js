// The page of a client's link: what was found, in words first, and the client's answer.

import { openDialog } from "./client-dialogs.js";
import { look, token } from "./client-link.js";
import * as parts from "./client-parts.js";
import { byId, button, fill, h } from "./dom.js";

function show(view) {
  document.title = `${view.msp}: correction for ${view.client}`;
  fill(byId("msp"), view.msp);
  const choose = (chosen) => openDialog(view, chosen, done);
  const told = view.message !== null;
  fill(byId("page"),
    parts.summary(view),
    told && parts.totals(view),
    parts.answers(view, choose),
    parts.objections(view),
    parts.plan(view),
    told && view.lines.map(parts.product(view)),
    parts.letter(view));
  fill(byId("foot"), parts.foot(view));
  fill(byId("problem"));
  byId("page").hidden = false;
}

/** After an answer: the page as it then is, and a word about it. */
async function done(view, words) {
  if (view) show(view);
  else await load();
  fill(byId("status"), h("p", { class: "done" }, words));
  byId("status").scrollIntoView({ block: "center" });
}

async function load() {
  fill(byId("status"), h("p", { class: "busy" }, h("span", { class: "spinner", "aria-hidden": "true" }), "One moment"));
  try {
    if (!token()) throw new Error("This address is not complete. Copy the whole of it from the message that you were sent.");
    show(await look());
  } catch (problem) {
    fail(problem);
  } finally {
    fill(byId("status"));
  }
}

function fail(problem) {
  byId("page").hidden = true;
  const passing = problem.status === 0 || problem.status === 429 || problem.status >= 500;
  fill(byId("problem"), h("section", { class: "panel problem" },
    h("h1", { class: "problem-title" }, problem.status === 410 ? "This link has ended" : "This page cannot be shown"),
    h("p", null, problem.message),
    passing && h("div", { class: "actions" }, button("Try again", load))));
}

byId("skip").addEventListener("click", (event) => {
  // The address holds the link: it must not become `#main`.
  event.preventDefault();
  byId("main").focus();
});
window.addEventListener("hashchange", load);
load();
