//! Which rows count, what is not compared, and what stands beside the gaps.

use super::build::*;
use crate::audit::{
    AuditInput, CoverageStatus, Direction, GapKind, Incomplete, MatchMethod, PolicyOverride, ProposalStatus,
    Proration, Reason, Source,
};
use crate::money::Currency;
use crate::records::{
    BillingLine, Entitlement, Held, LineType, MappingSide, Record, RuleKind, Side, Term, VendorCharge,
};
use rust_decimal::Decimal;

const SUITE: &str = "Suite";

fn snapshot(seats: &str, on: Option<&str>) -> Entitlement {
    Entitlement {
        held: Held::Snapshot { on: on.map(day) },
        ..purchased("Contoso", SUITE, seats, "2026-01-01..")
    }
}

fn newer(mut source: Source) -> Source {
    source.learned = 7;
    source
}

fn of_format(mut source: Source, format: &str) -> Source {
    format.clone_into(&mut source.format);
    source
}

fn twenty() -> Source {
    billing(vec![billed("Contoso", SUITE, "20", "10.00", "2026-01-01..")])
}

fn months(input: &AuditInput) -> Vec<String> {
    let document = audit(input);
    only(&document).months.iter().map(|month| format!("{} {}", month.month, month.amount)).collect()
}

#[test]
fn a_newer_file_of_the_same_source_replaces_the_older_row() {
    let first = entitlements(vec![purchased("Contoso", SUITE, "22", "2026-01-01..")]);
    let corrected = newer(entitlements(vec![purchased("Contoso", SUITE, "21", "2026-01-01..2026-03-01")]));
    let document = audit(&input("2026-01", "2026-02", vec![corrected, first, twenty()]));
    assert_eq!((only(&document).seats, amount(only(&document))), (dec("1"), "20.00 USD".to_owned()));
}

#[test]
fn rows_of_one_file_add_up_and_the_same_file_twice_counts_once() {
    let file = entitlements(vec![
        purchased("Contoso", SUITE, "11", "2026-01-01.."),
        purchased("Contoso", SUITE, "11", "2026-01-01.."),
    ]);
    let document = audit(&input("2026-01", "2026-01", vec![file.clone(), newer(file), twenty()]));
    assert_eq!(only(&document).seats, dec("2"));
}

#[test]
fn a_row_that_was_still_so_ends_where_a_newer_file_goes_on() {
    let first = entitlements(vec![purchased("Contoso", SUITE, "22", "2026-01-01..")]);
    let later = newer(entitlements(vec![purchased("Contoso", SUITE, "23", "2026-02-01..")]));
    let wanted = input("2026-01", "2026-02", vec![first, later, twenty()]);
    assert_eq!(months(&wanted), ["2026-01 20.00", "2026-02 30.00"]);
}

#[test]
fn a_reexported_addition_replaces_the_addition_of_the_same_id() {
    let addition = |seats: &str, days: &str| BillingLine {
        source_id: Some("77".to_owned()),
        ..billed("Contoso", SUITE, seats, "10.00", days)
    };
    let have = entitlements(vec![purchased("Contoso", SUITE, "20", "2026-01-01..")]);
    let old = billing(vec![addition("15", "2026-01-01..")]);
    let new = newer(billing(vec![addition("18", "2026-01-05..")]));
    let document = audit(&input("2026-02", "2026-02", vec![have, new, old]));
    assert_eq!(only(&document).seats, dec("2"));
}

#[test]
fn an_invoice_that_comes_again_replaces_all_its_lines_also_when_it_is_voided() {
    let line = |seats: &str, billable: bool| BillingLine {
        source_id: Some("INV-1".to_owned()),
        invoice: Some("INV-1".to_owned()),
        recurring: false,
        billable,
        ..billed("Contoso", SUITE, seats, "10.00", "2026-01-01..2026-02-01")
    };
    let old = billing(vec![line("12", true), line("8", true)]);
    for (again, gap) in [(vec![line("12", true)], "8"), (vec![line("12", false), line("8", false)], "20")] {
        let have = entitlements(vec![purchased("Contoso", SUITE, "20", "2026-01-01..")]);
        let document = audit(&input("2026-01", "2026-01", vec![have, newer(billing(again)), old.clone()]));
        assert_eq!(only(&document).seats, dec(gap));
    }
}

