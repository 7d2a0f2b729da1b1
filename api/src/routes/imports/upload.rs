//! Receiving an uploaded file: from the socket to a temporary file, counted and hashed on the way, so
//! that memory does not grow with it.

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::services::imports::{ImportAnswers, ProfileAnswer, ReceivedFile};
use actix_multipart::{Field, Multipart};
use actix_web::http::header::{CONTENT_DISPOSITION, ContentDisposition, Header as _};
use actix_web::{HttpMessage as _, HttpRequest, web};
use bytes::Bytes;
use chrono::NaiveDate;
use futures_util::{Stream, StreamExt as _};
use leakage_core::digest;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::fmt::Display;
use std::future::Future;
use std::str::FromStr;
use std::time::Duration;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;
use utoipa::{IntoParams, ToSchema};

/// How long an upload may pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What the uploader may say of a file in the address.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct UploadQuery {
    /// Whose file it is, for files that name no client: a name, or the id of a client.
    #[param(max_length = 300, example = "Contoso")]
    client: Option<String>,
    /// Order of day and month, `dmy` or `mdy`, for files that do not show it.
    #[param(max_length = 3, example = "mdy")]
    date_order: Option<String>,
    /// Currency of the prices, for files that do not name it.
    #[param(max_length = 3, example = "USD")]
    currency: Option<String>,
    /// Id or name of the import profile to read it with, whatever else it looks like.
    #[param(max_length = 300, example = "Acme PSA invoices")]
    profile: Option<String>,
    /// When an invoice without a service period charges its months: `advance` or `arrears`.
    #[param(max_length = 7, example = "arrears")]
    invoice_timing: Option<String>,
    /// Day that a snapshot shows; the day of the upload when not stated.
    #[param(max_length = 10, example = "2026-11-01")]
    snapshot_on: Option<String>,
    /// Go on without the refused rows: `true` or `false`.
    #[param(max_length = 5, example = "false")]
    accept_partial: Option<String>,
    /// `true`: only tell what the file would be read as, and keep nothing.
    #[param(max_length = 5, example = "false")]
    dry_run: Option<String>,
    /// Name of a file that comes as the raw body.
    #[param(max_length = 300, example = "billing.csv")]
    file_name: Option<String>,
}

/// The form of an upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the form; its parts are read as they arrive")]
pub(super) struct UploadForm {
    /// The file.
    #[schema(format = Binary, content_media_type = "application/octet-stream", max_length = 536_870_912)]
    file: String,
    /// Whose file it is, for files that name no client: a name, or the id of a client.
    #[schema(max_length = 300)]
    client: Option<String>,
    /// Order of day and month, for files that do not show it.
    #[schema(max_length = 3, pattern = "^(dmy|mdy)$")]
    date_order: Option<String>,
    /// Currency of the prices, for files that do not name it.
    #[schema(max_length = 3, pattern = "^[A-Za-z]{3}$")]
    currency: Option<String>,
    /// Id or name of the import profile to read it with, whatever else it looks like.
    #[schema(max_length = 300)]
    profile: Option<String>,
    /// When an invoice without a service period charges its months.
    #[schema(max_length = 7, pattern = "^(advance|arrears)$")]
    invoice_timing: Option<String>,
    /// Day that a snapshot shows; the day of the upload when not stated.
    snapshot_on: Option<NaiveDate>,
    /// Go on without the refused rows.
    accept_partial: Option<bool>,
    /// Only tell what the file would be read as, and keep nothing.
    dry_run: Option<bool>,
}

/// A file received whole, and what was said of it.
pub(super) struct Upload {
    pub(super) answers: ImportAnswers,
    /// Only tell what the file would be read as.
    pub(super) dry_run: bool,
    pub(super) sha256: String,
    file_name: String,
    content_type: Option<String>,
    size_bytes: u64,
    /// Removed when this is dropped.
    temporary: NamedTempFile,
}

