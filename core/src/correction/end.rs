//! Ending a correction, changing it after a later audit, and beginning again.

use super::apply::Reach;
use super::case::{Correction, GoingForward, ResolutionBasis, broken};
use super::command::{Because, Recount, says};
use super::dispute::DisputeReason;
use super::ledger::{Balance, Bucket, Cause, Entry};
use super::open::Elsewhere;
use super::policy::Context;
use super::quantity::{Cells, Place, Quantity};
use super::refusal::{Code, Missing, Refusal};
use super::verification::left_of_invoice;
use super::waiver::ConfirmationKind;
use std::collections::{BTreeMap, BTreeSet};

impl Correction {
    pub(super) fn resolve(
        &mut self,
        basis: ResolutionBasis,
        going_forward: Option<&GoingForward>,
        context: &Context<'_>,
    ) -> Result<Reach, Refusal> {
        if let Some(forward) = going_forward {
            self.going_forward = Some(forward.clone());
        }
        let mut missing = Missing::default();
        missing
            .unless(
                self.is_settled(),
                Code::MoneyOutstanding,
                "Dispose of every line's money first: bill it, plan it, credit it, waive it.",
            )
            .with(self.may_end(basis, context))
            .with(self.goes_forward(self.going_forward.as_ref(), true));
        missing.check()?;
        self.agree_forward(context);
        self.close_disputes("resolved", context);
        self.resolution = Some((basis, context.today));
        Ok(Reach::Whole)
    }

    /// Whether the ground on which it is to end holds.
    fn may_end(&self, basis: ResolutionBasis, context: &Context<'_>) -> Result<(), Refusal> {
        let mut missing = Missing::default();
        let told = self.announcement.as_ref();
        match basis {
            ResolutionBasis::Accepted => {
                missing.unless(
                    self.acceptance.is_some(),
                    Code::AcceptanceMissing,
                    "Record that the client accepted.",
                );
            }
            ResolutionBasis::NoObjection => {
                let since = told.map(|told| told.at);
                let objected = self.disputes.iter().any(|dispute| Some(dispute.recorded_at) >= since);
                missing
                    .unless(
                        self.delivered_on.is_some(),
                        Code::NotDelivered,
                        "Record that the message arrived.",
                    )
                    .unless(
                        told.is_some_and(|told| told.reply_by < context.today),
                        Code::ReplyByNotPassed,
                        "The client may still reply.",
                    )
                    .unless(
                        self.reminders
                            .iter()
                            .any(|on| self.delivered_on.is_some_and(|arrived| arrived <= *on)),
                        Code::ReminderMissing,
                        "Remind the client once, after the message arrived.",
                    )
                    .unless(
                        !objected,
                        Code::Objection,
                        "The client has objected: silence is no consent any more.",
                    );
            }
            ResolutionBasis::NotNeeded => {
                missing.with(self.all_credited());
            }
            ResolutionBasis::RelationshipDecision => {
                missing.unless(
                    self.decision.is_some(),
                    Code::DecisionMissing,
                    "Have an admin decide what the refusal means.",
                );
            }
        }
        if !self.is_under() && basis != ResolutionBasis::NotNeeded {
            missing.with(self.all_credited());
        }
        // A decision speaks of the refusal only.
        let answered = match basis {
            ResolutionBasis::NotNeeded => true,
            ResolutionBasis::RelationshipDecision => {
                self.open_disputes().all(|dispute| dispute.reason == DisputeReason::Refusal)
            }
            ResolutionBasis::Accepted | ResolutionBasis::NoObjection => self.open_disputes().next().is_none(),
        };
        missing.unless(answered, Code::DisputeOpen, "Answer what the client disputes first.");
        missing.check()
    }

    /// Whether everything that the client had paid too much was given back.
    fn all_credited(&self) -> Result<(), Refusal> {
        let balance = self.ledger.balance();
        if !self.is_under() && balance.credited == balance.found - balance.withdrawn - balance.time_barred {
            return Ok(());
        }
        Err(Refusal::new(
            Code::NotFullyCredited,
            "Only where everything was given back is no acceptance needed, and over-billing ends in no other way.",
        ))
    }

