//! Records to rows.

use super::super::{OrgTx, StorageError, clients, mappings, products};
use super::{cycle_name, kind_name, line_type_name, term_name};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::{ImportId, MappingId};
use leakage_core::records::{
    Activity, BillingLine, ClientRef, Entitlement, Held, ProductRef, Record, Sourced, VendorCharge,
};
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// Rows per statement: large enough that the round trip does not count, small enough for memory.
const BATCH: usize = 5_000;

/// Refs to their ids.
struct Refs {
    clients: HashMap<ClientRef, Uuid>,
    products: HashMap<ProductRef, Uuid>,
}

impl Refs {
    fn client(&self, reference: &ClientRef) -> Result<Uuid, StorageError> {
        self.clients.get(reference).copied().ok_or(StorageError::Corrupt { column: "client_ref" })
    }

    fn product(&self, reference: &ProductRef) -> Result<Uuid, StorageError> {
        self.products.get(reference).copied().ok_or(StorageError::Corrupt { column: "product_ref" })
    }
}

/// Stores the records of an import, in the caller's transaction: all of them or none.
pub async fn insert(
    tx: &mut OrgTx,
    import: ImportId,
    records: &[Sourced],
    now: DateTime<Utc>,
    new_id: impl Fn() -> Uuid,
) -> Result<(), StorageError> {
    let refs = intern(tx, records, now, &new_id).await?;
    for (batch_index, batch) in records.chunks(BATCH).enumerate() {
        let mut sorted = Batch::default();
        for (index, sourced) in batch.iter().enumerate() {
            let at = Place { position: number(batch_index * BATCH + index)?, line: number(sourced.line)? };
            match &sourced.record {
                Record::Entitlement(row) => sorted.entitlements.push((at, row)),
                Record::BillingLine(row) => sorted.billing.push((at, row)),
                Record::VendorCharge(row) => sorted.charges.push((at, row)),
                Record::Activity(row) => sorted.activities.push((at, row)),
                // Their refs are all that they say.
                Record::Client(_) | Record::Product(_) => {}
                Record::Provisioning(_) => return Err(StorageError::Corrupt { column: "provisioning" }),
                Record::ListPrice(row) => sorted.terms.push((at, "list_price", serde_json::to_value(row))),
                Record::Price(row) => sorted.terms.push((at, "price", serde_json::to_value(row))),
                Record::Rule(row) => sorted.terms.push((at, "rule", serde_json::to_value(row))),
                Record::Mapping(row) => {
                    let new = mappings::NewMapping {
                        id: MappingId::new(new_id()),
                        side: row.side,
                        source: &row.source,
                        target: &row.target,
                        valid_from: row.span.map(|span| span.from),
                        valid_until: row.span.and_then(|span| span.until),
                    };
                    mappings::insert_approved(tx, &new, Some(import), &row.approved_by, now).await?;
                }
            }
        }
        sorted.store(tx, import, &refs).await?;
    }
    Ok(())
}

async fn intern(
    tx: &mut OrgTx,
    records: &[Sourced],
    now: DateTime<Utc>,
    new_id: &impl Fn() -> Uuid,
) -> Result<Refs, StorageError> {
    let mut clients_seen = HashMap::new();
    let mut products_seen = HashMap::new();
    let mut client_order = Vec::new();
    let mut product_order = Vec::new();
    for sourced in records {
        // A price list's products are not those of clients.
        if matches!(sourced.record, Record::ListPrice(_)) {
            continue;
        }
        let (client, product) = (sourced.record.client(), sourced.record.product());
        if let Some(client) = client
            && !clients_seen.contains_key(client)
        {
            clients_seen.insert(client.clone(), Uuid::nil());
            client_order.push(client.clone());
        }
        if let Some(product) = product
            && !products_seen.contains_key(product)
        {
            products_seen.insert(product.clone(), Uuid::nil());
            product_order.push(product.clone());
        }
    }
    let client_ids = clients::intern_refs(tx, &client_order, now, new_id).await?;
    let product_ids = products::intern_refs(tx, &product_order, now, new_id).await?;
    Ok(Refs {
        clients: client_order.into_iter().zip(client_ids).collect(),
        products: product_order.into_iter().zip(product_ids).collect(),
    })
}

