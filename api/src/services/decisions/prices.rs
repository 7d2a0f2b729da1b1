//! The organization's price list: what a seat costs where no billing line says.

use super::{Decided, FOLDED_BYTES, Validity, known_client, name, product_key, store};
use crate::auth::Actor;
use crate::error::ApiError;
use crate::services::text;
use crate::storage::OrgTx;
use crate::storage::decisions::{NewDecision, Resource};
use chrono::{DateTime, Utc};
use leakage_core::id::{ClientId, PriceId};
use leakage_core::matching::fold;
use leakage_core::money::Currency;
use leakage_core::period::Span;
use leakage_core::records::{ClientRef, Cycle, Price, ProductRef, Term};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// A price is below this.
const MOST: i64 = 1_000_000_000_000;

/// Digits after the point.
const DIGITS: u32 = 10;

/// What a price says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PriceTerms {
    /// Of this product.
    pub product: String,
    /// The vendor's id of the product, where its name alone does not tell.
    pub sku: Option<String>,
    /// Of this term only.
    pub term: Option<Term>,
    /// What one price pays for.
    pub cycle: Cycle,
    /// Price per seat and cycle, before tax.
    pub unit_price: Decimal,
    /// Its currency.
    pub currency: Currency,
}

impl PriceTerms {
    fn checked(self) -> Result<Self, ApiError> {
        let sku = self.sku.as_deref().map(|sku| text::short("/sku", sku, 200)).transpose()?;
        if sku.as_ref().is_some_and(|sku| fold(sku).len() > FOLDED_BYTES) {
            return Err(ApiError::invalid("/sku", "must be the vendor's id of the product"));
        }
        let fits = self.unit_price > Decimal::ZERO
            && self.unit_price < Decimal::from(MOST)
            && self.unit_price.normalize().scale() <= DIGITS;
        if !fits {
            return Err(ApiError::invalid(
                "/unit_price",
                format!(
                    "must be a price above 0 and below {MOST}, with at most {DIGITS} digits after the point"
                ),
            ));
        }
        Ok(Self { product: name("/product", &self.product)?, sku, ..self })
    }

    /// As the engine takes it, for this client.
    pub(super) fn price(&self, client: Option<ClientRef>, span: Span) -> Price {
        Price {
            client,
            product: ProductRef {
                name: Some(self.product.clone()),
                sku: self.sku.clone(),
                ..ProductRef::default()
            },
            term: self.term,
            cycle: self.cycle,
            unit_price: self.unit_price,
            currency: self.currency,
            span,
        }
    }
}

/// Makes a price.
///
/// # Errors
/// 422 at the field that cannot be.
pub async fn create(
    tx: &mut OrgTx,
    actor: &Actor,
    client: Option<ClientId>,
    terms: PriceTerms,
    days: Validity,
    now: DateTime<Utc>,
) -> Result<Decided<PriceTerms>, ApiError> {
    let (terms, days) = (terms.checked()?, days.checked()?);
    known_client(tx, client).await?;
    let new = NewDecision {
        id: PriceId::new(Uuid::now_v7()).uuid(),
        resource: Resource::Price,
        kind: None,
        client,
        billing_entity: None,
        product_key: product_key(Some(&terms.product)),
        review_date: None,
        detail: Value::Null,
        valid_from: days.from,
        valid_until: days.until,
    };
    store(tx, actor, new, &terms, now).await
}
