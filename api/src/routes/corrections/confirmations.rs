//! What clients wrote: attached as files, read back as they came.

use super::commands::amount;
use super::view::Correction;
use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::{ApiError, Code};
use crate::extract::IfMatch;
use crate::routes::respond;
use crate::services::corrections::{self, Beside, acting};
use crate::services::idempotency::{Replay, Reply, once};
use crate::services::text;
use crate::storage::corrections::records::{self, AttachedFile};
use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, get, post, web};
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use leakage_core::correction::command::Command;
use leakage_core::correction::policy::{Channel, Said};
use leakage_core::correction::state::Action;
use leakage_core::correction::waiver::ConfirmationKind;
use leakage_core::digest;
use leakage_core::id::CorrectionId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

/// Bytes of a file at most.
const LARGEST: usize = 10 * 1024 * 1024;

/// Registers the operations.
pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(attach_confirmation).service(get_confirmation);
}

/// What is said of the file.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ConfirmationQuery {
    /// `waiver`, `acceptance`, `withdrawal` (of a confirmation) or `other`.
    kind: ConfirmationKind,
    /// Who wrote it.
    #[param(max_length = 300, example = "Casey Client")]
    said_by: String,
    /// How it came.
    channel: Channel,
    /// When it was written.
    said_at: DateTime<Utc>,
    /// The money that it speaks of, where it names any, in the correction's currency.
    #[param(max_length = 40, example = "352.00")]
    amount: Option<String>,
    /// Name of the file.
    #[param(max_length = 300, example = "confirmation.pdf")]
    file_name: Option<String>,
}

async fn received(mut payload: web::Payload) -> Result<Bytes, ApiError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk
            .map_err(|error| ApiError::new(Code::Unreadable, format!("The upload ended early: {error}.")))?;
        if body.len() + chunk.len() > LARGEST {
            return Err(ApiError::new(Code::TooLarge, "The file holds 10 MiB at most."));
        }
        body.extend_from_slice(&chunk);
    }
    if body.is_empty() {
        return Err(ApiError::new(Code::Unreadable, "The file is empty. Send it as the body."));
    }
    Ok(body.freeze())
}

/// Attach what the client wrote
///
/// The file is the body. A waiver needs one of kind `waiver`, of its own. Those of kind `waiver` and `withdrawal`
/// must be in writing, not by `phone` or in a `meeting`. Files that come this way count as the client's; what a
/// link that you handed out yourself brings does not. Needs `If-Match`.
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("corrections:write"))),
    request_body(content = String, content_type = "application/octet-stream", description = "The file."),
    params(("correction_id" = CorrectionId, Path, description = "The correction"), ConfirmationQuery,
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "The correction as it is now", body = Correction)))]
#[post("/corrections/{correction_id}/confirmations")]
async fn attach_confirmation(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCorrections>,
    replay: Replay,
    (path, version): (web::Path<CorrectionId>, IfMatch),
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let query = query(&app, &actor, *path, &request).await?;
    written(&query)?;
    let bytes = received(payload).await?;
    let digest: [u8; 32] = Sha256::digest(&bytes).into();
    let sha256 = digest::text(&digest);
    let file = file(&query, &request, bytes.len())?;
    let stream = futures_util::stream::once(std::future::ready(Ok::<_, std::io::Error>(bytes)));
    app.objects
        .put_stream(&corrections::writing_key(actor.org, &sha256), stream)
        .await
        .map_err(ApiError::internal)?;
    let replied = once(&app, &actor, &replay, &digest, async |tx| {
        let loaded = corrections::load_for(tx, *path, version, Action::AttachConfirmation).await?;
        let command = Command::AttachConfirmation {
            kind: query.kind,
            sha256: sha256.clone(),
            said: Said {
                by: text::short("said_by", &query.said_by, 300)?,
                channel: query.channel,
                at: query.said_at,
            },
            authenticated: query.channel != Channel::Link,
            minor: amount("amount", query.amount.as_deref(), &loaded)?,
        };
        let detail = serde_json::to_value(&query).map_err(ApiError::internal)?;
        let beside = Beside { detail, file: Some(file.clone()), ..Beside::default() };
        let moved = corrections::apply(&app, tx, &acting(&actor), loaded, (&command, None), beside).await?;
        Reply::ok(Some(moved.row.version), &Correction::of(&moved)?)
    })
    .await?;
    Ok(respond(replied))
}

/// Whoever asks for another organization's correction hears that there is none, not what is wrong with the
/// parameters.
async fn query(
    app: &App,
    actor: &Allowed<perm::WriteCorrections>,
    id: CorrectionId,
    request: &HttpRequest,
) -> Result<ConfirmationQuery, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    corrections::load(&mut tx, id).await?;
    tx.commit().await?;
    let query = web::Query::<ConfirmationQuery>::from_query(request.query_string());
    query.map(web::Query::into_inner).map_err(|error| {
        ApiError::new(Code::Unreadable, format!("The parameters after `?` cannot be read: {error}."))
    })
}

/// Money is given up, or claimed again, on what the client wrote: what it said by word of mouth bears neither.
/// What comes through a link is attached, but not taken for the client's.
fn written(query: &ConfirmationQuery) -> Result<(), ApiError> {
    let needed = matches!(query.kind, ConfirmationKind::Waiver | ConfirmationKind::Withdrawal);
    if needed && matches!(query.channel, Channel::Phone | Channel::Meeting) {
        return Err(ApiError::invalid(
            "channel",
            "The client must have written it: by `email`, `letter`, `ticket` or `link`. Ask for it in writing.",
        ));
    }
    Ok(())
}

fn file(query: &ConfirmationQuery, request: &HttpRequest, size: usize) -> Result<AttachedFile, ApiError> {
    let essence = request.mime_type().ok().flatten().map(|mime| mime.essence_str().to_owned());
    Ok(AttachedFile {
        file_name: text::short("file_name", query.file_name.as_deref().unwrap_or("confirmation"), 300)?,
        content_type: essence.map(|text| text.chars().take(200).collect()),
        size_bytes: i64::try_from(size).map_err(ApiError::internal)?,
    })
}

/// Read what the client wrote
///
/// The file as it came.
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("correction_id" = CorrectionId, Path, description = "The correction"),
           ("confirmation_number" = i32, Path, description = "Number of the writing", minimum = 1)),
    responses((status = 200, description = "The file", body = String, content_type = "application/octet-stream")))]
#[get("/corrections/{correction_id}/confirmations/{confirmation_number}")]
async fn get_confirmation(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<(CorrectionId, i32)>,
) -> Result<HttpResponse, ApiError> {
    let (id, number) = *path;
    let mut tx = app.db.begin(actor.org).await?;
    let found = records::confirmation(&mut tx, id, number).await?;
    let (sha256, file) = found.ok_or_else(ApiError::not_found)?;
    // The store may be slow: no transaction waits for it.
    tx.commit().await?;
    let bytes = app
        .objects
        .get_bytes(&corrections::writing_key(actor.org, &sha256))
        .await
        .map_err(ApiError::internal)?;
    // Never shown by a browser as a page of ours, whatever the client sent.
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(file.file_name)],
    };
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(bytes))
}
