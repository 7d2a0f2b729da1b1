//! Random histories: whatever is asked in whatever order, the ledger adds up and the table holds.

use super::build::{Scene, finding, going_forward, message, said, seats};
use crate::correction::case::{ApprovalOf, Correction, ResolutionBasis};
use crate::correction::command::{Because, Command, Ground, Recount};
use crate::correction::dispute::{Answer, DisputeReason, ProvisionedSeat};
use crate::correction::ledger::{Bucket, Ledger};
use crate::correction::open::Elsewhere;
use crate::correction::plan::{Cadence, Terms};
use crate::correction::quantity::{Extent, Part, Quantity};
use crate::correction::state::Action;
use crate::correction::verification::{Outcome, Verification};
use crate::correction::waiver::ConfirmationKind;
use chrono::{Days, TimeDelta};
use proptest::prelude::*;

/// One thing that someone tries: a kind and some numbers to make it from.
type Try = (usize, u32, u32, u8);

fn part(a: u32, b: u32) -> Vec<Part> {
    match a % 5 {
        0 => Vec::new(),
        1 => vec![seats(1, b % 5)],
        2 => vec![Part { line: 1 + b % 2, extent: Extent::Amount(i64::from(b % 5_000)) }],
        3 => vec![Part { line: 1 + a % 3, extent: Extent::All }],
        _ => vec![seats(1, b % 3), seats(2, b % 2)],
    }
}

fn answer(reason: Option<DisputeReason>, a: u32, b: u32, scene: &Scene) -> Answer {
    let today = scene.now.date_naive();
    match reason.unwrap_or(DisputeReason::Refusal) {
        DisputeReason::UnauthorizedSeats => Answer::UnauthorizedSeats {
            log: vec![ProvisionedSeat { on: today, seat: "user".to_owned(), ordered_by: None }],
        },
        DisputeReason::LateBilling => Answer::LateBilling { honest_delay: "We are late.".to_owned() },
        DisputeReason::ContractReview => Answer::ContractReview { review_on: today },
        DisputeReason::CountWrong => Answer::CountWrong {
            audit: "audit-2".to_owned(),
            withdrawn: part(a, b),
            credit_note: b.is_multiple_of(2).then(|| "CN".to_owned()),
        },
        DisputeReason::AlreadyPaid => {
            Answer::AlreadyPaid { payment: Some(("PAY".to_owned(), part(a, b))), shown_not_to_match: None }
        }
        DisputeReason::Price => Answer::Price { conversation_on: today },
        DisputeReason::Refusal => Answer::Refusal,
    }
}

fn recount(correction: &Correction, a: u32, b: u32) -> Recount {
    let mut now = finding("Seat", 10, 10 + i64::from(a % 5), "7.77", "2026-01", 4);
    for found in now.months.values_mut() {
        found.quantity.minor += i64::from(b % 7);
    }
    let compared = correction.lines.iter().map(|line| (line.number, line.seats.keys().copied().collect()));
    Recount { audit: format!("audit-{}", a + b), compared: compared.collect(), findings: vec![now] }
}

