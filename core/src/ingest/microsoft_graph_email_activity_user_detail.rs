//! Microsoft's usage report of email (`getEmailActivityUserDetail`): when a user last read or sent mail.
//!
//! Source: <https://learn.microsoft.com/graph/api/reportroot-getemailactivityuserdetail>. See
//! [`usage_report`] for the rules of all such reports. Older reports have no counts of meetings. Only users
//! with a mailbox are in it, so it gives no seats.

use super::layout::{Field, Layout, Need};
use super::reader::Shape;
use super::sink::Sink;
use super::usage_report::{self, DELETED, DELETED_ON, PRODUCTS, REFRESHED, Report, USER};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::Side;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_graph_email_activity_user_detail",
    title: "Microsoft 365 usage report, email",
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
        Field { name: "Send Count", aliases: &["sendactions"], need: Need::Signature },
        Field { name: "Receive Count", aliases: &["receiveactions"], need: Need::Signature },
    ],
    unread: &[
        "id",
        "odatatype",
        "displayname",
        "readcount",
        "readactions",
        "meetingcreatedcount",
        "meetingcreatedactions",
        "meetinginteractedcount",
        "meetinginteractedactions",
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
