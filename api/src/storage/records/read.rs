//! Rows to records.

use super::super::{OrgTx, StorageError, clients, products};
use super::{action, assigned_by, cycle, kind, line_type, term};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::ImportId;
use leakage_core::money::Currency;
use leakage_core::period::Span;
use leakage_core::records::{
    Activity, BillingLine, ClientRef, Entitlement, Held, ProductRef, ProvisioningEvent, Record, Sourced,
    VendorCharge,
};
use rust_decimal::Decimal;
use sqlx::FromRow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// Refs by their ids.
struct Refs {
    clients: HashMap<Uuid, Arc<ClientRef>>,
    products: HashMap<Uuid, Arc<ProductRef>>,
}

/// The ids of refs that rows point to.
#[derive(Default)]
struct Wanted {
    clients: HashSet<Uuid>,
    products: HashSet<Uuid>,
}

impl Refs {
    /// Loads those that are wanted and no others: an organization has many more than an import.
    async fn load(tx: &mut OrgTx, wanted: Wanted) -> Result<Self, StorageError> {
        let clients = clients::refs_by_id(tx, &Vec::from_iter(wanted.clients)).await?;
        let products = products::by_id(tx, &Vec::from_iter(wanted.products)).await?;
        Ok(Self {
            clients: clients.into_iter().map(|(id, client)| (id, Arc::new(client))).collect(),
            products: products.into_iter().map(|row| (row.id, Arc::new(row.into()))).collect(),
        })
    }

    fn client(&self, id: Uuid) -> Result<Arc<ClientRef>, StorageError> {
        self.clients.get(&id).cloned().ok_or(StorageError::Corrupt { column: "client_ref" })
    }

    fn product(&self, id: Uuid) -> Result<Arc<ProductRef>, StorageError> {
        self.products.get(&id).cloned().ok_or(StorageError::Corrupt { column: "product_ref" })
    }
}

/// A row table's row that becomes a record.
trait IntoRecord {
    fn position(&self) -> i32;
    /// The refs that it points to.
    fn refs(&self) -> (Option<Uuid>, Option<Uuid>);
    fn into_record(self, refs: &Refs) -> Result<Sourced, StorageError>;
}

fn sourced(line: i32, record: Record) -> Result<Sourced, StorageError> {
    let line = u32::try_from(line).map_err(|_| StorageError::Corrupt { column: "line" })?;
    Ok(Sourced { line, record })
}

fn currency(text: &str) -> Result<Currency, StorageError> {
    text.parse().map_err(|_| StorageError::Corrupt { column: "currency" })
}

#[derive(FromRow)]
struct EntitlementRow {
    position: i32,
    line: i32,
    client_ref: Uuid,
    product_ref: Uuid,
    subscription: Option<String>,
    term: Option<String>,
    purchased: Option<Decimal>,
    assigned: Option<Decimal>,
    active: Option<Decimal>,
    free: bool,
    snapshot: bool,
    held_from: Option<NaiveDate>,
    held_until: Option<NaiveDate>,
}

impl IntoRecord for EntitlementRow {
    fn position(&self) -> i32 {
        self.position
    }

    fn refs(&self) -> (Option<Uuid>, Option<Uuid>) {
        (Some(self.client_ref), Some(self.product_ref))
    }

    fn into_record(self, refs: &Refs) -> Result<Sourced, StorageError> {
        let held = match (self.snapshot, self.held_from) {
            (true, on) => Held::Snapshot { on },
            (false, Some(from)) => Held::During(Span { from, until: self.held_until }),
            (false, None) => return Err(StorageError::Corrupt { column: "held_from" }),
        };
        let row = Entitlement {
            client: refs.client(self.client_ref)?,
            product: refs.product(self.product_ref)?,
            subscription: self.subscription,
            term: self.term.as_deref().map(term).transpose()?,
            purchased: self.purchased,
            assigned: self.assigned,
            active: self.active,
            free: self.free,
            held,
        };
        sourced(self.line, Record::Entitlement(row))
    }
}

#[derive(FromRow)]
struct BillingRow {
    position: i32,
    line: i32,
    client_ref: Uuid,
    product_ref: Uuid,
    billing_entity: Option<String>,
    agreement: Option<String>,
    invoice: Option<String>,
    source_id: Option<String>,
    term: Option<String>,
    cycle: String,
    quantity: Decimal,
    included: Decimal,
    unit_price: Decimal,
    currency: String,
    span_from: NaiveDate,
    span_until: Option<NaiveDate>,
    recurring: bool,
    line_type: String,
    billable: bool,
}

impl IntoRecord for BillingRow {
    fn position(&self) -> i32 {
        self.position
    }

    fn refs(&self) -> (Option<Uuid>, Option<Uuid>) {
        (Some(self.client_ref), Some(self.product_ref))
    }

