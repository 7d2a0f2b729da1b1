//! What became of what was found: the plan, the ledger, the timeline.

use super::facts::{LedgerEntry, Report, ReportLedger};
use super::words::{self, digits, fixed};
use crate::letters::wording as say;
use crate::pdf::{Cell, Column, Flow, Table};

/// Payment in parts.
pub(super) fn plan(flow: &mut Flow, report: &Report) {
    let Some(plan) = &report.plan else { return };
    flow.heading(2, "Payment plan");
    let mut table = Table::new(vec![
        Column::number("No."),
        Column::text("Due"),
        Column::text("State"),
        Column::text("Invoice"),
        Column::number("Amount"),
    ]);
    for (part, number) in plan.instalments.iter().zip(1..) {
        let number: u32 = number;
        table.row(vec![
            number.to_string().into(),
            say::date(part.due_on).into(),
            part.state.as_str().into(),
            words::text(part.document.as_ref()).into(),
            say::money(part.amount).into(),
        ]);
    }
    let empty = Cell::default;
    table.sum(vec![
        empty(),
        "Total".into(),
        plan.state.as_str().into(),
        empty(),
        say::money(plan.total).into(),
    ]);
    flow.table(&table);
}

/// What became of every seat-month and every cent.
pub(super) fn ledger(flow: &mut Flow, report: &Report) {
    let Some(ledger) = &report.ledger else { return };
    flow.heading(2, "What became of it");
    let names: Vec<&str> = ledger.balance.iter().map(|account| account.account.as_str()).collect();
    if let [found, rest @ ..] = names.as_slice()
        && !rest.is_empty()
    {
        flow.lead(&format!("{found} = {}, in seat-months and in money.", rest.join(" + ").to_lowercase()));
    }
    balance(flow, ledger);
    if !ledger.entries.is_empty() {
        flow.heading(3, "Entries of the ledger");
        entries(flow, &ledger.entries);
    }
}

fn balance(flow: &mut Flow, ledger: &ReportLedger) {
    let wide = digits(ledger.balance.iter().map(|account| account.seat_months));
    let mut table =
        Table::new(vec![Column::text("Account"), Column::number("Seat-months"), Column::number("Amount")]);
    let last = ledger.balance.len().saturating_sub(1);
    for (at, account) in ledger.balance.iter().enumerate() {
        let cells = vec![
            account.account.as_str().into(),
            fixed(account.seat_months, wide).into(),
            say::money(account.amount).into(),
        ];
        if at == last && at > 0 { table.sum(cells) } else { table.row(cells) }
    }
    flow.table(&table);
}

fn entries(flow: &mut Flow, entries: &[LedgerEntry]) {
    let wide = digits(entries.iter().map(|entry| entry.seat_months));
    let mut table = Table::new(vec![
        Column::text("Date"),
        Column::text("Account"),
        Column::text("Why"),
        Column::number("Seat-months"),
        Column::number("Amount"),
    ]);
    for entry in entries {
        let note: Vec<&str> =
            [entry.document.as_deref(), Some(entry.actor.as_str())].into_iter().flatten().collect();
        table.row(vec![
            say::date(entry.at.date_naive()).into(),
            Cell::noted(entry.account.as_str(), entry.of.clone()),
            Cell::noted(entry.reason.as_str(), Some(note.join(" \u{b7} "))),
            fixed(entry.seat_months, wide).into(),
            say::money(entry.amount).into(),
        ]);
    }
    flow.table(&table);
}

/// What happened, in order.
pub(super) fn timeline(flow: &mut Flow, report: &Report) {
    if report.timeline.is_empty() {
        return;
    }
    flow.heading(2, "Timeline");
    let numbered = report.timeline.iter().any(|one| one.seq.is_some());
    if numbered {
        flow.lead("Each entry has a number in the log, which cannot be rewritten unseen; its proof is in the bundle.");
    }
    let mut columns = vec![Column::text("When"), Column::text("What"), Column::text("Who")];
    columns.extend(numbered.then(|| Column::number("Entry")));
    let mut table = Table::new(columns);
    for one in &report.timeline {
        let mut cells: Vec<Cell> = vec![
            words::time(one.at).into(),
            Cell::noted(one.what.as_str(), one.detail.clone()),
            one.actor.as_str().into(),
        ];
        cells.extend(numbered.then(|| Cell::from(one.seq.map(|seq| format!("#{seq}")).unwrap_or_default())));
        table.row(cells);
    }
    flow.table(&table);
}
