//! `report.pdf`: the same for people. What the facts say is put into the words of the report; how pages look
//! is the report's own matter.

use super::facts::{Captured, CorrectionFacts, Facts, LogFacts};
use super::key;
use super::letters::NO_LETTER;
use super::line_months::{self, CountsAs, LineMonth};
use super::provisioning::names;
use super::renderer::{File, Material, Renderer, word};
use super::report::{
    self, Check, Happened, LedgerBalance, LedgerEntry, LetterBody, MonthSeats, Provisioned, Report,
    ReportGap, ReportInstalment, ReportLedger, ReportMonth, ReportPlan, SeatUse, SentLetter, SourceFile,
    Summary, ToldOutside,
};
use super::{BundleError, manifest};
use crate::audit::{GapKind, GapSource};
use crate::correction::finding::Line;
use crate::correction::ledger::{Balance, Bucket, Entry};
use crate::correction::quantity::{Cells, Place, Quantity, seat_months, total};
use crate::letters::wording as say;
use crate::money::{Currency, Money};
use crate::pdf::Brand;
use crate::period::Month;
use crate::records::ProvisioningAction;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const RENDERER: Renderer = Renderer { name: PATH, frozen: false, render };
pub(super) const PATH: &str = "report.pdf";

fn render(material: &Material<'_>) -> Result<Vec<File>, BundleError> {
    let pdf = report::pdf(&report_of(material)?)?;
    Ok(vec![File::new(PATH, "application/pdf", pdf)])
}

/// What the report says.
pub(super) fn report_of(material: &Material<'_>) -> Result<Report, BundleError> {
    let (facts, correction) = (material.facts, &material.facts.correction);
    let subject = &correction.subject;
    let months = line_months::of(facts).into_iter().map(|month| month.month);
    let months: BTreeSet<Month> = months.collect();
    let balances = correction.ledger.balances();
    Ok(Report {
        brand: brand(facts),
        msp: facts.msp.name.clone(),
        client: subject.client.clone(),
        billing_entity: subject.billing_entity.clone(),
        reference: correction.reference.clone().unwrap_or_else(|| correction.id.to_string()),
        direction: subject.direction,
        state: correction.state.to_string(),
        prepared_on: facts.bundle.frozen_at.date_naive(),
        prepared_by: facts.msp.contact.clone(),
        months: months.first().copied().zip(months.last().copied()),
        as_of: Some(facts.audit.period.as_of),
        summary: Summary { remarks: correction.remarks.clone(), ..Summary::default() },
        chart: chart(facts),
        gaps: correction.lines.iter().map(|line| gap(facts, &balances, line)).collect(),
        provisioning: provisioning(facts),
        activity: activity(facts),
        plan: plan(correction),
        ledger: Some(ledger(correction)),
        timeline: timeline(material.log()?),
        letters: facts.letters.iter().map(letter).collect(),
        told: facts.told.as_ref().map(told),
        sources: sources(facts),
        check: check(material)?,
    })
}

fn brand(facts: &Facts) -> Brand {
    let own = Brand::default();
    Brand {
        logo: facts.msp.logo.as_ref().map(|logo| logo.bytes.clone()),
        primary: facts.msp.colour.as_deref().and_then(|text| text.parse().ok()).unwrap_or(own.primary),
        accent: own.accent,
    }
}

/// Seats of all products together, month by month: of the facts where they tell, else of the gaps.
fn chart(facts: &Facts) -> Vec<MonthSeats> {
    let mut seats: BTreeMap<Month, MonthSeats> = BTreeMap::new();
    let mut add = |month: Month, billable: Decimal, billed: Decimal, provisional: bool| {
        let none = MonthSeats { month, billable: Decimal::ZERO, billed: Decimal::ZERO, provisional };
        let own = seats.entry(month).or_insert(none);
        own.billable = own.billable.saturating_add(billable);
        own.billed = own.billed.saturating_add(billed);
        own.provisional |= provisional;
    };
    if facts.months.is_empty() {
        for month in facts.gaps.iter().flat_map(|of| &of.gap.months) {
            add(month.month, month.billable, month.billed, month.provisional);
        }
    }
    let months = line_months::of(facts).into_iter();
    let months = months.filter(|month| month.counts_as == CountsAs::Provisional);
    let open: BTreeSet<Month> = months.map(|month| month.month).collect();
    for month in &facts.months {
        add(month.month, month.billable, month.billed, open.contains(&month.month));
    }
    seats.into_values().collect()
}

