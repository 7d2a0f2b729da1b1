//! From gaps to a correction: which gaps go together, and what of them is left to correct.

use super::case::{Correction, Subject};
use super::finding::{Finding, Line};
use super::ledger::{Bucket, Cause, Note};
use super::policy::Context;
use super::quantity::{Cells, Place, Quantity, take_amount, total};
use super::refusal::{Code, Missing, Refusal};
use super::state::State;
use crate::period::Month;
use std::collections::{BTreeMap, BTreeSet};

/// Lines and months of a correction at most.
const MOST_LINES: usize = 200;
const MOST_MONTHS: usize = 120;

/// What other corrections hold of these gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// Settled in corrections that have ended: only what is more than this can be opened again.
    pub settled: BTreeMap<(String, Month), Quantity>,
    /// Months that open corrections hold.
    pub open: BTreeSet<(String, Month)>,
    /// Gaps that open corrections work on, or that wait for their next invoice to be proved: what only goes
    /// forward is corrected by one of them.
    pub lines: BTreeSet<String>,
    /// Documents of those corrections: an adjustment by one of them settles nothing anew.
    pub documents: BTreeSet<String>,
}

/// Opens a correction of these gaps.
///
/// Months that another correction has settled count only with what is more now; months that an open one
/// holds are left out. Months beyond the back-billing limit are found and at once time-barred: shown, never
/// dropped. What one-off lines had settled is entered as billed (or credited) by them.
///
/// # Errors
/// When the gaps do not go together, or cannot be corrected.
pub fn open(
    findings: &[Finding],
    elsewhere: &Elsewhere,
    context: &Context<'_>,
) -> Result<Correction, Refusal> {
    let subject = together(findings, None)?;
    let mut correction = Correction::new(subject, context);
    correction.take_in(findings, elsewhere, Cause::Opened, context)?;
    Ok(correction)
}

/// What the gaps have in common, with each other and with a correction that takes them in.
fn together(findings: &[Finding], into: Option<&Subject>) -> Result<Subject, Refusal> {
    let Some(first) = findings.first() else {
        return Err(Refusal::new(Code::NoGaps, "Name at least one gap."));
    };
    let client = into.map_or(&first.client, |subject| &subject.client);
    let billing_entity = into.map_or(&first.billing_entity, |subject| &subject.billing_entity);
    let currency = into.map_or(first.currency, |subject| Some(subject.currency));
    let direction = into.map_or(first.direction, |subject| subject.direction);
    let all = |same: &dyn Fn(&Finding) -> bool| findings.iter().all(same);
    let mut missing = Missing::default();
    missing
        .unless(all(&|gap| gap.client == *client), Code::SeveralClients, "The gaps are of several clients: open one correction for each.")
        .unless(
            all(&|gap| gap.billing_entity == *billing_entity),
            Code::SeveralBillingEntities,
            "The gaps are of several billing entities: open one correction for each.",
        )
        .unless(
            all(&|gap| gap.currency == currency),
            Code::SeveralCurrencies,
            "The gaps are of several currencies, which are never added: open one correction for each.",
        )
        .unless(
            all(&|gap| gap.direction == direction),
            Code::SeveralDirections,
            "Some gaps are to be charged and some to be given back; the two are never netted: open two corrections.",
        )
        .unless(findings.len() <= MOST_LINES, Code::TooLarge, "A correction has at most 200 lines.");
    for gap in findings {
        missing
            .unless_with(!gap.unpriced, Code::Unpriced, || {
                format!(
                    "{} has days without a price: put it on a price list and run the audit again.",
                    gap.product
                )
            })
            .unless_with(!gap.needs_allocation, Code::NotAllocated, || {
                format!(
                    "{} is billed to several billing entities: allocate the client's seats first.",
                    gap.product
                )
            })
            .unless_with(!gap.unconfirmed, Code::MappingUnconfirmed, || {
                format!("{} was matched by a proposal that nobody confirmed: decide it first.", gap.product)
            })
            .unless(
                gap.months.len() <= MOST_MONTHS,
                Code::TooLarge,
                "A gap of more than 120 months cannot be right.",
            );
    }
    missing.check()?;
    let currency = currency.ok_or_else(|| Refusal::new(Code::Unpriced, "No price is known for the gap."))?;
    Ok(Subject { client: client.clone(), billing_entity: billing_entity.clone(), currency, direction })
}

