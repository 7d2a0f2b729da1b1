//! What the organization decides: rules said twice, policies with their days, seats shared over billing
//! entities.

use super::build::*;
use crate::audit::{
    AllocateBy, Allocation, AuditDocument, AuditInput, Basis, BillingEntity, PolicyOverride, Proration,
    Reason, Source, explain,
};
use crate::records::{Activity, BillingLine, Entitlement, LineType, Record, Rule, RuleKind, Side};
use proptest::prelude::*;

const SUITE: &str = "Suite";

/// Ten seats, six billed at ten dollars, all year.
fn ten_of_six() -> AuditInput {
    let seats = entitlements(vec![purchased("Contoso", SUITE, "10", "2026-01-01..")]);
    let bills = billing(vec![billed("Contoso", SUITE, "6", "10.00", "2026-01-01..")]);
    input("2026-01", "2026-02", vec![seats, bills])
}

fn spare() -> Rule {
    Rule { reason: "Spare laptop".to_owned(), ..rule(RuleKind::Exclude, "1", "Contoso", SUITE) }
}

#[test]
fn a_rule_said_twice_counts_once_whoever_answers_for_it() {
    let mut input = ten_of_six();
    let again = Rule {
        reason: "spare  laptop".to_owned(),
        owner: "Kim".to_owned(),
        review_date: Some(day("2027-01-01")),
        ..rule(RuleKind::Exclude, "1.0", "CONTOSO", SUITE)
    };
    input.rules = vec![spare(), again];
    let document = audit(&input);
    assert_eq!(only(&document).seats, dec("3"));
    let explained = explain(&input, &only(&document).id).unwrap().unwrap();
    assert_eq!(explained.rules.len(), 1);
}

#[test]
fn another_reason_value_or_day_makes_another_rule() {
    for (other, seats) in [
        (Rule { reason: "Not for resale".to_owned(), ..spare() }, "2"),
        (Rule { value: rule(RuleKind::Exclude, "2", "", "").value, ..spare() }, "1"),
        (Rule { span: span("2021-01-01.."), ..spare() }, "2"),
        (Rule { client: None, ..spare() }, "2"),
    ] {
        let mut input = ten_of_six();
        input.rules = vec![spare(), other];
        assert_eq!(only(&audit(&input)).seats, dec(seats), "{:?}", input.rules);
    }
}

#[test]
fn rules_that_differ_in_their_end_alone_both_count_and_the_audit_says_so() {
    let mut input = ten_of_six();
    input.rules = vec![spare(), Rule { span: span("2020-01-01..2026-02-01"), ..spare() }];
    let document = audit(&input);
    let months: Vec<String> = only(&document).months.iter().map(|month| month.amount.to_string()).collect();
    assert_eq!(months, ["20.00", "30.00"]);
    assert!(document.notes.iter().any(|note| note.contains("different ends")), "{:?}", document.notes);
}

/// Twenty seats and two more from the middle of each of three months; twenty billed under agreements.
fn growing(agreements: &[&str]) -> AuditInput {
    let seats = [
        ("20", "2026-01-01..2026-01-16"),
        ("22", "2026-01-16..2026-02-15"),
        ("24", "2026-02-15..2026-03-16"),
        ("26", "2026-03-16.."),
    ];
    let seats = seats.map(|(seats, days)| purchased("Contoso", SUITE, seats, days));
    let line = |agreement: &&str| BillingLine {
        agreement: Some((*agreement).to_owned()),
        quantity: dec("20") / rust_decimal::Decimal::from(agreements.len()),
        ..billed("Contoso", SUITE, "20", "10.00", "2026-01-01..")
    };
    let lines = agreements.iter().map(line).collect();
    input("2026-01", "2026-03", vec![entitlements(seats.to_vec()), billing(lines)])
}

fn policy(client: &str, agreement: Option<&str>, proration: Proration) -> PolicyOverride {
    PolicyOverride {
        client: (!client.is_empty()).then(|| client.to_owned()),
        agreement: agreement.map(str::to_owned),
        proration: Some(proration),
        ..PolicyOverride::default()
    }
}

fn amounts(input: &AuditInput) -> Vec<String> {
    only(&audit(input)).months.iter().map(|month| month.amount.to_string()).collect()
}

