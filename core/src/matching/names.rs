//! What product names, part numbers and codes mean, given all rows of an audit and the catalog.
//!
//! The rule (a name is exact while it belongs to one id only) needs to see every row first: so these
//! tables are filled from all of them, and asked after.

use super::ExactBy;
use super::identity::{Face, Identity, Parts, guids_of_part, id_as_name};
use super::{fold, fold_id};
use crate::catalog::Catalog;
use std::collections::{BTreeMap, BTreeSet};

/// What a name, or a whole reference, stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) identity: Identity,
    pub(super) by: ExactBy,
    /// The ids between which it cannot be decided; empty: decided.
    pub(super) candidates: BTreeSet<Identity>,
}

impl Meaning {
    fn exact(identity: Identity, by: ExactBy) -> Self {
        Self { identity, by, candidates: BTreeSet::new() }
    }
}

/// Everything that rows say about ids and names.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) parts: Parts,
    /// GUIDs that rows state beside a Partner Center or other vendor's id.
    beside: BTreeMap<Identity, BTreeSet<String>>,
    /// Vendor ids that rows carry.
    ids: BTreeSet<Identity>,
    /// GUIDs that rows carry.
    present: BTreeSet<String>,
    /// Vendor ids by the name that rows give them.
    ids_of_name: BTreeMap<String, BTreeSet<Identity>>,
    /// Names by code, of rows without a vendor's id.
    names_of_code: BTreeMap<String, BTreeSet<String>>,
    codes_of_name: BTreeMap<String, BTreeSet<String>>,
    /// Names of rows without a vendor's id.
    bare_names: BTreeSet<String>,
    /// Vendor ids by code.
    ids_of_code: BTreeMap<String, BTreeSet<Identity>>,
}

impl Facts {
    /// First look: which ids stand beside each other.
    pub(super) fn note_ids(&mut self, face: &Face) {
        if let Some((id, _)) = &face.vendor {
            self.ids.insert(id.clone());
            if let Some(guid) = &face.beside {
                self.beside.entry(id.clone()).or_default().insert(guid.clone());
                self.present.insert(guid.clone());
            }
            if let Identity::Guid(guid) = id {
                self.present.insert(guid.clone());
            }
        }
    }

    /// Second look: which names and codes belong to which ids.
    pub(super) fn note_names(&mut self, face: &Face, catalog: &Catalog) {
        let vendor = self.vendor(face, catalog).filter(|meaning| meaning.candidates.is_empty());
        if let Some(meaning) = vendor {
            if let Some(name) = &face.name {
                self.ids_of_name.entry(name.clone()).or_default().insert(meaning.identity.clone());
            }
            if let Some(code) = &face.code {
                self.ids_of_code.entry(code.clone()).or_default().insert(meaning.identity);
            }
            return;
        }
        self.bare_names.extend(face.name.clone());
        if let (Some(code), Some(name)) = (&face.code, &face.name) {
            self.names_of_code.entry(code.clone()).or_default().insert(name.clone());
            self.codes_of_name.entry(name.clone()).or_default().insert(code.clone());
        }
    }

    /// What the ids on a reference stand for, if it has any.
    fn vendor(&self, face: &Face, catalog: &Catalog) -> Option<Meaning> {
        let (id, by) = face.vendor.clone()?;
        // A row that states a GUID beside another id joins the two, while it is the only GUID so stated.
        if let Some(guids) = self.beside.get(&id).filter(|guids| guids.len() == 1) {
            return guids.first().map(|guid| Meaning::exact(Identity::Guid(guid.clone()), by));
        }
        let Identity::Part(part) = &id else { return Some(Meaning::exact(id, by)) };
        let mut guids = guids_of_part(part, &self.parts, catalog);
        if let Some(name) = &face.name {
            let named: BTreeSet<String> = catalog.by_name(name).iter().map(|sku| sku.guid.clone()).collect();
            let both: BTreeSet<String> = guids.intersection(&named).cloned().collect();
            if both.len() == 1 {
                guids = both;
            }
        }
        Some(match guids.len() {
            0 => Meaning::exact(id, by),
            1 => Meaning::exact(guids.into_iter().next().map_or(id, Identity::Guid), by),
            _ => Meaning { identity: id, by, candidates: guids.into_iter().map(Identity::Guid).collect() },
        })
    }

    /// What a reference stands for.
    pub(super) fn meaning(&self, face: &Face, catalog: &Catalog) -> Meaning {
        if let Some(meaning) = self.vendor(face, catalog) {
            return meaning;
        }
        match (&face.name, &face.code) {
            (Some(name), code) => {
                let meaning = self.named(name, catalog);
                match code.clone().map(Identity::Code) {
                    Some(code) if meaning.candidates.contains(&code) => Meaning::exact(code, ExactBy::Code),
                    _ => meaning,
                }
            }
            (None, Some(code)) => self.coded(code, catalog),
            (None, None) => Meaning::exact(Identity::Unnamed, ExactBy::Name),
        }
    }

