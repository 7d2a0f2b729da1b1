//! The same facts under other settings: which differences come from seats, and which from how a change inside
//! a month is counted.
//!
//! Nothing is calculated in another way than in the audit: each product is compared once for each setting by
//! the comparison itself. What of it fits best and leaks by its setting is said in `what_if_document`.

use super::AuditError;
use super::client::{ClientRows, Context, Subject, View, comparison, view};
use super::document::{AppliedPolicy, AuditPeriod, Direction, Gap};
use super::gaps::{self, plus};
use super::input::{AuditInput, Basis, Proration};
use super::policies::Policies;
use super::what_if_document::{
    GapUnderSetting, GapWhatIf, Setting, SettingFigures, SideBySide, UnderSetting, WhatIf, WhatIfLine,
};
use super::what_if_sums::{agreements, clients, totals};
use crate::money::Currency;
use rust_decimal::Decimal;
use std::collections::BTreeSet;

const PRORATIONS: [Proration; 3] = [Proration::Daily, Proration::FullMonth, Proration::NextMonth];
const BASES: [Basis; 3] = [Basis::Purchased, Basis::Assigned, Basis::Active];

/// Which settings are compared: the prorations with the audit's basis, or with every basis.
fn settings(all_bases: bool) -> Vec<Setting> {
    let bases: Vec<Option<Basis>> =
        if all_bases { BASES.into_iter().map(Some).collect() } else { vec![None] };
    let with = |basis| PRORATIONS.into_iter().map(move |proration| Setting { basis, proration });
    bases.into_iter().flat_map(with).collect()
}

/// A product's gaps under one policy.
struct Measured {
    /// Whether it could be compared at all.
    compared: bool,
    /// Days of closed months that were.
    days: i64,
    gaps: Vec<Gap>,
}

/// A product with everything that the settings find.
struct Measurement {
    client: String,
    product: String,
    sku: Option<String>,
    agreements: Vec<String>,
    policy: AppliedPolicy,
    audited: Measured,
    settings: Vec<(Setting, Measured)>,
}

/// Compares everything under all settings.
pub(super) fn what_if(context: &Context<'_>, all_bases: bool) -> Result<WhatIf, AuditError> {
    let settings = settings(all_bases);
    let mut lines = Vec::new();
    each(context, &settings, |measurement| {
        lines.extend(measurement.lines()?.into_iter().map(|(_, line)| line));
        Ok(true)
    })?;
    lines.sort_by(|a, b| (&a.client, &a.product, a.currency).cmp(&(&b.client, &b.product, b.currency)));
    let input: &AuditInput = context.input;
    Ok(WhatIf {
        period: AuditPeriod {
            from: super::calendar::date(context.calendar.period.from),
            until: super::calendar::date(context.calendar.period.until),
            as_of: input.as_of,
        },
        policy: AppliedPolicy { basis: input.policy.basis, proration: input.policy.proration },
        totals: totals(&lines)?,
        clients: clients(&lines)?,
        agreements: agreements(&lines)?,
        settings,
        lines,
    })
}

/// Compares one gap under all settings; `None` when neither the audit nor a setting finds it.
pub(super) fn of_gap(
    context: &Context<'_>,
    id: &str,
    all_bases: bool,
) -> Result<Option<GapWhatIf>, AuditError> {
    let settings = settings(all_bases);
    let mut found = None;
    each(context, &settings, |measurement| {
        if let Some(direction) = measurement.direction(id) {
            let lines = measurement.lines()?;
            let line = lines.into_iter().find(|(_, line)| line.gaps.iter().any(|gap| gap == id));
            let under = measurement.settings.iter().map(|(setting, measured)| {
                let gap = measured.gaps.iter().find(|gap| gap.id == id);
                under_setting(*setting, gap)
            });
            let settings = under.collect();
            found = line.map(|(_, line)| GapWhatIf { gap: id.to_owned(), direction, settings, line });
        }
        Ok(found.is_none())
    })?;
    Ok(found)
}

fn under_setting(setting: Setting, gap: Option<&Gap>) -> GapUnderSetting {
    GapUnderSetting {
        setting,
        found: gap.is_some(),
        seats: gap.map_or(Decimal::ZERO, |gap| gap.seats),
        seat_months: gap.map_or(Decimal::new(0, 6), |gap| gap.seat_months),
        amount: gap.and_then(|gap| gap.amount),
        monthly_forward: gap.and_then(|gap| gap.monthly_forward),
        months: gap.map_or_else(Vec::new, |gap| gap.months.clone()),
    }
}

