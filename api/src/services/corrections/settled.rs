//! Which months of gaps corrections hold or have settled: shown with gaps, and no part of an audit's document.

use crate::error::ApiError;
use crate::storage::OrgTx;
use crate::storage::corrections::ledger;
use leakage_core::id::CorrectionId;
use leakage_core::period::Month;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A month of a gap in a correction: it enters no other one while that is open, and of what is settled only a
/// difference can be opened again.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettledMonth {
    /// The month.
    pub month: Month,
    /// The correction.
    pub correction_id: CorrectionId,
    /// Whether it is worked on; else it has ended.
    pub open: bool,
}

/// The months of these gaps in corrections, by gap.
pub async fn settled(
    tx: &mut OrgTx,
    gaps: &[String],
) -> Result<BTreeMap<String, Vec<SettledMonth>>, ApiError> {
    let mut settled: BTreeMap<String, Vec<SettledMonth>> = BTreeMap::new();
    for held in ledger::held_months(tx, gaps, None).await? {
        // What was withdrawn was not there: it settles nothing.
        if held.open || held.seat_days > 0 {
            settled.entry(held.gap_id).or_default().push(SettledMonth {
                month: Month::of(held.month),
                correction_id: held.correction_id.into(),
                open: held.open,
            });
        }
    }
    Ok(settled)
}
