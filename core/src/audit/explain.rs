//! Explains one gap: makes the comparison of its product again and writes down each step.

use super::AuditError;
use super::allocation::{self, Part as SharedPart};
use super::calendar::{Chunk, Days, date};
use super::client::{ClientRows, Comparison, Context, Subject, comparison, view};
use super::compare::{Part, direction_of};
use super::document::{Direction, Gap, GapMonth};
use super::explanation::{
    ExplainedMonth, ExplainedName, ExplainedPrice, ExplainedRow, ExplainedRule, Explanation, RowRole, Stretch,
};
use super::gaps;
use super::pricing::{RATE_MONTHS, Rate};
use super::rows::Line;
use super::rules::distinct;
use super::terms::TermSeats;
use crate::ingest::record_json;
use crate::money::Currency;
use crate::period::Month;
use crate::records::{ClientRef, Cycle, MappingSide, ProductRef, Record, RuleValue};
use rust_decimal::{Decimal, RoundingStrategy};
use std::collections::BTreeSet;

mod text;

/// Explains the gap with this id; `None` when the audit does not find it.
pub(super) fn explain(context: &Context<'_>, id: &str) -> Result<Option<Explanation>, AuditError> {
    for (client, rows) in context.clients() {
        let view = view(context, client, rows);
        if view.reason.is_some() {
            continue;
        }
        for subject in &view.subjects {
            if let Some(explanation) = of_subject(context, subject, rows, id)? {
                return Ok(Some(explanation));
            }
        }
    }
    Ok(None)
}

fn of_subject<'a>(
    context: &Context<'a>,
    subject: &Subject<'a>,
    rows: ClientRows<'a>,
    id: &str,
) -> Result<Option<Explanation>, AuditError> {
    let Ok(whole) = comparison(context, subject, rows)? else { return Ok(None) };
    match allocation::share(context, subject, &whole)? {
        None => of_comparison(context, subject, &whole, id),
        Some(Err(_)) => Ok(None),
        Some(Ok(parts)) => {
            for SharedPart { subject, comparison } in &parts {
                if let Some(explanation) = of_comparison(context, subject, comparison, id)? {
                    return Ok(Some(explanation));
                }
            }
            Ok(None)
        }
    }
}

fn of_comparison(
    context: &Context<'_>,
    subject: &Subject<'_>,
    comparison: &Comparison,
    id: &str,
) -> Result<Option<Explanation>, AuditError> {
    let found = gaps::gaps(context, subject, &comparison.timeline, &comparison.compared)?;
    let Some(gap) = found.into_iter().find(|gap| gap.id == id) else { return Ok(None) };
    let currency = gap.amount.map(|amount| amount.currency);
    let (stretches, lines) = stretches(context, comparison, &gap, currency)?;
    let months = months(context, &gap, &stretches, currency)?;
    let mut explanation = Explanation {
        rows: lines_of(context, subject, lines),
        names: names(context, subject),
        rules: rules(context, subject),
        stretches,
        months,
        text: Vec::new(),
        gap,
    };
    explanation.text = text::paragraphs(&explanation);
    Ok(Some(explanation))
}

/// The days of the gap's months, and the days from the first of them to the last.
fn stretches(
    context: &Context<'_>,
    comparison: &Comparison,
    gap: &Gap,
    currency: Option<Currency>,
) -> Result<(Vec<Stretch>, Days), AuditError> {
    let months: BTreeSet<Month> = gap.months.iter().map(|month| month.month).collect();
    let mut out = Vec::new();
    for chunk in &comparison.chunks {
        let Some(month) = context.calendar.months.get(chunk.month) else { continue };
        if months.contains(&month.month) {
            out.extend(stretch(comparison, chunk, month.month, gap.direction, currency)?);
        }
    }
    Ok((out, context.calendar.audited))
}

fn stretch(
    comparison: &Comparison,
    chunk: &Chunk,
    month: Month,
    direction: Direction,
    currency: Option<Currency>,
) -> Result<Option<Stretch>, AuditError> {
    let timeline = &comparison.timeline;
    let state = timeline.on(chunk.at)?;
    let Some(part) = state.parts.iter().find(|part| part.currency == currency).copied() else {
        return Ok(None);
    };
    let terms = timeline.terms(chunk.at, &state);
    let own = part.gap != 0 && direction_of(part.gap) == direction;
    let prices = if own { prices(timeline.priced(chunk.at, part, terms.as_ref())) } else { Ok(Vec::new()) };
    let Part { gap, billed, .. } = part;
    Ok(Some(Stretch {
        month,
        days: u32::try_from(chunk.days).unwrap_or(u32::MAX),
        taken_as: date(chunk.at),
        waterfall: state.fall.document(),
        billed: Decimal::from(billed),
        gap: Decimal::from(if own { gap.saturating_abs() } else { 0 }),
        prices: prices?,
    }))
}

