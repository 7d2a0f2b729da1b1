//! Settings: defaults, then a TOML file, then the environment; checked once at start.
//!
//! The file is named by `LEAKAGE_CONFIG`. Environment variables are `LEAKAGE_` and the path of the
//! setting with two underscores between the levels (`LEAKAGE_LIMITS__KEY_PER_MINUTE=600`);
//! `DATABASE_URL`, `MIGRATE_DATABASE_URL` and `REDIS_URL` are read without the prefix as well, because
//! every host provides them under these names.

use crate::objects::{ObjectsConfig, default_folder};
use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// All settings of the service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the service listens.
    pub bind: SocketAddr,
    /// The address under which callers reach it, without a slash at the end.
    pub public_url: String,
    /// How many proxies in front of us append to `X-Forwarded-For`; 0: the header is not believed.
    pub trusted_proxies: usize,
    /// Addresses of user interfaces in browsers that may call from another origin, such as
    /// `https://app.example.com`; none: only pages of this service itself.
    pub cors_origins: Vec<String>,
    /// The database.
    pub database: DatabaseConfig,
    /// Redis, for rate counters shared by several nodes. Without it each node counts for itself.
    pub redis_url: Option<SecretString>,
    /// Where uploaded files are kept.
    pub objects: ObjectsConfig,
    /// Access tokens.
    pub tokens: TokensConfig,
    /// Secrets that the database keeps.
    pub secrets: SecretsConfig,
    /// Rate limits.
    pub limits: LimitsConfig,
    /// The mail server that letters are sent with; none: they are handed out for others to send.
    pub mail: Option<MailConfig>,
    /// Background work.
    pub worker: WorkerConfig,
    /// Sending events to receivers.
    pub webhooks: WebhooksConfig,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
}

/// The database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// DSN of the role that the service logs in as (`leakage_app`).
    pub url: Option<SecretString>,
    /// DSN of the owner, for `migrate`. The service never uses it.
    pub migrate_url: Option<SecretString>,
    /// Connections of one process.
    pub max_connections: u32,
    /// Seconds for which a transaction may do nothing before the database ends it.
    pub idle_seconds: u32,
    /// The same for one that waits for a file that is being read.
    pub idle_long_seconds: u32,
}

/// Access tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokensConfig {
    /// PEM file of the Ed25519 keys that sign them: the first signs, all are accepted. Made with one key
    /// at the first start. All nodes need the same file.
    pub key_file: PathBuf,
}

/// Secrets that the database keeps, sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretsConfig {
    /// File of the key-encryption secrets, one a line: the first seals, all of them open. Made with one at the
    /// first start. All nodes need the same file.
    pub key_file: PathBuf,
}

/// Rate limits: cost units per minute; see `middleware::limits` for what costs how much.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// One user or API key in one organization.
    pub key_per_minute: u32,
    /// One organization, all its users and keys together.
    pub organization_per_minute: u32,
    /// One network without valid credentials: an IPv4 /24 or an IPv6 /64.
    pub network_per_minute: u32,
    /// Bytes of one uploaded file.
    pub upload_bytes: u64,
}

/// The mail server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// Its name.
    pub host: String,
    /// Its port; 465 for `tls`, 587 for `starttls`, 25 for `none` when not stated.
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub security: MailSecurity,
    /// User name, where the server wants one.
    pub username: Option<String>,
    /// Password of that user.
    pub password: Option<SecretString>,
    /// The address that letters come from.
    pub from: String,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// TLS from the first byte.
    #[default]
    Tls,
    /// TLS after a greeting; without it nothing is sent.
    Starttls,
    /// None: only for a mail server on this machine.
    None,
}

impl MailConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let invalid = |name, reason: &str| Err(ConfigError::Invalid { name, reason: reason.to_owned() });
        if self.username.is_some() != self.password.is_some() {
            return invalid("mail.username", "needs mail.password, and the other way round");
        }
        let here = ["localhost", "127.0.0.1", "::1"].contains(&self.host.as_str());
        if self.security == MailSecurity::None && !here {
            return invalid(
                "mail.security",
                "`none` is for a mail server on this machine only; use tls or starttls",
            );
        }
        Ok(())
    }
}

