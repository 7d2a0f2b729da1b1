//! What a client may see of its correction: picked one by one, so that nothing shows that was not meant to.
//! Never cost, margin, other clients, who of the organization did what, or why it decided something.

use super::mailed;
use super::open::{Opened, open};
use crate::app::App;
use crate::auth::secrets::Presented;
use crate::error::ApiError;
use crate::services::corrections;
use crate::services::sign_in::Client;
use crate::storage::corrections::records;
use crate::storage::{OrgTx, letters, organizations};
use chrono::{DateTime, Utc};
use leakage_core::audit::{GapMonth, GapSource};
use leakage_core::id::CorrectionId;
use serde::Deserialize;
use serde_json::json;

/// The facts behind the last message, as they were frozen with it: of these the client sees figures and rows.
#[derive(Debug, Default, Deserialize)]
struct Frozen {
    gaps: Vec<FrozenGap>,
}

/// A gap as it was frozen.
#[derive(Debug, Deserialize)]
pub struct FrozenGap {
    /// Number of the line.
    pub line: u32,
    /// The gap.
    pub gap: GapFigures,
}

/// Figures and rows of a gap.
#[derive(Debug, Deserialize)]
pub struct GapFigures {
    /// Its months.
    pub months: Vec<GapMonth>,
    /// The rows of files that they come from.
    pub sources: Vec<GapSource>,
}

/// The letter that the client was sent last.
#[derive(Debug)]
pub struct SentLetter {
    /// One line.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// When it left.
    pub at: DateTime<Utc>,
}

/// What a client sees.
#[derive(Debug)]
pub struct Shown {
    /// The link, its correction and its contact.
    pub opened: Opened,
    /// Name of the MSP.
    pub msp: String,
    /// The letter that was sent last, where one was.
    pub letter: Option<SentLetter>,
    /// The frozen gaps.
    pub gaps: Vec<FrozenGap>,
    /// Digest of the frozen facts.
    pub frozen_sha256: Option<String>,
}

/// What is shown to whoever opens a link; the visit is noted.
///
/// # Errors
/// 401 without a link; 410 when it has ended.
pub async fn visit(app: &App, presented: &Presented, visitor: &Client) -> Result<Shown, ApiError> {
    let mut tx = app.db.begin(presented.org).await?;
    let opened = open(&mut tx, presented, app.clock.now()).await?;
    let (link, correction) = (opened.link.id, opened.loaded.id());
    let detail = json!({
        "client_link_id": link, "authenticated": opened.is_authenticated(),
        "network": visitor.network, "user_agent": visitor.user_agent,
    });
    corrections::note(app, &mut tx, correction, &format!("client_link:{link}"), "client_visited", &detail)
        .await?;
    let shown = gather(&mut tx, opened).await?;
    tx.commit().await?;
    Ok(shown)
}

/// The same after an action, which is no visit of its own.
pub async fn look(app: &App, presented: &Presented) -> Result<Shown, ApiError> {
    let mut tx = app.db.begin_snapshot(presented.org).await?;
    let opened = open(&mut tx, presented, app.clock.now()).await?;
    gather(&mut tx, opened).await
}

async fn gather(tx: &mut OrgTx, opened: Opened) -> Result<Shown, ApiError> {
    let id = opened.loaded.id();
    let msp = organizations::find(tx).await?.ok_or_else(ApiError::not_found)?.name;
    let frozen = records::frozen(tx, id).await?;
    let (frozen_sha256, facts) = match frozen {
        Some((_, sha256, text, _)) => {
            (Some(sha256), serde_json::from_str::<Frozen>(&text).map_err(ApiError::internal)?)
        }
        None => (None, Frozen::default()),
    };
    let letter = letter(tx, id).await?;
    Ok(Shown { opened, msp, letter, gaps: facts.gaps, frozen_sha256 })
}

async fn letter(tx: &mut OrgTx, id: CorrectionId) -> Result<Option<SentLetter>, ApiError> {
    let Some((row, at)) = letters::last_sent(tx, id).await? else { return Ok(None) };
    let text = match mailed::carried(&row) {
        Some(placeholder) => row.body_text.replace(placeholder, "(this page)"),
        None => row.body_text,
    };
    Ok(Some(SentLetter { subject: row.subject, text, at }))
}
