//! `checkpoint.txt`: what the log commits to, signed (c2sp.org/tlog-checkpoint).

use super::BundleError;
use super::renderer::{File, Material, Renderer};
use crate::log::{CheckpointError, NoteError, NoteKey, NoteSignature, SignedNote};

pub(super) const RENDERER: Renderer = Renderer { name: PATH, frozen: false, render };
pub(super) const PATH: &str = "checkpoint.txt";

fn render(material: &Material<'_>) -> Result<Vec<File>, BundleError> {
    let (note, origin) = (&material.log()?.checkpoint, material.checkpoint()?.origin);
    let key = NoteKey::new(&origin, material.key).map_err(CheckpointError::from)?;
    let signatures = SignedNote::parse(note).map_err(CheckpointError::from)?;
    let own = |of: &NoteSignature| of.id == key.id() && of.name == key.name();
    if !signatures.signatures().iter().any(own) {
        return Err(CheckpointError::from(NoteError::Unsigned).into());
    }
    Ok(vec![File::text(PATH, note.clone())])
}