/// What a line came to: its own months, seats and money.
fn gap(facts: &Facts, balances: &BTreeMap<Place, Balance>, line: &Line) -> ReportGap {
    let correction = &facts.correction;
    let currency = correction.subject.currency;
    let own = line_months::of_line(facts, balances, line);
    let listed = facts.gaps.iter().find(|of| of.line == line.number && of.gap.id == line.gap);
    let audited = listed.map(|of| &of.gap).filter(|_| line.invoice.is_none());
    let on_invoice = line.invoice.as_ref().map(|one| Decimal::from((one.billable - one.billed).abs()));
    let last = line.seats.values().next_back().map(|seats| Decimal::from(*seats));
    let in_all = |wanted: CountsAs| {
        let own = balances.iter().filter(|(place, _)| place.line == line.number);
        let cells = own.flat_map(|(place, balance)| {
            let (place, parts) = (*place, line_months::parts(balance));
            parts
                .filter(move |(counts_as, _)| *counts_as == wanted)
                .map(move |(_, quantity)| (place, quantity))
        });
        let cells: Cells = cells.collect();
        (seat_months(&cells), Money::from_minor(total(&cells).minor, currency))
    };
    let (seat_months, amount) = in_all(CountsAs::Claimed);
    let kinds = own.last().map(|month| month.kind);
    ReportGap {
        product: line.product.clone(),
        sku: line.sku.clone(),
        kind: kind(kinds.unwrap_or_else(|| line_months::kind(correction.subject.direction, None))).to_owned(),
        direction: correction.subject.direction,
        seats: audited.map(|gap| gap.seats).or(on_invoice).or(last).unwrap_or_default(),
        superseded: correction.lines.iter().any(|one| one.gap == line.gap && one.number > line.number),
        seat_months,
        unit_price: line.price.map(|amount| Money { amount, currency }),
        amount: Some(amount),
        time_barred: Some(in_all(CountsAs::TimeBarred)).filter(|(seat_months, _)| !seat_months.is_zero()),
        monthly_forward: Some(Money::from_minor(line.forward, currency)),
        months: own.iter().filter_map(|of| month(line, of)).collect(),
        sources: audited.map_or_else(|| rows_of(facts, line), |gap| files(&gap.sources)),
    }
}

/// A month of a line; none where nobody knows what was billed in it: it is not there after all.
fn month(line: &Line, of: &LineMonth) -> Option<ReportMonth> {
    let invoice = line_months::invoice_of(line, of.month);
    let note = match of.counts_as {
        CountsAs::Provisional => Some("not closed, counts only forward".to_owned()),
        CountsAs::TimeBarred => Some("too old to be corrected".to_owned()),
        CountsAs::Withdrawn => Some("withdrawn: not there after all".to_owned()),
        CountsAs::Claimed => invoice.map(|invoice| format!("the invoice of {}", say::date(invoice.on))),
    };
    let amount = of.amount.zip(of.currency).filter(|_| !of.unpriced);
    Some(ReportMonth {
        month: of.month,
        billable: of.billable?,
        billed: of.billed?,
        seat_months: of.seat_months,
        amount: amount.map(|(amount, currency)| Money { amount, currency }),
        note,
    })
}

fn files(sources: &[GapSource]) -> Vec<String> {
    sources.iter().map(|source| format!("{}, {} rows", source.file, source.lines.len())).collect()
}

