//! `public-key.pem`: the key that seals the bundle. Whether it is the MSP's must be asked elsewhere.

use super::BundleError;
use super::key;
use super::renderer::{File, Material, Renderer};

pub(super) const RENDERER: Renderer = Renderer { name: PATH, frozen: false, render };
pub(super) const PATH: &str = "public-key.pem";

#[expect(clippy::unnecessary_wraps, reason = "renderers have one form, and others can fail")]
fn render(material: &Material<'_>) -> Result<Vec<File>, BundleError> {
    Ok(vec![File::new(PATH, "application/x-pem-file", key::to_pem(&material.key).into_bytes())])
}