    fn into_record(self, refs: &Refs) -> Result<Sourced, StorageError> {
        let row = BillingLine {
            client: refs.client(self.client_ref)?,
            billing_entity: self.billing_entity,
            product: refs.product(self.product_ref)?,
            agreement: self.agreement,
            invoice: self.invoice,
            source_id: self.source_id,
            term: self.term.as_deref().map(term).transpose()?,
            cycle: cycle(&self.cycle)?,
            quantity: self.quantity,
            included: self.included,
            unit_price: self.unit_price,
            currency: currency(&self.currency)?,
            span: Span { from: self.span_from, until: self.span_until },
            recurring: self.recurring,
            line_type: line_type(&self.line_type)?,
            billable: self.billable,
        };
        sourced(self.line, Record::BillingLine(row))
    }
}

#[derive(FromRow)]
struct ChargeRow {
    position: i32,
    line: i32,
    client_ref: Uuid,
    product_ref: Uuid,
    subscription: Option<String>,
    invoice: Option<String>,
    reference: Option<String>,
    kind: String,
    charge_type: Option<String>,
    known_charge_type: bool,
    term: Option<String>,
    cycle: String,
    quantity: Decimal,
    unit_price: Decimal,
    list_price: Option<Decimal>,
    amount: Decimal,
    currency: String,
    span_from: NaiveDate,
    span_until: Option<NaiveDate>,
    subscription_from: Option<NaiveDate>,
    subscription_until: Option<NaiveDate>,
    ordered_on: Option<NaiveDate>,
}

impl IntoRecord for ChargeRow {
    fn position(&self) -> i32 {
        self.position
    }

    fn refs(&self) -> (Option<Uuid>, Option<Uuid>) {
        (Some(self.client_ref), Some(self.product_ref))
    }

    fn into_record(self, refs: &Refs) -> Result<Sourced, StorageError> {
        let row = VendorCharge {
            client: refs.client(self.client_ref)?,
            product: refs.product(self.product_ref)?,
            subscription: self.subscription,
            invoice: self.invoice,
            reference: self.reference,
            kind: kind(&self.kind)?,
            charge_type: self.charge_type,
            known_charge_type: self.known_charge_type,
            term: self.term.as_deref().map(term).transpose()?,
            cycle: cycle(&self.cycle)?,
            quantity: self.quantity,
            unit_price: self.unit_price,
            list_price: self.list_price,
            amount: self.amount,
            currency: currency(&self.currency)?,
            span: Span { from: self.span_from, until: self.span_until },
            subscription_span: self
                .subscription_from
                .map(|from| Span { from, until: self.subscription_until }),
            ordered_on: self.ordered_on,
        };
        sourced(self.line, Record::VendorCharge(row))
    }
}

#[derive(FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "the columns of a row")]
struct ActivityRow {
    position: i32,
    line: i32,
    client_ref: Uuid,
    product_ref: Option<Uuid>,
    user_name: String,
    last_active: Option<NaiveDate>,
    as_of: Option<NaiveDate>,
    blocked: bool,
    deleted: bool,
    guest: bool,
    concealed: bool,
    assigned_by: Option<String>,
    assigned_on: Option<NaiveDate>,
    department: Option<String>,
    licence_group: Option<String>,
}

impl IntoRecord for ActivityRow {
    fn position(&self) -> i32 {
        self.position
    }

    fn refs(&self) -> (Option<Uuid>, Option<Uuid>) {
        (Some(self.client_ref), self.product_ref)
    }

    fn into_record(self, refs: &Refs) -> Result<Sourced, StorageError> {
        let row = Activity {
            client: refs.client(self.client_ref)?,
            user: self.user_name,
            product: self.product_ref.map(|id| refs.product(id)).transpose()?.map(Arc::unwrap_or_clone),
            last_active: self.last_active,
            as_of: self.as_of,
            blocked: self.blocked,
            deleted: self.deleted,
            guest: self.guest,
            concealed: self.concealed,
            assigned_by: self.assigned_by.as_deref().map(assigned_by).transpose()?,
            assigned_on: self.assigned_on,
            department: self.department,
            licence_group: self.licence_group,
        };
        sourced(self.line, Record::Activity(row))
    }
}

#[derive(FromRow)]
struct ProvisioningRow {
    position: i32,
    line: i32,
    client_ref: Uuid,
    product_ref: Option<Uuid>,
    event: Option<String>,
    at: DateTime<Utc>,
    action: String,
    user_name: Option<String>,
    actor: Option<String>,
    automatic: bool,
}

impl IntoRecord for ProvisioningRow {
    fn position(&self) -> i32 {
        self.position
    }

    fn refs(&self) -> (Option<Uuid>, Option<Uuid>) {
        (Some(self.client_ref), self.product_ref)
    }

    fn into_record(self, refs: &Refs) -> Result<Sourced, StorageError> {
        let row = ProvisioningEvent {
            client: refs.client(self.client_ref)?,
            event: self.event,
            at: self.at,
            action: action(&self.action)?,
            user: self.user_name,
            product: self.product_ref.map(|id| refs.product(id)).transpose()?.map(Arc::unwrap_or_clone),
            actor: self.actor,
            automatic: self.automatic,
        };
        sourced(self.line, Record::Provisioning(row))
    }
}

#[derive(FromRow)]
struct DirectoryRow {
    position: i32,
    line: i32,
    client_ref: Option<Uuid>,
    product_ref: Option<Uuid>,
}

