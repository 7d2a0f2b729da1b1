//! Many gaps at once: open a correction for each client, entity, currency and direction, or set gaps aside.
//! With a dry run first, which keeps nothing.

use super::opening::{FoundGap, open_correction, prepare};
use super::{Beside, acting};
use crate::app::App;
use crate::auth::Actor;
use crate::error::ApiError;
use crate::services::deadlines;
use crate::storage::OrgTx;
use crate::storage::corrections::facts::{self as stored, SetAside};
use leakage_core::id::{AuditId, CorrectionId};
use leakage_core::money::Money;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Gaps of one request at most.
pub const MOST_GAPS: i64 = 1000;

/// Which gaps.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    /// Of this audit.
    pub audit: AuditId,
    /// Of this client.
    pub client_id: Option<Uuid>,
    /// `under` or `over`.
    pub direction: Option<&'a str>,
    /// Of this currency.
    pub currency: Option<&'a str>,
    /// Of this amount or more, in minor units.
    pub least_minor: Option<i64>,
    /// Of this amount or less, in minor units.
    pub most_minor: Option<i64>,
}

/// What came, or would come, of gaps that belong together.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its gaps.
    pub gaps: Vec<String>,
    /// The client.
    pub client: String,
    /// What is outstanding of them; none where they are refused.
    pub amount: Option<Money>,
    /// The correction, once it is opened.
    pub correction: Option<CorrectionId>,
    /// Why it cannot be: code and text.
    pub refused: Option<(String, String)>,
}

/// The gaps that a filter finds, without those that are set aside.
pub async fn matching(app: &App, tx: &mut OrgTx, filter: &Filter<'_>) -> Result<Vec<FoundGap>, ApiError> {
    let rows = stored::matching_gaps(
        tx,
        filter.audit,
        filter.client_id,
        filter.direction,
        filter.currency,
        MOST_GAPS + 1,
    )
    .await?;
    let mut found = Vec::new();
    for row in rows {
        found.push(FoundGap::of(row)?);
    }
    if found.len() > usize::try_from(MOST_GAPS).unwrap_or(usize::MAX) {
        return Err(ApiError::invalid("/filter", format!("More than {MOST_GAPS} gaps match: narrow it.")));
    }
    let ids: Vec<String> = found.iter().map(|gap| gap.finding.gap.clone()).collect();
    let aside = stored::are_set_aside(tx, &ids, app.clock.today()).await?;
    let amount = |gap: &FoundGap| {
        gap.finding.months.values().filter(|one| !one.time_barred).map(|one| one.quantity.minor).sum::<i64>()
    };
    found.retain(|gap| {
        let minor = amount(gap);
        !aside.contains(&gap.finding.gap)
            && filter.least_minor.is_none_or(|least| least <= minor)
            && filter.most_minor.is_none_or(|most| minor <= most)
    });
    Ok(found)
}

/// Opens corrections of these gaps, those that belong together in one. What is refused is told, and does
/// not keep the others from being opened.
pub async fn open_all(
    app: &App,
    tx: &mut OrgTx,
    actor: &Actor,
    found: Vec<FoundGap>,
    dry_run: bool,
    detail: &Value,
) -> Result<Vec<Group>, ApiError> {
    let mut groups: BTreeMap<_, Vec<FoundGap>> = BTreeMap::new();
    for gap in found {
        let finding = &gap.finding;
        let key =
            (finding.client.clone(), finding.billing_entity.clone(), finding.currency, finding.direction);
        groups.entry(key).or_default().push(gap);
    }
    let mut outcome = Vec::new();
    for ((client, ..), gaps) in groups {
        outcome.extend(open_group(app, tx, actor, client, gaps, dry_run, detail).await?);
    }
    Ok(outcome)
}

/// One group: gaps that cannot be corrected are told apart, the others go into one correction.
async fn open_group(
    app: &App,
    tx: &mut OrgTx,
    actor: &Actor,
    client: String,
    gaps: Vec<FoundGap>,
    dry_run: bool,
    detail: &Value,
) -> Result<Vec<Group>, ApiError> {
    let acting = acting(actor);
    let mut outcome = Vec::new();
    let mut good = Vec::new();
    for gap in gaps {
        match prepare(app, tx, &acting, std::slice::from_ref(&gap)).await {
            Ok(_) => good.push(gap),
            Err(error) if error.code().status().is_client_error() => outcome.push(Group {
                gaps: vec![gap.finding.gap],
                client: client.clone(),
                amount: None,
                correction: None,
                refused: Some((error.name().to_owned(), error.detail().to_owned())),
            }),
            Err(error) => return Err(error),
        }
    }
    if good.is_empty() {
        return Ok(outcome);
    }
    let correction = prepare(app, tx, &acting, &good).await?;
    let amount =
        Money::from_minor(correction.ledger.balance().outstanding.minor, correction.subject.currency);
    let opened = if dry_run {
        None
    } else {
        let beside = Beside { detail: detail.clone(), ..Beside::default() };
        Some(open_correction(app, tx, &acting, &good, None, beside).await?.id())
    };
    outcome.push(Group {
        gaps: good.into_iter().map(|gap| gap.finding.gap).collect(),
        client,
        amount: Some(amount),
        correction: opened,
        refused: None,
    });
    Ok(outcome)
}

/// Sets these gaps aside.
pub async fn set_aside(
    app: &App,
    tx: &mut OrgTx,
    found: &[FoundGap],
    word: &SetAside<'_>,
) -> Result<(), ApiError> {
    let ids: Vec<String> = found.iter().map(|gap| gap.finding.gap.clone()).collect();
    stored::set_aside(tx, &ids, word, app.clock.now()).await?;
    Ok(deadlines::start(tx, app.clock.now()).await?)
}
