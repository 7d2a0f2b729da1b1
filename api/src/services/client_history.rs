//! A client's history with us: gaps, objections, promises, waivers and money, in time order and as sums. Whether
//! to forgive depends on the amount and on this.

use crate::app::App;
use crate::error::ApiError;
use crate::services::corrections::{self, Loaded};
use crate::services::known_gaps;
use crate::storage::OrgTx;
use crate::storage::clients::{self, ClientRow};
use crate::storage::corrections as stored;
use chrono::{DateTime, Months, NaiveDate, Utc};
use leakage_core::audit::Direction;
use leakage_core::correction::ledger::{Balance, Bucket};
use leakage_core::correction::policy::Policy;
use leakage_core::correction::track::{DisputeOutcome, Promises};
use leakage_core::history::reports::{self, KnownGap, Range};
use leakage_core::history::{GapStatus, figures};
use leakage_core::id::{ClientId, CorrectionId};
use leakage_core::money::{Currency, Money};
use leakage_core::period::Month;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// Money of all corrections of one currency and direction.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientMoney {
    /// `under`: charged or to be charged; `over`: given back or to be given back. Never netted.
    pub direction: Direction,
    /// How many corrections.
    #[schema(minimum = 0)]
    pub corrections: u32,
    /// Those that are worked on.
    #[schema(minimum = 0)]
    pub open: u32,
    /// Found.
    pub found: Money,
    /// Charged, or to be charged by an accepted plan.
    pub billed: Money,
    /// Given back.
    pub credited: Money,
    /// Given up, confirmed by the client.
    pub waived: Money,
    /// Given up by decision after a refusal.
    pub written_off: Money,
    /// Too old.
    pub time_barred: Money,
    /// Not there after all.
    pub withdrawn: Money,
    /// Nothing done about it yet.
    pub outstanding: Money,
    /// Proved by imports: the only money that counts as recovered.
    pub verified: Money,
}

/// Waivers of the last 12 months.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientWaivers {
    /// Given up in the last 12 months.
    pub amount: Money,
    /// Above this a second person approves.
    pub threshold: Money,
    /// What may still be given up by one person.
    pub left: Money,
}

/// Objections.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientDisputes {
    /// The reason.
    #[schema(max_length = 40, example = "unauthorized_seats")]
    pub reason: String,
    /// How many.
    #[schema(minimum = 0)]
    pub disputes: u32,
    /// Without an answer, or answered while the correction goes on.
    #[schema(minimum = 0)]
    pub undecided: u32,
    /// Nothing was given up.
    #[schema(minimum = 0)]
    pub stood: u32,
    /// A part was.
    #[schema(minimum = 0)]
    pub partly: u32,
    /// All of it was.
    #[schema(minimum = 0)]
    pub conceded: u32,
}

/// Gaps.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ClientGaps {
    /// All that were ever found.
    #[schema(minimum = 0)]
    pub found: u32,
    /// Those that stand.
    #[schema(minimum = 0)]
    pub open: u32,
    /// How often one came again.
    #[schema(minimum = 0)]
    pub recurrences: u32,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClientMoment {
    /// When.
    pub on: NaiveDate,
    /// `gap_found`, `opened`, `told`, `disputed`, `answered`, `accepted`, `waived`, `promised`, `paid`,
    /// `instalment_missed`, `promise_broken`, `proved` or `ended`. New ones may be added.
    #[schema(max_length = 40, example = "promise_broken")]
    pub kind: String,
    /// The correction.
    pub correction_id: Option<CorrectionId>,
    /// The product, of gaps.
    #[schema(max_length = 500)]
    pub product: Option<String>,
    /// Which way.
    pub direction: Direction,
    /// Number of the dispute, waiver or instalment.
    #[schema(minimum = 1)]
    pub about: Option<u32>,
    /// Money.
    pub amount: Option<Money>,
    /// Why, of objections, waivers and ends.
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
    /// How it came out, of objections.
    #[schema(max_length = 20)]
    pub outcome: Option<String>,
    /// Its place among those of the same day.
    #[serde(skip)]
    pub order: (String, u32),
}

