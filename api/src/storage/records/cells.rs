//! Cells of the row tables, decoded without a detour: exact numbers, and words that stand for something.
//!
//! An audit reads millions of cells. A number through the database's general form took ten times as long, and a
//! word in a text of its own was made only to be thrown away.

use super::{action, assigned_by, cycle, kind, line_type, term};
use crate::storage::StorageError;
use leakage_core::money::Currency;
use leakage_core::records::{AssignedBy, ChargeKind, Cycle, LineType, ProvisioningAction, Term};
use rust_decimal::Decimal;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::{Decode, Postgres, Type};

/// A `numeric`, with the digits that it was stored with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exact(pub Decimal);

impl Type<Postgres> for Exact {
    fn type_info() -> PgTypeInfo {
        <Decimal as Type<Postgres>>::type_info()
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        <Decimal as Type<Postgres>>::compatible(ty)
    }
}

impl<'r> Decode<'r, Postgres> for Exact {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        if value.format() == PgValueFormat::Binary
            && let Some(quick) = quick(value.as_bytes()?)
        {
            return Ok(Self(quick));
        }
        Decimal::decode(value).map(Self)
    }
}

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;

/// A number of at most 28 digits from its binary form: digits of base 10,000, the place of the first one, a
/// sign, and how many decimals it has. `None`: to be decoded in the general way.
fn quick(bytes: &[u8]) -> Option<Decimal> {
    let mut words = bytes.chunks_exact(2).map(|word| <[u8; 2]>::try_from(word).map(u16::from_be_bytes));
    let mut next = || words.next()?.ok();
    let (digits, weight, sign, scale) = (next()?, next()?.cast_signed(), next()?, u32::from(next()?));
    if digits == 0 {
        return Some(Decimal::ZERO);
    }
    let mut mantissa: i128 = 0;
    for _ in 0..digits.min(8) {
        mantissa = mantissa * 10_000 + i128::from(next()?);
    }
    // Powers of ten by which it falls short of having all its decimals.
    let places = 4 * (i32::from(weight) - (i32::from(digits) - 1)) + i32::try_from(scale).ok()?;
    let length = 4 * i32::from(digits) + places.max(0);
    if length > 28 || scale > 28 {
        return None;
    }
    let power = 10_i128.checked_pow(places.unsigned_abs())?;
    if places >= 0 {
        mantissa *= power;
    } else if mantissa % power == 0 {
        mantissa /= power;
    } else {
        return None;
    }
    match sign {
        POSITIVE => {}
        NEGATIVE => mantissa = -mantissa,
        _ => return None,
    }
    Decimal::try_from_i128_with_scale(mantissa, scale).ok()
}

/// A text column that holds one of some words.
macro_rules! word {
    ($name:ident, $of:ty, $parse:expr) => {
        #[derive(Clone, Copy)]
        pub(super) struct $name(pub $of);

        impl Type<Postgres> for $name {
            fn type_info() -> PgTypeInfo {
                <str as Type<Postgres>>::type_info()
            }

            fn compatible(ty: &PgTypeInfo) -> bool {
                <str as Type<Postgres>>::compatible(ty)
            }
        }

        impl<'r> Decode<'r, Postgres> for $name {
            fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
                let parse: fn(&str) -> Result<$of, StorageError> = $parse;
                Ok(Self(parse(<&str as Decode<'r, Postgres>>::decode(value)?)?))
            }
        }
    };
}

word!(TermCell, Term, term);
word!(CycleCell, Cycle, cycle);
word!(LineTypeCell, LineType, line_type);
word!(KindCell, ChargeKind, kind);
word!(AssignedByCell, AssignedBy, assigned_by);
word!(ActionCell, ProvisioningAction, action);
word!(CurrencyCell, Currency, |text| text.parse().map_err(|_| StorageError::Corrupt { column: "currency" }));

#[cfg(test)]
mod tests {
    use super::*;

    /// The binary form: digits of base 10,000 from `weight` down.
    fn binary(weight: i16, negative: bool, scale: u16, digits: &[u16]) -> Vec<u8> {
        let count = u16::try_from(digits.len()).unwrap();
        let sign = if negative { NEGATIVE } else { POSITIVE };
        let head = [count, weight.cast_unsigned(), sign, scale];
        head.iter().chain(digits).flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn numbers_keep_their_digits() {
        for (weight, negative, scale, digits, shown) in [
            (0, false, 2, &[22, 5000][..], "22.50"),
            (0, false, 0, &[7], "7"),
            (1, false, 0, &[1], "10000"),
            (0, true, 2, &[3, 8700], "-3.87"),
            (-1, false, 6, &[9666, 6700], "0.966667"),
            (0, false, 4, &[4], "4.0000"),
            (-2, false, 8, &[1], "0.00000001"),
            (1, true, 3, &[12, 3456, 7890], "-123456.789"),
        ] {
            let bytes = binary(weight, negative, scale, digits);
            assert_eq!(quick(&bytes).unwrap().to_string(), shown);
        }
        assert_eq!(quick(&binary(0, false, 2, &[])), Some(Decimal::ZERO));
        assert_eq!(quick(&binary(9, false, 0, &[1])), None, "too long for the quick way");
        assert_eq!(quick(&[0, 1, 0, 0, 0xC0, 0, 0, 0, 0, 1]), None, "not a number");
    }
}
