//! Objections and their answers, contract reviews, and what a refusal means for the relationship.

use super::apply::Reach;
use super::case::{Correction, Decision};
use super::command::{Recount, says};
use super::dispute::{Answer, Answered, Dispute, DisputeReason, Freeze, PriceConversation};
use super::ledger::{Bucket, Cause, Note};
use super::policy::{Context, Said, days_after};
use super::quantity::{Cells, Part, Place, Quantity};
use super::refusal::{Code, Missing, Refusal};
use super::tell::spoken;
use chrono::NaiveDate;

impl Correction {
    pub(super) fn dispute(
        &mut self,
        reason: DisputeReason,
        parts: &[Part],
        note: Option<&str>,
        said: &Said,
        reply_by: Option<NaiveDate>,
        context: &Context<'_>,
    ) -> Result<Reach, Refusal> {
        let mut missing = Missing::default();
        missing.with(spoken(said)).unless(
            !parts.is_empty(),
            Code::PartMissing,
            "Name the lines and seats that are disputed; it may be a part.",
        );
        missing.check()?;
        let cells = self.parts_of(&self.claimed(), parts)?;
        // Whoever objects accepts no longer.
        self.acceptance = None;
        let planned = self.release_plan(context);
        let number = u32::try_from(self.disputes.len()).unwrap_or(u32::MAX).saturating_add(1);
        self.disputes.push(Dispute {
            number,
            reason,
            note: note.map(str::to_owned),
            parts: parts.to_vec(),
            cells,
            said: said.clone(),
            reply_by: reply_by.unwrap_or_else(|| days_after(context.today, context.policy.evidence_days)),
            recorded_by: context.actor.label.clone(),
            recorded_at: context.now,
            answer: None,
        });
        // What is disputed rests; the other instalments go on.
        if planned {
            self.replan(context)?;
        }
        Ok(Reach::Whole)
    }

    pub(super) fn answer(
        &mut self,
        number: u32,
        answer: &Answer,
        text: Option<&str>,
        recount: Option<&Recount>,
        context: &Context<'_>,
    ) -> Result<Reach, Refusal> {
        let open = self.disputes.iter().find(|dispute| dispute.number == number && dispute.is_open());
        let Some(dispute) = open else {
            return Err(Refusal::new(Code::DisputeUnknown, format!("There is no open dispute {number}.")));
        };
        if answer.fits() != Some(dispute.reason) {
            return Err(Refusal::new(
                Code::AnswerDoesNotFit,
                format!("The client says {}; this answers something else.", dispute.reason),
            ));
        }
        let since = dispute.recorded_at;
        self.check_answer(answer, since, context)?;
        let withdrawn = self.recounted(dispute, answer, recount, context)?;
        let planned = self.release_plan(context);
        let answered = Answered {
            answer: answer.clone(),
            text: text.map(str::to_owned),
            by: context.actor.label.clone(),
            at: context.now,
        };
        if let Some(dispute) = self.disputes.iter_mut().find(|dispute| dispute.number == number) {
            dispute.answer = Some(answered);
        }
        self.follow_answer(number, answer, &withdrawn, context)?;
        if planned {
            self.replan(context)?;
        }
        Ok(if self.open_disputes().next().is_none() { Reach::Whole } else { Reach::Part })
    }

    /// The evidence that each reason asks for.
    fn check_answer(
        &self,
        answer: &Answer,
        since: chrono::DateTime<chrono::Utc>,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        let mut missing = Missing::default();
        let offered = self.offer.is_some() || self.plan.is_some();
        match answer {
            Answer::UnauthorizedSeats { log } => missing.unless(
                !log.is_empty() && log.iter().all(|entry| says(&entry.seat)),
                Code::ProvisioningLogMissing,
                "Show the provisioning log: which seats, since which dates.",
            ),
            Answer::LateBilling { honest_delay } => missing
                .unless(says(honest_delay), Code::HonestDelayMissing, "Own the delay in the answer.")
                .unless(offered, Code::PlanOfferMissing, "Offer payment in parts first."),
            Answer::ContractReview { review_on } => missing
                .unless(
                    *review_on >= context.today,
                    Code::ReviewDateMissing,
                    "Agree on a day that is to come.",
                )
                .unless(
                    self.freeze.is_none(),
                    Code::AlreadyFrozen,
                    "The past was frozen once; not a second time.",
                ),
            Answer::CountWrong { audit, .. } => {
                missing.unless(says(audit), Code::RecountMissing, "Count again, and name that audit.")
            }
            Answer::AlreadyPaid { payment, shown_not_to_match } => missing.unless(
                payment.is_none() || self.is_under(),
                Code::OverBillingBilled,
                "A payment does not settle what is owed to the client: give it back with a credit note or refund.",
            ).unless(
                match (payment, shown_not_to_match) {
                    (Some((document, _)), None) => says(document),
                    (None, Some(shown)) => says(shown),
                    _ => false,
                },
                Code::PaymentMissing,
                "Name the payment that matches and its part, or say how it was shown not to match.",
            ),
            Answer::Price { conversation_on } => missing.unless(
                *conversation_on >= context.today,
                Code::PriceConversationMissing,
                "Set a day for the price conversation that is to come.",
            ),
            Answer::Refusal => {
                let offered_since = self.offer.as_ref().is_some_and(|offer| offer.at >= since);
                let decided = self.decision.as_ref().is_some_and(|decision| decision.at >= since);
                missing.unless(
                    offered_since || decided,
                    Code::RefusalUnanswered,
                    "Offer payment in parts anew, or have an admin decide what the refusal means.",
                )
            }
            Answer::Superseded { .. } => {
                missing.unless(false, Code::AnswerDoesNotFit, "This is no answer that a person gives.")
            }
        };
        missing.check()
    }

