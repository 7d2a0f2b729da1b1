//! The engine against the acceptance numbers, against a slow reference, and against disorder.

mod build;
mod decided;
mod examples;
mod explain;
mod history;
mod margins;
mod microsoft_listings;
mod needed;
mod reference;
mod settled;
mod sources;
mod standing;
mod threads;
mod waste;
mod what_if;
