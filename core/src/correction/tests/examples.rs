//! The worked examples, number by number.

use super::build::{Scene, communicate, day, finding, offer, said, seats};
use crate::correction::case::{ApprovalOf, Correction, ResolutionBasis};
use crate::correction::command::{Because, Command};
use crate::correction::dispute::{Answer, DisputeReason, ProvisionedSeat};
use crate::correction::open::Elsewhere;
use crate::correction::quantity::{seat_months, total};
use crate::correction::refusal::Code;
use crate::correction::shock::Band;
use crate::correction::state::State;
use crate::correction::verification::{Invoiced, Outcome, Verification, compare};
use crate::correction::waiver::ConfirmationKind;

/// 60 billed, 72 provisioned, February to September 2026 at 22.00.
fn twelve_seats(scene: &Scene) -> Correction {
    scene.open(&[finding("Business Premium", 60, 72, "22.00", "2026-02", 8)]).unwrap()
}

fn log(entries: usize) -> Vec<ProvisionedSeat> {
    let entry = |at: usize| ProvisionedSeat {
        on: day("2026-02-01"),
        seat: format!("user{at}@contoso.example"),
        ordered_by: Some("Casey Client".to_owned()),
    };
    (0..entries).map(entry).collect()
}

/// Up to the resolution: told, two of four disputed seats waived, the rest paid in six.
#[expect(clippy::too_many_lines, reason = "one history, told from its beginning to its end")]
fn resolved() -> Correction {
    let biller = Scene::on("2026-10-05");
    let admin = Scene::on("2026-10-05").admin();
    let found = twelve_seats(&biller);
    assert_eq!(seat_months(&found.ledger.outstanding()).to_string(), "96.000000");
    assert_eq!(found.ledger.balance().found.minor, 211_200);

    // (2,112 + 264) / 1,320 = 180 %: a plan and an approval.
    let shock = found.shock(&biller.context());
    assert_eq!((shock.announced.retro, shock.announced.forward), (211_200, 26_400));
    assert_eq!((shock.basis_points(), shock.band), (Some(18_000), Band::PlanAndApproval));
    let refused = biller.refuse(&found, &communicate(&found, "2026-11-01"));
    assert!(refused.has(Code::PlanOfferMissing) && refused.has(Code::ShockApprovalMissing));
    let found = biller.apply(&found, &offer(12, "2026-11-01"));
    let refused = biller.refuse(&found, &communicate(&found, "2026-11-01"));
    assert!(refused.has(Code::ShockApprovalMissing) && refused.has(Code::InstalmentTooLarge));
    assert_eq!(
        biller.refuse(&found, &Command::Approve { of: ApprovalOf::Shock, invoice_on: None }).code(),
        Code::AdminRequired
    );
    let found = admin.apply(&found, &Command::Approve { of: ApprovalOf::Shock, invoice_on: None });
    let found = admin.apply(&found, &Command::Approve { of: ApprovalOf::Instalments, invoice_on: None });
    let told = biller.apply(&found, &communicate(&found, "2026-11-01"));
    assert_eq!(told.state, State::Communicated);

    // Four seats of eight months are 704.00.
    let dispute = Command::Dispute {
        reason: DisputeReason::UnauthorizedSeats,
        parts: vec![seats(1, 4)],
        note: Some("Nobody ordered four of these.".to_owned()),
        said: said(),
        reply_by: None,
    };
    let disputed = Scene::on("2026-10-08").apply(&told, &dispute);
    assert_eq!(disputed.state, State::Disputed);
    assert_eq!(disputed.disputes[0].quantity().minor, 70_400);
    assert_eq!(total(&disputed.available()).minor, 140_800, "the rest moves on");

    // The log answers two of them.
    let answer = |log| Command::Answer {
        dispute: 1,
        answer: Answer::UnauthorizedSeats { log },
        text: None,
        recount: None,
    };
    let later = Scene::on("2026-10-10");
    assert_eq!(later.refuse(&disputed, &answer(Vec::new())).code(), Code::ProvisioningLogMissing);
    let answered = later.apply(&disputed, &answer(log(2)));
    assert_eq!(answered.state, State::Communicated);

    // The other two are waived: 16 seat-months, 352.00.
    let waive = |request, confirmation| Command::Waive {
        request,
        parts: vec![seats(1, 2)],
        reason: "No order for two of the seats".to_owned(),
        confirmation,
        going_forward: None,
        credit_note: None,
    };
    let refused = later.refuse(&answered, &waive(None, None));
    assert!(refused.has(Code::ConfirmationMissing) && refused.has(Code::SecondApproverRequired));
    let request = Command::RequestWaiver {
        parts: vec![seats(1, 2)],
        reason: "No order for two of the seats".to_owned(),
    };
    let asked = later.apply(&answered, &request);
    assert_eq!(asked.waiver_requests[0].quantity.minor, 35_200);
    let second = Scene::on("2026-10-12").admin();
    assert_eq!(second.refuse(&asked, &waive(Some(1), None)).code(), Code::ConfirmationMissing);
    let writing = Command::AttachConfirmation {
        kind: ConfirmationKind::Waiver,
        sha256: "sha256:letter".to_owned(),
        said: said(),
        authenticated: true,
        minor: Some(35_200),
    };
    let confirmed = later.apply(&asked, &writing);
    assert_eq!(later.refuse(&confirmed, &waive(Some(1), Some(1))).code(), Code::SecondApproverRequired);
    let waived = second.apply(&confirmed, &waive(Some(1), Some(1)));
    assert_eq!(waived.state, State::Communicated, "a part was waived");
    assert_eq!(
        seat_months(&waived.ledger.in_bucket(super::super::ledger::Bucket::Waived)).to_string(),
        "16.000000"
    );
    assert_eq!(waived.ledger.balance().outstanding.minor, 176_000);

    // 1,760.00 in six: (293.34 + 264.00) / 1,320 = 42 %.
    let third = Scene::on("2026-10-13");
    let offered = third.apply(&waived, &offer(6, "2026-11-01"));
    assert_eq!(offered.largest_instalment(&third.context()), Ok(Some((29_334, 26_400))));
    let mut bare = offered.clone();
    bare.approvals.clear();
    let accept = Command::AcceptPlan { said: said(), choice: None };
    assert_eq!(third.refuse(&bare, &accept).code(), Code::InstalmentTooLarge);
    let long = third.apply(&bare, &offer(27, "2026-11-01"));
    assert!(long.apply(&accept, &third.context()).is_ok(), "or a longer plan");
    let approved = third
        .clone()
        .admin()
        .apply(&bare, &Command::Approve { of: ApprovalOf::Instalments, invoice_on: None });
    let planned = third.apply(&approved, &accept);
    let amounts: Vec<i64> =
        planned.plan.as_ref().unwrap().instalments.iter().map(|instalment| instalment.minor).collect();
    assert_eq!(amounts, [29_334, 29_334, 29_333, 29_333, 29_333, 29_333]);
    let balance = planned.ledger.balance();
    assert_eq!((balance.billed.minor, balance.waived.minor, balance.outstanding.minor), (176_000, 35_200, 0));

    // Going forward 72 seats, 1,584.00.
    let resolve = Command::Resolve { basis: ResolutionBasis::Accepted, going_forward: None };
    let resolved = third.apply(&planned, &resolve);
    assert_eq!(resolved.state, State::Resolved);
    let forward = resolved.going_forward.as_ref().unwrap();
    assert_eq!(forward.quantities.get(&1), Some(&72));
    assert_eq!(132_000 + resolved.lines[0].forward_at(72, resolved.subject.currency), 158_400);
    resolved
}

