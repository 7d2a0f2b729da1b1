//! QuickBooks Online's invoices and credit memos, as JSON of the API.
//!
//! Source: <https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice>. Of a document's
//! lines only `SalesItemLineDetail` is a product, alone or inside a group; subtotals, descriptions and discounts
//! are not. Discounts are of the whole document and only noted. A voided document stays, with all its amounts at 0.
//! The id of every line is that of its document: a document that comes again replaces all lines that it had.

use super::invoice_period::{self, signed};
use super::json::{Object, Raw};
use super::members::{
    Refused, Seen, check_once, currency, day, expand, first_line, fit, number as number_in, refused, text,
};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::period::Month;
use crate::records::{BillingLine, ClientRef, Cycle, ProductRef, Record, Side};
use rust_decimal::Decimal;

pub(super) const FORMAT: Format = Format {
    name: "quickbooks_invoices",
    title: "QuickBooks Online invoices and credit memos (API)",
    sides: &[Side::Billing],
    detect,
    read,
};

const LISTS: &[&str] = &["CDCResponse", "QueryResponse", "BatchItemResponse", "Invoice", "CreditMemo"];

fn detect(shape: &Shape<'_>) -> Fit {
    // Other documents of customers have lines too.
    let is_sale = |item: &Object<'_>| is_document(item) && (sells(item) || is_deleted(item));
    fit(
        shape,
        LISTS,
        &is_sale,
        "has QuickBooks documents: items with CustomerRef and Line of SalesItemLineDetail",
    )
}

/// Bills name a vendor, payments keep what is not applied, estimates and orders have a status of their own.
const OTHERS: [&str; 5] = ["VendorRef", "APAccountRef", "TxnStatus", "POStatus", "UnappliedAmt"];

fn is_document(item: &Object<'_>) -> bool {
    if OTHERS.iter().any(|key| item.has(&[key])) {
        return false;
    }
    if is_deleted(item) {
        return item.has(&["Id"]);
    }
    // Sales receipts and refunds, paid at once, cannot be told apart: neither is due later.
    let at_once =
        item.has(&["DepositToAccountRef"]) && !item.has(&["DueDate"]) && !item.has(&["RemainingCredit"]);
    let known = ["TxnDate", "DocNumber", "TotalAmt", "Balance", "SyncToken"];
    item.has(&["CustomerRef", "Line"]) && known.iter().any(|key| item.has(&[key])) && !at_once
}

/// The list of changes says so of documents, and nothing else.
fn is_deleted(item: &Object<'_>) -> bool {
    item.has(&["status", "domain"])
        && item.text("status").is_some_and(|status| status.eq_ignore_ascii_case("deleted"))
}

