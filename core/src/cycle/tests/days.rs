//! Days of a schedule, what files tell, where a client stands.

use super::super::{
    Cycle, Expected, GapChange, GapState, Imported, Schedule, Status, Told, changes, missing, share, status,
    told,
};
use super::{day, names, schedule};
use crate::period::Span;
use crate::records::Side;
use serde_json::json;

fn cycle(json: serde_json::Value, month: &str) -> Cycle {
    schedule(json).cycle(month.parse().unwrap())
}

#[test]
fn a_cycle_has_the_days_that_its_schedule_says() {
    let table = [
        // schedule, month, opens on, due, invoice
        (json!({"invoice_day": 5}), "2026-11", "2026-11-23", "2026-12-03", "2026-12-05"),
        (
            json!({"invoice_day": 1, "due_days_before": 4}),
            "2026-11",
            "2026-11-20",
            "2026-11-27",
            "2026-12-01",
        ),
        // The last day of a shorter month.
        (json!({"invoice_day": 31}), "2026-01", "2026-01-24", "2026-02-26", "2026-02-28"),
        (json!({"invoice_day": 29}), "2028-01", "2028-01-24", "2028-02-27", "2028-02-29"),
        (json!({"invoice_day": 31}), "2026-12", "2026-12-24", "2027-01-29", "2027-01-31"),
        // Of its own month, and never due before that month begins.
        (
            json!({"invoice_day": 15, "invoiced": "advance"}),
            "2026-11",
            "2026-11-06",
            "2026-11-13",
            "2026-11-15",
        ),
        (
            json!({"invoice_day": 3, "invoiced": "advance", "due_days_before": 5}),
            "2026-11",
            "2026-11-01",
            "2026-11-01",
            "2026-11-03",
        ),
        (json!({"invoice_day": 5, "fresh_days": 0}), "2026-11", "2026-11-30", "2026-12-03", "2026-12-05"),
        (json!({"invoice_day": 5, "fresh_days": 31}), "2026-11", "2026-11-01", "2026-12-03", "2026-12-05"),
    ];
    for (text, month, opens_on, due, invoice) in table {
        let cycle = cycle(text.clone(), month);
        let found = [cycle.opens_on, cycle.due_date, cycle.invoice_date];
        assert_eq!(found, [day(opens_on), day(due), day(invoice)], "{text} {month}");
    }
}

#[test]
fn a_day_is_in_the_cycle_of_the_next_invoice() {
    let table = [
        (json!({"invoice_day": 5}), "2026-11-22", "2026-11"),
        (json!({"invoice_day": 5}), "2026-12-05", "2026-11"),
        (json!({"invoice_day": 5}), "2026-12-06", "2026-12"),
        (json!({"invoice_day": 31}), "2026-02-28", "2026-01"),
        (json!({"invoice_day": 31}), "2026-03-01", "2026-02"),
        (json!({"invoice_day": 15, "invoiced": "advance"}), "2026-11-15", "2026-11"),
        (json!({"invoice_day": 15, "invoiced": "advance"}), "2026-11-16", "2026-12"),
    ];
    for (text, today, month) in table {
        assert_eq!(schedule(text.clone()).current(day(today)).month.to_string(), month, "{text} {today}");
    }
}

#[test]
fn schedules_that_cannot_be_are_refused_where_they_are_wrong() {
    let both = json!([{"side": "billing"}, {"side": "cost"}]);
    let table = [
        (json!({"invoice_day": 0}), "/invoice_day"),
        (json!({"invoice_day": 32}), "/invoice_day"),
        (json!({"invoice_day": 5, "due_days_before": 28}), "/due_days_before"),
        (json!({"invoice_day": 5, "fresh_days": 32}), "/fresh_days"),
        (json!({"invoice_day": 5, "expected": []}), "/expected"),
        (json!({"invoice_day": 5, "expected": [{"side": "billing"}]}), "/expected"),
        (json!({"invoice_day": 5, "expected": [{"side": "cost"}, {"side": "entitlement"}]}), "/expected"),
        (json!({"invoice_day": 5, "expected": [{"side": "activity"}]}), "/expected/0/side"),
        (
            json!({"invoice_day": 5, "expected": [{"side": "billing", "source": "Conn Wise"}]}),
            "/expected/0/source",
        ),
        (json!({"invoice_day": 5, "expected": [{"side": "cost"}, {"side": "cost"}]}), "/expected/1"),
        (json!({"invoice_day": 5, "remind_days_before": [61]}), "/remind_days_before/0"),
        (json!({"invoice_day": 5, "remind_days_before": [3, 3]}), "/remind_days_before/1"),
        (json!({"invoice_day": 5, "remind_days_overdue": [0]}), "/remind_days_overdue/0"),
    ];
    for (text, pointer) in table {
        let schedule: Schedule = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(schedule.check().unwrap_err().pointer, pointer, "{text}");
    }
    schedule(json!({"invoice_day": 31, "expected": both}));
    assert!(serde_json::from_value::<Schedule>(json!({"invoice_day": 5, "remind": 3})).is_err());
    assert!(!Schedule::unset().enabled && Schedule::unset().check().is_ok());
}

