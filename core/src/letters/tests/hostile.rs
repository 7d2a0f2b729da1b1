//! Names from anywhere, and facts in any combination.

use super::super::template::{Piece, Sentence};
use super::*;
use proptest::prelude::*;

/// A number of ways to have less: each takes one optional fact away.
const LESS: &[fn(&mut LetterFacts)] = &[
    |f| f.billing_entity = None,
    |f| f.contact = None,
    |f| f.account_manager = None,
    |f| {
        if let Some(manager) = &mut f.account_manager {
            manager.email = None;
        }
    },
    |f| {
        if let Some(manager) = &mut f.account_manager {
            manager.phone = None;
        }
    },
    |f| f.reference = None,
    |f| f.provisioning.clear(),
    |f| f.next_billing = None,
    |f| {
        if let Some(next) = &mut f.next_billing {
            next.lines.clear();
        }
    },
    |f| f.plan = None,
    |f| f.reply_by = None,
    |f| f.evidence = None,
    |f| {
        if let Some(evidence) = &mut f.evidence {
            evidence.link = None;
        }
    },
    |f| f.delay = None,
    |f| f.dispute = None,
    |f| f.review = None,
    |f| f.recount = None,
    |f| f.payment = None,
    |f| {
        if let Some(payment) = &mut f.payment {
            payment.document = None;
        }
    },
    |f| f.price_conversation = None,
    |f| f.waiver = None,
    |f| f.decision = None,
    |f| f.credit = None,
    |f| f.verification = None,
    |f| f.lines.iter_mut().for_each(|line| line.active_seats = None),
    |f| f.lines.iter_mut().for_each(|line| line.active_seats = Some(1)),
    |f| f.lines.iter_mut().for_each(|line| line.provisioned = None),
    |f| f.lines.iter_mut().for_each(|line| line.unit_price = None),
    |f| f.lines.iter_mut().for_each(|line| line.monthly = None),
    |f| {
        if let Some(statement) = &mut f.statement {
            statement.findings.clear();
        }
    },
    |f| {
        if let Some(statement) = &mut f.statement {
            statement.not_compared.clear();
        }
    },
    |f| {
        if let Some(statement) = &mut f.statement {
            statement.fixed.clear();
        }
    },
    |f| {
        if let Some(statement) = &mut f.statement {
            statement.provisional = true;
        }
    },
    |f| {
        if let Some(statement) = &mut f.statement {
            statement.compared = false;
        }
    },
];

fn sentences(template: &Template) -> Vec<&Sentence> {
    template.blocks.iter().flat_map(|(_, paragraphs)| paragraphs.iter().flatten()).collect()
}

/// The longest run of a sentence's own words.
fn own_words(sentence: &Sentence) -> String {
    let words = sentence.pieces.iter().map(|piece| match piece {
        Piece::Text(text) => flat(text),
        _ => String::new(),
    });
    words.max_by_key(String::len).unwrap_or_default()
}

