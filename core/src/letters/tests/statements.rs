//! Monthly statements: "all matches" only where all was compared.

use super::*;
use crate::audit::Reason;

fn with(change: impl FnOnce(&mut StatementFacts)) -> String {
    let mut facts = example(LetterKind::MonthlyStatement);
    let statement = facts.statement.as_mut().unwrap();
    statement.findings.clear();
    statement.not_compared.clear();
    statement.fixed.clear();
    change(statement);
    flat(&written(LetterKind::MonthlyStatement, &facts).text())
}

fn missing() -> NotComparedFacts {
    NotComparedFacts { product: None, reason: Some(Reason::NoBilling) }
}

#[test]
fn all_matches_is_said_when_all_was_compared_and_matches() {
    let text = with(|_| {});
    assert!(text.contains("We audited, and all matches"), "{text}");
    assert!(!text.contains("could not compare") && !text.contains("differences"), "{text}");
}

#[test]
fn whatever_was_not_compared_never_counts_as_a_match() {
    type Change = fn(&mut StatementFacts);
    let cases: [(Change, &str); 6] = [
        (|s| s.not_compared = vec![missing()], "we have no billing records to compare with"),
        (|s| s.provisional = true, "The month was not over"),
        (|s| s.partial = true, "Only some days of the month"),
        (|s| s.assumed = true, "a count that was taken on another day"),
        (|s| s.price_differences = 1, "The price of a line is being looked at apart"),
        (
            |s| {
                s.compared = false;
                s.not_compared = vec![missing()];
            },
            "We could not compare this month.",
        ),
    ];
    for (change, words) in cases {
        let text = with(change);
        assert!(!text.contains("all matches"), "{text}");
        assert!(text.contains(words), "{words}: {text}");
    }
    let nothing = with(|s| {
        s.compared = false;
        s.not_compared = vec![missing()];
    });
    assert!(!nothing.contains("we billed what you have"), "{nothing}");
}

#[test]
fn currencies_are_listed_and_never_added() {
    let text = with(|statement| {
        let finding = example(LetterKind::MonthlyStatement).statement.unwrap().findings[0].clone();
        let euro = FindingFacts {
            amount: Some(
                "10.5"
                    .parse()
                    .map(|amount| crate::money::Money { amount, currency: crate::money::Currency::EUR })
                    .unwrap(),
            ),
            ..finding.clone()
        };
        let barred = FindingFacts { time_barred: true, ..finding.clone() };
        statement.findings = vec![finding, euro, barred];
    });
    assert!(
        text.contains("Not billed: USD 44.00 and EUR 10.50 before tax.")
            || text.contains("Not billed: EUR 10.50 and USD 44.00 before tax."),
        "{text}"
    );
    assert!(text.contains("too old to be corrected"), "{text}");
}
