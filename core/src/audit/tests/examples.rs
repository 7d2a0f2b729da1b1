//! The acceptance examples, to the cent.

use super::build::*;
use crate::audit::{CoverageStatus, Direction, GapKind, MatchMethod, Proration, Reason};
use crate::money::Currency;
use crate::records::{Cycle, MappingSide, ProductRef, RuleKind, Side, Term};

const PREMIUM: &str = "Microsoft 365 Business Premium";

#[test]
fn two_seats_for_eight_months_are_sixteen_seat_months() {
    let sources = |until: &str| {
        vec![
            entitlements(vec![purchased("Contoso", PREMIUM, "22", "2025-06-01..")]),
            billing(vec![billed("Contoso", PREMIUM, "20", "22.00", &format!("2025-06-01..{until}"))]),
        ]
    };
    let document = audit(&input("2025-10", "2026-05", sources("")));
    let gap = only(&document);
    assert_eq!((gap.seats, gap.seat_months.to_string()), (dec("2"), "16.000000".to_owned()));
    assert_eq!((amount(gap), forward(gap)), ("352.00 USD".to_owned(), "44.00 USD".to_owned()));
    assert_eq!(
        (gap.direction, gap.kind, gap.method),
        (Direction::Under, GapKind::UnderBilled, MatchMethod::Exact)
    );
    assert_eq!(gap.sources.len(), 2);
    let first = audit(&input("2025-10", "2025-10", sources("")));
    assert_eq!(
        (only(&first).seat_months.to_string(), amount(only(&first))),
        ("2.000000".into(), "44.00 USD".into())
    );
}

#[test]
fn seats_that_come_in_the_middle_of_a_month_follow_the_proration() {
    let sources = vec![
        entitlements(vec![
            purchased("Contoso", PREMIUM, "40", "2026-01-01..2026-02-10"),
            purchased("Contoso", PREMIUM, "43", "2026-02-10..2026-04-16"),
            purchased("Contoso", PREMIUM, "46", "2026-04-16.."),
        ]),
        billing(vec![billed("Contoso", PREMIUM, "40", "22.00", "2026-01-01..")]),
    ];
    let mut wanted = input("2026-02", "2026-06", sources);
    let daily = audit(&wanted);
    let gap = only(&daily);
    assert_eq!((gap.seat_months.to_string(), amount(gap)), ("21.535714".to_owned(), "473.79 USD".to_owned()));
    let months: Vec<String> = gap.months.iter().map(|month| month.amount.to_string()).collect();
    assert_eq!(months, ["44.79", "66.00", "99.00", "132.00", "132.00"]);
    let february = gap.months[0];
    assert_eq!((february.billable, february.billed), (dec("43"), dec("40")));
    assert_eq!((gap.seats, forward(gap)), (dec("6"), "132.00 USD".to_owned()));
    for (proration, seat_months, money) in
        [(Proration::FullMonth, "24.000000", "528.00 USD"), (Proration::NextMonth, "18.000000", "396.00 USD")]
    {
        wanted.policy.proration = proration;
        let document = audit(&wanted);
        let gap = only(&document);
        assert_eq!((gap.seat_months.to_string(), amount(gap)), (seat_months.to_owned(), money.to_owned()));
    }
}

#[test]
fn exclusions_and_allowances_stop_at_the_contract_minimum() {
    let run_with = |seats: &str| {
        let mut wanted = input(
            "2026-03",
            "2026-03",
            vec![
                entitlements(vec![purchased("Contoso", "Backup", seats, "2026-01-01..")]),
                billing(vec![billed("Contoso", "Backup", "8", "12.50", "2026-01-01..")]),
            ],
        );
        wanted.rules = vec![
            rule(RuleKind::Exclude, "1", "Contoso", "Backup"),
            rule(RuleKind::Allowance, "2", "Contoso", "Backup"),
            rule(RuleKind::Minimum, "5", "Contoso", "Backup"),
        ];
        audit(&wanted)
    };
    let document = run_with("14");
    let gap = only(&document);
    assert_eq!((gap.waterfall.billable, gap.seats, gap.direction), (dec("11"), dec("3"), Direction::Under));
    assert_eq!(amount(gap), "37.50 USD");
    let document = run_with("6");
    let gap = only(&document);
    assert_eq!((gap.waterfall.billable, gap.seats, gap.direction), (dec("5"), dec("3"), Direction::Over));
    assert_eq!(amount(gap), "37.50 USD");
}

