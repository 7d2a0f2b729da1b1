//! Letters as clients read them, and what may never stand in one.

mod hostile;
mod rules;
mod statements;

use super::*;
use crate::money::{Currency, Money};

/// The text of a letter, its subject first.
fn shown(letter: &Letter) -> String {
    format!("Subject: {}\n\n{}", letter.subject, letter.text())
}

fn written(kind: LetterKind, facts: &LetterFacts) -> Letter {
    let template = Template::default_for(kind).unwrap_or_else(|faults| panic!("{kind}: {faults:?}"));
    render(&template, facts).unwrap_or_else(|error| panic!("{kind}: {error}"))
}

/// Words without line ends, for looking things up.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

macro_rules! expected {
    ($($kind:ident = $name:literal;)+) => {
        /// What `cargo run -p leakage-core --example letters` prints, one file each.
        const EXPECTED: &[(LetterKind, &str)] =
            &[$((LetterKind::$kind, include_str!(concat!("expected/", $name, ".txt"))),)+];
    };
}

expected! {
    FirstNotice = "first_notice";
    SmallFix = "small_fix";
    AnswerUnauthorizedSeats = "answer_unauthorized_seats";
    AnswerLateBilling = "answer_late_billing";
    AnswerContractReview = "answer_contract_review";
    AnswerCountWrong = "answer_count_wrong";
    AnswerAlreadyPaid = "answer_already_paid";
    AnswerPrice = "answer_price";
    AnswerRefusal = "answer_refusal";
    PlanOffer = "plan_offer";
    WaiverConfirmationRequest = "waiver_confirmation_request";
    ReviewAcceptance = "review_acceptance";
    OverBillingApology = "over_billing_apology";
    ReplyReminder = "reply_reminder";
    InstalmentReminder = "instalment_reminder";
    VerifiedClosure = "verified_closure";
    MonthlyStatement = "monthly_statement";
}

#[test]
fn every_default_letter_reads_as_it_did() {
    for kind in LetterKind::ALL {
        let expected = EXPECTED.iter().find(|(of, _)| of == kind).expect("a file for every kind").1;
        assert_eq!(shown(&written(*kind, &example(*kind))), expected, "{kind}");
    }
}

