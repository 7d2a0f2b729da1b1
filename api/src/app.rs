//! What every request shares, and the actix application made of it.

use crate::auth::key_files::KeyFileError;
use crate::auth::passwords::{PasswordError, Passwords};
use crate::auth::sealing::Sealer;
use crate::auth::tokens::Tokens;
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::mail::Mailer;
use crate::middleware::limits::Limiter;
use crate::objects::{ObjectError, Objects};
use crate::storage::{Db, Idle, StorageError};
use crate::visits::Visits;
use crate::webhooks::Sender;
use crate::workbooks::WorkbookProcess;
use crate::{middleware, routes};
use actix_web::middleware::Condition;
use actix_web::{App as ActixApp, HttpServer, web};
use leakage_core::ingest::SheetReader;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};

/// Files that requests have looked into at once.
const INSPECTIONS: usize = 2;

/// Audits that requests have computed again at once.
const RECOMPUTATIONS: usize = 2;

/// Shared by all requests and jobs; cheap to clone behind an [`Arc`] or `web::Data`.
pub struct App {
    /// Settings, checked at start.
    pub config: Config,
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// The uploaded files.
    pub objects: Objects,
    /// Sends mail; none: letters are handed out.
    pub mailer: Option<Mailer>,
    /// Sends events to receivers.
    pub webhooks: Sender,
    /// Rate limits.
    pub limiter: Limiter,
    /// Signs and checks access tokens.
    pub tokens: Tokens,
    /// Seals and opens secrets that the database keeps.
    pub sealer: Sealer,
    /// Hashes and checks passwords.
    pub passwords: Passwords,
    /// Reads workbooks in processes of their own; none: here.
    pub sheets: Option<Arc<dyn SheetReader>>,
    /// The turns of those who look into a file while a request waits for it.
    pub inspections: Semaphore,
    /// The turns of those who compute with an audit's facts while a request waits for it.
    pub recomputations: Arc<Semaphore>,
    /// Room for audits of strangers' files.
    pub visits: Visits,
    /// Told when work was enqueued here, so that a runner in this process need not wait for its poll.
    pub work: Notify,
    /// Told when a job ended here, so that whoever waits for it in this process need not look again and again.
    pub ended: Notify,
}

/// Why the service cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A setting.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database's DSN or role.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Where files are kept.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// Redis's address.
    #[error("REDIS_URL cannot be read: {0}")]
    Redis(#[from] redis::RedisError),
    /// The keys that sign access tokens, or that seal secrets.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The password hash.
    #[error(transparent)]
    Passwords(#[from] PasswordError),
}

impl App {
    /// Puts the parts together; connects to nothing yet, but makes the key file if there is none.
    pub fn build(config: Config, clock: Clock) -> Result<Self, BuildError> {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let idle = Idle {
            usual: seconds(config.database.idle_seconds),
            long: seconds(config.database.idle_long_seconds),
        };
        let db = Db::connect(config.database_url()?, config.database.max_connections)?.with_idle(idle);
        let limiter = Limiter::new(&config.limits, config.redis_url.as_ref(), clock.clone())?;
        let tokens = Tokens::open(&config.tokens.key_file, &config.public_url, clock.clone())?;
        let sealer = Sealer::open(&config.secrets.key_file)?;
        let passwords = Passwords::new()?;
        let objects = Objects::from_config(&config.objects)?;
        let mailer = config.mail.as_ref().map(Mailer::new).transpose()?;
        let webhooks = Sender::new(config.webhooks.allow_loopback);
        let sheets: Arc<dyn SheetReader> = Arc::new(WorkbookProcess::of_this_program());
        Ok(Self {
            config,
            db,
            objects,
            mailer,
            webhooks,
            clock,
            limiter,
            tokens,
            sealer,
            passwords,
            sheets: Some(sheets),
            inspections: Semaphore::new(INSPECTIONS),
            recomputations: Arc::new(Semaphore::new(RECOMPUTATIONS)),
            visits: Visits::of_this_program(),
            work: Notify::new(),
            ended: Notify::new(),
        })
    }
}

/// How the service could not run.
#[derive(Debug, thiserror::Error)]
#[error("the service cannot run on this address")]
pub struct ServeError(#[from] std::io::Error);

/// The server on a listener that is open already, not yet awaited. On SIGTERM or SIGINT it takes no
/// new connections and gives running requests 30 seconds; `workers` are threads.
pub fn server(
    app: Arc<App>,
    listener: TcpListener,
    workers: usize,
) -> Result<actix_web::dev::Server, ServeError> {
    let data = web::Data::from(app);
    let surface = web::Data::new(routes::surface::Surface::of(routes::docs::document()));
    let origins = data.config.cors_origins.clone();
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(data.clone())
            .app_data(surface.clone())
            .configure(configure)
            // Outermost last. What each does and why it stands there: `middleware`.
            .wrap(actix_web::middleware::from_fn(middleware::address::apply))
            .wrap(actix_web::middleware::from_fn(middleware::limits::apply))
            .wrap(actix_web::middleware::from_fn(middleware::answer::apply))
            .wrap(actix_web::middleware::Compress::default())
            .wrap(Condition::new(!origins.is_empty(), middleware::cors::allow(&origins)))
            .wrap(tracing_actix_web::TracingLogger::<crate::telemetry::RequestSpan>::new())
            .wrap(actix_web::middleware::from_fn(middleware::request_id::apply))
    })
    .workers(workers)
    .shutdown_timeout(30)
    .client_request_timeout(Duration::from_secs(10))
    .listen(listener)?;
    Ok(server.run())
}

/// Routes and what extractors are told; the server and in-process tests share it.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .app_data(crate::extract::path_config())
        .app_data(crate::extract::query_config())
        .configure(routes::configure)
        .default_service(web::to(routes::surface::nothing_here));
}
