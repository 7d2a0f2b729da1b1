//! Names of columns and profiles, folded further than headers are: without accents, so that `Stückpreis`
//! and `Stuckpreis`, `Période` and `PERIODE` are the same.

use super::PROFILE_SOURCE;
use crate::digest;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Characters of a source's name behind `profile_`.
const LONGEST: usize = 40;

/// Without accents, lower case; what is no letter or digit becomes a space.
fn plain(text: &str) -> String {
    let spelled = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    let mut out = String::with_capacity(text.len());
    for c in spelled {
        match c {
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'ø' => out.push('o'),
            'œ' => out.push_str("oe"),
            c if c.is_alphanumeric() => out.push(c),
            _ => out.push(' '),
        }
    }
    out
}

/// Letters and digits only.
pub(super) fn folded(text: &str) -> String {
    plain(text).split_whitespace().collect()
}

/// The words of a header: `unitPrice`, `unit_price` and `Unit Price` have the same two.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let mut apart = String::with_capacity(text.len() + 4);
    let mut lower = false;
    for c in text.chars() {
        if lower && c.is_uppercase() {
            apart.push(' ');
        }
        lower = c.is_lowercase();
        apart.push(c);
    }
    plain(&apart).split_whitespace().map(str::to_owned).collect()
}

/// The name of a profile's source: lower snake case, and never the same for two different names that
/// only lose what sets them apart.
pub(super) fn source(name: &str) -> String {
    let words = plain(name);
    let joined = words.split_whitespace().collect::<Vec<_>>().join("_");
    let ascii: String = joined.chars().filter(char::is_ascii).take(LONGEST).collect();
    let ascii = ascii.trim_matches('_');
    if joined.is_empty() && name.trim().is_empty() {
        return PROFILE_SOURCE.to_owned();
    }
    if ascii.len() == joined.len() && !ascii.is_empty() {
        return format!("{PROFILE_SOURCE}_{ascii}");
    }
    let digest = digest::of_bytes(joined.as_bytes());
    let short: String = digest.chars().skip("sha256:".len()).take(8).collect();
    let parts = [PROFILE_SOURCE, ascii, &short];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_taken_apart_into_words() {
        assert_eq!(tokens("unitPrice"), ["unit", "price"]);
        assert_eq!(tokens("Preis (netto) €"), ["preis", "netto"]);
        assert_eq!(folded("Stück-Preis"), "stuckpreis");
        assert_eq!(folded("Période du"), "periodedu");
    }

    #[test]
    fn a_source_is_named_by_its_profile_and_no_two_are_the_same() {
        assert_eq!(source("Acme PSA: invoices"), "profile_acme_psa_invoices");
        assert_eq!(source("Müller"), "profile_muller");
        assert_eq!(source(""), "profile");
        let long = source(&"x".repeat(60));
        assert!(long.len() <= 64 && long != source(&"x".repeat(59)), "{long}");
        assert_ne!(source("日本"), source("中国"));
        assert!(
            source("日本 PSA").bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        );
    }
}
