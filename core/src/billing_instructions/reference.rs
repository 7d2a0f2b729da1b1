//! The reference that ties an invoice line to its correction: short, checkable, and found again in any text.
//!
//! `LF-`, eight symbols, a check letter; of an instalment its number after a dash: `LF-7KQ2M9XAC-2`; `-0` where a
//! line makes up for the first period of another quantity. The
//! symbols are 31 (no `0`, `1`, `I`, `L`, `O`), a prime: the check finds every wrong symbol and every two that
//! changed places. It follows from the correction's id, so nothing has to be stored, and an old correction has
//! one as well. Of 10,000 corrections two share one with a chance of 1 in 17,000; documents are compared within one
//! client.

use crate::id::CorrectionId;
use sha2::{Digest as _, Sha256};
use std::fmt;

const SYMBOLS: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
const PREFIX: &str = "LF-";
/// Symbols without the check letter.
const LENGTH: usize = 8;

/// The number of lines that make up for the first period of another quantity: no money of the past.
pub(super) const FIRST_PERIOD: u16 = 0;

/// A reference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// With its check letter, without `LF-`.
    symbols: String,
    /// The instalment.
    part: Option<u16>,
}

fn value(symbol: u8) -> Option<usize> {
    SYMBOLS.iter().position(|known| *known == symbol)
}

/// The check letter: the sum of the symbols' places, each times its position, modulo 31.
fn check(values: &[usize]) -> Option<char> {
    let sum: usize = values.iter().zip(1..).map(|(value, weight)| value * weight).sum();
    SYMBOLS.get(sum % SYMBOLS.len()).map(|symbol| char::from(*symbol))
}

impl Reference {
    /// Of a correction.
    pub fn of(correction: CorrectionId) -> Self {
        let digest = Sha256::digest(correction.uuid().as_bytes());
        let mut left = digest.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let mut values = Vec::with_capacity(LENGTH);
        for _ in 0..LENGTH {
            values.push(usize::try_from(left % 31).unwrap_or_default());
            left /= 31;
        }
        let symbol = |value: &usize| SYMBOLS.get(*value).map(|symbol| char::from(*symbol));
        let symbols = values.iter().filter_map(symbol).chain(check(&values)).collect();
        Self { symbols, part: None }
    }

    /// Of one instalment.
    #[must_use]
    pub fn part(&self, number: u16) -> Self {
        Self { symbols: self.symbols.clone(), part: Some(number) }
    }

    /// Its number after the dash.
    pub(super) const fn number(&self) -> Option<u16> {
        self.part
    }

    /// Whether both are of the same correction.
    pub fn same_correction(&self, other: &Self) -> bool {
        self.symbols == other.symbols
    }

    /// The first reference that stands in a text by itself, whose check letter is right; and where it begins.
    pub fn find(text: &str) -> Option<(usize, Self)> {
        let upper = text.to_ascii_uppercase();
        let mut from = 0;
        while let Some(at) = upper.get(from..)?.find(PREFIX).map(|at| at + from) {
            from = at + PREFIX.len();
            let apart = !upper.get(..at)?.ends_with(|c: char| c.is_ascii_alphanumeric());
            if let Some(found) = upper.get(from..).filter(|_| apart).and_then(Self::read) {
                return Some((at, found));
            }
        }
        None
    }

    /// What follows `LF-`.
    fn read(rest: &str) -> Option<Self> {
        let symbols = rest.get(..=LENGTH)?;
        let values: Vec<usize> = symbols.bytes().map(value).collect::<Option<_>>()?;
        let right = check(values.get(..LENGTH)?) == symbols.chars().last();
        let rest = rest.get(LENGTH + 1..)?;
        if !right || rest.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        let digits = rest.strip_prefix('-').map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            rest.get(..end).unwrap_or_default()
        });
        let part = digits.and_then(|digits| digits.parse().ok());
        Some(Self { symbols: symbols.to_owned(), part })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.symbols)?;
        self.part.map_or(Ok(()), |part| write!(f, "-{part}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reference(id: u128) -> Reference {
        Reference::of(CorrectionId::new(uuid::Uuid::from_u128(id)))
    }

    #[test]
    fn it_is_found_in_the_texts_of_invoices() {
        let one = reference(7);
        for text in [
            format!("{one}"),
            format!("Microsoft 365 Business Premium [{one}] 2026-02"),
            format!("see lf-1 and {}.", one.to_string().to_lowercase()),
        ] {
            let (at, found) = Reference::find(&text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                (found, text.get(at..at + 3).map(str::to_uppercase)),
                (one.clone(), Some("LF-".to_owned()))
            );
        }
        let second = one.part(2);
        let (_, found) = Reference::find(&format!("Seat [{second}]")).unwrap();
        assert_eq!(found, second);
        assert!(found.same_correction(&one) && !found.same_correction(&reference(8)));
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        let one = reference(7).to_string();
        for text in
            [String::new(), "LF-".to_owned(), format!("X{one}"), format!("{one}7"), "LF-é2345678".to_owned()]
        {
            assert_eq!(Reference::find(&text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_wrong_symbol_or_two_that_changed_places_are_noticed(
            id: u128, at in 0..9_usize, other in 0..31_usize, swap in 0..8_usize
        ) {
            let one = reference(id).to_string();
            let mut bytes = one.clone().into_bytes();
            bytes[3 + at] = SYMBOLS[other];
            let changed = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(Reference::find(&changed).is_some(), changed == one);
            let mut bytes = one.clone().into_bytes();
            bytes.swap(3 + swap, 4 + swap);
            let swapped = String::from_utf8(bytes).unwrap();
            prop_assert!(swapped == one || Reference::find(&swapped).is_none());
        }

        #[test]
        fn no_text_breaks_it(text in ".*") {
            let _ = Reference::find(&text);
        }
    }
}
