//! Partner Center's exports beside the new-commerce reconciliation, and the stories that they tell together.

use super::*;
use crate::records::{ChargeKind, ClientRef, Cycle, Held, ListPrice, Term};
use crate::seat_states::seat_states;
use proptest::prelude::*;
use std::collections::BTreeMap;

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../fixtures/microsoft_partner_center/", $name))
    };
}

const STORIES: &str = fixture!("seat_stories.csv");
const LEGACY: &str = fixture!("legacy_licenses.csv");
const RECONCILIATION: &str = fixture!("reconciliation.csv");
const LINE_ITEMS: &str = fixture!("line_items.json");
const DAILY: &str = fixture!("daily_usage.json");
const LEGACY_USAGE: &str = fixture!("legacy_usage.csv");
const SUBSCRIPTIONS: &str = fixture!("subscriptions.json");
const SKUS: &str = fixture!("subscribed_skus.json");
const PRICES: &str = fixture!("price_sheet.csv");

const TENANT: &str = "bbbb0000-1111-4222-8333-444455556666";

/// Per subscription (its last digits): first day and seats of every state.
type Told = BTreeMap<String, Vec<(String, String)>>;

fn told(lines: &[(&VendorCharge, u32)]) -> Told {
    let mut told = Told::new();
    for state in seat_states(lines).states {
        let id = state.subscription.unwrap_or_default();
        let seats = state.quantity.normalize().to_string();
        told.entry(id[id.len() - 2..].to_owned()).or_default().push((state.from.to_string(), seats));
    }
    told
}

fn states(pairs: &[(&str, &[(&str, &str)])]) -> Told {
    let owned = |steps: &[(&str, &str)]| steps.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
    pairs.iter().map(|(id, steps)| ((*id).to_owned(), owned(steps))).collect()
}

fn published() -> Told {
    states(&[
        ("01", &[("2021-06-18", "10"), ("2021-06-20", "8")]),
        ("02", &[("2021-07-15", "10"), ("2021-07-17", "0")]),
        ("03", &[("2021-07-01", "300"), ("2021-07-08", "0")]),
        ("04", &[("2021-07-08", "300")]),
        ("05", &[("2021-07-01", "300"), ("2021-07-08", "200")]),
        ("06", &[("2021-07-08", "100")]),
        ("07", &[("2021-06-25", "25")]),
        (
            "08",
            &[
                ("2022-03-05", "10"),
                ("2022-03-07", "15"),
                ("2022-03-10", "25"),
                ("2022-03-12", "23"),
                ("2022-03-14", "20"),
                ("2022-03-25", "30"),
            ],
        ),
    ])
}

fn legacy_published() -> Told {
    states(&[
        ("01", &[("2018-01-13", "1"), ("2018-02-01", "2")]),
        ("02", &[("2017-02-11", "1"), ("2017-02-12", "2")]),
        ("03", &[("2018-01-13", "0"), ("2018-03-01", "1")]),
    ])
}

fn with_rows(text: &str, order: &[usize]) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let rows = order.iter().map(|&row| lines[row + 1]);
    let mut all: Vec<&str> = std::iter::once(lines[0]).chain(rows).collect();
    all.push("");
    all.join("\r\n")
}

fn rows(text: &str) -> Vec<usize> {
    (0..text.lines().count() - 1).collect()
}

#[test]
fn the_published_seat_stories_have_the_published_answers() {
    let stories = report(STORIES);
    assert_eq!(told(&charges(&stories)), published());
    // After the first change alone, there are twelve.
    let first = report(&with_rows(STORIES, &[0, 1, 2]));
    assert_eq!(told(&charges(&first))["01"].last().unwrap().1, "12");
    let legacy = report(LEGACY);
    assert_eq!((legacy.format, legacy.refused_total), ("microsoft_partner_center_legacy_licenses", 0));
    assert_eq!(told(&charges(&legacy)), legacy_published());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn in_any_order_of_rows(
        order in Just(rows(STORIES)).prop_shuffle(),
        legacy in Just(rows(LEGACY)).prop_shuffle(),
    ) {
        prop_assert_eq!(told(&charges(&report(&with_rows(STORIES, &order)))), published());
        prop_assert_eq!(told(&charges(&report(&with_rows(LEGACY, &legacy)))), legacy_published());
    }
}