impl Upload {
    pub(super) fn file(&self) -> ReceivedFile<'_> {
        ReceivedFile {
            file_name: &self.file_name,
            content_type: self.content_type.as_deref(),
            size_bytes: self.size_bytes,
            sha256: &self.sha256,
            path: self.temporary.path(),
        }
    }
}

/// Receives the file of a form or of a raw body.
pub(super) async fn receive(
    app: &App,
    request: &HttpRequest,
    mut said: UploadQuery,
    payload: web::Payload,
) -> Result<Upload, ApiError> {
    let essence = request.mime_type().ok().flatten();
    let limit = app.config.limits.upload_bytes;
    let (body, name, content_type) =
        if essence.as_ref().is_some_and(|mime| mime.essence_str() == "multipart/form-data") {
            form(request, &mut said, payload, limit).await?
        } else {
            let name = said.file_name.clone().or_else(|| disposition_name(request));
            let body = Received::of(payload, limit).await?;
            (body, name, essence.map(|mime| mime.essence_str().to_owned()))
        };
    if body.size_bytes == 0 {
        return Err(ApiError::new(Code::FileUnreadable, "The file is empty: there is nothing to import."));
    }
    Ok(Upload {
        answers: answers(&said)?,
        dry_run: parsed("dry_run", said.dry_run.as_deref(), "Write true or false.")?.unwrap_or(false),
        sha256: body.sha256,
        file_name: file_name(name),
        content_type: content_type.map(|text| text.chars().take(200).collect()),
        size_bytes: body.size_bytes,
        temporary: body.temporary,
    })
}

/// Bytes in a temporary file.
struct Received {
    temporary: NamedTempFile,
    size_bytes: u64,
    sha256: String,
}

impl Received {
    async fn of<E: Display>(
        stream: impl Stream<Item = Result<Bytes, E>>,
        limit: u64,
    ) -> Result<Self, ApiError> {
        let temporary = NamedTempFile::new().map_err(ApiError::internal)?;
        let handle = temporary.reopen().map_err(ApiError::internal)?;
        let mut file = tokio::io::BufWriter::with_capacity(256 * 1024, tokio::fs::File::from_std(handle));
        let (mut digest, mut size_bytes) = (Sha256::new(), 0_u64);
        let mut stream = std::pin::pin!(stream);
        while let Some(chunk) = in_time(stream.next()).await? {
            let chunk = chunk.map_err(broken)?;
            size_bytes += u64::try_from(chunk.len()).map_err(ApiError::internal)?;
            if size_bytes > limit {
                return Err(ApiError::new(
                    Code::TooLarge,
                    format!("A file holds at most {limit} bytes. Split the export by month or by client."),
                ));
            }
            digest.update(&chunk);
            file.write_all(&chunk).await.map_err(ApiError::internal)?;
        }
        file.flush().await.map_err(ApiError::internal)?;
        Ok(Self { temporary, size_bytes, sha256: digest::text(&digest.finalize()) })
    }
}

/// Waits for the next piece, but not for ever: whoever sends nothing must not hold a file and a connection.
async fn in_time<T>(piece: impl Future<Output = T>) -> Result<T, ApiError> {
    tokio::time::timeout(LONGEST_PAUSE, piece).await.map_err(|_| {
        let seconds = LONGEST_PAUSE.as_secs();
        ApiError::new(Code::Unreadable, format!("The upload stopped for {seconds} seconds. Send it again."))
    })
}

fn broken(error: impl Display) -> ApiError {
    ApiError::new(
        Code::Unreadable,
        format!("The upload ended early or is not encoded as its headers say: {error}."),
    )
}

type ReceivedForm = (Received, Option<String>, Option<String>);

