//! What a command must know beside the correction: the client's last invoices, what else was announced, its
//! waivers of the last year, who else could approve, and the facts that are frozen with a message.

use super::Loaded;
use crate::app::App;
use crate::error::ApiError;
use crate::services::audits;
use crate::storage::OrgTx;
use crate::storage::corrections::facts as stored;
use chrono::Months;
use leakage_core::audit::{self, Invoiced};
use leakage_core::correction::case::Correction;
use leakage_core::correction::command::Command;
use leakage_core::correction::policy::Facts;
use leakage_core::correction::shock::Announced;
use leakage_core::correction::state::Action;
use leakage_core::digest;
use leakage_core::id::{AuditId, CorrectionId};
use leakage_core::money::Money;
use leakage_core::period::Month;
use serde_json::json;

/// Months in which the last invoices are looked for.
const LOOK_BACK: i32 = 12;

/// What is known, and what is frozen.
#[derive(Debug, Default)]
pub struct KnownFacts {
    /// For the core.
    pub facts: Facts,
    /// Digest and canonical JSON of the facts behind a message.
    pub frozen: Option<(String, String)>,
}

/// What this command must know.
pub async fn facts(
    app: &App,
    tx: &mut OrgTx,
    loaded: &Loaded,
    command: &Command,
) -> Result<KnownFacts, ApiError> {
    let action = command.action();
    let correction = &loaded.correction;
    let mut known = KnownFacts::default();
    known.facts.members = u32::try_from(stored::approvers(tx).await?).unwrap_or(u32::MAX);
    if matches!(action, Action::Communicate | Action::AcceptPlan | Action::Approve) {
        let going_forward = match command {
            Command::Communicate { going_forward, .. } => going_forward.as_ref(),
            _ => correction.going_forward.as_ref(),
        };
        let invoice_on = going_forward.map(|forward| forward.invoice_on);
        weigh(app, tx, loaded.id(), correction, invoice_on, &mut known.facts).await?;
    }
    if matches!(action, Action::Waive | Action::RequestWaiver) {
        let currency = correction.subject.currency;
        stored::lock_waivers(tx, &correction.subject.client).await?;
        let since = app.clock.now() - Months::new(12);
        known.facts.waived_before =
            stored::waived_since(tx, &correction.subject.client, currency.as_str(), since).await?;
    }
    if action == Action::Communicate {
        let (text, sha256) = freeze(tx, loaded).await?;
        known.facts.frozen = Some(sha256.clone());
        known.frozen = Some((sha256, text));
    }
    Ok(known)
}

/// The client's last invoices, and what else is announced for the same one.
pub async fn weigh(
    app: &App,
    tx: &mut OrgTx,
    id: CorrectionId,
    correction: &Correction,
    invoice_on: Option<chrono::NaiveDate>,
    facts: &mut Facts,
) -> Result<(), ApiError> {
    if !correction.is_under() {
        return Ok(());
    }
    facts.invoices = invoices(app, tx, correction).await?;
    if let Some(invoice_on) = invoice_on {
        let subject = &correction.subject;
        let (retro, forward) =
            stored::announced(tx, id, &subject.client, subject.currency.as_str(), invoice_on).await?;
        facts.announced_elsewhere = Announced { retro, forward };
    }
    Ok(())
}

/// Totals of the client's regular invoices of the last months, oldest first, in minor units.
async fn invoices(app: &App, tx: &mut OrgTx, correction: &Correction) -> Result<Vec<i64>, ApiError> {
    let this = Month::of(app.clock.today());
    let invoiced = invoiced(app, tx, (this.plus(-LOOK_BACK), this), &correction.subject.client).await?;
    let currency = correction.subject.currency;
    let mut totals: std::collections::BTreeMap<Month, rust_decimal::Decimal> =
        std::collections::BTreeMap::new();
    for product in invoiced.products.iter().filter(|one| one.currency == currency) {
        *totals.entry(product.month).or_default() += product.amount.amount;
    }
    Ok(totals
        .into_values()
        .filter_map(|amount| Money { amount, currency }.minor())
        .filter(|minor| *minor > 0)
        .collect())
}

/// What a client is billed in these months.
pub async fn invoiced(
    app: &App,
    tx: &mut OrgTx,
    months: (Month, Month),
    client: &str,
) -> Result<Invoiced, ApiError> {
    let input = audits::known_now(app, tx, months, client).await?;
    let work = tokio::task::spawn_blocking(move || audit::invoiced(&input));
    work.await.map_err(ApiError::internal)?.map_err(ApiError::internal)
}

/// The facts behind a message as they are now: the correction's lines and ledger, and each gap as its audit
/// found it, with the rows of files that it comes from. Canonical JSON and its digest.
async fn freeze(tx: &mut OrgTx, loaded: &Loaded) -> Result<(String, String), ApiError> {
    let correction = &loaded.correction;
    let mut gaps = Vec::new();
    for line in &correction.lines {
        let audit: Option<AuditId> = line.audit.parse().ok();
        for (gap, audit, _, document) in stored::gaps(tx, std::slice::from_ref(&line.gap), audit).await? {
            gaps.push(json!({ "line": line.number, "gap_id": gap, "audit_id": audit, "gap": document }));
        }
    }
    let facts = json!({
        "correction_id": loaded.row.id,
        "version": loaded.row.version,
        "subject": correction.subject,
        "lines": correction.lines,
        "ledger": correction.ledger,
        "gaps": gaps,
    });
    digest::canonical(&facts).map_err(ApiError::internal)
}
