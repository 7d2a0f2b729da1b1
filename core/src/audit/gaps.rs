//! From what adds up to what is shown: months, money, limits, adjustments and lineage of a gap.

use super::AuditError;
use super::calendar::AuditMonth;
use super::client::{Context, Subject};
use super::compare::{Compared, GapSum, MonthSum, SeatMonths, Timeline, whole_month};
use super::document::{Adjustment, Direction, Gap, GapKind, GapMonth, GapSource, TermMix, TimeBarred};
use super::rows::Line;
use crate::billing_instructions::carried;
use crate::digest;
use crate::money::{Currency, Money};
use crate::records::LineType;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The order of a document's gaps.
pub(super) fn order(a: &Gap, b: &Gap) -> Ordering {
    (&a.client, &a.product, a.direction, &a.id).cmp(&(&b.client, &b.product, b.direction, &b.id))
}

/// The gaps of a product.
pub(super) fn gaps(
    context: &Context<'_>,
    subject: &Subject<'_>,
    timeline: &Timeline,
    compared: &Compared,
) -> Result<Vec<Gap>, AuditError> {
    if compared.gaps.is_empty() {
        return Ok(Vec::new());
    }
    let sources = lineage(context, subject);
    let identity = GapIdentity::of(context, subject);
    let mut gaps = Vec::with_capacity(compared.gaps.len());
    for ((currency, direction), sum) in &compared.gaps {
        let shown = Shown::of(context, subject, *currency, *direction, sum, compared)?;
        let adjustments = adjustments(context, subject, *currency)?;
        let after = settle(shown.amount, &adjustments, *direction)?;
        let forward = match currency {
            Some(currency) => {
                Some(whole_month(sum.forward.map_or(Decimal::ZERO, |(cost, _)| cost), *currency)?)
            }
            None => None,
        };
        let id = identity.gap_id(*currency, *direction)?;
        let left = context.settled.left(&id, *direction, shown.amount, &shown.months, &adjustments)?;
        gaps.push(Gap {
            id,
            client: context.identity.client_name(subject.client).to_owned(),
            billing_entity: subject.entity_shown.map(str::to_owned),
            needs_allocation: subject.needs_allocation,
            product: context.identity.product_name(subject.product).to_owned(),
            sku: context.identity.sku(subject.product).map(str::to_owned),
            direction: *direction,
            kind: kind(context, timeline, *direction),
            method: context.identity.method(subject.client, subject.product),
            seats: Decimal::from(sum.seats),
            seat_months: shown.seat_months,
            amount: shown.amount,
            unpriced: shown.unpriced || sum.forward.is_some_and(|(_, unpriced)| unpriced),
            monthly_forward: forward,
            time_barred: shown.time_barred,
            adjustments,
            amount_after_adjustments: after,
            settled: left.settled,
            amount_unsettled: left.amount,
            seat_months_unsettled: left.seat_months,
            policy: subject.policy.last,
            policies: subject.policy.changes(context.calendar),
            entitlement_from: subject.entitlement_from,
            assumed: shown.months.iter().any(|month| month.assumed),
            waterfall: sum.fall.document(),
            months: shown.months,
            sources: sources.clone(),
        });
    }
    Ok(gaps)
}

/// A gap's months and their sums.
struct Shown {
    months: Vec<GapMonth>,
    seat_months: Decimal,
    amount: Option<Money>,
    unpriced: bool,
    time_barred: TimeBarred,
}