fn next_invoice(correction: &Correction, seats: i64) -> Verification {
    let line = &correction.lines[0];
    let invoiced = Invoiced { seats, billable: None, price: Some("22.00".parse().unwrap()) };
    let mut outcomes = compare(line, correction.subject.direction, correction.subject.currency, invoiced);
    assert_eq!(outcomes.len(), 1, "the price is as agreed");
    let at = "2026-11-02T08:00:00Z".parse().unwrap();
    let outcome = outcomes.remove(0);
    Verification { import: "import-9".to_owned(), on: day("2026-11-01"), outcome, acted: false, at }
}

#[test]
fn twelve_seats_of_eight_months_end_verified_when_the_next_invoice_has_72() {
    let resolved = resolved();
    let scene = Scene::on("2026-11-02");
    let verification = next_invoice(&resolved, 72);
    assert_eq!(verification.outcome, Outcome::ForwardVerified { line: 1, seats: 72 });
    let verified = scene.apply(&resolved, &Command::Verify { verifications: vec![verification] });
    assert!(verified.forward_verified() && verified.state == State::Resolved);

    // Recovered is what an import proves, instalment by instalment.
    assert_eq!(verified.recovered().billed, 0);
    let invoiced =
        scene.apply(&verified, &Command::InvoiceInstalment { instalment: 1, document: "INV-7".to_owned() });
    let shown = std::collections::BTreeMap::from([("INV-7".to_owned(), 29_334)]);
    let outcome = invoiced.compare_documents(&shown).remove(0);
    let at = scene.now;
    let proof =
        Verification { import: "import-10".to_owned(), on: day("2026-11-01"), outcome, acted: false, at };
    let proved = scene.apply(&invoiced, &Command::Verify { verifications: vec![proof] });
    assert_eq!(proved.recovered().billed, 29_334);
    let balance = proved.ledger.balance();
    assert_eq!(balance.billed.minor + balance.waived.minor, 211_200, "1,760.00 + 352.00 = 2,112.00");
    assert!(balance.holds());
}

