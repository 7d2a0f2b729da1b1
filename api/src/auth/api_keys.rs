//! What an API key is allowed, as stored: which scopes it has, whether it is still live. The form of
//! the key itself is in [`super::secrets`].

use super::Scope;
use chrono::{DateTime, Utc};

/// Live keys of one integration at once: the old and the new one while they are exchanged.
pub const LIVE_PER_NAME: i64 = 2;
/// A key's use is noted when the last note is older than this, so that reads do not become writes.
pub const NOTED_EVERY_MINUTES: i64 = 15;

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 6] = [
        Self::Read,
        Self::ImportsWrite,
        Self::CatalogWrite,
        Self::AuditsWrite,
        Self::LettersWrite,
        Self::CorrectionsWrite,
    ];

    /// The name in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ImportsWrite => "imports:write",
            Self::CatalogWrite => "catalog:write",
            Self::AuditsWrite => "audits:write",
            Self::LettersWrite => "letters:write",
            Self::CorrectionsWrite => "corrections:write",
        }
    }

    /// From its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// Whether a key with these ends is live now.
pub fn is_live(
    now: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
) -> bool {
    revoked_at.is_none() && expires_at.is_none_or(|end| now < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_have_the_names_of_the_wire() {
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
        assert_eq!(Scope::parse("write"), None);
    }
}
