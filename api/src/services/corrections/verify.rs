//! Proof by imports: what was invoiced or credited shows up, and the next invoice bills what was agreed.
//!
//! What imports show is read in one transaction, which ends before anything is computed; what follows from it
//! is written in another.

use super::new::{New, store};
use super::opening::elsewhere;
use super::{Beside, Loaded, all, context, load, policy, save, weighed};
use crate::app::App;
use crate::error::{ApiError, Code};
use crate::services::recomputed;
use crate::storage::corrections::{self as stored, facts};
use crate::storage::{OrgTx, imports};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::audit::{
    self, AuditError, AuditInput, Direction, Invoiced as Billing, InvoicedEntity, InvoicedProduct, Standing,
};
use leakage_core::billing_instructions::{self, Reference};
use leakage_core::correction::case::Correction;
use leakage_core::correction::command::{Because, Command};
use leakage_core::correction::finding::Line;
use leakage_core::correction::open::Elsewhere;
use leakage_core::correction::policy::{self as core, Facts};
use leakage_core::correction::quantity::Place;
use leakage_core::correction::state::{Action, State};
use leakage_core::correction::verification::{Invoiced, Outcome, Verification, compare};
use leakage_core::id::{AuditId, CorrectionId, OrgId};
use leakage_core::matching::fold;
use leakage_core::period::Month;
use rust_decimal::Decimal;
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

/// Writes what is new in what imports show, and what follows from it: also of what another correction had held
/// until now.
async fn note(app: &App, tx: &mut OrgTx, id: CorrectionId, shown: &Shown) -> Result<bool, ApiError> {
    // Before the gaps, as whoever reopens it does.
    stored::lock(tx, id).await?;
    let loaded = load(tx, id).await?;
    if Told::of(&loaded.correction) != Some(shown.told) {
        return Err(ApiError::new(
            Code::Conflict,
            "The client was told something else meanwhile: the next import is compared with that.",
        ));
    }
    let beside = documents_beside(tx, &loaded).await?;
    let verifications = compared(app, id, &loaded.correction, shown, &beside);
    if verifications.is_empty() && !loaded.correction.is_pending() {
        return Ok(false);
    }
    let actor = core::Actor { label: "system:verification".to_owned(), person: false, admin: false };
    let (policy, facts) = (policy(app, tx).await?, Facts::default());
    let context = context(app, &actor, &policy, &facts);
    let detail = Beside { detail: json!({ "verifications": verifications }), ..Beside::default() };
    let mut after = if verifications.is_empty() {
        loaded.correction.clone()
    } else {
        loaded.correction.apply(&Command::Verify { verifications }, &context)?
    };
    let beyond = Beyond::load(tx, id, &after, &shown.opposite).await?;
    let linked = after.opposite(|line| beyond.opposite_of(line), &beyond.elsewhere, &context)?;
    let reopens = after.falls_short(&beyond.elsewhere) && beyond.may_reopen(&after);
    let (audit, client_id) = (AuditId::new(loaded.row.audit_id), loaded.row.client_id);
    let changed = after != loaded.correction;
    let saved =
        if changed { save(app, tx, &context, loaded, after, Action::Verify, detail).await? } else { loaded };
    if let Some(correction) = linked {
        let detail = json!({ "opened_from": id });
        store(app, tx, &context, &[New { correction, audit, client_id, opened_from: Some(id), detail }])
            .await?;
    }
    if reopens {
        let because = Because::VerificationFailed { elsewhere: beyond.elsewhere };
        let after = saved.correction.apply(&Command::Reopen { because }, &context)?;
        let beside = Beside {
            detail: json!({ "because": "verification_failed" }),
            reason: Some("The next invoice fell short of what was agreed.".to_owned()),
            ..Beside::default()
        };
        save(app, tx, &context, saved, after, Action::Reopen, beside).await?;
    }
    Ok(changed || reopens)
}

/// What the client's other corrections entered for documents: what a document shows proves one of them only.
async fn documents_beside(tx: &mut OrgTx, loaded: &Loaded) -> Result<BTreeMap<String, i64>, ApiError> {
    let mut documents = BTreeMap::new();
    let subject = &loaded.correction.subject;
    if loaded.correction.documents().is_empty() {
        return Ok(documents);
    }
    let rows = stored::beside(tx, loaded.id(), &subject.client, subject.currency.as_str()).await?;
    for other in all(tx, rows).await? {
        for (document, minor) in other.correction.documents() {
            *documents.entry(document).or_default() += minor;
        }
    }
    Ok(documents)
}

/// What the lines of a correction meet outside it.
struct Beyond {
    /// The gaps that go the other way, by the gaps of the lines.
    opposite: BTreeMap<String, String>,
    /// What other corrections hold of either.
    elsewhere: Elsewhere,
}

