//! Payment in parts: offer, acceptance, invoices, payments, promises, and giving a plan up.

use super::apply::Reach;
use super::case::Correction;
use super::command::says;
use super::ledger::{Bucket, Cause, Note};
use super::offer::Offer;
use super::plan::{Instalment, InstalmentState, Plan, Promise, Terms, schedule};
use super::policy::{Context, Said};
use super::quantity::{take_amount, total};
use super::refusal::{Code, Missing, Refusal};
use super::tell::spoken;
use chrono::NaiveDate;

fn no_plan() -> Refusal {
    Refusal::new(Code::NoPlan, "There is no plan, or it was given up.")
}

fn rests(number: u16) -> Refusal {
    Refusal::new(Code::InstalmentState, format!("Instalment {number} rests with what is disputed or frozen."))
}

impl Correction {
    pub(super) fn offer_plan(
        &mut self,
        terms: Terms,
        others: &[Terms],
        context: &Context<'_>,
    ) -> Result<Reach, Refusal> {
        let offer = Offer { terms, others: others.to_vec(), at: context.now };
        let mut missing = Missing::default();
        missing
            .unless(
                self.is_under(),
                Code::CreditNotWhole,
                "What was charged too much is given back whole and at once.",
            )
            .unless(!self.is_planned(), Code::PlanExists, "The client has accepted a plan already.")
            .unless(
                offer.ways().all(|(_, terms)| terms.first_on >= context.today),
                Code::PlanStart,
                "The first instalment is due in the past.",
            )
            .with(Offer::check(terms, others));
        missing.check()?;
        // Also what is disputed: a plan may be what settles it.
        let sum = total(&self.ledger.outstanding()).minor;
        if sum == 0 {
            return Err(Refusal::new(Code::NothingOutstanding, "There is nothing to pay in parts."));
        }
        offer.ways().try_for_each(|(_, terms)| schedule(sum, terms).map(|_| ()))?;
        self.offer = Some(offer);
        Ok(Reach::Part)
    }

    pub(super) fn accept_plan(
        &mut self,
        said: &Said,
        choice: Option<u16>,
        context: &Context<'_>,
    ) -> Result<Reach, Refusal> {
        let not_offered = || Refusal::new(Code::PlanNotOffered, "Offer a plan first.");
        let chosen = self.offer.as_ref().ok_or_else(not_offered).and_then(|offer| offer.chosen(choice));
        let mut missing = Missing::default();
        missing.with(spoken(said)).unless(
            !self.is_planned(),
            Code::PlanExists,
            "The client has accepted a plan already.",
        );
        missing.with(chosen.clone().and_then(|terms| self.weigh_now(terms, context)));
        missing.check()?;
        let terms = chosen?;
        let sum = total(&self.available()).minor;
        if sum == 0 {
            return Err(Refusal::new(Code::NothingOutstanding, "There is nothing left to pay in parts."));
        }
        // Instalments of an earlier plan that stand on invoices stay; numbers go on after them.
        let mut instalments = self.kept_instalments();
        let last = instalments.iter().map(|instalment| instalment.number).max().unwrap_or_default();
        let new = schedule(sum, terms)?.into_iter();
        instalments.extend(new.map(|one| Instalment { number: one.number.saturating_add(last), ..one }));
        self.former_plans.extend(self.plan.take());
        self.plan =
            Some(Plan { terms, instalments, accepted: said.clone(), breaks: Vec::new(), given_up: false });
        self.acceptance = Some(said.clone());
        self.bill_instalments(Cause::Instalment, context)?;
        Ok(Reach::Part)
    }

    /// Whether a plan has instalments to come.
    fn is_planned(&self) -> bool {
        self.living_plan().is_some_and(|plan| plan.scheduled() > 0)
    }

    /// Instalments that stand on invoices or are paid.
    pub(super) fn kept_instalments(&self) -> Vec<Instalment> {
        let all = self.plan.iter().flat_map(|plan| &plan.instalments);
        all.filter(|instalment| instalment.state != InstalmentState::Scheduled).cloned().collect()
    }

    fn living_plan(&self) -> Option<&Plan> {
        self.plan.as_ref().filter(|plan| !plan.given_up)
    }

    fn living_plan_mut(&mut self) -> Result<&mut Plan, Refusal> {
        self.plan.as_mut().filter(|plan| !plan.given_up).ok_or_else(no_plan)
    }

    pub(super) fn invoice_instalment(&mut self, number: u16, document: &str) -> Result<Reach, Refusal> {
        if !says(document) {
            return Err(Refusal::new(Code::DocumentMissing, "Name the invoice."));
        }
        let instalment = self.living_plan_mut()?.instalment_mut(number)?;
        if instalment.is_empty() {
            return Err(rests(number));
        }
        if instalment.state != InstalmentState::Scheduled {
            return Err(Refusal::new(
                Code::InstalmentState,
                format!("Instalment {number} is {} already.", instalment.state),
            ));
        }
        instalment.state = InstalmentState::Invoiced;
        instalment.document = Some(document.trim().to_owned());
        Ok(Reach::Part)
    }

