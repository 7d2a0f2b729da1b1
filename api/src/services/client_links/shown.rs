//! What a client may see of its correction: picked one by one, so that nothing shows that was not meant to.
//! Never cost, margin, other clients, who of the organization did what, or why it decided something.

use super::mailed;
use super::open::{Opened, open};
use crate::app::App;
use crate::auth::secrets::Presented;
use crate::error::ApiError;
use crate::services::corrections;
use crate::services::sign_in::Client;
use crate::storage::corrections::{self as stored, records};
use crate::storage::{OrgTx, client_links, letters, organizations};
use chrono::{DateTime, TimeDelta, Utc};
use leakage_core::audit::{GapMonth, GapSource};
use leakage_core::id::{ClientLinkId, CorrectionId};
use serde::Deserialize;
use serde_json::json;

/// Minutes in which a visit from the same network is noted once.
const VISIT_MINUTES: i64 = 60;

/// Visits by one link that are noted in that time, from whatever networks.
const VISITS_OF_LINK: i64 = 20;

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

/// What is shown to whoever opens a link; the visit is noted, if none from its network was within the hour.
///
/// # Errors
/// 401 without a link; 410 when it has ended.
pub async fn visit(app: &App, presented: &Presented, visitor: &Client) -> Result<Shown, ApiError> {
    let mut tx = app.db.begin(presented.org).await?;
    let opened = open(&mut tx, presented, app.clock.now()).await?;
    note_visit(app, &mut tx, &opened, visitor).await?;
    let shown = gather(&mut tx, opened).await?;
    tx.commit().await?;
    Ok(shown)
}

/// Notes a visit in the timeline and so in the organization's log, which only grows: a page that is opened again and
/// again, or from many networks, must not fill it. Visits that are not noted wait for nobody's lock.
async fn note_visit(app: &App, tx: &mut OrgTx, opened: &Opened, visitor: &Client) -> Result<(), ApiError> {
    let (now, id) = (app.clock.now(), opened.loaded.id());
    let (link, since) = (ClientLinkId::new(opened.link.id), now - TimeDelta::minutes(VISIT_MINUTES));
    let bounds = (since, VISITS_OF_LINK);
    if client_links::is_visit_known(tx, link, &visitor.network, bounds).await? {
        return Ok(());
    }
    // Entries of a timeline are added one at a time: of two visits at once the second one sees the first.
    stored::lock(tx, id).await?;
    if client_links::is_visit_known(tx, link, &visitor.network, bounds).await? {
        return Ok(());
    }
    client_links::remember_visit(tx, link, &visitor.network, (since, now)).await?;
    let detail = json!({
        "client_link_id": link, "authenticated": opened.is_authenticated(),
        "network": visitor.network, "user_agent": visitor.user_agent,
    });
    corrections::note(app, tx, id, &format!("client_link:{link}"), "client_visited", &detail).await
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
