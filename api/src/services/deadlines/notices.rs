//! Mail to the people of an organization: one message for each, with all that they must know of today.

use crate::jobs::{self, JobKind};
use crate::storage::deadlines::DueRow;
use crate::storage::members::{self, MemberRow};
use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::correction::deadline::Step;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use uuid::Uuid;

/// Deadlines that one message lists; the number of all stands above them.
const LISTED: usize = 100;

/// A step of a deadline that someone must hear of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// The deadline.
    pub of: &'a DueRow,
    /// The step.
    pub step: Step,
}

/// The organization's members.
pub(super) struct People(Vec<MemberRow>);

impl People {
    pub(super) async fn load(tx: &mut OrgTx) -> Result<Self, StorageError> {
        Ok(Self(members::list(tx, None, i64::MAX).await?))
    }

    /// Whoever hears of a step: the owner, and admins of what nobody owns or what passed long ago.
    fn told(&self, line: &Line<'_>) -> Vec<Uuid> {
        let owner = line.of.owner.as_deref().and_then(|owner| owner.strip_prefix("user:"));
        let owner = owner.and_then(|id| id.parse::<Uuid>().ok());
        let owner = self.0.iter().find(|member| Some(member.user_id) == owner);
        let mut told: Vec<Uuid> = owner.map(|member| member.user_id).into_iter().collect();
        if told.is_empty() || line.step == Step::Escalated {
            let admins = self.0.iter().filter(|member| matches!(member.role.as_str(), "owner" | "admin"));
            told.extend(admins.map(|member| member.user_id));
        }
        told.sort_unstable();
        told.dedup();
        told
    }
}

/// Enqueues one message for each person; answers for how many.
pub(super) async fn enqueue(
    tx: &mut OrgTx,
    people: &People,
    lines: &[Line<'_>],
    now: DateTime<Utc>,
) -> Result<usize, StorageError> {
    let mut messages: BTreeMap<Uuid, Vec<Line<'_>>> = BTreeMap::new();
    for line in lines {
        for person in people.told(line) {
            messages.entry(person).or_default().push(*line);
        }
    }
    for (person, lines) in &messages {
        let payload = json!({ "user_id": person, "subject": subject(lines), "text": text(lines) });
        jobs::enqueue(tx, now, JobKind::SendNotice, *person, payload).await?;
    }
    Ok(messages.len())
}

fn subject(lines: &[Line<'_>]) -> String {
    let passed = lines.iter().filter(|line| line.step != Step::DueSoon).count();
    match (lines.len(), passed) {
        (1, 0) => "A deadline is near".to_owned(),
        (1, _) => "A deadline has passed".to_owned(),
        (all, 0) => format!("{all} deadlines are near"),
        (all, passed) => format!("{all} deadlines, {passed} of them have passed"),
    }
}

fn text(lines: &[Line<'_>]) -> String {
    let mut text = "These deadlines need someone:\n\n".to_owned();
    for line in lines.iter().take(LISTED) {
        let Line { of, step } = line;
        let said = match step {
            Step::DueSoon => "is due on",
            Step::Passed => "was due on",
            Step::Again => "was due on, and still stands,",
            Step::Escalated => "was due on, and nobody has acted since,",
        };
        let what = of.kind.replace('_', " ");
        let client: String = of.client.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = writeln!(text, "- {client}: {what} {said} {} ({} {})", of.due_on, of.subject, of.subject_id);
    }
    if lines.len() > LISTED {
        let _ = writeln!(text, "- and {} more", lines.len() - LISTED);
    }
    text.push_str("\nThe work queue has them with what to do next.\n");
    text
}
