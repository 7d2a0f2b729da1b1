//! Microsoft Graph `GET /organization`: which tenant id, name and domains belong together.
//!
//! Source: <https://learn.microsoft.com/graph/api/resources/organization>. One row for each verified domain,
//! the default one first: other files name the tenant by any of them.

use super::graph_json::{self, Keys};
use super::json::{Object, Raw};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Record};
use std::collections::HashSet;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_graph_organization",
    title: "Microsoft Graph organization",
    sides: &[],
    detect,
    read,
};

const KEYS: Keys = Keys {
    signature: &[&["verifiedDomains"], &["displayName"]],
    required: &[&["id"]],
    never: &["userPrincipalName", "assignedLicenses"],
    known: &[
        "id",
        "displayName",
        "verifiedDomains",
        "assignedPlans",
        "branding",
        "businessPhones",
        "certificateBasedAuthConfiguration",
        "city",
        "country",
        "countryLetterCode",
        "createdDateTime",
        "defaultUsageLocation",
        "deletedDateTime",
        "directorySizeQuota",
        "extensions",
        "isMultipleDataLocationsForServicesEnabled",
        "marketingNotificationEmails",
        "mobileDeviceManagementAuthority",
        "onPremisesLastPasswordSyncDateTime",
        "onPremisesLastSyncDateTime",
        "onPremisesSyncEnabled",
        "onPremisesSyncStatus",
        "partnerInformation",
        "partnerTenantType",
        "postalCode",
        "preferredLanguage",
        "privacyProfile",
        "provisionedPlans",
        "securityComplianceNotificationMails",
        "securityComplianceNotificationPhones",
        "state",
        "street",
        "technicalNotificationMails",
        "tenantType",
        "AdditionalProperties",
    ],
};

fn detect(shape: &Shape<'_>) -> Fit {
    KEYS.fit(shape)
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    KEYS.unknown(shapes, sink);
    for shape in shapes {
        let part = shape.table.part.as_deref();
        shape.each_item(&mut |line, item| {
            sink.read += 1;
            match tenant(item) {
                Ok(names) => names.into_iter().for_each(|name| sink.keep(line, Record::Client(name))),
                Err(bad) => sink.refuse(part, line, bad, None),
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn tenant(item: Raw<'_>) -> Result<Vec<ClientRef>, Bad> {
    let object = Object::of(item).ok_or_else(|| Bad::row("the item is not an object"))?;
    if let Some(key) = object.repeated() {
        return Err(Bad::member(key, None, "stands twice in the item"));
    }
    let id =
        graph_json::id_of(&object, "id").ok_or_else(|| Bad::member("id", None, "is empty, and is needed"))?;
    let name = graph_json::words(&object, "displayName");
    let mut domains: Vec<(bool, String)> = Vec::new();
    let mut seen = HashSet::new();
    for raw in object.list("verifiedDomains").unwrap_or_default() {
        let Some(domain) = Object::of(raw) else {
            return Err(Bad::member("verifiedDomains", Some(raw.get()), "is not a list of domains"));
        };
        let Some(name) = graph_json::id_of(&domain, "name") else { continue };
        if seen.insert(name.clone()) {
            domains.push((graph_json::flag(&domain, "isDefault")?.unwrap_or_default(), name));
        }
    }
    domains.sort_by_key(|(default, _)| !default);
    let named = |domain: Option<String>| ClientRef { id: Some(id.clone()), name: name.clone(), domain };
    if domains.is_empty() {
        return Ok(vec![named(None)]);
    }
    Ok(domains.into_iter().map(|(_, domain)| named(Some(domain))).collect())
}
