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
mod client_bounds;
mod client_link;
mod client_page;
mod client_ways;
mod contract;
mod corrections;
mod cors;
mod cycles;
mod deadlines;
mod deliveries;
mod docs;
mod evidence;
mod gap_keys;
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
mod organization_logo;
mod organizations;
mod page;
mod policies;
mod prices;
mod problems;
mod reaudit;
mod records;
mod reports;
mod rules;
mod sample_audit;
mod second_factor;
mod sessions;
mod tenancy;
mod webhooks;
mod work_queue;
