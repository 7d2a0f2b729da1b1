//! Proof by imports: what was invoiced or credited shows up, and the next invoice bills what was agreed.
//!
//! What imports show is read in one transaction, which ends before anything is computed; what follows from it
//! is written in another.

use super::opening::elsewhere;
use super::{Beside, Loaded, context, load, policy, save, store_new};
use crate::app::App;
use crate::error::{ApiError, Code};
use crate::services::{audits, recomputed};
use crate::storage::corrections::facts;
use crate::storage::{OrgTx, imports};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::audit::{self, AuditDocument, AuditInput, Invoiced as Billing, InvoicedProduct};
use leakage_core::billing_instructions::{self, Reference};
use leakage_core::correction::case::Correction;
use leakage_core::correction::command::{Because, Command};
use leakage_core::correction::finding::Line;
use leakage_core::correction::policy::{self as core, Facts};
use leakage_core::correction::state::{Action, State};
use leakage_core::correction::verification::{Invoiced, Outcome, Verification, compare};
use leakage_core::id::{AuditId, CorrectionId, OrgId};
use leakage_core::matching::fold;
use leakage_core::money::Currency;
use leakage_core::period::Month;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Compares one correction with what is imported by now; moves it where that asks for it, and answers
/// whether it did.
///
/// A shortfall reopens what had ended; what overshoots opens a linked correction the other way; a wrong
/// price opens a price conversation. Nothing new: nothing happens.
pub async fn verify(app: &App, org: OrgId, id: CorrectionId) -> Result<bool, ApiError> {
    let Some(shown) = Shown::load(app, org, id).await? else { return Ok(false) };
    let mut tx = app.db.begin(org).await?;
    let moved = note(app, &mut tx, id, &shown).await;
    if matches!(moved, Ok(true)) {
        tx.commit().await?;
    } else {
        tx.rollback().await?;
    }
    moved
}

/// Writes what is new in what imports show, and what follows from it.
async fn note(app: &App, tx: &mut OrgTx, id: CorrectionId, shown: &Shown) -> Result<bool, ApiError> {
    let loaded = load(tx, id).await?;
    if Told::of(&loaded.correction) != Some(shown.told) {
        return Err(ApiError::new(
            Code::Conflict,
            "The client was told something else meanwhile: the next import is compared with that.",
        ));
    }
    let verifications = compared(app, id, &loaded.correction, shown);
    if verifications.is_empty() {
        return Ok(false);
    }
    let actor = core::Actor { label: "system:verification".to_owned(), person: false, admin: false };
    let policy = policy(app, tx).await?;
    let facts = Facts::default();
    let context = context(app, &actor, &policy, &facts);
    let beside = Beside { detail: json!({ "verifications": verifications }), ..Beside::default() };
    let mut after = loaded.correction.apply(&Command::Verify { verifications }, &context)?;
    let beyond = Beyond::load(tx, id, &after).await?;
    beyond.leave_opposite(&mut after);
    let linked = after.opposite(|line| beyond.opposite_of(line), &context)?;
    let (audit, client) = (AuditId::new(loaded.row.audit_id), loaded.row.client_id);
    let saved = save(app, tx, &context, loaded, after, Action::Verify, beside).await?;
    if let Some(linked) = linked {
        let beside = Beside { detail: json!({ "opened_from": id }), ..Beside::default() };
        store_new(app, tx, &context, linked, (audit, client), Some(id.uuid()), beside).await?;
    }
    if let Some(fallen_short) = beyond.to_reopen(&saved) {
        let reopen = Command::Reopen { because: Because::VerificationFailed };
        let after = fallen_short.apply(&reopen, &context)?;
        let beside = Beside {
            detail: json!({ "because": "verification_failed" }),
            reason: Some("The next invoice fell short of what was agreed.".to_owned()),
            ..Beside::default()
        };
        save(app, tx, &context, saved, after, Action::Reopen, beside).await?;
    }
    Ok(true)
}

/// What the lines of a correction meet outside it.
struct Beyond {
    /// The gaps that go the other way, by the gaps of the lines.
    opposite: BTreeMap<String, String>,
    /// Months of either that other open corrections hold: there is one that works on them already.
    held: BTreeSet<(String, Month)>,
}

