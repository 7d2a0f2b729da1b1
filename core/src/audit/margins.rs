//! Margins: what a product is billed at, less what the vendor charges for it, month by month.

use super::AuditError;
use super::calendar::{AuditMonth, Chunk, Days, date, intersect};
use super::client::{ClientRows, Context, Subject, View, comparison, view};
use super::compare::{MonthSum, add, times};
use super::document::{AuditPeriod, Direction, Gap, Reason};
use super::gaps::gaps;
use super::margins_document::{
    BillableMargin, Margin, MarginFigures, MarginMonth, MarginNotCompared, MarginTotal, Margins, NoMargin,
};
use super::pricing::Rate;
use super::rows::{Bill, Charge};
use super::sides::covered_by;
use super::vendor_cost::share;
use crate::money::{Currency, Money};
use crate::period::Month;
use crate::records::{ChargeKind, Side};
use rust_decimal::{Decimal, RoundingStrategy};
use std::collections::{BTreeMap, BTreeSet};

/// The margins of all clients that are asked for.
pub(super) fn margins(context: &Context<'_>) -> Result<Margins, AuditError> {
    let mut found = Margins {
        period: AuditPeriod {
            from: date(context.calendar.period.from),
            until: date(context.calendar.period.until),
            as_of: context.input.as_of,
        },
        totals: Vec::new(),
        clients: Vec::new(),
        products: Vec::new(),
        not_compared: Vec::new(),
    };
    for (client, rows) in context.clients() {
        let view = view(context, client, rows);
        let billed = matches!(view.reason, None | Some(Reason::NoEntitlement | Reason::NoCommonDays));
        for subject in view.subjects.iter().filter(|_| billed) {
            of_product(context, &view, subject, rows, &mut found)?;
        }
    }
    found.products.sort_by(|a, b| (&a.client, &a.product).cmp(&(&b.client, &b.product)));
    found
        .not_compared
        .sort_by(|a, b| (&a.client, &a.product, a.reason).cmp(&(&b.client, &b.product, b.reason)));
    found.totals = totals(&found.products, |_| None)?;
    found.clients = totals(&found.products, |margin| Some(margin.client.as_str()))?;
    Ok(found)
}

/// The gap of a product by month, where it was compared.
#[derive(Default)]
struct Gaps {
    /// Compared days of each month.
    days: BTreeMap<usize, i64>,
    found: Vec<Gap>,
}

fn of_product<'a>(
    context: &Context<'a>,
    view: &View<'a>,
    subject: &Subject<'a>,
    rows: ClientRows<'a>,
    found: &mut Margins,
) -> Result<(), AuditError> {
    let recurring = subject.charges.iter().filter(|charge| charge.record.kind != ChargeKind::OneTime);
    let Some(rank) = recurring.clone().map(|charge| charge.rank).min() else { return Ok(()) };
    let charges: Vec<&Charge<'_>> = recurring.copied().filter(|charge| charge.rank == rank).collect();
    let own = match comparison(context, subject, rows)? {
        Ok(comparison) => {
            let mut own = Gaps {
                found: gaps(context, subject, &comparison.timeline, &comparison.compared)?,
                ..Gaps::default()
            };
            for chunk in &comparison.chunks {
                *own.days.entry(chunk.month).or_default() += chunk.days;
            }
            own
        }
        // What is billed under this name, or how much of it, is not settled.
        Err(Some(Reason::UnconfirmedMapping | Reason::SourceConflict | Reason::FractionalQuantity)) => {
            return Ok(());
        }
        Err(_) => Gaps::default(),
    };
    let covered = covered_by(view.days.ranks(Side::Cost), rank, context.calendar.audited);
    let product = Product { context, subject, charges, days: intersect(&subject.billed, &covered), own };
    product.margin(found)
}

/// A product whose cost is known on some days.
struct Product<'c, 'a> {
    context: &'c Context<'a>,
    subject: &'c Subject<'a>,
    charges: Vec<&'c Charge<'a>>,
    /// Days that the billing and the vendor's file cover.
    days: Vec<Days>,
    own: Gaps,
}

/// A month in the making.
#[derive(Default)]
struct Billed {
    days: i64,
    by_currency: BTreeMap<Currency, MonthSum>,
}

