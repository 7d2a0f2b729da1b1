//! Microsoft Graph `GET /users/{id}/licenseDetails`: the licences of one user.
//!
//! Source: <https://learn.microsoft.com/graph/api/user-list-licensedetails>. The answer names neither user
//! nor tenant: alone it says nothing that can be compared. Scripts put the user beside it, on each licence
//! (`userPrincipalName`) or around the list (`licenseDetails`); these are read as evidence of who holds
//! what. They are no count of seats: whether every user of the tenant is in the file cannot be known.
//! Direct and inherited licences stand together here, so how a licence came to the user is not told.

use super::graph_json::{self, has};
use super::json::{Object, Raw};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{Detection, FileError, Fit, Format, ReadOptions};
use crate::records::{Activity, ClientRef, ProductRef, Record, Side};
use rust_decimal::Decimal;
use std::collections::HashSet;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_graph_license_details",
    title: "Microsoft Graph licenseDetails",
    sides: &[Side::Activity],
    detect,
    read,
};

/// Where scripts put the user, best first.
const USER: [&str; 4] = ["userPrincipalName", "upn", "user", "userId"];
const NEVER: [&str; 5] = ["prepaidUnits", "consumedUnits", "totalLicenses", "assignedLicenses", "productSku"];
const KNOWN: [&str; 8] = [
    "id",
    "skuId",
    "skuPartNumber",
    "servicePlans",
    "licenseDetails",
    "displayName",
    "mail",
    "AdditionalProperties",
];

fn detect(shape: &Shape<'_>) -> Fit {
    let wrapped = has(shape, "licenseDetails") && USER.iter().any(|key| has(shape, key));
    let bare = has(shape, "skuId") && has(shape, "servicePlans");
    if !shape.is_json() || !(wrapped || bare) || NEVER.iter().any(|key| has(shape, key)) {
        return Fit::No { shared: 0 };
    }
    let keys = if wrapped { "licenseDetails" } else { "skuId, servicePlans" };
    let reasons = vec![format!("its items have the keys {keys}")];
    Fit::Yes(Detection { confidence: Decimal::new(95, 2), reasons })
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    if !shapes.iter().any(|shape| USER.iter().any(|key| has(shape, key))) {
        return Err(FileError::NothingToCompare {
            what: "a list of the licences of one user (Microsoft Graph licenseDetails)",
            lacks: "names neither the user nor the tenant",
            instead: "export the users with their licences (GET /users?$select=userPrincipalName,assignedLicenses,licenseAssignmentStates) or the tenant's subscribedSkus",
        });
    }
    sink.snapshot = true;
    sink.names_client = false;
    sink.ask("client", &[]);
    for column in shapes.iter().flat_map(|shape| &shape.table.columns) {
        let known = KNOWN.iter().chain(&USER).any(|known| known.eq_ignore_ascii_case(column));
        if !known && !column.contains('@') {
            sink.unknown_column(column.clone());
        }
    }
    let mut seen = HashSet::new();
    for shape in shapes {
        let part = shape.table.part.as_deref();
        shape.each_item(&mut |line, item| {
            sink.read += 1;
            match licences(item) {
                Err(bad) => sink.refuse(part, line, bad, None),
                Ok((user, products)) => {
                    for product in products {
                        if seen.insert((user.to_lowercase(), product.clone())) {
                            sink.keep(line, activity(&user, product));
                        } else {
                            let text = "the user's licence stands in the file before; counted once";
                            sink.note(Some(line), "duplicate_line", text);
                        }
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The user of an item, and what the user holds.
fn licences(item: Raw<'_>) -> Result<(String, Vec<Option<ProductRef>>), Bad> {
    let object = Object::of(item).ok_or_else(|| Bad::row("the item is not an object"))?;
    if let Some(key) = object.repeated() {
        return Err(Bad::member(key, None, "stands twice in the item"));
    }
    let user = USER
        .iter()
        .find_map(|key| graph_json::words(&object, key))
        .ok_or_else(|| Bad::member("userPrincipalName", None, "is empty, and is needed"))?;
    if !object.has(&["licenseDetails"]) {
        return Ok((user, vec![Some(product(&object)?)]));
    }
    let mut products = Vec::new();
    for raw in object.list("licenseDetails").unwrap_or_default() {
        let wrong = || Bad::member("licenseDetails", Some(raw.get()), "is not a list of licences");
        products.push(Some(product(&Object::of(raw).ok_or_else(wrong)?)?));
    }
    if products.is_empty() {
        products.push(None);
    }
    Ok((user, products))
}

fn product(object: &Object<'_>) -> Result<ProductRef, Bad> {
    let sku = graph_json::id_of(object, "skuId");
    let part_number = graph_json::words(object, "skuPartNumber");
    if sku.is_none() && part_number.is_none() {
        return Err(Bad::member("skuId", None, "is empty, and is needed"));
    }
    Ok(ProductRef { sku, part_number, ..ProductRef::default() })
}

fn activity(user: &str, product: Option<ProductRef>) -> Record {
    Record::Activity(Activity {
        client: ClientRef::default().into(),
        user: user.to_owned(),
        product,
        last_active: None,
        as_of: None,
        blocked: false,
        deleted: false,
        guest: user.to_uppercase().contains("#EXT#"),
        concealed: false,
        assigned_by: None,
        assigned_on: None,
        department: None,
        licence_group: None,
    })
}
