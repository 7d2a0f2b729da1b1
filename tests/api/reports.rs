//! Reports: each figure adds up with the gaps that it comes from.

use leakage_tests::{Org, TestApp, assert_problem, send};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const ENTITLED: &str = "client,product,purchased,from,until\n";
const BILLED: &str = "client,product,quantity,unit_price,currency,from,until\n";

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value:#}"))
}

/// A decimal's digits as a number: `352.00` is 35200.
fn digits(value: &str) -> i64 {
    value.replace('.', "").parse().unwrap()
}

/// Seat-months in millionths, and cents.
fn figures(sum: &Value) -> (i64, i64) {
    let cents = sum["amount"]["amount"].as_str().map_or(0, digits);
    (digits(text(&sum["seat_months"])), cents)
}

/// Direction and currency.
type Place = (String, String);
type Sums = BTreeMap<Place, BTreeMap<&'static str, (i64, i64)>>;

fn place(direction: &Value, currency: &Value) -> Place {
    (text(direction).to_owned(), text(currency).to_owned())
}

fn add(sums: &mut Sums, place: Place, name: &'static str, (seats, cents): (i64, i64)) {
    let sum = sums.entry(place).or_default().entry(name).or_default();
    sum.0 += seats;
    sum.1 += cents;
}

/// What gaps accumulated, as the list of gaps tells it; only those that pass.
async fn of_gaps(org: &Org<'_>, wanted: impl Fn(&Value) -> bool) -> Sums {
    let mut sums = Sums::new();
    let mut path = "/v1/gaps?limit=3".to_owned();
    loop {
        let page = org.read(&path).await;
        for gap in page["data"].as_array().unwrap().iter().filter(|gap| wanted(gap)) {
            let place = place(&gap["latest"]["direction"], &gap["latest"]["amount"]["currency"]);
            let known = &gap["figures"];
            add(&mut sums, place.clone(), "leakage", figures(&known["accumulated"]));
            add(&mut sums, place.clone(), "time_barred", figures(&known["time_barred"]));
            add(&mut sums, place, "provisional", figures(&known["provisional"]));
        }
        let Some(cursor) = page["next_cursor"].as_str() else { return sums };
        path = format!("/v1/gaps?limit=3&cursor={cursor}");
    }
}

fn of_rows(rows: &Value) -> Sums {
    let mut sums = Sums::new();
    for row in rows.as_array().unwrap() {
        for name in ["leakage", "time_barred", "provisional"] {
            add(&mut sums, place(&row["direction"], &row["currency"]), name, figures(&row[name]));
        }
    }
    sums
}

/// Money is the same to the cent; seat-months were rounded in each row that is added here.
#[track_caller]
fn assert_adds_up(report: &Sums, gaps: &Sums, name: &str) {
    assert_eq!(report.keys().collect::<Vec<_>>(), gaps.keys().collect::<Vec<_>>(), "{name}");
    for (place, sums) in report {
        for (kind, (seats, cents)) in sums {
            let (expected_seats, expected_cents) = gaps[place][kind];
            assert_eq!(*cents, expected_cents, "{name} {place:?} {kind}");
            assert!(
                (seats - expected_seats).abs() <= 40,
                "{name} {place:?} {kind}: {seats} {expected_seats}"
            );
        }
    }
}

/// Five clients, two currencies, both directions, a limit, a month that is not over, steps inside months.
async fn busy_org(app: &TestApp) -> Org<'_> {
    let entitlements = format!(
        "{ENTITLED}Contoso,Seat,40,2026-02-01,2026-02-10\nContoso,Seat,43,2026-02-10,2026-04-16\n\
         Contoso,Seat,46,2026-04-16,\nContoso,Vault,5,2026-02-01,\nFabrikam,Seat,47,2026-02-01,\n\
         =Adatum,Seat,12,2026-02-01,\nNorthwind,Seat,8,2026-02-01,\nTailspin,Seat,7,2026-02-01,\n"
    );
    let bills = |months: std::ops::RangeInclusive<u32>| -> String {
        let month = |month: u32| {
            let days = format!("2026-{month:02}-01,2026-{:02}-01", month + 1);
            let northwind = if month < 6 { 6 } else { 8 };
            format!(
                "Contoso,Seat,40,22.00,USD,{days}\nContoso,Vault,9,3.10,USD,{days}\nFabrikam,Seat,50,11.70,EUR,{days}\n\
                 =Adatum,Seat,10,7.77,USD,{days}\nNorthwind,Seat,{northwind},9.99,EUR,{days}\nTailspin,Seat,7,5.00,USD,{days}\n"
            )
        };
        months.map(month).collect()
    };
    let org = app.audited_org(&entitlements, &format!("{BILLED}{}", bills(2..=11))).await;
    let rules = "kind,value,from,reason,owner,client,product\n\
        back_billing_months,6,2020-01-01,Contract 4.2,Dana,Contoso,\n";
    org.import_whole("rules.csv", rules, "").await;
    org.audit(json!({"from": "2026-02", "to": "2026-06"})).await;
    app.clock.advance(chrono::TimeDelta::seconds(10));
    org.audit(json!({"from": "2026-02", "to": "2026-11"})).await;
    let gaps = org.read("/v1/gaps").await;
    let adatum =
        gaps["data"].as_array().unwrap().iter().find(|gap| gap["latest"]["client"] == "=Adatum").unwrap();
    let change = json!({"root_cause": "late_provisioning_notice", "note": "The ticket came in March."});
    let path = format!("/v1/gaps/{}", text(&adatum["id"]));
    let request = org.owner.caller.patch(&path).header("If-Match", "\"v1\"").json(&change);
    assert_eq!(send(request).await.0, 200);
    org
}

