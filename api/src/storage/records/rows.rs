//! Rows of the row tables, as records.

use super::super::StorageError;
use super::cells::{
    ActionCell, AssignedByCell, CurrencyCell, CycleCell, Exact, KindCell, LineTypeCell, TermCell,
};
use super::directory::Refs;
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::period::Span;
use leakage_core::records::{
    Activity, BillingLine, Entitlement, Held, ProvisioningEvent, Record, Sourced, VendorCharge,
};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use std::sync::Arc;
use uuid::Uuid;

/// A row table's row that becomes a record.
pub(super) trait IntoRecord {
    fn position(&self) -> i32;
    /// The refs that it points to.
    fn refs(&self) -> (Option<Uuid>, Option<Uuid>);
    fn into_record(self, refs: &Refs) -> Result<Sourced, StorageError>;
}

fn sourced(line: i32, record: Record) -> Result<Sourced, StorageError> {
    let line = u32::try_from(line).map_err(|_| StorageError::Corrupt { column: "line" })?;
    Ok(Sourced { line, record })
}

/// Reads a row by the places of its columns: to look up twenty names for each row takes as long as to decode it.
macro_rules! by_place {
    ($row:ident { $($column:ident),* $(,)? }) => {
        impl<'r> FromRow<'r, PgRow> for $row {
            fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
                let mut places = 0_usize..;
                let mut next = || places.next().unwrap_or(usize::MAX);
                Ok(Self { $($column: row.try_get(next())?),* })
            }
        }
    };
}

pub(super) struct EntitlementRow {
    position: i32,
    line: i32,
    client_ref: Uuid,
    product_ref: Uuid,
    subscription: Option<String>,
    term: Option<TermCell>,
    purchased: Option<Exact>,
    assigned: Option<Exact>,
    active: Option<Exact>,
    free: bool,
    snapshot: bool,
    held_from: Option<NaiveDate>,
    held_until: Option<NaiveDate>,
}

by_place!(EntitlementRow {
    position,
    line,
    client_ref,
    product_ref,
    subscription,
    term,
    purchased,
    assigned,
    active,
    free,
    snapshot,
    held_from,
    held_until
});

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
            term: self.term.map(|cell| cell.0),
            purchased: self.purchased.map(|cell| cell.0),
            assigned: self.assigned.map(|cell| cell.0),
            active: self.active.map(|cell| cell.0),
            free: self.free,
            held,
        };
        sourced(self.line, Record::Entitlement(row))
    }
}

pub(super) struct BillingRow {
    position: i32,
    line: i32,
    client_ref: Uuid,
    product_ref: Uuid,
    billing_entity: Option<String>,
    agreement: Option<String>,
    invoice: Option<String>,
    source_id: Option<String>,
    term: Option<TermCell>,
    cycle: CycleCell,
    quantity: Exact,
    included: Exact,
    unit_price: Exact,
    currency: CurrencyCell,
    span_from: NaiveDate,
    span_until: Option<NaiveDate>,
    recurring: bool,
    line_type: LineTypeCell,
    billable: bool,
}

by_place!(BillingRow {
    position,
    line,
    client_ref,
    product_ref,
    billing_entity,
    agreement,
    invoice,
    source_id,
    term,
    cycle,
    quantity,
    included,
    unit_price,
    currency,
    span_from,
    span_until,
    recurring,
    line_type,
    billable
});

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
            term: self.term.map(|cell| cell.0),
            cycle: self.cycle.0,
            quantity: self.quantity.0,
            included: self.included.0,
            unit_price: self.unit_price.0,
            currency: self.currency.0,
            span: Span { from: self.span_from, until: self.span_until },
            recurring: self.recurring,
            line_type: self.line_type.0,
            billable: self.billable,
        };
        sourced(self.line, Record::BillingLine(row))
    }
}

