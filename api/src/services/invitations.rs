//! Invitations: made by admins, accepted by whoever has the token and the address's account.
//!
//! The token is answered once and stored hashed. Accepting takes it and, if the address has an account,
//! that account's password or session; otherwise the account is made.

use super::idempotency::{self, Replay, Replied, Reply};
use super::organizations::OrganizationSettings;
use super::sessions::{self, Opened, Person};
use super::sign_in::{self, Client, Email};
use super::{members as member_rules, organizations, second_factor, text};
use crate::app::App;
use crate::auth::secrets::{self, Presented};
use crate::auth::{Actor, Identity, Role};
use crate::error::{ApiError, Code};
use crate::storage::invitations::{self, InvitationRow, InvitationWriteError, NewInvitation};
use crate::storage::members::{self, MemberWriteError};
use crate::storage::users::{self, Belonging};
use crate::storage::{OrgTx, SystemTx};
use chrono::{DateTime, Duration, Utc};
use leakage_core::id::{InvitationId, UserId};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

/// What may become of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Can be accepted.
    Pending,
    /// Was accepted.
    Accepted,
    /// Was revoked.
    Revoked,
    /// Was not accepted in time.
    Expired,
}

/// What has become of an invitation now.
pub fn state(row: &InvitationRow, now: DateTime<Utc>) -> State {
    match (row.accepted_at, row.revoked_at) {
        (Some(_), _) => State::Accepted,
        (None, Some(_)) => State::Revoked,
        (None, None) if now >= row.expires_at => State::Expired,
        (None, None) => State::Pending,
    }
}

/// Who is invited, as what.
#[derive(Debug)]
pub struct Invite {
    /// E-mail address.
    pub email: String,
    /// The role that they will have.
    pub role: Role,
}

/// Invites someone. The reply holds the token at `/token` the first time only: it is not stored.
///
/// # Errors
/// 403 when someone else than an owner invites an owner; 409 `already_exists` when the address belongs to
/// a member or is invited already; those of [`idempotency::once`].
pub async fn invite(
    app: &App,
    actor: &Actor,
    replay: &Replay,
    body_sha256: &[u8; 32],
    invite: &Invite,
    show: impl Fn(&InvitationRow) -> Result<serde_json::Value, ApiError>,
) -> Result<Replied, ApiError> {
    member_rules::guard_owners(actor, &[invite.role])?;
    let email = Email::parse(&invite.email)?;
    let invited_by = user(actor)?;
    let id = InvitationId::new(Uuid::now_v7());
    let secret = secrets::INVITATION.generate(actor.org, id.uuid()).map_err(ApiError::internal)?;
    let mut replied = idempotency::once(app, actor, replay, body_sha256, async |tx| {
        let now = app.clock.now();
        let settings = organizations::OrganizationSettings::of(&organizations::find(tx).await?)?;
        if members::has_email(tx, &email.normalized).await? {
            return Err(ApiError::new(Code::AlreadyExists, "Someone with this address is a member already."));
        }
        let new = NewInvitation {
            id,
            email: &email.given,
            email_normalized: &email.normalized,
            role: invite.role,
            secret_sha256: secret.hash.as_bytes(),
            invited_by,
            expires_at: now + Duration::days(settings.invitation_days.into()),
        };
        let row = invitations::insert(tx, now, &new).await.map_err(write_error)?;
        Reply::created(format!("/v1/invitations/{id}"), None, &show(&row)?)
    })
    .await?;
    if !replied.replayed {
        replied.reply.body["token"] = secret.text.expose_secret().into();
    }
    Ok(replied)
}

fn write_error(error: InvitationWriteError) -> ApiError {
    match error {
        InvitationWriteError::AlreadyInvited => ApiError::new(
            Code::AlreadyExists,
            "This address has an open invitation. Revoke it first to make a new one.",
        ),
        InvitationWriteError::Storage(error) => error.into(),
    }
}

fn user(actor: &Actor) -> Result<UserId, ApiError> {
    match actor.identity {
        Identity::User { id, .. } => Ok(id),
        Identity::ApiKey { .. } => Err(ApiError::new(Code::InsufficientScope, "No API key may do this.")),
    }
}

/// Revokes an invitation; one that is revoked or expired already stays so.
///
/// # Errors
/// 404 when there is none; 409 when it was accepted.
pub async fn revoke(app: &App, actor: &Actor, id: InvitationId) -> Result<(), ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let row = invitations::lock(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    if row.accepted_at.is_some() {
        return Err(ApiError::new(Code::Conflict, "It was accepted. Remove the member instead."));
    }
    invitations::revoke(&mut tx, app.clock.now(), id).await?;
    tx.commit().await?;
    Ok(())
}

/// An acceptance.
#[derive(Debug)]
pub struct Accept {
    /// The token of the invitation.
    pub token: String,
    /// Name of the person; needed when their account is new.
    pub name: Option<String>,
    /// The password of their account, or the one that they choose; not needed when signed in.
    pub password: Option<SecretString>,
    /// The person who is signed in.
    pub signed_in: Option<UserId>,
}

/// Who accepts.
enum Guest {
    /// A person with an account, who has shown that it is theirs.
    Known(Person),
    /// A person to be.
    New { person: Person, password_hash: String },
}