impl Beyond {
    /// `known`: what the opposite gaps are known by, whether an audit has seen them or not.
    async fn load(
        tx: &mut OrgTx,
        id: CorrectionId,
        correction: &Correction,
        known: &BTreeMap<String, String>,
    ) -> Result<Self, ApiError> {
        let own: BTreeSet<String> = correction.lines.iter().map(|line| line.gap.clone()).collect();
        let own: Vec<String> = own.into_iter().collect();
        let mut opposite = known.clone();
        opposite.extend(facts::opposite_gaps(tx, &own).await?);
        let mut beyond = Self { opposite, elsewhere: Elsewhere::default() };
        let other = correction.lines.iter().map(|line| beyond.opposite_of(line));
        let gaps: BTreeSet<String> = other.chain(own).collect();
        beyond.elsewhere = elsewhere(tx, &gaps.into_iter().collect::<Vec<_>>(), Some(id)).await?;
        Ok(beyond)
    }

    fn opposite_of(&self, line: &Line) -> String {
        self.opposite.get(&line.gap).cloned().unwrap_or_else(|| format!("opposite-{}", line.gap))
    }

    /// Whether the correction has ended, and no other one works on a month that would be open again with it.
    fn may_reopen(&self, correction: &Correction) -> bool {
        let held = |place: Place| {
            let line = correction.line(place.line);
            line.is_some_and(|line| self.elsewhere.open.contains(&(line.gap.clone(), place.month)))
        };
        matches!(correction.state, State::Resolved | State::Waived)
            && !correction.ledger.entries().iter().any(|entry| held(entry.place))
    }
}

/// What was agreed on last: what imports are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    invoice_on: NaiveDate,
    at: DateTime<Utc>,
}

impl Told {
    /// Told, or waived before the client had to be told, with what is billed from then on.
    fn of(correction: &Correction) -> Option<Self> {
        let told = correction.announcement.as_ref().map(|told| told.at);
        let at = told.or_else(|| correction.waivers.first().map(|waiver| waiver.at))?;
        Some(Self { invoice_on: correction.invoice_on()?, at })
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
    /// The correction's billing entity, as it is called now.
    entity: Option<String>,
    /// What is billable of each line by now, once the next invoice is due and such a file bills the client for it;
    /// lines of which nothing is known are not in it.
    billable: Option<BTreeMap<u32, i64>>,
    /// The gaps that go the other way, by the gaps of the lines.
    opposite: BTreeMap<String, String>,
}

impl Shown {
    /// None where the client was told nothing yet.
    async fn load(app: &App, org: OrgId, id: CorrectionId) -> Result<Option<Self>, ApiError> {
        let turn = recomputed::turn(app).await?;
        let mut tx = app.db.begin_snapshot(org).await?;
        let correction = load(&mut tx, id).await?.correction;
        let Some(told) = Told::of(&correction) else { return Ok(None) };
        let (today, month) = (app.clock.today(), told.month());
        // Invoices with the retro part come on and after the announced day.
        let until = Month::of(today).max(month);
        let mut input = weighed::known(app, &mut tx, &correction, until).await?;
        input.from = input.from.min(month);
        let new: BTreeSet<String> = imports::completed(&mut tx, app.clock.now())
            .await?
            .into_iter()
            .filter(|import| import.completed_at.is_some_and(|at| at >= told.at))
            .map(|import| import.sha256)
            .collect();
        tx.commit().await?;
        let facts = recomputed::Facts::new(input, turn);
        let computed = facts.compute(move |input| {
            let entity = weighed::entity(input, &correction.subject);
            let invoiced = audit::invoiced(input)?;
            let mut shown = Self { told, new, invoiced, entity, billable: None, opposite: BTreeMap::new() };
            let is_billed = shown.billed(&correction).iter().any(|one| shown.new.contains(one.import));
            if !correction.is_pending() && (!is_billed || today < told.invoice_on) {
                return Ok(shown);
            }
            let standing = audit::standing(&AuditInput { to: month, ..input.clone() })?;
            shown.opposite = opposites(&correction, &standing, shown.entity.as_deref())?;
            if is_billed && today >= told.invoice_on {
                shown.billable = Some(weighed::billable(&correction, &standing, shown.entity.as_deref()));
            }
            Ok(shown)
        });
        computed.await.map(Some)
    }

