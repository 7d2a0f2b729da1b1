//! When a client is invoiced, and the days that follow from it for each month.

use crate::ingest::InvoiceTiming;
use crate::period::Month;
use crate::records::Side;
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Days before the invoice on which imports may be due at the earliest: inside the shortest month.
const MOST_DUE_DAYS: u16 = 27;
/// Days that an import may be older than the day it is for.
const MOST_FRESH_DAYS: u16 = 31;
/// Days from the due date to the furthest reminder.
const MOST_REMINDER_DAYS: u16 = 60;
/// Reminders of one kind.
const MOST_REMINDERS: usize = 10;
/// Imports that one client can be expected to have.
const MOST_EXPECTED: usize = 10;
/// Characters of a source's name.
const SOURCE_CHARS: usize = 64;

/// An import that is expected for each month.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ExpectedImport, example = json!({"side": "entitlement", "source": null})))]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The side that it fills.
    pub side: Side,
    /// The format that it must have, such as `microsoft_admin_center_licenses`; `leakage_template` stands for
    /// all files of our own template. None: any format will do.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 64, pattern = "^[a-z0-9_]{1,64}$"))]
    pub source: Option<String>,
}

/// When a client is invoiced, and what must be there before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ReconciliationTerms, example = json!({
    "enabled": true, "invoice_day": 5, "invoiced": "arrears", "due_days_before": 2, "fresh_days": 7,
    "expected": [{"side": "entitlement", "source": null}, {"side": "billing", "source": null}],
    "remind_days_before": [5, 1], "remind_days_overdue": [1, 7]
})))]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Whether months are watched and audited at all.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// Day of the month on which the invoice goes out; in a month without this day, its last day.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 31))]
    pub invoice_day: u16,
    /// Whether the invoice charges the month before it (`arrears`) or its own (`advance`). That month is audited.
    #[serde(default = "arrears")]
    pub invoiced: InvoiceTiming,
    /// Days before the invoice on which the imports are due; never before the audited month begins.
    #[serde(default = "due_days_before")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 27))]
    pub due_days_before: u16,
    /// Days that an import may be older than the due date or the month's end, whichever comes first.
    #[serde(default = "fresh_days")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 31))]
    pub fresh_days: u16,
    /// What must be imported: billing, and entitlement or cost.
    #[serde(default = "expected")]
    #[cfg_attr(feature = "openapi", schema(min_items = 2, max_items = 10))]
    pub expected: Vec<Expected>,
    /// Days before the due date on which to remind of what is missing; 0 is the due date itself.
    #[serde(default = "remind_days_before")]
    #[cfg_attr(feature = "openapi", schema(max_items = 10))]
    pub remind_days_before: Vec<u16>,
    /// Days after the due date on which to remind again.
    #[serde(default = "remind_days_overdue")]
    #[cfg_attr(feature = "openapi", schema(max_items = 10))]
    pub remind_days_overdue: Vec<u16>,
}

const fn enabled() -> bool {
    true
}

const fn arrears() -> InvoiceTiming {
    InvoiceTiming::Arrears
}

const fn due_days_before() -> u16 {
    2
}

const fn fresh_days() -> u16 {
    7
}

fn expected() -> Vec<Expected> {
    [Side::Entitlement, Side::Billing].map(|side| Expected { side, source: None }).to_vec()
}

fn remind_days_before() -> Vec<u16> {
    vec![5, 1]
}

fn remind_days_overdue() -> Vec<u16> {
    vec![1, 7]
}

/// A schedule that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ScheduleError {
    /// JSON pointer to what is wrong.
    pub pointer: String,
    /// What to do about it.
    pub reason: String,
}

impl ScheduleError {
    fn new(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), reason: reason.into() }
    }
}

/// The days of one month's cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// The month that is audited and invoiced.
    pub month: Month,
    /// First day that an import must at least tell of.
    pub opens_on: NaiveDate,
    /// Day by the end of which the imports must be there.
    pub due_date: NaiveDate,
    /// Day on which the invoice goes out.
    pub invoice_date: NaiveDate,
}

impl Schedule {
    /// A schedule as it is while nobody has set one: it watches nothing.
    pub fn unset() -> Self {
        Self {
            enabled: false,
            invoice_day: 5,
            invoiced: arrears(),
            due_days_before: due_days_before(),
            fresh_days: fresh_days(),
            expected: expected(),
            remind_days_before: remind_days_before(),
            remind_days_overdue: remind_days_overdue(),
        }
    }

