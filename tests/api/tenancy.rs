//! Tenants are kept apart by the database, whatever the code above it does.
#![expect(clippy::disallowed_types, reason = "tests look at the database with the owner's eyes")]

use leakage_api::storage::{Db, StorageError};
use leakage_tests::{Database, TestApp};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection};

const LINT: &str = include_str!("tenant_lint.sql");

async fn lint(owner: &mut PgConnection) -> Vec<(String, String)> {
    owner.execute("set lint.schema = 'public'; set lint.app_role = 'leakage_app'").await.unwrap();
    sqlx::query_as(LINT).fetch_all(owner).await.unwrap()
}

#[tokio::test]
async fn no_table_breaks_a_rule_of_tenancy() {
    let app = TestApp::start().await;
    assert_eq!(lint(&mut app.database.owner().await).await, []);
}

#[tokio::test]
async fn the_lint_sees_an_unprotected_table() {
    let app = TestApp::start().await;
    let mut owner = app.database.owner().await;
    owner.execute("create table forgotten (org_id uuid, id uuid primary key)").await.unwrap();
    let rules: Vec<String> = lint(&mut owner).await.into_iter().map(|(rule, _)| rule).collect();
    assert!(rules.contains(&"rls_not_forced".to_owned()) && rules.contains(&"key_not_led_by_org".to_owned()));
}

#[tokio::test]
async fn without_an_organization_every_tenant_table_and_view_refuses_to_answer() {
    let app = TestApp::start().await;
    let mut service = app.database.service().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select attrelid::regclass::text from pg_attribute join pg_class on pg_class.oid = attrelid
         where attname = 'org_id' and relkind in ('r', 'v') and relnamespace = 'public'::regnamespace",
    )
    .fetch_all(&mut service)
    .await
    .unwrap();
    for one in ["gaps", "audit_findings", "client_histories", "audit_gaps"] {
        assert!(tables.iter().any(|table| table == one), "{one} is not among {tables:?}");
    }
    for table in tables {
        let answer = service.execute(AssertSqlSafe(format!("select * from {table}"))).await;
        assert!(answer.is_err(), "{table} answers without an organization");
    }
}

#[tokio::test]
async fn the_service_refuses_a_database_that_misses_migrations() {
    let database = Database::create_empty().await;
    let db = Db::connect(&database.app_url(), 2).unwrap();
    // leakage_app exists in the whole cluster as soon as one database was migrated.
    let _ = TestApp::start().await;
    let refused = db.check_schema().await.unwrap_err();
    assert!(matches!(refused, StorageError::Outdated { missing } if missing > 2), "{refused}");
    database.remove();
}

#[tokio::test]
async fn the_service_accepts_its_role_and_a_migrated_database() {
    let app = TestApp::start().await;
    app.app.db.check_role().await.unwrap();
    app.app.db.check_schema().await.unwrap();
}

#[tokio::test]
async fn a_transaction_that_nobody_goes_on_with_is_ended() {
    let app = TestApp::start_with(|config| {
        (config.database.idle_seconds, config.database.idle_long_seconds) = (1, 600);
    })
    .await;
    let org = app.org("Example MSP").await;
    let left = app.app.db.begin(org.id).await.unwrap();
    let reading = app.app.db.begin_long(org.id).await.unwrap();
    let mut superuser = app.database.superuser().await;
    let idle = "select count(*) from pg_stat_activity
                where datname = current_database() and usename = 'leakage_app' and state = 'idle in transaction'";
    let begun = std::time::Instant::now();
    loop {
        let count: i64 = sqlx::query_scalar(idle).fetch_one(&mut superuser).await.unwrap();
        if count == 1 {
            break;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{count} are still there");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(left.commit().await.is_err(), "the database has ended it");
    reading.commit().await.unwrap();
    app.app.db.ping().await.unwrap();
}
