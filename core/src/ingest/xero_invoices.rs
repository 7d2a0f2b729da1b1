//! Xero's invoices and credit notes, as JSON of the API: what clients were charged.
//!
//! Source: <https://developer.xero.com/documentation/api/accounting/invoices> and
//! <https://developer.xero.com/documentation/api/accounting/creditnotes>. Only sales (`ACCREC`) are billing.
//! Draft and submitted invoices charge nothing yet; voided and deleted ones are kept and charge nothing, so
//! that a newer export takes back what an older one said. For the same reason the id of every line is that
//! of its invoice: an invoice that comes again replaces all lines that it had before. Lists of many invoices
//! come without lines unless they are asked for page by page.

use super::invoice_period::{self, signed};
use super::json::{Object, Raw};
use super::members::{Refused, Seen, check_once, currency, day, expand, fit, refused, text, within};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::xero_line::{Tax, charged};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{BillingLine, ClientRef, Cycle, Record, Side};
use rust_decimal::Decimal;

pub(super) const FORMAT: Format = Format {
    name: "xero_invoices",
    title: "Xero invoices and credit notes (API)",
    sides: &[Side::Billing],
    detect,
    read,
};

const LISTS: &[&str] = &["Invoices", "CreditNotes"];

fn detect(shape: &Shape<'_>) -> Fit {
    fit(
        shape,
        LISTS,
        &is_document,
        "has Xero documents: items with Type, Contact and InvoiceID or CreditNoteID",
    )
}

fn is_document(item: &Object<'_>) -> bool {
    let id = item.has(&["InvoiceID"]) || item.has(&["CreditNoteID"]) || item.has(&["InvoiceNumber"]);
    let kind = item.text("Type").is_some_and(|kind| kind.trim().to_ascii_uppercase().starts_with("ACC"));
    id && kind && item.has(&["Contact", "Status"]) && !item.has(&["Schedule"])
}

/// What has been seen of the file so far.
#[derive(Default)]
struct Reading {
    seen: Seen,
    line: u32,
    purchases: u64,
    with_lines: u64,
    /// Documents that charge something and come without lines: place and whose.
    without_lines: Vec<(Option<String>, u32, ClientRef, String)>,
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let mut reading = Reading::default();
    for shape in shapes {
        let part = shape.table.part.as_deref();
        shape.each_item(&mut |_, raw| {
            for raw in expand(raw, LISTS, &is_document) {
                reading.line += 1;
                let line = reading.line;
                if let Err(refused) = document(raw, part, options, &mut reading, sink) {
                    let (bad, client) = *refused;
                    sink.refuse(part, line, bad, client);
                }
            }
            Ok(())
        })?;
    }
    if sink.refused_total == 0 && reading.with_lines == 0 {
        if !reading.without_lines.is_empty() {
            return Err(FileError::NothingToCompare {
                what: "a list of Xero invoices",
                lacks: "has totals and no lines",
                instead: "export it with lines: request the invoices page by page (page=1) or one by one",
            });
        }
        if reading.purchases > 0 && sink.records.is_empty() && sink.notes_total == reading.purchases {
            return Err(FileError::NothingToCompare {
                what: "a list of Xero bills",
                lacks: "says what suppliers charge and not what clients are charged",
                instead: "export the sales invoices (Type ACCREC)",
            });
        }
    }
    for (part, line, client, number) in reading.without_lines {
        let reason = format!("the invoice {number} has a total and no lines; export it with lines");
        sink.refuse(part.as_deref(), line, Bad::member("LineItems", None, reason), Some(client));
    }
    Ok(())
}

