use super::*;

const ACTIVE: &str = include_str!("../../../fixtures/microsoft_graph/active_user_detail.csv");
const CONCEALED: &str = include_str!("../../../fixtures/microsoft_graph/active_user_detail.json");
const APPS: &str = include_str!("../../../fixtures/microsoft_graph/m365_app_user_detail.csv");
const EMAIL: &str = include_str!("../../../fixtures/microsoft_graph/email_activity_user_detail.older.csv");
const TEAMS: &str = include_str!("../../../fixtures/microsoft_graph/teams_user_activity_user_detail.csv");

#[test]
fn active_users_hold_their_products_and_were_last_active_in_the_latest_workload() {
    let report = report(ACTIVE);
    assert_eq!(report.format, "microsoft_graph_office365_active_user_detail");
    assert_eq!((report.names_client, report.snapshot), (false, false), "the refresh date is its day");
    assert_eq!(report.unknown_columns, Vec::<String>::new());
    let seats: Vec<_> = entitlements(&report)
        .iter()
        .map(|(line, row)| (*line, row.product.name.clone().unwrap(), row.assigned, row.purchased))
        .collect();
    let one = Some(Decimal::ONE);
    assert_eq!(
        seats,
        [
            (2, "MICROSOFT 365 E3".into(), one, None),
            (2, "ENTERPRISE MOBILITY + SECURITY E5".into(), one, None),
            (3, "MICROSOFT 365 E3".into(), one, None),
        ],
        "the deleted user holds nothing"
    );
    let on = crate::records::Held::Snapshot { on: Some(day("2026-09-01")) };
    assert_eq!(entitlements(&report)[0].1.held, on);
    let users = activities(&report);
    let told: Vec<_> = users
        .iter()
        .map(|user| (&user.user[..4], user.last_active, user.deleted, user.product.is_some()))
        .collect();
    assert_eq!(
        told,
        [
            ("anna", Some(day("2026-08-30")), false, true),
            ("anna", Some(day("2026-08-30")), false, true),
            ("bert", None, false, true),
            ("cleo", Some(day("2026-08-10")), true, true),
            ("dora", Some(day("2026-08-31")), false, false),
        ]
    );
    assert!(users.iter().all(|user| user.as_of == Some(day("2026-09-01")) && !user.concealed));
}

#[test]
fn concealed_users_count_in_totals_and_are_said() {
    let report = report(CONCEALED);
    assert_eq!(report.format, "microsoft_graph_office365_active_user_detail");
    let users = activities(&report);
    assert!(users.iter().all(|user| user.concealed && user.last_active == Some(day("2026-08-31"))));
    let names: Vec<_> =
        entitlements(&report).iter().map(|(_, row)| row.product.name.clone().unwrap()).collect();
    assert_eq!(names, ["MICROSOFT 365 E3", "POWER BI PRO"]);
    assert_eq!(note_codes(&report), [(None, "concealed_names")]);
}

#[test]
fn reports_of_one_workload_tell_use_and_give_no_seats() {
    for (text, format, told) in [
        (APPS, "microsoft_graph_m365_app_user_detail", vec![Some("2026-08-30"), None]),
        (EMAIL, "microsoft_graph_email_activity_user_detail", vec![Some("2019-08-30"); 2]),
        (TEAMS, "microsoft_graph_workload_user_detail", vec![Some("2026-08-31")]),
    ] {
        let report = report(text);
        assert_eq!((report.format, report.sides.as_slice()), (format, &[Side::Activity][..]));
        assert_eq!(report.unknown_columns, Vec::<String>::new(), "{format}");
        assert_eq!(entitlements(&report), []);
        let last: Vec<_> = activities(&report).iter().map(|user| user.last_active).collect();
        assert_eq!(last, told.into_iter().map(|text| text.map(day)).collect::<Vec<_>>(), "{format}");
        let header = text.lines().next().unwrap();
        assert_eq!(error(header), FileError::NoRows { known: Some(format) });
    }
}

