//! What `leakage inspect` says of a file, as JSON.

use super::{FileError, FileReport, SeenTable};
use crate::period::Span;
use crate::records::{ClientRef, Decision, Held, ProductRef, Record, Sourced, VendorCharge};
use crate::seat_states::{SeatStates, seat_states};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The document of one file. With `rows`, also its canonical records with their lines and, where vendor
/// charges are among them, the seats that follow from these.
///
/// A file that was not recognised has `format` null and an `error` with `code`, `message` and, where
/// there is one, `line` and `column`. Of an unknown table, `columns` and `proposed_profile` as well, see
/// [`unknown_json`].
pub fn inspect_document(file: &str, outcome: &Result<FileReport, FileError>, rows: bool) -> Value {
    let report = match outcome {
        Ok(report) => report,
        Err(error) => {
            let mut document = json!({
                "file": file, "format": null, "sides": [], "confidence": "0.00", "reasons": [],
                "error": {"code": error.code(), "message": error.to_string(), "line": error.line(), "column": error.column()},
            });
            if let Some(members) = document.as_object_mut() {
                members.extend(unknown_json(error.tables()));
            }
            return document;
        }
    };
    let mut document = json!({
        "file": file,
        "format": report.format,
        "sides": report.sides,
        "confidence": report.confidence.to_string(),
        "reasons": report.reasons,
        "encoding": report.encoding,
        "container": report.container,
        "read": report.read,
        "refused": report.refused,
        "refused_total": report.refused_total,
        "unknown_columns": report.unknown_columns,
        "needs_input": report.needs_input,
        "notes": report.notes,
        "notes_total": report.notes_total,
    });
    if let (false, Some(members)) = (report.profiles.is_empty(), document.as_object_mut()) {
        members.insert("profiles".to_owned(), json!(report.profiles));
    }
    if let (true, Some(members)) = (rows, document.as_object_mut()) {
        members.insert("records".to_owned(), report.records.iter().map(record_json).collect());
        let charges: Vec<(&VendorCharge, u32)> = report
            .records
            .iter()
            .filter_map(|sourced| match &sourced.record {
                Record::VendorCharge(charge) => Some((charge, sourced.line)),
                _ => None,
            })
            .collect();
        if !charges.is_empty() {
            let SeatStates { states, notes } = seat_states(&charges);
            let states = states.iter().map(|state| {
                let mut row = Map::new();
                put_client(&mut row, &state.client);
                put_product(&mut row, &state.product);
                put(&mut row, "subscription", &state.subscription);
                put(&mut row, "term", &state.term);
                put_span(&mut row, state.span());
                put(&mut row, "quantity", &state.quantity.normalize().to_string());
                put(&mut row, "lines", &state.lines);
                Value::Object(row)
            });
            members.insert("states".to_owned(), states.collect());
            members.insert("state_notes".to_owned(), json!(notes));
        }
    }
    document
}

/// What a person needs to say what the columns of an unknown file are: `columns` with `samples`, the
/// `proposed_profile` (a definition to correct and save), the `proposal` behind it (score, reason of each
/// column, what is missing), and `other_tables` for the other sheets. Nothing for what is no table.
pub fn unknown_json(tables: &[SeenTable]) -> Map<String, Value> {
    let mut tables = tables.iter().map(|table| {
        let mut members = Map::new();
        put(&mut members, "sheet", &table.sheet);
        put(&mut members, "columns", &table.columns);
        put(&mut members, "columns_total", &table.columns_total);
        put(&mut members, "proposed_profile", &table.proposal.profile);
        put(&mut members, "proposal", &table.proposal);
        members
    });
    let mut first = tables.next().unwrap_or_default();
    let others: Vec<Value> = tables.map(Value::Object).collect();
    if !others.is_empty() {
        first.insert("other_tables".to_owned(), Value::Array(others));
    }
    first
}

