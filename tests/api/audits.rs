//! Audits through HTTP: the acceptance numbers, what is not compared and why, and that the same facts
//! give the same document.

use leakage_tests::{TestApp, assert_problem, send};
use serde_json::{Value, json};

/// One billing row a month, from a month of 2026 up to another, included.
fn monthly(
    client: &str,
    product: &str,
    quantity: u32,
    price: &str,
    currency: &str,
    months: std::ops::RangeInclusive<u32>,
) -> String {
    let lines: Vec<String> = months
        .map(|month| {
            let (year, next) = if month == 12 { (2027, 1) } else { (2026, month + 1) };
            format!(
                "{client},{product},{quantity},{price},{currency},2026-{month:02}-01,{year}-{next:02}-01\n"
            )
        })
        .collect();
    lines.concat()
}

const BILLING_HEADER: &str = "client,product,quantity,unit_price,currency,from,until\n";

fn only_gap(document: &Value) -> &Value {
    let gaps = document["gaps"].as_array().unwrap();
    assert_eq!(gaps.len(), 1, "{document:#}");
    &gaps[0]
}

fn amounts(gap: &Value) -> [&str; 3] {
    [
        gap["seat_months"].as_str().unwrap(),
        gap["amount"]["amount"].as_str().unwrap(),
        gap["monthly_forward"]["amount"].as_str().unwrap(),
    ]
}

#[tokio::test]
async fn two_seats_over_eight_months_are_sixteen_seat_months() {
    let app = TestApp::start().await;
    let org = app
        .audited_org(
            "client,product,purchased,from\nContoso,Microsoft 365 Business Premium,22,2026-03-01\n",
            &format!(
                "{BILLING_HEADER}{}",
                monthly("Contoso", "Microsoft 365 Business Premium", 20, "22.00", "USD", 3..=10)
            ),
        )
        .await;
    let document = org.audit(json!({"from": "2026-03", "to": "2026-10"})).await;
    let gap = only_gap(&document);
    assert_eq!(amounts(gap), ["16.000000", "352.00", "44.00"], "{gap:#}");
    assert_eq!((gap["seats"].as_str(), gap["kind"].as_str()), (Some("2"), Some("under_billed")));
    // Every number leads to rows: the entitlement's line and the eight billed ones.
    let lines: usize =
        gap["sources"].as_array().unwrap().iter().map(|s| s["lines"].as_array().unwrap().len()).sum();
    assert_eq!(lines, 9, "{gap:#}");
    assert_eq!(document["totals"][0]["under"], "352.00");

    let one = org.audit(json!({"from": "2026-03", "to": "2026-03"})).await;
    assert_eq!(amounts(only_gap(&one))[..2], ["2.000000", "44.00"]);
}

#[tokio::test]
async fn the_three_proration_policies_give_their_three_amounts() {
    let app = TestApp::start().await;
    let product = "Microsoft 365 Business Premium";
    let org = app
        .audited_org(
            &format!(
                "client,product,purchased,from,until\nContoso,{product},40,2026-02-01,2026-02-10\n\
                 Contoso,{product},43,2026-02-10,2026-04-16\nContoso,{product},46,2026-04-16,\n"
            ),
            &format!("{BILLING_HEADER}{}", monthly("Contoso", product, 40, "22.00", "USD", 2..=6)),
        )
        .await;
    for (proration, seat_months, amount) in [
        ("daily", "21.535714", "473.79"),
        ("full_month", "24.000000", "528.00"),
        ("next_month", "18.000000", "396.00"),
    ] {
        let document = org.audit(json!({"from": "2026-02", "to": "2026-06", "proration": proration})).await;
        assert_eq!(amounts(only_gap(&document))[..2], [seat_months, amount], "{proration}: {document:#}");
    }
    let daily = org.audit(json!({"from": "2026-02", "to": "2026-06"})).await;
    let months = only_gap(&daily)["months"].as_array().unwrap();
    let monthly: Vec<&str> = months.iter().map(|month| month["amount"].as_str().unwrap()).collect();
    assert_eq!(monthly, ["44.79", "66.00", "99.00", "132.00", "132.00"]);
}

