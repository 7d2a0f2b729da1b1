//! Which source of a side is used for a client's product, which days both sides cover, and where
//! sources disagree.
//!
//! Between sources of one side for one client one is used, by the organization's order. A source
//! speaks of what it can know: Microsoft's own listings know all Microsoft products of a tenant, so a
//! Microsoft product that the preferred listing lacks is not there, whatever a lesser source says.
//! Of a product that the preferred source cannot know (another vendor's), the next source is used. A
//! product that only a lesser billing source has is not compared: whether it is charged twice or once
//! cannot be told.

use super::calendar::{Days, intersect, union};
use super::choose::Spans;
use super::identity::ClientId;
use std::collections::BTreeSet;

/// The formats that sources were read as, in the order of use.
#[derive(Clone, Debug, Default)]
pub(super) struct Formats(pub Vec<String>);

/// The order where the organization says nothing: by the beginning of the format's name.
const DEFAULT_ORDER: [&str; 3] = ["microsoft_graph", "microsoft_admin_center", OWN_TEMPLATE];

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
            let usual = DEFAULT_ORDER.iter().position(|start| format.starts_with(start));
            (own, usual.unwrap_or(usize::MAX), format.starts_with(BY_HAND))
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
    pub(super) fn lists_tenant(&self, rank: u32) -> bool {
        let name = self.name(rank);
        name.starts_with("microsoft_graph") || name.starts_with("microsoft_admin_center")
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
