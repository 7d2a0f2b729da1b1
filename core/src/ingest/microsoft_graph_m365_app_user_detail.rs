//! Microsoft's usage report of the Microsoft 365 apps (`getM365AppUserDetail`): when a user last used one.
//!
//! Source: <https://learn.microsoft.com/graph/api/reportroot-getm365appuserdetail>. See [`usage_report`] for
//! the rules of all such reports. It names no products. Which app was used on which platform is not read:
//! only the day counts, and the day of the last activation is no day of use.

use super::layout::{Field, Layout, Need};
use super::reader::Shape;
use super::sink::Sink;
use super::usage_report::{self, DELETED, DELETED_ON, PRODUCTS, REFRESHED, Report, USER};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::Side;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_graph_m365_app_user_detail",
    title: "Microsoft 365 usage report, apps",
    sides: &[Side::Activity],
    detect,
    read,
};

pub(super) const REPORT: Report = Report { layout: &LAYOUT, uses: 1, seats: false };

const LAYOUT: Layout = Layout {
    fields: &[
        USER,
        REFRESHED,
        DELETED,
        DELETED_ON,
        PRODUCTS,
        Field { name: "Last Activity Date", aliases: &["lastactivitydateutc"], need: Need::Signature },
        Field { name: "Last Activation Date", aliases: &["lastactivationdateutc"], need: Need::Signature },
    ],
    unread: &[
        "id",
        "odatatype",
        "displayname",
        "reportperiod",
        "details",
        "windows",
        "mac",
        "mobile",
        "web",
        "outlook",
        "word",
        "excel",
        "powerpoint",
        "onenote",
        "teams",
        "outlookwindows",
        "wordwindows",
        "excelwindows",
        "powerpointwindows",
        "onenotewindows",
        "teamswindows",
        "outlookmac",
        "wordmac",
        "excelmac",
        "powerpointmac",
        "onenotemac",
        "teamsmac",
        "outlookmobile",
        "wordmobile",
        "excelmobile",
        "powerpointmobile",
        "onenotemobile",
        "teamsmobile",
        "outlookweb",
        "wordweb",
        "excelweb",
        "powerpointweb",
        "onenoteweb",
        "teamsweb",
    ],
    never: &[],
};

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    usage_report::read(&REPORT, shapes, options, sink)
}
