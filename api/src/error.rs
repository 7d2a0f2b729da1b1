//! The one error that a handler answers with, and its form on the wire: RFC 9457
//! `application/problem+json`. Every code, its status and its title stand in one table.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use leakage_core::correction::Refusal;
use leakage_core::correction::refusal;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// Where the `type` of a problem points: a path of this service, so that it resolves offline.
pub const TYPE_BASE: &str = "/docs/errors#";

/// What a 401 asks for (RFC 9110, section 15.5.2; RFC 6750, section 3).
const CHALLENGE: &str = "Bearer realm=\"Leakage Finder\"";

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $title:literal, retry $retry:literal;)+) => {
        /// Stable names of everything that can go wrong. New ones may be added.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)+ }

        impl Code {
            /// All codes, for the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            const fn row(self) -> (&'static str, u16, &'static str, bool) {
                match self { $(Self::$variant => ($code, $status, $title, $retry),)+ }
            }
        }
    };
}

codes! {
    /// The body is not JSON, or a header or parameter cannot be read.
    Unreadable = "unreadable_request", 400, "The request cannot be read", retry false;
    /// No credentials, or they are not valid (any more).
    Unauthenticated = "unauthenticated", 401, "Credentials are missing or not valid", retry false;
    /// E-mail address and password do not match an account.
    InvalidCredentials = "invalid_credentials", 401, "E-mail address or password is wrong", retry false;
    /// The code of the second factor is wrong, or was used.
    SecondFactorWrong = "second_factor_wrong", 401, "The code is wrong or was used", retry false;
    /// The second factor was not shown, or is not set up.
    SecondFactorMissing = "second_factor_missing", 403, "A second factor is needed", retry false;
    /// The role in this organization is not enough.
    InsufficientRole = "insufficient_role", 403, "Your role does not allow this", retry false;
    /// The API key lacks the scope.
    InsufficientScope = "insufficient_scope", 403, "This API key's scopes do not allow this", retry false;
    /// A client's link is not for this.
    LinkLimited = "link_limited", 403, "This link does not allow this", retry false;
    /// A client's link could be anyone's, or its contact is new: no waiver is confirmed through it.
    LinkUnauthenticated = "link_unauthenticated", 403, "This link cannot confirm a waiver", retry false;
    /// Absent, or another organization's.
    NotFound = "not_found", 404, "There is no such thing here", retry false;
    /// The path exists, the method does not.
    MethodNotAllowed = "method_not_allowed", 405, "This method is not allowed here", retry false;
    /// The state of the thing does not allow this.
    Conflict = "conflict", 409, "The current state does not allow this", retry false;
    /// No audit has looked at this.
    NotAudited = "not_audited", 409, "No audit has looked at this", retry false;
    /// There is no mail server to send with.
    MailNotConfigured = "mail_not_configured", 409, "No mail server is configured", retry false;
    /// Nothing is sent to a webhook endpoint.
    WebhookDisabled = "webhook_endpoint_disabled", 409, "The webhook endpoint is disabled", retry false;
    /// A name or key is taken.
    AlreadyExists = "already_exists", 409, "There is one already", retry false;
    /// The same Idempotency-Key is being worked on.
    IdempotencyInFlight = "idempotency_in_flight", 409, "A request with this Idempotency-Key is still running", retry true;
    /// The code that was mailed is of no use any more.
    CodeEnded = "code_ended", 409, "The code cannot be used any more", retry false;
    /// A client's link was revoked, or its days are over.
    LinkEnded = "link_ended", 410, "This link has ended", retry false;
    /// The thing changed since it was read.
    VersionMismatch = "version_mismatch", 412, "It has changed since you read it", retry false;
    /// The body is larger than allowed.
    TooLarge = "too_large", 413, "The body is too large", retry false;
    /// The content type is not one that is read here.
    UnsupportedMediaType = "unsupported_media_type", 415, "This content type is not read here", retry false;
    /// Readable, but a value is not valid.
    Invalid = "validation_failed", 422, "A value is not valid", retry false;
    /// The same Idempotency-Key came with another request.
    IdempotencyReused = "idempotency_key_reused", 422, "This Idempotency-Key belongs to another request", retry false;
    /// The uploaded file cannot be read as any known format.
    FileUnreadable = "file_unreadable", 422, "The file cannot be read", retry false;
    /// Rows of the uploaded file were refused.
    RowsRefused = "rows_refused", 422, "Rows of the file were refused", retry false;
    /// A template of a letter breaks the rules that every letter keeps.
    TemplateRefused = "template_refused", 422, "The template breaks rules", retry false;
    /// A letter would say too little, or contradict itself.
    LetterIncomplete = "letter_incomplete", 422, "The letter cannot be written from these facts", retry false;
    /// A mail server does not take the message.
    MailRefused = "mail_refused", 422, "The mail server refused the message", retry false;
    /// Another code was mailed.
    CodeWrong = "code_wrong", 422, "The code is not right", retry false;
    /// If-Match is required.
    PreconditionRequired = "precondition_required", 428, "If-Match is required", retry false;
    /// Too many requests.
    RateLimited = "rate_limited", 429, "Too many requests", retry true;
    /// A fault of ours.
    Internal = "internal_error", 500, "Something went wrong on our side", retry true;
    /// Something that we need is not there right now.
    Unavailable = "unavailable", 503, "The service is not ready", retry true;
}

impl Code {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// From the name on the wire.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The title: the same for every problem of this code.
    pub const fn title(self) -> &'static str {
        self.row().2
    }

    /// Whether the same request may succeed later.
    pub const fn retryable(self) -> bool {
        self.row().3
    }
}

