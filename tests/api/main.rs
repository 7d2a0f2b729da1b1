//! The service tested through HTTP. One binary: one link, one migrated template.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod contract;
mod idempotency;
mod isolation;
mod jobs;
mod limits;
mod problems;
mod tenancy;
