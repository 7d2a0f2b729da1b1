//! What Microsoft's usage reports share: one row for each user, with days of last use and, in most, the
//! products that the user holds by name.
//!
//! Source: <https://learn.microsoft.com/graph/api/resources/report>. The reports come from Graph as CSV
//! and as JSON, and from the admin centre's usage page as CSV. Rules of all:
//!
//! - `Report Refresh Date` is the day that a row speaks of; data is one to three days old.
//! - A day of last use that is empty means: not in the window of the report. That is not "never".
//! - Deleted users stay in the report, and hold nothing.
//! - Tenants conceal names by default: a name of 32 hex digits joins with no other source.
//!   Totals stand all the same.
//! - Products are names only, joined with `+` in CSV and a list in JSON.
//!
//! Only the report of active users lists everybody who holds a product. It gives assigned seats, so that a
//! client of whom nothing else is known can be compared by them. An audit uses them last of all sources,
//! and not at all for a client whose tenant another file lists. The other reports list the users of one
//! workload: they tell who is active and give no seats.

use super::date::Evidence;
use super::graph_json::{Before, Seen};
use super::json::{self, Raw};
use super::layout::{Cells, Field, Layout, Need};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::table::{clean, fold};
use super::user_words::{Products, is_concealed, joined_products, listed_products, yes_or_no};
use super::{DateOrder, FileError, ReadOptions};
use crate::records::{Activity, ClientRef, Entitlement, Held, ProductRef, Record};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// One of the reports. The first fields of its layout are those below, in this order; the days of last use
/// follow them.
pub(super) struct Report {
    pub(super) layout: &'static Layout,
    /// How many fields of last use there are.
    pub(super) uses: usize,
    /// Its users are all that hold a product: it gives assigned seats.
    pub(super) seats: bool,
}

pub(super) const USER: Field =
    Field { name: "User Principal Name", aliases: &["username", "upn"], need: Need::Signature };
pub(super) const REFRESHED: Field = Field { name: "Report Refresh Date", aliases: &[], need: Need::Optional };
pub(super) const DELETED: Field =
    Field { name: "Is Deleted", aliases: &["deleted", "userstate"], need: Need::Optional };
pub(super) const DELETED_ON: Field =
    Field { name: "Deleted Date", aliases: &["statechangedate"], need: Need::Optional };
pub(super) const PRODUCTS: Field = Field {
    name: "Assigned Products",
    aliases: &["assignedproduct", "productassigned", "productsassigned"],
    need: Need::Optional,
};

const USER_AT: usize = 0;
const REFRESHED_AT: usize = 1;
const DELETED_AT: usize = 2;
const PRODUCTS_AT: usize = 4;
const FIRST_USE_AT: usize = 5;

