//! The engine against the acceptance numbers, against a slow reference, and against disorder.

mod build;
mod examples;
mod explain;
mod reference;
mod sources;
