//! Proof by later imports: what was billed or credited shows up, and the next invoice bills what was agreed.

use super::apply::Reach;
use super::case::Correction;
use super::dispute::PriceConversation;
use super::finding::{Finding, Line, OnInvoice};
use super::ledger::Cause;
use super::open::Elsewhere;
use super::policy::{Context, days_after};
use super::quantity::Quantity;
use super::refusal::{Code, Refusal};
use crate::audit::Direction;
use crate::money::Currency;
use crate::period::Month;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Days after which a price is talked about that an invoice got wrong.
const PRICE_TALK_DAYS: u16 = 14;

/// What was compared, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// A document with the amount of its entries.
    DocumentVerified {
        /// The invoice or credit note.
        document: String,
        /// Minor units; negative where money was given back.
        minor: i64,
    },
    /// A document with another amount.
    DocumentDiffers {
        /// The invoice or credit note.
        document: String,
        /// As entered, minor units; negative where money was given back.
        expected: i64,
        /// As shown, less what other corrections entered for the same document.
        shown: i64,
    },
    /// The next invoice bills the agreed seats.
    ForwardVerified {
        /// The line.
        line: u32,
        /// The seats.
        seats: i64,
    },
    /// The next invoice is still wrong in the same direction.
    Shortfall {
        /// The line.
        line: u32,
        /// By so many seats.
        seats: i64,
        /// The seats that it bills.
        #[serde(default)]
        billed: Option<i64>,
    },
    /// The next invoice is wrong in the opposite direction.
    Opposite {
        /// The line.
        line: u32,
        /// By so many seats.
        seats: i64,
        /// The seats that it bills.
        #[serde(default)]
        billed: Option<i64>,
    },
    /// The next invoice has another price than agreed.
    WrongPrice {
        /// The line.
        line: u32,
        /// Agreed, for a seat and month.
        expected: Decimal,
        /// As billed.
        billed: Decimal,
    },
}

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// The import or audit that shows it.
    pub import: String,
    /// The invoice's date.
    pub on: NaiveDate,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether what it asks for was done: reopened, or a linked correction opened.
    pub acted: bool,
    /// When it was compared.
    pub at: DateTime<Utc>,
}

/// What an outcome speaks of. Only the last word on it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About<'a> {
    Document(&'a str),
    Seats(u32),
    Price(u32),
}

impl Outcome {
    fn about(&self) -> About<'_> {
        match self {
            Self::DocumentVerified { document, .. } | Self::DocumentDiffers { document, .. } => {
                About::Document(document)
            }
            Self::ForwardVerified { line, .. }
            | Self::Shortfall { line, .. }
            | Self::Opposite { line, .. } => About::Seats(*line),
            Self::WrongPrice { line, .. } => About::Price(*line),
        }
    }
}

/// What the next invoice bills of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invoiced {
    /// Seats.
    pub seats: i64,
    /// What is billable by now, where it is known: what came or went since the line was agreed is billed, too.
    pub billable: Option<i64>,
    /// For a seat and month; none where it is not known.
    pub price: Option<Decimal>,
}

/// Compares the next invoice with what was agreed: quantity and price apart.
pub fn compare(line: &Line, direction: Direction, currency: Currency, invoiced: Invoiced) -> Vec<Outcome> {
    let number = line.number;
    let then = line.billable.unwrap_or(line.agreed);
    let changes = invoiced.billable.map_or(0, |now| now - then);
    let off = invoiced.seats - (line.agreed + changes).max(0);
    let same = match direction {
        Direction::Under => off < 0,
        Direction::Over => off > 0,
    };
    let (seats, billed) = (off.abs(), Some(invoiced.seats));
    let mut outcomes = vec![match off {
        0 => Outcome::ForwardVerified { line: number, seats: invoiced.seats },
        _ if same => Outcome::Shortfall { line: number, seats, billed },
        _ => Outcome::Opposite { line: number, seats, billed },
    }];
    if let (Some(expected), Some(billed)) = (line.price, invoiced.price)
        && prices_differ(expected, billed, line, currency)
    {
        outcomes.push(Outcome::WrongPrice { line: number, expected, billed });
    }
    outcomes
}

