//! ConnectWise PSA: additions of an agreement.
//!
//! Source: the REST API, `POST` and `PATCH /finance/agreements/{id}/additions`. More seats are an addition of their
//! own, fewer end the addition and begin another: so the agreement keeps its history, and the next export shows
//! both. `cancelledDate` is the first day that is not charged. A charge of the past is an addition that begins and
//! ends with one billing period, not prorated
//! (<https://betterinvoice.io/docs/connectwise/agreements/additions-tab>). How it prorates: see [`super::proration`].

use super::instructions::{OneOff, Recurring, RowChange};
use super::proration::Rule;
use super::targets::{Adapter, Target};
use super::write::{Cell, Draft, Written, agreement_id, midnight, number};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Value, json};

pub(super) const ADAPTER: Adapter = Adapter {
    target: Target::Connectwise,
    name: "connectwise",
    title: "ConnectWise PSA",
    formats: "connectwise",
    rule: Rule::UnitByDaysOfMonth,
    write,
};

const AGREEMENT: &str = "The number of the agreement; the imported rows hold only its name. Open the agreement: \
                         it is in the address, or `GET /finance/agreements?conditions=company/name=\"..\"`.";
const ADDITION: &str =
    "The number of the addition. Import the additions through the API, or with the column Addition ID.";
const PRODUCT: &str = "The product's identifier. Import the additions with the column Product ID.";

const HEADER: [&str; 13] = [
    "Company",
    "Agreement",
    "Addition ID",
    "Product ID",
    "Description",
    "Qty",
    "Less Included",
    "Unit Price",
    "Bill",
    "Effective Date",
    "Cancelled Date",
    "Prorate",
    "What to do",
];

/// An addition.
struct Addition<'a> {
    product: Option<&'a str>,
    quantity: Decimal,
    included: Decimal,
    unit_price: Option<Decimal>,
    from: NaiveDate,
    until: Option<NaiveDate>,
    prorate: bool,
    description: String,
}

fn write(draft: &Draft<'_>) -> Written {
    let mut out = Written::default();
    let one_off = draft.one_off.iter().map(|line| charge(draft, line, &mut out)).collect();
    out.table("one_off", &HEADER, one_off);
    let mut recurring = Vec::new();
    for (change, row) in draft.rows() {
        recurring.extend(quantity(draft, change, row, &mut out));
    }
    out.table("recurring", &HEADER, recurring);
    if !draft.one_off.is_empty() {
        out.notes.push(
            "ConnectWise: enter the lines before the invoice of their billing period is made, and leave the dates as \
             they are: they cover the whole period, so that nothing is prorated."
                .to_owned(),
        );
    }
    out
}

fn charge(draft: &Draft<'_>, line: &OneOff, out: &mut Written) -> Vec<Cell> {
    let addition = Addition {
        product: line.product_code.as_deref(),
        quantity: Decimal::ONE,
        included: Decimal::ZERO,
        unit_price: Some(line.amount.amount),
        from: line.period_from,
        until: Some(line.period_until),
        prorate: false,
        description: line.description.clone(),
    };
    let what = if line.minor < 0 { "Give back once" } else { "Charge once" };
    add(draft, line.agreement.as_deref(), &addition, what, out)
}

/// The request and the row of an addition to be added.
fn add(
    draft: &Draft<'_>,
    agreement: Option<&str>,
    addition: &Addition<'_>,
    what: &str,
    out: &mut Written,
) -> Vec<Cell> {
    let id = out.segment(agreement_id(agreement), "agreementId", AGREEMENT);
    let body = json!({
        "product": { "identifier": out.code(addition.product, "product.identifier", PRODUCT) },
        "quantity": number(addition.quantity),
        "lessIncluded": number(addition.included),
        "unitPrice": addition.unit_price.map_or(Value::Null, number),
        "billCustomer": "Billable",
        "effectiveDate": midnight(addition.from),
        "cancelledDate": addition.until.map(midnight),
        "prorateCurrentPeriodFlag": addition.prorate,
        "invoiceDescription": addition.description,
    });
    out.request(what.to_owned(), "POST", format!("/finance/agreements/{id}/additions"), body);
    vec![
        draft.named().into(),
        Cell::of(agreement),
        Cell::empty(),
        Cell::of(addition.product),
        Cell::Text(addition.description.clone()),
        addition.quantity.into(),
        addition.included.into(),
        addition.unit_price.map_or_else(Cell::empty, Cell::from),
        "Billable".into(),
        addition.from.into(),
        addition.until.map_or_else(Cell::empty, Cell::from),
        if addition.prorate { "Yes" } else { "No" }.into(),
        what.into(),
    ]
}

fn quantity(draft: &Draft<'_>, change: &Recurring, row: &RowChange, out: &mut Written) -> Vec<Vec<Cell>> {
    let fewer = row.to_quantity < row.from_quantity;
    let price = row.unit_price.or(change.unit_price);
    let addition = |quantity: Decimal, included: Decimal| Addition {
        product: row.product_code.as_deref(),
        quantity,
        included,
        unit_price: price,
        from: change.effective_on,
        until: None,
        prorate: change.prorate,
        description: row.product_name.clone().unwrap_or_else(|| change.product.clone()),
    };
    let agreement = row.agreement.as_deref();
    if !fewer {
        let more = addition(row.to_quantity - row.from_quantity, Decimal::ZERO);
        return vec![add(draft, agreement, &more, "Add seats", out)];
    }
    let id = out.segment(agreement_id(agreement), "agreementId", AGREEMENT);
    let addition_id = out.segment(row.source_id.as_deref(), "id", ADDITION);
    let path = format!("/finance/agreements/{id}/additions/{addition_id}");
    let end = json!([{ "op": "replace", "path": "cancelledDate", "value": midnight(change.effective_on) }]);
    out.request("End the addition".to_owned(), "PATCH", path, end);
    let mut rows = vec![vec![
        draft.named().into(),
        Cell::of(agreement),
        Cell::of(row.source_id.as_deref()),
        Cell::of(row.product_code.as_deref()),
        Cell::of(row.product_name.as_deref()),
        row.from_quantity.into(),
        row.included.into(),
        price.map_or_else(Cell::empty, Cell::from),
        "Billable".into(),
        Cell::empty(),
        change.effective_on.into(),
        "No".into(),
        "End the addition".into(),
    ]];
    if row.to_quantity > Decimal::ZERO {
        rows.push(add(
            draft,
            agreement,
            &addition(row.to_quantity, row.included),
            "Begin it with what is left",
            out,
        ));
    }
    rows
}