    /// Takes over the figures of a later audit: what is more is found, what is less is withdrawn.
    pub(super) fn amend(&mut self, recount: &Recount, context: &Context<'_>) -> Result<Reach, Refusal> {
        if self.lines.iter().all(|line| line.audit == recount.audit) || !says(&recount.audit) {
            return Err(Refusal::new(
                Code::SameAudit,
                "The correction rests on this audit already: run a new one.",
            ));
        }
        self.release_plan(context);
        let (more, less) = self.differences(recount);
        if more.is_empty() && less.is_empty() {
            return Err(Refusal::new(
                Code::NoDifference,
                "That audit has the same figures: there is nothing to amend.",
            ));
        }
        self.two_stand_for(&less, context)?;
        let balances = self.ledger.balances();
        let possible = less.iter().all(|(place, quantity)| {
            let added = more.get(place).copied().unwrap_or_default();
            let balance = balances.get(place).copied().unwrap_or_default();
            quantity.fits(balance.outstanding + balance.time_barred + added)
        });
        if !possible {
            return Err(Refusal::new(
                Code::AlreadyDisposed,
                "Some of what the audit no longer finds is billed or given up already: credit it first.",
            ));
        }
        self.post(&more, Bucket::Found, &Self::note(Cause::Amended, Some(&recount.audit), context))?;
        let barred: Cells = more
            .iter()
            .filter(|(place, _)| self.is_barred(**place, recount))
            .map(|(place, quantity)| (*place, *quantity))
            .collect();
        let limit = Self::note(Cause::BackBillingLimit, Some(&recount.audit), context);
        self.post(&barred, Bucket::TimeBarred, &limit)?;
        let note = Self::note(Cause::Recount, Some(&recount.audit), context);
        // What was too old to be charged and is not found any more was not there either.
        let too_old = self.ledger.in_bucket(Bucket::TimeBarred);
        let too_old: Cells = less
            .iter()
            .filter_map(|(place, quantity)| Some((*place, quantity.least(*too_old.get(place)?))))
            .collect();
        let by_limit = |entry: &Entry| entry.bucket == Bucket::TimeBarred;
        self.ledger.take_back_part(&too_old, by_limit, &note).map_err(broken)?;
        self.post(&less, Bucket::Withdrawn, &note)?;
        self.take_over(recount);
        self.close_disputes(&format!("amended by audit {}", recount.audit), context);
        let kept = self.kept_instalments();
        if let Some(plan) = &mut self.plan {
            plan.instalments = kept;
        }
        // What was offered, approved and decided was so of other figures.
        self.approvals.clear();
        (self.decision, self.offer) = (None, None);
        Ok(Reach::Whole)
    }

    /// Whether a month is beyond the back-billing limit by now.
    fn is_barred(&self, place: Place, recount: &Recount) -> bool {
        let gap = self.line(place.line).map(|line| line.gap.as_str());
        let finding = recount.findings.iter().find(|finding| Some(finding.gap.as_str()) == gap);
        finding.and_then(|finding| finding.months.get(&place.month)).is_some_and(|month| month.time_barred)
    }

    /// What a recount finds more and less than the correction. What is less of a gap with several lines is so at the
    /// lines that have it; what is more stands at the first line, unless another one has that month.
    pub(super) fn differences(&self, recount: &Recount) -> (Cells, Cells) {
        let balances = self.ledger.balances();
        let (mut more, mut less) = (Cells::new(), Cells::new());
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for line in self.lines.iter().filter(|line| seen.insert(&line.gap)) {
            let finding = recount.findings.iter().find(|finding| finding.gap == line.gap);
            let months = recount.compared.get(&line.number).into_iter().flatten();
            for month in months {
                let now = finding.and_then(|finding| finding.months.get(month));
                let now = now.map_or(Quantity::ZERO, |found| found.quantity);
                let same_gap = self.lines.iter().filter(|other| other.gap == line.gap);
                let before: Quantity = same_gap
                    .filter_map(|other| balances.get(&Place { month: *month, line: other.number }))
                    .map(|balance| balance.found - balance.withdrawn)
                    .sum();
                let places =
                    self.lines.iter().filter(|other| other.gap == line.gap).map(|other| other.number);
                let places: Vec<Place> = places.map(|line| Place { month: *month, line }).collect();
                let has = places.iter().find(|place| balances.contains_key(*place));
                let first = has.copied().unwrap_or(Place { month: *month, line: line.number });
                let found = now.without(before);
                if !found.is_zero() {
                    more.insert(first, found);
                }
                less.extend(spread(before.without(now), &places, first, &balances));
            }
        }
        (more, less)
    }

    /// Lines say from now on what the recount says of them.
    fn take_over(&mut self, recount: &Recount) {
        for line in &mut self.lines {
            line.audit.clone_from(&recount.audit);
            let Some(finding) = recount.findings.iter().find(|finding| finding.gap == line.gap) else {
                continue;
            };
            // Seats of what was found: what is withdrawn of it was found all the same.
            for (month, found) in &finding.months {
                let seats = line.seats.entry(*month).or_default();
                *seats = found.seats.max(*seats);
            }
            (line.billed, line.agreed) = (finding.billed, finding.billable);
            line.billable = Some(finding.billable);
            (line.forward, line.price) = (finding.forward, finding.price.or(line.price));
            line.assumed = finding.assumed;
        }
    }