/// The agreed price follows from a rounded amount: it differs when that amount would.
fn prices_differ(expected: Decimal, billed: Decimal, line: &Line, currency: Currency) -> bool {
    let seats = Decimal::from((line.agreed - line.billed).abs().max(1));
    let half = Decimal::new(5, currency.minor_digits() + 1);
    (expected - billed).abs().checked_mul(seats).is_none_or(|off| off > half)
}

impl Correction {
    /// Whether the next invoice proved every line's going-forward quantity.
    pub fn forward_verified(&self) -> bool {
        let proved = |line: &Line| {
            let of_line = self.verifications.iter().rev().find_map(|one| {
                match one.outcome {
                    Outcome::ForwardVerified { line, .. } => Some((line, true)),
                    Outcome::Shortfall { line, .. } | Outcome::Opposite { line, .. } => Some((line, false)),
                    _ => None,
                }
                .filter(|(of, _)| *of == line.number)
            });
            of_line.is_some_and(|(_, good)| good)
        };
        let last_of_gap = |line: &&Line| {
            !self.lines.iter().any(|other| other.gap == line.gap && other.number > line.number)
        };
        !self.lines.is_empty() && self.lines.iter().filter(last_of_gap).all(proved)
    }

    /// Whether this is the last word already on what an outcome speaks of.
    pub fn is_noted(&self, on: NaiveDate, outcome: &Outcome) -> bool {
        let same = |one: &&Verification| one.on == on && one.outcome.about() == outcome.about();
        let last = self.verifications.iter().rfind(same);
        last.is_some_and(|one| one.outcome == *outcome)
    }

    /// What the next invoice got wrong by the last word on each line, where nothing was done about it yet.
    fn pending(&self) -> Vec<usize> {
        let said = |at: usize| self.verifications.iter().skip(at + 1).map(|one| one.outcome.about());
        let waits = |(at, one): &(usize, &Verification)| {
            let wrong = matches!(one.outcome, Outcome::Shortfall { .. } | Outcome::Opposite { .. });
            wrong && !one.acted && !said(*at).any(|about| about == one.outcome.about())
        };
        self.verifications.iter().enumerate().filter(waits).map(|(at, _)| at).collect()
    }

    /// Whether the next invoice got something wrong that nothing was done about yet.
    pub fn is_pending(&self) -> bool {
        !self.pending().is_empty()
    }

    /// What fell short and waits: its place among the verifications, its line, and what is found by it.
    pub(super) fn short(&self) -> Vec<(usize, u32, Finding)> {
        let (direction, currency) = (self.subject.direction, self.subject.currency);
        let of = |at: usize| {
            let one = self.verifications.get(at)?;
            let Outcome::Shortfall { line, seats, billed } = one.outcome else { return None };
            let found = Finding::of_invoice(self.line(line)?, direction, currency, (seats, billed), one.on);
            Some((at, line, found))
        };
        self.pending().into_iter().filter_map(of).collect()
    }

    /// A line that rests on the invoice of a verification says so.
    pub(super) fn rests_on(&mut self, line: u32, finding: &Finding, shown: &Verification) {
        if let Some(line) = self.lines.iter_mut().find(|one| one.number == line) {
            line.invoice = Some(OnInvoice {
                on: shown.on,
                billed: finding.billed,
                billable: finding.billable,
                import: shown.import.clone(),
            });
        }
    }

    pub(super) fn acted(&mut self, at: usize) {
        if let Some(one) = self.verifications.get_mut(at) {
            one.acted = true;
        }
    }

    /// A line that was reopened stands in for the one before it: what is agreed on it was billable then as what
    /// was agreed before.
    pub(super) fn stand_for(&mut self, before: u32, line: u32) {
        let before = self.line(before).map(|before| (before.agreed, before.billable));
        if let Some((agreed, billable)) = before
            && let Some(line) = self.lines.iter_mut().find(|one| one.number == line)
        {
            line.billable = billable.map(|billable| billable + line.agreed - agreed);
        }
    }

