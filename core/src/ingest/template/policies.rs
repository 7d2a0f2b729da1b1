//! How seats are counted, prorated and limited where that differs: of a client, an agreement or a product.

use super::super::layout::{Cells, Field, Layout, Need};
use super::super::reader::Shape;
use super::super::sink::{Bad, Sink};
use super::super::{FileError, Fit, Format, ReadOptions};
use super::{CLIENT_ID, CLIENT_IF_ANY, FROM, client_if_any, client_text, optional, product_if_any, span};
use crate::audit::PolicyOverride;
use crate::records::{Decision, Record};
use std::str::FromStr;

pub(in super::super) const FORMAT: Format =
    Format { name: "leakage_policies", title: "Own template: policies", sides: &[], detect, read };

const LAYOUT: Layout = Layout {
    fields: &[
        Field { name: "basis", aliases: &[], need: Need::SignatureOneOf(1) },
        Field { name: "proration", aliases: &[], need: Need::SignatureOneOf(1) },
        Field { name: "back_billing_months", aliases: &[], need: Need::SignatureOneOf(1) },
        Field { name: "credit_back_months", aliases: &[], need: Need::SignatureOneOf(1) },
        FROM,
        Field { name: "until", aliases: &["validuntil"], need: Need::Optional },
        Field { name: "reason", aliases: &[], need: Need::Required },
        CLIENT_IF_ANY,
        CLIENT_ID,
        optional("agreement"),
        Field { name: "product", aliases: &["productname"], need: Need::Optional },
        optional("owner"),
    ],
    unread: &[],
    never: &["quantity", "unitprice", "purchased", "kind"],
};

/// A hundred years.
const MOST_MONTHS: u32 = 1_200;

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    for shape in shapes {
        let client = |cells: &Cells<'_>| client_if_any(cells, 7, 8, None);
        LAYOUT.read(&shape.table, &options.limits, sink, &client, &mut row)?;
    }
    Ok(())
}

fn row(cells: &Cells<'_>, sink: &mut Sink) -> Result<(), Bad> {
    cells.need(6)?;
    let policy = PolicyOverride {
        client: client_text(cells, 7, 8),
        agreement: cells.owned(9),
        product: product_if_any(cells, 10),
        span: Some(span(cells, 4, 5)?),
        basis: choice(cells, 0)?,
        proration: choice(cells, 1)?,
        back_billing_months: months(cells, 2)?,
        credit_back_months: months(cells, 3)?,
    };
    let says = [0, 1, 2, 3].into_iter().any(|field| cells.text(field).is_some());
    if !says {
        return Err(cells.bad(
            0,
            "is empty, and so are proration, back_billing_months and credit_back_months; one of them is needed",
        ));
    }
    if policy.client.is_none() && policy.agreement.is_none() && policy.product.is_none() {
        return Err(cells.bad(7, "is empty, and so are agreement and product; one of them is needed"));
    }
    if let (Some(back), Some(credit)) = (policy.back_billing_months, policy.credit_back_months)
        && credit < back
    {
        return Err(cells.bad(3, "is less than back_billing_months; what is owed goes back as far at least"));
    }
    sink.keep(cells.line(), Record::Decision(Box::new(Decision::Policy(policy))));
    Ok(())
}

fn choice<T: FromStr>(cells: &Cells<'_>, field: usize) -> Result<Option<T>, Bad> {
    let Some(text) = cells.text(field) else { return Ok(None) };
    let wrong = if field == 0 {
        "is none of purchased, assigned, active"
    } else {
        "is none of daily, full_month, next_month"
    };
    text.to_lowercase().parse().map(Some).map_err(|_| cells.bad(field, wrong))
}

fn months(cells: &Cells<'_>, field: usize) -> Result<Option<u32>, Bad> {
    let Some(text) = cells.text(field) else { return Ok(None) };
    let months = text.parse().ok().filter(|months| *months <= MOST_MONTHS);
    months.map(Some).ok_or_else(|| cells.bad(field, "is not a whole number of months from 0 to 1200"))
}
