//! HaloPSA: lines of an invoice, and the quantity of a line of a recurring invoice.
//!
//! Source: the API's `Invoice` and `RecurringInvoice`, which take a list (<https://halopsa.com/apidocs/>). A line that
//! counts licences by itself is overwritten with the next count. Pro-rata rows are left out: how they round is not
//! published (<https://usehalo.com/guide/pro-rata-pro-rating-on-recurring-invoices/>).

use super::instructions::{Recurring, RowChange};
use super::proration::Rule;
use super::targets::{Adapter, Target};
use super::write::{Cell, Document, Draft, Written, midnight, number};
use rust_decimal::Decimal;
use serde_json::{Value, json};

pub(super) const ADAPTER: Adapter = Adapter {
    target: Target::Halopsa,
    name: "halopsa",
    title: "HaloPSA",
    formats: "halopsa",
    rule: Rule::Whole,
    write,
};

const CLIENT: &str =
    "The number of the client. Import the recurring invoices through the API, which name it.";
const RECURRING: &str = "The number of the recurring invoice. Import the recurring invoices through the API.";
const LINE: &str = "The number of the line of the recurring invoice: read it with `includelines=true`.";

fn write(draft: &Draft<'_>) -> Written {
    let mut out = Written::default();
    for document in draft.documents() {
        invoice(draft, &document, &mut out);
    }
    let header =
        ["Client", "Invoice Date", "Description", "Item Code", "Quantity", "Unit Price", "Reference"];
    let lines = draft.one_off.iter().map(|line| {
        vec![
            draft.named().into(),
            line.on.into(),
            Cell::Text(line.description.clone()),
            Cell::of(line.product_code.as_deref()),
            Decimal::ONE.into(),
            line.amount.amount.into(),
            Cell::Text(line.reference.clone()),
        ]
    });
    out.table("one_off", &header, lines.collect());
    let header = ["Client", "Recurring Invoice", "Contract", "Item", "Quantity", "Was", "From"];
    let changes = draft.rows().map(|(change, row)| quantity(draft, change, row, &mut out)).collect();
    out.table("recurring", &header, changes);
    if !draft.recurring.is_empty() {
        out.notes.push(
            "HaloPSA: change the quantity after the last invoice before that date was made. If the line counts \
             licences by itself, set its quantity to manual or correct the count. Add no pro-rata row."
                .to_owned(),
        );
    }
    out
}

fn invoice(draft: &Draft<'_>, document: &Document<'_>, out: &mut Written) {
    let lines: Vec<Value> = document
        .lines
        .iter()
        .map(|line| {
            json!({
                "item_shortdescription": line.description,
                "item_code": line.product_code,
                "qty_order": 1,
                "unit_price": number(line.amount.amount),
            })
        })
        .collect();
    let body = json!([{
        "client_id": out.id(draft.client.id.as_deref(), "client_id", CLIENT),
        "invoice_date": midnight(document.on),
        "currency_code_name": draft.currency,
        "thirdpartyinvoicenumber": null,
        "reference": draft.reference.to_string(),
        "lines": lines,
    }]);
    out.request(format!("Make the {}", document.kind()), "POST", "/api/Invoice".to_owned(), body);
}

fn quantity(draft: &Draft<'_>, change: &Recurring, row: &RowChange, out: &mut Written) -> Vec<Cell> {
    out.lacks("lines.id", LINE);
    // It knows no quantity that is included: only what is charged is entered.
    let quantity = row.to_quantity - row.included;
    let body = json!([{
        "id": out.id(row.source_id.as_deref(), "id", RECURRING),
        "lines": [{ "id": null, "qty_order": number(quantity) }],
    }]);
    let purpose = format!("Change the quantity, for invoices from {} on", change.effective_on);
    out.request(purpose, "POST", "/api/RecurringInvoice".to_owned(), body);
    vec![
        draft.named().into(),
        Cell::of(row.source_id.as_deref()),
        Cell::of(row.agreement.as_deref()),
        Cell::of(row.product_name.as_deref().or(Some(&change.product))),
        quantity.into(),
        (row.from_quantity - row.included).into(),
        change.effective_on.into(),
    ]
}
