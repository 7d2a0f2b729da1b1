//! A database for each test, cloned from one that was migrated once for all of them.
#![expect(clippy::disallowed_types, reason = "tests look at the database with the owner's eyes")]

use leakage_api::storage;
use leakage_core::id::OrgId;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use std::str::FromStr as _;
use tokio::sync::OnceCell;

/// Name of the migrated database that the others are cloned from.
static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// A test's own database.
#[derive(Clone, Debug)]
pub struct Database {
    name: String,
}

fn server() -> PgConnectOptions {
    let url = std::env::var("TEST_DATABASE_URL")
        .expect("TEST_DATABASE_URL is not set; run the tests with scripts/test, which starts the servers");
    PgConnectOptions::from_str(&url).expect("TEST_DATABASE_URL is a DSN")
}

fn unique(kind: &str) -> String {
    format!("leakage_{kind}_{}", uuid::Uuid::now_v7().simple())
}

async fn administer(statement: String) {
    let mut connection = PgConnection::connect_with(&server()).await.expect("the test server answers");
    sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.expect("the test server obeys");
}

/// Which build of the tests this is: another build may have other migrations.
fn build() -> u128 {
    let program = std::env::current_exe().and_then(std::fs::metadata).and_then(|file| file.modified());
    let built = program.expect("the tests are a file");
    built.duration_since(std::time::UNIX_EPOCH).expect("made after 1970").as_nanos()
}

/// The migrated database. Tests may run in processes of their own: the first of them makes it, the others wait.
async fn template() -> String {
    let name = format!("leakage_template_{:x}", build());
    let mut connection = PgConnection::connect_with(&server()).await.expect("the test server answers");
    // Held until the connection ends.
    sqlx::query("select pg_advisory_lock(1)").execute(&mut connection).await.expect("a lock");
    let there = sqlx::query_scalar::<_, bool>("select exists (select from pg_database where datname = $1)")
        .bind(&name);
    if !there.fetch_one(&mut connection).await.expect("the test server answers") {
        // It has its name only when it is whole.
        let made = Database { name: unique("made") };
        administer(format!("create database {}", made.name)).await;
        storage::migrate(&made.owner_url()).await.expect("the migrations run");
        administer(format!("alter database {} rename to {name}", made.name)).await;
    }
    connection.close().await.expect("the test server answers");
    name
}

impl Database {
    /// Clones the template.
    pub async fn create() -> Self {
        let template = TEMPLATE.get_or_init(template).await;
        let database = Self { name: unique("test") };
        // Files are copied, which is cheaper than to log each of their pages.
        administer(format!("create database {} template {template} strategy file_copy", database.name)).await;
        database
    }

    /// An empty database, without our migrations.
    pub async fn create_empty() -> Self {
        let database = Self { name: unique("test") };
        administer(format!("create database {} template template0", database.name)).await;
        database
    }

    /// DSN of the role that owns the tables.
    pub fn owner_url(&self) -> String {
        server().database(&self.name).to_url_lossy().to_string()
    }

    /// DSN of the role that the service logs in as.
    pub fn app_url(&self) -> String {
        server().database(&self.name).username("leakage_app").to_url_lossy().to_string()
    }

    /// A connection of the owner. Row-level security binds it too: `set app.org_id` to see a row.
    pub async fn owner(&self) -> PgConnection {
        PgConnection::connect_with(&server().database(&self.name)).await.expect("the test server answers")
    }

    /// A connection of the superuser, whom nothing binds: for tests of what is found out afterwards.
    pub async fn superuser(&self) -> PgConnection {
        let options = server().database(&self.name).username("postgres");
        PgConnection::connect_with(&options).await.expect("the test server answers")
    }

    /// A connection of the service's role.
    pub async fn service(&self) -> PgConnection {
        let options = server().database(&self.name).username("leakage_app");
        PgConnection::connect_with(&options).await.expect("the test server answers")
    }

    /// Adds an organization without members, for tests of what has no actor.
    pub async fn organization(&self) -> OrgId {
        let org = OrgId::new(uuid::Uuid::now_v7());
        let mut owner = self.owner().await;
        let mut tx = owner.begin().await.expect("a transaction");
        sqlx::query("select set_config('app.org_id', $1, true)")
            .bind(org.to_string())
            .execute(&mut *tx)
            .await
            .expect("an organization's context");
        sqlx::query("insert into organizations (org_id, name, created_at, updated_at) values ($1, 'Example', now(), now())")
            .bind(org.uuid())
            .execute(&mut *tx)
            .await
            .expect("an organization");
        tx.commit().await.expect("an organization");
        org
    }

    /// Removes the database; answers the jobs that were left in its queue. Waits for it on a thread of
    /// its own, for it is called where a test's runtime cannot be waited for.
    pub fn remove(&self) -> Vec<String> {
        let database = self.clone();
        let removed = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                // PostgreSQL removes no database that someone is connected to, and only a role may end its own
                // connections. The service's pool cannot be asked: the runtime it lives in stands still.
                let mut service = database.service().await;
                sqlx::query(
                    "select pg_terminate_backend(pid, 10000) from pg_stat_activity
                     where datname = current_database() and usename = current_user and pid <> pg_backend_pid()",
                )
                .execute(&mut service)
                .await
                .expect("the service's connections end");
                service.close().await.expect("the connection ends");
                let mut owner = database.owner().await;
                let left = sqlx::query_scalar(
                    "select kind || case when dead_at is null then '' else ' (dead)' end from job_queue",
                )
                .fetch_all(&mut owner)
                .await
                // A database without our tables has no jobs.
                .unwrap_or_default();
                owner.close().await.expect("the connection ends");
                // Without force, which asks for rights over connections that are just closing: PostgreSQL
                // waits for those by itself.
                administer(format!("drop database {}", database.name)).await;
                left
            })
        });
        match removed.join() {
            Ok(left) => left,
            Err(panic) if std::thread::panicking() => drop_quietly(panic),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// While the test panics already, a second panic would abort all tests.
fn drop_quietly(_: Box<dyn std::any::Any + Send>) -> Vec<String> {
    Vec::new()
}
