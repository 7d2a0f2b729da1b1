//! Capturing what proves a gap when it is found: vendors' logs age out, and imports can be voided.

use crate::app::App;
use crate::error::ApiError;
use crate::services::signing_keys;
use crate::storage::captured::{self, Wanted};
use crate::storage::gaps::NewGap;
use crate::storage::products::{self, ProductRow};
use crate::storage::{OrgTx, mappings};
use chrono::{DateTime, Utc};
use leakage_core::catalog::Catalog;
use leakage_core::id::AuditId;
use leakage_core::matching::fold;
use leakage_core::records::MappingSide;
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Captures what the imports of an audit say of its gaps' seats.
pub async fn capture(
    app: &App,
    tx: &mut OrgTx,
    audit: AuditId,
    known_at: DateTime<Utc>,
    gaps: &[NewGap],
) -> Result<u64, ApiError> {
    let known: Vec<&NewGap> = gaps.iter().filter(|gap| gap.client_id.is_some()).collect();
    if known.is_empty() {
        return Ok(0);
    }
    let names = Names::load(tx, known_at).await?;
    let mut wanted = Wanted::default();
    for gap in known {
        let Some(client) = gap.client_id else { continue };
        wanted.gaps.push(gap.id.clone());
        wanted.clients.push(client);
        for product in names.of(gap) {
            wanted.product_gaps.push(gap.id.clone());
            wanted.products.push(product);
        }
    }
    let key = signing_keys::pseudonym_key(app, tx).await?;
    let salt = Sha256::new().chain_update(b"captured evidence").chain_update(key).finalize();
    Ok(captured::capture(tx, audit, &wanted, &salt, app.clock.now()).await?)
}

/// The refs of products by what they go by: their ids, names, and what a person said that they are.
struct Names(HashMap<String, Vec<Uuid>>);

impl Names {
    async fn load(tx: &mut OrgTx, known_at: DateTime<Utc>) -> Result<Self, ApiError> {
        let mut mapped: HashMap<String, Vec<String>> = HashMap::new();
        for mapping in mappings::approved(tx, known_at).await? {
            if mapping.side == MappingSide::Product {
                mapped.entry(fold(&mapping.source)).or_default().push(fold(&mapping.target));
            }
        }
        let mut names: HashMap<String, Vec<Uuid>> = HashMap::new();
        for row in products::all(tx).await? {
            for key in keys(&row, &mapped) {
                names.entry(key).or_default().push(row.id);
            }
        }
        Ok(Self(names))
    }

    fn of(&self, gap: &NewGap) -> HashSet<Uuid> {
        let keys = gap.sku.iter().map(|sku| fold(sku)).chain([gap.product_key.clone()]);
        keys.filter_map(|key| self.0.get(&key)).flatten().copied().collect()
    }
}

/// What a ref goes by, folded.
fn keys(row: &ProductRow, mapped: &HashMap<String, Vec<String>>) -> HashSet<String> {
    let written = [&row.name, &row.sku, &row.part_number, &row.code];
    let mut keys: HashSet<String> = written.into_iter().flatten().map(|text| fold(text)).collect();
    let catalog = Catalog::microsoft();
    let skus = row.part_number.iter().flat_map(|part| catalog.by_part_number(part));
    let skus = skus.chain(row.sku.iter().filter_map(|sku| catalog.by_guid(sku)));
    for sku in skus {
        keys.insert(fold(&sku.guid));
        keys.extend(sku.names.iter().map(|name| fold(&name.text)));
    }
    let named: Vec<String> = keys.iter().filter_map(|key| mapped.get(key)).flatten().cloned().collect();
    keys.extend(named);
    keys
}
