//! All SQL of the service, one file per table group.
//!
//! Nothing outside this module sees a pool or a connection. Tenant data is reached only through an
//! [`OrgTx`]: a transaction whose row-level security is set to one organization. The few tables that
//! must be read before an organization is known (users, sessions, the job queue) are reached through
//! a [`SystemTx`]. Functions take the transaction; services begin and commit it.
#![expect(clippy::disallowed_types, reason = "this is where SQL lives")]

pub mod api_keys;
pub mod audits;
pub mod billing_entities;
pub mod captured;
pub mod client_contacts;
pub mod client_links;
pub mod clients;
pub mod compared;
pub mod corrections;
pub mod cycle_gaps;
pub mod cycles;
pub mod deadlines;
pub mod decisions;
pub mod deliveries;
pub mod erasures;
pub mod events;
pub mod evidence_bundles;
pub mod evidence_clock;
pub mod gap_histories;
pub mod gaps;
pub mod idempotency;
pub mod import_errors;
pub mod import_files;
pub mod import_profiles;
pub mod imports;
pub mod invitations;
pub mod jobs;
pub mod known_gaps;
pub mod letter_templates;
pub mod letters;
pub mod mappings;
pub mod members;
pub mod organizations;
pub mod products;
pub mod reaches;
pub mod records;
pub mod refs;
pub mod schedules;
pub mod second_factors;
pub mod sessions;
pub mod sign_in_failures;
pub mod signing_keys;
pub mod timeline_log;
pub mod users;
pub mod webhook_deliveries;
pub mod webhook_endpoints;
pub mod work_queue;

use leakage_core::id::OrgId;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};
use std::time::Duration;

/// A database fault. "Not there" is never one: finders answer `Ok(None)`.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database refused or failed.
    #[error("the database could not do this")]
    Database(#[from] sqlx::Error),
    /// The schema cannot be brought up to date.
    #[error("the database cannot be migrated")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The schema is not the one that this program knows.
    #[error("the database is not up to date: {missing} migrations are missing; run `leakage migrate` first")]
    Outdated {
        /// How many migrations are missing.
        missing: usize,
    },
    /// A statement changed another number of rows than it must.
    #[error("a statement changed {changed} rows where {expected} were expected")]
    RowCount {
        /// Rows changed.
        changed: u64,
        /// Rows that should have changed.
        expected: u64,
    },
    /// A stored value does not parse: the code and the database disagree.
    #[error("a stored value of {column} cannot be read")]
    Corrupt {
        /// Where.
        column: &'static str,
    },
    /// Something that was done cannot be an entry of the log.
    #[error("the log cannot take an entry")]
    LogEntry(#[from] leakage_core::log::EntryError),
    /// The system has no randomness to give.
    #[error("the system gives no random numbers")]
    NoRandomness,
    /// The role of the connection would bypass row-level security.
    #[error("the database role `{role}` bypasses row-level security; connect as leakage_app")]
    UnsafeRole {
        /// Name of the role.
        role: String,
    },
}

impl StorageError {
    /// The name of the constraint that a write violated, if that was the fault. The storage file
    /// that owns the table maps it to a meaning.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Database(error) => {
                error.as_database_error().and_then(sqlx::error::DatabaseError::constraint)
            }
            _ => None,
        }
    }
}

/// Brings a database to the present schema: forward only. `owner_url` is the DSN of the role that owns
/// the tables; the service's own role may not do this.
pub async fn migrate(owner_url: &str) -> Result<(), StorageError> {
    use sqlx::Connection as _;
    let mut connection = PgConnection::connect(owner_url).await?;
    MIGRATIONS.run(&mut connection).await?;
    // So that the service can tell whether it fits.
    sqlx::query("grant select on _sqlx_migrations to leakage_app").execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// Every migration, inside the binary.
static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// How long a transaction may do nothing before the database ends it. Whoever is waited for meanwhile has died, or
/// waits for something that does not come, and holds locks and old rows.
#[derive(Clone, Copy, Debug)]
pub struct Idle {
    /// One that waits for the database alone.
    pub usual: Duration,
    /// One that waits for a file that is being read, or for the object store.
    pub long: Duration,
}

impl Default for Idle {
    fn default() -> Self {
        Self { usual: Duration::from_mins(1), long: Duration::from_mins(15) }
    }
}

/// The database, without a way to run a statement outside a scoped transaction.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    idle: Idle,
}

impl Db {
    /// Opens a pool (lazily: the first query connects).
    pub fn connect(url: &str, max_connections: u32) -> Result<Self, StorageError> {
        let options: PgConnectOptions = url.parse()?;
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(Duration::from_secs(5))
            .connect_lazy_with(options.application_name("leakage"));
        Ok(Self { pool, idle: Idle::default() })
    }

    /// The same, with other limits of idleness.
    #[must_use]
    pub const fn with_idle(mut self, idle: Idle) -> Self {
        self.idle = idle;
        self
    }

    /// Refuses a role that row-level security does not bind.
    pub async fn check_role(&self) -> Result<(), StorageError> {
        let unsafe_role: Option<String> = sqlx::query_scalar(
            "select rolname::text from pg_roles where rolname = current_user and (rolsuper or rolbypassrls)",
        )
        .fetch_optional(&self.pool)
        .await?;
        match unsafe_role {
            Some(role) => Err(StorageError::UnsafeRole { role }),
            None => Ok(()),
        }
    }

