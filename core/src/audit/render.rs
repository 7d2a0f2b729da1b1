//! The audit document as a table for people, and as CSV for spreadsheets.

use super::document::{AuditDocument, CoverageStatus, Direction, Gap};
use super::plain;
use crate::money::Money;
use serde::Serialize;
use std::fmt::Write as _;

/// The document as text that a person reads on a terminal.
pub fn table(document: &AuditDocument) -> String {
    let mut out = String::new();
    let period = &document.period;
    line(&mut out, &format!("Audit from {} until {} (as of {})", period.from, period.until, period.as_of));
    line(&mut out, &format!("Counted: {}; prorated: {}", document.policy.basis, document.policy.proration));
    line(&mut out, "");
    gaps(&mut out, document);
    others(&mut out, document);
    coverage(&mut out, document);
    for note in &document.notes {
        line(&mut out, &format!("Note: {note}"));
    }
    line(&mut out, &format!("Digest: {}", document.digest));
    out
}

fn gaps(out: &mut String, document: &AuditDocument) {
    if document.gaps.is_empty() {
        line(out, "No gaps.");
        return;
    }
    let header =
        ["Client", "Product", "Kind", "Seats", "Seat-months", "Amount", "Forward a month", "Remarks"];
    let rows: Vec<Vec<String>> = document.gaps.iter().map(gap_row).collect();
    grid(out, &header, &rows);
    line(out, "");
    for total in &document.totals {
        let mut text = format!(
            "{}: under {}, over {}; a month from now on: under {}, over {}",
            total.currency, total.under, total.over, total.forward_under, total.forward_over
        );
        if !total.time_barred.is_zero() {
            // Writing to a String cannot fail.
            let _ = write!(text, "; time-barred {}", total.time_barred);
        }
        line(out, &text);
    }
    if document.unpriced_gaps > 0 {
        line(out, &format!("Gaps with days without a price: {}", document.unpriced_gaps));
    }
}

fn gap_row(gap: &Gap) -> Vec<String> {
    let mut remarks = Vec::new();
    if gap.unpriced {
        remarks.push("no price for some days".to_owned());
    }
    if gap.assumed {
        remarks.push("assumed".to_owned());
    }
    if gap.method == super::MatchMethod::Unconfirmed {
        remarks.push("unconfirmed".to_owned());
    }
    if !gap.adjustments.is_empty() {
        remarks.push(format!("{} after adjustments", money(gap.amount_after_adjustments)));
    }
    if !gap.time_barred.seat_months.is_zero() {
        remarks.push(format!("time-barred {}", gap.time_barred.amount));
    }
    let sign = if gap.direction == Direction::Under { "+" } else { "-" };
    vec![
        gap.client.clone(),
        gap.product.clone(),
        word(gap.kind),
        format!("{sign}{}", plain(gap.seats)),
        gap.seat_months.to_string(),
        money(gap.amount),
        money(gap.monthly_forward),
        remarks.join(", "),
    ]
}

fn others(out: &mut String, document: &AuditDocument) {
    if !document.price_differences.is_empty() {
        line(out, "\nPrice differences");
        let rows: Vec<Vec<String>> = document
            .price_differences
            .iter()
            .map(|found| {
                let prices = [found.expected.to_string(), found.billed.to_string()];
                let [expected, billed] = prices;
                let seats = plain(found.seats);
                let names = [found.client.clone(), found.product.clone()];
                let [client, product] = names;
                vec![
                    client,
                    product,
                    expected,
                    billed,
                    seats,
                    word(found.direction),
                    found.amount.to_string(),
                ]
            })
            .collect();
        grid(out, &["Client", "Product", "Expected", "Billed", "Seats", "Direction", "Amount"], &rows);
    }
    if !document.term_mix.is_empty() {
        line(out, "\nSeats billed on another term");
        let rows: Vec<Vec<String>> = document
            .term_mix
            .iter()
            .map(|mix| {
                let (from, to) = (word(mix.from_term), word(mix.to_term));
                vec![mix.client.clone(), mix.product.clone(), plain(mix.seats), from, to, money(mix.amount)]
            })
            .collect();
        grid(out, &["Client", "Product", "Seats", "Billed as", "Bought as", "Amount"], &rows);
    }
    if !document.waste.is_empty() {
        line(out, "\nBought and not used");
        let rows: Vec<Vec<String>> = document
            .waste
            .iter()
            .map(|waste| {
                let drop_by = waste.drop_by.map_or_else(String::new, |day| day.to_string());
                let seats = [plain(waste.seats), waste.seat_months.to_string()];
                let [seats, months] = seats;
                vec![waste.client.clone(), waste.product.clone(), seats, months, money(waste.cost), drop_by]
            })
            .collect();
        grid(out, &["Client", "Product", "Seats", "Seat-months", "Cost", "Drop by"], &rows);
        drops(out, document);
    }
    for conflict in &document.source_conflicts {
        line(
            out,
            &format!(
                "Sources disagree: {}, {}: {} says {} (used), {} says {} on {}",
                conflict.client,
                conflict.product,
                conflict.used,
                plain(conflict.used_seats),
                conflict.other,
                plain(conflict.other_seats),
                conflict.on
            ),
        );
    }
}

