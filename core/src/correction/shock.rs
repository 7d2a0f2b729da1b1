//! Invoice shock: how much larger the next invoice gets than the client is used to, and what that asks for.

use super::state::named;
use serde::{Deserialize, Serialize};

named! {
    /// What a shock asks for before the client is told. Each includes the ones before it but the warning.
    Band {
        /// Nothing.
        Send = "send",
        /// Whoever sends it is warned.
        Warn = "warn",
        /// Payment in parts must be offered.
        PlanOffer = "plan_offer",
        /// Payment in parts must be offered, and an admin must approve.
        PlanAndApproval = "plan_and_approval",
    }
}

impl Band {
    /// Whether payment in parts must be offered.
    pub const fn needs_plan(self) -> bool {
        matches!(self, Self::PlanOffer | Self::PlanAndApproval)
    }
}

/// Where the bands begin, in percent of the usual invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Bands {
    /// From here on a warning.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1000, example = 10))]
    pub warn_from: u16,
    /// Above this a plan offer; an instalment above it needs a longer plan or an approval.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1000, example = 25))]
    pub plan_above: u16,
    /// Above this also an approval.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1000, example = 50))]
    pub approval_above: u16,
}

impl Default for Bands {
    fn default() -> Self {
        Self { warn_from: 10, plan_above: 25, approval_above: 50 }
    }
}

impl Bands {
    /// Whether they ascend.
    pub const fn ascend(self) -> bool {
        self.warn_from <= self.plan_above && self.plan_above <= self.approval_above
    }
}

/// What a client is announced for one invoice: money for the past, and more each month from then on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// Under-billing of the past, in minor units.
    pub retro: i64,
    /// Increase of each invoice from then on, in minor units.
    pub forward: i64,
}

impl Announced {
    /// Both together: what the invoice grows by.
    pub const fn increase(self) -> i64 {
        self.retro.saturating_add(self.forward)
    }

    /// With another correction of the same client, currency and invoice date.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            retro: self.retro.saturating_add(other.retro),
            forward: self.forward.saturating_add(other.forward),
        }
    }
}

/// The shock of an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shock {
    /// All that is announced for this client, currency and invoice date.
    pub announced: Announced,
    /// Median of the last three regular invoice totals before tax; of two their mean; none: not known.
    pub usual: Option<i64>,
    /// What it asks for.
    pub band: Band,
}

impl Shock {
    /// From the last regular invoice totals, newest last (older than three are not looked at).
    pub fn of(announced: Announced, totals: &[i64], bands: Bands) -> Self {
        let usual = usual(totals);
        let increase = announced.increase();
        let band = match usual {
            _ if increase <= 0 => Band::Send,
            None => Band::PlanAndApproval,
            Some(_) if above(increase, usual, bands.approval_above) => Band::PlanAndApproval,
            Some(_) if above(increase, usual, bands.plan_above) => Band::PlanOffer,
            Some(_) if !below(increase, usual, bands.warn_from) => Band::Warn,
            Some(_) => Band::Send,
        };
        Self { announced, usual, band }
    }

    /// Hundredths of a percent by which the invoice grows, rounded half up. None where the usual is not known.
    pub fn basis_points(&self) -> Option<i64> {
        basis_points(self.announced.increase(), self.usual)
    }

    /// The invoice as the client is used to it, and as it would come.
    pub fn preview(&self) -> (Option<i64>, Option<i64>) {
        (self.usual, self.usual.map(|usual| usual.saturating_add(self.announced.increase())))
    }
}

/// Whether an instalment with the forward increase is more than the plan's limit of the usual invoice, so
/// that it needs a longer plan or an approval. Not known: it does.
pub fn instalment_too_large(instalment: i64, forward: i64, usual: Option<i64>, bands: Bands) -> bool {
    let sum = instalment.saturating_add(forward);
    sum > 0 && usual.is_none_or(|_| above(sum, usual, bands.plan_above))
}

