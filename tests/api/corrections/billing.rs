//! What to enter where the client is billed, what was entered, and how an import finds it again.

use super::{Desk, PREMIUM, audited, billed, message, said};
use leakage_api::auth::Role;
use leakage_tests::{Caller, Org, TestApp, send};
use serde_json::{Value, json};

/// The client's billing as ConnectWise PSA exports it.
fn additions(quantity: u32) -> String {
    json!([{
        "id": 77, "name": "Cloud", "company": {"id": 250, "identifier": "contoso", "name": "Contoso"},
        "startDate": "2026-01-01T00:00:00Z", "noEndingDateFlag": true, "cancelledFlag": false,
        "billingCycle": {"id": 2, "name": "Monthly"}, "currency": {"id": 7, "currencyCode": "USD"},
        "additions": [{
            "id": 4711, "agreementId": 77, "product": {"id": 9, "identifier": "M365BP"}, "quantity": quantity,
            "lessIncluded": 0, "unitPrice": 22, "billCustomer": "Billable", "effectiveDate": "2026-02-01T00:00:00Z",
            "description": PREMIUM,
        }],
    }])
    .to_string()
}

async fn told(app: &TestApp) -> (Org<'_>, Caller, Desk) {
    let (org, gap) = audited(app, 61, 60, 2..=9).await;
    let biller = org.member(Role::Biller).await.caller;
    let (mut desk, _) = Desk::open(&biller, &[&gap]).await;
    desk.ok(&biller, "plan", json!({"count": 2, "cadence": "monthly", "first_on": "2026-12-01"})).await;
    desk.ok(&biller, "communicate", message(61)).await;
    (org, biller, desk)
}

fn receipt(document: &str, amount: &str, currency: &str) -> Value {
    json!({"document": document, "on": "2026-12-01", "amount": {"amount": amount, "currency": currency}})
}

#[tokio::test]
async fn instructions_speak_of_the_additions_that_the_import_holds() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let seats = format!("client,product,purchased,from\nContoso,{PREMIUM},72,2026-02-01\n");
    org.import_whole("entitlements.csv", seats, "").await;
    org.import_whole("additions.json", additions(60), "").await;
    let document = org.audit(json!({"from": "2026-02", "to": "2026-09"})).await;
    let gap = document["gaps"][0]["id"].as_str().unwrap_or_else(|| panic!("{document:#}")).to_owned();
    let owner = &org.owner.caller;
    let (mut desk, _) = Desk::open(owner, &[&gap]).await;
    let made = desk.read(owner, "/billing-instructions?effective_on=2026-12-16").await;
    assert_eq!((&made["target"], &made["ready"]), (&json!("connectwise"), &json!(false)), "{made:#}");
    assert_eq!(made["one_off_total"], json!({"amount": "2112.00", "currency": "USD"}));
    assert_eq!(made["one_off"].as_array().unwrap().len(), 9, "8 months, and a part of December");
    assert_eq!(made["one_off"][0]["product_code"], "M365BP");
    let change = &made["recurring"][0];
    assert_eq!((&change["from_seats"], &change["to_seats"]), (&json!(60), &json!(72)));
    assert_eq!(change["rows"][0]["source_id"], "4711");
    // 264.00 x 16 / 31 is 136.26; twelve units at 11.35 (prorated by ConnectWise) would be 136.20.
    assert_eq!(change["first_period"]["amount"], "136.26");
    assert_eq!((&change["prorate"], &change["effective_on"]), (&json!(false), &json!("2027-01-01")));
    assert_eq!(change["first_period_line"]["amount"], "136.26");
    assert_eq!(
        (&made["missing"], &made["requests"][0]["path"]),
        (&json!([]), &json!("/finance/agreements/77/additions"))
    );
    let reference = made["reference"].as_str().unwrap();
    assert!(made["one_off"][0]["description"].as_str().unwrap().contains(reference));

    let path = format!("/v1/corrections/{}/billing-instructions?format=csv&part=recurring", desk.id);
    let csv = owner.get(&path).send().await.unwrap();
    assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8");
    let csv = csv.text().await.unwrap();
    assert_eq!(csv.lines().count(), 2, "{csv}");
    for (query, code) in [("target=sage", 400), ("billing_day=31", 422), ("effective_on=0001-01-01", 422)] {
        let path = format!("/v1/corrections/{}/billing-instructions?{query}", desk.id);
        assert_eq!(send(owner.get(&path)).await.0, code, "{query}");
    }
}

