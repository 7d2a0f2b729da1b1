//! The unified audit log of Microsoft 365 (Purview): who was given which licence, when and by whom.
//!
//! Sources: <https://learn.microsoft.com/office/office-365-management-api/office-365-management-activity-api-schema>,
//! <https://learn.microsoft.com/purview/audit-log-export-records>. Three spellings of one log: records as JSON
//! (management API), the search's export as CSV, and the same rows as JSON; the latter two hold
//! the record in `AuditData`, a JSON text in one cell. How entries become changes is told in
//! [`license_changes`]. `CreationTime` has no offset and is UTC. `OrganizationId` is the tenant. Operations end
//! with a full stop (`Update user.`). `ObjectId` is the user whose licence it is, `UserId` the one who did it.

use super::graph_json::{self, Keys};
use super::json::Object;
use super::layout::{Field, Layout, Need};
use super::license_changes::{self, Entry, Log, Told};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Side};
use serde_json::value::RawValue;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_unified_audit_log",
    title: "Microsoft 365 unified audit log",
    sides: &[Side::Activity],
    detect,
    read,
};

const DATA: usize = 0;

/// The search's export, and records of Graph's audit queries: the columns around the record are also in it.
const LAYOUT: Layout = Layout {
    fields: &[Field { name: "AuditData", aliases: &[], need: Need::Signature }],
    unread: &[
        "id",
        "odatatype",
        "recordid",
        "creationdate",
        "createddatetime",
        "recordtype",
        "auditlogrecordtype",
        "operation",
        "operations",
        "organizationid",
        "userid",
        "userids",
        "usertype",
        "userprincipalname",
        "service",
        "objectid",
        "clientip",
        "administrativeunits",
        "associatedadminunits",
        "associatedadminunitsnames",
        "runspaceid",
        "pscomputername",
        "psshowcomputername",
        "resultindex",
        "resultcount",
        "identity",
        "isvalid",
        "objectstate",
    ],
    never: &[],
};

/// Records themselves. Every workload has keys of its own: only these tell the log.
const KEYS: Keys = Keys {
    signature: &[&["Operation"], &["CreationTime"], &["Workload", "RecordType", "OrganizationId"]],
    required: &[],
    never: &["AuditData"],
    known: &[],
};

fn detect(shape: &Shape<'_>) -> Fit {
    match LAYOUT.fit(&shape.table.columns) {
        Fit::No { .. } => KEYS.fit(shape),
        fit => fit,
    }
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let mut log = Log::default();
    for shape in shapes {
        let part = shape.table.part.as_deref();
        if graph_json::has(shape, "AuditData") {
            LAYOUT.read(&shape.table, &options.limits, sink, &|_| None, &mut |cells, sink| {
                let text = cells.need(DATA)?;
                let wrong = "is not a JSON object; did a spreadsheet cut the cell off?";
                let object = parse(text).ok_or_else(|| cells.bad(DATA, wrong))?;
                entry(&object, cells.line(), &mut log, sink)
            })?;
            continue;
        }
        shape.each_item(&mut |line, item| {
            sink.read += 1;
            let outcome = match Object::of(item) {
                Some(object) => entry(&object, line, &mut log, sink),
                None => Err(Bad::row("the item is not an object")),
            };
            if let Err(bad) = outcome {
                sink.refuse(part, line, bad, None);
            }
            Ok(())
        })?;
    }
    log.finish(sink);
    if !sink.names_client {
        sink.ask("client", &[]);
    }
    Ok(())
}

/// A record in a cell. What the file's own JSON is checked for holds here too: no NUL.
fn parse(text: &str) -> Option<Object<'_>> {
    if text.contains("\\u0000") {
        return None;
    }
    Object::of(serde_json::from_str::<&RawValue>(text).ok()?)
}

/// Puts a record into the log: as a change of a user's licences, or as one that is about something else.
fn entry(object: &Object<'_>, line: u32, log: &mut Log, sink: &mut Sink) -> Result<(), Bad> {
    if let Some(key) = object.repeated() {
        return Err(Bad::member(key, None, "stands twice in the item"));
    }
    let operation = license_changes::operation(&object.text("Operation").unwrap_or_default());
    let is_change = license_changes::is_license_change(&operation);
    let properties = license_changes::objects(object.list("ModifiedProperties").unwrap_or_default());
    let told = match license_changes::lists(&properties)? {
        Some(told) => told,
        None if is_change => Told::Nothing,
        None => {
            log.other();
            return Ok(());
        }
    };
    let failed = ["failure", "failed", "fail"];
    if graph_json::id_of(object, "ResultStatus").is_some_and(|status| failed.contains(&status.as_str())) {
        log.failure();
        return Ok(());
    }
    let at = graph_json::moment(object, "CreationTime")?
        .ok_or_else(|| Bad::member("CreationTime", None, "is empty, and is needed"))?;
    let tenant = graph_json::id_of(object, "OrganizationId");
    sink.names_client &= tenant.is_some();
    let entry = Entry {
        line,
        id: graph_json::words(object, "Id"),
        at,
        is_change,
        correlation: graph_json::id_of(object, "InterSystemsId"),
        user: user(object),
        user_id: None,
        client: ClientRef { id: tenant, ..ClientRef::default() },
        actor: graph_json::words(object, "UserId"),
        automatic: is_automatic(object),
        told,
    };
    log.add(entry, sink);
    Ok(())
}

/// The user whose licence it is: `ObjectId`, or the principal name (type 5) among the targets.
fn user(object: &Object<'_>) -> Option<String> {
    let named = graph_json::words(object, "ObjectId")
        .filter(|name| !name.eq_ignore_ascii_case("not available") && !name.eq_ignore_ascii_case("unknown"));
    named.or_else(|| {
        let targets = license_changes::objects(object.list("Target")?);
        let name = targets.iter().find(|target| graph_json::id_of(target, "Type").as_deref() == Some("5"))?;
        graph_json::words(name, "ID")
    })
}

/// Whether no person did it. User types: 0 regular, 2 and 3 administrators, 4 system, 5 application, 6 service
/// principal, 7 and 8 policies.
fn is_automatic(object: &Object<'_>) -> bool {
    let kind = graph_json::id_of(object, "UserType");
    matches!(
        kind.as_deref(),
        Some("4" | "5" | "6" | "7" | "8" | "system" | "application" | "serviceprincipal")
    ) || graph_json::id_of(object, "UserId").is_some_and(|name| name.starts_with("serviceprincipal_"))
}