#[test]
fn seats_included_in_a_billed_bundle_are_not_missing() {
    let mut wanted = input(
        "2026-03",
        "2026-03",
        vec![
            entitlements(vec![purchased("Contoso", PREMIUM, "37", "2026-01-01..")]),
            billing(vec![
                billed("Contoso", "Managed Workstation", "30", "95.00", "2026-01-01.."),
                billed("Contoso", PREMIUM, "4", "22.00", "2026-01-01.."),
            ]),
        ],
    );
    let mut bundle = rule(RuleKind::Bundle, "1", "Contoso", PREMIUM);
    bundle.parent_product = Some(product("Managed Workstation"));
    wanted.rules = vec![bundle];
    let document = audit(&wanted);
    let gap = only(&document);
    assert_eq!((gap.seats, amount(gap)), (dec("3"), "66.00 USD".to_owned()));
    let parent = document.coverage.iter().find(|entry| entry.product.is_some()).unwrap();
    assert_eq!(parent.reason, Some(Reason::NoEntitlement));
}

#[test]
fn seats_on_another_term_are_a_list_of_their_own() {
    let termed = |seats: &str, term| {
        let mut row = purchased("Contoso", PREMIUM, seats, "2026-01-01..");
        row.term = Some(term);
        row
    };
    let line = |seats: &str, price: &str, term| {
        let mut row = billed("Contoso", PREMIUM, seats, price, "2026-01-01..");
        row.term = Some(term);
        row
    };
    let sold = entitlements(vec![termed("25", Term::Annual), termed("5", Term::Monthly)]);
    let with_line = billing(vec![line("28", "22.00", Term::Annual), line("0", "26.40", Term::Monthly)]);
    let without = billing(vec![line("28", "22.00", Term::Annual)]);
    for (bills, prices) in
        [(with_line, vec![]), (without, vec![price(PREMIUM, Some(Term::Monthly), "26.40")])]
    {
        let mut wanted = input("2026-03", "2026-03", vec![sold.clone(), bills]);
        wanted.prices = prices;
        let document = audit(&wanted);
        let gap = only(&document);
        assert_eq!((gap.seats, amount(gap)), (dec("2"), "52.80 USD".to_owned()));
        let [mix] = document.term_mix.as_slice() else { panic!("{:?}", document.term_mix) };
        assert_eq!((mix.seats, mix.from_term, mix.to_term), (dec("3"), Term::Annual, Term::Monthly));
        assert_eq!(mix.amount.unwrap().to_string(), "13.20 USD");
        assert!(document.price_differences.is_empty());
    }
}

#[test]
fn a_term_that_nothing_prices_leaves_the_mix_without_money() {
    let mut row = purchased("Contoso", PREMIUM, "10", "2026-01-01..");
    row.term = Some(Term::Monthly);
    let mut line = billed("Contoso", PREMIUM, "10", "22.00", "2026-01-01..");
    line.term = Some(Term::Annual);
    let mut wanted = input("2026-03", "2026-03", vec![entitlements(vec![row]), billing(vec![line])]);
    let document = audit(&wanted);
    assert!(document.gaps.is_empty());
    assert_eq!((document.term_mix[0].seats, document.term_mix[0].amount), (dec("10"), None));
    wanted.prices = vec![price(PREMIUM, Some(Term::Monthly), "26.40")];
    assert_eq!(audit(&wanted).term_mix[0].amount.unwrap().to_string(), "44.00 USD");
}

