//! Which source of a side is used for a client's product, which days both sides cover, and where
//! sources disagree.
//!
//! Between sources of one side for one client one is used, by the organization's order. A source
//! speaks of what it can know: Microsoft's own listings know all Microsoft products of a tenant, so a
//! Microsoft product that the preferred listing lacks is not there, whatever a lesser source says.
//! Of a product that the preferred source cannot know (another vendor's), the next source is used. A source
//! that cannot tell the seats that are counted (a list of users tells none that were bought) is used only
//! where no other can. A product that only a lesser billing source has is not compared: whether it is charged twice or once
//! cannot be told.

use super::calendar::{Days, intersect, union};
use super::covered::Spans;
use super::identity::ClientId;
use super::input::Basis;
use super::rows::RawRows;
use std::collections::BTreeSet;

/// The formats that sources were read as, in the order of use.
#[derive(Clone, Debug, Default)]
pub(super) struct Formats(pub Vec<String>);

/// Microsoft's listings of a tenant, best first: of seats, then of users with what each was given.
const LISTINGS: [&str; 6] = [
    "microsoft_graph_subscribed_skus",
    "microsoft_graph_directory_subscriptions",
    "microsoft_admin_center_licenses",
    "microsoft_partner_center_subscribed_skus",
    "microsoft_graph_users",
    "microsoft_admin_center_active_users",
];

/// The order where the organization says nothing, after the listings: by the beginning of the format's name.
///
/// Partner Center's subscriptions are those of one partner, and not all that a tenant has. Of one distributor,
/// invoices come before its list of subscriptions: they say what was held when, a list says what is held
/// now. Of Google, what is bought comes before what is assigned.
const DEFAULT_ORDER: [&str; 9] = [
    "microsoft_graph",
    "microsoft_admin_center",
    "microsoft_partner_center_subscriptions",
    "microsoft_partner_center_license_deployment",
    OWN_TEMPLATE,
    "microsoft_partner_center",
    "pax8_invoice_items",
    "dicker_data_invoice_details",
    "google_reseller",
];

/// The usage report that lists the products of users by names of its own: used last, and for a client
/// only when nothing lists its tenant.
const USAGE_REPORT: &str = "microsoft_graph_office365_active_user_detail";

/// What people mapped by hand comes after what is known by its format, where no one says otherwise. Each
/// import profile is a source of its own.
const BY_HAND: &str = crate::ingest::PROFILE_SOURCE;

/// The files of our own template are one source, however they come.
const OWN_TEMPLATE: &str = "leakage_template";

/// The source that files of a format belong to.
fn source_of(format: &str) -> &str {
    if format.starts_with("leakage_") { OWN_TEMPLATE } else { format }
}

impl Formats {
    /// Orders the formats: as the organization says, then the default, then by name.
    pub(super) fn order<'a>(formats: impl Iterator<Item = &'a str>, wanted: &[String]) -> Self {
        let place = |format: &str| {
            let own = wanted.iter().position(|name| format == source_of(name)).unwrap_or(usize::MAX);
            let listing = LISTINGS.iter().position(|name| *name == format);
            let usual = DEFAULT_ORDER.iter().position(|start| format.starts_with(start));
            let usual = listing.or_else(|| Some(LISTINGS.len() + usual?)).unwrap_or(usize::MAX);
            (own, format == USAGE_REPORT, usual, format.starts_with(BY_HAND))
        };
        let distinct: BTreeSet<&str> = formats.map(source_of).collect();
        let mut ordered: Vec<String> = distinct.into_iter().map(str::to_owned).collect();
        ordered.sort_by_key(|format| place(format));
        Self(ordered)
    }

    pub(super) fn rank(&self, format: &str) -> u32 {
        let source = source_of(format);
        self.0
            .iter()
            .position(|name| name == source)
            .and_then(|at| u32::try_from(at).ok())
            .unwrap_or(u32::MAX)
    }

    pub(super) fn name(&self, rank: u32) -> &str {
        self.0.get(rank as usize).map_or("", String::as_str)
    }

    /// Whether files of this format list everything that a Microsoft tenant has.
    fn lists_tenant(&self, rank: u32) -> bool {
        LISTINGS.contains(&self.name(rank))
    }

    /// Whether files of this format can tell the seats that are counted.
    pub(super) fn tells(&self, rank: u32, basis: Basis) -> bool {
        let [_, subscriptions, _, _, users, active_users] = LISTINGS;
        let name = self.name(rank);
        match basis {
            Basis::Purchased => ![users, active_users, USAGE_REPORT].contains(&name),
            Basis::Assigned => name != subscriptions,
            Basis::Active => !LISTINGS.contains(&name) && name != USAGE_REPORT,
        }
    }

    /// Whether a Microsoft product that a file of this format lacks has none of the seats that are counted.
    pub(super) fn lists(&self, rank: u32, basis: Basis) -> bool {
        self.lists_tenant(rank) && (self.tells(rank, basis) || basis == Basis::Active)
    }

    /// Leaves out the seats of usage reports for clients whose tenant a file lists: they would stand
    /// there again under other names.
    pub(super) fn drop_usage(&self, rows: &mut RawRows<'_>) {
        if !self.0.iter().any(|name| name == USAGE_REPORT) {
            return;
        }
        let listed: BTreeSet<ClientId> = rows
            .entitlements
            .iter()
            .filter(|row| self.lists_tenant(row.count.rank))
            .map(|row| row.count.client)
            .collect();
        rows.entitlements
            .retain(|row| self.name(row.count.rank) != USAGE_REPORT || !listed.contains(&row.count.client));
    }
}

/// The formats that speak of a client on one side, best first, with the days that each covers.
pub(super) fn spans_of(spans: &Spans, client: ClientId) -> Vec<(u32, &[Days])> {
    spans.range((client, 0)..=(client, u32::MAX)).map(|((_, rank), days)| (*rank, days.as_slice())).collect()
}

/// The days that any of the formats covers, inside these.
pub(super) fn covered(spans: &[(u32, &[Days])], audited: Days) -> Vec<Days> {
    let all = union(spans.iter().flat_map(|(_, days)| days.iter().copied()).collect());
    intersect(&all, &[audited])
}

/// The days that one format covers, inside these.
pub(super) fn covered_by(spans: &[(u32, &[Days])], rank: u32, audited: Days) -> Vec<Days> {
    let own = spans.iter().filter(|(format, _)| *format == rank);
    intersect(&union(own.flat_map(|(_, days)| days.iter().copied()).collect()), &[audited])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_held_when_comes_before_what_is_held_now() {
        let formats = [
            "dicker_data_annuity_details",
            "dicker_data_invoice_details",
            "google_reseller_subscriptions",
            "google_workspace_license_assignments",
            "pax8_invoice_items",
            "pax8_subscriptions",
        ];
        let ordered = Formats::order(formats.into_iter(), &[]);
        let before = |first, second| ordered.rank(first) < ordered.rank(second);
        assert!(before("pax8_invoice_items", "pax8_subscriptions"));
        assert!(before("dicker_data_invoice_details", "dicker_data_annuity_details"));
        assert!(before("google_reseller_subscriptions", "google_workspace_license_assignments"));
        let own = Formats::order(formats.into_iter(), &["pax8_subscriptions".to_owned()]);
        assert_eq!(own.rank("pax8_subscriptions"), 0, "the organization's word goes first");
    }
}
