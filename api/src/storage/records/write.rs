//! Records to rows.

use super::super::refs::Refs;
use super::super::{OrgTx, StorageError, expect_rows, mappings};
use super::listing::Listing;
use super::packed::Compared;
use super::statements::{To, store_terms};
use chrono::{DateTime, Utc};
use leakage_core::id::{ImportId, MappingId};
use leakage_core::records::{
    Activity, BillingLine, ClientRef, Decision, Entitlement, ListPrice, Price, ProductRef, ProvisioningEvent,
    Record, Rule, Sourced, VendorCharge,
};
use std::collections::HashMap;
use uuid::Uuid;

/// Rows per statement: large enough that the round trip does not count, small enough for memory.
const BATCH: usize = 5_000;

/// Stores the records of one import, batch by batch, in the caller's transaction: all of them or none.
#[derive(Debug)]
pub struct Writer {
    import: ImportId,
    refs: Refs,
    /// The refs that the rows point to, and where.
    listing: Listing,
    /// Records written so far: the position of the next one.
    written: i32,
}

impl Writer {
    /// For an import that has no records yet.
    pub async fn begin(tx: &mut OrgTx, import: ImportId) -> Result<Self, StorageError> {
        let refs = Refs::load(tx).await?;
        Ok(Self { import, refs, listing: Listing::default(), written: 0 })
    }

    /// Records written so far.
    pub fn written(&self) -> i64 {
        self.written.into()
    }

    /// Stores records behind those that are stored already.
    pub async fn write(
        &mut self,
        tx: &mut OrgTx,
        records: &[Sourced],
        now: DateTime<Utc>,
        new_id: impl Fn() -> Uuid,
    ) -> Result<(), StorageError> {
        for records in records.chunks(BATCH) {
            self.refs.learn(tx, records, now, &new_id).await?;
            let mut batch = Batch::default();
            for sourced in records {
                batch.sort_in(&self.refs, &mut self.listing, self.written, sourced)?;
                self.written = self.written.checked_add(1).ok_or(TOO_MANY)?;
            }
            batch.store(tx, self.import, now, &new_id).await?;
        }
        Ok(())
    }

    /// Notes where the rows of each client stand, and checks, in the place of foreign keys, that every ref that
    /// rows point to is there; to be called once, before the transaction is committed. Checked for each batch,
    /// with the plan that a server makes for an empty table, this took four fifths of the time of a large import.
    pub async fn finish(&self, tx: &mut OrgTx) -> Result<(), StorageError> {
        let (clients, products) = self.listing.refs();
        let missing: i64 = sqlx::query_scalar(
            "select (select count(*)
                     from unnest($2::uuid[]) as u (id)
                     where not exists (select from client_refs r where r.org_id = $1 and r.id = u.id))
                  + (select count(*)
                     from unnest($3::uuid[]) as u (id)
                     where not exists (select from product_refs r where r.org_id = $1 and r.id = u.id))",
        )
        .bind(tx.org().uuid())
        .bind(clients)
        .bind(products)
        .fetch_one(tx.conn())
        .await?;
        if missing > 0 {
            return Err(StorageError::Corrupt { column: "client_ref or product_ref" });
        }
        self.listing.store(tx, self.import).await
    }
}

const TOO_MANY: StorageError = StorageError::Corrupt { column: "position" };

/// Where a record stands, and what it points to: numbers, from 1, in the lists of its batch.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub position: i32,
    pub line: i32,
    pub client: Option<i32>,
    pub product: Option<i32>,
}

/// The refs of a batch, each once.
#[derive(Default)]
struct Numbers {
    numbers: HashMap<Uuid, i32>,
    ids: Vec<Uuid>,
}

impl Numbers {
    fn number(&mut self, id: Uuid) -> Result<i32, StorageError> {
        if let Some(number) = self.numbers.get(&id) {
            return Ok(*number);
        }
        self.ids.push(id);
        let number = i32::try_from(self.ids.len()).map_err(|_| TOO_MANY)?;
        self.numbers.insert(id, number);
        Ok(number)
    }
}

/// What a row names, and where that is noted.
struct Named<'n> {
    refs: &'n Refs,
    listing: &'n mut Listing,
    /// Whether the row holds something to compare.
    compared: bool,
}

/// The rows of one table.
pub(super) type Rows<'a, R> = Vec<(Place, &'a R)>;

