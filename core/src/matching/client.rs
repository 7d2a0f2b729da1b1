//! The clients of an audit: one key for all references to the same client.
//!
//! Ids come in two families, tenant ids (GUIDs, Microsoft's) and the PSA's own. A name that belongs to
//! one id of each joins the two; one that belongs to two ids of a family joins nothing. A domain never
//! matches by itself: it is a reason to propose.

use super::client_score::{self, Prepared};
use super::fold::as_guid;
use super::propose::{Read, propose};
use super::redirect::Redirects;
use super::{ExactBy, MatchNote, Method, Proposal, Resolution, fold, fold_id};
use crate::records::{ClientRef, MappingRow, MappingSide};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// A client of one index. Keys of different indexes are not comparable; their order does not depend on
/// the order of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientKey(u32);

impl ClientKey {
    /// Position among the keys of its index, from 0 to [`ClientIndex::len`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a client is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientDisplay {
    /// Its name as the rows write it; without one its domain or id.
    pub name: String,
    /// Its id, the tenant's before the PSA's.
    pub id: Option<String>,
    /// Its domain.
    pub domain: Option<String>,
}

/// One way of being named, as it is compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Identity {
    Tenant(String),
    Id(String),
    Name(String),
    Domain(String),
    Unnamed,
}

impl Identity {
    fn text(&self) -> &str {
        match self {
            Self::Tenant(text) | Self::Id(text) | Self::Name(text) | Self::Domain(text) => text,
            Self::Unnamed => "",
        }
    }

    fn contradicts(&self, other: &Self) -> bool {
        self != other
            && matches!((self, other), (Self::Tenant(_), Self::Tenant(_)) | (Self::Id(_), Self::Id(_)))
    }
}

#[derive(Clone, Debug)]
struct Meaning {
    identity: Identity,
    by: ExactBy,
    candidates: BTreeSet<Identity>,
}

impl Meaning {
    fn exact(identity: Identity, by: ExactBy) -> Self {
        Self { identity, by, candidates: BTreeSet::new() }
    }
}

