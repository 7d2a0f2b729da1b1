//! What a correction tells of its client: what happened by day, promises, how objections ended, and what is
//! proved to be right. Whether to forgive depends on the amount and on this.

use super::case::Correction;
use super::dispute::{Answer, Dispute};
use super::finding::Line;
use super::ledger::{Balance, Bucket};
use super::plan::{BreakKind, Plan};
use super::quantity::Quantity;
use super::state::{State, named};
use super::verification::Outcome;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

named! {
    /// How an objection ended, told by the money that was in question.
    DisputeOutcome {
        /// It waits for an answer.
        Open = "open",
        /// It is answered, and the correction goes on.
        Waiting = "waiting",
        /// Nothing of it was given up.
        Stood = "stood",
        /// A part was given up, credited or not there after all.
        Partly = "partly",
        /// All of it was.
        Conceded = "conceded",
    }

    /// What answered an objection.
    Evidence {
        /// The provisioning log.
        ProvisioningLog = "provisioning_log",
        /// The text that owns the delay, with a plan.
        HonestDelay = "honest_delay",
        /// A review of the contract.
        ContractReview = "contract_review",
        /// A recount.
        Recount = "recount",
        /// The payment, found or shown not to match.
        Payment = "payment",
        /// A price conversation.
        PriceConversation = "price_conversation",
        /// A plan, or a decision about the relationship.
        PlanOrDecision = "plan_or_decision",
        /// None: it is open, or the correction went another way.
        None = "none",
    }

    /// What happened.
    MomentKind {
        /// The correction was opened.
        Opened = "opened",
        /// The client was told.
        Told = "told",
        /// The client objected.
        Disputed = "disputed",
        /// The objection was answered.
        Answered = "answered",
        /// The client accepted.
        Accepted = "accepted",
        /// Money was given up.
        Waived = "waived",
        /// The client promised a day of payment.
        Promised = "promised",
        /// An instalment was paid.
        Paid = "paid",
        /// An instalment was missed.
        InstalmentMissed = "instalment_missed",
        /// A promise was broken.
        PromiseBroken = "promise_broken",
        /// Everything was proved by imports.
        Proved = "proved",
        /// It ended.
        Ended = "ended",
    }
}

/// Something that happened with a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub on: NaiveDate,
    /// What.
    pub kind: MomentKind,
    /// Number of the dispute, waiver or instalment.
    pub about: Option<u32>,
    /// The money, minor units.
    pub minor: Option<i64>,
    /// Why, of objections, waivers and ends.
    pub reason: Option<String>,
    /// How it came out, of objections.
    pub outcome: Option<DisputeOutcome>,
}

/// Promises of a client, and instalments without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Promises {
    /// Paid by the promised day.
    pub kept: u32,
    /// The promised day passed without payment.
    pub broken: u32,
    /// The promised day is to come.
    pub running: u32,
    /// Instalments that were neither paid nor promised in time.
    pub missed: u32,
}

impl std::ops::AddAssign for Promises {
    fn add_assign(&mut self, other: Self) {
        self.kept += other.kept;
        self.broken += other.broken;
        self.running += other.running;
        self.missed += other.missed;
    }
}

/// A product that is proved to be right by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The product.
    pub product: String,
    /// Charged or given back, minor units.
    pub minor: i64,
    /// The document, where there is one only.
    pub document: Option<String>,
}

impl Dispute {
    /// What answered it.
    pub fn evidence(&self) -> Evidence {
        match self.answer.as_ref().map(|given| &given.answer) {
            Some(Answer::UnauthorizedSeats { .. }) => Evidence::ProvisioningLog,
            Some(Answer::LateBilling { .. }) => Evidence::HonestDelay,
            Some(Answer::ContractReview { .. }) => Evidence::ContractReview,
            Some(Answer::CountWrong { .. }) => Evidence::Recount,
            Some(Answer::AlreadyPaid { .. }) => Evidence::Payment,
            Some(Answer::Price { .. }) => Evidence::PriceConversation,
            Some(Answer::Refusal) => Evidence::PlanOrDecision,
            Some(Answer::Superseded { .. }) | None => Evidence::None,
        }
    }

