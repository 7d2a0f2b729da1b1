//! The service tested through HTTP. One binary: one link, one migrated template.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, and so do its helpers"
)]

mod api_keys;
mod audit_findings;
mod audits;
mod billing_entities;
mod catalog;
mod contract;
mod corrections;
mod cors;
mod cycles;
mod deadlines;
mod deliveries;
mod docs;
mod gaps;
mod hostile;
mod idempotency;
mod import_profiles;
mod imports;
mod invitations;
mod isolation;
mod jobs;
mod known;
mod large_imports;
mod letters;
mod limits;
mod members;
mod organizations;
mod page;
mod policies;
mod prices;
mod problems;
mod records;
mod reports;
mod rules;
mod sample_audit;
mod sessions;
mod tenancy;
mod work_queue;
