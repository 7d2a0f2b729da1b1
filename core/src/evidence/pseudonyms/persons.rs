//! Whom facts name: the persons that pseudonyms would replace, and every name and address in the midst of texts.

use super::super::BundleError;
use super::super::facts::Facts;
use super::Seen;
use super::walk::{self, Visitor};
use super::words::{Names, folded};
use crate::person::fold;
use std::collections::BTreeSet;

/// Every person whom facts name, as [`crate::person::fold`] leaves names and addresses. More rather than fewer: whoever
/// asks to be forgotten must be found. The walk is the one of pseudonyms, and changes nothing here.
///
/// # Errors
/// When facts contradict themselves.
pub fn named(facts: &mut Facts) -> Result<BTreeSet<String>, BundleError> {
    let mut seen = Seen::default();
    walk::walk(facts, &mut seen)?;
    let people = facts.people.iter().flat_map(|person| person.name.iter().chain(&person.address));
    let known = seen.0.into_iter().chain(people.map(|text| folded(text)));
    let mut found = Found { names: Names::of(known, &[]), persons: BTreeSet::new() };
    walk::walk(facts, &mut found)?;
    found.persons.retain(|person| !person.is_empty());
    Ok(found.persons)
}

struct Found {
    names: Names,
    persons: BTreeSet<String>,
}

impl Visitor for Found {
    fn person(&mut self, text: &mut String) {
        // "Casey Client, CFO", "Casey Client <casey@contoso.example>": the whole, and each part.
        self.persons.insert(fold(text));
        self.persons.extend(text.split([',', ';', '<', '>', '(', ')']).map(fold));
        self.text(text);
    }

    fn text(&mut self, text: &mut String) {
        if self.names.is_whole(text) {
            self.persons.insert(fold(text));
        }
        let mut from = 0;
        while let Some((start, end)) = self.names.first(text, from) {
            self.persons.insert(fold(text.get(start..end).unwrap_or_default()));
            from = end;
        }
    }

    fn withhold(&mut self, _: &mut Option<Vec<u8>>) {}
}
