//! What addresses, methods and parameters there are, taken from the API document: tells 405 from 404,
//! and refuses parameters that no operation knows, so that a misspelt filter is not silently no filter.

use crate::error::{ApiError, Code, FieldError};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;
use std::collections::BTreeMap;

/// Methods of each path, and what is known of them.
#[derive(Debug, Default)]
pub struct Surface(BTreeMap<String, BTreeMap<String, Operation>>);

/// What is known of an operation.
#[derive(Debug)]
struct Operation {
    /// Names of its query parameters.
    query: Vec<String>,
    /// It is for callers with credentials only.
    secured: bool,
}

impl Surface {
    /// Reads the API document.
    pub fn of(document: &Value) -> Self {
        let mut paths = BTreeMap::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            let methods: &mut BTreeMap<String, Operation> = paths.entry(path.clone()).or_default();
            for (method, operation) in item.as_object().into_iter().flatten() {
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let query = parameters.filter(|parameter| parameter["in"] == "query");
                let names = query.filter_map(|parameter| parameter["name"].as_str().map(str::to_owned));
                let empty = |scheme: &Value| scheme.as_object().is_none_or(serde_json::Map::is_empty);
                let secured =
                    operation["security"].as_array().is_none_or(|schemes| !schemes.iter().any(empty));
                methods.insert(method.to_ascii_uppercase(), Operation { query: names.collect(), secured });
            }
        }
        Self(paths)
    }

    /// Methods of a path pattern, for `Allow`.
    fn methods(&self, pattern: &str) -> Option<String> {
        let methods: Vec<&str> = self.0.get(pattern)?.keys().map(String::as_str).collect();
        Some(methods.join(", "))
    }

    /// Whether an operation is for callers with credentials; false for what is not documented.
    pub fn is_secured(&self, method: &Method, pattern: &str) -> bool {
        self.operation(method, pattern).is_some_and(|operation| operation.secured)
    }

    fn operation(&self, method: &Method, pattern: &str) -> Option<&Operation> {
        // HEAD is not served, and not documented.
        self.0.get(pattern)?.get(method.as_str())
    }

    /// Refuses query parameters that the operation does not have.
    ///
    /// # Errors
    /// 400 that names each unknown parameter and those that there are.
    pub fn check_query(&self, method: &Method, pattern: &str, query: &str) -> Result<(), ApiError> {
        let Some(known) = self.operation(method, pattern).map(|operation| &operation.query) else {
            return Ok(());
        };
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let names = pairs.map(|pair| decoded(pair.split_once('=').map_or(pair, |(name, _)| name)));
        let unknown: Vec<String> = names.filter(|name| !known.contains(name)).take(20).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let reason = if known.is_empty() {
            "there are no parameters here".to_owned()
        } else {
            format!("there is no such parameter here; there are: {}", known.join(", "))
        };
        let fault = |name: String| FieldError {
            pointer: Some(name.chars().take(100).collect()),
            reason: reason.clone(),
            ..FieldError::default()
        };
        Err(ApiError::new(Code::Unreadable, "A parameter after `?` is not known here. See `errors`.")
            .with_all(unknown.into_iter().map(fault)))
    }
}

/// The name of a parameter as it was meant; undecodable bytes stay as they are.
fn decoded(name: &str) -> String {
    name.replace("%5B", "[").replace("%5b", "[").replace("%5D", "]").replace("%5d", "]")
}

/// Answers what no handler takes: 405 where the address exists with other methods, else 404.
pub async fn nothing_here(request: HttpRequest, surface: web::Data<Surface>) -> HttpResponse {
    let methods = request.match_pattern().and_then(|pattern| surface.methods(&pattern));
    let Some(methods) = methods else { return HttpResponse::from_error(ApiError::not_found()) };
    let mut response =
        HttpResponse::from_error(ApiError::new(Code::MethodNotAllowed, format!("Allowed here: {methods}.")));
    if let Ok(value) = HeaderValue::from_str(&methods) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}
