//! Ways round a guard that are closed: what is owed stays owed, and what was said of other figures is void.

use super::build::{Scene, communicate, day, finding, month, offer, said, seats, told};
use crate::correction::case::{ApprovalOf, Correction, ResolutionBasis};
use crate::correction::command::{Because, Command, Ground, Recount};
use crate::correction::dispute::{Answer, DisputeReason};
use crate::correction::finding::Finding;
use crate::correction::quantity::{Extent, Part, Quantity};
use crate::correction::refusal::Code;
use crate::correction::state::State;

fn premium() -> Finding {
    finding("Business Premium", 20, 22, "22.00", "2026-02", 8)
}

/// Three seats too many, three months: 105.30.
fn over() -> Finding {
    finding("Seat", 50, 47, "11.70", "2026-03", 3)
}

fn dispute(reason: DisputeReason, parts: Vec<Part>) -> Command {
    Command::Dispute { reason, parts, note: None, said: said(), reply_by: None }
}

fn resolve(basis: ResolutionBasis) -> Command {
    Command::Resolve { basis, going_forward: None }
}

fn all() -> Vec<Part> {
    vec![Part { line: 1, extent: Extent::All }]
}

#[test]
fn over_billing_is_never_settled_by_a_payment_and_ends_only_when_all_is_given_back() {
    let scene = Scene::on("2026-10-08");
    let told = told(&scene, &[over()], "2026-11-01");
    let disputed = scene.apply(&told, &dispute(DisputeReason::AlreadyPaid, all()));
    let paid = |payment: Option<&str>, shown: Option<&str>| Command::Answer {
        dispute: 1,
        answer: Answer::AlreadyPaid {
            payment: payment.map(|payment| (payment.to_owned(), all())),
            shown_not_to_match: shown.map(str::to_owned),
        },
        text: None,
        recount: None,
    };
    assert_eq!(scene.refuse(&disputed, &paid(Some("REFUND-1"), None)).code(), Code::OverBillingBilled);
    assert_eq!(scene.apply(&disputed, &paid(None, Some("No refund"))).state, State::Communicated);

    let accepted = scene.apply(&told, &Command::Accept { said: said() });
    let refused = scene.refuse(&accepted, &resolve(ResolutionBasis::Accepted));
    assert!(refused.has(Code::NotFullyCredited), "{refused:?}");
    let credit = Command::Credit {
        document: "CN-1".to_owned(),
        parts: Vec::new(),
        apology: Some("We are sorry.".to_owned()),
        reason: None,
    };
    let credited = scene.apply(&accepted, &credit);
    assert_eq!(scene.apply(&credited, &resolve(ResolutionBasis::Accepted)).state, State::Resolved);
}

fn recount(audit: &str, findings: Vec<Finding>, of: &Finding) -> Recount {
    let compared = [(1, of.months.keys().copied().collect())].into();
    Recount { audit: audit.to_owned(), compared, findings }
}

fn counted(withdrawn: Vec<Part>, recount: Option<Recount>) -> Command {
    let audit = recount.as_ref().map_or("audit-2", |recount| recount.audit.as_str()).to_owned();
    let answer = Answer::CountWrong { audit, withdrawn, credit_note: None };
    Command::Answer { dispute: 1, answer, text: None, recount }
}

#[test]
fn a_recount_takes_away_what_it_no_longer_finds_and_nothing_more() {
    let scene = Scene::on("2026-10-08");
    let told = told(&scene, &[premium()], "2026-11-01");
    let disputed = scene.apply(&told, &dispute(DisputeReason::CountWrong, vec![seats(1, 2)]));
    let one_less = || finding("Business Premium", 20, 21, "22.00", "2026-02", 8);
    let of = |audit: &str, now: Finding| Some(recount(audit, vec![now], &premium()));
    let refused = |withdrawn, recount| scene.refuse(&disputed, &counted(withdrawn, recount)).code();
    assert_eq!(refused(vec![seats(1, 1)], None), Code::RecountMissing);
    assert_eq!(refused(vec![seats(1, 1)], of("audit-1", one_less())), Code::SameAudit);
    assert_eq!(refused(Vec::new(), of("audit-1", premium())), Code::SameAudit);
    assert_eq!(refused(vec![seats(1, 2)], of("audit-2", one_less())), Code::PartTooLarge);
    assert_eq!(refused(vec![seats(1, 1)], of("audit-2", premium())), Code::PartMissing);
    let answered = scene.apply(&disputed, &counted(all(), of("audit-2", one_less())));
    assert_eq!(answered.ledger.balance().withdrawn.minor, 17_600);
    let confirmed = scene.apply(&disputed, &counted(Vec::new(), of("audit-2", premium())));
    assert_eq!(confirmed.ledger.balance().withdrawn.minor, 0);
}

#[test]
fn two_people_stand_for_it_that_nothing_is_owed_to_the_client() {
    let scene = Scene::on("2026-10-08");
    let admin = scene.clone().admin();
    let none = || recount("audit-2", Vec::new(), &over());
    let withdraw = Command::Withdraw { ground: Some(Ground::Audit(none())) };
    let amend = Command::Amend { recount: none() };
    let mut key = scene.clone();
    (key.actor.label, key.actor.person) = ("api_key:1".to_owned(), false);
    for opened_by in ["user:biller", "api_key:1", "system:verification"] {
        let own = |mut correction: Correction| {
            correction.opened_by = opened_by.to_owned();
            correction
        };
        let found = own(scene.open(&[over()]).unwrap());
        let told = own(told(&scene, &[over()], "2026-11-01"));
        let disputed = scene.apply(&told, &dispute(DisputeReason::CountWrong, all()));
        let answer = counted(all(), Some(none()));
        for (correction, command) in [(&found, &withdraw), (&told, &amend), (&disputed, &answer)] {
            let alone = scene.refuse(correction, command);
            assert!(alone.has(Code::SecondApproverRequired), "{opened_by}: {alone:?}");
            assert!(key.refuse(correction, command).has(Code::PersonRequired));
            let approved = admin.apply(correction, &Command::Approve { of: ApprovalOf::Withdrawal });
            assert_eq!(scene.apply(&approved, command).ledger.balance().withdrawn.minor, 10_530);
            if opened_by != "user:biller" {
                assert!(admin.refuse(&approved, command).has(Code::SecondApproverRequired), "who approved");
            }
        }
    }
}