#[tokio::test]
async fn a_seat_change_in_a_reconciliation_file_is_two_rows_and_two_seats_not_four() {
    let header = "PartnerId,CustomerId,CustomerName,CustomerDomainName,InvoiceNumber,ProductId,SkuId,SkuName,\
        ProductName,ChargeType,UnitPrice,Quantity,Subtotal,TaxTotal,Total,Currency,PublisherName,\
        SubscriptionDescription,SubscriptionId,ChargeStartDate,ChargeEndDate,TermAndBillingCycle,EffectiveUnitPrice,\
        BillableQuantity,BillingFrequency,PricingCurrency,ReferenceID";
    let row = |kind: &str, quantity: u32, subtotal: &str, start: &str, reference: &str| {
        format!(
            "p,c0000000-0000-4000-8000-000000000001,Contoso,contoso.example,G1,CFQ7TTC0LDPB,0001,Basic Seat,Basic Seat,\
             {kind},4,{quantity},{subtotal},0,{subtotal},USD,Microsoft Corporation,Basic Seat,\
             50000000-0000-4000-8000-000000000001,{start},4/30/2026,One-Month commitment for monthly billing,4,{quantity},\
             Monthly,USD,{reference}\n"
        )
    };
    let new = row("New", 1, "4.00", "4/1/2026", "a");
    let refund = row("addQuantity", 1, "-3.87", "4/2/2026", "b");
    let charge = row("addQuantity", 2, "7.74", "4/2/2026", "b");
    let app = TestApp::start().await;
    for (name, rows) in [("in order", [&new, &refund, &charge]), ("shuffled", [&charge, &new, &refund])] {
        let org = app.org(name).await;
        let file = format!("{header}\n{}{}{}", rows[0], rows[1], rows[2]);
        org.import_whole("reconciliation.csv", file, "").await;
        let billing =
            format!("{BILLING_HEADER}{}", monthly("Contoso", "Basic Seat", 1, "6.00", "USD", 4..=4));
        org.import_whole("billing.csv", billing, "").await;
        let document = org.audit(json!({"from": "2026-04", "to": "2026-04"})).await;
        let gap = only_gap(&document);
        assert_eq!(amounts(gap)[..2], ["0.966667", "5.80"], "{name}: {gap:#}");
        assert_eq!(gap["seats"], "1", "{gap:#}");
    }
}

#[tokio::test]
async fn a_client_that_the_psa_does_not_know_is_not_compared_and_costs_nothing() {
    let app = TestApp::start().await;
    let org = app
        .audited_org(
            "client,product,purchased,from\nContoso,Microsoft 365 Business Premium,20,2026-03-01\n\
             Fabrikam,Microsoft 365 Business Premium,20,2026-03-01\n",
            &format!(
                "{BILLING_HEADER}{}",
                monthly("Fabrikam", "Microsoft 365 Business Premium", 20, "22.00", "USD", 3..=5)
            ),
        )
        .await;
    let document = org.audit(json!({"from": "2026-03", "to": "2026-05"})).await;
    assert_eq!(document["gaps"], json!([]));
    let contoso = document["coverage"].as_array().unwrap().iter().find(|c| c["client"] == "Contoso").unwrap();
    assert_eq!(
        (contoso["status"].as_str(), contoso["reason"].as_str()),
        (Some("insufficient_data"), Some("no_billing"))
    );
}

#[tokio::test]
async fn a_missing_month_is_not_compared_and_the_others_stand() {
    let app = TestApp::start().await;
    let product = "Microsoft 365 Business Premium";
    let org = app
        .audited_org(
            &format!("client,product,purchased,from\nContoso,{product},22,2026-01-01\n"),
            &format!("{BILLING_HEADER}{}", monthly("Contoso", product, 20, "22.00", "USD", 1..=5)),
        )
        .await;
    let document = org.audit(json!({"from": "2026-01", "to": "2026-06"})).await;
    assert_eq!(amounts(only_gap(&document))[..2], ["10.000000", "220.00"], "{document:#}");
    assert_eq!(document["coverage"][0]["missing_months"], json!(["2026-06"]), "{document:#}");
}

