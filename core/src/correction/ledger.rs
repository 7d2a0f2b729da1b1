//! What became of every seat-day and every cent that was found. Entries are only added.
//!
//! For each month of each line, and so for every sum of them, in seat-days and in money:
//! found = billed + credited + waived + written off + time-barred + withdrawn + outstanding,
//! and none of them is below nothing. What is undone is undone by a contra entry that names the entry it
//! takes back.

use super::quantity::{Cells, Place, Quantity};
use super::state::named;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

named! {
    /// Where an entry puts seats and money.
    Bucket {
        /// Found by an audit.
        Found = "found",
        /// Charged, or to be charged by an accepted plan.
        Billed = "billed",
        /// Given back.
        Credited = "credited",
        /// Given up, confirmed by the client.
        Waived = "waived",
        /// Given up by decision, after a refusal.
        WrittenOff = "written_off",
        /// Too old to be charged.
        TimeBarred = "time_barred",
        /// Not there after all.
        Withdrawn = "withdrawn",
    }

    /// Why an entry was made.
    Cause {
        /// An audit found it when the correction was opened.
        Opened = "opened",
        /// A later audit has other figures.
        Amended = "amended",
        /// A verification found a shortfall, or new evidence was brought.
        Reopened = "reopened",
        /// Older than the back-billing limit.
        BackBillingLimit = "back_billing_limit",
        /// A proration, credit or one-off line had settled it before the correction was opened.
        Adjustment = "adjustment",
        /// Invoiced at once.
        Invoice = "invoice",
        /// An instalment of an accepted plan.
        Instalment = "instalment",
        /// The instalments were divided anew.
        Rebalance = "rebalance",
        /// The plan was broken.
        PlanBroken = "plan_broken",
        /// A credit note or refund.
        CreditNote = "credit_note",
        /// A waiver.
        Waiver = "waiver",
        /// The client took its confirmation of a waiver back.
        ConfirmationWithdrawn = "confirmation_withdrawn",
        /// A relationship decision.
        RelationshipDecision = "relationship_decision",
        /// A recount, or an audit on corrected facts.
        Recount = "recount",
        /// The client had paid it already.
        AlreadyPaid = "already_paid",
    }
}

/// Why, by which document, by whom and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Why.
    pub cause: Cause,
    /// What was said about it.
    pub reason: Option<String>,
    /// Invoice, credit note, audit or confirmation.
    pub document: Option<String>,
    /// Number of the plan's instalment.
    pub instalment: Option<u16>,
    /// Who.
    pub actor: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// One entry. Of a contra entry both figures are negative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts up from 1 within the correction.
    pub seq: u32,
    /// The month and line.
    pub place: Place,
    /// Where to.
    pub bucket: Bucket,
    /// How much.
    pub quantity: Quantity,
    /// The entry that it takes back, in part or whole.
    pub contra_of: Option<u32>,
    /// Why and by whom.
    pub note: Note,
}

/// What became of a month of a line, of a line, or of a correction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Found.
    pub found: Quantity,
    /// Charged, or to be charged by plan.
    pub billed: Quantity,
    /// Given back.
    pub credited: Quantity,
    /// Given up with the client's confirmation.
    pub waived: Quantity,
    /// Given up by decision.
    pub written_off: Quantity,
    /// Too old.
    pub time_barred: Quantity,
    /// Not there after all.
    pub withdrawn: Quantity,
    /// Nothing done about it yet.
    pub outstanding: Quantity,
}

impl Balance {
    const fn slot(&mut self, bucket: Bucket) -> &mut Quantity {
        match bucket {
            Bucket::Found => &mut self.found,
            Bucket::Billed => &mut self.billed,
            Bucket::Credited => &mut self.credited,
            Bucket::Waived => &mut self.waived,
            Bucket::WrittenOff => &mut self.written_off,
            Bucket::TimeBarred => &mut self.time_barred,
            Bucket::Withdrawn => &mut self.withdrawn,
        }
    }

    /// What is in a bucket.
    pub fn of(mut self, bucket: Bucket) -> Quantity {
        *self.slot(bucket)
    }

