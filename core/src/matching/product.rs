//! The products of an audit: one key for all references to the same product.

use super::identity::{Identity, note_part, read};
use super::names::{Facts, Meaning};
use super::redirect::Redirects;
use super::product_score::{self, Prepared};
use super::{ExactBy, MatchNote, Method, Proposal, Resolution};
use crate::catalog::Catalog;
use crate::records::{MappingRow, MappingSide, ProductRef};
use chrono::NaiveDate;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// A product of one index. Keys of different indexes are not comparable; their order is that of the
/// identities, whatever the order of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProductKey(u32);

impl ProductKey {
    /// Position among the keys of its index, from 0 to [`ProductIndex::len`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a product is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductDisplay {
    /// Its name: Microsoft's own for a known SKU, else as the rows write it.
    pub name: String,
    /// The vendor's id, where it is known.
    pub sku: Option<String>,
    /// Microsoft's part number, where it is known.
    pub part_number: Option<String>,
    /// On the list of free, trial and viral SKUs.
    pub free: bool,
}

#[derive(Clone, Debug)]
struct Base {
    key: ProductKey,
    by: ExactBy,
    candidates: Arc<[ProductKey]>,
}

/// Every product reference of an audit, on all sides, with the mappings.
#[derive(Debug)]
pub struct ProductIndex {
    catalog: Catalog,
    facts: Facts,
    keys: HashMap<Identity, ProductKey>,
    display: Vec<ProductDisplay>,
    /// The distinct references of each key, in order.
    faces: Vec<Vec<ProductRef>>,
    known: HashMap<ProductRef, Base>,
    redirects: Redirects,
    notes: Vec<MatchNote>,
}

