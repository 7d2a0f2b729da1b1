//! What a month's audit changes about a client's gaps, as it is announced.

use rust_decimal::{Decimal, RoundingStrategy};

/// A change of a gap that is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GapChange {
    /// Seen for the first time.
    Found,
    /// The last month that was compared has it no more.
    Closed,
    /// It is there again.
    Recurred,
}

/// What was announced of a gap last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapState {
    /// It is there.
    Open,
    /// It is gone.
    Closed,
}

/// What an audit of one month changes about a gap, and the state that follows; none: nothing is known of it.
///
/// `known`: what was announced before. `seen`: whether the audit found it. `latest`: no later month of the
/// client has been compared. A gap is open if the latest month has it: an older month that is audited again
/// opens and closes nothing, but can show a gap that nobody had seen.
pub fn changes(known: Option<GapState>, seen: bool, latest: bool) -> (Vec<GapChange>, Option<GapState>) {
    match (known, seen, latest) {
        (None, true, true) => (vec![GapChange::Found], Some(GapState::Open)),
        (None, true, false) => (vec![GapChange::Found, GapChange::Closed], Some(GapState::Closed)),
        (Some(GapState::Closed), true, true) => (vec![GapChange::Recurred], Some(GapState::Open)),
        (Some(GapState::Open), false, true) => (vec![GapChange::Closed], Some(GapState::Closed)),
        (known, _, _) => (Vec::new(), known),
    }
}

/// A part of a whole with four decimals, half away from zero; none where the whole is nothing.
pub fn share(part: u64, whole: u64) -> Option<Decimal> {
    let exact = Decimal::from(part).checked_div(Decimal::from(whole))?;
    let mut share = exact.round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero);
    share.rescale(4);
    Some(share)
}
