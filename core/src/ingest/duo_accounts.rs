//! Duo accounts: users per client, at the moment of asking.
//!
//! Source: <https://duo.com/docs/adminapi#retrieve-summary>, `GET /admin/v1/info/summary`, asked of each child
//! account of the MSP. Billed are `user_count` less `user_pending_deletion_count`. The answer names no account:
//! a list of answers carries what the one who asked put beside each (`account_name` or `name`); a single bare
//! answer asks whose it is.

use super::json::Object;
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::vendor_item::{Rows, certain, count, deployed, named, need_count, text};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Record, Side};

pub(super) const FORMAT: Format = Format {
    name: "duo_accounts",
    title: "Duo account summaries",
    sides: &[Side::Entitlement],
    detect,
    read,
};

const ROWS: Rows = Rows {
    paths: &[&["accounts"], &["response"]],
    keys: &["user_count"],
    never: &["agents_count"],
    known: &[
        "account_id",
        "account_name",
        "name",
        "api_hostname",
        "stat",
        "response",
        "edition",
        "admin_count",
        "integration_count",
        "telephony_credits_remaining",
        "user_count",
        "user_pending_deletion_count",
        "timestamp",
        "host",
    ],
};

/// Counts that only Duo's summary has beside the users.
const BESIDE: [&str; 3] = ["user_pending_deletion_count", "integration_count", "telephony_credits_remaining"];

/// The answer inside its envelope, with what stands beside it.
fn summary<'a>(item: &Object<'a>) -> Object<'a> {
    match item.object("response") {
        Some(inner) => Object(inner.0.into_iter().chain(item.0.iter().cloned()).collect()),
        None => item.clone(),
    }
}

fn detect(shape: &Shape<'_>) -> Fit {
    let own = |item: &Object<'_>| {
        let lists = ["accounts", "response"].iter().filter_map(|key| item.list(key)).flatten();
        let inner = lists.filter_map(Object::of).chain(std::iter::once(item.clone()));
        inner
            .map(|row| summary(&row))
            .any(|row| row.has(&["user_count"]) && BESIDE.iter().any(|key| row.has(&[key])))
    };
    if shape.is_json() && shape.sample().filter_map(Object::of).any(|item| own(&item)) {
        let reasons = vec!["has user_count and other counts of Duo's summary".to_owned()];
        return Fit::Yes(super::Detection { confidence: certain(), reasons });
    }
    Fit::No { shared: 0 }
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    sink.snapshot = true;
    let (mut named_accounts, mut bare) = (0_u32, 0_u32);
    ROWS.read(shapes, sink, &|item| Some(client(item)), &mut |item, line, sink| {
        let row = summary(item);
        let client = client(item);
        if client == ClientRef::default() {
            bare += 1;
        } else {
            named_accounts += 1;
        }
        if bare > 0 && bare + named_accounts > 1 {
            return Err(Bad::member(
                "account_name",
                None,
                "is empty: several accounts are told apart by it alone",
            ));
        }
        let users = need_count(&row, "user_count")?;
        let leaving = count(&row, "user_pending_deletion_count")?.unwrap_or_default();
        if leaving > users {
            let text = leaving.to_string();
            return Err(Bad::member("user_pending_deletion_count", Some(&text), "is more than user_count"));
        }
        let edition = text(&row, "edition").filter(|edition| edition.to_lowercase().starts_with("duo"));
        let product = edition.map_or_else(|| "Cisco Duo".to_owned(), |edition| format!("Cisco {edition}"));
        sink.keep(line, Record::Entitlement(deployed(client, &product, users - leaving)));
        Ok(())
    })?;
    if bare > 0 {
        sink.names_client = false;
        sink.ask("client", &[]);
    }
    Ok(())
}

fn client(item: &Object<'_>) -> ClientRef {
    let row = summary(item);
    match text(&row, "account_name").or_else(|| text(&row, "name")) {
        Some(name) => named(name),
        None => ClientRef { id: text(&row, "account_id"), ..ClientRef::default() },
    }
}
