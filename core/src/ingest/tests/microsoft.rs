use super::*;
use crate::records::{Activity, ChargeKind, Cycle, Held, Term};
use crate::seat_states::seat_states;

const SKUS: &str = include_str!("../../../fixtures/microsoft_graph/subscribed_skus.json");
const RECONCILIATION: &str = include_str!("../../../fixtures/microsoft_partner_center/reconciliation.csv");
const LINE_ITEMS: &str = include_str!("../../../fixtures/microsoft_partner_center/line_items.json");

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
    let users: Vec<&Activity> = report
        .records
        .iter()
        .filter_map(|sourced| if let Record::Activity(user) = &sourced.record { Some(user) } else { None })
        .collect();
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
fn active_users_of_the_other_header_are_read_and_one_product_is_one_seat() {
    let report = report(include_str!("../../../fixtures/microsoft_admin_center/active_users_b.csv"));
    assert_eq!(report.format, "microsoft_admin_center_active_users");
    assert_eq!(entitlements(&report).len(), 1);
}

#[test]
fn reconciliation_rows_become_charges_with_half_open_days() {
    let report = report(RECONCILIATION);
    assert_eq!(
        (report.format, report.read, report.refused_total),
        ("microsoft_partner_center_new_commerce", 5, 0)
    );
    assert_eq!(report.unknown_columns, Vec::<String>::new());
    let rows = charges(&report);
    let (first, line) = rows[0];
    assert_eq!(line, 2);
    assert_eq!(first.client.id.as_deref(), Some("bbbb0000-1111-4222-8333-444455556666"));
    assert_eq!(first.client.domain.as_deref(), Some("wideworld.example"));
    assert_eq!(first.product.sku.as_deref(), Some("CFQ7TTC0LCHC:0002"));
    assert_eq!(first.span, Span::new(day("2026-04-01"), day("2026-05-01")));
    assert_eq!(first.subscription_span, Some(Span::new(day("2026-04-01"), day("2027-04-01"))));
    assert_eq!(
        (first.term, first.cycle, first.kind),
        (Some(Term::Annual), Cycle::Monthly, ChargeKind::Licence)
    );
    let (change, _) = rows[1];
    assert_eq!((change.charge_type.as_deref(), change.quantity), (Some("add_quantity"), dec("1")));
    assert_eq!(
        (change.amount, change.unit_price.to_string()),
        (dec("-3.87"), "-3.8666666666666667".to_owned())
    );
    assert_eq!((rows[3].0.kind, rows[3].0.quantity), (ChargeKind::Usage, dec("0.005001")));
    assert_eq!((rows[4].0.kind, rows[4].0.span.until), (ChargeKind::OneTime, None));
}

#[test]
fn the_seats_of_a_reconciliation_file_follow_in_any_row_order() {
    let mut lines: Vec<&str> = RECONCILIATION.lines().collect();
    let told = |text: &str| {
        let report = report(text);
        let states = seat_states(&charges(&report)).states;
        states.iter().map(|state| (state.from, state.until, state.quantity)).collect::<Vec<_>>()
    };
    let expected =
        [(day("2026-04-01"), day("2026-04-02"), dec("1")), (day("2026-04-02"), day("2026-05-01"), dec("2"))];
    assert_eq!(told(RECONCILIATION), expected);
    lines[1..].reverse();
    assert_eq!(told(&lines.join("\n")), expected);
}

#[test]
fn line_items_of_the_api_read_like_the_file() {
    let report = report(LINE_ITEMS);
    assert_eq!(report.format, "microsoft_partner_center_new_commerce");
    assert_eq!(report.unknown_columns, ["surprise"]);
    let (row, line) = charges(&report)[0];
    assert_eq!((line, row.client.id.as_deref()), (1, Some("bbbb0000-1111-4222-8333-444455556666")));
    assert_eq!((row.invoice.as_deref(), row.reference.as_deref()), (None, Some("r9")));
    assert_eq!((row.ordered_on, row.span.until), (Some(day("2026-04-01")), Some(day("2026-05-01"))));
    assert_eq!((row.unit_price.to_string(), row.list_price), ("19.80".to_owned(), Some(dec("22"))));
    assert_eq!((row.term, row.cycle), (Some(Term::Triennial), Cycle::Monthly));
    assert_eq!(row.subscription_span.unwrap().until, None, "year 1 is no date");
}