/// Everything, the newest first.
#[derive(Debug)]
pub struct History {
    /// The client.
    pub client: ClientRow,
    /// Gaps.
    pub gaps: ClientGaps,
    /// Months in a row without a gap.
    pub clean_streak_months: u32,
    /// Money by currency and direction.
    pub money: Vec<ClientMoney>,
    /// Waivers by currency.
    pub waivers: Vec<ClientWaivers>,
    /// Objections by reason.
    pub disputes: Vec<ClientDisputes>,
    /// Promises.
    pub promises: Promises,
    /// What happened.
    pub moments: Vec<ClientMoment>,
}

/// A client's history: as many queries however long it is.
pub async fn of(app: &App, tx: &mut OrgTx, id: ClientId) -> Result<History, ApiError> {
    let client = clients::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    let rows = stored::of_client(tx, Some(id.uuid())).await?;
    let loaded = corrections::all(tx, rows).await?;
    let known = known_gaps::for_reports(tx, Some(id.uuid()), None).await?;
    let months = known_gaps::client_months(tx, Some(id.uuid())).await?;
    let policy = corrections::policy(app, tx).await?;
    let today = app.clock.today();
    let streaks = reports::clean_streaks(&months, &known, Range::default(), Month::of(today).plus(-1));
    let mut promises = Promises::default();
    for one in &loaded {
        promises += one.correction.promises(today);
    }
    let mut moments: Vec<ClientMoment> = loaded.iter().flat_map(moments_of).collect();
    let mut gaps = ClientGaps::default();
    for (gap, at) in known.iter().zip(0_u32..) {
        moments.push(add_gap(&mut gaps, gap, at)?);
    }
    moments.sort_by(|a, b| (b.on, &b.order).cmp(&(a.on, &a.order)));
    Ok(History {
        client,
        gaps,
        clean_streak_months: streaks.rows.first().map_or(0, |streak| streak.months),
        money: money(&loaded),
        waivers: waivers(&loaded, app.clock.now(), &policy),
        disputes: disputes(&loaded),
        promises,
        moments,
    })
}

fn add_gap(gaps: &mut ClientGaps, gap: &KnownGap, at: u32) -> Result<ClientMoment, ApiError> {
    let figures = figures(&gap.months, gap.currency).map_err(ApiError::internal)?;
    gaps.found += 1;
    gaps.open += u32::from(figures.status == GapStatus::Open);
    gaps.recurrences += figures.recurrences;
    Ok(ClientMoment {
        on: gap.first_seen_at.date_naive(),
        kind: "gap_found".to_owned(),
        correction_id: None,
        product: Some(gap.product.clone()),
        direction: gap.direction,
        about: None,
        amount: figures.accumulated.amount,
        reason: gap.root_cause.map(|cause| cause.as_str().to_owned()),
        outcome: None,
        // Before what was done about it.
        order: (String::new(), at),
    })
}

fn moments_of(loaded: &Loaded) -> Vec<ClientMoment> {
    let correction = &loaded.correction;
    let moments = correction.moments(loaded.row.created_at.date_naive()).into_iter().zip(0_u32..);
    let moment = |(moment, at): (leakage_core::correction::track::Moment, u32)| ClientMoment {
        on: moment.on,
        kind: moment.kind.as_str().to_owned(),
        correction_id: Some(loaded.id()),
        product: None,
        direction: correction.subject.direction,
        about: moment.about,
        amount: moment.minor.map(|minor| Money::from_minor(minor, correction.subject.currency)),
        reason: moment.reason,
        outcome: moment.outcome.map(|outcome| outcome.as_str().to_owned()),
        order: (loaded.row.id.to_string(), at),
    };
    moments.map(moment).collect()
}