#[test]
fn a_month_has_the_policy_of_its_first_day() {
    let mut input = growing(&["Gold"]);
    assert_eq!(amounts(&input), ["10.32", "30.00", "50.32"]);
    let february = PolicyOverride {
        span: Some(span("2026-02-01..2026-02-15")),
        ..policy("Contoso", None, Proration::FullMonth)
    };
    input.policy.overrides = vec![february];
    let document = audit(&input);
    assert_eq!(amounts(&input), ["10.32", "40.00", "50.32"]);
    let gap = only(&document);
    let changes: Vec<String> =
        gap.policies.iter().map(|change| format!("{} {}", change.from, change.policy.proration)).collect();
    assert_eq!(changes, ["2026-01 daily", "2026-02 full_month", "2026-03 daily"]);
    assert_eq!(gap.policy.proration, Proration::Daily);
}

#[test]
fn the_most_particular_policy_counts_and_of_equals_the_one_that_begins_last() {
    let mut input = growing(&["Gold"]);
    let from = |days: &str, policy: PolicyOverride| PolicyOverride { span: Some(span(days)), ..policy };
    let of_client = policy("Contoso", None, Proration::FullMonth);
    let of_agreement = policy("Contoso", Some("GOLD "), Proration::NextMonth);
    let of_product =
        PolicyOverride { client: None, product: Some(product(SUITE)), ..policy("", None, Proration::Daily) };
    for (overrides, expected) in [
        (vec![of_client.clone()], ["20.00", "40.00", "60.00"].to_vec()),
        (vec![of_agreement.clone(), of_client.clone()], vec!["20.00", "40.00"]),
        (vec![of_client.clone(), of_product, of_agreement.clone()], vec!["10.32", "30.00", "50.32"]),
        (
            vec![
                from("2026-02-01..", policy("Contoso", None, Proration::Daily)),
                from("2026-01-01..", of_client.clone()),
            ],
            vec!["20.00", "30.00", "50.32"],
        ),
        (vec![policy("Contoso", Some("Silver"), Proration::NextMonth)], vec!["10.32", "30.00", "50.32"]),
        (vec![policy("Fabrikam", None, Proration::NextMonth)], vec!["10.32", "30.00", "50.32"]),
    ] {
        input.policy.overrides = overrides;
        assert_eq!(amounts(&input), expected, "{:?}", input.policy.overrides);
    }
}

#[test]
fn agreements_that_differ_leave_the_clients_policy_and_a_note() {
    let mut input = growing(&["Gold", "Silver"]);
    let gold = policy("Contoso", Some("Gold"), Proration::NextMonth);
    let silver = policy("Contoso", Some("Silver"), Proration::NextMonth);
    input.policy.overrides = vec![gold.clone(), silver];
    assert_eq!(amounts(&input), ["20.00", "40.00"], "they agree");
    input.policy.overrides = vec![gold, policy("Contoso", None, Proration::FullMonth)];
    let document = audit(&input);
    assert_eq!(amounts(&input), ["20.00", "40.00", "60.00"]);
    assert!(document.notes.iter().any(|note| note.contains("agreements")), "{:?}", document.notes);
}

#[test]
fn seats_are_counted_by_the_basis_of_each_month() {
    let seats = Entitlement { assigned: Some(dec("8")), ..purchased("Contoso", SUITE, "10", "2026-01-01..") };
    let bills = billing(vec![billed("Contoso", SUITE, "6", "10.00", "2026-01-01..")]);
    let mut input = input("2026-01", "2026-03", vec![entitlements(vec![seats]), bills]);
    let assigned = |basis, days| PolicyOverride {
        product: Some(product(SUITE)),
        basis: Some(basis),
        span: Some(span(days)),
        ..PolicyOverride::default()
    };
    input.policy.overrides = vec![assigned(Basis::Assigned, "2026-02-01..2026-03-01")];
    assert_eq!(amounts(&input), ["40.00", "20.00", "40.00"]);
    input.policy.overrides = vec![assigned(Basis::Active, "2026-02-01..2026-03-01")];
    let document = audit(&input);
    assert!(document.gaps.is_empty());
    assert_eq!(document.coverage[1].reason, Some(Reason::BasisUnknown));
}

#[test]
fn a_policy_limits_back_billing_as_a_rule_does() {
    let mut input = growing(&["Gold"]);
    let limit = |agreement: Option<&str>, months| PolicyOverride {
        client: Some("Contoso".to_owned()),
        agreement: agreement.map(str::to_owned),
        back_billing_months: Some(months),
        ..PolicyOverride::default()
    };
    let barred = |input: &AuditInput| only(&audit(input)).time_barred.amount.to_string();
    input.policy.overrides = vec![limit(None, 1)];
    assert_eq!(barred(&input), "40.32");
    input.policy.overrides = vec![limit(None, 1), limit(Some("Gold"), 2)];
    assert_eq!(barred(&input), "10.32", "the agreement's");
    input.rules = vec![rule(RuleKind::BackBillingMonths, "3", "Contoso", SUITE)];
    assert_eq!(barred(&input), "0.00", "that of the client's product");
    input.policy.overrides = vec![limit(None, 1)];
    input.rules = vec![rule(RuleKind::BackBillingMonths, "2", "Contoso", "")];
    assert_eq!(barred(&input), "40.32", "of equals the shorter");
}

