//! Several ways to pay: which may be offered, which the client chooses, and what becomes of it.

use super::build::{Scene, communicate, finding, offer, said, terms, told};
use crate::correction::case::{ApprovalOf, Correction};
use crate::correction::command::Command;
use crate::correction::finding::Finding;
use crate::correction::offer::{MOST_WAYS, Offer};
use crate::correction::refusal::Code;

/// Two seats of eight months: 352.00, and 44.00 a month from now on.
fn premium() -> Finding {
    finding("Business Premium", 20, 22, "22.00", "2026-02", 8)
}

fn ways(counts: &[u16]) -> Command {
    let mut ways = counts.iter().map(|count| terms(*count, "2026-11-01"));
    Command::OfferPlan { terms: ways.next().unwrap(), others: ways.collect() }
}

fn accept(choice: Option<u16>) -> Command {
    Command::AcceptPlan { said: said(), choice }
}

fn instalments(correction: &Correction) -> Vec<i64> {
    correction.plan.as_ref().unwrap().instalments.iter().map(|one| one.minor).collect()
}

fn invoiced(usual: i64) -> Scene {
    let mut scene = Scene::on("2026-10-08");
    scene.facts.invoices = vec![usual];
    scene
}

#[test]
fn the_way_that_the_client_chose_becomes_the_plan_to_the_cent() {
    let scene = invoiced(100_000_000);
    let offered = scene.apply(&told(&scene, &[premium()], "2026-11-01"), &ways(&[1, 3, 6]));
    assert_eq!(scene.refuse(&offered, &accept(None)).code(), Code::PlanChoiceMissing);
    for unknown in [0, 4, u16::MAX] {
        assert_eq!(scene.refuse(&offered, &accept(Some(unknown))).code(), Code::PlanChoiceUnknown);
    }
    for (choice, expected) in [
        (1, vec![35_200]),
        (2, vec![11_734, 11_733, 11_733]),
        (3, vec![5_867, 5_867, 5_867, 5_867, 5_866, 5_866]),
    ] {
        let planned = scene.apply(&offered, &accept(Some(choice)));
        assert_eq!(instalments(&planned), expected, "way {choice}");
        let balance = planned.ledger.balance();
        assert_eq!((balance.billed.minor, balance.outstanding.minor), (35_200, 0), "way {choice}");
        assert_eq!(planned.acceptance, Some(said()));
    }
    // The very plan that it is when it is the only one.
    let alone = scene.apply(&told(&scene, &[premium()], "2026-11-01"), &offer(3, "2026-11-01"));
    let (alone, chosen) = (scene.apply(&alone, &accept(None)), scene.apply(&offered, &accept(Some(2))));
    assert_eq!((alone.plan, alone.ledger), (chosen.plan, chosen.ledger));
}

#[test]
fn every_way_in_parts_keeps_within_the_limit_before_the_client_hears_of_it() {
    // (352 + 44) / 600 = 66 %: a plan and an approval; a third with the increase is 26.9 %, a fourth 22 %.
    let scene = invoiced(60_000);
    let found = scene.open(&[premium()]).unwrap();
    let missing = |counts: &[u16]| {
        let offered = scene.apply(&found, &ways(counts));
        let refused = scene.refuse(&offered, &communicate(&offered, "2026-11-01"));
        refused.faults().map(|fault| fault.code).collect::<Vec<_>>()
    };
    assert_eq!(missing(&[1, 6, 3]), [Code::ShockApprovalMissing, Code::InstalmentTooLarge]);
    assert_eq!(missing(&[6, 1, 4]), [Code::ShockApprovalMissing]);
    let admin = scene.clone().admin();
    let approve = |of| Command::Approve { of, invoice_on: None };
    let offered = scene.apply(&found, &ways(&[6, 1, 4]));
    let approved = admin.apply(&offered, &approve(ApprovalOf::Shock));
    let told = scene.apply(&approved, &communicate(&approved, "2026-11-01"));
    assert_eq!(instalments(&scene.apply(&told, &accept(Some(2)))), [35_200], "the growth was approved");
    let mut bare = told;
    bare.approvals.clear();
    assert_eq!(scene.refuse(&bare, &accept(Some(2))).code(), Code::ShockApprovalMissing);
    assert!(scene.apply(&bare, &accept(Some(3))).plan.is_some());
    // An approval is of the largest instalment of all ways in parts.
    let both = scene.apply(&found, &ways(&[6, 3, 1]));
    let context = scene.context();
    assert_eq!(both.largest_instalment(&context), Ok(Some((11_734, 4_400))));
    let approved = admin.apply(&both, &approve(ApprovalOf::Instalments));
    let refused = scene.refuse(&approved, &communicate(&approved, "2026-11-01"));
    assert_eq!(refused.faults().count(), 1, "{refused:?}");
}

#[test]
fn to_pay_at_once_is_no_payment_in_parts() {
    // 39.6 %: a plan must be offered.
    let scene = invoiced(100_000);
    let found = scene.open(&[premium()]).unwrap();
    let alone = scene.apply(&found, &ways(&[1]));
    let refused = scene.refuse(&alone, &communicate(&alone, "2026-11-01"));
    assert_eq!(refused.code(), Code::InstalmentTooLarge);
    let beside = scene.apply(&found, &ways(&[1, 3]));
    let told = scene.apply(&beside, &communicate(&beside, "2026-11-01"));
    assert_eq!(instalments(&scene.apply(&told, &accept(Some(1)))), [35_200]);
}

#[test]
fn ways_are_few_and_differ() {
    let scene = invoiced(100_000_000);
    let told = told(&scene, &[premium()], "2026-11-01");
    let many: Vec<u16> = (1..).take(MOST_WAYS).collect();
    assert!(told.apply(&ways(&many), &scene.context()).is_ok());
    let more: Vec<u16> = (1..).take(MOST_WAYS + 1).collect();
    for counts in [more.as_slice(), &[3, 3], &[1, 6, 6]] {
        assert_eq!(scene.refuse(&told, &ways(counts)).code(), Code::PlanWays, "{counts:?}");
    }
    assert_eq!(scene.refuse(&told, &ways(&[3, 61])).code(), Code::PlanCount);
    let past = Command::OfferPlan { terms: terms(3, "2026-11-01"), others: vec![terms(1, "2026-10-07")] };
    assert_eq!(scene.refuse(&told, &past).code(), Code::PlanStart);
}

#[test]
fn an_offer_of_one_way_is_read_as_it_was_stored() {
    let stored =
        r#"{"terms":{"count":6,"cadence":"monthly","first_on":"2026-11-01"},"at":"2026-10-08T12:00:00Z"}"#;
    let offer: Offer = serde_json::from_str(stored).unwrap();
    assert_eq!((offer.chosen(None), offer.chosen(Some(1))), (Ok(terms(6, "2026-11-01")), Ok(offer.terms)));
    assert_eq!(serde_json::to_string(&offer).unwrap(), stored);
}
