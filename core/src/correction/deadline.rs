//! What must happen by when, and whose it is, so that nothing ends silently. Deadlines follow from the
//! correction; they are not set by hand.

use super::case::Correction;
use super::policy::{Policy, days_after};
use super::state::{State, named};
use super::verification::Outcome;
use super::waiver::ConfirmationKind;
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

named! {
    /// What must happen.
    DeadlineKind {
        /// The client replies to the message.
        ReplyBy = "reply_by",
        /// We answer an objection with its evidence.
        EvidenceBy = "evidence_by",
        /// Someone approves a waiver.
        ApprovalBy = "approval_by",
        /// The client confirms a waiver in writing.
        ConfirmationBy = "confirmation_by",
        /// An import proves the next invoice.
        VerificationBy = "verification_by",
        /// The contract is looked at.
        ReviewBy = "review_by",
        /// The client pays an instalment, or keeps a promise.
        PaymentBy = "payment_by",
        /// A price is talked about.
        PriceConversationOn = "price_conversation_on",
    }

    /// What is said of a deadline.
    Step {
        /// It is near, and said for the first time.
        DueSoon = "due_soon",
        /// It has passed, and said for the first time.
        Passed = "passed",
        /// It has passed, and nothing was done since it was last said.
        Again = "again",
        /// It has passed so long ago that admins hear of it.
        Escalated = "escalated",
    }
}

/// What was said of a deadline so far, of the day on which it is due now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// That it is near.
    pub due_soon: bool,
    /// That it has passed.
    pub passed: bool,
    /// To admins.
    pub escalated: bool,
    /// When something was said last.
    pub last_on: Option<NaiveDate>,
}

/// One deadline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Deadline {
    /// What must happen.
    pub kind: DeadlineKind,
    /// The dispute, request, instalment or conversation that it is about; 0: the correction.
    pub about: u32,
    /// By when.
    pub due_on: NaiveDate,
    /// Who sees to it; none: nobody has the correction.
    pub owner: Option<String>,
}

impl Deadline {
    /// Whether its owner is reminded today: from the day before it is due, and every so many days after.
    pub fn reminds(&self, today: NaiveDate, reminded_on: Option<NaiveDate>, every_days: u16) -> bool {
        let begins = self.due_on.checked_sub_days(Days::new(1)).unwrap_or(self.due_on);
        begins <= today && reminded_on.is_none_or(|last| days_after(last, every_days) <= today)
    }

    /// What is to be said of it today. That it is near and that it has passed is said once each, however many
    /// looks there are; after that it is said again every so many days for as long as it stands, and admins
    /// hear of it once when it passed so many days ago.
    pub fn steps(&self, today: NaiveDate, told: Told, policy: &Policy) -> Vec<Step> {
        let mut steps = Vec::new();
        if today <= self.due_on {
            if !told.due_soon && self.reminds(today, None, policy.reminder_days) {
                steps.push(Step::DueSoon);
            }
            return steps;
        }
        if !told.passed {
            steps.push(Step::Passed);
        } else if self.reminds(today, told.last_on, policy.reminder_days) {
            steps.push(Step::Again);
        }
        if !told.escalated && days_after(self.due_on, policy.escalation_days) <= today {
            steps.push(Step::Escalated);
        }
        steps
    }
}

