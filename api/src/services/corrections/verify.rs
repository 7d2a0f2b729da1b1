//! Proof by imports: what was invoiced or credited shows up, and the next invoice bills what was agreed.

use super::{Beside, Loaded, context, facts as known, load, policy, save, store_new};
use crate::app::App;
use crate::error::ApiError;
use crate::services::audits;
use crate::storage::corrections::facts;
use crate::storage::{OrgTx, imports};
use leakage_core::audit::{self, AuditDocument, Invoiced as Billing, InvoicedProduct};
use leakage_core::correction::case::Correction;
use leakage_core::correction::command::{Because, Command};
use leakage_core::correction::finding::Line;
use leakage_core::correction::policy::{self as core, Facts};
use leakage_core::correction::state::{Action, State};
use leakage_core::correction::verification::{Invoiced, Outcome, Verification, compare};
use leakage_core::id::{AuditId, CorrectionId};
use leakage_core::matching::fold;
use leakage_core::period::Month;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Compares one correction with what is imported by now; moves it where that asks for it.
///
/// A shortfall reopens what had ended; what overshoots opens a linked correction the other way; a wrong
/// price opens a price conversation. Nothing new: nothing happens.
pub async fn verify(app: &App, tx: &mut OrgTx, id: CorrectionId) -> Result<Option<Loaded>, ApiError> {
    let loaded = load(tx, id).await?;
    let verifications = compared(app, tx, &loaded).await?;
    if verifications.is_empty() {
        return Ok(None);
    }
    let actor = core::Actor { label: "system:verification".to_owned(), person: false, admin: false };
    let policy = policy(app, tx).await?;
    let facts = Facts::default();
    let context = context(app, &actor, &policy, &facts);
    let beside = Beside { detail: json!({ "verifications": verifications }), ..Beside::default() };
    let mut after = loaded.correction.apply(&Command::Verify { verifications }, &context)?;
    let mut opposite = BTreeMap::new();
    for line in &after.lines {
        if let Some(gap) = facts::opposite_gap(tx, &line.gap).await? {
            opposite.insert(line.gap.clone(), gap);
        }
    }
    let gap =
        |line: &Line| opposite.get(&line.gap).cloned().unwrap_or_else(|| format!("opposite-{}", line.gap));
    let linked = after.opposite(gap, &context)?;
    let (audit, client) = (AuditId::new(loaded.row.audit_id), loaded.row.client_id);
    let mut saved = save(app, tx, &context, loaded, after, Action::Verify, beside).await?;
    if let Some(linked) = linked {
        let beside = Beside { detail: json!({ "opened_from": id }), ..Beside::default() };
        store_new(app, tx, &context, linked, (audit, client), Some(id.uuid()), beside).await?;
    }
    let fell_short = saved.correction.verifications.iter().any(|one| !one.acted && one.shortfall().is_some());
    if fell_short && matches!(saved.correction.state, State::Resolved | State::Waived) {
        let reopen = Command::Reopen { because: Because::VerificationFailed };
        let after = saved.correction.apply(&reopen, &context)?;
        let beside = Beside {
            detail: json!({ "because": "verification_failed" }),
            reason: Some("The next invoice fell short of what was agreed.".to_owned()),
            ..Beside::default()
        };
        saved = save(app, tx, &context, saved, after, Action::Reopen, beside).await?;
    }
    Ok(Some(saved))
}

/// What imports show that is not noted yet.
async fn compared(app: &App, tx: &mut OrgTx, loaded: &Loaded) -> Result<Vec<Verification>, ApiError> {
    let correction = &loaded.correction;
    let (Some(forward), Some(told)) = (&correction.going_forward, &correction.announcement) else {
        return Ok(Vec::new());
    };
    let today = app.clock.today();
    let month = Month::of(forward.invoice_on);
    let client = &correction.subject.client;
    // Invoices with the retro part come on and after the announced day.
    let last = Month::of(today).max(month);
    let invoiced = known::invoiced(app, tx, (month, last), client).await?;
    let new: BTreeSet<String> = imports::completed(tx, app.clock.now())
        .await?
        .into_iter()
        .filter(|import| import.completed_at.is_some_and(|at| at >= told.at))
        .map(|import| import.sha256)
        .collect();
    let mut outcomes = documents(correction, &invoiced);
    if today >= forward.invoice_on {
        outcomes.extend(next_invoice(app, tx, correction, month, &invoiced, &new).await?);
    }
    let noted = |outcome: &Outcome| {
        let same_day = correction.verifications.iter().filter(|one| one.on == forward.invoice_on);
        same_day.map(|one| &one.outcome).any(|one| one == outcome)
    };
    let import = new.iter().next_back().cloned().unwrap_or_default();
    let of = |outcome| Verification {
        import: import.clone(),
        on: forward.invoice_on,
        outcome,
        acted: false,
        at: app.clock.now(),
    };
    Ok(outcomes.into_iter().filter(|outcome| !noted(outcome)).map(of).collect())
}

fn documents(correction: &Correction, invoiced: &Billing) -> Vec<Outcome> {
    let currency = correction.subject.currency;
    let shown = invoiced.documents.iter().filter(|one| one.amount.currency == currency);
    let shown = shown.filter_map(|one| Some((one.document.clone(), one.amount.minor()?)));
    correction.compare_documents(&shown.collect())
}

/// Each line on the next invoice, if a file that came after the message bills the client for that month.
async fn next_invoice(
    app: &App,
    tx: &mut OrgTx,
    correction: &Correction,
    month: Month,
    invoiced: &Billing,
    new: &BTreeSet<String>,
) -> Result<Vec<Outcome>, ApiError> {
    let currency = correction.subject.currency;
    let fresh: Vec<&InvoicedProduct> = invoiced
        .products
        .iter()
        .filter(|one| one.month == month && one.currency == currency && new.contains(&one.import))
        .collect();
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    let input = audits::known_now(app, tx, (month, month), &correction.subject.client).await?;
    let work = tokio::task::spawn_blocking(move || audit::run(&input));
    let document = work.await.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
    let last_of_gap = |line: &&Line| {
        !correction.lines.iter().any(|other| other.gap == line.gap && other.number > line.number)
    };
    let mut outcomes = Vec::new();
    for line in correction.lines.iter().filter(last_of_gap) {
        let product = fresh.iter().find(|one| fold(&one.product) == fold(&line.product));
        let Some(seats) = product.map_or(Some(0), |one| one.seats) else { continue };
        let changes = changes(&document, line, seats);
        let price = product.and_then(|one| one.price);
        outcomes.extend(compare(
            line,
            correction.subject.direction,
            currency,
            Invoiced { seats, changes, price },
        ));
    }
    Ok(outcomes)
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
