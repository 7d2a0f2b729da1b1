//! Unused seats: what they are measured by, and when each batch of them can be dropped.

use super::build::*;
use crate::audit::{AuditInput, Basis, DropReason, Waste, WasteBatch};
use crate::records::{ProductRef, Term, VendorCharge};

const SEAT: &str = "Microsoft 365 Business Premium";

/// Thirty seats bought, of which some are used, and their charges, as of a day.
fn waste(charges: Vec<VendorCharge>, used: &str, as_of: &str) -> Waste {
    let mut wanted = inputs(charges, used);
    wanted.as_of = day(as_of);
    let mut found = audit(&wanted).waste;
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

fn inputs(charges: Vec<VendorCharge>, used: &str) -> AuditInput {
    let mut row = purchased("Contoso", SEAT, "30", "2026-01-01..");
    row.assigned = Some(dec(used));
    let lines = vec![billed("Contoso", SEAT, "30", "22.00", "2026-01-01..")];
    let mut vendor = cost(charges);
    vendor.format = "microsoft_partner_center_new_commerce".to_owned();
    input("2026-01", "2026-12", vec![entitlements(vec![row]), billing(lines), vendor])
}

/// A charge of a subscription whose term is stated: seats, kind, days, term's days and length.
fn charge(seats: &str, kind: &str, days: &str, term: (&str, Term)) -> VendorCharge {
    let (held, length) = term;
    VendorCharge {
        charge_type: Some(kind.into()),
        quantity: dec(seats),
        unit_price: dec("20.00"),
        subscription_span: (!held.is_empty()).then(|| span(held)),
        term: Some(length),
        ..charged("Contoso", SEAT, seats, &format!("{}.00", dec(seats) * dec("20")), days)
    }
}

const YEAR: (&str, Term) = ("2026-01-01..2027-01-01", Term::Annual);

/// Seats, bought, window's end, droppable from, drop by.
fn dates(batch: &WasteBatch) -> [String; 5] {
    let text = |day: Option<chrono::NaiveDate>| day.map_or_else(|| "-".to_owned(), |day| day.to_string());
    [
        batch.seats.to_string(),
        text(batch.bought_on),
        text(batch.window_ends),
        text(batch.droppable_from),
        text(batch.drop_by),
    ]
}

#[test]
fn seats_go_within_168_hours_of_their_purchase_and_else_at_the_end_of_the_term() {
    use DropReason::{CancellationWindow, MonthlyTerm, Renewal, Unknown};
    let bought = |term| vec![charge("30", "new", "2026-01-01..2026-02-01", term)];
    let month = ("2026-01-01..2026-02-01", Term::Monthly);
    let three = ("2026-01-01..2029-01-01", Term::Triennial);
    let unstated = ("", Term::Annual);
    for (charges, as_of, reason, expected) in [
        (
            bought(YEAR),
            "2026-01-03",
            CancellationWindow,
            ["6", "2026-01-01", "2026-01-07", "2026-01-03", "2026-01-07"],
        ),
        (
            bought(YEAR),
            "2026-01-07",
            CancellationWindow,
            ["6", "2026-01-01", "2026-01-07", "2026-01-07", "2026-01-07"],
        ),
        (bought(YEAR), "2026-01-08", Renewal, ["6", "2026-01-01", "2026-01-07", "2027-01-01", "2026-12-31"]),
        (bought(three), "2026-03-31", Renewal, ["6", "2026-01-01", "2026-01-07", "2029-01-01", "2028-12-31"]),
        (
            bought(month),
            "2026-01-20",
            MonthlyTerm,
            ["6", "2026-01-01", "2026-01-07", "2026-02-01", "2026-01-31"],
        ),
        // The stated month is over: it renewed, and its renewal opened a window.
        (
            bought(month),
            "2026-03-20",
            MonthlyTerm,
            ["6", "2026-03-01", "2026-03-07", "2026-04-01", "2026-03-31"],
        ),
        (
            bought(month),
            "2026-03-05",
            CancellationWindow,
            ["6", "2026-03-01", "2026-03-07", "2026-03-05", "2026-03-07"],
        ),
        // Seats by the month go with the month that is charged, also where a row says "still so".
        (
            vec![charge("30", "regular", "2026-01-15..2026-02-15", ("", Term::Monthly))],
            "2026-02-10",
            MonthlyTerm,
            ["6", "2026-01-15", "2026-01-21", "2026-02-15", "2026-02-14"],
        ),
        (
            vec![charge("30", "regular", "2026-01-15..", ("", Term::Monthly))],
            "2026-04-10",
            MonthlyTerm,
            ["6", "2026-03-15", "2026-03-21", "2026-04-15", "2026-04-14"],
        ),
        // Without a stated term only the window is known.
        (
            bought(unstated),
            "2026-01-05",
            CancellationWindow,
            ["6", "2026-01-01", "2026-01-07", "2026-01-05", "2026-01-07"],
        ),
        (bought(unstated), "2026-01-20", Unknown, ["6", "2026-01-01", "2026-01-07", "-", "-"]),
        // A cycle's fee says nothing of when the seats were bought; its term does.
        (
            vec![charge("30", "cycle_fee", "2026-05-01..2026-06-01", unstated)],
            "2026-05-03",
            Unknown,
            ["6", "-", "-", "-", "-"],
        ),
        // Seats of which no charge tells.
        (vec![], "2026-05-03", Unknown, ["6", "-", "-", "-", "-"]),
    ] {
        let found = waste(charges, "24", as_of);
        let [batch] = found.batches.as_slice() else { panic!("{as_of}: {found:#?}") };
        assert_eq!((batch.reason, dates(batch)), (reason, expected.map(str::to_owned)), "{as_of}");
    }
}

/// 20 seats for a year, 6 more on 10 March, 4 more on 14 March.
fn three_batches() -> Vec<VendorCharge> {
    let plus = |seats: &str, from: &str| charge(seats, "add_quantity", &format!("{from}..2026-04-01"), YEAR);
    let minus = |seats: &str, from: &str| {
        let back = plus(seats, from);
        VendorCharge { amount: -back.amount, ..back }
    };
    vec![
        charge("20", "new", "2026-01-01..2026-02-01", YEAR),
        charge("20", "cycle_fee", "2026-02-01..2026-03-01", YEAR),
        charge("20", "cycle_fee", "2026-03-01..2026-04-01", YEAR),
        minus("20", "2026-03-10"),
        plus("26", "2026-03-10"),
        minus("26", "2026-03-14"),
        plus("30", "2026-03-14"),
    ]
}

#[test]
fn each_increase_has_a_window_of_its_own() {
    let shown = |as_of: &str, used: &str| -> Vec<[String; 5]> {
        waste(three_batches(), used, as_of).batches.iter().map(dates).collect()
    };
    let rows =
        |rows: &[[&str; 5]]| -> Vec<[String; 5]> { rows.iter().map(|row| row.map(str::to_owned)).collect() };
    assert_eq!(
        shown("2026-03-15", "18"),
        rows(&[
            ["6", "2026-03-10", "2026-03-16", "2026-03-15", "2026-03-16"],
            ["4", "2026-03-14", "2026-03-20", "2026-03-15", "2026-03-20"],
            ["2", "2026-01-01", "2026-01-07", "2027-01-01", "2026-12-31"],
        ])
    );
    // Fewer unused seats than can be dropped: those that must go first.
    assert_eq!(
        shown("2026-03-15", "25"),
        rows(&[["5", "2026-03-10", "2026-03-16", "2026-03-15", "2026-03-16"]])
    );
    // The first increase stays now; the second can still go.
    assert_eq!(
        shown("2026-03-18", "24"),
        rows(&[
            ["4", "2026-03-14", "2026-03-20", "2026-03-18", "2026-03-20"],
            ["2", "2026-03-10", "2026-03-16", "2027-01-01", "2026-12-31"],
        ])
    );
    // Seats given back are the newest: what was bought on 14 March is gone again.
    let mut charges = three_batches();
    let back = charge("30", "remove_quantity", "2026-03-16..2026-04-01", YEAR);
    charges.push(VendorCharge { amount: -back.amount, ..back.clone() });
    charges.push(VendorCharge { quantity: dec("26"), amount: dec("520.00"), ..back });
    let dropped = waste(charges, "24", "2026-03-16");
    assert_eq!(dates(&dropped.batches[0]), ["6", "2026-03-10", "2026-03-16", "2026-03-16", "2026-03-16"]);
}

#[test]
fn a_batch_says_what_it_costs_until_then_and_what_is_lost_if_the_day_is_missed() {
    let found = waste(three_batches(), "18", "2026-03-15");
    let money: Vec<[String; 2]> = found
        .batches
        .iter()
        .map(|batch| [batch.cost_until, batch.unrecovered_if_missed].map(|sum| sum.unwrap().to_string()))
        .collect();
    // 6 x 20.00 for 16 March; then for 15 days of March and nine months. And so on.
    assert_eq!(money[0], ["3.87 USD", "1138.06 USD"]);
    assert_eq!(money[1], ["12.90 USD", "748.39 USD"]);
    // At the renewal: for 16 days of March and nine months; then for the whole next year.
    assert_eq!(money[2], ["380.65 USD", "480.00 USD"]);
    assert!(audit(&inputs(vec![], "24")).waste[0].batches[0].cost_until.is_none());
}

#[test]
fn only_new_commerce_seats_have_a_window() {
    for (format, what, sku, window) in [
        ("leakage_cost", "Huntress Managed EDR", None, None),
        ("leakage_cost", "Huntress Managed EDR", Some("CFQ7TTC0LCHC:0002"), Some("2026-01-07")),
        ("leakage_cost", SEAT, None, Some("2026-01-07")),
        ("microsoft_partner_center_new_commerce", "Some Offer", None, Some("2026-01-07")),
        ("microsoft_partner_center_legacy_licenses", SEAT, None, None),
    ] {
        let mut row = purchased("Contoso", what, "30", "2026-01-01..");
        row.assigned = Some(dec("24"));
        row.product = ProductRef { sku: sku.map(str::to_owned), ..(*row.product).clone() }.into();
        let mut own = charge("30", "new", "2026-01-01..2026-02-01", YEAR);
        own.product = row.product.clone();
        let mut vendor = cost(vec![own]);
        vendor.format = format.to_owned();
        let line = billed("Contoso", what, "30", "22.00", "2026-01-01..");
        let mut wanted =
            input("2026-01", "2026-01", vec![entitlements(vec![row]), billing(vec![line]), vendor]);
        wanted.as_of = day("2026-01-03");
        let found = audit(&wanted).waste;
        let batch = &found[0].batches[0];
        assert_eq!(batch.window_ends, window.map(day), "{format} {what} {sku:?}");
        let reason = if window.is_some() { DropReason::CancellationWindow } else { DropReason::Renewal };
        assert_eq!(batch.reason, reason, "{format} {what} {sku:?}");
    }
}

#[test]
fn a_rise_after_days_that_no_charge_tells_of_has_no_known_day() {
    let charges = vec![
        charge("20", "cycle_fee", "2026-01-01..2026-02-01", ("", Term::Annual)),
        charge("30", "cycle_fee", "2026-03-01..2026-04-01", ("", Term::Annual)),
    ];
    let found = waste(charges, "24", "2026-03-02");
    assert_eq!(dates(&found.batches[0]), ["6", "-", "-", "-", "-"]);
}

#[test]
fn an_inactive_seat_is_waste_only_where_activity_is_told() {
    for (assigned, active, measured, unused, unassigned, inactive) in [
        (Some("24"), None, Basis::Assigned, Some("6"), Some("6"), None),
        (Some("24"), Some("20"), Basis::Active, Some("10"), Some("6"), Some("4")),
        (None, Some("20"), Basis::Active, Some("10"), None, None),
        (Some("30"), None, Basis::Assigned, None, None, None),
        (Some("30"), Some("27"), Basis::Active, Some("3"), Some("0"), Some("3")),
        (None, None, Basis::Active, None, None, None),
    ] {
        let mut row = purchased("Contoso", SEAT, "30", "2026-01-01..");
        (row.assigned, row.active) = (assigned.map(dec), active.map(dec));
        let lines = vec![billed("Contoso", SEAT, "30", "22.00", "2026-01-01..")];
        let document = audit(&input("2026-01", "2026-01", vec![entitlements(vec![row]), billing(lines)]));
        let found = document.waste.first();
        assert_eq!(found.map(|waste| waste.seats), unused.map(dec), "{assigned:?} {active:?}");
        let Some(found) = found else { continue };
        assert_eq!(found.measured_by, measured);
        assert_eq!((found.unassigned, found.inactive), (unassigned.map(dec), inactive.map(dec)));
        assert!(document.totals.is_empty(), "waste is no leakage");
    }
}

#[test]
fn a_document_of_before_there_were_batches_is_still_read() {
    let mut old = serde_json::to_value(waste(three_batches(), "24", "2026-03-15")).unwrap();
    for field in ["batches", "unassigned", "inactive"] {
        old.as_object_mut().unwrap().remove(field);
    }
    let read: Waste = serde_json::from_value(old).unwrap();
    assert!(read.batches.is_empty());
}
