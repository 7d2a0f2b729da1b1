//! Use cases of several steps. Knows storage and core; knows no HTTP.

pub mod demo;
pub mod idempotency;
