//! Where money goes: invoices, credit notes, waivers, and seats that are not there after all.

use super::apply::Reach;
use super::case::{Correction, broken};
use super::command::{Ground, Recount, says};
use super::ledger::{Bucket, Cause, Entry, Note};
use super::plan::InstalmentState;
use super::policy::{Context, Said, days_after};
use super::quantity::{Cells, Part, Quantity, total};
use super::refusal::{Code, Missing, Refusal};
use super::tell::spoken;
use super::waiver::{self, Confirmation, ConfirmationKind, Waiver, WaiverRequest};
use chrono::NaiveDate;

impl Correction {
    pub(super) fn bill(
        &mut self,
        document: &str,
        on: NaiveDate,
        parts: &[Part],
        context: &Context<'_>,
    ) -> Result<Reach, Refusal> {
        let told = self.announcement.as_ref().map(|announcement| announcement.on);
        let mut missing = Missing::default();
        missing
            .unless(
                self.is_under(),
                Code::OverBillingBilled,
                "Over-billing is given back, with a credit note or refund.",
            )
            .unless(says(document), Code::DocumentMissing, "Name the invoice.")
            .unless(
                told.is_some_and(|told| days_after(told, context.policy.notice_days) <= on),
                Code::InvoiceTooEarly,
                "The invoice is dated before the notice that the client was given is over.",
            );
        missing.check()?;
        let available = self.available();
        if available.is_empty() {
            return Err(Refusal::new(
                Code::NothingOutstanding,
                "There is nothing to bill: all is disposed of, disputed or frozen.",
            ));
        }
        let cells = self.parts_of(&available, parts)?;
        self.post(&cells, Bucket::Billed, &Self::note(Cause::Invoice, Some(document.trim()), context))?;
        Ok(Reach::Part)
    }

    pub(super) fn credit(
        &mut self,
        document: &str,
        parts: &[Part],
        apology: Option<&str>,
        reason: Option<&str>,
        context: &Context<'_>,
    ) -> Result<Reach, Refusal> {
        let mut missing = Missing::default();
        missing.unless(says(document), Code::DocumentMissing, "Name the credit note or refund.");
        let note = Note {
            reason: apology.or(reason).map(str::to_owned),
            ..Self::note(Cause::CreditNote, Some(document.trim()), context)
        };
        if self.is_under() {
            missing.unless(reason.is_some_and(says), Code::ReasonMissing, "Say why it is given back.");
            missing.unless(!parts.is_empty(), Code::PartMissing, "Name what of the invoice is given back.");
            missing.check()?;
            let billed = self.invoiced();
            if billed.is_empty() {
                return Err(Refusal::new(
                    Code::NothingBilled,
                    "Nothing was billed that could be given back.",
                ));
            }
            let cells = self.parts_of(&billed, parts)?;
            self.take_back_invoiced(&cells, &note)?;
            self.post(&cells, Bucket::Credited, &note)?;
            return Ok(Reach::Part);
        }
        missing.unless(
            apology.is_some_and(says),
            Code::ApologyMissing,
            "Apologise: the money was owed back.",
        );
        let outstanding = self.ledger.outstanding();
        let cells = self.parts_of(&outstanding, parts);
        let whole = cells.as_ref().is_ok_and(|cells| *cells == outstanding);
        missing.unless(
            whole,
            Code::CreditNotWhole,
            "What was charged too much is given back whole and at once.",
        );
        missing.unless(
            !outstanding.is_empty(),
            Code::NothingOutstanding,
            "Everything was given back already.",
        );
        missing.check()?;
        self.post(&outstanding, Bucket::Credited, &note)?;
        Ok(Reach::Part)
    }

    /// Disposes of a part that may be outstanding, in instalments to come, or billed already: it goes into
    /// `bucket`. What was billed by a document takes a credit note. Instalments to come are divided anew.
    pub(super) fn dispose(
        &mut self,
        parts: &[Part],
        bucket: Bucket,
        note: &Note,
        credit_note: Option<&str>,
        context: &Context<'_>,
    ) -> Result<Quantity, Refusal> {
        let planned = self.release_plan(context);
        let mut pool = self.ledger.outstanding();
        if parts.is_empty() && pool.is_empty() {
            return Err(Refusal::new(Code::NothingOutstanding, "There is nothing outstanding."));
        }
        // What is outstanding goes first; only what it does not hold comes off invoices.
        let cells = if let Ok(cells) = self.parts_of(&pool, parts) {
            cells
        } else {
            for (place, quantity) in self.ledger.in_bucket(Bucket::Billed) {
                *pool.entry(place).or_default() += quantity;
            }
            self.parts_of(&pool, parts)?
        };
        self.dispose_cells(&cells, bucket, note, credit_note, context)?;
        if planned {
            self.replan(context)?;
        }
        Ok(total(&cells))
    }

