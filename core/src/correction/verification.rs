//! Proof by later imports: what was billed or credited shows up, and the next invoice bills what was agreed.

use super::apply::Reach;
use super::case::Correction;
use super::dispute::PriceConversation;
use super::finding::{Finding, Line};
use super::ledger::{Bucket, Cause};
use super::plan::InstalmentState;
use super::policy::{Context, days_after};
use super::quantity::Quantity;
use super::refusal::{Code, Refusal};
use crate::audit::Direction;
use crate::money::Currency;
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
        /// Minor units.
        minor: i64,
    },
    /// A document with another amount.
    DocumentDiffers {
        /// The invoice or credit note.
        document: String,
        /// As entered, minor units.
        expected: i64,
        /// As shown, minor units.
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
    },
    /// The next invoice is wrong in the opposite direction.
    Opposite {
        /// The line.
        line: u32,
        /// By so many seats.
        seats: i64,
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

impl Verification {
    /// Line, seats and date of an invoice that is still wrong in the same direction.
    pub const fn shortfall(&self) -> Option<(u32, i64, NaiveDate)> {
        match self.outcome {
            Outcome::Shortfall { line, seats } => Some((line, seats, self.on)),
            _ => None,
        }
    }
}

/// What the next invoice bills of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invoiced {
    /// Seats.
    pub seats: i64,
    /// Billable seats that came (or, negative, went) since they were agreed.
    pub changes: i64,
    /// For a seat and month; none where it is not known.
    pub price: Option<Decimal>,
}

/// Compares the next invoice with what was agreed: quantity and price apart.
pub fn compare(line: &Line, direction: Direction, currency: Currency, invoiced: Invoiced) -> Vec<Outcome> {
    let number = line.number;
    let off = invoiced.seats - (line.agreed + invoiced.changes);
    let same = match direction {
        Direction::Under => off < 0,
        Direction::Over => off > 0,
    };
    let seats = off.abs();
    let mut outcomes = vec![match off {
        0 => Outcome::ForwardVerified { line: number, seats: invoiced.seats },
        _ if same => Outcome::Shortfall { line: number, seats },
        _ => Outcome::Opposite { line: number, seats },
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

/// Money that came back, or was given back, and is proved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    /// Charged, less what was credited of it, minor units.
    pub billed: i64,
    /// Given back of over-billing, minor units.
    pub credited: i64,
}

impl Correction {
    /// What each document should show, minor units: invoices, invoiced instalments and credit notes.
    pub fn documents(&self) -> BTreeMap<String, (Bucket, i64)> {
        let mut documents: BTreeMap<String, (Bucket, i64)> = BTreeMap::new();
        for entry in self.ledger.entries() {
            let ours =
                matches!(entry.note.cause, Cause::Invoice | Cause::CreditNote) && entry.contra_of.is_none();
            if let Some(document) = entry.note.document.as_ref().filter(|_| ours) {
                documents.entry(document.clone()).or_insert((entry.bucket, 0)).1 += entry.quantity.minor;
            }
        }
        for instalment in self.plan.iter().flat_map(|plan| &plan.instalments) {
            if let Some(document) = instalment.document.as_ref()
                && instalment.state != InstalmentState::Scheduled
            {
                documents.entry(document.clone()).or_insert((Bucket::Billed, 0)).1 += instalment.minor;
            }
        }
        documents
    }

    /// Whether an import proved a document.
    pub fn is_verified(&self, document: &str) -> bool {
        self.verifications.iter().any(
            |one| matches!(&one.outcome, Outcome::DocumentVerified { document: of, .. } if of == document),
        )
    }

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

    /// Compares the documents that an import shows with what was entered. Documents that are proved already
    /// are not compared again.
    pub fn compare_documents(&self, shown: &BTreeMap<String, i64>) -> Vec<Outcome> {
        let waiting = self.documents().into_iter().filter(|(document, _)| !self.is_verified(document));
        let compared = waiting.filter_map(|(document, (_, expected))| {
            let shown = shown.get(&document).copied()?.abs();
            Some(if shown == expected {
                Outcome::DocumentVerified { document, minor: expected }
            } else {
                Outcome::DocumentDiffers { document, expected, shown }
            })
        });
        compared.collect()
    }

    /// Recovered money: proved documents only.
    pub fn recovered(&self) -> Recovered {
        let mut recovered = Recovered::default();
        for (document, (bucket, minor)) in self.documents() {
            match bucket {
                Bucket::Billed if self.is_verified(&document) => recovered.billed += minor,
                // What was given back of a charge is not recovered, proved or not.
                Bucket::Credited if self.is_under() => recovered.billed -= minor,
                Bucket::Credited if self.is_verified(&document) => recovered.credited += minor,
                _ => {}
            }
        }
        recovered.billed = recovered.billed.max(0);
        recovered
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
    /// of the opposite gap. None where nothing did, or it was opened already.
    ///
    /// # Errors
    /// When a figure cannot be right.
    pub fn opposite(
        &mut self,
        gap: impl Fn(&Line) -> String,
        context: &Context<'_>,
    ) -> Result<Option<Self>, Refusal> {
        let mut linked = None;
        for verification in self.verifications.iter_mut().filter(|one| !one.acted) {
            let Outcome::Opposite { line, seats } = verification.outcome else { continue };
            let Some(line) = self.lines.iter().find(|one| one.number == line) else { continue };
            verification.acted = true;
            let direction = match self.subject.direction {
                Direction::Under => Direction::Over,
                Direction::Over => Direction::Under,
            };
            let subject = super::case::Subject { direction, ..self.subject.clone() };
            let other = linked.get_or_insert_with(|| Self::new(subject, context));
            let mut finding =
                Finding::of_invoice(line, direction, self.subject.currency, seats, verification.on);
            finding.gap = gap(line);
            let months = finding.months.iter().map(|(month, found)| (*month, found.quantity)).collect();
            other.add_line(&finding, &months, Cause::Opened, context)?;
        }
        Ok(linked)
    }

    /// What was billed and credited of it so far, and is proved, over what it claims.
    pub fn proved_share(&self) -> (i64, Quantity) {
        let recovered = self.recovered();
        (recovered.billed + recovered.credited, super::quantity::total(&self.claimed()))
    }
}