#[test]
fn the_first_notice_has_the_numbers_of_the_case() {
    let text = flat(&written(LetterKind::FirstNotice, &example(LetterKind::FirstNotice)).text());
    for part in [
        "You have 22 seats; we billed 20 seats.",
        "The difference is 2 seats, from March 2026 to October 2026: 16 seat-months, USD 352.00 before tax.",
        "USD 22.00 per seat and month",
        "Use is recorded for every one of these seats.",
        "Your invoice of 1 December 2026 will hold 22 seats.",
        "That is USD 44.00 more a month than before.",
        "by 27 November 2026",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn over_billing_ends_in_a_credit_and_an_apology() {
    let text =
        flat(&written(LetterKind::OverBillingApology, &example(LetterKind::OverBillingApology)).text());
    for part in [
        "We are sorry",
        "9 seat-months, EUR 105.30",
        "Credit note CN-311 over EUR 105.30 gives back all of it",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for kind in LetterKind::ALL.iter().filter(|kind| kind.direction() == Some(crate::audit::Direction::Under))
    {
        let mut facts = example(*kind);
        facts.direction = Some(crate::audit::Direction::Over);
        let template = Template::default_for(*kind).unwrap();
        assert!(matches!(render(&template, &facts), Err(LetterError::Facts(_))), "{kind} for over-billing");
    }
}

#[test]
fn use_is_claimed_of_every_seat_only_when_it_is_recorded_for_every_seat() {
    let every = "Use is recorded for every one of these seats.";
    for (active, expected) in [
        (Some(2), Some(every)),
        (Some(1), Some("Use is recorded for 1 of 2 seats")),
        (Some(0), None),
        (None, None),
    ] {
        let mut facts = example(LetterKind::FirstNotice);
        facts.lines[0].active_seats = active;
        let text = flat(&written(LetterKind::FirstNotice, &facts).text());
        assert_eq!(text.contains("Use is recorded"), expected.is_some(), "{active:?}: {text}");
        assert!(expected.is_none_or(|expected| text.contains(expected)), "{active:?}: {text}");
    }
}

#[test]
fn the_page_of_the_client_is_named_only_in_a_letter_that_has_one() {
    for kind in [LetterKind::FirstNotice, LetterKind::PlanOffer, LetterKind::WaiverConfirmationRequest] {
        let mut facts = example(kind);
        assert!(!written(kind, &facts).text().contains("page of your own"), "{kind}");
        facts.client_link = Some("http://localhost:8080/c#here".to_owned());
        let letter = written(kind, &facts);
        assert!(flat(&letter.text()).contains("page of your own"), "{kind}");
        assert!(letter.text().contains("http://localhost:8080/c#here"), "{kind}");
        assert!(letter.html().contains("<a href=\"http://localhost:8080/c#here\""), "{kind}");
        facts.client_link = Some("javascript:alert(1)".to_owned());
        assert!(!facts.faults(kind).is_empty(), "{kind}");
    }
}

#[test]
fn other_ways_to_pay_are_named_where_there_are_some() {
    let usd = |minor| Money::from_minor(minor, Currency::USD);
    for kind in [LetterKind::FirstNotice, LetterKind::PlanOffer] {
        let mut facts = LetterFacts { plan: example(LetterKind::PlanOffer).plan, ..example(kind) };
        assert!(!written(kind, &facts).text().contains("also choose"), "{kind}");
        let first_on = "2026-12-01".parse().unwrap();
        facts.plan.as_mut().unwrap().others = vec![
            PlanWay { instalments: 1, amount: usd(35_200), first_on },
            PlanWay { instalments: 6, amount: usd(5_867), first_on },
        ];
        assert!(
            flat(&written(kind, &facts).text()).contains(
                "You may also choose to pay all at once on 1 December 2026; or in 6 instalments of USD 58.67 at \
                 most, the first on 1 December 2026."
            ),
            "{}",
            written(kind, &facts).text()
        );
        for (instalments, minor) in [(0, 100), (3, 0), (3, 35_201)] {
            facts.plan.as_mut().unwrap().others = vec![PlanWay { instalments, amount: usd(minor), first_on }];
            assert!(!facts.faults(kind).is_empty(), "{instalments} of {minor}");
        }
    }
}

/// Each fact that a kind can do without, taken away alone: the letter is still a letter, and the words
/// that need the fact are gone.
#[test]
fn a_sentence_goes_with_its_fact() {
    type Without = fn(&mut LetterFacts);
    let cases: [(LetterKind, Without, &str); 12] = [
        (LetterKind::FirstNotice, |f| f.contact = None, "Ms Carter"),
        (LetterKind::FirstNotice, |f| f.account_manager = None, "Bea Miller"),
        (LetterKind::FirstNotice, |f| f.reference = None, "LF-1042)"),
        (LetterKind::FirstNotice, |f| f.reply_by = None, "27 November 2026"),
        (LetterKind::FirstNotice, |f| f.provisioning.clear(), "Ticket 8123"),
        (LetterKind::FirstNotice, |f| f.lines[0].unit_price = None, "agreed one"),
        (LetterKind::FirstNotice, |f| f.lines[0].monthly = None, "more a month"),
        (LetterKind::FirstNotice, |f| f.evidence = None, "records behind"),
        (LetterKind::FirstNotice, |f| f.lines[0].provisioned = None, "You have 22"),
        (LetterKind::AnswerLateBilling, |f| f.delay = None, "directly with the vendor"),
        (LetterKind::WaiverConfirmationRequest, |f| f.waiver.as_mut().unwrap().reason = None, "no request"),
        (LetterKind::OverBillingApology, |f| f.credit.as_mut().unwrap().document = None, "CN-311"),
    ];
    for (kind, without, words) in cases {
        let mut facts = example(kind);
        assert!(flat(&shown(&written(kind, &facts))).contains(words), "{kind}: {words}");
        without(&mut facts);
        let text = flat(&shown(&written(kind, &facts)));
        assert!(!text.contains(words), "{kind}: {words}: {text}");
        assert!(text.contains("Dear "), "{text}");
    }
}

#[test]
fn what_must_be_said_and_cannot_be_is_an_error() {
    type Without = fn(&mut LetterFacts);
    let cases: [(LetterKind, Without, Part, &str); 6] = [
        (LetterKind::FirstNotice, |f| f.next_billing = None, Part::GoingForward, "next_billing_date"),
        (LetterKind::AnswerUnauthorizedSeats, |f| f.provisioning.clear(), Part::Data, "provisioning"),
        (LetterKind::AnswerRefusal, |f| f.plan = None, Part::GoingForward, "decision"),
        (LetterKind::AnswerAlreadyPaid, |f| f.payment = None, Part::Data, "payment_matched"),
        (LetterKind::OverBillingApology, |f| f.credit = None, Part::GoingForward, "credit_amount"),
        (LetterKind::WaiverConfirmationRequest, |f| f.waiver = None, Part::Data, "waiver_amount"),
    ];
    for (kind, without, part, name) in cases {
        let mut facts = example(kind);
        without(&mut facts);
        match render(&Template::default_for(kind).unwrap(), &facts) {
            Err(LetterError::Unsaid(unsaid)) => {
                assert!(
                    unsaid.iter().any(|one| one.part == part && one.any.contains(&name)),
                    "{kind}: {unsaid:?}"
                );
            }
            Err(LetterError::NoSubject)
                if kind == LetterKind::WaiverConfirmationRequest
                    || kind == LetterKind::OverBillingApology => {}
            other => panic!("{kind}: {other:?}"),
        }
    }
}

#[test]
fn facts_that_contradict_each_other_are_refused_with_their_place() {
    type Change = fn(&mut LetterFacts);
    let cases: [(LetterKind, Change, &str); 13] = [
        (LetterKind::FirstNotice, |f| f.msp = " ".to_owned(), "/msp"),
        (LetterKind::FirstNotice, |f| f.lines.clear(), "/lines"),
        (LetterKind::FirstNotice, |f| f.lines[0].billed = Some(21), "/lines/0/seats"),
        (LetterKind::FirstNotice, |f| f.lines[0].active_seats = Some(3), "/lines/0/active_seats"),
        (LetterKind::FirstNotice, |f| f.lines[0].months = 9, "/lines/0/months"),
        (
            LetterKind::FirstNotice,
            |f| f.lines[0].amount.amount = -f.lines[0].amount.amount,
            "/lines/0/amount",
        ),
        (
            LetterKind::FirstNotice,
            |f| f.evidence.as_mut().unwrap().link = Some("javascript:alert(1)".to_owned()),
            "/evidence/link",
        ),
        (
            LetterKind::SmallFix,
            |f| f.lines[0].last_month = "2026-11".parse().unwrap(),
            "/lines/0/first_month",
        ),
        (LetterKind::PlanOffer, |f| f.plan.as_mut().unwrap().instalments.truncate(3), "/plan/instalments"),
        (
            LetterKind::PlanOffer,
            |f| f.plan.as_mut().unwrap().total.currency = crate::money::Currency::EUR,
            "/plan/total",
        ),
        (
            LetterKind::WaiverConfirmationRequest,
            |f| f.waiver.as_mut().unwrap().amount.amount *= rust_decimal::Decimal::TEN,
            "/waiver/amount",
        ),
        (
            LetterKind::OverBillingApology,
            |f| f.credit.as_mut().unwrap().amount.amount /= rust_decimal::Decimal::TWO,
            "/credit/amount",
        ),
        (LetterKind::MonthlyStatement, |f| f.statement = None, "/statement"),
    ];
    for (kind, change, pointer) in cases {
        let mut facts = example(kind);
        change(&mut facts);
        let faults = facts.faults(kind);
        assert!(faults.iter().any(|fault| fault.pointer == pointer), "{kind} {pointer}: {faults:?}");
    }
    for kind in LetterKind::ALL {
        assert_eq!(example(*kind).faults(*kind), [], "{kind}");
    }
}

#[test]
fn facts_are_read_back_from_json_and_an_unknown_one_is_refused() {
    for kind in LetterKind::ALL {
        let facts = example(*kind);
        let json = serde_json::to_value(&facts).unwrap();
        assert_eq!(serde_json::from_value::<LetterFacts>(json).unwrap(), facts);
        assert_eq!(LetterKind::parse(kind.as_str()), Some(*kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
    let unknown = serde_json::json!({"msp": "A", "client": "B", "price_increase": "5.00"});
    assert!(serde_json::from_value::<LetterFacts>(unknown).is_err());
}
