//! Sending webhooks: one signed request to an address that a stranger chose. It goes to public addresses only,
//! follows nothing, and reads no more of the answer than a person looks at. Knows no storage.

pub mod addresses;
pub mod signing;

use addresses::{Addresses, NotPublic};
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use std::error::Error;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// For a whole attempt: name, connection, request, answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Of an answer that is read.
const READ_BYTES: usize = 1024;
/// Of an answer that is kept.
const KEPT_CHARS: usize = 200;

/// A message that is ready to be sent.
pub struct Message {
    /// The same for every attempt.
    pub id: String,
    /// When this attempt is made, in seconds.
    pub timestamp: i64,
    /// The body.
    pub body: String,
    /// What it is signed with.
    pub signature: String,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What came of an attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status; none: there was no answer.
    pub status: Option<u16>,
    /// Why it does not count as delivered.
    pub error: Option<String>,
    /// How the body begins.
    pub head: Option<String>,
}

impl Answer {
    /// No request was answered.
    pub fn none(error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), ..Self::default() }
    }
}

/// Sends messages.
pub struct Sender {
    addresses: Addresses,
    // Made when the first one is sent: it reads the machine's certificates.
    client: OnceLock<Option<Client>>,
}

impl Sender {
    /// `allow_loopback`: receivers on this machine are reached too, for development.
    pub const fn new(allow_loopback: bool) -> Self {
        Self { addresses: Addresses { allow_loopback }, client: OnceLock::new() }
    }

    /// An address that messages may be sent to.
    ///
    /// # Errors
    /// What is wrong with it, and what would be right.
    pub fn address(&self, text: &str) -> Result<Url, &'static str> {
        self.addresses.url(text)
    }

    /// Sends a message, once.
    pub async fn send(&self, url: &str, message: Message) -> Answer {
        // Again: literal addresses are not resolved, and the settings may have changed.
        let url = match self.address(url) {
            Ok(url) => url,
            Err(reason) => return Answer::none(reason),
        };
        let Some(client) = self.client.get_or_init(|| client(self.addresses)) else {
            return Answer::none("this worker has no certificates to check receivers with");
        };
        let request = client
            .post(url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(USER_AGENT, HeaderValue::from_static("LeakageFinder-Webhooks/1"))
            .header(HeaderName::from_static("webhook-id"), message.id)
            .header(HeaderName::from_static("webhook-timestamp"), message.timestamp)
            .header(HeaderName::from_static("webhook-signature"), message.signature)
            .body(message.body);
        match request.send().await {
            Ok(response) => answered(response).await,
            Err(error) => Answer::none(why(&error)),
        }
    }
}

fn client(addresses: Addresses) -> Option<Client> {
    let built = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .https_only(!addresses.allow_loopback)
        .dns_resolver(Arc::new(addresses))
        .timeout(TIMEOUT)
        .connect_timeout(TIMEOUT / 2)
        .pool_idle_timeout(Duration::from_secs(30))
        .build();
    built.map_err(|error| tracing::error!(error = &error as &dyn Error, "webhooks cannot be sent")).ok()
}

async fn answered(mut response: Response) -> Answer {
    let status = response.status();
    let mut read = Vec::new();
    // What cannot be read to its end was answered nevertheless.
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = READ_BYTES.saturating_sub(read.len());
        read.extend(chunk.iter().copied().take(room));
        if read.len() >= READ_BYTES {
            break;
        }
    }
    let error = match status.as_u16() {
        200..=299 => None,
        300..=399 => Some(format!("answered {status}; redirects are not followed")),
        _ => Some(format!("answered {status}")),
    };
    Answer { status: Some(status.as_u16()), error, head: head(&read) }
}

/// How an answer begins, without what a terminal or a database cannot hold.
fn head(read: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(read);
    let kept = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(KEPT_CHARS);
    Some(kept.collect::<String>().trim().to_owned()).filter(|head| !head.is_empty())
}

/// Why there was no answer, in a line.
fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} seconds", TIMEOUT.as_secs());
    }
    let mut cause: &(dyn Error + 'static) = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let text =
        if cause.is::<NotPublic>() { cause.to_string() } else { format!("cannot be reached: {cause}") };
    text.chars().filter(|c| !c.is_control()).take(KEPT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_an_answer_is_short_and_plain() {
        assert_eq!(head(b""), None);
        assert_eq!(head(b" \r\n"), None);
        assert_eq!(head(b"no\0 such\x1b[31m \xff hook\n").unwrap(), "no  such [31m \u{fffd} hook");
        assert_eq!(head(&[b'x'; READ_BYTES]).unwrap().len(), KEPT_CHARS);
    }
}
