//! What clients are billed, month by month, from the same rows that an audit compares: newer files have
//! replaced older ones, and names are matched. For weighing and proving corrections; no part of an audit.

use super::AuditError;
use super::calendar::Days;
use super::client::Context;
use super::identity::ClientId;
use super::rows::Bill;
use crate::billing_instructions::{self, Reference};
use crate::money::{Currency, Money};
use crate::period::Month;
use crate::records::LineType;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// A client's regular charge for one product in one month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoicedProduct {
    /// The client.
    pub client: String,
    /// The product.
    pub product: String,
    /// The month.
    pub month: Month,
    /// The currency.
    pub currency: Currency,
    /// Seats billed on its last billed day; none where a quantity is no whole number.
    pub seats: Option<i64>,
    /// Price of a seat for a whole month, where all its lines have the same.
    pub price: Option<Decimal>,
    /// What it comes to, before tax, rounded once.
    pub amount: Money,
    /// Digest of the newest file that says so.
    pub import: String,
    /// The client's seats are shared over billing entities.
    pub shared: bool,
    /// The same by the billing entities that its lines belong to.
    pub entities: Vec<InvoicedEntity>,
}

/// What a billing entity is charged of a product, by regular lines, in one month and currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoicedEntity {
    /// The entity, as it is shown; none: lines that name none.
    pub billing_entity: Option<String>,
    /// Seats billed on its last billed day; none where a quantity is no whole number.
    pub seats: Option<i64>,
    /// Price of a seat for a whole month, where all its lines have the same.
    pub price: Option<Decimal>,
    /// Digest of the newest file that says so.
    pub import: String,
}

/// What a document charges (or, negative, gives back) beside regular lines; without such lines, as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoicedDocument {
    /// The client.
    pub client: String,
    /// Number of the invoice or credit note.
    pub document: String,
    /// The sum of its lines.
    pub amount: Money,
}

/// What lines with a correction's reference charge (or, negative, give back).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoicedReference {
    /// The reference.
    pub reference: Reference,
    /// The invoice or credit note that they stand on, where the source names one.
    pub document: Option<String>,
    /// The sum of the lines.
    pub amount: Money,
}

/// What clients are billed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invoiced {
    /// Regular charges, by client, product, currency and month.
    pub products: Vec<InvoicedProduct>,
    /// Documents.
    pub documents: Vec<InvoicedDocument>,
    /// Lines of corrections.
    pub references: Vec<InvoicedReference>,
}

impl Invoiced {
    /// The totals of a client's regular charges in a currency, month by month.
    pub fn totals(&self, client: &str, currency: Currency) -> BTreeMap<Month, Decimal> {
        let mut totals = BTreeMap::new();
        let own = self.products.iter().filter(|one| one.client == client && one.currency == currency);
        for product in own {
            *totals.entry(product.month).or_insert(Decimal::ZERO) += product.amount.amount;
        }
        totals
    }
}

type Key = (ClientId, super::identity::ProductId, Currency, usize);

#[derive(Default)]
struct Sum<'a> {
    cost: Decimal,
    whole: Last,
    entities: BTreeMap<Option<&'a str>, Last>,
}

/// What is billed on the last day that anything is billed.
#[derive(Default)]
struct Last {
    /// Quantities and prices on the last day so far.
    lines: Vec<(Decimal, Decimal)>,
    until: i32,
    /// The newest source of its lines.
    source: u32,
}

impl Last {
    fn add(&mut self, until: i32, source: u32, quantity: Decimal, price: Decimal) {
        self.source = self.source.max(source);
        if until > self.until {
            self.lines.clear();
            self.until = until;
        }
        if until == self.until {
            self.lines.push((quantity, price));
        }
    }

    fn seats(&self) -> Option<i64> {
        let quantity: Decimal = self.lines.iter().map(|(quantity, _)| *quantity).sum();
        quantity.is_integer().then(|| i64::try_from(quantity.trunc().mantissa()).ok()).flatten()
    }

    fn price(&self) -> Option<Decimal> {
        let price = self.lines.first().map(|(_, price)| price.normalize());
        let same = self.lines.iter().all(|(_, other)| Some(other.normalize()) == price);
        price.filter(|_| same)
    }

    fn import(&self, context: &Context<'_>) -> String {
        context.sources.get(self.source as usize).map_or_else(String::new, |one| one.import.clone())
    }
}

pub(super) fn invoiced(context: &Context<'_>) -> Result<Invoiced, AuditError> {
    let wanted = |bill: &&Bill<'_>| context.wanted.is_none_or(|wanted| wanted.contains(&bill.client));
    // As in an audit, the first of a client's sources is used.
    let mut used: BTreeMap<ClientId, u32> = BTreeMap::new();
    for bill in context.chosen.bills.iter().filter(wanted) {
        used.entry(bill.client).and_modify(|rank| *rank = (*rank).min(bill.rank)).or_insert(bill.rank);
    }
    let bills: Vec<&Bill<'_>> = context
        .chosen
        .bills
        .iter()
        .filter(wanted)
        .filter(|bill| used.get(&bill.client) == Some(&bill.rank))
        .collect();
    Ok(Invoiced {
        products: products(context, &bills)?,
        documents: documents(context, &bills)?,
        references: references(&bills)?,
    })
}

