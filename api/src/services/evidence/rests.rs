//! What each line of a correction rests on: the gap of an audit, or an invoice that got it wrong. A line with
//! neither proves nothing: no message is frozen of it, and no bundle is made.

use crate::error::ApiError;
use crate::storage::OrgTx;
use crate::storage::corrections::facts as stored;
use leakage_core::audit::Gap;
use leakage_core::correction::case::Correction;
use leakage_core::correction::finding::Line;
use leakage_core::correction::refusal::{Code, Refusal};
use leakage_core::evidence::facts::MonthFacts;
use leakage_core::id::AuditId;
use leakage_core::period::Month;
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The gap of a line, as an audit found it.
#[derive(Debug)]
pub struct FoundGap {
    /// The first line that rests on it.
    pub line: u32,
    /// Its id.
    pub gap: String,
    /// The audit.
    pub audit: Uuid,
    /// What the audit found.
    pub document: Value,
}

/// The gaps of the lines, as the line's audit found them, or the last one that saw them. A finding stands once; a
/// line that rests on an invoice has none of its own.
///
/// # Errors
/// Where a line rests on nothing that can be shown.
pub async fn gaps(tx: &mut OrgTx, correction: &Correction) -> Result<Vec<FoundGap>, ApiError> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for line in &correction.lines {
        let rows = of_line(tx, line).await?;
        if rows.is_empty() && line.invoice.is_none() {
            return Err(unfounded(line).into());
        }
        for (gap, audit, _, document) in rows {
            if seen.insert((audit, gap.clone())) {
                found.push(FoundGap { line: line.number, gap, audit, document });
            }
        }
    }
    if correction.lines.is_empty() {
        return Err(Refusal::new(Code::FactsMissing, "The correction has no line.").into());
    }
    Ok(found)
}

/// The same, read.
///
/// # Errors
/// As [`gaps`].
pub(super) async fn read(
    tx: &mut OrgTx,
    correction: &Correction,
) -> Result<Vec<(AuditId, u32, Gap)>, ApiError> {
    let found = gaps(tx, correction).await?.into_iter().map(|of| {
        let gap = serde_json::from_value(of.document).map_err(ApiError::internal)?;
        Ok((AuditId::new(of.audit), of.line, gap))
    });
    found.collect()
}

/// Billed against billable: of a month that an invoice got wrong, what the last such invoice says.
pub(super) fn months(found: &[(AuditId, u32, Gap)], correction: &Correction) -> Vec<MonthFacts> {
    let of = |gap: &Gap| {
        let product = gap.product.clone();
        gap.months
            .iter()
            .map(move |month| {
                let (billable, billed) = (month.billable, month.billed);
                (
                    (product.clone(), month.month),
                    MonthFacts { product: product.clone(), month: month.month, billable, billed },
                )
            })
            .collect::<Vec<_>>()
    };
    let mut months: BTreeMap<_, _> = found.iter().flat_map(|(_, _, gap)| of(gap)).collect();
    for line in &correction.lines {
        let Some(invoice) = &line.invoice else { continue };
        let (product, month) = (line.product.clone(), Month::of(invoice.on));
        let (billable, billed) = (Decimal::from(invoice.billable), Decimal::from(invoice.billed));
        months.insert((product.clone(), month), MonthFacts { product, month, billable, billed });
    }
    months.into_values().collect()
}

async fn of_line(tx: &mut OrgTx, line: &Line) -> Result<Vec<(String, Uuid, Option<Uuid>, Value)>, ApiError> {
    let audit = audit_of(line)?;
    let gap = std::slice::from_ref(&line.gap);
    let rows = stored::gaps(tx, gap, Some(audit)).await?;
    if rows.is_empty() && line.invoice.is_none() {
        return Ok(stored::gaps(tx, gap, None).await?);
    }
    Ok(rows)
}

/// The audit that found a line, or, of one that rests on an invoice, the line that it stands for.
pub(super) fn audit_of(line: &Line) -> Result<AuditId, ApiError> {
    line.audit.parse().map_err(|_| ApiError::internal("a line names no audit"))
}

fn unfounded(line: &Line) -> Refusal {
    Refusal::new(
        Code::FactsMissing,
        format!(
            "Line {} ({}) rests on no gap of an audit and on no invoice: nothing could be frozen that proves it. Run an \
             audit of its months, withdraw the line's seats, and open what that audit finds.",
            line.number, line.product
        ),
    )
}
