//! What each command is refused for, and what it changes where it is not.

use super::build::{
    Scene, communicate, day, finding, going_forward, message, month, offer, said, seat_days, seats, told,
};
use crate::correction::case::{ApprovalOf, Correction, ResolutionBasis};
use crate::correction::command::{Because, Command, Ground, Message, Recount};
use crate::correction::deadline::DeadlineKind;
use crate::correction::dispute::{Answer, DisputeReason};
use crate::correction::finding::Finding;
use crate::correction::ledger::Bucket;
use crate::correction::open::{Elsewhere, open};
use crate::correction::plan::InstalmentState;
use crate::correction::policy::Said;
use crate::correction::quantity::{Extent, Part, Quantity, total};
use crate::correction::refusal::Code;
use crate::correction::state::{Action, State};
use crate::correction::waiver::ConfirmationKind;
use crate::money::Currency;

fn premium() -> Finding {
    finding("Business Premium", 20, 22, "22.00", "2026-02", 8)
}

fn dispute(reason: DisputeReason, parts: Vec<Part>) -> Command {
    Command::Dispute { reason, parts, note: None, said: said(), reply_by: None }
}

fn answer(answer: Answer) -> Command {
    let recount = Some(fewer("audit-2"));
    Command::Answer { dispute: 1, answer, text: None, recount }
}

/// A later audit that finds one seat less.
fn fewer(audit: &str) -> Recount {
    let mut now = finding("Business Premium", 20, 21, "22.00", "2026-02", 8);
    now.audit = audit.to_owned();
    let compared = [(1, now.months.keys().copied().collect())].into();
    Recount { audit: audit.to_owned(), compared, findings: vec![now] }
}

fn bill(parts: Vec<Part>) -> Command {
    Command::Bill { document: "INV-1".to_owned(), on: day("2026-11-01"), parts }
}

fn refused_message(change: impl FnOnce(&mut Command)) -> Vec<Code> {
    let scene = Scene::on("2026-10-05");
    let found = scene.open(&[finding("Seat", 60, 61, "22.00", "2026-09", 1)]).unwrap();
    let mut command = communicate(&found, "2026-11-01");
    change(&mut command);
    scene.refuse(&found, &command).faults().map(|fault| fault.code).collect()
}

#[test]
fn gaps_that_do_not_go_together_are_not_opened() {
    let scene = Scene::on("2026-10-05");
    let changed = |change: fn(&mut Finding)| {
        let mut gap = finding("Other", 3, 5, "4.00", "2026-02", 2);
        change(&mut gap);
        gap
    };
    for (gap, code) in [
        (changed(|gap| gap.client = "Fabrikam".to_owned()), Code::SeveralClients),
        (changed(|gap| gap.billing_entity = Some("North".to_owned())), Code::SeveralBillingEntities),
        (changed(|gap| gap.currency = Some(Currency::EUR)), Code::SeveralCurrencies),
        (finding("Other", 5, 3, "4.00", "2026-02", 2), Code::SeveralDirections),
        (changed(|gap| gap.unpriced = true), Code::Unpriced),
        (changed(|gap| gap.needs_allocation = true), Code::NotAllocated),
        (changed(|gap| gap.unconfirmed = true), Code::MappingUnconfirmed),
        (
            changed(|gap| (gap.months, gap.forward) = (std::collections::BTreeMap::new(), 0)),
            Code::NothingToCorrect,
        ),
    ] {
        assert_eq!(scene.open(&[premium(), gap]).unwrap_err(), code);
    }
    assert_eq!(scene.open(&[]).unwrap_err(), Code::NoGaps);
    let both = scene.open(&[premium(), changed(|_| {})]).unwrap();
    assert_eq!((both.lines.len(), both.ledger.balance().found.minor), (2, 35_200 + 1_600));
}

#[test]
fn months_beyond_the_limit_are_found_and_barred_never_dropped() {
    let mut gap = finding("Seat", 0, 3, "11.00", "2025-01", 20);
    for (at, found) in gap.months.values_mut().enumerate() {
        found.time_barred = at < 8;
    }
    let found = Scene::on("2026-10-05").open(&[gap]).unwrap();
    let balance = found.ledger.balance();
    assert_eq!(
        (balance.found.minor, balance.time_barred.minor, balance.outstanding.minor),
        (66_000, 26_400, 39_600)
    );
}

