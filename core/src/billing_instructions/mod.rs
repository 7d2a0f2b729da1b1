//! What to enter where the client is billed, so that a correction comes to exactly its money.
//!
//! Two parts. The past is charged (or given back) once: a line for each month and product, or for each instalment
//! of an accepted plan. From now on a quantity is another: from a date, with the switch of the system that
//! gives the intended money, see `proration`. Each system has its own file, and one line in `targets`; ids are those of
//! the imported billing rows, and what they do not hold is named. Every line carries the correction's
//! [`Reference`], by which the next import proves it, see `imported`.
//!
//! Pure: a correction and the client's billing rows in, requests and tables out. Nothing is sent anywhere.

mod autotask;
mod charges;
mod connectwise;
mod generic;
mod halopsa;
mod imported;
mod instructions;
mod proration;
mod quickbooks;
pub mod receipt;
mod recurring;
mod reference;
mod shown;
mod targets;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_rows;
mod write;
mod xero;

pub(crate) use imported::{carried, named, recognise};
pub use instructions::{Instructions, Missing, OneOff, Recurring, Request, RowChange, Table, Why};
pub use reference::Reference;
pub use shown::{shown, untold};
pub use targets::Target;

use crate::audit::BillingRow;
use crate::correction::Correction;
use crate::correction::state::State;
use crate::money::Money;
use crate::records::ClientRef;
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// What instructions are made from.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The correction.
    pub correction: &'a Correction,
    /// Its reference.
    pub reference: &'a Reference,
    /// The system; none: the one that the client's billing rows come from.
    pub target: Option<Target>,
    /// The client's regular billing rows.
    pub rows: &'a [BillingRow],
    /// What is billable of each line by now, where it is known.
    pub billable: &'a BTreeMap<u32, i64>,
    /// What imports show with the reference and the ledger has no document of, minor units; negative: given back.
    pub untold: i64,
    /// The day where the organization is.
    pub today: NaiveDate,
    /// From when on the quantities change; none: with the billing period of the announced invoice.
    pub effective_on: Option<NaiveDate>,
    /// On which day of a month billing periods begin, 1 to 28.
    pub billing_day: u32,
}

/// A figure is too large to be exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a figure of the correction or of its billing rows is too large; look for one that cannot be right")]
pub struct TooLarge;

/// What to enter.
///
/// # Errors
/// When a figure cannot be right.
pub fn instruct(asked: &Asked<'_>) -> Result<Instructions, TooLarge> {
    let correction = asked.correction;
    let own = recurring::own_rows(asked);
    let target = asked.target.unwrap_or_else(|| Target::of_rows(&own));
    let adapter = target.adapter();
    let (recurring, first) = recurring::changes(asked, &own, adapter)?;
    let mut one_off = charges::of(asked)?;
    one_off.extend(first);
    for (line, number) in one_off.iter_mut().zip(1..) {
        line.number = number;
    }
    let client = own.first().map_or_else(
        || ClientRef { name: Some(correction.subject.client.clone()), ..ClientRef::default() },
        |row| (*row.record.client).clone(),
    );
    let mut notes = notes(asked, &recurring, adapter.title);
    let draft = write::Draft {
        reference: asked.reference,
        client: &client,
        client_name: &correction.subject.client,
        currency: correction.subject.currency,
        gives_back: !correction.is_under(),
        one_off: &one_off,
        recurring: &recurring,
    };
    let written = (adapter.write)(&draft);
    notes.extend(written.notes);
    let total = one_off.iter().filter(|line| line.why != Why::FirstPeriod).map(|line| line.minor).sum();
    Ok(Instructions {
        reference: asked.reference.to_string(),
        target,
        target_title: adapter.title.to_owned(),
        ready: is_ready(asked),
        one_off_total: Money::from_minor(total, correction.subject.currency),
        one_off,
        recurring,
        requests: written.requests,
        tables: written.tables,
        missing: written.missing,
        notes,
    })
}

/// Whether it may be entered: the client was told, and nothing has ended.
fn is_ready(asked: &Asked<'_>) -> bool {
    !asked.correction.is_under() || asked.correction.state != State::Found
}

fn notes(asked: &Asked<'_>, changes: &[Recurring], title: &str) -> Vec<String> {
    let mut notes = Vec::new();
    if !is_ready(asked) {
        notes.push("The client was not told yet: enter nothing of this before.".to_owned());
    }
    if asked.untold != 0 {
        notes.push(format!(
            "Lines with this reference were entered already, {} together, and nobody said so: enter them no second time, \
             and tell their document (`POST .../psa-receipts`).",
            Money::from_minor(asked.untold, asked.correction.subject.currency)
        ));
    }
    if !asked.correction.held().is_empty() {
        notes.push("What is disputed or frozen rests and is left out.".to_owned());
    }
    for change in changes {
        let line = asked.correction.line(change.line);
        if let Some(since) = line.and_then(|line| recurring::since(asked, line)) {
            notes.push(format!(
                "{}: {:+} seats since the client was told; they are in the quantity, as they are in what the next \
                 invoice is compared with.",
                change.product, since
            ));
        }
    }
    notes.dedup();
    for change in changes.iter().filter(|change| change.price_differs) {
        notes.push(format!(
            "{}: {title} has another unit price than was agreed. A line of its own makes up for the first period; talk \
             about the price before the next.",
            change.product
        ));
    }
    notes
}
