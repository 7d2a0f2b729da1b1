//! `provisioning.csv`: who was given which seat, when and by whom, as the vendor's log had it when the gap
//! was found. Vendors keep their logs for a short time only.

use super::BundleError;
use super::facts::Captured;
use super::renderer::{File, Material, Renderer, word};
use super::sheet::Sheet;
use crate::records::{ProductRef, ProvisioningEvent};
use chrono::SecondsFormat;

pub(super) const RENDERER: Renderer = Renderer { name: PATH, frozen: true, render };
pub(super) const PATH: &str = "provisioning.csv";

const COLUMNS: [&str; 14] = [
    "at",
    "action",
    "product",
    "sku",
    "user",
    "actor",
    "automatic",
    "event",
    "import",
    "line",
    "captured_at",
    "state",
    "erased_on",
    "leaf",
];

fn render(material: &Material<'_>) -> Result<Vec<File>, BundleError> {
    let mut sheet = Sheet::new(&COLUMNS, 0)?;
    for captured in &material.facts.provisioning {
        sheet.row(row(captured))?;
    }
    Ok(vec![File::csv(PATH, sheet)?])
}

fn row(captured: &Captured<ProvisioningEvent>) -> [String; 14] {
    match captured {
        Captured::Erased(erasure) => {
            let mut row = <[String; 14]>::default();
            row[11..].clone_from_slice(&[
                "erased".to_owned(),
                erasure.erased_on.to_string(),
                erasure.leaf.to_string(),
            ]);
            row
        }
        Captured::Kept { record, import, line, captured_at } => {
            let (product, sku) = names(record.product.as_ref());
            [
                record.at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
                word(record.action),
                product,
                sku,
                record.user.clone().unwrap_or_default(),
                record.actor.clone().unwrap_or_default(),
                record.automatic.to_string(),
                record.event.clone().unwrap_or_default(),
                import.to_string(),
                line.to_string(),
                captured_at.to_rfc3339_opts(SecondsFormat::Secs, true),
                "kept".to_owned(),
                String::new(),
                String::new(),
            ]
        }
    }
}

/// Name and vendor's id of a product, each where known.
pub(super) fn names(product: Option<&ProductRef>) -> (String, String) {
    let Some(product) = product else { return (String::new(), String::new()) };
    let name = product.name.as_ref().or(product.part_number.as_ref()).or(product.code.as_ref());
    (name.cloned().unwrap_or_default(), product.sku.clone().unwrap_or_default())
}
