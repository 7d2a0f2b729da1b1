//! `gaps.csv`: one row for each gap and month, for spreadsheets.

use super::BundleError;
use super::facts::Facts;
use super::renderer::{File, Material, Renderer, word};
use super::sheet::Sheet;
use crate::audit::GapMonth;

pub(super) const RENDERER: Renderer = Renderer { name: PATH, frozen: true, render };
pub(super) const PATH: &str = "gaps.csv";

/// Its columns.
pub(super) const COLUMNS: [&str; 15] = [
    "line",
    "gap",
    "product",
    "sku",
    "direction",
    "kind",
    "month",
    "billable",
    "billed",
    "seat_months",
    "amount",
    "currency",
    "counts_as",
    "unpriced",
    "assumed",
];

fn render(material: &Material<'_>) -> Result<Vec<File>, BundleError> {
    let mut sheet = Sheet::new(&COLUMNS, 0)?;
    for row in rows(material.facts) {
        sheet.row(row)?;
    }
    Ok(vec![File::csv(PATH, sheet)?])
}

fn rows(facts: &Facts) -> impl Iterator<Item = [String; 15]> {
    facts.gaps.iter().flat_map(|of| of.gap.months.iter().map(move |month| row(of.line, &of.gap, month)))
}

/// One row: the check of a bundle makes the same from `audit.json`.
pub(super) fn row(line: u32, gap: &crate::audit::Gap, month: &GapMonth) -> [String; 15] {
    let priced = |text: String| if gap.amount.is_some() { text } else { String::new() };
    [
        line.to_string(),
        gap.id.clone(),
        gap.product.clone(),
        gap.sku.clone().unwrap_or_default(),
        word(gap.direction),
        word(gap.kind),
        month.month.to_string(),
        month.billable.normalize().to_string(),
        month.billed.normalize().to_string(),
        month.seat_months.to_string(),
        priced(month.amount.to_string()),
        gap.amount.map_or_else(String::new, |amount| amount.currency.to_string()),
        counts_as(month).to_owned(),
        month.unpriced.to_string(),
        month.assumed.to_string(),
    ]
}

/// What becomes of a month.
pub(super) const fn counts_as(month: &GapMonth) -> &'static str {
    match (month.provisional, month.time_barred) {
        (true, _) => "provisional",
        (false, true) => "time_barred",
        (false, false) => "claimed",
    }
}
