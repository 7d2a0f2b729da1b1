//! The engine against the acceptance numbers, against a slow reference, and against disorder.

mod build;
mod examples;
mod explain;
mod history;
mod microsoft_listings;
mod reference;
mod sources;
mod threads;