impl Shown {
    fn of(
        context: &Context<'_>,
        subject: &Subject<'_>,
        currency: Option<Currency>,
        direction: Direction,
        sum: &GapSum,
        compared: &Compared,
    ) -> Result<Self, AuditError> {
        let calendar = context.calendar;
        let barred = context.rules.barred_before(
            subject.client,
            subject.product,
            &subject.policy,
            direction,
            calendar,
        );
        let (mut open, mut old) = (SeatMonths::default(), SeatMonths::default());
        let mut amount = currency.map(Money::zero);
        let mut old_amount = currency.map_or(Decimal::ZERO, |currency| Money::zero(currency).amount);
        let mut shown = Vec::with_capacity(sum.months.len());
        for (index, days) in &sum.months {
            let Some(month) = calendar.months.get(*index) else { continue };
            let money = currency.map(|currency| days.money(month, currency)).transpose()?;
            let is_barred = month.closed && barred.is_some_and(|before| month.month < before);
            if is_barred {
                old.add(days.seat_days, month)?;
                old_amount = plus(old_amount, money.map_or(Decimal::ZERO, |money| money.amount))?;
            } else if month.closed {
                open.add(days.seat_days, month)?;
                if let (Some(amount), Some(money)) = (&mut amount, money) {
                    amount.amount = plus(amount.amount, money.amount)?;
                }
            }
            let closing = compared.closing.get(&(*index, currency)).copied().unwrap_or_default();
            shown.push(GapMonth {
                month: month.month,
                billable: Decimal::from(closing.0),
                billed: Decimal::from(closing.1),
                seat_months: seat_months(days.seat_days, month)?,
                amount: money.map_or(Decimal::ZERO, |money| money.amount),
                unpriced: days.unpriced,
                provisional: !month.closed,
                time_barred: is_barred,
                assumed: days.assumed,
            });
        }
        Ok(Self {
            unpriced: shown.iter().any(|month| month.unpriced),
            months: shown,
            seat_months: open.shown()?,
            amount,
            time_barred: TimeBarred {
                seat_months: old.shown()?,
                amount: old_amount,
                before: barred.map(crate::period::Month::first_day),
            },
        })
    }
}

/// Under: unbilled if nothing at all is billed in the period. Over: not provisioned if nothing is.
fn kind(context: &Context<'_>, timeline: &Timeline, direction: Direction) -> GapKind {
    let audited = context.calendar.audited;
    match direction {
        Direction::Under if timeline.billed.iter().any(|(_, series)| series.ever(audited)) => {
            GapKind::UnderBilled
        }
        Direction::Under => GapKind::Unbilled,
        Direction::Over if timeline.counted.ever(audited) => GapKind::OverBilled,
        Direction::Over => GapKind::BilledNotProvisioned,
    }
}

/// What gaps of a product are known by, whatever the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapIdentity {
    client: String,
    billing_entity: Option<String>,
    product: String,
}

impl GapIdentity {
    /// Of a product of a client, or of one of its billing entities.
    pub(super) fn of(context: &Context<'_>, subject: &Subject<'_>) -> Self {
        let product = context.identity.sku(subject.product);
        Self {
            client: context.identity.client_identity(subject.client).to_owned(),
            billing_entity: subject.entity.map(str::to_owned),
            product: product.unwrap_or(context.identity.product_name(subject.product)).to_owned(),
        }
    }

    /// The id of the gap in a currency and direction: a hash of what it is about.
    ///
    /// # Errors
    /// When it cannot be written as JSON, which no name should bring about.
    pub fn gap_id(&self, currency: Option<Currency>, direction: Direction) -> Result<String, AuditError> {
        #[derive(Serialize)]
        struct About<'a> {
            client: &'a str,
            billing_entity: Option<&'a str>,
            product: &'a str,
            currency: Option<Currency>,
            direction: Direction,
        }
        let about = About {
            client: &self.client,
            billing_entity: self.billing_entity.as_deref(),
            product: &self.product,
            currency,
            direction,
        };
        Ok(digest::of_json(&about).map_err(AuditError::Document)?.trim_start_matches("sha256:").to_owned())
    }
}

/// The audited rows behind a product's numbers, by file.
fn lineage(context: &Context<'_>, subject: &Subject<'_>) -> Vec<GapSource> {
    let audited = context.calendar.audited;
    let mut lines: Vec<Line> = Vec::with_capacity(subject.counts.len() + subject.bills.len());
    for count in subject.counts.iter().filter(|count| count.days.meets(audited)) {
        lines.push(count.line);
        lines.extend(&count.more);
    }
    let bills = subject.bills.iter().chain(&subject.parents).filter(|bill| bill.days.meets(audited));
    lines.extend(bills.map(|bill| bill.line));
    lines.sort_unstable();
    let mut files: BTreeMap<(&str, &str), Vec<u32>> = BTreeMap::new();
    for of_source in lines.chunk_by(|a, b| a.source == b.source) {
        let source = of_source.first().and_then(|line| context.sources.get(line.source as usize));
        let Some(source) = source else { continue };
        let of_file = files.entry((&source.import, &source.file)).or_default();
        of_file.extend(of_source.iter().map(|line| line.line));
    }
    let file = |((import, file), mut lines): ((&str, &str), Vec<u32>)| {
        lines.sort_unstable();
        lines.dedup();
        GapSource { import: import.to_owned(), file: file.to_owned(), lines }
    };
    files.into_iter().map(file).collect()
}