fn prices(seats: Vec<TermSeats>) -> Result<Vec<ExplainedPrice>, AuditError> {
    let price = |seats: TermSeats| {
        let (price, cycle) = match seats.rate {
            Some(rate) => exact_price(rate).map(|(price, cycle)| (Some(price), cycle))?,
            None => (None, Cycle::Monthly),
        };
        Ok(ExplainedPrice { seats: Decimal::from(seats.seats), term: seats.term, price, cycle })
    };
    seats.into_iter().filter(|seats| seats.seats != 0).map(price).collect()
}

/// A rate as the price of the shortest cycle for which it is an exact decimal: a month's, where it is one.
fn exact_price(rate: Rate) -> Result<(Decimal, Cycle), AuditError> {
    let whole = Decimal::from(RATE_MONTHS);
    for cycle in [Cycle::Monthly, Cycle::Quarterly, Cycle::Annual] {
        let months = Decimal::from(cycle.months());
        let price = product(rate.0, months)?.checked_div(whole).ok_or(AuditError::Overflow)?;
        if product(price, whole)? == product(rate.0, months)? {
            return Ok((shown(price), cycle));
        }
    }
    Ok((shown(rate.0), Cycle::Triennial))
}

/// Without trailing zeros, but for the two that money has.
fn shown(price: Decimal) -> Decimal {
    let mut price = price.normalize();
    if price.scale() < 2 {
        price.rescale(2);
    }
    price
}

fn months(
    context: &Context<'_>,
    gap: &Gap,
    stretches: &[Stretch],
    currency: Option<Currency>,
) -> Result<Vec<ExplainedMonth>, AuditError> {
    gap.months.iter().map(|shown| month(context, shown, stretches, currency)).collect()
}

fn month(
    context: &Context<'_>,
    shown: &GapMonth,
    stretches: &[Stretch],
    currency: Option<Currency>,
) -> Result<ExplainedMonth, AuditError> {
    let of_month = context.calendar.months.iter().find(|month| month.month == shown.month);
    let days = of_month.map_or(0, |month| month.days.count());
    let own = || stretches.iter().filter(|stretch| stretch.month == shown.month && !stretch.gap.is_zero());
    let mut seat_days = Decimal::ZERO;
    let mut exact = Decimal::ZERO;
    let mut parts = Vec::new();
    for stretch in own() {
        let length = Decimal::from(stretch.days);
        seat_days = gaps::plus(seat_days, product(stretch.gap, length)?)?;
        for price in &stretch.prices {
            let seats = super::plain(price.seats);
            match price.price {
                Some(each) => {
                    let months = price.cycle.months();
                    // Divided last: a sum of 36ths of a month is exact.
                    let times = product(length, Decimal::from(36 / months))?;
                    exact = gaps::plus(exact, product(product(price.seats, each)?, times)?)?;
                    let over = if months == 1 { String::new() } else { format!(" / {months} months") };
                    parts.push(format!("{} days x {seats} seats x {each}{over}", stretch.days));
                }
                None => parts.push(format!("{} days x {seats} seats without a price", stretch.days)),
            }
        }
    }
    let exact = exact.checked_div(Decimal::from(days.max(1) * RATE_MONTHS)).ok_or(AuditError::Overflow)?;
    let exact = exact.round_dp_with_strategy(10, RoundingStrategy::MidpointAwayFromZero).normalize();
    let unit = currency.map_or(String::new(), |currency| format!(" {currency}"));
    let calculation =
        format!("({}) / {days} days = {exact}, rounded {}{unit}", parts.join(" + "), shown.amount);
    let counts_as = match (shown.provisional, shown.time_barred) {
        (true, _) => "provisional",
        (false, true) => "time_barred",
        (false, false) => "claimed",
    };
    Ok(ExplainedMonth {
        month: shown.month,
        days: u32::try_from(days).unwrap_or(u32::MAX),
        seat_days: u64::try_from(seat_days).unwrap_or(u64::MAX),
        calculation,
        amount: shown.amount,
        counts_as: counts_as.to_owned(),
    })
}

fn product(a: Decimal, b: Decimal) -> Result<Decimal, AuditError> {
    a.checked_mul(b).ok_or(AuditError::Overflow)
}

