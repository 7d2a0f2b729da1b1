//! Microsoft Graph `GET /auditLogs/directoryAudits` (the audit log of Microsoft Entra): who was given which
//! licence, when and by whom.
//!
//! Source: <https://learn.microsoft.com/graph/api/resources/directoryaudit>. How entries become changes is
//! told in [`license_changes`]. Long values stand in `additionalDetails`, cut into entries of one correlation:
//! a sequence number (second detail) and a piece of a JSON text (third). The log names no tenant. It is kept
//! for thirty days, so what it does not say is not known.

use super::graph_json::{self, Keys};
use super::json::{Object, Raw};
use super::license_changes::{self, Entry, Log, Told};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Side};

pub(super) const FORMAT: Format = Format {
    name: "microsoft_graph_directory_audits",
    title: "Microsoft Entra audit log (Microsoft Graph directoryAudits)",
    sides: &[Side::Activity],
    detect,
    read,
};

const KEYS: Keys = Keys {
    signature: &[&["activityDisplayName"], &["targetResources"]],
    required: &[&["activityDateTime"]],
    never: &["AuditData"],
    known: &[
        "id",
        "category",
        "correlationId",
        "result",
        "resultReason",
        "activityDisplayName",
        "activityDateTime",
        "operationType",
        "loggedByService",
        "initiatedBy",
        "targetResources",
        "additionalDetails",
        "userAgent",
        "AdditionalProperties",
    ],
};

fn detect(shape: &Shape<'_>) -> Fit {
    KEYS.fit(shape)
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    sink.names_client = false;
    sink.ask("client", &[]);
    KEYS.unknown(shapes, sink);
    let mut log = Log::default();
    for shape in shapes {
        let part = shape.table.part.as_deref();
        shape.each_item(&mut |line, item| {
            sink.read += 1;
            if let Err(bad) = entry(item, line, &mut log, sink) {
                sink.refuse(part, line, bad, None);
            }
            Ok(())
        })?;
    }
    log.finish(sink);
    Ok(())
}

/// Puts an entry into the log: as a change of a user's licences, or as one that is about something else.
fn entry(item: Raw<'_>, line: u32, log: &mut Log, sink: &mut Sink) -> Result<(), Bad> {
    let object = Object::of(item).ok_or_else(|| Bad::row("the item is not an object"))?;
    if let Some(key) = object.repeated() {
        return Err(Bad::member(key, None, "stands twice in the item"));
    }
    let operation = license_changes::operation(&object.text("activityDisplayName").unwrap_or_default());
    let is_change = license_changes::is_license_change(&operation);
    let targets = license_changes::objects(object.list("targetResources").unwrap_or_default());
    let is_user = |target: &&Object<'_>| graph_json::id_of(target, "type").is_none_or(|kind| kind == "user");
    let mut told: Vec<(Option<&Object<'_>>, Told)> = Vec::new();
    for target in targets.iter().filter(is_user) {
        let properties = license_changes::objects(target.list("modifiedProperties").unwrap_or_default());
        if let Some(lists) = license_changes::lists(&properties)? {
            told.push((Some(target), lists));
        }
    }
    if told.is_empty() {
        let target = targets.iter().find(is_user);
        if let Some(piece) = piece(&object).filter(|_| is_change || operation == "update user") {
            told.push((target, piece));
        } else if is_change {
            told.push((target, Told::Nothing));
        }
    }
    if told.is_empty() {
        log.other();
        return Ok(());
    }
    if graph_json::id_of(&object, "result").is_some_and(|result| result != "success") {
        log.failure();
        return Ok(());
    }
    let at = graph_json::moment(&object, "activityDateTime")?
        .ok_or_else(|| Bad::member("activityDateTime", None, "is empty, and is needed"))?;
    let (actor, automatic) = actor(&object);
    for (target, told) in told {
        let user_id = target.and_then(|target| graph_json::id_of(target, "id"));
        let user = target.and_then(|target| graph_json::words(target, "userPrincipalName"));
        let entry = Entry {
            line,
            id: graph_json::words(&object, "id"),
            at,
            is_change,
            correlation: graph_json::id_of(&object, "correlationId"),
            user: user.or_else(|| user_id.clone()),
            user_id,
            client: ClientRef::default(),
            actor: actor.clone(),
            automatic,
            told,
        };
        log.add(entry, sink);
    }
    Ok(())
}

/// A piece of a long value.
fn piece(object: &Object<'_>) -> Option<Told> {
    let details = license_changes::objects(object.list("additionalDetails")?);
    let [_, place, text, ..] = details.as_slice() else { return None };
    let place = graph_json::words(place, "value")?.parse().ok()?;
    // A piece may begin or end with blanks that belong to the text.
    Some(Told::Piece(place, text.text("value")?.into_owned()))
}

/// Who did it, and whether that is an application.
fn actor(object: &Object<'_>) -> (Option<String>, bool) {
    let by = object.object("initiatedBy");
    let part = |key: &str| by.as_ref().and_then(|by| by.object(key));
    let name = |of: &Object<'_>, keys: &[&str]| keys.iter().find_map(|key| graph_json::words(of, key));
    if let Some(app) = part("app") {
        return (name(&app, &["displayName", "servicePrincipalName", "appId", "servicePrincipalId"]), true);
    }
    let user = part("user");
    (user.and_then(|user| name(&user, &["userPrincipalName", "displayName", "id"])), false)
}
