//! Huntress organizations: four products' counts per client, at the moment of asking.
//!
//! Source: <https://api.huntress.io/docs>, `GET /v1/organizations`. Billed are `agents_count` (Managed EDR),
//! `billable_identity_count` (Managed ITDR; not `microsoft_365_users_count`, which is another count),
//! `sat_learner_count` (Security Awareness Training) and `logs_sources_count` (Managed SIEM). A count that an
//! older answer lacks gives no row; a count of 0 is a row, for it says that nothing is there.

use super::json::Object;
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::vendor_item::{Rows, count, deployed, named, need, text};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Record, Side};

pub(super) const FORMAT: Format = Format {
    name: "huntress_organizations",
    title: "Huntress organizations",
    sides: &[Side::Entitlement],
    detect,
    read,
};

const PRODUCTS: [(&str, &str); 4] = [
    ("agents_count", "Huntress Managed EDR"),
    ("billable_identity_count", "Huntress Managed ITDR"),
    ("sat_learner_count", "Huntress Managed Security Awareness Training"),
    ("logs_sources_count", "Huntress Managed SIEM"),
];

const ROWS: Rows = Rows {
    paths: &[&["organizations"]],
    keys: &["name", "agents_count", "account_id"],
    never: &[],
    known: &[
        "id",
        "account_id",
        "agents_count",
        "billable_identity_count",
        "created_at",
        "identity_provider_tenant_id",
        "incident_reports_count",
        "key",
        "logs_sources_count",
        "microsoft_365_tenant_id",
        "microsoft_365_users_count",
        "name",
        "notify_emails",
        "report_recipients",
        "sat_learner_count",
        "updated_at",
    ],
};

fn detect(shape: &Shape<'_>) -> Fit {
    ROWS.fit(shape)
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    sink.snapshot = true;
    ROWS.read(shapes, sink, &|item| client(item).ok(), &mut |item, line, sink| {
        let client = client(item)?;
        let mut told = Vec::new();
        for (key, product) in PRODUCTS {
            if let Some(seats) = count(item, key)? {
                told.push(deployed(client.clone(), product, seats));
            }
        }
        if item.text("billable_identity_count").is_none() && item.text("microsoft_365_users_count").is_some() {
            let text = "billable_identity_count is missing; microsoft_365_users_count is not what is billed and is not read";
            sink.note(Some(line), "identities_not_counted", text);
        }
        for entitlement in told {
            sink.keep(line, Record::Entitlement(entitlement));
        }
        Ok(())
    })
}

/// By its Microsoft tenant where one is connected, and its name.
fn client(item: &Object<'_>) -> Result<ClientRef, Bad> {
    let name = need(item, "name")?;
    Ok(ClientRef { id: text(item, "microsoft_365_tenant_id").map(|id| id.to_lowercase()), ..named(name) })
}
