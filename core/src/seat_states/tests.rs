use super::*;
use crate::money::Currency;
use crate::records::Cycle;
use proptest::prelude::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// A charge as a reconciliation row states it; `last` is the last day charged.
fn charge(kind: &str, from: &str, last: &str, quantity: &str, amount: &str) -> VendorCharge {
    VendorCharge {
        client: ClientRef { id: Some("tenant".into()), name: Some("Northwind".into()), domain: None }.into(),
        product: ProductRef {
            name: Some("Suite".into()),
            sku: Some("CFQ7TTC0LDPB:0001".into()),
            ..ProductRef::default()
        }
        .into(),
        subscription: Some("sub".into()),
        invoice: None,
        reference: None,
        kind: ChargeKind::Licence,
        charge_type: Some(kind.into()),
        known_charge_type: true,
        term: Some(Term::Monthly),
        cycle: Cycle::Monthly,
        quantity: dec(quantity),
        unit_price: Decimal::ZERO,
        list_price: None,
        amount: dec(amount),
        currency: Currency::EUR,
        span: Span::new(day(from), day(last).succ_opt().unwrap()),
        subscription_span: None,
        ordered_on: None,
    }
}

fn referring(reference: &str, charge: VendorCharge) -> VendorCharge {
    VendorCharge { reference: Some(reference.into()), ..charge }
}

fn on(subscription: &str, charge: VendorCharge) -> VendorCharge {
    VendorCharge { subscription: Some(subscription.into()), ..charge }
}

fn of(charges: &[VendorCharge]) -> SeatStates {
    let lines: Vec<(&VendorCharge, u32)> = charges.iter().zip(2..).collect();
    seat_states(&lines)
}

/// Subscription, first day, day after the last, seats.
fn told(states: &SeatStates) -> Vec<(String, String, String, String)> {
    let text = |state: &SeatState| {
        let subscription = state.subscription.clone().unwrap_or_default();
        (
            subscription,
            state.from.to_string(),
            state.until.to_string(),
            state.quantity.normalize().to_string(),
        )
    };
    states.states.iter().map(text).collect()
}

fn rows(rows: &[(&str, &str, &str, &str)]) -> Vec<(String, String, String, String)> {
    rows.iter().map(|r| (r.0.into(), r.1.into(), r.2.into(), r.3.into())).collect()
}

#[test]
fn a_change_of_seats_is_a_refund_and_a_charge() {
    let states = of(&[
        charge("new", "2026-02-01", "2026-03-02", "1", "4.00"),
        charge("add_quantity", "2026-02-02", "2026-03-02", "1", "-3.87"),
        charge("add_quantity", "2026-02-02", "2026-03-02", "2", "7.74"),
    ]);
    assert_eq!(
        told(&states),
        rows(&[("sub", "2026-02-01", "2026-02-02", "1"), ("sub", "2026-02-02", "2026-03-03", "2")])
    );
    assert_eq!(states.states[1].lines, [2, 3, 4]);
    assert_eq!(states.notes, []);
}

#[test]
fn the_documented_adding_and_removing_of_seats_ends_at_eight() {
    let bought = [
        charge("new", "2021-06-18", "2021-07-17", "10", "100.8"),
        charge("add_quantity", "2021-06-20", "2021-07-17", "10", "-94.08"),
        charge("add_quantity", "2021-06-20", "2021-07-17", "12", "112.89"),
    ];
    assert_eq!(told(&of(&bought)).last().unwrap().3, "12");
    let mut all = bought.to_vec();
    all.push(charge("remove_quantity", "2021-06-20", "2021-07-17", "12", "-112.89"));
    all.push(charge("remove_quantity", "2021-06-20", "2021-07-17", "8", "75.26"));
    assert_eq!(
        told(&of(&all)),
        rows(&[("sub", "2021-06-18", "2021-06-20", "10"), ("sub", "2021-06-20", "2021-07-18", "8")])
    );
}

#[test]
fn six_changes_in_a_month_end_at_the_documented_thirty() {
    let mut all = vec![charge("new", "2022-03-05", "2022-04-04", "10", "120")];
    for (from, kind, old, new) in [
        ("2022-03-07", "add_quantity", "10", "15"),
        ("2022-03-10", "add_quantity", "15", "25"),
        ("2022-03-12", "remove_quantity", "25", "23"),
        ("2022-03-14", "remove_quantity", "23", "20"),
        ("2022-03-25", "add_quantity", "20", "30"),
    ] {
        all.push(charge(kind, from, "2022-04-04", old, "-1"));
        all.push(charge(kind, from, "2022-04-04", new, "1"));
    }
    let seats: Vec<String> = told(&of(&all)).into_iter().map(|state| state.3).collect();
    assert_eq!(seats, ["10", "15", "25", "23", "20", "30"]);
}

