//! Margins as tables for people, and as CSV for spreadsheets.

use super::margins_document::{MarginFigures, MarginTotal, Margins};
use super::render::{defused, grid, line, word};
use rust_decimal::Decimal;

const FIGURES: [&str; 6] = ["Billed", "Cost", "Margin", "%", "Margin if billed right", "%"];

impl Margins {
    /// Text that a person reads on a terminal.
    pub fn table(&self) -> String {
        let mut out = String::new();
        line(&mut out, &format!("Margins from {} until {}", self.period.from, self.period.until));
        if self.products.is_empty() {
            line(&mut out, "No product has both a bill and a known cost.");
        } else {
            let header: Vec<&str> = ["Client", "Product", "Currency"].into_iter().chain(FIGURES).collect();
            let rows: Vec<Vec<String>> = self
                .products
                .iter()
                .map(|own| {
                    let first = [own.client.clone(), own.product.clone(), own.currency.to_string()];
                    first.into_iter().chain(cells(&own.figures)).collect()
                })
                .collect();
            grid(&mut out, &header, &rows);
            line(&mut out, "");
            let header: Vec<&str> = ["Client", "Currency"].into_iter().chain(FIGURES).collect();
            let total = |total: &MarginTotal| {
                let client = total.client.clone().unwrap_or_else(|| "(all)".to_owned());
                [client, total.currency.to_string()].into_iter().chain(cells(&total.figures)).collect()
            };
            let rows: Vec<Vec<String>> = self.clients.iter().chain(&self.totals).map(total).collect();
            grid(&mut out, &header, &rows);
        }
        for other in &self.not_compared {
            line(
                &mut out,
                &format!("No margin: {}, {}: {}", other.client, other.product, word(other.reason)),
            );
        }
        out
    }

    /// One row per client, product and month.
    pub fn csv(&self) -> String {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        let header = [
            "client",
            "product",
            "sku",
            "currency",
            "month",
            "days",
            "billed",
            "cost",
            "margin",
            "margin_percent",
            "billed_at_billable",
            "margin_at_billable",
            "margin_percent_at_billable",
        ];
        let mut failed = writer.write_record(header).is_err();
        for own in &self.products {
            for month in &own.months {
                let figures = &month.figures;
                let at = figures.at_billable;
                let row = [
                    defused(&own.client),
                    defused(&own.product),
                    defused(own.sku.as_deref().unwrap_or_default()),
                    own.currency.to_string(),
                    month.month.to_string(),
                    month.days.to_string(),
                    figures.billed.to_string(),
                    figures.cost.to_string(),
                    figures.margin.to_string(),
                    text(figures.margin_percent),
                    text(at.map(|at| at.billed)),
                    text(at.map(|at| at.margin)),
                    text(at.and_then(|at| at.margin_percent)),
                ];
                failed |= writer.write_record(row).is_err();
            }
        }
        // A Vec takes every write and our text is UTF-8: neither can fail.
        let bytes = writer.into_inner().unwrap_or_default();
        debug_assert!(!failed, "writing to memory");
        String::from_utf8(bytes).unwrap_or_default()
    }
}

fn cells(figures: &MarginFigures) -> [String; 6] {
    let at = figures.at_billable;
    [
        figures.billed.to_string(),
        figures.cost.to_string(),
        figures.margin.to_string(),
        text(figures.margin_percent),
        text(at.map(|at| at.margin)),
        text(at.and_then(|at| at.margin_percent)),
    ]
}

fn text(value: Option<Decimal>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
