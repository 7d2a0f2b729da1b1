//! Partner Center's daily rated usage (Azure plan and marketplace), as CSV and as JSON of the API, billed and
//! unbilled: money for metered use, no seats.
//!
//! Source: <https://learn.microsoft.com/partner-center/billing/daily-rated-usage-recon-files>. Charges belong
//! to `UsageDate`, whatever the charge period says. `BillingPreTaxTotal` is the amount after partner earned
//! credit, in the currency of the bill. The credit's rate is a percentage (15) in one header and a part (0.15)
//! in the other; it is inside the amount already and is not read. Rows may name no customer: then nothing
//! tells whose they are, and they are noted and left out, unless no row of the file names one.

use super::charge_words::{is_known_charge_type, snake};
use super::english_dates::{self, Dates};
use super::layout::{Cells, Field, Layout, Need};
use super::partner_center_items::customer_id;
use super::reader::Shape;
use super::seen_lines::SeenLines;
use super::sink::{Bad, Sink};
use super::table::{clean, fold};
use super::{FileError, Fit, Format, ReadOptions};
use crate::period::{Span, day_after};
use crate::records::{ChargeKind, ClientRef, Cycle, ProductRef, Record, Side, VendorCharge};

pub(super) const FORMAT: Format = Format {
    name: "microsoft_partner_center_daily_usage",
    title: "Partner Center daily rated usage",
    sides: &[Side::Cost],
    detect,
    read,
};

/// Places in [`LAYOUT`].
#[derive(Clone, Copy)]
#[repr(usize)]
enum F {
    CustomerId,
    CustomerName,
    CustomerDomain,
    Invoice,
    ProductId,
    SkuId,
    SkuName,
    ProductName,
    Subscription,
    UsageDate,
    ChargeType,
    UnitPrice,
    EffectiveUnitPrice,
    Quantity,
    BillingTotal,
    BillingCurrency,
    ChargeStart,
    ChargeEnd,
}

const fn field(name: &'static str, need: Need) -> Field {
    Field { name, aliases: &[], need }
}

const LAYOUT: Layout = Layout {
    fields: &[
        field("CustomerId", Need::OneOf(1)),
        field("CustomerName", Need::OneOf(1)),
        field("CustomerDomainName", Need::Optional),
        field("InvoiceNumber", Need::Optional),
        field("ProductId", Need::OneOf(2)),
        field("SkuId", Need::Optional),
        field("SkuName", Need::Optional),
        field("ProductName", Need::OneOf(2)),
        field("SubscriptionId", Need::Optional),
        field("UsageDate", Need::Signature),
        field("ChargeType", Need::Optional),
        field("UnitPrice", Need::Optional),
        field("EffectiveUnitPrice", Need::Optional),
        field("Quantity", Need::Required),
        field("BillingPreTaxTotal", Need::Signature),
        field("BillingCurrency", Need::Required),
        field("ChargeStartDate", Need::Optional),
        field("ChargeEndDate", Need::Optional),
    ],
    unread: &[
        "partnerid",
        "partnername",
        "customercountry",
        "mpnid",
        "resellermpnid",
        "tier2mpnid",
        "availabilityid",
        "publishername",
        "publisherid",
        "subscriptiondescription",
        "metertype",
        "metercategory",
        "meterid",
        "metersubcategory",
        "metername",
        "meterregion",
        "unit",
        "unitofmeasure",
        "resourcelocation",
        "consumedservice",
        "resourcegroup",
        "resourceuri",
        "unittype",
        "pricingpretaxtotal",
        "pricingcurrency",
        "serviceinfo1",
        "serviceinfo2",
        "tags",
        "additionalinfo",
        "pctobcexchangerate",
        "pctobcexchangeratedate",
        "entitlementid",
        "entitlementdescription",
        "partnerearnedcreditpercentage",
        "rateofpartnerearnedcredit",
        "creditpercentage",
        "rateofcredit",
        "credittype",
        "benefitorderid",
        "benefitid",
        "benefittype",
        "invoicelineitemtype",
        "billingprovider",
        "attributes",
        "attributesobjecttype",
    ],
    never: &[],
};