/// What becomes a row of `import_terms`.
#[derive(serde::Serialize)]
#[serde(untagged)]
pub(super) enum Term<'a> {
    Price(&'a Price),
    Rule(&'a Rule),
    ListPrice(&'a ListPrice),
    Decision(&'a Decision),
}

#[derive(Default)]
struct Batch<'a> {
    clients: Numbers,
    products: Numbers,
    entitlements: Rows<'a, Entitlement>,
    billing: Rows<'a, BillingLine>,
    charges: Rows<'a, VendorCharge>,
    activities: Rows<'a, Activity>,
    provisioning: Rows<'a, ProvisioningEvent>,
    directory: Vec<(Place, ())>,
    terms: Vec<(Place, (&'static str, Term<'a>))>,
    mappings: Vec<&'a leakage_core::records::MappingRow>,
}

impl<'a> Batch<'a> {
    fn sort_in(
        &mut self,
        refs: &Refs,
        listing: &mut Listing,
        position: i32,
        sourced: &'a Sourced,
    ) -> Result<(), StorageError> {
        let line = i32::try_from(sourced.line).map_err(|_| StorageError::Corrupt { column: "line" })?;
        let place = Place { position, line, client: None, product: None };
        let compared = matches!(
            sourced.record,
            Record::Entitlement(_) | Record::BillingLine(_) | Record::VendorCharge(_)
        );
        let mut to = Named { refs, listing, compared };
        match &sourced.record {
            Record::Entitlement(row) => {
                let place = self.place(&mut to, place, Some(&row.client), Some(&row.product))?;
                self.entitlements.push((place, row));
            }
            Record::BillingLine(row) => {
                let place = self.place(&mut to, place, Some(&row.client), Some(&row.product))?;
                self.billing.push((place, row));
            }
            Record::VendorCharge(row) => {
                let place = self.place(&mut to, place, Some(&row.client), Some(&row.product))?;
                self.charges.push((place, row));
            }
            Record::Activity(row) => {
                let place = self.place(&mut to, place, Some(&row.client), row.product.as_ref())?;
                self.activities.push((place, row));
            }
            Record::Provisioning(row) => {
                let place = self.place(&mut to, place, Some(&row.client), row.product.as_ref())?;
                self.provisioning.push((place, row));
            }
            Record::Client(client) => {
                let place = self.place(&mut to, place, Some(client), None)?;
                self.directory.push((place, ()));
            }
            Record::Product(product) => {
                let place = self.place(&mut to, place, None, Some(product))?;
                self.directory.push((place, ()));
            }
            Record::ListPrice(row) => self.terms.push((place, ("list_price", Term::ListPrice(row)))),
            Record::Price(row) => self.terms.push((place, ("price", Term::Price(row)))),
            Record::Rule(row) => self.terms.push((place, ("rule", Term::Rule(row)))),
            Record::Decision(row) => self.terms.push((place, ("decision", Term::Decision(row)))),
            Record::Mapping(row) => self.mappings.push(row),
        }
        Ok(())
    }

    fn place(
        &mut self,
        to: &mut Named<'_>,
        place: Place,
        client: Option<&ClientRef>,
        product: Option<&ProductRef>,
    ) -> Result<Place, StorageError> {
        let client = client.map(|client| to.refs.client(client)).transpose()?;
        let product = product.map(|product| to.refs.product(product)).transpose()?;
        to.listing.add(place.position, client, product, to.compared);
        let client = client.map(|client| self.clients.number(client)).transpose()?;
        let product = product.map(|product| self.products.number(product)).transpose()?;
        Ok(Place { client, product, ..place })
    }

    async fn store(
        self,
        tx: &mut OrgTx,
        import: ImportId,
        now: DateTime<Utc>,
        new_id: &impl Fn() -> Uuid,
    ) -> Result<(), StorageError> {
        let to =
            To { org: tx.org().uuid(), import, clients: &self.clients.ids, products: &self.products.ids };
        let statements = [
            (self.entitlements.len(), to.entitlements(&self.entitlements)),
            (self.billing.len(), to.billing(&self.billing)),
            (self.charges.len(), to.charges(&self.charges)),
            (self.activities.len(), to.activities(&self.activities)),
            (self.provisioning.len(), to.provisioning(&self.provisioning)),
            (self.directory.len(), to.directory(&self.directory)),
        ];
        for (rows, statement) in statements {
            if rows > 0 {
                let done = statement.execute(tx.conn()).await?;
                expect_rows(done.rows_affected(), u64::try_from(rows).map_err(|_| TOO_MANY)?)?;
            }
        }
        let compared = Compared {
            clients: &self.clients.ids,
            products: &self.products.ids,
            entitlements: &self.entitlements,
            billing: &self.billing,
            charges: &self.charges,
        };
        compared.store(tx, import).await?;
        if !self.terms.is_empty() {
            store_terms(tx, import, &self.terms).await?;
        }
        for row in self.mappings {
            let new = mappings::NewMapping {
                id: MappingId::new(new_id()),
                side: row.side,
                source: &row.source,
                target: &row.target,
                valid_from: row.span.map(|span| span.from),
                valid_until: row.span.and_then(|span| span.until),
                basis: None,
            };
            mappings::insert_approved(tx, &new, Some(import), &row.approved_by, now).await?;
        }
        Ok(())
    }
}