#[test]
fn a_snapshot_holds_until_the_next_and_is_assumed_backwards() {
    let february = entitlements(vec![snapshot("22", Some("2026-02-01"))]);
    let march = newer(entitlements(vec![snapshot("23", Some("2026-03-01"))]));
    let document = audit(&input("2026-01", "2026-03", vec![march, february, twenty()]));
    let gap = only(&document);
    let shown: Vec<_> = gap.months.iter().map(|m| (m.amount.to_string(), m.assumed)).collect();
    assert_eq!(shown, [("20.00".to_owned(), true), ("20.00".to_owned(), false), ("30.00".to_owned(), false)]);
    assert!(gap.assumed && document.coverage[0].assumed);
}

#[test]
fn a_snapshot_without_a_date_is_stretched_only_on_request() {
    let mut wanted = input("2026-01", "2026-02", vec![entitlements(vec![snapshot("22", None)]), twenty()]);
    let refused = audit(&wanted);
    assert!(refused.gaps.is_empty());
    assert_eq!(refused.coverage[0].reason, Some(Reason::UndatedSnapshot));
    wanted.stretch_snapshots = true;
    let stretched = audit(&wanted);
    assert!(only(&stretched).assumed && only(&stretched).months.iter().all(|month| month.assumed));
    assert_eq!(amount(only(&stretched)), "40.00 USD");
}

#[test]
fn of_two_sources_one_is_used_and_the_other_is_a_conflict() {
    let graph = of_format(
        entitlements(vec![purchased("Contoso", SUITE, "22", "2026-01-01..")]),
        "microsoft_graph_subscribed_skus",
    );
    let own = entitlements(vec![purchased("Contoso", SUITE, "30", "2026-01-01..")]);
    let mut wanted = input("2026-01", "2026-01", vec![own, graph, twenty()]);
    let document = audit(&wanted);
    assert_eq!(only(&document).seats, dec("2"));
    let [conflict] = document.source_conflicts.as_slice() else { panic!("{:?}", document.source_conflicts) };
    assert_eq!(
        (conflict.side, conflict.used_seats, conflict.other_seats),
        (Side::Entitlement, dec("22"), dec("30"))
    );
    wanted.source_order = vec!["leakage_template".to_owned()];
    assert_eq!(only(&audit(&wanted)).seats, dec("10"));
}

#[test]
fn vendor_charges_are_never_added_to_entitlements() {
    let vendor = cost(vec![charged("Contoso", SUITE, "25", "100.00", "2026-01-01..2026-02-01")]);
    let have = entitlements(vec![purchased("Contoso", SUITE, "22", "2026-01-01..")]);
    let document = audit(&input("2026-01", "2026-01", vec![vendor, have, twenty()]));
    assert_eq!((only(&document).seats, only(&document).entitlement_from), (dec("2"), Side::Entitlement));
    assert_eq!(document.source_conflicts.len(), 1);
}

#[test]
fn the_same_vendor_line_in_two_files_counts_once() {
    let line = || charged("Contoso", SUITE, "22", "88.00", "2026-01-01..2026-02-01");
    let june = cost(vec![line()]);
    let other = cost(vec![line(), charged("Contoso", "Other", "1", "4.00", "2026-01-01..2026-02-01")]);
    let document = audit(&input("2026-01", "2026-01", vec![june, newer(other), twenty()]));
    let gap = document.gaps.iter().find(|gap| gap.product == SUITE).unwrap();
    assert_eq!(gap.seats, dec("2"));
}

