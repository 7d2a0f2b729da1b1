//! What holds whatever code runs: a hundred at once, and what the database itself refuses.

use super::{Desk, audited, message, share};
use leakage_api::auth::Role;
use leakage_tests::TestApp;
use serde_json::json;
use sqlx::Connection as _;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_at_once_one_wins_and_the_ledger_is_whole() {
    let app = TestApp::start_with(|config| config.database.max_connections = 20).await;
    let (org, gap) = audited(&app, 61, 60, 8..=9).await;
    let owner = org.owner.caller.clone();
    let (mut desk, _) = Desk::open(&owner, &[&gap]).await;
    desk.ok(&owner, "communicate", message(61)).await;
    let mut asked = tokio::task::JoinSet::new();
    for at in 0..100 {
        let (owner, desk) = (owner.clone(), Desk { id: desk.id.clone(), version: desk.version });
        asked.spawn(async move {
            let bill = json!({"document": format!("INV-{at}"), "on": "2026-12-01"});
            desk.ask(&owner, "bill", bill).await
        });
    }
    let mut won = 0;
    while let Some(answer) = asked.join_next().await {
        match answer.unwrap() {
            (200, _) => won += 1,
            (status, problem) => {
                assert!(matches!(status, 409 | 412) || problem["retryable"] == true, "{status}: {problem:#}");
            }
        }
    }
    assert_eq!(won, 1);
    let ledger = desk.read(&owner, "/ledger").await;
    assert_eq!(share(&ledger["balance"], "billed").1, "44.00");
    assert_eq!(share(&ledger["balance"], "outstanding").1, "0.00");
    assert_eq!(ledger["entries"].as_array().unwrap().len(), 4, "two months found, two billed");
    let timeline = desk.read(&owner, "/timeline").await;
    assert_eq!(timeline["data"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_open_the_same_gap_at_once_one_wins() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 61, 60, 8..=9).await;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (owner, body) = (org.owner.caller.clone(), json!({ "gaps": [gap] }));
        asked.spawn(async move { leakage_tests::send(owner.post("/v1/corrections").json(&body)).await });
    }
    let mut won = 0;
    while let Some(answer) = asked.join_next().await {
        match answer.unwrap() {
            (201, _) => won += 1,
            (status, problem) => {
                assert_eq!((status, problem["code"].as_str()), (409, Some("gap_in_another_correction")));
            }
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn the_database_refuses_what_must_never_be() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 22, 20, 8..=9).await;
    let biller = org.member(Role::Biller).await.caller;
    let (mut desk, _) = Desk::open(&biller, &[&gap]).await;
    desk.attach(&biller, "kind=waiver&channel=link", "clicked").await;
    desk.attach(&biller, "kind=waiver&channel=email", "We confirm.").await;
    let entry = |bucket: &str, minor: i64, contra: &str, waiver: &str| {
        format!(
            "insert into correction_entries (org_id, correction_id, seq, direction, line, month, bucket, seat_days,
                                             minor, contra_of, waiver, cause, actor, at)
             values ('{}', '{}', 9, 'under', 1, '2026-08-01', '{bucket}', 0, {minor}, {contra}, {waiver}, 'waiver', 'x', now())",
            org.id, desk.id
        )
    };
    let waiver = |confirmation: i32, authenticated: bool, above: bool, approver: &str| {
        format!(
            "insert into correction_waivers (org_id, correction_id, number, confirmation, confirmation_authenticated,
                                             seat_days, minor, reason, requested_by, approved_by, above_threshold,
                                             alone, at)
             values ('{}', '{}', 1, {confirmation}, {authenticated}, 0, 100, 'x', 'user:a', '{approver}', {above},
                     false, now())",
            org.id, desk.id
        )
    };
    for (statement, constraint) in [
        (entry("billed", 4401, "null", "null"), "correction_entries_sum"),
        (entry("billed", -1, "null", "null"), "correction_entries_sign"),
        (entry("found", -1, "1", "null"), "correction_entries_found"),
        (entry("waived", 100, "null", "null"), "correction_entries_waiver"),
        (waiver(3, true, false, "user:b"), "correction_waivers_confirmed"),
        (waiver(1, true, false, "user:b"), "correction_waivers_confirmed"),
        (waiver(1, false, false, "user:b"), "correction_waivers_confirmation_authenticated_check"),
        (waiver(2, true, true, "user:a"), "correction_waivers_second_approver"),
        (
            format!("update corrections set state = 'resolved' where id = '{}'", desk.id),
            "corrections_settled",
        ),
    ] {
        assert_eq!(refused(&app, &org, &statement).await.as_deref(), Some(constraint), "{statement}");
    }
    // Sums that are not the ledger's are found out when the transaction ends.
    let drift = format!("update corrections set found_minor = found_minor + 1 where id = '{}'", desk.id);
    assert_eq!(refused(&app, &org, &drift).await.as_deref(), Some("corrections_sums"));
    for table in [
        "correction_entries",
        "correction_waivers",
        "correction_confirmations",
        "correction_timeline",
        "correction_frozen_facts",
        "correction_lines",
    ] {
        for statement in [format!("delete from {table}"), format!("update {table} set org_id = org_id")] {
            let code = denied(&app, &org, &statement).await;
            assert_eq!(code.as_deref(), Some("42501"), "{statement}");
        }
    }
    for (table, column) in
        [("corrections", "client"), ("correction_disputes", "reason"), ("deliveries", "letter_id")]
    {
        let statement = format!("update {table} set {column} = {column}");
        assert_eq!(denied(&app, &org, &statement).await.as_deref(), Some("42501"), "{statement}");
    }
}

async fn run(app: &TestApp, org: &leakage_tests::Org<'_>, statement: &str) -> Result<(), sqlx::Error> {
    let mut service = app.database.service().await;
    let mut tx = service.begin().await.unwrap();
    sqlx::query("select set_config('app.org_id', $1, true)")
        .bind(org.id.to_string())
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut *tx).await?;
    tx.commit().await
}

/// The constraint that refuses a statement.
pub(crate) async fn refused(app: &TestApp, org: &leakage_tests::Org<'_>, statement: &str) -> Option<String> {
    let error = run(app, org, statement).await.err()?;
    error.as_database_error()?.constraint().map(str::to_owned)
}

/// The code with which a statement is denied.
pub(crate) async fn denied(app: &TestApp, org: &leakage_tests::Org<'_>, statement: &str) -> Option<String> {
    let error = run(app, org, statement).await.err()?;
    error.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}
