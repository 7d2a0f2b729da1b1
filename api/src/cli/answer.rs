//! What `leakage audit` prints: the document, or what else the same files say.

use super::audit_json as json;
use leakage_core::audit::{self, AuditError, AuditInput, Margins, WhatIf};
use serde::Serialize;

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
/// What is printed, or why it has no JSON form; and the exit code.
pub(super) type Answer = (Result<Vec<String>, serde_json::Error>, u8);

/// Computes what is asked for, with so many threads.
///
/// # Errors
/// As the audit.
pub(super) fn answer(
    wanted: Wanted,
    format: OutputFormat,
    input: &AuditInput,
    threads: usize,
) -> Result<Answer, AuditError> {
    let code = |gaps: bool| if gaps { GAPS } else { NO_GAPS };
    Ok(match wanted {
        Wanted::Document => {
            let document = audit::run_on(input, threads)?;
            let code = code(!document.gaps.is_empty());
            let pieces = match format {
                OutputFormat::Table => Ok(vec![audit::table(&document)]),
                OutputFormat::Csv => Ok(vec![audit::csv(&document)]),
                OutputFormat::Json => json::pretty(document, threads),
            };
            (pieces, code)
        }
        Wanted::WhatIf { all_bases } => {
            let found = audit::what_if(input, all_bases)?;
            let gaps = found.totals.iter().any(|total| total.audited.gaps > 0);
            (text(format, &found, WhatIf::table, WhatIf::csv), code(gaps))
        }
        Wanted::Margins => {
            let found = audit::margins(input)?;
            (text(format, &found, Margins::table, Margins::csv), NO_GAPS)
        }
    })
}

fn text<T: Serialize>(
    format: OutputFormat,
    found: &T,
    table: impl FnOnce(&T) -> String,
    csv: impl FnOnce(&T) -> String,
) -> Result<Vec<String>, serde_json::Error> {
    let text = match format {
        OutputFormat::Table => Ok(table(found)),
        OutputFormat::Csv => Ok(csv(found)),
        OutputFormat::Json => serde_json::to_string_pretty(found).map(|json| json + "\n"),
    };
    text.map(|text| vec![text])
}
