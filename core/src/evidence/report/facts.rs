//! What a report shows. Plain values: whoever fills them in knows corrections and audits, the report does
//! not. It computes nothing but sums of rounded amounts of one currency.

use crate::audit::Direction;
use crate::letters::Letter;
use crate::money::Money;
use crate::pdf::Brand;
use crate::period::Month;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

/// Everything that a report shows. Lists may be empty: their section then says so or is left out.
#[derive(Clone, Debug)]
pub struct Report {
    /// Logo and colours of the MSP.
    pub brand: Brand,
    /// Name of the MSP.
    pub msp: String,
    /// Name of the client.
    pub client: String,
    /// The part of the client that is billed.
    pub billing_entity: Option<String>,
    /// What both sides call the case, such as `LF-1042`.
    pub reference: String,
    /// Which way the correction goes.
    pub direction: Direction,
    /// How far the correction is, as a word: `communicated`.
    pub state: String,
    /// The day of the report: also the date of the PDF, so that the same facts give the same bytes.
    pub prepared_on: NaiveDate,
    /// Who answers questions.
    pub prepared_by: Option<String>,
    /// The months that the gaps lie in, first and last.
    pub months: Option<(Month, Month)>,
    /// The last day that was audited.
    pub as_of: Option<NaiveDate>,
    /// The story on the first page.
    pub summary: Summary,
    /// Billed against billable, one entry a month, in order.
    pub chart: Vec<MonthSeats>,
    /// What was found.
    pub gaps: Vec<ReportGap>,
    /// The provisioning log: changes of seats.
    pub provisioning: Vec<Provisioned>,
    /// Who uses the seats.
    pub activity: Vec<SeatUse>,
    /// Payment in parts.
    pub plan: Option<ReportPlan>,
    /// What became of every seat-month and every cent.
    pub ledger: Option<ReportLedger>,
    /// What happened, in order.
    pub timeline: Vec<Happened>,
    /// Letters as they were sent, in order.
    pub letters: Vec<SentLetter>,
    /// What was recorded where the client was told and no letter is kept.
    pub told: Option<ToldOutside>,
    /// The files that the numbers come from.
    pub sources: Vec<SourceFile>,
    /// How a reader checks this document.
    pub check: Check,
}

/// Paragraphs of the first page. Empty ones are written from the figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How it came about.
    pub context: Vec<String>,
    /// The figures.
    pub data: Vec<String>,
    /// What happens next.
    pub going_forward: Vec<String>,
    /// What a reader must know beside it, each a sentence.
    pub remarks: Vec<String>,
}

/// One month of the chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthSeats {
    /// The month.
    pub month: Month,
    /// Seats that were to be billed, on its last audited day.
    pub billable: Decimal,
    /// Seats that were billed on that day.
    pub billed: Decimal,
    /// The month is not over, or counts only forward.
    pub provisional: bool,
}

/// One gap, or what a later invoice still got wrong of it: a product in a currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportGap {
    /// The product.
    pub product: String,
    /// The vendor's id of it.
    pub sku: Option<String>,
    /// What kind, in words: `billed less than provisioned`.
    pub kind: String,
    /// Which way.
    pub direction: Direction,
    /// Difference in seats on the last day that has one, without a sign.
    pub seats: Decimal,
    /// A later one speaks of the same seats: its own are in no sum of seats, and what it was a month neither.
    pub superseded: bool,
    /// Over all its months, as they are claimed or given back.
    pub seat_months: Decimal,
    /// Per seat and month, where there is one price.
    pub unit_price: Option<Money>,
    /// Money, without a sign; none: unpriced.
    pub amount: Option<Money>,
    /// Too old to be corrected; outside of the amount.
    pub time_barred: Option<(Decimal, Money)>,
    /// What it is a month from here on.
    pub monthly_forward: Option<Money>,
    /// Its months, in order.
    pub months: Vec<ReportMonth>,
    /// Where its numbers stand: `billing.csv, lines 3 and 9`.
    pub sources: Vec<String>,
}

/// One month of a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportMonth {
    /// The month.
    pub month: Month,
    /// Seats that were to be billed, on its last audited day.
    pub billable: Decimal,
    /// Seats that were billed on that day.
    pub billed: Decimal,
    /// Seat-months of the difference.
    pub seat_months: Decimal,
    /// Money of the difference; none: unpriced.
    pub amount: Option<Money>,
    /// What is to be said of it: `provisional`, `too old to be corrected`.
    pub note: Option<String>,
}