#[test]
fn what_a_one_off_line_charged_is_not_charged_again() {
    let mut gap = premium();
    (gap.adjusted, gap.adjusted_by) = (5_000, vec!["INV-3".to_owned()]);
    let found = Scene::on("2026-10-05").open(&[gap.clone()]).unwrap();
    assert_eq!(found.ledger.balance().outstanding.minor, 30_200);
    assert_eq!(found.recovered().billed, 0, "nothing that we recovered");
    let ours = Elsewhere { documents: ["INV-3".to_owned()].into(), ..Elsewhere::default() };
    let scene = Scene::on("2026-10-05");
    let again = open(&[gap], &ours, &scene.context()).unwrap();
    assert_eq!(again.ledger.balance().outstanding.minor, 35_200);
}

#[test]
fn each_month_of_a_gap_enters_once_and_only_a_difference_again() {
    let scene = Scene::on("2026-10-05");
    let gap = premium();
    let key = |at: &str| (gap.gap.clone(), month(at));
    let held: Vec<_> = gap.months.keys().map(|at| (gap.gap.clone(), *at)).collect();
    let opened = |elsewhere: &Elsewhere, gap: &Finding| {
        open(std::slice::from_ref(gap), elsewhere, &scene.context()).map_err(|refusal| refusal.code())
    };
    let all_open = Elsewhere { open: held.iter().cloned().collect(), ..Elsewhere::default() };
    assert_eq!(opened(&all_open, &gap).unwrap_err(), Code::InAnotherCorrection);
    let settled = gap.months.iter().map(|(at, found)| ((gap.gap.clone(), *at), found.quantity)).collect();
    let mut all_settled = Elsewhere { settled, ..Elsewhere::default() };
    assert_eq!(opened(&all_settled, &gap).unwrap_err(), Code::AlreadySettled);
    let one_seat = Quantity::new(28, 2_200);
    all_settled.settled.insert(key("2026-02"), one_seat);
    let difference = opened(&all_settled, &gap).unwrap();
    assert_eq!(difference.ledger.balance().outstanding, one_seat);
}

#[test]
fn a_message_needs_context_data_and_going_forward_and_no_price_change() {
    let text = |change: fn(&mut Message)| {
        refused_message(|command| {
            if let Command::Communicate { message, .. } = command {
                change(message);
            }
        })
    };
    assert_eq!(text(|message| message.context = "  ".to_owned()), [Code::ContextMissing]);
    assert_eq!(text(|message| message.data.clear()), [Code::DataMissing]);
    assert_eq!(text(|message| message.going_forward.clear()), [Code::GoingForwardMissing]);
    assert_eq!(text(|message| message.price_change = Some("24.00 from May".to_owned())), [Code::PriceChange]);
    let without = refused_message(|command| {
        if let Command::Communicate { going_forward, gaps_confirmed, .. } = command {
            (*going_forward, *gaps_confirmed) = (None, false);
        }
    });
    assert_eq!(without, [Code::GapsNotConfirmed, Code::GoingForwardMissing]);
    let late = refused_message(|command| {
        if let Command::Communicate { going_forward: Some(forward), .. } = command {
            forward.invoice_on = day("2026-10-09");
        }
    });
    assert_eq!(late, [Code::NoticeTooShort]);
}

#[test]
fn a_message_needs_a_person_frozen_evidence_and_proof_of_assumed_seats() {
    let mut scene = Scene::on("2026-10-05");
    let mut gap = finding("Seat", 60, 61, "22.00", "2026-09", 1);
    gap.assumed = true;
    let found = scene.open(&[gap]).unwrap();
    scene.actor.person = false;
    scene.facts.frozen = None;
    let refused = scene.refuse(&found, &communicate(&found, "2026-11-01"));
    let codes: Vec<Code> = refused.faults().map(|fault| fault.code).collect();
    assert_eq!(codes, [Code::PersonRequired, Code::EvidenceNotFrozen, Code::ProvisioningEvidenceMissing]);
    let mut command = communicate(&found, "2026-11-01");
    if let Command::Communicate { provisioning_evidence, .. } = &mut command {
        provisioning_evidence.push((1, "audit log of 1 September".to_owned()));
    }
    let told = Scene::on("2026-10-05").apply(&found, &command);
    assert_eq!(told.state, State::Communicated);
    assert_eq!(told.announcement.unwrap().shock.announced.increase(), 4_400, "retro and forward");
}

