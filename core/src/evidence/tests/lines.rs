//! What a bundle says of lines: of their own seats, months and ledger, and not of the gap alone.

use super::*;
use crate::correction::finding::{Line, OnInvoice};
use crate::correction::ledger::{Bucket, Cause};
use crate::correction::quantity::{Place, Quantity};
use crate::evidence::renderer::Material;
use crate::evidence::report::Report;
use crate::evidence::report_pdf::report_of;
use rust_decimal::Decimal;
use serde_json::Value;

/// The example, whose first gap was reopened: the invoice of December bills 21 of 22 seats. Of its February one seat
/// is not there after all, and its March is too old.
fn reopened() -> Facts {
    let mut facts = facts();
    let correction = &mut facts.correction;
    let line = Line {
        number: 4,
        billed: 21,
        agreed: 22,
        forward: 2200,
        invoice: Some(OnInvoice {
            on: "2026-12-01".parse().unwrap(),
            billed: 21,
            billable: 22,
            import: "sha256:december".to_owned(),
        }),
        ..correction.lines[0].clone()
    };
    correction.lines.push(line);
    let note = crate::correction::ledger::Note {
        cause: Cause::Reopened,
        ..correction.ledger.entries()[0].note.clone()
    };
    let at = |month: &str, line| Place { month: month.parse().unwrap(), line };
    let mut post = |place, days, minor, bucket| {
        let cells = [(place, Quantity::new(days, minor))].into();
        correction.ledger.post(&cells, bucket, &note).unwrap();
    };
    post(at("2026-12", 4), 31, 2200, Bucket::Found);
    post(at("2026-02", 2), 28, 2200, Bucket::Withdrawn);
    post(at("2026-03", 2), 62, 4400, Bucket::TimeBarred);
    facts
}

fn report(facts: &Facts) -> Report {
    report_of(&Material { facts, key: TestSeal::of(1).public_key() }).unwrap()
}

#[test]
fn a_reopened_line_is_shown_with_its_own_month_and_seats() {
    let bundle = bundle_of(reopened());
    assert_eq!(checked(&bundle).first_failure(), None);
    let table = text(&bundle, "gaps.csv");
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 1 + 24 + 1 + 1, "24 months, one of them in two parts, and December");
    for row in [
        "1,gap-0001,Microsoft 365 Business Premium,SPB,under,under_billed,2026-02,22,20,2.000000,44.00,USD,claimed,false,false",
        "2,gap-0002,Product 2,SPB,under,under_billed,2026-02,22,20,1.000000,22.00,USD,claimed,false,false",
        "2,gap-0002,Product 2,SPB,under,under_billed,2026-02,22,20,1.000000,22.00,USD,withdrawn,false,false",
        "2,gap-0002,Product 2,SPB,under,under_billed,2026-03,22,20,2.000000,44.00,USD,time_barred,false,false",
        "4,gap-0001,Microsoft 365 Business Premium,SPB,under,under_billed,2026-12,22,21,1.000000,22.00,USD,claimed,false,false",
    ] {
        assert!(rows.contains(&row), "{row}\n{table}");
    }
    let audit: Value = serde_json::from_str(&text(&bundle, "audit.json")).unwrap();
    assert_eq!(audit["gaps"].as_array().unwrap().len(), 3, "a finding stands once");
    let line = audit["lines"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&line["line"], &line["month"], &line["amount"]),
        (&4.into(), &"2026-12".into(), &"22.00".into())
    );
}

#[test]
fn the_report_counts_the_seats_of_a_gap_once_and_the_money_of_all_its_lines() {
    let report = report(&logged(reopened()));
    let gap = |at: usize| &report.gaps[at];
    assert_eq!(report.gaps.len(), 4);
    assert_eq!((gap(0).seats, gap(0).superseded), (Decimal::TWO, true));
    assert_eq!((gap(3).seats, gap(3).superseded), (Decimal::ONE, false));
    assert_eq!(gap(3).amount.unwrap().to_string(), "22.00 USD");
    assert_eq!(gap(3).months[0].note.as_deref(), Some("the invoice of 1 December 2026"));
    assert_eq!(
        (gap(1).seat_months.to_string(), gap(1).amount.unwrap().to_string()),
        ("13.000000".to_owned(), "286.00 USD".to_owned())
    );
    assert_eq!(gap(1).time_barred.unwrap().1.to_string(), "44.00 USD");
    // Found, less what is not there and what is too old: what all the lines claim.
    let claimed: Decimal = report.gaps.iter().filter_map(|gap| gap.amount).map(|amount| amount.amount).sum();
    let balance = reopened().correction.ledger.balance();
    let expected = balance.found - balance.withdrawn - balance.time_barred;
    assert_eq!(claimed, Decimal::new(expected.minor, 2));
    assert_eq!(report.months.unwrap().1.to_string(), "2026-12");
}

#[test]
fn lines_that_no_audit_found_make_a_whole_bundle() {
    let mut facts = reopened();
    facts.gaps.clear();
    facts.months.clear();
    facts.correction.lines.retain(|line| line.number == 4);
    let entries = facts.correction.ledger.entries().iter().filter(|entry| entry.place.line == 4).cloned();
    let entries = entries.map(|entry| crate::correction::ledger::Entry { seq: 1, ..entry }).collect();
    facts.correction.ledger = crate::correction::ledger::Ledger::of(entries).unwrap();
    let report = report(&logged(facts.clone()));
    assert_eq!((report.gaps[0].kind.as_str(), report.gaps.len()), ("billed less than provisioned", 1));
    let bundle = bundle_of(facts);
    assert_eq!(checked(&bundle).first_failure(), None);
    assert!(text(&bundle, "gaps.csv").contains("\n4,gap-0001,"), "the line is in the table");
}

#[test]
fn lines_that_are_not_what_the_ledger_has_are_named() {
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut files = unpacked(&bundle_of(reopened()));
        let own = file(&mut files, "audit.json");
        let mut audit: Value = serde_json::from_slice(own).unwrap();
        change(&mut audit["lines"]);
        *own = crate::digest::canonical(&audit).unwrap().0.into_bytes();
        let lines: Vec<crate::evidence::line_months::LineMonth> =
            serde_json::from_value(audit["lines"].clone()).unwrap();
        let mut table = vec![crate::evidence::gaps_csv::COLUMNS.join(",")];
        table.extend(lines.iter().map(|line| crate::evidence::gaps_csv::row(line).join(",")));
        *file(&mut files, "gaps.csv") = (table.join("\n") + "\n").into_bytes();
        let verification = checked(&resealed(files, |_| ()));
        verification.first_failure().map(|check| check.says.clone()).unwrap_or_default()
    };
    let last = |lines: &mut Value| lines.as_array().unwrap().len() - 1;
    let says = changed(&|lines| {
        let last = last(lines);
        lines[last]["amount"] = "44.00".into();
    });
    assert_eq!(says, "audit.json: 2026-12 of line 4 is not what the ledger in correction.json has.");
    let says = changed(&|lines| {
        lines.as_array_mut().unwrap().pop();
    });
    assert_eq!(says, "audit.json lacks 2026-12 of line 4, which the ledger in correction.json has.");
    let says = changed(&|lines| {
        let again = lines[0].clone();
        lines.as_array_mut().unwrap().push(again);
    });
    assert_eq!(says, "audit.json: 2026-02 of line 1 is not what the ledger in correction.json has.");
}
