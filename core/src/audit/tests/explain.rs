//! Explanations: every step is there, and the steps make the gap's own numbers.

use super::build::*;
use crate::audit::{Explanation, RowRole, explain};
use crate::records::RuleKind;
use rust_decimal::Decimal;

const PREMIUM: &str = "Microsoft 365 Business Premium";

fn explained(input: &crate::audit::AuditInput) -> Explanation {
    let document = audit(input);
    let gap = only(&document);
    let explanation = explain(input, &gap.id).unwrap().unwrap();
    assert_eq!(explanation.gap, *gap);
    explanation
}

#[test]
fn a_gap_is_followed_from_its_rows_to_the_cent() {
    let explanation = explained(&input(
        "2026-02",
        "2026-06",
        vec![
            entitlements(vec![
                purchased("Contoso", PREMIUM, "40", "2026-01-01..2026-02-10"),
                purchased("Contoso", PREMIUM, "43", "2026-02-10..2026-04-16"),
                purchased("Contoso", PREMIUM, "46", "2026-04-16.."),
            ]),
            billing(vec![billed("Contoso", PREMIUM, "40", "22.00", "2026-01-01..")]),
        ],
    ));
    let counted: Vec<u32> =
        explanation.rows.iter().filter(|row| row.role == RowRole::Counted).map(|row| row.line).collect();
    assert_eq!(counted.len(), 3);
    assert_eq!(explanation.rows.iter().filter(|row| row.role == RowRole::Billed).count(), 1);
    let february: Vec<(u32, Decimal)> =
        explanation.stretches.iter().take(2).map(|stretch| (stretch.days, stretch.gap)).collect();
    assert_eq!(february, [(9, dec("0")), (19, dec("3"))]);
    assert_eq!(
        explanation.months[0].calculation,
        "(19 days x 3 seats x 22.00) / 28 days = 44.7857142857, rounded 44.79 USD"
    );
    assert_eq!((explanation.months[0].seat_days, explanation.months[0].days), (57, 28));
    let text = explanation.text.join("\n");
    for sentence in [
        "Contoso has more seats than it was billed for: Microsoft 365 Business Premium, 6 seats now, first on 10 February 2026.",
        "from 1 February 2026: 40 to bill, 40 billed; from 10 February 2026: 43 to bill, 40 billed; from 16 April 2026: 46 to bill, 40 billed.",
        "Together 21.535714 seat-months, 473.79 USD to charge. From here on 132.00 USD more a month.",
    ] {
        assert!(text.contains(sentence), "{sentence}\n{text}");
    }
}

#[test]
fn what_rules_take_off_is_told_with_its_reason() {
    let mut wanted = input(
        "2026-03",
        "2026-03",
        vec![
            entitlements(vec![purchased("Contoso", "Backup", "14", "2026-01-01..")]),
            billing(vec![billed("Contoso", "Backup", "8", "12.50", "2026-01-01..")]),
        ],
    );
    wanted.rules = vec![
        rule(RuleKind::Exclude, "1", "Contoso", "Backup"),
        rule(RuleKind::Allowance, "2", "Contoso", "Backup"),
        rule(RuleKind::Allowance, "9", "Other", "Backup"),
    ];
    let explanation = explained(&wanted);
    assert_eq!(explanation.rules.len(), 2, "a rule of another client explains nothing");
    let reason = &wanted.rules[0].reason;
    let text = explanation.text.join("\n");
    assert!(text.contains(&format!("Of 14 seats, 1 are not billed ({reason})")), "{text}");
    assert!(text.contains("11 to bill"), "{text}");
}

#[test]
fn a_gap_that_the_audit_does_not_find_has_no_explanation() {
    let wanted = input(
        "2026-03",
        "2026-03",
        vec![
            entitlements(vec![purchased("Contoso", "Backup", "8", "2026-01-01..")]),
            billing(vec![billed("Contoso", "Backup", "8", "12.50", "2026-01-01..")]),
        ],
    );
    assert_eq!(explain(&wanted, "0000").unwrap(), None);
}
