//! A second factor that was lost together with its recovery codes. An owner or admin of the person's organization
//! takes it away, never their own; where there is nobody else, whoever runs the service does, by a command.
//!
//! The factor is the person's, not the organization's: an admin could open other organizations' doors with it. So an
//! admin may do this only for somebody who belongs to no other organization.

use super::members::guard_owners;
use super::sign_in::Email;
use super::{second_factor, text};
use crate::app::App;
use crate::auth::{Actor, Identity};
use crate::error::{ApiError, Code};
use crate::jobs::{self, JobKind};
use crate::storage::timeline_log::NewLogEntry;
use crate::storage::users::{self, Belonging, UserRow};
use crate::storage::{Db, OrgTx, StorageError, SystemTx, members, second_factors, sessions};
use chrono::{DateTime, Utc};
use leakage_core::id::UserId;
use serde_json::{Value, json};

/// Characters of a reason.
const REASON: usize = 2000;

/// What was taken away.
#[derive(Clone, Debug)]
pub struct TakenAway {
    /// The person's address.
    pub email: String,
    /// Their organizations, whose logs say so.
    pub organizations: Vec<String>,
    /// Sessions that ended.
    pub sessions: u64,
}

fn none_in_use() -> ApiError {
    ApiError::new(
        Code::Conflict,
        "This person has no second factor in use. They sign in with their password.",
    )
}

/// Takes a member's second factor away, for a person of the organization.
///
/// # Errors
/// 403 for one's own, and for an owner's unless an owner asks; 404; 409 when none is in use, or the person belongs to
/// other organizations, too.
pub async fn by_admin(app: &App, actor: &Actor, user: UserId, reason: &str) -> Result<(), ApiError> {
    let reason = text::short("/reason", reason, REASON)?;
    let mut tx = app.db.begin_system().await?;
    // Nobody joins another organization meanwhile.
    users::lock(&mut tx, user).await?;
    let belongs = users::organizations(&mut tx, user).await?;
    let own = belongs.iter().find(|one| one.org == actor.org).ok_or_else(ApiError::not_found)?;
    if matches!(actor.identity, Identity::User { id, .. } if id == user) {
        return Err(ApiError::new(
            Code::InsufficientRole,
            "This is your own. Take it away with your password and a code, or have another owner or admin do it.",
        ));
    }
    guard_owners(actor, &[own.role])?;
    if belongs.len() > 1 {
        return Err(ApiError::new(
            Code::Conflict,
            "This person belongs to other organizations, too, and their second factor guards those as well. Ask whoever \
             runs the service.",
        ));
    }
    let since = second_factors::confirmed_at(&mut tx, user).await?.ok_or_else(none_in_use)?;
    let ended = take_away(&mut tx, user, app.clock.now()).await?;
    let mut tx = tx.enter(actor.org).await?;
    let by = actor_name(&mut tx, actor).await?;
    tx.log(entry(&actor.label(), user, (since, ended), &reason, app.clock.now()));
    if app.mailer.is_some() {
        tell(&mut tx, user, &by, &own.name, app.clock.now()).await?;
    }
    Ok(tx.commit().await?)
}

/// Takes a person's second factor away, for whoever runs the service.
///
/// # Errors
/// When nobody has an account with this address, or no second factor is in use; 422 without a reason.
pub async fn by_operator(
    db: &Db,
    (email, reason): (&str, &str),
    mails: bool,
    now: DateTime<Utc>,
) -> Result<TakenAway, ApiError> {
    let email = Email::parse(email)?;
    let reason = text::short("/reason", reason, REASON)?;
    let mut tx = db.begin_system().await?;
    let found = users::find_by_email(&mut tx, &email.normalized).await?;
    let person = found.ok_or_else(|| {
        ApiError::new(Code::NotFound, format!("Nobody has an account with the address {}.", email.given))
    })?;
    let user = UserId::new(person.id);
    users::lock(&mut tx, user).await?;
    let since = second_factors::confirmed_at(&mut tx, user).await?.ok_or_else(none_in_use)?;
    let belongs = users::organizations(&mut tx, user).await?;
    let ended = take_away(&mut tx, user, now).await?;
    let told = Told { user, since, ended, reason: &reason, mails };
    note_everywhere(db, tx, &belongs, &told, now).await?;
    Ok(taken_away(person, belongs, ended))
}

fn taken_away(person: UserRow, belongs: Vec<Belonging>, sessions: u64) -> TakenAway {
    let organizations = belongs.into_iter().map(|one| one.name).collect();
    TakenAway { email: person.email, organizations, sessions }
}

/// What the logs of a person's organizations are told.
struct Told<'a> {
    user: UserId,
    since: DateTime<Utc>,
    ended: u64,
    reason: &'a str,
    mails: bool,
}

/// Has the log of every organization of the person take note. The factor goes with the entry in the first one's; the
/// others', each in a transaction of its own, are written before, so that none of them can lack it.
async fn note_everywhere(
    db: &Db,
    tx: SystemTx,
    belongs: &[Belonging],
    told: &Told<'_>,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    const OPERATOR: &str = "system:operator";
    let note = || entry(OPERATOR, told.user, (told.since, told.ended), told.reason, now);
    let Some((first, others)) = belongs.split_first() else { return Ok(tx.commit().await?) };
    for other in others {
        let mut tx = db.begin(other.org).await?;
        tx.log(note());
        tx.commit().await?;
    }
    let mut tx = tx.enter(first.org).await?;
    tx.log(note());
    if told.mails {
        tell(&mut tx, told.user, "Whoever runs the service", &first.name, now).await?;
    }
    Ok(tx.commit().await?)
}

/// Takes the factor away with all that was shown of it; answers how many sessions ended.
async fn take_away(tx: &mut SystemTx, user: UserId, now: DateTime<Utc>) -> Result<u64, ApiError> {
    second_factors::remove(tx, user).await?;
    second_factors::end_challenges(tx, user).await?;
    second_factor::forget(tx, user).await?;
    Ok(sessions::revoke_all(tx, now, user).await?)
}

fn entry(
    by: &str,
    user: UserId,
    (since, ended): (DateTime<Utc>, u64),
    reason: &str,
    at: DateTime<Utc>,
) -> NewLogEntry {
    NewLogEntry {
        at,
        actor: by.to_owned(),
        command: "reset_second_factor".to_owned(),
        subject: format!("user:{user}"),
        before: json!({ "second_factor_since": since }),
        after: json!({ "second_factor_since": Value::Null, "sessions_ended": ended }),
        reason: Some(reason.to_owned()),
        source: None,
    }
}

async fn actor_name(tx: &mut OrgTx, actor: &Actor) -> Result<String, StorageError> {
    let Identity::User { id, .. } = actor.identity else { return Ok(actor.label()) };
    Ok(members::find(tx, id).await?.map_or_else(|| actor.label(), |member| member.name))
}

/// Mails the person, who may not be the one who asked for it.
async fn tell(
    tx: &mut OrgTx,
    user: UserId,
    by: &str,
    organization: &str,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let text = format!(
        "{by} has taken away the second factor of your account, with which you work for {organization}. All your \
         sessions have ended.\n\nSign in with your password, and set up a second factor again.\n\nIf you did not ask for \
         this, change your password and tell {organization} today.\n"
    );
    let payload = json!({ "user_id": user, "subject": "Your second factor was taken away", "text": text });
    jobs::enqueue(tx, now, JobKind::SendNotice, user.uuid(), payload).await?;
    Ok(())
}
