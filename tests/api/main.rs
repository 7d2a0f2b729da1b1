//! The service tested through HTTP. One binary: one link, one migrated template.

mod contract;
mod idempotency;
mod jobs;
mod limits;
mod problems;
mod tenancy;