    /// What the next invoice bills to the correction's billing entity; without one, or where the client is billed
    /// as a whole, to the client.
    fn billed(&self, correction: &Correction) -> Vec<Billed<'_>> {
        let (month, currency) = (self.told.month(), correction.subject.currency);
        let of_month = self.invoiced.products.iter();
        let of_month: Vec<&InvoicedProduct> =
            of_month.filter(|one| one.month == month && one.currency == currency).collect();
        let of_entity = |one: &InvoicedEntity| one.billing_entity.as_deref().map(fold);
        let entities: BTreeSet<Option<String>> =
            of_month.iter().flat_map(|one| &one.entities).map(of_entity).collect();
        let divided = entities.len() > 1 || of_month.iter().any(|one| one.shared);
        let entity = self.entity.as_deref().map(fold).filter(|_| divided);
        let mut billed = Vec::new();
        for one in of_month {
            let whole =
                Billed { product: &one.product, seats: one.seats, price: one.price, import: &one.import };
            let Some(entity) = &entity else {
                billed.push(whole);
                continue;
            };
            if let Some(own) = one.entities.iter().find(|own| of_entity(own).as_ref() == Some(entity)) {
                billed.push(Billed { seats: own.seats, price: own.price, import: &own.import, ..whole });
            }
        }
        billed
    }
}

/// What an invoice bills of a product.
struct Billed<'a> {
    product: &'a str,
    seats: Option<i64>,
    price: Option<Decimal>,
    import: &'a str,
}

/// What the gaps that go the other way are known by, by the gaps of the lines.
fn opposites(
    correction: &Correction,
    standing: &[Standing],
    entity: Option<&str>,
) -> Result<BTreeMap<String, String>, AuditError> {
    let direction = match correction.subject.direction {
        Direction::Under => Direction::Over,
        Direction::Over => Direction::Under,
    };
    let mut opposites = BTreeMap::new();
    for line in &correction.lines {
        if let Some(own) = weighed::standing_of(standing, &line.product, entity) {
            let gap = own.identity.gap_id(Some(correction.subject.currency), direction)?;
            opposites.insert(line.gap.clone(), gap);
        }
    }
    Ok(opposites)
}

/// What imports show that is not noted yet.
fn compared(
    app: &App,
    id: CorrectionId,
    correction: &Correction,
    shown: &Shown,
    beside: &BTreeMap<String, i64>,
) -> Vec<Verification> {
    let on = shown.told.invoice_on;
    let last = shown.new.iter().next_back().cloned().unwrap_or_default();
    let documents = documents(id, correction, &shown.invoiced, beside);
    let outcomes = documents.into_iter().map(|outcome| (outcome, last.clone()));
    let outcomes = outcomes.chain(next_invoice(correction, shown));
    let of = |(outcome, import)| Verification { import, on, outcome, acted: false, at: app.clock.now() };
    outcomes.filter(|(outcome, _)| !correction.is_noted(on, outcome)).map(of).collect()
}

fn documents(
    id: CorrectionId,
    correction: &Correction,
    invoiced: &Billing,
    beside: &BTreeMap<String, i64>,
) -> Vec<Outcome> {
    let currency = correction.subject.currency;
    let shown = invoiced.documents.iter().filter(|one| one.amount.currency == currency);
    let less = |document: &String| beside.get(document).copied().unwrap_or_default();
    let shown =
        shown.filter_map(|one| Some((one.document.clone(), one.amount.minor()? - less(&one.document))));
    let mut shown: BTreeMap<String, i64> = shown.collect();
    // Lines with the correction's reference say more than the document as a whole.
    shown.extend(billing_instructions::shown(&invoiced.references, &Reference::of(id), currency));
    correction.compare_documents(&shown)
}

/// Each line on the next invoice, if a file that came after the message bills it for that month, with the digest of
/// the file that says so. A product that only an older file bills waits for a newer one.
fn next_invoice(correction: &Correction, shown: &Shown) -> Vec<(Outcome, String)> {
    let Some(billable) = &shown.billable else { return Vec::new() };
    let (direction, currency) = (correction.subject.direction, correction.subject.currency);
    let billed = shown.billed(correction);
    let newest = billed.iter().map(|one| one.import).find(|import| shown.new.contains(*import));
    let last_of_gap = |line: &&Line| {
        !correction.lines.iter().any(|other| other.gap == line.gap && other.number > line.number)
    };
    let mut outcomes = Vec::new();
    for line in correction.lines.iter().filter(last_of_gap) {
        let product = billed.iter().find(|one| fold(one.product) == fold(&line.product));
        if product.is_some_and(|one| !shown.new.contains(one.import)) {
            continue;
        }
        let Some(seats) = product.map_or(Some(0), |one| one.seats) else { continue };
        let billable = billable.get(&line.number).copied();
        let price = product.and_then(|one| one.price);
        let import = product.map(|one| one.import).or(newest).unwrap_or_default();
        let compared = compare(line, direction, currency, Invoiced { seats, billable, price });
        outcomes.extend(compared.into_iter().map(|outcome| (outcome, import.to_owned())));
    }
    outcomes
}