    pub(super) fn reopen(&mut self, because: &Because, context: &Context<'_>) -> Result<Reach, Refusal> {
        match because {
            Because::VerificationFailed { elsewhere } => self.reopen_shortfall(elsewhere, context)?,
            Because::PlanBrokenTwice => {
                self.break_plan(context)?;
            }
            Because::NewEvidence { evidence, findings, elsewhere } => {
                if !says(evidence) {
                    return Err(Refusal::new(Code::EvidenceMissing, "Name what came to light."));
                }
                if !findings.is_empty() {
                    self.take_in_later(findings, elsewhere, context)?;
                }
            }
            Because::ConfirmationWithdrawn { confirmation, waiver } => {
                self.return_waiver(*confirmation, *waiver, context)?;
            }
        }
        // What was offered, approved and decided was so of other figures.
        self.approvals.clear();
        (self.resolution, self.decision, self.offer) = (None, None, None);
        Ok(Reach::Whole)
    }

    /// One line for each gap that the next invoice still missed. What another open correction holds waits.
    fn reopen_shortfall(&mut self, elsewhere: &Elsewhere, context: &Context<'_>) -> Result<(), Refusal> {
        let mut refused = Refusal::new(
            Code::VerificationNotFailed,
            "No invoice was found to fall short that nobody acted on.",
        );
        let mut reopened = false;
        for (at, number, finding) in self.short() {
            match left_of_invoice(&finding, elsewhere) {
                None => {
                    refused = Refusal::new(
                        Code::InAnotherCorrection,
                        format!(
                            "The month that {} falls short in is in another open correction.",
                            finding.product
                        ),
                    );
                    continue;
                }
                Some(left) if left.is_empty() => {
                    refused = Refusal::new(
                        Code::AlreadySettled,
                        format!("What {} falls short by is settled by another correction.", finding.product),
                    );
                }
                Some(left) => {
                    let line = self.add_line(&finding, &left, Cause::Reopened, context)?;
                    self.stand_for(number, line);
                    if let Some(shown) = self.verifications.get(at).cloned() {
                        self.rests_on(line, &finding, &shown);
                    }
                    reopened = true;
                }
            }
            self.acted(at);
        }
        if reopened { Ok(()) } else { Err(refused) }
    }

    /// Waived money comes back only when the client takes its confirmation back in writing.
    fn return_waiver(
        &mut self,
        confirmation: u32,
        number: u32,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        let waiver = self.waivers.iter_mut().find(|waiver| waiver.number == number && !waiver.returned);
        // A writing bears one return, and was not written before the day of the waiver.
        let since = waiver.as_ref().map(|waiver| waiver.at.date_naive());
        let withdrawn = self.confirmations.iter_mut().find(|one| {
            one.number == confirmation
                && one.kind == ConfirmationKind::Withdrawal
                && one.authenticated
                && one.used_for.is_none()
                && Some(one.said.at.date_naive()) >= since
        });
        let (Some(waiver), Some(withdrawn)) = (waiver, withdrawn) else {
            return Err(Refusal::new(
                Code::ConfirmationNotWithdrawn,
                "Attach the client's writing that takes its confirmation back, and name it and the waiver.",
            ));
        };
        waiver.returned = true;
        withdrawn.used_for = Some(number);
        let bore = waiver.confirmation;
        let sha256 = self.confirmations.iter().find(|one| one.number == bore).map(|one| one.sha256.clone());
        self.ledger.take_back(
            |entry| entry.bucket == Bucket::Waived && entry.note.document == sha256,
            &Self::note(Cause::ConfirmationWithdrawn, sha256.as_deref(), context),
        );
        Ok(())
    }
}

/// What a gap lacks in a month, over the lines that have the month: of the last one first, and of what nothing was done
/// about before what is billed or given up. What none of them has stands at `first`, and is refused there.
fn spread(lacks: Quantity, places: &[Place], first: Place, balances: &BTreeMap<Place, Balance>) -> Cells {
    let (mut left, mut taken) = (lacks, Cells::new());
    let free = |balance: &Balance| balance.outstanding + balance.time_barred;
    let all = |balance: &Balance| balance.found - balance.withdrawn;
    for of in [free as fn(&Balance) -> Quantity, all] {
        for place in places.iter().rev() {
            let own = taken.entry(*place).or_insert(Quantity::ZERO);
            let room = balances.get(place).map_or(Quantity::ZERO, of).without(*own);
            let part = left.least(room);
            *own += part;
            left -= part;
        }
    }
    *taken.entry(first).or_default() += left;
    taken.retain(|_, quantity| !quantity.is_zero());
    taken
}
