//! Receiving a stranger's files: into memory, counted on the way, and within a time.

use crate::error::{ApiError, Code};
use crate::extract;
use crate::visits::{MOST_BYTES, MOST_FILES};
use actix_multipart::{Field, Multipart};
use actix_web::http::header::ContentDisposition;
use actix_web::{HttpMessage as _, HttpRequest, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use leakage_core::visit::VisitRequest;
use std::fmt::Display;
use std::time::Duration;
use utoipa::ToSchema;

/// How long the whole request may take to arrive: whoever is slow must not hold a place for long.
const ARRIVAL: Duration = Duration::from_secs(30);
/// Bytes of the part `request`.
const MOST_SAID: usize = 1 << 20;

/// The form of a request with files.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the form; its parts are read as they arrive")]
pub(super) struct VisitForm {
    /// A file; several parts of this name are several files.
    #[schema(format = Binary, content_media_type = "application/octet-stream", max_length = 10_485_760)]
    file: String,
    /// What the files do not say, as JSON.
    request: Option<VisitRequest>,
}

type Received = (VisitRequest, Vec<(String, Bytes)>);

/// Receives the files and what is said of them. A request without files is about the sample.
pub(super) async fn receive(request: &HttpRequest, payload: web::Payload) -> Result<Received, ApiError> {
    let essence = request.mime_type().ok().flatten();
    let is_form = essence.is_some_and(|mime| mime.essence_str() == "multipart/form-data");
    let receiving = async {
        if is_form {
            return form(request, payload).await;
        }
        let asked = extract::json_within(request, payload.into_inner(), MOST_BYTES).await?;
        Ok((asked, Vec::new()))
    };
    let received = tokio::time::timeout(ARRIVAL, receiving).await;
    received.map_err(|_| {
        let seconds = ARRIVAL.as_secs();
        ApiError::new(
            Code::Unreadable,
            format!("The request did not arrive within {seconds} seconds. Send less."),
        )
    })?
}

async fn form(request: &HttpRequest, payload: web::Payload) -> Result<Received, ApiError> {
    let mut parts = Multipart::new(request.headers(), payload);
    let (mut asked, mut files, mut room) = (None, Vec::new(), MOST_BYTES);
    while let Some(part) = parts.next().await {
        let part = part.map_err(broken)?;
        match part.name() {
            Some("file") if files.len() < MOST_FILES => {
                let given = part.content_disposition().and_then(ContentDisposition::get_filename);
                let name = file_name(given, files.len());
                let bytes = bytes(part, &mut room).await?;
                files.push((name, bytes));
            }
            Some("file") => {
                return Err(ApiError::invalid("file", format!("Send at most {MOST_FILES} files at once.")));
            }
            Some("request") if asked.is_none() => {
                let text = bytes(part, &mut MOST_SAID.min(room)).await?;
                asked = Some(extract::parse::<VisitRequest>(&text)?);
            }
            Some("request") => return Err(ApiError::invalid("request", "Send this part once.")),
            _ => {
                let reason = "The form has no such field; its fields are file and request.";
                let name = part.name().unwrap_or_default();
                return Err(ApiError::invalid(name.chars().take(100).collect::<String>(), reason));
            }
        }
    }
    let asked = asked.unwrap_or_default();
    if files.is_empty() {
        return Err(ApiError::invalid("file", "The form has no part `file`."));
    }
    if let Some(index) = asked.files.iter().position(|said| said.text.is_some()) {
        let reason = "A text stands for a file of the sample; with files of your own, send it as one.";
        return Err(ApiError::invalid(format!("/files/{index}/text"), reason));
    }
    Ok((asked, files))
}

/// The bytes of a part, as long as there is room.
async fn bytes(mut part: Field, room: &mut usize) -> Result<Bytes, ApiError> {
    let mut all = BytesMut::new();
    while let Some(chunk) = part.next().await {
        let chunk = chunk.map_err(broken)?;
        *room = room.checked_sub(chunk.len()).ok_or_else(|| {
            let most = MOST_BYTES >> 20;
            ApiError::new(
                Code::TooLarge,
                format!("The files have more than {most} MB together. Send one month or a few clients."),
            )
        })?;
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}

fn broken(error: impl Display) -> ApiError {
    ApiError::new(
        Code::Unreadable,
        format!("The upload ended early or is not encoded as its headers say: {error}."),
    )
}

/// The last part of the name that was given. Names are how answers speak of files, so each needs one.
fn file_name(given: Option<&str>, index: usize) -> String {
    let last = given.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).take(300).collect();
    if name.trim().is_empty() { format!("file {}", index + 1) } else { name }
}
