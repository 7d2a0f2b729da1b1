//! Import profiles in files, for the commands that read without a service.

use leakage_core::ingest::ImportProfile;
use std::path::Path;

/// Reads and checks a profile.
///
/// # Errors
/// What is wrong with the file or the profile, one line each.
pub(super) fn load(path: &Path) -> Result<ImportProfile, Vec<String>> {
    let place = path.display();
    let text = std::fs::read(path).map_err(|error| vec![format!("{place}: cannot be read: {error}")])?;
    let mut reader = serde_json::Deserializer::from_slice(text.trim_ascii());
    let profile: ImportProfile = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| vec![format!("{place}: is no import profile: {error}")])?;
    let faults: Vec<String> = profile.check().iter().map(|fault| format!("{place}: {fault}")).collect();
    if faults.is_empty() { Ok(profile) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_or_refused_with_its_places() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile.json");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write(
            r#"{"kind": "leakage_entitlements", "fields": {"product": {"column": "App"}, "assigned": {"column": "Seats"}}}"#,
        );
        assert_eq!(load(&path).unwrap().version, 1);
        write(r#"{"kind": "leakage_billing", "fields": {"product": {"column": "App"}}}"#);
        let faults = load(&path).unwrap_err();
        assert!(faults.iter().any(|fault| fault.contains("/fields/quantity: is needed")), "{faults:?}");
        write(r#"{"kind": "leakage_billing", "fields": {"product": {"colunm": "App"}}}"#);
        assert!(load(&path).unwrap_err()[0].contains("fields.product"), "the place of what is unknown");
        assert!(load(&folder.path().join("absent")).is_err());
    }
}
