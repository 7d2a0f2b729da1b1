//! Mail that leaves the house: one SMTP server, where one is configured. Without one, letters are handed
//! out for people and other systems to send.
//!
//! Knows messages, not letters; no HTTP, no database.

use crate::config::{ConfigError, MailConfig, MailSecurity};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::ExposeSecret as _;
use std::time::Duration;

/// How long one step of a conversation with the mail server may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Characters that are kept of what a mail server says.
const KEPT_CHARACTERS: usize = 500;

/// A message to one recipient.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// `<id@domain>`; the same in every attempt.
    pub message_id: &'a str,
    /// Address of the recipient.
    pub to: &'a str,
    /// Name that is shown beside our address.
    pub sender: &'a str,
    /// Where answers go, if not to us.
    pub reply_to: Option<&'a str>,
    /// One line.
    pub subject: &'a str,
    /// As text.
    pub text: &'a str,
    /// As HTML.
    pub html: &'a str,
}

/// Why a message was not taken. What the server said may hold addresses: it is kept with the attempt and told
/// nowhere else.
#[derive(thiserror::Error)]
pub enum MailError {
    /// It would never be taken: an address that is none, or a server that says no for good.
    #[error("the message is refused{}", .0.code())]
    Refused(Reply),
    /// It may be taken later.
    #[error("the mail server does not take it now{}", .0.code())]
    Later(Reply),
}

impl std::fmt::Debug for MailError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MailError({self})")
    }
}

/// What a mail server answered, or what kept it from being asked.
#[derive(Clone)]
pub struct Reply {
    /// The code of SMTP, where there is one.
    code: Option<u16>,
    /// In words.
    pub said: String,
}

impl Reply {
    /// Words of our own, without an answer.
    pub fn none(why: &str) -> Self {
        Self { code: None, said: short(why) }
    }

    /// The code, to be put behind a text.
    pub fn code(&self) -> String {
        self.code.map(|code| format!(" (SMTP {code})")).unwrap_or_default()
    }
}

/// Sends mail.
#[derive(Clone, Debug)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
}

impl Mailer {
    /// From settings that were checked. Connects when something is sent.
    pub fn new(config: &MailConfig) -> Result<Self, ConfigError> {
        let invalid = |name, reason: String| ConfigError::Invalid { name, reason };
        let from: Address =
            config.from.parse().map_err(|_| invalid("mail.from", "must be an e-mail address".to_owned()))?;
        let host = config.host.as_str();
        let builder = match config.security {
            MailSecurity::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(host),
            MailSecurity::Starttls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host),
            MailSecurity::None => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)),
        };
        let mut builder = builder
            .map_err(|error| invalid("mail.host", format!("cannot be used: {error}")))?
            .hello_name(ClientId::Domain(from.domain().to_owned()))
            .timeout(Some(TIMEOUT));
        if let Some(port) = config.port {
            builder = builder.port(port);
        }
        if let (Some(user), Some(password)) = (&config.username, &config.password) {
            let secret = password.expose_secret().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), secret));
        }
        Ok(Self { transport: builder.build(), from })
    }

    /// The id of a message: `local` must be unique.
    pub fn message_id(&self, local: &str) -> String {
        format!("<{local}@{}>", self.from.domain())
    }

    /// Hands a message to the server; answers what the server said.
    ///
    /// # Errors
    /// Whether it may be tried again.
    pub async fn send(&self, outgoing: &Outgoing<'_>) -> Result<String, MailError> {
        let message = self.message(outgoing)?;
        let taken = self.transport.send(message).await.map_err(|error| {
            let reply = Reply { code: error.status().map(u16::from), said: short(&error.to_string()) };
            if error.is_permanent() { MailError::Refused(reply) } else { MailError::Later(reply) }
        })?;
        let lines: Vec<&str> = taken.message().collect();
        Ok(short(&lines.join(" ")))
    }

    fn message(&self, outgoing: &Outgoing<'_>) -> Result<Message, MailError> {
        let refused = |error: &dyn std::fmt::Display| MailError::Refused(Reply::none(&error.to_string()));
        let to = address(outgoing.to).ok_or_else(|| refused(&"the recipient is not an e-mail address"))?;
        let sender: String = outgoing.sender.chars().filter(|c| !c.is_control()).collect();
        let mut builder = Message::builder()
            .from(Mailbox::new(Some(sender), self.from.clone()))
            .to(Mailbox::new(None, to))
            .subject(outgoing.subject)
            .message_id(Some(outgoing.message_id.to_owned()));
        if let Some(reply_to) = outgoing.reply_to.and_then(address) {
            builder = builder.reply_to(Mailbox::new(None, reply_to));
        }
        builder
            .multipart(MultiPart::alternative_plain_html(outgoing.text.to_owned(), outgoing.html.to_owned()))
            .map_err(|error| refused(&error))
    }
}

/// One e-mail address, and nothing else.
fn address(text: &str) -> Option<Address> {
    text.parse().ok()
}

/// Whether mail can be addressed to this.
pub fn is_address(text: &str) -> bool {
    address(text).is_some()
}

fn short(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(KEPT_CHARACTERS).collect()
}
