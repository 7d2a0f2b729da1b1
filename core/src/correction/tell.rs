//! Telling the client: what a message must hold, that it arrived, reminders, acceptance, approvals.

use super::apply::Reach;
use super::case::{Announcement, Approval, ApprovalOf, Correction, GoingForward};
use super::command::{Message, says};
use super::policy::{Context, Said, days_after};
use super::quantity::{Cells, total};
use super::refusal::{Code, Missing, Refusal};
use super::shock::Band;
use chrono::NaiveDate;

/// How labels of people begin; others are those of integrations and jobs.
pub(super) const PERSON: &str = "user:";

impl Correction {
    /// Notes proof of when seats were provisioned that rest on a later snapshot.
    pub(super) fn prove_provisioning(&mut self, evidence: &[(u32, String)]) -> Result<(), Refusal> {
        for (number, proof) in evidence {
            let line = self.lines.iter_mut().find(|line| line.number == *number).ok_or_else(|| {
                Refusal::new(Code::PartUnknown, format!("The correction has no line {number}."))
            })?;
            line.provisioning_evidence = says(proof).then(|| proof.trim().to_owned());
        }
        Ok(())
    }

    pub(super) fn communicate(
        &mut self,
        message: &Message,
        going_forward: Option<&GoingForward>,
        gaps_confirmed: bool,
        reply_by: Option<NaiveDate>,
        context: &Context<'_>,
    ) -> Result<Reach, Refusal> {
        let mut missing = Missing::default();
        missing
            .unless(context.actor.person, Code::PersonRequired, "A person must tell the client.")
            .unless(
                gaps_confirmed,
                Code::GapsNotConfirmed,
                "Look at the gaps and confirm them: a person must stand for them.",
            )
            .unless(says(&message.context), Code::ContextMissing, "Say in the message why it happened.")
            .unless(
                says(&message.data),
                Code::DataMissing,
                "Show the figures in the message, month by month.",
            )
            .unless(
                message.price_change.as_deref().is_none_or(|change| !says(change)),
                Code::PriceChange,
                "Leave the price change out: it has its own conversation, on its own day.",
            )
            .unless(
                context.facts.frozen.is_some(),
                Code::EvidenceNotFrozen,
                "Freeze the evidence with the message.",
            )
            .with(self.goes_forward(going_forward, says(&message.going_forward)));
        for line in self.lines.iter().filter(|line| line.assumed && line.provisioning_evidence.is_none()) {
            missing.unless_with(false, Code::ProvisioningEvidenceMissing, || {
                format!(
                    "Months of line {} ({}) rest on a later snapshot: show when the seats were provisioned.",
                    line.number, line.product
                )
            });
        }
        if let Some(forward) = going_forward {
            missing.unless_with(
                self.owes_no_notice()
                    || days_after(context.today, context.policy.notice_days) <= forward.invoice_on,
                Code::NoticeTooShort,
                || {
                    format!(
                        "The client is told at least {} days before the invoice.",
                        context.policy.notice_days
                    )
                },
            );
            self.going_forward = Some(forward.clone());
        }
        missing.with(self.weigh_shock(context));
        let reply_by = reply_by.unwrap_or_else(|| days_after(context.today, context.policy.reply_days));
        missing.unless(
            reply_by >= context.today,
            Code::NoticeTooShort,
            "The day until which the client may reply is over: name one that is to come.",
        );
        missing.check()?;
        self.agree_forward(context);
        self.announcement = Some(Announcement {
            context: message.context.trim().to_owned(),
            data: message.data.trim().to_owned(),
            going_forward: message.going_forward.trim().to_owned(),
            to: message.to.clone(),
            channel: message.channel,
            reference: message.reference.clone(),
            letter: message.letter.clone(),
            frozen: context.facts.frozen.clone().unwrap_or_default(),
            announced: self.announces(),
            shock: self.shock(context),
            reply_by,
            by: context.actor.label.clone(),
            at: context.now,
            on: context.today,
        });
        // A new letter begins a new conversation.
        (self.acceptance, self.delivered_on) = (None, None);
        self.reminders.clear();
        Ok(Reach::Whole)
    }

    /// Lines agree to what is billed from now on, by what is billable now.
    pub(super) fn agree_forward(&mut self, context: &Context<'_>) {
        let Some(forward) = &self.going_forward else { return };
        for line in &mut self.lines {
            if let Some(agreed) = forward.quantities.get(&line.number).copied() {
                line.forward = line.forward_at(agreed, self.subject.currency);
                line.agreed = agreed;
                if let Some(billable) = context.facts.billable.get(&line.number) {
                    line.billable = Some(*billable);
                }
            }
        }
    }

    /// A credit is owed at once: nobody need be warned of it.
    fn owes_no_notice(&self) -> bool {
        !self.is_under()
    }

    /// Quantity and date of what is billed from now on, for every line.
    pub(super) fn goes_forward(&self, forward: Option<&GoingForward>, told: bool) -> Result<(), Refusal> {
        let complete = forward.is_some_and(|forward| {
            self.lines
                .iter()
                .all(|line| forward.quantities.get(&line.number).is_some_and(|seats| *seats >= 0))
        });
        if complete && told {
            return Ok(());
        }
        Err(Refusal::new(
            Code::GoingForwardMissing,
            "Say what happens next: the date of the next invoice and the seats of every line on it.",
        ))
    }