#[test]
fn a_legacy_change_is_followed_without_the_file_of_the_first_charge() {
    let february = report(&with_rows(LEGACY, &[1, 2, 3, 4]));
    assert_eq!(told(&charges(&february)), states(&[("01", &[("2018-01-13", "1"), ("2018-02-01", "2")])]));
    let notes = seat_states(&charges(&february)).notes;
    assert_eq!(notes.iter().map(|note| note.code).collect::<Vec<_>>(), ["earlier_charge_missing"]);
}

#[test]
fn a_legacy_change_at_a_price_of_zero_is_told_by_its_days() {
    let zero = |text: &str| {
        let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let free = |line: &str| {
            let mut cells: Vec<String> = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(line.as_bytes())
                .records()
                .next()
                .unwrap()
                .unwrap()
                .iter()
                .map(|cell| if cell.contains(',') { format!("\"{cell}\"") } else { cell.to_owned() })
                .collect();
            for (place, column) in header.iter().enumerate() {
                if ["UnitPrice", "Amount", "Subtotal"].contains(column) {
                    "0".clone_into(&mut cells[place]);
                }
            }
            cells.join(",")
        };
        let lines: Vec<String> = text.lines().skip(1).map(free).collect();
        format!("{}\n{}\n", header.join(","), lines.join("\n"))
    };
    let report = report(&zero(LEGACY));
    assert_eq!(told(&charges(&report)), legacy_published());
}

#[test]
fn discounts_and_offsets_of_legacy_files_leave_the_seats_alone() {
    let line = LEGACY.lines().nth(1).unwrap();
    let more = ["Cycle discount", "Offset a line item"]
        .map(|kind| line.replace("Cycle fee", kind).replace(",4.00,1,4.00,", ",-1.00,1,-1.00,"));
    let report = report(&format!("{}{}\r\n", with_rows(LEGACY, &[0]), more.join("\r\n")));
    assert_eq!((report.records.len(), note_codes(&report)), (3, vec![]));
    assert_eq!(told(&charges(&report)), states(&[("01", &[("2018-01-13", "1")])]));
}

#[test]
fn a_conversion_to_annual_billing_keeps_the_seats() {
    // As published: the cycle begun monthly is told again up to the day of the change.
    let rows = [
        ("5/26/2021", "6/25/2021", "Cycle fee", "10", "211.00"),
        (
            "6/1/2021",
            "5/31/2022",
            "Prorate fees when convert away from current offering",
            "2650",
            "715818.00",
        ),
        ("6/1/2021", "6/25/2021", "Prorate fees when convert to a new offering", "2650", "-45092.74"),
        ("5/26/2021", "5/31/2021", "Convert from instance prorate", "10", "40.80"),
        ("6/1/2021", "6/25/2021", "Convert from instance prorate", "2650", "45092.74"),
        ("5/26/2021", "6/25/2021", "Convert from instance prorate", "10", "-211.00"),
    ];
    let mut text = "CustomerId,SyndicationPartnerSubscriptionNumber,DurableOfferId,ChargeStartDate,ChargeEndDate,ChargeType,UnitPrice,Quantity,Amount,Currency\n".to_owned();
    for (from, last, kind, seats, amount) in rows {
        text += &["t", "s-01", "o", from, last, kind, "1", seats, amount, "USD"].join(",");
        text += "\n";
    }
    let report = report(&text);
    assert_eq!(note_codes(&report), []);
    assert_eq!(told(&charges(&report)), states(&[("01", &[("2021-05-26", "10"), ("2021-06-01", "2650")])]));
}

