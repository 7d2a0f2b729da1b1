//! The OpenAPI document: what utoipa collected from the registered handlers, and what is the same for
//! all operations and would only be repeated at each: servers, security schemes, tags, problem answers,
//! headers.

use super::super::documented;
use serde_json::{Map, Value, json};
use std::sync::OnceLock;
use utoipa::OpenApi;
use utoipa_actix_web::AppExt as _;

#[derive(OpenApi)]
#[openapi(components(schemas(crate::error::Problem)))]
struct Base;

/// The document, made once in a process.
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(make)
}

/// The document as it is checked in: indented, with a newline at the end.
pub fn pretty() -> String {
    format!("{:#}\n", document())
}

fn make() -> Value {
    let (_, collected) = actix_web::App::new()
        .into_utoipa_app()
        .openapi(Base::openapi())
        .configure(documented)
        .split_for_parts();
    let mut document = serde_json::to_value(collected).unwrap_or_default();
    document["info"] = info();
    document["servers"] = json!([{
        "url": "/",
        "description": "The service that serves this document, local or production.",
        "x-internal": false,
    }]);
    document["tags"] = tags();
    document["security"] = json!([{ "access_token": [] }, { "api_key": [] }]);
    document["components"]["securitySchemes"] = security_schemes();
    document["components"]["responses"] =
        Value::Object(PROBLEMS.iter().map(|problem| (problem.name.to_owned(), problem.response())).collect());
    document["components"]["headers"] = headers();
    if let Some(paths) = document["paths"].as_object_mut() {
        for item in paths.values_mut().filter_map(Value::as_object_mut) {
            for operation in item.values_mut().filter_map(Value::as_object_mut) {
                complete(operation);
            }
        }
    }
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.values_mut().for_each(bound_names);
    }
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.values_mut().for_each(bound);
    }
    bound_inline(&mut document["paths"]);
    ordered(document)
}

