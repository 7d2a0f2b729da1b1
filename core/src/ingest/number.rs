//! Numbers as people and systems write them, to exact decimals.

use rust_decimal::Decimal;
use std::str::FromStr;

/// Why a text is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NumberError {
    #[error("is not a number")]
    NotANumber,
    #[error(
        "may have a decimal comma or a thousands comma; write it with a point and without thousands separators"
    )]
    Comma,
    #[error("has more digits than can be kept exactly")]
    TooPrecise,
}

/// How commas in numbers are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Commas {
    /// `1,234.50` is twelve hundred and more: only groups of three digits.
    #[default]
    Thousands,
    /// In a file with `;` or TAB between cells a comma could be either, unless the file proves what it
    /// is (see [`Evidence`]): refused.
    Unclear,
    /// The file proves that `3,50` is three and a half, and points stand before groups of three digits.
    Decimal,
}

/// What the numbers of a file say about its commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    /// First number whose comma can only be a decimal comma, and its line.
    pub(super) comma: Option<(String, u32)>,
    /// Some number has a decimal point, or commas before groups of three digits.
    pub(super) point: bool,
}

impl Evidence {
    /// Takes one more cell in. What is no number says nothing; nor do guarded numbers (`'22.0000`),
    /// which are text to a spreadsheet and stay as the source wrote them.
    pub(super) fn add(&mut self, cell: &str, line: u32) {
        let text = cell.trim_matches(blank);
        let bare = text.trim_matches(|c| currency_sign(c) || blank(c) || matches!(c, '-' | '+' | '(' | ')'));
        let (bare, _) = bare.split_once(['e', 'E']).unwrap_or((bare, ""));
        let Some(last) = bare.rfind([',', '.']) else { return };
        if !bare.bytes().all(|b| b.is_ascii_digit() || matches!(b, b',' | b'.')) {
            return;
        }
        let comma = bare.as_bytes().get(last) == Some(&b',');
        let (whole, rest) = (&bare[..last], &bare[last + 1..]);
        if rest.is_empty() {
            return;
        }
        let grouped = |whole: &str, sign: char| {
            let mut groups = whole.split(sign);
            let first = groups.next().unwrap_or_default();
            (1..=3).contains(&first.len())
                && first.bytes().all(|b| b.is_ascii_digit())
                && groups.all(|group| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit()))
        };
        let (own, other) = if comma { (',', '.') } else { ('.', ',') };
        let decimal = if whole.contains(own) {
            // Several of one kind: thousands, or no number at all (a date).
            if whole.contains(other) || !grouped(whole, own) || rest.len() != 3 {
                return;
            }
            false
        } else if whole.contains(other) {
            if !grouped(whole, other) {
                return;
            }
            true
        } else if rest.len() != 3 || whole.len() > 3 || whole.is_empty() || whole.starts_with('0') {
            true
        } else {
            return;
        };
        if comma != decimal {
            self.point = true;
        } else if self.comma.is_none() {
            self.comma = Some((text.to_owned(), line));
        }
    }
}

/// Reads `22`, `'22.0000` (a spreadsheet guard), `0E-20`, `$1,000.00`, `(12.00)`, `-94.2`. Never guesses
/// a decimal comma.
pub(super) fn parse(text: &str, commas: Commas) -> Result<Decimal, NumberError> {
    // The plain case first: it is nearly every cell of a million-row file.
    if let Some(number) = plain(text.as_bytes(), commas) {
        return Ok(number);
    }
    let mut rest = text.trim_matches(blank);
    let pointed;
    if commas == Commas::Decimal && !rest.starts_with('\'') {
        pointed = with_point(rest)?;
        rest = &pointed;
    }
    rest = rest.strip_prefix('\'').unwrap_or(rest).trim_matches(blank);
    let mut negative = false;
    if let Some(inner) = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        (negative, rest) = (true, inner.trim_matches(blank));
    }
    rest = rest.trim_start_matches(currency_sign).trim_matches(blank);
    if let Some(after) = rest.strip_prefix(['-', '\u{2212}']) {
        if negative {
            return Err(NumberError::NotANumber);
        }
        (negative, rest) = (true, after.trim_start_matches(currency_sign).trim_matches(blank));
    } else {
        rest = rest.strip_prefix('+').unwrap_or(rest);
    }
    rest = rest.trim_end_matches(currency_sign).trim_matches(blank);
    let number = unsigned(rest, commas)?;
    Ok(if negative { -number } else { number })
}

