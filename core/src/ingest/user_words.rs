//! How Microsoft's lists of users write products, flags and concealed names.

use super::table::clean;
use crate::catalog::{Catalog, former_names};
use crate::matching::fold;
use std::collections::HashSet;
use std::sync::LazyLock;

/// True and False, also as spreadsheets of other languages write them into a file that they save again.
const YES: &[&str] = &[
    "true",
    "yes",
    "1",
    "wahr",
    "vrai",
    "verdadero",
    "verdadeiro",
    "vero",
    "waar",
    "prawda",
    "sant",
    "sann",
    "sand",
    "tosi",
    "pravda",
    "igaz",
];
const NO: &[&str] = &[
    "false", "no", "0", "falsch", "faux", "falso", "onwaar", "fałsz", "falskt", "usann", "falsk", "epätosi",
    "nepravda", "hamis",
];

/// A cell that says yes or no.
pub(super) fn yes_or_no(cell: &str) -> Option<bool> {
    let word = clean(cell).to_lowercase();
    if YES.contains(&word.as_str()) {
        return Some(true);
    }
    NO.contains(&word.as_str()).then_some(false)
}

/// Whether a user's name is a pseudonym: 32 hex digits, as tenants show it that conceal names.
pub(super) fn is_concealed(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Products of a cell and whether a plus in it was taken for a part of a name without being known as one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Products {
    /// As written, each once.
    pub(super) names: Vec<String>,
    pub(super) doubtful: bool,
}

/// Parts of a name that hold pluses: no known name has more.
const LONGEST: usize = 4;

/// Names joined with `+`, each once; none for `Unlicensed`.
///
/// A name may hold a plus itself (`Enterprise Mobility + Security E3`): the longest name that Microsoft's
/// table knows is kept whole. Of names that it does not know, one with blanks on both sides of the plus is
/// one name, for the lists join names without blanks.
pub(super) fn joined_products(cell: &str) -> Products {
    let parts: Vec<&str> = cell.split('+').collect();
    let mut products = Products::default();
    let mut seen = HashSet::new();
    let mut at = 0;
    while at < parts.len() {
        let known = (1..=LONGEST.min(parts.len() - at))
            .rev()
            .find(|&length| is_known(&parts[at..at + length].join("+")));
        let length = known.unwrap_or_else(|| {
            let blank = |part: usize| {
                parts[part].ends_with(char::is_whitespace)
                    && parts.get(part + 1).is_some_and(|next| next.starts_with(char::is_whitespace))
            };
            1 + (at..parts.len()).take_while(|&part| blank(part) && !is_known(parts[part + 1])).count()
        });
        let written = parts[at..at + length].join("+");
        products.doubtful |= known.is_none() && length > 1;
        push(&mut products.names, &mut seen, clean(&written));
        at += length;
    }
    products
}

/// The products of a list, each once.
pub(super) fn listed_products<'a>(names: impl Iterator<Item = &'a str>) -> Products {
    let mut products = Products::default();
    let mut seen = HashSet::new();
    names.for_each(|name| push(&mut products.names, &mut seen, clean(name)));
    products
}

fn push(names: &mut Vec<String>, seen: &mut HashSet<String>, name: &str) {
    let folded = name.to_lowercase();
    if !name.is_empty() && folded != "unlicensed" && seen.insert(folded) {
        names.push(name.to_owned());
    }
}

/// Whether Microsoft's table has the name, now or formerly.
fn is_known(name: &str) -> bool {
    static FORMER: LazyLock<HashSet<String>> =
        LazyLock::new(|| former_names().iter().map(|former| fold(former.name)).collect());
    let folded = fold(name);
    !Catalog::microsoft().by_name(&folded).is_empty() || FORMER.contains(&folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_inside_a_known_name_does_not_split_it() {
        for (cell, names) in [
            ("Microsoft 365 E3+Power BI Pro", vec!["Microsoft 365 E3", "Power BI Pro"]),
            (
                "POWER BI PRO+ENTERPRISE MOBILITY + SECURITY E3+MICROSOFT 365 E3",
                vec!["POWER BI PRO", "ENTERPRISE MOBILITY + SECURITY E3", "MICROSOFT 365 E3"],
            ),
            (
                "Microsoft 365 F5 Security + Compliance Add-on+Microsoft 365 F3",
                vec!["Microsoft 365 F5 Security + Compliance Add-on", "Microsoft 365 F3"],
            ),
            ("Enterprise Mobility+Security E5", vec!["Enterprise Mobility+Security E5"]),
            ("Microsoft 365 E3 + Power BI Pro", vec!["Microsoft 365 E3", "Power BI Pro"]),
            ("Suite+Suite+suite", vec!["Suite"]),
            ("Unlicensed", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(joined_products(cell), Products { names: strings(&names), doubtful: false }, "{cell}");
        }
        let unknown = joined_products("Acme One + Two+Acme Three");
        assert_eq!(unknown, Products { names: strings(&["Acme One + Two", "Acme Three"]), doubtful: true });
    }

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }
}
