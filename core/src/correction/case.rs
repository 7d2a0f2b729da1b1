//! A correction as a whole: what it is about, how far the conversation with the client is, and its ledger.

use super::dispute::{Dispute, Freeze, PriceConversation};
use super::finding::Line;
use super::ledger::{Bucket, Ledger, LedgerError, Note};
use super::offer::Offer;
use super::plan::Plan;
use super::policy::{Channel, Context, Said};
use super::quantity::{Cells, Extent, Part, Place, take_amount, take_seat_days, too_large};
use super::refusal::{Code, Refusal};
use super::share::narrow;
use super::shock::{Announced, Shock};
use super::state::{State, named};
use super::verification::Verification;
use super::waiver::{Confirmation, Waiver, WaiverRequest};
use crate::audit::Direction;
use crate::money::Currency;
use crate::period::Month;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a correction is about: these never mix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The client.
    pub client: String,
    /// Its billing entity.
    pub billing_entity: Option<String>,
    /// The currency.
    pub currency: Currency,
    /// Which way.
    pub direction: Direction,
}

/// What is billed from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoingForward {
    /// Date of the next invoice.
    pub invoice_on: NaiveDate,
    /// Seats of each line on it.
    pub quantities: BTreeMap<u32, i64>,
    /// Whether billing was changed already; else it is scheduled.
    pub corrected: bool,
}

/// A letter that is kept as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptLetter {
    /// Its id.
    pub id: String,
    /// Digest of what it says.
    pub sha256: String,
}

/// What the client was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Why it happened.
    pub context: String,
    /// The figures.
    pub data: String,
    /// What happens next.
    pub going_forward: String,
    /// The person who was told, where it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How, where it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Where the letter is kept, if it is.
    pub reference: Option<String>,
    /// The letter that says so; none: it was told in another way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter: Option<KeptLetter>,
    /// Digest of the facts that were frozen with it.
    pub frozen: String,
    /// What it said it would cost.
    pub announced: Announced,
    /// The shock that was weighed.
    pub shock: Shock,
    /// Until when the client may reply.
    pub reply_by: NaiveDate,
    /// Who sent it, having confirmed the gaps.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// The day of it.
    pub on: NaiveDate,
}

named! {
    /// What an admin approves.
    ApprovalOf {
        /// The growth of an invoice.
        Shock = "shock",
        /// The size of instalments.
        Instalments = "instalments",
        /// Giving up what is owed to the client, since it is not owed after all.
        Withdrawal = "withdrawal",
    }

    /// Why a correction may end.
    ResolutionBasis {
        /// The client accepted.
        Accepted = "accepted",
        /// The client was told and reminded and said nothing.
        NoObjection = "no_objection",
        /// Everything was credited.
        NotNeeded = "not_needed",
        /// The client refused; it was decided what to do.
        RelationshipDecision = "relationship_decision",
    }
}

/// An admin's approval: of no more than this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Of what.
    pub of: ApprovalOf,
    /// Up to this sum on one invoice, minor units.
    pub up_to: i64,
    /// The invoice; none: no date was named yet, and nothing else was announced.
    #[serde(default)]
    pub invoice_on: Option<NaiveDate>,
    /// What the client's invoice usually comes to, as it was weighed.
    #[serde(default)]
    pub usual: Option<i64>,
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl Approval {
    /// Whether it was given of this: of no less money, on the same invoice, and of no less growth. Growth that
    /// nobody could tell was approved whatever it is; growth that was told covers none that nobody can tell.
    fn covers(&self, sum: i64, usual: Option<i64>, invoice_on: Option<NaiveDate>) -> bool {
        let same_invoice = self.invoice_on.is_none() || self.invoice_on == invoice_on;
        let no_more_growth = match (self.usual, usual) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(then), Some(now)) => {
                i128::from(sum) * i128::from(then) <= i128::from(self.up_to) * i128::from(now)
            }
        };
        sum <= self.up_to && same_invoice && no_more_growth
    }
}

