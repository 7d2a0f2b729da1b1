//! HaloPSA's recurring invoices: what clients are charged again and again.
//!
//! Source: see [`super::halopsa_line`]. A line runs from its own `startdate` to its `enddate`, else those of the
//! header. Inactive lines and disabled invoices are kept and charge nothing. A quantity may be counted when
//! the invoice is made; `qty_order` is then the last count, and a note says so. Pro-rata rows are charged
//! apart. The id of every line is that of its recurring invoice, so that a newer export replaces all of it.

use super::halopsa_line::{
    LISTS, between, charged, client, currency_code, first_day, is_header, is_recurring, note_counted,
    prorated,
};
use super::invoice_period::{cycle_of_months, months_of_word, signed, whole_months};
use super::json::{Object, Raw};
use super::members::{Refused, Seen, check_once, currency, expand, fit, flag, refused, text, within};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::money::Currency;
use crate::period::{Span, day_after};
use crate::records::{BillingLine, ClientRef, Cycle, LineType, ProductRef, Record, Side};
use rust_decimal::Decimal;

pub(super) const FORMAT: Format = Format {
    name: "halopsa_recurring_invoices",
    title: "HaloPSA recurring invoices",
    sides: &[Side::Billing],
    detect,
    read,
};

fn detect(shape: &Shape<'_>) -> Fit {
    let is_ours = |item: &Object<'_>| is_header(item) && is_recurring(item);
    fit(
        shape,
        LISTS,
        &is_ours,
        "has HaloPSA recurring invoices: items with client_id, nextcreationdate and lines",
    )
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let (mut seen, mut line, mut with_lines) = (Seen::default(), 0, false);
    for shape in shapes {
        let part = shape.table.part.as_deref();
        shape.each_item(&mut |_, raw| {
            for raw in expand(raw, LISTS, &is_header) {
                line += 1;
                let reading = Reading { line, part, options };
                match reading.header(raw, &mut seen, sink) {
                    Ok(has_lines) => with_lines |= has_lines,
                    Err(refused) => {
                        let (bad, client) = *refused;
                        sink.refuse(part, line, bad, client);
                    }
                }
            }
            Ok(())
        })?;
    }
    if !with_lines && sink.refused_total == 0 {
        return Err(FileError::NothingToCompare {
            what: "a list of HaloPSA recurring invoices",
            lacks: "has no lines",
            instead: "export it with lines (includelines=true)",
        });
    }
    Ok(())
}

struct Reading<'r> {
    line: u32,
    part: Option<&'r str>,
    options: &'r ReadOptions,
}

/// A header that is billing.
struct Header {
    client: ClientRef,
    agreement: Option<String>,
    id: Option<String>,
    cycle: Cycle,
    times: Decimal,
    currency: Currency,
    enabled: bool,
}