    /// Days from the objection to its answer.
    pub fn days_to_answer(&self) -> Option<u32> {
        let answered = self.answer.as_ref()?.at.date_naive();
        u32::try_from((answered - self.recorded_at.date_naive()).num_days()).ok()
    }
}

impl Correction {
    /// How an objection ended. What was given up in a month of a line is taken to have been what was disputed
    /// there, as far as it goes.
    pub fn outcome(&self, dispute: &Dispute) -> DisputeOutcome {
        if dispute.is_open() {
            return DisputeOutcome::Open;
        }
        let balances = self.ledger.balances();
        let given = |balance: &Balance| {
            let credited = if self.is_under() { balance.credited } else { Quantity::ZERO };
            balance.waived + balance.written_off + balance.withdrawn + credited
        };
        let lost: Quantity = dispute
            .cells
            .iter()
            .map(|(place, disputed)| balances.get(place).map_or(Quantity::ZERO, given).least(*disputed))
            .sum();
        let (lost, disputed) = (lost.minor, dispute.quantity().minor);
        match lost {
            _ if lost > 0 && lost >= disputed => DisputeOutcome::Conceded,
            1.. => DisputeOutcome::Partly,
            _ if self.state.is_open() => DisputeOutcome::Waiting,
            _ => DisputeOutcome::Stood,
        }
    }

    /// Promises that were kept and broken, over all plans.
    pub fn promises(&self, today: NaiveDate) -> Promises {
        let mut promises = Promises::default();
        for broken in self.former_plans.iter().chain(&self.plan).flat_map(|plan| &plan.breaks) {
            match broken.kind {
                BreakKind::Missed => promises.missed += 1,
                BreakKind::PromiseBroken => promises.broken += 1,
            }
        }
        for instalment in self.plan.iter().flat_map(|plan| &plan.instalments) {
            let Some(promise) = &instalment.promise else { continue };
            match instalment.paid_on {
                Some(paid) if paid <= promise.on => promises.kept += 1,
                None if today <= promise.on => promises.running += 1,
                _ => {}
            }
        }
        promises
    }

    /// The day on which the last proof came, of a correction that has ended and of which everything is proved.
    pub fn proved_on(&self) -> Option<NaiveDate> {
        let ended = matches!(self.state, State::Resolved | State::Waived);
        let proved =
            self.forward_verified() && self.documents().keys().all(|document| self.is_verified(document));
        let proofs = self.verifications.iter().filter(|one| {
            matches!(one.outcome, Outcome::ForwardVerified { .. } | Outcome::DocumentVerified { .. })
        });
        proofs.map(|one| one.at.date_naive()).max().filter(|_| ended && proved)
    }

    /// What was charged or given back of each product, if everything is proved: when, and of which products.
    pub fn fixed(&self) -> Option<(NaiveDate, Vec<Fixed>)> {
        let on = self.proved_on()?;
        let mut products: BTreeMap<&str, (i64, BTreeSet<&str>)> = BTreeMap::new();
        for line in &self.lines {
            let (minor, documents) = products.entry(&line.product).or_default();
            let balance = self.ledger.of_line(line.number);
            *minor += if self.is_under() { balance.billed.minor } else { balance.credited.minor };
            documents.extend(self.documents_of(line));
        }
        let fixed = products.into_iter().filter(|(_, (minor, _))| *minor > 0);
        let fixed = fixed.map(|(product, (minor, documents))| Fixed {
            product: product.to_owned(),
            minor,
            document: documents.first().filter(|_| documents.len() == 1).map(|one| (*one).to_owned()),
        });
        Some((on, fixed.collect()))
    }