/// The same for schemas that stand in operations.
fn bound_inline(part: &mut Value) {
    match part {
        Value::Object(members) => {
            for (key, inner) in members.iter_mut() {
                if key == "schema" {
                    bound(inner);
                } else {
                    bound_inline(inner);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(bound_inline),
        _ => {}
    }
}

/// Bounds for what states none: the audit document's schemas come from core, which answers with what
/// files hold and knows no limits of HTTP. They are those that the reader and the engine keep.
fn bound(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    let is = |kind: &str| {
        let stated = members.get("type");
        stated.is_some_and(|stated| {
            stated == kind || stated.as_array().is_some_and(|all| all.iter().any(|one| one == kind))
        })
    };
    let fixed = |keys: &[&str]| keys.iter().any(|key| members.contains_key(*key));
    let mut missing = Vec::new();
    if is("string") && !fixed(&["enum", "const", "maxLength"]) {
        let length = match members.get("format").and_then(Value::as_str) {
            Some("date") => 10,
            Some("uuid") => 36,
            Some("date-time") => 40,
            _ => 65_536,
        };
        missing.push(("maxLength", json!(length)));
    }
    if is("array") && !fixed(&["maxItems"]) {
        missing.push(("maxItems", json!(10_000_000)));
    }
    if is("integer") && !fixed(&["maximum", "enum"]) {
        missing.push(("minimum", json!(0)));
        missing.push(("maximum", json!(9_007_199_254_740_991_i64)));
    }
    for (key, value) in missing {
        members.entry(key).or_insert(value);
    }
    for (key, inner) in members.iter_mut() {
        match (key.as_str(), inner) {
            ("properties", Value::Object(properties)) => properties.values_mut().for_each(bound),
            ("items" | "additionalProperties", inner) => bound(inner),
            ("oneOf" | "anyOf" | "allOf" | "prefixItems", Value::Array(parts)) => {
                parts.iter_mut().for_each(bound);
            }
            _ => {}
        }
    }
}

/// The items of a list of texts are names (of formats, scopes, columns); utoipa has no way to bound them.
fn bound_names(schema: &mut Value) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for items in
        properties.into_iter().flat_map(Map::values_mut).filter_map(|property| property.get_mut("items"))
    {
        if items["type"] == "string" && items.as_object().is_some_and(|items| items.len() == 1) {
            items["maxLength"] = json!(200);
        }
    }
}

/// The keys in the order in which people read them.
fn ordered(mut document: Value) -> Value {
    let mut out = Map::new();
    for key in ["openapi", "info", "servers", "security", "tags", "paths", "components"] {
        out.insert(key.to_owned(), document[key].take());
    }
    Value::Object(out)
}

fn info() -> Value {
    json!({
        "title": "Leakage Finder API",
        "version": env!("CARGO_PKG_VERSION"),
        "summary": "Find what is billed wrongly, correct it, and prove it.",
        "description": "Compares what clients of an MSP have with what they are billed.\n\n\
            Errors are `application/problem+json`; see [all codes](/docs/errors). New here? Read [the first audit](/docs/guides/first-audit), or try \
            `GET /v1/sample-audit`, which needs no account. Answers may gain fields and \
            enums may gain values at any time: ignore what you do not know. Send an `Idempotency-Key` with every \
            POST, and repeat the request with the same key when you do not know whether it arrived. Every answer \
            carries `X-Request-Id`, and `RateLimit` headers that tell what is left.",
        "contact": { "name": "Leakage Finder" },
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    })
}

fn tags() -> Value {
    json!([
        { "name": "sample_audit", "description": "Without an account: the audit of a built-in portfolio, or of your own files, which are not kept." },
        { "name": "health", "description": "For the machines that keep the service alive." },
        { "name": "organizations", "description": "Signing up, and the organization you act in." },
        { "name": "sessions", "description": "Signing in, refreshing, switching the organization, signing out." },
        { "name": "members", "description": "Who belongs to the organization." },
        { "name": "invitations", "description": "Asking people in." },
        { "name": "api_keys", "description": "Keys of integrations." },
        { "name": "clients", "description": "Customers of the organization, and the names that sources give them." },
        { "name": "products", "description": "What is sold: products seen in imports, and Microsoft's SKUs." },
        { "name": "mappings", "description": "Confirmed \"these two are the same\", and proposals to decide on." },
        { "name": "rules", "description": "What is not billed, what is billed at least, and how far back is charged and credited." },
        { "name": "prices", "description": "The price list: what a seat costs where no billing line says, and what was agreed." },
        { "name": "policies", "description": "Where counting, proration and limits differ: by client, agreement and product." },
        { "name": "billing_entities", "description": "Parts of a client that are billed by themselves, and whose seats are whose." },
        { "name": "imports", "description": "Uploaded files and the rows read from them." },
        { "name": "audits", "description": "Comparing what clients have with what they are billed." },
        { "name": "gaps", "description": "What audits found." },
        { "name": "reports", "description": "Gaps added up, and how long clients have been without any." },
        { "name": "letters", "description": "What clients are told: templates, letters, deliveries, monthly statements." },
        { "name": "cycles", "description": "The month's cycle: what must be imported by when, and which client stands where." },
        { "name": "events", "description": "What happened, in order." },
        { "name": "webhooks", "description": "Events sent to receivers of yours: signed, again until they arrive." },
        { "name": "corrections", "description": "From gaps to a fix that is proved: told, disputed, billed or credited, verified." },
        { "name": "client_links", "description": "The client's side of a correction: an address without a login, and codes that confirm." },
        { "name": "evidence", "description": "What proves a correction: sealed bundles, the keys that sign them, the log of what was done." },
        { "name": "jobs", "description": "Background work: ask, wait, or follow." },
    ])
}

fn security_schemes() -> Value {
    json!({
        "access_token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The access token of a signed-in person, good for ten minutes. Signed and checked as RFC8725 advises: \
                EdDSA only, typ `at+jwt`, issuer and audience checked.",
        },
        "api_key": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "lfk_live_...",
            "description": "The API key of an integration, sent like an access token.",
        },
    })
}

fn headers() -> Value {
    let text = |description: &str, example: &str| json!({ "description": description, "schema": { "type": "string", "maxLength": 500 }, "example": example });
    json!({
        "X-Request-Id": text("The id of this request.", "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e"),
        "RateLimit-Policy": text(
            "Cost units (`q`) in a window of seconds (`w`), for each limit that applies.", "\"key\";q=600;w=60"),
        "RateLimit": text(
            "Units left (`r`) and seconds (`t`) until all are back, for each limit, the tightest first.",
            "\"key\";r=598;t=0"),
        "Access-Control-Allow-Origin": text(
            "The origin of the page that called, if it is one that may.", "https://app.example.com"),
        "Retry-After": {
            "description": "Seconds after which to send the request again.",
            "schema": { "type": "integer", "format": "int32", "minimum": 0, "maximum": 86400 },
            "example": 1,
        },
    })
}

/// One shared answer.
struct ProblemAnswer {
    name: &'static str,
    status: &'static str,
    description: &'static str,
    code: crate::error::Code,
    when: fn(&Facts) -> bool,
}

/// What decides which problems an operation can answer with.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, none of them a state")]
struct Facts {
    secured: bool,
    limited: bool,
    path_parameters: bool,
    body: bool,
    idempotency_key: bool,
    if_match: bool,
}