/// Accepts an invitation: the person becomes a member, and gets a session in the organization. Repeated by
/// the same person, it is answered with another session.
///
/// # Errors
/// 404 when the token is not one of an invitation; 409 when the invitation was revoked, has expired, was
/// accepted by someone else, or is for another address than the signed-in person's; 401
/// `invalid_credentials` for the wrong password of an existing account; 422 when name or password is missing
/// or against the rules.
pub async fn accept(app: &App, client: &Client, request: Accept) -> Result<Opened, ApiError> {
    let presented = secrets::INVITATION.parse(request.token.trim()).ok_or_else(no_invitation)?;
    let mut tx = app.db.begin(presented.org).await?;
    let row = load(&mut tx, app, &presented).await?;
    drop(tx);
    let guest = guest(app, client, &row, request).await?;

    let mut tx = app.db.begin_system().await?;
    let person = match &guest {
        Guest::Known(person) => person,
        Guest::New { person, password_hash } => {
            organizations::insert_person(&mut tx, app, person, &row.email_normalized, password_hash).await?;
            person
        }
    };
    let organizations = users::organizations(&mut tx, person.id).await?;
    let started = sessions::start(&mut tx, app, client, person.id, Some(presented.org), false).await?;
    let current = join(tx, app, &presented, person.id).await?;
    let mut organizations: Vec<Belonging> =
        organizations.into_iter().filter(|it| it.org != current.org).collect();
    organizations.push(current.clone());
    organizations.sort_by_key(|it| it.org);
    sessions::opened(app, person.clone(), started, Some(current), organizations, false)
}

/// The invitation of a token, if it can still be accepted, or was accepted (by whom is looked at later).
async fn load(tx: &mut OrgTx, app: &App, presented: &Presented) -> Result<InvitationRow, ApiError> {
    let row = invitations::lock(tx, presented.id.into()).await?;
    let row = row.filter(|row| presented.hash.matches(&row.secret_sha256)).ok_or_else(no_invitation)?;
    match state(&row, app.clock.now()) {
        State::Pending | State::Accepted => Ok(row),
        State::Revoked => {
            Err(ApiError::new(Code::Conflict, "The invitation was revoked. Ask for a new one."))
        }
        State::Expired => {
            Err(ApiError::new(Code::Conflict, "The invitation has expired. Ask for a new one."))
        }
    }
}

async fn guest(app: &App, client: &Client, row: &InvitationRow, request: Accept) -> Result<Guest, ApiError> {
    let mut tx = app.db.begin_system().await?;
    let known = users::find_by_email(&mut tx, &row.email_normalized).await?;
    drop(tx);
    let email = Email { given: row.email.clone(), normalized: row.email_normalized.clone() };
    if let Some(user) = request.signed_in {
        let person = known.filter(|row| row.id == user.uuid()).ok_or_else(|| {
            ApiError::new(
                Code::Conflict,
                "The invitation is for another address. Sign out, or sign in with that one.",
            )
        })?;
        return Ok(Guest::Known(Person::from(&person)));
    }
    let missing = |pointer, reason| ApiError::invalid(pointer, reason);
    let password = request.password.ok_or_else(|| {
        missing("/password", "is needed: that of your account if you have one, else the one that you choose")
    })?;
    if known.is_some() {
        let row = sign_in::check(app, client, &email, password).await?;
        second_factor::at_once(app, row.id.into(), None).await?;
        return Ok(Guest::Known(Person::from(&row)));
    }
    let name =
        request.name.ok_or_else(|| missing("/name", "is needed: your account will be made with it"))?;
    let name = text::short("/name", &name, 200)?;
    let password_hash = organizations::new_password(app, &email, password).await?;
    let person = Person { id: UserId::new(Uuid::now_v7()), email: email.given, name };
    Ok(Guest::New { person, password_hash })
}

/// Makes the person a member, unless they have accepted this very invitation before.
async fn join(tx: SystemTx, app: &App, presented: &Presented, user: UserId) -> Result<Belonging, ApiError> {
    let now = app.clock.now();
    let mut tx = tx.enter(presented.org).await?;
    let row = load(&mut tx, app, presented).await?;
    let organization = organizations::find(&mut tx).await?;
    let role = if row.accepted_at.is_none() {
        let role = row.role()?;
        members::insert(&mut tx, now, user, role).await.map_err(member_error)?;
        invitations::accept(&mut tx, now, presented.id.into(), user).await?;
        role
    } else {
        let again = row.accepted_by == Some(user.uuid());
        let member = if again { members::find(&mut tx, user).await? } else { None };
        let taken =
            || ApiError::new(Code::Conflict, "The invitation was accepted already. Ask for a new one.");
        member.ok_or_else(taken)?.role()?
    };
    tx.commit().await?;
    let second_factor_required = OrganizationSettings::of(&organization)?.second_factor_required;
    Ok(Belonging { org: presented.org, name: organization.name, role, second_factor_required })
}

fn member_error(error: MemberWriteError) -> ApiError {
    match error {
        MemberWriteError::AlreadyMember => {
            ApiError::new(Code::AlreadyExists, "You are a member of this organization already. Sign in.")
        }
        MemberWriteError::Storage(error) => error.into(),
    }
}

fn no_invitation() -> ApiError {
    ApiError::new(
        Code::NotFound,
        "There is no invitation with this token. Copy the whole token, and try again.",
    )
}
