//! The Leakage Finder service: HTTP on top of services, services on top of storage and
//! `leakage_core`. See the README for a map.
//!
//! Arrows run routes -> services -> storage -> core, and jobs -> services. All SQL is in
//! [`storage`]; HTTP is in [`routes`], [`extract`] and [`middleware`].

pub mod app;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod confined;
pub mod embedded;
pub mod error;
pub mod extract;
pub mod files;
pub mod jobs;
pub mod mail;
pub mod middleware;
pub mod objects;
pub mod pagination;
pub mod routes;
pub mod services;
pub mod storage;
pub mod telemetry;
pub mod visits;
pub mod webhooks;
pub mod workbooks;
