//! Which client and which product each row speaks of, as numbers, and on which days.
//!
//! Names are interned once; after that the engine compares integers. What is the same is decided by
//! [`crate::matching`]; this module only asks it, and remembers which proposals were used on request.

use super::calendar::{Day, Days, date, day};
use super::document::MatchMethod;
use super::input::{AuditInput, Source};
use super::references::{Interner, Named, RefId, Refs, named};
use crate::catalog::Catalog;
use crate::matching::{ClientIndex, ClientKey, Method, ProductIndex, ProductKey, Resolution};
use crate::parallel;
use crate::records::{ClientRef, MappingRow, MappingSide, ProductRef, Record};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

/// A client of this audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ClientId(pub u32);

/// A product of this audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ProductId(pub u32);

/// What one reference stands for: from each day on, ascending; the first holds from the beginning.
#[derive(Clone, Debug)]
struct Meaning {
    steps: Vec<(Day, u32)>,
}

impl Meaning {
    fn at(&self, day: Day) -> u32 {
        let after = self.steps.partition_point(|step| step.0 <= day);
        self.steps.get(after.saturating_sub(1)).map_or(u32::MAX, |step| step.1)
    }
}

/// Clients and products of an audit.
pub(super) struct Identity {
    pub(super) clients: ClientIndex,
    pub(super) products: ProductIndex,
    /// Per source: the references of its records.
    refs: Vec<Refs>,
    client_meanings: Vec<Meaning>,
    product_meanings: Vec<Meaning>,
    client_methods: HashMap<u32, MatchMethod>,
    product_methods: HashMap<u32, MatchMethod>,
    /// Products whose name belongs to several ids: never compared by that name.
    ambiguous: HashMap<ProductId, BTreeSet<ProductId>>,
    ambiguous_clients: HashMap<ClientId, BTreeSet<ClientId>>,
    /// Proposals in use: what stands for what.
    client_aliases: HashMap<ClientId, ClientId>,
    product_aliases: HashMap<ProductId, ProductId>,
    /// Days on which a mapping begins or ends.
    mapping_days: Vec<Day>,
    client_keys: HashMap<ClientId, ClientKey>,
    product_keys: HashMap<ProductId, ProductKey>,
}

/// The entries of directories: they hold nothing to compare, and say which id and name are one.
fn listed<'a, T>(
    sources: &'a [&Source],
    refs: &'a [Refs],
    pick: fn(&'a Record) -> Option<&'a T>,
) -> impl Iterator<Item = &'a T> {
    sources.iter().zip(refs).flat_map(|(source, refs)| refs.others(&source.records)).filter_map(pick)
}

const fn listed_client(record: &Record) -> Option<&ClientRef> {
    match record {
        Record::Client(client) => Some(client),
        _ => None,
    }
}

const fn listed_product(record: &Record) -> Option<&ProductRef> {
    match record {
        Record::Product(product) => Some(product),
        _ => None,
    }
}

/// Whether a source's rows speak of one client at most: then the uploader's word names it.
pub(super) fn one_client(source: &Source) -> bool {
    let read = source.records.iter().filter_map(|sourced| named(&sourced.record)).map(|(client, _)| client);
    let mut clients = read.chain(source.left_out.clients.iter().map(AsRef::as_ref));
    clients.next().is_none_or(|first| clients.all(|client| client == first))
}

/// The client of a row: as written, or as the uploader says where the file names one client or none.
pub(super) fn client_of<'a>(source: &'a Source, alone: bool, client: &'a ClientRef) -> Cow<'a, ClientRef> {
    match &source.client {
        Some(stated) if alone || client.name.is_none() => {
            Cow::Owned(ClientRef { name: Some(stated.clone()), ..client.clone() })
        }
        _ => Cow::Borrowed(client),
    }
}

fn mapping_days(mappings: &[MappingRow]) -> Vec<Day> {
    let spans = mappings.iter().filter_map(|mapping| mapping.span);
    let mut days: Vec<Day> =
        spans.flat_map(|span| [Some(span.from), span.until]).flatten().map(day).collect();
    days.sort_unstable();
    days.dedup();
    days
}