#[tokio::test]
async fn a_misleading_name_waits_for_a_person_and_is_then_compared_with_the_right_product() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let sku = |guid: &str, part: &str, enabled: u32| {
        json!({"skuId": guid, "skuPartNumber": part, "capabilityStatus": "Enabled", "consumedUnits": enabled,
               "appliesTo": "User", "prepaidUnits": {"enabled": enabled, "suspended": 0, "warning": 0, "lockedOut": 0}})
    };
    let graph = json!({"value": [
        sku("f245ecc8-75af-4f8e-b61f-27d8114de5f3", "O365_BUSINESS_PREMIUM", 20),
        sku("cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46", "SPB", 10),
    ]});
    org.import_whole("skus.json", graph.to_string(), "client=Contoso&snapshot_on=2026-10-01").await;
    let billing = format!(
        "{BILLING_HEADER}{}{}",
        monthly("Contoso", "Office 365 Business Premium", 18, "12.50", "USD", 10..=10),
        monthly("Contoso", "Microsoft 365 Business Premium", 10, "22.00", "USD", 10..=10)
    );
    org.import_whole("billing.csv", billing, "").await;
    let request = json!({"from": "2026-10", "to": "2026-10"});

    let before = org.audit(request.clone()).await;
    assert_eq!(before["gaps"], json!([]), "{before:#}");
    let waiting =
        before["coverage"].as_array().unwrap().iter().filter(|c| c["reason"] == "unconfirmed_mapping");
    assert_eq!(waiting.count(), 2, "both ends wait: {before:#}");

    let proposed = org.read("/v1/mappings?status=proposed").await;
    let proposal = &proposed["data"][0];
    assert_eq!(proposed["data"].as_array().unwrap().len(), 1, "{proposed:#}");
    assert_eq!(proposal["source"], "Office 365 Business Premium");
    assert!(proposal["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()), "{proposal:#}");
    let approve = format!("/v1/mappings/{}/approve", proposal["id"].as_str().unwrap());
    let (status, approved) = send(org.owner.caller.post(&approve).header("If-Match", "\"v1\"")).await;
    assert_eq!((status, approved["status"].as_str()), (200, Some("approved")), "{approved:#}");

    let after = org.audit(request).await;
    let gap = only_gap(&after);
    assert_eq!(
        (gap["seats"].as_str(), gap["amount"]["amount"].as_str()),
        (Some("2"), Some("25.00")),
        "{gap:#}"
    );
    assert_eq!(gap["product"], "Microsoft 365 Business Standard");
}

#[tokio::test]
async fn a_rejected_proposal_lets_both_ends_be_compared_apart() {
    let app = TestApp::start().await;
    let org = app
        .audited_org(
            "client,product,sku,purchased,from\n\
             Contoso,Microsoft 365 Business Standard,f245ecc8-75af-4f8e-b61f-27d8114de5f3,20,2026-10-01\n",
            &format!(
                "{BILLING_HEADER}{}",
                monthly("Contoso", "Office 365 Business Premium", 18, "12.50", "USD", 10..=10)
            ),
        )
        .await;
    let request = json!({"from": "2026-10", "to": "2026-10"});
    org.audit(request.clone()).await;
    let proposal = org.read("/v1/mappings?status=proposed").await["data"][0].clone();
    let reject = format!("/v1/mappings/{}/reject", proposal["id"].as_str().unwrap());
    assert_eq!(send(org.owner.caller.post(&reject).header("If-Match", "\"v1\"")).await.0, 200);
    let document = org.audit(request).await;
    let mut kinds: Vec<&str> =
        document["gaps"].as_array().unwrap().iter().map(|gap| gap["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["billed_not_provisioned", "unbilled"], "{document:#}");
    assert_eq!(org.read("/v1/mappings?status=proposed").await["data"], json!([]));
}

#[tokio::test]
async fn importing_the_same_file_again_changes_nothing() {
    let app = TestApp::start().await;
    let entitlements =
        "client,product,purchased,from\nContoso,Microsoft 365 Business Premium,22,2026-03-01\n";
    let billing = format!(
        "{BILLING_HEADER}{}",
        monthly("Contoso", "Microsoft 365 Business Premium", 20, "22.00", "USD", 3..=10)
    );
    let org = app.audited_org(entitlements, &billing).await;
    let request = json!({"from": "2026-03", "to": "2026-10"});
    let first = org.audit(request.clone()).await;
    assert_eq!(org.upload("again.csv", entitlements, "").await.0, 200);
    let second = org.audit(request.clone()).await;
    assert_eq!(second, first);
    // Re-exported, with a line end more: another file, and nothing new in it.
    org.import_whole("billing.csv", format!("{billing}\n"), "").await;
    let third = org.audit(request).await;
    assert_eq!((&third["totals"], amounts(only_gap(&third))), (&first["totals"], amounts(only_gap(&first))));
}

#[tokio::test]
async fn a_voided_import_counts_no_more() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    org.import_whole("e.csv", "client,product,purchased,from\nContoso,Seat,22,2026-03-01\n", "").await;
    let billing = format!("{BILLING_HEADER}{}", monthly("Contoso", "Seat", 20, "22.00", "USD", 3..=3));
    let import = org.import_whole("b.csv", billing, "").await;
    let request = json!({"from": "2026-03", "to": "2026-03"});
    assert_eq!(org.audit(request.clone()).await["gaps"].as_array().unwrap().len(), 1);
    let void = format!("/v1/imports/{}/void", import["id"].as_str().unwrap());
    let void = org.owner.caller.post(&void).header("If-Match", format!("\"v{}\"", import["version"]));
    assert_eq!(send(void.json(&json!({"reason": "test"}))).await.0, 200);
    let document = org.audit(request).await;
    assert_eq!(
        (document["gaps"].clone(), document["coverage"][0]["reason"].as_str()),
        (json!([]), Some("no_billing"))
    );
}

#[tokio::test]
async fn a_gap_seen_by_two_audits_is_one_gap() {
    let app = TestApp::start().await;
    let org = app
        .audited_org(
            "client,product,purchased,from\nContoso,Seat,22,2026-03-01\n",
            &format!("{BILLING_HEADER}{}", monthly("Contoso", "Seat", 20, "22.00", "USD", 3..=5)),
        )
        .await;
    org.audit(json!({"from": "2026-03", "to": "2026-03"})).await;
    app.clock.advance(chrono::Duration::minutes(5));
    org.audit(json!({"from": "2026-03", "to": "2026-05"})).await;
    let gaps = org.read("/v1/gaps").await;
    let gap = &gaps["data"][0];
    assert_eq!(gaps["data"].as_array().unwrap().len(), 1, "{gaps:#}");
    assert_ne!(gap["first_audit_id"], gap["last_audit_id"]);
    assert_eq!(gap["latest"]["seat_months"], "6.000000", "{gap:#}");
    let client = gap["client_id"].as_str().expect("the gap belongs to a client");
    let read = org.read(&format!("/v1/gaps/{}", gap["id"].as_str().unwrap())).await;
    assert_eq!(&read, gap);
    assert_eq!(org.read(&format!("/v1/gaps?client_id={client}")).await["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_audits_gaps_can_be_listed_and_filtered() {
    let app = TestApp::start().await;
    let org = app
        .audited_org(
            "client,product,purchased,from\nContoso,Seat,22,2026-03-01\nFabrikam,Seat,5,2026-03-01\n",
            &format!(
                "{BILLING_HEADER}{}{}",
                monthly("Contoso", "Seat", 20, "22.00", "USD", 3..=3),
                monthly("Fabrikam", "Seat", 9, "11.70", "EUR", 3..=3)
            ),
        )
        .await;
    let document = org.audit(json!({"from": "2026-03", "to": "2026-03"})).await;
    let totals: Vec<&str> =
        document["totals"].as_array().unwrap().iter().map(|t| t["currency"].as_str().unwrap()).collect();
    assert_eq!(totals, ["EUR", "USD"], "currencies are never added");
    let audit = org.read("/v1/audits").await["data"][0].clone();
    let path = format!("/v1/audits/{}/gaps", audit["id"].as_str().unwrap());
    assert_eq!(org.read(&path).await["data"], document["gaps"]);
    let over = org.read(&format!("{path}?direction=over")).await;
    assert_eq!(
        (over["data"].as_array().unwrap().len(), over["data"][0]["client"].as_str()),
        (1, Some("Fabrikam"))
    );
    assert_problem(
        &send(org.owner.caller.get(&format!("{path}?direction=up"))).await,
        400,
        "unreadable_request",
    );
    let kinds: Vec<&str> = audit["totals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|total| total["kinds"][0]["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["over_billed", "under_billed"], "{audit:#}");
}

#[tokio::test]
async fn an_audit_of_one_client_reads_as_that_client_in_the_whole() {
    let app = TestApp::start().await;
    let org = app
        .audited_org(
            "client,product,purchased,from\nContoso,Seat,22,2026-03-01\nFabrikam,Seat,5,2026-03-01\n",
            &format!(
                "{BILLING_HEADER}{}{}",
                monthly("Contoso", "Seat", 20, "22.00", "USD", 3..=3),
                monthly("Fabrikam", "Seat", 9, "11.70", "EUR", 3..=3)
            ),
        )
        .await;
    let clients = org.read("/v1/clients").await;
    let fabrikam = clients["data"].as_array().unwrap().iter().find(|c| c["name"] == "Fabrikam").unwrap();
    let whole = org.audit(json!({"from": "2026-03", "to": "2026-03"})).await;
    let one = org.audit(json!({"from": "2026-03", "to": "2026-03", "clients": [fabrikam["id"]]})).await;
    let expected = whole["gaps"].as_array().unwrap().iter().find(|gap| gap["client"] == "Fabrikam").unwrap();
    assert_eq!(only_gap(&one), expected);
}

#[tokio::test]
async fn impossible_audits_are_refused_with_a_pointer() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    for (request, pointer) in [
        (json!({"from": "2026-05", "to": "2026-04"}), "/to"),
        (json!({"from": "2016-05", "to": "2026-04"}), "/to"),
        (json!({"from": "2026-05", "to": "2026-05", "as_of": "2026-11-23"}), "/as_of"),
        (json!({"from": "2026-05", "to": "2026-05", "as_of": "2026-04-30"}), "/as_of"),
        (json!({"from": "2026-5", "to": "2026-05"}), "/from"),
        (json!({"from": "2026-05", "to": "2026-05", "basis": "guessed"}), "/basis"),
        (
            json!({"from": "2026-05", "to": "2026-05", "clients": ["00000000-0000-7000-8000-000000000000"]}),
            "/clients/0",
        ),
        (json!({"from": "2026-05", "to": "2026-05", "surprise": 1}), "/surprise"),
    ] {
        let answer = send(org.owner.caller.post("/v1/audits").json(&request)).await;
        assert_problem(&answer, 422, "validation_failed");
        assert_eq!(answer.1["errors"][0]["pointer"], pointer, "{request}: {:#}", answer.1);
    }
}

#[tokio::test]
async fn an_audit_without_files_finds_nothing() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let document = org.audit(json!({"from": "2026-03", "to": "2026-03"})).await;
    assert_eq!((&document["gaps"], &document["totals"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn the_uploaders_word_names_the_client_of_a_file_that_speaks_of_one() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let entitlements = "client,product,purchased,from\nContoso Holding LLC,Seat,22,2026-03-01\n";
    org.import_whole("e.csv", entitlements, "client=Contoso").await;
    let billing = format!("{BILLING_HEADER}{}", monthly("Contoso", "Seat", 20, "22.00", "USD", 3..=3));
    org.import_whole("b.csv", billing, "").await;
    let document = org.audit(json!({"from": "2026-03", "to": "2026-03"})).await;
    assert_eq!(
        (only_gap(&document)["client"].as_str(), only_gap(&document)["seats"].as_str()),
        (Some("Contoso"), Some("2"))
    );
}
