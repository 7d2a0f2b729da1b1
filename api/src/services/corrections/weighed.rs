//! What a command weighs that takes long to count: the client's last invoices, and what is billable of each line.
//!
//! The facts are read in a transaction of their own, which ends before anything is counted; the command is then
//! checked and written in another. What changes the correction in between is found there by its version.

use crate::app::App;
use crate::error::ApiError;
use crate::services::{audits, recomputed};
use crate::storage::OrgTx;
use leakage_core::audit::{self, AuditInput, Invoiced, Standing};
use leakage_core::correction::case::{Correction, Subject};
use leakage_core::correction::state::Action;
use leakage_core::id::{CorrectionId, OrgId};
use leakage_core::matching::fold;
use leakage_core::money::{Currency, Money};
use leakage_core::period::Month;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Months in which the last invoices, and what is billable, are looked for.
const LOOK_BACK: i32 = 12;

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Weighed {
    /// Totals of the client's last regular invoices, oldest first, minor units. None for a correction that gives
    /// back, which is no shock.
    pub invoices: Vec<i64>,
    /// Billable seats of each line by what is known now, where anything is.
    pub billable: BTreeMap<u32, i64>,
}

/// Whether a command must know how the client's invoices grow.
pub const fn grows(action: Action) -> bool {
    matches!(action, Action::Communicate | Action::AcceptPlan | Action::Approve)
}

/// Counts what a command weighs. None where it weighs nothing, or will be refused for the correction's state or
/// version. `states_seats`: it says what is billed from now on.
pub async fn weigh(
    app: &App,
    org: OrgId,
    (id, version): (CorrectionId, i64),
    action: Action,
    states_seats: bool,
) -> Result<Option<Weighed>, ApiError> {
    if !grows(action) && !states_seats {
        return Ok(None);
    }
    let turn = recomputed::turn(app).await?;
    let mut tx = app.db.begin_snapshot(org).await?;
    let loaded = super::load(&mut tx, id).await?;
    let correction = loaded.correction;
    if loaded.row.version != version || !action.from().contains(&correction.state) {
        return Ok(None);
    }
    let invoices = grows(action) && correction.is_under();
    if !invoices && !states_seats {
        return Ok(Some(Weighed::default()));
    }
    let input = known(app, &mut tx, &correction, Month::of(app.clock.today())).await?;
    tx.commit().await?;
    let counted = recomputed::Facts::new(input, turn).compute(move |input| {
        let mut weighed = Weighed::default();
        if invoices {
            weighed.invoices = totals(&audit::invoiced(input)?, correction.subject.currency);
        }
        if states_seats {
            let entity = entity(input, &correction.subject);
            weighed.billable = billable(&correction, &audit::standing(input)?, entity.as_deref());
        }
        Ok(weighed)
    });
    counted.await.map(Some)
}

/// What is known now of a correction's client, up to a month.
pub async fn known(
    app: &App,
    tx: &mut OrgTx,
    correction: &Correction,
    until: Month,
) -> Result<AuditInput, ApiError> {
    audits::known_now(app, tx, (until.plus(-LOOK_BACK), until), &correction.subject.client).await
}

/// Totals of the client's regular invoices, oldest first, in minor units.
pub fn totals(invoiced: &Invoiced, currency: Currency) -> Vec<i64> {
    let mut totals: BTreeMap<Month, Decimal> = BTreeMap::new();
    for product in invoiced.products.iter().filter(|one| one.currency == currency) {
        *totals.entry(product.month).or_default() += product.amount.amount;
    }
    let minor = totals.into_values().filter_map(|amount| Money { amount, currency }.minor());
    minor.filter(|minor| *minor > 0).collect()
}

/// The correction's billing entity as it is called now: an office may be renamed.
pub fn entity(input: &AuditInput, subject: &Subject) -> Option<String> {
    let named = subject.billing_entity.as_deref()?;
    let own = input.entities.iter().filter(|one| fold(&one.client) == fold(&subject.client));
    let mut known = own.filter_map(|one| {
        one.names.iter().any(|name| fold(name) == fold(named)).then(|| one.names.last().cloned()).flatten()
    });
    Some(known.next().unwrap_or_else(|| named.to_owned()))
}

/// What is billable of each line, where it is known: of the correction's billing entity, if it has one, and else of
/// the client as a whole.
pub fn billable(correction: &Correction, standing: &[Standing], entity: Option<&str>) -> BTreeMap<u32, i64> {
    let of_line = |product: &str| {
        if entity.is_some() {
            return standing_of(standing, product, entity).map(|one| one.billable);
        }
        let own: Vec<i64> = of_product(standing, product).map(|one| one.billable).collect();
        (!own.is_empty()).then(|| own.iter().sum())
    };
    let lines = correction.lines.iter();
    lines.filter_map(|line| Some((line.number, of_line(&line.product)?))).collect()
}

/// What stands of a product for a billing entity; without one, what nobody took, or the whole. The seats of a client
/// that are not shared are its only entity's, unless its lines name several.
pub fn standing_of<'a>(
    standing: &'a [Standing],
    product: &str,
    entity: Option<&str>,
) -> Option<&'a Standing> {
    let entity = entity.map(fold);
    let own: Vec<&Standing> = of_product(standing, product).collect();
    let named = own.iter().find(|one| one.billing_entity.as_deref().map(fold) == entity);
    match (named, own.as_slice()) {
        (Some(named), _) => Some(named),
        (None, [only]) if !only.needs_allocation => Some(only),
        _ => None,
    }
}

fn of_product<'a>(standing: &'a [Standing], product: &str) -> impl Iterator<Item = &'a Standing> {
    let product = fold(product);
    standing.iter().filter(move |one| fold(&one.product) == product)
}
