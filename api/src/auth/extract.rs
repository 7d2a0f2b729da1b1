//! Who asks, found out before a handler runs: [`Allowed`] for someone in an organization who has a
//! permission, [`SignedIn`] for a person whatever the organization.
//!
//! Credentials are an access token or an API key in `Authorization: Bearer`, or an API key in `X-Api-Key`.
//!
//! What takes effect when:
//! - An API key is looked up for every request: revoking it, its expiry and its scopes count at once.
//! - An access token is believed for reads until it ends, ten minutes at most.
//! - For everything that writes (every method but GET, HEAD and OPTIONS) the session and the membership
//!   are looked up: a removed member or an ended session is refused at once, and the role that counts is
//!   the one in the database, not the one in the token. A look costs a quarter of a millisecond, which a
//!   write can bear and the small reads of a page need not.

use super::secrets::{self, Presented};
use super::tokens::Subject;
use super::{Actor, Identity, Permission, Role, api_keys};
use crate::app::App;
use crate::error::{ApiError, Code};
use crate::middleware::limits;
use crate::storage::{self, members, sessions};
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpRequest, web};
use chrono::Duration;
use leakage_core::id::{OrgId, SessionId, UserId};
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

/// Where integrations may send their key instead of `Authorization`.
pub const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// An actor who has the permission `P`.
///
/// # Errors
/// As an extractor: 401 without valid credentials, 403 `insufficient_role` or `insufficient_scope`, 429
/// when the actor's limit is reached.
#[derive(Debug)]
pub struct Allowed<P> {
    actor: Actor,
    session: Option<SessionId>,
    permission: PhantomData<P>,
}

impl<P> Allowed<P> {
    /// The person's session; none: an integration.
    pub const fn session(&self) -> Option<SessionId> {
        self.session
    }
}

impl<P> Deref for Allowed<P> {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.actor
    }
}

/// A signed-in person, with the organization of their token if it has one.
///
/// # Errors
/// As an extractor: 401 without a valid access token, 403 for an API key, 429 when the limit is reached.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn {
    /// The person.
    pub user: UserId,
    /// Their session.
    pub session: SessionId,
    /// The organization that the token is for, and the role in it.
    pub membership: Option<(OrgId, Role)>,
}

impl From<Subject> for SignedIn {
    fn from(subject: Subject) -> Self {
        Self { user: subject.user, session: subject.session, membership: subject.membership }
    }
}

type Extracted<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

impl<P: Permission> FromRequest for Allowed<P> {
    type Error = ApiError;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = app(&request)?;
            let (actor, session) = match credentials(request.headers(), app)? {
                Credentials::ApiKey(key) => (integration(app, &key).await?, None),
                Credentials::User(subject) => {
                    (member(app, request.method(), &subject).await?, Some(subject.session))
                }
            };
            limits::charge_actor(&request, app, &actor).await?;
            allow::<P>(&actor)?;
            Ok(Self { actor, session, permission: PhantomData })
        })
    }
}

impl FromRequest for SignedIn {
    type Error = ApiError;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = app(&request)?;
            let signed_in = match credentials(request.headers(), app)? {
                Credentials::User(subject) => Self::from(subject),
                Credentials::ApiKey(_) => {
                    return Err(ApiError::new(
                        Code::InsufficientScope,
                        "An API key belongs to an integration. This is about a person: sign in and send the access token.",
                    ));
                }
            };
            if writes(request.method()) {
                let mut tx = app.db.begin_system().await?;
                if !sessions::is_live(&mut tx, app.clock.now(), signed_in.user, signed_in.session).await? {
                    return Err(over());
                }
            }
            limits::charge_user(&request, app, signed_in.user).await?;
            Ok(signed_in)
        })
    }
}

/// A signed-in person, or someone who sent no credentials. Credentials that are not valid are refused, not
/// ignored.
#[derive(Clone, Copy, Debug)]
pub struct MaybeSignedIn(pub Option<SignedIn>);

impl FromRequest for MaybeSignedIn {
    type Error = ApiError;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let headers = request.headers();
        if !headers.contains_key(AUTHORIZATION) && !headers.contains_key(X_API_KEY) {
            return Box::pin(async { Ok(Self(None)) });
        }
        let signed_in = SignedIn::from_request(request, payload);
        Box::pin(async move { Ok(Self(Some(signed_in.await?))) })
    }
}

fn app(request: &HttpRequest) -> Result<&App, ApiError> {
    request
        .app_data::<web::Data<App>>()
        .map(web::Data::get_ref)
        .ok_or_else(|| ApiError::internal("the application is not registered"))
}

fn writes(method: &Method) -> bool {
    !method.is_safe()
}

enum Credentials {
    User(Subject),
    ApiKey(Presented),
}

