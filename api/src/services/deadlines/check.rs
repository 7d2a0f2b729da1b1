//! One look at an organization's deadlines: what is near, what has passed, who hears of it.

use super::notices::{self, Line, People};
use crate::app::App;
use crate::error::ApiError;
use crate::services::{corrections, events};
use crate::storage::deadlines::{self as stored, DueRow, NewReminder};
use crate::storage::events::NewEvent;
use crate::storage::{OrgTx, StorageError, organizations};
use chrono::NaiveDate;
use leakage_core::correction::deadline::{Deadline, DeadlineKind, Step};
use leakage_core::period::day_after;
use serde::Serialize;
use serde_json::json;

/// What a look came to.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Looked {
    /// Steps that were announced.
    pub announced: usize,
    /// People who are mailed.
    pub mailed: usize,
}

/// Looks: announces every step that is due and was not announced yet, and has the owners mailed where a mail
/// server is configured. Everything is written in this transaction; what it announces exists once.
pub async fn check(app: &App, tx: &mut OrgTx) -> Result<Looked, ApiError> {
    // Looks wait for each other here: the second one sees what the first one did.
    organizations::lock(tx).await?;
    let (now, today) = (app.clock.now(), app.clock.today());
    let policy = corrections::policy(app, tx).await?;
    let rows = stored::due_by(tx, day_after(today)).await?;
    let mut due = Vec::new();
    for row in &rows {
        for step in deadline(row)?.steps(today, row.told(), &policy) {
            due.push((row, step));
        }
    }
    let reminders: Vec<NewReminder<'_>> = due.iter().map(|(row, step)| reminder(row, *step, today)).collect();
    stored::insert_reminders(tx, &reminders, now).await?;
    let mailed = if app.mailer.is_some() && !due.is_empty() {
        let people = People::load(tx).await?;
        let lines: Vec<Line<'_>> = due.iter().map(|(row, step)| Line { of: row, step: *step }).collect();
        notices::enqueue(tx, &people, &lines, now).await?
    } else {
        0
    };
    let written: Vec<NewEvent> = due.iter().map(|(row, step)| event(row, *step, today)).collect();
    events::append(tx, &written, now).await?;
    Ok(Looked { announced: written.len(), mailed })
}

/// As the core has it. Gaps that are set aside are looked at again as contracts are reviewed.
fn deadline(row: &DueRow) -> Result<Deadline, StorageError> {
    let kind = match row.subject.as_str() {
        "gap" => Some(DeadlineKind::ReviewBy),
        _ => DeadlineKind::parse(&row.kind),
    };
    let corrupt = |column| StorageError::Corrupt { column };
    Ok(Deadline {
        kind: kind.ok_or(corrupt("correction_deadlines.kind"))?,
        about: u32::try_from(row.about).map_err(|_| corrupt("correction_deadlines.about"))?,
        due_on: row.due_on,
        owner: row.owner.clone(),
    })
}

fn reminder(row: &DueRow, step: Step, today: NaiveDate) -> NewReminder<'_> {
    let step_on = if step == Step::Again { today } else { row.due_on };
    NewReminder { of: row, step: step.as_str(), step_on }
}

fn event(row: &DueRow, step: Step, today: NaiveDate) -> NewEvent {
    let of_gap = row.subject == "gap";
    NewEvent {
        kind: match step {
            Step::DueSoon => events::DEADLINE_DUE_SOON,
            Step::Passed | Step::Again => events::DEADLINE_PASSED,
            Step::Escalated => events::DEADLINE_ESCALATED,
        },
        month: None,
        client_id: row.client_id,
        audit_id: None,
        gap_id: of_gap.then(|| row.subject_id.clone()),
        data: json!({
            "kind": row.kind,
            "about": row.about,
            "correction_id": (!of_gap).then_some(&row.subject_id),
            "due_on": row.due_on,
            "days_overdue": (today - row.due_on).num_days().max(0),
            "owner": row.owner,
            "step": step,
        }),
    }
}
