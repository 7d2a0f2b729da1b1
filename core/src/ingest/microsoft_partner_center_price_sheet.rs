//! Partner Center's price sheet of new-commerce licences (`PricesheetView='updatedlicensebased'`), as CSV.
//!
//! Source: <https://learn.microsoft.com/partner-center/developer/get-a-price-sheet>. `UnitPrice` is what the
//! partner pays and `ERP Price` what Microsoft suggests that the customer pays, both for one seat and the
//! whole of the billing plan: the year's price on an annual plan, the month's on a monthly one. Dates are
//! month/day/year; a year of 9999 is no end. Rows of meters (Azure) and of software bought once price no
//! seat of a term; they are counted and left out.

use super::charge_words;
use super::english_dates::{self, Dates};
use super::layout::{Cells, Field, Layout, Need};
use super::partner_center_items::{RECKONED, reckoned_id};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::table::fold;
use super::{FileError, Fit, Format, ReadOptions};
use crate::period::{Span, day_after};
use crate::records::{Cycle, ListPrice, ProductRef, Record, Term};
use rust_decimal::Decimal;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_partner_center_price_sheet",
    title: "Partner Center price sheet",
    sides: &[],
    detect,
    read,
};

/// Places in [`LAYOUT`].
#[derive(Clone, Copy)]
#[repr(usize)]
enum F {
    ProductTitle,
    ProductId,
    SkuId,
    SkuTitle,
    Term,
    Plan,
    Market,
    Currency,
    UnitPrice,
    TierMin,
    Start,
    End,
    Erp,
    Segment,
}

const fn field(name: &'static str, need: Need) -> Field {
    Field { name, aliases: &[], need }
}

const LAYOUT: Layout = Layout {
    fields: &[
        field("ProductTitle", Need::Optional),
        field("ProductId", Need::Signature),
        field("SkuId", Need::Signature),
        field("SkuTitle", Need::Optional),
        field("TermDuration", Need::Optional),
        field("BillingPlan", Need::Optional),
        field("Market", Need::Optional),
        field("Currency", Need::Required),
        field("UnitPrice", Need::Required),
        field("PricingTierRangeMin", Need::Optional),
        field("EffectiveStartDate", Need::Signature),
        field("EffectiveEndDate", Need::Optional),
        field("ERP Price", Need::Optional),
        Field { name: "Segment", aliases: &["customersegment"], need: Need::Optional },
    ],
    unread: &[
        "publisher",
        "skudescription",
        "unitofmeasure",
        "pricingtierrangemax",
        "tags",
        "meterid",
        "meterids",
        "metertype",
        "changeindicator",
        "previousvalues",
    ],
    // Charges have these too.
    never: &["subscriptionid", "chargetype", "chargestartdate", "quantity", "subtotal"],
};

const DATES: [usize; 2] = [F::Start as usize, F::End as usize];

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    // The header as the documentation prints it: its last quote is a typographic one, and closes nothing.
    let open = |column: &&String| column.contains(['\u{201c}', '\u{201d}']) && column.contains('\n');
    if let Some(shape) = shapes.iter().find(|shape| shape.table.columns.iter().any(|column| open(&column))) {
        return Err(FileError::Broken {
            container: "csv",
            detail: "the header ends with a typographic quote; put a straight one (\") in its place"
                .to_owned(),
            line: Some(shape.table.header_line),
            column: None,
        });
    }
    let priced = |shape: &&Shape<'_>| shape.table.columns.iter().any(|column| fold(column) == "billingplan");
    if !shapes.iter().any(priced) {
        return Err(FileError::NothingToCompare {
            what: "a Partner Center price sheet of metered use",
            lacks: "prices meters and no seats",
            instead: "export the price sheet of licences (updatedlicensebased)",
        });
    }
    english_dates::read(&LAYOUT, &DATES, shapes, options, sink, &mut |dates, sink| {
        let mut without_seats = 0_u64;
        for shape in shapes {
            LAYOUT.read(&shape.table, &options.limits, sink, &|_| None, &mut |cells, sink| {
                match price(cells, dates)? {
                    Some(price) => sink.keep(cells.line(), Record::ListPrice(Box::new(price))),
                    None => without_seats += 1,
                }
                Ok(())
            })?;
        }
        if without_seats > 0 {
            let text =
                format!("{without_seats} prices are of meters or of goods bought once, and of no seats");
            sink.note(None, "prices_without_seats", text);
        }
        Ok(())
    })
}

/// A price of seats; none for rows that have no term or plan.
fn price(cells: &Cells<'_>, dates: &mut Dates) -> Result<Option<ListPrice>, Bad> {
    let plan = fold(cells.text(F::Plan as usize).unwrap_or_default());
    let duration = cells.text(F::Term as usize).unwrap_or_default();
    let once = |word: &str| matches!(word, "" | "onetime");
    if once(&plan) && once(&fold(duration)) {
        return Ok(None);
    }
    let term = match charge_words::term(duration, None) {
        None if !matches!(duration, "" | "None" | "none") => {
            return Err(cells.bad(F::Term as usize, "is not a term such as P1M, P1Y or P3Y"));
        }
        term => term,
    };
    let cycle = match plan.as_str() {
        "monthly" => Cycle::Monthly,
        "annual" | "yearly" => Cycle::Annual,
        "triennial" => Cycle::Triennial,
        // Trials, and terms that are paid at once.
        "" | "none" | "onetime" => match term {
            Some(Term::Monthly) => Cycle::Monthly,
            Some(Term::Annual) => Cycle::Annual,
            Some(Term::Triennial) => Cycle::Triennial,
            None => return Ok(None),
        },
        _ => return Err(cells.bad(F::Plan as usize, "is not a plan such as Monthly, Annual or Triennial")),
    };
    let from = dates.need(cells, F::Start as usize)?;
    let until = match dates.of(cells, F::End as usize)? {
        // The moment at which the next price begins, unless it is the end of a day.
        Some(end) => {
            let written = cells.text(F::End as usize).unwrap_or_default();
            let last = written.contains("11:59:59 PM") || written.contains("23:59:59") || end == from;
            Some(if last { day_after(end) } else { end })
        }
        None => None,
    };
    if until.is_some_and(|until| until <= from) {
        return Err(cells.bad(F::End as usize, "is before the price begins"));
    }
    let product = cells.need(F::ProductId as usize)?.to_uppercase();
    let sku = cells.need(F::SkuId as usize)?.to_uppercase();
    if reckoned_id(&sku) || sku.len() < 4 {
        return Err(cells.bad(F::SkuId as usize, RECKONED));
    }
    let name = cells.owned(F::SkuTitle as usize).or_else(|| cells.owned(F::ProductTitle as usize));
    Ok(Some(ListPrice {
        product: ProductRef { name, sku: Some(format!("{product}:{sku}")), ..ProductRef::default() },
        term,
        cycle,
        unit_cost: Some(
            money(cells, F::UnitPrice)?
                .ok_or_else(|| cells.bad(F::UnitPrice as usize, "is empty, and is needed"))?,
        ),
        suggested_price: money(cells, F::Erp)?,
        currency: cells.need_currency(F::Currency as usize)?,
        market: cells.text(F::Market as usize).map(str::to_uppercase),
        segment: cells.owned(F::Segment as usize),
        from_quantity: cells.number(F::TierMin as usize)?,
        span: Span { from, until },
    }))
}

fn money(cells: &Cells<'_>, field: F) -> Result<Option<Decimal>, Bad> {
    match cells.number(field as usize)? {
        Some(price) if price < Decimal::ZERO => Err(cells.bad(field as usize, "is below zero")),
        price => Ok(price),
    }
}