fn span(from: &str, until: &str) -> Span {
    Span { from: day(from), until: (!until.is_empty()).then(|| day(until)) }
}

#[test]
fn a_file_tells_of_the_days_that_it_can_have_known() {
    type Row<'a> = (&'a str, &'a [&'a str], &'a [Span], Option<Span>, &'a str);

    let learned = day("2026-11-20");
    let table: [Row<'_>; 8] = [
        ("a snapshot, up to its day", &["2026-11-18"], &[], None, "2026-11-18"),
        ("an open row, up to the upload", &[], &[span("2026-02-01", "")], None, "2026-11-20"),
        ("an invoice in advance, its month", &[], &[span("2026-12-01", "2027-01-01")], None, "2026-12-31"),
        ("an invoice of the past, its days", &[], &[span("2026-10-01", "2026-11-01")], None, "2026-10-31"),
        (
            "a year that is paid, up to the upload",
            &[],
            &[span("2026-03-01", "2027-03-01")],
            None,
            "2026-11-20",
        ),
        ("a year in advance, its first month", &[], &[span("2026-12-01", "2027-12-01")], None, "2026-12-31"),
        (
            "what a file states of itself",
            &[],
            &[span("2026-03-01", "")],
            Some(span("2026-10-01", "2026-11-01")),
            "2026-10-31",
        ),
        (
            "the row that goes furthest",
            &[],
            &[span("2026-10-01", "2026-11-01"), span("2026-11-01", "2026-12-01")],
            None,
            "2026-11-30",
        ),
    ];
    for (what, snapshots, spans, stated, through) in table {
        let snapshots: Vec<_> = snapshots.iter().map(|text| day(text)).collect();
        assert_eq!(told(&snapshots, spans, learned, stated).unwrap().through, day(through), "{what}");
    }
    assert_eq!(told(&[], &[], learned, None), None);
    assert_eq!(told(&[], &[span("2026-11-02", "2026-11-02")], learned, None), None, "no day, no word");
}

fn imported(side: Side, source: &str, from: &str, through: &str) -> Imported {
    let from = (!from.is_empty()).then(|| day(from));
    Imported { side, source: source.to_owned(), told: Told { from, until: None, through: day(through) } }
}

#[test]
fn what_is_missing_follows_from_what_the_files_tell() {
    let open = json!({"invoice_day": 5});
    let named = json!({"invoice_day": 5, "expected": [
        {"side": "entitlement", "source": "leakage_template"}, {"side": "billing", "source": "halopsa_invoices"}]});
    let fresh = imported(Side::Entitlement, "leakage_entitlements", "", "2026-11-23");
    let stale = imported(Side::Entitlement, "leakage_entitlements", "", "2026-11-22");
    let billed = imported(Side::Billing, "halopsa_invoices", "2026-11-01", "2026-11-30");
    let later = imported(Side::Billing, "halopsa_invoices", "2026-12-01", "2026-12-31");
    let other = imported(Side::Billing, "xero_invoices", "2026-11-01", "2026-11-30");
    let table: [(&serde_json::Value, Vec<&Imported>, &[&str]); 7] = [
        (&open, vec![], &["entitlement", "billing"]),
        (&open, vec![&fresh], &["billing"]),
        (&open, vec![&fresh, &billed], &[]),
        (&open, vec![&stale, &billed], &["entitlement"]),
        (&open, vec![&fresh, &later], &["billing"]),
        (&named, vec![&fresh, &billed], &[]),
        (&named, vec![&fresh, &other], &["billing"]),
    ];
    for (text, files, expected) in table {
        let schedule = schedule(text.clone());
        let files: Vec<Imported> = files.into_iter().cloned().collect();
        let cycle = schedule.cycle("2026-11".parse().unwrap());
        assert_eq!(names(&missing(&schedule, &cycle, &files)), expected, "{text} {files:?}");
    }
}