#[test]
fn a_dispute_names_parts_and_a_speaker_and_lets_the_rest_move() {
    let scene = Scene::on("2026-10-08");
    let told = told(&scene, &[premium()], "2026-11-01");
    assert_eq!(scene.refuse(&told, &dispute(DisputeReason::Refusal, Vec::new())).code(), Code::PartMissing);
    let nobody = Command::Dispute {
        reason: DisputeReason::CountWrong,
        parts: vec![seats(1, 1)],
        note: None,
        said: Said { by: " ".to_owned(), ..said() },
        reply_by: None,
    };
    assert_eq!(scene.refuse(&told, &nobody).code(), Code::SpeakerMissing);
    for (part, code) in [
        (seats(9, 1), Code::PartUnknown),
        (seats(1, 3), Code::PartTooLarge),
        (seats(1, 0), Code::PartMissing),
        (Part { line: 1, extent: Extent::SeatDays(seat_days(&[("2026-01", 1)])) }, Code::PartUnknown),
        (Part { line: 1, extent: Extent::SeatDays(seat_days(&[("2026-02", 57)])) }, Code::PartTooLarge),
        (Part { line: 1, extent: Extent::Amount(35_201) }, Code::PartTooLarge),
    ] {
        assert_eq!(scene.refuse(&told, &dispute(DisputeReason::CountWrong, vec![part])).code(), code);
    }
    let months = Some(vec![month("2026-02"), month("2026-03")]);
    let part = Part { line: 1, extent: Extent::Seats { seats: 1, months } };
    let disputed = scene.apply(&told, &dispute(DisputeReason::CountWrong, vec![part]));
    assert_eq!(disputed.disputes[0].quantity(), Quantity::new(59, 4_400));
    let billed = scene.apply(&disputed, &bill(Vec::new()));
    assert_eq!((billed.state, billed.ledger.balance().billed.minor), (State::Disputed, 30_800));
    assert_eq!(scene.refuse(&billed, &bill(Vec::new())).code(), Code::NothingOutstanding);
}

#[test]
fn each_reason_is_answered_by_its_own_evidence() {
    let scene = Scene::on("2026-10-08");
    let past = day("2026-10-07");
    let disputed = |reason| {
        let told = told(&scene, &[premium()], "2026-11-01");
        scene.apply(&told, &dispute(reason, vec![seats(1, 1)]))
    };
    for (reason, given, code) in [
        (
            DisputeReason::UnauthorizedSeats,
            Answer::UnauthorizedSeats { log: Vec::new() },
            Code::ProvisioningLogMissing,
        ),
        (
            DisputeReason::LateBilling,
            Answer::LateBilling { honest_delay: " ".to_owned() },
            Code::HonestDelayMissing,
        ),
        (
            DisputeReason::LateBilling,
            Answer::LateBilling { honest_delay: "Late".to_owned() },
            Code::PlanOfferMissing,
        ),
        (DisputeReason::ContractReview, Answer::ContractReview { review_on: past }, Code::ReviewDateMissing),
        (
            DisputeReason::CountWrong,
            Answer::CountWrong { audit: String::new(), withdrawn: Vec::new(), credit_note: None },
            Code::RecountMissing,
        ),
        (
            DisputeReason::AlreadyPaid,
            Answer::AlreadyPaid { payment: None, shown_not_to_match: None },
            Code::PaymentMissing,
        ),
        (
            DisputeReason::AlreadyPaid,
            Answer::AlreadyPaid { payment: Some(("P".to_owned(), Vec::new())), shown_not_to_match: None },
            Code::PartMissing,
        ),
        (DisputeReason::Price, Answer::Price { conversation_on: past }, Code::PriceConversationMissing),
        (DisputeReason::Refusal, Answer::Refusal, Code::RefusalUnanswered),
        (DisputeReason::Refusal, Answer::Price { conversation_on: past }, Code::AnswerDoesNotFit),
    ] {
        assert_eq!(scene.refuse(&disputed(reason), &answer(given)).code(), code, "{reason}");
    }
    let refused = Command::Answer { dispute: 2, answer: Answer::Refusal, text: None, recount: None };
    assert_eq!(scene.refuse(&disputed(DisputeReason::Refusal), &refused).code(), Code::DisputeUnknown);
}

