//! The same facts under every setting, side by side.

use super::build::*;
use crate::audit::{
    AuditInput, Basis, Policy, PolicyOverride, Proration, Setting, SettingFigures, WhatIf, WhatIfLine,
    gap_what_if, run, what_if,
};
use crate::records::{BillingLine, Entitlement};

const SEAT: &str = "Microsoft 365 Business Premium";

fn growing(who: &str) -> Vec<Entitlement> {
    vec![
        purchased(who, SEAT, "40", "2026-01-01..2026-02-10"),
        purchased(who, SEAT, "43", "2026-02-10..2026-04-16"),
        purchased(who, SEAT, "46", "2026-04-16.."),
    ]
}

fn under(agreement: &str, line: BillingLine) -> BillingLine {
    BillingLine { agreement: Some(agreement.to_owned()), ..line }
}

fn february_to_june(rows: Vec<Entitlement>, lines: Vec<BillingLine>) -> AuditInput {
    input("2026-02", "2026-06", vec![entitlements(rows), billing(lines)])
}

fn setting(proration: Proration) -> Setting {
    Setting { basis: None, proration }
}

fn shown(figures: &SettingFigures) -> [String; 4] {
    let SettingFigures { under_seat_months, under, over_seat_months, over, .. } = figures;
    [under_seat_months, under, over_seat_months, over].map(ToString::to_string)
}

fn only_line(found: &WhatIf) -> &WhatIfLine {
    assert_eq!(found.lines.len(), 1, "{found:#?}");
    &found.lines[0]
}

#[test]
fn three_prorations_stand_side_by_side() {
    let lines = vec![under("Managed", billed("Contoso", SEAT, "40", "22.00", "2026-01-01.."))];
    let wanted = february_to_june(growing("Contoso"), lines);
    let found = what_if(&wanted, false).unwrap();
    let expected = [
        (Proration::Daily, ["21.535714", "473.79", "0.000000", "0.00"]),
        (Proration::FullMonth, ["24.000000", "528.00", "0.000000", "0.00"]),
        (Proration::NextMonth, ["18.000000", "396.00", "0.000000", "0.00"]),
    ];
    assert_eq!(found.settings, expected.map(|(proration, _)| setting(proration)));
    let [total] = found.totals.as_slice() else { panic!("{found:#?}") };
    let [of_client] = found.clients.as_slice() else { panic!("{found:#?}") };
    let [agreement] = found.agreements.as_slice() else { panic!("{found:#?}") };
    assert_eq!(
        (agreement.client.as_str(), agreement.agreements.as_slice()),
        ("Contoso", &["Managed".into()][..])
    );
    let line = only_line(&found);
    for (index, (proration, figures)) in expected.into_iter().enumerate() {
        for under in [
            &total.settings[index],
            &of_client.comparison.settings[index],
            &agreement.comparison.settings[index],
            &line.comparison.settings[index],
        ] {
            assert_eq!((under.setting, under.comparable), (setting(proration), true));
            assert_eq!(shown(&under.figures), figures);
        }
    }
    assert_eq!(shown(&total.audited), expected[0].1, "as the audit, whose policy is daily");
    assert!(!line.comparison.leaks_by_setting, "no setting explains six seats that are never billed");
    assert_eq!(line.comparison.best_fit, Some(setting(Proration::NextMonth)));
    assert!(found.table().contains("473.79") && found.table().contains("396.00"), "{}", found.table());
    let csv = found.csv();
    let money: Vec<&str> = csv.lines().skip(1).filter_map(|line| line.split(',').nth(9)).collect();
    assert_eq!(money, ["473.79", "528.00", "396.00"]);
}

/// Lines as a PSA has them that bills each month as it ends, or as it began.
fn whole_months(who: &str, steps: [&str; 2]) -> Vec<BillingLine> {
    let [first, second] = steps;
    vec![
        under("Managed", billed(who, SEAT, "40", "22.00", &format!("2026-01-01..{first}"))),
        under("Managed", billed(who, SEAT, "43", "22.00", &format!("{first}..{second}"))),
        under("Managed", billed(who, SEAT, "46", "22.00", &format!("{second}.."))),
    ]
}

#[test]
fn an_agreement_leaks_by_its_setting_where_another_policy_explains_the_whole_gap() {
    let changes = ["2026-02-10", "2026-04-16"];
    for (steps, fit, leaks) in [
        // Changes count from the first of their month: the lines follow `full_month`.
        (["2026-02-01", "2026-04-01"], Proration::FullMonth, true),
        // Changes count from the next month on.
        (["2026-03-01", "2026-05-01"], Proration::NextMonth, true),
        // Billed by the day, as the policy says: no setting is better, and nothing leaks.
        (changes, Proration::Daily, false),
    ] {
        let wanted = february_to_june(growing("Contoso"), whole_months("Contoso", steps));
        let found = what_if(&wanted, false).unwrap();
        if steps == changes {
            assert!(found.lines.is_empty(), "{found:#?}");
            continue;
        }
        let line = only_line(&found);
        assert_eq!((line.comparison.best_fit, line.comparison.leaks_by_setting), (Some(setting(fit)), leaks));
        let agreement = &found.agreements[0];
        assert_eq!((agreement.products, agreement.products_leaking_by_setting), (1, 1));
        assert!(agreement.comparison.leaks_by_setting);
        // With that setting as the policy nothing leaks any more, and the same fits.
        let mut right = wanted.clone();
        right.policy.proration = fit;
        assert!(run(&right).unwrap().gaps.is_empty());
        let line = what_if(&right, false).unwrap().lines.remove(0);
        assert_eq!((line.comparison.best_fit, line.comparison.leaks_by_setting), (Some(setting(fit)), false));
        assert_eq!(line.policy.proration, fit);
    }
}

