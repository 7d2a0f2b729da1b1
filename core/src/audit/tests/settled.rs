//! Months that were settled before, and proposals that carry ids.

use super::build::*;
use crate::audit::{AuditInput, SettledMonth, run};
use crate::records::{LineType, MappingSide, ProductRef};
use std::sync::Arc;

const SPB: &str = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46";
const OFFER: &str = "CFQ7TTC0LCHC:0002";

/// Two seats more than billed at 22.00, in January and February.
fn two_short() -> AuditInput {
    let have = entitlements(vec![purchased("Contoso", "Backup", "22", "2026-01-01..")]);
    let billed = billing(vec![billed("Contoso", "Backup", "20", "22.00", "2026-01-01..")]);
    input("2026-01", "2026-02", vec![have, billed])
}

fn settled(gap: &str, month_of: &str, seat_days: i64, amount: &str) -> SettledMonth {
    SettledMonth {
        gap: gap.to_owned(),
        month: month(month_of),
        settled_by: "INV-7".to_owned(),
        open: false,
        seat_days,
        amount: dec(amount),
        documents: vec!["INV-7".to_owned()],
    }
}

#[test]
fn a_settled_month_is_not_charged_again_and_a_difference_is() {
    let mut input = two_short();
    let found = audit(&input);
    let gap = only(&found);
    assert_eq!((amount(gap), gap.amount_unsettled, gap.settled.len()), ("88.00 USD".to_owned(), None, 0));
    for (seat_days, money, left, seats_left) in [
        (62, "44.00", "44.00", "2.000000"),
        (31, "22.00", "66.00", "3.000000"),
        (93, "66.00", "44.00", "2.000000"),
    ] {
        input.settled = vec![settled(&gap.id, "2026-01", seat_days, money)];
        let again = audit(&input);
        let gap = only(&again);
        assert_eq!(amount(gap), "88.00 USD", "what was found stays");
        assert_eq!(gap.amount_unsettled.map(|money| money.amount), Some(dec(left)));
        assert_eq!(gap.seat_months_unsettled, Some(dec(seats_left)));
        assert_eq!(gap.settled[0].settled_by, "INV-7");
        assert_ne!(again.digest, found.digest);
    }
    input.settled = vec![settled("another", "2026-01", 62, "44.00")];
    assert_eq!(audit(&input).digest, found.digest, "what settles another gap says nothing of this one");
}

#[test]
fn the_line_of_the_invoice_that_settled_a_month_counts_once() {
    let mut input = two_short();
    let mut line = billed("Contoso", "Backup", "2", "22.00", "2026-02-01..2026-03-01");
    (line.line_type, line.recurring, line.invoice) = (LineType::OneOff, false, Some("INV-7".to_owned()));
    let crate::records::Record::BillingLine(first) = input.sources[1].records[0].record.clone() else {
        panic!()
    };
    input.sources[1] = billing(vec![first, line]);
    let gap = only(&audit(&input)).clone();
    assert_eq!(gap.amount_after_adjustments.map(|money| money.amount), Some(dec("44.00")));
    input.settled = vec![settled(&gap.id, "2026-01", 62, "44.00")];
    let left = |input: &AuditInput| only(&run(input).unwrap()).amount_unsettled.map(|money| money.amount);
    assert_eq!(left(&input), Some(dec("44.00")));
    input.settled[0].documents = vec!["INV-8".to_owned()];
    assert_eq!(left(&input), Some(dec("0.00")), "another invoice is another charge");
}

#[test]
fn what_settled_a_month_is_no_part_of_the_digest() {
    let mut input = two_short();
    let id = only(&audit(&input)).id.clone();
    input.settled = vec![settled(&id, "2026-01", 62, "44.00")];
    let one = audit(&input).digest;
    "another".clone_into(&mut input.settled[0].settled_by);
    assert_eq!(audit(&input).digest, one);
    input.settled[0].open = true;
    assert_ne!(audit(&input).digest, one);
}

/// Twenty seats by Graph's id, charged by Partner Center's id under the same name, and billed by name.
fn two_ids(billed_as: &str) -> AuditInput {
    let named = |sku: &str| {
        let name = Some("Microsoft 365 Business Premium".to_owned());
        Arc::new(ProductRef { name, sku: Some(sku.to_owned()), ..ProductRef::default() })
    };
    let mut have = purchased("Contoso", "", "20", "2026-01-01..");
    have.product = named(SPB);
    let mut charge = charged("Contoso", "", "20", "400.00", "2026-01-01..2026-02-01");
    charge.product = named(OFFER);
    let line = billed("Contoso", billed_as, "20", "22.00", "2026-01-01..");
    input("2026-01", "2026-01", vec![entitlements(vec![have]), cost(vec![charge]), billing(vec![line])])
}

#[test]
fn charges_by_another_id_of_one_name_wait_and_are_no_seats_once_more() {
    let mut input = two_ids("Microsoft 365 Business Premium");
    let found = audit(&input);
    assert_eq!(found.gaps, [], "the same twenty seats");
    let [proposal] = found.proposals.as_slice() else { panic!("{:?}", found.proposals) };
    assert_eq!((&proposal.source, &proposal.target_ids[..]), (&proposal.target, &[SPB.to_owned()][..]));
    assert_eq!(proposal.source_ids, [OFFER]);
    input.mappings = vec![mapping(MappingSide::Product, OFFER, SPB)];
    let mapped = audit(&input);
    assert_eq!((mapped.gaps.len(), mapped.proposals.len()), (0, 0), "{:?}", mapped.proposals);
}

#[test]
fn a_proposal_carries_all_ids_that_go_by_its_names() {
    let mut input = two_ids("M365 Business Premium");
    let found = audit(&input);
    let to_billed: Vec<_> =
        found.proposals.iter().filter(|one| one.source == "M365 Business Premium").collect();
    let [proposal] = to_billed.as_slice() else { panic!("{:?}", found.proposals) };
    let ids: std::collections::BTreeSet<&str> = proposal.target_ids.iter().map(String::as_str).collect();
    assert_eq!(ids, [SPB, OFFER].into());
    input.mappings = vec![
        mapping(MappingSide::Product, "M365 Business Premium", SPB),
        mapping(MappingSide::Product, OFFER, SPB),
    ];
    let mapped = audit(&input);
    assert_eq!((mapped.gaps.len(), mapped.proposals.len()), (0, 0), "{:?}", mapped.proposals);
}
