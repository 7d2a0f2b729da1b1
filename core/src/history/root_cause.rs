//! Why a gap came about, as a person says it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

macro_rules! causes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal;)+) => {
        /// Why a gap came about. A closed list, so that causes can be counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum RootCause { $($(#[$doc])* $variant,)+ }

        impl RootCause {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

causes! {
    /// Seats were added and billing was not told.
    MissedAddition = "missed_addition";
    /// Seats were removed and billing was not told.
    MissedRemoval = "missed_removal";
    /// Billing was told after the invoice was made.
    LateProvisioningNotice = "late_provisioning_notice";
    /// The billed product or client stood for another one.
    WrongMapping = "wrong_mapping";
    /// A price or a term was entered wrongly.
    PriceOrTermError = "price_or_term_error";
    /// Free, internal or bundled seats were not taken off, or taken off wrongly.
    AllowanceNotApplied = "allowance_not_applied";
    /// The PSA prorates otherwise than agreed.
    PsaProrationSetting = "psa_proration_setting";
    /// Looked for and not found.
    Unknown = "unknown";
}

impl fmt::Display for RootCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is none of the causes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a root cause that is known here")]
pub struct RootCauseError(pub String);

impl FromStr for RootCause {
    type Err = RootCauseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().copied().find(|cause| cause.as_str() == text);
        found.ok_or_else(|| RootCauseError(text.chars().take(40).collect()))
    }
}
