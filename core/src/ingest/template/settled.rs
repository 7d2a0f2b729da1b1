//! Months of gaps that were charged, credited or given up before: they are not charged again.

use super::super::layout::{Cells, Field, Layout, Need};
use super::super::reader::Shape;
use super::super::sink::{Bad, Sink};
use super::super::{FileError, Fit, Format, ReadOptions};
use super::{count, optional};
use crate::audit::SettledMonth;
use crate::period::Month;
use crate::records::{Decision, Record};
use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};

pub(in super::super) const FORMAT: Format =
    Format { name: "leakage_settled", title: "Own template: settled months", sides: &[], detect, read };

const LAYOUT: Layout = Layout {
    fields: &[
        // As an audit names it: a gap keeps its id.
        Field { name: "gap", aliases: &["gapid"], need: Need::Signature },
        Field { name: "month", aliases: &[], need: Need::Signature },
        Field { name: "seat_months", aliases: &[], need: Need::Required },
        Field { name: "amount", aliases: &[], need: Need::Required },
        Field { name: "settled_by", aliases: &[], need: Need::Signature },
        // The invoice or credit note, if `settled_by` is none.
        optional("document"),
    ],
    unread: &[],
    never: &["quantity", "unitprice", "purchased"],
};

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    for shape in shapes {
        LAYOUT.read(&shape.table, &options.limits, sink, &|_| None, &mut row)?;
    }
    Ok(())
}

fn row(cells: &Cells<'_>, sink: &mut Sink) -> Result<(), Bad> {
    let month: Month = cells.need(1)?.parse().map_err(|_| cells.bad(1, "is not a month such as 2026-02"))?;
    let seat_months = count(cells, 2)?.ok_or_else(|| cells.bad(2, "is empty, and is needed"))?;
    let exact = seat_months.checked_mul(Decimal::from(month.days()));
    let seat_days = exact
        .and_then(|days| days.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64())
        .ok_or_else(|| cells.bad(2, "is more than can be right"))?;
    let settled_by = cells.need(4)?.to_owned();
    let documents = [Some(settled_by.clone()), cells.owned(5)];
    let settled = SettledMonth {
        gap: cells.need(0)?.to_lowercase(),
        month,
        open: false,
        seat_days,
        amount: count(cells, 3)?.ok_or_else(|| cells.bad(3, "is empty, and is needed"))?,
        documents: documents.into_iter().flatten().collect(),
        settled_by,
    };
    sink.keep(cells.line(), Record::Decision(Box::new(Decision::Settled(settled))));
    Ok(())
}
