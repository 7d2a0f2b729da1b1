//! Rules of the entitlement waterfall, and limits of back-billing.

use super::{Decided, REASON, Validity, known_client, name, product, product_key, store, whole};
use crate::auth::Actor;
use crate::error::ApiError;
use crate::services::text;
use crate::storage::OrgTx;
use crate::storage::decisions::{NewDecision, Resource};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::{ClientId, RuleId};
use leakage_core::period::Span;
use leakage_core::records::{ClientRef, ProductRef, Rule, RuleKind, RuleValue};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Seats that one rule can be of.
const SEATS: u32 = 1_000_000_000;

/// Months that a limit can be of: a hundred years.
const MONTHS: u32 = 1_200;

/// What a rule says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RuleTerms {
    /// What it does.
    pub kind: RuleKind,
    /// Seats or months, or `all`.
    pub value: String,
    /// For this product only.
    pub product: Option<String>,
    /// The bundle that includes it.
    pub parent_product: Option<String>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// When it is looked at again.
    pub review_date: Option<NaiveDate>,
}

/// The name of a kind in the database.
pub const fn kind_name(kind: RuleKind) -> &'static str {
    match kind {
        RuleKind::Exclude => "exclude",
        RuleKind::Bundle => "bundle",
        RuleKind::Allowance => "allowance",
        RuleKind::Minimum => "minimum",
        RuleKind::BackBillingMonths => "back_billing_months",
        RuleKind::CreditBackMonths => "credit_back_months",
    }
}

impl RuleTerms {
    /// The same with trimmed texts; the rules of a rules file hold here too.
    fn checked(self) -> Result<Self, ApiError> {
        let product = product("/product", self.product.as_deref())?;
        let parent_product = self.parent_product.as_deref();
        let parent_product = parent_product.map(|given| name("/parent_product", given)).transpose()?;
        let needs_product = matches!(self.kind, RuleKind::Bundle | RuleKind::Allowance | RuleKind::Minimum);
        if needs_product && product.is_none() {
            return Err(ApiError::invalid(
                "/product",
                "A rule of this kind needs the product that it is for.",
            ));
        }
        if parent_product.is_some() != (self.kind == RuleKind::Bundle) {
            return Err(ApiError::invalid(
                "/parent_product",
                "A bundle needs the product that includes the other one; rules of other kinds have none.",
            ));
        }
        if let Some(day) = self.review_date {
            text::day("/review_date", day)?;
        }
        Ok(Self {
            value: value(self.kind, &self.value)?,
            product,
            parent_product,
            reason: text::short("/reason", &self.reason, REASON)?,
            owner: text::short("/owner", &self.owner, 200)?,
            ..self
        })
    }

    /// As the engine takes it, for this client.
    pub(super) fn rule(&self, client: Option<ClientRef>, span: Span) -> Rule {
        let named = |name: &String| ProductRef { name: Some(name.clone()), ..ProductRef::default() };
        let number = self.value.parse::<Decimal>().map(RuleValue::Number);
        Rule {
            kind: self.kind,
            value: number.unwrap_or(RuleValue::All),
            client,
            product: self.product.as_ref().map(named),
            parent_product: self.parent_product.as_ref().map(named),
            span,
            reason: self.reason.clone(),
            owner: self.owner.clone(),
            review_date: self.review_date,
        }
    }
}

fn value(kind: RuleKind, given: &str) -> Result<String, ApiError> {
    let given = given.trim();
    if given.eq_ignore_ascii_case("all") {
        return if kind == RuleKind::Exclude {
            Ok("all".to_owned())
        } else {
            Err(ApiError::invalid(
                "/value",
                "`all` is for rules of the kind exclude; this kind needs a number.",
            ))
        };
    }
    let months = matches!(kind, RuleKind::BackBillingMonths | RuleKind::CreditBackMonths);
    Ok(whole("/value", given, if months { MONTHS } else { SEATS })?.to_string())
}

/// Makes a rule.
///
/// # Errors
/// 422 at the field that cannot be.
pub async fn create(
    tx: &mut OrgTx,
    actor: &Actor,
    client: Option<ClientId>,
    terms: RuleTerms,
    days: Validity,
    now: DateTime<Utc>,
) -> Result<Decided<RuleTerms>, ApiError> {
    let (terms, days) = (terms.checked()?, days.checked()?);
    known_client(tx, client).await?;
    let new = NewDecision {
        id: RuleId::new(Uuid::now_v7()).uuid(),
        resource: Resource::Rule,
        kind: Some(kind_name(terms.kind)),
        client,
        billing_entity: None,
        product_key: product_key(terms.product.as_deref()),
        review_date: terms.review_date,
        detail: Value::Null,
        valid_from: days.from,
        valid_until: days.until,
    };
    store(tx, actor, new, &terms, now).await
}