#[test]
fn a_vendor_line_that_was_unbilled_in_one_file_and_billed_in_the_next_counts_once() {
    let line = |invoice: Option<&str>, price: &str| VendorCharge {
        invoice: invoice.map(Into::into),
        unit_price: dec(price),
        reference: Some("r".to_owned()),
        ..charged("Contoso", SUITE, "22", "88.00", "2026-01-01..2026-02-01")
    };
    let seats = |files: Vec<Vec<VendorCharge>>| {
        let sources = (0..).zip(files).map(|(learned, lines)| Source { learned, ..cost(lines) });
        let document = audit(&input("2026-01", "2026-01", sources.chain([newer(twenty())]).collect()));
        only(&document).seats
    };
    // The file rounds what the answer of the same invoice does not.
    let (unbilled, billed, answer) =
        (line(None, "4.00"), line(Some("G1"), "4.00"), line(Some("G1"), "3.9999"));
    assert_eq!(seats(vec![vec![unbilled.clone()], vec![billed.clone()]]), dec("2"));
    assert_eq!(seats(vec![vec![billed.clone()], vec![unbilled.clone()]]), dec("2"));
    assert_eq!(seats(vec![vec![unbilled.clone()], vec![billed.clone()], vec![answer]]), dec("2"));
    // Lines of one file, and of two invoices, add up.
    assert_eq!(seats(vec![vec![billed.clone(), billed.clone()], vec![unbilled]]), dec("24"));
    assert_eq!(seats(vec![vec![billed], vec![line(Some("G2"), "4.00")]]), dec("24"));
}

#[test]
fn partner_centers_listings_come_after_the_tenants_own_and_before_the_template() {
    let of = |seats: &str, format: &str| {
        of_format(entitlements(vec![purchased("Contoso", SUITE, seats, "2026-01-01..")]), format)
    };
    let listed = [
        of("21", "microsoft_graph_subscribed_skus"),
        of("22", "microsoft_admin_center_licenses"),
        of("23", "microsoft_partner_center_subscribed_skus"),
        of("24", "microsoft_partner_center_subscriptions"),
        of("25", "microsoft_partner_center_license_deployment"),
        of("26", "leakage_entitlements"),
    ];
    for first in 0..listed.len() {
        let mut sources = listed[first..].to_vec();
        sources.reverse();
        sources.push(twenty());
        let document = audit(&input("2026-01", "2026-01", sources));
        assert_eq!(only(&document).seats, Decimal::from(first + 1));
    }
}

#[test]
fn clients_of_refused_rows_are_not_compared() {
    let have = || entitlements(vec![purchased("Contoso", SUITE, "22", "2026-01-01..")]);
    let mut named = twenty();
    named.incomplete = Incomplete::Clients(vec![client("CONTOSO")]);
    let mut unreadable = twenty();
    unreadable.incomplete = Incomplete::All;
    for bills in [named, unreadable] {
        let document = audit(&input("2026-01", "2026-01", vec![have(), bills]));
        assert!(document.gaps.is_empty());
        assert_eq!(document.coverage[0].reason, Some(Reason::IncompleteImport));
    }
}

#[test]
fn a_client_of_whom_every_row_was_refused_is_named() {
    let mut bills = twenty();
    bills.incomplete = Incomplete::Clients(vec![client("Fabrikam")]);
    let have = entitlements(vec![purchased("Contoso", SUITE, "20", "2026-01-01..")]);
    let document = audit(&input("2026-01", "2026-01", vec![have, bills]));
    let entry = document.coverage.iter().find(|entry| entry.client == "Fabrikam").unwrap();
    assert_eq!(entry.reason, Some(Reason::IncompleteImport));
}

#[test]
fn a_part_of_a_seat_is_never_rounded() {
    let have = entitlements(vec![
        purchased("Contoso", SUITE, "22.5", "2026-01-01.."),
        purchased("Contoso", "Other", "3", "2026-01-01.."),
    ]);
    let bills = billing(vec![
        billed("Contoso", SUITE, "20", "10.00", "2026-01-01.."),
        billed("Contoso", "Other", "2", "5.00", "2026-01-01.."),
    ]);
    let document = audit(&input("2026-01", "2026-01", vec![have, bills]));
    assert_eq!(only(&document).product, "Other");
    let entry = document.coverage.iter().find(|entry| entry.product.as_deref() == Some(SUITE)).unwrap();
    assert_eq!(
        (entry.status, entry.reason),
        (CoverageStatus::InsufficientData, Some(Reason::FractionalQuantity))
    );
}

#[test]
fn a_basis_that_the_source_does_not_tell_is_not_guessed() {
    let have = entitlements(vec![purchased("Contoso", SUITE, "22", "2026-01-01..")]);
    let mut wanted = input("2026-01", "2026-01", vec![have, twenty()]);
    wanted.policy.basis = crate::audit::Basis::Assigned;
    let document = audit(&wanted);
    assert!(document.gaps.is_empty());
    assert!(document.coverage.iter().any(|entry| entry.reason == Some(Reason::BasisUnknown)));
}

