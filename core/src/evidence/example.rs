//! An example of a bundle's facts, of any size: for tests, for measuring, and to look at.

mod sources;

use super::facts::{
    AuditFacts, CorrectionFacts, Facts, GapFacts, Identity, InputFile, LogEntry, LogFacts, MonthFacts, Msp,
    Person, Version,
};
use super::{BundleError, Seal, SealError, freezing, frozen_digest};
use crate::audit::{
    AppliedPolicy, AuditPeriod, Basis, Direction, ExplainedMonth, ExplainedPrice, Explanation, Gap, GapKind,
    GapMonth, MatchMethod, Proration, Stretch, TimeBarred, Waterfall,
};
use crate::correction::State;
use crate::correction::case::Subject;
use crate::correction::finding::Line;
use crate::correction::ledger::{Bucket, Cause, Ledger, Note};
use crate::correction::quantity::{Cells, Place, Quantity};
use crate::digest;
use crate::id::{AuditId, CorrectionId, ImportId, OrgId};
use crate::log::{
    Checkpoint, CheckpointError, Frontier, Hash, NoteKey, TimelineEntry, inclusion_proof, leaf, leaf_hash,
};
use crate::money::{Currency, Money};
use crate::period::Month;
use crate::records::{Cycle, Side};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sources::{activity, billing_rows, letter, provisioning, reply, user_rows};
use std::collections::BTreeMap;
use uuid::Uuid;

const CLIENT: &str = "Contoso Legal";
const MONTHS: u32 = 8;

/// Facts of so many gaps (at least one), rows of files, and users. They are not in a log yet.
///
/// # Errors
/// When the ledger does not take what was found: with far more gaps than a correction can have.
pub fn facts(gaps: u32, rows: u32) -> Result<Facts, BundleError> {
    let found: Vec<GapFacts> = (1..=gaps.max(1)).map(gap).collect();
    Ok(Facts {
        bundle: Identity {
            id: id(1),
            version: 1,
            predecessor: None,
            frozen_at: at(0),
            engine_version: "0.1.0".to_owned(),
        },
        msp: Msp {
            organization: OrgId::new(id(2)),
            name: "Example MSP".to_owned(),
            logo: None,
            colour: Some("#0b5cad".to_owned()),
            contact: Some("Alex Account, alex@example-msp.test".to_owned()),
        },
        correction: correction(&found)?,
        audit: audit(),
        months: months().map(|month| seats(&found, month)).collect(),
        inputs: vec![input(4, "billing.csv"), input(5, "users.csv")],
        rules: vec![version("rule-1", "Two seats are given free.", "Owen Owner")],
        mappings: vec![version("mapping-1", "`Contoso` is `Contoso Legal`.", "Mia Mapper")],
        rows: vec![billing_rows(&found, rows), user_rows(rows)],
        provisioning: provisioning(rows),
        activity: activity(rows),
        letters: vec![letter()?],
        told: None,
        replies: vec![reply()],
        people: vec![
            person("Casey Client", "casey@contoso.test"),
            person("Alex Account", "alex@example-msp.test"),
        ],
        pseudonyms: None,
        gaps: found,
        log: None,
    })
}

/// The same facts in a log of their own, which holds an opening, the freezing and two entries of others, signed with the
/// bundle's key.
///
/// # Errors
/// [`BundleError`].
pub fn logged(mut facts: Facts, seal: &dyn Seal) -> Result<Facts, BundleError> {
    let digest = frozen_digest(&facts, seal)?;
    let subject = format!("correction:{}", facts.correction.id);
    let organization = facts.msp.organization;
    let told = json!({"state": "communicated", "said": {"by": "Casey Client", "channel": "mail"}});
    let entries = [
        ("other", "correction:other".to_owned(), Value::Null),
        ("open", subject.clone(), json!({"state": "found", "outstanding": "352.00"})),
        ("communicate", subject.clone(), told),
        ("other", "correction:other".to_owned(), Value::Null),
        ("freeze_evidence", subject, freezing(&facts, &digest)),
    ];
    let entries = entries.into_iter().zip(0_i32..).map(|((command, subject, after), place)| TimelineEntry {
        organization,
        place: u64::from(place.unsigned_abs()),
        at: at(i64::from(place)),
        actor: format!("user:{}", id(9)),
        command: command.to_owned(),
        subject,
        before: Value::Null,
        after,
        reason: None,
    });
    facts.log = Some(log(&entries.collect::<Vec<_>>(), 4, seal)?);
    Ok(facts)
}

