// The dialogs of the page of a client's link: what is to be said, then the code that confirms it.

import { act, sendCode } from "./client-link.js";
import { REASONS, payWords, wayName } from "./client-parts.js";
import { button, byId, fill, h, uniqueId } from "./dom.js";
import { day, moneyOf } from "./words.js";

const DONE = {
  accept: () => "Accepted. Thank you.",
  plan: (view) => `Agreed. You pay ${view.agreed_plan.length > 1 ? "in parts" : "all at once"}.`,
  dispute: () => "Noted. What you object to rests until it is answered.",
  confirm_waiver: () => "Confirmed in writing. Thank you.",
};

/** Opens the dialog of an action; `done(view, words)` gets the correction as it then is. */
export function openDialog(view, chosen, done) {
  const title = uniqueId("dialog");
  const dialog = h("dialog", { "aria-labelledby": title });
  const back = document.activeElement;
  const close = () => dialog.close();
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (back?.isConnected) back.focus();
  });
  const body = h("div", { class: "dialog" });
  const fault = h("div", { role: "alert", class: "fault" });
  const frame = (name, ...parts) => {
    fill(body, h("h2", { id: title, tabindex: "-1" }, name), parts, fault);
    fill(fault);
    byId(title)?.focus();
  };
  const told = (problem) => fill(fault, h("p", null, problem.message));

  const several = chosen.action === "plan" && view.offered_ways.length > 1;
  const first = chosen.action === "dispute" ? dispute : several ? ways : simple;
  const context = { view, chosen, frame, told, fault, close, next: (said) => code(context, said, dialog, done) };
  dialog.append(body);
  document.body.append(dialog);
  dialog.showModal();
  first(context);
}

/** Shows that it works, keeps it from being pressed twice, and tells what went wrong. */
async function working(context, pressed, work) {
  fill(context.fault);
  pressed.disabled = true;
  try {
    await work();
  } catch (problem) {
    context.told(problem);
  } finally {
    pressed.disabled = false;
  }
}

const submit = (words) => h("button", { type: "submit", class: "button primary" }, words);

function form(context, parts, words, send) {
  const pressed = submit(words);
  const onsubmit = (event) => {
    event.preventDefault();
    if (!pressed.disabled) working(context, pressed, send);
  };
  return h("form", { onsubmit, novalidate: true }, parts,
    h("div", { class: "actions" }, pressed, button("Not now", context.close)));
}

function simple(context) {
  const { view, chosen } = context;
  const sum = moneyOf(view.totals.claimed.amount);
  const waived = moneyOf(view.waivers.find((one) => one.request === chosen.request)?.amount);
  const [name, words] = {
    accept: ["Accept the correction", `You accept the correction of ${sum} before tax${view.next_invoice_on ? `, and the seats on your invoice of ${day(view.next_invoice_on)}` : ""}.`],
    plan: [payWords(view), `You take the offer: ${view.offered_ways.map(wayName).join()}. You accept the correction with it.`],
    confirm_waiver: ["Confirm in writing", `“We confirm that ${waived} is not charged, and that the seats are billed from now on.”`],
  }[chosen.action];
  context.frame(name, h("p", null, words), mailing(context, () => ({})));
}

/** Several ways to pay, of which one is chosen. */
function ways(context) {
  const { view } = context;
  const name = uniqueId("way");
  const one = (way) => {
    const input = h("input", { type: "radio", name, id: `${name}-${way.choice}`, value: way.choice, disabled: !way.allowed });
    return { input, element: h("label", { class: "radio", for: input.id }, input, h("span", null, wayName(way))) };
  };
  const choices = view.offered_ways.map(one);
  const parts = h("fieldset", { class: "question" }, h("legend", null, "Which way do you choose?"), choices.map((one) => one.element));
  const said = () => {
    const chosen = choices.find((one) => one.input.checked);
    if (chosen) return { choice: Number(chosen.input.value) };
    context.told(new Error("Please choose how you want to pay."));
    choices.find((one) => !one.input.disabled)?.input.focus();
    return null;
  };
  context.frame(payWords(view), h("p", { class: "dim" }, "All come to the same sum. You accept the correction with your choice."), mailing(context, said, parts));
}

/** What a code is about: a waiver, or the way to pay that was chosen. */
const about = (chosen, { choice }) => (chosen.request ? { request: chosen.request } : choice ? { choice } : {});