#[tokio::test]
async fn every_report_adds_up_with_the_gaps_it_comes_from() {
    let app = TestApp::start().await;
    let org = busy_org(&app).await;
    let gaps = of_gaps(&org, |_| true).await;
    let places: Vec<_> = gaps.keys().map(|(direction, currency)| format!("{direction} {currency}")).collect();
    assert_eq!(places, ["over EUR", "over USD", "under EUR", "under USD"]);
    let under = &gaps[&("under".to_owned(), "USD".to_owned())];
    assert!(under["time_barred"].1 > 0 && under["provisional"].1 > 0, "{under:?}");
    for by in ["month", "client", "product", "root_cause"] {
        let report = org.read(&format!("/v1/reports/leakage?by={by}")).await;
        assert_eq!(report["by"], by);
        assert_adds_up(&of_rows(&report["rows"]), &gaps, by);
        assert_adds_up(&of_rows(&report["totals"]), &gaps, &format!("totals by {by}"));
        let named: BTreeSet<&str> =
            report["rows"].as_array().unwrap().iter().map(|row| text(&row[by])).collect();
        let expected = match by {
            "month" => 10,
            "client" => 4,
            _ => 2,
        };
        assert_eq!(named.len(), expected, "{by}: {named:?}");
    }
    let open = of_gaps(&org, |gap| gap["figures"]["status"] == "open").await;
    let ageing = org.read("/v1/reports/ageing").await;
    let mut aged = BTreeMap::new();
    for row in ageing["rows"].as_array().unwrap() {
        let (seats, cents) = figures(&row["accumulated"]);
        let sum: &mut (i64, i64, i64) = aged.entry(place(&row["direction"], &row["currency"])).or_default();
        *sum = (sum.0 + seats, sum.1 + cents, sum.2 + row["gaps"].as_i64().unwrap());
    }
    assert_eq!(aged.keys().collect::<Vec<_>>(), open.keys().collect::<Vec<_>>());
    for (place, (_, cents, _)) in &aged {
        assert_eq!(*cents, open[place]["leakage"].1, "{place:?}");
    }
    // Northwind was put right in June: it is in the sums of leakage, and no open gap.
    assert_eq!(aged.values().map(|sum| sum.2).sum::<i64>(), 4);
}

