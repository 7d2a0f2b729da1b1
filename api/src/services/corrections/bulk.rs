//! Many gaps at once: open a correction for each client, entity, currency and direction, or set gaps aside.
//! With a dry run first, which keeps nothing.

use super::new::{New, store};
use super::opening::{FoundGap, elsewhere};
use super::{acting, context, policy};
use crate::app::App;
use crate::auth::Actor;
use crate::error::ApiError;
use crate::services::deadlines;
use crate::storage::OrgTx;
use crate::storage::corrections::facts::{self as stored, SetAside};
use leakage_core::correction::finding::Finding;
use leakage_core::correction::open::{Elsewhere, open};
use leakage_core::correction::policy::{Context, Facts};
use leakage_core::correction::refusal::Refusal;
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

impl Group {
    fn refused(gaps: Vec<String>, client: String, error: &ApiError) -> Self {
        let refused = Some((error.name().to_owned(), error.detail().to_owned()));
        Self { gaps, client, amount: None, correction: None, refused }
    }
}

/// Gaps that match: those that can be read, and those with figures that cannot be right.
#[derive(Debug, Default)]
pub struct Matching {
    /// Gaps.
    pub found: Vec<FoundGap>,
    /// What is refused already.
    pub refused: Vec<Group>,
}

impl Matching {
    /// How many they are.
    pub fn count(&self) -> usize {
        self.found.len() + self.refused.len()
    }

    /// Their ids.
    pub fn ids(&self) -> Vec<String> {
        let refused = self.refused.iter().flat_map(|group| group.gaps.iter().cloned());
        self.found.iter().map(|gap| gap.finding.gap.clone()).chain(refused).collect()
    }
}

/// The gaps that a filter finds, without those that are set aside.
pub async fn matching(app: &App, tx: &mut OrgTx, filter: &Filter<'_>) -> Result<Matching, ApiError> {
    let rows = stored::matching_gaps(
        tx,
        filter.audit,
        filter.client_id,
        filter.direction,
        filter.currency,
        MOST_GAPS + 1,
    )
    .await?;
    if rows.len() > usize::try_from(MOST_GAPS).unwrap_or(usize::MAX) {
        return Err(ApiError::invalid("/filter", format!("More than {MOST_GAPS} gaps match: narrow it.")));
    }
    let ids: Vec<String> = rows.iter().map(|row| row.0.clone()).collect();
    let aside = stored::are_set_aside(tx, &ids, app.clock.today()).await?;
    let amount = |gap: &FoundGap| {
        gap.finding.months.values().filter(|one| !one.time_barred).map(|one| one.quantity.minor).sum::<i64>()
    };
    let mut matching = Matching::default();
    for row in rows.into_iter().filter(|row| !aside.contains(&row.0)) {
        let (id, client) = (row.0.clone(), row.3.get("client").and_then(Value::as_str).unwrap_or_default());
        let client = client.to_owned();
        match FoundGap::of(row) {
            Ok(gap) => {
                let minor = amount(&gap);
                if filter.least_minor.is_none_or(|least| least <= minor)
                    && filter.most_minor.is_none_or(|most| minor <= most)
                {
                    matching.found.push(gap);
                }
            }
            Err(error) if error.code().status().is_client_error() => {
                matching.refused.push(Group::refused(vec![id], client, &error));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(matching)
}

/// Opens corrections of these gaps, those that belong together in one. What is refused is told, and does
/// not keep the others from being opened. However many there are, the statements are the same; a dry run only
/// stores nothing.
pub async fn open_all(
    app: &App,
    tx: &mut OrgTx,
    actor: &Actor,
    matching: Matching,
    dry_run: bool,
    detail: &Value,
) -> Result<Vec<Group>, ApiError> {
    let ids: Vec<String> = matching.found.iter().map(|gap| gap.finding.gap.clone()).collect();
    let (policy, facts, acting) = (policy(app, tx).await?, Facts::default(), acting(actor));
    let context = context(app, &acting, &policy, &facts);
    let elsewhere = elsewhere(tx, &ids, None).await?;
    let mut groups: BTreeMap<_, Vec<FoundGap>> = BTreeMap::new();
    for gap in matching.found {
        let finding = &gap.finding;
        let key =
            (finding.client.clone(), finding.billing_entity.clone(), finding.currency, finding.direction);
        groups.entry(key).or_default().push(gap);
    }
    let mut outcome = matching.refused;
    // Each with the place of its group in the outcome.
    let (mut places, mut new) = (Vec::new(), Vec::new());
    for ((client, ..), gaps) in groups {
        if let Some(one) = open_group(&client, gaps, (&elsewhere, &context), detail, &mut outcome) {
            places.push(outcome.len() - 1);
            new.push(one);
        }
    }
    if !dry_run {
        let stored = store(app, tx, &context, &new).await?;
        for (place, loaded) in places.into_iter().zip(&stored) {
            if let Some(group) = outcome.get_mut(place) {
                group.correction = Some(loaded.id());
            }
        }
    }
    Ok(outcome)
}

/// One group: gaps that cannot be corrected are told apart, the others go into one correction, whose group is
/// then the last of the outcome.
fn open_group(
    client: &str,
    gaps: Vec<FoundGap>,
    (elsewhere, context): (&Elsewhere, &Context<'_>),
    detail: &Value,
    outcome: &mut Vec<Group>,
) -> Option<New> {
    let refused = |gaps: &[FoundGap], refusal: Refusal| {
        let ids = gaps.iter().map(|gap| gap.finding.gap.clone()).collect();
        Group::refused(ids, client.to_owned(), &ApiError::from(refusal))
    };
    let mut good = Vec::new();
    for gap in gaps {
        match open(std::slice::from_ref(&gap.finding), elsewhere, context) {
            Ok(_) => good.push(gap),
            Err(refusal) => outcome.push(refused(std::slice::from_ref(&gap), refusal)),
        }
    }
    let first = good.first()?;
    let findings: Vec<Finding> = good.iter().map(|gap| gap.finding.clone()).collect();
    let correction = match open(&findings, elsewhere, context) {
        Ok(correction) => correction,
        Err(refusal) => {
            outcome.push(refused(&good, refusal));
            return None;
        }
    };
    let outstanding = correction.ledger.balance().outstanding.minor;
    outcome.push(Group {
        gaps: good.iter().map(|gap| gap.finding.gap.clone()).collect(),
        client: client.to_owned(),
        amount: Some(Money::from_minor(outstanding, correction.subject.currency)),
        correction: None,
        refused: None,
    });
    let (audit, client_id) = (first.audit, first.client_id);
    Some(New { correction, audit, client_id, opened_from: None, detail: detail.clone() })
}

/// Sets these gaps aside.
pub async fn set_aside(
    app: &App,
    tx: &mut OrgTx,
    ids: &[String],
    word: &SetAside<'_>,
) -> Result<(), ApiError> {
    stored::set_aside(tx, ids, word, app.clock.now()).await?;
    Ok(deadlines::start(tx, app.clock.now()).await?)
}
