//! The words of vendor charges: charge types, commitment terms and billing cycles, as Partner Center writes
//! them and as our own cost template borrows them.

use super::table::fold;
use crate::period::Span;
use crate::records::{Cycle, Term};

/// Charge types that are documented or known from the API; others are kept and flagged.
const CHARGE_TYPES: &[&str] = &[
    "new",
    "renew",
    "cycle_charge",
    "add_quantity",
    "remove_quantity",
    "move_quantity",
    "cancel_immediate",
    "convert",
    "change_billing_plan",
    "customer_credit",
    "extend_term",
    "purchase",
    "refund",
    "cancel",
    "transfer_out",
    "usage",
    // Of legacy subscriptions.
    "activation_fee",
    "purchase_fee",
    "cancel_fee",
    "cancel_instance_prorate",
    "cycle_fee",
    "cycle_instance_prorate",
    "convert_from_instance_prorate",
    "new_purchase_cycle_fee",
    "offset_a_line_item",
    "activation_discount",
    "cycle_discount",
    "renew_discount",
    "cancel_discount",
    "prorate_discount",
    "assess_usage_fee_when_cancel",
    "assess_usage_fee_for_current_cycle",
];

/// Whether a charge type (lower snake case) is one of Partner Center's.
pub(super) fn is_known_charge_type(charge_type: &str) -> bool {
    // Written in several ways: `Prorate fees when purchase`, `... when buy`, `Prorate fee when renew`.
    let prorated = ["prorate_fee_when_", "prorate_fees_when_"];
    CHARGE_TYPES.contains(&charge_type) || prorated.iter().any(|start| charge_type.starts_with(start))
}

/// `addQuantity`, `Add Quantity` and `ADD_QUANTITY` as `add_quantity`.
pub(super) fn snake(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    let mut lower_before = false;
    for c in text.chars() {
        if c.is_uppercase() && lower_before {
            out.push('_');
        }
        lower_before = c.is_lowercase() || c.is_ascii_digit();
        if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else if !out.ends_with('_') && !out.is_empty() {
            out.push('_');
        }
    }
    let out = out.trim_end_matches('_');
    match out {
        // Written without capitals in some exports.
        "cyclecharge" => "cycle_charge".to_owned(),
        "addquantity" => "add_quantity".to_owned(),
        "removequantity" => "remove_quantity".to_owned(),
        "movequantity" => "move_quantity".to_owned(),
        "cancelimmediate" => "cancel_immediate".to_owned(),
        "changebillingplan" => "change_billing_plan".to_owned(),
        "customercredit" => "customer_credit".to_owned(),
        "extendterm" => "extend_term".to_owned(),
        "transferout" => "transfer_out".to_owned(),
        other => other.to_owned(),
    }
}

/// The commitment: from the free text, else from the subscription's own length.
pub(super) fn term(text: &str, span: Option<Span>) -> Option<Term> {
    let text = text.to_lowercase().replace('-', " ");
    let any = |marks: &[&str]| marks.iter().any(|mark| text.contains(mark));
    if any(&["three year", "three 3 year", "3 year subscription", "3 year commitment", "triennial", "p3y"]) {
        return Some(Term::Triennial);
    }
    if any(&["one year", "1 year", "annual term", "annual commitment", "p1y"]) {
        return Some(Term::Annual);
    }
    if any(&["one month", "1 month", "monthly term", "monthly commitment", "p1m"]) {
        return Some(Term::Monthly);
    }
    let span = span?;
    match (span.until? - span.from).num_days() {
        28..=31 => Some(Term::Monthly),
        365..=366 => Some(Term::Annual),
        1095..=1096 => Some(Term::Triennial),
        _ => None,
    }
}

/// What one unit price pays for: `BillingFrequency`, else the free text where it says one thing, else
/// the length of the charge.
pub(super) fn cycle(frequency: &str, term: &str, span: Span) -> Cycle {
    let (frequency, term) = (fold(frequency), term.to_lowercase());
    match frequency.as_str() {
        "monthly" | "month" => return Cycle::Monthly,
        "quarterly" => return Cycle::Quarterly,
        "annual" | "annually" | "yearly" | "year" => return Cycle::Annual,
        "triennial" | "3years" | "threeyears" | "every3years" => return Cycle::Triennial,
        _ => {}
    }
    if term.ends_with("for monthly billing") {
        return Cycle::Monthly;
    }
    if term.ends_with("for yearly billing") {
        return Cycle::Annual;
    }
    let days = span.until.map_or(0, |until| (until - span.from).num_days());
    match days {
        0..=92 => Cycle::Monthly,
        93..=366 => Cycle::Annual,
        _ => Cycle::Triennial,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charge_types_read_alike_in_any_writing() {
        for text in ["addQuantity", "AddQuantity", "add quantity", "ADD_QUANTITY", "addquantity"] {
            assert_eq!(snake(text), "add_quantity", "{text}");
        }
        assert_eq!(snake("Extended Service Terms 3% Fee Applied"), "extended_service_terms_3_fee_applied");
    }

    #[test]
    fn terms_are_told_by_the_text_before_the_length() {
        for (text, told) in [
            ("One-Month commitment for trial", Some(Term::Monthly)),
            ("One-Year commitment for monthly/yearly billing", Some(Term::Annual)),
            ("Data Stored (GB/Month), One-Year commitment for monthly/yearly billing", Some(Term::Annual)),
            ("Three-3 Years commitment for monthly/3 Years/yearly billing", Some(Term::Triennial)),
            ("1 Month Subscription", Some(Term::Monthly)),
            ("Annual term, Monthly billing", Some(Term::Annual)),
            ("", None),
        ] {
            assert_eq!(term(text, None), told, "{text}");
        }
    }
}