impl Identity {
    /// Interns every name of the input.
    pub(super) fn build(input: &AuditInput, sources: &[&Source], threads: usize) -> Self {
        let mut clients = Interner::new();
        let mut products = Interner::new();
        let named = parallel::each(sources, threads, |source| Named::of(&source.records));
        let mut refs = Vec::with_capacity(sources.len());
        for (source, named) in sources.iter().zip(named) {
            let alone = source.client.is_some() && one_client(source);
            let own = |client| client_of(source, alone, client);
            refs.push(named.refs(
                |client| clients.number(own(client)),
                |product| products.number(Cow::Borrowed(product)),
            ));
            for client in &source.left_out.clients {
                clients.number(own(client));
            }
            for product in &source.left_out.products {
                products.number(Cow::Borrowed(product.as_ref()));
            }
        }
        let incomplete = sources.iter().filter_map(|source| match &source.incomplete {
            super::input::Incomplete::Clients(clients) => Some(clients.iter()),
            _ => None,
        });
        let rule_clients = input.rules.iter().filter_map(|rule| rule.client.as_ref());
        let price_clients = input.prices.iter().filter_map(|price| price.client.as_ref());
        let all_clients = clients.values.iter().map(AsRef::as_ref);
        let all_clients = all_clients.chain(incomplete.flatten()).chain(rule_clients).chain(price_clients);
        let client_index =
            ClientIndex::of_directories(all_clients, listed(sources, &refs, listed_client), &input.mappings);
        let rule_products =
            input.rules.iter().flat_map(|rule| [&rule.product, &rule.parent_product]).flatten();
        let price_products = input.prices.iter().map(|price| &price.product);
        let policy_products = input.policy.overrides.iter().filter_map(|own| own.product.as_ref());
        let allocated = input.allocations.iter().filter_map(|own| own.product.as_ref());
        let policy_products = policy_products.chain(allocated);
        let all_products = products.values.iter().map(AsRef::as_ref);
        let all_products = all_products.chain(rule_products).chain(price_products).chain(policy_products);
        let all_products = all_products.chain(listed(sources, &refs, listed_product));
        let product_index = ProductIndex::build(all_products, &input.mappings, Catalog::microsoft());

        let mut identity = Self {
            clients: client_index,
            products: product_index,
            refs,
            client_meanings: Vec::with_capacity(clients.values.len()),
            product_meanings: Vec::with_capacity(products.values.len()),
            client_methods: HashMap::new(),
            product_methods: HashMap::new(),
            ambiguous: HashMap::new(),
            ambiguous_clients: HashMap::new(),
            client_aliases: HashMap::new(),
            product_aliases: HashMap::new(),
            mapping_days: mapping_days(&input.mappings),
            client_keys: HashMap::new(),
            product_keys: HashMap::new(),
        };
        for client in &clients.values {
            let meaning = identity.meaning(|identity, on| identity.client_at(client, on));
            identity.client_meanings.push(meaning);
        }
        // Clients of whom nothing is left but refused rows are shown too.
        for source in sources {
            if let super::input::Incomplete::Clients(clients) = &source.incomplete {
                for client in clients {
                    identity.client_at(client, BEGINNING);
                }
            }
        }
        for product in &products.values {
            let meaning = identity.meaning(|identity, on| identity.product_at(product, on));
            identity.product_meanings.push(meaning);
        }
        identity
    }

    /// Resolves a reference on every day on which a mapping may change its meaning.
    fn meaning(&mut self, resolve: impl Fn(&mut Self, Day) -> u32) -> Meaning {
        let days: Vec<Day> = std::iter::once(BEGINNING).chain(self.mapping_days.iter().copied()).collect();
        let mut steps: Vec<(Day, u32)> = Vec::new();
        for on in days {
            let key = resolve(self, on);
            if steps.last().is_none_or(|last| last.1 != key) {
                steps.push((on, key));
            }
        }
        Meaning { steps }
    }

    fn client_at(&mut self, client: &ClientRef, on: Day) -> u32 {
        let Some(Resolution { key, method }) = self.clients.resolve(client, date(on)) else {
            return u32::MAX;
        };
        let id = number(key.index());
        self.client_keys.insert(ClientId(id), key);
        match method {
            Method::Mapping { .. } => {
                self.client_methods.insert(id, MatchMethod::Mapping);
            }
            Method::Ambiguous(keys) => {
                self.client_keys.extend(keys.iter().map(|key| (ClientId(number(key.index())), *key)));
                let keys = keys.iter().map(|key| ClientId(number(key.index())));
                self.ambiguous_clients.entry(ClientId(id)).or_default().extend(keys);
            }
            Method::Exact { .. } | Method::Itself => {}
        }
        id
    }

    fn product_at(&mut self, product: &ProductRef, on: Day) -> u32 {
        let Some(Resolution { key, method }) = self.products.resolve(product, date(on)) else {
            return u32::MAX;
        };
        let id = number(key.index());
        self.product_keys.insert(ProductId(id), key);
        match method {
            Method::Mapping { .. } => {
                self.product_methods.insert(id, MatchMethod::Mapping);
            }
            Method::Ambiguous(keys) => {
                self.product_keys.extend(keys.iter().map(|key| (ProductId(number(key.index())), *key)));
                let keys = keys.iter().map(|key| ProductId(number(key.index())));
                self.ambiguous.entry(ProductId(id)).or_default().extend(keys);
            }
            Method::Exact { .. } | Method::Itself => {}
        }
        id
    }

