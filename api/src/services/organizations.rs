//! Signing up an organization, and its settings.

use super::brand::BrandColours;
use super::evidence::EvidenceNames;
use super::idempotency::KEPT_HOURS;
use super::sessions::{self, Opened, Person};
use super::sign_in::{self, Client, Email};
use super::{cycles, second_factor, signing_keys, text};
use crate::app::App;
use crate::auth::{Role, passwords};
use crate::error::{ApiError, Code};
use crate::storage::organizations::{self, OrganizationRow};
use crate::storage::users::{self, Belonging, NewUser, UserWriteError};
use crate::storage::{OrgTx, StorageError, SystemTx, evidence_clock, members, second_factors};
use chrono::Duration;
use leakage_core::audit::{Basis, Proration};
use leakage_core::correction::policy::Policy;
use leakage_core::id::{OrgId, SessionId, UserId};
use leakage_core::ingest::DateOrder;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

/// Name of a format of source files, such as `graph_subscribed_skus`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(max_length = 64, pattern = "^[a-z0-9_]{1,64}$", example = "graph_subscribed_skus")]
pub struct FormatName(pub String);

/// What an organization has decided once. Amounts have no place here: they have currencies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"basis": "purchased", "proration": "daily", "source_order": [], "date_order": "dmy", "invitation_days": 7}))]
pub struct OrganizationSettings {
    /// Which seats new audits count.
    pub basis: Basis,
    /// How new audits count a change inside a month.
    pub proration: Proration,
    /// Where several sources speak of one side of a client, the first of these formats is used; formats
    /// that are not named follow in the usual order.
    #[schema(max_items = 50)]
    pub source_order: Vec<FormatName>,
    /// Order of day and month in files that do not show it, and of which the uploader says nothing; none:
    /// the import asks.
    pub date_order: Option<DateOrder>,
    /// Days for which an invitation can be accepted.
    #[schema(minimum = 1, maximum = 30)]
    pub invitation_days: u16,
    /// Bands of invoice shock, days and thresholds of corrections.
    #[serde(skip_serializing_if = "is_usual")]
    pub corrections: Policy,
    /// Colours of letters and reports; the logo is at `/v1/organization/logo`.
    #[serde(skip_serializing_if = "is_usual")]
    pub brand: BrandColours,
    /// Members act here only in sessions that have shown a second factor.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub second_factor_required: bool,
    /// How evidence bundles name persons.
    #[serde(skip_serializing_if = "is_usual")]
    pub evidence_names: EvidenceNames,
    /// After so many months names of persons are removed from what vendors' logs and reports said, and bundles of
    /// corrections that have ended are erased; none: they are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 240)]
    pub evidence_retention_months: Option<u32>,
}

/// Not shown while nothing was decided.
fn is_usual<T: Default + PartialEq>(setting: &T) -> bool {
    *setting == T::default()
}

impl Default for OrganizationSettings {
    fn default() -> Self {
        Self {
            basis: Basis::default(),
            proration: Proration::default(),
            source_order: Vec::new(),
            date_order: None,
            invitation_days: 7,
            corrections: Policy::default(),
            brand: BrandColours::default(),
            second_factor_required: false,
            evidence_names: EvidenceNames::default(),
            evidence_retention_months: None,
        }
    }
}

impl OrganizationSettings {
    /// The settings of a stored organization; what was never set has its default.
    ///
    /// # Errors
    /// When the stored text is not what this code writes.
    pub fn of(row: &OrganizationRow) -> Result<Self, StorageError> {
        Self::parse(&row.settings)
    }

    /// The same, of the stored text.
    ///
    /// # Errors
    /// As [`OrganizationSettings::of`].
    pub fn parse(stored: &serde_json::Value) -> Result<Self, StorageError> {
        serde_json::from_value(stored.clone())
            .map_err(|_unreadable| StorageError::Corrupt { column: "organizations.settings" })
    }

