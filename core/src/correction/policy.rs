//! What an organization decides for its corrections, who acts, and what is known when a command comes.

use super::shock::{Announced, Bands};
use super::state::named;
use crate::money::Currency;
use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An organization's choices, with our defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = CorrectionPolicy))]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Where the bands of invoice shock begin.
    pub bands: Bands,
    /// Days between the message and the invoice, at least.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 365, example = 5))]
    pub notice_days: u16,
    /// Days that a client has for a reply.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 365, example = 10))]
    pub reply_days: u16,
    /// Days in which an objection is answered with its evidence.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 365, example = 5))]
    pub evidence_days: u16,
    /// Days in which an approval is given.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 365, example = 3))]
    pub approval_days: u16,
    /// Days after the next invoice by which an import proves it.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 365, example = 10))]
    pub verification_days: u16,
    /// Days that a client has to confirm a waiver.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 365, example = 14))]
    pub confirmation_days: u16,
    /// Days between two reminders.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 365, example = 7))]
    pub reminder_days: u16,
    /// Days after a deadline has passed when admins hear of it.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 365, example = 7))]
    pub escalation_days: u16,
    /// Days after which an instalment that was not paid counts as missed.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 365, example = 5))]
    pub grace_days: u16,
    /// Waivers of a client within 12 months above this, in whole units of the currency, take a second approver.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000, example = 100))]
    pub waiver_threshold: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            bands: Bands::default(),
            notice_days: 5,
            reply_days: 10,
            evidence_days: 5,
            approval_days: 3,
            verification_days: 10,
            confirmation_days: 14,
            reminder_days: 7,
            escalation_days: 7,
            grace_days: 5,
            waiver_threshold: 100,
        }
    }
}

impl Policy {
    /// Whether the figures can be: bands ascend, and days are within a year.
    pub fn is_sound(&self) -> bool {
        let days = [
            self.notice_days,
            self.reply_days,
            self.evidence_days,
            self.approval_days,
            self.verification_days,
            self.confirmation_days,
            self.reminder_days,
            self.escalation_days,
            self.grace_days,
        ];
        let bands = self.bands;
        bands.ascend()
            && bands.approval_above <= 1000
            && days.iter().all(|days| *days <= 365)
            && self.reminder_days > 0
            && self.waiver_threshold <= 1_000_000
    }

    /// The waiver threshold in the currency's minor unit.
    pub fn threshold_minor(&self, currency: Currency) -> i64 {
        i64::from(self.waiver_threshold).saturating_mul(10_i64.saturating_pow(currency.minor_digits()))
    }
}

/// So many days later; at the end of time the day itself.
pub(super) fn days_after(day: NaiveDate, days: u16) -> NaiveDate {
    day.checked_add_days(Days::new(u64::from(days))).unwrap_or(day)
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// As records name them.
    pub label: String,
    /// A person, not an integration or a job.
    pub person: bool,
    /// May decide as an admin.
    pub admin: bool,
}

/// What is known of the client and the organization when a command comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Totals of the client's last regular invoices in the currency, before tax, oldest first, minor units.
    pub invoices: Vec<i64>,
    /// What other corrections announced for the same client, currency and invoice date.
    pub announced_elsewhere: Announced,
    /// Waived for this client in this currency in the last 12 months, minor units, this correction included.
    pub waived_before: i64,
    /// Members of the organization who could approve.
    pub members: u32,
    /// Whether the actor has shown a second factor for this request.
    pub second_factor: bool,
    /// Digest of the facts that were frozen for the message.
    pub frozen: Option<String>,
    /// Billable seats of each line by what is known now, where anything is.
    pub billable: BTreeMap<u32, i64>,
}

/// The circumstances of a command.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// When.
    pub now: DateTime<Utc>,
    /// The day where the organization is.
    pub today: NaiveDate,
    /// The organization's choices.
    pub policy: &'a Policy,
    /// What is known.
    pub facts: &'a Facts,
}

named! {
    /// How a client spoke.
    Channel {
        /// By mail.
        Email = "email",
        /// On the telephone.
        Phone = "phone",
        /// In a meeting.
        Meeting = "meeting",
        /// On paper.
        Letter = "letter",
        /// In a ticket.
        Ticket = "ticket",
        /// Through the link that was sent to it.
        Link = "link",
    }
}

/// Who spoke for the client, how and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// Who.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 300, example = "Casey Client, CFO"))]
    pub by: String,
    /// How.
    pub channel: Channel,
    /// When.
    pub at: DateTime<Utc>,
}
