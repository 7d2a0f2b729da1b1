//! Counts of Google Workspace and of tools that are billed by the seat.

use super::*;
use crate::audit::{AuditInput, Basis, Incomplete, Source, run};
use crate::records::{Held, MappingRow, MappingSide, Term};

const ASSIGNMENTS: &str = include_str!("../../../fixtures/google/license_assignments.json");
const RESELLER: &str = include_str!("../../../fixtures/google/reseller_subscriptions.json");
const PRODUCTS: &str = include_str!("../../../fixtures/google/products.csv");
const SENTINELONE: &str = include_str!("../../../fixtures/sentinelone/sites.json");
const HUNTRESS: &str = include_str!("../../../fixtures/huntress/organizations.json");
const DATTO: &str = include_str!("../../../fixtures/datto_rmm/sites.json");
const DUO: &str = include_str!("../../../fixtures/duo/accounts.json");

/// Client, product and purchased seats.
fn counted(report: &FileReport) -> Vec<(String, String, Option<Decimal>)> {
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    entitlements(report)
        .iter()
        .map(|(_, row)| (name(&row.client.name), name(&row.product.name), row.purchased))
        .collect()
}

fn count(client: &str, product: &str, seats: &str) -> (String, String, Option<Decimal>) {
    (client.to_owned(), product.to_owned(), Some(dec(seats)))
}

#[test]
fn google_assignments_are_assigned_seats_of_a_domain_and_nothing_else() {
    let report = report(ASSIGNMENTS);
    assert_eq!(
        (report.format, report.read, report.snapshot),
        ("google_workspace_license_assignments", 4, true)
    );
    let rows = entitlements(&report);
    assert_eq!(rows.len(), 3);
    for (_, row) in &rows {
        assert_eq!((row.purchased, row.assigned, row.active), (None, Some(Decimal::ONE), None));
        assert_eq!(row.client.domain.as_deref(), Some("wideworld.example"));
        assert_eq!(row.held, Held::Snapshot { on: None });
    }
    assert_eq!(rows[0].1.product.sku.as_deref(), Some("1010020027"));
    assert_eq!(rows[0].1.product.name.as_deref(), Some("Google Workspace Business Starter"));
    assert_eq!(
        refusals(&report),
        [(4, "skuId", "a user holds one SKU of a product, and item 1 says 1010020027")]
    );
}

#[test]
fn a_google_page_without_assignments_has_no_rows() {
    let page = r#"{"kind":"licensing#licenseAssignmentList","etag":"e"}"#;
    assert_eq!(error(page), FileError::NoRows { known: Some("google_workspace_license_assignments") });
    let both = report(&format!("{page}\n{ASSIGNMENTS}"));
    assert_eq!((both.read, both.records.len()), (4, report(ASSIGNMENTS).records.len()));
}

#[test]
fn google_subscriptions_are_bought_by_plan() {
    let report = report(RESELLER);
    assert_eq!((report.format, report.refused_total), ("google_reseller_subscriptions", 0));
    let told: Vec<_> = entitlements(&report)
        .iter()
        .map(|(_, row)| (row.purchased.map(|seats| seats.to_string()), row.assigned, row.term, row.free))
        .collect();
    let seats = |text: &str| Some(text.to_owned());
    assert_eq!(
        told,
        [
            (seats("25"), Some(dec("20")), Some(Term::Annual), false),
            (seats("7"), Some(dec("7")), Some(Term::Monthly), false),
            (seats("1"), Some(dec("1")), None, true),
        ]
    );
    assert_eq!(note_codes(&report), [(Some(4), "not_active")]);
    let odd = super::report(&RESELLER.replace("ANNUAL_MONTHLY_PAY", "WEEKLY"));
    assert_eq!(refusals(&odd)[0].1, "plan.planName");
}

#[test]
fn googles_table_of_products_is_a_directory_and_takes_no_other_table() {
    let report = report(PRODUCTS);
    assert_eq!((report.format, report.read), ("google_workspace_products", 3));
    assert!(report.sides.is_empty());
    assert!(
        matches!(&report.records[0].record, Record::Product(product) if product.sku.as_deref() == Some("1010020027"))
    );
    assert_eq!(error("productId,skuId,name\nCFQ7TTC0LCHC,0002,Premium\n").code(), "unknown_format");
}

#[test]
fn sentinelone_counts_agents_in_use_whatever_the_cap_says() {
    let report = report(SENTINELONE);
    assert_eq!((report.format, report.refused_total), ("sentinelone_sites", 0));
    assert_eq!(
        counted(&report),
        [
            count("Wide World Importers", "SentinelOne Complete", "31"),
            count("Fabrikam", "SentinelOne Control", "12")
        ]
    );
    assert_eq!(note_codes(&report), [(Some(2), "over_the_cap"), (Some(3), "not_active")]);
    assert_eq!(report.unknown_columns, Vec::<String>::new());
}

#[test]
fn sentinelone_pages_are_one_list() {
    let page = |name: &str| {
        format!(
            r#"{{"data":{{"sites":[{{"name":"{name}","activeLicenses":"2","totalLicenses":0}}]}},"pagination":{{}}}}"#
        )
    };
    let (a, b) = (page("A"), page("B"));
    for text in [format!("[{a},{b}]"), format!("{a}\n{b}")] {
        let lines: Vec<u32> = entitlements(&report(&text)).iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 2]);
    }
    let broken = report(&page("A").replace("\"2\"", "-1"));
    assert_eq!(refusals(&broken), [(1, "activeLicenses", "is below zero")]);
    assert_eq!(broken.refused[0].client.as_ref().and_then(|client| client.name.as_deref()), Some("A"));
}