const DATES: [usize; 3] = [F::UsageDate as usize, F::ChargeStart as usize, F::ChargeEnd as usize];

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let named = names_customers(shapes, options)?;
    english_dates::read(&LAYOUT, &DATES, shapes, options, sink, &mut |dates, sink| {
        let mut seen = SeenLines::new();
        for shape in shapes {
            LAYOUT.read(
                &shape.table,
                &options.limits,
                sink,
                &|cells| Some(client(cells)),
                &mut |cells, sink| {
                    let charge = charge(cells, dates)?;
                    if let Some(first) = seen.earlier(cells.all(), cells.line()) {
                        let text = format!("the same as line {first}; counted once");
                        sink.note(Some(cells.line()), "duplicate_line", text);
                    } else if named && *charge.client == ClientRef::default() {
                        let text = format!(
                            "names no customer; its {} {} are not taken for any client",
                            charge.amount, charge.currency
                        );
                        sink.note(Some(cells.line()), "usage_without_customer", text);
                    } else {
                        sink.keep(cells.line(), Record::VendorCharge(charge));
                    }
                    Ok(())
                },
            )?;
        }
        Ok(())
    })?;
    if !named {
        sink.names_client = false;
        sink.ask("client", &[]);
    }
    Ok(())
}

/// Whether any row names a customer; most often the first does.
fn names_customers(shapes: &[&Shape<'_>], options: &ReadOptions) -> Result<bool, FileError> {
    let mut named = false;
    for shape in shapes {
        let is_customer = |column: &String| ["customerid", "customername"].contains(&fold(column).as_str());
        let places: Vec<usize> = (0..)
            .zip(&shape.table.columns)
            .filter(|(_, column)| is_customer(column))
            .map(|(at, _)| at)
            .collect();
        shape.table.rows(&options.limits, &mut |row| {
            named |= places.iter().any(|&at| row.cells.get(at).is_some_and(|cell| !clean(cell).is_empty()));
            Ok(!named)
        })?;
    }
    Ok(named)
}

fn client(cells: &Cells<'_>) -> ClientRef {
    let text = |field: F| cells.text(field as usize);
    let (id, name) = (text(F::CustomerId).map(customer_id), cells.owned(F::CustomerName as usize));
    let named = id.is_some() || name.is_some();
    let domain = text(F::CustomerDomain).filter(|_| named).map(str::to_lowercase);
    ClientRef { id, name, domain }
}

fn charge(cells: &Cells<'_>, dates: &mut Dates) -> Result<VendorCharge, Bad> {
    let used = dates.need(cells, F::UsageDate as usize)?;
    let charge_type = cells.text(F::ChargeType as usize).map_or_else(|| "usage".to_owned(), snake);
    let list_price = cells.number(F::UnitPrice as usize)?;
    let effective = cells.number(F::EffectiveUnitPrice as usize)?;
    Ok(VendorCharge {
        client: client(cells).into(),
        product: product(cells)?.into(),
        subscription: cells.text(F::Subscription as usize).map(str::to_lowercase),
        invoice: cells.text(F::Invoice as usize).map(Into::into),
        reference: None,
        kind: ChargeKind::Usage,
        known_charge_type: is_known_charge_type(&charge_type),
        charge_type: Some(charge_type.into()),
        term: None,
        cycle: Cycle::Monthly,
        quantity: cells.need_number(F::Quantity as usize)?,
        // Marketplace rows state 0 beside an amount: not rated by that price.
        unit_price: effective.filter(|price| !price.is_zero()).or(list_price).unwrap_or_default(),
        list_price,
        amount: cells.need_number(F::BillingTotal as usize)?,
        currency: cells.need_currency(F::BillingCurrency as usize)?,
        span: Span::new(used, day_after(used)),
        subscription_span: None,
        ordered_on: None,
    })
}

/// `ProductId:SkuId` where the row states them (marketplace rows do not), and the name.
fn product(cells: &Cells<'_>) -> Result<ProductRef, Bad> {
    let name = cells.owned(F::ProductName as usize).or_else(|| cells.owned(F::SkuName as usize));
    let product = cells.text(F::ProductId as usize).map(str::to_uppercase);
    if product.is_none() && name.is_none() {
        return Err(cells.bad(F::ProductId as usize, "is empty, and so is ProductName"));
    }
    let sku = product.map(|product| match cells.text(F::SkuId as usize) {
        Some(sku) => format!("{product}:{}", sku.to_uppercase()),
        None => product,
    });
    Ok(ProductRef { name, sku, ..ProductRef::default() })
}
