//! Pseudonyms: names and addresses of persons, each replaced by the same word everywhere.
//!
//! A pseudonym is a keyed hash, so that nobody without the key can try names until one fits. Who is a person
//! is known from the fields that hold persons (users, actors, authors, recipients), from the columns of
//! source rows that do, and from the caller's list. Their full names, and every e-mail address, are then
//! replaced wherever they stand, also in the middle of a text. A name of one word is replaced only where
//! it stands alone: `Billing` may be a mailbox, and is a word of every page. Names of companies and products
//! stay.

mod columns;
mod persons;
mod walk;
mod words;

pub use persons::named;

use super::BundleError;
use super::facts::{Facts, PseudonymScope};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeSet, HashMap};
use walk::Visitor;
use words::{Names, folded};

/// Bytes of SHA-256's blocks, for the keyed hash.
const BLOCK: usize = 64;
/// Digits of a pseudonym: 48 bits, so that two persons of an organization do not share one.
const DIGITS: usize = 12;

/// What replaces persons in one bundle.
pub(super) struct Pseudonyms {
    key: [u8; 32],
    /// Folded name to the folded address of the same person.
    linked: HashMap<String, String>,
    names: Names,
}

impl Pseudonyms {
    /// Looks for persons in the facts. It changes nothing: the walk over the facts is the same as the one that does.
    pub(super) fn of(
        facts: &mut Facts,
        scope: PseudonymScope,
        organization_key: &[u8; 32],
    ) -> Result<Self, BundleError> {
        let key = match scope {
            PseudonymScope::Organization => *organization_key,
            PseudonymScope::Bundle => {
                keyed_hash(organization_key, format!("bundle\n{}", facts.bundle.id).as_bytes())
            }
        };
        let mut seen = Seen::default();
        walk::walk(facts, &mut seen)?;
        let mut linked: HashMap<String, Option<String>> = HashMap::new();
        for person in &facts.people {
            seen.0.extend(person.name.iter().chain(&person.address).map(|text| folded(text)));
            if let (Some(name), Some(address)) = (&person.name, &person.address) {
                let address = folded(address);
                // Two persons of one name: the name is nobody's.
                linked
                    .entry(folded(name))
                    .and_modify(|other| *other = other.take().filter(|other| *other == address))
                    .or_insert(Some(address));
            }
        }
        let linked = linked.into_iter().filter_map(|(name, address)| Some((name, address?))).collect();
        let names = Names::of(seen.0, &companies_and_products(facts));
        Ok(Self { key, linked, names })
    }

    /// Replaces them. The list of people, which is for this only, is emptied.
    pub(super) fn replace(&self, facts: &mut Facts) -> Result<(), BundleError> {
        walk::walk(facts, &mut Replace(self))?;
        facts.people.clear();
        Ok(())
    }

    /// Whether a file names a person.
    pub(super) fn is_named_in(&self, text: &str) -> bool {
        self.names.first(text, 0).is_some()
    }

    fn of_person(&self, folded: &str) -> String {
        let identity = self.linked.get(folded).map_or(folded, String::as_str);
        let hash = crate::digest::text(&keyed_hash(&self.key, format!("person\n{identity}").as_bytes()));
        let digits: String = hash.trim_start_matches("sha256:").chars().take(DIGITS).collect();
        format!("person-{digits}")
    }

    fn in_text(&self, text: &str) -> Option<String> {
        if self.names.is_whole(text) {
            return Some(self.of_person(&folded(text)));
        }
        let (mut out, mut from) = (String::new(), 0);
        while let Some((start, end)) = self.names.first(text, from) {
            out.push_str(text.get(from..start)?);
            out.push_str(&self.of_person(&folded(text.get(start..end)?)));
            from = end;
        }
        if from == 0 {
            return None;
        }
        out.push_str(text.get(from..)?);
        Some(out)
    }
}

/// HMAC-SHA-256 (RFC 2104).
fn keyed_hash(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let padded = |pad: u8| {
        let mut block = [pad; BLOCK];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}

/// Texts whose words are nobody's name: the MSP that bears its founder's name is still named.
fn companies_and_products(facts: &Facts) -> Vec<String> {
    let subject = &facts.correction.subject;
    let mut texts: BTreeSet<&str> = BTreeSet::from([facts.msp.name.as_str(), subject.client.as_str()]);
    texts.extend(subject.billing_entity.as_deref());
    texts.extend(facts.gaps.iter().flat_map(|of| [of.gap.product.as_str(), of.gap.client.as_str()]));
    texts.extend(facts.correction.lines.iter().map(|line| line.product.as_str()));
    texts.extend(facts.months.iter().map(|month| month.product.as_str()));
    texts.extend(facts.audit.coverage.iter().filter_map(|of| of.product.as_deref()));
    texts.into_iter().map(folded).collect()
}

/// Persons that are seen on the walk.
#[derive(Default)]
struct Seen(BTreeSet<String>);

impl Visitor for Seen {
    fn person(&mut self, text: &mut String) {
        self.0.insert(folded(text));
        // "Casey Client, CFO": the letters say "Casey Client".
        if let Some((name, _)) = text.split_once(',') {
            self.0.insert(folded(name));
        }
    }

    fn text(&mut self, _: &mut String) {}

    fn withhold(&mut self, _: &mut Option<Vec<u8>>) {}
}

struct Replace<'p>(&'p Pseudonyms);

impl Visitor for Replace<'_> {
    fn person(&mut self, text: &mut String) {
        let folded = folded(text);
        if !folded.is_empty() {
            *text = self.0.of_person(&folded);
        }
    }

    fn text(&mut self, text: &mut String) {
        if let Some(replaced) = self.0.in_text(text) {
            *text = replaced;
        }
    }

    fn withhold(&mut self, bytes: &mut Option<Vec<u8>>) {
        *bytes = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keyed_hash_is_hmac() {
        // RFC 4231, test case 1, whose shorter key is filled up with zeros.
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        assert_eq!(
            crate::digest::text(&keyed_hash(&key, b"Hi There")),
            "sha256:b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
    }
}
