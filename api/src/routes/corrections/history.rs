//! What became of a correction, entry by entry: its ledger and its timeline.

use super::view::CorrectionBalance;
use crate::page_type;
use crate::storage::corrections::records::EventRow;
use chrono::{DateTime, Utc};
use leakage_core::correction::case::Correction as Case;
use leakage_core::correction::ledger::Entry;
use leakage_core::correction::quantity::{Cells, seat_months};
use leakage_core::money::{Currency, Money};
use leakage_core::period::Month;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One entry of the ledger. Of a contra entry, seats and money are negative.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LedgerEntry {
    /// Counts from 1.
    #[schema(minimum = 1)]
    pub seq: u32,
    /// The line.
    #[schema(minimum = 1)]
    pub line: u32,
    /// The month.
    pub month: Month,
    /// `found`, `billed`, `credited`, `waived`, `written_off`, `time_barred` or `withdrawn`.
    #[schema(max_length = 20)]
    pub bucket: String,
    /// Seat-days.
    pub seat_days: i64,
    /// Seat-days over the month's days, six decimals.
    #[schema(value_type = String, max_length = 40)]
    pub seat_months: Decimal,
    /// Money.
    pub amount: Money,
    /// The entry that it takes back.
    pub contra_of: Option<u32>,
    /// Why: `opened`, `invoice`, `instalment`, `waiver` and others.
    #[schema(max_length = 40)]
    pub cause: String,
    /// What was said about it.
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
    /// Invoice, credit note, audit or confirmation.
    #[schema(max_length = 500)]
    pub document: Option<String>,
    /// Instalment of the plan.
    pub instalment: Option<u16>,
    /// Who.
    #[schema(max_length = 300)]
    pub actor: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl LedgerEntry {
    fn of(entry: &Entry, currency: Currency) -> Self {
        let cells = Cells::from([(entry.place, entry.quantity)]);
        Self {
            seq: entry.seq,
            line: entry.place.line,
            month: entry.place.month,
            bucket: entry.bucket.as_str().to_owned(),
            seat_days: entry.quantity.seat_days,
            seat_months: seat_months(&cells),
            amount: Money::from_minor(entry.quantity.minor, currency),
            contra_of: entry.contra_of,
            cause: entry.note.cause.as_str().to_owned(),
            reason: entry.note.reason.clone(),
            document: entry.note.document.clone(),
            instalment: entry.note.instalment,
            actor: entry.note.actor.clone(),
            at: entry.note.at,
        }
    }
}

/// The ledger of a correction.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CorrectionLedger {
    /// The sums.
    pub balance: CorrectionBalance,
    /// Every entry, in order. Entries are only added.
    #[schema(max_items = 100_000)]
    pub entries: Vec<LedgerEntry>,
}

impl CorrectionLedger {
    /// Of a correction.
    pub(super) fn of(case: &Case) -> Self {
        let currency = case.subject.currency;
        Self {
            balance: CorrectionBalance::of(case, None),
            entries: case.ledger.entries().iter().map(|entry| LedgerEntry::of(entry, currency)).collect(),
        }
    }
}

/// One entry of the timeline.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TimelineEntry {
    /// Counts up from 1. Entries that change nothing (a visit of the client, a code) count as well.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    #[schema(max_length = 300)]
    pub actor: String,
    /// What was done.
    #[schema(max_length = 40, example = "communicate")]
    pub command: String,
    /// State, version and money before; null when it was opened.
    #[schema(value_type = Option<Object>)]
    pub before: Option<Value>,
    /// State, version and money after.
    #[schema(value_type = Object)]
    pub after: Value,
    /// Why.
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
    /// What was asked.
    #[schema(value_type = Object)]
    pub detail: Value,
}

impl From<EventRow> for TimelineEntry {
    fn from(row: EventRow) -> Self {
        Self {
            seq: row.seq,
            at: row.at,
            actor: row.actor,
            command: row.command,
            before: row.before,
            after: row.after,
            reason: row.reason,
            detail: row.detail,
        }
    }
}

page_type!(pub(super) TimelinePage, TimelineEntry);