impl Beyond {
    async fn load(tx: &mut OrgTx, id: CorrectionId, correction: &Correction) -> Result<Self, ApiError> {
        let mut opposite = BTreeMap::new();
        for line in &correction.lines {
            if let Some(gap) = facts::opposite_gap(tx, &line.gap).await? {
                opposite.insert(line.gap.clone(), gap);
            }
        }
        let gaps = correction.lines.iter().map(|line| &line.gap).chain(opposite.values());
        let gaps: Vec<String> = gaps.cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let held = elsewhere(tx, &gaps, Some(id)).await?.open;
        Ok(Self { opposite, held })
    }

    fn opposite_of(&self, line: &Line) -> String {
        self.opposite.get(&line.gap).cloned().unwrap_or_else(|| format!("opposite-{}", line.gap))
    }

    fn holds(&self, gap: String, month: Month) -> bool {
        self.held.contains(&(gap, month))
    }

    /// Leaves what overshot to the open correction that has the month already.
    fn leave_opposite(&self, correction: &mut Correction) {
        let lines = &correction.lines;
        for one in correction.verifications.iter_mut().filter(|one| !one.acted) {
            let Outcome::Opposite { line, .. } = one.outcome else { continue };
            let line = lines.iter().find(|of| of.number == line);
            one.acted = line.is_some_and(|line| self.holds(self.opposite_of(line), Month::of(one.on)));
        }
    }

    /// The correction to be reopened, if it ended and fell short where no other one holds the months: none of
    /// those that would be open again with it, and not the invoice's own.
    fn to_reopen(&self, saved: &Loaded) -> Option<Correction> {
        let mut correction = saved.correction.clone();
        let gaps: BTreeMap<u32, String> =
            correction.lines.iter().map(|line| (line.number, line.gap.clone())).collect();
        let holds =
            |line: u32, month: Month| gaps.get(&line).is_some_and(|gap| self.holds(gap.clone(), month));
        let mut own = correction.ledger.entries().iter().map(|entry| entry.place);
        if !matches!(correction.state, State::Resolved | State::Waived)
            || own.any(|place| holds(place.line, place.month))
        {
            return None;
        }
        for one in correction.verifications.iter_mut().filter(|one| !one.acted) {
            if let Some((line, _, on)) = one.shortfall() {
                one.acted = holds(line, Month::of(on));
            }
        }
        let fell_short = correction.verifications.iter().any(|one| !one.acted && one.shortfall().is_some());
        fell_short.then_some(correction)
    }
}

/// What the client was told last: what imports are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    invoice_on: NaiveDate,
    at: DateTime<Utc>,
}

impl Told {
    fn of(correction: &Correction) -> Option<Self> {
        let (forward, told) = (correction.going_forward.as_ref()?, correction.announcement.as_ref()?);
        Some(Self { invoice_on: forward.invoice_on, at: told.at })
    }

    fn month(self) -> Month {
        Month::of(self.invoice_on)
    }
}

/// What imports show of a correction's client.
struct Shown {
    told: Told,
    /// Files that came after the message.
    new: BTreeSet<String>,
    invoiced: Billing,
    /// The next invoice's month compared anew, if such a file bills the client for it.
    document: Option<AuditDocument>,
}

impl Shown {
    /// None where the client was told nothing yet.
    async fn load(app: &App, org: OrgId, id: CorrectionId) -> Result<Option<Self>, ApiError> {
        let turn = recomputed::turn(app).await?;
        let mut tx = app.db.begin_snapshot(org).await?;
        let subject = load(&mut tx, id).await?.correction;
        let Some(told) = Told::of(&subject) else { return Ok(None) };
        let subject = subject.subject;
        let (today, month) = (app.clock.today(), told.month());
        // Invoices with the retro part come on and after the announced day.
        let months = (month, Month::of(today).max(month));
        let input = audits::known_now(app, &mut tx, months, &subject.client).await?;
        let new: BTreeSet<String> = imports::completed(&mut tx, app.clock.now())
            .await?
            .into_iter()
            .filter(|import| import.completed_at.is_some_and(|at| at >= told.at))
            .map(|import| import.sha256)
            .collect();
        tx.commit().await?;
        let facts = recomputed::Facts::new(input, turn);
        let computed = facts.compute(move |input| {
            let invoiced = audit::invoiced(input)?;
            let is_billed = fresh(&invoiced, month, subject.currency, &new).next().is_some();
            let document = if is_billed && today >= told.invoice_on {
                Some(audit::run(&AuditInput { to: month, ..input.clone() })?)
            } else {
                None
            };
            Ok(Self { told, new, invoiced, document })
        });
        computed.await.map(Some)
    }
}