    /// # Errors
    /// 422 at the setting that cannot be.
    pub fn check(&self) -> Result<(), ApiError> {
        if !(1..=30).contains(&self.invitation_days) {
            return Err(ApiError::invalid("/settings/invitation_days", "must be 1 to 30"));
        }
        if self.evidence_retention_months.is_some_and(|months| !(1..=240).contains(&months)) {
            return Err(ApiError::invalid(
                "/settings/evidence_retention_months",
                "must be 1 to 240, or null",
            ));
        }
        if !self.corrections.is_sound() {
            return Err(ApiError::invalid(
                "/settings/corrections",
                "bands must ascend and be 1000 percent at most, days 365 at most, reminders 1 day apart at least",
            ));
        }
        if self.source_order.len() > 50 {
            return Err(ApiError::invalid("/settings/source_order", "must name 50 formats at most"));
        }
        for (at, FormatName(name)) in self.source_order.iter().enumerate() {
            let pointer = format!("/settings/source_order/{at}");
            let spelled = name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_');
            if name.is_empty() || name.len() > 64 || !spelled {
                return Err(ApiError::invalid(
                    pointer,
                    "must be the name of a format, such as graph_subscribed_skus",
                ));
            }
            if self.source_order[..at].iter().any(|before| before.0 == *name) {
                return Err(ApiError::invalid(pointer, "stands in the list already"));
            }
        }
        Ok(())
    }
}

/// A sign-up: an organization and the person who becomes its owner.
#[derive(Debug)]
pub struct SignUp {
    /// Name of the organization.
    pub organization_name: String,
    /// Name of the person; used when their account is new.
    pub name: String,
    /// Their e-mail address.
    pub email: String,
    /// Their password: that of their account if they have one, else the one that they choose.
    pub password: SecretString,
    /// A code of their second factor, if their account has one.
    pub second_factor_code: Option<SecretString>,
    /// The caller's idempotency key.
    pub key: Option<String>,
}

/// An organization that was signed up.
#[derive(Debug)]
pub struct SignedUp {
    /// The organization.
    pub organization: OrganizationRow,
    /// The owner's first session.
    pub opened: Opened,
    /// It was signed up by an earlier request with the same key.
    pub replayed: bool,
}

/// Who signs up.
enum Owner {
    /// A person with an account, whose password was right, and whether they have shown a second factor.
    Known(Person, bool),
    /// A person to be.
    New { person: Person, email_normalized: String, password_hash: String },
}

impl Owner {
    const fn person(&self) -> &Person {
        match self {
            Self::Known(person, _) | Self::New { person, .. } => person,
        }
    }

    const fn passed(&self) -> bool {
        matches!(self, Self::Known(_, true))
    }
}

/// Signs up an organization. A person who has an account needs its password, and then owns one more
/// organization.
///
/// With a key the organization is made once: a repetition with the same names is answered with the same
/// organization and new tokens, for tokens are not stored.
///
/// # Errors
/// 401 `invalid_credentials` when the address has an account with another password; 422 for a password
/// against the rules, or a key that came with other names before; 409 when the address was registered
/// this very moment.
pub async fn sign_up(app: &App, client: &Client, request: SignUp) -> Result<SignedUp, ApiError> {
    let organization_name = text::short("/organization_name", &request.organization_name, 200)?;
    let name = text::short("/name", &request.name, 200)?;
    let email = Email::parse(&request.email)?;
    let digest = names_sha256(&organization_name, &name);
    let code = request.second_factor_code.as_ref();
    let owner = owner(app, client, &email, name, request.password, code).await?;
    let user = owner.person().id;

    let mut tx = app.db.begin_system().await?;
    write_owner(&mut tx, app, &owner).await?;
    if let Some(key) = &request.key
        && let Some(org) = earlier(&mut tx, app, user, key, &digest).await?
    {
        return again(app, client, tx, &owner, org).await;
    }
    let org = OrgId::new(Uuid::now_v7());
    let now = app.clock.now();
    if let Some(key) = &request.key {
        let since = now - Duration::hours(KEPT_HOURS);
        users::note_sign_up(&mut tx, now, since, user, key, &digest, org).await?;
    }
    let mut organizations = users::organizations(&mut tx, user).await?;
    let started = sessions::start(&mut tx, app, client, user, Some(org), owner.passed()).await?;
    let mut tx = tx.enter(org).await?;
    let organization = organizations::insert(&mut tx, now, &organization_name, &json!({})).await?;
    members::insert(&mut tx, now, user, Role::Owner).await.map_err(ApiError::internal)?;
    signing_keys::make(app, &mut tx, &format!("user:{user}")).await?;
    tx.commit().await?;

    let current =
        Belonging { org, name: organization_name, role: Role::Owner, second_factor_required: false };
    organizations.push(current.clone());
    let (person, passed) = (owner.person().clone(), owner.passed());
    let opened = sessions::opened(app, person, started, Some(current), organizations, passed)?;
    Ok(SignedUp { organization, opened, replayed: false })
}

