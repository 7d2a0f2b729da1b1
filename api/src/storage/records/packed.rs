//! The rows that are compared, packed by the thousand for audits of all clients: table `import_pages`.
//!
//! An audit of everything reads each row of seats, billing and charges, and a database takes longer to hand out
//! two million rows than the audit takes to compare them. So a batch is also kept as one value, written in the
//! transaction that writes its rows, and never changed, as they are not. The row tables stay what pages, single
//! clients and people read; an import without pages is read from them.

use super::super::{OrgTx, StorageError};
use super::directory::Refs;
use super::write::{Place, Rows};
use super::{cycle, cycle_name, kind, kind_name, line_type, line_type_name, term, term_name};
use chrono::{Datelike as _, NaiveDate};
use leakage_core::id::ImportId;
use leakage_core::parallel;
use leakage_core::period::Span;
use leakage_core::records::{
    BillingLine, ClientRef, Entitlement, Held, ProductRef, Record, Sourced, Term, VendorCharge,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// The form of a page, its first byte: to be counted up when what follows changes. Words are kept as texts, so
/// that it does not hang on the order in which they are declared.
const FORM: u8 = 1;

const DAMAGED: StorageError = StorageError::Corrupt { column: "import_pages.content" };

#[derive(Serialize, Deserialize)]
struct Page<'a> {
    clients: Vec<Uuid>,
    products: Vec<Uuid>,
    #[serde(borrow)]
    rows: Vec<Row<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Row<'a> {
    position: i32,
    line: i32,
    /// Places in the page's lists.
    client: u32,
    product: u32,
    #[serde(borrow)]
    what: What<'a>,
}

/// The order of these counts: see [`FORM`].
#[derive(Serialize, Deserialize)]
enum What<'a> {
    #[serde(borrow)]
    Entitlement(PackedSeats<'a>),
    #[serde(borrow)]
    BillingLine(PackedLine<'a>),
    #[serde(borrow)]
    VendorCharge(PackedCharge<'a>),
}

#[derive(Serialize, Deserialize)]
struct PackedSeats<'a> {
    subscription: Option<&'a str>,
    term: Option<&'a str>,
    purchased: Option<Number>,
    assigned: Option<Number>,
    active: Option<Number>,
    free: bool,
    snapshot: bool,
    from: Option<Day>,
    until: Option<Day>,
}

#[derive(Serialize, Deserialize)]
struct PackedLine<'a> {
    billing_entity: Option<&'a str>,
    agreement: Option<&'a str>,
    invoice: Option<&'a str>,
    source_id: Option<&'a str>,
    term: Option<&'a str>,
    cycle: &'a str,
    quantity: Number,
    included: Number,
    unit_price: Number,
    currency: &'a str,
    from: Day,
    until: Option<Day>,
    recurring: bool,
    line_type: &'a str,
    billable: bool,
}

#[derive(Serialize, Deserialize)]
struct PackedCharge<'a> {
    subscription: Option<&'a str>,
    invoice: Option<&'a str>,
    reference: Option<&'a str>,
    kind: &'a str,
    charge_type: Option<&'a str>,
    known_charge_type: bool,
    term: Option<&'a str>,
    cycle: &'a str,
    quantity: Number,
    unit_price: Number,
    list_price: Option<Number>,
    amount: Number,
    currency: &'a str,
    from: Day,
    until: Option<Day>,
    subscription_span: Option<(Day, Option<Day>)>,
    ordered_on: Option<Day>,
}

/// A day by its number from the first day of year 1.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Day(i32);

impl From<NaiveDate> for Day {
    fn from(day: NaiveDate) -> Self {
        Self(day.num_days_from_ce())
    }
}

impl Day {
    fn date(self) -> Result<NaiveDate, StorageError> {
        NaiveDate::from_num_days_from_ce_opt(self.0).ok_or(DAMAGED)
    }
}

/// Days of a span, as they are kept.
fn days(span: Span) -> (Day, Option<Day>) {
    (span.from.into(), span.until.map(Day::from))
}

fn span((from, until): (Day, Option<Day>)) -> Result<Span, StorageError> {
    Ok(Span { from: from.date()?, until: until.map(Day::date).transpose()? })
}

/// A number with its digits: mantissa and decimals.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Number(i128, u32);

impl From<Decimal> for Number {
    fn from(number: Decimal) -> Self {
        Self(number.mantissa(), number.scale())
    }
}

impl Number {
    fn decimal(self) -> Result<Decimal, StorageError> {
        Decimal::try_from_i128_with_scale(self.0, self.1).map_err(|_| DAMAGED)
    }
}