    /// Leaves what fell short to other corrections where they have settled it; answers whether something is
    /// left for which this one can be reopened now.
    pub fn falls_short(&mut self, elsewhere: &Elsewhere) -> bool {
        let mut left_over = false;
        for (at, _, finding) in self.short() {
            match left_of_invoice(&finding, elsewhere) {
                None => {}
                Some(left) if left.is_empty() => self.acted(at),
                Some(_) => left_over = true,
            }
        }
        left_over
    }

    pub(super) fn verify(&mut self, verifications: &[Verification]) -> Result<Reach, Refusal> {
        let known = |verification: &Verification| match &verification.outcome {
            Outcome::DocumentVerified { document, .. } | Outcome::DocumentDiffers { document, .. } => {
                self.documents().contains_key(document)
            }
            Outcome::ForwardVerified { line, .. }
            | Outcome::Shortfall { line, .. }
            | Outcome::Opposite { line, .. }
            | Outcome::WrongPrice { line, .. } => self.line(*line).is_some(),
        };
        if !verifications.iter().all(known) {
            return Err(Refusal::new(
                Code::DocumentUnknown,
                "No entry of this correction names that document or line.",
            ));
        }
        for verification in verifications {
            if let Outcome::WrongPrice { line, .. } = verification.outcome {
                self.price_conversations.push(PriceConversation {
                    why: format!("the invoice of {} has another price than agreed", verification.on),
                    line: Some(line),
                    on: days_after(verification.on, PRICE_TALK_DAYS),
                });
            }
            self.verifications.push(verification.clone());
        }
        Ok(Reach::Part)
    }

    /// A new correction of the opposite direction, for what the next invoice overshot. `gap` is the identity
    /// of the opposite gap. None where nothing did, or it was opened already. What another open correction holds
    /// waits; what another one has settled is left to it.
    ///
    /// # Errors
    /// When a figure cannot be right.
    pub fn opposite(
        &mut self,
        gap: impl Fn(&Line) -> String,
        elsewhere: &Elsewhere,
        context: &Context<'_>,
    ) -> Result<Option<Self>, Refusal> {
        let direction = match self.subject.direction {
            Direction::Under => Direction::Over,
            Direction::Over => Direction::Under,
        };
        let mut linked: Option<Self> = None;
        for at in self.pending() {
            let Some(one) = self.verifications.get(at) else { continue };
            let Outcome::Opposite { line, seats, billed } = one.outcome else { continue };
            let Some(line) = self.line(line) else { continue };
            let currency = self.subject.currency;
            let mut finding = Finding::of_invoice(line, direction, currency, (seats, billed), one.on);
            finding.gap = gap(line);
            let Some(left) = left_of_invoice(&finding, elsewhere) else { continue };
            if !left.is_empty() {
                let subject = super::case::Subject { direction, ..self.subject.clone() };
                let other = linked.get_or_insert_with(|| Self::new(subject, context));
                let number = other.add_line(&finding, &left, Cause::Opened, context)?;
                other.rests_on(number, &finding, one);
            }
            self.acted(at);
        }
        Ok(linked)
    }
}

/// What is left of what an invoice got wrong: none while another open correction holds its month; nothing when
/// other corrections have settled as much of it.
pub(super) fn left_of_invoice(finding: &Finding, elsewhere: &Elsewhere) -> Option<BTreeMap<Month, Quantity>> {
    let key = |month: &Month| (finding.gap.clone(), *month);
    if finding.months.keys().any(|month| elsewhere.open.contains(&key(month))) {
        return None;
    }
    let left = finding.months.iter().map(|(month, found)| {
        let settled = elsewhere.settled.get(&key(month)).copied().unwrap_or_default();
        (*month, found.quantity.without(settled))
    });
    Some(left.filter(|(_, quantity)| quantity.seat_days > 0).collect())
}