#[test]
fn legacy_rows_are_named_by_the_durable_offer_and_the_partners_subscription() {
    for text in [LEGACY, fixture!("legacy_line_items.json")] {
        let report = report(text);
        assert_eq!(report.format, "microsoft_partner_center_legacy_licenses");
        assert_eq!(report.unknown_columns, Vec::<String>::new());
        let (row, _) = charges(&report)[0];
        assert_eq!(row.client.id.as_deref(), Some(TENANT));
        assert_eq!(row.product.sku.as_deref(), Some("dddd0000-1111-4222-8333-444455556601"));
        assert_eq!(row.subscription.as_deref(), Some("eeee0000-1111-4222-8333-444455556601"));
        assert_eq!(row.span, Span::new(day("2018-01-13"), day("2018-02-13")));
        assert_eq!((row.charge_type.as_deref(), row.known_charge_type), (Some("cycle_fee"), true));
        assert_eq!((row.term, row.cycle), (None, Cycle::Monthly));
    }
}

#[test]
fn a_price_in_two_parts_is_one_number_of_seats() {
    let header = STORIES.lines().next().unwrap();
    let line = STORIES.lines().nth(1).unwrap();
    let telephony =
        line.replace("new,10.08,10,100.8,", "new,2.00,10,20,").replace(",10.08,Licenses", ",2.00,Licenses");
    assert_ne!(line, telephony);
    let both = report(&format!("{header}\n{line}\n{telephony}\n"));
    assert_eq!(both.records.len(), 2, "the money of both counts");
    let found = seat_states(&charges(&both));
    assert_eq!(found.states[0].quantity, dec("10"));
    assert_eq!(found.notes.iter().map(|note| note.code).collect::<Vec<_>>(), ["split_price"]);
    // Two purchases are two changes.
    let other = telephony.replace(",a1,", ",z9,");
    let two = report(&format!("{header}\n{line}\n{other}\n"));
    assert_eq!(seat_states(&charges(&two)).states[0].quantity, dec("20"));
}

#[test]
fn ids_that_a_spreadsheet_reckoned_are_refused_and_others_stay_text() {
    let with = |sku: &str| {
        report(&RECONCILIATION.replacen(",CFQ7TTC0LCHC,0002,", &format!(",CFQ7TTC0LCHC,{sku},"), 1))
    };
    for sku in ["1.00E+05", "1E+05", "1E5", "100000"] {
        assert_eq!(refusals(&with(sku))[0].1, "SkuId", "{sku}");
    }
    for (sku, read) in [("1E05", "1E05"), ("006g", "006G"), ("2", "0002")] {
        let report = with(sku);
        let (row, _) = charges(&report)[0];
        assert_eq!(row.product.sku.as_deref(), Some(format!("CFQ7TTC0LCHC:{read}").as_str()));
    }
}

#[test]
fn lines_of_a_bulk_export_read_like_the_answer() {
    let item = LINE_ITEMS.split_once("\"items\": [").unwrap().1.rsplit_once(']').unwrap().0;
    let item: serde_json::Value = serde_json::from_str(item).unwrap();
    let capital = |key: &str| {
        let (first, rest) = key.split_at(1);
        format!("{}{rest}", first.to_uppercase())
    };
    let lines: Vec<String> = ["one", "two"]
        .iter()
        .map(|name| {
            let mut line: serde_json::Map<String, serde_json::Value> =
                item.as_object().unwrap().iter().map(|(key, value)| (capital(key), value.clone())).collect();
            line.insert("CustomerName".to_owned(), (*name).into());
            serde_json::to_string(&line).unwrap()
        })
        .collect();
    let bulk = report(&lines.join("\n"));
    assert_eq!((bulk.format, bulk.read), ("microsoft_partner_center_new_commerce", 2));
    let answer = report(LINE_ITEMS);
    let (expected, _) = charges(&answer)[0];
    let (found, _) = charges(&bulk)[1];
    let named = ClientRef { name: Some("two".into()), ..ClientRef::clone(&expected.client) };
    assert_eq!(*found, VendorCharge { client: named.into(), ..expected.clone() });
}