fn line(entity: &str, seats: &str, days: &str) -> BillingLine {
    BillingLine {
        billing_entity: (!entity.is_empty()).then(|| entity.to_owned()),
        ..billed("Contoso", SUITE, seats, "10.00", days)
    }
}

fn entity(name: &str) -> BillingEntity {
    BillingEntity { client: "Contoso".to_owned(), names: vec![name.to_owned()] }
}

fn allocated(entity: &str, by: AllocateBy, days: &str) -> Allocation {
    Allocation {
        client: "contoso".to_owned(),
        entity: entity.to_owned(),
        product: None,
        by,
        span: span(days),
    }
}

/// A tenant of thirty seats, billed to the offices in Bonn (12) and Kiel (10).
fn offices(allocations: Vec<Allocation>) -> AuditInput {
    let seats = entitlements(vec![purchased("Contoso", SUITE, "30", "2026-01-01..")]);
    let lines = vec![line("Bonn", "12", "2026-01-01.."), line("Kiel", "10", "2026-01-01..")];
    AuditInput {
        entities: vec![entity("Bonn"), entity("Kiel")],
        allocations,
        ..input("2026-01", "2026-02", vec![seats, billing(lines)])
    }
}

/// Entity, direction, seats, amount and whether it waits for an allocation, of each gap.
fn parts(document: &AuditDocument) -> Vec<String> {
    let gap = |gap: &crate::audit::Gap| {
        let entity = gap.billing_entity.as_deref().unwrap_or("-");
        let waits = if gap.needs_allocation { " waits" } else { "" };
        format!("{entity} {:?} {} {}{waits}", gap.direction, gap.seats, amount(gap))
    };
    let mut parts: Vec<String> = document.gaps.iter().map(gap).collect();
    parts.sort();
    parts
}

#[test]
fn without_an_allocation_entities_change_nothing() {
    assert_eq!(parts(&audit(&offices(Vec::new()))), ["- Under 8 160.00 USD waits"]);
}

#[test]
fn fixed_numbers_share_totals_and_what_nobody_takes_is_shown() {
    let fixed = |entity, seats| allocated(entity, AllocateBy::Fixed(seats), "2020-01-01..");
    let document = audit(&offices(vec![fixed("Bonn", 15), fixed("Kiel", 9)]));
    assert_eq!(
        parts(&document),
        ["- Under 6 120.00 USD waits", "Bonn Under 3 60.00 USD", "Kiel Over 1 20.00 USD"]
    );
    let shown: Vec<String> = document
        .allocated
        .iter()
        .map(|part| format!("{:?} {} {}", part.billing_entity.as_deref(), part.billable, part.billed))
        .collect();
    assert_eq!(shown, ["None 6 0", "Some(\"Bonn\") 15 12", "Some(\"Kiel\") 9 10"]);
    let bonn = document.gaps.iter().find(|gap| gap.billing_entity.as_deref() == Some("Bonn")).unwrap();
    assert_eq!((bonn.waterfall.elsewhere, bonn.waterfall.billable), (dec("15"), dec("15")));
}

#[test]
fn one_entity_can_take_the_rest_and_an_allocation_said_twice_counts_once() {
    let bonn = allocated("Bonn", AllocateBy::Fixed(12), "2020-01-01..");
    let kiel = allocated("Kiel", AllocateBy::Rest, "2020-01-01..");
    let document = audit(&offices(vec![bonn.clone(), kiel.clone(), bonn, kiel]));
    assert_eq!(parts(&document), ["Kiel Under 8 160.00 USD"]);
}

#[test]
fn what_the_waterfall_takes_off_is_missing_at_the_end_of_the_order() {
    let bonn = allocated("Bonn", AllocateBy::Fixed(12), "2020-01-01..");
    let kiel = allocated("Kiel", AllocateBy::Rest, "2020-01-01..");
    let mut input = offices(vec![bonn, kiel]);
    input.rules = vec![rule(RuleKind::Exclude, "9", "Contoso", SUITE)];
    assert_eq!(parts(&audit(&input)), ["Kiel Over 1 20.00 USD"]);
}

