//! Microsoft's usage reports of one other workload each (user activity of Teams, `OneDrive`,
//! `SharePoint` and Yammer): when a user last used it.
//!
//! Source: <https://learn.microsoft.com/graph/api/resources/report>. See [`usage_report`] for the rules of
//! all such reports. Only users of the workload are in it, so it gives no seats.

use super::layout::{Field, Layout, Need};
use super::reader::Shape;
use super::sink::Sink;
use super::usage_report::{self, DELETED, DELETED_ON, PRODUCTS, REFRESHED, Report, USER};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::Side;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_graph_workload_user_detail",
    title: "Microsoft 365 usage report, one workload",
    sides: &[Side::Activity],
    detect,
    read,
};

pub(super) const REPORT: Report = Report { layout: &LAYOUT, uses: 1, seats: false };

const fn shows(name: &'static str) -> Field {
    Field { name, aliases: &[], need: Need::SignatureOneOf(1) }
}

const LAYOUT: Layout = Layout {
    fields: &[
        USER,
        REFRESHED,
        DELETED,
        DELETED_ON,
        PRODUCTS,
        Field { name: "Last Activity Date", aliases: &["lastactivitydateutc"], need: Need::Signature },
        shows("Team Chat Message Count"),
        shows("Viewed Or Edited File Count"),
        shows("Posted Count"),
    ],
    unread: &[
        "id",
        "odatatype",
        "displayname",
        "reportperiod",
        "tenantdisplayname",
        "sharedchanneltenantdisplaynames",
        "privatechatmessagecount",
        "callcount",
        "meetingcount",
        "meetingsorganizedcount",
        "meetingsattendedcount",
        "adhocmeetingsorganizedcount",
        "adhocmeetingsattendedcount",
        "scheduledonetimemeetingsorganizedcount",
        "scheduledonetimemeetingsattendedcount",
        "scheduledrecurringmeetingsorganizedcount",
        "scheduledrecurringmeetingsattendedcount",
        "audioduration",
        "videoduration",
        "screenshareduration",
        "audiodurationinseconds",
        "videodurationinseconds",
        "screensharedurationinseconds",
        "hasotheraction",
        "urgentmessages",
        "postmessages",
        "replymessages",
        "islicensed",
        "isexternal",
        "syncedfilecount",
        "sharedinternallyfilecount",
        "sharedexternallyfilecount",
        "visitedpagecount",
        "readcount",
        "likedcount",
    ],
    never: &[],
};

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    usage_report::read(&REPORT, shapes, options, sink)
}
