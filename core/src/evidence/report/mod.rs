//! The report of an evidence bundle: the pages that people read, of everything that the bundle proves.
//!
//! [`Report`] is plain values that others fill in; [`pdf`] lays them out. The same values give the same
//! bytes. Nothing is computed here but sums of rounded amounts of one currency.

pub mod examples;
mod facts;
mod found;
mod proof;
mod settled;
#[cfg(test)]
mod tests;
mod words;

pub use facts::{
    Check, Happened, LedgerBalance, LedgerEntry, LetterBody, MonthSeats, Provisioned, Report, ReportGap,
    ReportInstalment, ReportLedger, ReportMonth, ReportPlan, SeatUse, SentLetter, SourceFile, Summary,
    ToldOutside,
};

use crate::audit::Direction;
use crate::letters::wording as say;
use crate::money::Money;
use crate::pdf::{About, Figure, Flow, Laid, MUTED, PdfError, Running, pt, write};
use rust_decimal::Decimal;

/// The report as a PDF.
///
/// # Errors
/// When it cannot be written, which no facts should bring about.
pub fn pdf(report: &Report) -> Result<Vec<u8>, PdfError> {
    let about = About {
        title: format!("{} ({})", words::title(report), report.reference),
        author: report.msp.clone(),
        language: say::LANGUAGE,
        on: report.prepared_on,
    };
    write(&laid(report)?, &about)
}

/// The pages of the report.
fn laid(report: &Report) -> Result<Laid, PdfError> {
    let mut flow = Flow::new(&report.brand)?;
    first_page(&mut flow, report);
    found::billed_against_billable(&mut flow, report);
    found::gaps(&mut flow, report);
    found::months(&mut flow, report);
    found::seats(&mut flow, report);
    settled::plan(&mut flow, report);
    settled::ledger(&mut flow, report);
    settled::timeline(&mut flow, report);
    proof::told(&mut flow, report);
    proof::letters(&mut flow, report);
    proof::sources(&mut flow, report);
    proof::check(&mut flow, report);
    let dot = "  \u{b7}  ";
    let running = Running {
        left: report.msp.clone(),
        right: [report.reference.as_str(), report.client.as_str()].join(dot),
        foot: format!("Evidence report{dot}{}{dot}{}", report.reference, say::date(report.prepared_on)),
    };
    Ok(flow.finish(&running))
}

/// Who and what, the large figures, and the story.
fn first_page(flow: &mut Flow, report: &Report) {
    let by = report.prepared_by.iter().map(|name| format!("Prepared by {name}"));
    let right: Vec<String> = ["Evidence report".to_owned(), format!("Reference {}", report.reference)]
        .into_iter()
        .chain([say::date(report.prepared_on)])
        .chain(by)
        .collect();
    flow.letterhead(&report.msp, &right);
    flow.heading(1, &words::title(report));
    let entity = report.billing_entity.iter().map(|entity| format!("Billed to {entity}"));
    let period = report.months.iter().map(|(first, last)| words::months(*first, *last));
    let audited = report.as_of.iter().map(|day| format!("audited up to {}", say::date(*day)));
    let state = [report.state.clone()].into_iter().filter(|state| !state.is_empty());
    let about: Vec<String> =
        entity.chain(period).chain(audited).chain(state.map(|state| format!("state: {state}"))).collect();
    let muted = flow.theme.body.of(MUTED);
    flow.paragraph(&about.join("  \u{b7}  "), muted, pt(18));
    flow.figures(&figures(report));
    for (heading, written, own) in [
        ("What happened", &report.summary.context, words::context(report)),
        ("The figures", &report.summary.data, words::data(report)),
        ("What happens next", &report.summary.going_forward, words::going_forward(report)),
    ] {
        flow.heading(3, heading);
        let style = flow.theme.body;
        for paragraph in if written.is_empty() { &own } else { written } {
            flow.paragraph(paragraph, style, pt(6));
        }
    }
    for remark in &report.summary.remarks {
        flow.paragraph(remark, flow.theme.body, pt(6));
    }
}

fn figures(report: &Report) -> Vec<Figure> {
    let [seats, money, forward] = match report.direction {
        Direction::Under => ["Seats not billed", "Not billed, before tax", "More each month"],
        Direction::Over => ["Seats billed too much", "Given back, before tax", "Less each month"],
    };
    let seat_months: Decimal = report.gaps.iter().map(|gap| gap.seat_months).sum();
    let amounts = |of: fn(&ReportGap) -> Option<Money>, none: &str| {
        let sums = words::sums(report.gaps.iter().filter_map(of));
        if sums.is_empty() { vec![none.to_owned()] } else { sums.into_iter().map(say::money).collect() }
    };
    let figure = |label: &str, values: Vec<String>| Figure { label: label.to_owned(), values };
    vec![
        figure(seats, vec![say::number(words::seats(&report.gaps))]),
        figure("Seat-months", vec![say::number(seat_months)]),
        figure(money, amounts(|gap| gap.amount, say::NO_PRICE)),
        figure(forward, amounts(words::forward, say::NONE)),
    ]
}
