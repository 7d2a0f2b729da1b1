//! Who asks, and what they may do.
//!
//! An [`Actor`] is a user in one organization, or an API key of one. A handler names the permission
//! it needs in its signature (`Allowed<perm::ManageClients>`), so that no handler can forget it and
//! the API document can be checked against it.

pub mod api_keys;
pub mod codes;
pub mod extract;
pub mod key_files;
pub mod passwords;
pub mod sealing;
pub mod secrets;
pub mod tokens;
pub mod totp;

pub use extract::{Allowed, SignedIn};

use leakage_core::id::{ApiKeyId, OrgId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A role in an organization, weakest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, and the organization itself.
    Owner,
    /// Everything but removing owners.
    Admin,
    /// Imports, mappings, audits, corrections.
    Biller,
    /// Reads, and works with clients on corrections.
    AccountManager,
    /// Reads.
    Viewer,
}

impl Role {
    /// The name in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Biller => "biller",
            Self::AccountManager => "account_manager",
            Self::Viewer => "viewer",
        }
    }

    /// From its name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Owner, Self::Admin, Self::Biller, Self::AccountManager, Self::Viewer]
            .into_iter()
            .find(|role| role.as_str() == text)
    }
}

/// What an API key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum Scope {
    /// Read everything but members and keys.
    #[serde(rename = "read")]
    Read,
    /// Upload and void imports.
    #[serde(rename = "imports:write")]
    ImportsWrite,
    /// Create and change clients, products and mappings.
    #[serde(rename = "catalog:write")]
    CatalogWrite,
    /// Run audits.
    #[serde(rename = "audits:write")]
    AuditsWrite,
    /// Write letters to clients and deliver them.
    #[serde(rename = "letters:write")]
    LettersWrite,
    /// Open corrections and move them, but for what takes a person.
    #[serde(rename = "corrections:write")]
    CorrectionsWrite,
}

/// Who is behind a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A signed-in person.
    User {
        /// Which person.
        id: UserId,
        /// Their role in this organization.
        role: Role,
    },
    /// An integration.
    ApiKey {
        /// Which key.
        id: ApiKeyId,
        /// What it may do.
        scopes: Vec<Scope>,
    },
}

/// Someone acting inside one organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The organization.
    pub org: OrgId,
    /// The person or key.
    pub identity: Identity,
}

impl Actor {
    /// How records name whoever made or decided something: it outlives the account.
    pub fn label(&self) -> String {
        match &self.identity {
            Identity::User { id, .. } => format!("user:{id}"),
            Identity::ApiKey { id, .. } => format!("api_key:{id}"),
        }
    }
}

/// A permission, as a type: `Allowed<perm::Read>` in a handler's signature checks it.
pub trait Permission: 'static {
    /// Its name, as in the API document's `x-permission`.
    const NAME: &'static str;
    /// Roles that have it.
    const ROLES: &'static [Role];
    /// The scope that an API key needs; none: keys cannot do this at all.
    const SCOPE: Option<Scope>;
}

/// All permissions.
pub mod perm {
    use super::{Permission, Role, Scope};

    const EVERYONE: &[Role] = &[Role::Owner, Role::Admin, Role::Biller, Role::AccountManager, Role::Viewer];
    const BILLING: &[Role] = &[Role::Owner, Role::Admin, Role::Biller];
    const CLIENT_FACING: &[Role] = &[Role::Owner, Role::Admin, Role::Biller, Role::AccountManager];
    const ADMINS: &[Role] = &[Role::Owner, Role::Admin];

    macro_rules! permissions {
        ($($(#[$doc:meta])* $name:ident = $text:literal, $roles:expr, $scope:expr;)+) => {$(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl Permission for $name {
                const NAME: &'static str = $text;
                const ROLES: &'static [Role] = $roles;
                const SCOPE: Option<Scope> = $scope;
            }
        )+};
    }

    permissions! {
        /// Read clients, products, mappings, imports, audits, gaps and jobs.
        Read = "read", EVERYONE, Some(Scope::Read);
        /// Upload and void imports.
        WriteImports = "imports:write", BILLING, Some(Scope::ImportsWrite);
        /// Create and change clients, products and mappings; decide proposals.
        WriteCatalog = "catalog:write", BILLING, Some(Scope::CatalogWrite);
        /// Run audits.
        WriteAudits = "audits:write", BILLING, Some(Scope::AuditsWrite);
        /// Write letters to clients and deliver them.
        WriteLetters = "letters:write", CLIENT_FACING, Some(Scope::LettersWrite);
        /// Open corrections and move them.
        WriteCorrections = "corrections:write", CLIENT_FACING, Some(Scope::CorrectionsWrite);
        /// See who belongs to the organization.
        ReadMembers = "members:read", EVERYONE, None;
        /// Invite, change and remove members.
        ManageMembers = "members:manage", ADMINS, None;
        /// Create and revoke API keys.
        ManageApiKeys = "api_keys:manage", ADMINS, None;
        /// Have events sent to receivers.
        ManageWebhooks = "webhooks:manage", ADMINS, None;
        /// Change the organization's name and settings.
        ManageOrganization = "organization:manage", ADMINS, None;
    }
}
