//! What an audit compared, client by client and month by month, read off its document: without it nobody
//! could tell a month without a gap from a month that nobody looked at.

use crate::audit::{AuditDocument, Coverage, CoverageStatus};
use crate::matching::fold;
use crate::period::{Month, day_after};
use std::collections::{BTreeMap, BTreeSet};

/// What an audit compared of one client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComparedClient {
    /// Its name, as the document has it.
    pub client: String,
    /// The audited months.
    pub months: BTreeMap<Month, ComparedMonth>,
    /// Products (folded names) that were not compared, in these months; none: in any.
    pub without: BTreeMap<String, Option<BTreeSet<Month>>>,
}

/// What an audit compared of one client in one month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComparedMonth {
    /// Whether there are days that both sides cover.
    pub compared: bool,
    /// Whether the month was over.
    pub closed: bool,
    /// Whether only some of its days are covered.
    pub partial: bool,
}

impl ComparedClient {
    /// The month, if this product of the client was compared in it. A product without any row was
    /// compared: both sides cover the client and know nothing of it.
    pub fn product(&self, product_key: &str, month: Month) -> Option<ComparedMonth> {
        let lacks = match self.without.get(product_key) {
            Some(Some(months)) => months.contains(&month),
            Some(None) => true,
            None => false,
        };
        self.months.get(&month).copied().filter(|month| month.compared && !lacks)
    }

    /// How many products were not compared in this month.
    pub fn lacking(&self, month: Month) -> usize {
        let lacks =
            |months: &&Option<BTreeSet<Month>>| months.as_ref().is_none_or(|set| set.contains(&month));
        self.without.values().filter(lacks).count()
    }

    /// Joins two entries that cannot be told apart: only what was compared of both was compared.
    fn narrow(&mut self, other: Self) {
        for (month, own) in &mut self.months {
            let others = other.months.get(month);
            own.compared &= others.is_some_and(|other| other.compared);
            own.partial |= others.is_some_and(|other| other.partial);
        }
        for (product, months) in other.without {
            self.lack(product, months);
        }
    }

    fn lack(&mut self, product: String, months: Option<BTreeSet<Month>>) {
        let own = self.without.entry(product).or_insert_with(|| Some(BTreeSet::new()));
        match (own.as_mut(), months) {
            (Some(own), Some(months)) => own.extend(months),
            (Some(_), None) => *own = None,
            (None, _) => {}
        }
    }
}

/// What this audit compared, by client; `key` tells which name is which client.
pub fn compared(document: &AuditDocument, key: impl Fn(&str) -> String) -> BTreeMap<String, ComparedClient> {
    let mut clients: BTreeMap<String, ComparedClient> = BTreeMap::new();
    for entry in document.coverage.iter().filter(|entry| entry.product.is_none()) {
        let client = of_client(document, entry);
        match clients.entry(key(&entry.client)) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert(client);
            }
            std::collections::btree_map::Entry::Occupied(mut known) => known.get_mut().narrow(client),
        }
    }
    for entry in &document.coverage {
        let Some(product) = &entry.product else { continue };
        let months = match entry.status {
            CoverageStatus::Compared => Some(entry.missing_months.iter().copied().collect()),
            CoverageStatus::InsufficientData => None,
        };
        clients.entry(key(&entry.client)).or_default().lack(fold(product), months);
    }
    clients
}

fn of_client(document: &AuditDocument, entry: &Coverage) -> ComparedClient {
    let end_of_audit = day_after(document.period.as_of);
    let mut client = ComparedClient { client: entry.client.clone(), ..ComparedClient::default() };
    let mut month = Month::of(document.period.from);
    while month.first_day() < document.period.until && month.first_day() < end_of_audit {
        let compared = entry.status == CoverageStatus::Compared && !entry.missing_months.contains(&month);
        let partial = compared && entry.partial_months.contains(&month);
        client.months.insert(month, ComparedMonth { compared, closed: month.end() <= end_of_audit, partial });
        if month.next() == month {
            break;
        }
        month = month.next();
    }
    client
}