fn changed(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(RECONCILIATION.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

#[test]
fn other_spellings_of_the_same_file_give_the_same_charges() {
    let plain = report(RECONCILIATION);
    let (header, body) = RECONCILIATION.split_once("\r\n").unwrap();
    let camel: Vec<String> = header
        .split(',')
        .map(|name| {
            let name = name.replace("MPNID", "MpnId").replace("ID", "Id");
            let name = if name == "Total" { "totalForCustomer".to_owned() } else { name };
            let (first, rest) = name.split_at(1);
            format!("{}{rest}", first.to_lowercase())
        })
        .collect();
    let guarded = changed(&[
        (",1,4,0,4,", ",1,'4.000000000000000000,'0E-20,4,"),
        (",-3.87,", ",'-3.870000000000000000,"),
    ]);
    let zoned = changed(&[("4/1/2026,4/30/2026", "4/1/2026 12:00:00 AM,2026-04-30T00:00:00Z")]);
    for text in [format!("\u{feff}{}\n{body}", camel.join(",")), guarded, zoned] {
        let other = report(&text);
        assert_eq!(other.refused, [], "{text}");
        let bare = |report: &FileReport| {
            charges(report)
                .iter()
                .map(|(row, _)| (row.span, row.quantity, row.amount.normalize(), row.reference.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(bare(&other), bare(&plain));
    }
}

#[test]
fn the_same_line_twice_counts_once_and_is_said() {
    let again = RECONCILIATION.lines().nth(1).unwrap();
    let report = report(&format!("{RECONCILIATION}{again}\r\n"));
    assert_eq!((report.read, report.records.len()), (6, 5));
    assert_eq!(note_codes(&report), [(Some(7), "duplicate_line")]);
    let overlapping = super::files::zip(&[("april.csv", RECONCILIATION), ("again.csv", RECONCILIATION)]);
    let both = read("upload", &overlapping, &ReadOptions::default()).unwrap();
    assert_eq!((both.read, both.records.len(), both.notes_total), (10, 5, 5));
}

#[test]
fn unknown_charge_types_are_kept_and_flagged() {
    let report = report(&changed(&[(",addQuantity,", ",tierTransitionFee,")]));
    assert_eq!(report.records.len(), 5);
    assert_eq!(note_codes(&report), [(Some(3), "unknown_charge_type"), (Some(4), "unknown_charge_type")]);
    assert_eq!(charges(&report)[1].0.charge_type.as_deref(), Some("tier_transition_fee"));
}

#[test]
fn zeros_that_a_spreadsheet_dropped_come_back_and_are_said() {
    let report = report(&changed(&[(",CFQ7TTC0LCHC,0002,", ",CFQ7TTC0LCHC,2,")]));
    assert_eq!(charges(&report)[0].0.product.sku.as_deref(), Some("CFQ7TTC0LCHC:0002"));
    assert_eq!(report.notes[0].code, "padded_sku");
}

#[test]
fn rewritten_dates_are_read_as_they_prove_or_asked_about() {
    let dotted = |text: &str| {
        let mut text = text.to_owned();
        for (us, eu) in [
            ("4/30/2026", "30.04.2026"),
            ("3/31/2027", "31.03.2027"),
            ("4/1/2026", "01.04.2026"),
            ("4/2/2026", "02.04.2026"),
            ("4/3/2026", "03.04.2026"),
        ] {
            text = text.replace(us, eu);
        }
        text
    };
    let proved = report(&dotted(RECONCILIATION));
    assert_eq!(charges(&proved)[0].0.span, Span::new(day("2026-04-01"), day("2026-05-01")));
    assert!(proved.reasons.iter().any(|reason| reason.contains("day/month/year")));

    // Only days that are months too: nothing proves the order.
    let short = RECONCILIATION.replace("4/30/2026", "5/1/2026").replace("3/31/2027", "4/1/2027");
    assert_eq!(report(&short).needs_input, [], "as the source writes it, it is month first");
    let unclear = dotted(&short).replace("5/1/2026", "01.05.2026").replace("4/1/2027", "01.04.2027");
    let asking = report(&unclear);
    assert_eq!(asking.needs_input[0].question, "date_order");
    assert_eq!((asking.records.len(), asking.read), (0, 5));
    let options = ReadOptions { date_order: Some(DateOrder::Dmy), ..ReadOptions::default() };
    let answered = read("upload", unclear.as_bytes(), &options).unwrap();
    assert_eq!((answered.needs_input.len(), charges(&answered)[0].0.span.from), (0, day("2026-04-01")));
}

#[test]
fn bad_rows_are_all_listed_with_line_column_and_value() {
    let report = report(&changed(&[
        (",-3.87,0,4,", ",n/a,0,4,"),
        (",7.74,0,4,USD", ",7.74,0,4,"),
        (",900,0,", ",,0,"),
    ]));
    let listed: Vec<_> = refusals(&report).into_iter().map(|(line, column, _)| (line, column)).collect();
    assert_eq!(listed, [(3, "Subtotal"), (4, "Currency"), (6, "Subtotal")]);
    assert_eq!(report.refused[0].value.as_deref(), Some("n/a"));
    assert_eq!(
        report.refused[0].client.as_ref().and_then(|client| client.name.as_deref()),
        Some("Wide World, Inc.")
    );
    assert_eq!((report.refused_total, report.records.len()), (3, 2));
}

#[test]
fn a_header_alone_and_a_lacking_column_say_so() {
    let header = RECONCILIATION.lines().next().unwrap();
    assert_eq!(error(header), FileError::NoRows { known: Some("microsoft_partner_center_new_commerce") });
    let lacking = error(&changed(&[(",Subtotal,", ",Sub,")]));
    assert_eq!(
        lacking.to_string(),
        "microsoft_partner_center_new_commerce needs the column `Subtotal`, which the file does not have"
    );
    let twice = error(&changed(&[(",TaxTotal,", ",sub_total,")]));
    assert_eq!((twice.code(), twice.line()), ("duplicate_column", Some(1)));
}

const SKU: &str = r#"{"id":"aaaa0000-1111-4222-8333-444455556666_bbbb0000-1111-4222-8333-444455556666","skuId":"bbbb0000-1111-4222-8333-444455556666","skuPartNumber":"SPB","consumedUnits":3,"prepaidUnits":{"enabled":5,"warning":0}}"#;

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
fn a_file_saved_again_by_a_european_spreadsheet_gives_the_same_charges() {
    let (header, body) = RECONCILIATION.split_once("\r\n").unwrap();
    let mut out = vec![header.replace(',', ";")];
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(body.as_bytes());
    for row in reader.records() {
        let cells: Vec<String> = row
            .unwrap()
            .iter()
            .map(|cell| {
                let date: Vec<&str> = cell.split('/').collect();
                match date[..] {
                    [month, day, year] if year.len() == 4 => format!("{day:0>2}.{month:0>2}.{year}"),
                    _ if cell.parse::<Decimal>().is_ok() && cell.contains('.') => cell.replace('.', ","),
                    _ if cell.contains([';', '"']) => format!("\"{}\"", cell.replace('"', "\"\"")),
                    _ => cell.to_owned(),
                }
            })
            .collect();
        out.push(cells.join(";"));
    }
    let options = ReadOptions { date_order: Some(DateOrder::Dmy), ..ReadOptions::default() };
    let other = read("upload", out.join("\r\n").as_bytes(), &options).unwrap();
    assert_eq!(other.refused, []);
    let bare = |report: &FileReport| {
        let key =
            |row: &VendorCharge| (row.span, row.quantity, row.amount, row.unit_price, row.product.clone());
        charges(report).iter().map(|(row, _)| key(row)).collect::<Vec<_>>()
    };
    assert_eq!(bare(&other), bare(&report(RECONCILIATION)));
}
