//! A second factor of people: setting it up, showing it, taking it away.
//!
//! A code is six digits of an app, or one of ten recovery codes, each good once. Attempts are counted for the person,
//! whatever the network: who gets here knows the password, or has the session. Beyond a few each makes the next one
//! wait, as with passwords; nobody is locked out.

use super::sign_in::{self, Client, Email, SECOND_FACTOR};
use crate::app::App;
use crate::auth::secrets::SecretHash;
use crate::auth::totp;
use crate::error::{ApiError, Code};
use crate::storage::SystemTx;
use crate::storage::second_factors::{self, NewChallenge};
use crate::storage::users::{self, UserRow};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use leakage_core::id::{OrgId, SessionId, UserId};
use secrecy::{ExposeSecret as _, SecretString};

/// Recovery codes of a person.
const RECOVERY_CODES: usize = 10;
/// Random bytes of one: 16 letters.
const RECOVERY_BYTES: usize = 10;
/// Minutes in which a sign-in waits for its code.
const CHALLENGE_MINUTES: i64 = 5;
/// Minutes for which a session counts as having just shown the second factor.
pub const FRESH_MINUTES: i64 = 10;

const CHALLENGE_PREFIX: &str = "lfc_";

/// How far a person's second factor is.
#[derive(Clone, Debug)]
pub struct Status {
    /// Since when it is in use.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Recovery codes that were not used.
    pub recovery_codes_left: i64,
    /// Whether an organization of theirs asks for it.
    pub required: bool,
}

/// A secret that waits for its first code; the only time that it is seen.
#[derive(Debug)]
pub struct Begun {
    /// For typing in.
    pub secret: SecretString,
    /// For a QR code.
    pub uri: SecretString,
}

/// A sign-in that waits for a code.
#[derive(Debug)]
pub struct Challenge {
    /// The token.
    pub token: SecretString,
    /// When its time is over.
    pub expires_at: DateTime<Utc>,
}

fn wrong() -> ApiError {
    ApiError::new(
        Code::SecondFactorWrong,
        "The code is not the one that your app shows now, or it was used already. Wait for the next one, or use a \
         recovery code.",
    )
}

fn none_in_use() -> ApiError {
    ApiError::new(Code::Conflict, "You have no second factor in use. Set it up first.")
}

fn random<const N: usize>() -> Result<[u8; N], ApiError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes)
        .map_err(|_unspecified| ApiError::internal("the system gives no random numbers"))?;
    Ok(bytes)
}

/// What a secret is sealed for: it cannot be put in another person's place.
fn about(user: UserId) -> Vec<u8> {
    format!("second factor of {user}").into_bytes()
}

/// A recovery code, whoever typed it: dashes, spaces and case do not count.
fn recovery_hash(user: UserId, code: &str) -> SecretHash {
    let letters: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    SecretHash::of(&format!("{user}:{}", letters.to_ascii_uppercase()))
}

/// How far it is.
pub async fn status(app: &App, user: UserId) -> Result<Status, ApiError> {
    let mut tx = app.db.begin_system().await?;
    let required = users::organizations(&mut tx, user).await?.iter().any(|it| it.second_factor_required);
    Ok(Status {
        confirmed_at: second_factors::confirmed_at(&mut tx, user).await?,
        recovery_codes_left: second_factors::recovery_codes_left(&mut tx, user).await?,
        required,
    })
}

/// The person of a session, if the password is theirs.
async fn with_password(
    app: &App,
    client: &Client,
    user: UserId,
    password: SecretString,
) -> Result<UserRow, ApiError> {
    let mut tx = app.db.begin_system().await?;
    let gone = || ApiError::new(Code::Unauthenticated, "The session is over. Sign in again.");
    let row = users::find(&mut tx, user).await?.ok_or_else(gone)?;
    drop(tx);
    sign_in::check(app, client, &Email::parse(&row.email)?, password).await
}

/// Makes a secret that waits for its first code. One that waits already is replaced.
///
/// # Errors
/// Those of the password; 409 when a second factor is in use.
pub async fn begin(
    app: &App,
    client: &Client,
    user: UserId,
    password: SecretString,
) -> Result<Begun, ApiError> {
    let person = with_password(app, client, user, password).await?;
    let secret = random::<{ totp::SECRET_BYTES }>()?;
    let sealed = app.sealer.seal(&about(user), &secret).map_err(ApiError::internal)?;
    let mut tx = app.db.begin_system().await?;
    if !second_factors::begin(&mut tx, app.clock.now(), user, &sealed).await? {
        return Err(ApiError::new(Code::Conflict, "Your second factor is in use. Take it away first."));
    }
    tx.commit().await?;
    Ok(Begun { secret: totp::base32(&secret).into(), uri: totp::uri(&secret, &person.email).into() })
}