#[test]
fn columns_may_stand_in_any_order_and_the_usage_page_names_them_otherwise() {
    let reordered = "Assigned Products;Teams Last Activity Date;user principal name;Exchange Last Activity Date;Report Refresh Date;Surprise\nPOWER BI PRO;2026-08-30;anna@x.example;;2026-09-01;1\n";
    let page = "Username,Display name,Deleted,Deleted date,Last activity date (UTC),Send actions,Receive actions,Read actions,Product assigned\nanna@x.example,Anna,False,,2026-08-30,1,2,3,POWER BI PRO\n";
    for (text, format, unknown) in [
        (reordered, "microsoft_graph_office365_active_user_detail", 1),
        (page, "microsoft_graph_email_activity_user_detail", 0),
    ] {
        let report = report(text);
        assert_eq!((report.format, report.unknown_columns.len()), (format, unknown));
        let user = activities(&report)[0];
        assert_eq!((user.user.as_str(), user.last_active), ("anna@x.example", Some(day("2026-08-30"))));
        assert_eq!(user.product.as_ref().unwrap().name.as_deref(), Some("POWER BI PRO"));
    }
}

#[test]
fn dates_of_a_report_that_was_saved_again_are_proved_or_asked_for() {
    let saved = |day: &str| ACTIVE.replace("2026-08-28", day).replace("2026-09-01", "9/1/2026");
    let proved = report(&saved("8/28/2026"));
    assert_eq!((proved.needs_input.len(), activities(&proved)[0].as_of), (1, Some(day("2026-09-01"))));
    let unclear = report(&saved("8/2/2026"));
    assert!(unclear.needs_input.iter().any(|asked| asked.question == "date_order"));
    assert_eq!(unclear.records, []);
    let options = ReadOptions { date_order: Some(DateOrder::Dmy), ..ReadOptions::default() };
    let answered = read("upload", saved("8/2/2026").as_bytes(), &options).unwrap();
    assert_eq!(activities(&answered)[0].as_of, Some(day("2026-01-09")));
}

#[test]
fn a_user_who_stands_twice_is_counted_once_or_refused() {
    let row = ACTIVE.lines().nth(2).unwrap();
    let twice = report(&format!("{ACTIVE}{row}\n"));
    assert_eq!(note_codes(&twice), [(Some(6), "duplicate_line")]);
    assert_eq!(twice.records, report(ACTIVE).records);
    let other = report(&format!("{ACTIVE}{}\n", row.replace("365 E3", "365 E5")));
    assert_eq!(refusals(&other), [(6, "User Principal Name", "stands in line 3 with other values")]);
}

#[test]
fn reports_as_json_are_read_like_the_files() {
    let apps = r#"{"@odata.nextLink":"x","value":[{"@odata.type":"x","reportRefreshDate":"2026-09-01","userPrincipalName":"anna@x.example","lastActivationDate":"2026-09-01","lastActivityDate":"2026-08-30","details":[{"reportPeriod":7,"windows":true}]}]}"#;
    let email = r#"[{"reportRefreshDate":"2026-09-01","userPrincipalName":"anna@x.example","displayName":"Anna","isDeleted":false,"deletedDate":null,"lastActivityDate":"2026-08-30","sendCount":1,"receiveCount":2,"readCount":3,"assignedProducts":[],"reportPeriod":"7"}]"#;
    for (text, format) in [
        (apps, "microsoft_graph_m365_app_user_detail"),
        (email, "microsoft_graph_email_activity_user_detail"),
    ] {
        let report = report(text);
        assert_eq!((report.format, report.unknown_columns.as_slice()), (format, &[][..]));
        let user = activities(&report)[0];
        assert_eq!((user.last_active, user.as_of), (Some(day("2026-08-30")), Some(day("2026-09-01"))));
        assert_eq!(user.product, None);
    }
}
