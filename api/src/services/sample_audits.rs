//! The audit that anyone can look at: of the built-in sample, or of a stranger's own files. Nothing of
//! theirs is kept, on disk or in a log.

use crate::app::App;
use crate::error::{ApiError, Code, FieldError};
use crate::visits::{Job, Visits};
use bytes::Bytes;
use leakage_core::sample;
use leakage_core::visit::VisitRequest;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The answers of the built-in sample: the document alone, and with the explanation of each gap.
struct Builtin {
    plain: Bytes,
    explained: BTreeMap<String, Bytes>,
}

/// Made once in a process: nothing of it can change.
fn builtin() -> Result<&'static Builtin, ApiError> {
    static BUILTIN: OnceLock<Result<Builtin, String>> = OnceLock::new();
    let made = BUILTIN.get_or_init(|| make().map_err(|error| error.to_string()));
    made.as_ref().map_err(|error| ApiError::internal(error.clone()))
}

fn make() -> Result<Builtin, Box<dyn std::error::Error>> {
    let answer = sample::audit(&VisitRequest::default())?;
    let mut explained = BTreeMap::new();
    for gap in answer.audit.iter().flat_map(|document| &document.gaps) {
        let asked = VisitRequest { explain: Some(gap.id.clone()), ..VisitRequest::default() };
        explained.insert(gap.id.clone(), serde_json::to_vec(&sample::audit(&asked)?)?.into());
    }
    Ok(Builtin { plain: serde_json::to_vec(&answer)?.into(), explained })
}

/// Makes the sample's answers before anyone asks, on a thread of its own.
pub fn warm() {
    std::thread::spawn(|| {
        if let Err(error) = builtin() {
            tracing::error!(error = &error as &dyn std::error::Error, "the sample cannot be audited");
        }
    });
}

/// The JSON of the sample's answer, with the explanation of a gap where one is named.
///
/// # Errors
/// 400 when the sample has no such gap.
pub async fn of_sample(explain: Option<String>) -> Result<Bytes, ApiError> {
    let builtin = tokio::task::spawn_blocking(builtin).await.map_err(ApiError::internal)??;
    let Some(gap) = explain else { return Ok(builtin.plain.clone()) };
    builtin.explained.get(&gap).cloned().ok_or_else(|| {
        let reason = "the sample has no gap with this id";
        ApiError::new(Code::Unreadable, format!("`explain`: {reason}.")).with(FieldError {
            pointer: Some("explain".to_owned()),
            reason: reason.to_owned(),
            ..FieldError::default()
        })
    })
}

/// Audits the files of a request; without files, the sample as the request edits it.
///
/// # Errors
/// What is wrong with the request, or 503 when there is no room.
pub async fn of_visitor(
    app: &App,
    visits: &Visits,
    request: VisitRequest,
    files: Vec<(String, Bytes)>,
) -> Result<Bytes, ApiError> {
    visits.run(Job { request, files, today: app.clock.today() }).await
}
