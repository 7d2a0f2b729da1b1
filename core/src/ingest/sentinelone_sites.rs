//! `SentinelOne` sites: agents in use per client, at the moment of asking.
//!
//! Source: the management API, `GET /web/api/v2.1/sites`: `data.sites`, pages by `nextCursor`.
//! `activeLicenses` is what is billed. `totalLicenses` is a cap and no purchase: it is 0, null or -1 where
//! `unlimitedLicenses` is true. Expired and deleted sites stay in the list and hold nothing.

use super::json::Object;
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::table::fold;
use super::vendor_item::{Rows, deployed, is_true, named, need, need_count, number, text};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{Record, Side};
use rust_decimal::Decimal;

pub(super) const FORMAT: Format = Format {
    name: "sentinelone_sites",
    title: "SentinelOne sites",
    sides: &[Side::Entitlement],
    detect,
    read,
};

const ROWS: Rows = Rows {
    paths: &[&["data", "sites"], &["sites"]],
    keys: &["name", "activeLicenses", "totalLicenses"],
    never: &["devicesStatus"],
    known: &[
        "id",
        "name",
        "accountId",
        "accountName",
        "accountNamePath",
        "activeLicenses",
        "totalLicenses",
        "unlimitedLicenses",
        "state",
        "sku",
        "suite",
        "siteType",
        "licenses",
        "createdAt",
        "updatedAt",
        "expiration",
        "unlimitedExpiration",
        "creator",
        "creatorId",
        "description",
        "externalId",
        "healthStatus",
        "inheritAccountExpiration",
        "irFields",
        "isDefault",
        "registrationToken",
        "usageType",
    ],
};

fn detect(shape: &Shape<'_>) -> Fit {
    ROWS.fit(shape)
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    sink.snapshot = true;
    ROWS.read(shapes, sink, &|item| text(item, "name").map(named), &mut site)
}

fn site(item: &Object<'_>, line: u32, sink: &mut Sink) -> Result<(), Bad> {
    let state = text(item, "state").unwrap_or_default().to_lowercase();
    match state.as_str() {
        "active" | "" => {}
        "expired" | "deleted" => {
            sink.note(Some(line), "not_active", format!("the site is {state}: it holds no seats"));
            return Ok(());
        }
        _ => {
            let text = format!("the state `{state}` is not documented; read as active");
            sink.note(Some(line), "unknown_status", text);
        }
    }
    let name = need(item, "name")?;
    let active = need_count(item, "activeLicenses")?;
    let cap = number(item, "totalLicenses")?.filter(|cap| *cap > Decimal::ZERO);
    if let Some(cap) = cap.filter(|cap| *cap < active && !is_true(item, "unlimitedLicenses")) {
        let text = format!("{active} agents are in use, more than the {cap} that the site may have");
        sink.note(Some(line), "over_the_cap", text);
    }
    let edition = text(item, "suite").or_else(|| text(item, "sku"));
    let product =
        edition.map_or_else(|| "SentinelOne".to_owned(), |edition| format!("SentinelOne {edition}"));
    let mut entitlement = deployed(named(name), &product, active);
    entitlement.free = text(item, "siteType").is_some_and(|kind| fold(&kind) == "trial");
    sink.keep(line, Record::Entitlement(entitlement));
    Ok(())
}
