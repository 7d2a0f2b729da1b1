//! What imports prove: the next invoice by what is billable by then, documents by what stands on them, and what
//! another correction has to do with either.

use super::build::{Scene, communicate, day, finding, going_forward, month, offer, said, seats, told};
use crate::correction::case::{ApprovalOf, Correction, ResolutionBasis};
use crate::correction::command::{Because, Command, Recount};
use crate::correction::dispute::{Answer, DisputeReason};
use crate::correction::finding::{Finding, OnInvoice};
use crate::correction::open::{Elsewhere, open};
use crate::correction::quantity::{Extent, Part, Quantity};
use crate::correction::refusal::Code;
use crate::correction::state::State;
use crate::correction::verification::{Invoiced, Outcome, Verification, compare};
use crate::correction::waiver::ConfirmationKind;
use std::collections::BTreeMap;

fn premium() -> Finding {
    finding("Business Premium", 20, 22, "22.00", "2026-02", 8)
}

fn part(line: u32, minor: i64) -> Vec<Part> {
    vec![Part { line, extent: Extent::Amount(minor) }]
}

fn bill(document: &str, parts: Vec<Part>) -> Command {
    Command::Bill { document: document.to_owned(), on: day("2026-11-01"), parts }
}

fn resolve(basis: ResolutionBasis) -> Command {
    Command::Resolve { basis, going_forward: None }
}

fn noted(scene: &Scene, correction: &Correction, outcomes: Vec<Outcome>) -> Correction {
    let of = |outcome| Verification {
        import: "import-9".to_owned(),
        on: day("2026-11-01"),
        outcome,
        acted: false,
        at: scene.now,
    };
    let verifications = outcomes.into_iter().map(of).collect();
    scene.apply(correction, &Command::Verify { verifications })
}

/// What an import shows of documents, noted.
fn shown(scene: &Scene, correction: &Correction, documents: &[(&str, i64)]) -> Correction {
    let shown = documents.iter().map(|(document, minor)| ((*document).to_owned(), *minor)).collect();
    let outcomes = correction.compare_documents(&shown);
    if outcomes.is_empty() { correction.clone() } else { noted(scene, correction, outcomes) }
}

/// Told, billed, accepted and resolved.
fn resolved(scene: &Scene) -> Correction {
    let told = told(scene, &[premium()], "2026-11-01");
    let billed = scene.apply(&told, &bill("INV-1", Vec::new()));
    scene.apply(&scene.apply(&billed, &Command::Accept { said: said() }), &resolve(ResolutionBasis::Accepted))
}

#[test]
fn the_next_invoice_bills_what_was_agreed_and_what_came_or_went_since() {
    let scene = Scene::on("2026-10-05");
    for (agreed, then, now, billed, off) in [
        // Agreed as found, and nothing changed.
        (22, Some(22), Some(22), 22, 0),
        (22, Some(22), None, 22, 0),
        // Less was agreed than is billable: no change since.
        (21, Some(22), Some(22), 21, 0),
        (21, Some(22), Some(22), 20, -1),
        (21, Some(22), Some(22), 22, 1),
        // Seats that came since are billed on top, seats that went are not.
        (21, Some(22), Some(25), 24, 0),
        (22, Some(22), Some(23), 22, -1),
        (22, Some(22), Some(20), 20, 0),
        (22, Some(22), Some(20), 22, 2),
        // What came before it was agreed is in what was agreed.
        (23, Some(23), Some(23), 23, 0),
        // Never below none.
        (1, Some(22), Some(0), 0, 0),
        // What was billable then is not known: what was agreed.
        (22, None, Some(23), 23, 0),
    ] {
        let mut line = scene.open(&[premium()]).unwrap().lines.remove(0);
        (line.agreed, line.billable) = (agreed, then);
        let invoiced = Invoiced { seats: billed, billable: now, price: None };
        for (direction, same) in [(crate::audit::Direction::Under, -1), (crate::audit::Direction::Over, 1)] {
            let outcome = compare(&line, direction, crate::money::Currency::USD, invoiced).remove(0);
            let expected = match off {
                0 => Outcome::ForwardVerified { line: 1, seats: billed },
                _ if off * same > 0 => {
                    Outcome::Shortfall { line: 1, seats: i64::abs(off), billed: Some(billed) }
                }
                _ => Outcome::Opposite { line: 1, seats: i64::abs(off), billed: Some(billed) },
            };
            assert_eq!(outcome, expected, "{agreed} of {then:?}, {now:?} now, {billed} billed");
        }
    }
}

