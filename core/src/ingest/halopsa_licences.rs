//! HaloPSA's licences: what a client has, as HaloPSA's integrations with vendors and distributors count it.
//!
//! Source: the vendor's API description of `Licence_List` (<https://halopsa.com/apidocs/>). `count` is what was bought,
//! `licences_in_use` what is given to users. `vendor_product_sku` is Microsoft's `ProductId:SkuId` with a hyphen;
//! `product_sku` is a part number (`SPB`) or a distributor's own number. The list states no day of its own; the
//! dates of a licence are those of its subscription. Its prices name no currency and are not read.

use super::charge_words::term;
use super::json::{Object, Raw};
use super::members::{Seen, check_once, expand, first_line, fit, flag, number, text};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Entitlement, Held, ProductRef, Record, Side};
use rust_decimal::Decimal;

pub(super) const FORMAT: Format =
    Format { name: "halopsa_licences", title: "HaloPSA licences", sides: &[Side::Entitlement], detect, read };

const LISTS: &[&str] = &["licences", "software_licences", "softwarelicences"];

fn detect(shape: &Shape<'_>) -> Fit {
    fit(shape, LISTS, &is_licence, "has HaloPSA licences: items with count and licences_in_use")
}

fn is_licence(item: &Object<'_>) -> bool {
    let any = |keys: &[&str]| keys.iter().any(|key| item.has(&[key]));
    item.has(&["count"])
        && any(&["licences_in_use", "licences_available", "vendor_product_sku"])
        && any(&["name", "product_sku", "vendor_product_sku"])
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let (mut seen, mut line) = (Seen::default(), 0);
    sink.snapshot = true;
    for shape in shapes {
        let part = shape.table.part.as_deref();
        shape.each_item(&mut |_, raw| {
            for raw in expand(raw, LISTS, &is_licence) {
                line += 1;
                sink.read += 1;
                let client = Object::of(raw).as_ref().and_then(client);
                match licence(raw, line, &mut seen, sink) {
                    Ok(Some(record)) => sink.keep(line, Record::Entitlement(record)),
                    Ok(None) => {}
                    Err(bad) => sink.refuse(part, line, bad, client),
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The client as HaloPSA's invoices name it, else the vendor's tenant.
fn client(item: &Object<'_>) -> Option<ClientRef> {
    let name = text(item, "client_name").or_else(|| text(item, "licence_client_name"));
    let id = text(item, "client_id").filter(|id| id != "0");
    let tenant = || ClientRef {
        id: text(item, "tenant_id").map(|id| id.to_lowercase()),
        name: text(item, "tenant_name"),
        domain: None,
    };
    let client = if id.is_none() && name.is_none() { tenant() } else { ClientRef { id, name, domain: None } };
    (client != ClientRef::default()).then_some(client)
}

fn licence(raw: Raw<'_>, line: u32, seen: &mut Seen, sink: &mut Sink) -> Result<Option<Entitlement>, Bad> {
    let item = Object::of(raw)
        .filter(is_licence)
        .ok_or_else(|| Bad::row("the item is no licence (count, licences_in_use, name)"))?;
    check_once(&[Some(&item)])?;
    let id = text(&item, "id");
    if !seen.first(id.as_deref(), raw.get(), line, sink)? {
        return Ok(None);
    }
    let client = client(&item)
        .ok_or_else(|| Bad::member("client_id", None, "is empty, and so are client_name and tenant_id"))?;
    let ended = ["cancelled", "canceled", "suspended", "deleted", "expired", "inactive"];
    let status = text(&item, "status").map(|status| status.to_lowercase());
    let inactive = text(&item, "is_active").is_some_and(|active| active.eq_ignore_ascii_case("false"));
    if flag(&item, "deleted") || inactive || status.as_deref().is_some_and(|status| ended.contains(&status)) {
        sink.note(Some(line), "inactive_licence", "the licence is deleted or not active: nothing is held");
        return Ok(None);
    }
    let count = number(&item, "count")?.ok_or_else(|| Bad::member("count", None, "is missing"))?;
    if count < Decimal::ZERO {
        return Err(Bad::member("count", Some(&count.to_string()), "is below zero"));
    }
    Ok(Some(Entitlement {
        client: client.into(),
        product: product(&item)?.into(),
        subscription: None,
        term: text(&item, "term_duration").and_then(|words| term(&words, None)),
        purchased: Some(count),
        assigned: number(&item, "licences_in_use")?,
        active: None,
        free: false,
        held: Held::Snapshot { on: None },
    }))
}

fn product(item: &Object<'_>) -> Result<ProductRef, Bad> {
    let sku = text(item, "vendor_product_sku").as_deref().and_then(sku);
    let number = text(item, "product_sku");
    // Part numbers have no hyphens, distributors' numbers do.
    let is_part = |number: &String| number.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let (part_number, code) = match number {
        Some(number) if is_part(&number) => (Some(number), None),
        number => (None, number.or_else(|| text(item, "vendor_product_sku").filter(|_| sku.is_none()))),
    };
    let name = first_line(item, "name");
    let product = ProductRef { name, sku, part_number, code };
    if product == ProductRef::default() {
        return Err(Bad::member("name", None, "is empty, and so are product_sku and vendor_product_sku"));
    }
    Ok(product)
}

/// `CFQ7TTC0LCHC-0002` as `CFQ7TTC0LCHC:0002`; none for what is no such id.
fn sku(text: &str) -> Option<String> {
    let (product, sku) = text.split_once(['-', ':'])?;
    let plain =
        |part: &str, length: usize| part.len() == length && part.bytes().all(|b| b.is_ascii_alphanumeric());
    (plain(product, 12) && plain(sku, 4)).then(|| format!("{product}:{sku}").to_uppercase())
}
