//! What clients are written when something that they owe is due: one reminder of the message when the day for a
//! reply has passed, and reminders of instalments. What they missed or broke is recorded first.
//!
//! Each step is a transaction of its own that holds the correction and looks again whether it is due: of two
//! workers the second one finds it done. A letter that cannot be written keeps nothing else from being done;
//! the work queue goes on asking for it.

use crate::app::App;
use crate::error::ApiError;
use crate::services::corrections::{self, Beside, Loaded, letter};
use crate::storage::corrections as stored;
use crate::storage::letters as kept;
use crate::storage::{OrgTx, deadlines};
use leakage_core::correction::command::Command;
use leakage_core::correction::policy::{Actor, Facts, Policy};
use leakage_core::correction::state::Action;
use leakage_core::id::{CorrectionId, OrgId};
use leakage_core::letters::LetterKind;
use serde_json::json;

/// Who does it, as records name it.
const ACTOR: &str = "system:deadlines";

/// Writes to all clients that owe something today.
pub async fn write_to_clients(app: &App, org: OrgId) -> Result<(), ApiError> {
    let mut tx = app.db.begin(org).await?;
    let owed = deadlines::owed_by_clients(&mut tx, app.clock.today()).await?;
    tx.rollback().await?;
    for id in owed {
        match write(app, org, CorrectionId::new(id)).await {
            Ok(()) => {}
            Err(error) if error.code().retryable() => return Err(error),
            Err(error) => tracing::warn!(
                correction.id = %id,
                error = &error as &dyn std::error::Error,
                "what is due of a correction cannot be written to its client"
            ),
        }
    }
    Ok(())
}

async fn write(app: &App, org: OrgId, id: CorrectionId) -> Result<(), ApiError> {
    Box::pin(step(app, org, id, Step::RecordBreaks)).await?;
    // One letter at a time: the next one begins from what the one before left.
    while Box::pin(step(app, org, id, Step::RemindOfInstalment)).await? {}
    Box::pin(step(app, org, id, Step::RemindOfMessage)).await?;
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum Step {
    RecordBreaks,
    RemindOfInstalment,
    RemindOfMessage,
}

/// A correction that is held, and what is decided for it.
struct Held<'a> {
    app: &'a App,
    actor: Actor,
    policy: Policy,
    loaded: Loaded,
}

impl<'a> Held<'a> {
    async fn load(app: &'a App, tx: &mut OrgTx, id: CorrectionId) -> Result<Self, ApiError> {
        stored::lock(tx, id).await?;
        let loaded = corrections::load(tx, id).await?;
        let policy = corrections::policy(app, tx).await?;
        let actor = Actor { label: ACTOR.to_owned(), person: false, admin: false };
        Ok(Self { app, actor, policy, loaded })
    }

    fn allows(&self, action: Action) -> bool {
        action.from().contains(&self.loaded.correction.state)
    }

    async fn act(self, tx: &mut OrgTx, step: Step) -> Result<bool, ApiError> {
        match step {
            Step::RecordBreaks => record_breaks(tx, self).await,
            Step::RemindOfInstalment => remind_of_instalment(tx, self).await,
            Step::RemindOfMessage => remind_of_message(tx, self).await,
        }
    }
}

/// Does one thing in a transaction of its own; answers whether there was something to do.
async fn step(app: &App, org: OrgId, id: CorrectionId, step: Step) -> Result<bool, ApiError> {
    let mut tx = app.db.begin(org).await?;
    let done = match Held::load(app, &mut tx, id).await {
        Ok(held) => Box::pin(held.act(&mut tx, step)).await,
        Err(error) => Err(error),
    };
    if matches!(done, Ok(true)) {
        tx.commit().await?;
    } else {
        tx.rollback().await?;
    }
    done
}

/// Missed instalments and broken promises by today.
async fn record_breaks(tx: &mut OrgTx, held: Held<'_>) -> Result<bool, ApiError> {
    let facts = Facts::default();
    let context = corrections::context(held.app, &held.actor, &held.policy, &facts);
    let breaks = held.loaded.correction.breaks_due(&context);
    if breaks.is_empty() || !held.allows(Action::RecordBreak) {
        return Ok(false);
    }
    let beside = Beside { detail: json!({ "breaks": breaks }), ..Beside::default() };
    corrections::apply(held.app, tx, &held.actor, held.loaded, (&Command::RecordBreak, None), beside).await?;
    Ok(true)
}

/// The first instalment of which the client is to be reminded: a promise that runs pauses it, a broken one
/// resumes it.
async fn remind_of_instalment(tx: &mut OrgTx, held: Held<'_>) -> Result<bool, ApiError> {
    let plan = held.loaded.correction.plan.as_ref().filter(|_| held.allows(Action::Remind));
    let due = plan.map(|plan| plan.reminders_due(held.app.clock.today(), held.policy.reminder_days));
    let Some(number) = due.and_then(|due| due.first().copied()) else { return Ok(false) };
    let letter = letter::write_reminder(held.app, tx, ACTOR, &held.loaded, Some(number)).await?;
    let Some(letter) = letter else { return Ok(false) };
    letter::remind(held.app, tx, &held.actor, held.loaded, Some(number), letter.id).await?;
    Ok(true)
}

/// One reminder of the message. It counts when its letter gets through, so here it is only written.
async fn remind_of_message(tx: &mut OrgTx, held: Held<'_>) -> Result<bool, ApiError> {
    let correction = &held.loaded.correction;
    let Some(told) = correction.announcement.as_ref() else { return Ok(false) };
    if !correction.reply_reminder_due(held.app.clock.today()) {
        return Ok(false);
    }
    let kind = LetterKind::ReplyReminder.as_str();
    if kept::any_since(tx, held.loaded.id(), kind, told.at).await? {
        return Ok(false);
    }
    Ok(letter::write_reminder(held.app, tx, ACTOR, &held.loaded, None).await?.is_some())
}
