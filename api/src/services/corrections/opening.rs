//! From gaps to corrections.

use super::new::{New, store};
use super::{Loaded, context, policy};
use crate::app::App;
use crate::error::ApiError;
use crate::storage::OrgTx;
use crate::storage::corrections::{facts as stored, ledger};
use leakage_core::audit::Gap;
use leakage_core::correction::finding::Finding;
use leakage_core::correction::open::{Elsewhere, open};
use leakage_core::correction::policy::{self as core, Facts};
use leakage_core::correction::quantity::Quantity;
use leakage_core::id::{AuditId, CorrectionId};
use serde_json::Value;
use uuid::Uuid;

/// A gap as an audit found it.
#[derive(Clone, Debug)]
pub struct FoundGap {
    /// As the core takes it.
    pub finding: Finding,
    /// The audit.
    pub audit: AuditId,
    /// The client's resource.
    pub client_id: Option<Uuid>,
}

impl FoundGap {
    /// From what is stored.
    pub fn of(row: (String, Uuid, Option<Uuid>, Value)) -> Result<Self, ApiError> {
        let (_, audit, client_id, document) = row;
        let gap: Gap = serde_json::from_value(document).map_err(ApiError::internal)?;
        let audit = AuditId::new(audit);
        Ok(Self { finding: Finding::of(&audit.to_string(), &gap)?, audit, client_id })
    }
}

/// Gaps by their ids, as one audit found them, or the last one that saw each.
pub async fn gaps(tx: &mut OrgTx, ids: &[String], audit: Option<AuditId>) -> Result<Vec<FoundGap>, ApiError> {
    let rows = stored::gaps(tx, ids, audit).await?;
    let found = rows.into_iter().map(FoundGap::of).collect::<Result<Vec<_>, _>>()?;
    for (at, id) in ids.iter().enumerate() {
        if ids.iter().take(at).any(|before| before == id) {
            return Err(ApiError::invalid(format!("/gaps/{at}"), "This gap stands in the list already."));
        }
        if !found.iter().any(|gap| gap.finding.gap == *id) {
            let reason = match audit {
                Some(_) => "This audit found no such gap.",
                None => "There is no gap with this id.",
            };
            return Err(ApiError::invalid(format!("/gaps/{at}"), reason));
        }
    }
    Ok(found)
}

/// What other corrections hold of these gaps. It stays so until the transaction ends: nobody else opens months of
/// them.
pub async fn elsewhere(
    tx: &mut OrgTx,
    gaps: &[String],
    but: Option<CorrectionId>,
) -> Result<Elsewhere, ApiError> {
    ledger::lock_gaps(tx, gaps).await?;
    let mut elsewhere = Elsewhere {
        lines: ledger::worked_on(tx, gaps, but).await?.into_iter().collect(),
        documents: ledger::documents(tx, gaps).await?.into_iter().collect(),
        ..Elsewhere::default()
    };
    for month in ledger::held_months(tx, gaps, but).await? {
        let key = (month.gap_id, super::month_of(month.month));
        if month.open {
            elsewhere.open.insert(key);
        } else {
            let settled = elsewhere.settled.entry(key).or_insert(Quantity::ZERO);
            *settled += Quantity::new(month.seat_days, month.minor);
        }
    }
    Ok(elsewhere)
}

/// The same, with what a correction that has ended has settled of them itself.
pub async fn elsewhere_and_own(
    tx: &mut OrgTx,
    gaps: &[String],
    own: CorrectionId,
) -> Result<Elsewhere, ApiError> {
    let elsewhere = elsewhere(tx, gaps, None).await?;
    let lines = ledger::worked_on(tx, gaps, Some(own)).await?.into_iter().collect();
    Ok(Elsewhere { lines, ..elsewhere })
}

/// Opens a correction of these gaps.
pub async fn open_correction(
    app: &App,
    tx: &mut OrgTx,
    actor: &core::Actor,
    found: &[FoundGap],
    owner: Option<String>,
    detail: Value,
) -> Result<Loaded, ApiError> {
    let first = found.first().ok_or_else(|| ApiError::invalid("/gaps", "Name at least one gap."))?;
    let (policy, facts) = (policy(app, tx).await?, Facts::default());
    let context = context(app, actor, &policy, &facts);
    let ids: Vec<String> = found.iter().map(|gap| gap.finding.gap.clone()).collect();
    let elsewhere = elsewhere(tx, &ids, None).await?;
    let findings: Vec<Finding> = found.iter().map(|gap| gap.finding.clone()).collect();
    let mut correction = open(&findings, &elsewhere, &context)?;
    if owner.is_some() {
        correction.owner = owner;
    }
    let new = New { correction, audit: first.audit, client_id: first.client_id, opened_from: None, detail };
    let mut stored = store(app, tx, &context, &[new]).await?;
    stored.pop().ok_or_else(|| ApiError::internal("a correction that was stored is gone"))
}
