//! Giving money up: who must agree, and what the client must have written.

use super::policy::{Context, Said};
use super::quantity::{Part, Quantity};
use super::refusal::{Code, Missing, Refusal};
use super::state::named;
use super::tell::PERSON;
use crate::money::Currency;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How long whoever approves alone waits.
pub const ALONE_HOURS: i64 = 24;

named! {
    /// What a client's writing is.
    ConfirmationKind {
        /// It confirms a waiver.
        Waiver = "waiver",
        /// It accepts a correction.
        Acceptance = "acceptance",
        /// It takes its confirmation of a waiver back.
        Withdrawal = "withdrawal",
        /// Anything else.
        Other = "other",
    }
}

/// What a client wrote, as a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Counts from 1 within the correction.
    pub number: u32,
    /// What it is.
    pub kind: ConfirmationKind,
    /// Digest of the file.
    pub sha256: String,
    /// Who wrote it, how and when.
    pub said: Said,
    /// Whether it can be shown to come from the client. Not so for a click on a link that the organization
    /// handed out itself.
    pub authenticated: bool,
    /// The money that it speaks of, minor units, where it names any.
    pub minor: Option<i64>,
    /// The waiver that rests on it.
    pub used_for: Option<u32>,
    /// Who attached it.
    pub attached_by: String,
    /// When.
    pub attached_at: DateTime<Utc>,
}

/// A wish to give money up, waiting for approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaiverRequest {
    /// Counts from 1 within the correction.
    pub number: u32,
    /// Of what; none: of all that is outstanding.
    pub parts: Vec<Part>,
    /// What that was when it was asked for.
    pub quantity: Quantity,
    /// Why.
    pub reason: String,
    /// Who asked.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// The waiver that came of it.
    pub granted: Option<u32>,
}

/// Money given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// Counts from 1 within the correction.
    pub number: u32,
    /// How much.
    pub quantity: Quantity,
    /// Why.
    pub reason: String,
    /// Who asked.
    pub requested_by: String,
    /// Who approved.
    pub approved_by: String,
    /// Whether waivers of the client were above the threshold with it.
    pub above_threshold: bool,
    /// Approved alone, with a second factor and a day's delay.
    pub alone: bool,
    /// The client's writing.
    pub confirmation: u32,
    /// When.
    pub at: DateTime<Utc>,
    /// The client took its confirmation back: the money is outstanding again.
    pub returned: bool,
}

/// How a waiver was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approved {
    /// Waivers of the client in 12 months, with this one, are above the threshold.
    pub above_threshold: bool,
    /// Nobody else could.
    pub alone: bool,
}

/// Whether the actor may approve that so much is waived.
///
/// All waivers of a client within 12 months count. Up to the threshold whoever asks may approve. Above it
/// another person must; in an organization of one, that one with a second factor, a day after asking.
///
/// # Errors
/// When someone else must, or the day is not over.
pub fn approve(
    minor: i64,
    currency: Currency,
    requested_by: &str,
    requested_at: DateTime<Utc>,
    context: &Context<'_>,
) -> Result<Approved, Refusal> {
    let sum = context.facts.waived_before.saturating_add(minor);
    let above_threshold = sum > context.policy.threshold_minor(currency);
    let mut missing = Missing::default();
    missing.unless(context.actor.person, Code::PersonRequired, "A person must approve a waiver.");
    // Whoever holds an integration's key may be whoever approves.
    let same = requested_by == context.actor.label || !requested_by.starts_with(PERSON);
    let alone = above_threshold && same && context.facts.members <= 1;
    if above_threshold && same {
        if alone {
            missing.unless(
                context.facts.second_factor,
                Code::SecondFactorRequired,
                "Nobody else can approve: approve with your second factor.",
            );
            missing.unless(
                context.now - requested_at >= TimeDelta::hours(ALONE_HOURS),
                Code::WaitingPeriod,
                "Nobody else can approve: ask for the waiver first, and approve it 24 hours later.",
            );
        } else {
            missing.unless(
                false,
                Code::SecondApproverRequired,
                "With the client's waivers of the last 12 months this is above the threshold: ask for the \
                 waiver, and have someone else approve it.",
            );
        }
    }
    missing.check()?;
    Ok(Approved { above_threshold, alone })
}

/// Whether a client's writing bears a waiver of so much.
///
/// # Errors
/// When it is another kind of writing, does not come from the client for certain, is for less, or is used.
pub fn confirms(confirmation: Option<&Confirmation>, minor: i64) -> Result<(), Refusal> {
    let Some(confirmation) = confirmation.filter(|one| one.kind == ConfirmationKind::Waiver) else {
        return Err(Refusal::new(
            Code::ConfirmationMissing,
            "Attach the client's written confirmation of the waiver, and name it.",
        ));
    };
    let mut missing = Missing::default();
    missing.unless(
        confirmation.authenticated,
        Code::ConfirmationUnauthenticated,
        "The confirmation came through a link that you handed out yourself, which anyone could have used. \
         Have the registered contact confirm.",
    );
    missing.unless(
        confirmation.used_for.is_none(),
        Code::ConfirmationUsed,
        "The confirmation bears another waiver already. Each waiver has its own.",
    );
    missing.unless(
        confirmation.minor.is_none_or(|confirmed| confirmed >= minor),
        Code::ConfirmationTooSmall,
        "The client confirmed a smaller amount. Waive that, or get a confirmation of this one.",
    );
    missing.check()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correction::policy::{Actor, Facts, Policy};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn ask(minor: i64, by: &str, facts: &Facts, asked: &str) -> Result<Approved, Code> {
        let actor = Actor { label: "user:approver".to_owned(), person: true, admin: false };
        let now = at("2026-11-22T12:00:00Z");
        let policy = Policy::default();
        let context = Context { actor: &actor, now, today: now.date_naive(), policy: &policy, facts };
        approve(minor, Currency::USD, by, at(asked), &context).map_err(|refusal| refusal.code())
    }

    #[test]
    fn above_the_threshold_of_twelve_months_someone_else_must_approve() {
        let now = "2026-11-22T12:00:00Z";
        let team = Facts { members: 2, ..Facts::default() };
        let used = Facts { members: 2, waived_before: 9_000, ..Facts::default() };
        let below = Approved { above_threshold: false, alone: false };
        let above = Approved { above_threshold: true, alone: false };
        assert_eq!(ask(10_000, "user:approver", &team, now), Ok(below));
        assert_eq!(ask(10_001, "user:approver", &team, now), Err(Code::SecondApproverRequired));
        assert_eq!(ask(10_001, "user:other", &team, now), Ok(above));
        assert_eq!(ask(1_001, "user:approver", &used, now), Err(Code::SecondApproverRequired));
        assert_eq!(ask(1_000, "user:approver", &used, now), Ok(below));
    }

    #[test]
    fn an_organization_of_one_takes_a_second_factor_and_a_day() {
        let alone = Facts { members: 1, second_factor: true, ..Facts::default() };
        let yesterday = "2026-11-21T12:00:00Z";
        let granted = Approved { above_threshold: true, alone: true };
        assert_eq!(ask(35_200, "user:approver", &alone, yesterday), Ok(granted));
        assert_eq!(ask(35_200, "user:approver", &alone, "2026-11-21T12:00:01Z"), Err(Code::WaitingPeriod));
        let bare = Facts { second_factor: false, ..alone };
        assert_eq!(ask(35_200, "user:approver", &bare, yesterday), Err(Code::SecondFactorRequired));
    }
}
