//! Corrections as they are answered: money with its currency, seats as seat-months.

use super::offer::offer;
use crate::error::ApiError;
use crate::page_type;
use crate::services::corrections::Loaded;
use crate::storage::corrections::records::DeadlineRow;
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::correction::case::Correction as Case;
use leakage_core::correction::finding::Line as CaseLine;
use leakage_core::correction::ledger::{Balance as CaseBalance, Bucket};
use leakage_core::correction::quantity::{Cells, Quantity, seat_months};
use leakage_core::correction::state::Action;
use leakage_core::id::{AuditId, ClientId, CorrectionId};
use leakage_core::money::{Currency, Money};
use leakage_core::period::Month;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Seats and money.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Share {
    /// Seat-months, six decimals.
    #[schema(value_type = String, example = "16.000000", max_length = 40)]
    pub seat_months: Decimal,
    /// Money.
    pub amount: Money,
}

impl Share {
    fn of(cells: &Cells, currency: Currency) -> Self {
        let total = leakage_core::correction::quantity::total(cells);
        Self { seat_months: seat_months(cells), amount: Money::from_minor(total.minor, currency) }
    }
}

/// What became of what was found: `found` is the sum of all the others.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CorrectionBalance {
    /// Found.
    pub found: Share,
    /// Charged, or to be charged by an accepted plan.
    pub billed: Share,
    /// Given back.
    pub credited: Share,
    /// Given up, confirmed by the client.
    pub waived: Share,
    /// Given up by decision after a refusal.
    pub written_off: Share,
    /// Too old.
    pub time_barred: Share,
    /// Not there after all.
    pub withdrawn: Share,
    /// Nothing done about it yet.
    pub outstanding: Share,
}

impl CorrectionBalance {
    /// Of a correction, or of one of its lines.
    pub(super) fn of(case: &Case, line: Option<u32>) -> Self {
        let balances = case.ledger.balances();
        let currency = case.subject.currency;
        let share = |pick: &dyn Fn(&CaseBalance) -> Quantity| {
            let own = balances.iter().filter(|(place, _)| line.is_none_or(|line| place.line == line));
            Share::of(&own.map(|(place, balance)| (*place, pick(balance))).collect(), currency)
        };
        let of = |bucket: Bucket| share(&|balance: &CaseBalance| balance.of(bucket));
        Self {
            found: of(Bucket::Found),
            billed: of(Bucket::Billed),
            credited: of(Bucket::Credited),
            waived: of(Bucket::Waived),
            written_off: of(Bucket::WrittenOff),
            time_barred: of(Bucket::TimeBarred),
            withdrawn: of(Bucket::Withdrawn),
            outstanding: share(&|balance: &CaseBalance| balance.outstanding),
        }
    }
}

/// One gap of a correction.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CorrectionLine {
    /// Counts from 1.
    #[schema(minimum = 1, maximum = 200)]
    pub number: u32,
    /// The gap.
    #[schema(max_length = 100)]
    pub gap_id: String,
    /// The audit that found it, or amended it last.
    #[schema(max_length = 100)]
    pub audit_id: String,
    /// The invoice that it rests on: what that got wrong, and not what an audit found.
    pub invoice_on: Option<NaiveDate>,
    /// The product.
    #[schema(max_length = 500)]
    pub product: String,
    /// The vendor's id of the product.
    #[schema(max_length = 100)]
    pub sku: Option<String>,
    /// Seats that were billed when it was found.
    #[schema(minimum = 0)]
    pub billed_seats: i64,
    /// Seats to be billed from now on.
    #[schema(minimum = 0)]
    pub agreed_seats: i64,
    /// What the difference costs in a whole month.
    pub monthly_forward: Money,
    /// Agreed price of one seat for a whole month, where it is known.
    #[schema(value_type = Option<String>, max_length = 40)]
    pub unit_price: Option<Decimal>,
    /// Months in which it was found.
    #[schema(max_items = 120)]
    pub months: Vec<Month>,
    /// Some days rest on a later snapshot.
    pub assumed: bool,
    /// What became of it.
    pub balance: CorrectionBalance,
}

impl CorrectionLine {
    fn of(case: &Case, line: &CaseLine) -> Self {
        Self {
            number: line.number,
            gap_id: line.gap.clone(),
            audit_id: line.audit.clone(),
            invoice_on: line.invoice.as_ref().map(|invoice| invoice.on),
            product: line.product.clone(),
            sku: line.sku.clone(),
            billed_seats: line.billed,
            agreed_seats: line.agreed,
            monthly_forward: Money::from_minor(line.forward, case.subject.currency),
            unit_price: line.price.map(|price| price.normalize()),
            months: line.seats.keys().copied().collect(),
            assumed: line.assumed,
            balance: CorrectionBalance::of(case, Some(line.number)),
        }
    }
}

