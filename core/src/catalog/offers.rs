//! Partner Center offers whose Graph SKU was checked by name: a reason to propose, never a join.
//!
//! No public table joins Partner Center's `ProductId:SkuId` with Graph's `skuId`, and public sources
//! contradict each other, so only pairs are listed here whose product name was read beside the id.

/// A Partner Center id and the part number that it seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedOffer {
    /// `ProductId:SkuId`.
    pub offer: &'static str,
    /// Graph's part number.
    pub part_number: &'static str,
}

const CHECKED: &[CheckedOffer] = &[
    CheckedOffer { offer: "CFQ7TTC0LCHC:0002", part_number: "SPB" },
    CheckedOffer { offer: "CFQ7TTC0LH1P:0001", part_number: "EXCHANGEENTERPRISE" },
    CheckedOffer { offer: "CFQ7TTC0LH05:0001", part_number: "SPE_F1" },
    CheckedOffer { offer: "CFQ7TTC0LGZW:0001", part_number: "DESKLESSPACK" },
    CheckedOffer { offer: "CFQ7TTC0LH0L:0001", part_number: "EXCHANGEDESKLESS" },
    CheckedOffer { offer: "CFQ7TTC0LH2H:0002", part_number: "POWERAPPS_PER_USER" },
    CheckedOffer { offer: "CFQ7TTC0LH0R:0001", part_number: "PHONESYSTEM_VIRTUALUSER" },
    CheckedOffer { offer: "CFQ7TTC0LSGZ:0001", part_number: "POWERAUTOMATE_ATTENDED_RPA" },
    CheckedOffer { offer: "CFQ7TTC0HL8W:0001", part_number: "PBI_PREMIUM_PER_USER" },
];

/// The checked pairs.
pub const fn checked_offers() -> &'static [CheckedOffer] {
    CHECKED
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::matching::stock_code;

    #[test]
    fn checked_offers_name_one_known_sku_each() {
        for offer in checked_offers() {
            assert_eq!(Catalog::microsoft().by_part_number(offer.part_number).len(), 1, "{offer:?}");
            assert_eq!(stock_code(offer.offer).as_deref(), Some(offer.offer));
        }
    }
}