/// Reads the parts of a form as they arrive.
async fn form(
    request: &HttpRequest,
    said: &mut UploadQuery,
    payload: web::Payload,
    limit: u64,
) -> Result<ReceivedForm, ApiError> {
    let mut parts = Multipart::new(request.headers(), payload);
    let mut received: Option<ReceivedForm> = None;
    while let Some(part) = in_time(parts.next()).await? {
        let part = part.map_err(broken)?;
        let name = part.name().unwrap_or_default().to_owned();
        if name == "file" {
            if received.is_some() {
                return Err(ApiError::invalid("file", "Upload one file at a time."));
            }
            let file_name =
                part.content_disposition().and_then(ContentDisposition::get_filename).map(str::to_owned);
            let content_type = part.content_type().map(|mime| mime.essence_str().to_owned());
            received = Some((Received::of(part, limit).await?, file_name, content_type));
            continue;
        }
        let slot = match name.as_str() {
            "client" => &mut said.client,
            "date_order" => &mut said.date_order,
            "currency" => &mut said.currency,
            "profile" => &mut said.profile,
            "invoice_timing" => &mut said.invoice_timing,
            "snapshot_on" => &mut said.snapshot_on,
            "accept_partial" => &mut said.accept_partial,
            "dry_run" => &mut said.dry_run,
            _ => {
                let known = "file, client, date_order, currency, profile, invoice_timing, snapshot_on, accept_partial and dry_run";
                return Err(ApiError::invalid(
                    name.chars().take(100).collect::<String>(),
                    format!("The form has no such field; its fields are {known}."),
                ));
            }
        };
        if slot.is_some() {
            return Err(ApiError::invalid(name, "Say it once: in the address or in one part of the form."));
        }
        *slot = Some(text(part).await?);
    }
    received.ok_or_else(|| ApiError::invalid("file", "The form has no part `file`."))
}

/// A short text part.
async fn text(mut part: Field) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = in_time(part.next()).await? {
        bytes.extend_from_slice(&chunk.map_err(broken)?);
        if bytes.len() > 4096 {
            return Err(ApiError::new(Code::TooLarge, "A field of the form is too long."));
        }
    }
    String::from_utf8(bytes)
        .map_err(|_| ApiError::new(Code::Unreadable, "A field of the form is not UTF-8 text."))
}

fn parsed<T: FromStr>(name: &str, value: Option<&str>, right: &str) -> Result<Option<T>, ApiError> {
    let value = value.map(str::trim).filter(|value| !value.is_empty());
    value.map(|value| value.parse().map_err(|_| ApiError::invalid(name, right))).transpose()
}

fn answers(said: &UploadQuery) -> Result<ImportAnswers, ApiError> {
    let client = said.client.as_deref().map(str::trim).filter(|client| !client.is_empty());
    Ok(ImportAnswers {
        client: client.map(str::to_owned),
        date_order: parsed("date_order", said.date_order.as_deref(), "Write dmy or mdy.")?,
        currency: parsed(
            "currency",
            said.currency.as_deref(),
            "Write a code of three letters, such as USD.",
        )?,
        invoice_timing: parsed(
            "invoice_timing",
            said.invoice_timing.as_deref(),
            "Write advance or arrears.",
        )?,
        profile: said
            .profile
            .as_deref()
            .map(str::trim)
            .filter(|profile| !profile.is_empty())
            .map(|profile| ProfileAnswer::Saved(profile.to_owned())),
        save_as: None,
        snapshot_on: parsed("snapshot_on", said.snapshot_on.as_deref(), "Write the day as 2026-11-22.")?,
        accept_partial: parsed("accept_partial", said.accept_partial.as_deref(), "Write true or false.")?
            .unwrap_or(false),
    })
}

fn disposition_name(request: &HttpRequest) -> Option<String> {
    request.headers().contains_key(CONTENT_DISPOSITION).then_some(())?;
    ContentDisposition::parse(request).ok()?.get_filename().map(str::to_owned)
}

/// Whether a character cannot be seen or turns the text around it, so that a name reads as another one.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The last part of the name that was given, without what could hurt a terminal or a header.
fn file_name(given: Option<String>) -> String {
    let given = given.unwrap_or_default();
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !is_unseen(*c) && *c != '"').take(300).collect();
    let clean = clean.trim();
    if clean.chars().all(|c| c == '.') { "upload".to_owned() } else { clean.to_owned() }
}
