//! The tables that a template can show. One that would have no row does not hold, like any fact.

use super::facts::{LetterFacts, LineFacts, NextLine};
use super::kind::Group;
use super::letter::{Cell, Table};
use super::wording::{self as say, Heading};
use crate::money::Money;

/// A table that a template can show.
#[derive(Debug)]
pub struct TableFact {
    /// Its name in templates.
    pub name: &'static str,
    /// What it belongs to.
    pub group: Group,
    /// What it shows.
    pub about: &'static str,
    pub(super) read: fn(&LetterFacts) -> Option<Table>,
}

/// All tables.
pub const TABLES: &[TableFact] = &[
    TableFact {
        name: "lines",
        group: Group::Correction,
        about: "The products with seats, months and money.",
        read: lines,
    },
    TableFact {
        name: "provisioning",
        group: Group::Correction,
        about: "The log of changes of seats.",
        read: provisioning,
    },
    TableFact {
        name: "next_billing",
        group: Group::Correction,
        about: "What the next regular invoice holds.",
        read: next_billing,
    },
    TableFact { name: "plan", group: Group::Plan, about: "The instalments.", read: plan },
    TableFact {
        name: "findings",
        group: Group::Statement,
        about: "Differences of the month.",
        read: findings,
    },
    TableFact {
        name: "fixed",
        group: Group::Statement,
        about: "Differences that are proved to be right by now.",
        read: fixed,
    },
    TableFact {
        name: "not_compared",
        group: Group::Statement,
        about: "What could not be compared, and why.",
        read: not_compared,
    },
];

/// A table by its name.
pub(super) fn table(name: &str) -> Option<&'static TableFact> {
    TABLES.iter().find(|table| table.name == name)
}

fn built(caption: Heading, columns: &[(Heading, bool)], rows: Vec<Vec<String>>) -> Option<Table> {
    if rows.is_empty() {
        return None;
    }
    let cell = |text: String, numeric: bool| Cell { text: super::letter::plain(&text), numeric };
    let headings =
        columns.iter().map(|(heading, numeric)| cell(say::heading(*heading).to_owned(), *numeric)).collect();
    let row = |row: Vec<String>| {
        row.into_iter().zip(columns).map(|(text, (_, numeric))| cell(text, *numeric)).collect()
    };
    Some(Table {
        caption: say::heading(caption).to_owned(),
        headings,
        rows: rows.into_iter().map(row).collect(),
    })
}

fn money(money: Option<Money>) -> String {
    money.map_or_else(|| say::NONE.to_owned(), say::money)
}

fn lines(facts: &LetterFacts) -> Option<Table> {
    let counts = facts.lines.iter().all(|line| line.provisioned.is_some() && line.billed.is_some());
    let priced = facts.lines.iter().all(|line| line.unit_price.is_some());
    let mut columns = vec![(Heading::Product, false)];
    if counts {
        columns.extend([(Heading::Provisioned, true), (Heading::Billed, true)]);
    }
    columns.extend([
        (Heading::Difference, true),
        (Heading::From, false),
        (Heading::To, false),
        (Heading::SeatMonths, true),
    ]);
    if priced {
        columns.push((Heading::UnitPrice, true));
    }
    columns.push((Heading::Amount, true));
    let row = |line: &LineFacts| {
        let mut row = vec![line.product.clone()];
        if counts {
            row.extend(
                [line.provisioned, line.billed].map(|count| say::number(count.unwrap_or_default().into())),
            );
        }
        row.extend([
            say::number(line.seats.into()),
            say::month(line.first_month),
            say::month(line.last_month),
            say::number(line.seat_months),
        ]);
        if priced {
            row.push(money(line.unit_price));
        }
        row.push(say::money(line.amount));
        row
    };
    built(Heading::Lines, &columns, facts.lines.iter().map(row).collect())
}

fn provisioning(facts: &LetterFacts) -> Option<Table> {
    let mut entries: Vec<_> = facts.provisioning.iter().collect();
    entries.sort_by_key(|entry| entry.on);
    let by = entries.iter().any(|entry| entry.requested_by.is_some());
    let referenced = entries.iter().any(|entry| entry.reference.is_some());
    let mut columns = vec![(Heading::Date, false), (Heading::Product, false), (Heading::Change, true)];
    columns.extend(by.then_some((Heading::RequestedBy, false)));
    columns.extend(referenced.then_some((Heading::Reference, false)));
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| say::NONE.to_owned());
    let rows = entries.into_iter().map(|entry| {
        let mut row = vec![say::date(entry.on), entry.product.clone(), say::change(entry.seats)];
        row.extend(by.then(|| or_none(&entry.requested_by)));
        row.extend(referenced.then(|| or_none(&entry.reference)));
        row
    });
    built(Heading::Log, &columns, rows.collect())
}

fn next_billing(facts: &LetterFacts) -> Option<Table> {
    let next = facts.next_billing.as_ref()?;
    let columns = [(Heading::Product, false), (Heading::Change, true), (Heading::Monthly, true)];
    let row = |line: &NextLine| {
        vec![line.product.clone(), say::number(line.quantity.into()), money(line.monthly_amount)]
    };
    built(Heading::Next, &columns, next.lines.iter().map(row).collect())
}

fn plan(facts: &LetterFacts) -> Option<Table> {
    let plan = facts.plan.as_ref()?;
    let columns = [(Heading::Instalment, true), (Heading::Date, false), (Heading::Amount, true)];
    let rows = plan.instalments.iter().enumerate();
    let row = rows
        .map(|(index, part)| vec![(index + 1).to_string(), say::date(part.due_on), say::money(part.amount)]);
    built(Heading::Plan, &columns, row.collect())
}

fn findings(facts: &LetterFacts) -> Option<Table> {
    let columns = [
        (Heading::Product, false),
        (Heading::Which, false),
        (Heading::Change, true),
        (Heading::SeatMonths, true),
        (Heading::Amount, true),
    ];
    let rows = facts.statement.as_ref()?.findings.iter().map(|finding| {
        vec![
            finding.product.clone(),
            say::finding(finding.direction, finding.time_barred, finding.adjusted),
            say::number(finding.seats),
            say::number(finding.seat_months),
            finding.amount.map_or_else(|| say::NO_PRICE.to_owned(), say::money),
        ]
    });
    built(Heading::Findings, &columns, rows.collect())
}

fn fixed(facts: &LetterFacts) -> Option<Table> {
    let columns = [
        (Heading::Product, false),
        (Heading::Which, false),
        (Heading::Amount, true),
        (Heading::Document, false),
        (Heading::Verified, false),
    ];
    let rows = facts.statement.as_ref()?.fixed.iter().map(|fixed| {
        vec![
            fixed.product.clone(),
            say::direction(fixed.direction).to_owned(),
            say::money(fixed.amount),
            fixed.document.clone().unwrap_or_else(|| say::NONE.to_owned()),
            say::date(fixed.verified_on),
        ]
    });
    built(Heading::Fixed, &columns, rows.collect())
}

fn not_compared(facts: &LetterFacts) -> Option<Table> {
    let columns = [(Heading::Product, false), (Heading::Why, false)];
    let rows = facts.statement.as_ref()?.not_compared.iter().map(|missing| {
        let product = missing.product.clone().unwrap_or_else(|| say::EVERYTHING.to_owned());
        vec![product, say::reason(missing.reason).to_owned()]
    });
    built(Heading::NotCompared, &columns, rows.collect())
}