/// Lines that carry a reference, by reference, document and currency.
fn references(bills: &[&Bill<'_>]) -> Result<Vec<InvoicedReference>, AuditError> {
    let mut sums: BTreeMap<(Reference, Option<String>, Currency), Decimal> = BTreeMap::new();
    for bill in bills.iter().filter(|bill| bill.record.billable) {
        let record = bill.record;
        let Some(reference) = billing_instructions::carried(record) else { continue };
        let cost = record.quantity.checked_mul(record.unit_price).ok_or(AuditError::Overflow)?;
        let sum = sums.entry((reference, record.invoice.clone(), record.currency)).or_default();
        *sum = super::gaps::plus(*sum, cost)?;
    }
    let of = |((reference, document, currency), sum)| InvoicedReference {
        reference,
        document,
        amount: Money::round(sum, currency),
    };
    Ok(sums.into_iter().map(of).collect())
}

fn products(context: &Context<'_>, bills: &[&Bill<'_>]) -> Result<Vec<InvoicedProduct>, AuditError> {
    let mut sums: BTreeMap<Key, Sum<'_>> = BTreeMap::new();
    for bill in bills.iter().filter(|bill| bill.regular()) {
        for (index, month) in context.calendar.months.iter().enumerate() {
            let days: Days = bill.days.and(month.days);
            if days.is_empty() {
                continue;
            }
            let record = bill.record;
            let quantity = if record.billable { record.quantity - record.included } else { Decimal::ZERO };
            let price = record
                .unit_price
                .checked_div(Decimal::from(record.cycle.months()))
                .ok_or(AuditError::Overflow)?;
            let whole = quantity.checked_mul(price).ok_or(AuditError::Overflow)?;
            let share = whole
                .checked_mul(Decimal::from(days.count()))
                .and_then(|cost| cost.checked_div(Decimal::from(month.days.count())))
                .ok_or(AuditError::Overflow)?;
            let sum = sums.entry((bill.client, bill.product, record.currency, index)).or_default();
            sum.cost = super::gaps::plus(sum.cost, share)?;
            let entity = context.allocations.billed_to(bill);
            for last in [&mut sum.whole, sum.entities.entry(entity).or_default()] {
                last.add(days.until, bill.line.source, quantity, price);
            }
        }
    }
    let of = |((client, product, currency, index), sum): (Key, Sum<'_>)| {
        let month = context.calendar.months.get(index)?;
        let entities = sum.entities.iter().map(|(entity, own)| InvoicedEntity {
            billing_entity: entity.map(str::to_owned),
            seats: own.seats(),
            price: own.price(),
            import: own.import(context),
        });
        Some(InvoicedProduct {
            client: context.identity.client_name(client).to_owned(),
            product: context.identity.product_name(product).to_owned(),
            month: month.month,
            currency,
            seats: sum.whole.seats(),
            price: sum.whole.price(),
            amount: Money::round(sum.cost, currency),
            import: sum.whole.import(context),
            shared: context.allocations.concern(client),
            entities: entities.collect(),
        })
    };
    Ok(sums.into_iter().filter_map(of).collect())
}

fn documents(context: &Context<'_>, bills: &[&Bill<'_>]) -> Result<Vec<InvoicedDocument>, AuditError> {
    // Per document: its other lines, and all of them.
    let mut sums: BTreeMap<(ClientId, &str, Currency), (Option<Decimal>, Decimal)> = BTreeMap::new();
    for bill in bills {
        let record = bill.record;
        let Some(document) = record.invoice.as_deref() else { continue };
        let quantity = if record.billable { record.quantity - record.included } else { Decimal::ZERO };
        let mut cost = quantity.checked_mul(record.unit_price).ok_or(AuditError::Overflow)?;
        if record.line_type == LineType::Credit {
            // As in an adjustment: some systems write a credit as a negative line, some as a line of kind credit.
            cost = -cost.abs();
        }
        let sum = sums.entry((bill.client, document, record.currency)).or_default();
        sum.1 = super::gaps::plus(sum.1, cost)?;
        if !bill.regular() {
            sum.0 = Some(super::gaps::plus(sum.0.unwrap_or_default(), cost)?);
        }
    }
    let of =
        |((client, document, currency), (other, all)): ((ClientId, &str, Currency), _)| InvoicedDocument {
            client: context.identity.client_name(client).to_owned(),
            document: document.to_owned(),
            amount: Money::round(Option::unwrap_or(other, all), currency),
        };
    Ok(sums.into_iter().map(of).collect())
}
