//! What becomes of records that have no comparison of their own: they are kept as they were read, and
//! directories say who is who.

use leakage_api::storage::records::{self, Directory, StoredRows, Writer};
use leakage_core::id::ImportId;
use leakage_core::period::Span;
use leakage_core::records::{
    Activity, AssignedBy, BillingLine, ChargeKind, ClientRef, Cycle, Entitlement, Held, LineType, ListPrice,
    ProductRef, ProvisioningAction, ProvisioningEvent, Record, Sourced, Term, VendorCharge,
};
use leakage_tests::{Org, TestApp};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

const TENANT: &str = "aaaa0000-1111-4222-8333-444455556666";
const PREMIUM: &str = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46";

fn contoso() -> ClientRef {
    ClientRef {
        id: Some(TENANT.to_owned()),
        name: Some("Contoso".to_owned()),
        domain: Some("contoso.example".to_owned()),
    }
}

fn premium() -> ProductRef {
    ProductRef { sku: Some(PREMIUM.to_owned()), part_number: Some("SPB".to_owned()), ..ProductRef::default() }
}

/// One of each, with everything filled, and with nothing that need not be.
fn others() -> Vec<Record> {
    let event = ProvisioningEvent {
        client: contoso().into(),
        event: Some("Directory_1".to_owned()),
        at: "2026-03-04T05:06:07.123456Z".parse().unwrap(),
        action: ProvisioningAction::Assigned,
        user: Some("ann@contoso.example".to_owned()),
        product: Some(premium()),
        actor: Some("admin@contoso.example".to_owned()),
        automatic: true,
    };
    let bare_event = ProvisioningEvent {
        event: None,
        action: ProvisioningAction::Changed,
        user: None,
        product: None,
        actor: None,
        automatic: false,
        ..event.clone()
    };
    let activity = Activity {
        client: contoso().into(),
        user: "ann@contoso.example".to_owned(),
        product: Some(premium()),
        last_active: Some("2026-03-01".parse().unwrap()),
        as_of: Some("2026-03-02".parse().unwrap()),
        blocked: true,
        deleted: false,
        guest: true,
        concealed: true,
        assigned_by: Some(AssignedBy::DirectAndGroup),
        assigned_on: Some("2026-02-28".parse().unwrap()),
        department: Some("Sales".to_owned()),
        licence_group: Some("g-1".to_owned()),
    };
    let bare_activity = Activity {
        product: None,
        last_active: None,
        as_of: None,
        guest: false,
        concealed: false,
        assigned_by: None,
        assigned_on: None,
        department: None,
        licence_group: None,
        ..activity.clone()
    };
    let price = ListPrice {
        product: premium(),
        term: Some(Term::Annual),
        cycle: Cycle::Monthly,
        unit_cost: Some("17.60".parse().unwrap()),
        suggested_price: Some("22.00".parse().unwrap()),
        currency: "USD".parse().unwrap(),
        market: Some("US".to_owned()),
        segment: Some("Commercial".to_owned()),
        from_quantity: Some("1".parse().unwrap()),
        span: Span { from: "2026-03-01".parse().unwrap(), until: None },
    };
    vec![
        Record::Provisioning(event),
        Record::Client(contoso()),
        Record::Activity(activity),
        Record::Product(premium()),
        Record::Provisioning(bare_event),
        Record::ListPrice(Box::new(price)),
        Record::Activity(bare_activity),
    ]
}

