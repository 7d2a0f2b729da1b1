//! Margins where the vendor's cost is known.

use super::build::*;
use crate::audit::{AuditInput, Margin, MarginFigures, Margins, NoMargin, margins};
use crate::money::Currency;
use crate::records::{BillingLine, ChargeKind, Cycle, RuleKind, VendorCharge};

const SEAT: &str = "Microsoft 365 Business Premium";

fn found(input: &AuditInput) -> Margins {
    margins(input).unwrap()
}

fn only_product(margins: &Margins) -> &Margin {
    assert_eq!(margins.products.len(), 1, "{margins:#?}");
    &margins.products[0]
}

/// Billed, cost, margin, percent, and margin and percent at billable.
fn shown(figures: &MarginFigures) -> [String; 6] {
    let text = |value: Option<rust_decimal::Decimal>| value.map_or_else(String::new, |v| v.to_string());
    [
        figures.billed.to_string(),
        figures.cost.to_string(),
        figures.margin.to_string(),
        text(figures.margin_percent),
        text(figures.at_billable.map(|at| at.margin)),
        text(figures.at_billable.and_then(|at| at.margin_percent)),
    ]
}

fn monthly(amount: &str, days: &str) -> VendorCharge {
    charged("Contoso", SEAT, "22", amount, days)
}

fn inputs(charges: Vec<VendorCharge>, lines: Vec<BillingLine>) -> AuditInput {
    let have = entitlements(vec![purchased("Contoso", SEAT, "22", "2026-01-01..")]);
    input("2026-01", "2026-02", vec![have, billing(lines), cost(charges)])
}

fn twenty() -> Vec<BillingLine> {
    vec![billed("Contoso", SEAT, "20", "22.00", "2026-01-01..")]
}

#[test]
fn a_margin_is_billed_less_cost_and_says_what_it_would_be_if_billing_were_right() {
    let charges =
        vec![monthly("387.2042", "2026-01-01..2026-02-01"), monthly("387.20", "2026-02-01..2026-03-01")];
    let margins = found(&inputs(charges, twenty()));
    let product = only_product(&margins);
    assert_eq!((product.client.as_str(), product.currency), ("Contoso", Currency::USD));
    let months: Vec<[String; 6]> = product.months.iter().map(|month| shown(&month.figures)).collect();
    assert_eq!(
        months,
        [
            ["440.00", "387.2042", "52.7958", "12.00", "96.7958", "20.00"].map(str::to_owned),
            ["440.00", "387.20", "52.80", "12.00", "96.80", "20.00"].map(str::to_owned),
        ]
    );
    let sum = ["880.00", "774.4042", "105.5958", "12.00", "193.5958", "20.00"].map(str::to_owned);
    assert_eq!(shown(&product.figures), sum);
    assert_eq!((shown(&margins.totals[0].figures), shown(&margins.clients[0].figures)), (sum.clone(), sum));
    assert_eq!(
        (margins.totals[0].client.as_deref(), margins.clients[0].client.as_deref()),
        (None, Some("Contoso"))
    );
    assert!(margins.table().contains("52.7958") || margins.table().contains("105.5958"));
    assert_eq!(margins.csv().lines().count(), 3);
}

#[test]
fn a_cost_that_is_not_known_is_not_shown_and_never_zero() {
    assert!(found(&inputs(vec![], twenty())).products.is_empty());
    // February has no charge: it has no margin, though January has.
    let margins = found(&inputs(vec![monthly("387.20", "2026-01-01..2026-02-01")], twenty()));
    assert_eq!(only_product(&margins).months.len(), 1);
    // A purchase made once is no cost of a month.
    let once = VendorCharge { kind: ChargeKind::OneTime, ..monthly("900.00", "2026-01-01..2026-02-01") };
    assert!(found(&inputs(vec![once], twenty())).products.is_empty());
    // What costs and is not billed has a margin below zero, and no percent.
    let other = billed("Contoso", "Backup", "1", "5.00", "2026-01-01..");
    let margins = found(&inputs(vec![monthly("387.20", "2026-01-01..2026-02-01")], vec![other]));
    let figures = &only_product(&margins).figures;
    assert_eq!((figures.margin, figures.margin_percent), (dec("-387.20"), None));
}