/** Has the code mailed, and goes on. */
function mailing(context, said, parts = []) {
  const { view, chosen } = context;
  const hint = h("p", { class: "small dim" }, `To confirm it, a code is mailed to ${view.codes_to}.`);
  return form(context, [parts, hint], "Mail me the code", async () => {
    const wish = said();
    if (!wish) return;
    const sent = await sendCode(chosen.action, about(chosen, wish));
    context.next({ wish, sent });
  });
}

function dispute(context) {
  const { view } = context;
  const reason = h("select", { id: uniqueId("reason"), required: true },
    h("option", { value: "" }, "Please choose"),
    Object.entries(REASONS).map(([value, words]) => h("option", { value }, words)));
  const note = h("textarea", { id: uniqueId("note"), rows: 4, maxlength: 2000 });
  const lines = view.lines.map((line) => choice(line, view.lines.length === 1));
  const parts = [
    h("div", { class: "question" }, h("label", { for: reason.id }, "Why?"), reason),
    h("fieldset", { class: "question" }, h("legend", null, "What do you object to?"), lines.map((line) => line.element)),
    h("div", { class: "question" }, h("label", { for: note.id }, "Anything that helps us to look into it"), note),
  ];
  const said = () => {
    const chosen = lines.map((line) => line.read()).filter(Boolean);
    const missing = (words, element) => {
      context.told(new Error(words));
      element.focus();
      return null;
    };
    if (!reason.value) return missing("Please say why.", reason);
    if (!chosen.length) return missing("Please choose what you object to.", lines[0].first);
    const bad = lines.find((line) => line.isWrong());
    if (bad) return missing(`Please enter a number of seats from 1 to ${bad.most}.`, bad.number);
    return { reason: reason.value, parts: chosen, note: note.value.trim() || null };
  };
  context.frame("Object", h("p", { class: "dim" }, "To all of it, or to a part. What you do not object to goes on."), mailing(context, said, parts));
}

/** A line: not, all of it, or some seats. */
function choice(line, only) {
  const box = h("input", { type: "checkbox", id: uniqueId("line"), checked: only });
  const number = h("input", { type: "number", id: uniqueId("seats"), min: 1, max: line.seats, step: 1, inputmode: "numeric", placeholder: "all" });
  number.addEventListener("input", () => { box.checked = true; });
  const element = h("div", { class: "line-choice" },
    h("label", { class: "radio", for: box.id }, box, line.product),
    h("label", { class: "small dim seats", for: number.id }, `Only so many seats (1 to ${line.seats}); empty: all`), number);
  const seats = () => (number.value === "" ? null : Number(number.value));
  return {
    element, first: box, number, most: line.seats,
    isWrong: () => box.checked && (number.validity.badInput || (seats() !== null && !(Number.isInteger(seats()) && seats() >= 1 && seats() <= line.seats))),
    read: () => box.checked && (seats() === null ? { line: line.number } : { line: line.number, seats: seats() }),
  };
}

function code(context, { wish, sent }, dialog, done) {
  const { view, chosen } = context;
  const input = h("input", { id: uniqueId("code"), class: "code", inputmode: "numeric", autocomplete: "one-time-code", maxlength: 20, required: true });
  const again = button("Mail another code", (event) => working(context, event.currentTarget, async () => {
    const fresh = await sendCode(chosen.action, about(chosen, wish));
    input.value = "";
    input.focus();
    fill(hint, words(fresh));
  }), { class: "link" });
  const words = (one) => `A code is on its way to ${one.sent_to}. It is good for ten minutes. Look into your spam folder, too.`;
  const hint = h("p", { role: "status" }, words(sent));
  const part = h("div", { class: "question" }, h("label", { for: input.id }, "Your code (eight digits)"), input, h("div", null, again));
  const body = () => ({ code: input.value, ...wish, ...about(chosen, wish) });
  const send = async () => {
    if (input.value.replace(/[\s-]/g, "").length !== 8) {
      context.told(new Error("Please enter the eight digits of the code."));
      input.focus();
      return;
    }
    try {
      const now = await act(chosen.action, view.version, body());
      dialog.close();
      done(now, DONE[chosen.action](now));
    } catch (problem) {
      if (problem.code === "version_mismatch") {
        dialog.close();
        done(null, "This has changed since you opened the page. Here it is as it is now; please answer again.");
        return;
      }
      input.select();
      throw problem;
    }
  };
  context.frame("Enter the code", hint, form(context, part, "Confirm", send));
  input.focus();
}
