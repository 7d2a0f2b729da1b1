//! Confirmed mappings as dated steps from one interned key to another.

use super::MatchNote;
use crate::period::Span;
use crate::records::MappingRow;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One confirmed step.
#[derive(Clone, Debug)]
struct Step {
    span: Option<Span>,
    target: u32,
    approved_by: Arc<str>,
}

impl Step {
    fn holds(&self, on: NaiveDate) -> bool {
        self.span.is_none_or(|span| span.contains(on))
    }

    /// First day; none: always held.
    fn since(&self) -> Option<NaiveDate> {
        self.span.map(|span| span.from)
    }
}

/// Where a key leads on a day.
pub(super) struct Followed {
    pub(super) key: u32,
    /// Who confirmed the first step; none: no mapping holds.
    pub(super) approved_by: Option<Arc<str>>,
    in_cycle: bool,
}

/// All steps of one side.
#[derive(Debug, Default)]
pub(super) struct Redirects {
    steps: BTreeMap<u32, Vec<Step>>,
}

impl Redirects {
    /// Adds a step; one from a key to itself says nothing and is left out.
    pub(super) fn add(&mut self, from: u32, target: u32, row: &MappingRow) {
        if from != target && row.span.is_none_or(|span| !span.is_empty()) {
            let step = Step { span: row.span, target, approved_by: Arc::from(row.approved_by.as_str()) };
            self.steps.entry(from).or_default().push(step);
        }
    }

    /// Puts the steps into an order that does not depend on how they came, and tells what is wrong.
    pub(super) fn finish(&mut self, text: impl Fn(u32) -> String) -> BTreeSet<MatchNote> {
        for steps in self.steps.values_mut() {
            steps.sort_by(|a, b| {
                (b.since(), a.target, &a.approved_by).cmp(&(a.since(), b.target, &b.approved_by))
            });
        }
        let mut notes = BTreeSet::new();
        for (&key, steps) in &self.steps {
            // A circle closes on the first day of one of its own steps.
            let days: BTreeSet<NaiveDate> =
                steps.iter().map(|step| step.since().unwrap_or(NaiveDate::MIN)).collect();
            for on in days {
                if self.step(key, on).is_err() {
                    notes.insert(MatchNote::Contradiction { source: text(key) });
                }
                if self.follow(key, on).in_cycle {
                    notes.insert(MatchNote::Cycle { source: text(key) });
                }
            }
        }
        notes
    }

    /// The step that holds on a day: of several the one that began last. Two that began on the same day
    /// with different targets contradict each other, and then none holds.
    fn step(&self, key: u32, on: NaiveDate) -> Result<Option<&Step>, ()> {
        let Some(steps) = self.steps.get(&key) else { return Ok(None) };
        let mut holding = steps.iter().filter(|step| step.holds(on));
        let Some(first) = holding.next() else { return Ok(None) };
        let same_day = holding.take_while(|step| step.since() == first.since());
        if same_day.into_iter().any(|step| step.target != first.target) { Err(()) } else { Ok(Some(first)) }
    }

    /// Follows all steps from a key on a day. A cycle says that all its keys are the same: it ends at
    /// the smallest of them, wherever it is entered.
    pub(super) fn follow(&self, key: u32, on: NaiveDate) -> Followed {
        let mut path = vec![key];
        let mut approved_by = None;
        let mut here = key;
        while let Ok(Some(step)) = self.step(here, on) {
            approved_by.get_or_insert_with(|| Arc::clone(&step.approved_by));
            if let Some(at) = path.iter().position(|seen| *seen == step.target) {
                let smallest = path.iter().skip(at).min().copied().unwrap_or(here);
                return Followed { key: smallest, approved_by, in_cycle: true };
            }
            path.push(step.target);
            here = step.target;
        }
        Followed { key: here, approved_by, in_cycle: false }
    }

    /// Whether no mapping touches this key.
    pub(super) fn leaves_alone(&self, key: u32) -> bool {
        !self.steps.contains_key(&key)
    }
}