#[test]
fn other_currencies_and_bundles_are_named_and_not_compared() {
    let euro = VendorCharge { currency: Currency::EUR, ..monthly("387.20", "2026-01-01..2026-02-01") };
    let margins = found(&inputs(vec![euro], twenty()));
    assert!(margins.products.is_empty() && margins.totals.is_empty());
    let [other] = margins.not_compared.as_slice() else { panic!("{margins:#?}") };
    assert_eq!(
        (other.reason, other.billed[0], other.cost[0]),
        (NoMargin::CurrencyDiffers, Currency::USD, Currency::EUR)
    );
    assert_eq!(other.months, [month("2026-01")]);

    let workstation = billed("Contoso", "Managed Workstation", "22", "60.00", "2026-01-01..");
    let mut wanted = inputs(vec![monthly("387.20", "2026-01-01..2026-02-01")], vec![workstation]);
    let mut bundle = rule(RuleKind::Bundle, "1", "", SEAT);
    bundle.parent_product = Some(product("Managed Workstation"));
    wanted.rules = vec![bundle];
    let margins = found(&wanted);
    assert!(margins.products.is_empty(), "{margins:#?}");
    assert_eq!(margins.not_compared[0].reason, NoMargin::BilledInBundle);
}

#[test]
fn a_charge_is_shared_by_its_days_and_the_shares_make_its_amount() {
    for (amount, cycle, days, january, february) in [
        // Half of it is in February: 17 of 31 days in January.
        ("31.00", Cycle::Monthly, "2026-01-15..2026-02-15", "17.00", "14.00"),
        ("10.00", Cycle::Monthly, "2026-01-15..2026-02-15", "5.48", "4.52"),
        ("-10.00", Cycle::Monthly, "2026-01-15..2026-02-15", "-5.48", "-4.52"),
        ("10.0001", Cycle::Monthly, "2026-01-15..2026-02-15", "5.4839", "4.5162"),
        // A year that is paid at once.
        ("365.00", Cycle::Annual, "2026-01-01..2027-01-01", "31.00", "28.00"),
        // What goes on costs as much each cycle.
        ("100.00", Cycle::Monthly, "2025-12-01..", "100.00", "100.00"),
        ("1200.00", Cycle::Annual, "2025-12-01..", "100.00", "100.00"),
        ("100.00", Cycle::Monthly, "2025-12-01..2026-06-01", "100.00", "100.00"),
    ] {
        let mut charge = monthly(amount, days);
        (charge.cycle, charge.charge_type) = (cycle, Some("regular".into()));
        // Another charge makes the vendor's file cover both months.
        let other = VendorCharge { product: product("Other").into(), ..monthly("1.00", "2025-12-01..") };
        let margins = found(&inputs(vec![charge, other], twenty()));
        let own = margins.products.iter().find(|own| own.product == SEAT).unwrap();
        let costs: Vec<String> = own.months.iter().map(|month| month.figures.cost.to_string()).collect();
        assert_eq!(costs, [january, february], "{amount} {days}");
    }
}

#[test]
fn refunds_and_charges_of_a_seat_change_net_out() {
    let change = |quantity: &str, amount: &str, kind: &str, days: &str| VendorCharge {
        charge_type: Some(kind.into()),
        ..charged("Contoso", SEAT, quantity, amount, days)
    };
    let charges = vec![
        change("1", "4.00", "new", "2026-01-01..2026-02-01"),
        change("1", "-3.87", "add_quantity", "2026-01-02..2026-02-01"),
        change("2", "7.74", "add_quantity", "2026-01-02..2026-02-01"),
    ];
    let line = billed("Contoso", SEAT, "1", "6.00", "2026-01-01..");
    let wanted = input("2026-01", "2026-01", vec![billing(vec![line]), cost(charges)]);
    let margins = found(&wanted);
    let figures = &only_product(&margins).figures;
    assert_eq!(shown(figures), ["6.00", "7.87", "-1.87", "-31.17", "3.94", "33.36"]);
}

#[test]
fn days_count_that_both_files_cover_and_open_months_do_not() {
    // The vendor's file begins on 18 January: fourteen days of it.
    let charge = monthly("140.00", "2026-01-18..2026-02-01");
    let margins = found(&inputs(vec![charge.clone()], twenty()));
    let january = &only_product(&margins).months[0];
    assert_eq!((january.days, january.figures.billed.to_string().as_str()), (14, "198.71"));
    assert_eq!(january.figures.at_billable, None, "the gap is that of all January");
    assert_eq!(margins.totals[0].unknown_gaps, 1);
    let mut open = inputs(vec![charge], twenty());
    open.as_of = day("2026-01-20");
    assert!(found(&open).products.is_empty());
}
