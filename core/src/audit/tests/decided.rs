//! What the organization decides: rules said twice, policies with their days, seats shared over billing
//! entities.

use super::build::*;
use crate::audit::{AuditInput, explain};
use crate::records::{Rule, RuleKind};

const SUITE: &str = "Suite";

/// Ten seats, six billed at ten dollars, all year.
fn ten_of_six() -> AuditInput {
    let seats = entitlements(vec![purchased("Contoso", SUITE, "10", "2026-01-01..")]);
    let bills = billing(vec![billed("Contoso", SUITE, "6", "10.00", "2026-01-01..")]);
    input("2026-01", "2026-02", vec![seats, bills])
}

fn spare() -> Rule {
    Rule { reason: "Spare laptop".to_owned(), ..rule(RuleKind::Exclude, "1", "Contoso", SUITE) }
}

#[test]
fn a_rule_said_twice_counts_once_whoever_answers_for_it() {
    let mut input = ten_of_six();
    let again = Rule {
        reason: "spare  laptop".to_owned(),
        owner: "Kim".to_owned(),
        review_date: Some(day("2027-01-01")),
        ..rule(RuleKind::Exclude, "1.0", "CONTOSO", SUITE)
    };
    input.rules = vec![spare(), again];
    let document = audit(&input);
    assert_eq!(only(&document).seats, dec("3"));
    let explained = explain(&input, &only(&document).id).unwrap().unwrap();
    assert_eq!(explained.rules.len(), 1);
}

#[test]
fn another_reason_value_or_day_makes_another_rule() {
    for (other, seats) in [
        (Rule { reason: "Not for resale".to_owned(), ..spare() }, "2"),
        (Rule { value: rule(RuleKind::Exclude, "2", "", "").value, ..spare() }, "1"),
        (Rule { span: span("2021-01-01.."), ..spare() }, "2"),
        (Rule { client: None, ..spare() }, "2"),
    ] {
        let mut input = ten_of_six();
        input.rules = vec![spare(), other];
        assert_eq!(only(&audit(&input)).seats, dec(seats), "{:?}", input.rules);
    }
}

#[test]
fn rules_that_differ_in_their_end_alone_both_count_and_the_audit_says_so() {
    let mut input = ten_of_six();
    input.rules = vec![spare(), Rule { span: span("2020-01-01..2026-02-01"), ..spare() }];
    let document = audit(&input);
    let months: Vec<String> = only(&document).months.iter().map(|month| month.amount.to_string()).collect();
    assert_eq!(months, ["20.00", "30.00"]);
    assert!(document.notes.iter().any(|note| note.contains("different ends")), "{:?}", document.notes);
}