#[test]
fn a_month_that_is_not_closed_is_only_forward() {
    let have = entitlements(vec![purchased("Contoso", SUITE, "22", "2026-01-01..")]);
    let mut wanted = input("2026-01", "2026-02", vec![have, twenty()]);
    wanted.as_of = day("2026-02-14");
    let document = audit(&wanted);
    let gap = only(&document);
    assert_eq!((amount(gap), forward(gap)), ("20.00 USD".to_owned(), "20.00 USD".to_owned()));
    assert_eq!((gap.months[1].amount, gap.months[1].provisional), (dec("10.00"), true));
}

#[test]
fn a_gap_without_any_price_has_seats_and_no_money() {
    let have = entitlements(vec![
        purchased("Contoso", SUITE, "20", "2026-01-01.."),
        purchased("Contoso", "Planner", "4", "2026-01-01.."),
    ]);
    let mut wanted = input("2026-01", "2026-01", vec![have, twenty()]);
    let document = audit(&wanted);
    let gap = only(&document);
    assert_eq!((gap.kind, gap.unpriced, gap.seat_months), (GapKind::Unbilled, true, dec("4.000000")));
    assert_eq!((amount(gap), document.unpriced_gaps), ("0.00 USD".to_owned(), 1));
    wanted.prices = vec![price("planner", None, "7.50")];
    let document = audit(&wanted);
    assert_eq!((amount(only(&document)), document.unpriced_gaps), ("30.00 USD".to_owned(), 0));
}

#[test]
fn lines_that_charge_nothing_are_billed_zero() {
    let have = entitlements(vec![purchased("Contoso", SUITE, "5", "2026-01-01..")]);
    let mut line = billed("Contoso", SUITE, "5", "10.00", "2026-01-01..");
    line.billable = false;
    let document = audit(&input("2026-01", "2026-01", vec![have, billing(vec![line])]));
    let gap = only(&document);
    assert_eq!((gap.kind, amount(gap)), (GapKind::Unbilled, "50.00 USD".to_owned()));
}

#[test]
fn included_seats_are_an_allowance_unless_a_rule_covers_the_product() {
    let have = entitlements(vec![purchased("Contoso", SUITE, "10", "2026-01-01..")]);
    let mut line = billed("Contoso", SUITE, "10", "10.00", "2026-01-01..");
    line.included = dec("2");
    let mut wanted = input("2026-01", "2026-01", vec![have, billing(vec![line])]);
    assert!(audit(&wanted).gaps.is_empty());
    wanted.rules = vec![rule(RuleKind::Allowance, "1", "", SUITE)];
    assert_eq!(only(&audit(&wanted)).seats, dec("1"));
}

#[test]
fn a_one_off_line_that_settled_a_gap_is_set_against_it() {
    let have = entitlements(vec![purchased("Contoso", SUITE, "22", "2026-01-01..")]);
    let mut one_off = billed("Contoso", SUITE, "2", "10.00", "2026-01-20..2026-01-21");
    one_off.line_type = LineType::OneOff;
    let mut rows = vec![one_off];
    rows.push(billed("Contoso", SUITE, "20", "10.00", "2026-01-01.."));
    let document = audit(&input("2026-01", "2026-02", vec![have, billing(rows)]));
    let gap = only(&document);
    assert_eq!((amount(gap), gap.adjustments.len()), ("40.00 USD".to_owned(), 1));
    assert_eq!(gap.amount_after_adjustments.unwrap().to_string(), "20.00 USD");
}

#[test]
fn a_product_billed_in_two_currencies_has_its_seats_once() {
    let have = |seats| entitlements(vec![purchased("Contoso", SUITE, seats, "2026-01-01..")]);
    let mut euro = billed("Contoso", SUITE, "5", "9.00", "2026-01-15..");
    euro.currency = Currency::EUR;
    let bills = billing(vec![billed("Contoso", SUITE, "5", "10.00", "2026-01-01.."), euro]);
    assert!(audit(&input("2026-02", "2026-02", vec![have("10"), bills.clone()])).gaps.is_empty());
    let document = audit(&input("2026-02", "2026-02", vec![have("12"), bills.clone()]));
    assert_eq!(amount(only(&document)), "18.00 EUR");
    let document = audit(&input("2026-02", "2026-02", vec![have("3"), bills]));
    let found: Vec<_> = document.gaps.iter().map(|gap| (gap.direction, amount(gap))).collect();
    assert!(found.contains(&(Direction::Over, "45.00 EUR".to_owned())), "{found:?}");
    assert!(found.contains(&(Direction::Over, "20.00 USD".to_owned())), "{found:?}");
}

