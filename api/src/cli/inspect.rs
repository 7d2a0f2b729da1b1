//! `leakage inspect`: what a file is, before anyone uploads it. Reads files and prints; needs no service.

use crate::files::{Collect, LocalFile};
use leakage_core::ingest::{DateOrder, InvoiceTiming, ReadOptions, inspect_document, read_source};
use leakage_core::money::Currency;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `leakage inspect`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Also give the canonical rows with their lines, and the seats that follow from vendor charges.
    #[arg(long)]
    rows: bool,
    /// Order of day and month, for files that do not tell: dmy or mdy.
    #[arg(long, value_name = "dmy|mdy")]
    date_order: Option<DateOrder>,
    /// Currency of prices, for files that name none, such as USD.
    #[arg(long)]
    currency: Option<Currency>,
    /// When an invoice without a service period charges its months: advance or arrears.
    #[arg(long, value_name = "advance|arrears")]
    invoice_timing: Option<InvoiceTiming>,
    /// Files to look into.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Runs the command: one JSON object for each file on standard output, or a table on a terminal.
///
/// Answers 0 when all files were recognised, 2 otherwise.
pub fn run(arguments: &Arguments) -> ExitCode {
    let mut out = io::stdout().lock();
    let terminal = out.is_terminal() && !arguments.rows;
    let mut recognised = true;
    for path in &arguments.files {
        let (document, known) = inspect(path, arguments);
        recognised &= known;
        let text = if terminal { table(&document) } else { format!("{document}\n") };
        // A reader that went away (`| head`) wants no more.
        if out.write_all(text.as_bytes()).is_err() {
            break;
        }
    }
    ExitCode::from(if recognised { 0 } else { 2 })
}

/// One file's document, and whether it was recognised.
fn inspect(path: &Path, arguments: &Arguments) -> (Value, bool) {
    let name = path.to_string_lossy();
    let file = match LocalFile::at(path.to_owned()) {
        Ok(file) => file,
        Err(error) => {
            let error = json!({"code": "unreadable_file", "message": error.to_string(), "line": null, "column": null});
            return (json!({"file": name, "format": null, "error": error}), false);
        }
    };
    let options = ReadOptions {
        date_order: arguments.date_order,
        currency: arguments.currency,
        invoice_timing: arguments.invoice_timing,
        ..super::read_options()
    };
    let mut records = if arguments.rows { Collect::all() } else { Collect::none() };
    let outcome = read_source(&name, &file, &options, &mut records);
    let outcome = outcome.map(|report| records.into_report(report));
    (inspect_document(&name, &outcome, arguments.rows), outcome.is_ok())
}

/// The document for people.
fn table(document: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut out = format!("{}\n", text(&document["file"]));
    // Writing to a String cannot fail.
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(out, "  {name:<16} {value}");
    };
    if let Some(message) = document["error"]["message"].as_str() {
        row("not recognised", message);
        return out;
    }
    let names = |value: &Value| {
        let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().map(text).collect::<Vec<_>>().join(", ")
    };
    row("format", &format!("{} (confidence {})", text(&document["format"]), text(&document["confidence"])));
    row("sides", &names(&document["sides"]));
    row("because", &names(&document["reasons"]));
    row("file", &format!("{}, {}", text(&document["container"]), text(&document["encoding"])));
    row("rows", &format!("{} read, {} refused", document["read"], document["refused_total"]));
    if document["unknown_columns"].as_array().is_some_and(|columns| !columns.is_empty()) {
        row("unknown columns", &names(&document["unknown_columns"]));
    }
    for question in document["needs_input"].as_array().into_iter().flatten() {
        row("asks", &format!("{} {}", text(&question["question"]), names(&question["choices"])));
    }
    for refusal in document["refused"].as_array().into_iter().flatten().take(20) {
        let place = [&refusal["sheet"], &refusal["column"], &refusal["value"]];
        let place: Vec<String> = place.into_iter().filter(|value| !value.is_null()).map(text).collect();
        row(
            "refused",
            &format!("line {}: {} {}", refusal["line"], place.join(" "), text(&refusal["reason"])),
        );
    }
    for note in document["notes"].as_array().into_iter().flatten().take(20) {
        let line = if note["line"].is_null() { String::new() } else { format!("line {}: ", note["line"]) };
        row("note", &format!("{line}{}", text(&note["text"])));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(rows: bool) -> Arguments {
        Arguments { rows, date_order: None, currency: None, invoice_timing: None, files: Vec::new() }
    }

    #[test]
    fn a_file_is_told_in_json_and_in_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("held.csv");
        std::fs::write(
            &path,
            "client,product,purchased,from,remark\nA,P,x,2026-01-01,y\nA,P,2,2026-01-01,y\n",
        )
        .unwrap();
        let (document, known) = inspect(&path, &arguments(true));
        assert!(known);
        assert_eq!(document["format"], "leakage_entitlements");
        assert_eq!(document["refused"][0]["line"], 2);
        assert_eq!(document["records"][0]["quantity"], Value::Null);
        assert_eq!(document["records"][0]["purchased"], "2");
        let table = table(&document);
        for part in [
            "leakage_entitlements (confidence 1.00)",
            "2 read, 1 refused",
            "line 2: purchased x is not a number",
            "remark",
        ] {
            assert!(table.contains(part), "{part}\n{table}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_or_not_known_is_not_recognised() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        let (absent, known) = inspect(&path, &arguments(false));
        assert_eq!((absent["error"]["code"].as_str(), known), (Some("unreadable_file"), false));
        std::fs::write(&path, "one,two\n1,2\n").unwrap();
        let (unknown, known) = inspect(&path, &arguments(false));
        assert_eq!((unknown["error"]["code"].as_str(), known), (Some("unknown_format"), false));
        assert!(table(&unknown).contains("not recognised"));
    }
}
