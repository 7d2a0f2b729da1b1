//! Whether the figures agree with each other: table and audit, months and gaps, lines and ledger, ledger and
//! balances, rows and input files.

use super::super::audit_json::{self, Excerpt};
use super::super::correction_json::{self, LedgerDocument};
use super::super::gaps_csv::{self, COLUMNS};
use super::super::line_months::{self, CountsAs, LineMonth};
use super::super::{sheet, source_rows};
use super::Opened;
use super::report::{Fault, Verification};
use crate::audit::Gap;
use crate::correction::ledger::{Entry, Ledger};
use crate::correction::quantity::Place;
use crate::money::Currency;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// Seat-days and minor units of all entries together at most: sums of them then fit.
const MOST: u128 = 1 << 60;

pub(super) fn check(opened: &Opened<'_>, out: &mut Verification) {
    let audit = audit(opened);
    match &audit {
        Ok(audit) => {
            out.take(gaps_csv::PATH, table(opened, audit));
            out.take(audit_json::PATH, sums(audit));
        }
        Err(fault) => out.take(audit_json::PATH, Err(fault.clone())),
    }
    match ledger(opened) {
        Ok((ledger, currency, says)) => {
            out.take(correction_json::PATH, Ok(says));
            if let Ok(Some(lines)) = audit.map(|audit| audit.lines) {
                out.take(audit_json::PATH, agree(&lines, &ledger, currency));
            }
        }
        Err(fault) => out.take(correction_json::PATH, Err(fault)),
    }
    out.take(source_rows::PATH, rows(opened));
}

fn audit(opened: &Opened<'_>) -> Result<Excerpt, Fault> {
    let bytes = opened.container.read(audit_json::PATH)?;
    let audit: Excerpt =
        serde_json::from_slice(&bytes).map_err(|error| format!("audit.json cannot be read: {error}."))?;
    if audit.audit.id != opened.manifest.audit.id || audit.audit.digest != opened.manifest.audit.digest {
        return Err("audit.json is of another audit than the manifest names.".into());
    }
    Ok(audit)
}

/// `gaps.csv` cell by cell against `audit.json`.
fn table(opened: &Opened<'_>, audit: &Excerpt) -> Result<String, Fault> {
    let bytes = opened.container.read(gaps_csv::PATH)?;
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes.as_slice());
    let mut records = reader.records();
    let header = COLUMNS.map(str::to_owned);
    let months = audit.table();
    let lines = months.iter().map(|month| month.line).collect::<BTreeSet<u32>>().len();
    let rows = months.iter().map(gaps_csv::row);
    let mut count = 0_usize;
    for (expected, line) in std::iter::once(header).chain(rows).zip(1_usize..) {
        let found = records.next().and_then(Result::ok);
        let found = found.ok_or_else(|| format!("gaps.csv ends before row {line}, which audit.json has."))?;
        let cells = expected.iter().zip(COLUMNS).zip(found.iter());
        for ((expected, column), found) in cells {
            if sheet::defused(expected) != found {
                return Err(format!(
                    "gaps.csv, row {line}: {column} is `{found}`, and `{expected}` in audit.json."
                )
                .into());
            }
        }
        if found.len() != COLUMNS.len() {
            return Err(format!("gaps.csv, row {line} has {} cells.", found.len()).into());
        }
        count = line - 1;
    }
    if records.next().is_some() {
        return Err("gaps.csv has a row that audit.json does not have.".into());
    }
    Ok(format!("gaps.csv says the same as audit.json: {count} months of {lines} lines."))
}

fn sums(audit: &Excerpt) -> Result<String, Fault> {
    for of in &audit.gaps {
        sum(&of.gap)?;
    }
    Ok(format!("The months of each of the {} gaps add up to its amount.", audit.gaps.len()))
}

fn sum(gap: &Gap) -> Result<(), Fault> {
    let Some(amount) = gap.amount else { return Ok(()) };
    for (counts_as, expected) in [("claimed", amount.amount), ("time_barred", gap.time_barred.amount)] {
        let own = gap.months.iter().filter(|month| !month.provisional);
        let mut months = own.filter(|month| month.time_barred == (counts_as == "time_barred"));
        let sum = months.try_fold(Decimal::ZERO, |sum, month| sum.checked_add(month.amount));
        if sum != Some(expected) {
            let found = sum.map_or_else(|| "more than can be right".to_owned(), |sum| sum.to_string());
            return Err(format!(
                "audit.json, gap {}: the {counts_as} months add up to {found}, and not to {expected}.",
                gap.id
            )
            .into());
        }
    }
    Ok(())
}

