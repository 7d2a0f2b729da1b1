//! What is offered, as people of the organization see it: each way to pay with its instalments.

use leakage_core::correction::Correction;
use leakage_core::correction::offer::Offer;
use leakage_core::correction::plan::schedule;
use leakage_core::correction::quantity::total;
use leakage_core::money::Money;
use serde_json::{Value, json};

/// The offer with its ways, of what can be paid now; of what is disputed where that is all. Null: there is none.
pub(super) fn offer(case: &Correction) -> Value {
    let Some(offer) = &case.offer else { return Value::Null };
    let sum = match total(&case.available()).minor {
        0 => total(&case.ledger.outstanding()).minor,
        available => available,
    };
    json!({ "terms": offer.terms, "at": offer.at, "ways": ways(case, offer, sum) })
}

fn ways(case: &Correction, offer: &Offer, sum: i64) -> Vec<Value> {
    let money = |minor| Money::from_minor(minor, case.subject.currency);
    let one = |(choice, terms)| {
        let parts = schedule(sum, terms).unwrap_or_default();
        let parts = parts.iter().map(|part| json!({"due_on": part.due_on, "amount": money(part.minor)}));
        json!({
            "choice": choice, "count": terms.count, "cadence": terms.cadence, "first_on": terms.first_on,
            "instalments": parts.collect::<Vec<_>>(),
        })
    };
    offer.ways().map(one).collect()
}