#[test]
fn a_recount_withdraws_a_payment_bills_and_a_price_is_talked_about() {
    let scene = Scene::on("2026-10-08");
    let disputed =
        |reason| scene.apply(&told(&scene, &[premium()], "2026-11-01"), &dispute(reason, vec![seats(1, 1)]));
    let recounted = scene.apply(
        &disputed(DisputeReason::CountWrong),
        &answer(Answer::CountWrong {
            audit: "audit-2".to_owned(),
            withdrawn: vec![seats(1, 1)],
            credit_note: None,
        }),
    );
    assert_eq!((recounted.state, recounted.ledger.balance().withdrawn.minor), (State::Communicated, 17_600));
    let paid = scene.apply(
        &disputed(DisputeReason::AlreadyPaid),
        &answer(Answer::AlreadyPaid {
            payment: Some(("TRANSFER-5".to_owned(), vec![seats(1, 1)])),
            shown_not_to_match: None,
        }),
    );
    assert_eq!((paid.ledger.balance().billed.minor, paid.recovered().billed), (17_600, 0));
    let priced = scene.apply(
        &disputed(DisputeReason::Price),
        &answer(Answer::Price { conversation_on: day("2026-12-01") }),
    );
    assert_eq!(priced.price_conversations[0].on, day("2026-12-01"));
    let dates = priced.deadlines(&scene.policy);
    assert!(dates.iter().any(|one| one.kind == DeadlineKind::PriceConversationOn));
}

#[test]
fn a_contract_review_freezes_the_past_once_until_its_outcome() {
    let scene = Scene::on("2026-10-08");
    let told = told(&scene, &[premium()], "2026-11-01");
    let disputed = scene.apply(&told, &dispute(DisputeReason::ContractReview, vec![seats(1, 2)]));
    let review = answer(Answer::ContractReview { review_on: day("2026-10-20") });
    let frozen = scene.apply(&disputed, &review);
    assert_eq!(frozen.state, State::Communicated);
    assert_eq!(scene.refuse(&frozen, &bill(Vec::new())).code(), Code::NothingOutstanding);
    let again = scene.apply(&frozen, &dispute(DisputeReason::ContractReview, vec![seats(1, 1)]));
    let second = Command::Answer {
        dispute: 2,
        answer: Answer::ContractReview { review_on: day("2026-10-20") },
        text: None,
        recount: None,
    };
    assert_eq!(scene.refuse(&again, &second).code(), Code::AlreadyFrozen);
    let silent = Command::EndReview { outcome: String::new() };
    assert_eq!(scene.refuse(&frozen, &silent).code(), Code::ReasonMissing);
    let ended = scene.apply(&frozen, &Command::EndReview { outcome: "Clause 4 holds".to_owned() });
    assert_eq!(total(&ended.available()).minor, 35_200);
    let over = Command::EndReview { outcome: "Again".to_owned() };
    assert_eq!(scene.refuse(&ended, &over).code(), Code::NotFrozen);
}

#[test]
fn a_refusal_is_decided_by_an_admin_who_does_not_bill() {
    let scene = Scene::on("2026-10-08");
    let admin = scene.clone().admin();
    let told = told(&scene, &[premium()], "2026-11-01");
    let disputed = scene.apply(&told, &dispute(DisputeReason::Refusal, vec![seats(1, 2)]));
    let decide = |evidence_shown| Command::Decide {
        reason: "They are worth more than this.".to_owned(),
        write_off: true,
        evidence_shown,
    };
    let refused = scene.refuse(&disputed, &decide(true));
    assert!(refused.has(Code::AdminRequired) && refused.has(Code::DecidedByBiller));
    let refused = admin.refuse(&disputed, &decide(false));
    assert!(refused.has(Code::EvidenceNotShown) && refused.has(Code::PlanOfferMissing));
    let offered = scene.apply(&disputed, &offer(3, "2026-11-01"));
    let decided = admin.apply(&offered, &decide(true));
    assert_eq!(decided.ledger.balance().written_off.minor, 35_200);
    let resolve = |basis| Command::Resolve { basis, going_forward: None };
    assert_eq!(
        admin.refuse(&offered, &resolve(ResolutionBasis::RelationshipDecision)).code(),
        Code::MoneyOutstanding
    );
    assert_eq!(admin.refuse(&decided, &resolve(ResolutionBasis::Accepted)).code(), Code::AcceptanceMissing);
    let resolved = admin.apply(&decided, &resolve(ResolutionBasis::RelationshipDecision));
    assert_eq!(resolved.state, State::Resolved);
}