#[tokio::test]
async fn receipts_become_the_ledgers_documents_once() {
    let app = TestApp::start().await;
    let (_org, biller, mut desk) = told(&app).await;
    let refused = [
        (receipt("INV-1", "100.00", "EUR"), 422, "receipt_currency"),
        (receipt("INV-1", "176.01", "USD"), 422, "receipt_over_outstanding"),
        (receipt("INV-1", "-1.00", "USD"), 422, "receipt_amount"),
        (receipt("INV-1", "1.001", "USD"), 422, "receipt_amount"),
        (
            json!({"document": "INV-1", "on": "2026-12-01", "instalment": 1, "amount": {"amount": "1.00", "currency": "USD"}}),
            422,
            "instalment_unknown",
        ),
        // Dated before the notice is over: what a bill asks for holds for receipts.
        (
            json!({"document": "INV-1", "on": "2026-11-23", "amount": {"amount": "1.00", "currency": "USD"}}),
            422,
            "invoice_before_announcement",
        ),
    ];
    for (body, status, code) in refused {
        assert_eq!(desk.refused(&biller, "psa-receipts", body).await, (status, vec![code.to_owned()]));
    }
    let mut body = receipt("INV-1", "100.00", "USD");
    body["line_ids"] = json!(["88121"]);
    body["entered_by"] = json!("Dana");
    let (status, kept) = desk.ask(&biller, "psa-receipts", body.clone()).await;
    assert_eq!(status, 201, "{kept:#}");
    assert_eq!((&kept["number"], &kept["became"]), (&json!(1), &json!("bill")));
    assert_eq!(desk.ask(&biller, "psa-receipts", body.clone()).await, (200, kept.clone()), "told again");
    body["amount"]["amount"] = json!("99.00");
    assert_eq!(desk.refused(&biller, "psa-receipts", body).await, (409, vec!["receipt_differs".to_owned()]));
    let mut other = receipt("INV-1", "100.00", "USD");
    other["on"] = json!("2026-12-02");
    let (status, problem) = desk.ask(&biller, "psa-receipts", other.clone()).await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("receipt_date_differs")), "{problem:#}");
    let told = problem["detail"].as_str().unwrap();
    assert!(told.contains("2026-12-01") && told.contains("2026-12-02"), "{told}");
    other["instalment"] = json!(2);
    let refused = desk.refused(&biller, "psa-receipts", other).await;
    assert_eq!(refused.1, ["receipt_date_differs", "receipt_instalment_differs"]);

    let ledger = desk.read(&biller, "/ledger").await;
    assert_eq!(ledger["balance"]["billed"]["amount"]["amount"], "100.00");
    assert_eq!(ledger["balance"]["outstanding"]["amount"]["amount"], "76.00");
    // What was entered is not asked for again.
    let made = desk.read(&biller, "/billing-instructions?target=xero").await;
    assert_eq!(made["one_off_total"]["amount"], "76.00");
    assert_eq!(made["requests"][0]["path"], "/api.xro/2.0/Invoices?unitdp=4");

    // A document that a command entered is linked.
    desk.read(&biller, "").await;
    desk.ok(&biller, "bill", json!({"document": "INV-2", "on": "2026-12-01"})).await;
    let mut other = receipt("INV-2", "75.00", "USD");
    other["on"] = json!("2026-12-05");
    other["instalment"] = json!(1);
    let refused = desk.refused(&biller, "psa-receipts", other).await;
    assert_eq!(refused.1, ["receipt_differs", "receipt_date_differs", "receipt_instalment_differs"]);
    let (status, linked) = desk.ask(&biller, "psa-receipts", receipt("INV-2", "76.00", "USD")).await;
    assert_eq!((status, &linked["became"]), (201, &json!("linked")), "{linked:#}");
    let listed = desk.read(&biller, "/psa-receipts?limit=1").await;
    assert_eq!((&listed["data"][0], &listed["has_more"]), (&kept, &json!(true)));
    let refused = desk.refused(&biller, "psa-receipts", receipt("INV-3", "1.00", "USD")).await;
    assert_eq!(refused.1, ["receipt_over_outstanding"]);
    let timeline = desk.read(&biller, "/timeline").await;
    assert!(timeline["data"].as_array().unwrap().iter().any(|one| one["detail"]["psa_receipt"] == "INV-1"));
}

