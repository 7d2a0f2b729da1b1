//! What needs doing next, and what a correction tells of its client.

use super::build::{Scene, day, finding, offer, said, seats, told};
use crate::correction::Correction;
use crate::correction::command::Command;
use crate::correction::deadline::DeadlineKind;
use crate::correction::dispute::{Answer, DisputeReason, ProvisionedSeat};
use crate::correction::todo::{Next, Why, WorkKind};
use crate::correction::track::{DisputeOutcome, Evidence, MomentKind, Promises};

fn commands(next: &Next) -> Vec<&str> {
    next.commands.iter().map(|command| command.as_str()).collect()
}

#[test]
fn after_the_message_each_step_follows_the_one_before() {
    let scene = Scene::on("2026-11-22");
    let correction = told(&scene, &[finding("Premium", 20, 22, "22.00", "2026-02", 8)], "2026-12-01");
    let item = |correction: &Correction, on: &str| correction.next(WorkKind::ReplyBy, 0, day(on));
    assert_eq!(item(&correction, "2026-11-23").why, Why::NotDelivered);
    let arrived = scene.apply(&correction, &Command::Deliver { on: day("2026-11-22") });
    assert_eq!(item(&arrived, "2026-11-23").why, Why::MayReply);
    assert!(!arrived.reply_reminder_due(day("2026-12-02")), "the client may reply on the day itself");
    assert!(arrived.reply_reminder_due(day("2026-12-03")));
    assert_eq!(item(&arrived, "2026-12-03").why, Why::NotReminded);
    let reminded = Scene::on("2026-12-03").apply(&arrived, &Command::Remind { instalment: None });
    assert!(!reminded.reply_reminder_due(day("2026-12-04")));
    let silent = item(&reminded, "2026-12-04");
    assert_eq!((silent.why, commands(&silent)), (Why::NoObjection, vec!["bill", "offer_plan", "resolve"]));
    let bill = Command::Bill { document: "INV-1".to_owned(), on: day("2026-12-04"), parts: Vec::new() };
    let billed = Scene::on("2026-12-04").apply(&reminded, &bill);
    assert_eq!(commands(&item(&billed, "2026-12-04")), ["resolve"]);
}

#[test]
fn whoever_agreed_is_not_reminded() {
    let scene = Scene::on("2026-11-22");
    let correction = told(&scene, &[finding("Premium", 20, 22, "22.00", "2026-02", 8)], "2026-12-01");
    let arrived = scene.apply(&correction, &Command::Deliver { on: day("2026-11-22") });
    let agreed = scene.apply(&arrived, &Command::Accept { said: said() });
    assert!(!agreed.reply_reminder_due(day("2026-12-20")));
    assert_eq!(agreed.next(WorkKind::Settle, 0, day("2026-12-20")).why, Why::Accepted);
}

#[test]
fn every_deadline_is_an_item_of_the_same_name() {
    for kind in DeadlineKind::ALL {
        assert_eq!(WorkKind::of(*kind).as_str(), kind.as_str());
    }
}

#[test]
fn an_objection_ends_by_what_became_of_its_money() {
    let scene = Scene::on("2026-11-22");
    let correction = told(&scene, &[finding("Premium", 20, 22, "22.00", "2026-02", 8)], "2026-12-01");
    let object = Command::Dispute {
        reason: DisputeReason::UnauthorizedSeats,
        parts: vec![seats(1, 1)],
        note: None,
        said: said(),
        reply_by: None,
    };
    let disputed = scene.apply(&correction, &object);
    let of = |correction: &Correction| correction.outcome(&correction.disputes[0]);
    assert_eq!(of(&disputed), DisputeOutcome::Open);
    let log = vec![ProvisionedSeat { on: day("2026-02-01"), seat: "ana".to_owned(), ordered_by: None }];
    let answer =
        Command::Answer { dispute: 1, answer: Answer::UnauthorizedSeats { log }, text: None, recount: None };
    let answered = Scene::on("2026-11-25").apply(&disputed, &answer);
    assert_eq!(of(&answered), DisputeOutcome::Waiting);
    let dispute = &answered.disputes[0];
    assert_eq!((dispute.evidence(), dispute.days_to_answer()), (Evidence::ProvisioningLog, Some(3)));
    let kinds: Vec<MomentKind> =
        answered.moments(day("2026-11-20")).iter().map(|moment| moment.kind).collect();
    assert_eq!(kinds, [MomentKind::Opened, MomentKind::Told, MomentKind::Disputed, MomentKind::Answered]);
    let bill = Command::Bill { document: "INV-1".to_owned(), on: day("2026-12-01"), parts: Vec::new() };
    let scene = Scene::on("2026-12-01");
    let billed = scene.apply(&answered, &bill);
    let accepted = scene.apply(&billed, &Command::Accept { said: said() });
    let basis = crate::correction::case::ResolutionBasis::Accepted;
    let ended = scene.apply(&accepted, &Command::Resolve { basis, going_forward: None });
    assert_eq!(of(&ended), DisputeOutcome::Stood);
    // Nothing is fixed before an import proves it.
    assert_eq!((ended.proved_on(), ended.fixed()), (None, None));
}

#[test]
fn promises_of_a_plan_that_was_given_up_are_not_forgotten() {
    let scene = Scene::on("2026-11-22");
    let correction = told(&scene, &[finding("Premium", 20, 22, "22.00", "2026-02", 8)], "2026-12-01");
    let offered = scene.apply(&correction, &offer(4, "2026-12-01"));
    let planned = scene.apply(&offered, &Command::AcceptPlan { said: said(), choice: None });
    let later = Scene::on("2026-12-08");
    let missed = later.apply(&planned, &Command::RecordBreak);
    let promise = Command::Promise { instalment: 1, on: day("2026-12-12"), said: said() };
    let promised = later.apply(&missed, &promise);
    let running = Promises { running: 1, missed: 1, ..Promises::default() };
    assert_eq!(promised.promises(day("2026-12-12")), running);
    let broken = Scene::on("2026-12-14").apply(&promised, &Command::RecordBreak);
    assert_eq!(broken.next(WorkKind::PaymentBy, 1, day("2026-12-14")).why, Why::PlanBroken);
    let scene = Scene::on("2026-12-15");
    let given_up = scene.apply(&broken, &Command::BreakPlan);
    let again = scene.apply(&given_up, &offer(2, "2026-12-20"));
    let again = scene.apply(&again, &Command::AcceptPlan { said: said(), choice: None });
    let counted = Promises { broken: 1, missed: 1, ..Promises::default() };
    assert_eq!(again.promises(day("2026-12-15")), counted);
    let promise = Command::Promise { instalment: 1, on: day("2026-12-28"), said: said() };
    let kept = scene.apply(&again, &promise);
    let kept = scene.apply(&kept, &Command::PayInstalment { instalment: 1, on: day("2026-12-27") });
    assert_eq!(kept.promises(day("2026-12-28")), Promises { kept: 1, ..counted });
}
