//! The words of Pax8 for how long and how often: `Monthly`, `1-Year`, `2 Year`, `One Time`.

use super::table::fold;
use crate::records::{Cycle, Term};
use rust_decimal::Decimal;

/// What one price pays for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pays {
    Cycle(Cycle),
    /// Two years: half of the price pays for one.
    TwoYears,
    /// Nothing that comes again.
    Once,
}

impl Pays {
    pub(super) const fn cycle(self) -> Cycle {
        match self {
            Self::Cycle(cycle) => cycle,
            Self::TwoYears => Cycle::Annual,
            Self::Once => Cycle::Monthly,
        }
    }

    /// The price of one whole cycle, where the stated price is for another length.
    pub(super) fn per_cycle(self, price: Decimal) -> Option<Decimal> {
        // Half of an exact decimal is exact.
        if self == Self::TwoYears { price.checked_div(Decimal::TWO) } else { None }
    }
}

pub(super) fn pays(text: &str) -> Option<Pays> {
    Some(match fold(text).as_str() {
        "monthly" | "month" | "1month" => Pays::Cycle(Cycle::Monthly),
        "annual" | "annually" | "yearly" | "1year" => Pays::Cycle(Cycle::Annual),
        "2year" | "2years" => Pays::TwoYears,
        "3year" | "3years" => Pays::Cycle(Cycle::Triennial),
        "onetime" | "activation" => Pays::Once,
        _ => return None,
    })
}

/// The commitment, where it is one of those that terms are told by.
pub(super) fn term(text: &str) -> Option<Term> {
    match fold(text).as_str() {
        "monthly" | "month" | "1month" => Some(Term::Monthly),
        "annual" | "yearly" | "1year" => Some(Term::Annual),
        "3year" | "3years" | "triennial" => Some(Term::Triennial),
        _ => None,
    }
}
