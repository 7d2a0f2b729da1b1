//! The products of an audit: one key for all references to the same product.

use super::identity::{Identity, note_part, read};
use super::names::{Facts, Meaning};
use super::product_score::{self, Prepared};
use super::propose::{Read, propose};
use super::redirect::Redirects;
use super::{ExactBy, MatchNote, Method, Proposal, Resolution};
use crate::catalog::Catalog;
use crate::records::{MappingRow, MappingSide, ProductRef};
use chrono::NaiveDate;
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
    catalog: &'static Catalog,
    facts: Facts,
    keys: HashMap<Identity, ProductKey>,
    identities: Vec<Identity>,
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
        catalog: &'static Catalog,
    ) -> Self {
        let distinct: HashSet<&ProductRef> = refs.collect();
        let distinct: BTreeSet<&ProductRef> = distinct.into_iter().collect();
        let mut facts = Facts::default();
        for product in &distinct {
            note_part(&mut facts.parts, product, catalog);
        }
        let read: Vec<_> =
            distinct.iter().map(|product| (*product, read(product, &facts.parts, catalog))).collect();
        for (_, face) in &read {
            facts.note_ids(face);
        }
        for (_, face) in &read {
            facts.note_names(face, catalog);
        }
        let meanings: Vec<(&ProductRef, Meaning)> =
            read.iter().map(|(product, face)| (*product, facts.meaning(face, catalog))).collect();
        let steps = steps(mappings, &facts, catalog);

        let mut identities: BTreeSet<Identity> = BTreeSet::new();
        for (_, meaning) in &meanings {
            identities.insert(meaning.identity.clone());
            identities.extend(meaning.candidates.iter().cloned());
        }
        identities.extend(steps.iter().flat_map(|step| [step.source.clone(), step.target.clone()]));
        let keys: HashMap<Identity, ProductKey> =
            (0..).map(ProductKey).zip(&identities).map(|(k, i)| (i.clone(), k)).collect();

        let mut notes: BTreeSet<MatchNote> = BTreeSet::new();
        for (_, face) in &read {
            if let (Some((id, _)), Some(with)) = (&face.vendor, &face.disagrees) {
                notes.insert(MatchNote::IdsDisagree { id: id.text().to_owned(), with: with.clone() });
            }
        }
        let mut index = Self {
            catalog,
            facts,
            keys,
            identities: identities.iter().cloned().collect(),
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
            let face = read(product, &self.facts.parts, self.catalog);
            read_now = self.base(&self.facts.meaning(&face, self.catalog))?;
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
        self.keys.get(&self.facts.target(text, self.catalog).0).copied()
    }

    /// What to write into a mapping, as source or target, so that it means this product and no other:
    /// its id where it has one, else its name or code (which means another product only where that one's
    /// id is written the same).
    pub fn mapping_text(&self, key: ProductKey) -> &str {
        match self.identities.get(key.index()) {
            Some(Identity::Name(_)) | None => &self.display(key).name,
            Some(id) => id.text(),
        }
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
        let prepare = |keys: &[ProductKey]| -> Vec<Read<ProductKey, Prepared>> {
            let read = |key| {
                self.references(key).iter().map(|product| Prepared::new(product, self.catalog)).collect()
            };
            keys.iter().map(|key| (*key, read(*key))).collect()
        };
        let score = |a: &Prepared, b: &Prepared| product_score::score(a, b, self.catalog);
        propose(&prepare(sources), &prepare(targets), Prepared::hints, score)
    }

    /// The references of a key; of one that only the catalog or a mapping speaks of, what is shown.
    fn references(&self, key: ProductKey) -> Vec<ProductRef> {
        let refs = self.refs(key);
        if !refs.is_empty() {
            return refs.to_vec();
        }
        let shown = self.display(key).clone();
        vec![ProductRef {
            name: Some(shown.name),
            sku: shown.sku,
            part_number: shown.part_number,
            code: None,
        }]
    }

    fn show(&self, identity: &Identity) -> ProductDisplay {
        let refs = self.keys.get(identity).map_or(&[][..], |key| self.refs(*key));
        let named = refs
            .iter()
            .find_map(|product| product.name.as_deref().map(str::trim).filter(|name| !name.is_empty()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::Span;
    use proptest::prelude::*;

    const SPB: &str = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46";
    const STANDARD: &str = "f245ecc8-75af-4f8e-b61f-27d8114de5f3";
    const VISIO1: &str = "4b244418-9658-4451-a2b8-b5e2b364e9bd";
    const VISIO1_DEPT: &str = "ca7f3140-d88c-455b-9a1c-7f0679e31a76";

    /// `name|sku|part number|code`, missing ones empty.
    fn product(text: &str) -> ProductRef {
        let mut fields = text.split('|').map(|field| (!field.is_empty()).then(|| field.to_owned()));
        let mut next = || fields.next().flatten();
        ProductRef { name: next(), sku: next(), part_number: next(), code: next() }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn mapping(source: &str, target: &str) -> MappingRow {
        MappingRow {
            side: MappingSide::Product,
            source: source.to_owned(),
            target: target.to_owned(),
            approved_by: "dana@msp.example".to_owned(),
            span: None,
        }
    }

    struct Built {
        index: ProductIndex,
    }

    impl Built {
        fn new(refs: &[&str], mappings: &[MappingRow]) -> Self {
            let refs: Vec<_> = refs.iter().map(|text| product(text)).collect();
            Self { index: ProductIndex::build(refs.iter(), mappings, Catalog::microsoft()) }
        }

        fn resolution(&self, text: &str) -> Resolution<ProductKey> {
            self.index.resolve(&product(text), day("2026-06-01")).unwrap()
        }

        fn same(&self, a: &str, b: &str) -> bool {
            self.resolution(a).key == self.resolution(b).key
        }

        fn is_exact(&self, text: &str) -> bool {
            matches!(self.resolution(text).method, Method::Exact { .. })
        }

        fn candidates(&self, text: &str) -> Vec<String> {
            let Method::Ambiguous(keys) = self.resolution(text).method else { return Vec::new() };
            keys.iter().map(|key| self.index.display(*key).sku.clone().unwrap_or_default()).collect()
        }
    }

    #[test]
    fn exact_is_the_same_id_part_number_or_name_of_one_id() {
        let spb = format!("|{SPB}|SPB|");
        for other in [
            "Microsoft 365 Business Premium",
            "MICROSOFT\u{a0}365 business-premium",
            "||spb|",
            "|CBDC14AB-D96C-4C30-B9F4-6ADA7CDC1D46||",
            "Whatever the PSA says|||SPB",
            "SPB",
            "Monthly licence|SPB||",
        ] {
            let built = Built::new(&[&spb, other], &[]);
            assert!(built.same(&spb, other), "{other}");
            assert!(built.is_exact(other), "{other}");
        }
    }

    #[test]
    fn what_only_resembles_is_not_exact() {
        for (graph, other) in [
            (format!("|{STANDARD}|O365_BUSINESS_PREMIUM|"), "Office 365 Business Premium"),
            (format!("|{STANDARD}|O365_BUSINESS_PREMIUM|"), "O365 Business Premium"),
            (format!("|{SPB}|SPB|"), "Office 365 Business Premium"),
            (format!("|{SPB}|SPB|"), "M365 Business Premium"),
            (format!("|{SPB}|SPB|"), "Microsoft 365 Business Premium (no Teams)"),
            (format!("|{SPB}|SPB|"), "Microsoft 365 Business Premium Donation"),
            (format!("|{SPB}|SPB|"), "spb"),
        ] {
            let built = Built::new(&[&graph, other], &[]);
            assert!(!built.same(&graph, other), "{other}");
        }
    }

    #[test]
    fn a_name_of_two_skus_is_exact_to_neither() {
        let graph = format!("|{VISIO1}|VISIOONLINE_PLAN1|");
        let built = Built::new(&[&graph, "Visio Plan 1", "visio plan 1"], &[]);
        assert!(!built.same(&graph, "Visio Plan 1"));
        assert_eq!(built.candidates("Visio Plan 1"), [VISIO1, VISIO1_DEPT]);
        assert!(built.same("Visio Plan 1", "visio plan 1"), "bare names are one product");
    }

    #[test]
    fn equal_bare_names_are_one_product_while_no_row_carries_an_id() {
        for name in ["Visio Plan 1", "Managed Workstation"] {
            let lower = name.to_lowercase();
            let built = Built::new(&[name, &lower], &[]);
            assert!(built.same(name, &lower));
            assert!(built.is_exact(name));
        }
    }

    #[test]
    fn a_name_that_rows_give_to_two_ids_belongs_to_neither() {
        for (one, two) in [("Backup|A-1||", "Backup|A-2||"), ("Backup|||BK-1", "Backup|||BK-2")] {
            let built = Built::new(&[one, two, "Backup"], &[]);
            assert!(!built.same(one, two));
            assert!(!built.same(one, "Backup"));
            assert!(!built.is_exact("Backup"));
        }
    }

    #[test]
    fn a_part_number_of_two_skus_needs_a_name_to_be_one() {
        let named = "Skype for Business PSTN Domestic Calling (120 Minutes)||MCOPSTN5|";
        let built = Built::new(&["||MCOPSTN5|", named], &[]);
        assert_eq!(built.candidates("||MCOPSTN5|").len(), 2);
        assert!(built.is_exact(named));
        assert_eq!(
            built.index.display(built.resolution(named).key).sku.as_deref(),
            Some("54a152dc-90de-4996-93d2-bc47e670fc06")
        );
    }

    #[test]
    fn partner_center_and_graph_ids_do_not_join_by_themselves() {
        let graph = format!("|{SPB}|SPB|");
        let offer = "Microsoft 365 Business Premium|CFQ7TTC0LCHC:0002||";
        let psa = "Microsoft 365 Business Premium";
        let both = Built::new(&[&graph, offer, psa], &[]);
        assert!(!both.same(&graph, offer));
        assert!(both.same(&graph, psa));
        let alone = Built::new(&[offer, psa], &[]);
        for other in [psa, "|cfq7ttc0lchc : 0002||", "|||USCFQ7TTC0LCHC0002", "P1Y:CFQ7TTC0LCHC:0002:1:"] {
            assert!(alone.same(offer, other), "{other}");
        }
        let stated = "M365 BP|CFQ7TTC0LCHC:0002|SPB|";
        let bridged = Built::new(&[&graph, offer, stated], &[]);
        assert!(bridged.same(&graph, offer), "a row that states both ids joins them");
    }

    #[test]
    fn a_code_that_stands_for_several_names_identifies_nothing() {
        let (a, b) = ("Adobe|||MISC", "Webroot|||MISC");
        let built = Built::new(&[a, b, "|||MISC", "Adobe"], &[]);
        assert!(!built.same(a, b));
        assert!(built.same(a, "Adobe"));
        assert!(matches!(built.resolution("|||MISC").method, Method::Ambiguous(_)));
        let clear = Built::new(&[a, "|||misc"], &[]);
        assert!(clear.same(a, "|||misc"));
    }

    #[test]
    fn a_confirmed_mapping_is_followed_and_names_its_approver() {
        let standard = format!("|{STANDARD}|O365_BUSINESS_PREMIUM|");
        let psa = "Office 365 Business Premium|||O365BP";
        for (source, target) in [
            ("office 365 business premium", "Microsoft 365 Business Standard"),
            ("Office 365 Business Premium", "O365_BUSINESS_PREMIUM"),
            ("o365bp", STANDARD),
            ("O365_BUSINESS_PREMIUM", "Office 365 Business Premium"),
        ] {
            let built = Built::new(&[&standard, psa], &[mapping(source, target)]);
            assert!(built.same(&standard, psa), "{source} -> {target}");
            let mapped = [psa, standard.as_str()].map(|text| built.resolution(text).method);
            let approved_by = Arc::from("dana@msp.example");
            assert!(mapped.contains(&Method::Mapping { approved_by }), "{source} -> {target}");
            assert_eq!(built.index.notes(), []);
        }
    }

    #[test]
    fn a_mapping_of_an_ambiguous_name_moves_the_bare_name_only() {
        let (one, dept) = (format!("|{VISIO1}||"), format!("|{VISIO1_DEPT}||"));
        let built =
            Built::new(&[&one, &dept, "Visio Plan 1"], &[mapping("Visio Plan 1", "VISIOONLINE_PLAN1")]);
        assert!(built.same(&one, "Visio Plan 1"));
        assert!(!built.same(&one, &dept));
    }

    #[test]
    fn a_partner_center_row_can_be_mapped_by_its_id_or_its_name() {
        let graph = format!("|{SPB}|SPB|");
        let offer = "Microsoft 365 Business Premium|CFQ7TTC0LCHC:0002||";
        for source in ["CFQ7TTC0LCHC:0002", "cfq7ttc0lchc-0002", "Microsoft 365 Business Premium"] {
            let built = Built::new(&[&graph, offer], &[mapping(source, "SPB")]);
            assert!(built.same(&graph, offer), "{source}");
        }
        let alone = Built::new(&[offer, "M365 BP"], &[mapping("M365 BP", "SPB")]);
        assert!(alone.same(offer, "M365 BP"), "the target is the id that carries its name");
    }

    #[test]
    fn mappings_hold_on_their_days() {
        let mut old = mapping("Mail", "Exchange Online (Plan 1)");
        old.span = Some(Span { from: day("2025-01-01"), until: Some(day("2026-03-01")) });
        let mut new = mapping("Mail", "Exchange Online (Plan 2)");
        new.span = Some(Span { from: day("2026-03-01"), until: None });
        let built = Built::new(&["Mail"], &[new, old]);
        let on = |text: &str| {
            let key = built.index.resolve(&product("Mail"), day(text)).unwrap().key;
            built.index.display(key).name.clone()
        };
        assert_eq!(on("2024-12-31"), "Mail");
        assert_eq!(on("2026-02-28"), "Exchange Online (Plan 1)");
        assert_eq!(on("2026-03-01"), "Exchange Online (Plan 2)");
    }

    #[test]
    fn chains_lead_to_their_end_and_circles_end() {
        let chain = [mapping("A1", "B1"), mapping("B1", "C1")];
        let built = Built::new(&["A1", "B1", "C1"], &chain);
        assert!(built.same("A1", "C1") && built.same("B1", "C1"));
        let circle = [mapping("A1", "B1"), mapping("B1", "C1"), mapping("C1", "B1")];
        let built = Built::new(&["A1", "B1", "C1"], &circle);
        assert!(built.same("A1", "C1") && built.same("B1", "C1"));
        assert!(built.index.notes().iter().any(|note| matches!(note, MatchNote::Cycle { .. })));
    }

    #[test]
    fn mappings_that_contradict_each_other_are_reported_and_not_followed() {
        let built = Built::new(&["A1", "B1", "C1"], &[mapping("A1", "B1"), mapping("A1", "C1")]);
        assert!(!built.same("A1", "B1") && !built.same("A1", "C1"));
        assert_eq!(built.index.notes(), [MatchNote::Contradiction { source: "A1".to_owned() }]);
    }

    #[test]
    fn a_mapping_across_ids_is_followed_and_reported() {
        let (spb, standard) = (format!("|{SPB}||"), format!("|{STANDARD}||"));
        let built = Built::new(&[&spb, &standard], &[mapping("SPB", "O365_BUSINESS_PREMIUM")]);
        assert!(built.same(&spb, &standard));
        assert!(matches!(built.index.notes(), [MatchNote::JoinsDifferentIds { .. }]));
    }

    #[test]
    fn ids_that_disagree_on_one_row_are_reported() {
        let row = format!("|{SPB}|O365_BUSINESS_PREMIUM|");
        let built = Built::new(&[&row, &format!("|{SPB}||")], &[]);
        assert!(
            built.index.notes().iter().any(|note| matches!(note, MatchNote::IdsDisagree { .. })),
            "{:?}",
            built.index.notes()
        );
    }

    #[test]
    fn products_are_shown_by_microsofts_name_or_as_written() {
        let built = Built::new(&[&format!("m365 bp|{SPB}||"), "Managed Workstation", "|A-1||"], &[]);
        let shown = |text: &str| {
            let shown = built.index.display(built.resolution(text).key);
            (shown.name.clone(), shown.sku.clone())
        };
        assert_eq!(
            shown(&format!("|{SPB}||")),
            ("Microsoft 365 Business Premium".to_owned(), Some(SPB.to_owned()))
        );
        assert_eq!(shown("managed workstation"), ("Managed Workstation".to_owned(), None));
        assert_eq!(shown("|A-1||"), ("a-1".to_owned(), Some("a-1".to_owned())));
    }

    #[test]
    fn a_reference_that_nobody_gave_is_no_key() {
        let built = Built::new(&["Managed Workstation"], &[]);
        assert_eq!(built.index.resolve(&product("Something else"), day("2026-06-01")), None);
        assert!(built.index.resolve(&product("MANAGED workstation"), day("2026-06-01")).is_some());
        let blank = Built::new(&["", " | ||"], &[]);
        assert_eq!(blank.resolution("").method, Method::Itself);
    }

    #[test]
    fn example_9_proposes_business_standard_and_nothing_else() {
        let (standard, spb) = (format!("|{STANDARD}|O365_BUSINESS_PREMIUM|"), format!("|{SPB}|SPB|"));
        let (old, new) = ("Office 365 Business Premium", "Microsoft 365 Business Premium");
        let built = Built::new(&[&standard, &spb, old, new], &[]);
        assert!(built.same(&spb, new));
        let key = |text: &str| built.resolution(text).key;
        let proposals = built.index.propose(&[key(old)], &[key(&standard), key(&spb)]);
        assert_eq!(proposals.len(), 1, "{proposals:?}");
        assert_eq!(proposals[0].target, key(&standard));
        assert!(proposals[0].scored.reasons[0].contains("2020-04-21"), "{proposals:?}");
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop::sample::select(vec![
            "",
            "Visio Plan 1",
            "Visio Plan 2",
            "Microsoft 365 Business Premium",
            "M365 BP",
            "Backup",
            "SPB",
            SPB,
            STANDARD,
            VISIO1,
            "MCOPSTN5",
            "CFQ7TTC0LCHC:0002",
            "CFQ7TTC0LCHC-0003",
            "A-1",
            "A-2",
            "bk",
            "O365_BUSINESS_PREMIUM",
        ])
        .prop_map(str::to_owned)
    }

    fn any_ref() -> impl Strategy<Value = ProductRef> {
        (any_text(), any_text(), any_text(), any_text()).prop_map(|(name, sku, part, code)| ProductRef {
            name: Some(name),
            sku: Some(sku),
            part_number: Some(part),
            code: (!code.is_empty()).then_some(code),
        })
    }

    fn any_mapping() -> impl Strategy<Value = MappingRow> {
        (any_text(), any_text(), 0..3_i64).prop_map(|(source, target, month)| MappingRow {
            span: (month > 0).then(|| Span {
                from: day("2026-01-01") + chrono::Days::new(month.unsigned_abs() * 31),
                until: None,
            }),
            ..mapping(&source, &target)
        })
    }

    proptest! {
        #[test]
        fn order_changes_nothing(
            (refs, shuffled) in prop::collection::vec(any_ref(), 0..12).prop_flat_map(|refs| (Just(refs.clone()), Just(refs).prop_shuffle())),
            (maps, mixed) in prop::collection::vec(any_mapping(), 0..6).prop_flat_map(|maps| (Just(maps.clone()), Just(maps).prop_shuffle())),
        ) {
            let one = ProductIndex::build(refs.iter(), &maps, Catalog::microsoft());
            let two = ProductIndex::build(shuffled.iter().chain(&refs), &mixed, Catalog::microsoft());
            prop_assert_eq!(one.notes(), two.notes());
            for on in ["2025-06-01", "2026-02-10", "2026-06-01"].map(day) {
                for product in &refs {
                    let (a, b) = (one.resolve(product, on), two.resolve(product, on));
                    prop_assert!(a.is_some());
                    prop_assert_eq!(one.display(a.as_ref().unwrap().key), two.display(b.as_ref().unwrap().key));
                    prop_assert_eq!(a, b);
                }
            }
        }

        #[test]
        fn the_text_for_a_mapping_means_its_product(refs in prop::collection::vec(any_ref(), 0..12)) {
            let index = ProductIndex::build(refs.iter(), &[], Catalog::microsoft());
            for product in &refs {
                let key = index.resolve(product, day("2026-06-01")).unwrap().key;
                let (text, identity) = (index.mapping_text(key), &index.identities[key.index()]);
                // A part number or code of several products is not one product, and an id that is written
                // like another product's name comes before it.
                let id = |other: &ProductRef| other.sku.as_deref().map(crate::matching::fold_id);
                let own = crate::matching::fold_id(text);
                let like_an_id =
                    matches!(identity, Identity::Name(_)) && refs.iter().any(|other| id(other).as_ref() == Some(&own));
                if !like_an_id && !matches!(identity, Identity::Unnamed | Identity::Part(_) | Identity::Code(_)) {
                    prop_assert_eq!(index.find(text), Some(key), "{} {:?}", text, identity);
                }
            }
        }

        #[test]
        fn rows_of_one_vendor_id_are_one_product(refs in prop::collection::vec(any_ref(), 2..12)) {
            let index = ProductIndex::build(refs.iter(), &[], Catalog::microsoft());
            let on = day("2026-06-01");
            for a in &refs {
                for b in refs.iter().filter(|b| b.sku == a.sku && a.sku.as_deref() == Some(SPB)) {
                    prop_assert_eq!(index.resolve(a, on).unwrap().key, index.resolve(b, on).unwrap().key);
                }
            }
        }
    }
}
