//! Following something to its end: server-sent events, with `Last-Event-ID`.

use crate::error::ApiError;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use std::future::Future;
use std::time::{Duration, Instant};

/// A stream ends after this, and is followed again.
const LONGEST: Duration = Duration::from_mins(5);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(300);
/// A comment keeps a connection open on which nothing happens for so long.
const QUIET: Duration = Duration::from_secs(15);

/// How something stands at a moment.
#[derive(Debug)]
pub struct Moment {
    /// Grows with every change; the first number before the second.
    pub version: (i64, i64),
    /// Nothing comes after it.
    pub ended: bool,
    /// What is told, as JSON.
    pub data: String,
}

impl Moment {
    /// A moment at which `data` is how it stands.
    pub fn of(version: (i64, i64), ended: bool, data: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self { version, ended, data: serde_json::to_string(data).map_err(ApiError::internal)? })
    }

    /// An event as it is sent. Its id is the second number, with the first before it where there is one.
    fn event(&self) -> Bytes {
        let name = if self.ended { "ended" } else { "progress" };
        let id = match self.version {
            (0, version) => version.to_string(),
            (major, minor) => format!("{major}.{minor}"),
        };
        Bytes::from(format!("event: {name}\nid: {id}\ndata: {}\n\n", self.data))
    }
}

/// The `Last-Event-ID` of a request; before everything, if there is none that we could have sent.
fn seen(request: &HttpRequest) -> (i64, i64) {
    let id = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    let id = id.map(str::trim).unwrap_or_default();
    let parsed = match id.split_once('.') {
        Some((major, minor)) => major.parse().ok().zip(minor.parse().ok()),
        None => id.parse().ok().map(|minor| (0, minor)),
    };
    parsed.unwrap_or((0, 0))
}

/// Sends what `look` sees whenever it has changed, until it has ended.
pub fn follow<L, F>(request: &HttpRequest, look: L) -> HttpResponse
where
    L: Fn() -> F + 'static,
    F: Future<Output = Result<Moment, ApiError>> + 'static,
{
    let follower = Follower { look, seen: seen(request), until: Instant::now() + LONGEST, ended: false };
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // A compressor would hold events back, and so do some proxies unless told.
        .insert_header(header::ContentEncoding::Identity)
        .insert_header((HeaderName::from_static("x-accel-buffering"), "no"))
        .streaming(stream::unfold(follower, Follower::next))
}

/// One caller following one thing.
struct Follower<L> {
    look: L,
    seen: (i64, i64),
    until: Instant,
    ended: bool,
}

impl<L, F> Follower<L>
where
    L: Fn() -> F,
    F: Future<Output = Result<Moment, ApiError>>,
{
    /// The next event, or a comment that keeps the connection open; none: the stream is over.
    async fn next(mut self) -> Option<(Result<Bytes, ApiError>, Self)> {
        if self.ended || Instant::now() >= self.until {
            return None;
        }
        let quiet_until = Instant::now() + QUIET;
        loop {
            let moment = match (self.look)().await {
                Ok(moment) => moment,
                Err(error) => {
                    self.ended = true;
                    return Some((Err(error), self));
                }
            };
            self.ended = moment.ended;
            if moment.version > self.seen || self.ended {
                self.seen = moment.version;
                return Some((Ok(moment.event()), self));
            }
            if Instant::now() >= quiet_until {
                return Some((Ok(Bytes::from_static(b": still there\n\n")), self));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
