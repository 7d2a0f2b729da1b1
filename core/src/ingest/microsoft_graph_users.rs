//! Microsoft Graph `GET /users` with `assignedLicenses`, `licenseAssignmentStates` and `signInActivity`: who
//! holds which licence, and who signed in when.
//!
//! Sources: <https://learn.microsoft.com/graph/api/resources/user>,
//! <https://learn.microsoft.com/graph/api/resources/licenseassignmentstate>,
//! <https://learn.microsoft.com/graph/api/resources/signinactivity>. A SKU that a user has directly and
//! through a group is one seat. An assignment in the state `Error` is wanted and is no seat. A blocked
//! user's seat is paid. The last sign-in counts failed tries too, so the last successful one is taken where
//! it is given (it is kept since December 2023 only); a client that signs in on the user's behalf is
//! use. Without `signInActivity` the last use is unknown, which is not "never". The answer names no tenant
//! and no day.

use super::graph_json::{self, Before, Keys, Seen};
use super::json::{self, Object, Raw};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{Activity, AssignedBy, ClientRef, Entitlement, Held, ProductRef, Record, Side};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::HashMap;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_graph_users",
    title: "Microsoft Graph users with licences and sign-ins",
    sides: &[Side::Entitlement, Side::Activity],
    detect,
    read,
};

const KEYS: Keys = Keys {
    signature: &[
        &["assignedLicenses", "licenseAssignmentStates", "signInActivity"],
        &["userPrincipalName", "id", "mail"],
    ],
    // Groups have licences too, and no seats of their own.
    required: &[&[
        "userPrincipalName",
        "licenseAssignmentStates",
        "signInActivity",
        "accountEnabled",
        "userType",
    ]],
    never: &["prepaidUnits", "licenseDetails", "groupTypes", "securityEnabled", "licenseProcessingState"],
    known: &[
        "id",
        "userPrincipalName",
        "displayName",
        "mail",
        "accountEnabled",
        "userType",
        "assignedLicenses",
        "licenseAssignmentStates",
        "signInActivity",
        "deletedDateTime",
        "createdDateTime",
        "ageGroup",
        "assignedPlans",
        "businessPhones",
        "city",
        "companyName",
        "consentProvidedForMinor",
        "country",
        "creationType",
        "department",
        "employeeHireDate",
        "employeeId",
        "employeeLeaveDateTime",
        "employeeOrgData",
        "employeeType",
        "externalUserState",
        "externalUserStateChangeDateTime",
        "faxNumber",
        "givenName",
        "identities",
        "imAddresses",
        "isResourceAccount",
        "jobTitle",
        "lastPasswordChangeDateTime",
        "legalAgeGroupClassification",
        "mailNickname",
        "manager",
        "memberOf",
        "mobilePhone",
        "officeLocation",
        "onPremisesDistinguishedName",
        "onPremisesDomainName",
        "onPremisesExtensionAttributes",
        "onPremisesImmutableId",
        "onPremisesLastSyncDateTime",
        "onPremisesSamAccountName",
        "onPremisesSecurityIdentifier",
        "onPremisesSyncEnabled",
        "onPremisesUserPrincipalName",
        "otherMails",
        "passwordPolicies",
        "postalCode",
        "preferredDataLocation",
        "preferredLanguage",
        "provisionedPlans",
        "proxyAddresses",
        "refreshTokensValidFromDateTime",
        "securityIdentifier",
        "showInAddressList",
        "signInSessionsValidFromDateTime",
        "state",
        "streetAddress",
        "surname",
        "usageLocation",
        "AdditionalProperties",
    ],
};

