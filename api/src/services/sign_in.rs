//! Whether e-mail address and password belong together: the one place that checks a password, for
//! signing in, for signing up another organization, and for accepting an invitation.
//!
//! Failures are counted for an account from a network, and for a network; beyond a few, each makes the
//! next attempt wait, and an attempt that comes too early is not looked at. The wait is short and ends by
//! itself: nobody can lock somebody else out, for failures from elsewhere do not count against a network
//! that has none. An attempt is counted before the password is checked and taken back when it was right,
//! so that a thousand at once count as a thousand.

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::storage::SystemTx;
use crate::storage::sign_in_failures::{self, Subject};
use crate::storage::users::{self, UserRow};
use chrono::{DateTime, Duration, Utc};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

/// After an hour without a failure all is forgotten.
const FORGOTTEN_AFTER_MINUTES: i64 = 60;

/// What is counted, and how patient we are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    name: &'static str,
    /// Failures that cost nothing.
    free: i32,
    /// Longest wait, in seconds.
    longest: i64,
}

/// One account from one network.
const ACCOUNT: Patience = Patience { name: "account", free: 5, longest: 300 };
/// One network, all accounts together: an office behind one address is one network.
const NETWORK: Patience = Patience { name: "network", free: 50, longest: 60 };

/// Codes of one person's second factor, whatever the network.
pub(super) const SECOND_FACTOR: Patience = Patience { name: "second factor", free: 5, longest: 300 };

impl Patience {
    /// Seconds to wait after so many failures: 1, 2, 4, and so on.
    fn wait(self, failures: i32) -> i64 {
        if failures < self.free {
            return 0;
        }
        let doublings = u32::try_from(failures - self.free).unwrap_or(0).min(30);
        (1_i64 << doublings).min(self.longest)
    }

    pub(super) fn subject(self, parts: &[&str]) -> Subject {
        let mut digest = Sha256::new();
        for part in [self.name].iter().chain(parts) {
            digest.update(part.len().to_be_bytes());
            digest.update(part.as_bytes());
        }
        digest.finalize().into()
    }
}

/// An e-mail address: as given, and as it is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// As given, without spaces around it.
    pub given: String,
    /// In lower case.
    pub normalized: String,
}

impl Email {
    /// Reads an address of a request.
    ///
    /// # Errors
    /// 422 at `/email` when it cannot be one.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let given = text.trim();
        let fits = given.len() <= 254 && !given.chars().any(|c| c.is_whitespace() || c.is_control());
        let whole = given.rsplit_once('@').is_some_and(|(local, domain)| {
            (1..=64).contains(&local.len()) && !local.contains('@') && !domain.is_empty()
        });
        if !fits || !whole {
            return Err(ApiError::invalid("/email", "must be an e-mail address, like ann@example.com"));
        }
        Ok(Self { given: given.to_owned(), normalized: given.to_lowercase() })
    }
}

/// Where a request comes from.
#[derive(Clone, Debug)]
pub struct Client {
    /// The network, as rate limits see it.
    pub network: String,
    /// How the client describes itself, cut to 200 characters.
    pub user_agent: Option<String>,
}

/// The person with this address, if the password is theirs.
///
/// # Errors
/// 401 `invalid_credentials`, the same and after the same time whether or not there is such a person; 429
/// with the seconds to wait after too many failures.
pub async fn check(
    app: &App,
    client: &Client,
    email: &Email,
    password: SecretString,
) -> Result<UserRow, ApiError> {
    let account = ACCOUNT.subject(&[&client.network, &email.normalized]);
    let network = NETWORK.subject(&[&client.network]);
    let user = count_attempt(app, email, &account, &network).await?;
    let stored = user.as_ref().map(|user| user.password_hash.clone());
    let matches = app.passwords.verify(password, stored).await.map_err(ApiError::internal)?;
    let Some(user) = user.filter(|_| matches) else {
        return Err(ApiError::new(
            Code::InvalidCredentials,
            "Check the e-mail address and the password, and try again.",
        ));
    };
    let now = app.clock.now();
    let mut tx = app.db.begin_system().await?;
    sign_in_failures::forget(&mut tx, &account).await?;
    sign_in_failures::take_back(&mut tx, &network).await?;
    sign_in_failures::remove_before(&mut tx, forgotten_before(now)).await?;
    tx.commit().await?;
    Ok(user)
}