fn filled(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn id_of(text: &str) -> Identity {
    let id = fold_id(text);
    as_guid(&id).map_or(Identity::Id(id), Identity::Tenant)
}

/// The reference's own id. A client that is named by a tenant's id is that tenant.
fn own_id(client: &ClientRef) -> Option<Identity> {
    let named =
        || filled(client.name.as_ref()).and_then(|name| as_guid(&fold_id(name))).map(Identity::Tenant);
    filled(client.id.as_ref()).map(id_of).or_else(named)
}

/// The domain of a reference that has neither id nor name.
fn bare_domain(client: &ClientRef) -> Option<Identity> {
    let domain = filled(client.domain.as_ref()).filter(|_| filled(client.name.as_ref()).is_none());
    domain.map(fold_id).map(Identity::Domain)
}

/// What all rows together say about names and ids.
#[derive(Debug, Default)]
struct Facts {
    tenants_of_name: BTreeMap<String, BTreeSet<Identity>>,
    ids_of_name: BTreeMap<String, BTreeSet<Identity>>,
    ids: BTreeSet<Identity>,
    /// Domains of references that have nothing else.
    domains: BTreeSet<Identity>,
    /// The tenant of a PSA's id, where a name joins the two and no other name joins either elsewhere.
    tenant_of: BTreeMap<Identity, Identity>,
}

impl Facts {
    fn of(clients: &BTreeSet<&ClientRef>) -> Self {
        let mut facts = Self::default();
        for client in clients {
            let Some(id) = own_id(client) else {
                facts.domains.extend(bare_domain(client));
                continue;
            };
            facts.ids.insert(id.clone());
            if let Some(name) = filled(client.name.as_ref()) {
                let family = if matches!(id, Identity::Tenant(_)) {
                    &mut facts.tenants_of_name
                } else {
                    &mut facts.ids_of_name
                };
                family.entry(fold(name)).or_default().insert(id);
            }
        }
        facts.join();
        facts
    }

    fn join(&mut self) {
        let mut pairs: BTreeSet<(&Identity, &Identity)> = BTreeSet::new();
        for (name, tenants) in &self.tenants_of_name {
            let ids = self.ids_of_name.get(name);
            if let (1, Some(tenant), Some(id)) =
                (tenants.len(), tenants.first(), ids.and_then(|ids| only(ids)))
            {
                pairs.insert((tenant, id));
            }
        }
        let times = |pick: fn(&(&Identity, &Identity)) -> Identity| {
            let mut times: HashMap<Identity, usize> = HashMap::new();
            for pair in &pairs {
                *times.entry(pick(pair)).or_default() += 1;
            }
            times
        };
        let (of_tenant, of_id) = (times(|pair| pair.0.clone()), times(|pair| pair.1.clone()));
        let once = |times: &HashMap<Identity, usize>, id: &Identity| times.get(id) == Some(&1);
        self.tenant_of = pairs
            .iter()
            .filter(|(tenant, id)| once(&of_tenant, tenant) && once(&of_id, id))
            .map(|(tenant, id)| ((*id).clone(), (*tenant).clone()))
            .collect();
    }

    fn joined(&self, id: &Identity) -> Identity {
        self.tenant_of.get(id).unwrap_or(id).clone()
    }

    fn named(&self, name: &str) -> Meaning {
        let claims = self.tenants_of_name.get(name).into_iter().chain(self.ids_of_name.get(name));
        let claims: BTreeSet<Identity> = claims.flatten().map(|id| self.joined(id)).collect();
        match only(&claims) {
            Some(id) => Meaning::exact(id.clone(), ExactBy::Name),
            None => Meaning {
                candidates: claims,
                ..Meaning::exact(Identity::Name(name.to_owned()), ExactBy::Name)
            },
        }
    }

    fn meaning(&self, client: &ClientRef) -> Meaning {
        if let Some(id) = own_id(client) {
            return Meaning::exact(self.joined(&id), ExactBy::Id);
        }
        if let Some(name) = filled(client.name.as_ref()) {
            return self.named(&fold(name));
        }
        Meaning::exact(bare_domain(client).unwrap_or(Identity::Unnamed), ExactBy::Name)
    }

    /// What a mapping's text speaks of: an id that rows carry, a domain, or a name.
    fn text(&self, text: &str) -> Meaning {
        let id = id_of(text);
        if matches!(id, Identity::Tenant(_)) || self.ids.contains(&id) {
            return Meaning::exact(self.joined(&id), ExactBy::Id);
        }
        let domain = Identity::Domain(fold_id(text));
        if self.domains.contains(&domain) {
            return Meaning::exact(domain, ExactBy::Id);
        }
        self.named(&fold(text))
    }
}

fn only(ids: &BTreeSet<Identity>) -> Option<&Identity> {
    ids.first().filter(|_| ids.len() == 1)
}

#[derive(Clone, Debug)]
struct Base {
    key: ClientKey,
    by: ExactBy,
    candidates: Arc<[ClientKey]>,
}

/// Every client reference of an audit, on all sides, with the mappings.
#[derive(Debug)]
pub struct ClientIndex {
    facts: Facts,
    keys: HashMap<Identity, ClientKey>,
    display: Vec<ClientDisplay>,
    refs: Vec<Vec<ClientRef>>,
    /// References of directories: what they call a client is its name.
    listed: BTreeSet<ClientRef>,
    known: HashMap<ClientRef, Base>,
    redirects: Redirects,
    notes: Vec<MatchNote>,
}

impl ClientIndex {
    /// Builds the index from every client reference of all sides (repeated ones cost one lookup), rules and
    /// prices included, and the mappings (those of products are passed over).
    ///
    /// The same references and mappings in any order give the same index.
    pub fn build<'a>(refs: impl Iterator<Item = &'a ClientRef>, mappings: &[MappingRow]) -> Self {
        Self::of_directories(refs, std::iter::empty(), mappings)
    }

    /// The same, with the references of directories. A client is shown by the name that a directory gives
    /// it: rows may call it by its tenant's.
    pub fn of_directories<'a>(
        refs: impl Iterator<Item = &'a ClientRef>,
        listed: impl Iterator<Item = &'a ClientRef>,
        mappings: &[MappingRow],
    ) -> Self {
        let listed: BTreeSet<&ClientRef> = listed.collect();
        let distinct: HashSet<&ClientRef> = refs.chain(listed.iter().copied()).collect();
        let distinct: BTreeSet<&ClientRef> = distinct.into_iter().collect();
        let facts = Facts::of(&distinct);
        let meanings: Vec<(&ClientRef, Meaning)> =
            distinct.iter().map(|client| (*client, facts.meaning(client))).collect();
        let rows = mappings.iter().filter(|row| row.side == MappingSide::Client);
        let steps: Vec<(Meaning, Meaning, &MappingRow)> =
            rows.map(|row| (facts.text(&row.source), facts.text(&row.target), row)).collect();

        let mut identities: BTreeSet<Identity> = BTreeSet::new();
        let told = meanings.iter().map(|(_, meaning)| meaning);
        for meaning in told.chain(steps.iter().flat_map(|(source, target, _)| [source, target])) {
            identities.insert(meaning.identity.clone());
            identities.extend(meaning.candidates.iter().cloned());
        }
        let keys = (0..).map(ClientKey).zip(&identities).map(|(key, id)| (id.clone(), key)).collect();
        let mut index = Self {
            facts,
            keys,
            display: Vec::new(),
            refs: vec![Vec::new(); identities.len()],
            listed: listed.into_iter().cloned().collect(),
            known: HashMap::new(),
            redirects: Redirects::default(),
            notes: Vec::new(),
        };
        for (client, meaning) in meanings {
            if let Some(base) = index.base(&meaning) {
                if let Some(refs) = index.refs.get_mut(base.key.index()) {
                    refs.push(client.clone());
                }
                index.known.insert(client.clone(), base);
            }
        }
        index.display = identities.iter().map(|identity| index.show(identity)).collect();
        index.redirect(&steps);
        index
    }

    fn redirect(&mut self, steps: &[(Meaning, Meaning, &MappingRow)]) {
        let mut notes = BTreeSet::new();
        let mut redirects = Redirects::default();
        for (source, target, row) in steps {
            let keys = (self.keys.get(&source.identity), self.keys.get(&target.identity));
            let (Some(from), Some(to)) = keys else { continue };
            if source.identity.contradicts(&target.identity) {
                let (source, target) = (row.source.clone(), row.target.clone());
                notes.insert(MatchNote::JoinsDifferentIds { source, target });
            }
            if !target.candidates.is_empty() {
                notes.insert(MatchNote::AmbiguousTarget { target: row.target.clone() });
            }
            redirects.add(from.0, to.0, row);
        }
        notes.extend(redirects.finish(|key| self.display(ClientKey(key)).name.clone()));
        self.redirects = redirects;
        self.notes = notes.into_iter().collect();
    }

    fn base(&self, meaning: &Meaning) -> Option<Base> {
        let key = *self.keys.get(&meaning.identity)?;
        let candidates = meaning.candidates.iter().filter_map(|id| self.keys.get(id)).copied().collect();
        Some(Base { key, by: meaning.by, candidates })
    }

    /// What a reference stands for on a day.
    ///
    /// `None` only for a reference that was not given to [`ClientIndex::build`] and stands for nothing
    /// that was.
    pub fn resolve(&self, client: &ClientRef, on: NaiveDate) -> Option<Resolution<ClientKey>> {
        let read_now;
        let base = if let Some(base) = self.known.get(client) {
            base
        } else {
            read_now = self.base(&self.facts.meaning(client))?;
            &read_now
        };
        if !self.redirects.leaves_alone(base.key.0) {
            let followed = self.redirects.follow(base.key.0, on);
            if let Some(approved_by) = followed.approved_by {
                let method = Method::Mapping { approved_by };
                return Some(Resolution { key: ClientKey(followed.key), method });
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

    /// The key of what a mapping or a person calls by this text (id or name), before mappings; none if no
    /// row and no mapping of this index speaks of it.
    pub fn find(&self, text: &str) -> Option<ClientKey> {
        self.keys.get(&self.facts.text(text).identity).copied()
    }

    /// What to write into a mapping, as source or target, so that it means this client and no other: its
    /// id where it has one, else its name or domain.
    pub fn mapping_text(&self, key: ClientKey) -> &str {
        let display = self.display(key);
        display.id.as_deref().unwrap_or(&display.name)
    }

    /// How a client is shown. A key of another index shows as an empty name.
    pub fn display(&self, key: ClientKey) -> &ClientDisplay {
        const NOBODY: &ClientDisplay = &ClientDisplay { name: String::new(), id: None, domain: None };
        self.display.get(key.index()).unwrap_or(NOBODY)
    }

    /// The distinct references that stand for this key by themselves, without mappings, in order.
    pub fn refs(&self, key: ClientKey) -> &[ClientRef] {
        self.refs.get(key.index()).map_or(&[], Vec::as_slice)
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
    pub fn propose(&self, sources: &[ClientKey], targets: &[ClientKey]) -> Vec<Proposal<ClientKey>> {
        let prepare = |keys: &[ClientKey]| -> Vec<Read<ClientKey, Prepared>> {
            keys.iter().map(|key| (*key, self.refs(*key).iter().map(Prepared::new).collect())).collect()
        };
        propose(&prepare(sources), &prepare(targets), Prepared::hints, client_score::score)
    }

    fn show(&self, identity: &Identity) -> ClientDisplay {
        let refs = self.keys.get(identity).map_or(&[][..], |key| self.refs(*key));
        let first = |pick: fn(&ClientRef) -> Option<&String>| {
            refs.iter().find_map(|client| filled(pick(client)).map(str::to_owned))
        };
        let has_name = |client: &&ClientRef| filled(client.name.as_ref()).is_some();
        let by_directory = refs.iter().filter(has_name).any(|client| self.listed.contains(client));
        let naming = refs.iter().filter(|client| !by_directory || self.listed.contains(*client));
        let names: BTreeSet<&str> = naming.filter_map(|client| filled(client.name.as_ref())).collect();
        let domain = first(|client| client.domain.as_ref());
        let id =
            matches!(identity, Identity::Tenant(_) | Identity::Id(_)).then(|| identity.text().to_owned());
        let name = names.first().map(|name| (*name).to_owned()).or_else(|| domain.clone());
        ClientDisplay { name: name.unwrap_or_else(|| identity.text().to_owned()), id, domain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    const OTHER: &str = "82f988bf-86f1-41af-91ab-2d7cd011db47";

    /// `name|id|domain`, missing ones empty.
    fn client(text: &str) -> ClientRef {
        let mut fields = text.split('|').map(|field| (!field.is_empty()).then(|| field.to_owned()));
        let mut next = || fields.next().flatten();
        ClientRef { name: next(), id: next(), domain: next() }
    }

    fn mapping(source: &str, target: &str) -> MappingRow {
        MappingRow {
            side: MappingSide::Client,
            source: source.to_owned(),
            target: target.to_owned(),
            approved_by: "dana@msp.example".to_owned(),
            span: None,
        }
    }

    fn build(refs: &[&str], mappings: &[MappingRow]) -> ClientIndex {
        let refs: Vec<_> = refs.iter().map(|text| client(text)).collect();
        ClientIndex::build(refs.iter(), mappings)
    }

    fn resolve(index: &ClientIndex, text: &str) -> Resolution<ClientKey> {
        index.resolve(&client(text), "2026-06-01".parse().unwrap()).unwrap()
    }

    fn same(index: &ClientIndex, a: &str, b: &str) -> bool {
        resolve(index, a).key == resolve(index, b).key
    }

    #[test]
    fn the_same_id_is_the_same_client_whatever_it_is_called() {
        let shouted = format!("Contoso Ltd|org:{}\u{a0}|", TENANT.to_uppercase());
        let plain = format!("Contoso|{TENANT}|");
        let index = build(&[&shouted, &plain, "Contoso Ltd", TENANT], &[]);
        for other in [&shouted, "Contoso Ltd", TENANT] {
            assert!(same(&index, &plain, other), "{other}");
        }
    }

    #[test]
    fn a_name_joins_one_tenant_and_one_company() {
        let tenant = format!("Contoso|{TENANT}|contoso.com");
        let index = build(&[&tenant, "CONTOSO|250|", "contoso", "Contoso Main Office|250|"], &[]);
        for other in ["CONTOSO|250|", "contoso", "Contoso Main Office|250|"] {
            assert!(same(&index, &tenant, other), "{other}");
        }
        assert_eq!(index.display(resolve(&index, "contoso").key).id.as_deref(), Some(TENANT));
    }

    #[test]
    fn a_name_of_two_ids_belongs_to_neither() {
        let (one, two) = (format!("Contoso|{TENANT}|"), format!("Contoso|{OTHER}|"));
        for refs in [[one.as_str(), two.as_str()], ["Contoso|1|", "Contoso|2|"]] {
            let index = build(&[refs[0], refs[1], "Contoso"], &[]);
            assert!(!same(&index, refs[0], refs[1]));
            assert!(matches!(resolve(&index, "Contoso").method, Method::Ambiguous(keys) if keys.len() == 2));
        }
    }

    #[test]
    fn a_tenant_that_two_companies_claim_by_different_names_joins_neither() {
        let (old, new) = (format!("Contoso|{TENANT}|"), format!("Contoso Group|{TENANT}|"));
        let index = build(&[&old, &new, "Contoso|1|", "Contoso Group|2|"], &[]);
        assert!(!same(&index, &old, "Contoso|1|"));
        assert!(!same(&index, "Contoso|1|", "Contoso Group|2|"));
    }

    #[test]
    fn a_domain_alone_proposes_and_does_not_match() {
        let index = build(&["||contoso.com", "Contoso Ltd|250|contoso.com"], &[]);
        assert!(!same(&index, "||contoso.com", "Contoso Ltd|250|contoso.com"));
        let keys = ["||contoso.com", "Contoso Ltd|250|contoso.com"].map(|text| resolve(&index, text).key);
        assert_eq!(index.propose(&keys[..1], &keys[1..]).len(), 1);
    }

    #[test]
    fn a_client_is_shown_by_the_name_that_a_directory_gives_it() {
        let refs = [format!("AAA tenant|{TENANT}|"), "Contoso Ltd||".to_owned()].map(|text| client(&text));
        let listed = client(&format!("Contoso Ltd|{TENANT}|contoso.com"));
        let index = ClientIndex::of_directories(refs.iter(), std::iter::once(&listed), &[]);
        let keys =
            refs.each_ref().map(|client| index.resolve(client, "2026-06-01".parse().unwrap()).unwrap().key);
        assert_eq!(keys[0], keys[1]);
        assert_eq!(index.display(keys[0]).name, "Contoso Ltd");
        let unnamed = client(&format!("|{TENANT}|contoso.com"));
        let index = ClientIndex::of_directories(refs.iter(), std::iter::once(&unnamed), &[]);
        let key = index.resolve(&refs[0], "2026-06-01".parse().unwrap()).unwrap().key;
        assert_eq!(index.display(key).name, "AAA tenant", "a directory without a name says none");
    }

    #[test]
    fn mappings_join_clients_and_circles_end() {
        let tenant = format!("Contoso|{TENANT}|");
        let index = build(&[&tenant, "Kontoso"], &[mapping("kontoso", TENANT)]);
        assert!(same(&index, &tenant, "Kontoso"));
        let index = build(&[&tenant, "||contoso.net"], &[mapping("Contoso.NET", "Contoso")]);
        assert!(same(&index, &tenant, "||contoso.net"));
        let index = build(&["A1", "B1"], &[mapping("A1", "B1"), mapping("B1", "A1")]);
        assert!(same(&index, "A1", "B1"));
        assert_eq!(index.notes().len(), 2);
    }

    fn any_ref() -> impl Strategy<Value = ClientRef> {
        let name = prop::sample::select(vec!["", "Contoso", "contoso", "Contoso Ltd", "Fabrikam", TENANT]);
        let id = prop::sample::select(vec!["", "1", "2", TENANT, OTHER]);
        (name, id).prop_map(|(name, id)| client(&format!("{name}|{id}|")))
    }

    proptest! {
        #[test]
        fn order_changes_nothing(
            (refs, shuffled) in prop::collection::vec(any_ref(), 0..12).prop_flat_map(|refs| (Just(refs.clone()), Just(refs).prop_shuffle())),
        ) {
            let maps = [mapping("Contoso", "Fabrikam"), mapping("1", "Contoso Ltd"), mapping("Fabrikam", "2")];
            let one = ClientIndex::build(refs.iter(), &maps);
            let two = ClientIndex::build(shuffled.iter(), &[maps[2].clone(), maps[0].clone(), maps[1].clone()]);
            prop_assert_eq!(one.notes(), two.notes());
            for client in &refs {
                let on = "2026-06-01".parse().unwrap();
                let (a, b) = (one.resolve(client, on).unwrap(), two.resolve(client, on).unwrap());
                prop_assert_eq!(one.display(a.key), two.display(b.key));
                if a.method != Method::Itself && matches!(a.method, Method::Exact { .. }) {
                    prop_assert_eq!(one.find(one.mapping_text(a.key)), Some(a.key));
                }
                prop_assert_eq!(a, b);
            }
        }
    }
}
