//! Sums of what settings find, and which of them fits.

use super::AuditError;
use super::document::AppliedPolicy;
use super::gaps::plus;
use super::what_if_document::{
    AgreementWhatIf, ClientWhatIf, Setting, SettingFigures, SideBySide, WhatIfLine, WhatIfTotal,
};
use crate::money::{Currency, Money};
use rust_decimal::Decimal;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

impl SettingFigures {
    pub(super) fn zero(currency: Option<Currency>) -> Self {
        let zero = currency.map_or(Decimal::ZERO, |currency| Money::zero(currency).amount);
        let seats = Decimal::new(0, 6);
        Self {
            under_seat_months: seats,
            under: zero,
            over_seat_months: seats,
            over: zero,
            gaps: 0,
            unpriced_gaps: 0,
        }
    }

    fn add(&mut self, other: &Self) -> Result<(), AuditError> {
        self.under_seat_months = plus(self.under_seat_months, other.under_seat_months)?;
        self.under = plus(self.under, other.under)?;
        self.over_seat_months = plus(self.over_seat_months, other.over_seat_months)?;
        self.over = plus(self.over, other.over)?;
        self.gaps = self.gaps.saturating_add(other.gaps);
        self.unpriced_gaps = self.unpriced_gaps.saturating_add(other.unpriced_gaps);
        Ok(())
    }

    /// Seat-months of gaps, both ways: what a setting that fits has none of.
    fn difference(&self) -> Result<Decimal, AuditError> {
        plus(self.under_seat_months, self.over_seat_months)
    }
}

impl SideBySide {
    fn add(&mut self, other: &Self) -> Result<(), AuditError> {
        self.audited.add(&other.audited)?;
        for (own, other) in self.settings.iter_mut().zip(&other.settings) {
            own.figures.add(&other.figures)?;
            own.comparable &= other.comparable;
        }
        Ok(())
    }

    /// Says which setting fits best, and whether another than the audit's policy explains the whole gap.
    pub(super) fn decide(&mut self, policy: Option<AppliedPolicy>) -> Result<(), AuditError> {
        let is_policy = |setting: Setting| {
            policy.is_some_and(|policy| {
                setting.proration == policy.proration
                    && setting.basis.is_none_or(|basis| basis == policy.basis)
            })
        };
        let mut best: Option<((Decimal, bool), Setting)> = None;
        for under in self.settings.iter().filter(|under| under.comparable) {
            let rank = (under.figures.difference()?, !is_policy(under.setting));
            if best.is_none_or(|(least, _)| rank < least) {
                best = Some((rank, under.setting));
            }
        }
        self.best_fit = best.map(|(_, setting)| setting);
        self.leaks_by_setting =
            !self.audited.difference()?.is_zero() && best.is_some_and(|((least, _), _)| least.is_zero());
        Ok(())
    }
}

/// The sums of lines that have the same key, the policy that all of them have if it is one, and the lines.
fn sums<'l, K: Ord>(
    lines: &'l [WhatIfLine],
    key: impl Fn(&'l WhatIfLine) -> K,
) -> Result<BTreeMap<K, (SideBySide, Vec<&'l WhatIfLine>)>, AuditError> {
    let mut groups: BTreeMap<K, (SideBySide, Vec<&WhatIfLine>)> = BTreeMap::new();
    for line in lines {
        match groups.entry(key(line)) {
            Entry::Vacant(entry) => {
                entry.insert((line.comparison.clone(), vec![line]));
            }
            Entry::Occupied(mut entry) => {
                let (sum, own) = entry.get_mut();
                sum.add(&line.comparison)?;
                own.push(line);
            }
        }
    }
    for (sum, own) in groups.values_mut() {
        let policies: BTreeSet<AppliedPolicy> = own.iter().map(|line| line.policy).collect();
        sum.decide(policies.first().copied().filter(|_| policies.len() == 1))?;
    }
    Ok(groups)
}

pub(super) fn totals(lines: &[WhatIfLine]) -> Result<Vec<WhatIfTotal>, AuditError> {
    let groups = sums(lines, |line| line.currency)?;
    let total = |(currency, (sum, _)): (Option<Currency>, (SideBySide, _))| WhatIfTotal {
        currency,
        audited: sum.audited,
        settings: sum.settings,
    };
    Ok(groups.into_iter().map(total).collect())
}

pub(super) fn clients(lines: &[WhatIfLine]) -> Result<Vec<ClientWhatIf>, AuditError> {
    let groups = sums(lines, |line| (&line.client, line.currency))?;
    let client = |((client, currency), (comparison, _)): ((&String, _), (SideBySide, _))| ClientWhatIf {
        client: client.clone(),
        currency,
        comparison,
    };
    Ok(groups.into_iter().map(client).collect())
}

pub(super) fn agreements(lines: &[WhatIfLine]) -> Result<Vec<AgreementWhatIf>, AuditError> {
    let groups = sums(lines, |line| (&line.client, &line.agreements, line.currency))?;
    let count = |lines: usize| u32::try_from(lines).unwrap_or(u32::MAX);
    let mut found = Vec::with_capacity(groups.len());
    for ((client, agreements, currency), (comparison, own)) in groups {
        found.push(AgreementWhatIf {
            client: client.clone(),
            agreements: agreements.clone(),
            currency,
            products: count(own.len()),
            products_leaking_by_setting: count(
                own.iter().filter(|line| line.comparison.leaks_by_setting).count(),
            ),
            comparison,
        });
    }
    Ok(found)
}