#[test]
fn unbilled_lines_pages_and_tiers_of_the_answer_are_read() {
    let of = |token: &str, item: &str| {
        format!(r#"{{"continuationToken":"{token}","totalCount":9,"items":[{item}]}}"#)
    };
    let item = LINE_ITEMS.split_once("\"items\": [").unwrap().1.rsplit_once(']').unwrap().0;
    let second =
        item.replace("CCCC0000", "DDDD0000").replace("\"quantity\": 10", "\"quantity\": 9223372036854780000");
    let pages = report(&format!("[{},{}]", of("a", item), of("", &second)));
    assert_eq!((pages.records.len(), pages.refused_total), (2, 0));
    assert_eq!(charges(&pages)[0].0.invoice, None);
}

#[test]
fn a_workbook_keeps_what_was_noted_of_its_other_sheets() {
    let cell = |text: &str| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let sheet = |text: &str| {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let rows: Vec<String> = reader
            .records()
            .map(|row| format!("<row>{}</row>", row.unwrap().iter().map(cell).collect::<String>()))
            .collect();
        rows.concat()
    };
    let book = super::files::workbook(&[("data", &sheet(LEGACY)), ("notes", &sheet("a,b\n1,2\n"))]);
    let report = super::files::read_bytes(&book).unwrap();
    assert_eq!(
        (report.format, report.notes[0].code),
        ("microsoft_partner_center_legacy_licenses", "unread_sheet")
    );
}

#[test]
fn usage_is_money_of_its_day_and_no_seats() {
    let report = report(DAILY);
    assert_eq!((report.format, report.read), ("microsoft_partner_center_daily_usage", 2));
    assert_eq!(report.unknown_columns, Vec::<String>::new());
    let all = charges(&report);
    let (row, _) = all[0];
    assert_eq!(
        (row.kind, row.amount, row.unit_price),
        (ChargeKind::Usage, dec("0.887400153"), dec("0.03825"))
    );
    assert_eq!(row.span, Span::new(day("2026-04-13"), day("2026-04-14")));
    assert_eq!(row.product.sku.as_deref(), Some("DZH318Z0BNZ5:006G"));
    assert_eq!(seat_states(&all).states, []);
    // A row that names no customer is said, and taken for nobody.
    assert_eq!((all.len(), note_codes(&report)), (1, vec![(Some(2), "usage_without_customer")]));
}

#[test]
fn usage_of_nobody_asks_whose_it_is() {
    let report =
        report(&DAILY.replace("BBBB0000-1111-4222-8333-444455556666", "").replace("Wide World, Inc.", ""));
    assert_eq!((report.records.len(), report.names_client), (2, false));
    assert_eq!(report.needs_input[0].question, "client");
}

#[test]
fn the_two_headers_of_daily_usage_are_one_format() {
    let csv = "PartnerId,CustomerId,CustomerName,ProductId,SkuId,ProductName,SubscriptionId,UsageDate,MeterId,ChargeType,UnitPrice,Quantity,BillingPreTaxTotal,BillingCurrency,EffectiveUnitPrice,PartnerEarnedCreditPercentage,CreditPercentage\np,t,T,DZH318Z0BNZ5,006G,Tables,s,4/13/2026,m,new,0.045,2,0.08,USD,0.03825,15,100\n";
    let camel = "rateOfCredit,rateOfPartnerEarnedCredit,customerId,customerName,productId,skuId,productName,subscriptionId,usageDate,meterId,chargeType,unitPrice,quantity,billingPreTaxTotal,billingCurrency,effectiveUnitPrice\n1.00,0.15,t,T,DZH318Z0BNZ5,006G,Tables,s,2026-04-13,m,new,0.045,2,0.08,USD,0.03825\n";
    let (csv, camel) = (report(csv), report(camel));
    assert_eq!((csv.format, camel.format), ("microsoft_partner_center_daily_usage", csv.format));
    assert_eq!((csv.unknown_columns.len(), camel.unknown_columns.len()), (0, 0));
    assert_eq!(csv.records, camel.records);
}

#[test]
fn legacy_usage_reads_prices_with_a_currency_sign() {
    let report = report(LEGACY_USAGE);
    assert_eq!((report.format, report.refused_total), ("microsoft_partner_center_legacy_usage", 0));
    assert_eq!(report.unknown_columns, Vec::<String>::new());
    let (row, _) = charges(&report)[0];
    assert_eq!((row.amount, row.quantity, row.kind), (dec("88.88"), dec("1100"), ChargeKind::Usage));
    assert_eq!((row.client.name.as_deref(), row.client.id.as_deref()), (Some("Wide World"), Some(TENANT)));
    assert_eq!(row.span, Span::new(day("2019-02-03"), day("2019-02-04")));
    let unpriced = LEGACY_USAGE.replace(",PretaxCharges,", ",Other,");
    assert_eq!(error(&unpriced).code(), "nothing_to_compare");
}

#[test]
fn dates_that_a_spreadsheet_rewrote_are_proved_or_asked_about() {
    let dotted = |text: &str| text.replace("2/1/2019", "01.02.2019").replace("2/3/2019", "03.02.2019");
    let proved = report(&dotted(LEGACY_USAGE).replace("2/28/2019", "28.02.2019"));
    assert_eq!(charges(&proved)[0].0.span.from, day("2019-02-03"));
    let unclear = dotted(LEGACY_USAGE).replace("2/28/2019", "05.02.2019");
    let asking = report(&unclear);
    assert_eq!(
        (asking.needs_input[0].question.as_str(), asking.records.len(), asking.read),
        ("date_order", 0, 1)
    );
    let options = ReadOptions { date_order: Some(DateOrder::Dmy), ..ReadOptions::default() };
    let answered = read("upload", unclear.as_bytes(), &options).unwrap();
    assert_eq!(charges(&answered)[0].0.span.from, day("2019-02-03"));
}

#[test]
fn subscriptions_are_snapshots_of_what_was_bought() {
    let report = report(SUBSCRIPTIONS);
    assert_eq!(
        (report.format, report.snapshot, report.names_client),
        ("microsoft_partner_center_subscriptions", true, true)
    );
    assert_eq!((report.unknown_columns.len(), report.refused_total), (0, 0));
    let found = entitlements(&report);
    let rows: Vec<_> = found
        .iter()
        .map(|(line, row)| {
            (*line, row.product.sku.as_deref().unwrap(), row.purchased.unwrap(), row.term, row.free)
        })
        .collect();
    assert_eq!(
        rows,
        [
            (1, "CFQ7TTC0LCHC:0002", dec("25"), Some(Term::Annual), false),
            // An add-on counts for itself; a trial is free.
            (2, "dddd0000-1111-4222-8333-444455556601", dec("7"), Some(Term::Monthly), true),
            (3, "CFQ7TTC0LDPB:0001", dec("0"), Some(Term::Triennial), false),
        ]
    );
    assert_eq!(found[0].1.client.id.as_deref(), Some(TENANT));
    assert_eq!(found[2].1.client.id.as_deref(), Some("bbbb0000-1111-4222-8333-444455556667"));
    assert_eq!(note_codes(&report), [(Some(3), "subscription_not_active"), (Some(4), "usage_subscription")]);
}

#[test]
fn one_subscription_alone_and_one_without_addresses_are_read() {
    let items: serde_json::Value = serde_json::from_str(SUBSCRIPTIONS).unwrap();
    let one = items["items"][0].clone();
    let single = report(&one.to_string());
    assert_eq!((single.records.len(), single.names_client), (1, true));
    let mut bare = one;
    bare.as_object_mut().unwrap().remove("links");
    let asking = report(&format!("[{bare}]"));
    assert_eq!((asking.records.len(), asking.needs_input[0].question.as_str()), (1, "client"));
    // Among items that name their customer, one that does not is nobody's.
    let mixed = report(&format!("[{bare},{}]", items["items"][1]));
    assert_eq!(refusals(&mixed)[0].1, "links.self.uri");
}

#[test]
fn a_legacy_offer_is_found_in_its_address() {
    let text = r#"{"items":[{"id":"S","friendlyName":"nickname","quantity":1,"unitType":"none","effectiveStartDate":"2015-11-24T08: 00: 00Z",
        "commitmentEndDate":"2016-12-12T08: 00: 00Z","status":"active","autoRenewEnabled":false,"billingType":"none",
        "links":{"offer":{"uri":"/v1/offers/0CCA0000-68E9-4762-94EE-31ECE98783B9?country=US"},"self":{"uri":"/subscriptions?key=<key>"}}}]}"#;
    let report = report(text);
    let row = entitlements(&report)[0].1.clone();
    assert_eq!(row.product.sku.as_deref(), Some("0cca0000-68e9-4762-94ee-31ece98783b9"));
    assert_eq!((&row.product.name, report.names_client), (&None, false), "a nickname is no product");
}