#[test]
fn days_without_an_allocation_are_compared_as_a_whole() {
    let bonn = allocated("Bonn", AllocateBy::Fixed(12), "2026-02-01..");
    let kiel = allocated("Kiel", AllocateBy::Rest, "2026-02-01..");
    let document = audit(&offices(vec![bonn, kiel]));
    assert_eq!(parts(&document), ["- Under 8 80.00 USD waits", "Kiel Under 8 80.00 USD"]);
}

#[test]
fn an_allocation_of_the_product_replaces_the_clients() {
    let own = Allocation {
        product: Some(product(SUITE)),
        ..allocated("Kiel", AllocateBy::Fixed(10), "2020-01-01..")
    };
    let whole = allocated("Bonn", AllocateBy::Fixed(30), "2020-01-01..");
    let rest = allocated("Bonn", AllocateBy::Rest, "2020-01-01..");
    assert_eq!(parts(&audit(&offices(vec![own, whole, rest]))), ["Bonn Under 8 160.00 USD"]);
}

#[test]
fn a_line_of_a_former_name_is_the_entitys_and_its_gap_stays_the_same() {
    let fixed = || vec![allocated("Bonn", AllocateBy::Fixed(30), "2020-01-01..")];
    let mut input = offices(fixed());
    let before = audit(&input);
    input.entities[0].names.push("Bonn am Rhein".to_owned());
    let after = audit(&input);
    let of = |document: &AuditDocument| {
        let gap =
            document.gaps.iter().find(|gap| gap.billing_entity.is_some() && gap.seats == dec("18")).unwrap();
        (gap.id.clone(), gap.billing_entity.clone().unwrap())
    };
    assert_eq!(of(&before).0, of(&after).0);
    assert_eq!(of(&after).1, "Bonn am Rhein");
}

#[test]
fn an_entity_without_a_line_has_the_clients_price_and_lines_of_nobody_stay_with_the_rest() {
    let mut input = offices(vec![allocated("Jena", AllocateBy::Fixed(4), "2020-01-01..")]);
    input.entities = vec![entity("Jena")];
    assert_eq!(parts(&audit(&input)), ["- Under 4 80.00 USD waits", "Jena Under 4 80.00 USD"]);
    let gap = audit(&input).gaps.into_iter().find(|gap| gap.billing_entity.is_some()).unwrap();
    assert_eq!(gap.kind, crate::audit::GapKind::Unbilled);
    let explained = explain(&input, &gap.id).unwrap().unwrap();
    assert!(explained.text[0].contains("Contoso (Jena)"), "{:?}", explained.text);
}

#[test]
fn an_adjustment_settles_the_gap_of_the_entity_that_it_names() {
    let fixed = |entity, seats| allocated(entity, AllocateBy::Fixed(seats), "2020-01-01..");
    let mut input = offices(vec![fixed("Bonn", 15), fixed("Kiel", 15)]);
    let charge = BillingLine { line_type: LineType::OneOff, ..line("Bonn", "1", "2026-01-01..2026-02-01") };
    input.sources.push(billing(vec![charge]));
    let document = audit(&input);
    let after = |entity: &str| {
        let gap = document.gaps.iter().find(|gap| gap.billing_entity.as_deref() == Some(entity)).unwrap();
        gap.amount_after_adjustments.unwrap().amount.to_string()
    };
    assert_eq!((after("Bonn"), after("Kiel")), ("50.00".to_owned(), "100.00".to_owned()));
}

fn user(name: &str, department: &str) -> Record {
    Record::Activity(Activity {
        client: client("Contoso").into(),
        user: name.to_owned(),
        product: Some(product(SUITE)),
        last_active: None,
        as_of: Some(day("2026-01-01")),
        blocked: false,
        deleted: false,
        guest: false,
        concealed: false,
        assigned_by: None,
        assigned_on: None,
        department: Some(department.to_owned()),
        licence_group: None,
    })
}

fn users(records: Vec<Record>) -> Source {
    Source { format: "users".to_owned(), sides: vec![Side::Activity], ..source("users", records) }
}

#[test]
fn users_go_to_entities_by_department_then_by_domain_and_each_once() {
    let everywhere = "2020-01-01..";
    let allocations = vec![
        allocated("Bonn", AllocateBy::Domain("Bonn.example".to_owned()), everywhere),
        allocated("Kiel", AllocateBy::Department("Shipping".to_owned()), everywhere),
    ];
    let mut input = offices(allocations);
    let mut listed: Vec<Record> = (0..14).map(|n| user(&format!("b{n}@bonn.example"), "Law")).collect();
    // In Bonn's domain, and of the department that Kiel pays for.
    listed.push(user("b99@BONN.example", "shipping"));
    listed.extend((0..11).map(|n| user(&format!("k{n}@kiel.example"), "SHIPPING")));
    input.sources.push(users(listed));
    assert_eq!(
        parts(&audit(&input)),
        ["- Under 4 80.00 USD waits", "Bonn Under 2 40.00 USD", "Kiel Under 2 40.00 USD"]
    );
}