#[test]
fn what_is_billable_is_kept_when_seats_are_agreed_and_not_when_they_are_only_repeated() {
    let mut scene = Scene::on("2026-10-05");
    scene.facts.invoices = vec![100_000_000];
    scene.facts.billable = BTreeMap::from([(1, 23)]);
    let found = scene.open(&[premium()]).unwrap();
    assert_eq!(found.lines[0].billable, Some(22), "as the audit found it");
    let told = scene.apply(&found, &communicate(&found, "2026-11-01"));
    assert_eq!((told.lines[0].agreed, told.lines[0].billable), (22, Some(23)));
    let billed = scene.apply(&told, &bill("INV-1", Vec::new()));
    let accepted = scene.apply(&billed, &Command::Accept { said: said() });
    // The service looks it up only where seats are stated.
    scene.facts.billable.clear();
    let repeated = scene.apply(&accepted, &resolve(ResolutionBasis::Accepted));
    assert_eq!(repeated.lines[0].billable, Some(23));
    scene.facts.billable = BTreeMap::from([(1, 24)]);
    let forward = Some(going_forward(&accepted, "2026-11-01"));
    let anew = Command::Resolve { basis: ResolutionBasis::Accepted, going_forward: forward };
    assert_eq!(scene.apply(&accepted, &anew).lines[0].billable, Some(24));
}

#[test]
fn a_line_stored_without_what_was_billable_is_read_as_agreed() {
    let line = Scene::on("2026-10-05").open(&[premium()]).unwrap().lines.remove(0);
    let mut stored = serde_json::to_value(&line).unwrap();
    stored.as_object_mut().unwrap().remove("billable");
    let line: crate::correction::finding::Line = serde_json::from_value(stored).unwrap();
    assert_eq!(line.billable, None);
}

#[test]
fn an_invoice_that_bills_a_seat_that_came_and_lacks_another_reopens_by_what_it_bills() {
    let scene = Scene::on("2026-11-02");
    let resolved = resolved(&Scene::on("2026-10-08"));
    let line = &resolved.lines[0];
    let invoiced = Invoiced { seats: 23, billable: Some(24), price: None };
    let outcomes = compare(line, resolved.subject.direction, resolved.subject.currency, invoiced);
    let failed = noted(&scene, &resolved, outcomes);
    let because = Because::VerificationFailed { elsewhere: Elsewhere::default() };
    let reopened = scene.apply(&failed, &Command::Reopen { because });
    let line = reopened.lines.last().unwrap();
    assert_eq!((line.billed, line.agreed, line.billable), (23, 24, Some(24)));
    assert_eq!(reopened.ledger.of_line(2).outstanding.minor, 2_200);
}

/// Resolved, reopened by one seat of November that was billed too little, and told anew.
fn reopened(scene: &Scene) -> Correction {
    let resolved = resolved(&Scene::on("2026-10-08"));
    let short = Outcome::Shortfall { line: 1, seats: 1, billed: Some(21) };
    let failed = noted(scene, &resolved, vec![short]);
    let because = Because::VerificationFailed { elsewhere: Elsewhere::default() };
    let reopened = scene.apply(&failed, &Command::Reopen { because });
    scene.apply(&reopened, &communicate(&reopened, "2026-12-01"))
}

/// An audit that compared November and finds nothing there.
fn without_november() -> Recount {
    let november = std::collections::BTreeSet::from([month("2026-11")]);
    let compared = [(1, november.clone()), (2, november)].into();
    Recount { audit: "audit-2".to_owned(), compared, findings: Vec::new() }
}

#[test]
fn a_line_that_rests_on_an_invoice_says_so_and_what_it_should_have_billed() {
    let scene = Scene::on("2026-11-02");
    let reopened = reopened(&scene);
    let on = OnInvoice { on: day("2026-11-01"), billed: 21, billable: 22, import: "import-9".to_owned() };
    assert_eq!((&reopened.lines[0].invoice, &reopened.lines[1].invoice), (&None, &Some(on)));
    let over = Outcome::Opposite { line: 1, seats: 2, billed: Some(24) };
    let mut noted = noted(&scene, &resolved(&Scene::on("2026-10-08")), vec![over]);
    let opposite = |_: &crate::correction::finding::Line| "other".to_owned();
    let linked = noted.opposite(opposite, &Elsewhere::default(), &scene.context()).unwrap().unwrap();
    let on = OnInvoice { on: day("2026-11-01"), billed: 24, billable: 22, import: "import-9".to_owned() };
    assert_eq!((linked.lines[0].gap.as_str(), &linked.lines[0].invoice), ("other", &Some(on)));
}

