//! Which months of gaps corrections hold or have settled: as they are now, shown with gaps, and as they were
//! known to an audit, whose document says what is left to charge or credit.

use crate::error::ApiError;
use crate::storage::corrections::ledger;
use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::audit::{self, AuditInput};
use leakage_core::id::CorrectionId;
use leakage_core::money::{Currency, Money};
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

/// Gives an audit the months that corrections held or had settled at a time: what is found there again is not
/// charged again.
pub async fn known(
    tx: &mut OrgTx,
    known_at: DateTime<Utc>,
    input: &mut AuditInput,
) -> Result<(), StorageError> {
    let months = (input.from.first_day(), input.to.first_day());
    for held in ledger::known_months(tx, months, known_at).await? {
        let currency: Currency =
            held.currency.parse().map_err(|_| StorageError::Corrupt { column: "corrections.currency" })?;
        input.settled.push(audit::SettledMonth {
            gap: held.gap_id,
            month: Month::of(held.month),
            settled_by: CorrectionId::new(held.correction_id).to_string(),
            open: held.open,
            seat_days: held.seat_days,
            amount: Money::from_minor(held.minor, currency).amount,
            documents: held.documents,
        });
    }
    Ok(())
}