/// What files that came after the message bill for a month.
fn fresh<'a>(
    invoiced: &'a Billing,
    month: Month,
    currency: Currency,
    new: &'a BTreeSet<String>,
) -> impl Iterator<Item = &'a InvoicedProduct> {
    let of_month = move |one: &&InvoicedProduct| one.month == month && one.currency == currency;
    invoiced.products.iter().filter(of_month).filter(|one| new.contains(&one.import))
}

/// What imports show that is not noted yet.
fn compared(app: &App, id: CorrectionId, correction: &Correction, shown: &Shown) -> Vec<Verification> {
    let on = shown.told.invoice_on;
    let mut outcomes = documents(id, correction, &shown.invoiced);
    outcomes.extend(next_invoice(correction, shown));
    let noted = |outcome: &Outcome| {
        let same_day = correction.verifications.iter().filter(|one| one.on == on);
        same_day.map(|one| &one.outcome).any(|one| one == outcome)
    };
    let import = shown.new.iter().next_back().cloned().unwrap_or_default();
    let of =
        |outcome| Verification { import: import.clone(), on, outcome, acted: false, at: app.clock.now() };
    outcomes.into_iter().filter(|outcome| !noted(outcome)).map(of).collect()
}

fn documents(id: CorrectionId, correction: &Correction, invoiced: &Billing) -> Vec<Outcome> {
    let currency = correction.subject.currency;
    let shown = invoiced.documents.iter().filter(|one| one.amount.currency == currency);
    let shown = shown.filter_map(|one| Some((one.document.clone(), one.amount.minor()?)));
    let mut shown: BTreeMap<String, i64> = shown.collect();
    // Lines with the correction's reference say more than the document as a whole.
    shown.extend(billing_instructions::shown(&invoiced.references, &Reference::of(id), currency));
    correction.compare_documents(&shown)
}

/// Each line on the next invoice, if a file that came after the message bills the client for that month.
fn next_invoice(correction: &Correction, shown: &Shown) -> Vec<Outcome> {
    let Some(document) = &shown.document else { return Vec::new() };
    let currency = correction.subject.currency;
    let fresh: Vec<&InvoicedProduct> =
        fresh(&shown.invoiced, shown.told.month(), currency, &shown.new).collect();
    let last_of_gap = |line: &&Line| {
        !correction.lines.iter().any(|other| other.gap == line.gap && other.number > line.number)
    };
    let mut outcomes = Vec::new();
    for line in correction.lines.iter().filter(last_of_gap) {
        let product = fresh.iter().find(|one| fold(&one.product) == fold(&line.product));
        let Some(seats) = product.map_or(Some(0), |one| one.seats) else { continue };
        let changes = changes(document, line, seats);
        let price = product.and_then(|one| one.price);
        outcomes.extend(compare(
            line,
            correction.subject.direction,
            currency,
            Invoiced { seats, changes, price },
        ));
    }
    outcomes
}

/// Billable seats that came or went since they were agreed: what the month's own comparison says is
/// billable, where it could be compared.
fn changes(document: &AuditDocument, line: &Line, billed: i64) -> i64 {
    use leakage_core::audit::CoverageStatus;
    use rust_decimal::prelude::ToPrimitive as _;

    let compared =
        document.coverage.iter().any(|one| one.product.is_none() && one.status == CoverageStatus::Compared)
            && !document.coverage.iter().any(|one| {
                one.status == CoverageStatus::InsufficientData && one.product.as_ref() == Some(&line.product)
            });
    if !compared {
        return 0;
    }
    let gap = document.gaps.iter().find(|gap| fold(&gap.product) == fold(&line.product));
    // Without a gap what is billed is what is billable.
    let billable = match gap.and_then(|gap| gap.months.last()) {
        Some(month) => month.billable.to_i64().unwrap_or(line.agreed),
        None => billed,
    };
    billable - line.agreed
}
