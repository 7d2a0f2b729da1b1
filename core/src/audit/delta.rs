//! What changed between two audits of one organization: a late file, a confirmed mapping or a new rule
//! makes a delta, never a rewrite of what was found before.

use super::AuditError;
use super::document::{AuditDocument, Coverage, CoverageStatus, Direction, Gap, GapMonth, Reason, Total};
use super::gaps::plus;
use crate::money::{Currency, Money};
use crate::period::Month;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The differences between two audit documents; what is the same is not listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Delta {
    /// Digest of the earlier document.
    pub before: String,
    /// Digest of the later document.
    pub after: String,
    /// Gaps that only the later one has.
    pub added: Vec<Gap>,
    /// Gaps that only the earlier one has.
    pub gone: Vec<Gap>,
    /// Gaps of both with other figures.
    pub changed: Vec<ChangedGap>,
    /// Later totals less earlier totals, per currency with a difference.
    pub totals: Vec<Total>,
    /// Clients and products that became comparable, or ceased to be.
    pub coverage: Vec<CoverageChange>,
}

/// A gap whose figures changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangedGap {
    /// The gap.
    pub id: String,
    /// Its client.
    pub client: String,
    /// Its product.
    pub product: String,
    /// Which way.
    pub direction: Direction,
    /// Figures of the earlier audit.
    pub before: GapFigures,
    /// Figures of the later audit.
    pub after: GapFigures,
    /// The months that differ.
    pub months: Vec<ChangedMonth>,
}

/// The figures of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GapFigures {
    /// Difference on the last audited day that has one.
    pub seats: Decimal,
    /// Seat-months, six decimals.
    pub seat_months: Decimal,
    /// Money; none where no currency is known.
    pub amount: Option<Money>,
    /// What the last state costs in a whole month.
    pub monthly_forward: Option<Money>,
}

impl GapFigures {
    const fn of(gap: &Gap) -> Self {
        Self {
            seats: gap.seats,
            seat_months: gap.seat_months,
            amount: gap.amount,
            monthly_forward: gap.monthly_forward,
        }
    }
}

/// A month of a gap that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangedMonth {
    /// The month.
    pub month: Month,
    /// As the earlier audit has it; none: no such gap in that month.
    pub before: Option<GapMonth>,
    /// As the later audit has it.
    pub after: Option<GapMonth>,
}

/// A client or product whose comparability changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CoverageChange {
    /// The client.
    pub client: String,
    /// The product; none: the client as a whole.
    pub product: Option<String>,
    /// Earlier; none: it was not listed.
    pub before: Option<CoverageStatus>,
    /// Later; none: it is not listed.
    pub after: Option<CoverageStatus>,
    /// Why it cannot be compared now, if it cannot.
    pub reason: Option<Reason>,
}

/// Compares two documents.
///
/// # Errors
/// When a difference of sums cannot be exact.
pub fn delta(before: &AuditDocument, after: &AuditDocument) -> Result<Delta, AuditError> {
    let (old, new) = (by_id(before), by_id(after));
    let only = |these: &BTreeMap<&str, &Gap>, others: &BTreeMap<&str, &Gap>, from: &AuditDocument| {
        let lacking =
            |gap: &&Gap| these.contains_key(gap.id.as_str()) && !others.contains_key(gap.id.as_str());
        from.gaps.iter().filter(lacking).cloned().collect::<Vec<_>>()
    };
    let changed = after.gaps.iter().filter_map(|gap| changed(old.get(gap.id.as_str())?, gap));
    Ok(Delta {
        before: before.digest.clone(),
        after: after.digest.clone(),
        added: only(&new, &old, after),
        gone: only(&old, &new, before),
        changed: changed.collect(),
        totals: totals(&before.totals, &after.totals)?,
        coverage: coverage(&before.coverage, &after.coverage),
    })
}

fn by_id(document: &AuditDocument) -> BTreeMap<&str, &Gap> {
    document.gaps.iter().map(|gap| (gap.id.as_str(), gap)).collect()
}

fn changed(old: &Gap, new: &Gap) -> Option<ChangedGap> {
    let of = |gap: &Gap| -> BTreeMap<Month, GapMonth> {
        gap.months.iter().map(|month| (month.month, *month)).collect()
    };
    let (earlier, later) = (of(old), of(new));
    let all: BTreeSet<Month> = earlier.keys().chain(later.keys()).copied().collect();
    let month = |month: Month| ChangedMonth {
        month,
        before: earlier.get(&month).copied(),
        after: later.get(&month).copied(),
    };
    let months: Vec<ChangedMonth> =
        all.into_iter().map(month).filter(|month| month.before != month.after).collect();
    let (before, after) = (GapFigures::of(old), GapFigures::of(new));
    (before != after || !months.is_empty()).then(|| ChangedGap {
        id: new.id.clone(),
        client: new.client.clone(),
        product: new.product.clone(),
        direction: new.direction,
        before,
        after,
        months,
    })
}

fn totals(before: &[Total], after: &[Total]) -> Result<Vec<Total>, AuditError> {
    let currencies: BTreeSet<Currency> = before.iter().chain(after).map(|total| total.currency).collect();
    let mut out = Vec::new();
    for currency in currencies {
        let of = |totals: &[Total], pick: fn(&Total) -> Decimal| {
            let zero = Money::zero(currency).amount;
            totals.iter().find(|total| total.currency == currency).map_or(zero, pick)
        };
        let less = |pick: fn(&Total) -> Decimal| plus(of(after, pick), -of(before, pick));
        let total = Total {
            currency,
            under: less(|total| total.under)?,
            over: less(|total| total.over)?,
            forward_under: less(|total| total.forward_under)?,
            forward_over: less(|total| total.forward_over)?,
            time_barred: less(|total| total.time_barred)?,
            kinds: Vec::new(),
        };
        let sums = [total.under, total.over, total.forward_under, total.forward_over, total.time_barred];
        if sums.iter().any(|sum| !sum.is_zero()) {
            out.push(total);
        }
    }
    Ok(out)
}

fn coverage(before: &[Coverage], after: &[Coverage]) -> Vec<CoverageChange> {
    type Key<'c> = (&'c str, Option<&'c str>);
    let of = |list: &'_ [Coverage]| -> BTreeMap<(String, Option<String>), (CoverageStatus, Option<Reason>)> {
        let entry =
            |entry: &Coverage| ((entry.client.clone(), entry.product.clone()), (entry.status, entry.reason));
        list.iter().map(entry).collect()
    };
    let (old, new) = (of(before), of(after));
    let keys: BTreeSet<Key<'_>> =
        old.keys().chain(new.keys()).map(|(client, product)| (client.as_str(), product.as_deref())).collect();
    let change = |(client, product): Key<'_>| {
        let key = (client.to_owned(), product.map(str::to_owned));
        let (was, is) = (old.get(&key), new.get(&key));
        (was != is).then(|| CoverageChange {
            client: key.0.clone(),
            product: key.1.clone(),
            before: was.map(|(status, _)| *status),
            after: is.map(|(status, _)| *status),
            reason: is.and_then(|(_, reason)| *reason),
        })
    };
    keys.into_iter().filter_map(change).collect()
}