#[test]
fn subscribed_skus_count_active_and_grace_and_ask_whose_they_are() {
    let report = report(SKUS);
    assert_eq!((report.format, report.names_client), ("microsoft_partner_center_subscribed_skus", false));
    let rows = entitlements(&report);
    let (_, premium) = rows[0];
    assert_eq!((premium.purchased, premium.assigned), (Some(dec("29")), Some(dec("25"))));
    assert_eq!(premium.product.sku.as_deref(), Some("cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"));
    assert_eq!(
        (rows[1].1.purchased, rows[1].1.assigned),
        (Some(dec("1")), None),
        "a tenant's SKU is not assigned"
    );
    let two = super::report(&format!("{SKUS}\n{}", SKUS.replace("29", "30")));
    assert_eq!(
        (two.refused_total, two.notes_total),
        (1, 1),
        "the answer of another customer, and the same item again"
    );
}

#[test]
fn deployment_states_its_day() {
    let report = report(fixture!("license_deployment.json"));
    let (_, row) = entitlements(&report)[0];
    assert_eq!((row.purchased, row.assigned), (Some(dec("5")), Some(dec("4"))));
    assert_eq!((row.held, report.snapshot), (Held::Snapshot { on: Some(day("2026-04-14")) }, false));
    let all = fixture!("license_deployment.json").replace("\"customerName\": \"Wide World, Inc.\",", "");
    assert_eq!(error(&all).code(), "nothing_to_compare");
}

