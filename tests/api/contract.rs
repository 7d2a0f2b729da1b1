//! The API document says what is served, and is what is checked in.

use leakage_api::routes::docs::document;
use leakage_tests::{TestApp, send};
use reqwest::Method;
use serde_json::Value;
use std::path::Path;

/// Method, path and operation of every operation.
pub(crate) fn operations() -> Vec<(Method, String, &'static Value)> {
    let paths = document::document()["paths"].as_object().unwrap();
    let operation = |path: &str, method: &str, operation| {
        (Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap(), path.to_owned(), operation)
    };
    paths
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |(m, o)| operation(path, m, o)))
        .collect()
}

#[test]
fn the_checked_in_document_is_the_generated_one() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/openapi.json");
    let checked_in = std::fs::read_to_string(file).unwrap();
    assert!(
        checked_in == document::pretty(),
        "the document has changed: cargo run -p leakage-api -- openapi > openapi/openapi.json, and look at the \
         difference"
    );
}

#[tokio::test]
async fn the_document_is_served() {
    let app = TestApp::start().await;
    let (status, served) = send(app.get("/openapi.json")).await;
    assert_eq!(status, 200);
    assert_eq!(&served, document::document());
}

#[tokio::test]
async fn every_documented_operation_is_served() {
    let app = TestApp::start().await;
    for (method, path, _) in operations() {
        let concrete = fill(&path);
        let (status, problem) = send(app.stranger().request(method.clone(), &concrete)).await;
        assert!(
            status != 405 && (status != 404 || problem["code"] != "not_found"),
            "{method} {path}: {status}"
        );
    }
}

/// Whether an operation is for callers with credentials only.
pub(crate) fn is_secured(operation: &Value) -> bool {
    !operation["security"].as_array().unwrap().contains(&serde_json::json!({}))
}

/// Every path parameter is an id that nothing has.
pub(crate) fn fill(path: &str) -> String {
    let parts = path
        .split('/')
        .map(|part| if part.starts_with('{') { "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn every_operation_is_described_in_full() {
    let tags: Vec<&str> = document::document()["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    for (method, path, operation) in operations() {
        let place = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap();
        assert!(id.contains('_') && id.to_ascii_lowercase() == id, "{place}: operation id {id}");
        assert!(
            operation["summary"].as_str().is_some_and(|summary| summary.len() > 3),
            "{place}: no summary"
        );
        let of: Vec<&str> =
            operation["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect();
        assert!(of.len() == 1 && tags.contains(&of[0]), "{place}: tags {of:?}");
        assert!(operation["security"].is_array(), "{place}: says nothing about security");
        let secured = is_secured(operation);
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{place}: no good answer");
        let needed: &[&str] = if secured { &["401", "403", "429", "500"] } else { &["500"] };
        for status in needed {
            assert!(responses.contains_key(*status), "{place}: no {status}");
        }
        if secured {
            assert!(operation["x-permission"].is_string(), "{place}: no x-permission");
        }
        for (status, response) in responses {
            assert!(response["$ref"].is_string() || response["description"].is_string(), "{place}: {status}");
        }
    }
}

#[test]
fn operation_ids_are_unique() {
    let mut ids: Vec<&str> =
        operations().iter().map(|(_, _, o)| o["operationId"].as_str().unwrap()).collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn every_text_and_list_that_callers_send_has_bounds() {
    let schemas = &document::document()["components"]["schemas"];
    let (mut unbounded, mut seen) = (Vec::new(), std::collections::BTreeSet::new());
    let mut next: Vec<String> =
        operations().iter().flat_map(|(_, _, o)| references(&o["requestBody"])).collect();
    while let Some(name) = next.pop() {
        if seen.insert(name.clone()) {
            look(&name, &schemas[&name], &mut unbounded);
            next.extend(references(&schemas[&name]));
        }
    }
    assert!(seen.len() > 5, "{seen:?}");
    assert!(unbounded.is_empty(), "without bounds: {unbounded:#?}");
}

/// Names of the schemas that a part of the document refers to.
fn references(part: &Value) -> Vec<String> {
    let text = part.to_string();
    let names = text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
    names.map(str::to_owned).collect()
}

fn look(place: &str, schema: &Value, unbounded: &mut Vec<String>) {
    let is = |kind: &str| {
        schema["type"] == kind
            || schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(|k| k == kind))
    };
    let fixed = ["enum", "const", "format", "maxLength", "pattern"].iter().any(|key| !schema[*key].is_null());
    if is("string") && !fixed {
        unbounded.push(place.to_owned());
    }
    if is("array") && schema["maxItems"].is_null() {
        unbounded.push(place.to_owned());
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        look(&format!("{place}.{name}"), property, unbounded);
    }
    if schema["items"].is_object() {
        look(&format!("{place}[]"), &schema["items"], unbounded);
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        for variant in schema[key].as_array().into_iter().flatten() {
            look(place, variant, unbounded);
        }
    }
}