    fn add(&mut self, bucket: Bucket, quantity: Quantity) {
        *self.slot(bucket) += quantity;
        if bucket == Bucket::Found {
            self.outstanding += quantity;
        } else {
            self.outstanding -= quantity;
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        for bucket in Bucket::ALL {
            self.add(*bucket, other.of(*bucket));
        }
        self
    }

    /// Whether found is what became of it, and nothing is below nothing.
    pub fn holds(&self) -> bool {
        let became = [
            self.billed,
            self.credited,
            self.waived,
            self.written_off,
            self.time_barred,
            self.withdrawn,
            self.outstanding,
        ];
        self.found == became.iter().copied().sum()
            && self.found.is_whole()
            && became.iter().all(|part| part.is_whole())
    }
}

/// An entry that would break the ledger. A fault of ours: commands check first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entry takes more than there is in {month} of line {line}", month = .0.month, line = .0.line)]
pub struct LedgerError(pub Place);

/// The entries of a correction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ledger {
    entries: Vec<Entry>,
}

impl Ledger {
    /// From entries as stored, checked.
    ///
    /// # Errors
    /// When they do not add up.
    pub fn of(entries: Vec<Entry>) -> Result<Self, LedgerError> {
        let ledger = Self { entries };
        match ledger.balances().into_iter().find(|(_, balance)| !balance.holds()) {
            Some((place, _)) => Err(LedgerError(place)),
            None => Ok(ledger),
        }
    }

    /// All entries, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The balance of each month of each line.
    pub fn balances(&self) -> BTreeMap<Place, Balance> {
        let mut balances: BTreeMap<Place, Balance> = BTreeMap::new();
        for entry in &self.entries {
            balances.entry(entry.place).or_default().add(entry.bucket, entry.quantity);
        }
        balances
    }

    /// The balance of one line.
    pub fn of_line(&self, line: u32) -> Balance {
        let of = self.balances();
        of.iter()
            .filter(|(place, _)| place.line == line)
            .fold(Balance::default(), |sum, (_, one)| sum.plus(one))
    }

    /// The balance of the correction.
    pub fn balance(&self) -> Balance {
        self.balances().values().fold(Balance::default(), Balance::plus)
    }

    /// What is in a bucket, place by place.
    pub fn in_bucket(&self, bucket: Bucket) -> Cells {
        let of = |(place, balance): (Place, Balance)| (place, balance.of(bucket));
        self.balances().into_iter().map(of).filter(|(_, quantity)| !quantity.is_zero()).collect()
    }

    /// Nothing done about it yet, place by place.
    pub fn outstanding(&self) -> Cells {
        let of = |(place, balance): (Place, Balance)| (place, balance.outstanding);
        self.balances().into_iter().map(of).filter(|(_, quantity)| !quantity.is_zero()).collect()
    }

    fn push(
        &mut self,
        place: Place,
        bucket: Bucket,
        quantity: Quantity,
        contra_of: Option<u32>,
        note: &Note,
    ) {
        let seq = u32::try_from(self.entries.len()).unwrap_or(u32::MAX).saturating_add(1);
        self.entries.push(Entry { seq, place, bucket, quantity, contra_of, note: note.clone() });
    }

    /// Adds entries: found, or taken out of what is outstanding. All or none.
    ///
    /// # Errors
    /// When a place does not have so much outstanding.
    pub fn post(&mut self, cells: &Cells, bucket: Bucket, note: &Note) -> Result<(), LedgerError> {
        let balances = self.balances();
        for (place, quantity) in cells {
            let outstanding = balances.get(place).map_or(Quantity::ZERO, |balance| balance.outstanding);
            let possible = bucket == Bucket::Found || quantity.fits(outstanding);
            if !quantity.is_whole() || !possible {
                return Err(LedgerError(*place));
            }
        }
        for (place, quantity) in cells.iter().filter(|(_, quantity)| !quantity.is_zero()) {
            self.push(*place, bucket, *quantity, None, note);
        }
        Ok(())
    }

    /// What is left of each entry that `pick` picks, after the contra entries that name it.
    pub fn left(&self, pick: impl Fn(&Entry) -> bool) -> Vec<(&Entry, Quantity)> {
        let mut taken: BTreeMap<u32, Quantity> = BTreeMap::new();
        for entry in &self.entries {
            if let Some(of) = entry.contra_of {
                *taken.entry(of).or_default() += entry.quantity;
            }
        }
        let own = self.entries.iter().filter(|entry| entry.contra_of.is_none() && pick(entry));
        own.map(|entry| (entry, entry.quantity + taken.get(&entry.seq).copied().unwrap_or_default()))
            .filter(|(_, left)| !left.is_zero())
            .collect()
    }