fn document(
    raw: Raw<'_>,
    part: Option<&str>,
    options: &ReadOptions,
    reading: &mut Reading,
    sink: &mut Sink,
) -> Result<(), Refused> {
    let line = reading.line;
    let item = Object::of(raw).filter(is_document);
    let Some(item) = item else {
        sink.read += 1;
        return Err(refused(
            Bad::row("the item is no Xero invoice (Type, Contact, Status, InvoiceID)"),
            None,
        ));
    };
    let lines = item.list("LineItems").unwrap_or_default();
    sink.read += u64::try_from(lines.len().max(1)).unwrap_or(1);
    let contact = item.object("Contact");
    let client = contact.as_ref().map(client).filter(|client| *client != ClientRef::default());
    let bad = |bad: Bad| refused(bad, client.clone());
    check_once(&[Some(&item), contact.as_ref()]).map_err(bad)?;
    let id = text(&item, "InvoiceID").or_else(|| text(&item, "CreditNoteID"));
    let number =
        text(&item, "InvoiceNumber").or_else(|| text(&item, "CreditNoteNumber")).or_else(|| id.clone());
    let shown = number.clone().unwrap_or_default();
    if !reading.seen.first(id.as_deref(), raw.get(), line, sink).map_err(bad)? {
        return Ok(());
    }
    let kind = text(&item, "Type").unwrap_or_default().to_ascii_uppercase();
    let credit = match kind.as_str() {
        "ACCREC" => false,
        "ACCRECCREDIT" => true,
        _ => {
            reading.purchases += 1;
            let text = format!("{shown} is of type {kind}: not what a client is charged; not read");
            sink.note(Some(line), "not_a_sale", text);
            return Ok(());
        }
    };
    let status = text(&item, "Status").unwrap_or_default().to_ascii_uppercase();
    let billable = match status.as_str() {
        "AUTHORISED" | "PAID" => true,
        "VOIDED" | "DELETED" => false,
        "DRAFT" | "SUBMITTED" => {
            let text = format!("the invoice {shown} is {status}: it charges nothing yet; not read");
            sink.note(Some(line), "not_billed_yet", text);
            return Ok(());
        }
        _ => {
            let rule = "is none of AUTHORISED, PAID, VOIDED, DELETED, DRAFT, SUBMITTED";
            return Err(bad(Bad::member("Status", Some(&status), rule)));
        }
    };
    let Some(client) = client.clone() else {
        return Err(refused(Bad::member("Contact", None, "has neither ContactID nor Name"), None));
    };
    if lines.is_empty() {
        if billable {
            reading.without_lines.push((part.map(str::to_owned), line, client, shown));
        } else {
            let text = format!(
                "the invoice {shown} is {status} and comes without lines: what an earlier file said of it stays; export it with lines"
            );
            sink.note(Some(line), "voided_without_lines", text);
        }
        return Ok(());
    }
    reading.with_lines += 1;
    let document = Document { client, number, id, tax: Tax::of(&item).map_err(bad)?, credit, billable, line };
    for (index, raw) in lines.into_iter().enumerate() {
        if let Err(bad) = document.line(&item, raw, options, sink) {
            sink.refuse(part, line, within(bad, "LineItems", index), Some(document.client.clone()));
        }
    }
    Ok(())
}

/// A document that is billing.
struct Document {
    client: ClientRef,
    number: Option<String>,
    id: Option<String>,
    tax: Tax,
    credit: bool,
    billable: bool,
    line: u32,
}

impl Document {
    fn line(
        &self,
        item: &Object<'_>,
        raw: Raw<'_>,
        options: &ReadOptions,
        sink: &mut Sink,
    ) -> Result<(), Bad> {
        let line = Object::of(raw).ok_or_else(|| Bad::row("the line is not an object"))?;
        check_once(&[Some(&line)])?;
        let Some(charged) = charged(&line, self.tax, self.line, sink)? else { return Ok(()) };
        let date = match day(item, "DateString")? {
            Some(date) => date,
            None => day(item, "Date")?.ok_or_else(|| Bad::member("Date", None, "is missing"))?,
        };
        let code = text(item, "CurrencyCode");
        let currency = currency(code.as_deref(), "CurrencyCode", options, sink)?;
        let span = invoice_period::month(date, options, sink);
        let (Some(currency), Some(span)) = (currency, span) else { return Ok(()) };
        let (unit_price, line_type) = signed(self.credit, charged.quantity, charged.unit_price);
        sink.keep(
            self.line,
            Record::BillingLine(BillingLine {
                client: self.client.clone().into(),
                billing_entity: None,
                product: charged.product.into(),
                agreement: None,
                invoice: self.number.clone(),
                source_id: self.id.clone(),
                term: None,
                cycle: Cycle::Monthly,
                quantity: charged.quantity,
                included: Decimal::ZERO,
                unit_price,
                currency,
                span,
                recurring: false,
                line_type,
                billable: self.billable,
            }),
        );
        Ok(())
    }
}

/// A Xero contact.
pub(super) fn client(contact: &Object<'_>) -> ClientRef {
    ClientRef { id: text(contact, "ContactID"), name: text(contact, "Name"), domain: None }
}
