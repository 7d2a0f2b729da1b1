//! What was found: the chart, the gaps with their months, and the seats behind them.

use super::facts::{Report, ReportGap};
use super::words::{self, digits, fixed};
use crate::audit::Direction;
use crate::letters::wording as say;
use crate::money::{Currency, Money};
use crate::pdf::{Cell, Chart, Column, Flow, Group, Table, pt};
use chrono::Datelike as _;
use rust_decimal::Decimal;

/// The chart.
pub(super) fn billed_against_billable(flow: &mut Flow, report: &Report) {
    if report.chart.is_empty() {
        return;
    }
    flow.heading(2, "Billed against billable, month by month");
    flow.lead("Seats on the last audited day of each month.");
    let mut year = None;
    let mut groups = Vec::new();
    let mut said = Vec::new();
    for month in &report.chart {
        let name = say::month(month.month);
        let own = month.month.first_day().year();
        groups.push(Group {
            label: name.chars().take(3).collect(),
            under: if year == Some(own) { String::new() } else { format!("{own:04}") },
            values: [month.billable, month.billed],
            light: month.provisional,
        });
        year = Some(own);
        said.push(format!(
            "{name}: billable {}, billed {}",
            say::number(month.billable),
            say::number(month.billed)
        ));
    }
    flow.chart(&Chart {
        series: ["Billable: what is provisioned and to be billed".to_owned(), "Billed".to_owned()],
        axis: "Seats".to_owned(),
        light: "Month is not over".to_owned(),
        groups,
        alt: format!("Seats by month. {}.", said.join("; ")),
    });
}

/// The table of gaps, with totals by currency.
pub(super) fn gaps(flow: &mut Flow, report: &Report) {
    flow.heading(2, "What we found");
    if report.gaps.is_empty() {
        let style = flow.theme.body;
        flow.paragraph("No difference is left.", style, pt(6));
        return;
    }
    flow.lead(match report.direction {
        Direction::Under => "Seats that are provisioned and were not billed. Amounts are before tax.",
        Direction::Over => {
            "Seats that were billed and are not provisioned: we over-billed you. Amounts are before tax."
        }
    });
    let wide = digits(report.gaps.iter().map(|gap| gap.seat_months));
    let mut table = Table::new(vec![
        Column::text("Product"),
        Column::text("Months"),
        Column::number("Seats"),
        Column::number("Seat-months"),
        Column::number("Per seat and month"),
        Column::number("Amount"),
    ]);
    for gap in &report.gaps {
        let note: Vec<&str> = [Some(gap.kind.as_str()), gap.sku.as_deref()].into_iter().flatten().collect();
        table.row(vec![
            Cell::noted(gap.product.as_str(), Some(note.join(" \u{b7} "))),
            words::gap_months(gap).into(),
            say::number(gap.seats).into(),
            fixed(gap.seat_months, wide).into(),
            gap.unit_price.map_or_else(|| say::NONE.to_owned(), say::money).into(),
            words::money(gap.amount).into(),
        ]);
    }
    for total in words::sums(report.gaps.iter().filter_map(|gap| gap.amount)) {
        table.sum(total_row(report, total, wide));
    }
    flow.table(&table);
    time_barred(flow, report);
}

fn total_row(report: &Report, total: Money, wide: u32) -> Vec<Cell> {
    let of: Vec<&ReportGap> =
        report.gaps.iter().filter(|gap| currency(gap) == Some(total.currency)).collect();
    let seats = words::seats(of.iter().copied());
    let seat_months: Decimal = of.iter().map(|gap| gap.seat_months).sum();
    vec![
        format!("Total in {}", total.currency).into(),
        Cell::default(),
        say::number(seats).into(),
        fixed(seat_months, wide).into(),
        Cell::default(),
        say::money(total).into(),
    ]
}

fn currency(gap: &ReportGap) -> Option<Currency> {
    gap.amount.map(|amount| amount.currency)
}

fn time_barred(flow: &mut Flow, report: &Report) {
    let barred: Vec<(&ReportGap, Decimal, Money)> = report
        .gaps
        .iter()
        .filter_map(|gap| gap.time_barred.map(|(seat_months, amount)| (gap, seat_months, amount)))
        .filter(|(_, seat_months, amount)| !seat_months.is_zero() || !amount.amount.is_zero())
        .collect();
    if barred.is_empty() {
        return;
    }
    flow.heading(3, "Too old to be corrected");
    flow.lead("Shown because it was found; it is no part of the amounts above.");
    let wide = digits(barred.iter().map(|(_, seat_months, _)| *seat_months));
    let mut table =
        Table::new(vec![Column::text("Product"), Column::number("Seat-months"), Column::number("Amount")]);
    for (gap, seat_months, amount) in &barred {
        table.row(vec![
            gap.product.as_str().into(),
            fixed(*seat_months, wide).into(),
            say::money(*amount).into(),
        ]);
    }
    flow.table(&table);
}