/// What each line comes to in each month is what its ledger has.
fn agree(lines: &[LineMonth], ledger: &Ledger, currency: Currency) -> Result<String, Fault> {
    type Figures = BTreeMap<(Place, CountsAs), (Decimal, Decimal)>;
    let mut expected = Figures::new();
    for (place, balance) in ledger.balances() {
        for (counts_as, quantity) in line_months::parts(&balance) {
            expected.insert((place, counts_as), line_months::shown(place, quantity, currency));
        }
    }
    for of in lines.iter().filter(|of| of.counts_as != CountsAs::Provisional) {
        let place = Place { month: of.month, line: of.line };
        let own = of.amount.filter(|_| of.currency == Some(currency)).map(|amount| (of.seat_months, amount));
        if own.is_none() || expected.remove(&(place, of.counts_as)) != own {
            return Err(format!(
                "audit.json: {} of line {} is not what the ledger in correction.json has.",
                of.month, of.line
            )
            .into());
        }
    }
    if let Some(((place, _), _)) = expected.first_key_value() {
        return Err(format!(
            "audit.json lacks {} of line {}, which the ledger in correction.json has.",
            place.month, place.line
        )
        .into());
    }
    Ok("Each month of each line is what its ledger has, in seat-months and in money.".to_owned())
}

/// Found = billed + credited + waived + written off + time-barred + withdrawn + outstanding, everywhere.
fn ledger(opened: &Opened<'_>) -> Result<(Ledger, Currency, String), Fault> {
    let bytes = opened.container.read(correction_json::PATH)?;
    let correction: correction_json::Excerpt = serde_json::from_slice(&bytes)
        .map_err(|error| format!("correction.json cannot be read: {error}."))?;
    if correction.id != opened.manifest.correction.id {
        return Err("correction.json is of another correction than the manifest names.".into());
    }
    let LedgerDocument { entries, balances, balance } = correction.ledger;
    bounded(&entries)?;
    let count = entries.len();
    if entries.iter().zip(1_u32..).any(|(entry, seq)| entry.seq != seq) {
        return Err("correction.json: the ledger's entries are not numbered from 1 on.".into());
    }
    let ledger = Ledger::of(entries).map_err(|error| format!("correction.json: {error}."))?;
    let own = ledger.balances().into_iter();
    let own: Vec<_> = own.map(|(place, balance)| correction_json::PlaceBalance { place, balance }).collect();
    if own != balances || ledger.balance() != balance || !balance.holds() {
        return Err("correction.json: the balances are not those of the ledger's entries.".into());
    }
    let says = format!(
        "The ledger adds up for each month of each line: found = billed + credited + waived + written off + \
         time-barred + withdrawn + outstanding, in seat-days and in money ({count} entries)."
    );
    Ok((ledger, correction.subject.currency, says))
}

fn bounded(entries: &[Entry]) -> Result<(), Fault> {
    let figures = entries.iter().flat_map(|entry| [entry.quantity.seat_days, entry.quantity.minor]);
    let sum: u128 = figures.map(|figure| u128::from(figure.unsigned_abs())).sum();
    if sum < MOST { Ok(()) } else { Err("correction.json: the ledger's figures cannot be right.".into()) }
}

/// Every row is of a file whose digest the manifest has.
fn rows(opened: &Opened<'_>) -> Result<String, Fault> {
    let bytes = opened.container.read(source_rows::PATH)?;
    let inputs: BTreeSet<(String, &str)> = opened
        .manifest
        .inputs
        .iter()
        .map(|input| (input.import.to_string(), input.sha256.as_str()))
        .collect();
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes.as_slice());
    let (mut record, mut count) = (csv::StringRecord::new(), 0_usize);
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => return Err(format!("source-rows.csv cannot be read: {error}.").into()),
        }
        let cell = |place: usize| record.get(place).unwrap_or_default();
        if !inputs.contains(&(cell(1).to_owned(), cell(3))) {
            return Err(format!(
                "source-rows.csv has a row of the file `{}`, which is not among the manifest's inputs.",
                cell(2)
            )
            .into());
        }
        count += usize::from(cell(0) == "row");
    }
    Ok(format!("Each of the {count} source rows is of a file whose SHA-256 the manifest has."))
}