/// A log of these entries; those of other corrections are not shown.
fn log(entries: &[TimelineEntry], frozen_at: u64, seal: &dyn Seal) -> Result<LogFacts, BundleError> {
    let refused = |reason| move |_| BundleError::Entry { place: 0, reason };
    let words = entries.iter().map(leaf).collect::<Result<Vec<_>, _>>();
    let words = words.map_err(|_| BundleError::Entry { place: 0, reason: "it has no canonical form" })?;
    let leaves: Vec<Hash> = words.iter().map(|words| leaf_hash(words)).collect();
    let mut tree = Frontier::default();
    for leaf in &leaves {
        tree.append(*leaf);
    }
    let origin = "msp.example/log";
    let key = NoteKey::new(origin, seal.public_key()).map_err(CheckpointError::from)?;
    let sign = |message: &[u8]| seal.sign(message).map_err(Unsigned::Seal);
    let note = Checkpoint::of(origin, &tree).sign(&key, sign).map_err(|unsigned| match unsigned {
        Unsigned::Seal(error) => BundleError::Seal(error),
        Unsigned::Checkpoint(error) => BundleError::Checkpoint(error),
    })?;
    let own = entries.iter().zip(words).zip(leaves.iter().enumerate());
    let own = own.filter(|((entry, _), _)| entry.command != "other");
    let own = own.map(|((entry, words), (place, leaf))| {
        let proof = inclusion_proof(&leaves, place).map_err(refused("it has no proof"))?;
        let words = String::from_utf8(words).ok();
        Ok(LogEntry { place: entry.place, leaf: *leaf, entry: words, proof })
    });
    Ok(LogFacts {
        checkpoint: note.to_string(),
        frozen_at,
        entries: own.collect::<Result<_, BundleError>>()?,
    })
}

enum Unsigned {
    Seal(SealError),
    Checkpoint(CheckpointError),
}

impl From<CheckpointError> for Unsigned {
    fn from(error: CheckpointError) -> Self {
        Self::Checkpoint(error)
    }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_0000 | number)
}

/// So many minutes after noon of a day.
fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_435_200, 0).unwrap_or_default() + TimeDelta::minutes(minutes)
}

fn day(after: u32) -> NaiveDate {
    let first = NaiveDate::from_ymd_opt(2026, 2, 1).unwrap_or_default();
    first.checked_add_days(Days::new(u64::from(after))).unwrap_or(first)
}

fn months() -> impl Iterator<Item = Month> {
    (0..MONTHS.cast_signed()).map(|after| Month::of(day(0)).plus(after))
}

fn product(number: u32) -> String {
    if number == 1 { "Microsoft 365 Business Premium".to_owned() } else { format!("Product {number}") }
}

fn usd(text: i64) -> Money {
    Money::from_minor(text, Currency::USD)
}

fn gap(number: u32) -> GapFacts {
    let policy = AppliedPolicy { basis: Basis::Purchased, proration: Proration::Daily };
    let month = |month| GapMonth {
        month,
        billable: Decimal::from(22),
        billed: Decimal::from(20),
        seat_months: Decimal::new(2_000_000, 6),
        amount: usd(4400).amount,
        unpriced: false,
        provisional: false,
        time_barred: false,
        assumed: false,
    };
    let waterfall = Waterfall {
        counted: Decimal::from(24),
        allowance: Decimal::from(2),
        billable: Decimal::from(22),
        ..Waterfall::default()
    };
    let gap = Gap {
        id: format!("gap-{number:04}"),
        client: CLIENT.to_owned(),
        billing_entity: None,
        needs_allocation: false,
        product: product(number),
        sku: Some("SPB".to_owned()),
        direction: Direction::Under,
        kind: GapKind::UnderBilled,
        method: MatchMethod::Exact,
        seats: Decimal::from(2),
        seat_months: Decimal::new(16_000_000, 6),
        amount: Some(usd(4400 * i64::from(MONTHS))),
        unpriced: false,
        monthly_forward: Some(usd(4400)),
        time_barred: TimeBarred { seat_months: Decimal::new(0, 6), amount: usd(0).amount, before: None },
        adjustments: Vec::new(),
        amount_after_adjustments: Some(usd(4400 * i64::from(MONTHS))),
        settled: Vec::new(),
        amount_unsettled: None,
        seat_months_unsettled: None,
        policy,
        policies: Vec::new(),
        entitlement_from: Side::Entitlement,
        assumed: false,
        waterfall,
        months: months().map(month).collect(),
        sources: Vec::new(),
    };
    GapFacts { line: number, explanation: Some(explanation(&gap, waterfall)), gap }
}

