//! Sessions: signing in, refreshing, switching the organization, ending them.
//!
//! A session is a family of refresh tokens that begins with one sign-in. It ends 30 days after its last
//! use, 90 days after its beginning, when its person ends it, or when a refresh token is used that was
//! used up before: then two have the family, and neither keeps it.

use super::second_factor::{self, Challenge};
use super::sign_in::{self, Client, Email};
use crate::app::App;
use crate::auth::secrets::SecretHash;
use crate::auth::tokens::{AccessToken, Subject};
use crate::error::{ApiError, Code};
use crate::storage::SystemTx;
use crate::storage::sessions::{self, NewRefreshToken, NewSession, Redeemed, Redemption, SessionRow};
use crate::storage::users::{self, Belonging, UserRow};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use leakage_core::id::{OrgId, SessionId, UserId};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

/// Days without use after which a session ends.
pub const IDLE_DAYS: i64 = 30;
/// Days after which a session ends in any case.
pub const ABSOLUTE_DAYS: i64 = 90;

const PREFIX: &str = "lfr_";

/// A refresh token that was just made; the only time that it is seen.
#[derive(Debug)]
pub struct RefreshToken {
    /// The token.
    pub text: SecretString,
    /// When it ends if it is not used.
    pub expires_at: DateTime<Utc>,
}

/// A session that was opened or refreshed.
#[derive(Debug)]
pub struct Opened {
    /// The person.
    pub user: Person,
    /// The session.
    pub session: SessionId,
    /// For requests.
    pub access: AccessToken,
    /// For the next access token.
    pub refresh: RefreshToken,
    /// The organization that the access token is for.
    pub current: Option<Belonging>,
    /// All organizations of the person.
    pub organizations: Vec<Belonging>,
}

/// A person, as they may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// E-mail address as given.
    pub email: String,
    /// Their name.
    pub name: String,
}

impl From<&UserRow> for Person {
    fn from(row: &UserRow) -> Self {
        Self { id: row.id.into(), email: row.email.clone(), name: row.name.clone() }
    }
}

/// What a password is answered with.
#[derive(Debug)]
pub enum FirstStep {
    /// A session.
    Open(Box<Opened>),
    /// The person has a second factor: its code is to come.
    Challenge(Challenge),
}

/// Signs a person in, for the organization `wanted` or their first one; or asks for the code of their second factor.
///
/// # Errors
/// Those of [`sign_in::check`]; 422 when the person does not belong to `wanted`.
pub async fn sign_in(
    app: &App,
    client: &Client,
    email: &str,
    password: SecretString,
    wanted: Option<OrgId>,
) -> Result<FirstStep, ApiError> {
    let email = Email::parse(email)?;
    let user = sign_in::check(app, client, &email, password).await?;
    if let Some(challenge) = second_factor::challenge(app, user.id.into(), wanted).await? {
        return Ok(FirstStep::Challenge(challenge));
    }
    let opened = open(app, client, &user, wanted, false).await?;
    Ok(FirstStep::Open(Box::new(opened)))
}

/// The second step: the session, for who has the challenge and a code.
///
/// # Errors
/// Those of [`second_factor::answer`]; 422 when the person does not belong to the organization that they asked for.
pub async fn complete(
    app: &App,
    client: &Client,
    challenge: &SecretString,
    code: &str,
) -> Result<Opened, ApiError> {
    let (user, wanted) = second_factor::answer(app, challenge, code).await?;
    let mut tx = app.db.begin_system().await?;
    let user = users::find(&mut tx, user).await?.ok_or_else(over)?;
    drop(tx);
    open(app, client, &user, wanted, true).await
}

/// Opens a session; `passed`: it has shown a second factor.
async fn open(
    app: &App,
    client: &Client,
    user: &UserRow,
    wanted: Option<OrgId>,
    passed: bool,
) -> Result<Opened, ApiError> {
    let mut tx = app.db.begin_system().await?;
    sessions::remove_ended(&mut tx, user.id.into(), app.clock.now() - Duration::days(ABSOLUTE_DAYS)).await?;
    let organizations = users::organizations(&mut tx, user.id.into()).await?;
    let current = choose(&organizations, wanted, None, passed)?;
    let org = current.as_ref().map(|it| it.org);
    let started = start(&mut tx, app, client, user.id.into(), org, passed).await?;
    tx.commit().await?;
    opened(app, Person::from(user), started, current, organizations, passed)
}

/// Exchanges a refresh token for the next one and an access token, for the organization `wanted`, or the
/// one that the session was for.
///
/// # Errors
/// 401 when the token was never given out, was used up (which ends the session), or its session is over;
/// 422 when the person does not belong to `wanted`: the token stays good then.
pub async fn refresh(app: &App, token: &str, wanted: Option<OrgId>) -> Result<Opened, ApiError> {
    let now = app.clock.now();
    let hash = SecretHash::of(token.trim());
    let mut tx = app.db.begin_system().await?;
    let redeemed = match sessions::redeem(&mut tx, now, idle_since(now), hash.as_bytes()).await? {
        Redemption::Accepted(redeemed) => redeemed,
        Redemption::Unknown => return Err(over()),
        Redemption::Reused => {
            tx.commit().await?;
            tracing::warn!("a used refresh token came again; its session was ended");
            return Err(over());
        }
    };
    let opened = renew(app, &mut tx, &redeemed, wanted).await?;
    tx.commit().await?;
    Ok(opened)
}

