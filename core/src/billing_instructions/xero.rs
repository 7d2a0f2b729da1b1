//! Xero: lines of an invoice or credit note, and of a repeating invoice.
//!
//! Source: the API's `Invoices` and `CreditNotes` (<https://developer.xero.com/documentation/api/accounting/invoices>),
//! and the template that it imports sales invoices from
//! (<https://central.xero.com/s/article/Import-a-CSV-file-of-sales-invoices>), where an invoice with a negative total
//! becomes a credit note. Lines of a repeating invoice cannot be changed through the API: it is ended, and another
//! is made, or it is changed by hand. Nothing is prorated.

use super::instructions::{OneOff, Recurring, RowChange};
use super::proration::Rule;
use super::targets::{Adapter, Target};
use super::write::{Cell, Document, Draft, Written, number};
use rust_decimal::Decimal;
use serde_json::{Value, json};

pub(super) const ADAPTER: Adapter =
    Adapter { target: Target::Xero, name: "xero", title: "Xero", formats: "xero", rule: Rule::Whole, write };

const CONTACT: &str = "The id of the contact; its name does where it is unique.";
const ACCOUNT: &str = "The account that licences are booked on.";
const TAX: &str = "The tax type of licences; the import template needs it.";
const REPEATING: &str = "The id of the repeating invoice. Import the repeating invoices through the API.";

fn write(draft: &Draft<'_>) -> Written {
    let mut out = Written::default();
    let mut rows = Vec::new();
    for document in draft.documents() {
        out.lacks("AccountCode", ACCOUNT);
        out.lacks("TaxType", TAX);
        let (list, kind) =
            if document.credit { ("CreditNotes", "ACCRECCREDIT") } else { ("Invoices", "ACCREC") };
        let lines: Vec<Value> = document.lines.iter().map(|line| item(&document, line)).collect();
        let mut invoice = json!({
            "Type": kind,
            "Contact": contact(draft, &mut out),
            "Date": document.on,
            "LineAmountTypes": "Exclusive",
            "CurrencyCode": draft.currency,
            "Reference": draft.reference.to_string(),
            "Status": "DRAFT",
            "LineItems": lines,
        });
        if let Some(members) = invoice.as_object_mut().filter(|_| !document.credit) {
            members.insert("DueDate".to_owned(), json!(document.on));
        }
        let path = format!("/api.xro/2.0/{list}?unitdp=4");
        let mut body = serde_json::Map::new();
        body.insert(list.to_owned(), json!([invoice]));
        out.request(format!("Make the {}", document.kind()), "PUT", path, Value::Object(body));
        rows.extend(document.lines.iter().map(|line| row(draft, line)));
    }
    let header = [
        "*ContactName",
        "*InvoiceNumber",
        "Reference",
        "*InvoiceDate",
        "*DueDate",
        "InventoryItemCode",
        "*Description",
        "*Quantity",
        "*UnitAmount",
        "*AccountCode",
        "*TaxType",
        "Currency",
    ];
    out.table("one_off", &header, rows);
    let header = [
        "ContactName",
        "Repeating Invoice",
        "InventoryItemCode",
        "Description",
        "Quantity",
        "Was",
        "UnitAmount",
        "From",
    ];
    let changes = draft.rows().map(|(change, row)| template(draft, change, row, &mut out)).collect();
    out.table("recurring", &header, changes);
    if !draft.recurring.is_empty() {
        out.notes.push(
            "Xero: a repeating invoice is changed by hand, before its next invoice is made; the API can only end it \
             and make another."
                .to_owned(),
        );
    }
    out
}

fn contact(draft: &Draft<'_>, out: &mut Written) -> Value {
    if let Some(id) = &draft.client.id {
        return json!({ "ContactID": id });
    }
    out.lacks("ContactID", CONTACT);
    json!({ "Name": draft.named() })
}

fn item(document: &Document<'_>, line: &OneOff) -> Value {
    json!({
        "Description": line.description,
        "Quantity": 1,
        "UnitAmount": number(document.amount(line)),
        "ItemCode": line.product_code,
        "AccountCode": null,
        "TaxType": null,
    })
}

fn row(draft: &Draft<'_>, line: &OneOff) -> Vec<Cell> {
    vec![
        draft.named().into(),
        Cell::Text(line.reference.clone()),
        Cell::Text(line.reference.clone()),
        line.on.into(),
        line.on.into(),
        Cell::of(line.product_code.as_deref()),
        Cell::Text(line.description.clone()),
        Decimal::ONE.into(),
        line.amount.amount.into(),
        Cell::empty(),
        Cell::empty(),
        draft.currency.as_str().into(),
    ]
}

fn template(draft: &Draft<'_>, change: &Recurring, row: &RowChange, out: &mut Written) -> Vec<Cell> {
    let id = out.segment(row.source_id.as_deref(), "RepeatingInvoiceID", REPEATING);
    // It knows no quantity that is included: only what is charged is entered.
    let quantity = row.to_quantity - row.included;
    let body = json!({ "RepeatingInvoices": [{ "RepeatingInvoiceID": row.source_id, "Status": "DELETED" }] });
    let purpose = format!(
        "End the repeating invoice, and make another with quantity {} for invoices from {} on",
        quantity, change.effective_on
    );
    out.request(purpose, "POST", format!("/api.xro/2.0/RepeatingInvoices/{id}"), body);
    vec![
        draft.named().into(),
        Cell::of(row.source_id.as_deref()),
        Cell::of(row.product_code.as_deref()),
        Cell::of(row.product_name.as_deref().or(Some(&change.product))),
        quantity.into(),
        (row.from_quantity - row.included).into(),
        row.unit_price.or(change.unit_price).map_or_else(Cell::empty, Cell::from),
        change.effective_on.into(),
    ]
}