    /// What a recount takes away: parts of what that audit finds less, never more than that.
    fn recounted(
        &self,
        dispute: &Dispute,
        answer: &Answer,
        recount: Option<&Recount>,
        context: &Context<'_>,
    ) -> Result<Cells, Refusal> {
        let Answer::CountWrong { audit, withdrawn, .. } = answer else { return Ok(Cells::new()) };
        let Some(recount) = recount.filter(|recount| recount.audit == *audit) else {
            return Err(Refusal::new(Code::RecountMissing, "Count again, and name that audit."));
        };
        let disputed = |number: &u32| dispute.cells.keys().any(|place| place.line == *number);
        if self.lines.iter().any(|line| line.audit == recount.audit && disputed(&line.number)) {
            return Err(Refusal::new(
                Code::SameAudit,
                "The disputed lines rest on this audit already: run a new one.",
            ));
        }
        let (_, mut less) = self.differences(recount);
        // What is too old to be charged is not disputed.
        let claimed = self.claimed();
        for (place, quantity) in &mut less {
            *quantity = quantity.least(claimed.get(place).copied().unwrap_or_default());
        }
        let cells = if withdrawn.is_empty() { Cells::new() } else { self.parts_of(&less, withdrawn)? };
        self.still_shows(dispute, &less, &cells, recount)?;
        self.two_stand_for(&cells, context)?;
        Ok(cells)
    }

    /// Whether a recount shows all the disputed seats that are not withdrawn by it: it compared their months, and
    /// finds no less of them.
    fn still_shows(
        &self,
        dispute: &Dispute,
        less: &Cells,
        withdrawn: &Cells,
        recount: &Recount,
    ) -> Result<(), Refusal> {
        // A recount speaks of a gap as a whole: its first line stands for all of them.
        let by_gap = |cells: &Cells| {
            let mut sums = Cells::new();
            for (place, quantity) in cells {
                let gap = self.line(place.line).map(|line| &line.gap);
                let first = self.lines.iter().find(|line| Some(&line.gap) == gap);
                let line = first.map_or(place.line, |line| line.number);
                *sums.entry(Place { line, ..*place }).or_default() += *quantity;
            }
            sums
        };
        let (disputed, less, withdrawn) = (by_gap(&dispute.cells), by_gap(less), by_gap(withdrawn));
        let days =
            |cells: &Cells, place| cells.get(place).map_or(0, |quantity: &Quantity| quantity.seat_days);
        let unsettled = disputed.iter().find(|(place, quantity)| {
            let compared = recount.compared.get(&place.line).is_some_and(|of| of.contains(&place.month));
            let lacks = days(&less, place).min(quantity.seat_days);
            !compared || lacks > days(&withdrawn, place)
        });
        let Some((place, _)) = unsettled else { return Ok(()) };
        let product = self.line(place.line).map_or("", |line| line.product.as_str());
        Err(Refusal::new(
            Code::RecountUnconfirmed,
            format!(
                "The recount does not show the disputed seats of {product} in {}: withdraw what it does not find, or \
                 name an audit that compares that month.",
                place.month
            ),
        ))
    }

