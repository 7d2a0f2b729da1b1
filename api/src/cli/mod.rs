//! The two commands that need no service: `audit` and `inspect`. They know `leakage_core` and files.

pub mod audit;
pub mod inspect;
pub mod service;
