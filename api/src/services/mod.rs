//! Use cases of several steps. Knows storage and core; knows no HTTP.

pub mod api_keys;
pub mod audits;
pub mod billing_entities;
pub mod clients;
pub mod decisions;
pub mod deliveries;
pub mod demo;
pub mod gap_history;
pub mod idempotency;
pub mod import_profiles;
pub mod imports;
pub mod invitations;
pub mod known_gaps;
pub mod letter_templates;
pub mod letters;
pub mod mappings;
pub mod members;
pub mod organizations;
pub mod recomputed;
pub mod sample_audits;
pub mod sessions;
pub mod sign_in;
pub mod statements;
pub mod text;