fn decimal(number: Option<Number>) -> Result<Option<Decimal>, StorageError> {
    number.map(Number::decimal).transpose()
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn the_term(text: Option<&str>) -> Result<Option<Term>, StorageError> {
    text.map(term).transpose()
}

impl<'a> From<&'a Entitlement> for PackedSeats<'a> {
    fn from(row: &'a Entitlement) -> Self {
        let (snapshot, from, until) = match row.held {
            Held::During(span) => (false, Some(span.from), span.until),
            Held::Snapshot { on } => (true, on, None),
        };
        Self {
            subscription: row.subscription.as_deref(),
            term: row.term.map(term_name),
            purchased: row.purchased.map(Number::from),
            assigned: row.assigned.map(Number::from),
            active: row.active.map(Number::from),
            free: row.free,
            snapshot,
            from: from.map(Day::from),
            until: until.map(Day::from),
        }
    }
}

impl PackedSeats<'_> {
    fn record(self, client: Arc<ClientRef>, product: Arc<ProductRef>) -> Result<Record, StorageError> {
        let from = self.from.map(Day::date).transpose()?;
        let held = match (self.snapshot, from) {
            (true, on) => Held::Snapshot { on },
            (false, Some(from)) => Held::During(Span { from, until: self.until.map(Day::date).transpose()? }),
            (false, None) => return Err(DAMAGED),
        };
        Ok(Record::Entitlement(Entitlement {
            client,
            product,
            subscription: owned(self.subscription),
            term: the_term(self.term)?,
            purchased: decimal(self.purchased)?,
            assigned: decimal(self.assigned)?,
            active: decimal(self.active)?,
            free: self.free,
            held,
        }))
    }
}

impl<'a> From<&'a BillingLine> for PackedLine<'a> {
    fn from(row: &'a BillingLine) -> Self {
        let (from, until) = days(row.span);
        Self {
            billing_entity: row.billing_entity.as_deref(),
            agreement: row.agreement.as_deref(),
            invoice: row.invoice.as_deref(),
            source_id: row.source_id.as_deref(),
            term: row.term.map(term_name),
            cycle: cycle_name(row.cycle),
            quantity: row.quantity.into(),
            included: row.included.into(),
            unit_price: row.unit_price.into(),
            currency: row.currency.as_str(),
            from,
            until,
            recurring: row.recurring,
            line_type: line_type_name(row.line_type),
            billable: row.billable,
        }
    }
}

impl PackedLine<'_> {
    fn record(self, client: Arc<ClientRef>, product: Arc<ProductRef>) -> Result<Record, StorageError> {
        Ok(Record::BillingLine(BillingLine {
            client,
            billing_entity: owned(self.billing_entity),
            product,
            agreement: owned(self.agreement),
            invoice: owned(self.invoice),
            source_id: owned(self.source_id),
            term: the_term(self.term)?,
            cycle: cycle(self.cycle)?,
            quantity: self.quantity.decimal()?,
            included: self.included.decimal()?,
            unit_price: self.unit_price.decimal()?,
            currency: self.currency.parse().map_err(|_| DAMAGED)?,
            span: span((self.from, self.until))?,
            recurring: self.recurring,
            line_type: line_type(self.line_type)?,
            billable: self.billable,
        }))
    }
}

impl<'a> From<&'a VendorCharge> for PackedCharge<'a> {
    fn from(row: &'a VendorCharge) -> Self {
        let (from, until) = days(row.span);
        Self {
            subscription: row.subscription.as_deref(),
            invoice: row.invoice.as_deref(),
            reference: row.reference.as_deref(),
            kind: kind_name(row.kind),
            charge_type: row.charge_type.as_deref(),
            known_charge_type: row.known_charge_type,
            term: row.term.map(term_name),
            cycle: cycle_name(row.cycle),
            quantity: row.quantity.into(),
            unit_price: row.unit_price.into(),
            list_price: row.list_price.map(Number::from),
            amount: row.amount.into(),
            currency: row.currency.as_str(),
            from,
            until,
            subscription_span: row.subscription_span.map(days),
            ordered_on: row.ordered_on.map(Day::from),
        }
    }
}

impl PackedCharge<'_> {
    fn record(self, client: Arc<ClientRef>, product: Arc<ProductRef>) -> Result<Record, StorageError> {
        Ok(Record::VendorCharge(VendorCharge {
            client,
            product,
            subscription: owned(self.subscription),
            invoice: self.invoice.map(Arc::from),
            reference: owned(self.reference),
            kind: kind(self.kind)?,
            charge_type: self.charge_type.map(Arc::from),
            known_charge_type: self.known_charge_type,
            term: the_term(self.term)?,
            cycle: cycle(self.cycle)?,
            quantity: self.quantity.decimal()?,
            unit_price: self.unit_price.decimal()?,
            list_price: decimal(self.list_price)?,
            amount: self.amount.decimal()?,
            currency: self.currency.parse().map_err(|_| DAMAGED)?,
            span: span((self.from, self.until))?,
            subscription_span: self.subscription_span.map(span).transpose()?,
            ordered_on: self.ordered_on.map(Day::date).transpose()?,
        }))
    }
}

