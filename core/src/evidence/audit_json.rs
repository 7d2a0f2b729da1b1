//! `audit.json`: what the audit found of this client, how each gap came about, and what of it (or of a later
//! invoice) is in the lines of the correction.
//!
//! It is an excerpt: the audit's own document speaks of other clients, too. Its digest stands here and in
//! the manifest, so that the MSP can show the whole to a court.

use super::BundleError;
use super::facts::{AuditFacts, GapFacts, MonthFacts};
use super::line_months::{self, LineMonth};
use super::renderer::{File, Material, Renderer};
use crate::audit::{ExplainedMonth, ExplainedName, ExplainedRule, Explanation, Gap, Stretch};
use serde::{Deserialize, Serialize};

pub(super) const RENDERER: Renderer = Renderer { name: PATH, frozen: true, render };
pub(super) const PATH: &str = "audit.json";

#[derive(Serialize)]
struct Document<'f> {
    audit: &'f AuditFacts,
    client: &'f str,
    gaps: Vec<GapDocument<'f>>,
    lines: Vec<LineMonth>,
    months: &'f [MonthFacts],
}

#[derive(Serialize)]
struct GapDocument<'f> {
    line: u32,
    gap: &'f Gap,
    explanation: Option<Explained<'f>>,
}

/// An explanation without what the bundle has elsewhere: the gap, and the rows.
#[derive(Serialize)]
struct Explained<'f> {
    names: &'f [ExplainedName],
    rules: &'f [ExplainedRule],
    stretches: &'f [Stretch],
    months: &'f [ExplainedMonth],
    text: &'f [String],
}

/// What a check reads of it.
#[derive(Deserialize)]
pub(super) struct Excerpt {
    /// The audit.
    pub(super) audit: AuditFacts,
    /// Its gaps.
    pub(super) gaps: Vec<GapExcerpt>,
    /// The months of the correction's lines. Bundles made before these were listed have none: their tables show the
    /// months of the gaps.
    #[serde(default)]
    pub(super) lines: Option<Vec<LineMonth>>,
}

impl Excerpt {
    /// What `gaps.csv` shows.
    pub(super) fn table(&self) -> Vec<LineMonth> {
        let of_gaps = || {
            let months = |of: &GapExcerpt| {
                of.gap
                    .months
                    .iter()
                    .map(|month| LineMonth::of_gap(of.line, &of.gap, month))
                    .collect::<Vec<_>>()
            };
            self.gaps.iter().flat_map(months).collect()
        };
        self.lines.clone().unwrap_or_else(of_gaps)
    }
}

/// A gap.
#[derive(Deserialize)]
pub(super) struct GapExcerpt {
    /// The correction's line.
    pub(super) line: u32,
    /// The gap.
    pub(super) gap: Gap,
}

fn render(material: &Material<'_>) -> Result<Vec<File>, BundleError> {
    let facts = material.facts;
    let document = Document {
        audit: &facts.audit,
        client: &facts.correction.subject.client,
        gaps: facts.gaps.iter().map(gap).collect(),
        lines: line_months::of(facts),
        months: &facts.months,
    };
    Ok(vec![File::json(PATH, &document)?])
}

fn gap(of: &GapFacts) -> GapDocument<'_> {
    GapDocument { line: of.line, gap: &of.gap, explanation: of.explanation.as_ref().map(explained) }
}

fn explained(explanation: &Explanation) -> Explained<'_> {
    let Explanation { names, rules, stretches, months, text, gap: _, rows: _ } = explanation;
    Explained { names, rules, stretches, months, text }
}