    /// What a bare name stands for.
    ///
    /// Graph's GUIDs (of catalog and rows) and the ids of other vendors are two families that no public
    /// table joins, so a name may be claimed by one id of each. Then Graph's counts where rows carry it,
    /// for the catalog itself calls it by this name; the other id keeps its rows to itself. Where no row
    /// carries a GUID of this name, the catalog's GUIDs claim nothing that could be confused.
    pub(super) fn named(&self, name: &str, catalog: &Catalog) -> Meaning {
        let bare = || Meaning::exact(Identity::Name(name.to_owned()), ExactBy::Name);
        let stated = self.ids_of_name.get(name).cloned().unwrap_or_default();
        let (mut graph, others): (BTreeSet<_>, BTreeSet<_>) =
            stated.into_iter().partition(|id| matches!(id, Identity::Guid(_)));
        graph.extend(catalog.by_name(name).iter().map(|sku| Identity::Guid(sku.guid.clone())));
        let carried = graph.iter().any(|id| self.present.contains(id.text()));
        let only = |ids: &BTreeSet<Identity>| ids.first().cloned().filter(|_| ids.len() == 1);
        match (only(&graph), only(&others)) {
            (Some(guid), _) if carried || others.is_empty() => Meaning::exact(guid, ExactBy::Name),
            (_, Some(other)) if !carried => Meaning::exact(other, ExactBy::Name),
            _ if !carried && others.is_empty() => {
                let codes = self.codes_of_name.get(name).into_iter().flatten();
                let codes: BTreeSet<_> =
                    codes.filter(|code| self.is_id(code)).cloned().map(Identity::Code).collect();
                if codes.len() < 2 { bare() } else { Meaning { candidates: codes, ..bare() } }
            }
            _ => {
                let graph = if carried { graph } else { BTreeSet::new() };
                Meaning { candidates: graph.into_iter().chain(others).collect(), ..bare() }
            }
        }
    }

    /// A code that rows give to several names (a "MISC" item) identifies nothing.
    fn is_id(&self, code: &str) -> bool {
        self.names_of_code.get(code).is_none_or(|names| names.len() < 2)
    }

    /// What a code without a name stands for.
    fn coded(&self, code: &str, catalog: &Catalog) -> Meaning {
        let itself = Identity::Code(code.to_owned());
        let names = self.names_of_code.get(code).into_iter().flatten();
        let mut meant: BTreeSet<Identity> = self.ids_of_code.get(code).cloned().unwrap_or_default();
        for name in names {
            let meaning = self.named(name, catalog);
            let own = meaning.candidates.contains(&itself);
            meant.insert(if own { itself.clone() } else { meaning.identity });
        }
        match meant.len() {
            0 => Meaning::exact(itself, ExactBy::Code),
            1 => Meaning::exact(meant.into_iter().next().unwrap_or(itself), ExactBy::Code),
            _ => Meaning { identity: itself, by: ExactBy::Code, candidates: meant },
        }
    }

    /// The identity of a mapping's target, and whether its name belongs to several ids.
    pub(super) fn target(&self, text: &str, catalog: &Catalog) -> (Identity, bool) {
        if let Some(id) = self.id(text, catalog) {
            return (self.in_use(id, catalog), false);
        }
        let name = fold(text);
        let code = fold_id(text);
        let meaning = self.named(&name, catalog);
        let known = meaning.identity != Identity::Name(name.clone()) || self.bare_names.contains(&name);
        if !known && (self.names_of_code.contains_key(&code) || self.ids_of_code.contains_key(&code)) {
            return (self.coded(&code, catalog).identity, false);
        }
        (meaning.identity, !meaning.candidates.is_empty())
    }

    /// All identities that a mapping's source text speaks of: the id it is, or the code or name that
    /// rows carry, with or without ids of their own.
    pub(super) fn sources(&self, text: &str, catalog: &Catalog) -> BTreeSet<Identity> {
        if let Some(id) = self.id(text, catalog) {
            return BTreeSet::from([self.in_use(id, catalog)]);
        }
        let (name, code) = (fold(text), fold_id(text));
        let meaning = self.named(&name, catalog);
        let codes = meaning.candidates.iter().filter(|id| matches!(id, Identity::Code(_)));
        let mut sources: BTreeSet<Identity> = codes.cloned().collect();
        sources.insert(meaning.identity);
        if let Some(ids) = self.ids_of_name.get(&name) {
            let mut others = ids.iter().filter(|id| !matches!(id, Identity::Guid(_)));
            if let (Some(other), None) = (others.next(), others.next()) {
                sources.insert(other.clone());
            }
        }
        if self.names_of_code.contains_key(&code) || self.ids_of_code.contains_key(&code) {
            let meaning = self.coded(&code, catalog);
            if meaning.candidates.is_empty() {
                sources.insert(meaning.identity);
            }
        }
        sources
    }

    /// An id as text in a mapping: a GUID, a stock code, a part number, or another vendor's id that rows carry.
    fn id(&self, text: &str, catalog: &Catalog) -> Option<Identity> {
        let own = Identity::Vendor(fold_id(text));
        let part = Identity::Part(text.trim().to_lowercase());
        id_as_name(text, &self.parts, catalog)
            .or_else(|| [own, part].into_iter().find(|id| self.ids.contains(id)))
    }

    /// An id as rows carry it: joined to the GUID beside it, or, where no row carries the GUID itself,
    /// the one id that carries its name.
    fn in_use(&self, id: Identity, catalog: &Catalog) -> Identity {
        if let Some(guid) = self.beside.get(&id).filter(|guids| guids.len() == 1).and_then(BTreeSet::first) {
            return Identity::Guid(guid.clone());
        }
        let Identity::Guid(guid) = &id else { return id };
        if self.present.contains(guid) {
            return id;
        }
        let names = catalog.by_guid(guid).into_iter().flat_map(|sku| &sku.names);
        let carriers: BTreeSet<Identity> = names
            .map(|name| self.named(&fold(&name.text), catalog))
            .filter(|meaning| meaning.candidates.is_empty())
            .map(|meaning| meaning.identity)
            .filter(|identity| !matches!(identity, Identity::Name(_)))
            .collect();
        if carriers.len() == 1 { carriers.into_iter().next().unwrap_or(id) } else { id }
    }
}
