//! Policies: how the seats of a client, an agreement or a product are counted, prorated and limited, where
//! that differs from the organization's settings.

use super::{Decided, REASON, Validity, known_client, name, product, product_key, store};
use crate::auth::Actor;
use crate::error::ApiError;
use crate::services::text;
use crate::storage::OrgTx;
use crate::storage::decisions::{NewDecision, Resource};
use chrono::{DateTime, Utc};
use leakage_core::audit::{Basis, PolicyOverride, Proration};
use leakage_core::id::{ClientId, PolicyId};
use leakage_core::period::Span;
use leakage_core::records::ProductRef;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Months that a limit can be of: a hundred years.
const MONTHS: u32 = 1_200;

/// What a policy says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyTerms {
    /// For products billed under this agreement.
    pub agreement: Option<String>,
    /// For this product.
    pub product: Option<String>,
    /// Which seats are counted.
    pub basis: Option<Basis>,
    /// How changes inside a month count.
    pub proration: Option<Proration>,
    /// Closed months that may be charged back.
    pub back_billing_months: Option<u32>,
    /// Closed months that must be credited back.
    pub credit_back_months: Option<u32>,
    /// Why.
    pub reason: String,
}

impl PolicyTerms {
    fn checked(self) -> Result<Self, ApiError> {
        for (pointer, months) in [
            ("/back_billing_months", self.back_billing_months),
            ("/credit_back_months", self.credit_back_months),
        ] {
            if months.is_some_and(|months| months > MONTHS) {
                return Err(ApiError::invalid(pointer, format!("must be 0 to {MONTHS} months")));
            }
        }
        if let (Some(back), Some(credit)) = (self.back_billing_months, self.credit_back_months)
            && credit < back
        {
            return Err(ApiError::invalid(
                "/credit_back_months",
                "What was billed too much is never credited back less far than what was billed too little is charged.",
            ));
        }
        let silent = self.basis.is_none()
            && self.proration.is_none()
            && self.back_billing_months.is_none()
            && self.credit_back_months.is_none();
        if silent {
            return Err(ApiError::invalid(
                "",
                "Say at least one of basis, proration, back_billing_months and credit_back_months.",
            ));
        }
        Ok(Self {
            agreement: self.agreement.as_deref().map(|given| name("/agreement", given)).transpose()?,
            product: product("/product", self.product.as_deref())?,
            reason: text::short("/reason", &self.reason, REASON)?,
            ..self
        })
    }

    /// As the engine takes it, for this client.
    pub(super) fn exception(&self, client: Option<String>, span: Span) -> PolicyOverride {
        PolicyOverride {
            client,
            agreement: self.agreement.clone(),
            product: self
                .product
                .as_ref()
                .map(|name| ProductRef { name: Some(name.clone()), ..ProductRef::default() }),
            span: Some(span),
            basis: self.basis,
            proration: self.proration,
            back_billing_months: self.back_billing_months,
            credit_back_months: self.credit_back_months,
        }
    }
}

/// Makes a policy.
///
/// # Errors
/// 422 at the field that cannot be.
pub async fn create(
    tx: &mut OrgTx,
    actor: &Actor,
    client: Option<ClientId>,
    terms: PolicyTerms,
    days: Validity,
    now: DateTime<Utc>,
) -> Result<Decided<PolicyTerms>, ApiError> {
    let (terms, days) = (terms.checked()?, days.checked()?);
    if client.is_none() && terms.agreement.is_none() && terms.product.is_none() {
        return Err(ApiError::invalid(
            "/client_id",
            "A policy is for a client, an agreement or a product. For all, change the organization's settings, or \
             make a rule without a client for its limits.",
        ));
    }
    known_client(tx, client).await?;
    let new = NewDecision {
        id: PolicyId::new(Uuid::now_v7()).uuid(),
        resource: Resource::Policy,
        kind: None,
        client,
        billing_entity: None,
        product_key: product_key(terms.product.as_deref()),
        review_date: None,
        detail: Value::Null,
        valid_from: days.from,
        valid_until: days.until,
    };
    store(tx, actor, new, &terms, now).await
}