/// One entry of the provisioning log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisioned {
    /// When.
    pub on: NaiveDate,
    /// The product.
    pub product: String,
    /// Seats added; negative where seats were removed.
    pub seats: Decimal,
    /// To whom or what: an account, a group.
    pub account: Option<String>,
    /// Who asked for it, or did it.
    pub by: Option<String>,
    /// Ticket or entry of the log.
    pub reference: Option<String>,
}

/// One account with a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatUse {
    /// The account, as the vendor names it.
    pub account: String,
    /// The product.
    pub product: String,
    /// When it got the seat.
    pub provisioned_on: Option<NaiveDate>,
    /// When it was last active.
    pub last_active_on: Option<NaiveDate>,
    /// The day of the record: "no activity" is known only up to then.
    pub recorded_on: Option<NaiveDate>,
}

/// Payment in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportPlan {
    /// What is paid by it.
    pub total: Money,
    /// How far it is, in words: `accepted`, `offered`.
    pub state: String,
    /// The parts, by date.
    pub instalments: Vec<ReportInstalment>,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportInstalment {
    /// When it is due.
    pub due_on: NaiveDate,
    /// How much.
    pub amount: Money,
    /// How far it is, in words: `scheduled`, `invoiced`, `paid`.
    pub state: String,
    /// Its invoice.
    pub document: Option<String>,
}

/// What became of what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportLedger {
    /// The balance, in the order to be shown: found first, outstanding last. The ones between add up with
    /// the last to the first.
    pub balance: Vec<LedgerBalance>,
    /// The entries, in order.
    pub entries: Vec<LedgerEntry>,
}

/// One account of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerBalance {
    /// Its name in words: `Found`, `Billed`.
    pub account: String,
    /// Seat-months in it.
    pub seat_months: Decimal,
    /// Money in it.
    pub amount: Money,
}

/// One entry of the ledger. Of one that takes back, both figures are negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// When.
    pub at: DateTime<Utc>,
    /// The account in words.
    pub account: String,
    /// The month and product, in words, where it is of one.
    pub of: Option<String>,
    /// Seat-months.
    pub seat_months: Decimal,
    /// Money.
    pub amount: Money,
    /// Why, in words.
    pub reason: String,
    /// Invoice, credit note, audit or confirmation.
    pub document: Option<String>,
    /// Who.
    pub actor: String,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// When.
    pub at: DateTime<Utc>,
    /// What, in words: `Communicated`.
    pub what: String,
    /// What was said about it.
    pub detail: Option<String>,
    /// Who.
    pub actor: String,
    /// Its place in the log.
    pub seq: Option<u64>,
}

/// A letter that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentLetter {
    /// When it was sent; none: it was handed out or waits.
    pub sent_at: Option<DateTime<Utc>>,
    /// To whom.
    pub to: Option<String>,
    /// Its digest, as the manifest has it.
    pub digest: Option<String>,
    /// Since when a person is erased from it.
    pub erased_on: Option<NaiveDate>,
    /// One line.
    pub subject: String,
    /// What it says.
    pub body: LetterBody,
}

/// What was recorded of telling the client outside the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldOutside {
    /// That no letter is kept, in a sentence.
    pub says: String,
    /// The day.
    pub on: NaiveDate,
    /// The person.
    pub to: Option<String>,
    /// How.
    pub channel: Option<String>,
    /// Where the MSP keeps its letter.
    pub reference: Option<String>,
    /// Who recorded it.
    pub recorded_by: String,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// What was noted, in paragraphs.
    pub note: Vec<String>,
}

/// What a letter says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LetterBody {
    /// As it was rendered, with its tables.
    Letter(Letter),
    /// As it is kept as text: its paragraphs and tables are found again.
    Text(String),
}

/// A file that numbers come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name.
    pub name: String,
    /// What it tells, in words: `what the client is billed`.
    pub what: String,
    /// `sha256:` and digits.
    pub digest: String,
    /// When it came in.
    pub received_on: Option<NaiveDate>,
    /// Rows that are used.
    pub rows: Option<u64>,
}

/// How a reader checks the document. The bundle's own digest cannot stand in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Name of the file that lists the digests of all others.
    pub manifest: String,
    /// This document's name in the bundle.
    pub file: String,
    /// The command that checks the bundle: `leakage verify bundle.zip`.
    pub command: String,
    /// The digest of the audit.
    pub audit_digest: Option<String>,
    /// The version of the program that computed the figures.
    pub engine: Option<String>,
    /// The key that signs the manifest, as its thumbprint.
    pub key: Option<String>,
    /// More to say: rule and mapping versions, a checkpoint of the log; a name and a value each.
    pub more: Vec<(String, String)>,
}