/// The files whose rows a line rests on.
fn rows_of(facts: &Facts, line: &Line) -> Vec<String> {
    let rows = |file: &super::facts::SourceFile| {
        file.rows.iter().filter(|row| row.lines.contains(&line.number)).count()
    };
    let used = facts.rows.iter().map(|file| (file, rows(file))).filter(|(_, rows)| *rows > 0);
    used.map(|(file, rows)| format!("{}, {rows} rows", file.file)).collect()
}

const fn kind(kind: GapKind) -> &'static str {
    match kind {
        GapKind::UnderBilled => "billed less than provisioned",
        GapKind::Unbilled => "not billed at all",
        GapKind::OverBilled => "billed more than provisioned",
        GapKind::BilledNotProvisioned => "billed and not provisioned",
    }
}

fn provisioning(facts: &Facts) -> Vec<Provisioned> {
    let kept = facts.provisioning.iter().filter_map(|event| match event {
        Captured::Kept { record, .. } => Some(record),
        Captured::Erased(_) => None,
    });
    let shown = kept.map(|event| Provisioned {
        on: event.at.date_naive(),
        product: names(event.product.as_ref()).0,
        seats: match event.action {
            ProvisioningAction::Assigned => Decimal::ONE,
            ProvisioningAction::Removed => Decimal::NEGATIVE_ONE,
            ProvisioningAction::Changed => Decimal::ZERO,
        },
        account: event.user.clone(),
        by: event.actor.clone(),
        reference: event.event.clone(),
    });
    shown.collect()
}

fn activity(facts: &Facts) -> Vec<SeatUse> {
    let kept = facts.activity.iter().filter_map(|user| match user {
        Captured::Kept { record, .. } => Some(record),
        Captured::Erased(_) => None,
    });
    let shown = kept.map(|user| SeatUse {
        account: user.user.clone(),
        product: names(user.product.as_ref()).0,
        provisioned_on: user.assigned_on,
        last_active_on: user.last_active,
        recorded_on: user.as_of,
    });
    shown.collect()
}

fn plan(correction: &CorrectionFacts) -> Option<ReportPlan> {
    let currency = correction.subject.currency;
    let plan = correction.plan.as_ref()?;
    let parts = plan.instalments.iter().map(|part| ReportInstalment {
        due_on: part.due_on,
        amount: Money::from_minor(part.minor, currency),
        state: part.state.to_string(),
        document: part.document.clone(),
    });
    let total = plan.instalments.iter().fold(0_i64, |sum, part| sum.saturating_add(part.minor));
    Some(ReportPlan {
        total: Money::from_minor(total, currency),
        state: "accepted".to_owned(),
        instalments: parts.collect(),
    })
}

fn ledger(correction: &CorrectionFacts) -> ReportLedger {
    let currency = correction.subject.currency;
    let balances = correction.ledger.balances();
    let account = |name: &str, of: &dyn Fn(&Balance) -> Quantity| {
        let cells = balances.iter().map(|(place, balance)| (*place, of(balance))).collect();
        let minor = balances.values().fold(0_i64, |sum, balance| sum.saturating_add(of(balance).minor));
        LedgerBalance {
            account: capital(name),
            seat_months: seat_months(&cells),
            amount: Money::from_minor(minor, currency),
        }
    };
    let buckets = Bucket::ALL.iter().map(|bucket| account(bucket.as_str(), &|balance| balance.of(*bucket)));
    let outstanding = account("outstanding", &|balance| balance.outstanding);
    ReportLedger {
        balance: buckets.chain([outstanding]).collect(),
        entries: correction.ledger.entries().iter().map(|of| entry(correction, of, currency)).collect(),
    }
}

fn entry(correction: &CorrectionFacts, of: &Entry, currency: Currency) -> LedgerEntry {
    let Place { month, line } = of.place;
    let product = correction.lines.iter().find(|own| own.number == line).map(|own| own.product.as_str());
    let cause = of.note.cause.as_str().replace('_', " ");
    LedgerEntry {
        at: of.note.at,
        account: capital(of.bucket.as_str()),
        of: Some(format!("{month}, {}", product.unwrap_or_default())),
        seat_months: seat_months(&[(of.place, of.quantity)].into()),
        amount: Money::from_minor(of.quantity.minor, currency),
        reason: of.note.reason.as_ref().map_or_else(|| cause.clone(), |reason| format!("{cause}: {reason}")),
        document: of.note.document.clone(),
        actor: of.note.actor.clone(),
    }
}