#[test]
fn what_an_invoice_lacked_is_withdrawn_at_its_own_line_when_an_audit_no_longer_finds_it() {
    let scene = Scene::on("2026-11-02");
    let told = reopened(&scene);
    let before = told.ledger.of_line(1);
    let amended = scene.apply(&told, &Command::Amend { recount: without_november() });
    assert_eq!(amended.ledger.of_line(2).withdrawn, Quantity::new(30, 2_200));
    assert_eq!((amended.ledger.of_line(1), amended.state), (before, State::Found));
    // The same by an answer to an objection.
    let part = seats(2, 1);
    let reason = DisputeReason::CountWrong;
    let dispute =
        Command::Dispute { reason, parts: vec![part.clone()], note: None, said: said(), reply_by: None };
    let answer = Command::Answer {
        dispute: 1,
        answer: Answer::CountWrong { audit: "audit-2".to_owned(), withdrawn: vec![part], credit_note: None },
        text: None,
        recount: Some(without_november()),
    };
    let answered = scene.apply(&scene.apply(&told, &dispute), &answer);
    assert_eq!(answered.ledger.of_line(2).withdrawn, Quantity::new(30, 2_200));
}

#[test]
fn what_is_waived_after_it_was_billed_is_not_recovered_and_its_credit_note_is_proved_like_any_other() {
    let scene = Scene::on("2026-10-08");
    let told = told(&scene, &[premium()], "2026-11-01");
    let writing = Command::AttachConfirmation {
        kind: ConfirmationKind::Waiver,
        sha256: "sha256:letter".to_owned(),
        said: said(),
        authenticated: true,
        minor: None,
    };
    let billed = scene.apply(&scene.apply(&told, &writing), &bill("INV-1", Vec::new()));
    let proved = shown(&scene, &billed, &[("INV-1", 35_200)]);
    assert_eq!(proved.recovered().billed, 35_200);
    let waive = Command::Waive {
        request: None,
        parts: part(1, 5_000),
        reason: "Goodwill".to_owned(),
        confirmation: Some(1),
        going_forward: None,
        credit_note: Some("CN-1".to_owned()),
    };
    let waived = scene.apply(&proved, &waive);
    assert_eq!(waived.recovered().billed, 30_200);
    let expected = BTreeMap::from([("CN-1".to_owned(), -5_000), ("INV-1".to_owned(), 35_200)]);
    assert_eq!(waived.documents(), expected);
    assert!(waived.is_verified("INV-1") && !waived.is_verified("CN-1"));
    // Booked as a charge it is not proved.
    let wrong = waived.compare_documents(&BTreeMap::from([("CN-1".to_owned(), 5_000)]));
    assert_eq!(
        wrong,
        [Outcome::DocumentDiffers { document: "CN-1".to_owned(), expected: -5_000, shown: 5_000 }]
    );
    let right = shown(&scene, &noted(&scene, &waived, wrong), &[("CN-1", -5_000)]);
    assert!(right.is_verified("CN-1"));
    assert_eq!((right.recovered().billed, right.recovered().credited), (30_200, 0));
}

#[test]
fn what_is_billed_on_a_document_after_it_was_proved_waits_for_its_own_proof() {
    let scene = Scene::on("2026-10-08");
    let told = told(&scene, &[premium()], "2026-11-01");
    let first = shown(&scene, &scene.apply(&told, &bill("INV-1", part(1, 10_000))), &[("INV-1", 10_000)]);
    assert_eq!(first.recovered().billed, 10_000);
    let more = scene.apply(&first, &bill("INV-1", part(1, 5_000)));
    assert!(!more.is_verified("INV-1"));
    assert_eq!(more.recovered().billed, 10_000);
    let same = shown(&scene, &more, &[("INV-1", 10_000)]);
    assert_eq!(same.recovered().billed, 10_000, "it does not show the rest");
    let whole = shown(&scene, &same, &[("INV-1", 15_000)]);
    assert!(whole.is_verified("INV-1"));
    assert_eq!(whole.recovered().billed, 15_000);
    assert!(whole.compare_documents(&BTreeMap::from([("INV-1".to_owned(), 1)])).is_empty());
}