    /// Whether any row of any file names this client, on any day.
    pub(super) fn has_client(&self, client: ClientId) -> bool {
        self.client_meanings.iter().any(|meaning| meaning.steps.iter().any(|step| step.1 == client.0))
    }

    /// Whether any row of any file names this product, on any day.
    pub(super) fn has_product(&self, product: ProductId) -> bool {
        self.product_meanings.iter().any(|meaning| meaning.steps.iter().any(|step| step.1 == product.0))
    }

    /// The clients for which a reference stands, on one day or another.
    pub(super) fn ever(&self, client: &ClientRef) -> impl Iterator<Item = ClientId> + '_ {
        let client = client.clone();
        let days = std::iter::once(BEGINNING).chain(self.mapping_days.iter().copied());
        days.map(move |on| self.client(&client, on))
    }

    /// Clients whose names say that they may be one of these.
    pub(super) fn resembling(&self, wanted: &BTreeSet<ClientId>) -> BTreeSet<ClientId> {
        let keys: Vec<ClientKey> = wanted.iter().filter_map(|client| self.client_key(*client)).collect();
        let mut all: Vec<ClientKey> = self.client_keys.values().copied().collect();
        all.sort_unstable();
        let found = self.clients.propose(&keys, &all);
        found.into_iter().map(|pair| ClientId(number(pair.target.index()))).collect()
    }

    /// The records of the sources that are not compared.
    pub(super) fn not_compared<'s>(
        &'s self,
        sources: &'s [&'s Source],
    ) -> impl Iterator<Item = &'s Record> + use<'s> {
        sources.iter().zip(&self.refs).flat_map(|(source, refs)| refs.others(&source.records))
    }

    /// The references of a record; none for records that are not compared.
    pub(super) fn refs(&self, source: usize, record: usize) -> Option<(RefId, RefId)> {
        self.refs.get(source)?.of(record)
    }

    /// Gives the days of a row, cut where a mapping changes what it speaks of.
    pub(super) fn parts(
        &self,
        client: RefId,
        product: RefId,
        days: Days,
        mut each: impl FnMut(Days, ClientId, ProductId),
    ) {
        let (Some(clients), Some(products)) =
            (self.client_meanings.get(client as usize), self.product_meanings.get(product as usize))
        else {
            return;
        };
        let mut part =
            |days: Days| each(days, ClientId(clients.at(days.from)), ProductId(products.at(days.from)));
        if clients.steps.len() == 1 && products.steps.len() == 1 {
            return part(days);
        }
        let mut cuts: Vec<Day> = clients.steps.iter().chain(&products.steps).map(|step| step.0).collect();
        cuts.retain(|cut| days.from < *cut && *cut < days.until);
        cuts.sort_unstable();
        cuts.dedup();
        let ends = cuts.iter().copied().chain([days.until]);
        let starts = std::iter::once(days.from).chain(cuts.iter().copied());
        starts.zip(ends).for_each(|(from, until)| part(Days { from, until }));
    }

    /// The client that a rule, a price or a refused row names, with the proposals in use. A client
    /// that no row names is [`ClientId`] `u32::MAX`.
    pub(super) fn client(&self, client: &ClientRef, on: Day) -> ClientId {
        let resolution = self.clients.resolve(client, date(on));
        self.client_alias(ClientId(resolution.map_or(u32::MAX, |found| number(found.key.index()))))
    }

    /// The product that a rule or a price names, with the proposals in use.
    pub(super) fn product(&self, product: &ProductRef, on: Day) -> ProductId {
        let resolution = self.products.resolve(product, date(on));
        self.product_alias(ProductId(resolution.map_or(u32::MAX, |found| number(found.key.index()))))
    }

    /// How a client is shown.
    pub(super) fn client_name(&self, client: ClientId) -> &str {
        self.client_keys.get(&client).map_or("", |key| self.clients.display(*key).name.as_str())
    }

    /// How a product is shown.
    pub(super) fn product_name(&self, product: ProductId) -> &str {
        self.product_keys.get(&product).map_or("", |key| self.products.display(*key).name.as_str())
    }

    /// The vendor's id of a product, where it is known.
    pub(super) fn sku(&self, product: ProductId) -> Option<&str> {
        let key = self.product_keys.get(&product)?;
        self.products.display(*key).sku.as_deref()
    }

    /// Whether the product is on the list of free, trial and viral SKUs.
    pub(super) fn free(&self, product: ProductId) -> bool {
        self.product_keys.get(&product).is_some_and(|key| self.products.display(*key).free)
    }

    /// Whether Microsoft's own table knows the product.
    pub(super) fn microsoft(&self, product: ProductId) -> bool {
        self.sku(product).is_some_and(|sku| Catalog::microsoft().by_guid(sku).is_some())
    }

    /// Whether the product goes by an id of Microsoft Graph's.
    pub(super) fn graph(&self, product: ProductId) -> bool {
        let groups = [8, 4, 4, 4, 12];
        let fits = |sku: &str| sku.split('-').map(str::len).eq(groups);
        self.sku(product).is_some_and(fits)
    }

    pub(super) fn product_key(&self, product: ProductId) -> Option<ProductKey> {
        self.product_keys.get(&product).copied()
    }

    pub(super) fn client_key(&self, client: ClientId) -> Option<ClientKey> {
        self.client_keys.get(&client).copied()
    }

    /// Takes one client for another from here on: a proposal that is used unconfirmed.
    pub(super) fn join_clients(&mut self, source: ClientId, target: ClientId) {
        self.client_aliases.insert(source, target);
        self.client_methods.insert(target.0, MatchMethod::Unconfirmed);
    }

    /// Takes one product for another from here on: a proposal that is used unconfirmed.
    pub(super) fn join_products(&mut self, source: ProductId, target: ProductId) {
        self.product_aliases.insert(source, target);
        self.product_methods.insert(target.0, MatchMethod::Unconfirmed);
    }

    pub(super) fn client_alias(&self, client: ClientId) -> ClientId {
        self.client_aliases.get(&client).copied().unwrap_or(client)
    }

    pub(super) fn product_alias(&self, product: ProductId) -> ProductId {
        self.product_aliases.get(&product).copied().unwrap_or(product)
    }

    /// The ids between which a product's name cannot decide; none: it names one product.
    pub(super) fn ambiguous_product(&self, product: ProductId) -> Option<&BTreeSet<ProductId>> {
        self.ambiguous.get(&product).filter(|_| !self.product_aliases.contains_key(&product))
    }

    /// The ids between which a client's name cannot decide; none: it names one client.
    pub(super) fn ambiguous_client(&self, client: ClientId) -> Option<&BTreeSet<ClientId>> {
        self.ambiguous_clients.get(&client).filter(|_| !self.client_aliases.contains_key(&client))
    }

    /// How rows came to speak of this client and product: the weakest of the two.
    pub(super) fn method(&self, client: ClientId, product: ProductId) -> MatchMethod {
        let client = self.client_methods.get(&client.0).copied().unwrap_or(MatchMethod::Exact);
        client.max(self.product_methods.get(&product.0).copied().unwrap_or(MatchMethod::Exact))
    }

    /// The client that a person calls by this name or id.
    pub(super) fn find_client(&self, text: &str) -> Option<ClientId> {
        let key = self.clients.find(text)?;
        Some(self.client_alias(ClientId(number(key.index()))))
    }

    /// What a client is known by across audits: its id, else its name.
    pub(super) fn client_identity(&self, client: ClientId) -> &str {
        let Some(key) = self.client_keys.get(&client) else { return "" };
        let display = self.clients.display(*key);
        display.id.as_deref().unwrap_or(&display.name)
    }

    /// What matching says of ids and mappings that do not fit together.
    pub(super) fn notes(&self) -> Vec<String> {
        self.clients.notes().iter().chain(self.products.notes()).map(ToString::to_string).collect()
    }

    /// Ids by which a mapping can name a client or product.
    pub(super) fn ids(&self, side: MappingSide, end: u32) -> Vec<String> {
        let id = match side {
            MappingSide::Client => {
                let key = self.client_keys.get(&ClientId(end));
                key.and_then(|key| self.clients.display(*key).id.clone())
            }
            MappingSide::Product => self.sku(ProductId(end)).map(str::to_owned),
        };
        id.into_iter().collect()
    }

    /// Names of the two sides of a mapping.
    pub(super) fn texts(&self, side: MappingSide, source: u32, target: u32) -> (String, String) {
        match side {
            MappingSide::Client => {
                (self.client_name(ClientId(source)).to_owned(), self.client_name(ClientId(target)).to_owned())
            }
            MappingSide::Product => (
                self.product_name(ProductId(source)).to_owned(),
                self.product_name(ProductId(target)).to_owned(),
            ),
        }
    }
}

/// Before every row.
pub(super) const BEGINNING: Day = 1;

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