#[test]
fn service_costs_are_named_as_their_kind_of_invoice_names_them() {
    let report = report(fixture!("service_costs.json"));
    assert_eq!((report.format, report.refused_total), ("microsoft_partner_center_service_costs", 0));
    let all = charges(&report);
    let of = |at: usize| {
        (
            all[at].0.product.sku.clone().unwrap(),
            all[at].0.charge_type.as_deref().unwrap().to_owned(),
            all[at].0.term,
        )
    };
    assert_eq!(of(0), ("dddd0000-1111-4222-8333-444455556601".into(), "cycle_fee".into(), None));
    assert_eq!(of(1), ("CFQ7TTC0LCHC:0002".into(), "add_quantity".into(), Some(Term::Annual)));
    assert_eq!(all[0].0.span, Span::new(day("2026-01-12"), day("2026-02-12")));
}

#[test]
fn customers_say_which_id_name_and_domain_belong_together() {
    let report = report(fixture!("customers.json"));
    let client = ClientRef {
        id: Some(TENANT.into()),
        name: Some("Wide World, Inc.".into()),
        domain: Some("wideworld.example".into()),
    };
    assert_eq!(report.records[0].record, Record::Client(client));
    assert_eq!((report.format, report.needs_input.len()), ("microsoft_partner_center_customers", 0));
}

fn prices(report: &FileReport) -> Vec<&ListPrice> {
    let of = |sourced: &'_ Sourced| matches!(sourced.record, Record::ListPrice(_));
    report
        .records
        .iter()
        .filter(|sourced| of(sourced))
        .filter_map(
            |sourced| if let Record::ListPrice(price) = &sourced.record { Some(&**price) } else { None },
        )
        .collect()
}

#[test]
fn a_price_sheet_prices_what_its_plan_pays_for() {
    let report = report(&format!("\u{feff}{PRICES}"));
    assert_eq!((report.format, report.refused_total), ("microsoft_partner_center_price_sheet", 0));
    assert_eq!(report.unknown_columns, Vec::<String>::new());
    let all = prices(&report);
    let row = |at: usize| {
        (all[at].term, all[at].cycle, all[at].unit_cost.unwrap(), all[at].suggested_price.unwrap())
    };
    assert_eq!(row(0), (Some(Term::Annual), Cycle::Annual, dec("211.2"), dec("264")));
    assert_eq!(row(1), (Some(Term::Annual), Cycle::Monthly, dec("17.6"), dec("22")));
    assert_eq!(row(2), (Some(Term::Monthly), Cycle::Monthly, dec("0"), dec("0")));
    assert_eq!(all[0].product.sku.as_deref(), Some("CFQ7TTC0LCHC:0002"));
    assert_eq!((all[0].market.as_deref(), all[1].from_quantity), (Some("US"), Some(dec("1"))));
    let until: Vec<_> = all.iter().map(|price| price.span.until).collect();
    // 9999 is no end, the last second of a day ends after it, another moment is where the next price begins.
    assert_eq!(until, [None, Some(day("2026-05-01")), Some(day("2026-04-15"))]);
    assert_eq!(note_codes(&report), [(None, "prices_without_seats")]);
    let zipped = super::files::zip(&[("sheets.csv", PRICES)]);
    assert_eq!(super::files::read_bytes(&zipped).unwrap().records, report.records);
}

