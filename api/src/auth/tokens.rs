//! Access tokens: signed with Ed25519, good for ten minutes, checked without a look at the database.
//! Knows no storage; what a token cannot know (a member was removed) is looked up where it matters,
//! see [`crate::auth::extract`].
//!
//! The form follows RFC 9068: header `typ: at+jwt` and `kid`, claims `iss`, `aud`, `sub`, `exp`, `nbf`,
//! `iat`, and ours: `session`, `org`, `role`. The keys are in a file of PEM blocks: the first one signs,
//! all of them are accepted. To rotate: put a new block on top, restart, and take the old one out
//! ten minutes later.

use super::key_files::{self, KeyFileError};
use crate::auth::Role;
use crate::clock::Clock;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use leakage_core::id::{OrgId, SessionId, UserId};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::path::Path;
use utoipa::ToSchema;

/// How long an access token is good for.
pub const LIFETIME_SECONDS: i64 = 600;
/// How far clocks may differ.
pub const LEEWAY_SECONDS: i64 = 30;
/// What our tokens are for.
pub const AUDIENCE: &str = "leakage-api";

const TYPE: &str = "at+jwt";
/// What the file of keys must be.
const FORM: &str = "it must hold PKCS#8 PEM blocks of Ed25519 keys";
const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

/// A token that is not accepted. The caller is told no more than that; the log gets the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of ours: form, type, algorithm, key, signature, issuer, audience or claims.
    #[error("the access token is not one of ours: {0}")]
    Invalid(String),
    /// Its time is over.
    #[error("the access token has expired")]
    Expired,
    /// Its time has not come: a clock is wrong, or somebody plays.
    #[error("the access token is not valid yet")]
    NotYet,
    /// It could not be signed.
    #[error("the access token cannot be signed: {0}")]
    Unsigned(String),
}

/// Who a token is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The person.
    pub user: UserId,
    /// Their session.
    pub session: SessionId,
    /// The organization that the token is for and the role in it; none: the person belongs to none.
    pub membership: Option<(OrgId, Role)>,
}

/// An access token and its end.
#[derive(Clone)]
pub struct AccessToken {
    /// The compact form, for `Authorization: Bearer`.
    pub token: String,
    /// From when it is refused (but for the leeway).
    pub expires_at: DateTime<Utc>,
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// The claims on the wire. All are required; `org` and `role` are null together or not at all.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    session: SessionId,
    #[serde(deserialize_with = "Option::deserialize")]
    org: Option<OrgId>,
    #[serde(deserialize_with = "Option::deserialize")]
    role: Option<Role>,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// A public key, as others need it to check our tokens (RFC 8037).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Jwk {
    /// Always `OKP`.
    #[schema(example = "OKP", max_length = 3)]
    pub kty: &'static str,
    /// Always `Ed25519`.
    #[schema(example = "Ed25519", max_length = 7)]
    pub crv: &'static str,
    /// Always `EdDSA`.
    #[schema(example = "EdDSA", max_length = 5)]
    pub alg: &'static str,
    /// Always `sig`.
    #[serde(rename = "use")]
    #[schema(example = "sig", max_length = 3)]
    pub usage: &'static str,
    /// The key's name in the header of a token: its RFC 7638 thumbprint.
    #[schema(example = "mUi0iM_XGXuCAXz8kpvc5WpCc8WmpMgEYnAuCFU5Q5Q", max_length = 43)]
    pub kid: String,
    /// The key: 32 bytes in base64url.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", max_length = 43)]
    pub x: String,
}

/// The public keys that check our access tokens (RFC 7517).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Jwks {
    /// The keys; tokens are signed with the first.
    #[schema(max_items = 20)]
    pub keys: Vec<Jwk>,
}

struct VerifyingKey {
    kid: String,
    key: DecodingKey,
}

/// Signs and checks access tokens.
pub struct Tokens {
    issuer: String,
    clock: Clock,
    signing_kid: String,
    signing: EncodingKey,
    verifying: Vec<VerifyingKey>,
    validation: Validation,
    jwks: Jwks,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("issuer", &self.issuer)
            .field("jwks", &self.jwks)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// Reads the keys, or makes the file with one key, readable by its owner only. `issuer` is the
    /// address of this service.
    ///
    /// Reads a file: call it at start, not while serving.
    pub fn open(key_file: &Path, issuer: impl Into<String>, clock: Clock) -> Result<Self, KeyFileError> {
        let pem = key_files::read_or_make(key_file, new_keys)?;
        Self::from_pem(&pem, key_file, issuer.into(), clock)
    }