#[test]
fn vendor_charges_of_two_terms_keep_their_terms_without_a_subscription() {
    let plain = |seats: &str, amount: &str, term, days: &str| crate::records::VendorCharge {
        subscription: None,
        charge_type: None,
        term: Some(term),
        ..charged("Contoso", PREMIUM, seats, amount, days)
    };
    let sold = cost(vec![
        plain("25", "250.00", Term::Annual, "2026-01-01..2027-01-01"),
        plain("5", "60.00", Term::Monthly, "2026-03-01..2026-04-01"),
    ]);
    let line = |seats: &str, price: &str, term| {
        let mut row = billed("Contoso", PREMIUM, seats, price, "2026-01-01..");
        row.term = Some(term);
        row
    };
    let bills = billing(vec![line("28", "22.00", Term::Annual), line("0", "26.40", Term::Monthly)]);
    let document = audit(&input("2026-03", "2026-03", vec![sold, bills]));
    assert_eq!(amount(only(&document)), "52.80 USD");
    let [mix] = document.term_mix.as_slice() else { panic!("{:?}", document.term_mix) };
    assert_eq!(mix.amount.unwrap().to_string(), "13.20 USD");
}

#[test]
fn vendor_charges_stand_in_for_entitlements() {
    let mut added = charged("Contoso", "Exchange Online", "1", "-3.87", "2026-06-02..2026-07-01");
    added.charge_type = Some("add_quantity".into());
    let more = crate::records::VendorCharge { quantity: dec("2"), amount: dec("7.74"), ..added.clone() };
    let charges =
        vec![charged("Contoso", "Exchange Online", "1", "4.00", "2026-06-01..2026-07-01"), added, more];
    let sources = vec![
        cost(charges),
        billing(vec![billed("Contoso", "Exchange Online", "1", "6.00", "2026-06-01..2026-07-01")]),
    ];
    let document = audit(&input("2026-06", "2026-06", sources));
    let gap = only(&document);
    assert_eq!((gap.seat_months.to_string(), amount(gap)), ("0.966667".to_owned(), "5.80 USD".to_owned()));
    assert_eq!((gap.seats, gap.entitlement_from), (dec("1"), Side::Cost));
}

#[test]
fn over_billing_in_euro_and_under_billing_in_dollars_are_never_one_figure() {
    let mut euro = billed("Fabrikam", "Teams Rooms", "50", "11.70", "2026-03-01..");
    euro.currency = Currency::EUR;
    let sources = vec![
        entitlements(vec![
            purchased("Fabrikam", "Teams Rooms", "47", "2026-03-01.."),
            purchased("Contoso", PREMIUM, "22", "2025-10-01.."),
        ]),
        billing(vec![euro, billed("Contoso", PREMIUM, "20", "22.00", "2025-10-01..")]),
    ];
    let document = audit(&input("2025-10", "2026-05", sources));
    let over = document.gaps.iter().find(|gap| gap.client == "Fabrikam").unwrap();
    assert_eq!(
        (over.direction, over.seats, over.seat_months.to_string()),
        (Direction::Over, dec("3"), "9.000000".into())
    );
    assert_eq!(amount(over), "105.30 EUR");
    let totals: Vec<_> =
        document.totals.iter().map(|t| (t.currency, t.under.to_string(), t.over.to_string())).collect();
    assert_eq!(
        totals,
        [
            (Currency::EUR, "0.00".to_owned(), "105.30".to_owned()),
            (Currency::USD, "352.00".to_owned(), "0.00".to_owned()),
        ]
    );
}

#[test]
fn a_client_without_billing_is_not_a_gap() {
    let sources = vec![
        entitlements(vec![
            purchased("Contoso", PREMIUM, "20", "2026-01-01.."),
            purchased("Northwind", PREMIUM, "20", "2026-01-01.."),
        ]),
        billing(vec![billed("Contoso", PREMIUM, "20", "22.00", "2026-01-01..")]),
    ];
    let document = audit(&input("2026-01", "2026-03", sources));
    assert!(document.gaps.is_empty() && document.totals.is_empty());
    let northwind = document.coverage.iter().find(|entry| entry.client == "Northwind").unwrap();
    assert_eq!(
        (northwind.status, northwind.reason),
        (CoverageStatus::InsufficientData, Some(Reason::NoBilling))
    );
}