/// What is left of a gap's months.
fn left_of(finding: &Finding, elsewhere: &Elsewhere) -> Result<BTreeMap<Month, Quantity>, Refusal> {
    let mut left = BTreeMap::new();
    let (mut held, mut settled) = (false, false);
    for (month, found) in &finding.months {
        let key = (finding.gap.clone(), *month);
        if elsewhere.open.contains(&key) {
            held = true;
            continue;
        }
        let before = elsewhere.settled.get(&key).copied().unwrap_or_default();
        settled |= !before.is_zero();
        let more = found.quantity - before;
        if more.is_whole() && more.seat_days > 0 {
            left.insert(*month, more);
        }
    }
    let goes_forward = finding.forward > 0 && !held && !settled;
    let elsewhere = elsewhere.lines.contains(&finding.gap);
    if !left.is_empty() || (goes_forward && !elsewhere) {
        return Ok(left);
    }
    let product = &finding.product;
    Err(if held {
        Refusal::new(
            Code::InAnotherCorrection,
            format!("All months of {product} are in another open correction. Work on that one, or amend it."),
        )
    } else if settled {
        Refusal::new(
            Code::AlreadySettled,
            format!(
                "All months of {product} are settled by another correction. Only a difference can be opened."
            ),
        )
    } else if goes_forward {
        Refusal::new(
            Code::InAnotherCorrection,
            format!(
                "{product} has no closed month, and another correction sees to what is billed from now on. Work on \
                 that one, or wait until its next invoice is proved."
            ),
        )
    } else {
        Refusal::new(
            Code::NothingToCorrect,
            format!("{product} has neither a closed month nor a difference now."),
        )
    })
}

impl Correction {
    pub(super) fn new(subject: Subject, context: &Context<'_>) -> Self {
        Self {
            subject,
            state: State::Found,
            lines: Vec::new(),
            ledger: super::ledger::Ledger::default(),
            opened_by: context.actor.label.clone(),
            owner: context.actor.person.then(|| context.actor.label.clone()),
            announcement: None,
            approvals: Vec::new(),
            disputes: Vec::new(),
            freeze: None,
            waiver_requests: Vec::new(),
            waivers: Vec::new(),
            confirmations: Vec::new(),
            offer: None,
            plan: None,
            former_plans: Vec::new(),
            acceptance: None,
            delivered_on: None,
            reminders: Vec::new(),
            decision: None,
            going_forward: None,
            price_conversations: Vec::new(),
            verifications: Vec::new(),
            resolution: None,
        }
    }

    pub(super) fn note(cause: Cause, document: Option<&str>, context: &Context<'_>) -> Note {
        Note {
            cause,
            reason: None,
            document: document.map(str::to_owned),
            instalment: None,
            actor: context.actor.label.clone(),
            at: context.now,
        }
    }

    /// Adds gaps that came to light since, by the same rules by which it was opened.
    pub(super) fn take_in_later(
        &mut self,
        findings: &[Finding],
        elsewhere: &Elsewhere,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        together(findings, Some(&self.subject))?;
        self.take_in(findings, elsewhere, Cause::Reopened, context)
    }

    fn take_in(
        &mut self,
        findings: &[Finding],
        elsewhere: &Elsewhere,
        cause: Cause,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        for finding in findings {
            let left = left_of(finding, elsewhere)?;
            self.add_line(finding, &left, cause, context)?;
            self.adjust(finding, elsewhere, context)?;
        }
        Ok(())
    }

    /// Adds a line with what is left of its months; barred months at once go where they belong.
    pub(super) fn add_line(
        &mut self,
        finding: &Finding,
        left: &BTreeMap<Month, Quantity>,
        cause: Cause,
        context: &Context<'_>,
    ) -> Result<u32, Refusal> {
        if self.lines.len() >= MOST_LINES {
            return Err(Refusal::new(Code::TooLarge, "A correction has at most 200 lines."));
        }
        let number = u32::try_from(self.lines.len()).unwrap_or(u32::MAX).saturating_add(1);
        self.lines.push(Line::of(number, finding));
        let at = |month: &Month| Place { month: *month, line: number };
        let found: Cells = left.iter().map(|(month, quantity)| (at(month), *quantity)).collect();
        let is_barred =
            |place: &Place| finding.months.get(&place.month).is_some_and(|month| month.time_barred);
        let barred: Cells = found
            .iter()
            .filter(|(place, _)| is_barred(place))
            .map(|(place, quantity)| (*place, *quantity))
            .collect();
        self.post(&found, Bucket::Found, &Self::note(cause, Some(&finding.audit), context))?;
        self.post(
            &barred,
            Bucket::TimeBarred,
            &Self::note(Cause::BackBillingLimit, Some(&finding.audit), context),
        )?;
        Ok(number)
    }

    /// Enters what one-off lines had settled, the oldest months first. Lines that our own documents made
    /// settle nothing anew.
    fn adjust(
        &mut self,
        finding: &Finding,
        elsewhere: &Elsewhere,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        let ours = finding.adjusted_by.iter().any(|document| elsewhere.documents.contains(document));
        if finding.adjusted <= 0 || ours {
            return Ok(());
        }
        let line = self.lines.last().map_or(0, |line| line.number);
        let mut outstanding = self.ledger.outstanding();
        outstanding.retain(|place, _| place.line == line);
        let settled = finding.adjusted.min(total(&outstanding).minor);
        let cells = take_amount(&outstanding, settled)?;
        let bucket = match self.subject.direction {
            crate::audit::Direction::Under => Bucket::Billed,
            crate::audit::Direction::Over => Bucket::Credited,
        };
        let documents = finding.adjusted_by.join(", ");
        let document = (!documents.is_empty()).then_some(documents.as_str());
        self.post(&cells, bucket, &Self::note(Cause::Adjustment, document, context))
    }
}