#[test]
fn twelve_seats_of_eight_months_are_reopened_when_the_next_invoice_has_71() {
    let resolved = resolved();
    let scene = Scene::on("2026-11-02");
    assert_eq!(
        scene
            .refuse(
                &resolved,
                &Command::Reopen { because: Because::VerificationFailed { elsewhere: Elsewhere::default() } }
            )
            .code(),
        Code::VerificationNotFailed
    );
    let verification = next_invoice(&resolved, 71);
    assert_eq!(verification.outcome, Outcome::Shortfall { line: 1, seats: 1, billed: Some(71) });
    let failed = scene.apply(&resolved, &Command::Verify { verifications: vec![verification] });
    let reopened = scene.apply(
        &failed,
        &Command::Reopen { because: Because::VerificationFailed { elsewhere: Elsewhere::default() } },
    );
    assert_eq!(reopened.state, State::Found);
    let line = reopened.lines.last().unwrap();
    assert_eq!((line.number, line.agreed, line.billed), (2, 72, 71));
    let balance = reopened.ledger.of_line(2);
    assert_eq!((balance.found.minor, balance.outstanding.minor), (2_200, 2_200), "one seat, 22.00");
    let first = reopened.ledger.of_line(1);
    assert_eq!((first.billed.minor, first.waived.minor), (176_000, 35_200), "what was settled stays");
    assert_eq!(
        scene
            .refuse(
                &reopened,
                &Command::Reopen { because: Because::VerificationFailed { elsewhere: Elsewhere::default() } }
            )
            .code(),
        Code::CommandNotAllowed
    );
}

