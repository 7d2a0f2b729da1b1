//! Lines of a correction, recognised when they come back in an import.
//!
//! A line that carries a reference is no seat of its month: it is charged (or given back) once, for the months of
//! its correction. It keeps the product that it names before the reference, and its reference stands where other
//! lines have their agreement: so it is compared with its correction, and with nothing else.

use super::reference::Reference;
use crate::records::{BillingLine, LineType};
use rust_decimal::Decimal;
use std::sync::Arc;

/// The text by which a line is named: its description where that carries a reference, else its name.
pub(crate) fn named<'t>(name: Option<&'t str>, description: Option<&'t str>) -> Option<&'t str> {
    description.filter(|text| Reference::find(text).is_some()).or(name)
}

/// Makes a line with a reference the one-off line that it is.
pub(crate) fn recognise(line: &mut BillingLine) {
    let Some(name) = line.product.name.as_deref() else { return };
    let Some((at, reference)) = Reference::find(name) else { return };
    let before = name.get(..at).unwrap_or_default().trim_end_matches([' ', '[', '(', ':', ',', '-']).trim();
    let own = (!before.is_empty()).then(|| before.to_owned());
    let product = Arc::make_mut(&mut line.product);
    if own.is_some() || product.code.is_some() || product.sku.is_some() {
        product.name = own;
    }
    if line.line_type != LineType::Credit {
        let back = (line.quantity < Decimal::ZERO) != (line.unit_price < Decimal::ZERO);
        line.line_type = if back { LineType::Credit } else { LineType::OneOff };
    }
    line.agreement = Some(reference.to_string());
}

/// The reference that an imported line carries.
pub(crate) fn carried(line: &BillingLine) -> Option<Reference> {
    let text = line.agreement.as_deref().filter(|_| line.line_type != LineType::Regular)?;
    Reference::find(text).filter(|(at, _)| *at == 0).map(|(_, reference)| reference)
}