/// Counts an attempt as failed for now, unless it comes too early, and looks the person up.
async fn count_attempt(
    app: &App,
    email: &Email,
    account: &Subject,
    network: &Subject,
) -> Result<Option<UserRow>, ApiError> {
    let now = app.clock.now();
    let mut tx = app.db.begin_system().await?;
    let waits = [wait(&mut tx, now, ACCOUNT, account).await?, wait(&mut tx, now, NETWORK, network).await?];
    let seconds = waits.into_iter().max().unwrap_or(0);
    if seconds > 0 {
        let detail = format!("Signing in failed too often from here. Try again in {seconds} seconds.");
        return Err(ApiError::new(Code::RateLimited, detail).retry_after(seconds));
    }
    for subject in [account, network] {
        sign_in_failures::add(&mut tx, now, forgotten_before(now), subject).await?;
    }
    let user = users::find_by_email(&mut tx, &email.normalized).await?;
    tx.commit().await?;
    Ok(user)
}

/// Counts an attempt of something else than a password as failed for now, unless it comes too early. Whoever
/// succeeds forgets it.
///
/// # Errors
/// 429 with the seconds to wait.
pub(super) async fn count(app: &App, patience: Patience, subject: &Subject) -> Result<(), ApiError> {
    let now = app.clock.now();
    let mut tx = app.db.begin_system().await?;
    let seconds = wait(&mut tx, now, patience, subject).await?;
    if seconds > 0 {
        let detail = format!("That failed too often. Try again in {seconds} seconds.");
        return Err(ApiError::new(Code::RateLimited, detail).retry_after(seconds));
    }
    sign_in_failures::add(&mut tx, now, forgotten_before(now), subject).await?;
    tx.commit().await?;
    Ok(())
}

/// Seconds until the subject may try again.
async fn wait(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    patience: Patience,
    subject: &Subject,
) -> Result<u64, ApiError> {
    let Some((failures, last)) = sign_in_failures::lock(tx, now, subject).await? else { return Ok(0) };
    if last < forgotten_before(now) {
        return Ok(0);
    }
    let until = last + Duration::seconds(patience.wait(failures));
    let left = (until - now).num_milliseconds().max(0);
    Ok(u64::try_from(left).unwrap_or(0).div_ceil(1000))
}

fn forgotten_before(now: DateTime<Utc>) -> DateTime<Utc> {
    now - Duration::minutes(FORGOTTEN_AFTER_MINUTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_never_become_a_lock() {
        let waits: Vec<i64> = (4..=8).map(|failures| ACCOUNT.wait(failures)).collect();
        assert_eq!(waits, [0, 1, 2, 4, 8]);
        assert_eq!(ACCOUNT.wait(i32::MAX), 300);
        assert_eq!(NETWORK.wait(i32::MAX), 60);
    }

    #[test]
    fn subjects_do_not_run_into_each_other() {
        assert_ne!(ACCOUNT.subject(&["ab", "c"]), ACCOUNT.subject(&["a", "bc"]));
        assert_ne!(ACCOUNT.subject(&["a"]), NETWORK.subject(&["a"]));
    }

    #[test]
    fn addresses_are_kept_as_given_and_looked_up_in_lower_case() {
        let email = Email::parse("  Ann.Lee@Example.COM ").unwrap();
        assert_eq!(
            (email.given.as_str(), email.normalized.as_str()),
            ("Ann.Lee@Example.COM", "ann.lee@example.com")
        );
        for bad in ["", "ann", "@example.com", "ann@", "a b@example.com", "a@b@c", "ann@example.com\n\u{7}x"]
        {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Email::parse(&format!("{}@example.com", "a".repeat(65))).is_err());
        assert!(Email::parse(&format!("a@{}.com", "b".repeat(260))).is_err());
    }
}