#[test]
fn silence_is_consent_only_after_delivery_reply_by_and_a_reminder() {
    let scene = Scene::on("2026-10-05");
    let told = told(&scene, &[premium()], "2026-11-01");
    let billed = scene.apply(&told, &bill(Vec::new()));
    let resolve = Command::Resolve { basis: ResolutionBasis::NoObjection, going_forward: None };
    let refused = scene.refuse(&billed, &resolve);
    for code in [Code::NotDelivered, Code::ReplyByNotPassed, Code::ReminderMissing] {
        assert!(refused.has(code), "{code}");
    }
    let delivered = scene.apply(&billed, &Command::Deliver { on: day("2026-10-05") });
    let reminded = Scene::on("2026-10-12").apply(&delivered, &Command::Remind { instalment: None });
    assert_eq!(Scene::on("2026-10-15").refuse(&reminded, &resolve).code(), Code::ReplyByNotPassed);
    let resolved = Scene::on("2026-10-16").apply(&reminded, &resolve);
    assert_eq!(resolved.state, State::Resolved);
    let objected = scene.apply(&reminded, &dispute(DisputeReason::Price, vec![seats(1, 1)]));
    let later = Scene::on("2026-10-16");
    let answered = later.apply(&objected, &answer(Answer::Price { conversation_on: day("2026-12-01") }));
    assert_eq!(later.refuse(&answered, &resolve).code(), Code::Objection);
}

#[test]
fn a_later_audit_amends_both_ways_and_asks_for_a_new_letter() {
    let scene = Scene::on("2026-10-08");
    let told = told(&scene, &[premium()], "2026-11-01");
    let recount = |audit: &str, change: fn(&mut Finding)| {
        let mut now = premium();
        now.audit = audit.to_owned();
        change(&mut now);
        let compared = [(1, premium().months.keys().copied().collect())].into();
        Command::Amend { recount: Recount { audit: audit.to_owned(), compared, findings: vec![now] } }
    };
    assert_eq!(scene.refuse(&told, &recount("audit-1", |_| {})).code(), Code::SameAudit);
    assert_eq!(scene.refuse(&told, &recount("audit-2", |_| {})).code(), Code::NoDifference);
    let change = |gap: &mut Finding| {
        gap.months.remove(&month("2026-02"));
        let more = Quantity::new(93, 6_600);
        gap.months.entry(month("2026-03")).and_modify(|found| (found.quantity, found.seats) = (more, 3));
    };
    let amended = scene.apply(&told, &recount("audit-2", change));
    let balance = amended.ledger.balance();
    assert_eq!(amended.state, State::Found);
    assert_eq!(
        (balance.found.minor, balance.withdrawn.minor, balance.outstanding.minor),
        (37_400, 4_400, 33_000)
    );
    assert_eq!(amended.lines[0].audit, "audit-2");
    let disputed = scene.apply(&told, &dispute(DisputeReason::CountWrong, vec![seats(1, 1)]));
    let superseded = scene.apply(&disputed, &recount("audit-2", change));
    assert!(superseded.open_disputes().next().is_none() && superseded.held().is_empty());
    let billed = scene.apply(&told, &bill(Vec::new()));
    assert_eq!(scene.refuse(&billed, &recount("audit-2", change)).code(), Code::AlreadyDisposed);
}

#[test]
fn seats_are_withdrawn_by_an_audit_without_them_or_a_rule_with_an_owner() {
    let scene = Scene::on("2026-10-08");
    let found = scene.open(&[premium()]).unwrap();
    let none = Command::Withdraw { ground: None };
    assert_eq!(scene.refuse(&found, &none).code(), Code::WithdrawalUnfounded);
    let audit = |months: usize, findings| Command::Withdraw {
        ground: Some(Ground::Audit(Recount {
            audit: "audit-2".to_owned(),
            compared: [(1, premium().months.keys().copied().take(months).collect())].into(),
            findings,
        })),
    };
    assert_eq!(
        scene.refuse(&found, &audit(7, Vec::new())).code(),
        Code::WithdrawalUnfounded,
        "one is not compared"
    );
    assert_eq!(
        scene.refuse(&found, &audit(8, vec![premium()])).code(),
        Code::WithdrawalUnfounded,
        "still found"
    );
    let withdrawn = scene.apply(&found, &audit(8, Vec::new()));
    assert_eq!((withdrawn.state, withdrawn.ledger.balance().withdrawn.minor), (State::Resolved, 35_200));
    assert!(withdrawn.ledger.entries().iter().any(|entry| entry.note.document.as_deref() == Some("audit-2")));

    let rule = Command::Withdraw {
        ground: Some(Ground::Rule {
            audit: "audit-1".to_owned(),
            reason: "Shared mailboxes".to_owned(),
            owner: "Bea".to_owned(),
        }),
    };
    assert_eq!(scene.apply(&found, &rule).state, State::Resolved);
    let over = scene.open(&[finding("Seat", 50, 47, "11.70", "2026-03", 3)]).unwrap();
    assert_eq!(scene.refuse(&over, &rule).code(), Code::SecondApproverRequired);
    assert_eq!(scene.clone().admin().apply(&over, &rule).state, State::Resolved);
}