/// Background work.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerConfig {
    /// Jobs that one process works on at once.
    pub concurrency: usize,
    /// Seconds that a claimed job stays with its worker without a heartbeat.
    pub lease_seconds: u32,
    /// Milliseconds between looks at an empty queue.
    pub poll_milliseconds: u64,
}

/// Sending events to receivers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhooksConfig {
    /// Receivers on this machine are reached too, also by http. For development alone: whoever may set an
    /// address could ask this machine's own services.
    pub allow_loopback: bool,
}

/// Logs and traces.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// What is logged, in the syntax of `RUST_LOG`.
    pub filter: String,
    /// `text` for people, `json` for collectors.
    pub format: LogFormat,
    /// Base address of an OTLP/HTTP collector (`http://localhost:4318`); none: no traces.
    pub otlp_endpoint: Option<String>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The defaults; secrets have none.
#[derive(Serialize)]
struct Defaults {
    bind: &'static str,
    public_url: &'static str,
    trusted_proxies: usize,
    cors_origins: Vec<String>,
    database: DatabaseDefaults,
    tokens: TokensConfig,
    secrets: SecretsConfig,
    objects: ObjectsDefaults,
    limits: LimitsConfig,
    worker: WorkerConfig,
    webhooks: WebhooksConfig,
    telemetry: TelemetryConfig,
}

#[derive(Serialize)]
struct ObjectsDefaults {
    folder: PathBuf,
}

#[derive(Serialize)]
struct DatabaseDefaults {
    max_connections: u32,
    idle_seconds: u32,
    idle_long_seconds: u32,
}

const DEFAULTS: fn() -> Defaults = || Defaults {
    bind: "127.0.0.1:8080",
    public_url: "http://localhost:8080",
    trusted_proxies: 0,
    cors_origins: Vec::new(),
    database: DatabaseDefaults { max_connections: 20, idle_seconds: 60, idle_long_seconds: 900 },
    tokens: TokensConfig { key_file: PathBuf::from("leakage-token-keys.pem") },
    secrets: SecretsConfig { key_file: PathBuf::from("leakage-secret-keys.txt") },
    limits: LimitsConfig {
        key_per_minute: 600,
        organization_per_minute: 3000,
        network_per_minute: 120,
        upload_bytes: 512 * 1024 * 1024,
    },
    objects: ObjectsDefaults { folder: default_folder() },
    worker: WorkerConfig { concurrency: 2, lease_seconds: 60, poll_milliseconds: 500 },
    webhooks: WebhooksConfig { allow_loopback: false },
    telemetry: TelemetryConfig {
        filter: "info,sqlx=warn".to_owned(),
        format: LogFormat::Text,
        otlp_endpoint: None,
    },
};

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Unknown name, wrong type, unreadable file.
    #[error("the settings cannot be read: {0}")]
    Unreadable(Box<figment::Error>),
    /// A value that cannot work.
    #[error("setting `{name}`: {reason}")]
    Invalid {
        /// Its path.
        name: &'static str,
        /// What is wrong and what would be right.
        reason: String,
    },
}

impl Config {
    /// Defaults, then the file named by `LEAKAGE_CONFIG`, then the environment.
    pub fn load() -> Result<Self, ConfigError> {
        Self::load_over(Figment::from(Serialized::defaults(DEFAULTS())))
    }

    /// The same, with everything that the service keeps below one data folder unless told otherwise.
    pub fn load_below(data_dir: &Path) -> Result<Self, ConfigError> {
        let defaults = Figment::from(Serialized::defaults(DEFAULTS()));
        Self::load_over(
            defaults
                .merge(("objects.folder", data_dir.join("objects")))
                .merge(("tokens.key_file", data_dir.join("token-keys.pem")))
                .merge(("secrets.key_file", data_dir.join("secret-keys.txt"))),
        )
    }

    fn load_over(mut figment: Figment) -> Result<Self, ConfigError> {
        if let Some(file) = std::env::var_os("LEAKAGE_CONFIG").map(PathBuf::from) {
            figment = figment.merge(Toml::file_exact(file));
        }
        // The two are no settings of the service: where its settings are, and where its private database is.
        let ours = Env::prefixed("LEAKAGE_").ignore(&["config", "data_dir"]).split("__");
        Self::extract(&figment.merge(environment()).merge(ours))
    }

