//! The active users of the Microsoft 365 admin centre, exported as CSV: who holds which licence.
//!
//! Two header variants are around: the older with `Licenses`, and an alphabetical one where the products
//! stand in `License assignment details`. Products are names joined with `+`. Soft-deleted users are in
//! the file and still list their licences, which they no longer hold. The file names no tenant (an
//! address is a user's, not the client's): the uploader says whose it is.

use super::date::{self, Written};
use super::layout::{Cells, Field, Layout, Need};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::user_words::{joined_products, yes_or_no};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{Activity, ClientRef, Entitlement, Held, ProductRef, Record, Side};
use rust_decimal::Decimal;
use std::collections::HashMap;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_admin_center_active_users",
    title: "Microsoft 365 admin centre, active users",
    sides: &[Side::Entitlement, Side::Activity],
    detect,
    read,
};

const USER: usize = 0;
const LICENSES: usize = 1;
const DETAILS: usize = 2;
const BLOCKED: usize = 3;
const DELETED: usize = 4;
const DEPARTMENT: usize = 5;

const LAYOUT: Layout = Layout {
    fields: &[
        Field { name: "User principal name", aliases: &["userprincipalname", "upn"], need: Need::Signature },
        Field { name: "Licenses", aliases: &["licences"], need: Need::OneOf(1) },
        Field {
            name: "License assignment details",
            aliases: &["licenceassignmentdetails"],
            need: Need::OneOf(1),
        },
        Field {
            name: "Block credential",
            aliases: &["blockcredentials", "signinblocked"],
            need: Need::SignatureOneOf(2),
        },
        Field {
            name: "Soft deletion time stamp",
            aliases: &["softdeletiontimestamp"],
            need: Need::SignatureOneOf(2),
        },
        Field { name: "Department", aliases: &[], need: Need::Optional },
    ],
    unread: &[
        "displayname",
        "dirsyncenabled",
        "objectid",
        "firstname",
        "lastname",
        "whencreated",
        "title",
        "preferreddatalocation",
        "city",
        "countryorregion",
        "countryregion",
        "office",
        "stateorprovince",
        "state",
        "usagelocation",
        "lastdirsynctime",
        "passwordneverexpires",
        "lastpasswordchangetimestamp",
        "mobilephone",
        "phonenumber",
        "postalcode",
        "preferredlanguage",
        "streetaddress",
        "fax",
        "proxyaddresses",
        "agegroup",
        "oathtokenmetadata",
        "alternateemailaddress",
        "strongpasswordrequired",
    ],
    never: &["assignedproducts", "reportrefreshdate"],
};

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    sink.snapshot = true;
    sink.names_client = false;
    sink.ask("client", &[]);
    let mut seen: HashMap<(String, bool), (u32, Vec<String>)> = HashMap::new();
    for shape in shapes {
        LAYOUT.read(&shape.table, &options.limits, sink, &|_| None, &mut |cells, sink| {
            let user = cells.need(USER)?;
            let row: Vec<String> = cells.all().map(str::to_owned).collect();
            let deleted = is_set(cells.text(DELETED));
            // A deleted user and a new one may share a name.
            let key = (user.to_lowercase(), deleted);
            match seen.get(&key) {
                Some((first, other)) if *other == row => {
                    let text = format!("the same row as line {first}; counted once");
                    sink.note(Some(cells.line()), "duplicate_line", text);
                    Ok(())
                }
                Some((first, _)) if !deleted => {
                    Err(cells.bad(USER, &format!("stands in line {first} with other values")))
                }
                _ => {
                    seen.insert(key, (cells.line(), row));
                    keep(cells, user, deleted, sink)
                }
            }
        })?;
    }
    Ok(())
}

/// One seat for each product that the user holds, and what is known of the user.
fn keep(cells: &Cells<'_>, user: &str, deleted: bool, sink: &mut Sink) -> Result<(), Bad> {
    let blocked = match cells.text(BLOCKED) {
        None => false,
        Some(text) => yes_or_no(text).ok_or_else(|| cells.bad(BLOCKED, "is neither True nor False"))?,
    };
    let activity = |product: Option<ProductRef>| {
        Record::Activity(Activity {
            client: ClientRef::default().into(),
            user: user.to_owned(),
            product,
            last_active: None,
            as_of: None,
            blocked,
            deleted,
            guest: user.to_uppercase().contains("#EXT#"),
            concealed: false,
            assigned_by: None,
            assigned_on: None,
            department: cells.owned(DEPARTMENT),
            licence_group: None,
        })
    };
    let products = joined_products(cells.text(LICENSES).or_else(|| cells.text(DETAILS)).unwrap_or_default());
    if products.doubtful {
        sink.note(
            Some(cells.line()),
            "plus_in_name",
            "a plus with blanks around it was read as part of a name",
        );
    }
    if products.names.is_empty() {
        sink.keep(cells.line(), activity(None));
    }
    for name in products.names {
        let product = ProductRef { name: Some(name), ..ProductRef::default() };
        if !deleted {
            sink.keep(
                cells.line(),
                Record::Entitlement(Entitlement {
                    client: ClientRef::default().into(),
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
        }
        sink.keep(cells.line(), activity(Some(product)));
    }
    Ok(())
}

/// Whether a time stamp is there (year 1 stands for none).
fn is_set(stamp: Option<&str>) -> bool {
    stamp.is_some_and(|stamp| date::parse(stamp) != Some(Written::None))
}
