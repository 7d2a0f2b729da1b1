//! The regular rows by which clients are billed, as an audit would use them: newer files have replaced older ones,
//! and names are matched. For saying where a correction is to be entered; no part of an audit.

use super::client::Context;
use super::identity::ClientId;
use crate::records::BillingLine;
use std::collections::BTreeMap;

/// A regular billing row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingRow {
    /// The client.
    pub client: String,
    /// The billing entity that it belongs to, as it is shown.
    pub billing_entity: Option<String>,
    /// The product.
    pub product: String,
    /// The format that it was read as.
    pub format: String,
    /// Digest of its file.
    pub import: String,
    /// Its line there.
    pub line: u32,
    /// What it says.
    pub record: BillingLine,
}

pub(super) fn billing_rows(context: &Context<'_>) -> Vec<BillingRow> {
    let wanted = |client: &ClientId| context.wanted.is_none_or(|wanted| wanted.contains(client));
    let bills = || context.chosen.bills.iter().filter(|bill| wanted(&bill.client) && bill.regular());
    // As in an audit, the first of a client's sources is used.
    let mut used: BTreeMap<ClientId, u32> = BTreeMap::new();
    for bill in bills() {
        used.entry(bill.client).and_modify(|rank| *rank = (*rank).min(bill.rank)).or_insert(bill.rank);
    }
    let of = |bill: &super::rows::Bill<'_>| {
        let source = context.sources.get(bill.line.source as usize)?;
        Some(BillingRow {
            client: context.identity.client_name(bill.client).to_owned(),
            billing_entity: context.allocations.billed_to(bill).map(str::to_owned),
            product: context.identity.product_name(bill.product).to_owned(),
            format: source.format.clone(),
            import: source.import.clone(),
            line: bill.line.line,
            record: bill.record.clone(),
        })
    };
    bills().filter(|bill| used.get(&bill.client) == Some(&bill.rank)).filter_map(of).collect()
}
