//! Money: an exact decimal and its currency, and the one function that rounds it.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An ISO 4217 alphabetic currency code, such as `USD`.
///
/// Any three ASCII letters are accepted, upper-cased: a file may name a currency that is newer than
/// this code. Amounts of different currencies are never added.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[A-Z]{3}$", example = "USD", min_length = 3, max_length = 3))]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// US dollar, for tests and examples.
    pub const USD: Self = Self(*b"USD");
    /// Euro, for tests and examples.
    pub const EUR: Self = Self(*b"EUR");

    /// The code as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// Digits of the minor unit after the point, by ISO 4217 (2 for most, 0 for yen, 3 for dinars).
    pub const fn minor_digits(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

/// The text is not a currency code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a currency code of three letters (ISO 4217), such as USD")]
pub struct CurrencyError(pub String);

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_alphabetic) => {
                Ok(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase(), c.to_ascii_uppercase()]))
            }
            _ => Err(CurrencyError(text.chars().take(40).collect())),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = CurrencyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount of one currency, at the currency's minor unit. In JSON: `{"amount":"352.00","currency":"USD"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Decimal text with the currency's number of digits.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "352.00", max_length = 40, pattern = r"^-?\d{1,28}(\.\d{1,28})?$"))]
    pub amount: Decimal,
    /// ISO 4217 code.
    pub currency: Currency,
}

impl Money {
    /// No money of this currency.
    pub fn zero(currency: Currency) -> Self {
        Self::from_minor(0, currency)
    }

    /// From the currency's minor unit (cents for USD).
    pub fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { amount: Decimal::new(minor, currency.minor_digits()), currency }
    }

    /// Rounds an exact amount to the currency's minor unit, half away from zero.
    ///
    /// The one place where money is rounded: once per gap line and month.
    pub fn round(exact: Decimal, currency: Currency) -> Self {
        let digits = currency.minor_digits();
        let mut amount = exact.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
        amount.rescale(digits);
        Self { amount, currency }
    }

    /// In the currency's minor unit, rounded as [`Money::round`]; `None` when it does not fit.
    pub fn minor(self) -> Option<i64> {
        let rounded = Self::round(self.amount, self.currency).amount;
        i64::try_from(rounded.mantissa()).ok()
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn halves_round_away_from_zero() {
        for (exact, rounded) in
            [("0.005", "0.01"), ("-0.005", "-0.01"), ("44.785714", "44.79"), ("5.8", "5.80")]
        {
            assert_eq!(Money::round(dec(exact), Currency::USD).amount.to_string(), rounded);
        }
    }

    #[test]
    fn minor_units_follow_the_currency() {
        let yen: Currency = "jpy".parse().unwrap();
        assert_eq!(Money::round(dec("10.5"), yen).minor(), Some(11));
        assert_eq!(Money::round(dec("10.505"), Currency::EUR).minor(), Some(1051));
        assert_eq!(Money::from_minor(1051, Currency::EUR).amount.to_string(), "10.51");
    }

    #[test]
    fn a_currency_is_three_letters() {
        for bad in ["", "US", "USDX", "U$D", "12A"] {
            assert!(bad.parse::<Currency>().is_err(), "{bad}");
        }
        assert_eq!(" usd ".parse::<Currency>().unwrap(), Currency::USD);
    }
}