#[test]
fn a_product_with_missing_seats_keeps_its_agreement_from_leaking_by_setting_alone() {
    let mut rows = growing("Contoso");
    rows.push(purchased("Contoso", "Teams Phone", "5", "2026-01-01.."));
    let mut lines = whole_months("Contoso", ["2026-02-01", "2026-04-01"]);
    lines.push(under("Managed", billed("Contoso", "Teams Phone", "4", "8.00", "2026-01-01..")));
    let found = what_if(&february_to_june(rows, lines), false).unwrap();
    let [agreement] = found.agreements.as_slice() else { panic!("{found:#?}") };
    assert_eq!((agreement.products, agreement.products_leaking_by_setting), (2, 1));
    assert!(!agreement.comparison.leaks_by_setting);
    assert_eq!(agreement.comparison.best_fit, Some(setting(Proration::FullMonth)));
}

#[test]
fn a_setting_that_compares_fewer_days_fits_nothing() {
    // Billing is known from 10 February on: how February began is not, so `next_month` has no February.
    let lines = vec![billed("Contoso", SEAT, "41", "22.00", "2026-02-10..2026-03-01")];
    let wanted = input("2026-02", "2026-02", vec![entitlements(growing("Contoso")), billing(lines)]);
    let found = what_if(&wanted, false).unwrap();
    let comparison = &only_line(&found).comparison;
    let next_month = &comparison.settings[2];
    assert!(!next_month.comparable && next_month.figures.under_seat_months.is_zero());
    assert!(!comparison.leaks_by_setting);
    assert_eq!(comparison.best_fit, Some(setting(Proration::Daily)));
}

#[test]
fn every_basis_is_compared_where_the_caller_wants() {
    let mut row = purchased("Contoso", SEAT, "40", "2026-01-01..");
    row.assigned = Some(dec("36"));
    let lines = vec![billed("Contoso", SEAT, "36", "22.00", "2026-01-01..")];
    let wanted = input("2026-02", "2026-02", vec![entitlements(vec![row]), billing(lines)]);
    let found = what_if(&wanted, true).unwrap();
    assert_eq!(found.settings.len(), 9);
    let comparison = &only_line(&found).comparison;
    let under = |basis| comparison.settings.iter().filter(move |under| under.setting.basis == Some(basis));
    assert!(under(Basis::Purchased).all(|under| under.comparable && under.figures.under == dec("88.00")));
    assert!(under(Basis::Assigned).all(|under| under.comparable && under.figures.under.is_zero()));
    assert!(under(Basis::Active).all(|under| !under.comparable), "nobody says who is active");
    let fit = Setting { basis: Some(Basis::Assigned), proration: Proration::Daily };
    assert_eq!((comparison.best_fit, comparison.leaks_by_setting), (Some(fit), true));
}

#[test]
fn an_exception_to_the_policy_counts_as_audited_and_is_set_aside_under_the_settings() {
    let mut wanted =
        february_to_june(growing("Contoso"), whole_months("Contoso", ["2026-02-01", "2026-04-01"]));
    wanted.policy = Policy {
        overrides: vec![PolicyOverride {
            client: Some("Contoso".to_owned()),
            agreement: Some("Managed".to_owned()),
            proration: Some(Proration::FullMonth),
            ..PolicyOverride::default()
        }],
        ..Policy::default()
    };
    let found = what_if(&wanted, false).unwrap();
    let line = only_line(&found);
    assert_eq!(line.policy.proration, Proration::FullMonth);
    assert_eq!(shown(&line.comparison.audited), ["0.000000", "0.00", "0.000000", "0.00"]);
    assert!(!line.comparison.leaks_by_setting);
    assert!(!line.comparison.settings[0].figures.over.is_zero(), "daily, which the audit did not use");
}

#[test]
fn one_gap_is_shown_under_every_setting_with_its_months() {
    let lines = vec![billed("Contoso", SEAT, "40", "22.00", "2026-01-01..")];
    let wanted = february_to_june(growing("Contoso"), lines);
    let document = audit(&wanted);
    let found = gap_what_if(&wanted, &only(&document).id, false).unwrap().unwrap();
    let amounts: Vec<String> = found.settings.iter().map(|under| under.amount.unwrap().to_string()).collect();
    assert_eq!(amounts, ["473.79 USD", "528.00 USD", "396.00 USD"]);
    assert_eq!(found.settings[0].months, only(&document).months);
    let february: Vec<String> =
        found.settings.iter().map(|under| under.months[0].amount.to_string()).collect();
    assert_eq!(february, ["44.79", "66.00", "66.00"], "next_month has no gap before March");
    assert_eq!(found.line.gaps, [only(&document).id.clone()]);
    assert!(gap_what_if(&wanted, &"0".repeat(64), false).unwrap().is_none());
}

#[test]
fn currencies_are_never_added() {
    let euro = BillingLine {
        currency: crate::money::Currency::EUR,
        ..billed("Fabrikam", SEAT, "40", "20.00", "2026-01-01..")
    };
    let mut rows = growing("Contoso");
    rows.extend(growing("Fabrikam"));
    let lines = vec![billed("Contoso", SEAT, "40", "22.00", "2026-01-01.."), euro];
    let found = what_if(&february_to_june(rows, lines), false).unwrap();
    let totals: Vec<(String, String)> = found
        .totals
        .iter()
        .map(|total| (total.currency.unwrap().to_string(), total.settings[1].figures.under.to_string()))
        .collect();
    assert_eq!(totals, [("EUR".into(), "480.00".into()), ("USD".into(), "528.00".into())]);
}