    fn from_pem(pem: &str, path: &Path, issuer: String, clock: Clock) -> Result<Self, KeyFileError> {
        let content = |reason: &str| KeyFileError::Content {
            path: path.to_owned(),
            reason: format!("{FORM}: {reason}"),
        };
        let blocks = pem_blocks(pem).ok_or_else(|| content("a block is cut off or not base64"))?;
        let mut verifying = Vec::new();
        let mut keys = Vec::new();
        for block in &blocks {
            let pair =
                Ed25519KeyPair::from_pkcs8(block).map_err(|_rejected| content("a block is another key"))?;
            let jwk = jwk(pair.public_key().as_ref());
            let key = DecodingKey::from_ed_components(&jwk.x).map_err(|error| content(&error.to_string()))?;
            verifying.push(VerifyingKey { kid: jwk.kid.clone(), key });
            keys.push(jwk);
        }
        let first = blocks.first().ok_or_else(|| content("there is none"))?;
        let signing_kid = keys.first().map(|key| key.kid.clone()).unwrap_or_default();
        let validation = validation(&issuer);
        let signing = EncodingKey::from_ed_der(first);
        Ok(Self { issuer, clock, signing_kid, signing, verifying, validation, jwks: Jwks { keys } })
    }

    /// A token for ten minutes from now.
    pub fn issue(&self, subject: &Subject) -> Result<AccessToken, TokenError> {
        let now = self.clock.now();
        let expires_at = now + Duration::seconds(LIFETIME_SECONDS);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: subject.user,
            session: subject.session,
            org: subject.membership.map(|(org, _)| org),
            role: subject.membership.map(|(_, role)| role),
            iat: now.timestamp(),
            nbf: now.timestamp(),
            exp: expires_at.timestamp(),
        };
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(self.signing_kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        let token = encode(&header, &claims, &self.signing)
            .map_err(|error| TokenError::Unsigned(error.to_string()))?;
        Ok(AccessToken { token, expires_at })
    }

    /// Checks a token: form, type, algorithm, key, signature, issuer, audience, then the times against
    /// our clock.
    pub fn verify(&self, token: &str) -> Result<Subject, TokenError> {
        let invalid = |error: jsonwebtoken::errors::Error| TokenError::Invalid(error.to_string());
        let header = decode_header(token).map_err(invalid)?;
        // `crit` names extensions that must be understood; we understand none (RFC 7515, 4.1.11).
        if header.typ.as_deref() != Some(TYPE) || header.crit.is_some() {
            return Err(TokenError::Invalid("its header is not that of an access token".to_owned()));
        }
        let key = self
            .verifying
            .iter()
            .find(|known| Some(known.kid.as_str()) == header.kid.as_deref())
            .ok_or_else(|| TokenError::Invalid("its key is not known here".to_owned()))?;
        let claims = decode::<Claims>(token, &key.key, &self.validation).map_err(invalid)?.claims;
        self.check_times(&claims)?;
        let membership = match (claims.org, claims.role) {
            (Some(org), Some(role)) => Some((org, role)),
            (None, None) => None,
            _ => return Err(TokenError::Invalid("it has an organization or a role, not both".to_owned())),
        };
        Ok(Subject { user: claims.sub, session: claims.session, membership })
    }

    fn check_times(&self, claims: &Claims) -> Result<(), TokenError> {
        let now = self.clock.now().timestamp();
        if now >= claims.exp.saturating_add(LEEWAY_SECONDS) {
            return Err(TokenError::Expired);
        }
        if now < claims.nbf.saturating_sub(LEEWAY_SECONDS) {
            return Err(TokenError::NotYet);
        }
        Ok(())
    }

    /// The public keys, for `/.well-known/jwks.json`.
    pub const fn jwks(&self) -> &Jwks {
        &self.jwks
    }
}

/// One algorithm, our issuer, our audience. The times are left to us: the library would read the
/// machine's clock.
fn validation(issuer: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation
}

fn jwk(public_key: &[u8]) -> Jwk {
    let x = URL_SAFE_NO_PAD.encode(public_key);
    // RFC 7638: the required members in alphabetical order, without spaces.
    let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
    Jwk { kty: "OKP", crv: "Ed25519", alg: "EdDSA", usage: "sig", kid: URL_SAFE_NO_PAD.encode(thumbprint), x }
}

/// The text of a file with one new key.
fn new_keys() -> Result<String, KeyFileError> {
    let pair = Ed25519KeyPair::generate().map_err(|_unspecified| KeyFileError::Generate)?;
    Ok(to_pem(pair.to_pkcs8().map_err(|_unspecified| KeyFileError::Generate)?.as_ref()))
}

