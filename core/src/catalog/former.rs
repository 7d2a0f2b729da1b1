//! Former product names: what PSA lines are often still called after Microsoft has renamed the product.
//!
//! A former name proposes; it never matches by itself, because old names were given to other products
//! ("Microsoft 365 Business" then, "Business Premium" now) and some lines were never renamed on purpose.

/// A name that Microsoft gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormerName {
    /// The name until then.
    pub name: &'static str,
    /// The part number that kept its id and took the new name.
    pub part_number: &'static str,
    /// The day of the change, `2020-04-21`; none where only the change itself is certain.
    pub renamed: Option<&'static str>,
}

const SMALL_BUSINESS: Option<&str> = Some("2020-04-21");
const ENTRA: Option<&str> = Some("2023-07-11");

const fn was(name: &'static str, part_number: &'static str, renamed: Option<&'static str>) -> FormerName {
    FormerName { name, part_number, renamed }
}

/// Sources: Microsoft's announcement of 30 March 2020 of new names for small and medium-sized
/// businesses, in force on 21 April 2020; that of 11 July 2023 (Azure AD becomes Microsoft Entra ID);
/// and names that differ between dated copies of the product names table.
const FORMER: &[FormerName] = &[
    was("Office 365 Business Essentials", "O365_BUSINESS_ESSENTIALS", SMALL_BUSINESS),
    was("Office 365 Business Essentials", "SMB_BUSINESS_ESSENTIALS", SMALL_BUSINESS),
    was("Office 365 Business Premium", "O365_BUSINESS_PREMIUM", SMALL_BUSINESS),
    was("Microsoft 365 Business", "SPB", SMALL_BUSINESS),
    was("Office 365 Business", "O365_BUSINESS", SMALL_BUSINESS),
    was("Office 365 Business", "SMB_BUSINESS", SMALL_BUSINESS),
    was("Office 365 ProPlus", "OFFICESUBSCRIPTION", SMALL_BUSINESS),
    was("Office 365 F1", "DESKLESSPACK", None),
    was("Azure Active Directory Premium P1", "AAD_PREMIUM", ENTRA),
    was("Azure AD Premium P1", "AAD_PREMIUM", ENTRA),
    was("Azure Active Directory Premium P2", "AAD_PREMIUM_P2", ENTRA),
    was("Azure AD Premium P2", "AAD_PREMIUM_P2", ENTRA),
    was("Azure AD P1", "AAD_PREMIUM", ENTRA),
    was("Azure AD P2", "AAD_PREMIUM_P2", ENTRA),
    was("Project Plan 1", "PROJECT_P1", None),
    was("Project Plan 3", "PROJECTPROFESSIONAL", None),
    was("Common Area Phone", "MCOCAP", None),
    was("Phone System - Virtual User", "PHONESYSTEM_VIRTUALUSER", None),
    was("Microsoft 365 Phone System - Virtual User", "PHONESYSTEM_VIRTUALUSER", None),
    was("Office 365 Advanced Threat Protection (Plan 1)", "ATP_ENTERPRISE", None),
    was("Office 365 Advanced Threat Protection (Plan 2)", "THREAT_INTELLIGENCE", None),
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
        }
    }
}