#[test]
fn what_is_given_back_of_a_charge_that_nobody_proved_takes_nothing_off_another_one() {
    let scene = Scene::on("2026-10-08");
    let told = told(&scene, &[premium(), finding("Seat", 0, 3, "3.33", "2026-03", 3)], "2026-11-01");
    let all = |line| vec![Part { line, extent: Extent::All }];
    let both = scene.apply(&scene.apply(&told, &bill("INV-1", all(1))), &bill("INV-2", all(2)));
    let proved = shown(&scene, &both, &[("INV-1", 35_200)]);
    let credit = |line, minor| Command::Credit {
        document: "CN-1".to_owned(),
        parts: part(line, minor),
        apology: None,
        reason: Some("Charged twice".to_owned()),
    };
    assert_eq!(scene.apply(&proved, &credit(2, 999)).recovered().billed, 35_200);
    assert_eq!(scene.apply(&proved, &credit(1, 2_200)).recovered().billed, 33_000);
}

#[test]
fn instalments_are_recovered_one_by_one() {
    let mut scene = Scene::on("2026-10-08");
    scene.facts.invoices = vec![100_000_000];
    let told = told(&scene, &[premium()], "2026-11-01");
    let planned = scene.apply(
        &scene.apply(&told, &offer(4, "2026-11-01")),
        &Command::AcceptPlan { said: said(), choice: None },
    );
    // A dispute and its answer divide the plan anew: what was undone stands on no document.
    let parts = vec![seats(1, 1)];
    let dispute =
        Command::Dispute { reason: DisputeReason::Price, parts, note: None, said: said(), reply_by: None };
    let answer = Answer::Price { conversation_on: day("2026-12-01") };
    let answer = Command::Answer { dispute: 1, answer, text: None, recount: None };
    let again = scene.apply(&scene.apply(&planned, &dispute), &answer);
    let invoice =
        |number: u16| Command::InvoiceInstalment { instalment: number, document: format!("INV-{number}") };
    let invoiced = scene.apply(&scene.apply(&again, &invoice(1)), &invoice(2));
    assert_eq!(invoiced.documents().into_values().collect::<Vec<_>>(), [8_800, 8_800]);
    let proved = shown(&scene, &invoiced, &[("INV-2", 8_800), ("INV-1", 8_799)]);
    assert_eq!(proved.recovered().billed, 8_800);
}

/// Told, billed and resolved, and short of one seat on the invoice of November.
fn short(scene: &Scene) -> Correction {
    let outcome = Outcome::Shortfall { line: 1, seats: 1, billed: Some(21) };
    noted(scene, &resolved(&Scene::on("2026-10-08")), vec![outcome])
}

#[test]
fn what_another_correction_holds_waits_and_what_it_has_settled_is_left_to_it() {
    let scene = Scene::on("2026-11-02");
    let short = short(&scene);
    let key = (premium().gap, month("2026-11"));
    let held = Elsewhere { open: [key.clone()].into(), ..Elsewhere::default() };
    let reopen = |elsewhere: &Elsewhere| Command::Reopen {
        because: Because::VerificationFailed { elsewhere: elsewhere.clone() },
    };
    let mut waits = short.clone();
    assert!(!waits.falls_short(&held));
    assert!(waits.is_pending(), "it is asked again");
    assert_eq!(scene.refuse(&waits, &reopen(&held)).code(), Code::InAnotherCorrection);
    let settled = Elsewhere { settled: [(key, Quantity::new(30, 2_200))].into(), ..Elsewhere::default() };
    let mut left = short.clone();
    assert_eq!(scene.refuse(&left, &reopen(&settled)).code(), Code::AlreadySettled);
    assert!(!left.falls_short(&settled) && !left.is_pending());
    let mut free = short.clone();
    assert!(free.falls_short(&Elsewhere::default()) && free.is_pending());
    assert_eq!(scene.apply(&free, &reopen(&Elsewhere::default())).state, State::Found);
    // A file that puts it right takes the word back.
    let right = noted(&scene, &short, vec![Outcome::ForwardVerified { line: 1, seats: 22 }]);
    assert!(!right.is_pending() && right.forward_verified());
    assert_eq!(scene.refuse(&right, &reopen(&Elsewhere::default())).code(), Code::VerificationNotFailed);
}