/// What must happen by when.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CorrectionDeadline {
    /// `reply_by`, `evidence_by`, `approval_by`, `confirmation_by`, `verification_by` and others.
    #[schema(max_length = 40, example = "reply_by")]
    pub kind: String,
    /// Number of the dispute, request, instalment or conversation; 0: the correction.
    #[schema(minimum = 0)]
    pub about: i32,
    /// By when.
    pub due_on: NaiveDate,
    /// Who sees to it.
    #[schema(max_length = 300)]
    pub owner: Option<String>,
    /// When its owner was last reminded.
    pub reminded_on: Option<NaiveDate>,
}

impl From<DeadlineRow> for CorrectionDeadline {
    fn from(row: DeadlineRow) -> Self {
        Self {
            kind: row.kind,
            about: row.about,
            due_on: row.due_on,
            owner: row.owner,
            reminded_on: row.reminded_on,
        }
    }
}

/// A correction: the case from gaps to a fix that is proved.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Correction {
    /// Its id.
    pub id: CorrectionId,
    /// `found`, `communicated`, `disputed`, `resolved` or `waived`.
    #[schema(max_length = 20, example = "found")]
    pub state: String,
    /// Commands that the state allows now. New ones may be added.
    #[schema(max_items = 50)]
    pub commands: Vec<String>,
    /// Counts changes; its ETag is `"v<version>"`.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub version: i64,
    /// The client.
    #[schema(max_length = 500)]
    pub client: String,
    /// The client's id.
    pub client_id: Option<ClientId>,
    /// Its billing entity.
    #[schema(max_length = 500)]
    pub billing_entity: Option<String>,
    /// The currency of all its money.
    pub currency: Currency,
    /// `under`: to charge; `over`: to give back.
    #[schema(max_length = 10, example = "under")]
    pub direction: String,
    /// The audit that it rests on.
    pub audit_id: AuditId,
    /// Who works on it: `user:` or `api_key:` and an id.
    #[schema(max_length = 300)]
    pub owner: Option<String>,
    /// Its gaps.
    #[schema(max_items = 200)]
    pub lines: Vec<CorrectionLine>,
    /// What became of what was found.
    pub balance: CorrectionBalance,
    /// Money that imports proved: charged (less what was credited of it), or given back.
    pub recovered: Money,
    /// What the client was told last: context, data, going forward, the digest of the frozen facts.
    #[schema(value_type = Option<Object>)]
    pub announcement: Value,
    /// Date and quantities of the next invoice.
    #[schema(value_type = Option<Object>)]
    pub going_forward: Value,
    /// Objections, with their answers.
    #[schema(value_type = Vec<Object>, max_items = 1000)]
    pub disputes: Value,
    /// What rests for a contract review.
    #[schema(value_type = Option<Object>)]
    pub freeze: Value,
    /// Waivers asked for.
    #[schema(value_type = Vec<Object>, max_items = 1000)]
    pub waiver_requests: Value,
    /// Waivers.
    #[schema(value_type = Vec<Object>, max_items = 1000)]
    pub waivers: Value,
    /// What the client wrote.
    #[schema(value_type = Vec<Object>, max_items = 1000)]
    pub confirmations: Value,
    /// Payment in parts that is offered: its `ways`, numbered by `choice`, each with its instalments.
    #[schema(value_type = Option<Object>)]
    pub offer: Value,
    /// Payment in parts that was accepted, with its instalments.
    #[schema(value_type = Option<Object>)]
    pub plan: Value,
    /// Who accepted for the client.
    #[schema(value_type = Option<Object>)]
    pub acceptance: Value,
    /// When the message arrived.
    pub delivered_on: Option<NaiveDate>,
    /// What was decided after a refusal.
    #[schema(value_type = Option<Object>)]
    pub decision: Value,
    /// Talks about prices that it gave rise to.
    #[schema(value_type = Vec<Object>, max_items = 1000)]
    pub price_conversations: Value,
    /// What imports proved or disproved.
    #[schema(value_type = Vec<Object>, max_items = 10000)]
    pub verifications: Value,
    /// Why and when it ended.
    #[schema(value_type = Option<Object>)]
    pub resolution: Value,
    /// The soonest deadline.
    pub due_on: Option<NaiveDate>,
    /// The correction whose verification opened this one.
    pub opened_from: Option<CorrectionId>,
    /// Who opened it.
    #[schema(max_length = 300)]
    pub opened_by: String,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

fn announcement(case: &Case) -> Value {
    let money = |minor| json!(Money::from_minor(minor, case.subject.currency));
    case.announcement.as_ref().map_or(Value::Null, |told| {
        json!({
            "context": told.context, "data": told.data, "going_forward": told.going_forward,
            "to": told.to, "channel": told.channel, "reference": told.reference,
            "letter_id": told.letter.as_ref().map(|letter| &letter.id),
            "letter_sha256": told.letter.as_ref().map(|letter| &letter.sha256), "frozen_facts": told.frozen,
            "retro": money(told.announced.retro), "forward": money(told.announced.forward),
            "band": told.shock.band, "reply_by": told.reply_by, "by": told.by, "at": told.at,
        })
    })
}