    pub(super) fn pay_instalment(&mut self, number: u16, on: NaiveDate) -> Result<Reach, Refusal> {
        let plan = self.plan.as_mut().ok_or_else(no_plan)?;
        let given_up = plan.given_up;
        let instalment = plan.instalment_mut(number)?;
        if instalment.is_empty() {
            return Err(rests(number));
        }
        if instalment.state == InstalmentState::Paid
            || (given_up && instalment.state == InstalmentState::Scheduled)
        {
            return Err(Refusal::new(
                Code::InstalmentState,
                format!("Instalment {number} is {} already.", instalment.state),
            ));
        }
        instalment.state = InstalmentState::Paid;
        instalment.paid_on = Some(on);
        Ok(Reach::Part)
    }

    pub(super) fn promise(
        &mut self,
        number: u16,
        on: NaiveDate,
        said: &Said,
        context: &Context<'_>,
    ) -> Result<Reach, Refusal> {
        spoken(said)?;
        if on <= context.today {
            return Err(Refusal::new(Code::PromisePast, "Promise a day that is to come."));
        }
        // What is broken already stays broken: a new promise does not undo it.
        let due = self.breaks_due(context);
        let plan = self.living_plan_mut()?;
        plan.breaks.extend(due);
        let instalment = plan.instalment_mut(number)?;
        if instalment.state == InstalmentState::Paid {
            return Err(Refusal::new(Code::InstalmentState, format!("Instalment {number} is paid.")));
        }
        instalment.promise = Some(Promise { on, said: said.clone() });
        Ok(Reach::Part)
    }

    pub(super) fn record_breaks(&mut self, context: &Context<'_>) -> Result<Reach, Refusal> {
        let due = self.breaks_due(context);
        if due.is_empty() {
            return Err(Refusal::new(
                Code::NotMissed,
                "No instalment was missed and no promise broken by today.",
            ));
        }
        self.living_plan_mut()?.breaks.extend(due);
        Ok(Reach::Part)
    }

    pub(super) fn break_plan(&mut self, context: &Context<'_>) -> Result<Reach, Refusal> {
        if !self.living_plan().ok_or_else(no_plan)?.broken_twice() {
            return Err(Refusal::new(
                Code::PlanNotBrokenTwice,
                "A plan is given up after it was broken twice.",
            ));
        }
        let scheduled: Vec<u16> = self.living_plan().map_or_else(Vec::new, |plan| {
            let to_come = plan.instalments.iter().filter(|one| one.state == InstalmentState::Scheduled);
            to_come.map(|instalment| instalment.number).collect()
        });
        // What stands on invoices stays billed; what was only planned is outstanding again.
        self.ledger.take_back(
            |entry| {
                entry.bucket == Bucket::Billed
                    && entry.note.instalment.is_some_and(|number| scheduled.contains(&number))
            },
            &Self::note(Cause::PlanBroken, None, context),
        );
        self.living_plan_mut()?.given_up = true;
        self.offer = None;
        Ok(Reach::Part)
    }

    /// Takes instalments to come back to outstanding; answers whether there were any.
    pub(super) fn release_plan(&mut self, context: &Context<'_>) -> bool {
        let Some(plan) = self.plan.as_ref().filter(|plan| plan.is_running()) else {
            return false;
        };
        let scheduled: Vec<u16> = plan
            .instalments
            .iter()
            .filter(|instalment| instalment.state == InstalmentState::Scheduled)
            .map(|instalment| instalment.number)
            .collect();
        let note = Self::note(Cause::Rebalance, None, context);
        self.ledger.take_back(
            |entry| {
                let of_plan = entry.bucket == Bucket::Billed && entry.note.document.is_none();
                of_plan && entry.note.instalment.is_some_and(|number| scheduled.contains(&number))
            },
            &note,
        );
        true
    }

    /// Puts what is available back into the instalments to come.
    pub(super) fn replan(&mut self, context: &Context<'_>) -> Result<(), Refusal> {
        let sum = total(&self.available()).minor;
        let rests = sum < total(&self.ledger.outstanding()).minor;
        let Some(plan) = &mut self.plan else { return Ok(()) };
        plan.rebalance(sum, rests);
        self.bill_instalments(Cause::Rebalance, context)
    }

    /// Enters the instalments to come as billed, the oldest months first.
    pub(super) fn bill_instalments(&mut self, cause: Cause, context: &Context<'_>) -> Result<(), Refusal> {
        let instalments = self.plan.as_ref().map(|plan| plan.instalments.clone()).unwrap_or_default();
        let scheduled: Vec<_> =
            instalments.iter().filter(|one| one.state == InstalmentState::Scheduled).collect();
        for (at, instalment) in scheduled.iter().enumerate() {
            let available = self.available();
            // The last takes what is left, with all its seats.
            let last = at + 1 == scheduled.len();
            let cells = if last { available } else { take_amount(&available, instalment.minor)? };
            let note = Note { instalment: Some(instalment.number), ..Self::note(cause, None, context) };
            self.post(&cells, Bucket::Billed, &note)?;
        }
        Ok(())
    }
}