/// Told, and 2 seats of 8 months confirmed as waived by the client.
fn confirmed(scene: &Scene, authenticated: bool, minor: Option<i64>) -> Correction {
    let told = told(scene, &[premium()], "2026-11-01");
    let writing = Command::AttachConfirmation {
        kind: ConfirmationKind::Waiver,
        sha256: "sha256:letter".to_owned(),
        said: said(),
        authenticated,
        minor,
    };
    scene.apply(&told, &writing)
}

fn waive(request: Option<u32>, parts: Vec<Part>) -> Command {
    Command::Waive {
        request,
        parts,
        reason: "Goodwill".to_owned(),
        confirmation: Some(1),
        going_forward: None,
        credit_note: None,
    }
}

#[test]
fn a_waiver_rests_on_one_authenticated_writing_that_is_large_enough() {
    let scene = Scene::on("2026-10-08");
    let small = vec![Part { line: 1, extent: Extent::Amount(5_000) }];
    let link = confirmed(&scene, false, None);
    assert_eq!(scene.refuse(&link, &waive(None, small.clone())).code(), Code::ConfirmationUnauthenticated);
    let less = confirmed(&scene, true, Some(4_999));
    assert_eq!(scene.refuse(&less, &waive(None, small.clone())).code(), Code::ConfirmationTooSmall);
    let enough = confirmed(&scene, true, Some(5_000));
    let waived = scene.apply(&enough, &waive(None, small.clone()));
    assert_eq!((waived.state, waived.ledger.balance().waived.minor), (State::Communicated, 5_000));
    assert_eq!(scene.refuse(&waived, &waive(None, small)).code(), Code::ConfirmationUsed);
    let unknown = scene.refuse(&enough, &waive(Some(3), Vec::new()));
    assert_eq!(unknown.code(), Code::WaiverRequestUnknown);
}

#[test]
fn waiving_all_that_is_left_ends_the_correction_until_the_client_takes_it_back() {
    let scene = Scene::on("2026-10-08");
    let asked = scene.apply(
        &confirmed(&scene, true, None),
        &Command::RequestWaiver { parts: Vec::new(), reason: "Goodwill".to_owned() },
    );
    let dates = asked.deadlines(&scene.policy);
    assert!(dates.iter().any(|one| one.kind == DeadlineKind::ApprovalBy && one.due_on == day("2026-10-11")));
    let waived = scene.clone().admin().apply(&asked, &waive(Some(1), Vec::new()));
    assert_eq!(waived.state, State::Waived);
    let back = Command::Reopen { because: Because::ConfirmationWithdrawn { confirmation: 2, waiver: 1 } };
    assert_eq!(scene.refuse(&waived, &back).code(), Code::ConfirmationNotWithdrawn);
    let evidence = Because::NewEvidence {
        evidence: "A log".to_owned(),
        findings: Vec::new(),
        elsewhere: Elsewhere::default(),
    };
    let reopened = scene.apply(&waived, &Command::Reopen { because: evidence });
    assert_eq!(
        reopened.ledger.balance().outstanding,
        Quantity::ZERO,
        "waived money does not return by itself"
    );
    let writing = Command::AttachConfirmation {
        kind: ConfirmationKind::Withdrawal,
        sha256: "sha256:second letter".to_owned(),
        said: Said { at: scene.now, ..said() },
        authenticated: true,
        minor: None,
    };
    let returned = scene.apply(&scene.apply(&waived, &writing), &back);
    assert_eq!((returned.state, returned.ledger.balance().outstanding.minor), (State::Found, 35_200));
}

#[test]
fn a_waiver_inside_a_plan_divides_the_rest_anew() {
    let scene = Scene::on("2026-10-08");
    let mut scene = scene;
    scene.facts.invoices = vec![100_000_000];
    let planned = scene.apply(
        &scene.apply(&confirmed(&scene, true, None), &offer(4, "2026-11-01")),
        &Command::AcceptPlan { said: said(), choice: None },
    );
    let invoiced =
        scene.apply(&planned, &Command::InvoiceInstalment { instalment: 1, document: "INV-1".to_owned() });
    let small = vec![Part { line: 1, extent: Extent::Amount(5_000) }];
    let waived = scene.apply(&invoiced, &waive(None, small));
    let plan = waived.plan.as_ref().unwrap();
    let amounts: Vec<i64> = plan.instalments.iter().map(|one| one.minor).collect();
    assert_eq!(amounts, [8_800, 7_134, 7_133, 7_133]);
    assert_eq!(waived.ledger.balance().billed.minor, 30_200);
    // What is on an invoice takes a credit note.
    let invoice = vec![Part { line: 1, extent: Extent::All }];
    let refused = scene.clone().admin().refuse(&waived, &waive(None, invoice));
    assert!(refused.has(Code::DocumentMissing) || refused.has(Code::ConfirmationUsed), "{refused:?}");
}

