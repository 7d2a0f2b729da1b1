//! Unused seats by when they can be dropped, as the document tells them.

use crate::money::Money;
use crate::records::Term;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Unused seats of one subscription that were bought on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WasteBatch {
    /// Unused seats.
    pub seats: Decimal,
    /// The vendor's subscription id, where charges name one.
    pub subscription: Option<String>,
    /// The commitment term, where known.
    pub term: Option<Term>,
    /// The day on which they were bought or added, or on which their term began or was renewed.
    pub bought_on: Option<NaiveDate>,
    /// The last whole day inside the 168 hours in which Microsoft takes new-commerce seats back, counted from
    /// the beginning of `bought_on`. None for other seats, and where `bought_on` is not known.
    pub window_ends: Option<NaiveDate>,
    /// The first day without them, if they are dropped in time: the audit's day inside the window, else the
    /// renewal.
    pub droppable_from: Option<NaiveDate>,
    /// The last day on which they can be dropped so.
    pub drop_by: Option<NaiveDate>,
    /// Why then.
    pub reason: DropReason,
    /// The term that a file states is over: it is taken as renewed for the same length.
    pub renewed: bool,
    /// What they cost from the day after the audit's to `drop_by`. None where dates or cost are not known.
    pub cost_until: Option<Money>,
    /// What they cost further if `drop_by` is missed: to the end of the term that runs, or of the one that
    /// begins with the renewal.
    pub unrecovered_if_missed: Option<Money>,
}

/// Why seats can be dropped on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// The purchase, renewal or increase is less than 168 hours ago.
    CancellationWindow,
    /// The term ends.
    Renewal,
    /// The month ends, of seats bought by the month.
    MonthlyTerm,
    /// Neither the purchase nor the end of the term is known.
    Unknown,
}
