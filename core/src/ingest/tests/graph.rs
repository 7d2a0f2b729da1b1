use super::*;
use crate::records::{AssignedBy, Held};

const SKUS: &str = include_str!("../../../fixtures/microsoft_graph/subscribed_skus.json");
const SKU: &str = r#"{"id":"aaaa0000-1111-4222-8333-444455556666_bbbb0000-1111-4222-8333-444455556666","skuId":"bbbb0000-1111-4222-8333-444455556666","skuPartNumber":"SPB","consumedUnits":3,"prepaidUnits":{"enabled":5,"warning":0}}"#;

#[test]
fn graph_counts_grace_seats_as_purchased_and_company_skus_as_never_assigned() {
    let report = report(SKUS);
    assert_eq!(
        (report.format, report.names_client, report.snapshot),
        ("microsoft_graph_subscribed_skus", true, true)
    );
    let rows = entitlements(&report);
    let (line, premium) = rows[0];
    assert_eq!((line, premium.purchased, premium.assigned), (1, Some(dec("29")), Some(dec("27"))));
    assert_eq!(premium.product.sku.as_deref(), Some("cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"));
    assert_eq!(premium.product.part_number.as_deref(), Some("SPB"));
    assert_eq!(premium.client.id.as_deref(), Some("aaaa0000-1111-4222-8333-444455556666"));
    assert_eq!(premium.held, Held::Snapshot { on: None });
    assert_eq!((rows[1].1.purchased, rows[1].1.assigned), (Some(dec("0")), None));
}

