//! Variants: words in a product name that make it another product for other buyers.
//!
//! A variant is never merged with the plain product, nor with another variant, by anything but a
//! person's mapping.

use crate::matching::fold;
use std::collections::BTreeSet;
use std::fmt;

/// What sets a product apart from the plain one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    /// Sold without Teams.
    NoTeams,
    /// For the European Economic Area.
    Eea,
    /// For charities: donation, nonprofit pricing.
    Nonprofit,
    /// For the staff of schools.
    Faculty,
    /// For students and alumni.
    Student,
    /// For schools, without saying for whom.
    Education,
    /// US government community cloud.
    Gcc,
    /// US government, high.
    GccHigh,
    /// US Department of Defense.
    Dod,
    /// Government, without saying which cloud.
    Government,
    /// China, run by another company.
    China,
    /// Trial, viral, preview.
    Trial,
    /// For developers.
    Developer,
    /// For departments, bought by users themselves.
    Department,
    /// Without audio conferencing.
    NoAudioConferencing,
    /// Sold for unattended machines.
    Unattended,
    /// Sold in advance, an older way.
    Prepaid,
}

impl Variant {
    /// How a person would say it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoTeams => "no Teams",
            Self::Eea => "EEA",
            Self::Nonprofit => "nonprofit",
            Self::Faculty => "faculty",
            Self::Student => "students",
            Self::Education => "education",
            Self::Gcc => "GCC",
            Self::GccHigh => "GCC High",
            Self::Dod => "DoD",
            Self::Government => "government",
            Self::China => "China",
            Self::Trial => "trial",
            Self::Developer => "developer",
            Self::Department => "department",
            Self::NoAudioConferencing => "without Audio Conferencing",
            Self::Unattended => "unattended",
            Self::Prepaid => "prepaid",
        }
    }
}

/// The words that tell a variant, folded; longer ones first, because a found one is taken out.
const WORDS: &[(&str, Variant)] = &[
    ("without audio conferencing", Variant::NoAudioConferencing),
    ("no audio conferencing", Variant::NoAudioConferencing),
    ("w o audio conferencing", Variant::NoAudioConferencing),
    ("without audio conf", Variant::NoAudioConferencing),
    ("w o audio conf", Variant::NoAudioConferencing),
    ("student use benefit", Variant::Student),
    ("students use benefit", Variant::Student),
    ("non profit pricing", Variant::Nonprofit),
    ("nonprofit pricing", Variant::Nonprofit),
    ("nonprofit staff pricing", Variant::Nonprofit),
    ("non profit", Variant::Nonprofit),
    ("without teams", Variant::NoTeams),
    ("w o teams", Variant::NoTeams),
    ("excl teams", Variant::NoTeams),
    ("excluding teams", Variant::NoTeams),
    ("for departments", Variant::Department),
    ("for department", Variant::Department),
    ("for developers", Variant::Developer),
    ("for developer", Variant::Developer),
    ("usgov gcchigh", Variant::GccHigh),
    ("usgov dod", Variant::Dod),
    ("gcc high", Variant::GccHigh),
    ("no teams", Variant::NoTeams),
    ("cn cn", Variant::China),
    ("prepaid legacy", Variant::Prepaid),
    ("prepaid", Variant::Prepaid),
    ("unattended license", Variant::Unattended),
    ("unattended", Variant::Unattended),
    ("noteams", Variant::NoTeams),
    ("eea", Variant::Eea),
    ("nonprofit", Variant::Nonprofit),
    ("nonprofits", Variant::Nonprofit),
    ("donation", Variant::Nonprofit),
    ("donated", Variant::Nonprofit),
    ("charity", Variant::Nonprofit),
    ("faculty", Variant::Faculty),
    ("students", Variant::Student),
    ("student", Variant::Student),
    ("alumni", Variant::Student),
    ("education", Variant::Education),
    ("academic", Variant::Education),
    ("edu", Variant::Education),
    ("gcchigh", Variant::GccHigh),
    ("gcc", Variant::Gcc),
    ("dod", Variant::Dod),
    ("government", Variant::Government),
    ("gov", Variant::Government),
    ("trial", Variant::Trial),
    ("vtrial", Variant::Trial),
    ("viral", Variant::Trial),
    ("preview", Variant::Trial),
    ("developer", Variant::Developer),
    ("dept", Variant::Department),
];

/// A set of variants, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Variants(BTreeSet<Variant>);

impl Variants {
    /// The variants that a name tells.
    pub fn of(name: &str) -> Self {
        Self::split(&fold(name)).0
    }

    /// The variants that any of a product's names tells.
    pub fn of_all<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self(names.flat_map(|name| Self::of(name).0).collect())
    }

    /// The variants of a folded name, and what is left of the name without their words.
    pub(crate) fn split(folded: &str) -> (Self, String) {
        let mut found = BTreeSet::new();
        let mut rest = format!(" {folded} ");
        for (words, variant) in WORDS {
            let padded = format!(" {words} ");
            while let Some(at) = rest.find(&padded) {
                rest.replace_range(at..at + padded.len(), " ");
                found.insert(*variant);
            }
        }
        (Self(found), rest.trim().to_owned())
    }

    /// Whether it is the plain product.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this variant is told.
    pub fn contains(&self, variant: Variant) -> bool {
        self.0.contains(&variant)
    }

    /// In a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = Variant> {
        self.0.iter().copied()
    }
}

impl fmt::Display for Variants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.iter().map(Variant::words).collect();
        f.write_str(&words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_read_from_names() {
        for (name, variants, rest) in [
            ("Microsoft 365 Business Premium", "", "microsoft 365 business premium"),
            ("Microsoft 365 E3 EEA (no Teams)", "no Teams, EEA", "microsoft 365 e3"),
            ("Office_365_w/o_Teams_Bundle_E3", "no Teams", "office 365 bundle e3"),
            ("Microsoft 365 Business Premium Donation", "nonprofit", "microsoft 365 business premium"),
            ("Office 365 A1 Plus for faculty", "faculty", "office 365 a1 plus for"),
            ("Microsoft 365 A3 for students use benefit", "students", "microsoft 365 a3 for"),
            ("Office 365 G3 GCC", "GCC", "office 365 g3"),
            ("Office 365 E3_USGOV_GCCHIGH", "GCC High", "office 365 e3"),
            ("Dynamics 365 Sales Premium Viral Trial", "trial", "dynamics 365 sales premium"),
            ("Teams Phone Mobile", "", "teams phone mobile"),
        ] {
            let (found, left) = Variants::split(&fold(name));
            assert_eq!((found.to_string().as_str(), left.as_str()), (variants, rest), "{name}");
        }
    }
}
