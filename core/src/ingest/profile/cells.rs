//! Cells of foreign files, written as our template writes them.

use super::super::number::{self, Commas};
use super::names::folded;
use super::words;
use crate::money::Currency;
use rust_decimal::Decimal;

/// What kind of value a field of the template holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Text,
    Number,
    Money,
    Currency,
    First,
    Last,
    Term,
    Cycle,
    LineType,
}

impl Holds {
    /// By the field's name: the template's kinds use one vocabulary.
    pub(super) fn of(field: &str) -> Self {
        match field {
            "quantity" | "included" | "purchased" | "assigned" | "active" => Self::Number,
            "unit_price" | "unit_cost" => Self::Money,
            "currency" => Self::Currency,
            "from" => Self::First,
            "until" => Self::Last,
            "term" => Self::Term,
            "cycle" => Self::Cycle,
            "line_type" => Self::LineType,
            _ => Self::Text,
        }
    }
}

/// A number, with the currency that may stand beside it.
///
/// # Errors
/// What is wrong with it, to follow the value.
pub(super) fn amount(text: &str, commas: Commas) -> Result<(Decimal, Option<Currency>), String> {
    // Nearly every cell.
    if let Ok(number) = number::parse(text, commas) {
        return Ok((number, currency_beside(text)));
    }
    let bare: String = text.chars().filter(|c| !c.is_alphabetic()).collect();
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    // A currency's code and nothing else: `12 GB` or `1 Monat` are no numbers.
    let coded = letters.len() == 3 && letters.bytes().all(|b| b.is_ascii_uppercase());
    if !letters.is_empty() && !coded {
        return Err("is not a number".to_owned());
    }
    let mut plain: String = bare
        .trim()
        .char_indices()
        .filter(|&(at, c)| !c.is_whitespace() && (at == 0 || !matches!(c, '\'' | '\u{2019}')))
        .map(|(_, c)| c)
        .collect();
    // `22,50-`, as bookkeeping writes it.
    if let Some(positive) = plain.strip_suffix('-') {
        plain = format!("-{positive}");
    }
    let number = number::parse(&plain, commas).map_err(|error| error.to_string())?;
    let currency = if coded { letters.parse().ok() } else { currency_beside(text) };
    Ok((number, currency))
}

/// The currency of a sign that stands for one currency only.
fn currency_beside(text: &str) -> Option<Currency> {
    let code = text.chars().find_map(|c| match c {
        '€' => Some("EUR"),
        '£' => Some("GBP"),
        _ => None,
    })?;
    code.parse().ok()
}

/// A currency: its code, or a price with its sign or code.
pub(super) fn currency(text: &str) -> Option<Currency> {
    if let Ok(code) = text.parse() {
        return Some(code);
    }
    if folded(text) == "euro" {
        return Some(Currency::EUR);
    }
    let mut codes = text
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| word.len() == 3 && word.bytes().all(|b| b.is_ascii_uppercase()));
    match (codes.next(), codes.next()) {
        (Some(code), None) => code.parse().ok(),
        (None, _) => currency_beside(text),
        _ => None,
    }
}

/// A word of a term, cycle or line type as the template writes it; others stay as they are, and the
/// template says what it takes.
pub(super) fn word(text: &str, holds: Holds) -> Option<&'static str> {
    let known = folded(text);
    match holds {
        Holds::Term => words::term(&known),
        Holds::Cycle => words::cycle(&known),
        Holds::LineType => words::line_type(&known),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_with_their_currency() {
        for (text, commas, number, code) in [
            ("1.234,50 €", Commas::Decimal, "1234.50", Some("EUR")),
            ("1 234,50", Commas::Decimal, "1234.50", None),
            ("1\u{202f}234,50\u{a0}€", Commas::Decimal, "1234.50", Some("EUR")),
            ("CHF 1'234.50", Commas::Thousands, "1234.50", Some("CHF")),
            ("22.00 USD", Commas::Thousands, "22.00", Some("USD")),
            ("$22.00", Commas::Thousands, "22.00", None),
            ("22,50-", Commas::Decimal, "-22.50", None),
            ("EUR -3,00", Commas::Decimal, "-3.00", Some("EUR")),
        ] {
            let (read, currency) = amount(text, commas).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(read.to_string(), number, "{text}");
            assert_eq!(currency.map(|currency| currency.to_string()).as_deref(), code, "{text}");
        }
        for text in ["12 GB", "abc", "", "1 Monat", "12.5.3", "E3", "EURUSD 3", "ab1c"] {
            assert!(amount(text, Commas::Thousands).is_err(), "{text}");
        }
    }

    #[test]
    fn currencies_are_found_beside_prices_and_never_guessed() {
        for (text, code) in [
            ("eur", Some("EUR")),
            ("22,00 €", Some("EUR")),
            ("22.00 USD", Some("USD")),
            ("$22", None),
            ("Dollar", None),
        ] {
            assert_eq!(currency(text).map(|currency| currency.to_string()).as_deref(), code, "{text}");
        }
    }

    #[test]
    fn terms_and_cycles_are_read_in_five_languages() {
        for (text, term) in [
            ("jährlich", "annual"),
            ("12 Monate", "annual"),
            ("mensuel", "monthly"),
            ("3 jaar", "triennial"),
            ("P1Y", "annual"),
            ("anual", "annual"),
        ] {
            assert_eq!(word(text, Holds::Term), Some(term), "{text}");
        }
        assert_eq!(word("vierteljährlich", Holds::Cycle), Some("quarterly"));
        assert_eq!(word("Gutschrift", Holds::LineType), Some("credit"));
        assert_eq!(word("whenever", Holds::Term), None);
    }
}