#[derive(Clone, Copy)]
struct Place {
    position: i32,
    line: i32,
}

fn number(value: impl TryInto<i32>) -> Result<i32, StorageError> {
    value.try_into().map_err(|_| StorageError::Corrupt { column: "position" })
}

#[derive(Default)]
struct Batch<'a> {
    entitlements: Vec<(Place, &'a Entitlement)>,
    billing: Vec<(Place, &'a BillingLine)>,
    charges: Vec<(Place, &'a VendorCharge)>,
    activities: Vec<(Place, &'a Activity)>,
    terms: Vec<(Place, &'static str, Result<Value, serde_json::Error>)>,
}

/// One column of a batch, for `unnest`.
fn column<'a, R, T>(rows: &'a [(Place, R)], pick: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(|(_, row)| pick(row)).collect()
}

fn places<R>(rows: &[(Place, R)]) -> (Vec<i32>, Vec<i32>) {
    rows.iter().map(|(place, _)| (place.position, place.line)).unzip()
}

impl Batch<'_> {
    async fn store(self, tx: &mut OrgTx, import: ImportId, refs: &Refs) -> Result<(), StorageError> {
        if !self.entitlements.is_empty() {
            store_entitlements(tx, import, refs, &self.entitlements).await?;
        }
        if !self.billing.is_empty() {
            store_billing(tx, import, refs, &self.billing).await?;
        }
        if !self.charges.is_empty() {
            store_charges(tx, import, refs, &self.charges).await?;
        }
        if !self.activities.is_empty() {
            store_activities(tx, import, refs, &self.activities).await?;
        }
        if !self.terms.is_empty() {
            store_terms(tx, import, self.terms).await?;
        }
        Ok(())
    }
}

async fn store_entitlements(
    tx: &mut OrgTx,
    import: ImportId,
    refs: &Refs,
    rows: &[(Place, &Entitlement)],
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let (positions, lines) = places(rows);
    let held = |row: &Entitlement| -> (bool, Option<NaiveDate>, Option<NaiveDate>) {
        match row.held {
            Held::During(span) => (false, Some(span.from), span.until),
            Held::Snapshot { on } => (true, on, None),
        }
    };
    sqlx::query(
        "insert into entitlements (org_id, import_id, position, line, client_ref, product_ref, subscription, term,
                                   purchased, assigned, active, free, snapshot, held_from, held_until)
         select $1, $2, n.position, n.line, n.client_ref, n.product_ref, n.subscription, n.term, n.purchased,
                n.assigned, n.active, n.free, n.snapshot, n.held_from, n.held_until
         from unnest($3::int[], $4::int[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::numeric[],
                     $10::numeric[], $11::numeric[], $12::bool[], $13::bool[], $14::date[], $15::date[])
           as n (position, line, client_ref, product_ref, subscription, term, purchased, assigned, active,
                 free, snapshot, held_from, held_until)",
    )
    .bind(org)
    .bind(import.uuid())
    .bind(positions)
    .bind(lines)
    .bind(column(rows, |r| refs.client(&r.client)).into_iter().collect::<Result<Vec<_>, _>>()?)
    .bind(column(rows, |r| refs.product(&r.product)).into_iter().collect::<Result<Vec<_>, _>>()?)
    .bind(column(rows, |r| r.subscription.clone()))
    .bind(column(rows, |r| r.term.map(term_name)))
    .bind(column(rows, |r| r.purchased))
    .bind(column(rows, |r| r.assigned))
    .bind(column(rows, |r| r.active))
    .bind(column(rows, |r| r.free))
    .bind(column(rows, |r| held(r).0))
    .bind(column(rows, |r| held(r).1))
    .bind(column(rows, |r| held(r).2))
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn store_billing(
    tx: &mut OrgTx,
    import: ImportId,
    refs: &Refs,
    rows: &[(Place, &BillingLine)],
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let (positions, lines) = places(rows);
    sqlx::query(
        "insert into billing_lines (org_id, import_id, position, line, client_ref, product_ref, billing_entity,
                                    agreement, invoice, source_id, term, cycle, quantity, included, unit_price,
                                    currency, span_from, span_until, recurring, line_type, billable)
         select $1, $2, n.position, n.line, n.client_ref, n.product_ref, n.billing_entity, n.agreement, n.invoice,
                n.source_id, n.term, n.cycle, n.quantity, n.included, n.unit_price, n.currency, n.span_from,
                n.span_until, n.recurring, n.line_type, n.billable
         from unnest($3::int[], $4::int[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
                     $11::text[], $12::text[], $13::numeric[], $14::numeric[], $15::numeric[], $16::text[],
                     $17::date[], $18::date[], $19::bool[], $20::text[], $21::bool[])
           as n (position, line, client_ref, product_ref, billing_entity, agreement, invoice, source_id,
                 term, cycle, quantity, included, unit_price, currency, span_from, span_until, recurring,
                 line_type, billable)",
    )
    .bind(org)
    .bind(import.uuid())
    .bind(positions)
    .bind(lines)
    .bind(column(rows, |r| refs.client(&r.client)).into_iter().collect::<Result<Vec<_>, _>>()?)
    .bind(column(rows, |r| refs.product(&r.product)).into_iter().collect::<Result<Vec<_>, _>>()?)
    .bind(column(rows, |r| r.billing_entity.clone()))
    .bind(column(rows, |r| r.agreement.clone()))
    .bind(column(rows, |r| r.invoice.clone()))
    .bind(column(rows, |r| r.source_id.clone()))
    .bind(column(rows, |r| r.term.map(term_name)))
    .bind(column(rows, |r| cycle_name(r.cycle)))
    .bind(column(rows, |r| r.quantity))
    .bind(column(rows, |r| r.included))
    .bind(column(rows, |r| r.unit_price))
    .bind(column(rows, |r| r.currency.as_str().to_owned()))
    .bind(column(rows, |r| r.span.from))
    .bind(column(rows, |r| r.span.until))
    .bind(column(rows, |r| r.recurring))
    .bind(column(rows, |r| line_type_name(r.line_type)))
    .bind(column(rows, |r| r.billable))
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn store_charges(
    tx: &mut OrgTx,
    import: ImportId,
    refs: &Refs,
    rows: &[(Place, &VendorCharge)],
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let (positions, lines) = places(rows);
    sqlx::query(
        "insert into vendor_charges (org_id, import_id, position, line, client_ref, product_ref, subscription, invoice,
                                     reference, kind, charge_type, known_charge_type, term, cycle, quantity, unit_price,
                                     list_price, amount, currency, span_from, span_until, subscription_from,
                                     subscription_until, ordered_on)
         select $1, $2, n.position, n.line, n.client_ref, n.product_ref, n.subscription, n.invoice, n.reference,
                n.kind, n.charge_type, n.known_charge_type, n.term, n.cycle, n.quantity, n.unit_price,
                n.list_price, n.amount, n.currency, n.span_from, n.span_until, n.subscription_from,
                n.subscription_until, n.ordered_on
         from unnest($3::int[], $4::int[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
                     $11::text[], $12::bool[], $13::text[], $14::text[], $15::numeric[], $16::numeric[],
                     $17::numeric[], $18::numeric[], $19::text[], $20::date[], $21::date[], $22::date[],
                     $23::date[], $24::date[])
           as n (position, line, client_ref, product_ref, subscription, invoice, reference, kind,
                 charge_type, known_charge_type, term, cycle, quantity, unit_price, list_price, amount,
                 currency, span_from, span_until, subscription_from, subscription_until, ordered_on)",
    )
    .bind(org)
    .bind(import.uuid())
    .bind(positions)
    .bind(lines)
    .bind(column(rows, |r| refs.client(&r.client)).into_iter().collect::<Result<Vec<_>, _>>()?)
    .bind(column(rows, |r| refs.product(&r.product)).into_iter().collect::<Result<Vec<_>, _>>()?)
    .bind(column(rows, |r| r.subscription.clone()))
    .bind(column(rows, |r| r.invoice.clone()))
    .bind(column(rows, |r| r.reference.clone()))
    .bind(column(rows, |r| kind_name(r.kind)))
    .bind(column(rows, |r| r.charge_type.clone()))
    .bind(column(rows, |r| r.known_charge_type))
    .bind(column(rows, |r| r.term.map(term_name)))
    .bind(column(rows, |r| cycle_name(r.cycle)))
    .bind(column(rows, |r| r.quantity))
    .bind(column(rows, |r| r.unit_price))
    .bind(column(rows, |r| r.list_price))
    .bind(column(rows, |r| r.amount))
    .bind(column(rows, |r| r.currency.as_str().to_owned()))
    .bind(column(rows, |r| r.span.from))
    .bind(column(rows, |r| r.span.until))
    .bind(column(rows, |r| r.subscription_span.map(|span| span.from)))
    .bind(column(rows, |r| r.subscription_span.and_then(|span| span.until)))
    .bind(column(rows, |r| r.ordered_on))
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn store_activities(
    tx: &mut OrgTx,
    import: ImportId,
    refs: &Refs,
    rows: &[(Place, &Activity)],
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let (positions, lines) = places(rows);
    let product = |row: &Activity| row.product.as_ref().map(|product| refs.product(product)).transpose();
    sqlx::query(
        "insert into activities (org_id, import_id, position, line, client_ref, product_ref, user_name, last_active,
                                 as_of, blocked, deleted)
         select $1, $2, n.position, n.line, n.client_ref, n.product_ref, n.user_name, n.last_active, n.as_of,
                n.blocked, n.deleted
         from unnest($3::int[], $4::int[], $5::uuid[], $6::uuid[], $7::text[], $8::date[], $9::date[], $10::bool[],
                     $11::bool[])
           as n (position, line, client_ref, product_ref, user_name, last_active, as_of, blocked, deleted)",
    )
    .bind(org)
    .bind(import.uuid())
    .bind(positions)
    .bind(lines)
    .bind(column(rows, |r| refs.client(&r.client)).into_iter().collect::<Result<Vec<_>, _>>()?)
    .bind(column(rows, |r| product(r)).into_iter().collect::<Result<Vec<_>, _>>()?)
    .bind(column(rows, |r| r.user.clone()))
    .bind(column(rows, |r| r.last_active))
    .bind(column(rows, |r| r.as_of))
    .bind(column(rows, |r| r.blocked))
    .bind(column(rows, |r| r.deleted))
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn store_terms(
    tx: &mut OrgTx,
    import: ImportId,
    rows: Vec<(Place, &'static str, Result<Value, serde_json::Error>)>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let (positions, lines) = places_of_terms(&rows);
    let kinds: Vec<&str> = rows.iter().map(|(_, kind, _)| *kind).collect();
    let records: Result<Vec<Value>, _> = rows.into_iter().map(|(_, _, record)| record).collect();
    let records = records.map_err(|_| StorageError::Corrupt { column: "import_terms.record" })?;
    sqlx::query(
        "insert into import_terms (org_id, import_id, position, line, kind, record)
         select $1, $2, n.*
         from unnest($3::int[], $4::int[], $5::text[], $6::jsonb[]) as n",
    )
    .bind(org)
    .bind(import.uuid())
    .bind(positions)
    .bind(lines)
    .bind(kinds)
    .bind(records)
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn places_of_terms<R>(rows: &[(Place, &'static str, R)]) -> (Vec<i32>, Vec<i32>) {
    rows.iter().map(|(place, _, _)| (place.position, place.line)).unzip()
}