/// What was decided after a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Why.
    pub reason: String,
    /// Whether what was refused is given up.
    pub write_off: bool,
    /// Who decided.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// A correction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// What it is about.
    pub subject: Subject,
    /// Where it stands.
    pub state: State,
    /// Its gaps.
    pub lines: Vec<Line>,
    /// What became of what was found. Stored apart, entry by entry.
    #[serde(skip)]
    pub ledger: Ledger,
    /// Who opened it.
    pub opened_by: String,
    /// Who works on it.
    pub owner: Option<String>,
    /// What the client was told last.
    pub announcement: Option<Announcement>,
    /// Approvals by admins.
    pub approvals: Vec<Approval>,
    /// Objections.
    pub disputes: Vec<Dispute>,
    /// What rests for a contract review. Once there is one there is no second.
    pub freeze: Option<Freeze>,
    /// Waivers asked for.
    pub waiver_requests: Vec<WaiverRequest>,
    /// Waivers.
    pub waivers: Vec<Waiver>,
    /// What the client wrote.
    pub confirmations: Vec<Confirmation>,
    /// Payment in parts, offered.
    pub offer: Option<Offer>,
    /// Payment in parts, accepted.
    pub plan: Option<Plan>,
    /// Plans before it, with their breaks: whether to trust the next promise depends on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_plans: Vec<Plan>,
    /// Who accepted for the client.
    pub acceptance: Option<Said>,
    /// When the message arrived.
    pub delivered_on: Option<NaiveDate>,
    /// Reminders of the message.
    pub reminders: Vec<NaiveDate>,
    /// What was decided after a refusal.
    pub decision: Option<Decision>,
    /// What is billed from now on.
    pub going_forward: Option<GoingForward>,
    /// Talks about prices that it gave rise to.
    pub price_conversations: Vec<PriceConversation>,
    /// What imports proved or disproved.
    pub verifications: Vec<Verification>,
    /// Why and when it ended last.
    pub resolution: Option<(ResolutionBasis, NaiveDate)>,
}

impl Correction {
    /// A line by its number.
    pub fn line(&self, number: u32) -> Option<&Line> {
        self.lines.iter().find(|line| line.number == number)
    }

    /// Whether it charges the client.
    pub fn is_under(&self) -> bool {
        self.subject.direction == Direction::Under
    }

    /// Disputes that wait for an answer.
    pub fn open_disputes(&self) -> impl Iterator<Item = &Dispute> {
        self.disputes.iter().filter(|dispute| dispute.is_open())
    }

    /// What rests: disputed parts that wait for an answer, and what a contract review freezes.
    pub fn held(&self) -> Cells {
        let frozen = self.freeze.iter().filter(|freeze| freeze.outcome.is_none()).map(|freeze| &freeze.cells);
        let mut held = Cells::new();
        for (place, quantity) in self.open_disputes().map(|dispute| &dispute.cells).chain(frozen).flatten() {
            *held.entry(*place).or_default() += *quantity;
        }
        held
    }

    /// What is outstanding and does not rest: what can be billed, planned or credited now.
    pub fn available(&self) -> Cells {
        let held = self.held();
        let left = self.ledger.outstanding().into_iter().map(|(place, quantity)| {
            let held = held.get(&place).copied().unwrap_or_default();
            (place, quantity.without(held))
        });
        left.filter(|(_, quantity)| !quantity.is_zero()).collect()
    }

    /// What the correction claims: found, neither time-barred nor withdrawn.
    pub fn claimed(&self) -> Cells {
        let claim = self.ledger.balances().into_iter();
        let claim = claim.map(|(place, one)| (place, one.found - one.time_barred - one.withdrawn));
        claim.filter(|(_, quantity)| !quantity.is_zero()).collect()
    }

    /// The parts of these cells; no parts: all of them.
    pub(super) fn parts_of(&self, from: &Cells, parts: &[Part]) -> Result<Cells, Refusal> {
        if parts.is_empty() {
            return Ok(from.clone());
        }
        let mut left = from.clone();
        let mut taken = Cells::new();
        for part in parts {
            for (place, quantity) in self.part_of(&left, part)? {
                if let Some(held) = left.get_mut(&place) {
                    *held -= quantity;
                }
                *taken.entry(place).or_default() += quantity;
            }
        }
        taken.retain(|_, quantity| !quantity.is_zero());
        if taken.is_empty() {
            return Err(Refusal::new(
                Code::PartMissing,
                "The part comes to nothing. Name seats, months or an amount.",
            ));
        }
        Ok(taken)
    }

