//! Rules of the entitlement waterfall, and limits of back-billing.

use super::super::layout::{Cells, Field, Layout, Need};
use super::super::reader::Shape;
use super::super::sink::{Bad, Sink};
use super::super::table::fold;
use super::super::{FileError, Fit, Format, ReadOptions};
use super::{CLIENT_ID, CLIENT_IF_ANY, FROM, client_if_any, count, optional, span};
use crate::records::{ProductRef, Record, Rule, RuleKind, RuleValue};

pub(in super::super) const FORMAT: Format =
    Format { name: "leakage_rules", title: "Own template: rules", sides: &[], detect, read };

const LAYOUT: Layout = Layout {
    fields: &[
        Field { name: "kind", aliases: &[], need: Need::Signature },
        Field { name: "value", aliases: &[], need: Need::Signature },
        FROM,
        Field { name: "reason", aliases: &[], need: Need::Required },
        Field { name: "owner", aliases: &[], need: Need::Required },
        CLIENT_IF_ANY,
        CLIENT_ID,
        Field { name: "product", aliases: &["productname"], need: Need::Optional },
        optional("parent_product"),
        Field { name: "until", aliases: &["validuntil"], need: Need::Optional },
        optional("review_date"),
    ],
    unread: &[],
    never: &["quantity", "unitprice"],
};

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    for shape in shapes {
        LAYOUT.read(
            &shape.table,
            &options.limits,
            sink,
            &|cells| client_if_any(cells, 5, 6, None),
            &mut row,
        )?;
    }
    Ok(())
}

fn row(cells: &Cells<'_>, sink: &mut Sink) -> Result<(), Bad> {
    let kind = kind(cells)?;
    let value = value(cells, kind)?;
    let named =
        |field| cells.owned(field).map(|name| ProductRef { name: Some(name), ..ProductRef::default() });
    let (product, parent_product) = (named(7), named(8));
    if product.is_none() && matches!(kind, RuleKind::Bundle | RuleKind::Allowance | RuleKind::Minimum) {
        return Err(cells.bad(7, "is empty, and this kind of rule needs it"));
    }
    if parent_product.is_some() != (kind == RuleKind::Bundle) {
        return Err(cells.bad(8, "belongs to rules of the kind bundle, and they need it"));
    }
    let record = Rule {
        kind,
        value,
        client: client_if_any(cells, 5, 6, None),
        product,
        parent_product,
        span: span(cells, 2, 9)?,
        reason: cells.need(3)?.to_owned(),
        owner: cells.need(4)?.to_owned(),
        review_date: cells.iso_date(10)?,
    };
    sink.keep(cells.line(), Record::Rule(Box::new(record)));
    Ok(())
}

fn kind(cells: &Cells<'_>) -> Result<RuleKind, Bad> {
    Ok(match fold(cells.need(0)?).as_str() {
        "exclude" => RuleKind::Exclude,
        "bundle" => RuleKind::Bundle,
        "allowance" => RuleKind::Allowance,
        "minimum" => RuleKind::Minimum,
        "backbillingmonths" => RuleKind::BackBillingMonths,
        "creditbackmonths" => RuleKind::CreditBackMonths,
        _ => {
            let kinds =
                "is none of exclude, bundle, allowance, minimum, back_billing_months, credit_back_months";
            return Err(cells.bad(0, kinds));
        }
    })
}

fn value(cells: &Cells<'_>, kind: RuleKind) -> Result<RuleValue, Bad> {
    if cells.need(1)?.eq_ignore_ascii_case("all") {
        return if kind == RuleKind::Exclude {
            Ok(RuleValue::All)
        } else {
            Err(cells.bad(1, "is for rules of the kind exclude; this kind needs a number"))
        };
    }
    let number = count(cells, 1)?.ok_or_else(|| cells.bad(1, "is empty, and is needed"))?;
    let months = matches!(kind, RuleKind::BackBillingMonths | RuleKind::CreditBackMonths);
    if months && !number.fract().is_zero() {
        return Err(cells.bad(1, "is not a whole number of months"));
    }
    Ok(RuleValue::Number(number))
}