#[test]
fn a_price_sheet_with_a_typographic_quote_in_its_header_says_so() {
    let broken = error(&PRICES.replacen("\"ERP Price\"", "\"ERP Price\u{201c}", 1));
    assert_eq!((broken.code(), broken.line()), ("damaged_file", Some(1)));
    assert!(broken.to_string().contains("typographic quote"), "{broken}");
    let quoted = report(&PRICES.replacen("\"ERP Price\"", "\"ERP Price\u{201c}\"", 1));
    assert_eq!(prices(&quoted)[0].suggested_price, Some(dec("264")));
}

#[test]
fn rows_of_a_price_sheet_that_a_spreadsheet_or_a_hand_spoilt_are_refused() {
    for (from, to, column) in [
        ("\"CFQ7TTC0LCHC\",\"0003\"", "\"CFQ7TTC0LCHC\",\"3\"", "SkuId"),
        ("\"P1M\"", "\"P5D\"", "TermDuration"),
        ("\"P1Y\",\"Monthly\"", "\"P1Y\",\"Weekly\"", "BillingPlan"),
        ("\"211.2\"", "\"-211.2\"", "UnitPrice"),
        ("4/15/2026 8:35:31 PM", "3/15/2026 8:35:31 PM", "EffectiveEndDate"),
    ] {
        let changed = PRICES.replacen(from, to, 1);
        assert_ne!(changed, PRICES);
        let report = report(&changed);
        assert_eq!((report.refused_total, refusals(&report)[0].1), (1, column), "{to}");
        assert_eq!(report.records.len(), 2);
    }
}

#[test]
fn a_price_sheet_of_meters_says_which_to_export() {
    let text = "ProductTitle,ProductId,SkuId,SkuTitle,UnitOfMeasure,Market,Currency,UnitPrice,PricingTierRangeMin,PricingTierRangeMax,EffectiveStartDate,EffectiveEndDate,MeterIds,MeterType,Tags\nTables,DZH318Z0BNZ5,006G,LRS,1 GB,US,USD,0.045,0,9223372036854780000,2/1/2019 12:00:00 AM,11/30/9999 11:59:59 PM,m,1 GB/Month,\n";
    assert_eq!(error(text).code(), "nothing_to_compare");
}