/// Each gap with its months, and the files that they come from.
pub(super) fn months(flow: &mut Flow, report: &Report) {
    let months = || report.gaps.iter().flat_map(|gap| &gap.months);
    if months().next().is_none() {
        return;
    }
    flow.heading(2, "Month by month");
    flow.lead(
        "Billable and billed are the seats on the last audited day of the month. A seat-month is one seat for all days \
         of a month; the amount of each month is rounded once.",
    );
    let wide = digits(months().map(|month| month.seat_months));
    let noted = months().any(|month| month.note.is_some());
    let mut columns = vec![
        Column::text("Month"),
        Column::number("Billable"),
        Column::number("Billed"),
        Column::number("Difference"),
        Column::number("Seat-months"),
        Column::number("Amount"),
    ];
    columns.extend(noted.then(|| Column::text("Note")));
    let mut table = Table::new(columns);
    for gap in report.gaps.iter().filter(|gap| !gap.months.is_empty()) {
        let sources = (!gap.sources.is_empty()).then(|| format!("From {}", gap.sources.join("; ")));
        table.group(Cell::noted(gap.product.as_str(), sources));
        for month in &gap.months {
            let mut cells: Vec<Cell> = vec![
                say::month(month.month).into(),
                say::number(month.billable).into(),
                say::number(month.billed).into(),
                words::signed(month.billable - month.billed).into(),
                fixed(month.seat_months, wide).into(),
                words::money(month.amount).into(),
            ];
            cells.extend(noted.then(|| Cell::from(month.note.clone().unwrap_or_default())));
            table.row(cells);
        }
    }
    flow.table(&table);
}

/// Rows of the log and of use that are shown.
const MOST_ROWS: usize = 2_000;

/// Says what is not shown, and where it is.
fn cut(flow: &mut Flow, rows: usize, sheet: &str) {
    if rows > MOST_ROWS {
        let count = |many: usize| say::number(Decimal::from(many));
        flow.lead(&format!(
            "The first {} of {} rows are shown; {sheet} in the evidence bundle has all of them.",
            count(MOST_ROWS),
            count(rows)
        ));
    }
}

/// The provisioning log, and who uses the seats.
pub(super) fn seats(flow: &mut Flow, report: &Report) {
    flow.heading(2, "Who has the seats, and since when");
    let style = flow.theme.body;
    flow.heading(3, "Changes of seats");
    if report.provisioning.is_empty() {
        flow.paragraph("No change of seats is on record, and nothing is claimed about one.", style, pt(8));
    } else {
        log(flow, report);
    }
    flow.heading(3, "Accounts and their last activity");
    if report.activity.is_empty() {
        flow.paragraph(
            "No record of use is part of this report, and nothing is claimed about it.",
            style,
            pt(8),
        );
    } else {
        accounts(flow, report);
    }
}

fn log(flow: &mut Flow, report: &Report) {
    let any = |of: fn(&super::Provisioned) -> bool| report.provisioning.iter().any(of);
    let (account, by) = (any(|one| one.account.is_some()), any(|one| one.by.is_some()));
    let reference = any(|one| one.reference.is_some());
    let mut columns = vec![Column::text("Date"), Column::text("Product"), Column::number("Seats")];
    columns.extend(account.then(|| Column::text("For")));
    columns.extend(by.then(|| Column::text("Requested by")));
    columns.extend(reference.then(|| Column::text("Reference")));
    let mut table = Table::new(columns);
    cut(flow, report.provisioning.len(), "provisioning.csv");
    for one in report.provisioning.iter().take(MOST_ROWS) {
        let mut cells: Vec<Cell> =
            vec![say::date(one.on).into(), one.product.as_str().into(), words::signed(one.seats).into()];
        cells.extend(account.then(|| words::text(one.account.as_ref()).into()));
        cells.extend(by.then(|| words::text(one.by.as_ref()).into()));
        cells.extend(reference.then(|| words::text(one.reference.as_ref()).into()));
        table.row(cells);
    }
    flow.table(&table);
}

fn accounts(flow: &mut Flow, report: &Report) {
    let count = |many: usize| say::number(Decimal::from(many));
    let active = report.activity.iter().filter(|one| one.last_active_on.is_some()).count();
    flow.lead(&format!(
        "Use is recorded for {} of {} accounts.",
        count(active),
        count(report.activity.len())
    ));
    let mut table = Table::new(vec![
        Column::text("Account"),
        Column::text("Product"),
        Column::text("Has the seat since"),
        Column::text("Last active"),
    ]);
    cut(flow, report.activity.len(), "activity.csv");
    for one in report.activity.iter().take(MOST_ROWS) {
        let last = match (one.last_active_on, one.recorded_on) {
            (Some(day), _) => say::date(day),
            (None, Some(day)) => format!("none recorded up to {}", say::date(day)),
            (None, None) => "none recorded".to_owned(),
        };
        table.row(vec![
            one.account.as_str().into(),
            one.product.as_str().into(),
            words::day(one.provisioned_on).into(),
            last.into(),
        ]);
    }
    flow.table(&table);
}
