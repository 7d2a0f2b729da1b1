//! Datto RMM sites: managed devices per client, at the moment of asking.
//!
//! Source: the API, `GET /v2/account/sites`. `devicesStatus.numberOfDevices` counts a site's devices. Sites
//! that are `onDemand` are not managed. `autotaskCompanyId` is the client's id in Autotask, a ready join to the
//! PSA; several sites of one company add up.

use super::json::Object;
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::vendor_item::{Rows, deployed, is_true, named, need, need_count, text};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Record, Side};

pub(super) const FORMAT: Format =
    Format { name: "datto_rmm_sites", title: "Datto RMM sites", sides: &[Side::Entitlement], detect, read };

const ROWS: Rows = Rows {
    paths: &[&["sites"]],
    keys: &["name", "onDemand", "devicesStatus"],
    never: &["activeLicenses"],
    known: &[
        "id",
        "uid",
        "accountUid",
        "name",
        "description",
        "notes",
        "onDemand",
        "splashtopAutoInstall",
        "portalUrl",
        "autotaskCompanyName",
        "autotaskCompanyId",
        "devicesStatus",
        "proxySettings",
    ],
};

fn detect(shape: &Shape<'_>) -> Fit {
    ROWS.fit(shape)
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    sink.snapshot = true;
    ROWS.read(shapes, sink, &|item| client(item).ok(), &mut |item, line, sink| {
        let client = client(item)?;
        if is_true(item, "onDemand") {
            sink.note(Some(line), "not_managed", "an on-demand site: its devices are not managed");
            return Ok(());
        }
        let status = item
            .object("devicesStatus")
            .ok_or_else(|| Bad::member("devicesStatus", None, "is empty, and is needed"))?;
        let devices = need_count(&status, "numberOfDevices")?;
        sink.keep(line, Record::Entitlement(deployed(client, "Datto RMM", devices)));
        Ok(())
    })
}

/// The Autotask company where the site is tied to one; else the site's name.
fn client(item: &Object<'_>) -> Result<ClientRef, Bad> {
    let name = match text(item, "autotaskCompanyName") {
        Some(name) => name,
        None => need(item, "name")?,
    };
    Ok(ClientRef { id: text(item, "autotaskCompanyId").filter(|id| id != "0"), ..named(name) })
}
