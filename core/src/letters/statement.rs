//! What an audit says about one client and month, as the facts of a monthly statement.

use super::facts::{FindingFacts, NotComparedFacts, StatementFacts};
use crate::audit::{Adjustment, AuditDocument, Coverage, CoverageStatus, Gap, GapMonth};
use crate::money::Money;
use crate::period::Month;
use rust_decimal::Decimal;

/// The statement of a month from a whole audit document. `is_client` tells which of its names are the
/// client's. None where the audit does not span the month, or knows nothing of the client.
///
/// What was not compared is listed with its reason; it never counts as a match. What was fixed is no audit's to
/// say: it stays empty here.
pub fn statement_of(
    document: &AuditDocument,
    month: Month,
    is_client: impl Fn(&str) -> bool,
) -> Option<StatementFacts> {
    let period = document.period;
    let audited =
        period.from <= month.first_day() && month.end() <= period.until && period.as_of >= month.first_day();
    let coverage: Vec<&Coverage> =
        document.coverage.iter().filter(|entry| is_client(&entry.client)).collect();
    if !audited || coverage.is_empty() {
        return None;
    }
    let whole = |entry: &&&Coverage| entry.product.is_none();
    let compares =
        |entry: &Coverage| entry.status == CoverageStatus::Compared && !entry.missing_months.contains(&month);
    let missing = coverage.iter().filter(|entry| !compares(entry));
    let not_compared: Vec<NotComparedFacts> = missing
        .map(|entry| NotComparedFacts { product: entry.product.clone(), reason: entry.reason })
        .collect();
    let mut findings: Vec<FindingFacts> = document
        .gaps
        .iter()
        .filter(|gap| is_client(&gap.client))
        .filter_map(|gap| Some(finding(gap, gap.months.iter().find(|of| of.month == month)?, month)))
        .collect();
    findings.retain(|finding| !finding.seat_months.is_zero());
    let prices = document.price_differences.iter();
    let price_differences =
        prices.filter(|price| is_client(&price.client) && price.from < month.end()).count();
    Some(StatementFacts {
        month,
        as_of: period.as_of.min(month.end().pred_opt().unwrap_or(period.as_of)),
        compared: coverage.iter().filter(whole).any(|entry| compares(entry)),
        findings,
        fixed: Vec::new(),
        not_compared,
        provisional: period.as_of.succ_opt().is_none_or(|next| next < month.end()),
        partial: coverage.iter().any(|entry| entry.partial_months.contains(&month)),
        assumed: coverage.iter().any(|entry| entry.assumed),
        price_differences: u32::try_from(price_differences).unwrap_or(u32::MAX),
    })
}

fn finding(gap: &Gap, of: &GapMonth, month: Month) -> FindingFacts {
    let currency = gap.amount.map(|amount| amount.currency).filter(|_| !of.unpriced);
    FindingFacts {
        product: gap.product.clone(),
        direction: gap.direction,
        seats: seats(of),
        seat_months: of.seat_months,
        amount: currency.map(|currency| Money { amount: of.amount, currency }),
        time_barred: of.time_barred,
        adjusted: gap.adjustments.iter().any(|line| meets(line, month)),
    }
}

/// On the month's last audited day.
fn seats(of: &GapMonth) -> Decimal {
    (of.billable - of.billed).abs()
}

fn meets(line: &Adjustment, month: Month) -> bool {
    line.from < month.end() && line.until.is_none_or(|until| until > month.first_day())
}
