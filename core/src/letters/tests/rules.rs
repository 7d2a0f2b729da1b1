//! Templates that are refused, each with the line and the rule.

use super::*;
use TemplateRule as Rule;

const GOOD: &str = "subject: Seats of {{ client }}
[context]
We compared.
[data]
It is {{ seats }}, {{ seat_months }}, {{ amount }}.
[going_forward]
On {{ next_billing_date }} it is {{ next_billing_quantity }}.
";

/// Line and rule of each fault of a first notice.
fn faults(text: &str) -> Vec<(u32, Rule)> {
    match Template::parse(LetterKind::FirstNotice, text) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(|fault| (fault.line, fault.rule)).collect(),
    }
}

#[test]
fn a_small_template_is_taken() {
    assert_eq!(faults(GOOD), []);
    let letter =
        render(&Template::parse(LetterKind::FirstNotice, GOOD).unwrap(), &example(LetterKind::FirstNotice))
            .unwrap();
    assert_eq!(
        shown(&letter),
        "Subject: Seats of Contoso Legal\n\nWe compared.\n\nIt is 2 seats, 16 seat-months, USD 352.00.\n\n\
         On 1 December 2026 it is 22 seats.\n"
    );
}

#[test]
fn every_broken_rule_is_named_with_its_line() {
    let replaced = |from: &str, to: &str| GOOD.replace(from, to);
    for (text, line, rule) in [
        (replaced("subject: Seats of {{ client }}\n", ""), 1, Rule::MissingSubject),
        (replaced("[context]\nWe compared.\n", ""), 5, Rule::MissingBlock),
        (replaced("We compared.\n", ""), 2, Rule::MissingBlock),
        (replaced("[data]\n", ""), 6, Rule::MissingBlock),
        (
            replaced("[data]\nIt is {{ seats }}, {{ seat_months }}, {{ amount }}.\n", ""),
            5,
            Rule::MissingBlock,
        ),
        (
            replaced("[going_forward]\nOn {{ next_billing_date }} it is {{ next_billing_quantity }}.\n", ""),
            5,
            Rule::MissingBlock,
        ),
        (replaced("[context]", "[data]").replacen("[data]\nIt", "[context]\nIt", 1), 4, Rule::BlockOrder),
        (replaced("We compared.", "We compared.\n[context]\nAgain."), 4, Rule::BlockOrder),
        (replaced("[context]", "[contexts]"), 2, Rule::Syntax),
        (replaced(", {{ amount }}", ""), 4, Rule::MissingFact),
        (replaced("it is {{ next_billing_quantity }}", "it is right"), 6, Rule::MissingFact),
        (replaced("{{ amount }}", "{{ amout }}"), 5, Rule::UnknownFact),
        (replaced("We compared.", "{table line}"), 3, Rule::UnknownFact),
        (replaced("We compared.", "{{ lines }}"), 3, Rule::UnknownFact),
        (replaced("We compared.", "We give back {{ credit_amount }}."), 3, Rule::FactOfAnotherLetter),
        (replaced("We compared.", "{? findings } We compared."), 3, Rule::FactOfAnotherLetter),
        (replaced("We compared.", "It was {{ price_old }}."), 3, Rule::PriceChange),
        (replaced("We compared.", "{? price_difference } It was cheaper."), 3, Rule::PriceChange),
        (replaced("We compared.", "From May there is a Price  Increase."), 3, Rule::PriceChange),
        (replaced("We compared.", "All show active usage."), 3, Rule::ClaimWithoutFact),
        (
            replaced("We compared.", "{? not activity_every_seat } All show active usage."),
            3,
            Rule::ClaimWithoutFact,
        ),
        (replaced("We compared.", "They were requested by you."), 3, Rule::ClaimWithoutFact),
        (replaced("We compared.", "You get a credit note."), 3, Rule::WrongRemedy),
        (replaced("We compared.", "Dear {contact}"), 3, Rule::Syntax),
        (replaced("We compared.", "Dear {{ contact }"), 3, Rule::Syntax),
        (replaced("We compared.", "{% if seats %}We compared."), 3, Rule::Syntax),
        (replaced("We compared.", "{? seats We compared."), 3, Rule::Syntax),
        (replaced("We compared.", "{? seats }"), 3, Rule::Syntax),
        (replaced("We compared.", "It is {{ under }}."), 3, Rule::Syntax),
        (replaced("We compared.", "Look: {table lines}"), 3, Rule::Syntax),
        (format!("Hello\n{GOOD}"), 1, Rule::Syntax),
        ("x".repeat(MOST_CHARACTERS + 1), 1, Rule::Syntax),
    ] {
        let found = faults(&text);
        assert!(found.contains(&(line, rule)), "line {line}, {rule:?} in {found:?} of\n{text:.600}");
    }
}

#[test]
fn a_misspelled_fact_is_told_with_the_right_one() {
    let faults =
        Template::parse(LetterKind::FirstNotice, &GOOD.replace("{{ amount }}", "{{ amout }}")).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(
        faults[0].to_string(),
        "line 5: unknown_fact: There is no fact `amout`. Did you mean `amount`?"
    );
}

#[test]
fn a_condition_that_does_not_hold_cannot_hide_what_must_be_said() {
    let hidden = GOOD.replace("It is {{ seats }}", "{? several_products } It is {{ seats }}");
    let template = Template::parse(LetterKind::FirstNotice, &hidden).unwrap();
    let error = render(&template, &example(LetterKind::FirstNotice)).unwrap_err();
    assert!(
        matches!(&error, LetterError::Unsaid(unsaid) if unsaid.iter().any(|one| one.any == ["amount"])),
        "{error}"
    );
}

#[test]
fn the_names_of_facts_and_tables_are_each_their_own() {
    let names: Vec<&str> =
        FACTS.iter().map(|fact| fact.name).chain(TABLES.iter().map(|table| table.name)).collect();
    for (index, name) in names.iter().enumerate() {
        assert!(!names[..index].contains(name), "{name}");
    }
    for kind in LetterKind::ALL {
        for name in kind.demands().iter().flat_map(|(_, any)| any.iter()) {
            assert!(names.contains(name), "{kind} demands {name}");
        }
    }
}
