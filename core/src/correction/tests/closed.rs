//! Ways round a guard that are closed: what is owed stays owed, and what was said of other figures is void.

use super::build::{Scene, communicate, day, finding, going_forward, offer, said, seats, told};
use crate::correction::case::{ApprovalOf, Correction, ResolutionBasis};
use crate::correction::command::{Because, Command, Ground, Recount};
use crate::correction::dispute::{Answer, DisputeReason};
use crate::correction::finding::Finding;
use crate::correction::open::Elsewhere;
use crate::correction::policy::Said;
use crate::correction::quantity::{Extent, Part};
use crate::correction::refusal::Code;
use crate::correction::state::State;
use crate::correction::waiver::ConfirmationKind;

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
            let approved =
                admin.apply(correction, &Command::Approve { of: ApprovalOf::Withdrawal, invoice_on: None });
            assert_eq!(scene.apply(&approved, command).ledger.balance().withdrawn.minor, 10_530);
            if opened_by != "user:biller" {
                assert!(admin.refuse(&approved, command).has(Code::SecondApproverRequired), "who approved");
            }
        }
    }
}

#[test]
fn silence_is_no_consent_to_a_message_that_could_not_be_answered() {
    let scene = Scene::on("2026-10-05");
    let mut easy = scene.clone();
    easy.facts.invoices = vec![100_000_000];
    let found = easy.open(&[premium()]).unwrap();
    let mut past = communicate(&found, "2026-11-01");
    if let Command::Communicate { reply_by, .. } = &mut past {
        *reply_by = Some(day("2026-10-04"));
    }
    assert_eq!(easy.refuse(&found, &past).code(), Code::NoticeTooShort);
    let told = told(&scene, &[premium()], "2026-11-01");
    for wrong in ["2026-10-04", "2026-10-06"] {
        assert_eq!(scene.refuse(&told, &Command::Deliver { on: day(wrong) }).code(), Code::NotDelivered);
    }
    let bill = Command::Bill { document: "INV-1".to_owned(), on: day("2026-11-01"), parts: Vec::new() };
    let reminded = scene.apply(&scene.apply(&told, &bill), &Command::Remind { instalment: None });
    let arrived = Scene::on("2026-10-07").apply(&reminded, &Command::Deliver { on: day("2026-10-07") });
    let later = Scene::on("2026-10-20");
    assert_eq!(later.refuse(&arrived, &resolve(ResolutionBasis::NoObjection)).code(), Code::ReminderMissing);
    let again = Scene::on("2026-10-12").apply(&arrived, &Command::Remind { instalment: None });
    assert_eq!(later.apply(&again, &resolve(ResolutionBasis::NoObjection)).state, State::Resolved);
}

#[test]
fn what_was_accepted_approved_and_decided_does_not_outlive_what_it_was_said_of() {
    let scene = Scene::on("2026-10-08");
    let admin = scene.clone().admin();
    let told = told(&scene, &[premium()], "2026-11-01");
    let offered =
        scene.apply(&scene.apply(&told, &Command::Accept { said: said() }), &offer(3, "2026-11-01"));
    let approved = admin.apply(&offered, &Command::Approve { of: ApprovalOf::Shock, invoice_on: None });
    let refused = scene.apply(&approved, &dispute(DisputeReason::Refusal, vec![seats(1, 2)]));
    assert_eq!(refused.acceptance, None);
    let decide = Command::Decide { reason: "Keep them".to_owned(), write_off: true, evidence_shown: true };
    let decided = admin.apply(&refused, &decide);
    let other = scene.apply(&decided, &dispute(DisputeReason::CountWrong, vec![seats(1, 1)]));
    let end = resolve(ResolutionBasis::RelationshipDecision);
    assert_eq!(admin.refuse(&other, &end).code(), Code::DisputeOpen);
    let resolved = admin.apply(&decided, &end);
    let because = Because::NewEvidence {
        evidence: "A log".to_owned(),
        findings: Vec::new(),
        elsewhere: Elsewhere::default(),
    };
    let reopened = scene.apply(&resolved, &Command::Reopen { because });
    assert_eq!((reopened.decision, reopened.offer, reopened.approvals.len()), (None, None, 0));
    let fewer = vec![finding("Business Premium", 20, 21, "22.00", "2026-02", 8)];
    let recount = recount("audit-2", fewer, &premium());
    let mut kept = admin.apply(
        &refused,
        &Command::Decide { reason: "Keep them".to_owned(), write_off: false, evidence_shown: true },
    );
    kept = scene.apply(&kept, &Command::Amend { recount });
    assert_eq!((kept.decision, kept.offer, kept.approvals.len()), (None, None, 0));
}

#[test]
fn what_a_later_audit_finds_beyond_the_limit_is_barred_and_goes_from_there() {
    let scene = Scene::on("2026-10-08");
    let at = |seats: i64| {
        let mut gap = finding("Seat", 0, seats, "11.00", "2025-01", 20);
        for (at, found) in gap.months.values_mut().enumerate() {
            found.time_barred = at < 8;
        }
        gap
    };
    let told = told(&scene, &[at(3)], "2026-11-01");
    let amended = |from: &Correction, audit: &str, seats: i64| {
        scene.apply(from, &Command::Amend { recount: recount(audit, vec![at(seats)], &at(3)) })
    };
    let more = amended(&told, "audit-2", 4).ledger.balance();
    assert_eq!((more.found.minor, more.time_barred.minor, more.outstanding.minor), (88_000, 35_200, 52_800));
    let less = amended(&told, "audit-2", 2).ledger.balance();
    assert_eq!(
        (less.withdrawn.minor, less.time_barred.minor, less.outstanding.minor),
        (22_000, 17_600, 26_400)
    );
}