/// `written_off` as `Written off`.
fn capital(name: &str) -> String {
    let name = name.replace('_', " ");
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Entries that are there; what was erased has no words.
fn timeline(log: &LogFacts) -> Vec<Happened> {
    let words = log.entries.iter().filter_map(|entry| {
        let value: Value = serde_json::from_str(entry.entry.as_deref()?).ok()?;
        let at: DateTime<Utc> = value["at"].as_str()?.parse().ok()?;
        Some(Happened {
            at,
            what: capital(value["command"].as_str()?),
            detail: value["reason"].as_str().map(str::to_owned),
            actor: value["actor"].as_str().unwrap_or_default().to_owned(),
            seq: Some(entry.place),
        })
    });
    words.collect()
}

fn letter(letter: &super::facts::LetterSent) -> SentLetter {
    SentLetter {
        sent_at: letter.sent_at,
        to: Some(letter.recipients.join(", ")),
        digest: Some(letter.sha256.clone()),
        erased_on: letter.erased_at.map(|at| at.date_naive()),
        subject: letter.subject.clone(),
        body: LetterBody::Text(letter.text.clone()),
    }
}

fn told(told: &super::facts::Told) -> ToldOutside {
    ToldOutside {
        says: NO_LETTER.to_owned(),
        on: told.on,
        to: told.to.clone(),
        channel: told.channel.map(|channel| capital(channel.as_str())),
        reference: told.reference.clone(),
        recorded_by: told.by.clone(),
        recorded_at: told.at,
        note: [&told.context, &told.data, &told.going_forward].map(Clone::clone).to_vec(),
    }
}

fn sources(facts: &Facts) -> Vec<SourceFile> {
    let source = |input: &super::facts::InputFile| {
        let own = facts.rows.iter().filter(|file| file.import == input.import);
        SourceFile {
            name: input.file.clone(),
            what: input.format.replace('_', " "),
            digest: input.sha256.clone(),
            received_on: Some(input.imported_at.date_naive()),
            rows: Some(own.map(|file| file.rows.len() as u64).sum()),
        }
    };
    facts.inputs.iter().map(source).collect()
}

fn check(material: &Material<'_>) -> Result<Check, BundleError> {
    let (facts, checkpoint) = (material.facts, material.checkpoint()?);
    let mut more = vec![
        ("Correction".to_owned(), facts.correction.id.to_string()),
        (
            "Bundle".to_owned(),
            format!(
                "{}, version {}, made by version {}",
                facts.bundle.id, facts.bundle.version, facts.bundle.engine_version
            ),
        ),
        ("Log".to_owned(), format!("{}, {} entries", checkpoint.origin, checkpoint.size)),
        ("Root of the log".to_owned(), checkpoint.root.to_string()),
    ];
    if let Some(before) = &facts.bundle.predecessor {
        more.push((format!("Manifest of version {}", before.version), before.manifest_sha256.clone()));
    }
    if let Some(scope) = facts.pseudonyms {
        more.push(("Persons".to_owned(), format!("replaced by pseudonyms, the same per {}", word(scope))));
    }
    for (what, versions) in [("Rule", &facts.rules), ("Mapping", &facts.mappings)] {
        more.extend(
            versions.iter().map(|of| (format!("{what} {}, version {}", of.id, of.version), of.says.clone())),
        );
    }
    Ok(Check {
        manifest: manifest::PATH.to_owned(),
        file: PATH.to_owned(),
        command: "leakage verify bundle.zip --key key.pem".to_owned(),
        audit_digest: Some(facts.audit.digest.clone()),
        engine: Some(match &facts.audit.engine_version {
            Some(version) => format!("version {version}"),
            None => "a version that was not recorded".to_owned(),
        }),
        key: Some(format!("Ed25519, {}", key::fingerprint(&material.key))),
        more,
    })
}
