//! The service in process, on real servers, with a database for each test.
//!
//! Needs `TEST_DATABASE_URL` (a role that may create databases and roles, and is no superuser) and, for
//! the tests of what Redis does, `TEST_REDIS_URL`; `scripts/test` starts both and sets them. The service
//! itself logs in as `leakage_app`, as in production, so that row-level security holds in every test.
//!
//! [`TestApp`] fails the test that drops it when jobs are left behind, dead ones included.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]

mod actors;
mod audits;
pub mod browser;
mod database;
mod receiver;
mod smtp;

use chrono::{DateTime, Utc};
use leakage_api::app::{self, App};
use leakage_api::clock::Clock;
use leakage_api::config::Config;
use leakage_api::jobs::runner::Runner;
use leakage_core::ingest::SheetReader;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use actors::{Org, PASSWORD, Person, new_email};
pub use database::Database;
pub use receiver::{Received, Receiver};
pub use smtp::{Mail, Mood, SmtpServer};

/// When every test begins.
pub const NOW: &str = "2026-11-22T12:00:00Z";

/// The service, running.
pub struct TestApp {
    /// The parts of the service, for what HTTP does not show.
    pub app: Arc<App>,
    /// Moves the service's time.
    pub clock: Clock,
    /// Where it listens, without a slash at the end.
    pub address: String,
    /// Its database, with the owner's eyes.
    pub database: Database,
    client: Client,
    server: actix_web::dev::ServerHandle,
    thread: Option<std::thread::JoinHandle<()>>,
    jobs_may_be_left: AtomicBool,
    files: tempfile::TempDir,
}

impl TestApp {
    /// Starts the service with its defaults and limits that no test reaches.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts the service with other settings.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        // This program is none that reads workbooks: they are read inside it.
        Self::start_reading(change, None).await
    }

    /// Starts the service with other settings, and with something that reads workbooks.
    pub async fn start_reading(
        change: impl FnOnce(&mut Config),
        sheets: Option<Arc<dyn SheetReader>>,
    ) -> Self {
        Self::start_made(change, |app| app.sheets = sheets).await
    }

    /// Starts the service with other settings and other parts.
    pub async fn start_made(change: impl FnOnce(&mut Config), make: impl FnOnce(&mut App)) -> Self {
        let database = Database::create().await;
        let files = tempfile::tempdir().expect("a temporary folder");
        let mut config = Config::defaults().expect("the defaults are valid");
        config.database.url = Some(database.app_url().into());
        config.database.max_connections = 10;
        config.tokens.key_file = files.path().join("keys.pem");
        config.objects.folder = files.path().join("objects");
        config.limits.key_per_minute = 1_000_000;
        config.limits.organization_per_minute = 1_000_000;
        config.limits.network_per_minute = 1_000_000;
        config.tokens.key_file = files.path().join("token-keys.pem");
        config.secrets.key_file = files.path().join("secret-keys.txt");
        // Receivers of tests are on this machine.
        config.webhooks.allow_loopback = true;
        change(&mut config);
        let now: DateTime<Utc> = NOW.parse().expect("a time");
        let clock = Clock::fixed(now);
        let mut app = App::build(config, clock.clone()).expect("the service can be built");
        // This program is none that reads strangers' files: that is done inside it.
        (app.sheets, app.visits.process) = (None, None);
        make(&mut app);
        let app = Arc::new(app);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let (server, thread) = serve(Arc::clone(&app), listener);
        Self {
            app,
            clock,
            address,
            database,
            client: Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client"),
            server,
            thread: Some(thread),
            jobs_may_be_left: AtomicBool::new(false),
            files,
        }
    }

    /// Someone without credentials.
    pub fn stranger(&self) -> Caller {
        Caller { client: self.client.clone(), address: self.address.clone(), token: None }
    }

    /// Someone with an access token or an API key.
    pub fn caller(&self, token: impl Into<String>) -> Caller {
        Caller { token: Some(token.into()), ..self.stranger() }
    }

    /// A GET without credentials.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.stranger().get(path)
    }

    /// A POST without credentials.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.stranger().post(path)
    }

    /// Runs all jobs that are ready, and those that they enqueue; answers how many were begun.
    pub async fn work(&self) -> usize {
        Runner::new(Arc::clone(&self.app)).drain().await.expect("jobs can be claimed")
    }

    /// This test leaves jobs behind on purpose.
    pub fn jobs_may_be_left(&self) {
        self.jobs_may_be_left.store(true, Ordering::Relaxed);
    }

    /// The folder for the service's files.
    pub fn files(&self) -> &std::path::Path {
        self.files.path()
    }
}

/// Runs the server on a thread of its own, as production does on its main one.
fn serve(
    app: Arc<App>,
    listener: TcpListener,
) -> (actix_web::dev::ServerHandle, std::thread::JoinHandle<()>) {
    let (send, receive) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = app::server(app, listener, 1).expect("the server starts");
            send.send(server.handle()).expect("the test waits");
            server.await.expect("the server ends well");
        });
    });
    (receive.recv().expect("the server started"), thread)
}

impl Drop for TestApp {
    fn drop(&mut self) {
        // Told at once; the future only waits.
        drop(self.server.stop(false));
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the server panicked");
        }
        let left = self.database.remove();
        if !std::thread::panicking() && !self.jobs_may_be_left.load(Ordering::Relaxed) {
            assert!(left.is_empty(), "jobs were left behind: {left:?}");
        }
    }
}

/// Someone who sends requests.
#[derive(Clone, Debug)]
pub struct Caller {
    client: Client,
    address: String,
    /// Access token or API key.
    pub token: Option<String>,
}

impl Caller {
    /// Any request.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.address));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// A GET.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// A POST.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// A PUT.
    pub fn put(&self, path: &str) -> RequestBuilder {
        self.request(Method::PUT, path)
    }

    /// A PATCH.
    pub fn patch(&self, path: &str) -> RequestBuilder {
        self.request(Method::PATCH, path)
    }

    /// A DELETE.
    pub fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }
}

/// Sends a request and answers its status and JSON body (null when there is none).
pub async fn send(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    (status, body(response).await)
}

/// The JSON body of an answer; null when there is none.
pub async fn body(response: Response) -> Value {
    let text = response.text().await.expect("a body");
    if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

/// Asserts that an answer is a whole problem with this status and code, and answers it.
#[track_caller]
pub fn assert_problem(answer: &(u16, Value), status: u16, code: &str) {
    let (found, problem) = answer;
    assert_eq!((*found, problem["code"].as_str()), (status, Some(code)), "{problem:#}");
    assert_eq!(problem["status"], status, "{problem:#}");
    assert_eq!(problem["type"], format!("/docs/errors#{code}"), "{problem:#}");
    for field in ["title", "detail", "request_id"] {
        assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {problem:#}");
    }
    assert!(problem["retryable"].is_boolean(), "{problem:#}");
}

/// The words of a PDF as another program reads them, one blank apart.
///
/// # Panics
/// Where that program is missing: a test that reads nothing proves nothing.
pub fn pdf_words(pdf: &[u8]) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let child = Command::new("pdftotext")
        .args(["-layout", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.unwrap_or_else(|error| {
        panic!(
            "pdftotext cannot be run ({error}). Install poppler (Debian: apt-get install poppler-utils; macOS: brew \
             install poppler), or run scripts/test, which does."
        )
    });
    let mut input = child.stdin.take().expect("a pipe");
    let bytes = pdf.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().expect("pdftotext answers");
    writer.join().expect("the writer ends").expect("pdftotext reads");
    assert!(output.status.success(), "pdftotext");
    String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ")
}