/// Measures each product of each client, until `take` has seen enough.
fn each(
    context: &Context<'_>,
    settings: &[Setting],
    mut take: impl FnMut(Measurement) -> Result<bool, AuditError>,
) -> Result<(), AuditError> {
    let bases: BTreeSet<Basis> = settings.iter().filter_map(|setting| setting.basis).collect();
    let forced: Vec<(Basis, Policies<'_>)> =
        bases.into_iter().map(|basis| (basis, context.policies.counting(basis))).collect();
    for (client, rows) in context.clients() {
        let mut own = view(context, client, rows);
        if own.reason.is_some() {
            continue;
        }
        // Another source may speak of the seats that another basis counts, so each has a view of its own.
        let mut others: Vec<(Basis, View<'_>)> = Vec::new();
        for (basis, policies) in &forced {
            let counted_so = Context { policies, ..*context };
            others.push((*basis, view(&counted_so, client, rows)));
        }
        for subject in &mut own.subjects {
            let measurement = measure_all(context, subject, &mut others, rows, settings)?;
            if !take(measurement)? {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn measure_all<'a, 'b>(
    context: &Context<'a>,
    subject: &mut Subject<'a>,
    others: &mut [(Basis, View<'b>)],
    rows: ClientRows<'a>,
    settings: &[Setting],
) -> Result<Measurement, AuditError>
where
    'a: 'b,
{
    let policy = subject.policy.clone();
    let audited = measure(context, subject, rows)?;
    let mut under = Vec::with_capacity(settings.len());
    for setting in settings {
        let measured = if let Some(basis) = setting.basis {
            let other = others.iter_mut().find(|(of, _)| *of == basis);
            let other = other.and_then(|(_, view)| {
                view.subjects.iter_mut().find(|other| other.product == subject.product)
            });
            match other {
                Some(other) => {
                    other.policy = other.policy.prorated(setting.proration);
                    measure(context, other, rows)?
                }
                None => Measured { compared: false, days: 0, gaps: Vec::new() },
            }
        } else {
            subject.policy = policy.prorated(setting.proration);
            measure(context, subject, rows)?
        };
        under.push((*setting, measured));
    }
    let applied = policy.last;
    subject.policy = policy;
    let regular = subject.bills.iter().filter(|bill| {
        let audited = context.calendar.audited;
        bill.regular() && bill.days.meets(audited)
    });
    let agreements: BTreeSet<&str> = regular.filter_map(|bill| bill.record.agreement.as_deref()).collect();
    Ok(Measurement {
        client: context.identity.client_name(subject.client).to_owned(),
        product: context.identity.product_name(subject.product).to_owned(),
        sku: context.identity.sku(subject.product).map(str::to_owned),
        agreements: agreements.into_iter().map(str::to_owned).collect(),
        policy: applied,
        audited,
        settings: under,
    })
}

fn measure<'b>(
    context: &Context<'b>,
    subject: &Subject<'b>,
    rows: ClientRows<'b>,
) -> Result<Measured, AuditError> {
    let Ok(found) = comparison(context, subject, rows)? else {
        return Ok(Measured { compared: false, days: 0, gaps: Vec::new() });
    };
    let months = &context.calendar.months;
    let closed = |index: usize| months.get(index).is_some_and(|month| month.closed);
    let days = found.chunks.iter().filter(|chunk| closed(chunk.month)).map(|chunk| chunk.days).sum();
    let gaps = gaps::gaps(context, subject, &found.timeline, &found.compared)?;
    Ok(Measured { compared: true, days, gaps })
}

impl Measurement {
    fn all(&self) -> impl Iterator<Item = &Gap> {
        let settings = self.settings.iter().flat_map(|(_, measured)| &measured.gaps);
        self.audited.gaps.iter().chain(settings)
    }

    fn direction(&self, id: &str) -> Option<Direction> {
        self.all().find(|gap| gap.id == id).map(|gap| gap.direction)
    }

    /// One line per currency that has a gap under the audit's policy or some setting.
    fn lines(&self) -> Result<Vec<(Option<Currency>, WhatIfLine)>, AuditError> {
        let currencies: BTreeSet<Option<Currency>> = self.all().map(currency_of).collect();
        let mut lines = Vec::with_capacity(currencies.len());
        for currency in currencies {
            let of_currency = |measured: &Measured| figures(&measured.gaps, currency);
            let mut settings = Vec::with_capacity(self.settings.len());
            for (setting, measured) in &self.settings {
                settings.push(UnderSetting {
                    setting: *setting,
                    comparable: measured.compared && measured.days >= self.audited.days,
                    figures: of_currency(measured)?,
                });
            }
            let ids: BTreeSet<&str> =
                self.all().filter(|gap| currency_of(gap) == currency).map(|gap| gap.id.as_str()).collect();
            let mut comparison = SideBySide {
                audited: of_currency(&self.audited)?,
                settings,
                best_fit: None,
                leaks_by_setting: false,
            };
            comparison.decide(Some(self.policy))?;
            let line = WhatIfLine {
                client: self.client.clone(),
                product: self.product.clone(),
                sku: self.sku.clone(),
                agreements: self.agreements.clone(),
                currency,
                policy: self.policy,
                gaps: ids.into_iter().map(str::to_owned).collect(),
                comparison,
            };
            lines.push((currency, line));
        }
        Ok(lines)
    }
}

fn currency_of(gap: &Gap) -> Option<Currency> {
    gap.amount.map(|amount| amount.currency)
}

fn figures(gaps: &[Gap], currency: Option<Currency>) -> Result<SettingFigures, AuditError> {
    let mut figures = SettingFigures::zero(currency);
    for gap in gaps.iter().filter(|gap| currency_of(gap) == currency) {
        let (seat_months, money) = match gap.direction {
            Direction::Under => (&mut figures.under_seat_months, &mut figures.under),
            Direction::Over => (&mut figures.over_seat_months, &mut figures.over),
        };
        *seat_months = plus(*seat_months, gap.seat_months)?;
        *money = plus(*money, gap.amount.map_or(Decimal::ZERO, |amount| amount.amount))?;
        figures.gaps += 1;
        figures.unpriced_gaps += u32::from(gap.unpriced);
    }
    Ok(figures)
}