impl IntoRecord for DirectoryRow {
    fn position(&self) -> i32 {
        self.position
    }

    fn refs(&self) -> (Option<Uuid>, Option<Uuid>) {
        (self.client_ref, self.product_ref)
    }

    fn into_record(self, refs: &Refs) -> Result<Sourced, StorageError> {
        let record = match (self.client_ref, self.product_ref) {
            (Some(client), None) => Record::Client(Arc::unwrap_or_clone(refs.client(client)?)),
            (None, Some(product)) => Record::Product(Arc::unwrap_or_clone(refs.product(product)?)),
            _ => return Err(StorageError::Corrupt { column: "directory_entries.client_ref" }),
        };
        sourced(self.line, record)
    }
}

#[derive(FromRow)]
struct TermRow {
    position: i32,
    line: i32,
    kind: String,
    record: serde_json::Value,
}

impl IntoRecord for TermRow {
    fn position(&self) -> i32 {
        self.position
    }

    fn refs(&self) -> (Option<Uuid>, Option<Uuid>) {
        (None, None)
    }

    fn into_record(self, _refs: &Refs) -> Result<Sourced, StorageError> {
        let corrupt = |_| StorageError::Corrupt { column: "import_terms.record" };
        let record = match self.kind.as_str() {
            "price" => Record::Price(serde_json::from_value(self.record).map_err(corrupt)?),
            "rule" => Record::Rule(serde_json::from_value(self.record).map_err(corrupt)?),
            "list_price" => Record::ListPrice(serde_json::from_value(self.record).map_err(corrupt)?),
            _ => return Err(StorageError::Corrupt { column: "import_terms.kind" }),
        };
        sourced(self.line, record)
    }
}

fn into_records<R: IntoRecord>(
    rows: Vec<R>,
    refs: &Refs,
    out: &mut Vec<(i32, Sourced)>,
) -> Result<(), StorageError> {
    for row in rows {
        out.push((row.position(), row.into_record(refs)?));
    }
    Ok(())
}

/// The records of one import with their positions, after a position, in the order of the file.
pub async fn page(
    tx: &mut OrgTx,
    import: ImportId,
    after: i32,
    limit: i64,
) -> Result<Vec<(i32, Sourced)>, StorageError> {
    let mut wanted = Wanted::default();
    macro_rules! read {
        ($row:ty, $sql:literal) => {{
            let rows: Vec<$row> = sqlx::query_as(concat!(
                $sql,
                " where org_id = $1 and import_id = $2 and position > $3 order by position limit $4"
            ))
            .bind(tx.org().uuid())
            .bind(import.uuid())
            .bind(after)
            .bind(limit)
            .fetch_all(tx.conn())
            .await?;
            for row in &rows {
                let (client, product) = row.refs();
                wanted.clients.extend(client);
                wanted.products.extend(product);
            }
            rows
        }};
    }
    let entitlements = read!(
        EntitlementRow,
        "select position, line, client_ref, product_ref, subscription, term, purchased, assigned, active, free,
                snapshot, held_from, held_until
         from entitlements"
    );
    let billing = read!(
        BillingRow,
        "select position, line, client_ref, product_ref, billing_entity, agreement, invoice, source_id, term, cycle,
                quantity, included, unit_price, currency, span_from, span_until, recurring, line_type, billable
         from billing_lines"
    );
    let charges = read!(
        ChargeRow,
        "select position, line, client_ref, product_ref, subscription, invoice, reference, kind, charge_type,
                known_charge_type, term, cycle, quantity, unit_price, list_price, amount, currency, span_from,
                span_until, subscription_from, subscription_until, ordered_on
         from vendor_charges"
    );
    let activities = read!(
        ActivityRow,
        "select position, line, client_ref, product_ref, user_name, last_active, as_of, blocked, deleted,
                guest, concealed, assigned_by, assigned_on, department, licence_group
         from activities"
    );
    let provisioning = read!(
        ProvisioningRow,
        "select position, line, client_ref, product_ref, event, at, action, user_name, actor, automatic
         from provisioning_events"
    );
    let directory =
        read!(DirectoryRow, "select position, line, client_ref, product_ref from directory_entries");
    let terms = read!(TermRow, "select position, line, kind, record from import_terms");
    let refs = Refs::load(tx, wanted).await?;
    let mut out = Vec::new();
    into_records(entitlements, &refs, &mut out)?;
    into_records(billing, &refs, &mut out)?;
    into_records(charges, &refs, &mut out)?;
    into_records(activities, &refs, &mut out)?;
    into_records(provisioning, &refs, &mut out)?;
    into_records(directory, &refs, &mut out)?;
    into_records(terms, &refs, &mut out)?;
    out.sort_by_key(|(position, _)| *position);
    out.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(out)
}

/// All records of one import, in the order of the file.
pub async fn of_import(tx: &mut OrgTx, import: ImportId) -> Result<Vec<Sourced>, StorageError> {
    Ok(page(tx, import, -1, i64::MAX).await?.into_iter().map(|(_, record)| record).collect())
}