#[test]
fn a_cancelled_subscription_has_no_seats_to_the_end_of_its_cycle() {
    let states = of(&[
        charge("new", "2021-07-15", "2021-08-14", "10", "100.8"),
        charge("cancel_immediate", "2021-07-17", "2021-08-14", "10", "-94.2"),
    ]);
    assert_eq!(
        told(&states),
        rows(&[("sub", "2021-07-15", "2021-07-17", "10"), ("sub", "2021-07-17", "2021-08-15", "0")])
    );
}

#[test]
fn upgrades_move_seats_whole_or_in_part() {
    let whole = of(&[
        on("old", charge("new", "2021-07-01", "2021-07-31", "300", "3000")),
        referring("up", on("old", charge("convert", "2021-07-10", "2021-07-31", "300", "-2316"))),
        referring("up", on("new", charge("convert", "2021-07-10", "2021-08-09", "300", "5000"))),
    ]);
    assert_eq!(
        told(&whole),
        rows(&[
            ("new", "2021-07-10", "2021-08-10", "300"),
            ("old", "2021-07-01", "2021-07-10", "300"),
            ("old", "2021-07-10", "2021-08-01", "0"),
        ])
    );
    let part = of(&[
        on("old", charge("new", "2021-07-01", "2021-07-31", "300", "3000")),
        on("old", charge("remove_quantity", "2021-07-10", "2021-07-31", "300", "-2316")),
        on("old", charge("remove_quantity", "2021-07-10", "2021-07-31", "200", "1544")),
        on("new", charge("convert", "2021-07-10", "2021-08-09", "100", "1700")),
    ]);
    assert_eq!(
        told(&part),
        rows(&[
            ("new", "2021-07-10", "2021-08-10", "100"),
            ("old", "2021-07-01", "2021-07-10", "300"),
            ("old", "2021-07-10", "2021-08-01", "200"),
        ])
    );
}

#[test]
fn a_converted_trial_holds_its_seats_once() {
    let trial = |reference: Option<&str>, paid: &str| {
        let put = |charge: VendorCharge| VendorCharge { reference: reference.map(str::to_owned), ..charge };
        of(&[
            referring("bought", charge("new", "2021-06-25", "2021-07-24", "25", "0")),
            put(charge("convert", "2021-06-25", "2021-07-24", "25", "0")),
            put(on(paid, charge("convert", "2021-06-25", "2021-07-24", "25", "1315.25"))),
        ])
    };
    for states in [trial(Some("converted"), "sub"), trial(None, "sub")] {
        assert_eq!(told(&states), rows(&[("sub", "2021-06-25", "2021-07-25", "25")]));
    }
    let two = trial(Some("converted"), "paid");
    assert_eq!(
        told(&two),
        rows(&[("paid", "2021-06-25", "2021-07-25", "25"), ("sub", "2021-06-25", "2021-07-25", "0")])
    );
}

#[test]
fn changes_at_a_price_of_zero_follow_their_reference() {
    let states = of(&[
        charge("new", "2026-02-01", "2026-02-28", "10", "0"),
        referring("a", charge("add_quantity", "2026-02-10", "2026-02-28", "10", "0")),
        referring("a", charge("add_quantity", "2026-02-10", "2026-02-28", "15", "0")),
        referring("b", charge("remove_quantity", "2026-02-20", "2026-02-28", "15", "0")),
        referring("b", charge("remove_quantity", "2026-02-20", "2026-02-28", "12", "0")),
    ]);
    let seats: Vec<String> = told(&states).into_iter().map(|state| state.3).collect();
    assert_eq!(seats, ["10", "15", "12"]);
    assert_eq!(states.notes, []);
}

#[test]
fn single_rows_with_a_negative_quantity_are_the_same_as_pairs() {
    let states = of(&[
        charge("new", "2026-02-01", "2026-02-28", "10", "100"),
        charge("remove_quantity", "2026-02-15", "2026-02-28", "-3", "-15"),
        charge("add_quantity", "2026-02-20", "2026-02-28", "1", "3"),
    ]);
    let seats: Vec<String> = told(&states).into_iter().map(|state| state.3).collect();
    assert_eq!(seats, ["10", "7", "8"]);
}

#[test]
fn a_negative_quantity_at_a_price_of_zero_takes_its_seats_away() {
    let states = of(&[
        charge("new", "2026-02-01", "2026-02-28", "25", "0"),
        charge("convert", "2026-02-10", "2026-02-28", "-25", "0"),
    ]);
    let seats: Vec<String> = told(&states).into_iter().map(|state| state.3).collect();
    assert_eq!(seats, ["25", "0"]);
    assert_eq!(states.notes, []);
}