/// Digits with at most one point among them and a minus before them, as far as a machine word holds them.
fn plain(text: &[u8], commas: Commas) -> Option<Decimal> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > 18 {
        return None;
    }
    let (mut mantissa, mut point) = (0_i64, None);
    for (at, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => mantissa = mantissa * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() && commas != Commas::Decimal => point = Some(at),
            _ => return None,
        }
    }
    let scale = match point {
        None => 0,
        // Points at an end are for the careful reading.
        Some(at) if at == 0 || at + 1 == digits.len() => return None,
        Some(at) => digits.len() - at - 1,
    };
    if digits.is_empty() || (negative && mantissa == 0) {
        return None;
    }
    Some(Decimal::new(if negative { -mantissa } else { mantissa }, u32::try_from(scale).ok()?))
}

fn blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

fn currency_sign(c: char) -> bool {
    matches!(c, '$' | '€' | '£' | '¥')
}

fn unsigned(text: &str, commas: Commas) -> Result<Decimal, NumberError> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if fraction.contains(',') || (whole.is_empty() && fraction.is_empty()) {
        return Err(if text.contains(',') { NumberError::Comma } else { NumberError::NotANumber });
    }
    // A point behind them shows that the commas are not decimal.
    let commas = if fraction.is_empty() { commas } else { Commas::Thousands };
    let whole = if whole.contains(',') { without_commas(whole, commas)? } else { whole.to_owned() };
    if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return Err(NumberError::NotANumber);
    }
    let exponent = match exponent {
        None => 0,
        Some(digits) => i32::from_str(digits).map_err(|_| NumberError::NotANumber)?,
    };
    let kept = fraction.trim_end_matches('0');
    // The source's own precision where it fits, without trailing zeros where it does not.
    for fraction in [fraction, kept] {
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() && exponent != 0 {
            return Ok(Decimal::ZERO);
        }
        let scale = i32::try_from(fraction.len()).unwrap_or(i32::MAX).saturating_sub(exponent);
        if let Some(number) = exact(digits, scale) {
            return Ok(number);
        }
    }
    Err(NumberError::TooPrecise)
}

fn exact(digits: &str, scale: i32) -> Option<Decimal> {
    let digits = if digits.is_empty() { "0" } else { digits };
    if scale < 0 {
        let zeros = usize::try_from(scale.unsigned_abs()).ok().filter(|&zeros| zeros < 30)?;
        return Decimal::from_str_exact(&format!("{digits}{}", "0".repeat(zeros))).ok();
    }
    let mantissa = i128::from_str(digits).ok()?;
    Decimal::try_from_i128_with_scale(mantissa, u32::try_from(scale).ok()?).ok()
}

/// A number with a decimal comma as one with a decimal point.
fn with_point(text: &str) -> Result<String, NumberError> {
    let (whole, fraction) = text.split_once(',').unwrap_or((text, ""));
    let mut groups = whole.split('.');
    groups.next();
    // A point with no comma after it may be the source's own decimal point.
    let unclear = fraction.is_empty() && whole.contains('.');
    if unclear || fraction.contains([',', '.']) || !groups.all(|group| group.len() == 3) {
        return Err(NumberError::Comma);
    }
    Ok(if fraction.is_empty() { text.to_owned() } else { format!("{}.{fraction}", whole.replace('.', "")) })
}

