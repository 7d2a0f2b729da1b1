//! What a later audit says of a correction's gaps.

use super::Loaded;
use super::opening::{FoundGap, elsewhere};
use crate::error::{ApiError, Code};
use crate::services::audits as documents;
use crate::storage::OrgTx;
use crate::storage::audits;
use crate::storage::corrections::facts as stored;
use leakage_core::audit::{AuditDocument, CoverageStatus};
use leakage_core::correction::command::Recount;
use leakage_core::correction::finding::Line;
use leakage_core::id::AuditId;
use leakage_core::period::Month;
use std::collections::{BTreeMap, BTreeSet};

/// A completed audit's word on a correction.
///
/// # Errors
/// 422 when there is no such audit, 409 while it is not completed.
pub async fn recount(tx: &mut OrgTx, loaded: &Loaded, audit: AuditId) -> Result<Recount, ApiError> {
    let row = audits::find(tx, audit).await?;
    let row = row.ok_or_else(|| ApiError::invalid("/audit_id", "There is no audit with this id."))?;
    if row.status != "completed" {
        return Err(ApiError::new(
            Code::Conflict,
            format!("The audit is {}: it says nothing yet.", row.status),
        ));
    }
    let document = documents::document(tx, audit).await?;
    let document: AuditDocument = serde_json::from_str(&document).map_err(ApiError::internal)?;
    let correction = &loaded.correction;
    let gaps: Vec<String> = correction.lines.iter().map(|line| line.gap.clone()).collect();
    let elsewhere = elsewhere(tx, &gaps, Some(loaded.id())).await?;
    let found = stored::gaps(tx, &gaps, Some(audit)).await?;
    let found = found.into_iter().map(FoundGap::of).collect::<Result<Vec<_>, _>>()?;
    let months: Vec<Month> = {
        let last = Month::of(row.to_month);
        let closed =
            |month: &Month| *month <= last && month.end() <= leakage_core::period::day_after(row.as_of);
        std::iter::successors(Some(Month::of(row.from_month)), |month| Some(month.next()))
            .take_while(closed)
            .collect()
    };
    let compared =
        |line: &Line| (line.number, compared(&document, &correction.subject.client, line, &months));
    Ok(Recount {
        audit: audit.to_string(),
        compared: correction.lines.iter().map(compared).collect::<BTreeMap<_, _>>(),
        findings: found.into_iter().map(|gap| gap.finding.less(&elsewhere)).collect(),
    })
}

/// The months that an audit compared in full of a client's product.
fn compared(document: &AuditDocument, client: &str, line: &Line, months: &[Month]) -> BTreeSet<Month> {
    let own = document.coverage.iter().filter(|one| one.client == client);
    let mut compared = BTreeSet::new();
    for coverage in own {
        match (&coverage.product, coverage.status) {
            (None, CoverageStatus::Compared) => {
                let in_full = |month: &&Month| {
                    !coverage.missing_months.contains(month) && !coverage.partial_months.contains(month)
                };
                compared.extend(months.iter().filter(in_full).copied());
            }
            (None, CoverageStatus::InsufficientData) => return BTreeSet::new(),
            (Some(product), CoverageStatus::InsufficientData) if *product == line.product => {
                return BTreeSet::new();
            }
            _ => {}
        }
    }
    compared
}