#[test]
fn free_skus_are_never_billable() {
    let mut free = purchased("Contoso", "Flow", "10000", "2026-01-01..");
    free.free = true;
    let have = entitlements(vec![free, purchased("Contoso", SUITE, "20", "2026-01-01..")]);
    let document = audit(&input("2026-01", "2026-01", vec![have, twenty()]));
    assert!(document.gaps.is_empty(), "{:#?}", document.gaps);
    assert!(document.proposals.is_empty());
}

#[test]
fn the_list_of_free_skus_decides_whatever_the_file_says() {
    let mut flow = purchased("Contoso", "Microsoft Power Automate Free", "10000", "2026-01-01..");
    let ids = ("f30db892-07e9-47e9-837c-80727f46fd3d".to_owned(), "FLOW_FREE".to_owned());
    let name = flow.product.name.clone();
    flow.product =
        crate::records::ProductRef { name, sku: Some(ids.0), part_number: Some(ids.1), code: None }.into();
    let have = entitlements(vec![flow, purchased("Contoso", SUITE, "20", "2026-01-01..")]);
    let document = audit(&input("2026-01", "2026-01", vec![have, twenty()]));
    assert!(document.gaps.is_empty(), "{:#?}", document.gaps);
    assert_eq!(document.unpriced_gaps, 0);
}

#[test]
fn a_billed_price_other_than_the_agreed_one_is_a_list_of_its_own() {
    let have = entitlements(vec![purchased("Contoso", SUITE, "10", "2026-01-01..")]);
    let bills = billing(vec![billed("Contoso", SUITE, "10", "20.00", "2026-01-01..")]);
    let mut wanted = input("2026-01", "2026-01", vec![have, bills]);
    wanted.prices = vec![price(SUITE, None, "22.00")];
    let document = audit(&wanted);
    assert!(document.gaps.is_empty());
    let [difference] = document.price_differences.as_slice() else {
        panic!("{:?}", document.price_differences)
    };
    assert_eq!(
        (difference.expected, difference.billed, difference.seats),
        (dec("22.00"), dec("20.00"), dec("10"))
    );
    assert_eq!(
        (difference.amount.to_string(), difference.direction),
        ("20.00 USD".to_owned(), Direction::Under)
    );
}

#[test]
fn seats_bought_and_not_used_are_waste_and_no_gap() {
    let mut row = purchased("Contoso", SUITE, "20", "2026-01-01..");
    row.assigned = Some(dec("14"));
    let mut charge = charged("Contoso", SUITE, "20", "440.00", "2026-01-01..");
    charge.charge_type = None;
    charge.unit_price = dec("22.00");
    let document =
        audit(&input("2026-01", "2026-03", vec![entitlements(vec![row]), cost(vec![charge]), twenty()]));
    assert!(document.gaps.is_empty());
    let [waste] = document.waste.as_slice() else { panic!("{:?}", document.waste) };
    assert_eq!((waste.seats, waste.seat_months), (dec("6"), dec("18.000000")));
    assert_eq!(waste.cost.unwrap().to_string(), "396.00 USD");
    assert_eq!(document.waste_totals[0].to_string(), "396.00 USD");
}

#[test]
fn unused_seats_can_be_dropped_by_the_last_day_of_a_term_that_is_still_to_end() {
    let mut row = purchased("Contoso", SUITE, "20", "2026-01-01..");
    row.assigned = Some(dec("14"));
    let until = |subscription: &str, days: &str| crate::records::VendorCharge {
        subscription: Some(subscription.to_owned()),
        subscription_span: Some(span(days)),
        ..charged("Contoso", SUITE, "10", "220.00", "2026-01-01..2026-02-01")
    };
    let charges = cost(vec![until("s-1", "2025-04-01..2026-04-01"), until("s-2", "2025-12-01..2026-12-01")]);
    let mut wanted = input("2026-01", "2026-01", vec![entitlements(vec![row]), charges, twenty()]);
    wanted.as_of = day("2026-11-22");
    assert_eq!(audit(&wanted).waste[0].drop_by, Some(day("2026-11-30")));
    wanted.as_of = day("2026-02-10");
    assert_eq!(audit(&wanted).waste[0].drop_by, Some(day("2026-03-31")));
}

