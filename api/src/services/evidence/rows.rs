//! The rows of files behind a correction's numbers, and the rules and mappings that were used: from the
//! explanations of its gaps, which are the comparison itself written down. Of a line that rests on an invoice they are
//! those of the invoice's month, as they were known when it was found to be wrong.

use crate::app::App;
use crate::error::ApiError;
use crate::services::recomputed;
use crate::storage::imports::ImportRow;
use chrono::{DateTime, Utc};
use leakage_core::audit::{Explanation, Gap, RowRole};
use leakage_core::correction::case::Correction;
use leakage_core::correction::finding::Line;
use leakage_core::correction::ledger::Bucket;
use leakage_core::digest;
use leakage_core::evidence::facts::{SourceFile, SourceRow, Version};
use leakage_core::id::{AuditId, ImportId, OrgId};
use leakage_core::period::Month;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What explanations give.
pub(super) struct Explained {
    /// Of each line of the correction.
    pub(super) explanations: BTreeMap<u32, Explanation>,
    /// The rows, file by file.
    pub(super) rows: Vec<SourceFile>,
    /// The rules that held.
    pub(super) rules: Vec<Version>,
    /// The mappings that were used.
    pub(super) mappings: Vec<Version>,
}

/// The month of the invoice that a line rests on, and when that was found to be wrong.
pub(super) fn on_invoice(correction: &Correction, line: &Line) -> Option<(Month, DateTime<Utc>)> {
    let month = Month::of(line.invoice.as_ref()?.on);
    let entries = correction.ledger.entries().iter();
    let found =
        entries.rev().find(|entry| entry.place.line == line.number && entry.bucket == Bucket::Found)?;
    Some((month, found.note.at))
}

/// Explains the gaps of a correction, those of one audit together, and what lines have from invoices.
pub(super) async fn explained(
    app: &App,
    org: OrgId,
    (found, correction): (&[(AuditId, u32, Gap)], &Correction),
    imports: &[ImportRow],
) -> Result<Explained, ApiError> {
    let mut by_audit: BTreeMap<AuditId, Vec<(u32, String)>> = BTreeMap::new();
    for (audit, line, gap) in found {
        by_audit.entry(*audit).or_default().push((*line, gap.id.clone()));
    }
    let mut explanations = BTreeMap::new();
    for (audit, gaps) in by_audit {
        let (lines, gaps): (Vec<u32>, Vec<String>) = gaps.into_iter().unzip();
        let of_audit = recomputed::explanations(app, org, gaps, audit).await?;
        explanations.extend(lines.into_iter().zip(of_audit).filter_map(|(line, one)| Some((line, one?))));
    }
    for line in &correction.lines {
        let Some((month, at)) = on_invoice(correction, line) else { continue };
        let client = &correction.subject.client;
        let one = recomputed::explain_month(app, org, (client, &line.gap), month, at).await?;
        explanations.extend(one.map(|one| (line.number, one)));
    }
    Ok(Explained {
        rows: files(&explanations, imports),
        rules: rules(&explanations)?,
        mappings: mappings(&explanations)?,
        explanations,
    })
}

/// A row by its file, line and role: the columns' cells, and the correction's lines that rest on it.
type Rows = BTreeMap<(u32, RowRole), (serde_json::Map<String, Value>, BTreeSet<u32>)>;

fn files(explanations: &BTreeMap<u32, Explanation>, imports: &[ImportRow]) -> Vec<SourceFile> {
    let mut files: BTreeMap<(ImportId, String, String), Rows> = BTreeMap::new();
    for (line, explanation) in explanations {
        for row in &explanation.rows {
            let import =
                imports.iter().find(|import| import.sha256 == row.import && import.file_name == row.file);
            let Some(import) = import else { continue };
            let file = (ImportId::new(import.id), row.file.clone(), row.import.clone());
            let cells = row.record.as_object().cloned().unwrap_or_default();
            let rows = files.entry(file).or_default();
            rows.entry((row.line, row.role)).or_insert((cells, BTreeSet::new())).1.insert(*line);
        }
    }
    files.into_iter().map(|((import, file, sha256), rows)| of_file(import, file, sha256, rows)).collect()
}

fn of_file(import: ImportId, file: String, sha256: String, rows: Rows) -> SourceFile {
    let mut columns: Vec<String> = Vec::new();
    for name in rows.values().flat_map(|(cells, _)| cells.keys()) {
        if name != "line" && !columns.contains(name) {
            columns.push(name.clone());
        }
    }
    let mut own = Vec::with_capacity(rows.len());
    for ((line, role), (cells, lines)) in rows {
        let cells = columns.iter().map(|column| text(cells.get(column))).collect();
        own.push(SourceRow { line, lines: lines.into_iter().collect(), role, cells });
    }
    SourceFile { import, file, sha256, sheet: None, columns, rows: own }
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// What has no id of its own in an explanation is named by its digest.
fn version(of: &impl Serialize, says: String, owner: &str) -> Result<(String, Version), ApiError> {
    let id = digest::of_json(of).map_err(ApiError::internal)?;
    Ok((id.clone(), Version { id, version: 1, says, owner: owner.to_owned() }))
}

fn rules(explanations: &BTreeMap<u32, Explanation>) -> Result<Vec<Version>, ApiError> {
    let mut rules = BTreeMap::new();
    for rule in explanations.values().flat_map(|explanation| &explanation.rules) {
        let kind = serde_json::to_value(rule.kind).map_err(ApiError::internal)?;
        let until = rule.until.map_or_else(String::new, |day| format!(" until {day}"));
        let says = format!("{} {} from {}{until}: {}", text(Some(&kind)), rule.value, rule.from, rule.reason);
        let (id, one) = version(rule, says, &rule.owner)?;
        rules.insert(id, one);
    }
    Ok(rules.into_values().collect())
}

fn mappings(explanations: &BTreeMap<u32, Explanation>) -> Result<Vec<Version>, ApiError> {
    let mut mappings = BTreeMap::new();
    for name in explanations.values().flat_map(|explanation| &explanation.names) {
        let Some(mapping) = &name.mapping else { continue };
        let says = format!("\"{}\" stands for \"{}\": {mapping}", name.written, name.stands_for);
        let (id, one) = version(name, says, mapping)?;
        mappings.insert(id, one);
    }
    Ok(mappings.into_values().collect())
}