/// Puts the secret that waits in use, by its first code. Answers the recovery codes; the session counts as having
/// shown the second factor.
///
/// # Errors
/// 401 `second_factor_wrong`; 409 when no secret waits.
pub async fn confirm(
    app: &App,
    user: UserId,
    session: SessionId,
    code: &str,
) -> Result<Vec<SecretString>, ApiError> {
    count(app, user).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin_system().await?;
    let row = second_factors::lock(&mut tx, user).await?.filter(|row| row.confirmed_at.is_none());
    let row =
        row.ok_or_else(|| ApiError::new(Code::Conflict, "No secret waits for a first code. Begin anew."))?;
    let secret = app.sealer.unseal(&about(user), &row.secret).map_err(ApiError::internal)?;
    let step = totp::accepted(&secret, code.trim(), now.timestamp(), row.last_step).ok_or_else(wrong)?;
    if !second_factors::confirm(&mut tx, now, user, step).await? {
        return Err(wrong());
    }
    let codes = new_recovery_codes(&mut tx, user).await?;
    second_factors::passed(&mut tx, now, session).await?;
    forget(&mut tx, user).await?;
    tx.commit().await?;
    Ok(codes)
}

async fn new_recovery_codes(tx: &mut SystemTx, user: UserId) -> Result<Vec<SecretString>, ApiError> {
    let (mut codes, mut hashes) = (Vec::new(), Vec::new());
    for _ in 0..RECOVERY_CODES {
        let letters = totp::base32(&random::<RECOVERY_BYTES>()?);
        let groups: Vec<&str> = (0..4).filter_map(|group| letters.get(group * 4..group * 4 + 4)).collect();
        let code = groups.join("-");
        hashes.push(recovery_hash(user, &code).as_bytes().to_vec());
        codes.push(SecretString::from(code));
    }
    second_factors::set_recovery_codes(tx, user, &hashes).await?;
    Ok(codes)
}

/// Whether a code is the person's: of the app, once and none older, or a recovery code, once.
///
/// # Errors
/// 401 `second_factor_wrong`; 409 without a second factor; 429 after too many failures.
pub async fn check(app: &App, user: UserId, code: &str) -> Result<(), ApiError> {
    count(app, user).await?;
    let mut tx = app.db.begin_system().await?;
    if !is_theirs(app, &mut tx, user, code.trim()).await? {
        return Err(wrong());
    }
    forget(&mut tx, user).await?;
    tx.commit().await?;
    Ok(())
}

async fn is_theirs(app: &App, tx: &mut SystemTx, user: UserId, code: &str) -> Result<bool, ApiError> {
    let now = app.clock.now();
    let row = second_factors::lock(tx, user).await?.filter(|row| row.confirmed_at.is_some());
    let row = row.ok_or_else(none_in_use)?;
    let secret = app.sealer.unseal(&about(user), &row.secret).map_err(ApiError::internal)?;
    if let Some(step) = totp::accepted(&secret, code, now.timestamp(), row.last_step) {
        return Ok(second_factors::use_step(tx, user, step).await?);
    }
    let hash = recovery_hash(user, code);
    Ok(second_factors::use_recovery_code(tx, now, user, hash.as_bytes()).await?)
}

/// Counts an attempt as failed for now, unless it comes too early.
async fn count(app: &App, user: UserId) -> Result<(), ApiError> {
    sign_in::count(app, SECOND_FACTOR, &SECOND_FACTOR.subject(&[&user.to_string()])).await
}

/// Forgets failures that were counted.
pub(super) async fn forget(tx: &mut SystemTx, user: UserId) -> Result<(), ApiError> {
    let subject = SECOND_FACTOR.subject(&[&user.to_string()]);
    Ok(crate::storage::sign_in_failures::forget(tx, &subject).await?)
}

/// Shows the second factor in a session that runs.
///
/// # Errors
/// Those of [`check`].
pub async fn verify(app: &App, user: UserId, session: SessionId, code: &str) -> Result<(), ApiError> {
    check(app, user, code).await?;
    let mut tx = app.db.begin_system().await?;
    second_factors::passed(&mut tx, app.clock.now(), session).await?;
    tx.commit().await?;
    Ok(())
}

