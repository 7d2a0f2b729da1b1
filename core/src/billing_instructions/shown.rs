//! What imported lines with a correction's reference show, by the names that its ledger may know them by.

use super::reference::{FIRST_PERIOD, Reference};
use crate::audit::InvoicedReference;
use crate::correction::Correction;
use crate::money::Currency;
use std::collections::{BTreeMap, BTreeSet};

/// What each document shows of a correction, minor units: by the number of the invoice or credit note, and by the
/// reference itself, for a ledger that knows no number yet. Of an invoice only the correction's own lines count,
/// and no line that makes up for the first period of another quantity: that is no money of the past.
pub fn shown(references: &[InvoicedReference], own: &Reference, currency: Currency) -> BTreeMap<String, i64> {
    let mut shown = BTreeMap::new();
    let ours = references.iter().filter(|one| one.amount.currency == currency);
    for one in ours.filter(|one| one.reference.same_correction(own)) {
        let Some(minor) = one.amount.minor() else { continue };
        if one.reference.number() == Some(FIRST_PERIOD) {
            continue;
        }
        // A document may be numbered with the reference itself: it counts once.
        let names = BTreeSet::from([Some(one.reference.to_string()), one.document.clone()]);
        for name in names.into_iter().flatten() {
            *shown.entry(name).or_insert(0_i64) += minor;
        }
    }
    shown
}

/// What lines with the correction's reference come to whose document its ledger does not have, minor units: they were
/// entered, and nobody said so. Neither the number of the document nor the reference is known.
pub fn untold(references: &[InvoicedReference], own: &Reference, correction: &Correction) -> i64 {
    let (known, currency) = (correction.documents(), correction.subject.currency);
    let ours = references.iter().filter(|one| {
        one.amount.currency == currency
            && one.reference.same_correction(own)
            && one.reference.number() != Some(FIRST_PERIOD)
    });
    let untold = ours.filter(|one| {
        let names = [Some(one.reference.to_string()), one.document.clone()];
        !names.iter().flatten().any(|name| known.contains_key(name))
    });
    untold.filter_map(|one| one.amount.minor()).fold(0, i64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::CorrectionId;
    use crate::money::Money;

    #[test]
    fn a_document_shows_its_lines_of_the_correction_alone() {
        let own = Reference::of(CorrectionId::new(uuid::Uuid::from_u128(1)));
        let other = Reference::of(CorrectionId::new(uuid::Uuid::from_u128(2)));
        let line = |reference: &Reference, document: Option<&str>, minor| InvoicedReference {
            reference: reference.clone(),
            document: document.map(str::to_owned),
            amount: Money::from_minor(minor, Currency::USD),
        };
        let lines = [
            line(&own, Some("INV-1"), 4400),
            line(&own.part(2), Some("INV-2"), 2200),
            line(&own.part(FIRST_PERIOD), Some("INV-1"), 71),
            line(&own, None, 100),
            line(&other, Some("INV-1"), 900),
            line(&own.part(3), Some(&own.part(3).to_string()), 1100),
        ];
        let shown = shown(&lines, &own, Currency::USD);
        let whole = own.to_string();
        let second = own.part(2).to_string();
        let third = own.part(3).to_string();
        let expected = [
            ("INV-1", 4400),
            ("INV-2", 2200),
            (whole.as_str(), 4500),
            (second.as_str(), 2200),
            (third.as_str(), 1100),
        ];
        assert_eq!(shown, expected.map(|(name, minor)| (name.to_owned(), minor)).into());
        assert!(super::shown(&lines, &own, Currency::EUR).is_empty());
    }
}