/// Writes records into an import, as a reader that knows more formats would.
async fn write(app: &TestApp, org: &Org<'_>, import: &Value, records: Vec<Record>) -> Vec<Sourced> {
    let import: ImportId = import["id"].as_str().unwrap().parse().unwrap();
    let lines = 7..;
    let records: Vec<Sourced> = lines.zip(records).map(|(line, record)| Sourced { line, record }).collect();
    let mut tx = app.app.db.begin(org.id).await.unwrap();
    let mut writer = Writer::begin(&mut tx, import).await.unwrap();
    // In two batches: places go on.
    let (first, second) = records.split_at(records.len() / 2);
    for batch in [first, second] {
        writer.write(&mut tx, batch, app.clock.now(), Uuid::now_v7).await.unwrap();
    }
    assert_eq!(writer.written(), i64::try_from(records.len()).unwrap());
    writer.finish(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    records
}

/// A completed import without rows in any table that the tests look at.
async fn empty_import(org: &Org<'_>) -> Value {
    let mapping = "side,source,target,approved_by\nproduct,One thing,Another thing,Ann\n";
    org.import_whole("mappings.csv", mapping, "").await
}

#[tokio::test]
async fn every_kind_of_record_is_read_back_as_it_was_written() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let import = empty_import(&org).await;
    let written = write(&app, &org, &import, others()).await;
    let mut tx = app.app.db.begin(org.id).await.unwrap();
    let id: ImportId = import["id"].as_str().unwrap().parse().unwrap();
    let page = records::page(&mut tx, id, -1, i64::MAX).await.unwrap();
    assert_eq!(page.into_iter().map(|(_, record)| record).collect::<Vec<_>>(), written);
    // As an audit reads them: rows, and apart from them what directories and price lists say.
    let directory = Directory::load(&mut tx, &[id.uuid()]).await.unwrap();
    let rows = StoredRows::load(&mut tx, id, directory.refs())
        .await
        .unwrap()
        .into_records(directory.refs(), 2)
        .unwrap();
    let names = records::terms_and_names(&mut tx, &[id.uuid()], directory.refs()).await.unwrap();
    let mut read: Vec<Sourced> =
        rows.into_iter().chain(names.into_iter().map(|(_, record)| record)).collect();
    read.sort_by_key(|sourced| sourced.line);
    assert_eq!(read, written);
    let left_out = directory.left_out(id.uuid()).unwrap();
    assert_eq!((left_out.clients.len(), left_out.others.len()), (0, 1), "none of these rows is compared");
    drop(tx);
    let rows = org.read(&format!("/v1/imports/{id}/rows")).await;
    let kinds: Vec<&str> =
        rows["data"].as_array().unwrap().iter().map(|row| row["record"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "provisioning_event",
            "client",
            "activity",
            "product",
            "provisioning_event",
            "list_price",
            "activity"
        ]
    );
    assert_eq!(rows["data"][2]["assigned_by"], "direct_and_group");
    // A vendor's price list does not name the clients' products.
    assert_eq!(org.read("/v1/products").await["data"].as_array().unwrap().len(), 1);
}

/// Of each kind that is compared one row with everything filled, and one with nothing that need not be.
fn compared() -> Vec<Record> {
    let number = |text: &str| -> Decimal { text.parse().unwrap() };
    let span = Span { from: "2026-03-01".parse().unwrap(), until: Some("2026-04-01".parse().unwrap()) };
    let open = Span { until: None, ..span };
    let seats = Entitlement {
        client: contoso().into(),
        product: premium().into(),
        subscription: Some("sub-1".to_owned()),
        term: Some(Term::Triennial),
        purchased: Some(number("72")),
        assigned: Some(number("0.5")),
        active: Some(number("-0.00")),
        free: true,
        held: Held::During(span),
    };
    let bare_seats = Entitlement {
        subscription: None,
        term: None,
        purchased: None,
        assigned: None,
        active: None,
        free: false,
        held: Held::Snapshot { on: None },
        ..seats.clone()
    };
    let line = BillingLine {
        client: contoso().into(),
        billing_entity: Some("Contoso Retail".to_owned()),
        product: premium().into(),
        agreement: Some("A-7".to_owned()),
        invoice: Some("INV-1".to_owned()),
        source_id: Some("91".to_owned()),
        term: Some(Term::Annual),
        cycle: Cycle::Quarterly,
        quantity: number("-3.125"),
        included: number("2"),
        unit_price: number("22.0000"),
        currency: "JPY".parse().unwrap(),
        span,
        recurring: true,
        line_type: LineType::Credit,
        billable: true,
    };
    let bare_line = BillingLine {
        billing_entity: None,
        agreement: None,
        invoice: None,
        source_id: None,
        term: None,
        span: open,
        recurring: false,
        line_type: LineType::OneOff,
        billable: false,
        ..line.clone()
    };
    let charge = VendorCharge {
        client: contoso().into(),
        product: premium().into(),
        subscription: Some("sub-1".to_owned()),
        invoice: Some("G1".into()),
        reference: Some("ref".to_owned()),
        kind: ChargeKind::OneTime,
        charge_type: Some("addQuantity".into()),
        known_charge_type: true,
        term: Some(Term::Monthly),
        cycle: Cycle::Triennial,
        quantity: number("12"),
        unit_price: number("17.6"),
        list_price: Some(number("79228162514264337593543950335")),
        amount: number("0.0000000000000000000000000001"),
        currency: "EUR".parse().unwrap(),
        span,
        subscription_span: Some(open),
        ordered_on: Some("1999-12-31".parse().unwrap()),
    };
    let bare_charge = VendorCharge {
        subscription: None,
        invoice: None,
        reference: None,
        kind: ChargeKind::Usage,
        charge_type: None,
        known_charge_type: false,
        term: None,
        list_price: None,
        span: open,
        subscription_span: None,
        ordered_on: None,
        ..charge.clone()
    };
    vec![
        Record::VendorCharge(charge),
        Record::Entitlement(bare_seats),
        Record::BillingLine(line),
        Record::VendorCharge(bare_charge),
        Record::BillingLine(bare_line),
        Record::Entitlement(seats),
    ]
}