/// The rows that the product's numbers rest on in these days, each with its role.
fn lines_of(context: &Context<'_>, subject: &Subject<'_>, days: Days) -> Vec<ExplainedRow> {
    let mut lines: BTreeSet<(RowRole, Line)> = BTreeSet::new();
    for count in subject.counts.iter().filter(|count| count.days.meets(days)) {
        lines.insert((RowRole::Counted, count.line));
        lines.extend(count.more.iter().map(|line| (RowRole::Counted, *line)));
    }
    for bill in subject.bills.iter().filter(|bill| bill.days.meets(days)) {
        lines.insert((if bill.regular() { RowRole::Billed } else { RowRole::Adjustment }, bill.line));
    }
    for bill in subject.parents.iter().filter(|bill| bill.days.meets(days)) {
        lines.insert((RowRole::BundleParent, bill.line));
    }
    lines.into_iter().flat_map(|(role, line)| rows_at(context, subject, role, line)).collect()
}

/// The records of a line that speak of the role's side; one line can give several.
fn rows_at(context: &Context<'_>, subject: &Subject<'_>, role: RowRole, line: Line) -> Vec<ExplainedRow> {
    let Some(source) = context.sources.get(line.source as usize) else { return Vec::new() };
    let fits = |record: &Record| match role {
        RowRole::Counted => match record {
            Record::Entitlement(_) => true,
            Record::VendorCharge(_) => subject.entitlement_from == crate::records::Side::Cost,
            _ => false,
        },
        RowRole::Billed | RowRole::BundleParent | RowRole::Adjustment => {
            matches!(record, Record::BillingLine(_))
        }
    };
    let on_line = source.records.iter().filter(|sourced| sourced.line == line.line && fits(&sourced.record));
    on_line
        .map(|sourced| ExplainedRow {
            role,
            import: source.import.clone(),
            file: source.file.clone(),
            line: line.line,
            record: record_json(sourced),
        })
        .collect()
}

/// How the rows behind the gap name its client and its product.
fn names(context: &Context<'_>, subject: &Subject<'_>) -> Vec<ExplainedName> {
    let (client, product) =
        (context.identity.client_name(subject.client), context.identity.product_name(subject.product));
    let mut names = BTreeSet::new();
    let mut add = |side, written: Vec<&String>, stands_for: &str| {
        let by_mapping = context.input.mappings.iter().find(|mapping| {
            let source = crate::matching::fold(&mapping.source);
            mapping.side == side && written.iter().any(|text| crate::matching::fold(text) == source)
        });
        names.insert(ExplainedName {
            side,
            written: written.iter().map(|text| text.as_str()).collect::<Vec<_>>().join(" / "),
            stands_for: stands_for.to_owned(),
            mapping: by_mapping.map(|mapping| {
                format!("`{}` is `{}`, confirmed by {}", mapping.source, mapping.target, mapping.approved_by)
            }),
        });
    };
    let lines = subject.counts.iter().map(|count| count.line).chain(subject.bills.iter().map(|b| b.line));
    for line in lines {
        let Some(source) = context.sources.get(line.source as usize) else { continue };
        for sourced in source.records.iter().filter(|sourced| sourced.line == line.line) {
            if let Some(ClientRef { id, name, domain }) = sourced.record.client() {
                let stated = if name.is_none() { &source.client } else { &None };
                add(MappingSide::Client, [name, stated, id, domain].into_iter().flatten().collect(), client);
            }
            if let Some(ProductRef { name, sku, part_number, code }) = sourced.record.product() {
                let written = [name, sku, part_number, code].into_iter().flatten().collect();
                add(MappingSide::Product, written, product);
            }
        }
    }
    names.into_iter().collect()
}

/// The rules of the client's product that hold on some audited day.
fn rules(context: &Context<'_>, subject: &Subject<'_>) -> Vec<ExplainedRule> {
    let audited = context.calendar.audited;
    let holds = |rule: &&crate::records::Rule| {
        let days = Days::of(rule.span);
        let client = |client: &ClientRef| context.identity.client(client, days.from) == subject.client;
        let product = |product: &ProductRef| context.identity.product(product, days.from) == subject.product;
        days.meets(audited)
            && rule.client.as_ref().is_none_or(client)
            && rule.product.as_ref().is_none_or(product)
    };
    let explained = |rule: &crate::records::Rule| ExplainedRule {
        kind: rule.kind,
        value: match rule.value {
            RuleValue::All => "all".to_owned(),
            RuleValue::Number(number) => number.normalize().to_string(),
        },
        reason: rule.reason.clone(),
        owner: rule.owner.clone(),
        from: rule.span.from,
        until: rule.span.until,
        review_date: rule.review_date,
    };
    distinct(&context.input.rules, context.identity).into_iter().filter(holds).map(explained).collect()
}
