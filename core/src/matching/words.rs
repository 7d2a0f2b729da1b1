//! Product names as people at an MSP write them, read word by word: abbreviations written out, words of
//! terms and licensing taken away, variants apart.

use super::fold;
use super::similar::has_digit;
use crate::catalog::Variants;

/// A product name, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// The words that name the product, in the order written.
    pub(super) words: Vec<String>,
    /// What sets it apart from the plain product.
    pub(super) variants: Variants,
}

/// Abbreviations and what they stand for.
const WRITTEN_OUT: &[(&str, &[&str])] = &[
    ("m365", &["microsoft", "365"]),
    ("ms365", &["microsoft", "365"]),
    ("msft365", &["microsoft", "365"]),
    ("microsoft365", &["microsoft", "365"]),
    ("o365", &["office", "365"]),
    ("off365", &["office", "365"]),
    ("office365", &["office", "365"]),
    ("d365", &["dynamics", "365"]),
    ("dyn365", &["dynamics", "365"]),
    ("w365", &["windows", "365"]),
    ("ms", &["microsoft"]),
    ("msft", &["microsoft"]),
    ("bus", &["business"]),
    ("biz", &["business"]),
    ("busn", &["business"]),
    ("prem", &["premium"]),
    ("prm", &["premium"]),
    ("std", &["standard"]),
    ("stnd", &["standard"]),
    ("ent", &["enterprise"]),
    ("ess", &["essentials"]),
    ("essential", &["essentials"]),
    ("exch", &["exchange"]),
    ("exo", &["exchange", "online"]),
    ("spo", &["sharepoint", "online"]),
    ("pbi", &["power", "bi"]),
    ("powerbi", &["power", "bi"]),
    ("powerapps", &["power", "apps"]),
    ("aad", &["azure", "active", "directory"]),
    ("atp", &["advanced", "threat", "protection"]),
    ("mfa", &["multi", "factor", "authentication"]),
    ("addon", &["add", "on"]),
    ("conf", &["conferencing"]),
    ("ems", &["enterprise", "mobility", "and", "security"]),
    ("eop", &["exchange", "online", "protection"]),
    ("+", &["and"]),
];

/// Short forms that are only clear behind "365".
const BEHIND_365: &[(&str, &[&str])] = &[
    ("bp", &["business", "premium"]),
    ("bs", &["business", "standard"]),
    ("bb", &["business", "basic"]),
    ("bsp", &["business", "premium"]),
];

/// Short forms that are only clear behind "azure".
const BEHIND_AZURE: &[(&str, &[&str])] = &[("ad", &["active", "directory"])];

/// Words of licensing, terms and billing: they say how it is bought, not what.
const LICENSING: &[&str] = &[
    "nce",
    "csp",
    "lic",
    "license",
    "licenses",
    "licence",
    "licences",
    "licensing",
    "subscription",
    "subscriptions",
    "monthly",
    "annual",
    "annually",
    "yearly",
    "triennial",
    "commitment",
    "commit",
    "committed",
    "term",
    "billing",
    "billed",
    "p1m",
    "p1y",
    "p3y",
    "seat",
    "seats",
    "prorated",
    "qty",
];

/// Units of time, noise together with a number in front ("1 year", "12 months").
const TIME: &[&str] = &["year", "years", "yr", "yrs", "month", "months", "mo", "mth"];

/// Words that many products share, and that say little.
const COMMON: &[&str] = &[
    "microsoft",
    "office",
    "365",
    "online",
    "for",
    "and",
    "with",
    "the",
    "of",
    "per",
    "user",
    "users",
    "in",
    "a",
    "to",
    "azure",
];

