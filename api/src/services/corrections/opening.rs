//! From gaps to corrections.

use super::{Beside, Loaded, context, policy, store_new};
use crate::app::App;
use crate::error::ApiError;
use crate::storage::OrgTx;
use crate::storage::corrections::{facts as stored, ledger};
use leakage_core::audit::Gap;
use leakage_core::correction::case::Correction;
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

/// What other corrections hold of these gaps.
pub async fn elsewhere(
    tx: &mut OrgTx,
    gaps: &[String],
    but: Option<CorrectionId>,
) -> Result<Elsewhere, ApiError> {
    let mut elsewhere = Elsewhere {
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

/// What a correction of these gaps would be, without storing it.
pub async fn prepare(
    app: &App,
    tx: &mut OrgTx,
    actor: &core::Actor,
    found: &[FoundGap],
) -> Result<Correction, ApiError> {
    let policy = policy(app, tx).await?;
    let facts = Facts::default();
    let ids: Vec<String> = found.iter().map(|gap| gap.finding.gap.clone()).collect();
    let elsewhere = elsewhere(tx, &ids, None).await?;
    let findings: Vec<Finding> = found.iter().map(|gap| gap.finding.clone()).collect();
    Ok(open(&findings, &elsewhere, &context(app, actor, &policy, &facts))?)
}

/// Opens a correction of these gaps.
pub async fn open_correction(
    app: &App,
    tx: &mut OrgTx,
    actor: &core::Actor,
    found: &[FoundGap],
    owner: Option<String>,
    beside: Beside,
) -> Result<Loaded, ApiError> {
    let mut correction = prepare(app, tx, actor, found).await?;
    if owner.is_some() {
        correction.owner = owner;
    }
    let policy = policy(app, tx).await?;
    let facts = Facts::default();
    let context = context(app, actor, &policy, &facts);
    let rests_on = found.first().map(|gap| (gap.audit, gap.client_id));
    let rests_on = rests_on.ok_or_else(|| ApiError::invalid("/gaps", "Name at least one gap."))?;
    store_new(app, tx, &context, correction, rests_on, None, beside).await
}