impl Reading<'_> {
    /// Reads a header; answers whether it has lines.
    fn header(&self, raw: Raw<'_>, seen: &mut Seen, sink: &mut Sink) -> Result<bool, Refused> {
        let Some(item) = Object::of(raw).filter(|item| is_header(item) && is_recurring(item)) else {
            sink.read += 1;
            return Err(refused(
                Bad::row("the item is no recurring invoice (client_id, nextcreationdate, lines)"),
                None,
            ));
        };
        let lines = item.list("lines").unwrap_or_default();
        sink.read += u64::try_from(lines.len().max(1)).unwrap_or(1);
        let client = client(&item);
        let bad = |bad: Bad| refused(bad, client.clone());
        check_once(&[Some(&item)]).map_err(bad)?;
        let id = text(&item, "id");
        if !seen.first(id.as_deref(), raw.get(), self.line, sink).map_err(bad)? {
            return Ok(true);
        }
        let Some(client) = client.clone() else {
            return Err(refused(Bad::member("client_id", None, "is empty, and so is client_name"), None));
        };
        if lines.is_empty() {
            let text = "the recurring invoice has no lines here; no billing line follows from it";
            sink.note(Some(self.line), "invoice_without_lines", text);
            return Ok(false);
        }
        let (cycle, times) = self.cycle(&item, sink).map_err(bad)?;
        let code = currency_code(&item);
        let currency = currency(code.as_deref(), "currency_code_name", self.options, sink).map_err(bad)?;
        let Some(currency) = currency else { return Ok(true) };
        let header = Header {
            client,
            agreement: text(&item, "contract_ref")
                .or_else(|| text(&item, "reference"))
                .or_else(|| id.clone()),
            id,
            cycle,
            times,
            currency,
            enabled: !flag(&item, "disabled"),
        };
        for (index, raw) in lines.into_iter().enumerate() {
            if let Err(bad) = self.line(&item, raw, &header, sink) {
                let bad = within(bad, "lines", index);
                sink.refuse(self.part, self.line, bad, Some(header.client.clone()));
            }
        }
        Ok(true)
    }

    fn line(&self, header: &Object<'_>, raw: Raw<'_>, of: &Header, sink: &mut Sink) -> Result<(), Bad> {
        let item = Object::of(raw).ok_or_else(|| Bad::row("the line is not an object"))?;
        check_once(&[Some(&item)])?;
        let Some(charged) = charged(&item, self.line, sink)? else { return Ok(()) };
        note_counted(&item, self.line, sink);
        let from = if let Some(from) = first_day(&[(&item, "startdate"), (header, "startdate")])? {
            from
        } else {
            let running = first_day(&[(header, "period_start_date")])?;
            let rule = "is missing, and so are the invoice's startdate and period_start_date";
            let text = "the line has no start date: read from the start of the period that runs";
            sink.note(Some(self.line), "assumed_start", text);
            running.ok_or_else(|| Bad::member("startdate", None, rule))?
        };
        let until = first_day(&[(&item, "enddate"), (header, "enddate")])?.map(day_after);
        let span = Span { from, until };
        let billable = of.enabled && !flag(&item, "isinactive");
        for row in prorated(&item) {
            let row = row?;
            let product = ProductRef {
                name: row.name.or_else(|| charged.product.name.clone()),
                ..charged.product.clone()
            };
            let record = BillingLine {
                client: of.client.clone().into(),
                billing_entity: None,
                product: product.into(),
                agreement: of.agreement.clone(),
                invoice: None,
                source_id: of.id.clone(),
                term: None,
                cycle: Cycle::Monthly,
                quantity: row.quantity,
                included: Decimal::ZERO,
                unit_price: row.unit_price,
                currency: of.currency,
                span: row.span,
                recurring: false,
                line_type: LineType::Proration,
                billable,
            };
            sink.keep(self.line, Record::BillingLine(record));
        }
        if span.is_empty() {
            sink.note(Some(self.line), "never_active", "a line ends before it begins: nothing is billed");
            return Ok(());
        }
        let unit_price = charged.unit_price.checked_mul(of.times);
        let unit_price = unit_price.ok_or_else(|| Bad::row("the numbers of the line are too large"))?;
        let (unit_price, mut line_type) = signed(false, charged.quantity, unit_price);
        if flag(&item, "onetimecharge") {
            line_type = LineType::OneOff;
        }
        let record = BillingLine {
            client: of.client.clone().into(),
            billing_entity: None,
            product: charged.product.into(),
            agreement: of.agreement.clone(),
            invoice: None,
            source_id: of.id.clone(),
            term: None,
            cycle: of.cycle,
            quantity: charged.quantity,
            included: Decimal::ZERO,
            unit_price,
            currency: of.currency,
            span,
            recurring: line_type == LineType::Regular,
            line_type,
            billable,
        };
        sink.keep(self.line, Record::BillingLine(record));
        Ok(())
    }

    /// The cycle by its word, else by the period that runs, and what prices are multiplied by.
    fn cycle(&self, item: &Object<'_>, sink: &mut Sink) -> Result<(Cycle, Decimal), Bad> {
        for key in ["periodname", "nextcreationperiod"] {
            let Some(word) = text(item, key) else { continue };
            return months_of_word(&word).and_then(cycle_of_months).ok_or_else(|| {
                Bad::member(key, Some(&word), "is no cycle of months that prices can be compared by")
            });
        }
        let running = between(item, "period_start_date", "period_end_date")?;
        if let Some(cycle) = running.and_then(whole_months).and_then(cycle_of_months) {
            return Ok(cycle);
        }
        sink.note(Some(self.line), "assumed_cycle", "the billing cycle is not stated: read as monthly");
        Ok((Cycle::Monthly, Decimal::ONE))
    }
}