#[test]
fn graph_answers_are_the_same_in_any_paging_and_counted_once() {
    let item = |id: &str| {
        format!(
            r#"{{"id":"t_{id}","skuId":"{id}","skuPartNumber":"X","consumedUnits":1,"prepaidUnits":{{"enabled":2}}}}"#
        )
    };
    let (a, b) = (item("a"), item("b"));
    let bare = report(&format!("[{a},{b}]"));
    for text in [
        format!(r#"{{"value":[{a},{b}]}}"#),
        format!(r#"[{{"value":[{a}]}},{{"value":[{b}]}}]"#),
        format!("{{\"value\":[{a}]}}\n{{\"value\":[{b}]}}"),
    ] {
        assert_eq!(report(&text).records, bare.records, "{text}");
    }
    let twice = report(&format!("[{a},{b},{a}]"));
    assert_eq!((twice.records.len(), note_codes(&twice)), (2, vec![(Some(3), "duplicate_line")]));
}

#[test]
fn graph_without_ids_asks_whose_it_is() {
    let report = report(
        r#"[{"skuId":"x","skuPartNumber":"SPE_E3","consumedUnits":20,"prepaidUnits":{"enabled":25}}]"#,
    );
    assert!(!report.names_client);
    assert_eq!(report.needs_input, [Question { question: "client".into(), choices: vec![] }]);
    assert_eq!(report.records.len(), 1, "the answer is given on the import, the records stand");
}

#[test]
fn graph_rows_without_counts_are_refused_with_the_key() {
    let report = report(
        r#"[{"id":"t_a","skuId":"a","skuPartNumber":"X","consumedUnits":1,"prepaidUnits":{"enabled":"many"}},
            {"id":"t_b","skuId":"b","skuPartNumber":"X","consumedUnits":-1,"prepaidUnits":{"enabled":1}},
            {"id":"t_c","skuId":"c","skuPartNumber":"X","consumedUnits":1,"prepaidUnits":{}}]"#,
    );
    let columns: Vec<_> = refusals(&report).into_iter().map(|(line, column, _)| (line, column)).collect();
    assert_eq!(columns, [(1, "enabled"), (2, "consumedUnits"), (3, "prepaidUnits.enabled")]);
    assert_eq!(report.refused[0].client.as_ref().and_then(|client| client.id.as_deref()), Some("t"));
}

#[test]
fn a_key_that_stands_twice_in_an_answer_is_not_read_as_either() {
    for (from, to, column) in [
        (r#""consumedUnits":3"#, r#""consumedUnits":3,"consumedUnits":9"#, "consumedUnits"),
        (r#""enabled":5"#, r#""enabled":5,"enabled":50"#, "enabled"),
    ] {
        let report = report(&format!("[{}]", SKU.replace(from, to)));
        assert_eq!(refusals(&report), [(1, column, "stands twice in the item")]);
        assert_eq!(report.records, []);
    }
}

#[test]
fn an_answer_that_a_script_wrote_anew_with_capitals_is_the_same() {
    let capitals = ["id", "skuId", "skuPartNumber", "consumedUnits", "prepaidUnits", "enabled", "warning"]
        .iter()
        .fold(SKU.to_owned(), |text, key| {
            let (first, rest) = key.split_at(1);
            text.replace(&format!("\"{key}\":"), &format!("\"{}{rest}\":", first.to_uppercase()))
        });
    assert!(capitals.contains("\"SkuId\"") && !capitals.contains("\"skuId\""));
    let (plain, other) = (report(SKU), report(&capitals));
    assert_eq!(other.unknown_columns, Vec::<String>::new());
    assert_eq!(entitlements(&other), entitlements(&plain));
}

#[test]
fn one_sku_of_two_tenants_is_two_holdings() {
    let of = |account: &str, used: &str| {
        let start = SKU.find("\"skuId\"").unwrap();
        format!("{{\"accountId\":\"{account}\",{}", SKU[start..].replace("\"consumedUnits\":3", used))
    };
    let text = format!("[{},{}]", of("a", "\"consumedUnits\":3"), of("b", "\"consumedUnits\":4"));
    let report = report(&text);
    assert_eq!((report.refused.len(), entitlements(&report).len()), (0, 2));
}

#[test]
fn seats_are_listed_by_part_number_too_and_without_what_is_assigned() {
    let report = report(r#"{"value":[{"skuPartNumber":"SPB","prepaidUnits":{"enabled":5}}]}"#);
    let (_, row) = entitlements(&report)[0];
    assert_eq!((row.product.part_number.as_deref(), row.product.sku.as_deref()), (Some("SPB"), None));
    assert_eq!((row.purchased, row.assigned), (Some(dec("5")), None));
}

const SUBSCRIPTIONS: &str = include_str!("../../../fixtures/microsoft_graph/directory_subscriptions.json");

#[test]
fn subscriptions_stand_apart_without_a_term_and_unusable_ones_hold_nothing() {
    let report = report(SUBSCRIPTIONS);
    assert_eq!(
        (report.format, report.names_client, report.snapshot),
        ("microsoft_graph_directory_subscriptions", false, true)
    );
    assert_eq!(report.unknown_columns, Vec::<String>::new());
    let rows = entitlements(&report);
    let told: Vec<_> = rows
        .iter()
        .map(|(_, row)| (row.product.part_number.as_deref().unwrap(), row.purchased.unwrap(), row.free))
        .collect();
    assert_eq!(
        told,
        [
            ("SPB", dec("25"), false),
            ("SPB", dec("4"), false),
            ("FLOW_FREE", dec("10000"), true),
            ("CRMSTANDARD", dec("0"), false)
        ]
    );
    let (_, first) = rows[0];
    assert_eq!(first.subscription.as_deref(), Some("860697e3-0000-4000-8000-000000000001"));
    assert_eq!((first.term, first.assigned, first.client.id.as_deref()), (None, None, None));
    assert_eq!(note_codes(&report), [(Some(4), "unusable_subscription")]);
}

#[test]
fn a_subscription_without_a_known_state_is_not_counted() {
    let odd = report(&SUBSCRIPTIONS.replace("\"Warning\"", "\"Expired\""));
    assert_eq!(
        refusals(&odd),
        [(2, "status", "is not one of Enabled, Warning, Suspended, LockedOut, Deleted")]
    );
    let lacking = error(r#"[{"skuId":"a","totalLicenses":5,"isTrial":false}]"#);
    assert_eq!(
        lacking.to_string(),
        "microsoft_graph_directory_subscriptions needs the column `status`, which the file does not have"
    );
    let twice = report(&SUBSCRIPTIONS.replace("-000000000002", "-000000000001"));
    assert_eq!(refusals(&twice), [(2, "id", "the subscription stands in item 1 with other values")]);
}

const USERS: &str = include_str!("../../../fixtures/microsoft_graph/users.json");

#[test]
fn a_licence_given_directly_and_by_a_group_is_one_seat_and_an_error_is_none() {
    let report = report(USERS);
    assert_eq!((report.format, report.names_client), ("microsoft_graph_users", false));
    assert_eq!(report.unknown_columns, Vec::<String>::new());
    let seats: Vec<_> = entitlements(&report)
        .iter()
        .map(|(line, row)| (*line, row.product.sku.clone().unwrap(), row.assigned, row.purchased))
        .collect();
    let spb = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46".to_owned();
    assert_eq!(
        seats,
        [(1, spb.clone(), Some(Decimal::ONE), None), (2, spb, Some(Decimal::ONE), None)],
        "the deleted user holds nothing"
    );
    let users = activities(&report);
    assert_eq!(users[0].assigned_by, Some(AssignedBy::DirectAndGroup));
    assert_eq!(users[0].assigned_on, Some(day("2026-04-02")));
    assert_eq!(users[0].licence_group.as_deref(), Some("99990000-0000-4000-8000-000000000001"));
    assert_eq!(note_codes(&report), [(Some(1), "failed_assignment")]);
    assert!(report.notes[0].text.contains("CountViolation"), "{}", report.notes[0].text);
}

#[test]
fn the_last_use_is_a_successful_or_unattended_sign_in_and_may_be_unknown() {
    let report = report(USERS);
    let told: Vec<_> = activities(&report)
        .iter()
        .map(|user| (user.last_active, user.blocked, user.guest, user.deleted, user.product.is_some()))
        .collect();
    assert_eq!(
        told,
        [
            (Some(day("2026-07-15")), false, false, false, true),
            (Some(day("2026-01-05")), true, false, false, true),
            (None, false, true, false, false),
            (None, false, false, true, true),
        ]
    );
}

#[test]
fn a_users_department_is_kept() {
    let told = report(&USERS.replacen(
        "\"userPrincipalName\"",
        "\"department\": \" Sales \", \"userPrincipalName\"",
        1,
    ));
    let departments: Vec<_> = activities(&told).iter().map(|user| user.department.as_deref()).collect();
    assert_eq!(departments[0], Some("Sales"));
    assert!(departments[1..].iter().all(Option::is_none), "{departments:?}");
}

#[test]
fn users_may_be_written_anew_by_a_script_but_not_without_their_members() {
    let capitals = USERS
        .replace("\"userPrincipalName\"", "\"UserPrincipalName\"")
        .replace("\"assignedLicenses\"", "\"AssignedLicenses\"")
        .replace("\"skuId\"", "\"SkuId\"")
        .replace("\"2026-07-15T06:00:00Z\"", "\"\\/Date(1784095200000)\\/\"");
    assert_eq!(report(&capitals).records, report(USERS).records);
    let flat = report(
        r#"[{"id":"a","accountEnabled":true,"assignedLicenses":"Microsoft.Graph.PowerShell.Models.MicrosoftGraphAssignedLicense"}]"#,
    );
    assert_eq!((flat.refused[0].column.as_deref(), flat.records.len()), (Some("assignedLicenses"), 0));
}

#[test]
fn licences_of_groups_are_no_seats_of_users() {
    let groups = r#"[{"id":"a","displayName":"Sales","assignedLicenses":[{"skuId":"b"}]}]"#;
    assert_eq!(error(groups).code(), "missing_column");
    assert_eq!(error(&groups.replace("\"id\"", "\"groupTypes\":[],\"id\"")).code(), "unknown_format");
}

#[test]
fn a_user_in_two_pages_is_counted_once() {
    let page = USERS.trim_end();
    let twice = report(&format!("[{page},{page}]"));
    assert_eq!(twice.records, report(USERS).records);
    assert_eq!(twice.notes.iter().filter(|note| note.code == "duplicate_line").count(), 4);
}

const DETAILS: &str = include_str!("../../../fixtures/microsoft_graph/license_details.json");

#[test]
fn licence_details_alone_say_what_to_export_and_with_their_user_who_holds_what() {
    let alone = error(DETAILS);
    assert_eq!(alone.code(), "nothing_to_compare");
    assert!(alone.to_string().contains("assignedLicenses"), "{alone}");
    let beside = DETAILS.replace("\"skuId\"", "\"userPrincipalName\": \"anna@x.example\", \"skuId\"");
    let around = format!(
        r#"[{{"userPrincipalName":"anna@x.example","licenseDetails":{}}}]"#,
        &DETAILS[DETAILS.find('[').unwrap()..=DETAILS.rfind(']').unwrap()]
    );
    for text in [beside, around] {
        let report = report(&text);
        assert_eq!(
            (report.format, report.sides.as_slice()),
            ("microsoft_graph_license_details", &[Side::Activity][..])
        );
        let users = activities(&report);
        assert_eq!(users[0].user, "anna@x.example");
        let product = users[0].product.as_ref().unwrap();
        assert_eq!(product.part_number.as_deref(), Some("ENTERPRISEPREMIUM"));
        assert_eq!(entitlements(&report), []);
    }
}

#[test]
fn an_organization_says_which_id_name_and_domains_belong_together() {
    let report = report(include_str!("../../../fixtures/microsoft_graph/organization.json"));
    assert_eq!((report.format, report.names_client, report.read), ("microsoft_graph_organization", true, 1));
    let clients: Vec<_> = report
        .records
        .iter()
        .filter_map(|sourced| if let Record::Client(client) = &sourced.record { Some(client) } else { None })
        .collect();
    assert!(clients.iter().all(|client| client.name.as_deref() == Some("Wide World Importers")));
    assert!(
        clients.iter().all(|client| client.id.as_deref() == Some("aaaa0000-1111-4222-8333-444455556666"))
    );
    let domains: Vec<_> = clients.iter().map(|client| client.domain.as_deref().unwrap()).collect();
    assert_eq!(domains, ["wideworld.example", "wideworld.onmicrosoft.example"], "the default one first");
}