    /// Takes whole entries back to outstanding, with what is left of them.
    pub fn take_back(&mut self, pick: impl Fn(&Entry) -> bool, note: &Note) {
        let left = self.left(pick).into_iter();
        let left: Vec<_> = left.map(|(entry, left)| (entry.place, entry.bucket, left, entry.seq)).collect();
        for (place, bucket, quantity, seq) in left {
            self.push(place, bucket, -quantity, Some(seq), note);
        }
    }

    /// Takes these cells back to outstanding, out of the entries that `pick` picks, the newest first.
    ///
    /// # Errors
    /// When those entries do not hold so much.
    pub fn take_back_part(
        &mut self,
        cells: &Cells,
        pick: impl Fn(&Entry) -> bool,
        note: &Note,
    ) -> Result<(), LedgerError> {
        let left: Vec<_> = self
            .left(pick)
            .into_iter()
            .map(|(entry, left)| (entry.place, entry.bucket, left, entry.seq))
            .collect();
        let mut contra = Vec::new();
        for (place, wanted) in cells {
            let mut wanted = *wanted;
            for (_, bucket, held, seq) in left.iter().rev().filter(|(at, ..)| at == place) {
                let taken = wanted.least(*held);
                wanted -= taken;
                contra.push((*place, *bucket, taken, *seq));
            }
            if !wanted.is_zero() {
                return Err(LedgerError(*place));
            }
        }
        for (place, bucket, quantity, seq) in
            contra.into_iter().filter(|(_, _, quantity, _)| !quantity.is_zero())
        {
            self.push(place, bucket, -quantity, Some(seq), note);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(cause: Cause) -> Note {
        let at = "2026-11-22T12:00:00Z".parse().unwrap();
        Note { cause, reason: None, document: None, instalment: None, actor: "user:1".to_owned(), at }
    }

    fn cells(quantity: Quantity) -> Cells {
        Cells::from([(Place { month: "2026-01".parse().unwrap(), line: 1 }, quantity)])
    }

    fn opened() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.post(&cells(Quantity::new(62, 4400)), Bucket::Found, &note(Cause::Opened)).unwrap();
        ledger
    }

    #[test]
    fn what_is_found_is_outstanding_until_something_is_done() {
        let mut ledger = opened();
        ledger.post(&cells(Quantity::new(31, 2200)), Bucket::Billed, &note(Cause::Invoice)).unwrap();
        let balance = ledger.balance();
        assert_eq!((balance.billed, balance.outstanding), (Quantity::new(31, 2200), Quantity::new(31, 2200)));
        assert!(balance.holds());
    }

    #[test]
    fn no_entry_takes_more_than_is_outstanding() {
        let mut ledger = opened();
        for too_much in [Quantity::new(63, 4400), Quantity::new(62, 4401), Quantity::new(-1, 0)] {
            assert!(ledger.post(&cells(too_much), Bucket::Waived, &note(Cause::Waiver)).is_err());
        }
        assert_eq!(ledger, opened(), "a refused entry leaves nothing");
    }

    #[test]
    fn a_contra_entry_brings_money_back_and_can_do_so_once() {
        let mut ledger = opened();
        ledger.post(&cells(Quantity::new(62, 4400)), Bucket::Billed, &note(Cause::Instalment)).unwrap();
        let billed = |entry: &Entry| entry.bucket == Bucket::Billed;
        ledger.take_back_part(&cells(Quantity::new(31, 2200)), billed, &note(Cause::PlanBroken)).unwrap();
        assert_eq!(ledger.balance().outstanding, Quantity::new(31, 2200));
        ledger.take_back(billed, &note(Cause::PlanBroken));
        ledger.take_back(billed, &note(Cause::PlanBroken));
        assert_eq!(ledger.balance().outstanding, Quantity::new(62, 4400));
        assert_eq!(ledger.entries().len(), 4);
        assert!(
            ledger.take_back_part(&cells(Quantity::new(1, 1)), billed, &note(Cause::PlanBroken)).is_err()
        );
        assert!(Ledger::of(ledger.entries().to_vec()).is_ok());
    }

    #[test]
    fn stored_entries_that_do_not_add_up_are_refused() {
        let mut entries = opened().entries().to_vec();
        let mut more = entries[0].clone();
        (more.seq, more.bucket, more.quantity) = (2, Bucket::Waived, Quantity::new(62, 4401));
        entries.push(more);
        assert!(Ledger::of(entries).is_err());
    }
}
