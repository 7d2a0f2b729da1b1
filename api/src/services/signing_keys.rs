//! The keys that organizations sign their evidence with. The private half is opened for a signature and not
//! kept; retired keys stay published, for what they signed is checked with them.

use crate::app::App;
use crate::error::ApiError;
use crate::storage::signing_keys::{self as stored, PublicKeyRow, SealedKeyRow};
use crate::storage::timeline_log::NewLogEntry;
use crate::storage::{OrgTx, organizations};
use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use leakage_core::id::OrgId;
use serde_json::{Value, json};
use uuid::Uuid;

/// A key pair that signs.
#[derive(Debug)]
pub struct SigningKey {
    /// Its id.
    pub id: Uuid,
    pair: Ed25519KeyPair,
    public: [u8; 32],
}

impl SigningKey {
    /// Its public half.
    pub const fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// Signs a message.
    ///
    /// # Errors
    /// When the library answers with something that is no signature.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64], ApiError> {
        self.pair.sign(message).as_ref().try_into().map_err(ApiError::internal)
    }

    fn of(id: Uuid, pair: Ed25519KeyPair) -> Result<Self, ApiError> {
        let public = pair.public_key().as_ref().try_into().map_err(ApiError::internal)?;
        Ok(Self { id, pair, public })
    }

    fn opened(app: &App, org: OrgId, row: &SealedKeyRow) -> Result<Self, ApiError> {
        let private = app.sealer.unseal(&about(org, row.id), &row.private_key_sealed);
        let pair = Ed25519KeyPair::from_pkcs8(&private.map_err(ApiError::internal)?);
        Self::of(row.id, pair.map_err(|rejected| ApiError::internal(rejected.to_string()))?)
    }
}

/// What a sealed private key belongs to.
fn about(org: OrgId, id: Uuid) -> Vec<u8> {
    format!("signing_key {org} {id}").into_bytes()
}

/// Makes the organization's key, unless it has one.
pub async fn make(app: &App, tx: &mut OrgTx, by: &str) -> Result<(), ApiError> {
    let unspecified = |_| ApiError::internal("an Ed25519 key cannot be made");
    let pair = Ed25519KeyPair::generate().map_err(unspecified)?;
    let private = pair.to_pkcs8().map_err(unspecified)?;
    let id = Uuid::now_v7();
    let sealed = app.sealer.seal(&about(tx.org(), id), private.as_ref()).map_err(ApiError::internal)?;
    stored::insert(tx, id, pair.public_key().as_ref(), &sealed, by, app.clock.now()).await?;
    Ok(())
}

/// The key that signs now; made when the organization has none. It stays so until the transaction ends.
pub async fn current(app: &App, tx: &mut OrgTx) -> Result<SigningKey, ApiError> {
    let row = if let Some(row) = stored::current(tx).await? {
        row
    } else {
        make(app, tx, "system:evidence").await?;
        stored::current(tx).await?.ok_or_else(|| ApiError::internal("a signing key is not there"))?
    };
    SigningKey::opened(app, tx.org(), &row)
}

/// A key that signed before.
pub async fn by_id(app: &App, tx: &mut OrgTx, id: Uuid) -> Result<SigningKey, ApiError> {
    let row = stored::find(tx, id).await?;
    let row = row.ok_or_else(|| ApiError::internal("a signing key is not there"))?;
    SigningKey::opened(app, tx.org(), &row)
}

/// Retires the key that signs and makes another one, which the log takes note of.
pub async fn rotate(app: &App, tx: &mut OrgTx, by: &str) -> Result<PublicKeyRow, ApiError> {
    // Of two at once the second one retires what the first one made.
    organizations::lock(tx).await?;
    let now = app.clock.now();
    let retired = stored::retire(tx, now).await?;
    make(app, tx, by).await?;
    let keys = stored::public(tx).await?;
    let key = keys.into_iter().find(|key| key.retired_at.is_none());
    let key = key.ok_or_else(|| ApiError::internal("a signing key is not there"))?;
    tx.log(NewLogEntry {
        at: now,
        actor: by.to_owned(),
        command: "rotate_signing_key".to_owned(),
        subject: format!("signing_key:{}", key.id),
        before: retired.map_or(Value::Null, |id| json!({ "signing_key": id })),
        after: json!({ "signing_key": key.id }),
        reason: None,
        source: None,
    });
    Ok(key)
}

/// The key that turns names of persons into pseudonyms; made on first need, and never changed.
pub async fn pseudonym_key(app: &App, tx: &mut OrgTx) -> Result<[u8; 32], ApiError> {
    let about = format!("pseudonym_key {}", tx.org()).into_bytes();
    let mut new = [0; 32];
    rand::fill(&mut new).map_err(|_unspecified| ApiError::internal("the system gives no random numbers"))?;
    let new = app.sealer.seal(&about, &new).map_err(ApiError::internal)?;
    let kept = stored::pseudonym_key(tx, &new).await?;
    let key = app.sealer.unseal(&about, &kept).map_err(ApiError::internal)?;
    key.try_into().map_err(|_| ApiError::internal("a key of pseudonyms has another length"))
}