#[tokio::test]
async fn an_instalment_is_received_once_and_under_its_own_number() {
    let app = TestApp::start().await;
    let (_org, biller, mut desk) = told(&app).await;
    desk.ok(&biller, "accept", json!({"said": said(), "plan": true})).await;
    let mut first = receipt("INV-7", "88.00", "USD");
    first["instalment"] = json!(1);
    let (status, kept) = desk.ask(&biller, "psa-receipts", first.clone()).await;
    assert_eq!(
        (status, &kept["became"], &kept["instalment"]),
        (201, &json!("invoice_instalment"), &json!(1))
    );
    assert_eq!(desk.ask(&biller, "psa-receipts", first.clone()).await, (200, kept));
    first["instalment"] = json!(2);
    let (status, problem) = desk.ask(&biller, "psa-receipts", first).await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("receipt_instalment_differs")), "{problem:#}");
    assert_eq!(problem["detail"], "INV-7 is known to charge instalment 1, and not instalment 2.");
    // The same of one that a command entered.
    desk.read(&biller, "").await;
    desk.ok(&biller, "invoice-instalment", json!({"instalment": 2, "document": "INV-8"})).await;
    let mut second = receipt("INV-8", "88.00", "USD");
    second["instalment"] = json!(1);
    assert_eq!(desk.refused(&biller, "psa-receipts", second.clone()).await.1, ["receipt_instalment_differs"]);
    second["instalment"] = json!(2);
    let (status, kept) = desk.ask(&biller, "psa-receipts", second).await;
    assert_eq!((status, &kept["became"]), (201, &json!("linked")), "{kept:#}");
}

#[tokio::test]
async fn nothing_is_received_for_a_client_who_was_not_told() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 61, 60, 2..=9).await;
    let owner = &org.owner.caller;
    let (desk, _) = Desk::open(owner, &[&gap]).await;
    let refused = desk.refused(owner, "psa-receipts", receipt("INV-1", "176.00", "USD")).await;
    assert_eq!(refused, (409, vec!["receipt_state".to_owned()]));
}

#[tokio::test]
async fn over_billing_is_received_whole_with_its_apology() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 47, 50, 3..=5).await;
    let biller = org.member(Role::Biller).await.caller;
    let (mut desk, _) = Desk::open(&biller, &[&gap]).await;
    let made = desk.read(&biller, "/billing-instructions?target=quickbooks").await;
    assert_eq!(made["one_off_total"]["amount"], "-198.00", "{made:#}");
    assert_eq!(made["requests"][0]["path"], "/v3/company/{realmId}/creditmemo");
    desk.ok(&biller, "communicate", message(47)).await;
    let part = desk.refused(&biller, "psa-receipts", receipt("CN-1", "66.00", "USD")).await;
    assert_eq!(part.1, ["apology_missing", "credit_not_whole"]);
    let mut whole = receipt("CN-1", "198.00", "USD");
    whole["apology"] = json!("We are sorry: we billed three seats too many.");
    let (status, kept) = desk.ask(&biller, "psa-receipts", whole).await;
    assert_eq!((status, &kept["became"]), (201, &json!("credit")), "{kept:#}");
}

#[tokio::test]
async fn the_next_import_finds_the_reference_and_proves_the_document() {
    let app = TestApp::start().await;
    let (mut org, biller, mut desk) = told(&app).await;
    let made = desk.read(&biller, "/billing-instructions").await;
    let reference = made["reference"].as_str().unwrap().to_owned();
    // The number was not known yet: the reference stands for it.
    desk.read(&biller, "").await;
    let accept = json!({"said": said(), "plan": false});
    desk.ok(&biller, "accept", accept).await;
    desk.ok(&biller, "bill", json!({"document": reference, "on": "2026-12-01"})).await;
    desk.ok(&biller, "resolve", json!({"basis": "accepted"})).await;
    app.clock.advance(chrono::TimeDelta::days(10));
    org.owner = app.sign_in(&org.owner.email, Some(org.id)).await;
    let file = billed(61, "22.00", "USD", 12..=12).replace("until\n", "until,invoice\n");
    let file = file.replace("2027-01-01\n", "2027-01-01,INV-9\n");
    let lines = made["one_off"].as_array().unwrap().iter().map(|line| {
        let (text, amount) =
            (line["description"].as_str().unwrap(), line["amount"]["amount"].as_str().unwrap());
        format!("Contoso,\"{text}\",1,{amount},USD,2026-12-01,2027-01-01,INV-9\n")
    });
    let file: String = std::iter::once(file).chain(lines).collect();
    org.import_whole("december.csv", file, "").await;
    let owner = org.owner.caller.clone();
    let proved = desk.read(&owner, "").await;
    let outcomes: Vec<&Value> =
        proved["verifications"].as_array().unwrap().iter().map(|one| &one["outcome"]).collect();
    assert!(
        outcomes
            .iter()
            .any(|one| one["kind"] == "document_verified" && one["document"] == reference.as_str()),
        "{outcomes:#?}"
    );
    // The lines of the past are no seats of December.
    assert!(
        outcomes.iter().any(|one| one["kind"] == "forward_verified" && one["seats"] == 61),
        "{outcomes:#?}"
    );
    assert_eq!(proved["recovered"]["amount"], "176.00");
}