/// All of a sentence's own words, with a gap for each fact.
fn all_words(sentence: &Sentence) -> String {
    let words = sentence.pieces.iter().map(|piece| match piece {
        Piece::Text(text) => flat(text),
        _ => "_".to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn holds(name: &str, facts: &LetterFacts) -> bool {
    let fact = FACTS.iter().find(|fact| fact.name == name).map(|fact| (fact.read)(facts).is_some());
    let table = TABLES.iter().find(|table| table.name == name).map(|table| (table.read)(facts).is_some());
    fact.or(table).unwrap()
}

/// Text that people and attackers put into names.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("<script>alert(1)</script>".to_owned()),
        Just("\"><img src=x onerror=alert(1)>".to_owned()),
        Just("A & B's \"Best\"".to_owned()),
        Just("Evil\r\nBcc: everyone@example.com".to_owned()),
        Just("\u{202e}lagel\u{202c} osotnoC".to_owned()),
        Just("{{ amount }} {? over } {table lines}".to_owned()),
        "\\PC{1,40}",
        "[<>&\"'\u{0}-\u{1f}a-z ]{1,40}",
    ]
}

proptest! {
    #[test]
    fn no_sentence_stands_without_its_facts(which in 0..LetterKind::ALL.len(), less in prop::collection::vec(any::<bool>(), LESS.len())) {
        let kind = LetterKind::ALL[which];
        let mut facts = example(kind);
        for (take, _) in LESS.iter().zip(&less).filter(|(_, take)| **take) {
            take(&mut facts);
        }
        let template = Template::default_for(kind).unwrap();
        let Ok(letter) = render(&template, &facts) else { return Ok(()) };
        let text = flat(&shown(&letter));
        prop_assert!(!text.contains(['{', '}']), "a placeholder is left: {}", text);
        let (held, missing): (Vec<&Sentence>, Vec<&Sentence>) =
            sentences(&template).into_iter().partition(|sentence| {
                sentence.names().all(|name| holds(name, &facts))
                    && sentence.conditions.iter().all(|condition| holds(condition.needed.name(), &facts) == condition.holds)
            });
        for sentence in missing {
            let words = own_words(sentence);
            // Short words stand in other sentences too.
            let shared = words.len() < 12 || held.iter().any(|other| all_words(other).contains(&words));
            prop_assert!(shared || !text.contains(&words), "line {}: {} in {}", sentence.line, words, text);
        }
        for part in [Part::Context, Part::Data, Part::GoingForward] {
            prop_assert!(letter.sections.iter().any(|section| section.part == part && !section.content.is_empty()));
        }
    }

    #[test]
    fn hostile_names_stay_text(which in 0..LetterKind::ALL.len(), client in name(), product in name(), person in name()) {
        let kind = LetterKind::ALL[which];
        let mut facts = example(kind);
        facts.client = format!("C{client}");
        facts.contact = Some(format!("P{person}"));
        facts.lines.iter_mut().for_each(|line| line.product = format!("L{product}"));
        facts.provisioning.iter_mut().for_each(|entry| entry.requested_by = Some(person.clone()));
        let letter = written(kind, &facts);
        prop_assert!(!letter.subject.chars().any(char::is_control));
        let html = letter.html();
        let mut known = 0;
        for tag in html.split('<').skip(1) {
            let name: String = tag.trim_start_matches('/').chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '!').collect();
            prop_assert!(
                ["!doctype", "html", "head", "meta", "title", "body", "div", "p", "a", "table", "caption", "thead", "tbody", "tr", "th", "td"]
                    .contains(&name.as_str()),
                "<{}", tag
            );
            known += 1;
        }
        prop_assert!(known > 10);
        prop_assert!(!html.contains("onerror=alert(1)>"));
        let hidden = letter.text().chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}');
        prop_assert!(!hidden, "{}", letter.text());
    }

    #[test]
    fn reading_a_template_ends_in_a_template_or_in_faults(which in 0..LetterKind::ALL.len(), lines in prop::collection::vec("[\\[\\]{}?a-z_, :/]{0,30}|\\[context\\]|\\[data\\]|subject: \\PC{0,10}", 0..20)) {
        let kind = LetterKind::ALL[which];
        if let Err(faults) = Template::parse(kind, &lines.join("\n")) {
            prop_assert!(!faults.is_empty());
            let last = u32::try_from(lines.len().max(1)).unwrap();
            prop_assert!(faults.iter().all(|fault| (1..=last).contains(&fault.line) && !fault.reason.is_empty()), "{:?}", faults);
        }
    }
}

#[test]
fn a_name_that_looks_like_a_template_is_only_a_name() {
    let mut facts = example(LetterKind::FirstNotice);
    facts.client = "{{ amount }}".to_owned();
    let text = flat(&written(LetterKind::FirstNotice, &facts).text());
    assert!(text.contains("we had billed {{ amount }} for"), "{text}");
}

#[test]
fn html_needs_nothing_else_and_links_only_the_evidence() {
    let letter = written(LetterKind::FirstNotice, &example(LetterKind::FirstNotice));
    let html = letter.html();
    for absent in ["<script", "<img", "<link", "<style", "url(", "src="] {
        assert!(!html.contains(absent), "{absent}");
    }
    assert_eq!(html.matches("href=").count(), 1);
    assert!(html.contains("<a href=\"https://msp.example/evidence/LF-1042\""), "{html}");
    assert!(html.contains("<html lang=\"en\">") && html.contains("scope=\"col\""));
}