fn explanation(gap: &Gap, waterfall: Waterfall) -> Explanation {
    let price = || ExplainedPrice {
        seats: Decimal::from(2),
        term: None,
        price: Some(usd(2200).amount),
        cycle: Cycle::Monthly,
    };
    let stretch = |month: Month| Stretch {
        month,
        days: month.days(),
        taken_as: month.first_day(),
        waterfall,
        billed: Decimal::from(20),
        gap: Decimal::from(2),
        prices: vec![price()],
    };
    let explained = |month: Month| ExplainedMonth {
        month,
        days: month.days(),
        seat_days: u64::from(month.days()) * 2,
        calculation: format!("({0} days x 2 seats x 22.00) / {0} days = 44, rounded 44.00 USD", month.days()),
        amount: usd(4400).amount,
        counts_as: "claimed".to_owned(),
    };
    Explanation {
        gap: gap.clone(),
        rows: Vec::new(),
        names: Vec::new(),
        rules: Vec::new(),
        stretches: months().map(stretch).collect(),
        months: months().map(explained).collect(),
        text: vec![format!("22 seats of {} are to be billed, and 20 are.", gap.product)],
    }
}

fn correction(gaps: &[GapFacts]) -> Result<CorrectionFacts, BundleError> {
    let note = Note {
        cause: Cause::Opened,
        reason: None,
        document: None,
        instalment: None,
        actor: format!("user:{}", id(9)),
        at: at(0),
    };
    let cell =
        |line: u32, month: Month| (Place { month, line }, Quantity::new(i64::from(month.days()) * 2, 4400));
    let found: Cells = gaps.iter().flat_map(|of| months().map(move |month| cell(of.line, month))).collect();
    let billed: Cells = months().take(3).map(|month| cell(1, month)).collect();
    let mut ledger = Ledger::default();
    ledger.post(&found, Bucket::Found, &note)?;
    ledger.post(&billed, Bucket::Billed, &Note { cause: Cause::Invoice, ..note })?;
    let line = |of: &GapFacts| Line {
        number: of.line,
        gap: of.gap.id.clone(),
        audit: id(3).to_string(),
        product: of.gap.product.clone(),
        sku: of.gap.sku.clone(),
        seats: months().map(|month| (month, 2)).collect::<BTreeMap<_, _>>(),
        billed: 20,
        agreed: 22,
        billable: Some(22),
        forward: 4400,
        price: Some(usd(2200).amount),
        assumed: false,
        provisioning_evidence: None,
        invoice: None,
    };
    Ok(CorrectionFacts {
        id: CorrectionId::new(id(6)),
        reference: Some("LF-1042".to_owned()),
        subject: Subject {
            client: CLIENT.to_owned(),
            billing_entity: None,
            currency: Currency::USD,
            direction: Direction::Under,
        },
        state: State::Communicated,
        version: 3,
        lines: gaps.iter().map(line).collect(),
        ledger,
        plan: None,
        remarks: Vec::new(),
    })
}

fn audit() -> AuditFacts {
    AuditFacts {
        id: AuditId::new(id(3)),
        digest: digest::of_bytes(b"the audit's document"),
        engine_version: Some("0.1.0".to_owned()),
        known_at: at(0),
        period: AuditPeriod { from: day(0), until: day(242), as_of: day(290) },
        policy: AppliedPolicy { basis: Basis::Purchased, proration: Proration::Daily },
        coverage: Vec::new(),
    }
}

fn seats(gaps: &[GapFacts], month: Month) -> MonthFacts {
    let product = gaps.first().map(|of| of.gap.product.clone()).unwrap_or_default();
    MonthFacts { product, month, billable: Decimal::from(22), billed: Decimal::from(20) }
}

fn input(number: u128, file: &str) -> InputFile {
    InputFile {
        import: ImportId::new(id(number)),
        file: file.to_owned(),
        sha256: digest::of_bytes(file.as_bytes()),
        bytes: 1000,
        format: "leakage_billing".to_owned(),
        imported_at: at(0),
    }
}

fn version(id: &str, says: &str, owner: &str) -> Version {
    Version { id: id.to_owned(), version: 1, says: says.to_owned(), owner: owner.to_owned() }
}

fn person(name: &str, address: &str) -> Person {
    Person { name: Some(name.to_owned()), address: Some(address.to_owned()) }
}