/// Instalments that are needed so that each with the forward increase keeps within the limit; none where no
/// number is enough.
pub fn instalments_needed(total: i64, forward: i64, usual: Option<i64>, bands: Bands) -> Option<u16> {
    let limit = i128::from(usual?) * i128::from(bands.plan_above) / 100 - i128::from(forward);
    (limit > 0)
        .then(|| (i128::from(total) + limit - 1) / limit)
        .and_then(|count| u16::try_from(count.max(1)).ok())
}

/// Hundredths of a percent, rounded half up.
pub fn basis_points(increase: i64, usual: Option<i64>) -> Option<i64> {
    let usual = i128::from(usual?);
    let exact = (i128::from(increase) * 20_000 + usual) / (2 * usual);
    i64::try_from(exact).ok()
}

/// The usual invoice; none where there is no invoice, or it comes to nothing.
fn usual(totals: &[i64]) -> Option<i64> {
    let recent = totals.get(totals.len().saturating_sub(3)..)?;
    let mut sorted = recent.to_vec();
    sorted.sort_unstable();
    let median = match *sorted.as_slice() {
        [one] | [_, one, _] => one,
        [a, b] => narrow_mean(a, b),
        _ => return None,
    };
    (median > 0).then_some(median)
}

/// The mean, a half rounded up.
fn narrow_mean(a: i64, b: i64) -> i64 {
    super::share::narrow((i128::from(a) + i128::from(b) + 1).div_euclid(2))
}

fn above(increase: i64, usual: Option<i64>, percent: u16) -> bool {
    usual.is_some_and(|usual| i128::from(increase) * 100 > i128::from(usual) * i128::from(percent))
}

fn below(increase: i64, usual: Option<i64>, percent: u16) -> bool {
    usual.is_some_and(|usual| i128::from(increase) * 100 < i128::from(usual) * i128::from(percent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retro(retro: i64) -> Announced {
        Announced { retro, forward: 0 }
    }

    #[test]
    fn bands_begin_where_they_say() {
        for (increase, band) in [
            (0, Band::Send),
            (99, Band::Send),
            (100, Band::Warn),
            (250, Band::Warn),
            (251, Band::PlanOffer),
            (500, Band::PlanOffer),
            (501, Band::PlanAndApproval),
        ] {
            let shock = Shock::of(retro(increase), &[1000, 1000, 1000], Bands::default());
            assert_eq!(shock.band, band, "{increase}");
        }
    }

    #[test]
    fn the_usual_invoice_is_the_median_of_the_last_three() {
        for (totals, usual) in [
            (&[][..], None),
            (&[500], Some(500)),
            (&[500, 801], Some(651)),
            (&[900, 100, 500], Some(500)),
            (&[1, 1, 1, 900, 100, 500], Some(500)),
            (&[0, 0, 900], None),
        ] {
            assert_eq!(Shock::of(retro(10), totals, Bands::default()).usual, usual, "{totals:?}");
        }
    }

    #[test]
    fn without_an_invoice_to_compare_with_an_admin_decides() {
        assert_eq!(Shock::of(retro(1), &[], Bands::default()).band, Band::PlanAndApproval);
        assert_eq!(Shock::of(retro(0), &[], Bands::default()).band, Band::Send);
    }

    #[test]
    fn twelve_seats_of_eight_months_are_a_shock_of_180_percent() {
        let announced = Announced { retro: 211_200, forward: 26_400 };
        let shock = Shock::of(announced, &[132_000, 132_000, 132_000], Bands::default());
        assert_eq!((shock.basis_points(), shock.band), (Some(18_000), Band::PlanAndApproval));
        assert_eq!(shock.preview(), (Some(132_000), Some(369_600)));
        assert!(instalment_too_large(29_334, 26_400, shock.usual, Bands::default()));
        assert_eq!(basis_points(29_334 + 26_400, shock.usual), Some(4_222));
        assert_eq!(instalments_needed(176_000, 26_400, shock.usual, Bands::default()), Some(27));
        assert!(!instalment_too_large(6_519, 26_400, shock.usual, Bands::default()));
    }

    #[test]
    fn what_is_announced_for_the_same_invoice_adds_up() {
        let shock = Shock::of(retro(60).and(retro(60)), &[1000], Bands::default());
        assert_eq!(shock.band, Band::Warn);
    }
}