fn credentials(headers: &HeaderMap, app: &App) -> Result<Credentials, ApiError> {
    let text = presented(headers)?;
    if secrets::API_KEY.claims(text) {
        return secrets::API_KEY
            .parse(text)
            .map(Credentials::ApiKey)
            .ok_or_else(|| refused("This API key is mistyped or cut off."));
    }
    // The reason goes to the log: it helps us, and whoever forges tokens.
    app.tokens.verify(text).map(Credentials::User).map_err(|error| {
        refused("The access token is not valid or has expired. Refresh the session, or sign in again.")
            .because(error)
    })
}

/// The one secret that was sent.
fn presented(headers: &HeaderMap) -> Result<&str, ApiError> {
    let unreadable =
        || refused("Send `Authorization: Bearer <access token or API key>`, or `X-Api-Key: <API key>`.");
    let mut bearers = headers.get_all(AUTHORIZATION);
    let mut keys = headers.get_all(X_API_KEY);
    let secret = match (bearers.next(), keys.next()) {
        (Some(bearer), None) => {
            let (scheme, secret) =
                bearer.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(unreadable)?;
            scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim()).ok_or_else(unreadable)?
        }
        (None, Some(key)) => {
            let key = key.to_str().map_err(|_not_text| unreadable())?.trim();
            secrets::API_KEY.claims(key).then_some(key).ok_or_else(unreadable)?
        }
        (None, None) => return Err(unreadable()),
        (Some(_), Some(_)) => return Err(refused("Send either `Authorization` or `X-Api-Key`, not both.")),
    };
    if bearers.next().is_some() || keys.next().is_some() {
        return Err(refused("Send one `Authorization` or one `X-Api-Key`, not several."));
    }
    Ok(secret)
}

/// The actor behind a key, if it is live.
async fn integration(app: &App, key: &Presented) -> Result<Actor, ApiError> {
    let now = app.clock.now();
    let id = key.id.into();
    let mut tx = app.db.begin(key.org).await?;
    let row = storage::api_keys::find(&mut tx, id).await?;
    let live = row.filter(|row| {
        key.hash.matches(&row.secret_sha256) && api_keys::is_live(now, row.expires_at, row.revoked_at)
    });
    let row = live.ok_or_else(|| refused("This API key does not exist, has expired or was revoked."))?;
    let noted_before = now - Duration::minutes(api_keys::NOTED_EVERY_MINUTES);
    if row.last_used_at.is_none_or(|at| at < noted_before) {
        storage::api_keys::note_use(&mut tx, now, noted_before, id).await?;
        tx.commit().await?;
    }
    Ok(Actor { org: key.org, identity: Identity::ApiKey { id, scopes: row.scopes()? } })
}

/// The member behind a token; for writes, as they are now.
async fn member(app: &App, method: &Method, subject: &Subject) -> Result<Actor, ApiError> {
    let Some((org, role)) = subject.membership else {
        return Err(ApiError::new(
            Code::InsufficientRole,
            "You belong to no organization, or to none without a second factor. Accept an invitation, sign up an organization, \
             or set up your second factor (`/v1/me/second-factor`), then refresh the session.",
        ));
    };
    let role = if writes(method) { live_role(app, org, subject).await? } else { role };
    Ok(Actor { org, identity: Identity::User { id: subject.user, role } })
}

async fn live_role(app: &App, org: OrgId, subject: &Subject) -> Result<Role, ApiError> {
    let mut tx = app.db.begin(org).await?;
    members::live_role(&mut tx, app.clock.now(), subject.user, subject.session).await?.ok_or_else(over)
}

fn allow<P: Permission>(actor: &Actor) -> Result<(), ApiError> {
    match &actor.identity {
        Identity::User { role, .. } if P::ROLES.contains(role) => Ok(()),
        Identity::User { role, .. } => {
            let roles: Vec<&str> = P::ROLES.iter().map(|role| role.as_str()).collect();
            let detail = format!("You are {} here. This takes one of: {}.", role.as_str(), roles.join(", "));
            Err(ApiError::new(Code::InsufficientRole, detail))
        }
        Identity::ApiKey { scopes, .. } => match P::SCOPE {
            Some(scope) if scopes.contains(&scope) => Ok(()),
            Some(scope) => Err(ApiError::new(
                Code::InsufficientScope,
                format!("This API key lacks the scope `{}`.", scope.as_str()),
            )),
            None => Err(ApiError::new(
                Code::InsufficientScope,
                "No API key may do this. Sign in and send the access token.",
            )),
        },
    }
}

fn refused(detail: &str) -> ApiError {
    ApiError::new(Code::Unauthenticated, detail)
}

fn over() -> ApiError {
    refused(
        "The session is over, or you no longer belong to this organization. Refresh the session, or sign in again.",
    )
}