pub(super) fn read(
    report: &Report,
    shapes: &[&Shape<'_>],
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<(), FileError> {
    sink.names_client = false;
    sink.ask("client", &[]);
    let order = order(shapes, options, sink)?;
    let mut seen = Seen::new();
    let mut concealed = 0_u64;
    for shape in shapes {
        report.layout.read(&shape.table, &options.limits, sink, &|_| None, &mut |cells, sink| {
            let user = user(report, cells, order)?;
            let row: Vec<&str> = cells.all().collect();
            let key = (user.name.to_lowercase(), user.deleted, user.as_of);
            match seen.add(key, cells.line(), row) {
                Before::Same(first) => {
                    let text = format!("the same row as line {first}; counted once");
                    sink.note(Some(cells.line()), "duplicate_line", text);
                }
                Before::Other(first) if !user.deleted => {
                    return Err(cells.bad(USER_AT, &format!("stands in line {first} with other values")));
                }
                _ => {
                    concealed += u64::from(user.concealed);
                    keep(report, &user, cells.line(), sink);
                }
            }
            Ok(())
        })?;
    }
    if concealed > 0 {
        let text = format!(
            "{concealed} users have concealed names: totals can be used, users cannot be told (the tenant's setting `display concealed user names in reports`)"
        );
        sink.note(None, "concealed_names", text);
    }
    Ok(())
}

/// The order of day and month. The reports write the year first; spreadsheets that save them again do not.
fn order(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<DateOrder, FileError> {
    if let Some(order) = options.date_order {
        return Ok(order);
    }
    let mut evidence = Evidence::default();
    for shape in shapes.iter().filter(|shape| !shape.is_json()) {
        let columns = shape.table.columns.iter().enumerate();
        let dates: Vec<usize> =
            columns.filter(|(_, column)| fold(column).contains("date")).map(|(place, _)| place).collect();
        shape.table.rows(&options.limits, &mut |row| {
            for cell in dates.iter().filter_map(|&place| row.cells.get(place)) {
                evidence.add(cell, row.line);
            }
            Ok(true)
        })?;
    }
    match (&evidence.dmy, &evidence.mdy) {
        (Some((day, line)), None) => {
            sink.reasons
                .push(format!("dates are day/month/year: `{day}` in line {line} can be nothing else"));
            Ok(DateOrder::Dmy)
        }
        (None, Some((day, line))) => {
            sink.reasons
                .push(format!("dates are month/day/year: `{day}` in line {line} can be nothing else"));
            Ok(DateOrder::Mdy)
        }
        (None, None) if !evidence.either => Ok(DateOrder::Mdy),
        _ => {
            sink.ask("date_order", &["dmy", "mdy"]);
            Ok(DateOrder::Mdy)
        }
    }
}

/// What a row says.
struct User {
    name: String,
    as_of: Option<NaiveDate>,
    last_active: Option<NaiveDate>,
    deleted: bool,
    concealed: bool,
    products: Products,
}

fn user(report: &Report, cells: &Cells<'_>, order: DateOrder) -> Result<User, Bad> {
    let name = cells.need(USER_AT)?.to_owned();
    let deleted = match cells.text(DELETED_AT).map(|text| (yes_or_no(text), text)) {
        None => false,
        Some((Some(deleted), _)) => deleted,
        // Yammer's report has a state in its place.
        Some((None, state)) if ["active", "suspended"].contains(&state.to_lowercase().as_str()) => false,
        Some((None, state)) if state.eq_ignore_ascii_case("deleted") => true,
        Some(_) => return Err(cells.bad(DELETED_AT, "is neither True nor False")),
    };
    let mut last_active = None;
    for field in FIRST_USE_AT..FIRST_USE_AT + report.uses {
        last_active = last_active.max(cells.date(field, order)?);
    }
    Ok(User {
        concealed: is_concealed(&name),
        name,
        as_of: cells.date(REFRESHED_AT, order)?,
        last_active,
        deleted,
        products: products(cells)?,
    })
}

fn products(cells: &Cells<'_>) -> Result<Products, Bad> {
    let cell = cells.text(PRODUCTS_AT).unwrap_or_default();
    if !cell.starts_with('[') {
        return Ok(joined_products(cell));
    }
    let wrong = || cells.bad(PRODUCTS_AT, "is not a list of names");
    let list: Vec<Raw<'_>> = serde_json::from_str(cell).map_err(|_| wrong())?;
    let names: Option<Vec<_>> = list.into_iter().map(json::scalar).collect();
    let names = names.ok_or_else(wrong)?;
    Ok(listed_products(names.iter().map(|name| clean(name))))
}

fn keep(report: &Report, user: &User, line: u32, sink: &mut Sink) {
    sink.snapshot |= report.seats && user.as_of.is_none();
    if user.products.doubtful {
        sink.note(Some(line), "plus_in_name", "a plus with blanks around it was read as part of a name");
    }
    let activity = |product: Option<ProductRef>| {
        Record::Activity(Activity {
            client: ClientRef::default().into(),
            user: user.name.clone(),
            product,
            last_active: user.last_active,
            as_of: user.as_of,
            blocked: false,
            deleted: user.deleted,
            guest: user.name.to_uppercase().contains("#EXT#"),
            concealed: user.concealed,
            assigned_by: None,
            assigned_on: None,
            department: None,
            licence_group: None,
        })
    };
    if user.products.names.is_empty() {
        sink.keep(line, activity(None));
    }
    for name in &user.products.names {
        let product = ProductRef { name: Some(name.clone()), ..ProductRef::default() };
        if report.seats && !user.deleted {
            sink.keep(
                line,
                Record::Entitlement(Entitlement {
                    client: ClientRef::default().into(),
                    product: product.clone().into(),
                    subscription: None,
                    term: None,
                    purchased: None,
                    assigned: Some(Decimal::ONE),
                    // Use is told of workloads, not of products: a mail read is no use of Visio.
                    active: None,
                    free: false,
                    held: Held::Snapshot { on: user.as_of },
                }),
            );
        }
        sink.keep(line, activity(Some(product)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_fields_stand_where_they_are_read() {
        for report in [
            &super::super::microsoft_graph_office365_active_user_detail::REPORT,
            &super::super::microsoft_graph_m365_app_user_detail::REPORT,
            &super::super::microsoft_graph_email_activity_user_detail::REPORT,
            &super::super::microsoft_graph_workload_user_detail::REPORT,
        ] {
            let names: Vec<&str> = report.layout.fields.iter().map(|field| field.name).collect();
            let shared = [USER.name, REFRESHED.name, DELETED.name, DELETED_ON.name, PRODUCTS.name];
            assert_eq!(names[..FIRST_USE_AT], shared);
            let uses = &names[FIRST_USE_AT..FIRST_USE_AT + report.uses];
            assert!(uses.iter().all(|name| name.ends_with("Date")), "{uses:?}");
        }
    }
}