/// Words that tell editions of one product apart, or a service from the licence that it is about: where
/// only one name has one of them, the two are different products.
const EDITIONS: &[&str] = &[
    "basic",
    "standard",
    "premium",
    "essentials",
    "professional",
    "pro",
    "enterprise",
    "business",
    "apps",
    "kiosk",
    "plus",
    "lite",
    "starter",
    "advanced",
    "ultimate",
    "suite",
    "add",
    "device",
    "server",
    "servers",
    "frontline",
    "defender",
    "security",
    "compliance",
    "protection",
    "archiving",
    "backup",
    "storage",
    "voice",
    "phone",
    "conferencing",
    "support",
    "managed",
    "management",
    "monitoring",
    "setup",
    "migration",
    "onboarding",
    "training",
    "consulting",
    "installation",
    "hosting",
    "bundle",
    "incl",
    "included",
    "including",
    "without",
];

impl Words {
    /// Reads a name.
    pub(super) fn of(name: &str) -> Self {
        let (variants, rest) = Variants::split(&fold(name));
        let mut words: Vec<String> = Vec::new();
        for word in rest.split(' ').filter(|word| !word.is_empty()) {
            let short = match words.last().map(String::as_str) {
                Some("365") => BEHIND_365,
                Some("azure") => BEHIND_AZURE,
                _ => &[],
            };
            match WRITTEN_OUT.iter().chain(short).find(|(short, _)| *short == word) {
                Some((_, long)) => words.extend(long.iter().map(|word| (*word).to_owned())),
                None => push(&mut words, word),
            }
        }
        words.retain(|word| !LICENSING.contains(&word.as_str()));
        while words.len() > 1 && words.last().is_some_and(|last| last == "for" || last == "with") {
            words.pop();
        }
        Self { words, variants }
    }

    /// The words and variants as one text, to find names that read the same.
    pub(super) fn reading(name: &str) -> String {
        let read = Self::of(name);
        format!("{}|{}", read.words.join(" "), read.variants)
    }

    /// Whether it names something of its own, beyond words that many products share.
    pub(super) fn is_telling(&self) -> bool {
        self.words.iter().any(|word| !COMMON.contains(&word.as_str()))
    }
}

fn push(words: &mut Vec<String>, word: &str) {
    let number = |text: &str| text.len() <= 2 && text.chars().all(|c| c.is_ascii_digit()) && !text.is_empty();
    if TIME.contains(&word) && words.last().is_some_and(|last| number(last)) {
        words.pop();
    } else if number(word) && words.last().is_some_and(|last| last == "plan") {
        words.pop();
        words.push(format!("plan{word}"));
    } else if let Some(digits) = word.strip_prefix('p').filter(|digits| number(digits)) {
        words.push(format!("plan{digits}"));
    } else {
        words.push(word.to_owned());
    }
}

/// How much a word says: tenths of an ordinary word.
pub(super) fn weight(word: &str) -> u32 {
    if COMMON.contains(&word) {
        3
    } else if is_edition(word) {
        20
    } else {
        10
    }
}

/// Whether a word tells editions apart: `premium`, `e3`, `plan2`, `128`.
pub(super) fn is_edition(word: &str) -> bool {
    (has_digit(word) && word != "365") || EDITIONS.contains(&word)
}

/// Whether a word is a plan's number.
pub(super) fn is_plan(word: &str) -> bool {
    word.strip_prefix("plan").is_some_and(has_digit)
}

/// Whether a word that only one of two names has could be left out by a writer in a hurry.
pub(super) fn is_common(word: &str) -> bool {
    COMMON.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_out_and_freed_of_licensing() {
        for (name, words) in [
            ("M365 BP", "microsoft 365 business premium"),
            ("BP", "bp"),
            ("MS 365 Bus. Prem. (NCE, annual)", "microsoft 365 business premium"),
            ("Exchange Online (Plan 1) - 12 months", "exchange online plan1"),
            ("Entra ID P2 licence", "entra id plan2"),
            ("Azure AD Premium P1", "azure active directory premium plan1"),
            ("AD Audit", "ad audit"),
            ("EMS + E3", "enterprise mobility and security and e3"),
            ("Visio 2 year term", "visio"),
            ("Power BI Premium Per User", "power bi premium per user"),
            ("Office 365 A3 for faculty", "office 365 a3"),
        ] {
            assert_eq!(Words::of(name).words.join(" "), words, "{name}");
        }
    }
}
