//! What every request shares, and the actix application made of it.

use crate::clock::Clock;
use crate::config::Config;
use crate::storage::Db;

/// Shared by all requests and jobs; cheap to clone behind `web::Data`.
pub struct App {
    /// Settings, checked at start.
    pub config: Config,
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
}
