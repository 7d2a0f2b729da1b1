//! The explanation as a client reads it: what is had, what was billed, month by month, what follows.

use super::super::document::{Direction, GapKind};
use super::super::explanation::{Explanation, RowRole, Stretch};
use super::super::plain;
use crate::records::RuleKind;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// One paragraph for each step. A paragraph whose facts are not there is left out.
pub(super) fn paragraphs(explanation: &Explanation) -> Vec<String> {
    let mut out = vec![summary(explanation)];
    out.extend(rows(explanation, RowRole::Counted, "Seats that you have"));
    out.extend(rows(explanation, RowRole::Billed, "Seats that you were billed for"));
    out.extend(waterfall(explanation));
    out.push(changes(&explanation.stretches));
    out.extend(explanation.months.iter().map(|month| {
        let remark = match month.counts_as.as_str() {
            "provisional" => " The month is not over: not charged yet.",
            "time_barred" => " Too long ago to be charged or credited.",
            _ => "",
        };
        format!("{}: {}.{remark}", month.month, month.calculation)
    }));
    out.push(total(explanation));
    out
}

fn day(day: NaiveDate) -> String {
    day.format("%-d %B %Y").to_string()
}

fn seats(count: Decimal) -> String {
    format!("{} {}", plain(count), if count == Decimal::ONE { "seat" } else { "seats" })
}

fn summary(explanation: &Explanation) -> String {
    let gap = &explanation.gap;
    let what = match gap.kind {
        GapKind::UnderBilled => "has more seats than it was billed for",
        GapKind::Unbilled => "has seats that were not billed at all",
        GapKind::OverBilled => "was billed for more seats than it has",
        GapKind::BilledNotProvisioned => "was billed for seats that it does not have",
    };
    let since = explanation.stretches.iter().find(|stretch| !stretch.gap.is_zero());
    let since = since.map_or(String::new(), |stretch| format!(", first on {}", day(stretch.taken_as)));
    let entity = gap.billing_entity.as_ref().map_or(String::new(), |entity| format!(" ({entity})"));
    format!("{}{entity} {what}: {}, {} now{since}.", gap.client, gap.product, seats(gap.seats))
}

/// Where the numbers come from: file and lines.
fn rows(explanation: &Explanation, role: RowRole, what: &str) -> Option<String> {
    let mut files: Vec<(&str, Vec<String>)> = Vec::new();
    for row in explanation.rows.iter().filter(|row| row.role == role) {
        match files.iter_mut().find(|(file, _)| *file == row.file) {
            Some((_, lines)) => lines.push(row.line.to_string()),
            None => files.push((&row.file, vec![row.line.to_string()])),
        }
    }
    let named = files.iter().map(|(file, lines)| {
        let word = if lines.len() == 1 { "line" } else { "lines" };
        format!("{file} ({word} {})", lines.join(", "))
    });
    let named = named.collect::<Vec<_>>().join("; ");
    (!files.is_empty()).then(|| format!("{what}: from {named}."))
}

/// What was taken off the counted seats, with the reasons.
fn waterfall(explanation: &Explanation) -> Option<String> {
    let fall = &explanation.gap.waterfall;
    let mut steps = Vec::new();
    for (count, what, kind) in [
        (fall.excluded, "are not billed", RuleKind::Exclude),
        (fall.bundled, "are part of a bundle", RuleKind::Bundle),
        (fall.allowance, "are given free", RuleKind::Allowance),
    ] {
        if !count.is_zero() {
            steps.push(format!("{} {what}{}", plain(count), reasons(explanation, kind)));
        }
    }
    let raised = fall.billable + fall.elsewhere == fall.minimum && !fall.minimum.is_zero();
    if raised {
        steps.push(format!(
            "at least {} are billed{}",
            plain(fall.minimum),
            reasons(explanation, RuleKind::Minimum)
        ));
    }
    if !fall.elsewhere.is_zero() {
        let entity = explanation.gap.billing_entity.as_deref();
        let others = if entity.is_some() { "other billing entities" } else { "billing entities" };
        steps.push(format!("{} are billed to {others}", plain(fall.elsewhere)));
    }
    (!steps.is_empty()).then(|| {
        format!("Of {}, {}: {} to bill.", seats(fall.counted), steps.join(", "), plain(fall.billable))
    })
}

fn reasons(explanation: &Explanation, kind: RuleKind) -> String {
    let of_kind = explanation.rules.iter().filter(|rule| rule.kind == kind);
    let reasons: Vec<&str> = of_kind.map(|rule| rule.reason.as_str()).collect();
    if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join("; ")) }
}

/// Each time that what is to be billed or what is billed changed.
fn changes(stretches: &[Stretch]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut last = None;
    for stretch in stretches {
        let now = (stretch.waterfall.billable, stretch.billed);
        if last != Some(now) {
            let (to_bill, billed) = (plain(now.0), plain(now.1));
            parts.push(format!("from {}: {to_bill} to bill, {billed} billed", day(stretch.taken_as)));
        }
        last = Some(now);
    }
    format!("Day by day: {}.", parts.join("; "))
}

fn total(explanation: &Explanation) -> String {
    let gap = &explanation.gap;
    let verb = match gap.direction {
        Direction::Under => "to charge",
        Direction::Over => "to credit",
    };
    let Some(amount) = gap.amount.filter(|_| !gap.unpriced) else {
        return format!(
            "Together {} seat-months; no price is known, so no amount is claimed.",
            gap.seat_months
        );
    };
    let mut text = format!("Together {} seat-months, {amount} {verb}", gap.seat_months);
    if let Some(after) = gap.amount_after_adjustments.filter(|after| *after != amount) {
        text.extend(["; after what other lines charged or gave back already, ", &after.to_string()]);
    }
    text.push('.');
    if let Some(forward) = gap.monthly_forward.filter(|forward| !forward.amount.is_zero()) {
        let verb = if gap.direction == Direction::Under { "more" } else { "less" };
        text.extend([" From here on ", &forward.to_string(), " ", verb, " a month."]);
    }
    text
}