/// Months that have a cost and no margin, and the currencies of both sides.
#[derive(Default)]
struct Without {
    billed: BTreeSet<Currency>,
    cost: BTreeSet<Currency>,
    months: Vec<Month>,
}

impl Product<'_, '_> {
    fn margin(&self, found: &mut Margins) -> Result<(), AuditError> {
        let context = self.context;
        let mut months: BTreeMap<Currency, Vec<MarginMonth>> = BTreeMap::new();
        let mut without: BTreeMap<NoMargin, Without> = BTreeMap::new();
        for (index, billed) in self.billed()? {
            let Some(month) = context.calendar.months.get(index).filter(|month| month.closed) else {
                continue;
            };
            let cost = self.cost(month)?;
            let in_currencies: BTreeSet<Currency> = billed.by_currency.keys().copied().collect();
            let costs: BTreeSet<Currency> = cost.keys().copied().collect();
            let Some((currency, cost)) = cost.first_key_value() else { continue };
            let reason = if !self.subject.parents.is_empty() {
                Some(NoMargin::BilledInBundle)
            } else if costs.len() > 1 || !in_currencies.is_subset(&costs) {
                Some(NoMargin::CurrencyDiffers)
            } else {
                None
            };
            if let Some(reason) = reason {
                let without = without.entry(reason).or_default();
                without.billed.extend(in_currencies);
                without.cost.extend(costs);
                without.months.push(month.month);
                continue;
            }
            let shown = self.month(index, month, &billed, *currency, *cost)?;
            months.entry(*currency).or_default().push(shown);
        }
        let (client, product) = (
            context.identity.client_name(self.subject.client).to_owned(),
            context.identity.product_name(self.subject.product).to_owned(),
        );
        for (currency, months) in months {
            found.products.push(Margin {
                client: client.clone(),
                product: product.clone(),
                sku: context.identity.sku(self.subject.product).map(str::to_owned),
                currency,
                figures: sum(months.iter().map(|month| month.figures), currency, false)?,
                months,
            });
        }
        for (reason, Without { billed, cost, months }) in without {
            found.not_compared.push(MarginNotCompared {
                client: client.clone(),
                product: product.clone(),
                reason,
                billed: billed.into_iter().collect(),
                cost: cost.into_iter().collect(),
                months,
            });
        }
        Ok(())
    }

    /// What is billed in each month, prorated by the policy as in a gap.
    fn billed(&self) -> Result<BTreeMap<usize, Billed>, AuditError> {
        let lines = || self.subject.bills.iter().filter(|bill| bill.regular());
        let mut changes: Vec<i32> = lines().flat_map(|bill| [bill.days.from, bill.days.until]).collect();
        changes.sort_unstable();
        changes.dedup();
        let mut months: BTreeMap<usize, Billed> = BTreeMap::new();
        let chunks = self.subject.policy.chunks(self.context.calendar, &self.days, &changes);
        for Chunk { month, days, at } in chunks {
            let billed = months.entry(month).or_default();
            billed.days += days;
            for line in lines().filter(|line| line.days.contains(at)) {
                let Some(rate) = rate_of(line)? else { continue };
                let sum = billed.by_currency.entry(line.record.currency).or_default();
                sum.add(days, 0, rate, false, false)?;
            }
        }
        Ok(months)
    }

    /// What the vendor charges for the covered days of a month, per currency.
    fn cost(&self, month: &AuditMonth) -> Result<BTreeMap<Currency, Decimal>, AuditError> {
        let mut cost: BTreeMap<Currency, Decimal> = BTreeMap::new();
        for charge in &self.charges {
            for days in intersect(&self.days, &[charge.days.and(month.days)]) {
                let share = share(charge.record, days, month)?;
                let sum = cost.entry(charge.record.currency).or_default();
                *sum = add(*sum, share)?;
            }
        }
        Ok(cost)
    }

    fn month(
        &self,
        index: usize,
        month: &AuditMonth,
        billed: &Billed,
        currency: Currency,
        cost: Decimal,
    ) -> Result<MarginMonth, AuditError> {
        let sum = billed.by_currency.get(&currency).copied().unwrap_or_default();
        let money = sum.money(month, currency)?.amount;
        let difference = if self.own.days.get(&index) == Some(&billed.days) {
            difference(&self.own.found, month.month, currency)?
        } else {
            None
        };
        let should = difference.map(|difference| add(money, difference)).transpose()?;
        Ok(MarginMonth {
            month: month.month,
            days: u32::try_from(billed.days).unwrap_or(u32::MAX),
            figures: figures(money, cost, should, currency)?,
        })
    }
}

