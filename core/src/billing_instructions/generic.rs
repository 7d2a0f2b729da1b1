//! Any other system: what to enter, in plain words. Nothing is said of how it prorates, so nothing is left to it.

use super::proration::Rule;
use super::targets::{Adapter, Target};
use super::write::{Cell, Draft, Written};
use rust_decimal::Decimal;

pub(super) const ADAPTER: Adapter = Adapter {
    target: Target::Generic,
    name: "generic",
    title: "the billing system",
    formats: "",
    rule: Rule::Whole,
    write,
};

fn write(draft: &Draft<'_>) -> Written {
    let mut out = Written::default();
    let header = [
        "client",
        "document",
        "date",
        "product",
        "code",
        "description",
        "quantity",
        "unit_price",
        "amount",
        "currency",
        "reference",
    ];
    let lines = draft.one_off.iter().map(|line| {
        let document = if line.minor < 0 { "credit note" } else { "invoice" };
        vec![
            draft.named().into(),
            document.into(),
            line.on.into(),
            Cell::Text(line.product.clone()),
            Cell::of(line.product_code.as_deref()),
            Cell::Text(line.description.clone()),
            Decimal::ONE.into(),
            line.amount.amount.into(),
            line.amount.amount.into(),
            draft.currency.as_str().into(),
            Cell::Text(line.reference.clone()),
        ]
    });
    out.table("one_off", &header, lines.collect());
    let header = [
        "client",
        "agreement",
        "product",
        "code",
        "from_quantity",
        "to_quantity",
        "included",
        "unit_price",
        "effective_date",
        "prorate",
    ];
    let changes = draft.rows().map(|(change, row)| {
        vec![
            draft.named().into(),
            Cell::of(row.agreement.as_deref()),
            Cell::Text(change.product.clone()),
            Cell::of(row.product_code.as_deref()),
            row.from_quantity.into(),
            row.to_quantity.into(),
            row.included.into(),
            row.unit_price.or(change.unit_price).map_or_else(Cell::empty, Cell::from),
            change.effective_on.into(),
            "no".into(),
        ]
    });
    out.table("recurring", &header, changes.collect());
    if draft.gives_back {
        out.notes.push("What was charged too much is given back whole and at once.".to_owned());
    }
    out
}
