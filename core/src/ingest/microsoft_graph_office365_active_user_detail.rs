//! Microsoft's usage report of active users (`getOffice365ActiveUserDetail`; in the admin centre: active
//! users): who holds a product, and the last use of each workload.
//!
//! Source: <https://learn.microsoft.com/graph/api/reportroot-getoffice365activeuserdetail>. See
//! [`usage_report`] for the rules of all such reports. The last use is the latest of the workloads; the
//! days on which their licences were assigned are per workload, not per product, and are not read.

use super::layout::{Field, Layout, Need};
use super::reader::Shape;
use super::sink::Sink;
use super::usage_report::{self, DELETED, DELETED_ON, PRODUCTS, REFRESHED, Report, USER};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::Side;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_graph_office365_active_user_detail",
    title: "Microsoft 365 usage report, active users",
    sides: &[Side::Entitlement, Side::Activity],
    detect,
    read,
};

pub(super) const REPORT: Report = Report { layout: &LAYOUT, uses: 6, seats: true };

const fn used(name: &'static str, aliases: &'static [&'static str], need: Need) -> Field {
    Field { name, aliases, need }
}

const LAYOUT: Layout = Layout {
    fields: &[
        USER,
        REFRESHED,
        DELETED,
        DELETED_ON,
        PRODUCTS,
        used("Exchange Last Activity Date", &["lastactivitydateforexchange"], Need::Signature),
        used("OneDrive Last Activity Date", &["lastactivitydateforonedrive"], Need::Optional),
        used("SharePoint Last Activity Date", &["lastactivitydateforsharepoint"], Need::Optional),
        used(
            "Skype For Business Last Activity Date",
            &["lastactivitydateforskypeforbusiness"],
            Need::Optional,
        ),
        used(
            "Yammer Last Activity Date",
            &["lastactivitydateforyammer", "vivaengagelastactivitydate"],
            Need::Optional,
        ),
        used("Teams Last Activity Date", &["lastactivitydateforteams"], Need::Optional),
    ],
    unread: &[
        "id",
        "odatatype",
        "displayname",
        "hasexchangelicense",
        "hasonedrivelicense",
        "hassharepointlicense",
        "hasskypeforbusinesslicense",
        "hasyammerlicense",
        "hasteamslicense",
        "exchangelicenseassigndate",
        "onedrivelicenseassigndate",
        "sharepointlicenseassigndate",
        "skypeforbusinesslicenseassigndate",
        "yammerlicenseassigndate",
        "teamslicenseassigndate",
        "reportperiod",
    ],
    never: &[],
};

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    usage_report::read(&REPORT, shapes, options, sink)
}
