//! Google Workspace licence assignments: which user holds which licence, at the moment of asking.
//!
//! Source: <https://developers.google.com/workspace/admin/licensing/reference/rest/v1/licenseAssignments>. One
//! item is one assigned seat; what is bought is not in the answer (see the reseller's subscriptions). A user
//! holds one SKU of a product at most. `items` is missing when nobody holds any. The customer is told only by
//! the domain of `userId`.

use super::json::Object;
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::vendor_item::{Rows, certain, need, text};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{Activity, ClientRef, Entitlement, Held, ProductRef, Record, Side};
use rust_decimal::Decimal;
use std::collections::HashMap;

pub(super) const FORMAT: Format = Format {
    name: "google_workspace_license_assignments",
    title: "Google Workspace licence assignments",
    sides: &[Side::Entitlement, Side::Activity],
    detect,
    read,
};

const ROWS: Rows = Rows {
    paths: &[&["items"]],
    keys: &["userId", "productId", "skuId"],
    never: &["assignedLicenses", "subscriptionId"],
    known: &["kind", "etag", "etags", "selfLink", "userId", "productId", "skuId", "skuName", "productName"],
};

/// A page without assignments: it has no list at all.
fn is_empty_page(item: &Object<'_>) -> bool {
    text(item, "kind").is_some_and(|kind| kind == "licensing#licenseAssignmentList") && !item.has(&["items"])
}

fn detect(shape: &Shape<'_>) -> Fit {
    // Without the kind these keys are common words.
    let own = shape.sample().filter_map(Object::of).any(|item| {
        is_empty_page(&item)
            || text(&item, "kind").is_some_and(|kind| kind.starts_with("licensing#licenseAssignment"))
            || text(&item, "selfLink").is_some_and(|link| link.contains("/apps/licensing/"))
            || item.has(&["skuName", "productName", "etags"])
    });
    if !shape.is_json() || !own {
        return Fit::No { shared: 0 };
    }
    if shape.sample().filter_map(Object::of).all(|item| is_empty_page(&item)) {
        let reasons = vec!["it is a page of licence assignments".to_owned()];
        return Fit::Yes(super::Detection { confidence: certain(), reasons });
    }
    ROWS.fit(shape)
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    sink.snapshot = true;
    let mut held: HashMap<(String, String), (u32, String)> = HashMap::new();
    let mut empty = 0;
    ROWS.read(shapes, sink, &|item| client(item), &mut |item, line, sink| {
        if is_empty_page(item) {
            empty += 1;
            return Ok(());
        }
        let user = need(item, "userId")?;
        let sku = need(item, "skuId")?;
        let product = need(item, "productId")?;
        match held.get(&(user.to_lowercase(), product.clone())) {
            Some((first, other)) if *other == sku => {
                let text = format!("the same assignment as item {first}; counted once");
                sink.note(Some(line), "duplicate_line", text);
                return Ok(());
            }
            Some((first, other)) => {
                let rule = format!("a user holds one SKU of a product, and item {first} says {other}");
                return Err(Bad::member("skuId", Some(&sku), rule));
            }
            None => held.insert((user.to_lowercase(), product), (line, sku.clone())),
        };
        let client = client(item);
        sink.names_client &= client.is_some();
        let product = ProductRef { name: text(item, "skuName"), sku: Some(sku), ..ProductRef::default() };
        keep(client.unwrap_or_default(), product, user, line, sink);
        Ok(())
    })?;
    // An empty page is no row; a file of nothing else has none.
    sink.read = sink.read.saturating_sub(empty);
    if !sink.names_client {
        sink.ask("client", &[]);
    }
    Ok(())
}

fn keep(client: ClientRef, product: ProductRef, user: String, line: u32, sink: &mut Sink) {
    sink.keep(
        line,
        Record::Entitlement(Entitlement {
            client: client.clone().into(),
            product: product.clone().into(),
            subscription: None,
            term: None,
            purchased: None,
            assigned: Some(Decimal::ONE),
            active: None,
            free: false,
            held: Held::Snapshot { on: None },
        }),
    );
    sink.keep(
        line,
        Record::Activity(Activity {
            client: client.into(),
            user,
            product: Some(product),
            last_active: None,
            as_of: None,
            blocked: false,
            deleted: false,
            guest: false,
            concealed: false,
            assigned_by: None,
            assigned_on: None,
            department: None,
            licence_group: None,
        }),
    );
}

fn client(item: &Object<'_>) -> Option<ClientRef> {
    let domain = text(item, "userId")?.rsplit_once('@')?.1.to_lowercase();
    Some(ClientRef { domain: Some(domain), ..ClientRef::default() })
}