impl ProductIndex {
    /// Builds the index from every product reference of all sides (repeated ones cost one lookup), rules
    /// and prices included, and the mappings (those of clients are passed over).
    ///
    /// The same references and mappings in any order give the same index.
    pub fn build<'a>(
        refs: impl Iterator<Item = &'a ProductRef>,
        mappings: &[MappingRow],
        catalog: &Catalog,
    ) -> Self {
        let distinct: HashSet<&ProductRef> = refs.collect();
        let distinct: BTreeSet<&ProductRef> = distinct.into_iter().collect();
        let mut facts = Facts::default();
        distinct.iter().for_each(|product| note_part(&mut facts.parts, product));
        let faces: Vec<_> =
            distinct.iter().map(|product| (*product, read(product, &facts.parts, catalog))).collect();
        faces.iter().for_each(|(_, face)| facts.note_ids(face));
        faces.iter().for_each(|(_, face)| facts.note_names(face, catalog));
        let meanings: Vec<(&ProductRef, Meaning)> =
            faces.iter().map(|(product, face)| (*product, facts.meaning(face, catalog))).collect();
        let steps = steps(mappings, &facts, catalog);

        let mut identities: BTreeSet<Identity> = BTreeSet::new();
        for (_, meaning) in &meanings {
            identities.insert(meaning.identity.clone());
            identities.extend(meaning.candidates.iter().cloned());
        }
        identities.extend(steps.iter().flat_map(|step| [step.source.clone(), step.target.clone()]));
        let keys: HashMap<Identity, ProductKey> = (0..).map(ProductKey).zip(&identities).map(|(k, i)| (i.clone(), k)).collect();

        let mut notes: BTreeSet<MatchNote> = BTreeSet::new();
        for (_, face) in &faces {
            if let (Some((id, _)), Some(with)) = (&face.vendor, &face.disagrees) {
                notes.insert(MatchNote::IdsDisagree { id: id.text().to_owned(), with: with.clone() });
            }
        }
        let mut index = Self {
            catalog: catalog.clone(),
            facts,
            keys,
            display: Vec::new(),
            faces: vec![Vec::new(); identities.len()],
            known: HashMap::new(),
            redirects: Redirects::default(),
            notes: Vec::new(),
        };
        for (product, meaning) in meanings {
            if let Some(base) = index.base(&meaning) {
                if let Some(faces) = index.faces.get_mut(base.key.index()) {
                    faces.push(product.clone());
                }
                index.known.insert(product.clone(), base);
            }
        }
        index.display = identities.iter().map(|identity| index.show(identity)).collect();
        index.redirect(&steps, &mut notes);
        index.notes = notes.into_iter().collect();
        index
    }

    fn redirect(&mut self, steps: &[Step<'_>], notes: &mut BTreeSet<MatchNote>) {
        let mut redirects = Redirects::default();
        for step in steps {
            let (Some(from), Some(to)) = (self.keys.get(&step.source), self.keys.get(&step.target)) else {
                continue;
            };
            if step.source.contradicts(&step.target) {
                let (source, target) = (step.row.source.clone(), step.row.target.clone());
                notes.insert(MatchNote::JoinsDifferentIds { source, target });
            }
            if step.ambiguous_target {
                notes.insert(MatchNote::AmbiguousTarget { target: step.row.target.clone() });
            }
            redirects.add(from.0, to.0, step.row);
        }
        let name = |key: u32| self.display(ProductKey(key)).name.clone();
        notes.extend(redirects.finish(name));
        self.redirects = redirects;
    }

    fn base(&self, meaning: &Meaning) -> Option<Base> {
        let key = *self.keys.get(&meaning.identity)?;
        let candidates = meaning.candidates.iter().filter_map(|id| self.keys.get(id)).copied().collect();
        Some(Base { key, by: meaning.by, candidates })
    }

    /// What a reference stands for on a day.
    ///
    /// `None` only for a reference that was not given to [`ProductIndex::build`] and stands for nothing
    /// that was.
    pub fn resolve(&self, product: &ProductRef, on: NaiveDate) -> Option<Resolution<ProductKey>> {
        let read_now;
        let base = if let Some(base) = self.known.get(product) {
            base
        } else {
            let face = read(product, &self.facts.parts, &self.catalog);
            read_now = self.base(&self.facts.meaning(&face, &self.catalog))?;
            &read_now
        };
        if !self.redirects.leaves_alone(base.key.0) {
            let followed = self.redirects.follow(base.key.0, on);
            if let Some(approved_by) = followed.approved_by {
                let method = Method::Mapping { approved_by };
                return Some(Resolution { key: ProductKey(followed.key), method });
            }
        }
        let method = if base.candidates.is_empty() {
            let unnamed = self.keys.get(&Identity::Unnamed) == Some(&base.key);
            if unnamed { Method::Itself } else { Method::Exact { by: base.by } }
        } else {
            Method::Ambiguous(Arc::clone(&base.candidates))
        };
        Some(Resolution { key: base.key, method })
    }

    /// The key of what a mapping or a person calls by this text (id, part number, code or name), before
    /// mappings; none if no row and no mapping of this index speaks of it.
    pub fn find(&self, text: &str) -> Option<ProductKey> {
        self.keys.get(&self.facts.target(text, &self.catalog).0).copied()
    }

    /// How a product is shown. A key of another index shows as an empty name.
    pub fn display(&self, key: ProductKey) -> &ProductDisplay {
        const NOBODY: &ProductDisplay =
            &ProductDisplay { name: String::new(), sku: None, part_number: None, free: false };
        self.display.get(key.index()).unwrap_or(NOBODY)
    }

    /// The distinct references that stand for this key by themselves, without mappings, in order.
    pub fn refs(&self, key: ProductKey) -> &[ProductRef] {
        self.faces.get(key.index()).map_or(&[], Vec::as_slice)
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.display.len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.display.is_empty()
    }

    /// What a person should look at, in a fixed order.
    pub fn notes(&self) -> &[MatchNote] {
        &self.notes
    }

    /// Proposals between keys that found no counterpart: every pair that scores, best first, then by key.
    ///
    /// `sources` are those that would be mapped (say, what is billed), `targets` what they may stand for.
    pub fn propose(&self, sources: &[ProductKey], targets: &[ProductKey]) -> Vec<Proposal<ProductKey>> {
        let prepare = |keys: &[ProductKey]| -> Vec<(ProductKey, Vec<Prepared>)> {
            let read = |key| self.references(key).iter().map(|product| Prepared::new(product, &self.catalog)).collect();
            keys.iter().map(|key| (*key, read(*key))).collect()
        };
        let (sources, targets) = (prepare(sources), prepare(targets));
        let mut proposals = Vec::new();
        for (source, left) in &sources {
            for (target, right) in targets.iter().filter(|(target, _)| target != source) {
                let pairs = left.iter().flat_map(|a| right.iter().map(move |b| (a, b)));
                let scored = pairs.filter_map(|(a, b)| product_score::score(a, b, &self.catalog));
                let best = scored.min_by(|a, b| (Reverse(a.score), &a.reasons).cmp(&(Reverse(b.score), &b.reasons)));
                proposals.extend(best.map(|scored| Proposal { source: *source, target: *target, scored }));
            }
        }
        proposals.sort_by_key(|proposal| (Reverse(proposal.scored.score), proposal.source, proposal.target));
        proposals
    }

    /// The references of a key; of one that only the catalog or a mapping speaks of, what is shown.
    fn references(&self, key: ProductKey) -> Vec<ProductRef> {
        let refs = self.refs(key);
        if !refs.is_empty() {
            return refs.to_vec();
        }
        let shown = self.display(key).clone();
        vec![ProductRef { name: Some(shown.name), sku: shown.sku, part_number: shown.part_number, code: None }]
    }

    fn show(&self, identity: &Identity) -> ProductDisplay {
        let refs = self.keys.get(identity).map_or(&[][..], |key| self.refs(*key));
        let named = refs.iter().find_map(|product| product.name.as_deref().map(str::trim).filter(|name| !name.is_empty()));
        let coded = || refs.iter().find_map(|product| product.code.clone());
        let part_number = refs.iter().find_map(|product| product.part_number.clone());
        if let Identity::Guid(guid) = identity
            && let Some(sku) = self.catalog.by_guid(guid)
        {
            let (name, part_number) = (sku.name().to_owned(), Some(sku.part_number.clone()));
            return ProductDisplay { name, sku: Some(guid.clone()), part_number, free: sku.free };
        }
        let sku = matches!(identity, Identity::Guid(_) | Identity::Stock(_) | Identity::Vendor(_))
            .then(|| identity.text().to_owned());
        let name = named.map(str::to_owned).or_else(|| part_number.clone()).or_else(coded);
        let name = name.unwrap_or_else(|| identity.text().to_owned());
        ProductDisplay { name, sku, part_number, free: false }
    }
}

/// A mapping between identities.
struct Step<'a> {
    source: Identity,
    target: Identity,
    ambiguous_target: bool,
    row: &'a MappingRow,
}

fn steps<'a>(mappings: &'a [MappingRow], facts: &Facts, catalog: &Catalog) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    for row in mappings.iter().filter(|row| row.side == MappingSide::Product) {
        let (target, ambiguous_target) = facts.target(&row.target, catalog);
        for source in facts.sources(&row.source, catalog).into_iter().filter(|source| *source != target) {
            steps.push(Step { source, target: target.clone(), ambiguous_target, row });
        }
    }
    steps
}