#[test]
fn three_seats_too_many_for_three_months_are_credited_whole_with_an_apology() {
    let scene = Scene::on("2026-06-05");
    let mut gap = finding("Business Standard", 50, 47, "11.70", "2026-03", 3);
    gap.currency = Some(crate::money::Currency::EUR);
    let found = scene.open(&[gap.clone()]).unwrap();
    let outstanding = found.ledger.outstanding();
    assert_eq!(seat_months(&outstanding).to_string(), "9.000000");
    assert_eq!(total(&outstanding).minor, 10_530, "105.30");
    assert_eq!(found.shock(&scene.context()).band, Band::Send, "credits are no shock");

    let us = finding("Business Premium", 20, 22, "22.00", "2026-01", 8);
    let mixed = scene.open(&[gap, us]);
    assert!(mixed.is_err(), "currencies and directions are never one figure");

    let waive = Command::Waive {
        request: None,
        parts: Vec::new(),
        reason: "Small".to_owned(),
        confirmation: None,
        going_forward: None,
        credit_note: None,
    };
    assert_eq!(scene.refuse(&found, &waive).code(), Code::OverBillingWaived);
    let request = Command::RequestWaiver { parts: Vec::new(), reason: "Small".to_owned() };
    assert_eq!(scene.refuse(&found, &request).code(), Code::OverBillingWaived);

    let told = scene.apply(&found, &communicate(&found, "2026-06-06"));
    let bill = Command::Bill { document: "INV-1".to_owned(), on: day("2026-06-30"), parts: Vec::new() };
    assert_eq!(scene.refuse(&told, &bill).code(), Code::OverBillingBilled);
    assert_eq!(scene.refuse(&told, &offer(3, "2026-07-01")).code(), Code::CreditNotWhole);
    let credit = |parts, apology: Option<&str>| Command::Credit {
        document: "CN-1".to_owned(),
        parts,
        apology: apology.map(str::to_owned),
        reason: None,
    };
    assert_eq!(scene.refuse(&told, &credit(vec![seats(1, 2)], Some("Sorry"))).code(), Code::CreditNotWhole);
    assert_eq!(scene.refuse(&told, &credit(Vec::new(), None)).code(), Code::ApologyMissing);
    let resolve = Command::Resolve { basis: ResolutionBasis::NotNeeded, going_forward: None };
    let refused = scene.refuse(&told, &resolve);
    assert!(refused.has(Code::MoneyOutstanding) && refused.has(Code::NotFullyCredited));
    let credited =
        scene.apply(&told, &credit(Vec::new(), Some("We are sorry: we billed three seats too many.")));
    assert_eq!(credited.ledger.balance().credited.minor, 10_530);
    let resolved = scene.apply(&credited, &resolve);
    assert_eq!(resolved.state, State::Resolved);

    // Proved by the import that shows the credit note; still 48 on the next invoice reopens it.
    let shown = std::collections::BTreeMap::from([("CN-1".to_owned(), -10_530)]);
    assert_eq!(
        resolved.compare_documents(&shown),
        [Outcome::DocumentVerified { document: "CN-1".to_owned(), minor: -10_530 }]
    );
    let invoiced = Invoiced { seats: 48, billable: None, price: None };
    let compared =
        compare(&resolved.lines[0], resolved.subject.direction, resolved.subject.currency, invoiced);
    assert_eq!(compared, [Outcome::Shortfall { line: 1, seats: 1, billed: Some(48) }]);
}

#[test]
fn an_invoice_that_overshoots_opens_a_linked_correction_the_other_way() {
    let mut resolved = resolved();
    let scene = Scene::on("2026-11-02");
    let verification = next_invoice(&resolved, 73);
    assert_eq!(verification.outcome, Outcome::Opposite { line: 1, seats: 1, billed: Some(73) });
    resolved = scene.apply(&resolved, &Command::Verify { verifications: vec![verification] });
    let linked = resolved
        .opposite(|_| "opposite gap".to_owned(), &Elsewhere::default(), &scene.context())
        .unwrap()
        .unwrap();
    assert_eq!(linked.subject.direction, crate::audit::Direction::Over);
    assert_eq!((linked.state, linked.ledger.balance().outstanding.minor), (State::Found, 2_200));
    assert_eq!((linked.lines[0].billed, linked.lines[0].agreed), (73, 72));
    assert!(
        resolved.opposite(|_| String::new(), &Elsewhere::default(), &scene.context()).unwrap().is_none(),
        "opened once"
    );
}

#[test]
fn a_seat_that_was_added_since_is_no_fault_and_a_wrong_price_is_a_talk_of_its_own() {
    let resolved = resolved();
    let line = &resolved.lines[0];
    let invoiced = Invoiced { seats: 73, billable: Some(73), price: Some("20.00".parse().unwrap()) };
    let outcomes = compare(line, resolved.subject.direction, resolved.subject.currency, invoiced);
    assert_eq!(outcomes[0], Outcome::ForwardVerified { line: 1, seats: 73 });
    assert!(matches!(outcomes[1], Outcome::WrongPrice { line: 1, .. }));
    let scene = Scene::on("2026-11-02");
    let at = scene.now;
    let of =
        |outcome| Verification { import: "i".to_owned(), on: day("2026-11-01"), outcome, acted: false, at };
    let verifications = outcomes.into_iter().map(of).collect();
    let verified = scene.apply(&resolved, &Command::Verify { verifications });
    assert_eq!((verified.state, verified.price_conversations.len()), (State::Resolved, 1));
}
