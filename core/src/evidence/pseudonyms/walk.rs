//! Walks over every text of the facts that people wrote, and over every person.
//!
//! Ids, digests, dates, names of products and of companies are passed over. A file that names a person all
//! the same is found when the bundle is made, and the bundle is refused.

use super::super::BundleError;
use super::super::facts::{Captured, Facts, GapFacts, LogEntry, LogFacts, SourceFile};
use super::columns;
use crate::correction::ledger::{Entry, Ledger};
use crate::correction::plan::Plan;
use crate::records::{Activity, ProvisioningEvent};
use serde_json::Value;

/// What is done on the way.
pub(super) trait Visitor {
    /// A person, and nothing else.
    fn person(&mut self, text: &mut String);

    /// Text in which persons may stand.
    fn text(&mut self, text: &mut String);

    /// A file whose words cannot be changed.
    fn withhold(&mut self, bytes: &mut Option<Vec<u8>>);
}

/// Members of JSON that hold a person.
const PERSONS: [&str; 15] = [
    "by",
    "said_by",
    "owner",
    "user",
    "actor",
    "seat",
    "ordered_by",
    "requested_by",
    "approved_by",
    "recorded_by",
    "attached_by",
    "opened_by",
    "contact",
    "recipient",
    "recipients",
];

/// What comes before the id of whoever acted. An id is no name.
const ACTORS: [&str; 5] = ["user", "api_key", "job", "client", "system"];

pub(super) fn walk(facts: &mut Facts, visitor: &mut dyn Visitor) -> Result<(), BundleError> {
    maybe_text(&mut facts.msp.contact, visitor);
    let correction = &mut facts.correction;
    maybe_text(&mut correction.reference, visitor);
    correction.remarks.iter_mut().for_each(|remark| visitor.text(remark));
    correction.lines.iter_mut().for_each(|line| maybe_text(&mut line.provisioning_evidence, visitor));
    let mut entries = correction.ledger.entries().to_vec();
    for one in &mut entries {
        entry(one, visitor);
    }
    correction.ledger = Ledger::of(entries)?;
    correction.plan.iter_mut().for_each(|of| plan(of, visitor));
    facts.gaps.iter_mut().for_each(|of| gap(of, visitor));
    facts.inputs.iter_mut().for_each(|input| visitor.text(&mut input.file));
    for version in facts.rules.iter_mut().chain(&mut facts.mappings) {
        visitor.text(&mut version.says);
        actor(&mut version.owner, visitor);
    }
    facts.rows.iter_mut().for_each(|of| file(of, visitor));
    facts.provisioning.iter_mut().for_each(|event| provisioned(event, visitor));
    facts.activity.iter_mut().for_each(|user| active(user, visitor));
    for letter in &mut facts.letters {
        letter.recipients.iter_mut().for_each(|recipient| visitor.person(recipient));
        for text in [&mut letter.subject, &mut letter.text, &mut letter.html] {
            visitor.text(text);
        }
    }
    if let Some(told) = &mut facts.told {
        actor(&mut told.by, visitor);
        if let Some(to) = &mut told.to {
            visitor.person(to);
        }
        maybe_text(&mut told.reference, visitor);
        for text in [&mut told.context, &mut told.data, &mut told.going_forward] {
            visitor.text(text);
        }
    }
    for reply in &mut facts.replies {
        actor(&mut reply.by, visitor);
        maybe_text(&mut reply.text, visitor);
        for attachment in &mut reply.attachments {
            visitor.text(&mut attachment.name);
            visitor.withhold(&mut attachment.bytes);
        }
    }
    facts.log.iter_mut().try_for_each(|of| log(of, visitor))
}

fn maybe_text(text: &mut Option<String>, visitor: &mut dyn Visitor) {
    if let Some(text) = text {
        visitor.text(text);
    }
}

/// Whoever acted: an id stays, a person does not.
fn actor(text: &mut String, visitor: &mut dyn Visitor) {
    let id = text.split_once(':').is_some_and(|(kind, _)| ACTORS.contains(&kind));
    if id { visitor.text(text) } else { visitor.person(text) }
}

fn entry(entry: &mut Entry, visitor: &mut dyn Visitor) {
    maybe_text(&mut entry.note.reason, visitor);
    maybe_text(&mut entry.note.document, visitor);
    actor(&mut entry.note.actor, visitor);
}

fn plan(plan: &mut Plan, visitor: &mut dyn Visitor) {
    visitor.person(&mut plan.accepted.by);
    for instalment in &mut plan.instalments {
        maybe_text(&mut instalment.document, visitor);
        if let Some(promise) = &mut instalment.promise {
            visitor.person(&mut promise.said.by);
        }
    }
}

fn gap(of: &mut GapFacts, visitor: &mut dyn Visitor) {
    of.gap.sources.iter_mut().for_each(|source| visitor.text(&mut source.file));
    let Some(explanation) = &mut of.explanation else { return };
    for rule in &mut explanation.rules {
        visitor.text(&mut rule.reason);
        actor(&mut rule.owner, visitor);
    }
    for name in &mut explanation.names {
        visitor.text(&mut name.written);
        maybe_text(&mut name.mapping, visitor);
    }
    explanation.text.iter_mut().for_each(|paragraph| visitor.text(paragraph));
    for row in &mut explanation.rows {
        visitor.text(&mut row.file);
        json(&mut row.record, false, visitor);
    }
    explanation.gap.sources.iter_mut().for_each(|source| visitor.text(&mut source.file));
}

fn file(file: &mut SourceFile, visitor: &mut dyn Visitor) {
    visitor.text(&mut file.file);
    let persons = columns::of_persons(&file.columns);
    for row in &mut file.rows {
        for (place, cell) in row.cells.iter_mut().enumerate() {
            if persons.contains(&place) { visitor.person(cell) } else { visitor.text(cell) }
        }
    }
}

fn provisioned(event: &mut Captured<ProvisioningEvent>, visitor: &mut dyn Visitor) {
    let Captured::Kept { record, .. } = event else { return };
    if let Some(user) = &mut record.user {
        visitor.person(user);
    }
    match &mut record.actor {
        Some(actor) if record.automatic => visitor.text(actor),
        Some(actor) => visitor.person(actor),
        None => {}
    }
}

fn active(user: &mut Captured<Activity>, visitor: &mut dyn Visitor) {
    if let Captured::Kept { record, .. } = user {
        visitor.person(&mut record.user);
    }
}

fn log(log: &mut LogFacts, visitor: &mut dyn Visitor) -> Result<(), BundleError> {
    log.entries.iter_mut().try_for_each(|entry| log_entry(entry, visitor))
}

/// An entry that names nobody keeps its bytes, and so gives its leaf.
fn log_entry(entry: &mut LogEntry, visitor: &mut dyn Visitor) -> Result<(), BundleError> {
    let Some(text) = &mut entry.entry else { return Ok(()) };
    let before: Value = serde_json::from_str(text)?;
    let mut after = before.clone();
    json(&mut after, false, visitor);
    if after != before {
        *text = crate::digest::canonical(&after)?.0;
    }
    Ok(())
}

fn json(value: &mut Value, person: bool, visitor: &mut dyn Visitor) {
    match value {
        Value::String(text) if person => actor(text, visitor),
        Value::String(text) => visitor.text(text),
        Value::Array(items) => items.iter_mut().for_each(|item| json(item, person, visitor)),
        Value::Object(members) => {
            members
                .iter_mut()
                .for_each(|(name, member)| json(member, PERSONS.contains(&name.as_str()), visitor));
        }
        _ => {}
    }
}