#[test]
fn what_overshot_waits_for_another_correction_too() {
    let scene = Scene::on("2026-11-02");
    let outcome = Outcome::Opposite { line: 1, seats: 1, billed: Some(23) };
    let mut over = noted(&scene, &resolved(&Scene::on("2026-10-08")), vec![outcome]);
    let key = ("back".to_owned(), month("2026-11"));
    let held = Elsewhere { open: [key.clone()].into(), ..Elsewhere::default() };
    let context = scene.context();
    let gap = |_: &crate::correction::finding::Line| "back".to_owned();
    assert!(over.opposite(gap, &held, &context).unwrap().is_none() && over.is_pending());
    let part = Elsewhere { settled: [(key, Quantity::new(10, 700))].into(), ..Elsewhere::default() };
    let linked = over.opposite(gap, &part, &context).unwrap().unwrap();
    assert_eq!(linked.ledger.balance().outstanding, Quantity::new(20, 1_500), "what is more");
    assert!(!over.is_pending());
}

#[test]
fn the_last_word_on_an_invoice_is_noted_again_only_when_it_differs() {
    let scene = Scene::on("2026-11-02");
    let on = day("2026-11-01");
    let wrong = Outcome::Shortfall { line: 1, seats: 1, billed: Some(21) };
    let right = Outcome::ForwardVerified { line: 1, seats: 22 };
    let short = short(&scene);
    assert!(short.is_noted(on, &wrong) && !short.is_noted(on, &right));
    let put_right = noted(&scene, &short, vec![right.clone()]);
    assert!(put_right.is_noted(on, &right) && !put_right.is_noted(on, &wrong), "it may go wrong again");
}

#[test]
fn what_only_goes_forward_is_in_one_correction() {
    let scene = Scene::on("2026-10-05");
    let mut gap = premium();
    gap.months.clear();
    let opened = |elsewhere: &Elsewhere| {
        open(std::slice::from_ref(&gap), elsewhere, &scene.context()).map_err(|refusal| refusal.code())
    };
    assert_eq!(opened(&Elsewhere::default()).unwrap().lines.len(), 1);
    let worked_on = Elsewhere { lines: [gap.gap.clone()].into(), ..Elsewhere::default() };
    assert_eq!(opened(&worked_on).unwrap_err(), Code::InAnotherCorrection);
    // A month that has closed since is a correction of its own.
    let later = open(&[premium()], &worked_on, &scene.context()).unwrap();
    assert_eq!(later.ledger.balance().outstanding.minor, 35_200);
}

#[test]
fn new_evidence_is_taken_in_by_the_rules_of_opening() {
    let scene = Scene::on("2026-11-02");
    let resolved = resolved(&Scene::on("2026-10-08"));
    let reopen = |gap: &Finding, elsewhere: &Elsewhere| Command::Reopen {
        because: Because::NewEvidence {
            evidence: "A log".to_owned(),
            findings: vec![gap.clone()],
            elsewhere: elsewhere.clone(),
        },
    };
    let none = Elsewhere::default();
    let changed = |change: fn(&mut Finding)| {
        let mut gap = finding("Other", 3, 5, "4.00", "2026-02", 2);
        change(&mut gap);
        gap
    };
    for (gap, code) in [
        (changed(|gap| gap.client = "Fabrikam".to_owned()), Code::SeveralClients),
        (changed(|gap| gap.billing_entity = Some("North".to_owned())), Code::SeveralBillingEntities),
        (changed(|gap| gap.currency = Some(crate::money::Currency::EUR)), Code::SeveralCurrencies),
        (finding("Other", 5, 3, "4.00", "2026-02", 2), Code::SeveralDirections),
        (changed(|gap| gap.unpriced = true), Code::Unpriced),
        (changed(|gap| gap.needs_allocation = true), Code::NotAllocated),
        (changed(|gap| gap.unconfirmed = true), Code::MappingUnconfirmed),
    ] {
        assert_eq!(scene.refuse(&resolved, &reopen(&gap, &none)).code(), code);
    }
    let gap = changed(|gap| (gap.adjusted, gap.adjusted_by) = (500, vec!["INV-3".to_owned()]));
    let months: Vec<_> = gap.months.iter().map(|(at, found)| ((gap.gap.clone(), *at), *found)).collect();
    let held =
        Elsewhere { open: months.iter().map(|(key, _)| key.clone()).collect(), ..Elsewhere::default() };
    assert_eq!(scene.refuse(&resolved, &reopen(&gap, &held)).code(), Code::InAnotherCorrection);
    let settled = months.iter().map(|(key, found)| (key.clone(), found.quantity)).collect();
    let settled = Elsewhere { settled, ..Elsewhere::default() };
    assert_eq!(scene.refuse(&resolved, &reopen(&gap, &settled)).code(), Code::AlreadySettled);
    let reopened = scene.apply(&resolved, &reopen(&gap, &none));
    let line = reopened.ledger.of_line(2);
    assert_eq!(
        (line.billed.minor, line.outstanding.minor),
        (500, 1_100),
        "what a one-off line charged is not"
    );
}

