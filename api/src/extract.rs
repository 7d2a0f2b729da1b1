//! What handlers take apart: JSON bodies, keys, preconditions, preferences. Anything that cannot be read
//! is a problem with a place and a reason before the handler runs.

use crate::error::{ApiError, Code, FieldError};
use crate::services::idempotency::Replay;
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, HeaderMap, IF_MATCH, IF_NONE_MATCH};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use sha2::{Digest as _, Sha256};
use std::future::{Future, Ready, ready};
use std::pin::Pin;

/// Bytes of a JSON body at most.
pub const MAX_JSON_BYTES: usize = 1024 * 1024;

/// A JSON body, with the digest of its bytes for [`crate::services::idempotency::once`].
#[derive(Debug)]
pub struct JsonBody<T> {
    /// What it says.
    pub value: T,
    /// SHA-256 of the bytes as they came.
    pub sha256: [u8; 32],
}

/// SHA-256 of no bytes: the digest to give for a request without a body.
pub fn empty_sha256() -> [u8; 32] {
    Sha256::digest([]).into()
}

impl<T: DeserializeOwned + 'static> FromRequest for JsonBody<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_content_type(request);
        let payload = payload.take();
        Box::pin(async move {
            checked?;
            let body = read(payload, MAX_JSON_BYTES).await?;
            let sha256 = Sha256::digest(&body).into();
            Ok(Self { value: parse(&body)?, sha256 })
        })
    }
}

/// A JSON body that may be left out.
#[derive(Debug)]
pub struct JsonBodyIfAny<T> {
    /// What it says; none: there was none.
    pub value: Option<T>,
    /// SHA-256 of the bytes as they came.
    pub sha256: [u8; 32],
}

impl<T: DeserializeOwned + 'static> FromRequest for JsonBodyIfAny<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_content_type(request);
        let payload = payload.take();
        Box::pin(async move {
            let body = read(payload, MAX_JSON_BYTES).await?;
            if body.is_empty() {
                return Ok(Self { value: None, sha256: empty_sha256() });
            }
            checked?;
            let sha256 = Sha256::digest(&body).into();
            Ok(Self { value: Some(parse(&body)?), sha256 })
        })
    }
}

fn check_content_type(request: &HttpRequest) -> Result<(), ApiError> {
    if request.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(ApiError::new(Code::UnsupportedMediaType, "Send the body without `Content-Encoding`."));
    }
    let essence = request.content_type().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(ApiError::new(
        Code::UnsupportedMediaType,
        "Send the body as JSON with `Content-Type: application/json`.",
    ))
}

/// Reads a JSON body that may be larger than those of [`JsonBody`].
///
/// # Errors
/// As [`JsonBody`].
pub async fn json_within<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: Payload,
    most: usize,
) -> Result<T, ApiError> {
    check_content_type(request)?;
    parse(&read(payload, most).await?)
}

async fn read(mut payload: Payload, most: usize) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            ApiError::new(Code::Unreadable, "The body ended early or is not encoded as its headers say.")
                .because(error)
        })?;
        if body.len() + chunk.len() > most {
            return Err(ApiError::new(
                Code::TooLarge,
                format!("A JSON body holds {} MiB at most.", most >> 20),
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads JSON: what is wrong with it is told with a pointer.
///
/// # Errors
/// 400 when it is no JSON, 422 when it is not what is asked for.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    // First as JSON at all: what is wrong further on must not be told before what cannot be read.
    serde_json::from_slice::<serde::de::IgnoredAny>(body).map_err(|error| unreadable(&error))?;
    if std::str::from_utf8(body).is_err() {
        return Err(ApiError::new(Code::Unreadable, "The body is not UTF-8, as JSON must be."));
    }
    if body.trim_ascii_start().first() != Some(&b'{') {
        // Serde would take a list for the fields in their order.
        return Err(ApiError::invalid("", "must be a JSON object"));
    }
    let value = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(body))
        .map_err(|error| fault(&error, body))?;
    if holds_nul(body) {
        return Err(ApiError::new(Code::Invalid, "Texts must not hold the character U+0000."));
    }
    Ok(value)
}

fn unreadable(error: &serde_json::Error) -> ApiError {
    ApiError::new(
        Code::Unreadable,
        format!(
            "The body is not JSON: it cannot be read from line {}, column {}.",
            error.line(),
            error.column()
        ),
    )
}

fn fault(error: &serde_path_to_error::Error<serde_json::Error>, body: &[u8]) -> ApiError {
    let inner = error.inner();
    // Skipping over a body is more lenient than reading it.
    if !inner.is_data() && serde_json::from_slice::<serde_json::Value>(body).is_err() {
        return unreadable(inner);
    }
    let mut pointer = pointer(error.path());
    let text = inner.to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    // The body is JSON; yet a number or null where a name belongs is a fault of syntax to serde_json.
    let reason = if inner.is_data() { reason } else { "must be one of the names that are known here" };
    // The path of an unknown or missing field ends at the object; its name stands in the text.
    if ["unknown field `", "missing field `", "duplicate field `"]
        .iter()
        .any(|start| reason.starts_with(start))
        && let Some(name) = reason.split('`').nth(1)
    {
        pointer = pointer.strip_suffix(&format!("/{}", escape(name))).map_or(pointer.clone(), str::to_owned);
        pointer.push('/');
        pointer.push_str(&escape(name));
    }
    ApiError::new(Code::Invalid, "The body does not have the form that is needed here. See `errors`.").with(
        FieldError {
            pointer: Some(pointer),
            reason: reason.chars().take(1000).collect(),
            ..FieldError::default()
        },
    )
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => escape(key),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&part);
    }
    pointer
}

