//! The demonstration organization of a bare start: what a newcomer logs in to and looks at.
//!
//! It is made through the same use cases as every other organization's data; nothing in it is
//! inserted past them. Every step can be repeated, so a start that is cut off is completed by the next.

use super::audits::{self, NewAudit};
use super::imports::{self, ImportAnswers, ReceivedFile};
use super::organizations::{self, SignUp};
use super::sign_in::{Client, Email};
use crate::app::App;
use crate::auth::{Actor, Identity, Role};
use crate::error::{ApiError, Code};
use crate::storage::{audits as stored_audits, imports as stored_imports, jobs, users};
use chrono::NaiveDate;
use leakage_core::audit::{AuditDocument, Gap};
use leakage_core::digest;
use leakage_core::id::{AuditId, ImportId, JobId, OrgId, UserId};
use leakage_core::money::Money;
use leakage_core::period::Month;
use secrecy::SecretString;
use serde::Serialize;
use std::io::Write as _;
use std::time::Duration;
use tempfile::NamedTempFile;

const ORGANIZATION: &str = "Demonstration MSP";
const EMAIL: &str = "demo@leakage-finder.example";
const PASSWORD: &str = "demonstration-only";

/// A file of the demonstration and what is said of it.
struct Sample {
    name: &'static str,
    bytes: &'static [u8],
    client: Option<&'static str>,
    snapshot_on: Option<(i32, u32, u32)>,
}

macro_rules! sample {
    ($name:literal, $client:expr, $snapshot:expr) => {
        Sample {
            name: $name,
            bytes: include_bytes!(concat!("../../demo/", $name)),
            client: $client,
            snapshot_on: $snapshot,
        }
    };
}

const SAMPLES: &[Sample] = &[
    sample!("entitlements.csv", None, None),
    sample!("billing.csv", None, None),
    sample!("prices.csv", None, None),
    sample!("contoso-subscribed-skus.json", Some("Contoso Legal"), Some((2026, 10, 1))),
    sample!("connectwise-agreements.json", None, None),
    sample!("partner-center-reconciliation.csv", None, None),
];

/// What the start prints of the demonstration.
#[derive(Clone, Debug)]
pub struct Demonstration {
    /// The name of the organization.
    pub organization: String,
    /// Who to log in as.
    pub email: String,
    /// With which password.
    pub password: String,
    /// Titles of the columns of the table of gaps.
    pub columns: Vec<String>,
    /// Its rows, a cell per column, as they shall be printed.
    pub rows: Vec<Vec<String>>,
}

/// Makes the demonstration on the first start, and reads it on each. None: its organization was left
/// or renamed by its owner, so nothing is made anew.
///
/// The worker is running when this is called, so it may enqueue jobs and wait for them.
pub async fn ensure(app: &App) -> Result<Option<Demonstration>, ApiError> {
    let Some(actor) = owner(app).await? else { return Ok(None) };
    let audit = if let Some(audit) = last_audit(app, &actor).await? {
        audit
    } else {
        for sample in SAMPLES {
            upload(app, &actor, sample).await?;
        }
        run_audit(app, &actor).await?
    };
    let mut tx = app.db.begin(actor.org).await?;
    let document = audits::document(&mut tx, audit).await?;
    let document: AuditDocument = serde_json::from_str(&document).map_err(ApiError::internal)?;
    Ok(Some(Demonstration {
        organization: ORGANIZATION.to_owned(),
        email: EMAIL.to_owned(),
        password: PASSWORD.to_owned(),
        columns: ["Client", "Product", "Gap", "Seats", "Seat-months", "Amount", "A month from now on"]
            .map(str::to_owned)
            .to_vec(),
        rows: rows(&document),
    }))
}

/// The demonstration's owner in its organization, signed up on the first start.
async fn owner(app: &App) -> Result<Option<Actor>, ApiError> {
    let email = Email::parse(EMAIL)?;
    let mut tx = app.db.begin_system().await?;
    let known = users::find_by_email(&mut tx, &email.normalized).await?;
    let (org, user) = if let Some(user) = known {
        let id = UserId::new(user.id);
        let organizations = users::organizations(&mut tx, id).await?;
        match organizations.iter().find(|belonging| belonging.name == ORGANIZATION) {
            Some(belonging) => (belonging.org, id),
            None => return Ok(None),
        }
    } else {
        drop(tx);
        sign_up(app).await?
    };
    Ok(Some(Actor { org, identity: Identity::User { id: user, role: Role::Owner } }))
}