#[expect(clippy::too_many_lines, reason = "one arm for each command")]
fn command(correction: &Correction, (kind, a, b, c): Try, scene: &Scene) -> Command {
    let today = scene.now.date_naive();
    let in_days = |days: u32| today.checked_add_days(Days::new(u64::from(days))).unwrap();
    let action = Action::ALL[kind % Action::ALL.len()];
    let reason = DisputeReason::ALL[a as usize % DisputeReason::ALL.len()];
    let open = correction.open_disputes().next();
    let number = u16::try_from(a % 4).unwrap();
    match action {
        Action::Communicate => Command::Communicate {
            message: message(),
            going_forward: Some(going_forward(correction, &in_days(5 + a % 9).to_string())),
            gaps_confirmed: true,
            reply_by: None,
            provisioning_evidence: Vec::new(),
        },
        Action::Dispute => {
            Command::Dispute { reason, parts: part(b, a), note: None, said: said(), reply_by: None }
        }
        Action::Answer => Command::Answer {
            dispute: open.map_or(1, |dispute| dispute.number),
            answer: answer(open.map(|dispute| dispute.reason), a, b, scene),
            text: None,
            recount: Some(Recount { audit: "audit-2".to_owned(), ..recount(correction, a, b) }),
        },
        Action::Amend => Command::Amend { recount: recount(correction, a, b) },
        Action::Resolve => {
            Command::Resolve { basis: ResolutionBasis::ALL[a as usize % 4], going_forward: None }
        }
        Action::Withdraw => Command::Withdraw {
            ground: Some(if c.is_multiple_of(2) {
                Ground::Audit(recount(correction, 0, 0))
            } else {
                let text = "shared mailbox".to_owned();
                Ground::Rule { audit: "audit-3".to_owned(), reason: text.clone(), owner: text }
            }),
        },
        Action::Waive => Command::Waive {
            request: c.is_multiple_of(2).then_some(1 + a % 2),
            parts: part(a, b),
            reason: "goodwill".to_owned(),
            confirmation: Some(1 + b % 3),
            going_forward: Some(going_forward(correction, "2026-12-01")),
            credit_note: a.is_multiple_of(3).then(|| "CN-2".to_owned()),
        },
        Action::Reopen => Command::Reopen {
            because: match c % 4 {
                0 => Because::VerificationFailed { elsewhere: Elsewhere::default() },
                1 => Because::PlanBrokenTwice,
                2 => Because::NewEvidence {
                    evidence: "log".to_owned(),
                    findings: vec![finding("Other", 0, i64::from(b % 3), "3.33", "2026-02", 2)],
                    elsewhere: Elsewhere::default(),
                },
                _ => Because::ConfirmationWithdrawn { confirmation: 1 + a % 4, waiver: 1 + b % 2 },
            },
        },
        Action::Bill => Command::Bill { document: format!("INV-{b}"), on: in_days(30), parts: part(a, b) },
        Action::Credit => Command::Credit {
            document: format!("CN-{b}"),
            parts: part(a, b),
            apology: Some("Sorry".to_owned()),
            reason: Some("charged twice".to_owned()),
        },
        Action::RequestWaiver => Command::RequestWaiver { parts: part(a, b), reason: "goodwill".to_owned() },
        Action::AttachConfirmation => Command::AttachConfirmation {
            kind: ConfirmationKind::ALL[a as usize % 4],
            sha256: format!("sha256:{b}"),
            said: said(),
            authenticated: c % 5 > 0,
            minor: None,
        },
        Action::OfferPlan => Command::OfferPlan {
            terms: Terms {
                count: u16::try_from(a % 7).unwrap(),
                cadence: if b.is_multiple_of(2) { Cadence::Weekly } else { Cadence::Monthly },
                first_on: in_days(b % 9),
            },
            // Now and then another way beside it.
            others: c
                .is_multiple_of(3)
                .then(|| Terms { count: 1, cadence: Cadence::Monthly, first_on: in_days(u32::from(c) % 9) })
                .into_iter()
                .collect(),
        },
        Action::AcceptPlan => Command::AcceptPlan {
            said: said(),
            choice: c.is_multiple_of(2).then(|| u16::from(c.is_multiple_of(4)) + 1),
        },
        Action::InvoiceInstalment => {
            Command::InvoiceInstalment { instalment: number, document: format!("INV-{a}") }
        }
        Action::PayInstalment => Command::PayInstalment { instalment: number, on: today },
        Action::Promise => Command::Promise { instalment: number, on: in_days(b % 5), said: said() },
        Action::RecordBreak => Command::RecordBreak,
        Action::BreakPlan => Command::BreakPlan,
        Action::Accept => Command::Accept { said: said() },
        Action::Deliver => Command::Deliver { on: today },
        Action::Remind => Command::Remind { instalment: c.is_multiple_of(2).then_some(number) },
        Action::Approve => Command::Approve { of: ApprovalOf::ALL[a as usize % 2], invoice_on: None },
        Action::Decide => Command::Decide {
            reason: "they leave".to_owned(),
            write_off: a.is_multiple_of(2),
            evidence_shown: true,
        },
        Action::EndReview => Command::EndReview { outcome: "the contract says so".to_owned() },
        Action::Assign => Command::Assign { owner: "user:other".to_owned() },
        Action::Verify => Command::Verify {
            verifications: vec![Verification {
                import: "import".to_owned(),
                on: today,
                outcome: match correction.documents().into_iter().nth(b as usize % 3) {
                    Some((document, minor)) if c.is_multiple_of(2) => {
                        Outcome::DocumentVerified { document, minor }
                    }
                    _ if a.is_multiple_of(2) => Outcome::Shortfall { line: 1, seats: 1, billed: None },
                    _ => Outcome::ForwardVerified { line: 1, seats: 14 },
                },
                acted: false,
                at: scene.now,
            }],
        },
    }
}

