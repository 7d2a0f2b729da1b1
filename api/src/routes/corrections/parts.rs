//! What several commands are asked with: parts of lines, what is billed from now on, the letter.

use crate::error::ApiError;
use chrono::NaiveDate;
use leakage_core::correction::case::{Correction, GoingForward};
use leakage_core::correction::command::Message;
use leakage_core::correction::policy::Channel;
use leakage_core::correction::quantity::{Extent, Part};
use leakage_core::money::Money;
use leakage_core::period::Month;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Texts at most.
pub(super) const LONGEST: usize = 20_000;

/// Id of a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(
    max_length = 100,
    pattern = "^[0-9a-z-]{1,100}$",
    example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)]
pub(super) struct GapId(pub String);

/// Their texts.
pub(super) fn gap_ids(ids: &[GapId]) -> Result<Vec<String>, ApiError> {
    if ids.len() > 200 {
        return Err(ApiError::invalid("/gaps", "At most 200 gaps."));
    }
    Ok(ids.iter().map(|id| id.0.clone()).collect())
}

/// A part of a line: `seats` (in some months), or `seat_days`, or `amount`; none of them: all of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"line": 1, "seats": 2}))]
pub(super) struct LinePart {
    /// Number of the line.
    #[schema(minimum = 1, maximum = 200)]
    pub line: u32,
    /// So many of its seats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub seats: Option<u32>,
    /// In these months; in all when not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 120)]
    pub months: Option<Vec<Month>>,
    /// These seat-days, by month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::HashMap<String, i64>>)]
    pub seat_days: Option<BTreeMap<Month, i64>>,
    /// So much of its money, the oldest months first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
}

/// Money of a request, in the correction's minor unit.
pub(super) fn minor(pointer: &str, money: Money, correction: &Correction) -> Result<i64, ApiError> {
    let currency = correction.subject.currency;
    if money.currency != currency {
        return Err(ApiError::invalid(pointer, format!("The correction is in {currency}.")));
    }
    let minor = money.minor().filter(|minor| Money::from_minor(*minor, currency).amount == money.amount);
    minor.filter(|minor| *minor > 0).ok_or_else(|| {
        let digits = currency.minor_digits();
        ApiError::invalid(
            pointer,
            format!("Write an amount above 0 with at most {digits} digits after the point."),
        )
    })
}

impl LinePart {
    fn part(&self, pointer: &str, correction: &Correction) -> Result<Part, ApiError> {
        let ways = [self.seats.is_some(), self.seat_days.is_some(), self.amount.is_some()];
        if ways.iter().filter(|way| **way).count() > 1 || (self.months.is_some() && self.seats.is_none()) {
            return Err(ApiError::invalid(
                pointer,
                "Name a part in one way: seats (with months), or seat_days, or amount, or nothing for all of it.",
            ));
        }
        let extent = match (self.seats, &self.seat_days, self.amount) {
            (Some(seats), ..) => Extent::Seats { seats, months: self.months.clone() },
            (_, Some(days), _) => {
                if days.values().any(|days| *days < 0) {
                    return Err(ApiError::invalid(format!("{pointer}/seat_days"), "must not be below 0"));
                }
                Extent::SeatDays(days.clone())
            }
            (.., Some(amount)) => Extent::Amount(minor(&format!("{pointer}/amount"), amount, correction)?),
            _ => Extent::All,
        };
        Ok(Part { line: self.line, extent })
    }
}

/// Parts of a request.
pub(super) fn parts(parts: &[LinePart], correction: &Correction) -> Result<Vec<Part>, ApiError> {
    if parts.len() > 1000 {
        return Err(ApiError::invalid("/parts", "At most 1000 parts."));
    }
    parts.iter().enumerate().map(|(at, part)| part.part(&format!("/parts/{at}"), correction)).collect()
}

/// Refuses texts that are too long to be meant.
pub(super) fn short(pointer: &str, text: &str, longest: usize) -> Result<(), ApiError> {
    if text.chars().count() <= longest {
        return Ok(());
    }
    Err(ApiError::invalid(pointer, format!("At most {longest} characters.")))
}

/// What is billed from the next invoice on.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"invoice_on": "2026-12-01", "lines": [{"line": 1, "seats": 72}]}))]
pub(super) struct Forward {
    /// Date of the next invoice.
    pub invoice_on: NaiveDate,
    /// Seats of every line on it.
    #[schema(max_items = 200)]
    pub lines: Vec<ForwardLine>,
    /// Whether billing was changed already; else it is scheduled.
    #[serde(default)]
    pub corrected: bool,
}

/// Seats of a line on the next invoice.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ForwardLine {
    /// Number of the line.
    #[schema(minimum = 1, maximum = 200)]
    pub line: u32,
    /// Seats.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub seats: u32,
}

/// As the core has it.
pub(super) fn forward(forward: Option<&Forward>) -> Result<Option<GoingForward>, ApiError> {
    let Some(forward) = forward else { return Ok(None) };
    crate::services::text::day("/going_forward/invoice_on", forward.invoice_on)?;
    let quantities = forward.lines.iter().map(|line| (line.line, i64::from(line.seats)));
    Ok(Some(GoingForward {
        invoice_on: forward.invoice_on,
        quantities: quantities.collect(),
        corrected: forward.corrected,
    }))
}

/// What the client is told.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Letter {
    /// Why it happened.
    #[schema(max_length = 20000)]
    pub context: String,
    /// The figures.
    #[schema(max_length = 20000)]
    pub data: String,
    /// What happens next, in words.
    #[schema(max_length = 20000)]
    pub going_forward: String,
    /// The person who was told. The evidence says so, or that it was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 300, example = "Casey Client")]
    pub to: Option<String>,
    /// How the client was told. The evidence says so, or that it was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Where the letter is kept, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub reference: Option<String>,
    /// A change of price that it speaks of. Refused: price and quantity are never mixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub price_change: Option<String>,
}

impl Letter {
    /// As the core has it.
    pub(super) fn message(&self) -> Result<Message, ApiError> {
        for (pointer, text) in [
            ("/message/context", &self.context),
            ("/message/data", &self.data),
            ("/message/going_forward", &self.going_forward),
        ] {
            short(pointer, text, LONGEST)?;
        }
        short("/message/reference", self.reference.as_deref().unwrap_or_default(), 500)?;
        short("/message/to", self.to.as_deref().unwrap_or_default(), 300)?;
        let to = self.to.as_deref().map(str::trim).filter(|to| !to.is_empty());
        Ok(Message {
            context: self.context.clone(),
            data: self.data.clone(),
            going_forward: self.going_forward.clone(),
            to: to.map(str::to_owned),
            channel: self.channel,
            reference: self.reference.clone(),
            letter: None,
            price_change: self.price_change.clone(),
        })
    }
}