#[tokio::test]
async fn months_of_reports_add_up_with_the_months_of_histories() {
    let app = TestApp::start().await;
    let org = busy_org(&app).await;
    let gaps = org.read("/v1/gaps?currency=USD&direction=under").await;
    let mut months: BTreeMap<String, i64> = BTreeMap::new();
    for gap in gaps["data"].as_array().unwrap() {
        let history = org.read(&format!("/v1/gaps/{}/history", text(&gap["id"]))).await;
        for month in history["months"].as_array().unwrap().iter().filter(|month| month["status"] == "gap") {
            *months.entry(text(&month["month"]).to_owned()).or_default() +=
                digits(text(&month["amount"]["amount"]));
        }
    }
    let report = org.read("/v1/reports/leakage?by=month&currency=USD").await;
    let mut reported: BTreeMap<String, i64> = BTreeMap::new();
    for row in report["rows"].as_array().unwrap().iter().filter(|row| row["direction"] == "under") {
        let cents = figures(&row["leakage"]).1 + figures(&row["provisional"]).1;
        reported.insert(text(&row["month"]).to_owned(), cents);
    }
    assert_eq!(reported, months);
    // The month that is not over is apart.
    let november = org.read("/v1/reports/leakage?from=2026-11&currency=USD").await;
    for row in november["rows"].as_array().unwrap() {
        assert_eq!(figures(&row["leakage"]), (0, 0), "{row:#}");
        assert!(figures(&row["provisional"]).1 > 0, "{row:#}");
    }
    // A range holds the months between, both included.
    let spring = org.read("/v1/reports/leakage?by=client&from=2026-03&to=2026-05&currency=USD").await;
    let sum: i64 = spring["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["direction"] == "under")
        .map(|row| figures(&row["leakage"]).1)
        .sum();
    assert_eq!(sum, months["2026-03"] + months["2026-04"] + months["2026-05"]);
    let client = &gaps["data"][0]["client_id"];
    let one = org.read(&format!("/v1/reports/leakage?by=client&client_id={}", text(client))).await;
    assert!(one["rows"].as_array().unwrap().iter().all(|row| row["client_id"] == *client), "{one:#}");
}

#[tokio::test]
async fn reports_are_sheets_for_those_who_ask_and_no_cell_is_a_formula() {
    let app = TestApp::start().await;
    let org = busy_org(&app).await;
    let get = async |path: &str, accept: &str| {
        let response = org.owner.caller.get(path).header("Accept", accept).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (kind, response.text().await.unwrap())
    };
    for (path, accept, csv) in [
        ("/v1/reports/leakage", "application/json", false),
        ("/v1/reports/leakage", "*/*", false),
        ("/v1/reports/leakage", "text/csv", true),
        ("/v1/reports/leakage?format=csv", "application/json", true),
        ("/v1/reports/leakage?format=json", "text/csv", false),
        ("/v1/reports/leakage", "application/json;q=0.5, text/csv", true),
        ("/v1/reports/ageing", "text/csv", true),
        ("/v1/reports/clean-streaks", "text/csv", true),
        ("/v1/reports/same-cycle", "text/csv", true),
    ] {
        let (kind, body) = get(path, accept).await;
        assert_eq!(kind.starts_with("text/csv"), csv, "{path} {accept}: {kind}");
        assert_eq!(serde_json::from_str::<Value>(&body).is_err(), csv, "{body}");
    }
    let (_, sheet) = get("/v1/reports/leakage?by=client&format=csv", "*/*").await;
    assert!(sheet.starts_with("client_id,client,direction,currency,gaps,seat_months,amount,"), "{sheet}");
    assert!(sheet.contains(",'=Adatum,under,USD,1,"), "{sheet}");
    let report = org.read("/v1/reports/leakage?by=client").await;
    let cents: i64 = sheet.lines().skip(1).map(|line| digits(line.split(',').nth(6).unwrap())).sum();
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(cents, rows.iter().map(|row| figures(&row["leakage"]).1).sum::<i64>());
    for bad in ["format=xml", "from=2026-05&to=2026-04", "from=May", "currency=Euro", "by=weather"] {
        let answer = send(org.owner.caller.get(&format!("/v1/reports/leakage?{bad}"))).await;
        assert_problem(&answer, 400, "unreadable_request");
    }
}

#[tokio::test]
async fn a_streak_counts_clean_months_and_lists_those_that_are_not_known() {
    let app = TestApp::start().await;
    let org = busy_org(&app).await;
    let row = async |client: &str, query: &str| {
        let report = org.read(&format!("/v1/reports/clean-streaks?{query}")).await;
        let rows = report["rows"].as_array().unwrap();
        rows.iter().find(|row| row["client"] == client).unwrap_or_else(|| panic!("{report:#}")).clone()
    };
    // Today is in November: the last closed month is October.
    let northwind = row("Northwind", "").await;
    assert_eq!(
        (&northwind["months"], &northwind["since"], &northwind["broken_by"]),
        (&json!(5), &json!("2026-06"), &json!("2026-05"))
    );
    let tailspin = row("Tailspin", "").await;
    assert_eq!((&tailspin["months"], &tailspin["broken_by"]), (&json!(9), &Value::Null));
    assert_eq!(row("Contoso", "").await["months"], 0);
    assert_eq!(row("Northwind", "to=2026-08").await["months"], 3);
    assert_eq!(row("Northwind", "currency=USD").await["months"], 9);
    // A product that waits for a person makes its months unknown, not clean and not an end.
    app.clock.advance(chrono::TimeDelta::seconds(10));
    org.import_whole("more.csv", format!("{BILLED}Tailspin,Halves,1.5,5.00,USD,2026-02-01,2026-11-01\n"), "")
        .await;
    org.audit(json!({"from": "2026-08", "to": "2026-10"})).await;
    let tailspin = row("Tailspin", "").await;
    assert_eq!(tailspin["months"], 6, "{tailspin:#}");
    assert_eq!(tailspin["not_known"][0], json!({"month": "2026-10", "reason": "products_not_compared"}));
    assert_eq!(tailspin["not_known"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn gaps_are_caught_when_seen_before_the_end_of_the_next_month() {
    let app = TestApp::start().await;
    // Today is 22 November 2026: a gap that began in October is caught, one of September is not.
    let org = app
        .audited_org(
            &format!("{ENTITLED}Early,Seat,5,2026-09-01,\nLate,Seat,5,2026-09-01,2026-10-01\nLate,Seat,6,2026-10-01,\n"),
            &format!("{BILLED}Early,Seat,4,9.00,USD,2026-09-01,2026-11-01\nLate,Seat,5,9.00,USD,2026-09-01,2026-11-01\n"),
        )
        .await;
    org.audit(json!({"from": "2026-09", "to": "2026-10"})).await;
    let report = org.read("/v1/reports/same-cycle").await;
    let rows: Vec<(&str, i64, &str)> = report["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (text(&row["began"]), row["caught"].as_i64().unwrap(), text(&row["share"])))
        .collect();
    assert_eq!(rows, [("2026-09", 0, "0.0000"), ("2026-10", 1, "1.0000")]);
    assert_eq!(report["totals"][0]["share"], "0.5000", "{report:#}");
    assert_eq!(org.read("/v1/reports/same-cycle?from=2026-10").await["totals"][0]["gaps"], 1);
}