#[test]
fn a_month_that_no_export_covers_is_insufficient_and_the_others_stand() {
    let sources = vec![
        entitlements(vec![purchased("Contoso", PREMIUM, "22", "2026-01-01..")]),
        billing(vec![billed("Contoso", PREMIUM, "20", "22.00", "2026-01-01..2026-06-01")]),
    ];
    let document = audit(&input("2026-01", "2026-06", sources));
    assert_eq!(
        (only(&document).seat_months.to_string(), amount(only(&document))),
        ("10.000000".into(), "220.00 USD".into())
    );
    assert_eq!(document.coverage[0].missing_months, [month("2026-06")]);
    assert_eq!(document.coverage[0].status, CoverageStatus::Compared);
}

#[test]
fn a_misleading_part_number_waits_for_a_person() {
    let graph = |part: &str, guid: &str, seats: &str| {
        let mut row = purchased("Contoso", "", seats, "2026-01-01..");
        row.product = ProductRef {
            sku: Some(guid.to_owned()),
            part_number: Some(part.to_owned()),
            ..ProductRef::default()
        }
        .into();
        row
    };
    let sources = vec![
        entitlements(vec![
            graph("O365_BUSINESS_PREMIUM", "f245ecc8-75af-4f8e-b61f-27d8114de5f3", "20"),
            graph("SPB", "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46", "10"),
        ]),
        billing(vec![
            billed("Contoso", "Office 365 Business Premium", "18", "12.50", "2026-01-01.."),
            billed("Contoso", PREMIUM, "10", "22.00", "2026-01-01.."),
        ]),
    ];
    let mut wanted = input("2026-03", "2026-03", sources);
    let before = audit(&wanted);
    assert!(before.gaps.is_empty(), "{:#?}", before.gaps);
    let waiting: Vec<_> =
        before.coverage.iter().filter(|c| c.reason == Some(Reason::UnconfirmedMapping)).collect();
    assert!(waiting.len() >= 2, "{:#?}", before.coverage);
    assert!(!before.proposals.is_empty());
    wanted.mappings =
        vec![mapping(MappingSide::Product, "Office 365 Business Premium", "Microsoft 365 Business Standard")];
    let after = audit(&wanted);
    let gap = only(&after);
    assert_eq!(
        (gap.seats, amount(gap), gap.method),
        (dec("2"), "25.00 USD".to_owned(), MatchMethod::Mapping)
    );
    assert!(gap.product.contains("Business Standard"), "{}", gap.product);
}

#[test]
fn months_older_than_the_limit_are_time_barred() {
    let sources = vec![
        entitlements(vec![purchased("Contoso", PREMIUM, "23", "2024-01-01..")]),
        billing(vec![billed("Contoso", PREMIUM, "20", "22.00", "2024-01-01..")]),
    ];
    let mut wanted = input("2024-01", "2025-08", sources);
    wanted.rules = vec![rule(RuleKind::BackBillingMonths, "12", "", "")];
    let document = audit(&wanted);
    let gap = only(&document);
    assert_eq!((gap.seat_months.to_string(), amount(gap)), ("36.000000".to_owned(), "792.00 USD".to_owned()));
    assert_eq!(
        (gap.time_barred.seat_months.to_string(), gap.time_barred.amount),
        ("24.000000".to_owned(), dec("528.00"))
    );
    assert_eq!(gap.time_barred.before, Some(day("2024-09-01")));
    assert_eq!(document.totals[0].time_barred, dec("528.00"));
}

#[test]
fn an_annual_price_is_divided_by_twelve_last() {
    let mut line = billed("Contoso", PREMIUM, "10", "250.00", "2026-01-01..");
    line.cycle = Cycle::Annual;
    let sources =
        vec![entitlements(vec![purchased("Contoso", PREMIUM, "13", "2026-01-01..")]), billing(vec![line])];
    let document = audit(&input("2026-02", "2026-04", sources));
    // 3 x 250 / 12 = 62.50 a month; the unit price of 20.83 would give 62.49.
    assert_eq!(amount(only(&document)), "187.50 USD");
}
