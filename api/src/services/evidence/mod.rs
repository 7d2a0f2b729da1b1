//! Evidence bundles: asked for, frozen with a message, built by a job, read, erased.

mod build;
mod capture;
mod facts;
mod person;
mod rests;
mod rows;
mod telling;

pub use build::{Made, build};
pub use capture::capture;
pub use person::{known_as, person};
pub use rests::gaps;

use crate::app::App;
use crate::error::ApiError;
use crate::jobs::{self, JobKind};
use crate::services::corrections::Loaded;
use crate::services::organizations::{self, OrganizationSettings};
use crate::storage::evidence_bundles::{self as stored, BundleRow, NewBundle};
use crate::storage::{OrgTx, StorageError, evidence_clock};
use chrono::NaiveTime;
use leakage_core::id::OrgId;
use leakage_core::period::day_after;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// How bundles name persons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceNames {
    /// As the vendors' records do.
    #[default]
    Full,
    /// By pseudonyms, the same for a person in all bundles of the organization.
    Pseudonymous,
}

impl EvidenceNames {
    /// The name in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Pseudonymous => "pseudonymous",
        }
    }
}

/// Where an archive is kept.
pub fn object_key(org: OrgId, sha256: &str) -> String {
    format!("{org}/evidence/{}", sha256.trim_start_matches("sha256:"))
}

/// Asks for a bundle of a correction as it is. The correction must be locked.
async fn ask(
    app: &App,
    tx: &mut OrgTx,
    loaded: &Loaded,
    (by, of_message): (&str, bool),
    names: Option<EvidenceNames>,
) -> Result<Uuid, ApiError> {
    // What cannot be built is not begun.
    rests::gaps(tx, &loaded.correction).await?;
    let settings = OrganizationSettings::of(&organizations::find(tx).await?)?;
    let entries = loaded.correction.ledger.entries().len();
    let new = NewBundle {
        id: Uuid::now_v7(),
        correction: loaded.id(),
        correction_version: loaded.row.version,
        ledger_entries: i32::try_from(entries).map_err(ApiError::internal)?,
        of_message,
        names: names.unwrap_or(settings.evidence_names).as_str(),
        conversation: &loaded.row.conversation,
        state: &loaded.row.state,
        by,
    };
    stored::insert(tx, &new, app.clock.now()).await?;
    Ok(new.id)
}

/// Asks for a bundle, and has it built at once.
///
/// # Errors
/// 422 where a line rests on nothing that can be shown.
pub async fn request(
    app: &App,
    tx: &mut OrgTx,
    loaded: &Loaded,
    by: &str,
    names: Option<EvidenceNames>,
) -> Result<BundleRow, ApiError> {
    let id = ask(app, tx, loaded, (by, false), names).await?;
    begin(app, tx, id).await?;
    find(tx, id).await
}

/// The bundle that a message rests on: of the very facts that are frozen with it, whatever happens until it is
/// built. What is done is entered in the log, so a worker looks within a minute, and builds it.
pub async fn with_message(app: &App, tx: &mut OrgTx, loaded: &Loaded, by: &str) -> Result<(), ApiError> {
    ask(app, tx, loaded, (by, true), None).await.map(|_id| ())
}

async fn begin(app: &App, tx: &mut OrgTx, id: Uuid) -> Result<(), ApiError> {
    let job = jobs::enqueue(tx, app.clock.now(), JobKind::BuildEvidence, id, Value::Null).await?;
    Ok(stored::give_job(tx, id, job).await?)
}

/// Has the bundles built that wait; answers for how many.
pub async fn build_waiting(app: &App, tx: &mut OrgTx) -> Result<usize, ApiError> {
    let waiting = stored::waiting(tx).await?;
    for id in &waiting {
        begin(app, tx, *id).await?;
    }
    Ok(waiting.len())
}

/// One bundle.
///
/// # Errors
/// 404 when there is none.
pub async fn find(tx: &mut OrgTx, id: Uuid) -> Result<BundleRow, ApiError> {
    stored::find(tx, id).await?.ok_or_else(ApiError::not_found)
}

/// Organizations that one worker takes at once.
const BATCH: i64 = 100;

/// Enqueues what organizations' clocks ask for: a checkpoint after something was done, and once a day the removal
/// of what is kept no longer; answers for how many.
pub async fn tick(app: &App) -> Result<usize, StorageError> {
    let (now, mut enqueued) = (app.clock.now(), 0);
    loop {
        let mut system = app.db.begin_system().await?;
        let due = evidence_clock::due(&mut system, now, BATCH).await?;
        system.commit().await?;
        if due.is_empty() {
            return Ok(enqueued);
        }
        for (org, task) in due {
            let midnight = day_after(now.date_naive()).and_time(NaiveTime::MIN).and_utc();
            let (kind, next) = match task.as_str() {
                "retain" => (JobKind::RetainEvidence, Some(midnight)),
                "tend" => (JobKind::TendEvidence, None),
                _ => (JobKind::SealTimeline, None),
            };
            let mut tx = app.db.begin(org).await?;
            if evidence_clock::take(&mut tx, &task, now, next).await? {
                jobs::enqueue(&mut tx, now, kind, org.uuid(), Value::Null).await?;
                enqueued += 1;
            }
            tx.commit().await?;
        }
    }
}