/// Ten new recovery codes; the old ones are none any more.
///
/// # Errors
/// Those of the password and of [`check`].
pub async fn renew_recovery_codes(
    app: &App,
    client: &Client,
    user: UserId,
    password: SecretString,
    code: &str,
) -> Result<Vec<SecretString>, ApiError> {
    with_password(app, client, user, password).await?;
    check(app, user, code).await?;
    let mut tx = app.db.begin_system().await?;
    let codes = new_recovery_codes(&mut tx, user).await?;
    tx.commit().await?;
    Ok(codes)
}

/// Takes the second factor away.
///
/// # Errors
/// Those of the password and of [`check`]; 409 while an organization of theirs asks for it.
pub async fn disable(
    app: &App,
    client: &Client,
    user: UserId,
    password: SecretString,
    code: &str,
) -> Result<(), ApiError> {
    if status(app, user).await?.required {
        return Err(ApiError::new(
            Code::Conflict,
            "An organization of yours asks for a second factor. Leave it, or have an admin ask no more.",
        ));
    }
    with_password(app, client, user, password).await?;
    check(app, user, code).await?;
    let mut tx = app.db.begin_system().await?;
    second_factors::remove(&mut tx, user).await?;
    tx.commit().await?;
    Ok(())
}

/// Begins the second step of a sign-in, if the person has a second factor in use.
pub(super) async fn challenge(
    app: &App,
    user: UserId,
    org: Option<OrgId>,
) -> Result<Option<Challenge>, ApiError> {
    let mut tx = app.db.begin_system().await?;
    if second_factors::confirmed_at(&mut tx, user).await?.is_none() {
        return Ok(None);
    }
    let now = app.clock.now();
    let token = format!("{CHALLENGE_PREFIX}{}", URL_SAFE_NO_PAD.encode(random::<32>()?));
    let expires_at = now + Duration::minutes(CHALLENGE_MINUTES);
    let hash = SecretHash::of(&token);
    let new = NewChallenge { user, org, secret_sha256: hash.as_bytes(), expires_at };
    second_factors::insert_challenge(&mut tx, now, &new).await?;
    tx.commit().await?;
    Ok(Some(Challenge { token: token.into(), expires_at }))
}

/// Ends the second step of a sign-in: whose it is, and for which organization.
///
/// # Errors
/// 401 when nothing waits under this token any more, and those of [`check`].
pub(super) async fn answer(
    app: &App,
    token: &SecretString,
    code: &str,
) -> Result<(UserId, Option<OrgId>), ApiError> {
    let over =
        || ApiError::new(Code::Unauthenticated, "No sign-in waits for this code any more. Sign in again.");
    let hash = SecretHash::of(token.expose_secret().trim());
    let mut tx = app.db.begin_system().await?;
    let found = second_factors::try_challenge(&mut tx, app.clock.now(), hash.as_bytes()).await?;
    let found = found.ok_or_else(over)?;
    tx.commit().await?;
    check(app, found.0, code).await?;
    let mut tx = app.db.begin_system().await?;
    if !second_factors::end_challenge(&mut tx, hash.as_bytes()).await? {
        return Err(over());
    }
    tx.commit().await?;
    Ok(found)
}

/// A person whose password was right, who goes on without a second step: refused if they have a second factor and
/// give no code of it. Whether they have shown one.
pub(super) async fn at_once(app: &App, user: UserId, code: Option<&str>) -> Result<bool, ApiError> {
    let mut tx = app.db.begin_system().await?;
    let in_use = second_factors::confirmed_at(&mut tx, user).await?.is_some();
    drop(tx);
    match code {
        _ if !in_use => Ok(false),
        Some(code) => check(app, user, code).await.map(|()| true),
        None => Err(ApiError::new(
            Code::SecondFactorMissing,
            "Your account has a second factor. Give its code, or sign in first and do this while you are signed in.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_is_the_same_however_it_is_typed() {
        let user = UserId::new(uuid::Uuid::from_u128(1));
        let hash = *recovery_hash(user, "ABCD-EFGH-IJKL-MN23").as_bytes();
        for typed in ["abcd-efgh-ijkl-mn23", "ABCDEFGHIJKLMN23", " abcd efgh ijkl mn23 "] {
            assert_eq!(*recovery_hash(user, typed).as_bytes(), hash, "{typed}");
        }
        let other = UserId::new(uuid::Uuid::from_u128(2));
        assert_ne!(*recovery_hash(other, "ABCD-EFGH-IJKL-MN23").as_bytes(), hash);
    }
}