#[test]
fn a_change_whose_first_charge_is_in_another_file_is_followed_from_its_day_and_said() {
    let pair = [
        charge("add_quantity", "2026-03-01", "2026-03-17", "10", "-50"),
        charge("add_quantity", "2026-03-01", "2026-03-17", "12", "60"),
    ];
    let alone = of(&pair);
    assert_eq!(told(&alone), rows(&[("sub", "2026-03-01", "2026-03-18", "12")]));
    assert_eq!(alone.notes[0].code, "earlier_charge_missing");
    let mut both = pair.to_vec();
    both.push(charge("new", "2026-02-18", "2026-03-17", "10", "100"));
    let both = of(&both);
    assert_eq!(
        told(&both),
        rows(&[("sub", "2026-02-18", "2026-03-01", "10"), ("sub", "2026-03-01", "2026-03-18", "12")])
    );
    assert_eq!(both.notes, []);
}

#[test]
fn cycles_with_month_end_anchors_leave_no_hole_and_no_overlap() {
    let ends = ["2021-02-27", "2021-03-30", "2021-04-29", "2021-05-30"];
    let starts = ["2021-01-31", "2021-02-28", "2021-03-31", "2021-04-30"];
    let cycles: Vec<VendorCharge> =
        starts.iter().zip(ends).map(|(from, last)| charge("cycle_charge", from, last, "5", "50")).collect();
    assert_eq!(told(&of(&cycles)), rows(&[("sub", "2021-01-31", "2021-05-31", "5")]));
}

#[test]
fn money_without_seats_leaves_the_seats_alone() {
    let mut fee = charge("extended_service_term_fee", "2026-02-01", "2026-02-28", "10", "3");
    fee.known_charge_type = false;
    let states = of(&[
        charge("new", "2026-02-01", "2026-02-28", "10", "100"),
        charge("customer_credit", "2026-02-01", "2026-02-28", "10", "-20"),
        fee,
        VendorCharge { kind: ChargeKind::Usage, ..charge("usage", "2026-02-01", "2026-02-28", "37", "9") },
    ]);
    assert_eq!(told(&states), rows(&[("sub", "2026-02-01", "2026-03-01", "10")]));
    assert_eq!(states.notes[0].code, "unknown_charge_type");
}

#[test]
fn several_subscriptions_and_terms_of_one_product_do_not_overwrite_one_another() {
    let annual = VendorCharge {
        term: Some(Term::Annual),
        ..on("b", charge("new", "2026-02-01", "2026-02-28", "25", "250"))
    };
    let states = of(&[on("a", charge("new", "2026-02-01", "2026-02-28", "5", "60")), annual]);
    let seats: Vec<_> = states.states.iter().map(|state| (state.term, state.quantity)).collect();
    assert_eq!(seats, [(Some(Term::Monthly), dec("5")), (Some(Term::Annual), dec("25"))]);
}

#[test]
fn charges_without_an_end_hold_on() {
    let mut open = charge("", "2026-02-01", "2026-02-28", "7", "70");
    (open.charge_type, open.span.until) = (None, None);
    let states = of(&[open]);
    assert_eq!(states.states[0].span(), Span { from: day("2026-02-01"), until: None });
}

/// A subscription's life: a purchase, then changes on ascending days, some of them on one day.
fn story() -> impl Strategy<Value = Vec<VendorCharge>> {
    (1_u32..40, prop::collection::vec((0_u32..4, 0_u32..40, any::<bool>()), 0..6)).prop_map(
        |(first, changes)| {
            let start = day("2026-03-01");
            let mut all = vec![charge("new", "2026-03-01", "2026-03-31", &first.to_string(), "10")];
            let (mut seats, mut at) = (first, start);
            for (index, (later, next, free)) in changes.into_iter().enumerate() {
                at = at + chrono::Days::new(u64::from(later));
                let kind = if next >= seats { "add_quantity" } else { "remove_quantity" };
                let amounts = if free { ["0", "0"] } else { ["-5", "5"] };
                for (quantity, amount) in [seats, next].into_iter().zip(amounts) {
                    let half = charge(kind, &at.to_string(), "2026-03-31", &quantity.to_string(), amount);
                    all.push(referring(&index.to_string(), half));
                }
                seats = next;
            }
            all
        },
    )
}

proptest! {
    #[test]
    fn the_order_of_rows_changes_nothing(
        (ordered, shuffled) in story().prop_flat_map(|all| {
            let lined: Vec<(VendorCharge, u32)> = all.into_iter().zip(2..).collect();
            (Just(lined.clone()), Just(lined).prop_shuffle())
        })
    ) {
        let of = |all: &[(VendorCharge, u32)]| seat_states(&all.iter().map(|(charge, line)| (charge, *line)).collect::<Vec<_>>());
        prop_assert_eq!(of(&ordered), of(&shuffled));
    }

    #[test]
    fn a_story_ends_with_the_seats_of_its_last_change(all in story()) {
        let last = all.last().unwrap().quantity;
        let states = of(&all);
        prop_assert_eq!(states.states.last().unwrap().quantity, last);
        prop_assert_eq!(states.states.last().unwrap().until, day("2026-04-01"));
    }
}
