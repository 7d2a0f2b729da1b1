//! Which policy holds for one client's product, month by month.
//!
//! A policy says a count basis, a proration or a limit of back-billing for all products of a client, for
//! those that are billed under one of its agreements, or for one product. Each of these is decided by
//! itself: the most particular policy that says it counts (of a product, of an agreement, of a client, then
//! the organization's), of equals the one that begins last. A month has the policy of its first day: a
//! change inside a month counts from the next one on.
//!
//! A product that is billed under several agreements has the policy that they agree on. Where they differ
//! the client's policy counts and the audit says so: the seats of a product exist once, and which of them
//! belong to which agreement nobody knows.

use super::calendar::{AuditMonth, Calendar, Chunk, Day, Days, OPEN};
use super::document::{AppliedPolicy, Direction, PolicyFrom};
use super::identity::{ClientId, Identity, ProductId};
use super::input::{Basis, Policy, PolicyOverride, Proration};
use super::rows::{Bill, Count, Seats};
use crate::matching::fold;
use crate::records::Side;
use std::collections::BTreeSet;

/// A policy with its names resolved.
#[derive(Clone, Debug)]
struct Exception<'a> {
    client: Option<ClientId>,
    product: Option<ProductId>,
    agreement: Option<String>,
    days: Days,
    own: &'a PolicyOverride,
}

/// How particular a policy is: of a product, of an agreement, of a client.
type Particular = (bool, bool, bool);

/// All policies of an audit.
#[derive(Clone, Debug)]
pub(super) struct Policies<'a> {
    base: AppliedPolicy,
    /// A basis that is counted whatever the policies say: to see what it would give.
    counting: Option<Basis>,
    exceptions: Vec<Exception<'a>>,
}

/// A limit of back-billing that a policy says, as particular as a rule of the same: client, product,
/// agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PolicyLimit {
    pub months: u32,
    pub particular: (bool, bool, bool),
}

/// What holds for a product.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// Of the last audited month.
    pub last: AppliedPolicy,
    /// Per month of the calendar; empty: the same in all.
    months: Vec<AppliedPolicy>,
    /// Limits of back-billing: what may be charged, and what must be credited.
    back: Option<PolicyLimit>,
    credit: Option<PolicyLimit>,
    /// Its agreements have different policies.
    pub differs: bool,
}

impl<'a> Policies<'a> {
    /// Resolves the names of policies; one that names a client that no row has is noted.
    pub(super) fn build(policy: &'a Policy, identity: &Identity, notes: &mut BTreeSet<String>) -> Self {
        let mut exceptions = Vec::new();
        for own in &policy.overrides {
            let client = match &own.client {
                None => None,
                Some(name) => {
                    let Some(client) = identity.find_client(name) else {
                        notes.insert(format!("no row names the client `{name}` that a policy is for"));
                        continue;
                    };
                    Some(client)
                }
            };
            let days = own.span.map_or(Days { from: Day::MIN, until: OPEN }, Days::of);
            let product = own.product.as_ref().map(|product| identity.product(product, days.from.max(1)));
            let agreement = own.agreement.as_deref().map(fold);
            exceptions.push(Exception { client, product, agreement, days, own });
        }
        let base = AppliedPolicy { basis: policy.basis, proration: policy.proration };
        Self { base, counting: None, exceptions }
    }

    /// The same, with seats counted by this basis everywhere.
    pub(super) fn counting(&self, basis: Basis) -> Self {
        Self { counting: Some(basis), ..self.clone() }
    }

