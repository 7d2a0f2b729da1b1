//! Records to rows.

use super::super::refs::Refs;
use super::super::{OrgTx, StorageError, expect_rows, mappings};
use super::listing::Listing;
use super::{action_name, assigned_by_name, cycle_name, kind_name, line_type_name, term_name};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::{ImportId, MappingId};
use leakage_core::records::{
    Activity, BillingLine, ClientRef, Decision, Entitlement, Held, ListPrice, Price, ProductRef,
    ProvisioningEvent, Record, Rule, Sourced, VendorCharge,
};
use serde_json::Value;
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
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
    /// rows point to is there; to be called once, before the transaction is committed. Checked for each batch, with the plan that a server makes for
    /// an empty table, this took four fifths of the time of a large import.
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
struct Place {
    position: i32,
    line: i32,
    client: Option<i32>,
    product: Option<i32>,
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
type Rows<'a, R> = Vec<(Place, &'a R)>;

/// What becomes a row of `import_terms`.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Term<'a> {
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

/// Begins a statement that writes rows with refs: $1 to $8 are the organization, the import, the batch's
/// client refs and product refs, and the rows' positions, lines, clients and products.
macro_rules! insert_rows {
    ($table:literal, [$($column:literal),* $(,)?], [$($parameter:literal),* $(,)?]) => {
        concat!(
            "insert into ", $table, " (org_id, import_id, position, line, client_ref, product_ref",
            $(", ", $column,)* ")
             select $1, $2, n.position, n.line, ($3::uuid[])[n.client], ($4::uuid[])[n.product]",
            $(", n.", $column,)* "
             from unnest($5::int[], $6::int[], $7::int[], $8::int[]", $(", ", $parameter,)* ")
               as n (position, line, client, product", $(", ", $column,)* ")
             where exists (select from imports where org_id = $1 and id = $2)"
        )
    };
}

/// One column of a batch, for `unnest`.
fn column<'a, R, T>(rows: &'a [(Place, &'a R)], pick: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(|(_, row)| pick(row)).collect()
}

fn places<R, T>(rows: &[(Place, R)], pick: impl Fn(&Place) -> T) -> Vec<T> {
    rows.iter().map(|(place, _)| pick(place)).collect()
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
            (self.directory.len(), to.rows(insert_rows!("directory_entries", [], []), &self.directory)),
        ];
        for (rows, statement) in statements {
            if rows > 0 {
                let done = statement.execute(tx.conn()).await?;
                expect_rows(done.rows_affected(), u64::try_from(rows).map_err(|_| TOO_MANY)?)?;
            }
        }
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

type Statement = Query<'static, Postgres, PgArguments>;

/// Where the rows of a batch go, and the refs that they point to.
struct To<'a> {
    org: Uuid,
    import: ImportId,
    clients: &'a [Uuid],
    products: &'a [Uuid],
}

