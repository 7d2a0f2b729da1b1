//! Rows as a file of our own template gives them, in few words.

use crate::audit::{AuditDocument, AuditInput, Gap, Incomplete, Source, run};
use crate::period::{Month, Span};
use crate::records::{
    BillingLine, ChargeKind, ClientRef, Cycle, Entitlement, Held, LineType, MappingRow, MappingSide, Price,
    ProductRef, Record, Rule, RuleKind, RuleValue, Side, Sourced, Term, VendorCharge,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;

pub(super) fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(super) fn month(text: &str) -> Month {
    text.parse().unwrap()
}

pub(super) fn client(name: &str) -> ClientRef {
    ClientRef { name: Some(name.to_owned()), ..ClientRef::default() }
}

pub(super) fn product(name: &str) -> ProductRef {
    ProductRef { name: Some(name.to_owned()), ..ProductRef::default() }
}

/// `2026-01-01..2026-02-01`, or `2026-01-01..` for still so.
pub(super) fn span(text: &str) -> Span {
    let (from, until) = text.split_once("..").unwrap();
    Span { from: day(from), until: (!until.is_empty()).then(|| day(until)) }
}

pub(super) fn purchased(who: &str, what: &str, seats: &str, days: &str) -> Entitlement {
    Entitlement {
        client: client(who).into(),
        product: product(what).into(),
        subscription: None,
        term: None,
        purchased: Some(dec(seats)),
        assigned: None,
        active: None,
        free: false,
        held: Held::During(span(days)),
    }
}

pub(super) fn billed(who: &str, what: &str, seats: &str, price: &str, days: &str) -> BillingLine {
    BillingLine {
        client: client(who).into(),
        billing_entity: None,
        product: product(what).into(),
        agreement: None,
        invoice: None,
        source_id: None,
        term: None,
        cycle: Cycle::Monthly,
        quantity: dec(seats),
        included: Decimal::ZERO,
        unit_price: dec(price),
        currency: crate::money::Currency::USD,
        span: span(days),
        recurring: true,
        line_type: LineType::Regular,
        billable: true,
    }
}

pub(super) fn charged(who: &str, what: &str, seats: &str, amount: &str, days: &str) -> VendorCharge {
    VendorCharge {
        client: client(who).into(),
        product: product(what).into(),
        subscription: Some("s-1".to_owned()),
        invoice: None,
        reference: None,
        kind: ChargeKind::Licence,
        charge_type: Some("new".into()),
        known_charge_type: true,
        term: None,
        cycle: Cycle::Monthly,
        quantity: dec(seats),
        unit_price: dec("4.00"),
        list_price: None,
        amount: dec(amount),
        currency: crate::money::Currency::USD,
        span: span(days),
        subscription_span: None,
        ordered_on: None,
    }
}

pub(super) fn rule(kind: RuleKind, value: &str, who: &str, what: &str) -> Rule {
    let value = if value == "all" { RuleValue::All } else { RuleValue::Number(dec(value)) };
    Rule {
        kind,
        value,
        client: (!who.is_empty()).then(|| client(who)),
        product: (!what.is_empty()).then(|| product(what)),
        parent_product: None,
        span: span("2020-01-01.."),
        reason: "agreed".to_owned(),
        owner: "Dana".to_owned(),
        review_date: None,
    }
}

pub(super) fn price(what: &str, term: Option<Term>, amount: &str) -> Price {
    Price {
        client: None,
        product: product(what),
        term,
        cycle: Cycle::Monthly,
        unit_price: dec(amount),
        currency: crate::money::Currency::USD,
        span: span("2020-01-01.."),
    }
}

pub(super) fn mapping(side: MappingSide, source: &str, target: &str) -> MappingRow {
    MappingRow {
        side,
        source: source.to_owned(),
        target: target.to_owned(),
        approved_by: "Dana".to_owned(),
        span: None,
    }
}

/// A file of these rows, from line 2 on.
pub(super) fn source(name: &str, records: Vec<Record>) -> Source {
    let records: Vec<Sourced> = (2..).zip(records).map(|(line, record)| Sourced { line, record }).collect();
    let json = serde_json::to_vec(&records).unwrap();
    Source {
        import: crate::digest::of_bytes(&json),
        file: format!("{name}.csv"),
        format: format!("leakage_{name}"),
        sides: match name {
            "entitlements" => vec![Side::Entitlement],
            "cost" => vec![Side::Cost],
            _ => vec![Side::Billing],
        },
        learned: 0,
        snapshot_on: None,
        client: None,
        stated_span: None,
        incomplete: Incomplete::None,
        records,
        left_out: crate::audit::LeftOut::default(),
    }
}

pub(super) fn entitlements(rows: Vec<Entitlement>) -> Source {
    source("entitlements", rows.into_iter().map(Record::Entitlement).collect())
}

pub(super) fn billing(rows: Vec<BillingLine>) -> Source {
    source("billing", rows.into_iter().map(Record::BillingLine).collect())
}

pub(super) fn cost(rows: Vec<VendorCharge>) -> Source {
    source("cost", rows.into_iter().map(Record::VendorCharge).collect())
}

/// An audit of these months, long after they were closed.
pub(super) fn input(from: &str, to: &str, sources: Vec<Source>) -> AuditInput {
    AuditInput { sources, ..AuditInput::new(month(from), month(to), day("2030-01-01")) }
}

pub(super) fn audit(input: &AuditInput) -> AuditDocument {
    run(input).unwrap()
}

/// The only gap of a document.
pub(super) fn only(document: &AuditDocument) -> &Gap {
    assert_eq!(document.gaps.len(), 1, "{:#?}\n{:#?}", document.gaps, document.coverage);
    &document.gaps[0]
}

pub(super) fn amount(gap: &Gap) -> String {
    gap.amount.map_or_else(|| "none".to_owned(), |money| money.to_string())
}

pub(super) fn forward(gap: &Gap) -> String {
    gap.monthly_forward.map_or_else(|| "none".to_owned(), |money| money.to_string())
}
