//! The proof of a correction, for whoever wants to check it without us: one file that proves itself.
//!
//! [`Facts`] go in, a zip comes out, byte-identical for the same facts and key. Its manifest lists every file
//! with its digest and is signed; the digest of what is frozen stands in the organization's log, and the proof
//! of that is a part of the bundle. [`verify`] checks it offline, and so do `openssl` and `sha256sum`.
//!
//! Nothing is computed here: figures come from the audit and the ledger as they are. There are no keys, no
//! clock and no files: what signs is passed in ([`Seal`]), and so is what checks a signature.
//!
//! Making one takes three steps, since the log's word on the facts cannot be a part of them:
//! [`frozen_digest`] of the facts; an entry of the log whose `after` is [`freezing`]; then the facts with the log's
//! proofs ([`facts::LogFacts`]) to [`write`].
//!
//! Read in this order: [`facts`], `renderer` (the list of files, each made by a module of its own), `bundle`,
//! `pseudonyms` (persons replaced), [`verify`].

mod activity;
mod archive;
mod audit_json;
mod bundle;
mod checkpoint;
mod correction_json;
mod error;
pub mod example;
pub mod facts;
mod gaps_csv;
pub mod key;
mod letters;
mod line_months;
mod manifest;
mod provisioning;
mod pseudonyms;
mod public_key;
mod readme;
mod renderer;
mod replies;
pub mod report;
mod report_pdf;
mod sheet;
mod source_rows;
mod stored;
#[cfg(test)]
mod tests;
mod timeline;
pub mod verify;

pub use bundle::{Sealed, freezing, frozen_digest, write};
pub use error::BundleError;
pub use facts::Facts;
pub use key::{Seal, SealError};
pub use manifest::{FORMAT, Manifest};
pub use pseudonyms::named;