#[test]
fn a_client_stands_where_the_day_and_its_imports_put_it() {
    // Opens on 23 November, due on 3 December, invoiced on 5 December.
    let cycle = cycle(json!({"invoice_day": 5}), "2026-11");
    let table = [
        ("2026-11-22", false, None, Status::Waiting),
        ("2026-11-23", false, None, Status::Due),
        ("2026-12-03", false, None, Status::Due),
        ("2026-12-04", false, None, Status::Overdue),
        ("2027-03-01", false, None, Status::Overdue),
        ("2026-11-22", true, None, Status::Ready),
        ("2026-12-04", true, None, Status::Ready),
        ("2026-12-05", true, None, Status::Late),
        ("2026-12-04", true, Some("2026-12-04"), Status::Audited),
        ("2027-03-01", true, Some("2026-12-04"), Status::Audited),
        ("2027-03-01", true, Some("2026-12-05"), Status::Late),
        // What an audit saw was withdrawn since.
        ("2026-12-04", false, Some("2026-12-04"), Status::Overdue),
    ];
    for (today, complete, audited_on, expected) in table {
        let found = status(&cycle, day(today), complete, audited_on.map(day));
        assert_eq!(found, expected, "{today} {complete} {audited_on:?}");
    }
}

#[test]
fn a_file_concerns_the_months_that_it_speaks_of() {
    let cycle = cycle(json!({"invoice_day": 5}), "2026-11");
    let of = |from: &str, until: &str| {
        let told = Told {
            from: (!from.is_empty()).then(|| day(from)),
            until: (!until.is_empty()).then(|| day(until)),
            through: day("2026-11-30"),
        };
        Imported { side: Side::Billing, source: String::new(), told }.concerns(&cycle)
    };
    assert!(of("", "") && of("2026-11-30", "") && of("2026-01-01", "2026-11-02"));
    assert!(!of("2026-12-01", "") && !of("2026-10-01", "2026-11-01"));
}

#[test]
fn a_gap_is_announced_when_it_comes_goes_and_comes_back() {
    use GapChange::{Closed, Found, Recurred};
    type Row = (Option<GapState>, bool, bool, &'static [GapChange], Option<GapState>);
    let table: [Row; 9] = [
        (None, true, true, &[Found], Some(GapState::Open)),
        (Some(GapState::Open), true, true, &[], Some(GapState::Open)),
        (Some(GapState::Open), false, true, &[Closed], Some(GapState::Closed)),
        (Some(GapState::Closed), false, true, &[], Some(GapState::Closed)),
        (Some(GapState::Closed), true, true, &[Recurred], Some(GapState::Open)),
        (None, false, true, &[], None),
        // An older month, audited again.
        (None, true, false, &[Found, Closed], Some(GapState::Closed)),
        (Some(GapState::Open), false, false, &[], Some(GapState::Open)),
        (Some(GapState::Closed), true, false, &[], Some(GapState::Closed)),
    ];
    for (known, seen, latest, expected, then) in table {
        assert_eq!(changes(known, seen, latest), (expected.to_vec(), then), "{known:?} {seen} {latest}");
    }
}

#[test]
fn a_share_has_four_decimals() {
    let text = |part, whole| share(part, whole).map(|share| share.to_string());
    assert_eq!(text(2, 3).as_deref(), Some("0.6667"));
    assert_eq!((text(4, 4).as_deref(), text(0, 4).as_deref()), (Some("1.0000"), Some("0.0000")));
    assert_eq!(text(0, 0), None);
}

#[test]
fn an_expected_import_without_a_source_may_leave_it_out() {
    let expected: Expected = serde_json::from_value(json!({"side": "billing"})).unwrap();
    assert_eq!(expected, Expected { side: Side::Billing, source: None });
}