    fn documents_of<'a>(&'a self, line: &'a Line) -> impl Iterator<Item = &'a str> {
        let own = self.ledger.entries().iter().filter(move |entry| {
            entry.place.line == line.number
                && entry.contra_of.is_none()
                && matches!(entry.bucket, Bucket::Billed | Bucket::Credited)
        });
        own.filter_map(|entry| {
            let of_plan = entry.note.instalment.and_then(|number| self.plan.as_ref()?.instalment(number));
            entry.note.document.as_deref().or_else(|| of_plan?.document.as_deref())
        })
    }

    /// What happened, by day.
    pub fn moments(&self, opened_on: NaiveDate) -> Vec<Moment> {
        let mut moments = Vec::new();
        let mut add = |on, kind, about: Option<u32>, minor: Option<i64>, reason: Option<String>| {
            moments.push(Moment { on, kind, about, minor, reason, outcome: None });
        };
        add(opened_on, MomentKind::Opened, None, Some(self.ledger.balance().found.minor), None);
        if let Some(told) = &self.announcement {
            add(told.on, MomentKind::Told, None, Some(told.announced.retro), None);
        }
        if let Some(said) = &self.acceptance {
            add(said.at.date_naive(), MomentKind::Accepted, None, None, None);
        }
        for waiver in &self.waivers {
            let (on, minor) = (waiver.at.date_naive(), Some(waiver.quantity.minor));
            add(on, MomentKind::Waived, Some(waiver.number), minor, Some(waiver.reason.clone()));
        }
        if let Some(on) = self.proved_on() {
            let recovered = self.recovered();
            add(on, MomentKind::Proved, None, Some(recovered.billed + recovered.credited), None);
        }
        if let Some((basis, on)) = self.resolution {
            add(on, MomentKind::Ended, None, None, Some(basis.as_str().to_owned()));
        }
        for plan in self.former_plans.iter().chain(&self.plan) {
            moments.extend(of_plan(plan));
        }
        for dispute in &self.disputes {
            moments.extend(self.of_dispute(dispute));
        }
        moments.sort_by_key(|moment| (moment.on, moment.kind, moment.about));
        moments.dedup();
        moments
    }

    fn of_dispute(&self, dispute: &Dispute) -> impl Iterator<Item = Moment> {
        let moment = |on, kind| Moment {
            on,
            kind,
            about: Some(dispute.number),
            minor: Some(dispute.quantity().minor),
            reason: Some(dispute.reason.as_str().to_owned()),
            outcome: Some(self.outcome(dispute)),
        };
        let answered =
            dispute.answer.as_ref().map(|answer| moment(answer.at.date_naive(), MomentKind::Answered));
        std::iter::once(moment(dispute.recorded_at.date_naive(), MomentKind::Disputed)).chain(answered)
    }
}

fn of_plan(plan: &Plan) -> Vec<Moment> {
    let moment = |on, kind, number: u16, minor| Moment {
        on,
        kind,
        about: Some(u32::from(number)),
        minor,
        reason: None,
        outcome: None,
    };
    let mut moments = Vec::new();
    for instalment in &plan.instalments {
        let minor = Some(instalment.minor);
        if let Some(promise) = &instalment.promise {
            let on = promise.said.at.date_naive();
            moments.push(moment(on, MomentKind::Promised, instalment.number, minor));
        }
        if let Some(on) = instalment.paid_on {
            moments.push(moment(on, MomentKind::Paid, instalment.number, minor));
        }
    }
    for broken in &plan.breaks {
        let kind = match broken.kind {
            BreakKind::Missed => MomentKind::InstalmentMissed,
            BreakKind::PromiseBroken => MomentKind::PromiseBroken,
        };
        let minor = plan.instalment(broken.instalment).map(|instalment| instalment.minor);
        moments.push(moment(broken.of, kind, broken.instalment, minor));
    }
    moments
}