macro_rules! problems {
    ($($name:ident, $status:literal, $code:ident, $description:literal, $when:expr;)+) => {
        const PROBLEMS: &[ProblemAnswer] = &[$(ProblemAnswer {
            name: stringify!($name),
            status: $status,
            description: $description,
            code: crate::error::Code::$code,
            when: $when,
        }),+];
    };
}

problems! {
    Unreadable, "400", Unreadable, "The request cannot be read.", |_| true;
    Unauthenticated, "401", Unauthenticated, "Credentials are missing or not valid.", |facts| facts.secured;
    Forbidden, "403", InsufficientRole, "Your role or your key's scopes do not allow this.", |facts| facts.secured;
    NotFound, "404", NotFound, "There is no such thing in your organization.", |facts| facts.path_parameters;
    Conflict, "409", Conflict, "The current state does not allow this, or the same request is still running.",
        |facts| facts.idempotency_key || facts.if_match;
    VersionMismatch, "412", VersionMismatch, "It has changed since you read it.", |facts| facts.if_match;
    TooLarge, "413", TooLarge, "The body is too large.", |facts| facts.body;
    UnsupportedMediaType, "415", UnsupportedMediaType, "The content type is not read here.", |facts| facts.body;
    Invalid, "422", Invalid, "A value is not valid; `errors` says which and why.",
        |facts| facts.body || facts.idempotency_key;
    PreconditionRequired, "428", PreconditionRequired, "`If-Match` is required.", |facts| facts.if_match;
    RateLimited, "429", RateLimited, "Too many requests; wait for `Retry-After`.", |facts| facts.limited;
    Internal, "500", Internal, "A fault of ours, recorded under the request's id.", |_| true;
    Unavailable, "503", Unavailable, "Something that is needed is not there right now.", |_| true;
}

impl ProblemAnswer {
    fn response(&self) -> Value {
        let problem = crate::error::ApiError::new(self.code, self.description)
            .problem("01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e");
        let mut headers = common_headers();
        if self.code.retryable() {
            headers.insert("Retry-After".to_owned(), json!({ "$ref": "#/components/headers/Retry-After" }));
        }
        json!({
            "description": self.description,
            "headers": headers,
            "content": { "application/problem+json": {
                "schema": { "$ref": "#/components/schemas/Problem" },
                "example": problem,
            } },
        })
    }
}

fn common_headers() -> Map<String, Value> {
    ["X-Request-Id", "RateLimit-Policy", "RateLimit", "Access-Control-Allow-Origin"]
        .into_iter()
        .map(|name| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") })))
        .collect()
}

/// Adds what all operations share; what a handler declares itself stays.
fn complete(operation: &mut Map<String, Value>) {
    let facts = Facts::of(operation);
    if !operation.contains_key("description") {
        // The summary says it all.
        let summary = operation.get("summary").and_then(Value::as_str).unwrap_or_default().to_owned();
        operation.insert("description".to_owned(), json!(format!("{}.", summary.trim_end_matches('.'))));
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (_, response) in responses.iter_mut().filter(|(_, response)| response["$ref"].is_null()) {
        let headers = &mut response["headers"];
        if !headers.is_object() {
            *headers = json!({});
        }
        if let Some(headers) = headers.as_object_mut() {
            for (name, header) in common_headers() {
                headers.entry(name).or_insert(header);
            }
        }
    }
    for problem in PROBLEMS.iter().filter(|problem| (problem.when)(&facts)) {
        responses
            .entry(problem.status)
            .or_insert_with(|| json!({ "$ref": format!("#/components/responses/{}", problem.name) }));
    }
    let mut sorted: Vec<(String, Value)> = std::mem::take(responses).into_iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    responses.extend(sorted);
}

impl Facts {
    fn of(operation: &Map<String, Value>) -> Self {
        let parameters = operation.get("parameters").and_then(Value::as_array);
        let has = |place: &str, name: Option<&str>| {
            parameters.into_iter().flatten().any(|parameter| {
                parameter["in"] == place
                    && name.is_none_or(|name| {
                        parameter["name"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(name))
                    })
            })
        };
        let public = operation.get("security").and_then(Value::as_array).is_some_and(|schemes| {
            schemes.iter().all(|scheme| scheme.as_object().is_some_and(Map::is_empty))
        });
        let health = operation.get("tags").and_then(|tags| tags.get(0)).is_some_and(|tag| tag == "health");
        Self {
            secured: !public,
            limited: !health,
            path_parameters: has("path", None),
            body: operation.contains_key("requestBody"),
            idempotency_key: has("header", Some("Idempotency-Key")),
            if_match: has("header", Some("If-Match")),
        }
    }
}