#[test]
fn a_plan_that_is_broken_twice_is_given_up_and_reopens() {
    let mut scene = Scene::on("2026-10-08");
    scene.facts.invoices = vec![100_000_000];
    let told = told(&scene, &[premium()], "2026-11-01");
    assert_eq!(
        scene.refuse(&told, &Command::AcceptPlan { said: said(), choice: None }).code(),
        Code::PlanNotOffered
    );
    assert_eq!(scene.refuse(&told, &offer(0, "2026-11-01")).code(), Code::PlanCount);
    assert_eq!(scene.refuse(&told, &offer(3, "2026-10-01")).code(), Code::PlanStart);
    assert_eq!(scene.refuse(&told, &Command::BreakPlan).code(), Code::NoPlan);
    let planned = scene.apply(
        &scene.apply(&told, &offer(2, "2026-11-01")),
        &Command::AcceptPlan { said: said(), choice: None },
    );
    assert_eq!(scene.refuse(&planned, &offer(3, "2026-11-01")).code(), Code::PlanExists);
    let resolved =
        scene.apply(&planned, &Command::Resolve { basis: ResolutionBasis::Accepted, going_forward: None });
    let on = |date: &str| Scene { facts: scene.facts.clone(), ..Scene::on(date) };
    let invoice =
        |instalment| Command::InvoiceInstalment { instalment, document: format!("INV-{instalment}") };
    assert_eq!(scene.refuse(&resolved, &invoice(9)).code(), Code::InstalmentUnknown);
    let invoiced = on("2026-11-01").apply(&resolved, &invoice(1));
    assert_eq!(scene.refuse(&invoiced, &invoice(1)).code(), Code::InstalmentState);
    assert_eq!(on("2026-11-06").refuse(&invoiced, &Command::RecordBreak).code(), Code::NotMissed);
    let missed = on("2026-11-07").apply(&invoiced, &Command::RecordBreak);
    let promise = |on: &str| Command::Promise { instalment: 1, on: day(on), said: said() };
    assert_eq!(on("2026-11-07").refuse(&missed, &promise("2026-11-07")).code(), Code::PromisePast);
    let promised = on("2026-11-07").apply(&missed, &promise("2026-11-20"));
    let reopen = Command::Reopen { because: Because::PlanBrokenTwice };
    assert_eq!(on("2026-11-20").refuse(&promised, &reopen).code(), Code::PlanNotBrokenTwice);
    let broken = on("2026-11-21").apply(&promised, &Command::RecordBreak);
    let reopened = on("2026-11-21").apply(&broken, &reopen);
    let balance = reopened.ledger.balance();
    assert_eq!(reopened.state, State::Found);
    assert_eq!((balance.billed.minor, balance.outstanding.minor), (17_600, 17_600), "the invoice stands");
    let plan = reopened.plan.as_ref().unwrap();
    assert!(plan.given_up && plan.instalments[0].state == InstalmentState::Invoiced);
    let paid = Command::PayInstalment { instalment: 1, on: day("2026-11-22") };
    assert_eq!(on("2026-11-22").refuse(&reopened, &paid).code(), Code::CommandNotAllowed);
}

#[test]
fn a_charge_is_given_back_with_a_reason_and_only_what_was_billed() {
    let scene = Scene::on("2026-10-08");
    let told = told(&scene, &[premium()], "2026-11-01");
    let credit = |parts, reason: Option<&str>| Command::Credit {
        document: "CN-1".to_owned(),
        parts,
        apology: None,
        reason: reason.map(str::to_owned),
    };
    assert_eq!(scene.refuse(&told, &credit(vec![seats(1, 1)], Some("Twice"))).code(), Code::NothingBilled);
    let billed = scene.apply(&told, &bill(Vec::new()));
    let refused = scene.refuse(&billed, &credit(Vec::new(), None));
    assert!(refused.has(Code::ReasonMissing) && refused.has(Code::PartMissing));
    let credited = scene.apply(&billed, &credit(vec![seats(1, 1)], Some("Charged twice")));
    let balance = credited.ledger.balance();
    assert_eq!(
        (balance.billed.minor, balance.credited.minor, balance.outstanding.minor),
        (17_600, 17_600, 0)
    );
    let early = Command::Bill { document: "I".to_owned(), on: day("2026-10-09"), parts: Vec::new() };
    assert_eq!(scene.refuse(&told, &early).code(), Code::InvoiceTooEarly);
}