fn check(before: &Correction, after: &Correction, action: Action) {
    let next = [action.next(before.state, true), action.next(before.state, false)];
    assert!(next.contains(&Some(after.state)), "{action}: {} to {}", before.state, after.state);
    // Entries are only added, and add up place by place.
    assert_eq!(&after.ledger.entries()[..before.ledger.entries().len()], before.ledger.entries());
    assert!(Ledger::of(after.ledger.entries().to_vec()).is_ok(), "{action}");
    for balance in after.ledger.balances().values().chain([&after.ledger.balance()]) {
        assert!(balance.holds(), "{action}: {balance:?}");
    }
    // By lines and by buckets the same.
    let lines: Quantity = after.lines.iter().map(|line| after.ledger.of_line(line.number).found).sum();
    assert_eq!(lines, after.ledger.balance().found);
    if !after.is_under() {
        assert!(after.ledger.in_bucket(Bucket::Waived).is_empty(), "over-billing is never waived");
        assert!(after.ledger.in_bucket(Bucket::WrittenOff).is_empty());
    }
    // Recovered is never more than what stands there.
    let (recovered, balance) = (after.recovered(), after.ledger.balance());
    assert!((0..=balance.billed.minor).contains(&recovered.billed), "{action}: {recovered:?}");
    assert!((0..=balance.credited.minor).contains(&recovered.credited), "{action}: {recovered:?}");
    // A credit note gives back, whatever it is for.
    for (document, minor) in after.documents().iter().filter(|(document, _)| document.starts_with("CN")) {
        assert!(*minor < 0, "{action}: {document} of {minor}");
    }
    // A resolved or waived correction has nothing outstanding.
    if !after.state.is_open() && action != Action::AttachConfirmation {
        assert!(after.ledger.outstanding().is_empty(), "{action} left money in {}", after.state);
    }
    // What a plan still plans is what the ledger holds for it.
    if let Some(plan) = after.plan.as_ref().filter(|plan| !plan.given_up) {
        let planned: i64 = after
            .ledger
            .left(|entry| {
                entry.note.instalment.and_then(|number| plan.instalment(number)).is_some_and(|instalment| {
                    instalment.state == crate::correction::plan::InstalmentState::Scheduled
                        && entry.bucket == Bucket::Billed
                })
            })
            .iter()
            .map(|(_, left)| left.minor)
            .sum();
        assert_eq!(planned, plan.scheduled(), "{action}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_history_breaks_the_ledger_or_leaves_the_table(
        over in proptest::bool::weighted(0.2),
        tries in proptest::collection::vec((0..27_usize, 0..40_u32, 0..40_u32, any::<u8>()), 1..60)
    ) {
        let mut scene = Scene::on("2026-06-01");
        scene.facts.invoices = vec![10_000_000];
        let (billed, billable) = if over { (14, 10) } else { (10, 14) };
        let mut gap = finding("Seat", billed, billable, "7.77", "2026-01", 4);
        gap.adjusted = i64::try_from(tries.len() % 3).unwrap() * 500;
        let second = finding("Second", billed, if over { 9 } else { 11 }, "3.33", "2026-03", 2);
        let mut correction = scene.open(&[gap, second]).unwrap();
        prop_assert!(correction.ledger.balance().holds());
        for one in tries {
            scene.now += TimeDelta::days(i64::from(one.3 % 4));
            let who = if one.3.is_multiple_of(3) { scene.clone() } else { scene.clone().admin() };
            let command = command(&correction, one, &who);
            if let Ok(after) = correction.apply(&command, &who.context()) {
                check(&correction, &after, command.action());
                correction = after;
            }
        }
        // What is stored comes back the same.
        let stored = serde_json::to_string(&correction).unwrap();
        let mut back: Correction = serde_json::from_str(&stored).unwrap();
        back.ledger = Ledger::of(correction.ledger.entries().to_vec()).unwrap();
        prop_assert_eq!(back, correction);
    }
}