/// When which of the unused seats can be dropped.
fn drops(out: &mut String, document: &AuditDocument) {
    let day = |day: Option<chrono::NaiveDate>| day.map_or_else(String::new, |day| day.to_string());
    let known = |amount: Option<Money>| amount.map_or_else(String::new, |amount| amount.to_string());
    let mut rows: Vec<Vec<String>> = Vec::new();
    for waste in &document.waste {
        let dated = waste.batches.iter().filter(|batch| batch.drop_by.is_some());
        rows.extend(dated.map(|batch| {
            vec![
                waste.client.clone(),
                waste.product.clone(),
                plain(batch.seats),
                batch.subscription.clone().unwrap_or_default(),
                day(batch.bought_on),
                day(batch.drop_by),
                word(batch.reason),
                known(batch.cost_until),
                known(batch.unrecovered_if_missed),
            ]
        }));
    }
    if !rows.is_empty() {
        line(out, "\nUnused seats by when they can be dropped");
        let header = [
            "Client",
            "Product",
            "Seats",
            "Subscription",
            "Bought",
            "Drop by",
            "Why then",
            "Cost until then",
            "Lost if missed",
        ];
        grid(out, &header, &rows);
    }
}

fn coverage(out: &mut String, document: &AuditDocument) {
    line(out, "\nCoverage");
    let rows: Vec<Vec<String>> = document
        .coverage
        .iter()
        .map(|entry| {
            let mut remarks: Vec<String> = entry.reason.map(word).into_iter().collect();
            if entry.status == CoverageStatus::Compared && !entry.missing_months.is_empty() {
                let months: Vec<String> = entry.missing_months.iter().map(ToString::to_string).collect();
                remarks.push(format!("insufficient_data in {}", months.join(" ")));
            }
            if entry.assumed {
                remarks.push("assumed".to_owned());
            }
            let product = entry.product.clone().unwrap_or_else(|| "(all)".to_owned());
            vec![entry.client.clone(), product, word(entry.status), remarks.join(", ")]
        })
        .collect();
    grid(out, &["Client", "Product", "Status", "Remarks"], &rows);
    for proposal in &document.proposals {
        line(
            out,
            &format!(
                "Is `{}` the same {} as `{}`? Score {}, {}",
                proposal.source,
                word(proposal.side),
                proposal.target,
                proposal.score,
                word(proposal.status)
            ),
        );
    }
}

/// One row per gap and month, in the currency's own digits, for spreadsheets.
///
/// Text cells that a spreadsheet would run as a formula begin with an apostrophe; numbers stay numbers.
pub fn csv(document: &AuditDocument) -> String {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let header = [
        "gap",
        "client",
        "billing_entity",
        "product",
        "sku",
        "direction",
        "kind",
        "method",
        "seats",
        "month",
        "billable",
        "billed",
        "seat_months",
        "amount",
        "currency",
        "unpriced",
        "provisional",
        "time_barred",
        "assumed",
    ];
    let mut failed = writer.write_record(header).is_err();
    for gap in &document.gaps {
        for month in &gap.months {
            let amount = gap.amount.map_or_else(String::new, |_| month.amount.to_string());
            let currency = gap.amount.map_or_else(String::new, |amount| amount.currency.to_string());
            let row = [
                gap.id.clone(),
                defused(&gap.client),
                defused(gap.billing_entity.as_deref().unwrap_or_default()),
                defused(&gap.product),
                defused(gap.sku.as_deref().unwrap_or_default()),
                word(gap.direction),
                word(gap.kind),
                word(gap.method),
                plain(gap.seats),
                month.month.to_string(),
                plain(month.billable),
                plain(month.billed),
                month.seat_months.to_string(),
                amount,
                currency,
                month.unpriced.to_string(),
                month.provisional.to_string(),
                month.time_barred.to_string(),
                month.assumed.to_string(),
            ];
            failed |= writer.write_record(row).is_err();
        }
    }
    // A Vec takes every write and our text is UTF-8: neither can fail.
    let bytes = writer.into_inner().unwrap_or_default();
    debug_assert!(!failed, "writing to memory");
    String::from_utf8(bytes).unwrap_or_default()
}

/// Text that a spreadsheet shows instead of running it.
pub(crate) fn defused(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// The word that JSON uses.
pub(super) fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

pub(super) fn money(money: Option<Money>) -> String {
    money.map_or_else(|| "unpriced".to_owned(), |money| money.to_string())
}

pub(super) fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// Columns as wide as their widest cell. Control characters do not reach a terminal.
pub(super) fn grid(out: &mut String, header: &[&str], rows: &[Vec<String>]) {
    let clean =
        |cell: &str| -> String { cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect() };
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(header)
        .chain(rows.iter().map(|row| row.iter().map(|cell| clean(cell)).collect()))
        .collect();
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in &rows {
        let mut text = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 2));
        }
        line(out, text.trim_end());
    }
}
