//! What Leakage Finder knows, as a library: how vendor and PSA files are read, how clients and
//! products of different sources are matched, how an audit turns rows into gaps, and how a gap is corrected.
//!
//! Pure and synchronous. This crate knows no HTTP, runs no SQL, and reads no clock, environment or
//! network; times, ids and bytes are passed in. There are no floats in it but the coordinates that
//! `pdf::write` hands to the PDF library. The service, the offline
//! commands and the tests all run this same code.
//!
//! Read in this order: [`records`] (the canonical rows), [`ingest`] (files to records),
//! [`seat_states`] (vendor charges to seats), [`catalog`] and [`matching`] (names to products),
//! [`audit`] (records to gaps), [`history`] (audits to what a gap came to over time), [`visit`] (one audit of a few files),
//! [`sample`] (files to try it with), [`letters`] (facts to letters), [`log`] (a history that cannot be rewritten unseen),
//! [`cycle`] (what must be there by when, month after month),
//! [`correction`] (gaps to a fix that is proved), [`billing_instructions`] (what to enter where the client is billed),
//! [`evidence`] (a fix to a file that proves itself), [`person`] (who is named in a text).

pub mod audit;
pub mod billing_instructions;
mod canonical;
pub mod catalog;
pub mod correction;
pub mod cycle;
pub mod digest;
pub mod evidence;
pub mod history;
pub mod id;
pub mod ingest;
pub mod letters;
pub mod log;
pub mod matching;
pub mod money;
pub mod parallel;
pub mod pdf;
pub mod period;
pub mod person;
pub mod records;
pub mod sample;
pub mod seat_states;
mod visible;
pub mod visit;