/// The lines of a product that are not compared, in the audited period.
fn adjustments(
    context: &Context<'_>,
    subject: &Subject<'_>,
    currency: Option<Currency>,
) -> Result<Vec<Adjustment>, AuditError> {
    let mut listed = Vec::new();
    // A line of a correction settles that correction's months, not the one that it is invoiced in.
    let of_gap = subject.bills.iter().filter(|bill| {
        !bill.regular()
            && carried(bill.record).is_none()
            && Some(bill.record.currency) == currency
            && bill.days.meets(context.calendar.audited)
    });
    for bill in of_gap {
        let record = bill.record;
        let quantity = record.quantity.checked_sub(record.included).ok_or(AuditError::Overflow)?;
        let mut exact = quantity.checked_mul(record.unit_price).ok_or(AuditError::Overflow)?;
        if record.line_type == LineType::Credit {
            // Some systems write a credit as a negative line, some as a line of kind credit.
            exact = -exact.abs();
        }
        if !record.billable {
            exact = Decimal::ZERO;
        }
        listed.push(Adjustment {
            line_type: record.line_type,
            from: record.span.from,
            until: record.span.until,
            quantity,
            unit_price: record.unit_price,
            amount: Money::round(exact, record.currency),
            invoice: record.invoice.clone(),
            import: context
                .sources
                .get(bill.line.source as usize)
                .map_or_else(String::new, |s| s.import.clone()),
            line: bill.line.line,
        });
    }
    listed.sort_by(|a, b| (a.from, &a.import, a.line).cmp(&(b.from, &b.import, b.line)));
    Ok(listed)
}

/// What is left of an amount: charges made already settle under-billing, money given back already
/// settles over-billing; never below 0.
fn settle(
    amount: Option<Money>,
    adjustments: &[Adjustment],
    direction: Direction,
) -> Result<Option<Money>, AuditError> {
    let Some(mut left) = amount else { return Ok(None) };
    for adjustment in adjustments {
        let settled = match direction {
            Direction::Under => adjustment.amount.amount.max(Decimal::ZERO),
            Direction::Over => (-adjustment.amount.amount).max(Decimal::ZERO),
        };
        left.amount = left.amount.checked_sub(settled).ok_or(AuditError::Overflow)?;
    }
    if left.amount.is_sign_negative() {
        left = Money::zero(left.currency);
    }
    Ok(Some(left))
}

/// The term mixes of a product, per pair of terms.
pub(super) fn mixes(
    context: &Context<'_>,
    subject: &Subject<'_>,
    compared: &Compared,
) -> Result<Vec<TermMix>, AuditError> {
    let currency = compared.closing.keys().find_map(|(_, currency)| *currency);
    let mut mixes = Vec::new();
    for ((from_term, to_term), sum) in &compared.mixes {
        let mut seats = SeatMonths::default();
        let mut amount = currency.map(Money::zero);
        for (month, days) in closed(context, &sum.months) {
            seats.add(days.seat_days, month)?;
            if let Some(total) = &mut amount {
                total.amount = plus(total.amount, days.money(month, total.currency)?.amount)?;
            }
        }
        if sum.months.values().any(|month| month.unpriced) {
            amount = None;
        }
        mixes.push(TermMix {
            client: context.identity.client_name(subject.client).to_owned(),
            product: context.identity.product_name(subject.product).to_owned(),
            seats: Decimal::from(sum.seats),
            seat_months: seats.shown()?,
            from_term: *from_term,
            to_term: *to_term,
            amount,
        });
    }
    Ok(mixes)
}

/// The closed ones of these months.
pub(super) fn closed<'m>(
    context: &Context<'m>,
    months: &'m BTreeMap<usize, MonthSum>,
) -> impl Iterator<Item = (&'m AuditMonth, &'m MonthSum)> {
    let calendar = context.calendar;
    let known = months.iter().filter_map(|(index, days)| Some((calendar.months.get(*index)?, days)));
    known.filter(|(month, _)| month.closed)
}

/// Seat-months of one month, six decimals, half away from zero.
fn seat_months(seat_days: i64, month: &AuditMonth) -> Result<Decimal, AuditError> {
    let exact = Decimal::from(seat_days).checked_div(Decimal::from(month.days.count()));
    let exact = exact.ok_or(AuditError::Overflow)?;
    let mut shown = exact.round_dp_with_strategy(6, RoundingStrategy::MidpointAwayFromZero);
    shown.rescale(6);
    Ok(shown)
}

pub(super) fn plus(a: Decimal, b: Decimal) -> Result<Decimal, AuditError> {
    a.checked_add(b).ok_or(AuditError::Overflow)
}