impl Correction {
    /// What must happen now, soonest first.
    pub fn deadlines(&self, policy: &Policy) -> Vec<Deadline> {
        let mut deadlines = Vec::new();
        let mut add = |kind, about, due_on| {
            deadlines.push(Deadline { kind, about, due_on, owner: self.owner.clone() });
        };
        if let Some(told) = self.announcement.as_ref()
            && self.state == State::Communicated
            && self.acceptance.is_none()
        {
            add(DeadlineKind::ReplyBy, 0, told.reply_by);
        }
        for dispute in self.open_disputes().filter(|_| self.state.is_open()) {
            add(DeadlineKind::EvidenceBy, dispute.number, dispute.reply_by);
        }
        if self.state.is_open() {
            let free = self
                .confirmations
                .iter()
                .any(|one| one.kind == ConfirmationKind::Waiver && one.used_for.is_none());
            for request in self.waiver_requests.iter().filter(|request| request.granted.is_none()) {
                let asked = request.at.date_naive();
                add(DeadlineKind::ApprovalBy, request.number, days_after(asked, policy.approval_days));
                if !free {
                    add(
                        DeadlineKind::ConfirmationBy,
                        request.number,
                        days_after(asked, policy.confirmation_days),
                    );
                }
            }
        }
        if let Some(freeze) = self.freeze.as_ref().filter(|freeze| freeze.outcome.is_none()) {
            add(DeadlineKind::ReviewBy, freeze.dispute, freeze.review_on);
        }
        if let Some(forward) = self.going_forward.as_ref()
            && matches!(self.state, State::Resolved | State::Waived)
            && !(self.forward_verified()
                && self.documents().keys().all(|document| self.is_verified(document)))
        {
            add(DeadlineKind::VerificationBy, 0, days_after(forward.invoice_on, policy.verification_days));
        }
        for instalment in self.plan.iter().filter(|plan| !plan.given_up).flat_map(|plan| &plan.instalments) {
            if instalment.paid_on.is_none() && !instalment.is_empty() {
                let due = instalment.promise.as_ref().map_or(instalment.due_on, |promise| promise.on);
                add(DeadlineKind::PaymentBy, u32::from(instalment.number), due);
            }
        }
        for (conversation, number) in self.price_conversations.iter().zip(1..) {
            add(DeadlineKind::PriceConversationOn, number, conversation.on);
        }
        deadlines.sort_by_key(|deadline| (deadline.due_on, deadline.kind, deadline.about));
        deadlines
    }

    /// Whether an invoice that came showed something else than agreed, and nothing was done about it yet.
    pub fn needs_attention(&self) -> bool {
        let differs = |document: &String| !self.is_verified(document) && self.is_shown_otherwise(document);
        self.is_pending() || self.documents().keys().any(differs)
    }

    fn is_shown_otherwise(&self, document: &str) -> bool {
        let of =
            |one: &Outcome| matches!(one, Outcome::DocumentDiffers { document: of, .. } if of == document);
        self.verifications.iter().any(|one| of(&one.outcome))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn due(on: &str) -> Deadline {
        Deadline { kind: DeadlineKind::ReplyBy, about: 0, due_on: day(on), owner: None }
    }

    #[test]
    fn a_deadline_is_told_before_and_after_again_and_to_admins_each_step_once() {
        let (deadline, policy) = (due("2026-12-10"), Policy::default());
        let mut told = Told::default();
        let mut said = Vec::new();
        let mut today = day("2026-12-07");
        while today <= day("2026-12-25") {
            // Twice a day: the second look has nothing to say.
            for _ in 0..2 {
                for step in deadline.steps(today, told, &policy) {
                    said.push((today.to_string(), step));
                    told.last_on = Some(today);
                    match step {
                        Step::DueSoon => told.due_soon = true,
                        Step::Passed => told.passed = true,
                        Step::Escalated => told.escalated = true,
                        Step::Again => {}
                    }
                }
            }
            today = today.succ_opt().unwrap();
        }
        let said: Vec<(&str, Step)> = said.iter().map(|(day, step)| (day.as_str(), *step)).collect();
        assert_eq!(
            said,
            [
                ("2026-12-09", Step::DueSoon),
                ("2026-12-11", Step::Passed),
                ("2026-12-17", Step::Escalated),
                ("2026-12-24", Step::Again),
            ]
        );
    }

    #[test]
    fn whoever_looks_late_says_all_that_was_missed_at_once() {
        let steps = due("2026-12-10").steps(day("2027-01-10"), Told::default(), &Policy::default());
        assert_eq!(steps, [Step::Passed, Step::Escalated]);
    }
}