/// A record in one flat object: the fields of all kinds have the same names, absent ones are left out.
pub fn record_json(sourced: &Sourced) -> Value {
    let mut row = Map::new();
    let kind = match &sourced.record {
        Record::Entitlement(_) => "entitlement",
        Record::BillingLine(_) => "billing_line",
        Record::VendorCharge(_) => "vendor_charge",
        Record::Activity(_) => "activity",
        Record::Price(_) => "price",
        Record::Rule(_) => "rule",
        Record::Decision(_) => "decision",
        Record::Mapping(_) => "mapping",
        Record::Provisioning(_) => "provisioning_event",
        Record::ListPrice(_) => "list_price",
        Record::Client(_) => "client",
        Record::Product(_) => "product",
    };
    put(&mut row, "record", &kind);
    put(&mut row, "line", &sourced.line);
    // The canonical row's own members first, then the shared names over them.
    if let Ok(Value::Object(members)) = serde_json::to_value(&sourced.record) {
        let flat =
            |name: &String| !matches!(name.as_str(), "record" | "client" | "product" | "span" | "held");
        row.extend(members.into_iter().filter(|(name, value)| flat(name) && !value.is_null()));
    }
    match &sourced.record {
        Record::Entitlement(entitlement) => {
            put_client(&mut row, &entitlement.client);
            put_product(&mut row, &entitlement.product);
            match entitlement.held {
                Held::During(span) => put_span(&mut row, span),
                Held::Snapshot { on } => {
                    put(&mut row, "snapshot", &true);
                    put(&mut row, "on", &on);
                }
            }
        }
        Record::BillingLine(line) => {
            put_client(&mut row, &line.client);
            put_product(&mut row, &line.product);
            put_span(&mut row, line.span);
        }
        Record::VendorCharge(charge) => {
            put_client(&mut row, &charge.client);
            put_product(&mut row, &charge.product);
            put_span(&mut row, charge.span);
        }
        Record::Activity(activity) => {
            put_client(&mut row, &activity.client);
            if let Some(product) = &activity.product {
                put_product(&mut row, product);
            }
        }
        Record::Price(price) => {
            if let Some(client) = &price.client {
                put_client(&mut row, client);
            }
            put_product(&mut row, &price.product);
            put_span(&mut row, price.span);
        }
        Record::Rule(rule) => {
            if let Some(client) = &rule.client {
                put_client(&mut row, client);
            }
            if let Some(product) = &rule.product {
                put_product(&mut row, product);
            }
            if let Some(parent) = &rule.parent_product {
                put(&mut row, "parent_product", &parent.name);
            }
            let value = match rule.value {
                crate::records::RuleValue::All => "all".to_owned(),
                crate::records::RuleValue::Number(number) => number.to_string(),
            };
            put(&mut row, "value", &value);
            put_span(&mut row, rule.span);
        }
        Record::Decision(decision) => put_decision(&mut row, decision),
        Record::Provisioning(event) => {
            put_client(&mut row, &event.client);
            if let Some(product) = &event.product {
                put_product(&mut row, product);
            }
        }
        Record::ListPrice(price) => {
            put_product(&mut row, &price.product);
            put_span(&mut row, price.span);
        }
        Record::Client(client) => {
            row.retain(|name, _| matches!(name.as_str(), "record" | "line"));
            put_client(&mut row, client);
        }
        Record::Product(product) => {
            row.retain(|name, _| matches!(name.as_str(), "record" | "line"));
            put_product(&mut row, product);
        }
        Record::Mapping(mapping) => {
            if let Some(span) = mapping.span {
                put_span(&mut row, span);
            }
        }
    }
    Value::Object(row)
}

/// The members of a decision that other records have under the same names.
fn put_decision(row: &mut Map<String, Value>, decision: &Decision) {
    let (client, product, span) = match decision {
        Decision::Policy(policy) => (policy.client.as_ref(), policy.product.as_ref(), policy.span),
        Decision::BillingEntity(entity) => (Some(&entity.client), None, None),
        Decision::Allocation(own) => (Some(&own.client), own.product.as_ref(), Some(own.span)),
        Decision::Settled(_) => (None, None, None),
    };
    if let Some(client) = client {
        put(row, "client", client);
    }
    if let Some(product) = product {
        put_product(row, product);
    }
    if let Some(span) = span {
        put_span(row, span);
    }
}

/// Adds a member; nulls are left out.
fn put(row: &mut Map<String, Value>, name: &str, value: &impl Serialize) {
    if let Ok(value) = serde_json::to_value(value)
        && !value.is_null()
    {
        row.insert(name.to_owned(), value);
    }
}

fn put_client(row: &mut Map<String, Value>, client: &ClientRef) {
    put(row, "client", &client.name);
    put(row, "client_id", &client.id);
    put(row, "domain", &client.domain);
}

fn put_product(row: &mut Map<String, Value>, product: &ProductRef) {
    put(row, "product", &product.name);
    put(row, "sku", &product.sku);
    put(row, "part_number", &product.part_number);
    put(row, "product_code", &product.code);
}

fn put_span(row: &mut Map<String, Value>, span: Span) {
    put(row, "from", &span.from);
    row.insert("until".to_owned(), json!(span.until));
}