fn detect(shape: &Shape<'_>) -> Fit {
    KEYS.fit(shape)
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    sink.snapshot = true;
    sink.names_client = false;
    sink.ask("client", &[]);
    KEYS.unknown(shapes, sink);
    let mut seen = Seen::new();
    for shape in shapes {
        let part = shape.table.part.as_deref();
        shape.each_item(&mut |line, item| {
            sink.read += 1;
            match user(item) {
                Err(bad) => sink.refuse(part, line, bad, None),
                Ok(user) => match seen.add(user.key.clone(), line, item.get()) {
                    Before::Same(first) => graph_json::note_repeated(sink, line, first),
                    Before::Other(first) => {
                        let reason = format!("the user stands in item {first} with other values");
                        sink.refuse(part, line, Bad::member("id", Some(&user.key), reason), None);
                    }
                    Before::Never => keep(&user, line, sink),
                },
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// What an item says of a user.
struct User {
    /// The directory's id, or the name where there is none.
    key: String,
    name: String,
    blocked: bool,
    deleted: bool,
    guest: bool,
    department: Option<String>,
    last_active: Option<NaiveDate>,
    licences: Vec<Licence>,
}

/// What an item says of one SKU of a user.
#[derive(Default)]
struct Licence {
    sku: String,
    /// In `assignedLicenses`.
    listed: bool,
    /// An assignment holds, by the states.
    holds: bool,
    /// States that hold nothing, as written.
    failed: Vec<String>,
    by: Option<AssignedBy>,
    /// The first group that gives it.
    group: Option<String>,
    on: Option<NaiveDate>,
}

impl Licence {
    /// Whether the user has the seat: by a state that holds, or listed and no state speaks against it.
    fn is_seat(&self) -> bool {
        self.holds || (self.listed && !self.failed.iter().any(|state| state.starts_with("Error")))
    }
}

/// The licences of a user in the order in which they are named.
#[derive(Default)]
struct Licences {
    list: Vec<Licence>,
    places: HashMap<String, usize>,
}

impl Licences {
    fn of_sku(&mut self, sku: String) -> Option<&mut Licence> {
        let place = *self.places.entry(sku.clone()).or_insert(self.list.len());
        if place == self.list.len() {
            self.list.push(Licence { sku, ..Licence::default() });
        }
        self.list.get_mut(place)
    }
}

fn user(item: Raw<'_>) -> Result<User, Bad> {
    let object = Object::of(item).ok_or_else(|| Bad::row("the item is not an object"))?;
    if let Some(key) = object.repeated() {
        return Err(Bad::member(key, None, "stands twice in the item"));
    }
    let id = graph_json::id_of(&object, "id");
    let name = graph_json::words(&object, "userPrincipalName")
        .or_else(|| id.clone())
        .ok_or_else(|| Bad::member("userPrincipalName", None, "is empty, and is needed"))?;
    let guest = graph_json::id_of(&object, "userType").is_some_and(|kind| kind == "guest")
        || name.to_uppercase().contains("#EXT#");
    let mut licences = Licences::default();
    for raw in members(&object, "assignedLicenses")? {
        let sku = match Object::of(raw) {
            Some(licence) => graph_json::id_of(&licence, "skuId"),
            None => json::scalar(raw).map(|text| graph_json::id(&text)).filter(|id| !id.is_empty()),
        };
        let sku = sku.ok_or_else(|| Bad::member("assignedLicenses", Some(raw.get()), "names no skuId"))?;
        if let Some(licence) = licences.of_sku(sku) {
            licence.listed = true;
        }
    }
    for raw in members(&object, "licenseAssignmentStates")? {
        let wrong = |why: &str| Bad::member("licenseAssignmentStates", Some(raw.get()), why);
        let state = Object::of(raw).ok_or_else(|| wrong("is not a list of assignments"))?;
        let sku = graph_json::id_of(&state, "skuId").ok_or_else(|| wrong("names no skuId"))?;
        if let Some(licence) = licences.of_sku(sku) {
            take_state(licence, &state)?;
        }
    }
    Ok(User {
        key: id.unwrap_or_else(|| graph_json::id(&name)),
        name,
        blocked: graph_json::flag(&object, "accountEnabled")? == Some(false),
        deleted: graph_json::moment(&object, "deletedDateTime")?.is_some(),
        guest,
        department: graph_json::words(&object, "department"),
        last_active: last_active(&object)?,
        licences: licences.list,
    })
}

/// The member's elements; scripts write a list of one as the one.
fn members<'a>(object: &Object<'a>, key: &str) -> Result<Vec<Raw<'a>>, Bad> {
    let Some(raw) = object.get(key) else { return Ok(Vec::new()) };
    if let Some(list) = json::list(raw) {
        return Ok(list);
    }
    if Object::of(raw).is_some() {
        return Ok(vec![raw]);
    }
    let reason = "is not a list; export it with its members (in PowerShell: ConvertTo-Json -Depth 5)";
    Err(Bad::member(key, Some(raw.get()), reason))
}

fn take_state(licence: &mut Licence, state: &Object<'_>) -> Result<(), Bad> {
    let word = graph_json::words(state, "state").unwrap_or_else(|| "Active".to_owned());
    match graph_json::id(&word).as_str() {
        "active" | "activewitherror" => licence.holds = true,
        "error" => {
            let error = graph_json::words(state, "error").unwrap_or_else(|| "no reason given".to_owned());
            licence.failed.push(format!("Error: {error}"));
            return Ok(());
        }
        // Disabled, and words that are not documented: the list of assigned licences decides.
        _ => licence.failed.push(word),
    }
    let by = match graph_json::id_of(state, "assignedByGroup") {
        Some(group) => {
            licence.group.get_or_insert(group);
            AssignedBy::Group
        }
        None => AssignedBy::Direct,
    };
    licence.by = match licence.by {
        Some(other) if other != by => Some(AssignedBy::DirectAndGroup),
        _ => Some(by),
    };
    let changed = graph_json::moment(state, "lastUpdatedDateTime")?.map(|at| at.date_naive());
    licence.on = licence.on.max(changed);
    Ok(())
}

/// The last day of use: the last successful sign-in, or where there is none the last try; or a later
/// sign-in on the user's behalf.
fn last_active(object: &Object<'_>) -> Result<Option<NaiveDate>, Bad> {
    let Some(raw) = object.get("signInActivity") else { return Ok(None) };
    let Some(seen) = Object::of(raw) else {
        let reason = "is not an object; export it with its members (in PowerShell: ConvertTo-Json -Depth 5)";
        return Err(Bad::member("signInActivity", Some(raw.get()), reason));
    };
    let own = match graph_json::moment(&seen, "lastSuccessfulSignInDateTime")? {
        Some(at) => Some(at),
        None => graph_json::moment(&seen, "lastSignInDateTime")?,
    };
    let on_behalf = graph_json::moment(&seen, "lastNonInteractiveSignInDateTime")?;
    Ok(own.max(on_behalf).map(|at| at.date_naive()))
}

/// One seat for each SKU that the user holds, and what is known of the user.
fn keep(user: &User, line: u32, sink: &mut Sink) {
    let activity = |product: Option<ProductRef>, licence: Option<&Licence>| {
        Record::Activity(Activity {
            client: ClientRef::default().into(),
            user: user.name.clone(),
            product,
            last_active: user.last_active,
            as_of: None,
            blocked: user.blocked,
            deleted: user.deleted,
            guest: user.guest,
            concealed: false,
            assigned_by: licence.and_then(|licence| licence.by),
            assigned_on: licence.and_then(|licence| licence.on),
            department: user.department.clone(),
            licence_group: licence.and_then(|licence| licence.group.clone()),
        })
    };
    let mut any = false;
    for licence in &user.licences {
        for state in &licence.failed {
            let seat = if licence.is_seat() { "the seat is held all the same" } else { "no seat" };
            let text = format!("an assignment of {} is in the state {state}; {seat}", licence.sku);
            sink.note(Some(line), "failed_assignment", text);
        }
        if !licence.is_seat() {
            continue;
        }
        any = true;
        let product = ProductRef { sku: Some(licence.sku.clone()), ..ProductRef::default() };
        if !user.deleted {
            sink.keep(
                line,
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
        sink.keep(line, activity(Some(product), Some(licence)));
    }
    if !any {
        sink.keep(line, activity(None, None));
    }
}
