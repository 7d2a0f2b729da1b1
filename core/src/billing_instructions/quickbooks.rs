//! QuickBooks Online: lines of an invoice or credit memo, and of a recurring transaction.
//!
//! Source: the API's entities `Invoice`, `CreditMemo` and `RecurringTransaction`
//! (<https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice>), and the table that it
//! imports invoices from
//! (<https://quickbooks.intuit.com/learn-support/en-us/help-article/import-export-data-files/import-multiple-invoices/L2hYDWqN8_US_en_US>).
//! It imports no credit memos: their table is for entering by hand. A template bills quantity times rate; nothing
//! is prorated.

use super::instructions::{OneOff, Recurring, RowChange};
use super::proration::Rule;
use super::targets::{Adapter, Target};
use super::write::{Cell, Document, Draft, Written, number};
use crate::money::Money;
use rust_decimal::Decimal;
use serde_json::{Value, json};

pub(super) const ADAPTER: Adapter = Adapter {
    target: Target::Quickbooks,
    name: "quickbooks",
    title: "QuickBooks Online",
    formats: "quickbooks",
    rule: Rule::Whole,
    write,
};

const CUSTOMER: &str = "The number of the customer: query Customer by DisplayName.";
const ITEM: &str = "The number of the product or service: query Item by Name.";
const TEMPLATE: &str = "Number and SyncToken of the recurring transaction; no export holds them. Query RecurringTransaction, \
                        and send all its lines.";

fn write(draft: &Draft<'_>) -> Written {
    let mut out = Written::default();
    let (mut rows, mut credits) = (Vec::new(), Vec::new());
    let documents = draft.documents();
    for document in &documents {
        out.lacks("ItemRef.value", ITEM);
        let lines: Vec<Value> = document.lines.iter().map(|line| sales_line(document, line)).collect();
        let customer = draft.client.id.as_deref();
        let body = json!({
            "CustomerRef": { "value": customer, "name": draft.named() },
            "TxnDate": document.on,
            "CurrencyRef": { "value": draft.currency },
            "PrivateNote": draft.reference.to_string(),
            "Line": lines,
        });
        if customer.is_none() {
            out.lacks("CustomerRef.value", CUSTOMER);
        }
        let entity = if document.credit { "creditmemo" } else { "invoice" };
        let path = format!("/v3/company/{{realmId}}/{entity}");
        out.request(format!("Make the {}", document.kind()), "POST", path, body);
        let table = if document.credit { &mut credits } else { &mut rows };
        table.extend(document.lines.iter().map(|line| row(draft, document, line)));
    }
    let header = [
        "*InvoiceNo",
        "*Customer",
        "*InvoiceDate",
        "*DueDate",
        "Memo",
        "Item(Product/Service)",
        "ItemDescription",
        "ItemQuantity",
        "ItemRate",
        "*ItemAmount",
        "Currency",
        "Service Date",
    ];
    out.table("one_off", &header, rows);
    // Apart from invoices: whoever imports a table must not charge what is given back.
    if !credits.is_empty() {
        let [_, others @ ..] = header;
        out.table("credit_memos", &[&["*CreditMemoNo"], &others[..]].concat(), credits);
    }
    let header = ["Customer", "Item(Product/Service)", "ItemQuantity", "Was", "ItemRate", "From"];
    let changes = draft.rows().map(|(change, row)| template(draft, change, row, &mut out)).collect();
    out.table("recurring", &header, changes);
    if documents.iter().any(|document| document.credit) {
        out.notes.push(
            "QuickBooks Online imports no credit memos from a table: make them through the API or by hand, with \
             positive amounts."
                .to_owned(),
        );
    }
    out
}

fn sales_line(document: &Document<'_>, line: &OneOff) -> Value {
    let amount = number(document.amount(line));
    json!({
        "DetailType": "SalesItemLineDetail",
        "Amount": amount,
        "Description": line.description,
        "SalesItemLineDetail": { "ItemRef": { "value": null }, "Qty": 1, "UnitPrice": amount },
    })
}

fn row(draft: &Draft<'_>, document: &Document<'_>, line: &OneOff) -> Vec<Cell> {
    let amount = document.amount(line);
    vec![
        Cell::Text(line.reference.clone()),
        draft.named().into(),
        line.on.into(),
        line.on.into(),
        Cell::Text(line.reference.clone()),
        Cell::of(line.product_code.as_deref().or(Some(&line.product))),
        Cell::Text(line.description.clone()),
        Decimal::ONE.into(),
        amount.into(),
        amount.into(),
        draft.currency.as_str().into(),
        line.on.into(),
    ]
}

fn template(draft: &Draft<'_>, change: &Recurring, row: &RowChange, out: &mut Written) -> Vec<Cell> {
    out.lacks("RecurringTransaction.Id", TEMPLATE);
    out.lacks("ItemRef.value", ITEM);
    // It knows no quantity that is included: only what is charged is entered.
    let quantity = row.to_quantity - row.included;
    let whole = row.unit_price.or(change.unit_price).and_then(|price| price.checked_mul(quantity));
    let body = json!({ "RecurringTransaction": { "Invoice": {
        "Id": null,
        "SyncToken": null,
        "sparse": true,
        "Line": [{
            "DetailType": "SalesItemLineDetail",
            "Amount": whole.map(|amount| number(Money::round(amount, draft.currency).amount)),
            "Description": row.product_name.as_deref().unwrap_or(&change.product),
            "SalesItemLineDetail": {
                "ItemRef": { "value": null },
                "Qty": number(quantity),
                "UnitPrice": row.unit_price.or(change.unit_price).map(number),
            },
        }],
    } } });
    let purpose = format!("Change the quantity, for invoices from {} on", change.effective_on);
    out.request(purpose, "POST", "/v3/company/{realmId}/recurringtransaction".to_owned(), body);
    vec![
        draft.named().into(),
        Cell::of(row.product_name.as_deref().or(Some(&change.product))),
        quantity.into(),
        (row.from_quantity - row.included).into(),
        row.unit_price.or(change.unit_price).map_or_else(Cell::empty, Cell::from),
        change.effective_on.into(),
    ]
}