    /// # Errors
    /// At the first thing that cannot be.
    pub fn check(&self) -> Result<(), ScheduleError> {
        if !(1..=31).contains(&self.invoice_day) {
            return Err(ScheduleError::new(
                "/invoice_day",
                "must be 1 to 31; 31 is the last day of every month",
            ));
        }
        if self.due_days_before > MOST_DUE_DAYS {
            return Err(ScheduleError::new("/due_days_before", format!("must be 0 to {MOST_DUE_DAYS}")));
        }
        if self.fresh_days > MOST_FRESH_DAYS {
            return Err(ScheduleError::new("/fresh_days", format!("must be 0 to {MOST_FRESH_DAYS}")));
        }
        self.check_expected()?;
        check_reminders("/remind_days_before", &self.remind_days_before, 0)?;
        check_reminders("/remind_days_overdue", &self.remind_days_overdue, 1)
    }

    fn check_expected(&self) -> Result<(), ScheduleError> {
        if self.expected.len() > MOST_EXPECTED {
            return Err(ScheduleError::new(
                "/expected",
                format!("must name {MOST_EXPECTED} imports at most"),
            ));
        }
        for (at, expected) in self.expected.iter().enumerate() {
            if expected.side == Side::Activity {
                return Err(ScheduleError::new(
                    format!("/expected/{at}/side"),
                    "must be entitlement, billing or cost: activity is evidence, and no audit waits for it",
                ));
            }
            let spelled = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
            if expected.source.as_ref().is_some_and(|source| {
                !(1..=SOURCE_CHARS).contains(&source.len()) || !source.bytes().all(spelled)
            }) {
                return Err(ScheduleError::new(
                    format!("/expected/{at}/source"),
                    "must be the name of a format, such as microsoft_graph_subscribed_skus",
                ));
            }
            if self.expected.iter().take(at).any(|before| before == expected) {
                return Err(ScheduleError::new(format!("/expected/{at}"), "stands in the list already"));
            }
        }
        let has = |side| self.expected.iter().any(|expected| expected.side == side);
        if !has(Side::Billing) || !(has(Side::Entitlement) || has(Side::Cost)) {
            return Err(ScheduleError::new(
                "/expected",
                "must name billing, and entitlement or cost: gaps are differences of two sides",
            ));
        }
        Ok(())
    }

    /// The cycle of a month. Each month has one, and each invoice date belongs to one.
    pub fn cycle(&self, month: Month) -> Cycle {
        let invoiced = match self.invoiced {
            InvoiceTiming::Advance => month,
            InvoiceTiming::Arrears => month.next(),
        };
        let day = u32::from(self.invoice_day).clamp(1, invoiced.days());
        let invoice_date = forward(invoiced.first_day(), day - 1);
        let first = month.first_day();
        let due_date = back(invoice_date, u32::from(self.due_days_before)).max(first);
        let last = back(month.end(), 1);
        let opens_on = back(last.min(due_date), u32::from(self.fresh_days)).max(first);
        Cycle { month, opens_on, due_date, invoice_date }
    }

    /// The cycle that a day is in: that of the next invoice, of today's included.
    pub fn current(&self, today: NaiveDate) -> Cycle {
        let month = Month::of(today);
        let cycle = self.cycle(match self.invoiced {
            InvoiceTiming::Advance => month,
            InvoiceTiming::Arrears => month.plus(-1),
        });
        if cycle.invoice_date < today { self.cycle(cycle.month.next()) } else { cycle }
    }
}

fn check_reminders(pointer: &str, days: &[u16], least: u16) -> Result<(), ScheduleError> {
    if days.len() > MOST_REMINDERS {
        return Err(ScheduleError::new(pointer, format!("must name {MOST_REMINDERS} days at most")));
    }
    let mut seen = BTreeSet::new();
    for (at, day) in days.iter().enumerate() {
        if !(least..=MOST_REMINDER_DAYS).contains(day) {
            return Err(ScheduleError::new(
                format!("{pointer}/{at}"),
                format!("must be {least} to {MOST_REMINDER_DAYS} days"),
            ));
        }
        if !seen.insert(day) {
            return Err(ScheduleError::new(format!("{pointer}/{at}"), "stands in the list already"));
        }
    }
    Ok(())
}

/// The day so many days later, at the end of time the day itself.
pub(super) fn forward(day: NaiveDate, days: u32) -> NaiveDate {
    day.checked_add_days(Days::new(u64::from(days))).unwrap_or(day)
}

/// The day so many days earlier, at the beginning of time the day itself.
pub(super) fn back(day: NaiveDate, days: u32) -> NaiveDate {
    day.checked_sub_days(Days::new(u64::from(days))).unwrap_or(day)
}