fn money(loaded: &[Loaded]) -> Vec<ClientMoney> {
    let mut sums: BTreeMap<(Currency, Direction), (u32, u32, Balance, i64)> = BTreeMap::new();
    for one in loaded {
        let correction = &one.correction;
        let key = (correction.subject.currency, correction.subject.direction);
        let (corrections, open, sum, verified) = sums.entry(key).or_default();
        *corrections += 1;
        *open += u32::from(correction.state.is_open());
        *sum = sum.plus(&correction.ledger.balance());
        let recovered = correction.recovered();
        *verified += recovered.billed + recovered.credited;
    }
    let row = |((currency, direction), (corrections, open, sum, verified))| {
        let money = |minor| Money::from_minor(minor, currency);
        let sum: Balance = sum;
        ClientMoney {
            direction,
            corrections,
            open,
            found: money(sum.found.minor),
            billed: money(sum.billed.minor),
            credited: money(sum.credited.minor),
            waived: money(sum.waived.minor),
            written_off: money(sum.written_off.minor),
            time_barred: money(sum.time_barred.minor),
            withdrawn: money(sum.withdrawn.minor),
            outstanding: money(sum.outstanding.minor),
            verified: money(verified),
        }
    };
    sums.into_iter().map(row).collect()
}

/// What was given up in the last 12 months, less what came back of it.
fn waivers(loaded: &[Loaded], now: DateTime<Utc>, policy: &Policy) -> Vec<ClientWaivers> {
    let since = now - Months::new(12);
    let mut sums: BTreeMap<Currency, i64> = BTreeMap::new();
    for correction in loaded.iter().map(|one| &one.correction) {
        let sum = sums.entry(correction.subject.currency).or_default();
        let entries = correction.ledger.entries();
        for entry in entries.iter().filter(|entry| entry.bucket == Bucket::Waived) {
            let origin = entry.contra_of.and_then(|seq| entries.iter().find(|one| one.seq == seq));
            if origin.unwrap_or(entry).note.at >= since {
                *sum += entry.quantity.minor;
            }
        }
    }
    let row = |(currency, minor): (Currency, i64)| {
        let threshold = policy.threshold_minor(currency);
        let money = |minor| Money::from_minor(minor, currency);
        ClientWaivers {
            amount: money(minor),
            threshold: money(threshold),
            left: money((threshold - minor).max(0)),
        }
    };
    sums.into_iter().map(row).collect()
}

fn disputes(loaded: &[Loaded]) -> Vec<ClientDisputes> {
    let mut reasons: BTreeMap<&'static str, ClientDisputes> = BTreeMap::new();
    for correction in loaded.iter().map(|one| &one.correction) {
        for dispute in &correction.disputes {
            let reason = dispute.reason.as_str();
            let of = reasons.entry(reason).or_insert_with(|| ClientDisputes {
                reason: reason.to_owned(),
                disputes: 0,
                undecided: 0,
                stood: 0,
                partly: 0,
                conceded: 0,
            });
            of.disputes += 1;
            *match correction.outcome(dispute) {
                DisputeOutcome::Open | DisputeOutcome::Waiting => &mut of.undecided,
                DisputeOutcome::Stood => &mut of.stood,
                DisputeOutcome::Partly => &mut of.partly,
                DisputeOutcome::Conceded => &mut of.conceded,
            } += 1;
        }
    }
    reasons.into_values().collect()
}

/// A correction's products that are proved to be right, of a client in a month.
pub async fn fixed_in(
    tx: &mut OrgTx,
    client: Uuid,
    month: Month,
) -> Result<Vec<leakage_core::letters::FixedFacts>, ApiError> {
    let rows = stored::of_client(tx, Some(client)).await?;
    let loaded = corrections::all(tx, rows).await?;
    let mut facts = Vec::new();
    for correction in loaded.iter().map(|one| &one.correction) {
        let Some((on, fixed)) = correction.fixed().filter(|(on, _)| Month::of(*on) == month) else {
            continue;
        };
        facts.extend(fixed.into_iter().map(|one| leakage_core::letters::FixedFacts {
            product: one.product,
            direction: correction.subject.direction,
            amount: Money::from_minor(one.minor, correction.subject.currency),
            document: one.document,
            verified_on: on,
        }));
    }
    Ok(facts)
}
