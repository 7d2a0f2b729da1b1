//! Which of a tenant's listings is used: they tell the same seats in part, and are never added.

use super::build::*;
use crate::audit::{Basis, CoverageStatus, GapKind, Source};
use crate::records::Entitlement;

const E3: &str = "Microsoft 365 E3";

fn of_format(format: &str, rows: Vec<Entitlement>) -> Source {
    let mut source = entitlements(rows);
    format.clone_into(&mut source.format);
    source
}

fn bought(seats: &str) -> Entitlement {
    purchased("Contoso", E3, seats, "2026-01-01..")
}

/// Seats given to users, of a source that does not tell how many were bought.
fn given(product: &str, seats: &str) -> Entitlement {
    Entitlement {
        purchased: None,
        assigned: Some(dec(seats)),
        ..purchased("Contoso", product, seats, "2026-01-01..")
    }
}

fn twenty() -> Source {
    billing(vec![billed("Contoso", E3, "20", "10.00", "2026-01-01..")])
}

#[test]
fn skus_and_their_subscriptions_are_not_added() {
    let skus = of_format("microsoft_graph_subscribed_skus", vec![bought("22")]);
    let apart =
        of_format("microsoft_graph_directory_subscriptions", vec![bought("12"), bought("10"), bought("1")]);
    let document = audit(&input("2026-01", "2026-01", vec![apart, skus, twenty()]));
    assert_eq!(only(&document).seats, dec("2"));
    assert_eq!(document.source_conflicts[0].other_seats, dec("23"));
}

#[test]
fn a_listing_is_used_for_the_seats_that_it_can_tell() {
    let apart = || of_format("microsoft_graph_directory_subscriptions", vec![bought("22")]);
    for users in ["microsoft_graph_users", "microsoft_admin_center_active_users"] {
        let users = || of_format(users, vec![given(E3, "11"), given(E3, "10")]);
        let mut wanted = input("2026-01", "2026-01", vec![users(), apart(), twenty()]);
        assert_eq!(only(&audit(&wanted)).seats, dec("2"), "bought");
        wanted.policy.basis = Basis::Assigned;
        assert_eq!(only(&audit(&wanted)).seats, dec("1"), "given");
    }
}

#[test]
fn a_list_of_users_does_not_say_that_nothing_was_bought() {
    let users = of_format("microsoft_graph_users", vec![given("Microsoft 365 E5", "3")]);
    let own = entitlements(vec![bought("22")]);
    let document = audit(&input("2026-01", "2026-01", vec![users, own, twenty()]));
    let gap = document.gaps.iter().find(|gap| gap.product == E3).unwrap();
    assert_eq!((gap.kind, gap.seats), (GapKind::UnderBilled, dec("2")));
}

#[test]
fn a_usage_report_counts_only_where_nothing_lists_the_tenant() {
    let usage = || {
        let rows = vec![given(E3, "21"), given("MICROSOFT 365 ENTERPRISE E3", "21")];
        of_format("microsoft_graph_office365_active_user_detail", rows)
    };
    let mut wanted = input("2026-01", "2026-01", vec![usage(), twenty()]);
    wanted.policy.basis = Basis::Assigned;
    let alone = audit(&wanted);
    assert_eq!(alone.gaps.iter().find(|gap| gap.product == E3).unwrap().seats, dec("1"));
    let listing = Entitlement { assigned: Some(dec("20")), ..bought("25") };
    wanted.sources.push(of_format("microsoft_graph_subscribed_skus", vec![listing]));
    let listed = audit(&wanted);
    assert!(listed.gaps.is_empty(), "{:?}", listed.gaps);
    let compared = listed.coverage.iter().all(|entry| entry.status == CoverageStatus::Compared);
    assert!(compared, "{:?}", listed.coverage);
}
