//! Gaps and their history as the API shows them.

use crate::error::ApiError;
use crate::services::corrections::settled::{SettledMonth, settled};
use crate::storage::known_gaps::{self, GapAuditRow, GapRow, RootCauseRow, SetAsideRow};
use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::audit::Gap;
use leakage_core::history::{GapFigures, MonthHistory, RootCause, Said, Tally};
use leakage_core::id::{AuditId, ClientId};
use leakage_core::money::{Currency, Money};
use leakage_core::period::Month;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A gap's identity, what the last audit that saw it found, and what it came to over all audits.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KnownGap {
    /// Hash of its identity: client, billing entity, product, currency, direction.
    #[schema(max_length = 100)]
    id: String,
    /// The client.
    client_id: Option<ClientId>,
    /// First audit that saw it.
    first_audit_id: AuditId,
    /// When.
    first_seen_at: DateTime<Utc>,
    /// Last audit that saw it; one that is run again as of an earlier time is not the last.
    last_audit_id: AuditId,
    /// When.
    last_seen_at: DateTime<Utc>,
    /// What it came to over all audits: of each month the word of the audit that knew most.
    figures: GapFigures,
    /// Why it came about, if someone said so.
    root_cause: Option<SetRootCause>,
    /// Counts what people say of it; its ETag is `"v<version>"`.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub(super) version: i64,
    /// What the last audit that saw it found.
    latest: Gap,
    /// Its months that corrections hold or have settled.
    #[schema(max_items = 10_000)]
    settled_by: Vec<SettledMonth>,
    /// It is set aside until a day of review, and was not corrected since.
    set_aside: Option<GapSetAside>,
}

/// That a gap is set aside.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GapSetAside {
    /// Why.
    #[schema(max_length = 2000)]
    reason: String,
    /// Who owns the decision: `user:` and an id, or somebody in words.
    #[schema(max_length = 300)]
    owner: String,
    /// The owner's name, where that is a member.
    #[schema(max_length = 200)]
    owner_name: Option<String>,
    /// When to look again.
    review_on: NaiveDate,
    /// When it was set aside.
    set_aside_at: DateTime<Utc>,
}

/// What stands beside gaps, by gap.
#[derive(Debug, Default)]
pub(super) struct Beside {
    months: BTreeMap<String, Vec<SettledMonth>>,
    aside: BTreeMap<String, GapSetAside>,
}

impl Beside {
    /// Of these gaps.
    pub(super) async fn load(tx: &mut OrgTx, ids: &[String]) -> Result<Self, ApiError> {
        let months = settled(tx, ids).await?;
        let aside = known_gaps::set_aside(tx, ids).await?.into_iter().map(|row| {
            let SetAsideRow { gap_id, reason, owner, owner_name, review_on, set_aside_at } = row;
            (gap_id, GapSetAside { reason, owner, owner_name, review_on, set_aside_at })
        });
        Ok(Self { months, aside: aside.collect() })
    }
}

impl KnownGap {
    /// A gap and its figures, with its own of what stands beside several gaps.
    pub(super) fn of((row, figures): (GapRow, GapFigures), beside: &mut Beside) -> Result<Self, ApiError> {
        let cause = known_gaps::parse_cause(row.root_cause.as_deref())?;
        let root_cause = match (cause, row.note, row.set_by, row.set_at) {
            (Some(root_cause), Some(note), Some(set_by), Some(set_at)) => {
                Some(SetRootCause { root_cause, note, set_by, set_at })
            }
            _ => None,
        };
        Ok(Self {
            settled_by: beside.months.remove(&row.id).unwrap_or_default(),
            set_aside: beside.aside.remove(&row.id),
            id: row.id,
            client_id: row.client_id.map(ClientId::new),
            first_audit_id: row.first_audit_id.into(),
            first_seen_at: row.first_seen_at,
            last_audit_id: row.last_audit_id.into(),
            last_seen_at: row.last_seen_at,
            figures,
            root_cause,
            version: row.version,
            latest: serde_json::from_value(row.detail).map_err(ApiError::internal)?,
        })
    }
}

/// A cause, and who said so.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SetRootCause {
    /// The cause.
    root_cause: RootCause,
    /// What was found out.
    #[schema(max_length = 2000)]
    note: String,
    /// Who set it: `user:` or `api_key:` and an id.
    #[schema(max_length = 300)]
    set_by: String,
    /// When.
    set_at: DateTime<Utc>,
}

impl TryFrom<RootCauseRow> for SetRootCause {
    type Error = ApiError;

    fn try_from(row: RootCauseRow) -> Result<Self, ApiError> {
        let cause = known_gaps::parse_cause(Some(&row.root_cause))?;
        let corrupt = StorageError::Corrupt { column: "gap_root_causes.root_cause" };
        Ok(Self { root_cause: cause.ok_or(corrupt)?, note: row.note, set_by: row.set_by, set_at: row.set_at })
    }
}

/// What a person says of a gap.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"root_cause": "missed_addition", "note": "Two hires in March; the ticket was closed before billing saw it."}))]
pub(super) struct GapChange {
    /// Why it came about.
    pub(super) root_cause: RootCause,
    /// What was found out.
    #[schema(min_length = 1, max_length = 2000)]
    pub(super) note: String,
}