#[test]
fn instalments_count_with_all_that_is_announced_and_forward_alone_needs_no_plan() {
    let mut scene = Scene::on("2026-10-08");
    scene.facts.announced_elsewhere.forward = 50_000;
    scene.facts.announced_elsewhere.retro = 50_000;
    let found = scene.open(&[premium()]).unwrap();
    let offered = scene.apply(&found, &offer(4, "2026-11-01"));
    assert_eq!(offered.largest_instalment(&scene.context()), Ok(Some((8_800, 54_400))));
    let mut forward = premium();
    forward.months.clear();
    let found = scene.open(&[forward]).unwrap();
    let refused = scene.refuse(&found, &communicate(&found, "2026-11-01"));
    assert_eq!(refused.code(), Code::ShockApprovalMissing, "{refused:?}");
    assert!(!refused.has(Code::PlanOfferMissing));
}

#[test]
fn a_waiver_agrees_to_what_goes_forward_and_is_taken_back_once_by_a_later_writing() {
    let scene = Scene::on("2026-10-08");
    let mut correction = told(&scene, &[premium()], "2026-11-01");
    let write = |correction: &Correction, kind, name: &str, on: &str| {
        let said = Said { at: Scene::on(on).now, ..said() };
        let sha256 = format!("sha256:{name}");
        scene.apply(
            correction,
            &Command::AttachConfirmation { kind, sha256, said, authenticated: true, minor: None },
        )
    };
    correction = write(&correction, ConfirmationKind::Waiver, "one", "2026-10-07");
    correction = write(&correction, ConfirmationKind::Waiver, "two", "2026-10-07");
    correction = write(&correction, ConfirmationKind::Withdrawal, "old", "2026-10-07");
    correction = write(&correction, ConfirmationKind::Withdrawal, "new", "2026-10-08");
    let mut forward = going_forward(&correction, "2026-11-01");
    forward.quantities.insert(1, 21);
    let waive = |confirmation, minor| Command::Waive {
        request: None,
        parts: vec![Part { line: 1, extent: Extent::Amount(minor) }],
        reason: "Goodwill".to_owned(),
        confirmation: Some(confirmation),
        going_forward: Some(forward.clone()),
        credit_note: None,
    };
    correction = scene.apply(&scene.apply(&correction, &waive(1, 1_000)), &waive(2, 2_000));
    assert_eq!((correction.lines[0].agreed, correction.lines[0].forward), (21, 2_200));
    let bill = Command::Bill { document: "INV-1".to_owned(), on: day("2026-11-01"), parts: Vec::new() };
    correction = scene.apply(&scene.apply(&correction, &bill), &Command::Accept { said: said() });
    correction = scene.apply(&correction, &resolve(ResolutionBasis::Accepted));
    let back = |confirmation, waiver| Command::Reopen {
        because: Because::ConfirmationWithdrawn { confirmation, waiver },
    };
    assert_eq!(scene.refuse(&correction, &back(3, 1)).code(), Code::ConfirmationNotWithdrawn, "older");
    let mut returned = scene.apply(&correction, &back(4, 1));
    assert_eq!(returned.ledger.balance().outstanding.minor, 1_000);
    returned.state = State::Resolved;
    assert_eq!(scene.refuse(&returned, &back(4, 2)).code(), Code::ConfirmationNotWithdrawn, "used");
}

#[test]
fn a_plan_outlives_a_dispute_of_everything_and_a_contract_review() {
    let mut scene = Scene::on("2026-10-08");
    scene.facts.invoices = vec![100_000_000];
    let told = told(&scene, &[premium()], "2026-11-01");
    let planned = scene.apply(
        &scene.apply(&told, &offer(4, "2026-11-01")),
        &Command::AcceptPlan { said: said(), choice: None },
    );
    let amounts = |correction: &Correction| -> Vec<i64> {
        correction.plan.iter().flat_map(|plan| &plan.instalments).map(|one| one.minor).collect()
    };
    let disputed = scene.apply(&planned, &dispute(DisputeReason::ContractReview, all()));
    assert_eq!(amounts(&disputed), [0, 0, 0, 0]);
    let invoice = Command::InvoiceInstalment { instalment: 1, document: "INV-1".to_owned() };
    assert_eq!(scene.refuse(&disputed, &invoice).code(), Code::InstalmentState);
    let review = Answer::ContractReview { review_on: day("2026-10-20") };
    let frozen =
        scene.apply(&disputed, &Command::Answer { dispute: 1, answer: review, text: None, recount: None });
    assert_eq!(amounts(&frozen), [0, 0, 0, 0]);
    let ended = scene.apply(&frozen, &Command::EndReview { outcome: "Clause 4 holds".to_owned() });
    assert_eq!(amounts(&ended), [8_800, 8_800, 8_800, 8_800]);
    assert_eq!(ended.ledger.balance().billed.minor, 35_200);
}