async fn renew(
    app: &App,
    tx: &mut SystemTx,
    redeemed: &Redeemed,
    wanted: Option<OrgId>,
) -> Result<Opened, ApiError> {
    let now = app.clock.now();
    let user = users::find(tx, redeemed.user).await?.ok_or_else(over)?;
    let organizations = users::organizations(tx, redeemed.user).await?;
    let passed = redeemed.second_factor;
    let current = choose(&organizations, wanted, redeemed.org, passed)?;
    let org = current.as_ref().map(|it| it.org);
    if org != redeemed.org {
        sessions::switch(tx, redeemed.session, org).await?;
    }
    let (refresh, hash) = new_refresh_token(now)?;
    let token = NewRefreshToken { id: Uuid::now_v7(), secret_sha256: hash.as_bytes() };
    sessions::insert_refresh_token(tx, now, redeemed.session, redeemed.next_generation, &token).await?;
    opened(app, Person::from(&user), (redeemed.session, refresh), current, organizations, passed)
}

/// Begins a session inside a transaction of the caller; `passed`: it has shown a second factor.
pub(super) async fn start(
    tx: &mut SystemTx,
    app: &App,
    client: &Client,
    user: UserId,
    org: Option<OrgId>,
    passed: bool,
) -> Result<(SessionId, RefreshToken), ApiError> {
    let now = app.clock.now();
    let id = SessionId::new(Uuid::now_v7());
    let (refresh, hash) = new_refresh_token(now)?;
    let new = NewSession {
        id,
        user,
        org,
        user_agent: client.user_agent.as_deref(),
        expires_at: now + Duration::days(ABSOLUTE_DAYS),
        second_factor_at: passed.then_some(now),
        refresh: NewRefreshToken { id: Uuid::now_v7(), secret_sha256: hash.as_bytes() },
    };
    sessions::insert(tx, now, &new).await?;
    Ok((id, refresh))
}

/// What a caller is given when a session was begun or renewed. An organization that asks for a second factor is not
/// acted in without one.
pub(super) fn opened(
    app: &App,
    user: Person,
    (session, refresh): (SessionId, RefreshToken),
    current: Option<Belonging>,
    organizations: Vec<Belonging>,
    passed: bool,
) -> Result<Opened, ApiError> {
    let current = current.filter(|it| passed || !it.second_factor_required);
    let membership = current.as_ref().map(|it| (it.org, it.role));
    let access =
        app.tokens.issue(&Subject { user: user.id, session, membership }).map_err(ApiError::internal)?;
    Ok(Opened { user, session, access, refresh, current, organizations })
}

/// The organization to act in: the wanted one, else the one before if the person still belongs to it,
/// else the first; of those that ask for a second factor none without it.
fn choose(
    organizations: &[Belonging],
    wanted: Option<OrgId>,
    before: Option<OrgId>,
    passed: bool,
) -> Result<Option<Belonging>, ApiError> {
    let find = |org: OrgId| organizations.iter().find(|it| it.org == org);
    let open = |it: &&Belonging| passed || !it.second_factor_required;
    if let Some(wanted) = wanted {
        let reason = "is none of your organizations; leave it out to see which there are";
        let found = find(wanted).ok_or_else(|| ApiError::invalid("/organization_id", reason))?;
        return Some(found).filter(open).cloned().map(Some).ok_or_else(|| {
            ApiError::new(
                Code::SecondFactorMissing,
                "This organization asks for a second factor. Leave `organization_id` out, set one up or show it \
                 (`/v1/me/second-factor`), then refresh the session for this organization.",
            )
        });
    }
    Ok(before.and_then(find).filter(open).or_else(|| organizations.iter().find(open)).cloned())
}

fn new_refresh_token(now: DateTime<Utc>) -> Result<(RefreshToken, SecretHash), ApiError> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes)
        .map_err(|_unspecified| ApiError::internal("the system gives no random numbers"))?;
    let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
    let hash = SecretHash::of(&text);
    Ok((RefreshToken { text: text.into(), expires_at: now + Duration::days(IDLE_DAYS) }, hash))
}

impl RefreshToken {
    /// For the one answer that shows it.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

/// Live sessions of a person, newest first.
pub async fn list(
    app: &App,
    user: UserId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<SessionRow>, ApiError> {
    let now = app.clock.now();
    let mut tx = app.db.begin_system().await?;
    Ok(sessions::list(&mut tx, now, idle_since(now), user, after, limit).await?)
}

/// Ends a person's session.
///
/// # Errors
/// 404 when they have no such session, or it is over.
pub async fn end(app: &App, user: UserId, session: SessionId) -> Result<(), ApiError> {
    let mut tx = app.db.begin_system().await?;
    if !sessions::revoke(&mut tx, app.clock.now(), user, session).await? {
        return Err(ApiError::new(Code::NotFound, "You have no such session, or it is over."));
    }
    tx.commit().await?;
    Ok(())
}

/// A person and their organizations.
///
/// # Errors
/// 401 when the person is gone.
pub async fn person(app: &App, user: UserId) -> Result<(Person, Vec<Belonging>), ApiError> {
    let mut tx = app.db.begin_system().await?;
    let row = users::find(&mut tx, user).await?.ok_or_else(over)?;
    Ok((Person::from(&row), users::organizations(&mut tx, user).await?))
}

fn idle_since(now: DateTime<Utc>) -> DateTime<Utc> {
    now - Duration::days(IDLE_DAYS)
}

fn over() -> ApiError {
    ApiError::new(Code::Unauthenticated, "The session is over. Sign in again.")
}