fn disputes(case: &Case) -> Value {
    let of = |dispute: &leakage_core::correction::dispute::Dispute| {
        let answer = dispute.answer.as_ref();
        json!({
            "number": dispute.number, "reason": dispute.reason, "note": dispute.note,
            "open": dispute.is_open(), "disputed": Share::of(&dispute.cells, case.subject.currency),
            "said": dispute.said, "reply_by": dispute.reply_by, "recorded_by": dispute.recorded_by,
            "recorded_at": dispute.recorded_at,
            "answer": answer.map(|answer| json!({
                "text": answer.text, "by": answer.by, "at": answer.at, "reason": answer.answer.fits(),
            })),
        })
    };
    case.disputes.iter().map(of).collect()
}

fn waivers(case: &Case) -> (Value, Value) {
    let money = |minor| json!(Money::from_minor(minor, case.subject.currency));
    let requests = case.waiver_requests.iter().map(|one| {
        json!({
            "number": one.number, "amount": money(one.quantity.minor), "reason": one.reason,
            "requested_by": one.by, "requested_at": one.at, "granted_as": one.granted,
        })
    });
    let waivers = case.waivers.iter().map(|one| {
        json!({
            "number": one.number, "amount": money(one.quantity.minor), "reason": one.reason,
            "requested_by": one.requested_by, "approved_by": one.approved_by, "alone": one.alone,
            "above_threshold": one.above_threshold, "confirmation": one.confirmation, "at": one.at,
            "returned": one.returned,
        })
    });
    (requests.collect(), waivers.collect())
}

fn plan(case: &Case) -> Value {
    let money = |minor| json!(Money::from_minor(minor, case.subject.currency));
    let instalment = |one: &leakage_core::correction::plan::Instalment| {
        json!({
            "number": one.number, "due_on": one.due_on, "amount": money(one.minor), "state": one.state,
            "document": one.document, "paid_on": one.paid_on,
            "promised_on": one.promise.as_ref().map(|promise| promise.on), "reminded_on": one.reminded_on,
        })
    };
    case.plan.as_ref().map_or(Value::Null, |plan| {
        json!({
            "terms": plan.terms, "accepted": plan.accepted, "given_up": plan.given_up, "breaks": plan.breaks,
            "instalments": plan.instalments.iter().map(instalment).collect::<Vec<_>>(),
        })
    })
}

fn confirmations(case: &Case) -> Value {
    let of = |one: &leakage_core::correction::waiver::Confirmation| {
        json!({
            "number": one.number, "kind": one.kind, "sha256": one.sha256, "said": one.said,
            "authenticated": one.authenticated, "used_for": one.used_for, "attached_by": one.attached_by,
            "attached_at": one.attached_at,
            "amount": one.minor.map(|minor| Money::from_minor(minor, case.subject.currency)),
        })
    };
    case.confirmations.iter().map(of).collect()
}

impl Correction {
    /// Of what is stored.
    pub(super) fn of(loaded: &Loaded) -> Result<Self, ApiError> {
        let (row, case) = (&loaded.row, &loaded.correction);
        let value = |value: Result<Value, serde_json::Error>| value.map_err(ApiError::internal);
        let recovered = case.recovered();
        let (waiver_requests, waivers) = waivers(case);
        let allowed = |action: &&Action| action.from().contains(&case.state) && **action != Action::Verify;
        let freeze = case.freeze.as_ref().map(|freeze| {
            let frozen = Share::of(&freeze.cells, case.subject.currency);
            json!({"dispute": freeze.dispute, "review_on": freeze.review_on, "frozen": frozen, "outcome": freeze.outcome})
        });
        Ok(Self {
            id: loaded.id(),
            state: case.state.as_str().to_owned(),
            commands: Action::ALL.iter().filter(allowed).map(|action| action.as_str().to_owned()).collect(),
            version: row.version,
            client: case.subject.client.clone(),
            client_id: row.client_id.map(ClientId::new),
            billing_entity: case.subject.billing_entity.clone(),
            currency: case.subject.currency,
            direction: crate::services::corrections::direction(case).to_owned(),
            audit_id: row.audit_id.into(),
            owner: case.owner.clone(),
            lines: case.lines.iter().map(|line| CorrectionLine::of(case, line)).collect(),
            balance: CorrectionBalance::of(case, None),
            recovered: Money::from_minor(recovered.billed + recovered.credited, case.subject.currency),
            announcement: announcement(case),
            going_forward: value(serde_json::to_value(&case.going_forward))?,
            disputes: disputes(case),
            freeze: freeze.unwrap_or(Value::Null),
            waiver_requests,
            waivers,
            confirmations: confirmations(case),
            offer: offer(case),
            plan: plan(case),
            acceptance: value(serde_json::to_value(&case.acceptance))?,
            delivered_on: case.delivered_on,
            decision: value(serde_json::to_value(&case.decision))?,
            price_conversations: value(serde_json::to_value(&case.price_conversations))?,
            verifications: value(serde_json::to_value(&case.verifications))?,
            resolution: case.resolution.map_or(Value::Null, |(basis, on)| json!({"basis": basis, "on": on})),
            due_on: row.due_on,
            opened_from: row.opened_from.map(CorrectionId::new),
            opened_by: case.opened_by.clone(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

page_type!(pub(super) CorrectionPage, Correction);
