//! What is billable by what is known last, and what documents show: for proving corrections.

use super::build::*;
use crate::audit::{AuditInput, invoiced, standing};
use crate::records::{LineType, RuleKind};

fn seats(input: &AuditInput) -> Vec<(String, i64)> {
    let found = standing(input).unwrap().into_iter().map(|one| (one.product, one.billable));
    let mut found: Vec<_> = found.collect();
    found.sort();
    found
}

#[test]
fn billable_is_what_stands_on_the_last_entitled_day_whether_it_is_billed_then_or_not() {
    let have = |rows: &[(&str, &str)]| {
        entitlements(rows.iter().map(|(seats, days)| purchased("Contoso", "Seat", seats, days)).collect())
    };
    let lines = |days: &str| billing(vec![billed("Contoso", "Seat", "10", "22.00", days)]);
    let grown = [("12", "2026-01-01..2026-03-10"), ("13", "2026-03-10..")];
    for (rows, days, billable) in [
        // Equal on every day, fewer billed, and billed no longer.
        (&[("10", "2026-01-01..")][..], "2026-01-01..", 10),
        (&[("12", "2026-01-01..")], "2026-01-01..", 12),
        (&[("12", "2026-01-01..")], "2026-01-01..2026-02-01", 12),
        (&grown, "2026-01-01..2026-02-01", 13),
    ] {
        let input = input("2026-01", "2026-03", vec![have(rows), lines(days)]);
        assert_eq!(seats(&input), [("Seat".to_owned(), billable)], "{rows:?} {days}");
    }
    // The steps of the waterfall are taken: 12 less 3, and never below a minimum of 5.
    let mut ruled = input("2026-01", "2026-03", vec![have(&[("12", "2026-01-01..")]), lines("2026-01-01..")]);
    ruled.rules = vec![rule(RuleKind::Allowance, "3", "Contoso", "Seat")];
    assert_eq!(seats(&ruled), [("Seat".to_owned(), 9)]);
    // What nobody has is billable no more, where the source speaks of the client.
    let other = entitlements(vec![purchased("Contoso", "Bolt", "4", "2026-01-01..")]);
    let input = input("2026-01", "2026-03", vec![other, lines("2026-01-01..")]);
    assert_eq!(seats(&input), [("Bolt".to_owned(), 4), ("Seat".to_owned(), 0)]);
}

#[test]
fn a_credit_is_negative_however_it_is_written() {
    let line = |kind: LineType, seats: &str| {
        let mut line = billed("Contoso", "Seat", seats, "22.00", "2026-01-01..2026-02-01");
        (line.line_type, line.invoice) = (kind, Some("CN-1".to_owned()));
        line
    };
    for (kind, seats, minor) in [
        (LineType::Credit, "2", -4_400),
        (LineType::Credit, "-2", -4_400),
        (LineType::OneOff, "-2", -4_400),
        (LineType::OneOff, "2", 4_400),
    ] {
        let input = input("2026-01", "2026-01", vec![billing(vec![line(kind, seats)])]);
        let documents = invoiced(&input).unwrap().documents;
        assert_eq!(documents[0].amount.minor(), Some(minor), "{kind:?} {seats}");
    }
}
