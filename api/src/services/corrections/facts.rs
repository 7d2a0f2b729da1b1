//! What a command must know beside the correction: the client's last invoices, what else was announced, its
//! waivers of the last year, who else could approve, and the facts that are frozen with a message.

use super::Loaded;
use super::weighed::{self, Weighed, grows};
use crate::app::App;
use crate::error::ApiError;
use crate::services::{evidence, recomputed};
use crate::storage::OrgTx;
use crate::storage::corrections::facts as stored;
use chrono::{Months, NaiveDate};
use leakage_core::audit;
use leakage_core::correction::case::Correction;
use leakage_core::correction::command::Command;
use leakage_core::correction::policy::{Facts, Policy};
use leakage_core::correction::shock::Announced;
use leakage_core::correction::state::Action;
use leakage_core::digest;
use leakage_core::id::{CorrectionId, OrgId};
use leakage_core::period::Month;
use serde_json::json;

/// What is known, and what is frozen.
#[derive(Debug, Default)]
pub struct KnownFacts {
    /// For the core.
    pub facts: Facts,
    /// Digest and canonical JSON of the facts behind a message.
    pub frozen: Option<(String, String)>,
}

/// What this command must know, beside what was weighed before.
///
/// # Errors
/// 412 when the correction was another one when it was weighed.
pub async fn facts(
    app: &App,
    tx: &mut OrgTx,
    loaded: &Loaded,
    command: &Command,
    weighed: Option<Weighed>,
) -> Result<KnownFacts, ApiError> {
    let action = command.action();
    let correction = &loaded.correction;
    let mut known = KnownFacts::default();
    known.facts.members = u32::try_from(stored::approvers(tx).await?).unwrap_or(u32::MAX);
    if grows(action) {
        if weighed.is_none() {
            return Err(ApiError::stale());
        }
        let stated = match command {
            Command::Communicate { going_forward, .. } => {
                going_forward.as_ref().map(|forward| forward.invoice_on)
            }
            Command::Approve { invoice_on, .. } => *invoice_on,
            _ => None,
        };
        // From here to the end of the transaction nothing else is announced to the client: two messages at once
        // weigh one after the other.
        stored::lock_announcements(tx, &correction.subject.client).await?;
        let invoice_on = stated.or_else(|| correction.invoice_on());
        known.facts.announced_elsewhere =
            announced_elsewhere(tx, loaded.id(), correction, invoice_on).await?;
    }
    let weighed = weighed.unwrap_or_default();
    (known.facts.invoices, known.facts.billable) = (weighed.invoices, weighed.billable);
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

/// A correction with what its preview must know: read in one transaction, which ends before anything is
/// computed. `invoice_on`: as announced when not stated.
pub async fn for_preview(
    app: &App,
    org: OrgId,
    id: CorrectionId,
    invoice_on: Option<NaiveDate>,
) -> Result<(Loaded, Policy, Facts), ApiError> {
    let turn = recomputed::turn(app).await?;
    let mut tx = app.db.begin_snapshot(org).await?;
    let loaded = super::load(&mut tx, id).await?;
    let correction = &loaded.correction;
    let policy = super::policy(app, &mut tx).await?;
    let invoice_on = invoice_on.or_else(|| correction.invoice_on());
    let announced_elsewhere = announced_elsewhere(&mut tx, id, correction, invoice_on).await?;
    let mut facts = Facts { announced_elsewhere, ..Facts::default() };
    if correction.is_under() {
        let input = weighed::known(app, &mut tx, correction, Month::of(app.clock.today())).await?;
        tx.commit().await?;
        let invoiced = recomputed::Facts::new(input, turn).compute(audit::invoiced).await?;
        facts.invoices = weighed::totals(&invoiced, correction.subject.currency);
    }
    Ok((loaded, policy, facts))
}

/// What else is announced for the same invoice.
async fn announced_elsewhere(
    tx: &mut OrgTx,
    id: CorrectionId,
    correction: &Correction,
    invoice_on: Option<NaiveDate>,
) -> Result<Announced, ApiError> {
    let Some(invoice_on) = invoice_on.filter(|_| correction.is_under()) else {
        return Ok(Announced::default());
    };
    let subject = &correction.subject;
    let (retro, forward) =
        stored::announced(tx, id, &subject.client, subject.currency.as_str(), invoice_on).await?;
    Ok(Announced { retro, forward })
}

/// The facts behind a message as they are now: the correction's lines and ledger, and each gap as its audit
/// found it, with the rows of files that it comes from. Canonical JSON and its digest.
async fn freeze(tx: &mut OrgTx, loaded: &Loaded) -> Result<(String, String), ApiError> {
    let correction = &loaded.correction;
    let found = evidence::gaps(tx, correction).await?.into_iter();
    let gaps = found
        .map(|of| json!({ "line": of.line, "gap_id": of.gap, "audit_id": of.audit, "gap": of.document }));
    let facts = json!({
        "correction_id": loaded.row.id,
        "version": loaded.row.version,
        "subject": correction.subject,
        "lines": correction.lines,
        "ledger": correction.ledger,
        "gaps": gaps.collect::<Vec<_>>(),
    });
    digest::canonical(&facts).map_err(ApiError::internal)
}
