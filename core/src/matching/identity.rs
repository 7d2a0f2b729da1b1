//! What a product reference says it is: its own ids, its code and its folded name.

use super::fold::as_guid;
use super::{ExactBy, fold, fold_id, stock_code};
use crate::catalog::Catalog;
use crate::records::ProductRef;
use std::collections::{BTreeSet, HashMap};

/// One way of being named, as it is compared. The order is that of strength.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Identity {
    /// Graph's `skuId`.
    Guid(String),
    /// Partner Center's `ProductId:SkuId`.
    Stock(String),
    /// Another vendor's id.
    Vendor(String),
    /// A part number that belongs to no known GUID, or to several.
    Part(String),
    /// A PSA's item code.
    Code(String),
    /// A bare folded name.
    Name(String),
    /// Neither id nor name.
    Unnamed,
}

impl Identity {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Guid(text)
            | Self::Stock(text)
            | Self::Vendor(text)
            | Self::Part(text)
            | Self::Code(text)
            | Self::Name(text) => text,
            Self::Unnamed => "",
        }
    }

    /// Whether both are ids of one vendor's table, and different.
    pub(super) fn contradicts(&self, other: &Self) -> bool {
        self != other
            && matches!((self, other), (Self::Guid(_), Self::Guid(_)) | (Self::Stock(_), Self::Stock(_)))
    }
}

/// A reference as it is compared.
#[derive(Clone, Debug)]
pub(super) struct Face {
    /// The strongest vendor's id that it states, and which field states it.
    pub(super) vendor: Option<(Identity, ExactBy)>,
    /// A GUID that it states beside a Partner Center id.
    pub(super) beside: Option<String>,
    /// Ids on it that belong to another product than `vendor`.
    pub(super) disagrees: Option<String>,
    pub(super) code: Option<String>,
    pub(super) name: Option<String>,
}

/// GUIDs by part number (lower case) as rows state them, beside those of the catalog.
pub(super) type Parts = HashMap<String, BTreeSet<String>>;

fn filled(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// Adds what a row says about a part number: a row with a GUID and a part number joins them, unless the
/// catalog knows better which part number the GUID has.
pub(super) fn note_part(parts: &mut Parts, product: &ProductRef, catalog: &Catalog) {
    if let (Some(sku), Some(part)) = (filled(product.sku.as_ref()), filled(product.part_number.as_ref()))
        && let Some(guid) = as_guid(&fold_id(sku)).filter(|guid| catalog.by_guid(guid).is_none())
    {
        parts.entry(part.to_lowercase()).or_default().insert(guid);
    }
}

/// The GUIDs of a part number, from catalog and rows.
pub(super) fn guids_of_part(part: &str, parts: &Parts, catalog: &Catalog) -> BTreeSet<String> {
    let part = part.trim().to_lowercase();
    let known = catalog.by_part_number(&part).into_iter().map(|sku| sku.guid.clone());
    known.chain(parts.get(&part).into_iter().flatten().cloned()).collect()
}

/// An id as text, in whichever field it stands.
fn id_in(text: &str, parts: &Parts, catalog: &Catalog) -> Option<Identity> {
    if let Some(guid) = as_guid(&fold_id(text)) {
        return Some(Identity::Guid(guid));
    }
    if let Some(code) = stock_code(text) {
        return Some(Identity::Stock(code));
    }
    let guids = guids_of_part(text, parts, catalog);
    match guids.len() {
        0 => None,
        1 => guids.into_iter().next().map(Identity::Guid),
        _ => Some(Identity::Part(text.trim().to_lowercase())),
    }
}

/// An id where a name was expected: someone named a product by its id.
///
/// A part number must be written as Microsoft writes it, or have an underscore: `Stream` is a word,
/// `STREAM` a part number.
pub(super) fn id_as_name(text: &str, parts: &Parts, catalog: &Catalog) -> Option<Identity> {
    let text = text.trim();
    let as_written =
        || text.contains('_') || catalog.by_part_number(text).iter().any(|sku| sku.part_number == text);
    let id = id_in(text, parts, catalog)?;
    let plain = match &id {
        // A name may have a stock code in it; that makes a reason, not an id.
        Identity::Stock(_) => !text.contains(char::is_whitespace),
        Identity::Guid(_) if as_guid(&fold_id(text)).is_some() => true,
        _ => as_written(),
    };
    plain.then_some(id)
}

/// Reads a reference. Of several ids the vendor's own comes first, then part number, code and name.
pub(super) fn read(product: &ProductRef, parts: &Parts, catalog: &Catalog) -> Face {
    let id = |text: Option<&String>| filled(text).and_then(|text| id_in(text, parts, catalog));
    let sku = filled(product.sku.as_ref())
        .map(|text| id_in(text, parts, catalog).unwrap_or_else(|| Identity::Vendor(fold_id(text))));
    let part = filled(product.part_number.as_ref())
        .map(|text| id_in(text, parts, catalog).unwrap_or_else(|| Identity::Part(text.to_lowercase())));
    let code = id(product.code.as_ref());
    let name = filled(product.name.as_ref());
    let named = name.and_then(|text| id_as_name(text, parts, catalog));
    let stated: Vec<(Identity, ExactBy)> = [
        (sku, ExactBy::Id),
        (part, ExactBy::PartNumber),
        (code.clone(), ExactBy::Code),
        (named.clone(), ExactBy::PartNumber),
    ]
    .into_iter()
    .filter_map(|(id, by)| id.map(|id| (id, by)))
    .collect();
    let vendor = stated.first().cloned();
    let others = || stated.iter().map(|(id, _)| id);
    let beside = vendor.as_ref().filter(|(id, _)| !matches!(id, Identity::Guid(_))).and_then(|_| {
        others().find_map(|id| if let Identity::Guid(guid) = id { Some(guid.clone()) } else { None })
    });
    let disagrees = vendor
        .as_ref()
        .and_then(|(id, _)| others().find(|other| id.contradicts(other)))
        .map(|other| other.text().to_owned());
    Face {
        vendor,
        beside,
        disagrees,
        code: filled(product.code.as_ref()).filter(|_| code.is_none()).map(fold_id),
        name: name.filter(|_| named.is_none()).map(fold),
    }
}
