//! Our own file template, as fixed in its documentation: one file of this folder for each kind of file.
//!
//! CSV with `,` `;` or TAB, sheets of a workbook, or JSON lists of the same fields; headers in any order
//! and case. Dates have the year first and spans are half-open: an empty `until` is still so. Rows of the
//! same client, product and days add up, so equal rows are not duplicates.

pub(super) mod allocations;
pub(super) mod billing;
pub(super) mod billing_entities;
pub(super) mod cost;
pub(super) mod entitlements;
pub(super) mod mappings;
pub(super) mod policies;
pub(super) mod prices;
pub(super) mod rules;
pub(super) mod settled;

use super::Format;
use super::layout::{Cells, Field, Layout, Need};
use super::shared::Shared;
use super::sink::{Bad, Sink};
use super::table::fold;
use crate::period::Span;
use crate::records::{ClientRef, Cycle, ProductRef, Term};
use rust_decimal::Decimal;
use std::sync::Arc;

/// A kind of template as [`super::profile`] reads it: rows whose columns go by other names.
pub(super) struct Kind {
    pub(super) format: &'static Format,
    pub(super) layout: &'static Layout,
    pub(super) client: fn(&Cells<'_>) -> Option<ClientRef>,
    pub(super) row: fn(&Cells<'_>, &mut Names, &mut Sink<'_>) -> Result<(), Bad>,
}

const CLIENT: Field = Field {
    name: "client",
    aliases: &["clientname", "customer", "customername", "company", "companyname"],
    need: Need::Required,
};
const CLIENT_IF_ANY: Field = Field {
    name: "client",
    aliases: &["clientname", "customer", "customername", "company", "companyname"],
    need: Need::Optional,
};
const CLIENT_ID: Field =
    Field { name: "client_id", aliases: &["customerid", "tenantid", "companyid"], need: Need::Optional };
const PRODUCT: Field = Field { name: "product", aliases: &["productname"], need: Need::Required };
const QUANTITY: Field = Field { name: "quantity", aliases: &["qty", "seats"], need: Need::Signature };
const CURRENCY: Field = Field { name: "currency", aliases: &["currencycode"], need: Need::Required };
const FROM: Field = Field { name: "from", aliases: &["validfrom"], need: Need::Required };

const fn optional(name: &'static str) -> Field {
    Field { name, aliases: &[], need: Need::Optional }
}

/// The clients and products that a thread has read.
#[derive(Default)]
pub(super) struct Names {
    clients: Shared<ClientRef>,
    products: Shared<ProductRef>,
}

impl Names {
    /// The client of a row; see [`client`].
    fn client(
        &mut self,
        cells: &Cells<'_>,
        name: usize,
        id: usize,
        domain: Option<usize>,
    ) -> Result<Arc<ClientRef>, Bad> {
        // An id or a domain in lower case stays as it is, so what is written the same is the same.
        let as_written = |last: &ClientRef| {
            last.name.as_deref() == cells.text(name)
                && last.id.as_deref() == cells.text(id)
                && last.domain.as_deref() == domain.and_then(|domain| cells.text(domain))
        };
        if let Some(same) = self.clients.again(as_written) {
            return Ok(same);
        }
        client(cells, name, id, domain).map(|client| self.clients.of(client))
    }

    /// The product of a row. `name`, `sku`, `part_number` and `code` as the row has them.
    fn product(&mut self, [name, sku, part_number, code]: [Option<&str>; 4]) -> Arc<ProductRef> {
        let as_written = |last: &ProductRef| {
            [&last.name, &last.sku, &last.part_number, &last.code].map(Option::as_deref)
                == [name, sku, part_number, code]
        };
        if let Some(same) = self.products.again(as_written) {
            return same;
        }
        let [name, sku, part_number, code] =
            [name, sku, part_number, code].map(|text| text.map(str::to_owned));
        self.products.of(ProductRef { name, sku, part_number, code })
    }
}

/// The client of a row; `domain` is none where the file has no such column.
fn client(cells: &Cells<'_>, name: usize, id: usize, domain: Option<usize>) -> Result<ClientRef, Bad> {
    if !cells.has(name) && !cells.has(id) {
        // Only with a profile: the uploader says whose file it is.
        return Ok(ClientRef {
            domain: domain.and_then(|domain| cells.owned(domain)),
            ..ClientRef::default()
        });
    }
    let client = client_if_any(cells, name, id, domain);
    client.ok_or_else(|| cells.bad(name, "is empty, and is needed"))
}

fn client_if_any(cells: &Cells<'_>, name: usize, id: usize, domain: Option<usize>) -> Option<ClientRef> {
    let client = ClientRef {
        id: cells.text(id).map(str::to_lowercase),
        name: cells.owned(name),
        domain: domain.and_then(|domain| cells.text(domain)).map(str::to_lowercase),
    };
    (client.id.is_some() || client.name.is_some()).then_some(client)
}

/// The client of a decision, by id or name.
fn client_text(cells: &Cells<'_>, name: usize, id: usize) -> Option<String> {
    client_if_any(cells, name, id, None).and_then(|client| client.id.or(client.name))
}

fn needed_client(cells: &Cells<'_>, name: usize, id: usize) -> Result<String, Bad> {
    client_text(cells, name, id).ok_or_else(|| cells.bad(name, "is empty, and is needed"))
}

fn product_if_any(cells: &Cells<'_>, field: usize) -> Option<ProductRef> {
    cells.owned(field).map(|name| ProductRef { name: Some(name), ..ProductRef::default() })
}

/// Half-open days.
fn span(cells: &Cells<'_>, from: usize, until: usize) -> Result<Span, Bad> {
    let start = cells.iso_date(from)?.ok_or_else(|| {
        let reason =
            if cells.text(from).is_some() { "stands for no date" } else { "is empty, and is needed" };
        cells.bad(from, reason)
    })?;
    let span = Span { from: start, until: cells.iso_date(until)? };
    if span.is_empty() {
        return Err(cells.bad(until, "is not after `from`; it is the day after the last one"));
    }
    Ok(span)
}

fn term(cells: &Cells<'_>, field: usize) -> Result<Option<Term>, Bad> {
    let Some(text) = cells.text(field) else { return Ok(None) };
    match fold(text).as_str() {
        "monthly" | "month" | "1month" | "p1m" => Ok(Some(Term::Monthly)),
        "annual" | "yearly" | "1year" | "p1y" => Ok(Some(Term::Annual)),
        "triennial" | "3years" | "p3y" => Ok(Some(Term::Triennial)),
        _ => Err(cells.bad(field, "is none of monthly, annual, triennial")),
    }
}

fn cycle(cells: &Cells<'_>, field: usize) -> Result<Cycle, Bad> {
    let text = match cells.text(field) {
        None | Some("monthly") => return Ok(Cycle::Monthly),
        Some(text) => text,
    };
    match fold(text).as_str() {
        "monthly" | "month" => Ok(Cycle::Monthly),
        "quarterly" | "quarter" => Ok(Cycle::Quarterly),
        "annual" | "yearly" | "year" => Ok(Cycle::Annual),
        "triennial" | "3years" => Ok(Cycle::Triennial),
        _ => Err(cells.bad(field, "is none of monthly, quarterly, annual, triennial")),
    }
}

/// A number that is not below zero.
fn count(cells: &Cells<'_>, field: usize) -> Result<Option<Decimal>, Bad> {
    let number = cells.number(field)?;
    if number.is_some_and(|number| number.is_sign_negative() && !number.is_zero()) {
        return Err(cells.bad(field, "is below zero"));
    }
    Ok(number)
}