    /// What an answer changes beside closing the dispute.
    fn follow_answer(
        &mut self,
        dispute: u32,
        answer: &Answer,
        withdrawn: &Cells,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        match answer {
            Answer::ContractReview { review_on } => {
                let cells = self.ledger.outstanding();
                self.freeze = Some(Freeze { dispute, review_on: *review_on, cells, outcome: None });
            }
            Answer::CountWrong { audit, credit_note, .. } if !withdrawn.is_empty() => {
                let note = Self::note(Cause::Recount, Some(audit), context);
                self.dispose_cells(withdrawn, Bucket::Withdrawn, &note, credit_note.as_deref(), context)?;
            }
            Answer::AlreadyPaid { payment: Some((document, parts)), .. } => {
                if parts.is_empty() {
                    return Err(Refusal::new(Code::PartMissing, "Name the part that was paid."));
                }
                let cells = self.parts_of(&self.ledger.outstanding(), parts)?;
                let note = Self::note(Cause::AlreadyPaid, Some(document), context);
                self.post(&cells, Bucket::Billed, &note)?;
            }
            Answer::Price { conversation_on } => self.price_conversations.push(PriceConversation {
                why: format!("dispute {dispute}"),
                line: None,
                on: *conversation_on,
            }),
            _ => {}
        }
        Ok(())
    }

    /// Closes what is still disputed when the correction itself has moved on.
    pub(super) fn close_disputes(&mut self, by: &str, context: &Context<'_>) {
        for dispute in self.disputes.iter_mut().filter(|dispute| dispute.is_open()) {
            dispute.answer = Some(Answered {
                answer: Answer::Superseded { by: by.to_owned() },
                text: None,
                by: context.actor.label.clone(),
                at: context.now,
            });
        }
        if let Some(plan) = &mut self.plan {
            plan.drop_empty();
        }
    }

    pub(super) fn end_review(&mut self, outcome: &str, context: &Context<'_>) -> Result<Reach, Refusal> {
        let planned = self.release_plan(context);
        let Some(freeze) = self.freeze.as_mut().filter(|freeze| freeze.outcome.is_none()) else {
            return Err(Refusal::new(Code::NotFrozen, "Nothing is frozen for a contract review."));
        };
        if !says(outcome) {
            return Err(Refusal::new(Code::ReasonMissing, "Say what came of the review."));
        }
        freeze.outcome = Some(outcome.trim().to_owned());
        if planned {
            self.replan(context)?;
        }
        Ok(Reach::Part)
    }

    /// What an admin decides after a refusal. Not the one who bills: whoever told the client, opened the
    /// correction or owns it.
    pub(super) fn decide(
        &mut self,
        reason: &str,
        write_off: bool,
        evidence_shown: bool,
        context: &Context<'_>,
    ) -> Result<Reach, Refusal> {
        let me = &context.actor.label;
        let told = self.announcement.as_ref().is_some_and(|announcement| announcement.by == *me);
        let bills = told || self.opened_by == *me || self.owner.as_deref() == Some(me);
        // In an organization of one nobody else can decide.
        let alone = context.facts.members <= 1 && context.facts.second_factor;
        let refusal = self.open_disputes().find(|dispute| dispute.reason == DisputeReason::Refusal);
        let mut missing = Missing::default();
        missing
            .unless(refusal.is_some(), Code::DisputeUnknown, "No refusal is open that could be decided on.")
            .unless(context.actor.person && context.actor.admin, Code::AdminRequired, "An admin must decide.")
            .unless(
                !bills || alone,
                Code::DecidedByBiller,
                "Someone must decide who does not bill: not whoever opened the correction, owns it or told the client.",
            )
            .unless(evidence_shown, Code::EvidenceNotShown, "Show the client the evidence first.")
            .unless(
                self.offer.is_some() || self.plan.is_some() || !self.is_under(),
                Code::PlanOfferMissing,
                "Offer payment in parts first.",
            )
            .unless(says(reason), Code::ReasonMissing, "Say why it is decided so.")
            .unless(
                !write_off || self.is_under(),
                Code::OverBillingWaived,
                "Over-billing is given back; it cannot be written off.",
            );
        let parts = refusal.map(|dispute| dispute.cells.clone()).unwrap_or_default();
        missing.check()?;
        if write_off {
            let planned = self.release_plan(context);
            let outstanding = self.ledger.outstanding();
            let cells = parts.into_iter().filter_map(|(place, quantity)| {
                Some((place, quantity.least(outstanding.get(&place).copied()?)))
            });
            let cells = cells.collect();
            let note = Note {
                reason: Some(reason.trim().to_owned()),
                ..Self::note(Cause::RelationshipDecision, None, context)
            };
            self.post(&cells, Bucket::WrittenOff, &note)?;
            if planned {
                self.replan(context)?;
            }
        }
        self.decision =
            Some(Decision { reason: reason.trim().to_owned(), write_off, by: me.clone(), at: context.now });
        Ok(Reach::Part)
    }
}