#[tokio::test]
async fn packed_rows_say_what_the_rows_say() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let import = empty_import(&org).await;
    let mut records: Vec<Record> = compared().into_iter().zip(others()).flat_map(|(a, b)| [a, b]).collect();
    records.retain(|record| !matches!(record, Record::Client(_) | Record::Product(_) | Record::ListPrice(_)));
    let written = write(&app, &org, &import, records).await;
    let id: ImportId = import["id"].as_str().unwrap().parse().unwrap();
    let read = async || {
        let mut tx = app.app.db.begin(org.id).await.unwrap();
        let directory = Directory::load(&mut tx, &[id.uuid()]).await.unwrap();
        StoredRows::load(&mut tx, id, directory.refs())
            .await
            .unwrap()
            .into_records(directory.refs(), 2)
            .unwrap()
    };
    assert_eq!(read().await, written);

    // Rows of all kinds stand in the row tables too, and are read from there where there are no pages.
    let mut superuser = app.database.superuser().await;
    let removed = sqlx::query("delete from import_pages where import_id = $1").bind(id.uuid());
    assert_eq!(removed.execute(&mut superuser).await.unwrap().rows_affected(), 2, "a page for each batch");
    assert_eq!(read().await, written);
}

#[tokio::test]
async fn rows_of_an_import_or_a_ref_that_is_not_there_are_not_written() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let (ours, theirs) = (empty_import(&org).await, app.org("Others").await);
    let other = empty_import(&theirs).await;
    for import in [other["id"].as_str().unwrap().to_owned(), Uuid::now_v7().to_string()] {
        let mut tx = app.app.db.begin(org.id).await.unwrap();
        let mut writer = Writer::begin(&mut tx, import.parse().unwrap()).await.unwrap();
        let row = Sourced { line: 1, record: Record::Client(contoso()) };
        let written = writer.write(&mut tx, &[row], app.clock.now(), Uuid::now_v7).await;
        assert!(written.is_err(), "{import}");
    }
    // What a ref says is fixed, and it stays: rows need no foreign key.
    write(&app, &org, &ours, vec![Record::Client(contoso())]).await;
    let mut service = app.database.service().await;
    for table in ["client_refs", "product_refs", "imports"] {
        let remove = sqlx::AssertSqlSafe(format!("delete from {table}"));
        assert!(sqlx::query(remove).execute(&mut service).await.is_err(), "{table}");
    }
    for change in ["update client_refs set id = id", "update product_refs set id = id"] {
        assert!(sqlx::query(change).execute(&mut service).await.is_err(), "{change}");
    }
}

/// A tenant's own listing: it knows its id and no name.
fn listing() -> String {
    json!({"value": [{
        "id": format!("{TENANT}_{PREMIUM}"), "skuId": PREMIUM, "skuPartNumber": "SPB", "consumedUnits": 9,
        "capabilityStatus": "Enabled", "appliesTo": "User",
        "prepaidUnits": {"enabled": 12, "suspended": 0, "warning": 0, "lockedOut": 0},
    }]})
    .to_string()
}

const BILLED: &str = "client,product,quantity,unit_price,currency,from\n\
    Contoso,Microsoft 365 Business Premium,10,22.00,USD,2026-01-01\n";

#[tokio::test]
async fn a_directory_joins_a_tenant_without_a_name_to_the_client_that_is_billed() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    org.import_whole("billing.csv", BILLED, "").await;
    let skus = org.import("skus.json", listing(), "").await;
    // Such a file asks whose it is; here nobody says, so the tenant's id has to do.
    assert_ne!(skus["status"], "needs_input", "a listing with the tenant's id names its client: {skus:#}");
    let audit = async || org.audit(json!({"from": "2026-11", "to": "2026-11"})).await;
    let clients = |document: &Value| -> Vec<String> {
        let mut names: Vec<String> = document["coverage"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["client"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names.dedup();
        names
    };
    let apart = audit().await;
    assert_eq!(clients(&apart), ["Contoso", TENANT], "{apart:#}");

    let customers = json!({"totalCount": 1, "items": [{
        "id": TENANT, "relationshipToPartner": "reseller", "attributes": {"objectType": "Customer"},
        "companyProfile": {"tenantId": TENANT, "domain": "contoso.example", "companyName": "Contoso"}
    }]});
    let directory = org.import_whole("customers.json", customers.to_string(), "").await;
    let joined = audit().await;
    assert_eq!(clients(&joined), ["Contoso"], "{joined:#}");
    let gap = &joined["gaps"][0];
    assert_eq!((&gap["client"], &gap["seats"]), (&json!("Contoso"), &json!("2")), "{joined:#}");

    // A directory that is voided says nothing any more.
    let path = format!("/v1/imports/{}/void", directory["id"].as_str().unwrap());
    let void = org.owner.caller.post(&path).header("If-Match", format!("\"v{}\"", directory["version"]));
    let (status, voided) = leakage_tests::send(void.json(&json!({"reason": "another month"}))).await;
    assert_eq!(status, 200, "{voided:#}");
    assert_eq!(clients(&audit().await), ["Contoso", TENANT]);
}
