//! Clients, products and mappings.

use leakage_tests::{TestApp, assert_problem, send};
use serde_json::json;

#[tokio::test]
async fn a_client_is_made_by_hand_changed_and_read() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let body = json!({"name": " Contoso Legal ", "domain": "Contoso.com"});
    let response = org.owner.caller.post("/v1/clients").json(&body).send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["etag"]), (201, &"\"v1\"".parse().unwrap()));
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let client = org.read(&location).await;
    assert_eq!(
        (client["name"].as_str(), client["domain"].as_str()),
        (Some("Contoso Legal"), Some("contoso.com"))
    );

    let change = |tag: &'static str| {
        org.owner.caller.patch(&location).header("If-Match", tag).json(&json!({"name": "Contoso"}))
    };
    assert_eq!(send(change("\"v1\"")).await.0, 200);
    assert_problem(&send(change("\"v1\"")).await, 412, "version_mismatch");
}

#[tokio::test]
async fn names_that_fold_to_the_same_are_one_name() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let create = |name: &'static str| org.owner.caller.post("/v1/clients").json(&json!({"name": name}));
    assert_eq!(send(create("Contoso, Ltd.")).await.0, 201);
    assert_problem(&send(create("CONTOSO LTD")).await, 409, "already_exists");
    assert_problem(&send(create("---")).await, 422, "validation_failed");
}

#[tokio::test]
async fn imports_add_the_clients_and_products_that_they_name() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let csv = "client,client_id,product,product_code,quantity,unit_price,currency,from\n\
        Contoso,c-1,Seat,S1,1,5,USD,2026-03-01\nContoso Legal,c-1,Seat,S1,1,5,USD,2026-03-01\n\
        contoso,,Seat,S1,1,5,USD,2026-03-01\n";
    org.import_whole("billing.csv", csv, "").await;
    let clients = org.read("/v1/clients").await;
    assert_eq!(
        clients["data"].as_array().unwrap().len(),
        1,
        "one id, or one name, is one client: {clients:#}"
    );
    let client = org.read(&format!("/v1/clients/{}", clients["data"][0]["id"].as_str().unwrap())).await;
    assert_eq!(client["known_as"].as_array().unwrap().len(), 3, "{client:#}");
    let products = org.read("/v1/products").await;
    assert_eq!(
        (products["data"].as_array().unwrap().len(), products["data"][0]["code"].as_str()),
        (1, Some("S1"))
    );
}

#[tokio::test]
async fn clients_are_listed_by_name_in_pages() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    for name in ["beta", "Alpha", "gamma"] {
        send(org.owner.caller.post("/v1/clients").json(&json!({"name": name}))).await;
    }
    let (mut names, mut path) = (Vec::new(), "/v1/clients?limit=1".to_owned());
    loop {
        let page = org.read(&path).await;
        names.push(page["data"][0]["name"].as_str().unwrap().to_owned());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/clients?limit=1&cursor={cursor}");
    }
    assert_eq!(names, ["Alpha", "beta", "gamma"]);
}

#[tokio::test]
async fn the_sku_table_knows_its_traps() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let found = org.read("/v1/microsoft-skus?search=O365_BUSINESS_PREMIUM").await;
    assert_eq!(found["data"][0]["names"][0], "Microsoft 365 Business Standard", "{found:#}");
    let all = org.read("/v1/microsoft-skus?limit=500").await;
    assert_eq!((all["data"].as_array().unwrap().len(), all["has_more"].as_bool()), (500, Some(true)));
}

#[tokio::test]
async fn a_mapping_is_approved_by_whoever_writes_it_and_can_be_withdrawn_once() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let body = json!({"side": "product", "source": "M365 BP", "target": "Microsoft 365 Business Premium"});
    let (status, mapping) = send(org.owner.caller.post("/v1/mappings").json(&body)).await;
    assert_eq!((status, mapping["status"].as_str()), (201, Some("approved")), "{mapping:#}");
    assert_eq!(mapping["decided_by"], format!("user:{}", org.owner.id));
    let withdraw = |tag: &'static str| {
        let path = format!("/v1/mappings/{}/withdraw", mapping["id"].as_str().unwrap());
        org.owner.caller.post(&path).header("If-Match", tag)
    };
    let (one, two) = tokio::join!(send(withdraw("\"v1\"")), send(withdraw("\"v1\"")));
    let mut statuses = [one.0, two.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "two at once: one succeeds");
    assert_problem(&send(withdraw("\"v2\"")).await, 409, "conflict");
}

#[tokio::test]
async fn a_mapping_to_the_same_name_or_of_no_days_is_refused() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    for (body, pointer) in [
        (json!({"side": "product", "source": "Seat", "target": "SEAT."}), "/target"),
        (json!({"side": "product", "source": " ", "target": "Seat"}), "/source"),
        (
            json!({"side": "client", "source": "A", "target": "B", "valid_from": "2026-02-01", "valid_until": "2026-02-01"}),
            "/valid_until",
        ),
    ] {
        let answer = send(org.owner.caller.post("/v1/mappings").json(&body)).await;
        assert_problem(&answer, 422, "validation_failed");
        assert_eq!(answer.1["errors"][0]["pointer"], pointer, "{:#}", answer.1);
    }
}