/// Seats x rate of a line. None on lines that charge nothing.
fn rate_of(line: &Bill<'_>) -> Result<Option<Decimal>, AuditError> {
    let seats = line.billed.known().unwrap_or(0);
    if seats == 0 || line.record.unit_price.is_zero() {
        return Ok(None);
    }
    let rate = Rate::of(line.record.unit_price, line.record.cycle).ok_or(AuditError::Overflow)?;
    Ok(Some(times(rate.0, seats)?))
}

/// What lacks on a month's bill, less what is too much on it. None where some of it has no price.
fn difference(gaps: &[Gap], month: Month, currency: Currency) -> Result<Option<Decimal>, AuditError> {
    let mut sum = Money::zero(currency).amount;
    for gap in gaps {
        for own in gap.months.iter().filter(|own| own.month == month) {
            if own.unpriced || gap.amount.is_none_or(|amount| amount.currency != currency) {
                return Ok(None);
            }
            let signed = if gap.direction == Direction::Under { own.amount } else { -own.amount };
            sum = add(sum, signed)?;
        }
    }
    Ok(Some(sum))
}

fn figures(
    billed: Decimal,
    cost: Decimal,
    should: Option<Decimal>,
    currency: Currency,
) -> Result<MarginFigures, AuditError> {
    let cost = shown(cost, currency);
    let (margin, margin_percent) = left(billed, cost)?;
    let at_billable = match should {
        Some(billed) => {
            let (margin, margin_percent) = left(billed, cost)?;
            Some(BillableMargin { billed, margin, margin_percent })
        }
        None => None,
    };
    Ok(MarginFigures { billed, cost, margin, margin_percent, at_billable })
}

/// Billed less cost, and what part of the billed money that is.
fn left(billed: Decimal, cost: Decimal) -> Result<(Decimal, Option<Decimal>), AuditError> {
    let margin = billed.checked_sub(cost).ok_or(AuditError::Overflow)?;
    if billed <= Decimal::ZERO {
        return Ok((margin, None));
    }
    let percent = times(margin, 100)?.checked_div(billed).ok_or(AuditError::Overflow)?;
    let mut percent = percent.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    percent.rescale(2);
    Ok((margin, Some(percent)))
}

/// The digits of the file, but no trailing zeros beyond the currency's own.
fn shown(cost: Decimal, currency: Currency) -> Decimal {
    let mut cost = cost.normalize();
    if cost.scale() < currency.minor_digits() {
        cost.rescale(currency.minor_digits());
    }
    cost
}

/// Sums. `as_billed`: what is not known at billable counts as it is billed; else the sum is not known.
fn sum(
    all: impl Iterator<Item = MarginFigures>,
    currency: Currency,
    as_billed: bool,
) -> Result<MarginFigures, AuditError> {
    let zero = Money::zero(currency).amount;
    let (mut billed, mut cost, mut should) = (zero, zero, Some(zero));
    for one in all {
        billed = add(billed, one.billed)?;
        cost = add(cost, one.cost)?;
        let own = one.at_billable.map(|at| at.billed).or(as_billed.then_some(one.billed));
        should = match (should, own) {
            (Some(sum), Some(own)) => Some(add(sum, own)?),
            _ => None,
        };
    }
    figures(billed, cost, should, currency)
}

fn totals<'m>(
    products: &'m [Margin],
    client: impl Fn(&'m Margin) -> Option<&'m str>,
) -> Result<Vec<MarginTotal>, AuditError> {
    let mut groups: BTreeMap<(Option<&str>, Currency), Vec<&Margin>> = BTreeMap::new();
    for product in products {
        groups.entry((client(product), product.currency)).or_default().push(product);
    }
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let mut totals = Vec::with_capacity(groups.len());
    for ((client, currency), own) in groups {
        totals.push(MarginTotal {
            client: client.map(str::to_owned),
            currency,
            products: count(own.len()),
            figures: sum(own.iter().map(|margin| margin.figures), currency, true)?,
            unknown_gaps: count(own.iter().filter(|margin| margin.figures.at_billable.is_none()).count()),
        });
    }
    Ok(totals)
}
