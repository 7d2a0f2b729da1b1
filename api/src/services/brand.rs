//! What an organization's letters and reports look like: its logo and its colours.

use super::organizations::{self, OrganizationSettings};
use crate::error::{ApiError, Code};
use crate::storage::OrgTx;
use crate::storage::organizations::{self as stored, Logo as Stored, OrganizationRow};
use chrono::{DateTime, Utc};
use leakage_core::digest;
use leakage_core::letters::Letterhead;
use leakage_core::pdf::{Brand, Colour, Logo, LogoError, MOST_BYTES, PdfError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The colours of letters and reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"primary_colour": "#1d4e79", "accent_colour": "#d9822b"}))]
pub struct BrandColours {
    /// Headings, and what was to be billed.
    pub primary_colour: Colour,
    /// What was billed, and emphasis.
    pub accent_colour: Colour,
}

impl Default for BrandColours {
    fn default() -> Self {
        let brand = Brand::default();
        Self { primary_colour: brand.primary, accent_colour: brand.accent }
    }
}

/// The brand of an organization, for a page.
pub async fn of(tx: &mut OrgTx, row: &OrganizationRow) -> Result<Brand, ApiError> {
    let colours = OrganizationSettings::of(row)?.brand;
    let logo = if row.logo_sha256.is_some() { stored::logo(tx).await? } else { None };
    Ok(Brand { logo, primary: colours.primary_colour, accent: colours.accent_colour })
}

/// A letterhead of the organization.
pub async fn letterhead(
    tx: &mut OrgTx,
    to: Vec<String>,
    at: DateTime<Utc>,
    reference: Option<String>,
) -> Result<Letterhead, ApiError> {
    let row = organizations::find(tx).await?;
    let brand = of(tx, &row).await?;
    Ok(Letterhead { brand, msp: row.name, to, on: at.date_naive(), reference })
}

/// Lays a page out. It is work for a processor: others are answered meanwhile.
pub async fn paper(
    write: impl FnOnce() -> Result<Vec<u8>, PdfError> + Send + 'static,
) -> Result<Vec<u8>, ApiError> {
    let written = tokio::task::spawn_blocking(write).await.map_err(ApiError::internal)?;
    written.map_err(ApiError::internal)
}

/// Keeps a logo, or none, for an organization whose version is still `version`.
///
/// # Errors
/// 412 when it is another version; 413, 415 or 422 when the bytes are not a logo.
pub async fn change(
    tx: &mut OrgTx,
    version: i64,
    logo: Option<&[u8]>,
    now: DateTime<Utc>,
) -> Result<OrganizationRow, ApiError> {
    let logo = logo.map(checked).transpose()?;
    stored::set_logo(tx, now, version, logo.as_ref()).await?.ok_or_else(ApiError::stale)
}

/// Read as a whole, with limits, before it is kept.
fn checked(bytes: &[u8]) -> Result<Stored<'_>, ApiError> {
    let read = Logo::read_png(bytes).map_err(refused)?;
    let side = |points: u32| i32::try_from(points).map_err(ApiError::internal);
    Ok(Stored {
        png: bytes,
        sha256: digest::of_bytes(bytes),
        width: side(read.width)?,
        height: side(read.height)?,
    })
}

fn refused(error: LogoError) -> ApiError {
    match error {
        LogoError::Large => ApiError::new(
            Code::TooLarge,
            format!(
                "A logo holds {} kB at most. Save it smaller; 600 points wide is enough.",
                MOST_BYTES >> 10
            ),
        ),
        LogoError::Format => ApiError::new(
            Code::UnsupportedMediaType,
            "The body is not a PNG. Save the logo as PNG, and send the file as the body with `Content-Type: image/png`.",
        ),
        LogoError::Wide | LogoError::Damaged => ApiError::invalid("", error.to_string()),
    }
}
