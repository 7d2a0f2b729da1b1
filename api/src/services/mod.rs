//! Use cases of several steps. Knows storage and core; knows no HTTP.

pub mod api_keys;
pub mod audits;
pub mod clients;
pub mod corrections;
pub mod demo;
pub mod idempotency;
pub mod import_profiles;
pub mod imports;
pub mod invitations;
pub mod mappings;
pub mod members;
pub mod organizations;
pub mod sessions;
pub mod sign_in;
pub mod text;
