//! The report of an evidence bundle: the page that people read, of everything that the bundle proves.
//!
//! [`Report`] is plain values that others fill in. The same values give the same bytes.

mod facts;

pub use facts::{
    Check, Happened, LedgerBalance, LedgerEntry, LetterBody, MonthSeats, Provisioned, Report, ReportGap,
    ReportInstalment, ReportLedger, ReportMonth, ReportPlan, SeatUse, SentLetter, SourceFile, Summary,
};
