//! The statements that write a batch: one for each table.

use super::super::{OrgTx, StorageError};
use super::write::{Place, Rows, Term};
use super::{action_name, assigned_by_name, cycle_name, kind_name, line_type_name, term_name};
use chrono::NaiveDate;
use leakage_core::id::ImportId;
use leakage_core::records::{Activity, BillingLine, Entitlement, Held, ProvisioningEvent, VendorCharge};
use serde_json::Value;
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use uuid::Uuid;

pub(super) type Statement = Query<'static, Postgres, PgArguments>;

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

/// Where the rows of a batch go, and the refs that they point to.
pub(super) struct To<'a> {
    pub org: Uuid,
    pub import: ImportId,
    pub clients: &'a [Uuid],
    pub products: &'a [Uuid],
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

    pub(super) fn directory(&self, rows: &[(Place, ())]) -> Statement {
        self.rows(insert_rows!("directory_entries", [], []), rows)
    }

    pub(super) fn entitlements(&self, rows: &Rows<'_, Entitlement>) -> Statement {
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

    pub(super) fn billing(&self, rows: &Rows<'_, BillingLine>) -> Statement {
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

    pub(super) fn charges(&self, rows: &Rows<'_, VendorCharge>) -> Statement {
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

    pub(super) fn activities(&self, rows: &Rows<'_, Activity>) -> Statement {
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

    pub(super) fn provisioning(&self, rows: &Rows<'_, ProvisioningEvent>) -> Statement {
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

/// Stores prices, rules and decisions.
pub(super) async fn store_terms(
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