#[test]
fn a_later_listing_moves_seats_from_its_day_on() {
    let mut input = offices(vec![
        allocated("Bonn", AllocateBy::Domain("bonn.example".to_owned()), "2020-01-01.."),
        allocated("Kiel", AllocateBy::Rest, "2020-01-01.."),
    ]);
    let seen = |on: &str, many: usize| {
        let record = |n: usize| match user(&format!("b{n}@bonn.example"), "Law") {
            Record::Activity(row) => Record::Activity(Activity { as_of: Some(day(on)), ..row }),
            other => other,
        };
        users((0..many).map(record).collect())
    };
    input.sources.extend([seen("2026-01-10", 12), seen("2026-02-01", 20)]);
    // Bonn 12 then 20 of 30, billed 12; Kiel 18 then 10, billed 10.
    assert_eq!(parts(&audit(&input)), ["Bonn Under 8 80.00 USD", "Kiel Under 8 80.00 USD"]);
}

#[test]
fn an_allocation_by_users_waits_for_users_with_names() {
    let by_domain = || vec![allocated("Bonn", AllocateBy::Domain("bonn.example".to_owned()), "2020-01-01..")];
    let refused = |input: &AuditInput| {
        let document = audit(input);
        assert!(document.gaps.is_empty() && document.allocated.is_empty());
        document.coverage[1].reason
    };
    let mut input = offices(by_domain());
    assert_eq!(refused(&input), Some(Reason::AllocationNeedsUsers));
    let concealed = match user("0123456789ABCDEF0123456789ABCDEF", "") {
        Record::Activity(row) => Record::Activity(Activity { concealed: true, ..row }),
        other => other,
    };
    input.sources.push(users(vec![concealed]));
    assert_eq!(refused(&input), Some(Reason::AllocationNeedsUsers));
}

#[test]
fn a_line_that_was_split_and_left_is_noted() {
    let seats = entitlements(vec![purchased("Contoso", SUITE, "30", "2026-01-01..")]);
    let noted = |merged: &str| {
        let lines = vec![
            line("", "22", merged),
            line("Bonn", "12", "2026-02-01.."),
            line("Kiel", "10", "2026-02-01.."),
        ];
        let document = audit(&input("2026-01", "2026-03", vec![seats.clone(), billing(lines)]));
        document.notes.into_iter().find(|note| note.contains("duplicate"))
    };
    assert_eq!(noted("2026-01-01..2026-02-01"), None);
    let note = noted("2026-01-01..2026-03-01").unwrap();
    assert!(note.contains("from 2026-02-01 to 2026-02-28"), "{note}");
}

proptest! {
    /// Whatever the allocations are, each day's parts sum to the client's whole gap.
    #[test]
    fn parts_sum_to_the_whole(
        fixed in proptest::collection::vec((0_u32..20, 0_usize..2, 0_u64..60, 1_u64..60), 0..4),
        rest in any::<bool>(),
        excluded in 0_u32..20,
        minimum in 0_u32..40,
    ) {
        let names = ["Bonn", "Kiel"];
        let mut allocations: Vec<Allocation> = fixed
            .iter()
            .map(|(seats, who, from, days)| {
                let from = day("2026-01-01") + chrono::Days::new(*from);
                let until = Some(from + chrono::Days::new(*days));
                let span = crate::period::Span { from, until };
                Allocation { span, ..allocated(names[*who], AllocateBy::Fixed(*seats), "2020-01-01..") }
            })
            .collect();
        if rest {
            allocations.push(allocated("Kiel", AllocateBy::Rest, "2026-01-20.."));
        }
        let mut input = offices(allocations);
        input.rules = vec![
            rule(RuleKind::Exclude, &excluded.to_string(), "Contoso", SUITE),
            rule(RuleKind::Minimum, &minimum.to_string(), "Contoso", SUITE),
        ];
        let net = |document: &AuditDocument| -> rust_decimal::Decimal {
            let signed = |gap: &crate::audit::Gap| match gap.direction {
                crate::audit::Direction::Under => gap.seat_months,
                crate::audit::Direction::Over => -gap.seat_months,
            };
            document.gaps.iter().map(signed).sum()
        };
        let shared = net(&audit(&input));
        input.allocations.clear();
        let whole = net(&audit(&input));
        // Each of at most six gaps is rounded to six decimals.
        prop_assert!((shared - whole).abs() <= dec("0.000004"), "{} and {}", shared, whole);
    }
}