#[test]
fn a_recount_confirms_only_what_it_shows() {
    let scene = Scene::on("2026-10-08");
    let told = told(&scene, &[premium()], "2026-11-01");
    let parts = vec![seats(1, 1)];
    let reason = DisputeReason::CountWrong;
    let disputed =
        scene.apply(&told, &Command::Dispute { reason, parts, note: None, said: said(), reply_by: None });
    let answer = |withdrawn: Vec<Part>, months: usize, now: &[Finding]| Command::Answer {
        dispute: 1,
        answer: Answer::CountWrong { audit: "audit-2".to_owned(), withdrawn, credit_note: None },
        text: None,
        recount: Some(Recount {
            audit: "audit-2".to_owned(),
            compared: [(1, premium().months.keys().copied().take(months).collect())].into(),
            findings: now.to_vec(),
        }),
    };
    let seats_now = |billable| vec![finding("Business Premium", 20, billable, "22.00", "2026-02", 8)];
    let all = || vec![Part { line: 1, extent: Extent::All }];
    for (withdrawn, months, now, refused) in [
        (Vec::new(), 8, seats_now(22), None),
        (Vec::new(), 8, seats_now(23), None),
        // One of the two is not found, and one is disputed.
        (Vec::new(), 8, seats_now(21), Some(Code::RecountUnconfirmed)),
        (Vec::new(), 8, Vec::new(), Some(Code::RecountUnconfirmed)),
        // One month was not compared.
        (Vec::new(), 7, seats_now(22), Some(Code::RecountUnconfirmed)),
        (all(), 8, seats_now(21), None),
        (part(1, 2_200), 8, seats_now(21), Some(Code::RecountUnconfirmed)),
    ] {
        let outcome = disputed.apply(&answer(withdrawn, months, &now), &scene.context());
        assert_eq!(outcome.err().map(|refusal| refusal.code()), refused, "{months} {now:?}");
    }
}

#[test]
fn an_approval_is_of_one_invoice_and_of_no_more_than_was_weighed() {
    let mut scene = Scene::on("2026-10-05");
    let admin = scene.clone().admin();
    let found = scene.open(&[finding("Seat", 60, 72, "22.00", "2026-02", 8)]).unwrap();
    let offered = scene.apply(&found, &offer(60, "2026-11-01"));
    let of = |of, on: Option<&str>| Command::Approve { of, invoice_on: on.map(day) };
    let shock = |on| of(ApprovalOf::Shock, on);
    let instalments =
        |correction: &Correction| admin.apply(correction, &of(ApprovalOf::Instalments, Some("2026-11-01")));
    let offered = instalments(&offered);
    let missing = |scene: &Scene, correction: &Correction, on: &str| {
        let told = correction.apply(&communicate(correction, on), &scene.context());
        told.err().is_some_and(|refusal| refusal.has(Code::ShockApprovalMissing))
    };
    let approved = admin.apply(&offered, &shock(Some("2026-11-01")));
    assert!(!missing(&scene, &approved, "2026-11-01"));
    assert!(missing(&scene, &approved, "2026-12-01"), "another invoice");
    // What other corrections announced for the invoice belongs to what is approved.
    scene.facts.announced_elsewhere.retro = 10_000;
    assert!(missing(&scene, &approved, "2026-11-01"), "more than was approved");
    let mut both = admin.clone();
    both.facts.announced_elsewhere.retro = 10_000;
    let approved = both.apply(&offered, &shock(Some("2026-11-01")));
    assert_eq!(approved.approvals.last().unwrap().up_to, 237_600 + 10_000);
    assert!(!missing(&scene, &approved, "2026-11-01"));
    // The same money on smaller invoices is more growth.
    scene.facts.invoices = vec![131_000, 131_000, 131_000];
    assert!(missing(&scene, &approved, "2026-11-01"));
    scene.facts.invoices.clear();
    assert!(missing(&scene, &approved, "2026-11-01"));
    scene.facts.invoices = vec![140_000];
    assert!(!missing(&scene, &approved, "2026-11-01"));
}