async fn owner(
    app: &App,
    client: &Client,
    email: &Email,
    name: String,
    password: SecretString,
    code: Option<&SecretString>,
) -> Result<Owner, ApiError> {
    let mut tx = app.db.begin_system().await?;
    let known = users::find_by_email(&mut tx, &email.normalized).await?;
    drop(tx);
    if known.is_some() {
        let row = sign_in::check(app, client, email, password).await?;
        let code = code.map(secrecy::ExposeSecret::expose_secret);
        let passed = second_factor::at_once(app, row.id.into(), code).await?;
        return Ok(Owner::Known(Person::from(&row), passed));
    }
    let password_hash = new_password(app, email, password).await?;
    let person = Person { id: UserId::new(Uuid::now_v7()), email: email.given.clone(), name };
    Ok(Owner::New { person, email_normalized: email.normalized.clone(), password_hash })
}

/// Checks a new password against the rules and hashes it.
pub(super) async fn new_password(
    app: &App,
    email: &Email,
    password: SecretString,
) -> Result<String, ApiError> {
    passwords::check_rules(password.expose_secret(), &email.normalized)
        .map_err(|reason| ApiError::invalid("/password", reason))?;
    app.passwords.hash(password).await.map_err(ApiError::internal)
}

async fn write_owner(tx: &mut SystemTx, app: &App, owner: &Owner) -> Result<(), ApiError> {
    match owner {
        Owner::Known(person, _) => Ok(users::lock(tx, person.id).await?),
        Owner::New { person, email_normalized, password_hash } => {
            insert_person(tx, app, person, email_normalized, password_hash).await
        }
    }
}

/// Adds a person inside a transaction of the caller.
pub(super) async fn insert_person(
    tx: &mut SystemTx,
    app: &App,
    person: &Person,
    email_normalized: &str,
    password_hash: &str,
) -> Result<(), ApiError> {
    let new =
        NewUser { id: person.id, email: &person.email, email_normalized, name: &person.name, password_hash };
    users::insert(tx, app.clock.now(), &new).await.map_err(|error| match error {
        UserWriteError::EmailTaken => ApiError::new(
            Code::Conflict,
            "This address was registered this very moment. Send the request again with the password of that account.",
        ),
        UserWriteError::Storage(error) => error.into(),
    })
}

/// The organization that this person signed up with this key before.
async fn earlier(
    tx: &mut SystemTx,
    app: &App,
    user: UserId,
    key: &str,
    digest: &[u8; 32],
) -> Result<Option<OrgId>, ApiError> {
    let since = app.clock.now() - Duration::hours(KEPT_HOURS);
    match users::find_sign_up(tx, user, key, since).await? {
        Some((org, names)) if names == digest => Ok(Some(org)),
        Some(_) => Err(ApiError::new(
            Code::IdempotencyReused,
            "This Idempotency-Key signed up an organization with other names in the last 72 hours. Use a new key.",
        )),
        None => Ok(None),
    }
}

/// Answers a repeated sign-up: the same organization, a new session.
async fn again(
    app: &App,
    client: &Client,
    mut tx: SystemTx,
    owner: &Owner,
    org: OrgId,
) -> Result<SignedUp, ApiError> {
    let (person, passed) = (owner.person().clone(), owner.passed());
    let organizations = users::organizations(&mut tx, person.id).await?;
    let left = || ApiError::new(Code::Conflict, "You signed this organization up, but have left it since.");
    let current = organizations.iter().find(|it| it.org == org).cloned().ok_or_else(left)?;
    let started = sessions::start(&mut tx, app, client, person.id, Some(org), passed).await?;
    let mut tx = tx.enter(org).await?;
    let organization = find(&mut tx).await?;
    tx.commit().await?;
    let opened = sessions::opened(app, person, started, Some(current), organizations, passed)?;
    Ok(SignedUp { organization, opened, replayed: true })
}