/// One fault inside a request or an uploaded file.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct FieldError {
    /// JSON pointer into the request body, or the name of a parameter or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub pointer: Option<String>,
    /// Line of the uploaded file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 4_294_967_295_i64)]
    pub line: Option<u32>,
    /// Column of the uploaded file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub column: Option<String>,
    /// The value that was refused, cut to 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub value: Option<String>,
    /// What is wrong with it, and what would be right.
    #[schema(max_length = 1000)]
    pub reason: String,
    /// Stable name of the single fault, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub code: Option<String>,
}

/// The body of every error: RFC 9457 problem details.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Resolves in this service's documentation.
    #[serde(rename = "type")]
    #[schema(example = "/docs/errors#not_found", max_length = 200)]
    pub kind: String,
    /// The same for every problem of this code.
    #[schema(max_length = 200)]
    pub title: String,
    /// HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened this time, and what to do.
    #[schema(max_length = 2000)]
    pub detail: String,
    /// Stable name. New ones may be added.
    #[schema(example = "not_found", max_length = 64)]
    pub code: String,
    /// The request's id, as in `X-Request-Id`.
    #[schema(max_length = 64)]
    pub request_id: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// The single faults, where there are several or they have a place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 1000)]
    pub errors: Vec<FieldError>,
}

/// What a handler answers with when it does not succeed.
///
/// `detail` and `errors` go to the caller; `source` goes to the log, once, at the boundary.
#[derive(Debug)]
pub struct ApiError {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    retry_after_seconds: Option<u64>,
    location: Option<String>,
    refusal: Option<refusal::Code>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ApiError {
    /// A problem of this code. `detail` says what happened and what to do; never SQL, paths or secrets.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_seconds: None,
            location: None,
            refusal: None,
            source: None,
        }
    }

    /// Absent, or another organization's: the two look the same.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "Nothing with this address exists in your organization.")
    }

    /// A change that was based on an older version.
    pub fn stale() -> Self {
        Self::new(
            Code::VersionMismatch,
            "It was changed since you read it. Read it again, then send your change with its ETag in `If-Match`.",
        )
    }

    /// A value in the body is not valid.
    pub fn invalid(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::new(Code::Invalid, reason.clone()).with(FieldError {
            pointer: Some(pointer.into()),
            reason,
            ..FieldError::default()
        })
    }

    /// A fault of ours; the source is logged, the caller sees a fixed text.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let mut error =
            Self::new(Code::Internal, "It has been recorded under this request id. Please try again later.");
        error.source = Some(source.into());
        error
    }

    /// Adds one fault.
    #[must_use]
    pub fn with(mut self, error: FieldError) -> Self {
        self.errors.push(error);
        self
    }

    /// Adds faults.
    #[must_use]
    pub fn with_all(mut self, errors: impl IntoIterator<Item = FieldError>) -> Self {
        self.errors.extend(errors);
        self
    }

    /// Tells when to come back.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// Tells where what is spoken of can be read.
    #[must_use]
    pub fn at(mut self, location: impl Into<String>) -> Self {
        self.location = Some(location.into());
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Which code.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The stable name on the wire: of a refused command, the command's own.
    pub const fn name(&self) -> &'static str {
        match self.refusal {
            Some(code) => code.as_str(),
            None => self.code.as_str(),
        }
    }

    /// What the caller is told.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The single faults.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// The body, for the place that writes it (and for jobs, which store it).
    pub fn problem(&self, request_id: &str) -> Problem {
        Problem {
            kind: format!("{TYPE_BASE}{}", self.name()),
            title: self.code.title().to_owned(),
            status: self.code.status().as_u16(),
            detail: self.detail.clone(),
            code: self.name().to_owned(),
            request_id: request_id.to_owned(),
            retryable: self.code.retryable(),
            errors: self.errors.clone(),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), self.detail)
    }
}

impl std::error::Error for ApiError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

/// What the refusal of a command means for HTTP.
pub const fn refused_as(code: refusal::Code) -> Code {
    match code {
        refusal::Code::CommandNotAllowed
        | refusal::Code::InAnotherCorrection
        | refusal::Code::AlreadySettled
        | refusal::Code::PlanExists
        | refusal::Code::ReceiptDiffers
        | refusal::Code::ReceiptDateDiffers
        | refusal::Code::ReceiptInstalmentDiffers
        | refusal::Code::ReceiptState
        | refusal::Code::ConfirmationUsed => Code::Conflict,
        refusal::Code::AdminRequired | refusal::Code::PersonRequired => Code::InsufficientRole,
        _ => Code::Invalid,
    }
}

impl From<Refusal> for ApiError {
    /// Everything that is missing, each with its own code; the weightiest gives its name to the problem.
    fn from(refusal: Refusal) -> Self {
        let faults = refusal.faults().map(|fault| FieldError {
            reason: fault.detail.clone(),
            code: Some(fault.code.as_str().to_owned()),
            ..FieldError::default()
        });
        let mut error = Self::new(refused_as(refusal.code()), refusal.to_string()).with_all(faults);
        error.refusal = Some(refusal.code());
        error
    }
}

impl From<crate::storage::StorageError> for ApiError {
    fn from(error: crate::storage::StorageError) -> Self {
        Self::internal(error)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    /// The middleware `middleware::problem` fills in the request id.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.code.status()).json(self.problem(""));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.code.status() == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(location) = self.location.as_ref().and_then(|location| location.parse().ok()) {
            headers.insert(LOCATION, location);
        }
        response
    }
}
