//! Rows of a report as CSV for spreadsheets.

use super::super::SeatsAndMoney;
use crate::audit::defused;

/// A row's cells.
pub(super) struct Cells(Vec<String>);

impl Cells {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Text from outside: never run as a formula.
    pub(super) fn text(mut self, text: Option<&str>) -> Self {
        self.0.push(defused(text.unwrap_or_default()));
        self
    }

    /// A number, a month, an id or a word of ours.
    pub(super) fn plain(mut self, value: &impl ToString) -> Self {
        self.0.push(value.to_string());
        self
    }

    /// As [`Self::plain`], empty for none.
    pub(super) fn maybe(self, value: Option<impl ToString>) -> Self {
        self.plain(&value.map_or_else(String::new, |value| value.to_string()))
    }

    /// Seat-months and money; the currency has a column of its own.
    pub(super) fn sum(self, sum: &SeatsAndMoney) -> Self {
        self.plain(&sum.seat_months).maybe(sum.amount.map(|money| money.amount))
    }
}

/// The whole sheet.
pub(super) fn sheet(header: &[&str], rows: impl Iterator<Item = Cells>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut failed = writer.write_record(header).is_err();
    for row in rows {
        failed |= writer.write_record(row.0).is_err();
    }
    // A Vec takes every write and our text is UTF-8: neither can fail.
    let bytes = writer.into_inner().unwrap_or_default();
    debug_assert!(!failed, "writing to memory");
    String::from_utf8(bytes).unwrap_or_default()
}
