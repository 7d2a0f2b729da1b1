//! The what-if as tables for people, and as CSV for spreadsheets.

use super::render::{defused, grid, line, word};
use super::what_if_document::{Setting, SettingFigures, SideBySide, UnderSetting, WhatIf};
use crate::money::Currency;

impl WhatIf {
    /// Text that a person reads on a terminal.
    pub fn table(&self) -> String {
        let mut out = String::new();
        let period = &self.period;
        line(
            &mut out,
            &format!("The same facts from {} until {} (as of {})", period.from, period.until, period.as_of),
        );
        line(
            &mut out,
            &format!("Policy: counted {}, prorated {}\n", self.policy.basis, self.policy.proration),
        );
        if self.lines.is_empty() {
            line(&mut out, "No gaps, whatever the setting.");
            return out;
        }
        let header = ["Currency", "Setting", "Under", "Seat-months", "Over", "Seat-months"];
        let rows = self.totals.iter().flat_map(|total| {
            let audited = std::iter::once(total_row(total.currency, "as audited", &total.audited));
            let under = |under: &UnderSetting| total_row(total.currency, &shown(under), &under.figures);
            audited.chain(total.settings.iter().map(under)).collect::<Vec<_>>()
        });
        grid(&mut out, &header, &rows.collect::<Vec<_>>());
        self.agreements_table(&mut out);
        self.lines_table(&mut out);
        out
    }

    fn columns<'h>(&self, first: &[&'h str], names: &'h [String]) -> Vec<&'h str> {
        let settings = names.iter().take(self.settings.len()).map(String::as_str);
        first.iter().copied().chain(settings).chain(["Best fit", "Remarks"]).collect()
    }

    fn agreements_table(&self, out: &mut String) {
        line(out, "\nAgreements: under / over");
        let names: Vec<String> = self.settings.iter().map(|setting| name(*setting)).collect();
        let rows: Vec<Vec<String>> = self
            .agreements
            .iter()
            .map(|found| {
                let first = [found.client.clone(), found.agreements.join(", "), currency(found.currency)];
                cells(first, &found.comparison)
            })
            .collect();
        grid(out, &self.columns(&["Client", "Agreement", "Currency"], &names), &rows);
    }

    fn lines_table(&self, out: &mut String) {
        line(out, "\nProducts: under / over");
        let names: Vec<String> = self.settings.iter().map(|setting| name(*setting)).collect();
        let rows: Vec<Vec<String>> = self
            .lines
            .iter()
            .map(|found| {
                let first = [found.client.clone(), found.product.clone(), currency(found.currency)];
                cells(first, &found.comparison)
            })
            .collect();
        grid(out, &self.columns(&["Client", "Product", "Currency"], &names), &rows);
    }

    /// One row per client, product, currency and setting.
    pub fn csv(&self) -> String {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        let header = [
            "client",
            "product",
            "sku",
            "agreements",
            "currency",
            "basis",
            "proration",
            "comparable",
            "under_seat_months",
            "under",
            "over_seat_months",
            "over",
            "is_best_fit",
            "leaks_by_setting",
        ];
        let mut failed = writer.write_record(header).is_err();
        for found in &self.lines {
            for under in &found.comparison.settings {
                let (setting, figures) = (under.setting, &under.figures);
                let row = [
                    defused(&found.client),
                    defused(&found.product),
                    defused(found.sku.as_deref().unwrap_or_default()),
                    defused(&found.agreements.join(", ")),
                    currency(found.currency),
                    word(setting.basis.unwrap_or(found.policy.basis)),
                    word(setting.proration),
                    under.comparable.to_string(),
                    figures.under_seat_months.to_string(),
                    figures.under.to_string(),
                    figures.over_seat_months.to_string(),
                    figures.over.to_string(),
                    (found.comparison.best_fit == Some(setting)).to_string(),
                    found.comparison.leaks_by_setting.to_string(),
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

fn cells(first: [String; 3], found: &SideBySide) -> Vec<String> {
    let mut row = Vec::from(first);
    row.extend(found.settings.iter().map(|under| {
        let mark = if under.comparable { "" } else { " (fewer days)" };
        format!("{} / {}{mark}", under.figures.under, under.figures.over)
    }));
    row.push(found.best_fit.map_or_else(String::new, name));
    row.push(if found.leaks_by_setting { "leaks by its setting".to_owned() } else { String::new() });
    row
}

fn total_row(of: Option<Currency>, setting: &str, figures: &SettingFigures) -> Vec<String> {
    vec![
        currency(of),
        setting.to_owned(),
        figures.under.to_string(),
        figures.under_seat_months.to_string(),
        figures.over.to_string(),
        figures.over_seat_months.to_string(),
    ]
}

fn shown(under: &UnderSetting) -> String {
    let mark = if under.comparable { "" } else { " (some days not compared)" };
    format!("{}{mark}", name(under.setting))
}

fn name(setting: Setting) -> String {
    match setting.basis {
        Some(basis) => format!("{basis}, {}", setting.proration),
        None => setting.proration.to_string(),
    }
}

fn currency(currency: Option<Currency>) -> String {
    currency.map_or_else(String::new, |currency| currency.to_string())
}