/// Whether any line sells something.
fn sells(item: &Object<'_>) -> bool {
    item.list("Line")
        .unwrap_or_default()
        .into_iter()
        .filter_map(Object::of)
        .any(|line| line.has(&["SalesItemLineDetail"]) || line.has(&["GroupLineDetail"]))
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let (mut seen, mut line) = (Seen::default(), 0);
    for shape in shapes {
        let part = shape.table.part.as_deref();
        shape.each_item(&mut |_, raw| {
            for raw in expand(raw, LISTS, &is_document) {
                line += 1;
                if let Err(refused) = document(raw, line, part, options, &mut seen, sink) {
                    let (bad, client) = *refused;
                    sink.refuse(part, line, bad, client);
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn document(
    raw: Raw<'_>,
    line: u32,
    part: Option<&str>,
    options: &ReadOptions,
    seen: &mut Seen,
    sink: &mut Sink,
) -> Result<(), Refused> {
    sink.read += 1;
    let Some(item) = Object::of(raw).filter(is_document) else {
        return Err(refused(
            Bad::row("the item is no QuickBooks invoice or credit memo (CustomerRef, Line, TxnDate)"),
            None,
        ));
    };
    let id = text(&item, "Id");
    let number = text(&item, "DocNumber").or_else(|| id.clone());
    let shown = number.clone().unwrap_or_default();
    if is_deleted(&item) {
        let text = format!(
            "the document {shown} was deleted: what an earlier file said of it stays; void it instead"
        );
        sink.note(Some(line), "deleted_without_lines", text);
        return Ok(());
    }
    let customer = item.object("CustomerRef");
    let client = customer.as_ref().map(|customer| ClientRef {
        id: text(customer, "value"),
        name: text(customer, "name"),
        domain: None,
    });
    let client = client.filter(|client| *client != ClientRef::default());
    let bad = |bad: Bad| refused(bad, client.clone());
    check_once(&[Some(&item), customer.as_ref()]).map_err(bad)?;
    if !seen.first(id.as_deref(), raw.get(), line, sink).map_err(bad)? {
        return Ok(());
    }
    let Some(client) = client.clone() else {
        return Err(refused(Bad::member("CustomerRef", None, "has neither value nor name"), None));
    };
    let bad = |bad: Bad| refused(bad, Some(client.clone()));
    let total = number_in(&item, "TotalAmt").map_err(bad)?;
    let voided = total.is_some_and(|total| total.is_zero())
        && text(&item, "PrivateNote").is_some_and(|note| note.to_ascii_lowercase().starts_with("voided"));
    let code = item.object("CurrencyRef").and_then(|currency| text(&currency, "value"));
    let document = Document {
        date: day(&item, "TxnDate").map_err(bad)?,
        currency: currency(code.as_deref(), "CurrencyRef.value", options, sink).map_err(bad)?,
        // Only credit memos and refunds keep what is left of them.
        credit: item.has(&["RemainingCredit"]),
        taxed: text(&item, "GlobalTaxCalculation")
            .is_some_and(|way| way.eq_ignore_ascii_case("TaxInclusive")),
        client,
        number,
        id,
        voided,
        line,
    };
    if !sells(&item) {
        let text = format!("the document {shown} has no line that sells anything; nothing follows from it");
        sink.note(Some(line), "no_sales_line", text);
    }
    let mut reading = Reading { options, sink, part };
    let lines = item.list("Line").unwrap_or_default();
    for (index, raw) in lines.into_iter().enumerate() {
        document.line(raw, &format!("Line[{}]", index + 1), &mut reading);
    }
    Ok(())
}

struct Reading<'r, 't> {
    options: &'r ReadOptions,
    sink: &'r mut Sink<'t>,
    part: Option<&'r str>,
}

/// A document that is billing.
struct Document {
    client: ClientRef,
    number: Option<String>,
    id: Option<String>,
    date: Option<chrono::NaiveDate>,
    currency: Option<crate::money::Currency>,
    credit: bool,
    taxed: bool,
    voided: bool,
    line: u32,
}

impl Document {
    /// A line, or the lines of a group.
    fn line(&self, raw: Raw<'_>, place: &str, reading: &mut Reading<'_, '_>) {
        let Some(item) = Object::of(raw) else {
            let bad = Bad::member(place, None, "is not an object");
            reading.sink.refuse(reading.part, self.line, bad, Some(self.client.clone()));
            return;
        };
        let kind = text(&item, "DetailType").unwrap_or_default();
        match kind.as_str() {
            "SalesItemLineDetail" => {
                reading.sink.read += 1;
                if let Err(bad) = self.sale(&item, reading) {
                    let column =
                        bad.column.map_or_else(|| place.to_owned(), |column| format!("{place}.{column}"));
                    let bad = Bad { column: Some(column), ..bad };
                    reading.sink.refuse(reading.part, self.line, bad, Some(self.client.clone()));
                }
            }
            "GroupLineDetail" => {
                let group = item.object("GroupLineDetail").and_then(|group| group.list("Line"));
                for (index, raw) in group.unwrap_or_default().into_iter().enumerate() {
                    self.line(raw, &format!("{place}.Line[{}]", index + 1), reading);
                }
            }
            "DiscountLineDetail" => {
                let amount = text(&item, "Amount").unwrap_or_default();
                let text =
                    format!("{place} is a discount of {amount} on the whole document; prices are before it");
                reading.sink.note(Some(self.line), "discount", text);
            }
            // Sums and words.
            "SubTotalLineDetail" | "DescriptionOnly" | "TaxLineDetail" => {}
            _ => {
                let bad = Bad::member(
                    &format!("{place}.DetailType"),
                    Some(&kind),
                    "is no kind of line that is known",
                );
                reading.sink.refuse(reading.part, self.line, bad, Some(self.client.clone()));
            }
        }
    }

    fn sale(&self, item: &Object<'_>, reading: &mut Reading<'_, '_>) -> Result<(), Bad> {
        let detail = item
            .object("SalesItemLineDetail")
            .ok_or_else(|| Bad::member("SalesItemLineDetail", None, "is missing"))?;
        check_once(&[Some(item), Some(&detail)])?;
        let (quantity, unit_price) = self.price(item, &detail, reading.sink)?;
        let product = product(item, &detail)?;
        let span = if let Some(served) = day(&detail, "ServiceDate")? {
            Some(Month::of(served).span())
        } else {
            let date = self.date.ok_or_else(|| Bad::member("TxnDate", None, "is missing"))?;
            invoice_period::month(date, reading.options, reading.sink)
        };
        let (Some(span), Some(currency)) = (span, self.currency) else { return Ok(()) };
        let (unit_price, line_type) = signed(self.credit, quantity, unit_price);
        let record = BillingLine {
            client: self.client.clone().into(),
            billing_entity: None,
            product: product.into(),
            agreement: None,
            invoice: self.number.clone(),
            source_id: self.id.clone(),
            term: None,
            cycle: Cycle::Monthly,
            quantity,
            included: Decimal::ZERO,
            unit_price,
            currency,
            span,
            recurring: false,
            line_type,
            billable: !self.voided,
        };
        reading.sink.keep(self.line, Record::BillingLine(record));
        Ok(())
    }

    /// Quantity and price before tax. Without a quantity the amount is charged once.
    fn price(
        &self,
        item: &Object<'_>,
        detail: &Object<'_>,
        sink: &mut Sink,
    ) -> Result<(Decimal, Decimal), Bad> {
        let (quantity, unit, amount) =
            (number_in(detail, "Qty")?, number_in(detail, "UnitPrice")?, number_in(item, "Amount")?);
        let net = |sink: &mut Sink| {
            if !self.taxed {
                return Ok(None);
            }
            if number_in(detail, "TaxInclusiveAmt")?.is_none() {
                let rule =
                    "is missing: the document's prices contain tax, and the line does not say how much";
                return Err(Bad::member("SalesItemLineDetail.TaxInclusiveAmt", None, rule));
            }
            let text = "the document's prices contain tax; the price is the amount before tax";
            sink.note(Some(self.line), "tax_taken_off", text);
            Ok(amount)
        };
        let net = net(sink)?;
        match (quantity, unit.filter(|_| net.is_none()), net.or(amount)) {
            (Some(quantity), Some(unit), amount) => {
                let whole = quantity.checked_mul(unit);
                if let Some(amount) = amount
                    && whole.is_none_or(|whole| (whole.abs() - amount.abs()).abs() > Decimal::new(1, 2))
                {
                    let text =
                        format!("the amount {amount} is not {quantity} x {unit}; read as quantity and price");
                    sink.note(Some(self.line), "amount_differs", text);
                }
                Ok((quantity, unit))
            }
            (Some(quantity), None, Some(amount)) => {
                if quantity.is_zero() && amount.is_zero() {
                    return Ok((quantity, amount));
                }
                let unit = amount.checked_div(quantity);
                let rule = "is charged for a quantity of 0";
                Ok((quantity, unit.ok_or_else(|| Bad::member("Amount", Some(&amount.to_string()), rule))?))
            }
            (None, _, Some(amount)) => {
                sink.note(
                    Some(self.line),
                    "amount_as_one",
                    "a line has no quantity: read as a quantity of 1",
                );
                Ok((Decimal::ONE, amount))
            }
            (_, _, None) => {
                Err(Bad::member("Amount", None, "is missing, and so is the quantity or the price"))
            }
        }
    }
}

/// The item by its full name (`Parent:Child`), which is one of a kind in a company; its id where it has no name.
fn product(item: &Object<'_>, detail: &Object<'_>) -> Result<ProductRef, Bad> {
    let reference = detail.object("ItemRef");
    let full = reference.as_ref().and_then(|item| text(item, "name"));
    let code = full.clone().or_else(|| text(reference.as_ref()?, "value"));
    let name = first_line(item, "Description").or_else(|| full.as_deref().map(leaf));
    if name.is_none() && code.is_none() {
        return Err(Bad::member("Description", None, "is empty, and so is ItemRef"));
    }
    Ok(ProductRef { name, code, ..ProductRef::default() })
}

/// The last part of `Parent:Child`.
pub(super) fn leaf(item: &str) -> String {
    item.rsplit(':').next().unwrap_or(item).trim().to_owned()
}