    fn part_of(&self, from: &Cells, part: &Part) -> Result<Cells, Refusal> {
        let line = self.line(part.line).ok_or_else(|| {
            Refusal::new(Code::PartUnknown, format!("The correction has no line {}.", part.line))
        })?;
        let own: Cells = from
            .iter()
            .filter(|(place, _)| place.line == part.line)
            .map(|(place, held)| (*place, *held))
            .collect();
        let place = |month: &Month| Place { month: *month, line: part.line };
        let known = |month: &Month| {
            if line.seats.contains_key(month) {
                return Ok(());
            }
            Err(Refusal::new(Code::PartUnknown, format!("Line {} has no month {month}.", part.line)))
        };
        match &part.extent {
            Extent::All => Ok(own),
            Extent::Amount(minor) => take_amount(&own, *minor),
            Extent::SeatDays(days) => {
                days.keys().try_for_each(known)?;
                take_seat_days(&own, &days.iter().map(|(month, days)| (place(month), *days)).collect())
            }
            Extent::Seats { seats, months } => {
                months.iter().flatten().try_for_each(known)?;
                let wanted = |month: &Month| months.as_ref().is_none_or(|months| months.contains(month));
                let mut days = BTreeMap::new();
                for (month, of) in line.seats.iter().filter(|(month, _)| wanted(month)) {
                    let held = own.get(&place(month)).copied().unwrap_or_default();
                    if held.is_zero() {
                        continue;
                    }
                    days.insert(place(month), self.days_of_seats(*month, part.line, *of, i64::from(*seats))?);
                }
                take_seat_days(&own, &days)
            }
        }
    }

    /// Seat-days of so many seats of a month: their share of what was found, since seats may have come in
    /// the middle of it.
    fn days_of_seats(&self, month: Month, line: u32, of: i64, seats: i64) -> Result<i64, Refusal> {
        let balance = self.ledger.balances().get(&Place { month, line }).copied().unwrap_or_default();
        let found = balance.found.seat_days;
        if of > 0 {
            if seats > of {
                return Err(too_large(line));
            }
            let exact = i128::from(found) * i128::from(seats) * 2 + i128::from(of);
            return Ok(narrow(exact / (2 * i128::from(of))));
        }
        Ok((seats * i64::from(month.days())).min(found))
    }

    pub(super) fn post(&mut self, cells: &Cells, bucket: Bucket, note: &Note) -> Result<(), Refusal> {
        self.ledger.post(cells, bucket, note).map_err(broken)
    }

    /// What it announces for the next invoice. Credits are no shock.
    pub fn announces(&self) -> Announced {
        if !self.is_under() {
            return Announced::default();
        }
        let quantities = self.going_forward.as_ref().map(|forward| &forward.quantities);
        let forward = self.lines.iter().map(|line| {
            let agreed = quantities.and_then(|of| of.get(&line.number)).copied().unwrap_or(line.agreed);
            if agreed > line.billed { line.forward_at(agreed, self.subject.currency) } else { 0 }
        });
        // A line that was reopened speaks of the same seats as the one before it: the last one counts.
        let mut by_gap: BTreeMap<&str, i64> = BTreeMap::new();
        for (line, forward) in self.lines.iter().zip(forward) {
            by_gap.insert(&line.gap, forward);
        }
        Announced { retro: self.ledger.balance().outstanding.minor, forward: by_gap.values().sum() }
    }

    /// The shock of the next invoice.
    pub fn shock(&self, context: &Context<'_>) -> Shock {
        let announced = self.announces();
        if !self.is_under() {
            return Shock::of(announced, &context.facts.invoices, context.policy.bands);
        }
        let together = announced.and(context.facts.announced_elsewhere);
        Shock::of(together, &context.facts.invoices, context.policy.bands)
    }

    /// Whether an admin approved that this invoice grows so.
    pub fn approved_shock(&self, shock: &Shock, invoice_on: Option<NaiveDate>) -> bool {
        self.approved(ApprovalOf::Shock, shock.announced.increase(), shock.usual, invoice_on)
    }

    /// Whether an admin approved an instalment with the increase of each invoice.
    pub fn approved_instalments(&self, sum: i64, usual: Option<i64>, invoice_on: Option<NaiveDate>) -> bool {
        self.approved(ApprovalOf::Instalments, sum, usual, invoice_on)
    }

    fn approved(&self, of: ApprovalOf, sum: i64, usual: Option<i64>, invoice_on: Option<NaiveDate>) -> bool {
        self.approvals.iter().any(|approval| approval.of == of && approval.covers(sum, usual, invoice_on))
    }

    /// Whether so little happens that the state stands for the whole: nothing outstanding.
    pub(super) fn is_settled(&self) -> bool {
        self.ledger.outstanding().is_empty()
    }
}

pub(super) fn broken(error: LedgerError) -> Refusal {
    Refusal::new(Code::PartTooLarge, format!("{error}."))
}