impl What<'_> {
    fn record(self, client: Arc<ClientRef>, product: Arc<ProductRef>) -> Result<Record, StorageError> {
        match self {
            Self::Entitlement(row) => row.record(client, product),
            Self::BillingLine(row) => row.record(client, product),
            Self::VendorCharge(row) => row.record(client, product),
        }
    }
}

/// Appends rows of one table to a page.
fn add<'a, R>(
    rows: &mut Vec<Row<'a>>,
    of: &Rows<'a, R>,
    what: impl Fn(&'a R) -> What<'a>,
) -> Result<(), StorageError> {
    for (place, row) in of {
        // Numbers of a batch begin with 1.
        let number =
            |number: Option<i32>| number.and_then(|number| u32::try_from(number - 1).ok()).ok_or(DAMAGED);
        let Place { position, line, client, product } = *place;
        rows.push(Row {
            position,
            line,
            client: number(client)?,
            product: number(product)?,
            what: what(row),
        });
    }
    Ok(())
}

/// What of a batch is compared.
pub(super) struct Compared<'b, 'a> {
    pub clients: &'b [Uuid],
    pub products: &'b [Uuid],
    pub entitlements: &'b Rows<'a, Entitlement>,
    pub billing: &'b Rows<'a, BillingLine>,
    pub charges: &'b Rows<'a, VendorCharge>,
}

impl Compared<'_, '_> {
    /// Packs the rows, in the order of the file; none: there are none.
    fn pack(&self) -> Result<Option<(i32, Vec<u8>)>, StorageError> {
        let mut rows = Vec::new();
        add(&mut rows, self.entitlements, |row| What::Entitlement(row.into()))?;
        add(&mut rows, self.billing, |row| What::BillingLine(row.into()))?;
        add(&mut rows, self.charges, |row| What::VendorCharge(row.into()))?;
        rows.sort_by_key(|row| row.position);
        let Some(first) = rows.first().map(|row| row.position) else { return Ok(None) };
        let page = Page { clients: self.clients.to_vec(), products: self.products.to_vec(), rows };
        let plain = postcard::to_stdvec(&page).map_err(|_| DAMAGED)?;
        let mut content = vec![FORM];
        content.extend(lz4_flex::compress_prepend_size(&plain));
        Ok(Some((first, content)))
    }

    /// Stores the rows as a page of an import.
    pub(super) async fn store(&self, tx: &mut OrgTx, import: ImportId) -> Result<(), StorageError> {
        let Some((first, content)) = self.pack()? else { return Ok(()) };
        sqlx::query(
            "insert into import_pages (org_id, import_id, first_position, content)
             values ($1, $2, $3, $4)",
        )
        .bind(tx.org().uuid())
        .bind(import.uuid())
        .bind(first)
        .bind(content)
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

/// What a page's list of refs has in a place.
fn at<T: Clone>(list: &[Result<T, StorageError>], place: u32) -> Result<T, StorageError> {
    let found = usize::try_from(place).ok().and_then(|place| list.get(place));
    found.and_then(|found| found.as_ref().ok()).cloned().ok_or(DAMAGED)
}

fn unpack(content: &[u8], refs: &Refs) -> Result<Vec<(i32, Sourced)>, StorageError> {
    let Some((&FORM, packed)) = content.split_first() else { return Err(DAMAGED) };
    let plain = lz4_flex::decompress_size_prepended(packed).map_err(|_| DAMAGED)?;
    let page: Page<'_> = postcard::from_bytes(&plain).map_err(|_| DAMAGED)?;
    let clients = page.clients.iter().map(|id| refs.client(*id)).collect::<Vec<_>>();
    let products = page.products.iter().map(|id| refs.product(*id)).collect::<Vec<_>>();
    let row = |row: Row<'_>| {
        let line = u32::try_from(row.line).map_err(|_| DAMAGED)?;
        let record = row.what.record(at(&clients, row.client)?, at(&products, row.product)?)?;
        Ok((row.position, Sourced { line, record }))
    };
    page.rows.into_iter().map(row).collect()
}

/// The pages of an import as they are stored, in the order of the file. An import without rows that are compared,
/// and one that is older than pages, has none.
#[derive(Debug)]
pub(super) struct Pages(Vec<Vec<u8>>);

impl Pages {
    pub(super) async fn load(tx: &mut OrgTx, import: ImportId) -> Result<Self, StorageError> {
        let org = tx.org().uuid();
        let contents = sqlx::query_scalar(
            "select content
             from import_pages
             where org_id = $1 and import_id = $2
             order by first_position",
        )
        .bind(org)
        .bind(import.uuid())
        .fetch_all(tx.conn())
        .await?;
        Ok(Self(contents))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Gives the rows with their positions, page by page, in order.
    pub(super) fn unpack(
        &self,
        refs: &Refs,
        threads: usize,
        mut each: impl FnMut(Vec<(i32, Sourced)>),
    ) -> Result<(), StorageError> {
        parallel::in_order(&self.0, threads, |content| unpack(content, refs), &mut |page| {
            each(page?);
            Ok(())
        })
    }
}
