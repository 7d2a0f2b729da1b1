//! The service tested through HTTP. One binary: one link, one migrated template.

mod api_keys;
mod contract;
mod idempotency;
mod invitations;
mod jobs;
mod limits;
mod members;
mod organizations;
mod problems;
mod sessions;
mod tenancy;
