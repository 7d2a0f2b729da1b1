//! The uploaded file of an import: download it, remove it.

use super::view::{self, Import};
use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::{ApiError, Code};
use crate::extract::{IfMatch, etag};
use crate::services::imports;
use actix_web::http::header::{
    self, Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue,
};
use actix_web::{HttpResponse, delete, get, web};
use leakage_core::id::ImportId;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers what concerns the file.
pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(get_import_file).service(remove_import_file);
}

/// Download an import's original file
///
/// Byte for byte as it was uploaded. 409 when it was removed.
#[utoipa::path(
    tag = "imports",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("import_id" = ImportId, Path, description = "The import.")),
    responses((status = 200, description = "The file.", body = view::FileBytes, content_type = "application/octet-stream")),
)]
#[get("/imports/{import_id}/file")]
async fn get_import_file(
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    path: web::Path<ImportId>,
) -> Result<HttpResponse, ApiError> {
    let row = super::find(&app, &actor, *path).await?;
    if let Some(at) = row.file_erased_at {
        let on = at.date_naive();
        return Err(ApiError::new(
            Code::Conflict,
            format!("The file was removed on {on}. What was read from it is still there."),
        ));
    }
    let key = imports::object_key(actor.org, &row.sha256);
    let (size, stream) = app.objects.get_stream(&key).await.map_err(ApiError::internal)?;
    // Never the uploader's content type: a browser must not run what someone uploaded.
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header(attachment(row.file_name))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .no_chunking(size)
        .streaming(stream))
}

/// The header that names a download: plain ASCII for every client, and the name itself in the form of
/// RFC 6266 for those that know it.
fn attachment(name: String) -> ContentDisposition {
    let plain: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let mut parameters = vec![DispositionParam::Filename(plain)];
    if !name.is_ascii() {
        parameters.push(DispositionParam::FilenameExt(ExtendedValue {
            charset: Charset::Ext("UTF-8".to_owned()),
            language_tag: None,
            value: name.into_bytes(),
        }));
    }
    ContentDisposition { disposition: DispositionType::Attachment, parameters }
}

/// Remove an import's original file
///
/// For files that keep a person who asked to be forgotten: the erasure lists them. What was read from the file stays and
/// counts as before, and so does its digest, by which the same file is known again; uploading it again brings it back.
/// The files of other imports of the same bytes are the same file. 409 while one of them is still to be read. Needs
/// `If-Match`.
#[utoipa::path(
    tag = "imports",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("organization:manage"))),
    params(("import_id" = ImportId, Path, description = "The import."),
           ("If-Match" = String, Header, description = "ETag of the version that you read.", max_length = 100)),
    responses((status = 200, description = "The import without its file.", body = Import)),
)]
#[delete("/imports/{import_id}/file")]
async fn remove_import_file(
    app: web::Data<App>,
    actor: Allowed<perm::ManageOrganization>,
    path: web::Path<ImportId>,
    version: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let mut tx = app.db.begin(actor.org).await?;
    let import = Import::from(imports::erase_file(&app, &mut tx, &actor, *path, version).await?);
    tx.commit().await?;
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(import.version))).json(import))
}
