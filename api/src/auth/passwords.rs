//! Passwords: the rules for new ones, hashing and checking. Knows no users and no storage.
//!
//! Argon2id with 19 MiB, two passes and one lane, the first recommendation of the OWASP Password
//! Storage Cheat Sheet. A hash takes about 20 ms of one core, so it runs off the async threads and no
//! more run at once than there are cores: a hundred sign-ins would otherwise take 2 GB.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use secrecy::{ExposeSecret as _, SecretString};
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;
use tokio::sync::Semaphore;

/// Fewest characters of a password.
pub const MIN_CHARACTERS: usize = 12;
/// Most characters of a password.
pub const MAX_CHARACTERS: usize = 256;

/// Memory of one hash, in KiB.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over the memory.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;

/// The commonest passwords of 12 characters and more, as lists of leaked passwords have them; shorter
/// ones are refused by length.
const COMMONEST: &[&str] = &[
    "123456789012",
    "1234567890123",
    "12345678901234",
    "123456789012345",
    "1234567890123456",
    "12345678910111213",
    "123123123123",
    "111111111111",
    "000000000000",
    "1qaz2wsx3edc",
    "1q2w3e4r5t6y",
    "1q2w3e4r5t6y7u8i",
    "1qazxsw23edc",
    "qwertyuiopas",
    "qwertyuiop123",
    "qwertyuiop12",
    "qwertyuiop[]",
    "qwerty123456",
    "qwerty1234567890",
    "qwertyuiopasdfghjkl",
    "qwertyuiopasdfghjklzxcvbnm",
    "asdfghjkl123",
    "zxcvbnm12345",
    "password1234",
    "password12345",
    "password123456",
    "password123!",
    "passwordpassword",
    "p@ssw0rd1234",
    "p@ssword1234",
    "welcome12345",
    "welcome123456",
    "administrator",
    "administrator1",
    "changeme1234",
    "letmein12345",
    "iloveyou1234",
    "iloveyou12345",
    "iloveyouforever",
    "abcdefghijkl",
    "abcdefghijklm",
    "abcdefghijklmnopqrstuvwxyz",
    "abc123abc123",
    "abcd12345678",
    "abc123456789",
    "a12345678910",
    "123456abcdef",
    "123456qwerty",
    "123456789abc",
    "123456789qwe",
    "123qwe123qwe",
    "1234qwer1234",
    "qwer1234qwer",
    "qwe123qwe123",
    "q1w2e3r4t5y6",
    "zaq12wsxcde3",
    "zaq1zaq1zaq1",
    "unbelievable",
    "manchesterunited",
    "liverpoolfc1",
    "thisismypassword",
    "correcthorsebatterystaple",
    "trustno1trustno1",
    "spiderman123",
    "superman1234",
    "sunshine1234",
    "princess1234",
    "football1234",
    "baseball1234",
    "microsoft123",
    "office365office365",
    "summer202612",
    "leakagefinder",
];

/// Why a hash could not be made or read. Never that a password is wrong.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The parameters or a stored hash are not valid.
    #[error("a password hash cannot be made or read")]
    Hash(#[source] argon2::password_hash::Error),
    /// The stored text is not a PHC string.
    #[error("a stored password hash is not in the PHC format")]
    Stored,
    /// The thread that hashed ended early, or the service is stopping.
    #[error("hashing was interrupted")]
    Interrupted,
}

/// Hashes and checks passwords, few at once. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Passwords {
    slots: Arc<Semaphore>,
    argon2: Argon2<'static>,
    /// Checked when there is no account, so that the answer takes as long.
    dummy: Arc<str>,
    hashes: Arc<AtomicU64>,
}

impl Passwords {
    /// Takes about 20 ms: it hashes once, for the dummy.
    pub fn new() -> Result<Self, PasswordError> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
            .map_err(|error| PasswordError::Hash(error.into()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let cores = available_parallelism().map_or(1, NonZero::get);
        let dummy = hash(&argon2, "no account has this password")?.into();
        Ok(Self { slots: Arc::new(Semaphore::new(cores)), argon2, dummy, hashes: Arc::default() })
    }

    /// Hashes a new password into a PHC string, with a random salt.
    pub async fn hash(&self, password: SecretString) -> Result<String, PasswordError> {
        self.run(move |argon2| hash(argon2, password.expose_secret())).await
    }

    /// Whether the password is the one of the stored hash. Without a stored hash the work is done all
    /// the same, on a dummy, and the answer is no.
    pub async fn verify(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<bool, PasswordError> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.dummy.to_string());
        let matches = self.run(move |argon2| verify(argon2, password.expose_secret(), &stored)).await?;
        Ok(known && matches)
    }

