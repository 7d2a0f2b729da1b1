//! The keys of gaps that SQL made once are folded like those that the service makes.
#![expect(clippy::disallowed_types, reason = "the test writes what a migration wrote")]

use leakage_core::matching::fold;
use leakage_tests::TestApp;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

async fn context(connection: &mut PgConnection, org: leakage_core::id::OrgId) {
    sqlx::query("select set_config('app.org_id', $1, false)")
        .bind(org.to_string())
        .execute(connection)
        .await
        .unwrap();
}

#[tokio::test]
async fn keys_of_lower_case_only_are_folded_by_the_next_audit_whoever_it_sees() {
    let app = TestApp::start().await;
    let product = "Microsoft 365 E5 (no Teams) & Calling\u{2122}";
    let entitlements = format!(
        "client,product,purchased,from\nContoso,{product},12,2026-08-01\nFabrikam,Seat,3,2026-08-01\n"
    );
    let billing = format!(
        "client,product,quantity,unit_price,currency,from,until\nContoso,{product},10,22.00,USD,2026-08-01,2026-09-01\n\
         Fabrikam,Seat,3,22.00,USD,2026-08-01,2026-09-01\n"
    );
    let org = app.audited_org(&entitlements, &billing).await;
    let document = org.audit(json!({"from": "2026-08", "to": "2026-08"})).await;
    let gap = document["gaps"][0]["id"].as_str().unwrap().to_owned();
    let mut service = app.database.service().await;
    context(&mut service, org.id).await;
    let keys = "select client_key, product_key, keys_folded from gaps where id = $1";
    let made: (String, String, bool) = sqlx::query_as(keys).bind(&gap).fetch_one(&mut service).await.unwrap();
    assert_eq!((made.1.as_str(), made.2), (fold(product).as_str(), true));
    // As the migration left those that were there before.
    let lowered: String = sqlx::query_scalar(
        "update gaps set product_key = lower(product), keys_folded = false where id = $1 returning product_key",
    )
    .bind(&gap)
    .fetch_one(&mut service)
    .await
    .unwrap();
    assert_ne!(lowered, fold(product), "SQL does not fold");
    let clients = org.read("/v1/clients").await;
    let fabrikam = clients["data"].as_array().unwrap().iter().find(|client| client["name"] == "Fabrikam");
    let fabrikam = fabrikam.map(|client| client["id"].clone());
    org.audit(json!({"from": "2026-08", "to": "2026-08", "clients": fabrikam.map(|id| vec![id])})).await;
    let after: (String, String, bool) =
        sqlx::query_as(keys).bind(&gap).fetch_one(&mut service).await.unwrap();
    assert_eq!(after, made);
    service.close().await.unwrap();
}