pub(super) struct ChargeRow {
    position: i32,
    line: i32,
    client_ref: Uuid,
    product_ref: Uuid,
    subscription: Option<String>,
    invoice: Option<String>,
    reference: Option<String>,
    kind: KindCell,
    charge_type: Option<String>,
    known_charge_type: bool,
    term: Option<TermCell>,
    cycle: CycleCell,
    quantity: Exact,
    unit_price: Exact,
    list_price: Option<Exact>,
    amount: Exact,
    currency: CurrencyCell,
    span_from: NaiveDate,
    span_until: Option<NaiveDate>,
    subscription_from: Option<NaiveDate>,
    subscription_until: Option<NaiveDate>,
    ordered_on: Option<NaiveDate>,
}

by_place!(ChargeRow {
    position,
    line,
    client_ref,
    product_ref,
    subscription,
    invoice,
    reference,
    kind,
    charge_type,
    known_charge_type,
    term,
    cycle,
    quantity,
    unit_price,
    list_price,
    amount,
    currency,
    span_from,
    span_until,
    subscription_from,
    subscription_until,
    ordered_on
});

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
            invoice: self.invoice.map(Into::into),
            reference: self.reference,
            kind: self.kind.0,
            charge_type: self.charge_type.map(Into::into),
            known_charge_type: self.known_charge_type,
            term: self.term.map(|cell| cell.0),
            cycle: self.cycle.0,
            quantity: self.quantity.0,
            unit_price: self.unit_price.0,
            list_price: self.list_price.map(|cell| cell.0),
            amount: self.amount.0,
            currency: self.currency.0,
            span: Span { from: self.span_from, until: self.span_until },
            subscription_span: self
                .subscription_from
                .map(|from| Span { from, until: self.subscription_until }),
            ordered_on: self.ordered_on,
        };
        sourced(self.line, Record::VendorCharge(row))
    }
}

#[expect(clippy::struct_excessive_bools, reason = "the columns of a row")]
pub(super) struct ActivityRow {
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
    assigned_by: Option<AssignedByCell>,
    assigned_on: Option<NaiveDate>,
    department: Option<String>,
    licence_group: Option<String>,
}

by_place!(ActivityRow {
    position,
    line,
    client_ref,
    product_ref,
    user_name,
    last_active,
    as_of,
    blocked,
    deleted,
    guest,
    concealed,
    assigned_by,
    assigned_on,
    department,
    licence_group
});

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
            assigned_by: self.assigned_by.map(|cell| cell.0),
            assigned_on: self.assigned_on,
            department: self.department,
            licence_group: self.licence_group,
        };
        sourced(self.line, Record::Activity(row))
    }
}

pub(super) struct ProvisioningRow {
    position: i32,
    line: i32,
    client_ref: Uuid,
    product_ref: Option<Uuid>,
    event: Option<String>,
    at: DateTime<Utc>,
    action: ActionCell,
    user_name: Option<String>,
    actor: Option<String>,
    automatic: bool,
}

by_place!(ProvisioningRow {
    position,
    line,
    client_ref,
    product_ref,
    event,
    at,
    action,
    user_name,
    actor,
    automatic
});

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
            action: self.action.0,
            user: self.user_name,
            product: self.product_ref.map(|id| refs.product(id)).transpose()?.map(Arc::unwrap_or_clone),
            actor: self.actor,
            automatic: self.automatic,
        };
        sourced(self.line, Record::Provisioning(row))
    }
}

pub(super) struct DirectoryRow {
    position: i32,
    line: i32,
    client_ref: Option<Uuid>,
    product_ref: Option<Uuid>,
}

by_place!(DirectoryRow { position, line, client_ref, product_ref });

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

pub(super) struct TermRow {
    position: i32,
    line: i32,
    kind: String,
    record: serde_json::Value,
}

by_place!(TermRow { position, line, kind, record });

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
            "decision" => Record::Decision(serde_json::from_value(self.record).map_err(corrupt)?),
            _ => return Err(StorageError::Corrupt { column: "import_terms.kind" }),
        };
        sourced(self.line, record)
    }
}
