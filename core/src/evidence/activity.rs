//! `activity.csv`: who used the seats, as the vendor's reports had it when the gap was found.

use super::BundleError;
use super::facts::Captured;
use super::provisioning::names;
use super::renderer::{File, Material, Renderer, word};
use super::sheet::Sheet;
use crate::records::Activity;
use chrono::{NaiveDate, SecondsFormat};

pub(super) const RENDERER: Renderer = Renderer { name: PATH, frozen: true, render };
pub(super) const PATH: &str = "activity.csv";

const COLUMNS: [&str; 19] = [
    "user",
    "product",
    "sku",
    "last_active",
    "as_of",
    "blocked",
    "deleted",
    "guest",
    "concealed",
    "assigned_by",
    "assigned_on",
    "department",
    "licence_group",
    "import",
    "line",
    "captured_at",
    "state",
    "erased_on",
    "leaf",
];

fn render(material: &Material<'_>) -> Result<Vec<File>, BundleError> {
    let mut sheet = Sheet::new(&COLUMNS, 0)?;
    for captured in &material.facts.activity {
        sheet.row(row(captured))?;
    }
    Ok(vec![File::csv(PATH, sheet)?])
}

fn row(captured: &Captured<Activity>) -> [String; 19] {
    let day = |day: Option<NaiveDate>| day.map_or_else(String::new, |day| day.to_string());
    match captured {
        Captured::Erased(erasure) => {
            let mut row = <[String; 19]>::default();
            row[16..].clone_from_slice(&[
                "erased".to_owned(),
                erasure.erased_on.to_string(),
                erasure.leaf.to_string(),
            ]);
            row
        }
        Captured::Kept { record, import, line, captured_at } => {
            let (product, sku) = names(record.product.as_ref());
            [
                record.user.clone(),
                product,
                sku,
                day(record.last_active),
                day(record.as_of),
                record.blocked.to_string(),
                record.deleted.to_string(),
                record.guest.to_string(),
                record.concealed.to_string(),
                record.assigned_by.map_or_else(String::new, word),
                day(record.assigned_on),
                record.department.clone().unwrap_or_default(),
                record.licence_group.clone().unwrap_or_default(),
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