/// A gap's history: its months, its episodes, the audits that spoke of it, the causes that were set.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GapHistory {
    /// The gap.
    #[schema(max_length = 100)]
    gap_id: String,
    /// What it came to, with its episodes.
    figures: GapFigures,
    /// From its first month on, those that were compared; the others are not known.
    #[schema(max_items = 1200)]
    months: Vec<HistoryMonth>,
    /// The audits that found it or compared its client and product without finding it; those that knew
    /// most first, at most 500.
    #[schema(max_items = 500)]
    audits: Vec<HistoryAudit>,
    /// Every cause that was set, newest first, at most 500.
    #[schema(max_items = 500)]
    root_causes: Vec<SetRootCause>,
}

/// What is known of one month of a gap.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HistoryMonth {
    /// The month.
    month: Month,
    /// `gap`: there is a difference; `corrected`: there was one, and a later audit found none; `equal`:
    /// compared, and never a difference. New states may be added.
    #[schema(max_length = 20)]
    status: &'static str,
    /// The audit whose word counts.
    audit_id: AuditId,
    /// What that audit knew.
    known_at: DateTime<Utc>,
    /// Whether the month was not over: it is outside the sums.
    provisional: bool,
    /// Billable seats on its last audited day; none without a difference.
    billable: Option<i64>,
    /// Billed seats on that day; none without a difference.
    billed: Option<i64>,
    /// Seat-months, six decimals; none without a difference.
    #[schema(value_type = Option<String>, max_length = 40)]
    seat_months: Option<rust_decimal::Decimal>,
    /// Money; none without a difference or a currency.
    amount: Option<Money>,
    /// Some of its days have no price.
    unpriced: bool,
    /// Older than the back-billing limit.
    time_barred: bool,
    /// Rests on a snapshot taken later.
    assumed: bool,
    /// The audit that first found a difference.
    first_audit_id: Option<AuditId>,
    /// The first audit that found none since.
    equal_since_audit_id: Option<AuditId>,
}

impl HistoryMonth {
    fn new(month: &MonthHistory, currency: Option<Currency>) -> Result<Self, ApiError> {
        let found = month.difference;
        let sum = found.map(|found| {
            let mut tally = Tally::default();
            tally.add(month.month, &found);
            tally.sum(currency).map_err(ApiError::internal)
        });
        let sum = sum.transpose()?;
        Ok(Self {
            month: month.month,
            status: match (&found, month.first) {
                (Some(_), _) => "gap",
                (None, Some(_)) => "corrected",
                (None, None) => "equal",
            },
            audit_id: month.said.audit,
            known_at: month.said.known_at,
            provisional: !month.said.closed,
            billable: found.map(|found| found.billable),
            billed: found.map(|found| found.billed),
            seat_months: sum.map(|sum| sum.seat_months),
            amount: sum.and_then(|sum| sum.amount),
            unpriced: found.is_some_and(|found| found.unpriced),
            time_barred: found.is_some_and(|found| found.time_barred),
            assumed: found.is_some_and(|found| found.assumed),
            first_audit_id: month.first.map(|said: Said| said.audit),
            equal_since_audit_id: month.equal_since.map(|said| said.audit),
        })
    }
}

/// An audit that spoke of a gap.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HistoryAudit {
    /// The audit.
    audit_id: AuditId,
    /// What it knew.
    known_at: DateTime<Utc>,
    /// First month of its period.
    from: Month,
    /// Last month, included.
    to: Month,
    /// Last day that it audited.
    as_of: NaiveDate,
    /// Whether it found the gap.
    found: bool,
    /// Seats on the last day that has it.
    #[schema(max_length = 40)]
    seats: Option<String>,
    /// Seat-months that it found, without time-barred and provisional ones.
    #[schema(max_length = 40)]
    seat_months: Option<String>,
    /// Money of the same months.
    amount: Option<Money>,
}

impl HistoryAudit {
    fn new(row: GapAuditRow) -> Self {
        Self {
            audit_id: row.id.into(),
            known_at: row.known_at,
            from: Month::of(row.from_month),
            to: Month::of(row.to_month),
            as_of: row.as_of,
            found: row.seats.is_some(),
            seats: row.seats,
            seat_months: row.seat_months,
            amount: row.amount.map(|amount| amount.0),
        }
    }
}

impl GapHistory {
    /// Of what is stored.
    pub(super) fn new(
        (gap, figures): (GapRow, GapFigures),
        months: &BTreeMap<Month, MonthHistory>,
        audits: Vec<GapAuditRow>,
        causes: Vec<RootCauseRow>,
    ) -> Result<Self, ApiError> {
        let currency = known_gaps::parse_currency(gap.currency.as_deref())?;
        Ok(Self {
            gap_id: gap.id,
            figures,
            months: months
                .values()
                .map(|month| HistoryMonth::new(month, currency))
                .collect::<Result<_, _>>()?,
            audits: audits.into_iter().map(HistoryAudit::new).collect(),
            root_causes: causes.into_iter().map(SetRootCause::try_from).collect::<Result<_, _>>()?,
        })
    }
}
