//! Stores corrections that are opened, however many in the same number of statements.

use super::{Columns, Loaded, all, direction, months_held, months_of, summary};
use crate::app::App;
use crate::error::ApiError;
use crate::services::deadlines;
use crate::storage::OrgTx;
use crate::storage::corrections::ledger::NewEntry;
use crate::storage::corrections::records::NewEvent;
use crate::storage::corrections::{self as stored, NewCorrection, ledger, records};
use leakage_core::correction::case::Correction;
use leakage_core::correction::policy::Context;
use leakage_core::id::{AuditId, CorrectionId};
use serde_json::Value;
use uuid::Uuid;

/// A correction that is opened.
#[derive(Clone, Debug)]
pub struct New {
    /// The correction.
    pub correction: Correction,
    /// The audit that it rests on.
    pub audit: AuditId,
    /// The client's resource.
    pub client_id: Option<Uuid>,
    /// The correction whose verification opened it.
    pub opened_from: Option<CorrectionId>,
    /// What was asked, for the timeline.
    pub detail: Value,
}

/// Stores them; answers them in their order.
pub async fn store(
    app: &App,
    tx: &mut OrgTx,
    context: &Context<'_>,
    new: &[New],
) -> Result<Vec<Loaded>, ApiError> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<CorrectionId> = new.iter().map(|_| CorrectionId::new(Uuid::now_v7())).collect();
    let columns = new.iter().map(|one| Columns::of(&one.correction, context.policy, one.audit.uuid()));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let each = || ids.iter().copied().zip(new).zip(&columns);
    let rows = each().map(|((id, one), columns)| (row(id, one, context), columns.figures(&one.correction)));
    stored::insert(tx, &rows.collect::<Vec<_>>(), app.clock.now()).await?;
    let lines = each().flat_map(|((id, one), _)| one.correction.lines.iter().map(move |line| (id, line)));
    records::insert_lines(tx, &lines.collect::<Vec<_>>()).await?;
    let months =
        each().flat_map(|((id, one), _)| months_of(id, &one.correction, one.correction.ledger.entries()));
    ledger::hold_months(tx, &months.collect::<Vec<_>>()).await.map_err(months_held)?;
    let entries = each().flat_map(|((correction, one), _)| {
        let direction = direction(&one.correction);
        let entries = one.correction.ledger.entries().iter();
        entries.map(move |entry| NewEntry { correction, direction, entry, waiver: None })
    });
    ledger::append(tx, &entries.collect::<Vec<_>>()).await?;
    let due =
        each().flat_map(|((id, _), columns)| columns.deadlines.iter().map(move |deadline| (id, deadline)));
    records::keep_deadlines(tx, &due.collect::<Vec<_>>()).await?;
    deadlines::start(tx, app.clock.now()).await?;
    tell(tx, context, &ids, new).await?;
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = stored::by_ids(tx, &ids).await?;
    all(tx, rows).await
}

fn row<'a>(id: CorrectionId, new: &'a New, context: &Context<'a>) -> NewCorrection<'a> {
    let subject = &new.correction.subject;
    NewCorrection {
        id,
        client: &subject.client,
        client_id: new.client_id,
        billing_entity: subject.billing_entity.as_deref(),
        currency: subject.currency.as_str(),
        direction: direction(&new.correction),
        opened_from: new.opened_from.map(CorrectionId::uuid),
        created_by: &context.actor.label,
    }
}

/// The first entry of each one's timeline.
async fn tell(
    tx: &mut OrgTx,
    context: &Context<'_>,
    ids: &[CorrectionId],
    new: &[New],
) -> Result<(), ApiError> {
    let after: Vec<Value> = new.iter().map(|one| summary(&one.correction, 1)).collect();
    let events = ids.iter().zip(new).zip(&after).map(|((id, one), after)| {
        let event = NewEvent {
            seq: 1,
            at: context.now,
            actor: &context.actor.label,
            command: "open",
            before: None,
            after,
            reason: None,
            detail: &one.detail,
        };
        (*id, event)
    });
    Ok(records::append_events(tx, &events.collect::<Vec<_>>()).await?)
}