async fn sign_up(app: &App) -> Result<(OrgId, UserId), ApiError> {
    let client = Client { network: "local".to_owned(), user_agent: Some("leakage start".to_owned()) };
    let request = SignUp {
        organization_name: ORGANIZATION.to_owned(),
        name: "Demo Biller".to_owned(),
        email: EMAIL.to_owned(),
        password: SecretString::from(PASSWORD),
        second_factor_code: None,
        key: None,
    };
    let signed_up = organizations::sign_up(app, &client, request).await?;
    Ok((OrgId::new(signed_up.organization.org_id), signed_up.opened.user.id))
}

async fn last_audit(app: &App, actor: &Actor) -> Result<Option<AuditId>, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let audits = stored_audits::list(&mut tx, None, 100).await?;
    Ok(audits.iter().find(|audit| audit.status == "completed").map(|audit| AuditId::new(audit.id)))
}

async fn upload(app: &App, actor: &Actor, sample: &Sample) -> Result<(), ApiError> {
    let mut temporary = NamedTempFile::new().map_err(ApiError::internal)?;
    temporary.write_all(sample.bytes).map_err(ApiError::internal)?;
    let file = ReceivedFile {
        file_name: sample.name,
        content_type: None,
        size_bytes: u64::try_from(sample.bytes.len()).map_err(ApiError::internal)?,
        sha256: &digest::of_bytes(sample.bytes),
        path: temporary.path(),
    };
    let answers = ImportAnswers {
        client: sample.client.map(str::to_owned),
        snapshot_on: sample
            .snapshot_on
            .and_then(|(year, month, day)| NaiveDate::from_ymd_opt(year, month, day)),
        ..ImportAnswers::default()
    };
    imports::keep_file(app, actor.org, &file).await?;
    let mut tx = app.db.begin(actor.org).await?;
    let created = imports::create(app, &mut tx, actor, &file, &answers).await?;
    tx.commit().await?;
    let id = ImportId::new(created.import.id);
    wait(app, actor, created.import.job_id.map(JobId::new)).await?;
    let mut tx = app.db.begin(actor.org).await?;
    let import = stored_imports::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    if import.status == "completed" {
        return Ok(());
    }
    let why =
        import.problem.and_then(|problem| problem["detail"].as_str().map(str::to_owned)).unwrap_or_default();
    Err(ApiError::new(
        Code::Internal,
        format!("The demonstration's {} is {}: {why}", sample.name, import.status),
    ))
}

async fn run_audit(app: &App, actor: &Actor) -> Result<AuditId, ApiError> {
    let month = |text: &str| text.parse::<Month>().map_err(ApiError::internal);
    let new = NewAudit {
        known_at: None,
        from: month("2026-03")?,
        to: month("2026-10")?,
        as_of: None,
        basis: None,
        proration: None,
        clients: None,
    };
    let mut tx = app.db.begin(actor.org).await?;
    let audit = audits::create(app, &mut tx, actor, &new).await?;
    tx.commit().await?;
    wait(app, actor, audit.job_id.map(JobId::new)).await?;
    Ok(AuditId::new(audit.id))
}

/// Waits for a job of the worker in this process.
async fn wait(app: &App, actor: &Actor, job: Option<JobId>) -> Result<(), ApiError> {
    let Some(job) = job else { return Ok(()) };
    app.work.notify_one();
    for _ in 0..1200 {
        let mut tx = app.db.begin(actor.org).await?;
        if jobs::find(&mut tx, job).await?.is_none_or(|job| job.finished_at.is_some()) {
            return Ok(());
        }
        drop(tx);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(ApiError::new(Code::Unavailable, "The demonstration's work was not done within a minute."))
}

/// The gaps, then what could not be compared and why.
fn rows(document: &AuditDocument) -> Vec<Vec<String>> {
    let gaps = document.gaps.iter().map(row);
    let missing = document.coverage.iter().filter(|line| line.reason.is_some()).map(|line| {
        let product = line.product.clone().unwrap_or_else(|| "(all)".to_owned());
        let why = format!("not compared: {}", name_of(&line.reason));
        [line.client.clone(), product, why].into_iter().chain(std::iter::repeat_n(String::new(), 4)).collect()
    });
    gaps.chain(missing).collect()
}

/// How an enum is written on the wire.
fn name_of(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

fn row(gap: &Gap) -> Vec<String> {
    let money = |money: Option<Money>| match money {
        Some(money) if !gap.unpriced => money.to_string(),
        _ => "unpriced".to_owned(),
    };
    vec![
        gap.client.clone(),
        gap.product.clone(),
        name_of(&gap.kind),
        gap.seats.to_string(),
        gap.seat_months.to_string(),
        money(gap.amount),
        money(gap.monthly_forward),
    ]
}
