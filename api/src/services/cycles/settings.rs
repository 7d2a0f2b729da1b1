//! The organization's settings that audits read: when one of them changes, what was audited for the next invoice was
//! audited with another one.

use crate::services::organizations::OrganizationSettings;
use crate::storage::{OrgTx, StorageError, organizations};
use chrono::{DateTime, Utc};

/// What audits read of the settings, with everything else as it usually is. A setting that is added counts as read
/// until it is named here.
pub fn read_by_audits(settings: &OrganizationSettings) -> OrganizationSettings {
    let usual = OrganizationSettings::default();
    OrganizationSettings {
        date_order: usual.date_order,
        invitation_days: usual.invitation_days,
        corrections: usual.corrections,
        brand: usual.brand,
        second_factor_required: usual.second_factor_required,
        evidence_names: usual.evidence_names,
        evidence_retention_months: usual.evidence_retention_months,
        ..settings.clone()
    }
}

/// When a setting that audits read last changed; none: it never did.
pub(super) async fn changed_at(tx: &mut OrgTx) -> Result<Option<DateTime<Utc>>, StorageError> {
    let (mut before, mut changed) = (None, None);
    for (stored, since) in organizations::settings_states(tx).await? {
        let read = read_by_audits(&OrganizationSettings::parse(&stored)?);
        if before.as_ref().is_some_and(|before| *before != read) {
            changed = Some(since);
        }
        before = Some(read);
    }
    Ok(changed)
}
