//! What documents should show of a correction, what imports proved of them, and what was recovered by it.

use super::case::Correction;
use super::ledger::{Bucket, Cause, Entry};
use super::plan::InstalmentState;
use super::verification::Outcome;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Money that came back, or was given back, and is proved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    /// Charged, less what was credited of it, minor units.
    pub billed: i64,
    /// Given back of over-billing, minor units.
    pub credited: i64,
}

/// An entry that a document of ours shows.
struct Shown<'a> {
    document: &'a str,
    /// What it adds to the document: negative where money is given back.
    minor: i64,
    /// What is left of it after credit notes.
    left: i64,
}

impl Correction {
    /// The entries that documents show, in order: what is billed by an invoice or an invoiced instalment, and
    /// every credit note, also one that takes back what is waived or withdrawn after it had been billed.
    fn shown(&self) -> Vec<Shown<'_>> {
        let (mut undone, mut credited) = (BTreeMap::<u32, i64>::new(), BTreeMap::<u32, i64>::new());
        for entry in self.ledger.entries() {
            let by = if entry.note.cause == Cause::CreditNote { &mut credited } else { &mut undone };
            if let Some(of) = entry.contra_of {
                *by.entry(of).or_default() += entry.quantity.minor;
            }
        }
        let of = |entry: &'_ Entry| {
            let minor = entry.quantity.minor;
            if entry.contra_of.is_none() && entry.bucket == Bucket::Billed {
                let charged = minor + undone.get(&entry.seq).copied().unwrap_or_default();
                let left = charged + credited.get(&entry.seq).copied().unwrap_or_default();
                return (charged, left);
            }
            // What is credited of a charge is a contra entry, and its credit note another one of the same money.
            match entry.bucket {
                Bucket::Billed => (minor, 0),
                Bucket::Credited if !self.is_under() => (-minor, -minor),
                _ => (0, 0),
            }
        };
        let shown = self.ledger.entries().iter().filter_map(|entry| {
            let (minor, left) = of(entry);
            let document = self.document_of(entry).filter(|_| minor != 0)?;
            Some(Shown { document, minor, left })
        });
        shown.collect()
    }

    /// The document that shows an entry; none where it is none of ours, or there is none yet.
    fn document_of<'a>(&'a self, entry: &'a Entry) -> Option<&'a str> {
        match entry.note.cause {
            Cause::Invoice if entry.contra_of.is_none() => entry.note.document.as_deref(),
            Cause::CreditNote => entry.note.document.as_deref(),
            Cause::Instalment | Cause::Rebalance if entry.contra_of.is_none() => {
                let instalment = self.plan.as_ref()?.instalment(entry.note.instalment?)?;
                instalment.document.as_deref().filter(|_| instalment.state != InstalmentState::Scheduled)
            }
            _ => None,
        }
    }

    /// What each document should show of this correction, minor units: invoices and invoiced instalments, and
    /// (negative) credit notes.
    pub fn documents(&self) -> BTreeMap<String, i64> {
        let mut documents: BTreeMap<String, i64> = BTreeMap::new();
        for one in self.shown() {
            *documents.entry(one.document.to_owned()).or_default() += one.minor;
        }
        documents
    }

    /// What an import proved of a document last.
    fn proved(&self, document: &str) -> Option<i64> {
        self.verifications.iter().rev().find_map(|one| match &one.outcome {
            Outcome::DocumentVerified { document: of, minor } if of == document => Some(*minor),
            _ => None,
        })
    }

    /// Whether an import proved a document with all that stands on it.
    pub fn is_verified(&self, document: &str) -> bool {
        self.documents().get(document).is_some_and(|minor| self.proved(document) == Some(*minor))
    }

    /// Compares the documents that an import shows (less what other corrections entered for them) with what was
    /// entered. Documents that are proved already, with all that stands on them, are not compared again.
    pub fn compare_documents(&self, shown: &BTreeMap<String, i64>) -> Vec<Outcome> {
        let expected = self.documents();
        let waiting = expected.into_iter().filter(|(document, minor)| self.proved(document) != Some(*minor));
        let compared = waiting.filter_map(|(document, expected)| {
            let shown = shown.get(&document).copied()?;
            Some(if shown == expected {
                Outcome::DocumentVerified { document, minor: expected }
            } else {
                Outcome::DocumentDiffers { document, expected, shown }
            })
        });
        compared.collect()
    }

    /// Recovered money: proved entries only, less what was given back of them, proved or not. What was entered
    /// for a document after it was proved waits for its own proof.
    pub fn recovered(&self) -> Recovered {
        let mut by_document: BTreeMap<&str, Vec<Shown<'_>>> = BTreeMap::new();
        for one in self.shown() {
            by_document.entry(one.document).or_default().push(one);
        }
        let mut recovered = Recovered::default();
        for (document, entries) in by_document {
            let Some(proved) = self.proved(document) else { continue };
            let mut sum = 0;
            let sums = entries.iter().map(|one| {
                sum += one.minor;
                sum
            });
            let last = sums.collect::<Vec<i64>>().into_iter().rposition(|sum| sum == proved);
            for one in entries.iter().take(last.map_or(0, |last| last + 1)) {
                match one.minor {
                    0.. => recovered.billed += one.left,
                    _ => recovered.credited -= one.left,
                }
            }
        }
        recovered
    }
}
