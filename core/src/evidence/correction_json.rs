//! `correction.json`: the correction, and what became of every seat-day and every cent.

use super::BundleError;
use super::renderer::{File, Material, Renderer};
use crate::correction::State;
use crate::correction::case::Subject;
use crate::correction::finding::Line;
use crate::correction::ledger::{Balance, Entry};
use crate::correction::plan::Plan;
use crate::correction::quantity::Place;
use crate::id::CorrectionId;
use serde::{Deserialize, Serialize};

pub(super) const RENDERER: Renderer = Renderer { name: PATH, frozen: true, render };
pub(super) const PATH: &str = "correction.json";

#[derive(Serialize)]
struct Document<'f> {
    id: CorrectionId,
    reference: Option<&'f str>,
    subject: &'f Subject,
    state: State,
    version: i64,
    lines: &'f [Line],
    ledger: LedgerDocument,
    plan: Option<&'f Plan>,
    remarks: &'f [String],
}

/// The ledger with its balances, in seat-days and minor units.
#[derive(Serialize, Deserialize)]
pub(super) struct LedgerDocument {
    /// Entries in order.
    pub(super) entries: Vec<Entry>,
    /// The balance of each month of each line.
    pub(super) balances: Vec<PlaceBalance>,
    /// The balance of the correction.
    pub(super) balance: Balance,
}

/// The balance of a month of a line.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlaceBalance {
    /// Where.
    pub(super) place: Place,
    /// How much.
    pub(super) balance: Balance,
}

/// What a check reads of it.
#[derive(Deserialize)]
pub(super) struct Excerpt {
    /// Its id.
    pub(super) id: CorrectionId,
    /// What it is about.
    pub(super) subject: Subject,
    /// Its ledger.
    pub(super) ledger: LedgerDocument,
}

fn render(material: &Material<'_>) -> Result<Vec<File>, BundleError> {
    let correction = &material.facts.correction;
    let ledger = &correction.ledger;
    let balances = ledger.balances().into_iter();
    let document = Document {
        id: correction.id,
        reference: correction.reference.as_deref(),
        subject: &correction.subject,
        state: correction.state,
        version: correction.version,
        lines: &correction.lines,
        ledger: LedgerDocument {
            entries: ledger.entries().to_vec(),
            balances: balances.map(|(place, balance)| PlaceBalance { place, balance }).collect(),
            balance: ledger.balance(),
        },
        plan: correction.plan.as_ref(),
        remarks: &correction.remarks,
    };
    Ok(vec![File::json(PATH, &document)?])
}
