//! Normalised names: what is left of a name when case, spaces and punctuation are folded.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Folds a name for exact comparison.
///
/// - Unicode compatibility forms become plain ones (NFKC: full-width letters, ligatures, a letter and
///   its accent apart or together); accents stay, for `Müller` and `Muller` are two names.
/// - Case is folded, by upper then lower case, so that `ß` and `SS` are the same.
/// - Spaces of every kind and punctuation become one space; none at the ends. Apostrophes
///   (`O'Brien`) vanish instead, and so do trade marks and invisible characters.
/// - `&` becomes the word `and`.
/// - `+` is a symbol, not punctuation, and tells products apart (`E5 + Calling`): it stays, as a word.
///
/// A name of punctuation only folds to itself, trimmed, so that no two such names become one.
/// Folding a folded name changes nothing.
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        let mut folded = String::with_capacity(name.len());
        fold_into(&mut folded, name.chars());
        return or_itself(folded, name);
    }
    let shown = name.chars().filter(|c| !is_dropped(*c));
    let cased: String =
        shown.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect();
    let mut folded = String::with_capacity(cased.len());
    fold_into(&mut folded, cased.chars());
    // Marks that an apostrophe kept apart are neighbours now, and neighbours have an order.
    or_itself(folded.nfkc().collect(), &cased)
}

fn or_itself(folded: String, name: &str) -> String {
    if folded.is_empty() { name.trim().to_owned() } else { folded }
}

/// Whether the character is not there for a reader: trade marks, soft hyphens, zero-width characters.
const fn is_dropped(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '®' | '©' | '™' | '℠')
}

fn fold_into(out: &mut String, chars: impl Iterator<Item = char>) {
    for c in chars {
        match c {
            '&' => word(out, "and"),
            '+' => word(out, "+"),
            '\'' | '\u{2018}' | '\u{2019}' | '`' | '\u{b4}' => {}
            c if c.is_alphanumeric() || is_combining_mark(c) => out.push(c.to_ascii_lowercase()),
            _ => space(out),
        }
    }
    out.truncate(out.trim_end().len());
}

fn space(out: &mut String) {
    if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

fn word(out: &mut String, word: &str) {
    space(out);
    out.push_str(word);
    out.push(' ');
}

/// Cleans an id for comparison: case, spaces at the ends (no-break ones too) and inside are ignored, and so is Partner
/// Center's `org:` in front.
pub fn fold_id(id: &str) -> String {
    let mut folded: String =
        id.chars().filter(|c| !c.is_whitespace() && !is_dropped(*c)).flat_map(char::to_lowercase).collect();
    if let Some(bare) = folded.strip_prefix("org:") {
        folded = bare.to_owned();
    }
    folded
}

/// The id as a GUID in its usual spelling, if it is one.
pub(crate) fn as_guid(id: &str) -> Option<String> {
    // Without hyphens it could be any number of 32 digits, such as a concealed user name.
    id.contains('-')
        .then(|| uuid::Uuid::parse_str(id.trim_matches(['{', '}'])).ok())
        .flatten()
        .map(|id| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_read_the_same_fold_the_same() {
        for (a, b) in [
            ("Exchange Online (Plan 1)", "exchange online plan 1"),
            ("Microsoft\u{a0}365  Business\tPremium ", "Microsoft 365 Business Premium"),
            ("Privacy Management – risk", "Privacy Management - risk"),
            ("Contoso, Inc.", "CONTOSO INC"),
            ("O'Brien & Sons", "O\u{2019}Brien and Sons"),
            ("M\u{fc}ller GmbH", "Mu\u{308}ller GmbH"),
            ("Straße", "STRASSE"),
            ("Ｍicrosoft® ３６５™", "microsoft 365"),
            ("E5+Calling", "E5 + Calling"),
            ("\u{feff}Visio Plan 2", "Visio Plan 2"),
            ("O365_BUSINESS_PREMIUM", "o365 business premium"),
        ] {
            assert_eq!(fold(a), fold(b), "{a} / {b}");
        }
    }

    #[test]
    fn marks_that_an_apostrophe_kept_apart_are_put_in_order() {
        let once = fold("\u{10f82}`\u{11839}");
        assert_eq!(fold(&once), once);
    }

    #[test]
    fn names_that_differ_stay_apart() {
        for (a, b) in [
            ("Müller", "Muller"),
            ("E5 + Calling", "E5 Calling"),
            ("***", "---"),
            ("Plan 1", "Plan 2"),
            ("Microsoft 365 E3", "Office 365 E3"),
            ("Business Premium", "Business Premium (no Teams)"),
        ] {
            assert_ne!(fold(a), fold(b), "{a} / {b}");
        }
    }

    #[test]
    fn ids_ignore_case_spaces_and_the_org_prefix() {
        assert_eq!(fold_id(" org:ABC-1\u{a0}"), "abc-1");
        assert_eq!(
            as_guid("{CBDC14AB-D96C-4C30-B9F4-6ADA7CDC1D46}").unwrap(),
            "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
        );
        assert_eq!(as_guid("cbdc14abd96c4c30b9f46ada7cdc1d46"), None);
        assert_eq!(as_guid("SPB"), None);
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(name in "\\PC{0,40}") {
            let once = fold(&name);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn a_name_never_folds_to_nothing(name in "\\PC{1,20}") {
            prop_assume!(!name.trim().is_empty());
            prop_assume!(name.chars().any(|c| !is_dropped(c)));
            prop_assert!(!fold(&name).trim().is_empty());
        }
    }
}
