//! What `leakage audit` prints: the document, or what else the same files say.

use leakage_core::audit::{self, AuditError, AuditInput, Margins, WhatIf};
use serde::Serialize;
use std::io::{self, Write};

/// How a document is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum OutputFormat {
    /// For people.
    #[default]
    Table,
    /// The audit document, or what is printed instead of it.
    Json,
    /// One row per gap and month; with --what-if per product and setting, with --margins per product and month.
    Csv,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The audit document.
    Document,
    /// The same facts under every proration, and with `all_bases` every count basis.
    WhatIf { all_bases: bool },
    /// Billed against cost.
    Margins,
}

/// No gaps.
const NO_GAPS: u8 = 0;
/// Gaps found.
const GAPS: u8 = 1;
/// Whether it was printed, and the exit code.
pub(super) type Answer = (io::Result<()>, u8);

/// Computes and prints what is asked for, with so many threads.
///
/// # Errors
/// As the audit.
pub(super) fn answer(
    wanted: Wanted,
    format: OutputFormat,
    input: &AuditInput,
    threads: usize,
    out: &mut dyn Write,
) -> Result<Answer, AuditError> {
    let code = |gaps: bool| if gaps { GAPS } else { NO_GAPS };
    Ok(match wanted {
        Wanted::Document => {
            let document = audit::run_on(input, threads)?;
            let code = code(!document.gaps.is_empty());
            let printed = match format {
                OutputFormat::Table => out.write_all(audit::table(&document).as_bytes()),
                OutputFormat::Csv => out.write_all(audit::csv(&document).as_bytes()),
                OutputFormat::Json => audit::json(document, threads, out),
            };
            (printed, code)
        }
        Wanted::WhatIf { all_bases } => {
            let found = audit::what_if(input, all_bases)?;
            let gaps = found.totals.iter().any(|total| total.audited.gaps > 0);
            (print(format, &found, WhatIf::table, WhatIf::csv, out), code(gaps))
        }
        Wanted::Margins => {
            let found = audit::margins(input)?;
            (print(format, &found, Margins::table, Margins::csv, out), NO_GAPS)
        }
    })
}

fn print<T: Serialize>(
    format: OutputFormat,
    found: &T,
    table: impl FnOnce(&T) -> String,
    csv: impl FnOnce(&T) -> String,
    out: &mut dyn Write,
) -> io::Result<()> {
    let text = match format {
        OutputFormat::Table => table(found),
        OutputFormat::Csv => csv(found),
        OutputFormat::Json => serde_json::to_string_pretty(found)? + "\n",
    };
    out.write_all(text.as_bytes())
}