    /// What holds for a product whose regular lines are among these. Seats that follow from vendor charges
    /// are purchased, whatever the policy says.
    pub(super) fn of(
        &self,
        client: ClientId,
        product: ProductId,
        bills: &[&Bill<'_>],
        from: Side,
        calendar: &Calendar,
    ) -> Held {
        let of_product: Vec<&Exception<'_>> = self
            .exceptions
            .iter()
            .filter(|own| own.client.is_none_or(|only| only == client))
            .filter(|own| own.product.is_none_or(|only| only == product))
            .collect();
        let mut held = Held { last: self.base, months: Vec::new(), back: None, credit: None, differs: false };
        if !of_product.is_empty() {
            let months = calendar.months.iter().filter(|month| !month.audited.is_empty());
            let always = agreements(bills, calendar.audited);
            held.months = months
                .map(|month| self.month(month, bills, &always, &of_product, &mut held.differs))
                .collect();
            let last = calendar.audited.until.saturating_sub(1);
            let mut limit = |pick: fn(&PolicyOverride) -> Option<u32>| {
                let (found, differs) = decide(&of_product, last, &always, pick);
                held.differs |= differs;
                found.map(|(months, (product, agreement, client))| PolicyLimit {
                    months,
                    particular: (client, product, agreement),
                })
            };
            held.back = limit(|own| own.back_billing_months);
            held.credit = limit(|own| own.credit_back_months);
        }
        if let Some(basis) = if from == Side::Cost { Some(Basis::Purchased) } else { self.counting } {
            held.last.basis = basis;
            held.months.iter_mut().for_each(|month| month.basis = basis);
        }
        held.last = held.months.last().copied().unwrap_or(held.last);
        if held.months.iter().all(|month| *month == held.last) {
            held.months.clear();
        }
        held
    }

    fn month(
        &self,
        month: &AuditMonth,
        bills: &[&Bill<'_>],
        always: &BTreeSet<Option<String>>,
        of_product: &[&Exception<'_>],
        differ: &mut bool,
    ) -> AppliedPolicy {
        let own = agreements(bills, month.audited);
        let of_month = if own.is_empty() { always } else { &own };
        let (basis, one) = decide(of_product, month.days.from, of_month, |own| own.basis);
        let (proration, other) = decide(of_product, month.days.from, of_month, |own| own.proration);
        *differ |= one || other;
        AppliedPolicy {
            basis: basis.map_or(self.base.basis, |(basis, _)| basis),
            proration: proration.map_or(self.base.proration, |(proration, _)| proration),
        }
    }
}

/// The agreements that a product's regular lines of these days belong to.
fn agreements(bills: &[&Bill<'_>], days: Days) -> BTreeSet<Option<String>> {
    let regular = bills.iter().filter(|bill| bill.regular() && bill.days.meets(days));
    regular.map(|bill| bill.record.agreement.as_deref().map(fold)).collect()
}

/// What the policies say on a day, and whether the agreements say different things.
fn decide<T: Copy + Ord>(
    of_product: &[&Exception<'_>],
    on: Day,
    agreements: &BTreeSet<Option<String>>,
    pick: impl Fn(&PolicyOverride) -> Option<T>,
) -> (Option<(T, Particular)>, bool) {
    let best = |agreement: Option<&str>| {
        let holding = of_product.iter().filter(|own| {
            own.days.contains(on) && (own.agreement.is_none() || own.agreement.as_deref() == agreement)
        });
        let says = holding.filter_map(|own| {
            let particular = (own.product.is_some(), own.agreement.is_some(), own.client.is_some());
            Some((particular, own.days.from, pick(own.own)?))
        });
        says.max().map(|(particular, _, value)| (value, particular))
    };
    let mut each = agreements.iter().map(|agreement| best(agreement.as_deref()));
    let Some(first) = each.next() else { return (best(None), false) };
    let value = |found: &Option<(T, Particular)>| found.map(|(value, _)| value);
    if each.all(|other| value(&other) == value(&first)) { (first, false) } else { (best(None), true) }
}

impl Held {
    /// The policy of a month of the calendar.
    fn at(&self, month: usize) -> AppliedPolicy {
        self.months.get(month).copied().unwrap_or(self.last)
    }

    /// What a policy says of how far back money of this direction counts.
    pub(super) const fn limit(&self, direction: Direction) -> Option<PolicyLimit> {
        match direction {
            Direction::Under => self.back,
            Direction::Over => self.credit,
        }
    }

    /// The same with another proration in every month.
    pub(super) fn prorated(&self, proration: Proration) -> Self {
        let mut other = self.clone();
        for policy in other.months.iter_mut().chain([&mut other.last]) {
            policy.proration = proration;
        }
        other
    }

    /// As [`Calendar::chunks`], each month prorated by its policy.
    pub(super) fn chunks(&self, calendar: &Calendar, covered: &[Days], changes: &[Day]) -> Vec<Chunk> {
        calendar.chunks_by(covered, changes, |month| self.at(month).proration)
    }

    /// The seats of a row, on the days on which each basis counts.
    pub(super) fn seats(&self, calendar: &Calendar, count: &Count) -> Vec<(Days, Seats)> {
        if self.months.is_empty() {
            return vec![(count.days, count.seats(self.last.basis))];
        }
        let mut parts: Vec<(Days, Basis)> = Vec::new();
        for (index, month) in calendar.months.iter().enumerate() {
            let basis = self.at(index).basis;
            match parts.last_mut() {
                Some((days, same)) if *same == basis => days.until = month.days.until,
                _ => parts.push((month.days, basis)),
            }
        }
        let parts = parts.into_iter().map(|(days, basis)| (days.and(count.days), count.seats(basis)));
        parts.filter(|(days, _)| !days.is_empty()).collect()
    }

    /// From which month on which policy held, where it changed.
    pub(super) fn changes(&self, calendar: &Calendar) -> Vec<PolicyFrom> {
        let mut changes: Vec<PolicyFrom> = Vec::new();
        for (month, policy) in calendar.months.iter().zip(&self.months) {
            if changes.last().is_none_or(|last| last.policy != *policy) {
                changes.push(PolicyFrom { from: month.month, policy: *policy });
            }
        }
        changes
    }
}