    /// Refuses a database that misses migrations. One that has more is fine: while a new version is rolled
    /// out, the old one goes on.
    pub async fn check_schema(&self) -> Result<(), StorageError> {
        let applied: Vec<i64> = sqlx::query_scalar("select version from _sqlx_migrations where success")
            .fetch_all(&self.pool)
            .await
            .or_else(|error| if is_undefined_table(&error) { Ok(Vec::new()) } else { Err(error) })?;
        match MIGRATIONS.iter().filter(|migration| !applied.contains(&migration.version)).count() {
            0 => Ok(()),
            missing => Err(StorageError::Outdated { missing }),
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StorageError> {
        sqlx::query("select 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Begins a transaction that sees one organization's rows and no others.
    pub async fn begin(&self, org: OrgId) -> Result<OrgTx, StorageError> {
        self.begin_as("begin", org, self.idle.usual).await
    }

    /// The same for work that waits, between two statements, for a file that is read or for the object store.
    pub async fn begin_long(&self, org: OrgId) -> Result<OrgTx, StorageError> {
        self.begin_as("begin", org, self.idle.long).await
    }

    /// The same, read only and seeing one moment: what others commit meanwhile does not show. For reads of
    /// several statements that must fit together.
    pub async fn begin_snapshot(&self, org: OrgId) -> Result<OrgTx, StorageError> {
        self.begin_as("begin isolation level repeatable read, read only", org, self.idle.usual).await
    }

    async fn begin_as(&self, begin: &'static str, org: OrgId, idle: Duration) -> Result<OrgTx, StorageError> {
        // One round trip for all; the text holds a typed UUID and a number only, never input.
        let begin = format!("{begin}; set local app.org_id = '{}'; {}", org.uuid(), ends_when_idle(idle));
        let tx = self.pool.begin_with(AssertSqlSafe(begin)).await?;
        Ok(OrgTx { tx, org, log: Vec::new() })
    }

    /// Begins a transaction for the tables that are read before an organization is known. Tenant
    /// tables refuse every statement in it.
    pub async fn begin_system(&self) -> Result<SystemTx, StorageError> {
        let begin = format!("begin; {}", ends_when_idle(self.idle.usual));
        Ok(SystemTx { tx: self.pool.begin_with(AssertSqlSafe(begin)).await? })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Set in each transaction, not for the connection: so a pooler may hand connections around.
fn ends_when_idle(after: Duration) -> String {
    format!("set local idle_in_transaction_session_timeout = {}", after.as_millis())
}

fn is_undefined_table(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() == Some("42P01")
}

/// A transaction inside one organization. Dropped without commit, it rolls back.
pub struct OrgTx {
    tx: Transaction<'static, Postgres>,
    org: OrgId,
    /// What the log takes when the transaction commits.
    log: Vec<timeline_log::NewLogEntry>,
}

impl OrgTx {
    /// Whose rows it sees.
    pub const fn org(&self) -> OrgId {
        self.org
    }

    /// Has the log take an entry when the transaction commits.
    pub fn log(&mut self, entry: timeline_log::NewLogEntry) {
        self.log.push(entry);
    }

    /// Makes it so, and appends to the log what was done.
    pub async fn commit(mut self) -> Result<(), StorageError> {
        timeline_log::flush(&mut self).await?;
        Ok(self.tx.commit().await?)
    }

    /// Undoes it now. Dropping does so too, but some time later, with its locks held until then.
    pub async fn rollback(self) -> Result<(), StorageError> {
        Ok(self.tx.rollback().await?)
    }

    /// Has the database plan its statements anew. It keeps the plans of a connection, those of its checks of
    /// foreign keys among them, and one that was made when a table held ten rows reads all of it, for each of the
    /// rows that are written next: a minute for what takes a second. So before many rows are written at once.
    pub async fn plan_anew(&mut self) -> Result<(), StorageError> {
        sqlx::query("discard plans").execute(self.conn()).await?;
        Ok(())
    }

    pub(in crate::storage) fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}

/// A transaction outside any organization.
pub struct SystemTx {
    tx: Transaction<'static, Postgres>,
}

impl SystemTx {
    /// Makes it so.
    pub async fn commit(self) -> Result<(), StorageError> {
        Ok(self.tx.commit().await?)
    }

    /// Enters an organization inside the same transaction, for writes that must be one (sign-up).
    pub async fn enter(mut self, org: OrgId) -> Result<OrgTx, StorageError> {
        sqlx::query("select set_config('app.org_id', $1, true)")
            .bind(org.uuid().to_string())
            .execute(&mut *self.tx)
            .await?;
        Ok(OrgTx { tx: self.tx, org, log: Vec::new() })
    }

    pub(in crate::storage) fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}

/// Asserts that a write changed as many rows as it must.
pub(in crate::storage) fn expect_rows(changed: u64, expected: u64) -> Result<(), StorageError> {
    if changed == expected { Ok(()) } else { Err(StorageError::RowCount { changed, expected }) }
}
