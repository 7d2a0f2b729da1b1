//! Which profile a file is for, and where its columns are.

use super::super::Detection;
use super::super::table::{clean, fold};
use super::{ImportProfile, UsedProfile};
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// Where a value is: a column, and in a column of JSON objects a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) column: usize,
    pub(super) path: Vec<String>,
}

/// Why a column was not found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    None,
    /// These are spelled alike, and none just like it.
    Several(Vec<String>),
}

/// Finds a column: spelled just so, else with other case, spaces and punctuation, else (in JSON) as a
/// member of one.
pub(super) fn place(columns: &[String], wanted: &str, json: bool) -> Result<Place, Absent> {
    let wanted = clean(wanted);
    let same: Vec<usize> = (0..columns.len()).filter(|&at| columns[at] == wanted).collect();
    let alike = || {
        let own = fold(wanted);
        (0..columns.len()).filter(|&at| !own.is_empty() && fold(&columns[at]) == own).collect::<Vec<_>>()
    };
    let found = if same.is_empty() { alike() } else { same };
    match found.as_slice() {
        [one] => return Ok(Place { column: *one, path: Vec::new() }),
        [] => {}
        several => {
            return Err(Absent::Several(several.iter().map(|&at| columns[at].clone()).collect()));
        }
    }
    if json {
        for (dot, _) in wanted.rmatch_indices('.') {
            if let Some(column) = columns.iter().position(|column| column == &wanted[..dot]) {
                let path = wanted[dot + 1..].split('.').map(str::to_owned).collect();
                return Ok(Place { column, path });
            }
        }
    }
    Err(Absent::None)
}

impl ImportProfile {
    /// The columns that it names, each once.
    pub(super) fn columns(&self) -> BTreeSet<&str> {
        let mapped = self.fields.values().filter_map(|source| source.column.as_deref());
        mapped.chain(self.skip_rows.iter().map(|rows| rows.column.as_str())).collect()
    }

    /// The columns that it names and a file does not have.
    pub(super) fn absent(&self, columns: &[String], json: bool) -> Vec<String> {
        let lacks = |wanted: &&str| place(columns, wanted, json).is_err();
        self.columns().into_iter().filter(lacks).map(str::to_owned).collect()
    }

    /// Whether these are all the columns of the file that it was made for.
    fn is_made_for(&self, columns: &[String]) -> bool {
        let sorted = |columns: &[String]| {
            let mut folded: Vec<String> = columns.iter().map(|column| fold(column)).collect();
            folded.sort_unstable();
            folded
        };
        !self.header.is_empty()
            && self.header.len() == columns.len()
            && sorted(&self.header) == sorted(columns)
    }

    pub(super) fn used(&self) -> UsedProfile {
        UsedProfile {
            name: self.name.clone(),
            source: self.source(),
            digest: self.digest().unwrap_or_default(),
            kind: self.kind,
        }
    }
}

/// A profile that a table can be read with.
#[derive(Clone, Debug)]
pub(in super::super) struct Match<'p> {
    pub(in super::super) profile: &'p ImportProfile,
    pub(in super::super) used: UsedProfile,
    pub(in super::super) detection: Detection,
}

fn matched(profile: &ImportProfile, exact: bool) -> Match<'_> {
    let name = if profile.name.is_empty() { String::new() } else { format!(" `{}`", profile.name) };
    let (confidence, how) = if exact {
        (100, "it was made for these columns".to_owned())
    } else {
        (
            80,
            format!("the columns {} are there", profile.columns().into_iter().collect::<Vec<_>>().join(", ")),
        )
    };
    Match {
        profile,
        used: profile.used(),
        detection: Detection {
            confidence: Decimal::new(confidence, 2),
            reasons: vec![format!("read with the profile{name} as {}: {how}", profile.kind)],
        },
    }
}

/// The profile that a table is for: the one that was made for its columns, else the one that uses most
/// of them.
///
/// # Errors
/// The names of several that fit equally well, of which none may be taken.
pub(in super::super) fn best<'p>(
    profiles: &'p [ImportProfile],
    columns: &[String],
    json: bool,
) -> Result<Option<Match<'p>>, Vec<String>> {
    let rank = |profile: &ImportProfile| {
        let fits = !profile.columns().is_empty() && profile.absent(columns, json).is_empty();
        fits.then(|| (profile.is_made_for(columns), profile.columns().len()))
    };
    let ranked: Vec<_> = profiles.iter().filter_map(|profile| Some((rank(profile)?, profile))).collect();
    let Some(top) = ranked.iter().map(|(rank, _)| *rank).max() else { return Ok(None) };
    let mut tops = ranked.into_iter().filter(|(rank, _)| *rank == top).map(|(_, profile)| profile);
    let Some(first) = tops.next() else { return Ok(None) };
    let others: Vec<String> = tops.filter(|other| *other != first).map(|other| other.name.clone()).collect();
    if others.is_empty() {
        Ok(Some(matched(first, top.0)))
    } else {
        Err(std::iter::once(first.name.clone()).chain(others).collect())
    }
}

/// The profile that the caller named, if the table has its columns.
///
/// # Errors
/// The columns that the table lacks.
pub(in super::super) fn explicit<'p>(
    profile: &'p ImportProfile,
    columns: &[String],
    json: bool,
) -> Result<Match<'p>, Vec<String>> {
    let absent = profile.absent(columns, json);
    if absent.is_empty() { Ok(matched(profile, profile.is_made_for(columns))) } else { Err(absent) }
}