    /// What the shock's band asks for before the client is told.
    fn weigh_shock(&self, context: &Context<'_>) -> Result<(), Refusal> {
        let shock = self.shock(context);
        let mut missing = Missing::default();
        missing.unless(
            !shock.band.needs_plan() || self.offer.is_some() || self.announces().retro == 0,
            Code::PlanOfferMissing,
            "The invoice grows by more than the limit: offer payment in parts first.",
        );
        missing.unless(
            shock.band != Band::PlanAndApproval || self.approved_shock(&shock, self.invoice_on()),
            Code::ShockApprovalMissing,
            "The invoice grows by more than half, or there is none to compare with: an admin must approve this growth \
             of this invoice first.",
        );
        if self.offer.is_some() && shock.band.needs_plan() {
            missing.with(self.weigh_instalments(context));
        }
        missing.check()
    }

    /// Date of the next invoice, as announced.
    pub fn invoice_on(&self) -> Option<NaiveDate> {
        self.going_forward.as_ref().map(|forward| forward.invoice_on)
    }

    pub(super) fn approve(
        &mut self,
        of: ApprovalOf,
        invoice_on: Option<NaiveDate>,
        context: &Context<'_>,
    ) -> Result<Reach, Refusal> {
        let mut missing = Missing::default();
        missing.unless(context.actor.person, Code::PersonRequired, "A person must approve.").unless(
            context.actor.admin,
            Code::AdminRequired,
            "An admin must approve.",
        );
        missing.check()?;
        let shock = self.shock(context);
        let up_to = match of {
            ApprovalOf::Shock => shock.announced.increase(),
            ApprovalOf::Instalments => self.instalments_to_approve(context)?,
            ApprovalOf::Withdrawal => total(&self.claimed()).minor,
        };
        self.approvals.push(Approval {
            of,
            up_to,
            invoice_on: invoice_on.or_else(|| self.invoice_on()),
            usual: shock.usual,
            by: context.actor.label.clone(),
            at: context.now,
        });
        Ok(Reach::Part)
    }

    /// Whether two people stand for it that the client is not owed this after all: whoever acts, and either
    /// whoever opened the correction or an admin who approved. Integrations and jobs are not people.
    pub(super) fn two_stand_for(&self, withdrawn: &Cells, context: &Context<'_>) -> Result<(), Refusal> {
        if self.is_under() || withdrawn.is_empty() {
            return Ok(());
        }
        let me = &context.actor.label;
        let opened = self.opened_by.starts_with(PERSON) && self.opened_by != *me;
        let sum = total(withdrawn).minor;
        let approved = self.approvals.iter().any(|approval| {
            approval.of == ApprovalOf::Withdrawal && sum <= approval.up_to && approval.by != *me
        });
        let alone = context.facts.members <= 1 && context.facts.second_factor;
        let mut missing = Missing::default();
        missing
            .unless(context.actor.person, Code::PersonRequired, "A person must withdraw what is owed to the client.")
            .unless(
                opened || approved || alone,
                Code::SecondApproverRequired,
                "Two people stand for it that money is not owed to the client after all: have an admin approve the \
                 withdrawal first, and someone else withdraw.",
            );
        missing.check()
    }

    pub(super) fn deliver(&mut self, on: NaiveDate, context: &Context<'_>) -> Result<Reach, Refusal> {
        let told = self.announcement.as_ref().map(|announcement| announcement.on);
        if on > context.today || told.is_none_or(|told| on < told) {
            return Err(Refusal::new(
                Code::NotDelivered,
                "The message arrived on the day it was sent or later, and not after today: state that day.",
            ));
        }
        self.delivered_on = Some(on);
        Ok(Reach::Part)
    }

    pub(super) fn remind(
        &mut self,
        instalment: Option<u16>,
        context: &Context<'_>,
    ) -> Result<Reach, Refusal> {
        let Some(number) = instalment else {
            self.reminders.push(context.today);
            return Ok(Reach::Part);
        };
        let plan = self.plan.as_mut().ok_or_else(|| Refusal::new(Code::NoPlan, "There is no plan."))?;
        if !plan.reminders_due(context.today, context.policy.reminder_days).contains(&number) {
            return Err(Refusal::new(
                Code::InstalmentState,
                "No reminder of this instalment is due: it is paid, not due yet, promised, or was reminded of lately.",
            ));
        }
        plan.instalment_mut(number)?.reminded_on = Some(context.today);
        Ok(Reach::Part)
    }

    pub(super) fn accept(&mut self, said: &Said) -> Result<Reach, Refusal> {
        spoken(said)?;
        self.acceptance = Some(said.clone());
        Ok(Reach::Part)
    }

    pub(super) fn assign(&mut self, owner: &str) -> Result<Reach, Refusal> {
        if !says(owner) {
            return Err(Refusal::new(Code::OwnerMissing, "Name the new owner."));
        }
        self.owner = Some(owner.trim().to_owned());
        Ok(Reach::Part)
    }
}

/// Someone spoke.
pub(super) fn spoken(said: &Said) -> Result<(), Refusal> {
    if says(&said.by) {
        return Ok(());
    }
    Err(Refusal::new(Code::SpeakerMissing, "Say who spoke for the client, how and when."))
}