#[test]
fn proposals_are_used_only_on_request_and_then_marked() {
    let have = entitlements(vec![purchased("Contoso", "Huntress Managed EDR", "12", "2026-01-01..")]);
    let bills = billing(vec![billed("Contoso", "Huntress Managed EDR Agent", "10", "5.00", "2026-01-01..")]);
    let mut wanted = input("2026-01", "2026-01", vec![have, bills]);
    let waiting = audit(&wanted);
    assert!(waiting.gaps.is_empty(), "{:#?}", waiting.gaps);
    assert_eq!(waiting.proposals[0].status, ProposalStatus::Waiting);
    let (source, target) = (waiting.proposals[0].source.clone(), waiting.proposals[0].target.clone());
    wanted.accept_proposals = Some(Decimal::ZERO);
    let used = audit(&wanted);
    assert_eq!((amount(only(&used)), only(&used).method), ("10.00 USD".to_owned(), MatchMethod::Unconfirmed));
    assert_eq!(used.proposals[0].status, ProposalStatus::Unconfirmed);
    wanted.accept_proposals = None;
    wanted.rejected_proposals = vec![(MappingSide::Product, source, target)];
    let rejected = audit(&wanted);
    assert_eq!(rejected.gaps.len(), 2);
    assert!(rejected.proposals.is_empty());
}

#[test]
fn a_mapping_holds_only_on_its_days() {
    let have = entitlements(vec![purchased("Contoso", "Zeta", "5", "2026-01-01..")]);
    let bills = billing(vec![billed("Contoso", "Omicron", "3", "10.00", "2026-01-01..")]);
    let mut wanted = input("2026-01", "2026-02", vec![have, bills]);
    let mut row = mapping(MappingSide::Product, "Omicron", "Zeta");
    row.span = Some(span("2026-02-01.."));
    wanted.mappings = vec![row];
    let document = audit(&wanted);
    let zeta = document.gaps.iter().find(|gap| gap.product == "Zeta").unwrap();
    let february = zeta.months.iter().find(|month| month.month == self::month("2026-02")).unwrap();
    assert_eq!((february.billable, february.billed), (dec("5"), dec("3")));
    let omicron = document.gaps.iter().find(|gap| gap.product == "Omicron").unwrap();
    assert_eq!(omicron.months.len(), 1);
}

#[test]
fn an_agreement_can_have_its_own_proration() {
    let have = entitlements(vec![
        purchased("Contoso", SUITE, "20", "2026-01-01..2026-01-17"),
        purchased("Contoso", SUITE, "22", "2026-01-17.."),
    ]);
    let mut line = billed("Contoso", SUITE, "20", "10.00", "2026-01-01..");
    line.agreement = Some("Gold".to_owned());
    let mut wanted = input("2026-01", "2026-01", vec![have, billing(vec![line])]);
    let own = |agreement: &str| PolicyOverride {
        client: Some("contoso".to_owned()),
        agreement: Some(agreement.to_owned()),
        proration: Some(Proration::FullMonth),
        ..PolicyOverride::default()
    };
    wanted.policy.overrides = vec![own("Silver")];
    assert_eq!(amount(only(&audit(&wanted))), "9.68 USD");
    wanted.policy.overrides = vec![own("Gold")];
    assert_eq!(amount(only(&audit(&wanted))), "20.00 USD");
}

#[test]
fn several_billing_entities_leave_the_gap_to_be_allocated() {
    let have = entitlements(vec![purchased("Contoso", SUITE, "22", "2026-01-01..")]);
    let at = |entity: &str, seats: &str| BillingLine {
        billing_entity: Some(entity.to_owned()),
        ..billed("Contoso", SUITE, seats, "10.00", "2026-01-01..")
    };
    let document = audit(&input(
        "2026-01",
        "2026-01",
        vec![have.clone(), billing(vec![at("North", "12"), at("South", "8")])],
    ));
    assert_eq!((only(&document).seats, only(&document).needs_allocation), (dec("2"), true));
    assert_eq!(only(&document).billing_entity, None);
    let document = audit(&input("2026-01", "2026-01", vec![have, billing(vec![at("North", "20")])]));
    assert_eq!(only(&document).billing_entity.as_deref(), Some("North"));
}