    /// How many hashes were computed since the start.
    pub fn hashes(&self) -> u64 {
        self.hashes.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let slot =
            Arc::clone(&self.slots).acquire_owned().await.map_err(|_closed| PasswordError::Interrupted)?;
        self.hashes.fetch_add(1, Ordering::Relaxed);
        let argon2 = self.argon2.clone();
        tokio::task::spawn_blocking(move || {
            // Held by the thread, not by the request: a caller who hangs up frees no core.
            let _slot = slot;
            work(&argon2)
        })
        .await
        .map_err(|_ended| PasswordError::Interrupted)?
    }
}

fn hash(argon2: &Argon2<'_>, password: &str) -> Result<String, PasswordError> {
    Ok(argon2.hash_password(password.as_bytes()).map_err(PasswordError::Hash)?.to_string())
}

fn verify(argon2: &Argon2<'_>, password: &str, stored: &str) -> Result<bool, PasswordError> {
    let parsed = PasswordHash::new(stored).map_err(|_unreadable| PasswordError::Stored)?;
    match argon2.verify_password(password.as_bytes(), &parsed) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(PasswordError::Hash(error)),
    }
}

/// Whether a new password is good enough; if not, what to do. `email` is the account's.
///
/// Length and a list of the commonest, nothing about kinds of characters: NIST SP 800-63B section 3.1.1.2.
pub fn check_rules(password: &str, email: &str) -> Result<(), String> {
    let characters = password.chars().count();
    if characters < MIN_CHARACTERS {
        return Err(format!(
            "has {characters} characters; use {MIN_CHARACTERS} or more, a few words for example"
        ));
    }
    if characters > MAX_CHARACTERS {
        return Err(format!("has {characters} characters; use {MAX_CHARACTERS} or fewer"));
    }
    let folded = password.to_lowercase();
    let one_character = folded.chars().all(|c| folded.starts_with(c));
    if one_character || COMMONEST.contains(&folded.as_str()) || folded == email.trim().to_lowercase() {
        return Err("is among the first that an attacker tries; use a few words of your own".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_hash_and_no_other() {
        let passwords = Passwords::new().unwrap();
        let stored = passwords.hash("three green bottles".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(passwords.verify("three green bottles".into(), Some(stored.clone())).await.unwrap());
        assert!(!passwords.verify("three green bottle".into(), Some(stored)).await.unwrap());
    }

    #[tokio::test]
    async fn without_an_account_even_the_dummys_password_is_refused() {
        let passwords = Passwords::new().unwrap();
        assert!(!passwords.verify("no account has this password".into(), None).await.unwrap());
        // The dummy costs what a stored hash costs, or time would tell who has an account.
        assert!(passwords.dummy.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }

    #[tokio::test]
    async fn a_damaged_hash_is_a_fault_and_not_a_wrong_password() {
        let passwords = Passwords::new().unwrap();
        let error = passwords.verify("three green bottles".into(), Some("plain".to_owned())).await;
        assert!(matches!(error, Err(PasswordError::Stored)));
    }

    #[test]
    fn short_long_and_common_passwords_are_refused() {
        for bad in ["elevenchars", "Password1234", "aaaaaaaaaaaaaaaa", "QWERTYUIOP123", " Ann@Example.com"] {
            let email = if bad.contains('@') { bad } else { "ann@example.com" };
            assert!(check_rules(bad.trim(), email).is_err(), "{bad}");
        }
        assert!(check_rules(&"ab".repeat(129), "ann@example.com").is_err());
        assert!(check_rules("three green bottles", "ann@example.com").is_ok());
        // Characters, not bytes.
        assert!(check_rules("żółtażółtażó", "ann@example.com").is_ok());
    }

    #[test]
    fn the_list_of_common_passwords_holds_none_that_length_refuses_already() {
        for password in COMMONEST {
            assert!(password.chars().count() >= MIN_CHARACTERS, "{password}");
            assert_eq!(*password, password.to_lowercase());
        }
    }
}
