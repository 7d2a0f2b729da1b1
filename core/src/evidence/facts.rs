//! What a bundle says: every fact, and nothing that is computed from them here.
//!
//! The caller gathers facts and orders nothing by chance: lists come in an order that the same facts give
//! again (line, time, place). Times, ids and bytes are passed in. Names of persons stand in the facts as they
//! are; what replaces them is decided by [`Facts::pseudonyms`] when the bundle is made.
//!
//! Facts have two parts. [`Facts::log`] is the log's word on the others and is filled in last: the others
//! are frozen first, the log takes an entry that names their digest (see [`super::frozen_digest`]
//! and [`super::freezing`]), and its proofs then become a part of the bundle.

use crate::audit::{AppliedPolicy, AuditPeriod, Coverage, Explanation, Gap, RowRole};
use crate::correction::State;
use crate::correction::case::Subject;
use crate::correction::finding::Line;
use crate::correction::ledger::Ledger;
use crate::correction::plan::Plan;
use crate::correction::policy::Channel;
use crate::id::{AuditId, CorrectionId, ImportId, OrgId};
use crate::log::Hash;
use crate::period::Month;
use crate::records::{Activity, ProvisioningEvent};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! facts {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $field:ident: $type:ty,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name { $($(#[$of])* pub $field: $type,)+ }
    )+};
}

facts! {
    /// The facts of one bundle.
    Facts {
        /// Which bundle.
        bundle: Identity,
        /// Who speaks.
        msp: Msp,
        /// The correction as it stands.
        correction: CorrectionFacts,
        /// The audit that it rests on.
        audit: AuditFacts,
        /// Gaps of the correction, by line.
        gaps: Vec<GapFacts>,
        /// Billed against billable month by month, also of months without a gap. By product and month.
        #[serde(default)]
        months: Vec<MonthFacts>,
        /// Every input file of the audit that has rows of this client, by import id.
        inputs: Vec<InputFile>,
        /// Rules that held, by id.
        rules: Vec<Version>,
        /// Mappings that were used, by id.
        mappings: Vec<Version>,
        /// The exact rows behind the numbers, file by file.
        rows: Vec<SourceFile>,
        /// The vendor's log of who was given what, as captured. By time.
        provisioning: Vec<Captured<ProvisioningEvent>>,
        /// Who used what, as captured. By user.
        activity: Vec<Captured<Activity>>,
        /// Letters as they are kept, by time. Those that were to be sent come last.
        letters: Vec<LetterSent>,
        /// What was recorded of telling the client without a letter that is kept; none: a letter told it, or nothing did.
        #[serde(default)]
        told: Option<Told>,
        /// What the client answered, by time.
        replies: Vec<Reply>,
        /// Names and addresses of persons that may stand anywhere in the facts: contacts, members, authors.
        /// Users of provisioning and activity records need not be repeated.
        #[serde(default)]
        people: Vec<Person>,
        /// Whether persons are replaced, and how far the same person keeps its pseudonym.
        #[serde(default)]
        pseudonyms: Option<PseudonymScope>,
        /// The log's word on all this; none while it is being frozen.
        #[serde(default)]
        log: Option<LogFacts>,
    }

    /// Which bundle.
    Identity {
        /// Its id, the same in every version.
        id: Uuid,
        /// Counts from 1.
        version: u32,
        /// The version before it; none for the first.
        predecessor: Option<Predecessor>,
        /// When its facts were frozen.
        frozen_at: DateTime<Utc>,
        /// Version of the program that froze them.
        engine_version: String,
    }

    /// An earlier version of a bundle.
    Predecessor {
        /// Its number.
        version: u32,
        /// Digest of its manifest, `sha256:` and hex.
        manifest_sha256: String,
    }

    /// The MSP, and how its documents look.
    Msp {
        /// The organization.
        organization: OrgId,
        /// Its name.
        name: String,
        /// Its logo.
        logo: Option<Image>,
        /// Its colour, `#` and six hex digits.
        colour: Option<String>,
        /// Where a reader can ask, in one line.
        contact: Option<String>,
    }

    /// A picture.
    Image {
        /// `image/png` or `image/jpeg`.
        media_type: String,
        /// Its bytes.
        #[serde(with = "super::stored::bytes")]
        bytes: Vec<u8>,
    }

    /// The correction.
    CorrectionFacts {
        /// Its id.
        id: CorrectionId,
        /// What both sides call it, as it stands on invoices; none in bundles of before.
        reference: Option<String>,
        /// Client, billing entity, currency, direction.
        subject: Subject,
        /// Where it stands.
        state: State,
        /// Its version, which counts commands.
        version: i64,
        /// Its lines.
        lines: Vec<Line>,
        /// What became of every seat-day and cent.
        ledger: Ledger,
        /// The accepted plan.
        plan: Option<Plan>,
        /// Waivers that rest on one person's approval, in a sentence each; empty where there are none.
        #[serde(default)]
        remarks: Vec<String>,
    }

    /// The audit.
    AuditFacts {
        /// Its id.
        id: AuditId,
        /// Digest of its whole document, which speaks of other clients, too.
        digest: String,
        /// Version of the program that ran it; none: it was not recorded then.
        engine_version: Option<String>,
        /// What was known by then.
        known_at: DateTime<Utc>,
        /// The audited days.
        period: AuditPeriod,
        /// Count basis and proration.
        policy: AppliedPolicy,
        /// What was compared of this client.
        coverage: Vec<Coverage>,
    }

    /// One gap.
    GapFacts {
        /// Number of the correction's line that it is.
        line: u32,
        /// As the audit's document has it.
        gap: Gap,
        /// How it came about. Its own `gap` and `rows` are not repeated in the bundle.
        explanation: Option<Explanation>,
    }

    /// One month of one product.
    MonthFacts {
        /// The product.
        product: String,
        /// The month.
        month: Month,
        /// Billable seats on its last audited day.
        billable: Decimal,
        /// Billed seats on that day.
        billed: Decimal,
    }

    /// An input file.
    InputFile {
        /// The import.
        import: ImportId,
        /// Name of the file.
        file: String,
        /// Digest of the file.
        sha256: String,
        /// Bytes of the file.
        bytes: u64,
        /// What it was read as.
        format: String,
        /// When it was imported.
        imported_at: DateTime<Utc>,
    }

    /// A rule or a mapping in the version that held.
    Version {
        /// Its id.
        id: String,
        /// Its version, which counts from 1.
        version: i64,
        /// What it says, in a sentence.
        says: String,
        /// Who answers for it.
        owner: String,
    }

    /// Rows of one sheet of one file.
    SourceFile {
        /// The import.
        import: ImportId,
        /// Name of the file.
        file: String,
        /// Digest of the file.
        sha256: String,
        /// The sheet of a workbook, or the member of an archive.
        sheet: Option<String>,
        /// Names of its columns, where it has any.
        columns: Vec<String>,
        /// The rows, by line.
        rows: Vec<SourceRow>,
    }

    /// One row.
    SourceRow {
        /// Its line, from 1; of a JSON file the place of the item.
        line: u32,
        /// Numbers of the correction's lines that rest on it.
        lines: Vec<u32>,
        /// What it was used for.
        role: RowRole,
        /// Its cells as they were read, in the file's own words.
        cells: Vec<String>,
    }

    /// A letter as it is kept: the very words that were sent, but for the address of a client's own page, which is
    /// made for each mail and kept nowhere.
    LetterSent {
        /// Counts from 1 in the bundle.
        number: u32,
        /// What kind.
        kind: String,
        /// One line.
        subject: String,
        /// As text.
        text: String,
        /// As HTML.
        html: String,
        /// Digest of subject, text and HTML, as it was stored when written.
        sha256: String,
        /// To whom.
        recipients: Vec<String>,
        /// When it went out; none: it was to be sent when the facts were frozen.
        sent_at: Option<DateTime<Utc>>,
        /// Since when a person is erased from it: the digest is of the words before.
        #[serde(default)]
        erased_at: Option<DateTime<Utc>>,
    }

    /// What was recorded when the client was told outside the service. No letter of it is kept.
    Told {
        /// Who recorded it, and stands for it.
        by: String,
        /// When it was recorded.
        at: DateTime<Utc>,
        /// The day on which the client was told, as recorded.
        on: NaiveDate,
        /// The person who was told, if recorded.
        to: Option<String>,
        /// How, if recorded.
        channel: Option<Channel>,
        /// Where the MSP keeps its letter, if recorded.
        reference: Option<String>,
        /// What was noted: why it happened.
        context: String,
        /// What was noted: the figures.
        data: String,
        /// What was noted: what happens next.
        going_forward: String,
    }

    /// What the client said or wrote.
    Reply {
        /// Counts from 1 in the bundle.
        number: u32,
        /// `dispute`, or the kind of a confirmation: `waiver`, `acceptance`, `withdrawal`, `other`.
        kind: String,
        /// Who.
        by: String,
        /// How.
        channel: String,
        /// When.
        at: DateTime<Utc>,
        /// What was said.
        text: Option<String>,
        /// Whether it can be shown to come from the client.
        authenticated: bool,
        /// Files.
        attachments: Vec<Attachment>,
    }

    /// A file that came with a reply.
    Attachment {
        /// Its name as it came.
        name: String,
        /// Its media type as it came.
        media_type: String,
        /// Its digest, `sha256:` and hex.
        sha256: String,
        /// Its bytes; none once they were erased.
        #[serde(with = "super::stored::maybe_bytes")]
        bytes: Option<Vec<u8>>,
    }

    /// A person.
    Person {
        /// The name.
        name: Option<String>,
        /// The e-mail address.
        address: Option<String>,
    }

    /// The log's word.
    LogFacts {
        /// The newest checkpoint: a signed note, as text. Signed with the key that seals the bundle, under the
        /// log's origin as the key's name.
        checkpoint: String,
        /// Place of the entry that names the digest of the frozen facts.
        frozen_at: u64,
        /// The entries that concern this correction, that one included, by place.
        entries: Vec<LogEntry>,
    }

    /// An entry of the log.
    LogEntry {
        /// Its place, from 0.
        place: u64,
        /// Its leaf hash.
        leaf: Hash,
        /// Its exact bytes, which are canonical JSON of a `TimelineEntry`; none once they were erased.
        entry: Option<String>,
        /// Proof that it is among the checkpoint's entries.
        proof: Vec<Hash>,
    }

    /// What is left of a record whose content was erased.
    Erasure {
        /// The hash by which it can still be shown that there was one.
        leaf: Hash,
        /// When it was erased.
        erased_on: NaiveDate,
    }
}

/// A record as captured, or what is left of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Captured<T> {
    /// It is there: when and from which import it was captured.
    Kept {
        /// The record.
        record: T,
        /// From this import.
        import: ImportId,
        /// At this line of its file.
        line: u32,
        /// When it was captured.
        captured_at: DateTime<Utc>,
    },
    /// Its content was erased.
    Erased(Erasure),
}

/// How far the same person keeps the same pseudonym.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PseudonymScope {
    /// In all bundles of the organization.
    Organization,
    /// In all versions of this bundle, and in no other.
    Bundle,
}