#[test]
fn huntress_has_four_products_in_one_row() {
    let report = report(HUNTRESS);
    assert_eq!((report.format, report.read, report.refused_total), ("huntress_organizations", 2, 0));
    assert_eq!(
        counted(&report),
        [
            count("Wide World Importers", "Huntress Managed EDR", "31"),
            count("Wide World Importers", "Huntress Managed ITDR", "27"),
            count("Wide World Importers", "Huntress Managed Security Awareness Training", "0"),
            count("Wide World Importers", "Huntress Managed SIEM", "2"),
            count("Fabrikam", "Huntress Managed EDR", "4"),
        ]
    );
    let (_, first) = entitlements(&report)[0];
    assert_eq!(first.client.id.as_deref(), Some("aaaa0000-1111-4222-8333-444455556666"));
    assert_eq!(note_codes(&report), [(Some(2), "identities_not_counted")]);
}

#[test]
fn datto_sites_are_the_autotask_company_and_on_demand_sites_are_not_managed() {
    let report = report(DATTO);
    assert_eq!((report.format, report.refused_total), ("datto_rmm_sites", 0));
    assert_eq!(
        counted(&report),
        [count("Wide World Importers", "Datto RMM", "50"), count("Fabrikam", "Datto RMM", "8")]
    );
    let ids: Vec<_> = entitlements(&report).iter().map(|(_, row)| row.client.id.clone()).collect();
    assert_eq!(ids, [Some("29762845".to_owned()), None]);
    assert_eq!(note_codes(&report), [(Some(3), "not_managed")]);
}

#[test]
fn duo_users_on_their_way_out_are_not_counted() {
    let report = report(DUO);
    assert_eq!((report.format, report.refused_total, report.names_client), ("duo_accounts", 0, true));
    assert_eq!(
        counted(&report),
        [count("Wide World Importers", "Cisco Duo Essentials", "62"), count("Fabrikam", "Cisco Duo", "5")]
    );
    let bare = super::report(r#"{"stat":"OK","response":{"user_count":9,"user_pending_deletion_count":1}}"#);
    assert_eq!((bare.names_client, entitlements(&bare)[0].1.purchased), (false, Some(dec("8"))));
    let two =
        super::report(r#"[{"user_count":9,"integration_count":1},{"user_count":4,"integration_count":1}]"#);
    assert_eq!(refusals(&two)[0].1, "account_name");
}

fn source(text: &str, name: &str) -> Source {
    let report = report(text);
    Source {
        import: crate::digest::of_bytes(text.as_bytes()),
        file: name.to_owned(),
        format: report.format.to_owned(),
        sides: report.sides,
        learned: 0,
        snapshot_on: None,
        client: None,
        stated_span: report.stated_span,
        incomplete: Incomplete::None,
        records: report.records,
        left_out: crate::audit::LeftOut::default(),
    }
}

#[test]
fn a_tools_count_is_compared_on_every_basis() {
    let billing = "client,product,quantity,unit_price,currency,from\n\
        Wide World Importers,Huntress Managed EDR,29,3.00,USD,2026-01-01\n";
    for basis in [Basis::Purchased, Basis::Assigned, Basis::Active] {
        let mut input =
            AuditInput::new("2026-03".parse().unwrap(), "2026-03".parse().unwrap(), day("2030-01-01"));
        input.policy.basis = basis;
        input.sources = vec![source(HUNTRESS, "huntress.json"), source(billing, "billing.csv")];
        input.stretch_snapshots = true;
        let document = run(&input).unwrap();
        let gap = document.gaps.iter().find(|gap| gap.product == "Huntress Managed EDR").unwrap();
        assert_eq!((gap.seats, &gap.client), (dec("2"), &"Wide World Importers".to_owned()));
        assert!(document.waste.is_empty());
    }
}

#[test]
fn what_a_customer_of_google_bought_counts_before_what_is_assigned() {
    let billing = "client,product,quantity,unit_price,currency,from\n\
        Wide World Importers,Google Workspace Business Starter,20,7.20,USD,2026-01-01\n";
    let mut input =
        AuditInput::new("2026-03".parse().unwrap(), "2026-03".parse().unwrap(), day("2030-01-01"));
    input.sources = vec![
        source(ASSIGNMENTS, "assignments.json"),
        source(RESELLER, "subscriptions.json"),
        source(billing, "billing.csv"),
    ];
    input.stretch_snapshots = true;
    input.mappings = vec![MappingRow {
        side: MappingSide::Client,
        source: "wideworld.example".to_owned(),
        target: "Wide World Importers".to_owned(),
        approved_by: "Dana".to_owned(),
        span: None,
    }];
    let document = run(&input).unwrap();
    let gap = document.gaps.iter().find(|gap| gap.product == "Google Workspace Business Starter").unwrap();
    assert_eq!(gap.seats, dec("5"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn no_change_of_a_tools_file_makes_the_reader_panic(at in 0_usize..4000, byte in proptest::num::u8::ANY) {
        for good in [ASSIGNMENTS, RESELLER, PRODUCTS, SENTINELONE, HUNTRESS, DATTO, DUO] {
            let mut bytes = good.as_bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = read("upload", &bytes, &ReadOptions::default());
        }
    }
}