#[test]
fn an_audit_can_be_limited_to_some_clients() {
    let rows = |who: &str| purchased(who, SUITE, "22", "2026-01-01..");
    let lines = |who: &str| billed(who, SUITE, "20", "10.00", "2026-01-01..");
    let sources = vec![
        entitlements(vec![rows("Contoso"), rows("Fabrikam")]),
        billing(vec![lines("Contoso"), lines("Fabrikam")]),
    ];
    let mut wanted = input("2026-01", "2026-01", sources);
    wanted.clients = Some(vec!["fabrikam".to_owned(), "Nobody".to_owned()]);
    let document = audit(&wanted);
    assert_eq!(only(&document).client, "Fabrikam");
    assert!(document.notes.iter().any(|note| note.contains("Nobody")));
}

#[test]
fn the_digest_says_the_same_whatever_the_files_are_called() {
    let have = entitlements(vec![purchased("Contoso", SUITE, "22", "2026-01-01..")]);
    let mut renamed = have.clone();
    renamed.file = "elsewhere/other.csv".to_owned();
    let (one, other) = (
        audit(&input("2026-01", "2026-01", vec![have.clone(), twenty()])),
        audit(&input("2026-01", "2026-01", vec![renamed, twenty()])),
    );
    assert_eq!(one.digest, other.digest);
    let more = audit(&input("2026-01", "2026-02", vec![have, twenty()]));
    assert_ne!(one.digest, more.digest);
    assert_eq!(only(&one).id, only(&more).id);
}

#[test]
fn a_document_survives_json() {
    let mut row = purchased("Contoso", SUITE, "22", "2026-01-01..");
    row.term = Some(Term::Annual);
    let document = audit(&input("2026-01", "2026-01", vec![entitlements(vec![row]), twenty()]));
    let json = serde_json::to_string(&document).unwrap();
    assert_eq!(serde_json::from_str::<crate::audit::AuditDocument>(&json).unwrap(), document);
}

#[test]
fn csv_cells_that_a_spreadsheet_would_run_are_defused() {
    let have = entitlements(vec![purchased("=HYPERLINK(1)", SUITE, "22", "2026-01-01..")]);
    let bills = billing(vec![billed("=HYPERLINK(1)", SUITE, "20", "10.00", "2026-01-01..")]);
    let text = crate::audit::csv(&audit(&input("2026-01", "2026-01", vec![have, bills])));
    assert!(text.contains(",'=HYPERLINK(1),"), "{text}");
    assert!(text.contains(",2,2026-01,22,20,2.000000,20.00,USD,"), "{text}");
}

#[test]
fn the_uploader_names_the_client_of_a_file_that_names_none() {
    let mut row = purchased("", SUITE, "22", "2026-01-01..");
    row.client = crate::records::ClientRef { id: Some("t-1".to_owned()), ..Default::default() }.into();
    let mut have = source("entitlements", vec![Record::Entitlement(row)]);
    have.client = Some("Contoso".to_owned());
    let document = audit(&input("2026-01", "2026-01", vec![have, twenty()]));
    assert_eq!(only(&document).client, "Contoso");
}

#[test]
fn numbers_beyond_reason_are_an_error_and_never_wrong() {
    let have = entitlements(vec![purchased("Contoso", SUITE, "999999999", "2026-01-01..")]);
    let price = "9999999999999999999999999";
    let bills = billing(vec![billed("Contoso", SUITE, "1", price, "2026-01-01..")]);
    let result = crate::audit::run(&input("2026-01", "2026-01", vec![have, bills]));
    assert!(matches!(result, Err(crate::audit::AuditError::Overflow)));
}

