//! The days that a source covers of a client.

use super::calendar::{Days, union};
use super::identity::ClientId;
use std::collections::{BTreeMap, BTreeSet};

/// Covered days per client and format rank.
pub(super) type Spans = BTreeMap<(ClientId, u32), Vec<Days>>;

/// Collects the days that a client's rows show, and those that files state.
#[derive(Debug, Default)]
pub(super) struct CoverageBuilder {
    shown: BTreeMap<(ClientId, u32), Days>,
    /// Of the client whose rows come one after the other, until another's come.
    run: Option<((ClientId, u32), Days)>,
    stated: BTreeSet<(ClientId, u32, Days)>,
}

impl CoverageBuilder {
    pub(super) fn add(&mut self, client: ClientId, rank: u32, days: Days, stated: Option<Days>) {
        if let Some(stated) = stated {
            self.stated.insert((client, rank, stated));
        } else if !days.is_empty() {
            match &mut self.run {
                Some((key, run)) if *key == (client, rank) => *run = run.to(days),
                _ => {
                    self.end_run();
                    self.run = Some(((client, rank), days));
                }
            }
        }
    }

    fn end_run(&mut self) {
        if let Some((key, run)) = self.run.take() {
            self.shown.entry(key).and_modify(|shown| *shown = shown.to(run)).or_insert(run);
        }
    }

    pub(super) fn finish(mut self) -> Spans {
        self.end_run();
        let mut spans: Spans = Spans::new();
        let shown = self.shown.into_iter();
        let stated = self.stated.into_iter().map(|(client, rank, days)| ((client, rank), days));
        for (key, days) in shown.chain(stated) {
            spans.entry(key).or_default().push(days);
        }
        for days in spans.values_mut() {
            *days = union(std::mem::take(days));
        }
        spans
    }
}
