//! Objections of clients, for reports.

use crate::error::ApiError;
use crate::services::corrections::{self, Loaded};
use crate::storage::OrgTx;
use crate::storage::corrections as stored;
use leakage_core::correction::dispute::Dispute;
use leakage_core::history::reports::KnownDispute;
use leakage_core::id::ClientId;
use leakage_core::money::Currency;
use std::collections::BTreeMap;
use uuid::Uuid;

/// All objections, of one client or currency if given: two queries, however many there are.
pub async fn known(
    tx: &mut OrgTx,
    client: Option<Uuid>,
    currency: Option<Currency>,
) -> Result<Vec<KnownDispute>, ApiError> {
    let rows = stored::disputed(tx, client).await?;
    let loaded = corrections::all(tx, rows).await?;
    let wanted = |one: &&Loaded| currency.is_none_or(|currency| one.correction.subject.currency == currency);
    Ok(loaded.iter().filter(wanted).flat_map(of).collect())
}

fn of(loaded: &Loaded) -> impl Iterator<Item = KnownDispute> {
    loaded.correction.disputes.iter().map(|dispute| one(loaded, dispute))
}

fn one(loaded: &Loaded, dispute: &Dispute) -> KnownDispute {
    let correction = &loaded.correction;
    let recovered = correction.recovered();
    let mut products: BTreeMap<String, i64> = BTreeMap::new();
    for (place, quantity) in &dispute.cells {
        let product = correction.line(place.line).map_or_else(String::new, |line| line.product.clone());
        *products.entry(product).or_default() += quantity.minor;
    }
    KnownDispute {
        correction: loaded.row.id.to_string(),
        client: correction.subject.client.clone(),
        client_id: loaded.row.client_id.map(ClientId::new),
        biller: correction.announcement.as_ref().map(|told| told.by.clone()),
        currency: correction.subject.currency,
        reason: dispute.reason,
        outcome: correction.outcome(dispute),
        evidence: dispute.evidence(),
        first_month: dispute.cells.keys().next().map(|place| place.month),
        recorded_on: dispute.recorded_at.date_naive(),
        days_to_answer: dispute.days_to_answer(),
        products,
        found: correction.ledger.balance().found.minor,
        recovered: recovered.billed + recovered.credited,
    }
}