#[test]
fn a_word_on_a_file_that_names_several_clients_is_not_forced_on_them() {
    let mut have = entitlements(vec![
        purchased("Contoso", SUITE, "22", "2026-01-01.."),
        purchased("Fabrikam", SUITE, "5", "2026-01-01.."),
    ]);
    have.client = Some("Northwind".to_owned());
    let document = audit(&input("2026-01", "2026-01", vec![have, twenty()]));
    assert_eq!(only(&document).client, "Contoso");
    assert!(document.notes.iter().any(|note| note.contains("Northwind")), "{:?}", document.notes);
}

#[test]
fn a_microsoft_product_that_the_tenant_does_not_list_is_not_there() {
    const PREMIUM: &str = "Microsoft 365 Business Premium";
    let listing = of_format(
        entitlements(vec![purchased("Contoso", "Microsoft 365 E5", "3", "2026-01-01..")]),
        "microsoft_graph_subscribed_skus",
    );
    let counts = entitlements(vec![
        purchased("Contoso", PREMIUM, "9", "2026-01-01.."),
        purchased("Contoso", SUITE, "22", "2026-01-01.."),
    ]);
    let bills = billing(vec![
        billed("Contoso", PREMIUM, "9", "22.00", "2026-01-01.."),
        billed("Contoso", "Microsoft 365 E5", "3", "50.00", "2026-01-01.."),
        billed("Contoso", SUITE, "20", "10.00", "2026-01-01.."),
    ]);
    let document = audit(&input("2026-01", "2026-01", vec![listing, counts, bills]));
    let found: Vec<_> =
        document.gaps.iter().map(|gap| (gap.product.as_str(), gap.kind, amount(gap))).collect();
    assert_eq!(
        found,
        [
            (PREMIUM, GapKind::BilledNotProvisioned, "198.00 USD".to_owned()),
            (SUITE, GapKind::UnderBilled, "20.00 USD".to_owned()),
        ]
    );
    assert_eq!(document.source_conflicts.len(), 1);
}

#[test]
fn a_product_that_only_a_lesser_billing_source_has_is_not_compared() {
    let have = entitlements(vec![
        purchased("Contoso", SUITE, "22", "2026-01-01.."),
        purchased("Contoso", "Other", "5", "2026-01-01.."),
    ]);
    let second = of_format(
        billing(vec![billed("Contoso", "Other", "4", "9.00", "2026-01-01..")]),
        "quickbooks_invoices",
    );
    let document = audit(&input("2026-01", "2026-01", vec![have, twenty(), second]));
    assert_eq!(only(&document).product, SUITE);
    let entry = document.coverage.iter().find(|entry| entry.product.as_deref() == Some("Other")).unwrap();
    assert_eq!(entry.reason, Some(Reason::SourceConflict));
}

#[test]
fn the_price_of_a_line_that_ended_counts_for_twelve_months() {
    let have = entitlements(vec![purchased("Contoso", SUITE, "2", "2025-01-01..")]);
    let bills = billing(vec![
        billed("Contoso", SUITE, "2", "10.00", "2025-01-01..2025-02-01"),
        billed("Contoso", "Other", "1", "1.00", "2025-01-01.."),
    ]);
    let mut wanted = input("2026-01", "2026-02", vec![have, bills]);
    wanted.rules = vec![rule(RuleKind::Exclude, "all", "", "Other")];
    let document = audit(&wanted);
    let gap = document.gaps.iter().find(|gap| gap.product == SUITE).unwrap();
    let months: Vec<_> = gap.months.iter().map(|month| (month.amount.to_string(), month.unpriced)).collect();
    assert_eq!(months, [("20.00".to_owned(), false), ("0.00".to_owned(), true)]);
    assert!(gap.unpriced);
}

#[test]
fn over_billing_is_never_credited_back_less_far_than_under_billing_is_charged() {
    let have = entitlements(vec![purchased("Contoso", SUITE, "18", "2025-01-01..")]);
    let bills = billing(vec![billed("Contoso", SUITE, "20", "10.00", "2025-01-01..")]);
    let mut wanted = input("2025-01", "2025-12", vec![have, bills]);
    wanted.rules = vec![rule(RuleKind::CreditBackMonths, "3", "", "")];
    assert_eq!(amount(only(&audit(&wanted))), "60.00 USD");
    wanted.rules.push(rule(RuleKind::BackBillingMonths, "6", "", ""));
    assert_eq!(amount(only(&audit(&wanted))), "120.00 USD");
}
