//! The engine against the acceptance numbers, against a slow reference, and against disorder.

mod build;
mod decided;
mod examples;
mod explain;
mod microsoft_listings;
mod reference;
mod sources;
