//! CSV files whose cells no spreadsheet runs.
//!
//! A cell that a spreadsheet would take for a formula begins with an apostrophe. It is put before whatever stands
//! there, also before another apostrophe, so that taking one off gives the cell as it was. Numbers
//! stay numbers, also negative ones.

use super::BundleError;

/// Characters with which spreadsheets begin formulas, and their full-width forms, which some take for the same.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Text that a spreadsheet shows instead of running it.
pub(super) fn defused(text: &str) -> String {
    if is_formula(text) { format!("'{text}") } else { text.to_owned() }
}

fn is_formula(text: &str) -> bool {
    // A tab or a line end can end a cell, so that what follows begins one.
    if text.starts_with(['\t', '\r', '\n']) {
        return true;
    }
    let start = text.trim_start_matches(skipped);
    start.starts_with(FORMULA) && !is_number(start.trim_end())
}

/// What a spreadsheet may leave out before it looks at a cell: blanks, what cannot be seen, and quotes.
fn skipped(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
        || matches!(c, '\'' | '"' | '`' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}')
}

/// A sign, a currency sign, digits with separators between, a percent sign: nothing that computes.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = unsigned.strip_prefix(['$', '\u{20ac}', '\u{a3}', '\u{a5}']).unwrap_or(unsigned);
    let digits = digits.strip_suffix('%').unwrap_or(digits);
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.ends_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
}

/// A CSV file that is being written.
pub(super) struct Sheet {
    writer: csv::Writer<Vec<u8>>,
    width: usize,
}

impl Sheet {
    /// With these columns, and room for so many more without a name.
    pub(super) fn new(columns: &[&str], more: usize) -> Result<Self, BundleError> {
        let writer =
            csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
        let mut sheet = Self { writer, width: columns.len() + more };
        let unnamed = (1..=more).map(|number| format!("cell_{number}"));
        sheet.row(columns.iter().map(|column| (*column).to_owned()).chain(unnamed))?;
        Ok(sheet)
    }

    /// Adds a row; cells that are missing at its end are empty.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) -> Result<(), BundleError> {
        let mut written = 0;
        for cell in cells.into_iter().take(self.width) {
            if is_formula(&cell) {
                self.writer.write_field(defused(&cell))?;
            } else {
                self.writer.write_field(cell)?;
            }
            written += 1;
        }
        for _ in written..self.width {
            self.writer.write_field("")?;
        }
        self.writer.write_record(None::<&[u8]>)?;
        Ok(())
    }

    /// The file.
    pub(super) fn bytes(self) -> Result<Vec<u8>, BundleError> {
        self.writer.into_inner().map_err(|error| BundleError::Write(error.into_error()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_begins_with_an_apostrophe() {
        for formula in [
            "=1+1",
            "+1+1",
            "-1+1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "  =1",
            "\u{a0}=1",
            "\u{feff}=1",
            "'=1",
            "\"=1",
            " \" =1",
            "\u{201c}=1",
            "\u{ff1d}1",
            "\u{ff0b}1",
            "\u{ff0d}1",
            "\u{ff20}x",
            "-",
            "=",
            "--1",
            "-1-1",
            "-2*3",
            "+49 (30) 1",
            "-cmd|' /C calc'!A0",
            "-1,",
            "-1e5",
        ] {
            assert_eq!(defused(formula), format!("'{formula}"), "{formula:?}");
        }
    }

    #[test]
    fn numbers_and_words_stay_as_they_are() {
        for harmless in [
            "",
            "-3.87",
            "+5",
            "-$3.87",
            "-1,234.50",
            "-1.234,50",
            "-50%",
            "-.5",
            "0",
            "352.00",
            "P1M",
            "a=b",
            "jo@contoso.com",
            "'",
            "\"",
            "2026-02-01",
            " x",
        ] {
            assert_eq!(defused(harmless), harmless);
        }
    }

    #[test]
    fn short_rows_are_filled_and_quotes_are_kept() {
        let mut sheet = Sheet::new(&["a", "b"], 1).unwrap();
        sheet.row(["=x".to_owned()]).unwrap();
        sheet.row(["a \"b\", c", "-2", "two\nlines"].map(str::to_owned)).unwrap();
        let text = String::from_utf8(sheet.bytes().unwrap()).unwrap();
        assert_eq!(text, "a,b,cell_1\n'=x,,\n\"a \"\"b\"\", c\",-2,\"two\nlines\"\n");
    }
}