#[test]
fn answers_without_seats_or_lines_say_what_to_export() {
    for (text, what) in [
        (
            r#"{"items":[{"id":"G1","invoiceDate":"2026-02-08T01:22:47Z","totalCharges":5,"paidAmount":0,"currencyCode":"CHF","documentType":"invoice"}]}"#,
            "invoices",
        ),
        (
            r#"{"id":"G1","invoiceDate":"2026-02-08T01:22:47Z","totalCharges":5,"currencyCode":"CHF","invoiceDetails":[]}"#,
            "invoices",
        ),
        (
            r#"{"items":[{"balanceAmount":1,"currencyCode":"GBP","firstInvoiceCreationDate":"2026-01-21","details":[]}]}"#,
            "summary",
        ),
        (
            r#"{"items":[{"customerName":"c","productName":"p","licensesActive":1,"licensesQualified":2,"workloadName":"Exchange"}]}"#,
            "workload",
        ),
        (r#"{"items":[{"productSku":{"id":"x"},"servicePlans":[]}]}"#, "one user"),
        (
            r#"{"id":"m","schemaVersion":"2","dataFormat":"compressedJSON","blobCount":1,"blobs":[{"name":"b"}]}"#,
            "manifest",
        ),
    ] {
        let error = error(text);
        assert_eq!(error.code(), "nothing_to_compare", "{text}");
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[test]
fn each_format_is_known_with_its_columns_in_any_order_and_case_and_beside_others() {
    for (text, format) in [
        (STORIES, "microsoft_partner_center_new_commerce"),
        (LEGACY, "microsoft_partner_center_legacy_licenses"),
        (LEGACY_USAGE, "microsoft_partner_center_legacy_usage"),
        (PRICES, "microsoft_partner_center_price_sheet"),
    ] {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let mut writer = csv::Writer::from_writer(Vec::new());
        for (line, row) in reader.records().enumerate() {
            let mut cells: Vec<String> = row.unwrap().iter().map(str::to_owned).collect();
            cells.reverse();
            cells.push(if line == 0 { "Note of ours".to_owned() } else { String::new() });
            if line == 0 {
                cells = cells.iter().map(|cell| cell.to_uppercase()).collect();
            }
            writer.write_record(&cells).unwrap();
        }
        let turned = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let (plain, other) = (report(text), report(&turned));
        assert_eq!(
            (other.format, other.unknown_columns.as_slice()),
            (format, &["NOTE OF OURS".to_owned()][..])
        );
        assert_eq!(other.records, plain.records);
    }
}

#[test]
fn a_partners_own_invoice_and_published_tables_are_none_of_these() {
    let own = "PartnerId,CustomerId,CustomerName,CustomerDomainName,CustomerCountry,PartnerInvoiceNumber,OrderNumber,OrderDate,ProductId,PartNumber,SkuName,ProductName,ChargeType,PartnerUnitPrice,Quantity,PartnerSubTotal,PartnerTaxTotal,PartnerTotal,PricingCurrency,SubscriptionId,ChargeStartDate,ChargeEndDate,Term,BillingCycle,PartnerEffectiveUnitPrice\nP1,C1,Client,client.example,US,I1,O1,2026-01-01,Prod,PN,Name,Prod,Usage,5,2,10,1,11,USD,S,2026-01-01,2026-01-31,Monthly,Monthly,4.5\n";
    let tables = r#"{"page":"p","note":"n","tables":[{"columns":["Charge Type"],"rows":[["new"]]}]}"#;
    for text in [own, tables] {
        let found = read("upload", text.as_bytes(), &ReadOptions::default());
        assert!(
            found.as_ref().map_or(true, |report| !report.format.starts_with("microsoft_partner_center")),
            "{found:?}"
        );
    }
}

#[test]
fn bad_rows_are_refused_with_the_column_and_the_customer() {
    let spoilt = |text: &str, from: &str, to: &str| {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        report(&changed)
    };
    for (report, column) in [
        (spoilt(LEGACY, ",4.00,1,4.00,", ",4.00,many,4.00,"), "Quantity"),
        (spoilt(LEGACY, ",USD,", ",,"), "Currency"),
        (spoilt(LEGACY, ",2/12/2018 23:59,", ",12/12/2017 23:59,"), "ChargeEndDate"),
        (spoilt(LEGACY_USAGE, "$88.88", "n/a"), "PretaxCharges"),
        (spoilt(DAILY, "0.887400153", "\"?\""), "billingPreTaxTotal"),
        (spoilt(DAILY, "2026-04-13T00:00:00Z", ""), "usageDate"),
        (spoilt(SUBSCRIPTIONS, "\"quantity\": 25", "\"quantity\": -25"), "quantity"),
        (spoilt(SUBSCRIPTIONS, "\"status\": \"active\"", "\"status\": \"asleep\""), "status"),
        (spoilt(SUBSCRIPTIONS, "\"quantity\": 25", "\"quantity\": 25, \"Quantity\": 26"), "Quantity"),
    ] {
        assert_eq!((report.refused_total, refusals(&report)[0].1), (1, column));
        let client = report.refused[0].client.as_ref().and_then(|client| client.id.as_deref());
        assert_eq!(client, Some(TENANT), "{column}");
    }
}