#[test]
fn approvals_reach_as_far_as_what_was_approved() {
    let scene = Scene::on("2026-10-05");
    let admin = scene.clone().admin();
    let found = scene.open(&[finding("Seat", 60, 72, "22.00", "2026-02", 8)]).unwrap();
    let approve = |of| Command::Approve { of, invoice_on: None };
    assert_eq!(admin.refuse(&found, &approve(ApprovalOf::Instalments)).code(), Code::PlanNotOffered);
    let approved = admin.apply(&found, &approve(ApprovalOf::Shock));
    assert_eq!(approved.approvals[0].up_to, 237_600);
    // Another correction is announced for the same invoice meanwhile: more than was approved.
    let mut more = scene.clone();
    more.facts.announced_elsewhere.retro = 1;
    let refused = more.refuse(&approved, &communicate(&approved, "2026-11-01"));
    assert!(refused.has(Code::ShockApprovalMissing));
    let mut untold = scene.clone();
    untold.facts.invoices.clear();
    assert!(untold.refuse(&found, &communicate(&found, "2026-11-01")).has(Code::ShockApprovalMissing));
}

#[test]
fn every_command_is_refused_in_every_state_that_the_table_leaves_out() {
    let scene = Scene::on("2026-10-08");
    let found = scene.open(&[premium()]).unwrap();
    let commands = [
        communicate(&found, "2026-11-01"),
        Command::Deliver { on: day("2026-10-08") },
        Command::Remind { instalment: None },
        Command::Accept { said: said() },
        dispute(DisputeReason::Refusal, vec![seats(1, 1)]),
        answer(Answer::Refusal),
        Command::EndReview { outcome: "x".to_owned() },
        Command::Decide { reason: "x".to_owned(), write_off: false, evidence_shown: true },
        Command::Amend {
            recount: Recount { audit: "a".to_owned(), compared: [].into(), findings: Vec::new() },
        },
        Command::Resolve {
            basis: ResolutionBasis::Accepted,
            going_forward: Some(going_forward(&found, "2026-11-01")),
        },
        Command::Withdraw { ground: None },
        Command::RequestWaiver { parts: Vec::new(), reason: "x".to_owned() },
        waive(None, Vec::new()),
        bill(Vec::new()),
        Command::Credit { document: "x".to_owned(), parts: Vec::new(), apology: None, reason: None },
        offer(3, "2026-11-01"),
        Command::AcceptPlan { said: said(), choice: None },
        Command::InvoiceInstalment { instalment: 1, document: "x".to_owned() },
        Command::PayInstalment { instalment: 1, on: day("2026-11-01") },
        Command::Promise { instalment: 1, on: day("2026-11-01"), said: said() },
        Command::RecordBreak,
        Command::BreakPlan,
        Command::Approve { of: ApprovalOf::Shock, invoice_on: None },
        Command::Reopen { because: Because::VerificationFailed { elsewhere: Elsewhere::default() } },
    ];
    let mut pairs = 0;
    for command in &commands {
        for state in State::ALL {
            let correction = Correction { state: *state, ..found.clone() };
            let allowed = command.action().from().contains(state);
            let refused = correction.apply(command, &scene.context()).err();
            let by_table = refused.is_some_and(|refusal| refusal.code() == Code::CommandNotAllowed);
            assert_eq!(by_table, !allowed, "{} in {state}", command.action());
            pairs += 1;
        }
    }
    // The others are allowed in every state but one, and are asked in the examples.
    assert_eq!(pairs, (Action::ALL.len() - 3) * State::ALL.len());
}

#[test]
fn what_is_found_is_what_became_of_it() {
    let scene = Scene::on("2026-10-08");
    let told = told(&scene, &[premium(), finding("Seat", 0, 3, "3.33", "2026-03", 3)], "2026-11-01");
    let third = scene.apply(&told, &bill(vec![seats(2, 1)]));
    assert_eq!(third.ledger.of_line(2).billed.minor, 999);
    let message = message();
    assert!(third.announcement.is_some_and(|announcement| announcement.context == message.context));
    assert!(third.ledger.in_bucket(Bucket::Billed).keys().all(|place| place.line == 2));
}
