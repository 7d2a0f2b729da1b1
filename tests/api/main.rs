//! The service tested through HTTP. One binary: one link, one migrated template.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, and so do its helpers"
)]

mod api_keys;
mod audits;
mod catalog;
mod contract;
mod corrections;
mod cors;
mod hostile;
mod idempotency;
mod import_profiles;
mod imports;
mod invitations;
mod isolation;
mod jobs;
mod known;
mod large_imports;
mod limits;
mod members;
mod organizations;
mod problems;
mod records;
mod sessions;
mod tenancy;
