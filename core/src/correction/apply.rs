//! The one place that carries commands out: table first, then the guards, then the change.

use super::case::Correction;
use super::command::Command;
use super::plan::Break;
use super::policy::Context;
use super::refusal::Refusal;

/// Whether a command concerned all that was left, which some commands need to move on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// All of it.
    Whole,
    /// A part.
    Part,
}

impl Correction {
    /// The correction after a command. Itself it stays as it is: whoever stores the outcome does so only
    /// if nobody else was faster.
    ///
    /// # Errors
    /// When the state does not allow the command, or something that it needs is missing.
    pub fn apply(&self, command: &Command, context: &Context<'_>) -> Result<Self, Refusal> {
        let action = command.action();
        if !action.from().contains(&self.state) {
            return Err(Refusal::of_state(action, self.state));
        }
        let mut after = self.clone();
        let reach = after.carry_out(command, context)?;
        after.state = action
            .next(self.state, reach == Reach::Whole)
            .ok_or_else(|| Refusal::of_state(action, self.state))?;
        Ok(after)
    }

    fn carry_out(&mut self, command: &Command, context: &Context<'_>) -> Result<Reach, Refusal> {
        match command {
            Command::Communicate {
                message,
                going_forward,
                gaps_confirmed,
                reply_by,
                provisioning_evidence,
            } => {
                self.prove_provisioning(provisioning_evidence)?;
                self.communicate(message, going_forward.as_ref(), *gaps_confirmed, *reply_by, context)
            }
            Command::Deliver { on } => self.deliver(*on, context),
            Command::Remind { instalment } => self.remind(*instalment, context),
            Command::Accept { said } => self.accept(said),
            Command::Dispute { reason, parts, note, said, reply_by } => {
                self.dispute(*reason, parts, note.as_deref(), said, *reply_by, context)
            }
            Command::Answer { dispute, answer, text, recount } => {
                self.answer(*dispute, answer, text.as_deref(), recount.as_ref(), context)
            }
            Command::EndReview { outcome } => self.end_review(outcome, context),
            Command::Decide { reason, write_off, evidence_shown } => {
                self.decide(reason, *write_off, *evidence_shown, context)
            }
            Command::Amend { recount } => self.amend(recount, context),
            Command::Resolve { basis, going_forward } => {
                self.resolve(*basis, going_forward.as_ref(), context)
            }
            Command::Withdraw { ground } => self.withdraw(ground.as_ref(), context),
            Command::RequestWaiver { parts, reason } => self.request_waiver(parts, reason, context),
            Command::AttachConfirmation { kind, sha256, said, authenticated, minor } => {
                self.attach(*kind, sha256, said, *authenticated, *minor, context)
            }
            Command::Waive { request, parts, reason, confirmation, going_forward, credit_note } => {
                self.going_forward = going_forward.clone().or_else(|| self.going_forward.take());
                self.waive(*request, (parts, reason), *confirmation, credit_note.as_deref(), context)
            }
            Command::Bill { document, on, parts } => self.bill(document, *on, parts, context),
            Command::Credit { document, parts, apology, reason } => {
                self.credit(document, parts, apology.as_deref(), reason.as_deref(), context)
            }
            Command::OfferPlan { terms, others } => self.offer_plan(*terms, others, context),
            Command::AcceptPlan { said, choice } => self.accept_plan(said, *choice, context),
            Command::InvoiceInstalment { instalment, document } => {
                self.invoice_instalment(*instalment, document)
            }
            Command::PayInstalment { instalment, on } => self.pay_instalment(*instalment, *on),
            Command::Promise { instalment, on, said } => self.promise(*instalment, *on, said, context),
            Command::RecordBreak => self.record_breaks(context),
            Command::BreakPlan => self.break_plan(context),
            Command::Approve { of, invoice_on } => self.approve(*of, *invoice_on, context),
            Command::Assign { owner } => self.assign(owner),
            Command::Verify { verifications } => self.verify(verifications),
            Command::Reopen { because } => self.reopen(because, context),
        }
    }

    /// Breaks that are to be recorded today.
    pub fn breaks_due(&self, context: &Context<'_>) -> Vec<Break> {
        self.plan
            .as_ref()
            .map_or_else(Vec::new, |plan| plan.breaks_due(context.today, context.policy.grace_days))
    }
}
