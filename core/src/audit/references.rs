//! The clients and products that records name, each distinct one once.

use crate::records::{ClientRef, ProductRef, Record, Sourced};
use std::borrow::Cow;
use std::collections::HashMap;

/// A distinct reference of a row: index into the interned ones.
pub(super) type RefId = u32;

/// In place of the references of a record that is not compared.
const NOT_COMPARED: (u32, u32) = (u32::MAX, u32::MAX);

/// The references of one source's records: rows share them, so they are few.
pub(super) struct Refs {
    /// Per record the places of client and product in the lists below.
    rows: Vec<(u32, u32)>,
    clients: Vec<RefId>,
    products: Vec<RefId>,
    /// The records that are not compared: most often none, among a million.
    others: Vec<u32>,
}

impl Refs {
    /// Those of a record; none for records that are not compared.
    pub(super) fn of(&self, record: usize) -> Option<(RefId, RefId)> {
        let (client, product) = *self.rows.get(record)?;
        Some((*self.clients.get(client as usize)?, *self.products.get(product as usize)?))
    }

    /// Those of a source's records that are not compared: entries of directories, prices and the like.
    pub(super) fn others<'s>(
        &self,
        records: &'s [Sourced],
    ) -> impl Iterator<Item = &'s Record> + use<'s, '_> {
        self.others.iter().filter_map(|at| Some(&records.get(*at as usize)?.record))
    }
}

/// Numbers for distinct references, in the order in which they come.
pub(super) struct Interner<'a, T: Clone + Eq + std::hash::Hash> {
    numbers: HashMap<Cow<'a, T>, RefId>,
    pub(super) values: Vec<Cow<'a, T>>,
}

impl<'a, T: Clone + Eq + std::hash::Hash> Interner<'a, T> {
    pub(super) fn new() -> Self {
        Self { numbers: HashMap::new(), values: Vec::new() }
    }

    pub(super) fn number(&mut self, value: Cow<'a, T>) -> RefId {
        if let Some(number) = self.numbers.get(&value) {
            return *number;
        }
        let number = number(self.values.len());
        self.values.push(value.clone());
        self.numbers.insert(value, number);
        number
    }
}

/// What stands at different places, in the order in which it comes: rows of one source that share a reference
/// need not be compared by what it says.
struct Places<'a, T> {
    values: Vec<&'a T>,
    known: HashMap<*const T, u32>,
    last: Option<(*const T, u32)>,
}

impl<'a, T> Places<'a, T> {
    fn new() -> Self {
        Self { values: Vec::new(), known: HashMap::new(), last: None }
    }

    fn number(&mut self, value: &'a T) -> u32 {
        let place = std::ptr::from_ref(value);
        if let Some((_, number)) = self.last.filter(|last| last.0 == place) {
            return number;
        }
        let number = *self.known.entry(place).or_insert_with(|| {
            self.values.push(value);
            number(self.values.len() - 1)
        });
        self.last = Some((place, number));
        number
    }
}

/// The references of a source's records, not yet by what they say.
pub(super) struct Named<'a> {
    rows: Vec<(u32, u32)>,
    clients: Vec<&'a ClientRef>,
    products: Vec<&'a ProductRef>,
    others: Vec<u32>,
}

impl<'a> Named<'a> {
    pub(super) fn of(records: &'a [Sourced]) -> Self {
        let (mut clients, mut products) = (Places::new(), Places::new());
        let mut others = Vec::new();
        let numbers = (0..).zip(records).map(|(at, sourced)| {
            let Some((client, product)) = named(&sourced.record) else {
                others.push(at);
                return NOT_COMPARED;
            };
            (clients.number(client), products.number(product))
        });
        let rows = numbers.collect();
        Self { rows, clients: clients.values, products: products.values, others }
    }

    /// Tells them by what they say.
    pub(super) fn refs(
        self,
        client: impl FnMut(&'a ClientRef) -> RefId,
        product: impl FnMut(&'a ProductRef) -> RefId,
    ) -> Refs {
        Refs {
            rows: self.rows,
            clients: self.clients.into_iter().map(client).collect(),
            products: self.products.into_iter().map(product).collect(),
            others: self.others,
        }
    }
}

/// The client and product that a record names, if it is one that is compared.
pub(super) fn named(record: &Record) -> Option<(&ClientRef, &ProductRef)> {
    match record {
        Record::Entitlement(row) => Some((&row.client, &row.product)),
        Record::BillingLine(row) => Some((&row.client, &row.product)),
        Record::VendorCharge(row) => Some((&row.client, &row.product)),
        _ => None,
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
