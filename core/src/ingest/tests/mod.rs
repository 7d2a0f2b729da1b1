//! Behaviour of whole files: one module for each family of formats, one for containers and hostile files.

mod connectwise;
mod files;
mod hostile;
mod microsoft;
mod streams;
mod template;

use super::*;
use crate::records::{BillingLine, Entitlement, Record, VendorCharge};
use rust_decimal::Decimal;

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn day(text: &str) -> chrono::NaiveDate {
    text.parse().unwrap()
}

fn report(text: &str) -> FileReport {
    read("upload", text.as_bytes(), &ReadOptions::default()).unwrap()
}

fn error(text: &str) -> FileError {
    read("upload", text.as_bytes(), &ReadOptions::default()).unwrap_err()
}

fn entitlements(report: &FileReport) -> Vec<(u32, &Entitlement)> {
    let pick = |sourced: &'_ Sourced| matches!(sourced.record, Record::Entitlement(_));
    let of = |sourced| match sourced {
        &Sourced { line, record: Record::Entitlement(ref row) } => (line, row),
        _ => unreachable!(),
    };
    report.records.iter().filter(|sourced| pick(sourced)).map(of).collect()
}

fn billing(report: &FileReport) -> Vec<(u32, &BillingLine)> {
    let of = |sourced| match sourced {
        &Sourced { line, record: Record::BillingLine(ref row) } => Some((line, row)),
        _ => None,
    };
    report.records.iter().filter_map(of).collect()
}

fn charges(report: &FileReport) -> Vec<(&VendorCharge, u32)> {
    let of = |sourced| match sourced {
        &Sourced { line, record: Record::VendorCharge(ref row) } => Some((row, line)),
        _ => None,
    };
    report.records.iter().filter_map(of).collect()
}

/// Line, column and the beginning of the rule of each refusal.
fn refusals(report: &FileReport) -> Vec<(u32, &str, &str)> {
    let of = |refusal: &'_ Refusal| refusal.line;
    report
        .refused
        .iter()
        .map(|refusal| (of(refusal), refusal.column.as_deref().unwrap_or_default(), refusal.reason.as_str()))
        .collect()
}

fn note_codes(report: &FileReport) -> Vec<(Option<u32>, &'static str)> {
    report.notes.iter().map(|note| (note.line, note.code)).collect()
}