fn to_pem(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut pem = format!("{PEM_BEGIN}\n");
    for line in body.as_bytes().chunks(64) {
        pem.extend(line.iter().copied().map(char::from));
        pem.push('\n');
    }
    pem.push_str(PEM_END);
    pem.push('\n');
    pem
}

/// The bytes of each block; none if one does not end or is not base64.
fn pem_blocks(text: &str) -> Option<Vec<Vec<u8>>> {
    text.split(PEM_BEGIN)
        .skip(1)
        .map(|block| {
            let (body, _after) = block.split_once(PEM_END)?;
            let body: String = body.split_whitespace().collect();
            STANDARD.decode(body).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use uuid::Uuid;

    const ISSUER: &str = "https://leakage.example";

    fn clock() -> Clock {
        Clock::fixed("2026-11-22T12:00:00Z".parse().unwrap())
    }

    struct Fixture {
        tokens: Tokens,
        clock: Clock,
        pem: String,
        subject: Subject,
    }

    fn fixture() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys").join("tokens.pem");
        let clock = clock();
        let tokens = Tokens::open(&path, ISSUER, clock.clone()).unwrap();
        let subject = Subject {
            user: Uuid::now_v7().into(),
            session: Uuid::now_v7().into(),
            membership: Some((Uuid::now_v7().into(), Role::Biller)),
        };
        Fixture { tokens, clock, pem: fs::read_to_string(&path).unwrap(), subject }
    }

    impl Fixture {
        fn claims(&self) -> Value {
            let token = self.tokens.issue(&self.subject).unwrap().token;
            let body = token.split('.').nth(1).unwrap();
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
        }

        fn header(&self) -> Header {
            Header {
                typ: Some(TYPE.to_owned()),
                kid: Some(self.tokens.signing_kid.clone()),
                ..Header::new(Algorithm::EdDSA)
            }
        }

        /// Signed with our own key: only the content can be at fault.
        fn signed(&self, header: &Header, claims: &Value) -> String {
            encode(header, claims, &EncodingKey::from_ed_der(&pem_blocks(&self.pem).unwrap()[0])).unwrap()
        }
    }

    #[test]
    fn a_token_says_who_it_is_about() {
        let it = fixture();
        let token = it.tokens.issue(&it.subject).unwrap();
        assert_eq!(token.expires_at, it.clock.now() + Duration::minutes(10));
        assert_eq!(it.tokens.verify(&token.token).unwrap(), it.subject);
        let nobody = Subject { membership: None, ..it.subject };
        assert_eq!(it.tokens.verify(&it.tokens.issue(&nobody).unwrap().token).unwrap(), nobody);
    }

    #[test]
    fn a_token_ends_after_ten_minutes_and_the_leeway() {
        let it = fixture();
        let token = it.tokens.issue(&it.subject).unwrap().token;
        it.clock.advance(Duration::seconds(629));
        assert!(it.tokens.verify(&token).is_ok());
        it.clock.advance(Duration::seconds(1));
        assert_eq!(it.tokens.verify(&token), Err(TokenError::Expired));
    }

    #[test]
    fn a_token_of_the_future_is_refused_beyond_the_leeway() {
        let it = fixture();
        let now = it.clock.now().timestamp();
        for (ahead, accepted) in [(30, true), (31, false)] {
            let mut claims = it.claims();
            claims["nbf"] = json!(now + ahead);
            assert_eq!(it.tokens.verify(&it.signed(&it.header(), &claims)).is_ok(), accepted, "{ahead}");
        }
    }

    #[test]
    fn the_machines_clock_is_not_read() {
        let it = fixture();
        it.clock.advance(Duration::days(-20_000));
        let token = it.tokens.issue(&it.subject).unwrap().token;
        assert!(it.tokens.verify(&token).is_ok());
    }

    #[test]
    fn another_issuer_audience_or_type_is_refused() {
        let it = fixture();
        for (claim, value) in [("iss", json!("https://other.example")), ("aud", json!("other-api"))] {
            let mut claims = it.claims();
            claims[claim] = value;
            let refused = it.tokens.verify(&it.signed(&it.header(), &claims));
            assert!(matches!(refused, Err(TokenError::Invalid(_))), "{claim}");
        }
        for typ in [None, Some("JWT"), Some("AT+JWT")] {
            let header = Header { typ: typ.map(str::to_owned), ..it.header() };
            assert!(it.tokens.verify(&it.signed(&header, &it.claims())).is_err(), "{typ:?}");
        }
        let critical = Header { crit: Some(vec!["exp".to_owned()]), ..it.header() };
        assert!(it.tokens.verify(&it.signed(&critical, &it.claims())).is_err());
        assert!(it.tokens.verify(&it.signed(&it.header(), &it.claims())).is_ok());
    }

    #[test]
    fn every_claim_is_required() {
        let it = fixture();
        let whole = it.claims();
        for claim in whole.as_object().unwrap().keys() {
            let mut claims = whole.clone();
            claims.as_object_mut().unwrap().shift_remove(claim);
            assert!(it.tokens.verify(&it.signed(&it.header(), &claims)).is_err(), "without {claim}");
        }
        let mut claims = whole;
        claims["role"] = Value::Null;
        assert!(
            it.tokens.verify(&it.signed(&it.header(), &claims)).is_err(),
            "an organization without a role"
        );
    }

    #[test]
    fn other_algorithms_and_keys_are_refused() {
        let it = fixture();
        let claims = it.claims();
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let kid = &it.tokens.signing_kid;
        let unsigned =
            format!("{}.{}.", part(&json!({"alg": "none", "typ": TYPE, "kid": kid})), part(&claims));
        assert!(it.tokens.verify(&unsigned).is_err(), "alg none");

        // The classic: the public key, which everyone has, used as a shared secret.
        let x = URL_SAFE_NO_PAD.decode(&it.tokens.jwks().keys[0].x).unwrap();
        for secret in [x.as_slice(), it.tokens.jwks().keys[0].x.as_bytes()] {
            let header = Header { alg: Algorithm::HS256, ..it.header() };
            let token = encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
            assert!(it.tokens.verify(&token).is_err(), "HS256");
        }

        let stranger = Ed25519KeyPair::generate().unwrap().to_pkcs8().unwrap();
        let token = encode(&it.header(), &claims, &EncodingKey::from_ed_der(stranger.as_ref())).unwrap();
        assert!(it.tokens.verify(&token).is_err(), "another key under our kid");

        let unnamed = Header { kid: None, ..it.header() };
        assert!(it.tokens.verify(&it.signed(&unnamed, &claims)).is_err(), "no kid");
    }

    #[test]
    fn a_changed_claim_breaks_the_signature() {
        let it = fixture();
        let token = it.tokens.issue(&it.subject).unwrap().token;
        let mut claims = it.claims();
        claims["role"] = json!("owner");
        let parts: Vec<&str> = token.split('.').collect();
        let forged = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2]);
        assert!(it.tokens.verify(&forged).is_err());
        for junk in ["", ".", "..", "a.b.c", &token[..token.len() - 1]] {
            assert!(it.tokens.verify(junk).is_err(), "{junk}");
        }
    }

    #[test]
    fn the_key_file_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.pem");
        let one = Tokens::open(&path, ISSUER, clock()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let other = Tokens::open(&path, ISSUER, clock()).unwrap();
        assert_eq!(one.jwks(), other.jwks());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Tokens::open(&path, ISSUER, clock()), Err(KeyFileError::Permissions { .. })));
    }

    #[test]
    fn processes_that_start_at_once_share_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.pem");
        let kids: Vec<String> = std::thread::scope(|scope| {
            let open = || Tokens::open(&path, ISSUER, clock()).unwrap().signing_kid;
            let all: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            all.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
    }

    #[test]
    fn after_a_rotation_the_old_keys_tokens_are_good_until_it_is_taken_out() {
        let old = fixture();
        let token = old.tokens.issue(&old.subject).unwrap().token;
        let new = fixture();
        let path = Path::new("tokens.pem");
        let both =
            Tokens::from_pem(&format!("{}{}", new.pem, old.pem), path, ISSUER.to_owned(), clock()).unwrap();
        assert!(both.verify(&token).is_ok());
        assert_eq!(both.signing_kid, new.tokens.signing_kid);
        assert_eq!(both.jwks().keys.len(), 2);
        assert!(new.tokens.verify(&token).is_err());
    }

    #[test]
    fn a_file_without_a_usable_key_is_refused() {
        let cut = format!("{PEM_BEGIN}\nMC4CAQ");
        let foreign = to_pem(b"not a key");
        for bad in ["", "hello", &cut, &foreign] {
            let result = Tokens::from_pem(bad, Path::new("tokens.pem"), ISSUER.to_owned(), clock());
            assert!(matches!(result, Err(KeyFileError::Content { .. })), "{bad}");
        }
    }

    #[test]
    fn the_name_of_a_key_is_its_thumbprint() {
        // RFC 8037, appendix A.3.
        let x = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(jwk(&x).kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