fn names_sha256(organization: &str, person: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    for name in [organization, person] {
        digest.update(name.len().to_be_bytes());
        digest.update(name.as_bytes());
    }
    digest.finalize().into()
}

/// The organization that a transaction is in.
///
/// # Errors
/// 404 when it is gone.
pub async fn find(tx: &mut OrgTx) -> Result<OrganizationRow, ApiError> {
    organizations::find(tx).await?.ok_or_else(ApiError::not_found)
}

/// What to change of an organization; none: leave it.
#[derive(Debug, Default)]
pub struct Change {
    /// Its name.
    pub name: Option<String>,
    /// Which seats new audits count.
    pub basis: Option<Basis>,
    /// How new audits count a change inside a month.
    pub proration: Option<Proration>,
    /// Which formats come first.
    pub source_order: Option<Vec<FormatName>>,
    /// Order of day and month in files that do not show it; `Some(None)`: none any more.
    pub date_order: Option<Option<DateOrder>>,
    /// Days for which an invitation can be accepted.
    pub invitation_days: Option<u16>,
    /// Choices for corrections, as a whole.
    pub corrections: Option<Policy>,
    /// How evidence bundles name persons.
    pub evidence_names: Option<EvidenceNames>,
    /// For how many months persons are named; `Some(None)`: for good.
    pub evidence_retention_months: Option<Option<u32>>,
    /// Colours of letters and reports, as a whole.
    pub brand: Option<BrandColours>,
    /// Whether members need a second factor.
    pub second_factor_required: Option<bool>,
}

/// Who asks others for a second factor must have shown one: else they would lock themselves out with this very change.
async fn has_shown(app: &App, tx: &mut OrgTx, session: Option<SessionId>) -> Result<(), ApiError> {
    let since = app.clock.now() - Duration::days(sessions::ABSOLUTE_DAYS);
    let shown = match session {
        Some(session) => second_factors::passed_since(tx, session, since).await?,
        None => false,
    };
    if shown {
        return Ok(());
    }
    Err(ApiError::new(
        Code::SecondFactorMissing,
        "Set up your own second factor, or show it in this session, before you ask for one.",
    ))
}

/// Changes an organization whose version is still `version`.
///
/// # Errors
/// 412 when it is another one; 422 for a value that cannot be.
pub async fn change(
    app: &App,
    org: OrgId,
    session: Option<SessionId>,
    version: i64,
    change: Change,
) -> Result<OrganizationRow, ApiError> {
    let mut tx = app.db.begin(org).await?;
    let row = find(&mut tx).await?;
    let mut settings = OrganizationSettings::of(&row)?;
    let before = cycles::read_by_audits(&settings);
    let name = change.name.map_or(Ok(row.name), |name| text::short("/name", &name, 200))?;
    settings.basis = change.basis.unwrap_or(settings.basis);
    settings.proration = change.proration.unwrap_or(settings.proration);
    settings.source_order = change.source_order.unwrap_or(settings.source_order);
    settings.date_order = change.date_order.unwrap_or(settings.date_order);
    settings.invitation_days = change.invitation_days.unwrap_or(settings.invitation_days);
    settings.corrections = change.corrections.unwrap_or(settings.corrections);
    settings.brand = change.brand.unwrap_or(settings.brand);
    if let Some(required) = change.second_factor_required {
        if required && !settings.second_factor_required {
            has_shown(app, &mut tx, session).await?;
        }
        settings.second_factor_required = required;
    }
    settings.evidence_names = change.evidence_names.unwrap_or(settings.evidence_names);
    settings.evidence_retention_months =
        change.evidence_retention_months.unwrap_or(settings.evidence_retention_months);
    settings.check()?;
    let retains = settings.evidence_retention_months.is_some();
    let audits_change = cycles::read_by_audits(&settings) != before;
    let settings = serde_json::to_value(&settings).map_err(ApiError::internal)?;
    let updated = organizations::update(&mut tx, app.clock.now(), version, &name, &settings).await?;
    let updated = updated.ok_or_else(ApiError::stale)?;
    if retains {
        evidence_clock::set(&mut tx, "retain", app.clock.now()).await?;
    }
    if audits_change {
        // What was audited for the next invoice was audited with the settings from before.
        cycles::facts_changed(&mut tx, app.clock.now()).await?;
    }
    tx.commit().await?;
    Ok(updated)
}