    /// The defaults and nothing else: for tests and for the API document.
    pub fn defaults() -> Result<Self, ConfigError> {
        Self::extract(&Figment::from(Serialized::defaults(DEFAULTS())))
    }

    fn extract(figment: &Figment) -> Result<Self, ConfigError> {
        let config: Self = figment.extract().map_err(|error| ConfigError::Unreadable(Box::new(error)))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let invalid = |name, reason: &str| Err(ConfigError::Invalid { name, reason: reason.to_owned() });
        if !self.public_url.starts_with("http") || self.public_url.ends_with('/') {
            return invalid("public_url", "must be an http or https address without a slash at the end");
        }
        let origin = |text: &String| {
            let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
            host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', ' ']))
        };
        if !self.cors_origins.iter().all(origin) {
            return invalid("cors_origins", "each must be scheme and host, such as https://app.example.com");
        }
        if self.database.max_connections < 2 {
            return invalid("database.max_connections", "must be 2 or more");
        }
        if self.database.idle_seconds == 0 || self.database.idle_long_seconds < self.database.idle_seconds {
            return invalid(
                "database.idle_seconds",
                "must be 1 or more, and at most database.idle_long_seconds",
            );
        }
        let limits = &self.limits;
        if [limits.key_per_minute, limits.organization_per_minute, limits.network_per_minute]
            .iter()
            .any(|n| *n < 60)
        {
            return invalid("limits", "each must be 60 or more: one expensive request costs up to 20");
        }
        if self.worker.concurrency == 0 {
            return invalid(
                "worker.concurrency",
                "must be 1 or more; to serve without a worker use --no-worker",
            );
        }
        let jobs = u32::try_from(self.worker.concurrency).unwrap_or(u32::MAX);
        if self.database.max_connections < jobs.saturating_add(2) {
            return invalid(
                "database.max_connections",
                "must be 2 more than worker.concurrency: each job holds one while it tells how far it is on another",
            );
        }
        self.mail.as_ref().map_or(Ok(()), MailConfig::check)?;
        if self.worker.lease_seconds < 5 {
            return invalid("worker.lease_seconds", "must be 5 or more, or running jobs are taken away");
        }
        Ok(())
    }

    /// The DSN of the service's role, or what to do.
    pub fn database_url(&self) -> Result<&str, ConfigError> {
        self.database.url.as_ref().map(ExposeSecret::expose_secret).ok_or_else(|| ConfigError::Invalid {
            name: "database.url",
            reason: "is not set; set DATABASE_URL to the DSN of the role leakage_app".to_owned(),
        })
    }

    /// The DSN of the owner, or what to do.
    pub fn migrate_url(&self) -> Result<&str, ConfigError> {
        self.database.migrate_url.as_ref().map(ExposeSecret::expose_secret).ok_or_else(|| {
            ConfigError::Invalid {
                name: "database.migrate_url",
                reason: "is not set; set MIGRATE_DATABASE_URL to the DSN of the role that owns the tables"
                    .to_owned(),
            }
        })
    }
}

/// The variables without our prefix.
fn environment() -> Env {
    Env::raw().only(&["DATABASE_URL", "MIGRATE_DATABASE_URL", "REDIS_URL"]).map(|name| {
        match name.as_str().to_ascii_lowercase().as_str() {
            "database_url" => "database.url".into(),
            "migrate_database_url" => "database.migrate_url".into(),
            other => other.to_owned().into(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_hold_no_database() {
        let config = Config::defaults().unwrap();
        assert!(config.database_url().is_err());
        assert_eq!(config.limits.key_per_minute, 600);
    }

    #[test]
    fn a_misspelt_setting_is_refused_by_name() {
        let figment = Figment::from(Serialized::defaults(DEFAULTS())).merge(("limits.key_per_minuet", 7));
        let error = Config::extract(&figment).unwrap_err().to_string();
        assert!(error.contains("key_per_minuet"), "{error}");
    }

    #[test]
    fn limits_that_no_request_could_pass_are_refused() {
        let figment = Figment::from(Serialized::defaults(DEFAULTS())).merge(("limits.network_per_minute", 1));
        assert!(Config::extract(&figment).is_err());
    }
}
