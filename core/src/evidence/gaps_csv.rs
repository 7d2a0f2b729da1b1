//! `gaps.csv`: one row for each line, month and what becomes of it, for spreadsheets.

use super::BundleError;
use super::line_months::{self, LineMonth};
use super::renderer::{File, Material, Renderer, word};
use super::sheet::Sheet;
use rust_decimal::Decimal;

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
    for month in line_months::of(material.facts) {
        sheet.row(row(&month))?;
    }
    Ok(vec![File::csv(PATH, sheet)?])
}

/// One row: the check of a bundle makes the same from `audit.json`.
pub(super) fn row(of: &LineMonth) -> [String; 15] {
    let seats =
        |seats: Option<Decimal>| seats.map_or_else(String::new, |seats| seats.normalize().to_string());
    [
        of.line.to_string(),
        of.gap.clone(),
        of.product.clone(),
        of.sku.clone().unwrap_or_default(),
        word(of.direction),
        word(of.kind),
        of.month.to_string(),
        seats(of.billable),
        seats(of.billed),
        of.seat_months.to_string(),
        of.amount.map_or_else(String::new, |amount| amount.to_string()),
        of.currency.map_or_else(String::new, |currency| currency.to_string()),
        word(of.counts_as),
        of.unpriced.to_string(),
        of.assumed.to_string(),
    ]
}