    /// Disposes of these cells, of a plan that was taken back before.
    pub(super) fn dispose_cells(
        &mut self,
        cells: &Cells,
        bucket: Bucket,
        note: &Note,
        credit_note: Option<&str>,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        let outstanding = self.ledger.outstanding();
        let billed = cells.iter().map(|(place, wanted)| {
            (*place, wanted.without(outstanding.get(place).copied().unwrap_or_default()))
        });
        let billed: Cells = billed.filter(|(_, quantity)| !quantity.is_zero()).collect();
        if !billed.is_empty() {
            let document =
                credit_note.map(str::trim).filter(|document| !document.is_empty()).ok_or_else(|| {
                    Refusal::new(
                        Code::DocumentMissing,
                        "A part of this is on an invoice already: name the credit note.",
                    )
                })?;
            let contra = Self::note(Cause::CreditNote, Some(document), context);
            let by_us = |entry: &Entry| entry.bucket == Bucket::Billed;
            self.ledger.take_back_part(&billed, by_us, &contra).map_err(broken)?;
        }
        self.post(cells, bucket, note)
    }

    /// What stands on invoices.
    fn invoiced(&self) -> Cells {
        let mut cells = Cells::new();
        for (entry, left) in self.ledger.left(|entry| self.is_invoiced(entry)) {
            *cells.entry(entry.place).or_default() += left;
        }
        cells
    }

    /// Whether an entry is on an invoice, not only planned.
    fn is_invoiced(&self, entry: &Entry) -> bool {
        let planned = entry.note.instalment.and_then(|number| self.plan.as_ref()?.instalment(number));
        entry.bucket == Bucket::Billed
            && planned.is_none_or(|instalment| instalment.state != InstalmentState::Scheduled)
    }

    fn take_back_invoiced(&mut self, cells: &Cells, note: &Note) -> Result<(), Refusal> {
        let invoiced: Vec<u32> = self
            .ledger
            .left(|entry| self.is_invoiced(entry))
            .into_iter()
            .map(|(entry, _)| entry.seq)
            .collect();
        let taken = self.ledger.take_back_part(cells, |entry| invoiced.contains(&entry.seq), note);
        taken.map_err(|error| Refusal::new(Code::PartTooLarge, format!("{error}.")))
    }

    /// All that is outstanding was not there after all.
    pub(super) fn withdraw(
        &mut self,
        ground: Option<&Ground>,
        context: &Context<'_>,
    ) -> Result<Reach, Refusal> {
        let outstanding = self.ledger.outstanding();
        let founded = match ground {
            Some(Ground::Audit(recount)) => {
                says(&recount.audit) && self.no_longer_found(&outstanding, recount)
            }
            Some(Ground::Rule { audit, reason, owner }) => says(audit) && says(reason) && says(owner),
            None => false,
        };
        let mut missing = Missing::default();
        missing
            .unless(
                founded,
                Code::WithdrawalUnfounded,
                "Name an audit on corrected facts that compares these months and no longer finds the seats, or a \
                 rule that explains them with its reason and owner.",
            )
            .with(self.two_stand_for(&outstanding, context));
        missing.check()?;
        let (audit, reason) = match ground {
            Some(Ground::Audit(recount)) => (recount.audit.as_str(), None),
            Some(Ground::Rule { audit, reason, owner }) => {
                (audit.as_str(), Some(format!("{reason} ({owner})")))
            }
            None => ("", None),
        };
        let note = Note { reason, ..Self::note(Cause::Recount, Some(audit), context) };
        self.post(&outstanding, Bucket::Withdrawn, &note)?;
        Ok(Reach::Whole)
    }

    /// Whether an audit compared all these months and finds none of them.
    fn no_longer_found(&self, outstanding: &Cells, recount: &Recount) -> bool {
        outstanding.keys().all(|place| {
            let compared =
                recount.compared.get(&place.line).is_some_and(|months| months.contains(&place.month));
            let gap = self.line(place.line).map(|line| line.gap.as_str());
            let found = recount.findings.iter().filter(|finding| Some(finding.gap.as_str()) == gap);
            let mut found = found.filter_map(|finding| finding.months.get(&place.month));
            compared && found.all(|month| month.quantity.seat_days == 0)
        })
    }

    pub(super) fn request_waiver(
        &mut self,
        parts: &[Part],
        reason: &str,
        context: &Context<'_>,
    ) -> Result<Reach, Refusal> {
        let mut missing = Missing::default();
        missing
            .unless(
                self.is_under(),
                Code::OverBillingWaived,
                "Over-billing is given back; it is never waived.",
            )
            .unless(says(reason), Code::ReasonMissing, "Say why the money is to be given up.")
            .unless(context.actor.person, Code::PersonRequired, "A person must ask for a waiver.");
        missing.check()?;
        let quantity = self.waivable(parts, context)?;
        self.waiver_requests.push(WaiverRequest {
            number: u32::try_from(self.waiver_requests.len()).unwrap_or(u32::MAX).saturating_add(1),
            parts: parts.to_vec(),
            quantity,
            reason: reason.trim().to_owned(),
            by: context.actor.label.clone(),
            at: context.now,
            granted: None,
        });
        Ok(Reach::Part)
    }