impl To<'_> {
    /// A statement of [`insert_rows`] with its first parameters.
    fn rows<R>(&self, sql: &'static str, rows: &[(Place, R)]) -> Statement {
        sqlx::query(sql)
            .bind(self.org)
            .bind(self.import.uuid())
            .bind(self.clients)
            .bind(self.products)
            .bind(places(rows, |place| place.position))
            .bind(places(rows, |place| place.line))
            .bind(places(rows, |place| place.client))
            .bind(places(rows, |place| place.product))
    }

    fn entitlements(&self, rows: &Rows<'_, Entitlement>) -> Statement {
        let held = |row: &Entitlement| -> (bool, Option<NaiveDate>, Option<NaiveDate>) {
            match row.held {
                Held::During(span) => (false, Some(span.from), span.until),
                Held::Snapshot { on } => (true, on, None),
            }
        };
        let sql = insert_rows!(
            "entitlements",
            [
                "subscription",
                "term",
                "purchased",
                "assigned",
                "active",
                "free",
                "snapshot",
                "held_from",
                "held_until"
            ],
            [
                "$9::text[]",
                "$10::text[]",
                "$11::numeric[]",
                "$12::numeric[]",
                "$13::numeric[]",
                "$14::bool[]",
                "$15::bool[]",
                "$16::date[]",
                "$17::date[]"
            ]
        );
        self.rows(sql, rows)
            .bind(column(rows, |r| r.subscription.as_deref()))
            .bind(column(rows, |r| r.term.map(term_name)))
            .bind(column(rows, |r| r.purchased))
            .bind(column(rows, |r| r.assigned))
            .bind(column(rows, |r| r.active))
            .bind(column(rows, |r| r.free))
            .bind(column(rows, |r| held(r).0))
            .bind(column(rows, |r| held(r).1))
            .bind(column(rows, |r| held(r).2))
    }

    fn billing(&self, rows: &Rows<'_, BillingLine>) -> Statement {
        let sql = insert_rows!(
            "billing_lines",
            [
                "billing_entity",
                "agreement",
                "invoice",
                "source_id",
                "term",
                "cycle",
                "quantity",
                "included",
                "unit_price",
                "currency",
                "span_from",
                "span_until",
                "recurring",
                "line_type",
                "billable"
            ],
            [
                "$9::text[]",
                "$10::text[]",
                "$11::text[]",
                "$12::text[]",
                "$13::text[]",
                "$14::text[]",
                "$15::numeric[]",
                "$16::numeric[]",
                "$17::numeric[]",
                "$18::text[]",
                "$19::date[]",
                "$20::date[]",
                "$21::bool[]",
                "$22::text[]",
                "$23::bool[]"
            ]
        );
        self.rows(sql, rows)
            .bind(column(rows, |r| r.billing_entity.as_deref()))
            .bind(column(rows, |r| r.agreement.as_deref()))
            .bind(column(rows, |r| r.invoice.as_deref()))
            .bind(column(rows, |r| r.source_id.as_deref()))
            .bind(column(rows, |r| r.term.map(term_name)))
            .bind(column(rows, |r| cycle_name(r.cycle)))
            .bind(column(rows, |r| r.quantity))
            .bind(column(rows, |r| r.included))
            .bind(column(rows, |r| r.unit_price))
            .bind(column(rows, |r| r.currency.as_str()))
            .bind(column(rows, |r| r.span.from))
            .bind(column(rows, |r| r.span.until))
            .bind(column(rows, |r| r.recurring))
            .bind(column(rows, |r| line_type_name(r.line_type)))
            .bind(column(rows, |r| r.billable))
    }

    fn charges(&self, rows: &Rows<'_, VendorCharge>) -> Statement {
        let sql = insert_rows!(
            "vendor_charges",
            [
                "subscription",
                "invoice",
                "reference",
                "kind",
                "charge_type",
                "known_charge_type",
                "term",
                "cycle",
                "quantity",
                "unit_price",
                "list_price",
                "amount",
                "currency",
                "span_from",
                "span_until",
                "subscription_from",
                "subscription_until",
                "ordered_on"
            ],
            [
                "$9::text[]",
                "$10::text[]",
                "$11::text[]",
                "$12::text[]",
                "$13::text[]",
                "$14::bool[]",
                "$15::text[]",
                "$16::text[]",
                "$17::numeric[]",
                "$18::numeric[]",
                "$19::numeric[]",
                "$20::numeric[]",
                "$21::text[]",
                "$22::date[]",
                "$23::date[]",
                "$24::date[]",
                "$25::date[]",
                "$26::date[]"
            ]
        );
        self.rows(sql, rows)
            .bind(column(rows, |r| r.subscription.as_deref()))
            .bind(column(rows, |r| r.invoice.as_deref()))
            .bind(column(rows, |r| r.reference.as_deref()))
            .bind(column(rows, |r| kind_name(r.kind)))
            .bind(column(rows, |r| r.charge_type.as_deref()))
            .bind(column(rows, |r| r.known_charge_type))
            .bind(column(rows, |r| r.term.map(term_name)))
            .bind(column(rows, |r| cycle_name(r.cycle)))
            .bind(column(rows, |r| r.quantity))
            .bind(column(rows, |r| r.unit_price))
            .bind(column(rows, |r| r.list_price))
            .bind(column(rows, |r| r.amount))
            .bind(column(rows, |r| r.currency.as_str()))
            .bind(column(rows, |r| r.span.from))
            .bind(column(rows, |r| r.span.until))
            .bind(column(rows, |r| r.subscription_span.map(|span| span.from)))
            .bind(column(rows, |r| r.subscription_span.and_then(|span| span.until)))
            .bind(column(rows, |r| r.ordered_on))
    }

    fn activities(&self, rows: &Rows<'_, Activity>) -> Statement {
        let sql = insert_rows!(
            "activities",
            [
                "user_name",
                "last_active",
                "as_of",
                "blocked",
                "deleted",
                "guest",
                "concealed",
                "assigned_by",
                "assigned_on",
                "department",
                "licence_group"
            ],
            [
                "$9::text[]",
                "$10::date[]",
                "$11::date[]",
                "$12::bool[]",
                "$13::bool[]",
                "$14::bool[]",
                "$15::bool[]",
                "$16::text[]",
                "$17::date[]",
                "$18::text[]",
                "$19::text[]"
            ]
        );
        self.rows(sql, rows)
            .bind(column(rows, |r| r.user.as_str()))
            .bind(column(rows, |r| r.last_active))
            .bind(column(rows, |r| r.as_of))
            .bind(column(rows, |r| r.blocked))
            .bind(column(rows, |r| r.deleted))
            .bind(column(rows, |r| r.guest))
            .bind(column(rows, |r| r.concealed))
            .bind(column(rows, |r| r.assigned_by.map(assigned_by_name)))
            .bind(column(rows, |r| r.assigned_on))
            .bind(column(rows, |r| r.department.as_deref()))
            .bind(column(rows, |r| r.licence_group.as_deref()))
    }

    fn provisioning(&self, rows: &Rows<'_, ProvisioningEvent>) -> Statement {
        let sql = insert_rows!(
            "provisioning_events",
            ["event", "at", "action", "user_name", "actor", "automatic"],
            ["$9::text[]", "$10::timestamptz[]", "$11::text[]", "$12::text[]", "$13::text[]", "$14::bool[]"]
        );
        self.rows(sql, rows)
            .bind(column(rows, |r| r.event.as_deref()))
            .bind(column(rows, |r| r.at))
            .bind(column(rows, |r| action_name(r.action)))
            .bind(column(rows, |r| r.user.as_deref()))
            .bind(column(rows, |r| r.actor.as_deref()))
            .bind(column(rows, |r| r.automatic))
    }
}

async fn store_terms(
    tx: &mut OrgTx,
    import: ImportId,
    rows: &[(Place, (&'static str, Term<'_>))],
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let records: Result<Vec<Value>, _> =
        rows.iter().map(|(_, (_, term))| serde_json::to_value(term)).collect();
    let records = records.map_err(|_| StorageError::Corrupt { column: "import_terms.record" })?;
    sqlx::query(
        "insert into import_terms (org_id, import_id, position, line, kind, record)
         select $1, $2, n.*
         from unnest($3::int[], $4::int[], $5::text[], $6::jsonb[]) as n",
    )
    .bind(org)
    .bind(import.uuid())
    .bind(places(rows, |place| place.position))
    .bind(places(rows, |place| place.line))
    .bind(rows.iter().map(|(_, (kind, _))| *kind).collect::<Vec<_>>())
    .bind(records)
    .execute(tx.conn())
    .await?;
    Ok(())
}
