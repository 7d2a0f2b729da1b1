use super::*;

#[test]
fn the_licences_page_leaves_expired_seats_out() {
    let report = report(include_str!("../../../fixtures/microsoft_admin_center/licenses.csv"));
    assert_eq!((report.format, report.names_client), ("microsoft_admin_center_licenses", false));
    let seats: Vec<_> =
        entitlements(&report).iter().map(|(line, row)| (*line, row.purchased, row.assigned)).collect();
    assert_eq!(seats, [(2, Some(dec("8")), Some(dec("7"))), (3, Some(dec("5")), Some(dec("0")))]);
    assert_eq!(report.unknown_columns, Vec::<String>::new());
}

#[test]
fn active_users_give_a_seat_for_each_product_but_none_for_deleted_users() {
    let report = report(include_str!("../../../fixtures/microsoft_admin_center/active_users_a.csv"));
    let seats: Vec<_> = entitlements(&report)
        .iter()
        .map(|(line, row)| (*line, row.product.name.clone().unwrap(), row.assigned))
        .collect();
    assert_eq!(
        seats,
        [(2, "Microsoft 365 E3".into(), Some(Decimal::ONE)), (2, "Power BI Pro".into(), Some(Decimal::ONE))]
    );
    let users = activities(&report);
    assert!(users.iter().all(|user| user.department.is_none()));
    let told: Vec<_> = users
        .iter()
        .map(|user| (user.user.as_str(), user.product.is_some(), user.blocked, user.deleted))
        .collect();
    assert_eq!(
        told,
        [
            ("anna@wideworld.example", true, false, false),
            ("anna@wideworld.example", true, false, false),
            ("bert@wideworld.example", false, true, false),
            ("cleo@wideworld.example", true, false, true),
        ]
    );
}

#[test]
fn a_department_is_kept_where_the_file_has_one() {
    let plain = include_str!("../../../fixtures/microsoft_admin_center/active_users_a.csv");
    let told =
        report(&plain.replace("When created", "Department").replacen("2022-03-18 19:49:35Z", "Law", 1));
    assert_eq!(activities(&told)[0].department.as_deref(), Some("Law"));
}

#[test]
fn active_users_of_the_other_header_are_read_and_one_product_is_one_seat() {
    let report = report(include_str!("../../../fixtures/microsoft_admin_center/active_users_b.csv"));
    assert_eq!(report.format, "microsoft_admin_center_active_users");
    assert_eq!(entitlements(&report).len(), 1);
}

#[test]
fn blocked_is_understood_in_the_languages_of_spreadsheets() {
    for (yes, no) in [("WAHR", "FALSCH"), ("VRAI", "FAUX"), ("true", "FALSE"), ("WAAR", "ONWAAR")] {
        let text = format!(
            "User principal name;Licenses;Block credential\na@x.test;Suite;{yes}\nb@x.test;Suite;{no}\n"
        );
        let report = report(&text);
        assert_eq!(report.refused, [], "{yes}");
        let blocked: Vec<bool> = report
            .records
            .iter()
            .filter_map(|sourced| match &sourced.record {
                Record::Activity(activity) => Some(activity.blocked),
                _ => None,
            })
            .collect();
        assert_eq!(blocked, [true, false], "{yes}");
    }
}

#[test]
fn an_export_with_a_mark_semicolons_and_new_columns_is_the_same() {
    let plain = include_str!("../../../fixtures/microsoft_admin_center/active_users_a.csv");
    let newer =
        format!("\u{feff}{}", plain.replace("Display name;", "AgeGroup;Display name;").replace('\n', "\n;"));
    let newer = newer.trim_end_matches(';');
    let other = report(newer);
    assert_eq!((other.refused, other.unknown_columns), (vec![], Vec::<String>::new()));
    assert_eq!(other.records, report(plain).records);
}

#[test]
fn a_product_with_a_plus_in_its_name_is_one_product() {
    let report = report(
        "User principal name;Licenses;Block credential\na@x.test;Enterprise Mobility + Security E3+Power BI Pro;False\n",
    );
    let names: Vec<_> =
        entitlements(&report).iter().map(|(_, row)| row.product.name.clone().unwrap()).collect();
    assert_eq!(names, ["Enterprise Mobility + Security E3", "Power BI Pro"]);
}

#[test]
fn the_licences_page_is_read_in_all_its_headers() {
    for (text, seats) in [
        (
            "Product title,Total licenses,Expired licenses,Assigned licenses,Status message\nSuite,10,2,7,Expiring soon\n",
            "8",
        ),
        ("Assigned licenses;Status Message;Product Title;Total Licenses\n7;;Suite;10\n", "10"),
        (
            "\u{feff}Product Title\tTotal Licences\tExpired Licences\tAssigned Licences\tRenewal Date\nSuite\t1010\t10\t7\t2027-08-01\n",
            "1000",
        ),
    ] {
        let report = report(text);
        assert_eq!((report.format, report.refused_total), ("microsoft_admin_center_licenses", 0), "{text}");
        assert_eq!(report.unknown_columns, Vec::<String>::new(), "{text}");
        let (_, row) = entitlements(&report)[0];
        assert_eq!((row.purchased, row.assigned), (Some(dec(seats)), Some(dec("7"))), "{text}");
    }
    let header = error("Product Title,Total Licenses,Expired Licenses,Assigned licenses\n");
    assert_eq!(header, FileError::NoRows { known: Some("microsoft_admin_center_licenses") });
}

#[test]
fn seats_without_a_limit_are_not_a_number_of_seats() {
    let report = report("Product Title,Total Licenses,Assigned licenses\nPower Automate Free,Unlimited,3\n");
    let (_, row) = entitlements(&report)[0];
    assert_eq!((row.purchased, row.assigned), (None, Some(dec("3"))));
    assert_eq!(note_codes(&report), [(Some(2), "unlimited_seats")]);
}
