//! Former product names: what PSA lines are often still called after Microsoft has renamed the product.
//!
//! A former name proposes; it never matches by itself, because old names were given to other products
//! ("Microsoft 365 Business" then, "Business Premium" now) and some lines were never renamed on purpose.

use chrono::NaiveDate;

/// A name that Microsoft gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormerName {
    /// The name until then.
    pub name: &'static str,
    /// The part number that kept its id and took the new name.
    pub part_number: &'static str,
    /// The day or, as far as is known, the month or year of the change: `2020-04-21`, `2023-07`, `2022`.
    pub renamed: &'static str,
}

impl FormerName {
    /// The first day on which the new name may have been in use, as far as it is known.
    pub fn since(&self) -> Option<NaiveDate> {
        let mut parts = self.renamed.split('-');
        let year = parts.next()?.parse().ok()?;
        let month = parts.next().map_or(Ok(1), str::parse).ok()?;
        let day = parts.next().map_or(Ok(1), str::parse).ok()?;
        NaiveDate::from_ymd_opt(year, month, day)
    }
}

const fn renamed(renamed: &'static str, name: &'static str, part_number: &'static str) -> FormerName {
    FormerName { name, part_number, renamed }
}

/// Sources: Microsoft's announcement of 30 March 2020 ("New Microsoft 365 offerings for small and
/// medium-sized businesses", in force on 21 April 2020), of 11 July 2023 (Azure AD becomes Microsoft
/// Entra ID), and the changes between the dated copies of the product names table.
const FORMER: &[FormerName] = &[
    renamed("2020-04-21", "Office 365 Business Essentials", "O365_BUSINESS_ESSENTIALS"),
    renamed("2020-04-21", "Office 365 Business Essentials", "SMB_BUSINESS_ESSENTIALS"),
    renamed("2020-04-21", "Office 365 Business Premium", "O365_BUSINESS_PREMIUM"),
    renamed("2020-04-21", "Microsoft 365 Business", "SPB"),
    renamed("2020-04-21", "Office 365 Business", "O365_BUSINESS"),
    renamed("2020-04-21", "Office 365 Business", "SMB_BUSINESS"),
    renamed("2020-04-21", "Office 365 ProPlus", "OFFICESUBSCRIPTION"),
    renamed("2020-04", "Office 365 F1", "DESKLESSPACK"),
    renamed("2023-07-11", "Azure Active Directory Premium P1", "AAD_PREMIUM"),
    renamed("2023-07-11", "Azure AD Premium P1", "AAD_PREMIUM"),
    renamed("2023-07-11", "Azure Active Directory Premium P2", "AAD_PREMIUM_P2"),
    renamed("2023-07-11", "Azure AD Premium P2", "AAD_PREMIUM_P2"),
    renamed("2023", "Common Area Phone", "MCOCAP"),
    renamed("2022", "Microsoft 365 Phone System", "MCOEV"),
    renamed("2022", "Phone System", "MCOEV"),
    renamed("2022", "Microsoft 365 Phone System - Virtual User", "PHONESYSTEM_VIRTUALUSER"),
    renamed("2022", "Phone System - Virtual User", "PHONESYSTEM_VIRTUALUSER"),
    renamed("2020", "Office 365 Advanced Threat Protection (Plan 1)", "ATP_ENTERPRISE"),
    renamed("2020", "Office 365 Advanced Threat Protection (Plan 2)", "THREAT_INTELLIGENCE"),
];

/// Every former name that is known for sure. A name can stand for several SKUs.
pub const fn former_names() -> &'static [FormerName] {
    FORMER
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::matching::fold;

    #[test]
    fn former_names_belong_to_known_skus_and_are_nobodys_current_name() {
        let catalog = Catalog::microsoft();
        for former in former_names() {
            assert_eq!(catalog.by_part_number(former.part_number).len(), 1, "{former:?}");
            assert!(catalog.by_name(&fold(former.name)).is_empty(), "{former:?}");
            assert!(former.since().is_some(), "{former:?}");
        }
    }
}
