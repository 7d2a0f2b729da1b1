//! The canonical rows of imports, between `leakage_core::records` and their tables.
//!
//! Rows are written in batches with one statement per table and batch, and read whole import by
//! import. No foreign key is checked row by row: each statement checks that its import and its refs are
//! there, once, and writes nothing if one is not. Which client's rows stand where is noted beside them
//! (`listing`), so that an audit of one client reads no others; for an audit of all of them the rows that are
//! compared are kept in a second, packed form (`packed`). `position` is the record's place in its import, so that
//! the order of the file is kept across tables.

mod cells;
mod directory;
mod listing;
mod packed;
mod read;
mod rows;
mod runs;
mod statements;
mod write;

pub use directory::{Directory, Refs};
pub use read::{StoredRows, in_runs, page, terms_and_names};
pub use runs::{Runs, runs_of_clients, runs_of_keys};
pub use write::Writer;

use super::StorageError;
use leakage_core::records::{AssignedBy, ChargeKind, Cycle, LineType, ProvisioningAction, Term};

const fn term_name(term: Term) -> &'static str {
    match term {
        Term::Monthly => "monthly",
        Term::Annual => "annual",
        Term::Triennial => "triennial",
    }
}

fn term(text: &str) -> Result<Term, StorageError> {
    match text {
        "monthly" => Ok(Term::Monthly),
        "annual" => Ok(Term::Annual),
        "triennial" => Ok(Term::Triennial),
        _ => Err(StorageError::Corrupt { column: "term" }),
    }
}

const fn cycle_name(cycle: Cycle) -> &'static str {
    match cycle {
        Cycle::Monthly => "monthly",
        Cycle::Quarterly => "quarterly",
        Cycle::Annual => "annual",
        Cycle::Triennial => "triennial",
    }
}

fn cycle(text: &str) -> Result<Cycle, StorageError> {
    match text {
        "monthly" => Ok(Cycle::Monthly),
        "quarterly" => Ok(Cycle::Quarterly),
        "annual" => Ok(Cycle::Annual),
        "triennial" => Ok(Cycle::Triennial),
        _ => Err(StorageError::Corrupt { column: "cycle" }),
    }
}

const fn line_type_name(line_type: LineType) -> &'static str {
    match line_type {
        LineType::Regular => "regular",
        LineType::Proration => "proration",
        LineType::Credit => "credit",
        LineType::OneOff => "one_off",
    }
}

fn line_type(text: &str) -> Result<LineType, StorageError> {
    match text {
        "regular" => Ok(LineType::Regular),
        "proration" => Ok(LineType::Proration),
        "credit" => Ok(LineType::Credit),
        "one_off" => Ok(LineType::OneOff),
        _ => Err(StorageError::Corrupt { column: "line_type" }),
    }
}

const fn kind_name(kind: ChargeKind) -> &'static str {
    match kind {
        ChargeKind::Licence => "licence",
        ChargeKind::Usage => "usage",
        ChargeKind::OneTime => "one_time",
    }
}

fn kind(text: &str) -> Result<ChargeKind, StorageError> {
    match text {
        "licence" => Ok(ChargeKind::Licence),
        "usage" => Ok(ChargeKind::Usage),
        "one_time" => Ok(ChargeKind::OneTime),
        _ => Err(StorageError::Corrupt { column: "kind" }),
    }
}

const fn assigned_by_name(by: AssignedBy) -> &'static str {
    match by {
        AssignedBy::Direct => "direct",
        AssignedBy::Group => "group",
        AssignedBy::DirectAndGroup => "direct_and_group",
    }
}

fn assigned_by(text: &str) -> Result<AssignedBy, StorageError> {
    match text {
        "direct" => Ok(AssignedBy::Direct),
        "group" => Ok(AssignedBy::Group),
        "direct_and_group" => Ok(AssignedBy::DirectAndGroup),
        _ => Err(StorageError::Corrupt { column: "assigned_by" }),
    }
}

const fn action_name(action: ProvisioningAction) -> &'static str {
    match action {
        ProvisioningAction::Assigned => "assigned",
        ProvisioningAction::Removed => "removed",
        ProvisioningAction::Changed => "changed",
    }
}

fn action(text: &str) -> Result<ProvisioningAction, StorageError> {
    match text {
        "assigned" => Ok(ProvisioningAction::Assigned),
        "removed" => Ok(ProvisioningAction::Removed),
        "changed" => Ok(ProvisioningAction::Changed),
        _ => Err(StorageError::Corrupt { column: "action" }),
    }
}