/// Takes the commas out when they stand before groups of three digits, and nowhere else.
fn without_commas(whole: &str, commas: Commas) -> Result<String, NumberError> {
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let fits =
        (1..=3).contains(&first.len()) && !first.starts_with('0') && groups.all(|group| group.len() == 3);
    if commas != Commas::Thousands || !fits {
        return Err(if whole.bytes().all(|b| b.is_ascii_digit() || b == b',') {
            NumberError::Comma
        } else {
            NumberError::NotANumber
        });
    }
    Ok(whole.replace(',', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_real_files_write() {
        for (text, number) in [
            ("22", "22"),
            ("'22.000000000000000000", "22.000000000000000000"),
            ("'0E-20", "0"),
            ("0E-40", "0"),
            ("1.5E3", "1500"),
            ("$1,000.00", "1000.00"),
            ("$1,150.50", "1150.50"),
            ("(12.00)", "-12.00"),
            ("-$5", "-5"),
            ("−94.2", "-94.2"),
            (" 2\u{a0}", "2"),
            ("9223372036854780000", "9223372036854780000"),
            ("123456789.000000000000000000000", "123456789.00000000000000000000"),
            (".5", "0.5"),
            ("+3", "3"),
            ("0.846202666", "0.846202666"),
        ] {
            let read = parse(text, Commas::Thousands).map(|number| number.normalize());
            assert_eq!(read, Ok(number.parse::<Decimal>().unwrap().normalize()), "{text}");
        }
        assert_eq!(parse("9.60", Commas::Thousands).unwrap().to_string(), "9.60", "precision stays");
    }

    #[test]
    fn commas_that_could_mean_two_things_are_refused() {
        for text in ["0,045", "22,00", "1,2345", "1,23,456", "1.000,00", "12,5"] {
            assert_eq!(parse(text, Commas::Thousands), Err(NumberError::Comma), "{text}");
        }
        assert_eq!(parse("1,234", Commas::Unclear), Err(NumberError::Comma));
    }

    #[test]
    fn a_proven_decimal_comma_is_read_and_points_are_thousands() {
        for (text, number) in [
            ("3,50", "3.50"),
            ("1.234,50", "1234.50"),
            ("-0,045", "-0.045"),
            ("1,5E-05", "0.000015"),
            ("12", "12"),
            ("'22.0000", "22"),
            ("1,234", "1.234"),
            ("1.234.567,1 €", "1234567.1"),
        ] {
            let read = parse(text, Commas::Decimal).map(|number| number.normalize());
            assert_eq!(read, Ok(number.parse::<Decimal>().unwrap()), "{text}");
        }
        for text in ["1.234", "3.50", "1,234,567", "1.23,4", "abc", "3,", ","] {
            assert!(parse(text, Commas::Decimal).is_err(), "{text}");
        }
    }

    #[test]
    fn only_what_can_be_nothing_else_proves_a_comma_or_a_point() {
        let told = |cell: &str| {
            let mut evidence = Evidence::default();
            evidence.add(cell, 2);
            (evidence.comma.is_some(), evidence.point)
        };
        for cell in ["3,50", "0,045", "1.234,50", "-9,6", "1.234.567", "1234,567", "1,5E-05"] {
            assert_eq!(told(cell), (true, false), "{cell}");
        }
        for cell in ["3.50", "0.045", "1,234.50", "$1,234,567", "(12.5)"] {
            assert_eq!(told(cell), (false, true), "{cell}");
        }
        for cell in ["1,234", "1.234", "30.09.2020", "12", "'22.0000", "abc", "", "A, B", "1,", "10.0.0.1"] {
            assert_eq!(told(cell), (false, false), "{cell}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "", "abc", "-", ".", "1 2", "--5", "(-5)", "1e", "NaN", "inf", "0x10", "1_000", "１２", "5%",
            "()",
        ] {
            assert!(parse(text, Commas::Thousands).is_err(), "{text}");
        }
        assert_eq!(
            parse("0.00000000000000000000000000000000001", Commas::Thousands),
            Err(NumberError::TooPrecise)
        );
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_keeps_what_it_reads(text in "\\PC{0,24}") {
            if let Ok(number) = parse(&text, Commas::Thousands) {
                assert_eq!(parse(&number.to_string(), Commas::Thousands), Ok(number));
            }
        }
    }
}