    /// What a waiver of these parts would come to, with a credit note for what is billed.
    fn waivable(&self, parts: &[Part], context: &Context<'_>) -> Result<Quantity, Refusal> {
        let note = Self::note(Cause::Waiver, None, context);
        self.clone().dispose(parts, Bucket::Waived, &note, Some("?"), context)
    }

    pub(super) fn attach(
        &mut self,
        kind: ConfirmationKind,
        sha256: &str,
        said: &Said,
        authenticated: bool,
        minor: Option<i64>,
        context: &Context<'_>,
    ) -> Result<Reach, Refusal> {
        spoken(said)?;
        if self.confirmations.iter().any(|one| one.kind == kind && one.sha256 == sha256) {
            return Err(Refusal::new(Code::ConfirmationUsed, "This very file is attached already."));
        }
        self.confirmations.push(Confirmation {
            number: u32::try_from(self.confirmations.len()).unwrap_or(u32::MAX).saturating_add(1),
            kind,
            sha256: sha256.to_owned(),
            said: said.clone(),
            authenticated,
            minor,
            used_for: None,
            attached_by: context.actor.label.clone(),
            attached_at: context.now,
        });
        Ok(Reach::Part)
    }

    pub(super) fn waive(
        &mut self,
        request: Option<u32>,
        asked: (&[Part], &str),
        confirmation: Option<u32>,
        credit_note: Option<&str>,
        context: &Context<'_>,
    ) -> Result<Reach, Refusal> {
        if !self.is_under() {
            return Err(Refusal::new(
                Code::OverBillingWaived,
                "Over-billing is given back; it is never waived.",
            ));
        }
        let request = request.map(|number| self.waiver_request(number)).transpose()?;
        let (parts, reason, by, at) = match &request {
            Some(request) => (request.parts.clone(), request.reason.clone(), request.by.clone(), request.at),
            None => (asked.0.to_vec(), asked.1.trim().to_owned(), context.actor.label.clone(), context.now),
        };
        let quantity = self.waivable(&parts, context)?;
        let writing =
            confirmation.and_then(|number| self.confirmations.iter().find(|one| one.number == number));
        let approved = waiver::approve(quantity.minor, self.subject.currency, &by, at, context);
        let mut missing = Missing::default();
        missing
            .unless(says(&reason), Code::ReasonMissing, "Say why the money is given up.")
            .with(waiver::confirms(writing, quantity.minor))
            .with(approved.as_ref().map(|_| ()).map_err(Clone::clone))
            .with(self.goes_forward(self.going_forward.as_ref(), true));
        missing.check()?;
        let (approved, confirmation) = (approved?, confirmation.unwrap_or_default());
        let sha256 = writing.map(|writing| writing.sha256.clone());
        let whole = quantity == self.left_with_plan(context);
        let note =
            Note { reason: Some(reason.clone()), ..Self::note(Cause::Waiver, sha256.as_deref(), context) };
        let quantity = self.dispose(&parts, Bucket::Waived, &note, credit_note, context)?;
        let number = u32::try_from(self.waivers.len()).unwrap_or(u32::MAX).saturating_add(1);
        self.waivers.push(Waiver {
            number,
            quantity,
            reason,
            requested_by: by,
            approved_by: context.actor.label.clone(),
            above_threshold: approved.above_threshold,
            alone: approved.alone,
            confirmation,
            at: context.now,
            returned: false,
        });
        if let Some(used) = self.confirmations.iter_mut().find(|one| one.number == confirmation) {
            used.used_for = Some(number);
        }
        let granted = request.map(|request| request.number);
        if let Some(request) = self.waiver_requests.iter_mut().find(|one| Some(one.number) == granted) {
            request.granted = Some(number);
        }
        self.agree_forward(context);
        if whole {
            self.close_disputes("waived", context);
        }
        Ok(if whole { Reach::Whole } else { Reach::Part })
    }

    fn waiver_request(&self, number: u32) -> Result<WaiverRequest, Refusal> {
        let request = self.waiver_requests.iter().find(|one| one.number == number && one.granted.is_none());
        request.cloned().ok_or_else(|| {
            Refusal::new(Code::WaiverRequestUnknown, format!("No waiver {number} waits for approval."))
        })
    }

    /// All that is outstanding, with the instalments to come.
    fn left_with_plan(&self, context: &Context<'_>) -> Quantity {
        let mut released = self.clone();
        released.release_plan(context);
        total(&released.ledger.outstanding())
    }
}