/// RFC 6901.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Whether a text in valid JSON holds U+0000, which PostgreSQL does not store.
fn holds_nul(json: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = json.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        let escape = at + found;
        if json.get(escape..).is_some_and(|rest| rest.starts_with(b"\\u0000")) {
            return true;
        }
        at = escape + 2;
    }
    false
}

impl FromRequest for Replay {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(idempotency_key(request.headers()).map(|key| Self {
            key,
            method: request.method().to_string(),
            path: request.uri().path_and_query().map_or_else(String::new, ToString::to_string),
        }))
    }
}

/// `Idempotency-Key`, as a quoted string (the standard's form) or bare (what most clients send).
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all("idempotency-key");
    let Some(value) = values.next() else { return Ok(None) };
    let refuse = || header_fault("Idempotency-Key", "must be one text of 1 to 255 visible ASCII characters");
    if values.next().is_some() {
        return Err(refuse());
    }
    let text = value.to_str().map_err(|_| refuse())?.trim();
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let valid =
        (1..=255).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    if valid { Ok(Some(bare.to_owned())) } else { Err(refuse()) }
}

fn header_fault(name: &str, reason: &str) -> ApiError {
    ApiError::new(Code::Unreadable, format!("`{name}` {reason}.")).with(FieldError {
        pointer: Some(name.to_owned()),
        reason: reason.to_owned(),
        ..FieldError::default()
    })
}

/// Entity tags as this service writes them: `"v<version>"`.
pub fn etag(version: i64) -> String {
    format!("\"v{version}\"")
}

fn version_of(tag: &str) -> Option<i64> {
    let digits = tag.strip_prefix("\"v")?.strip_suffix('"')?;
    // Only the form that we write: no sign, no zero in front.
    digits.parse::<i64>().ok().filter(|version| version.to_string() == digits && *version > 0)
}

/// `If-Match`: the version that the caller has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfMatch(Option<String>);

impl IfMatch {
    /// The version that must still be the current one.
    ///
    /// # Errors
    /// 428 without the header or with `*`, which says nothing about what was read; 412 when it is not a
    /// tag that this service gives, for nothing can match it.
    pub fn required(&self) -> Result<i64, ApiError> {
        match self.0.as_deref() {
            None | Some("*") => Err(ApiError::new(
                Code::PreconditionRequired,
                "Read it first, and send its ETag in `If-Match`, so that no one else's change is lost.",
            )),
            Some(tag) => version_of(tag).ok_or_else(ApiError::stale),
        }
    }

    /// Compares with the current version.
    ///
    /// # Errors
    /// As [`Self::required`]; 412 when `current` is another one.
    pub fn check(&self, current: i64) -> Result<(), ApiError> {
        if self.required()? == current { Ok(()) } else { Err(ApiError::stale()) }
    }
}

impl FromRequest for IfMatch {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(single(request.headers(), &IF_MATCH, "If-Match").map(Self))
    }
}

fn single(
    headers: &HeaderMap,
    name: &actix_web::http::header::HeaderName,
    shown: &str,
) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all(name);
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| values.next().is_none() && !text.contains(','));
    text.map(|text| Some(text.trim().to_owned()))
        .ok_or_else(|| header_fault(shown, "must hold one entity tag"))
}

/// `If-None-Match`: versions that the caller has already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IfNoneMatch(Vec<String>);

impl IfNoneMatch {
    /// Whether the caller has this version.
    pub fn has(&self, version: i64) -> bool {
        let current = etag(version);
        self.0.iter().any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == current)
    }
}

impl FromRequest for IfNoneMatch {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let values = request.headers().get_all(IF_NONE_MATCH);
        let tags = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        ready(Ok(Self(tags.map(|tag| tag.trim().to_owned()).collect())))
    }
}

/// `Prefer: wait=20`: how long the caller would wait for work to end. Others are not known here and
/// ignored, as RFC 7240 wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefer {
    /// Seconds, 60 at most.
    pub wait_seconds: Option<u64>,
}

impl FromRequest for Prefer {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let values = request.headers().get_all("prefer").filter_map(|value| value.to_str().ok());
        let wait = values
            .flat_map(|value| value.split(','))
            .filter_map(|preference| preference.trim().split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
            .and_then(|(_, seconds)| seconds.trim().trim_matches('"').parse::<u64>().ok());
        ready(Ok(Self { wait_seconds: wait.map(|seconds| seconds.min(60)) }))
    }
}

/// An id in the path that is not one: there is nothing at this address.
pub fn path_config() -> web::PathConfig {
    web::PathConfig::default().error_handler(|_, _| ApiError::not_found().into())
}

/// Parameters that cannot be read.
pub fn query_config() -> web::QueryConfig {
    web::QueryConfig::default().error_handler(|error, _| {
        let text = match &error {
            actix_web::error::QueryPayloadError::Deserialize(error) => error.to_string(),
            _ => "unreadable".to_owned(),
        };
        ApiError::new(Code::Unreadable, format!("The parameters after `?` cannot be read: {text}.")).into()
    })
}
