//! Clients: made by hand here, or by imports when a file first names them.

use crate::error::{ApiError, Code};
use crate::storage::OrgTx;
use crate::storage::clients::{self, ClientRow, ClientWriteError};
use crate::storage::corrections::CorrectionRow;
use chrono::{DateTime, Utc};
use leakage_core::id::ClientId;
use leakage_core::matching::fold;

/// Bytes of a name when it is compared: some characters become eighteen then, and an index entry has a
/// greatest length.
const FOLDED_BYTES: usize = 2_000;

/// What a person says of a client.
#[derive(Clone, Debug)]
pub struct ClientInput {
    /// Its name.
    pub name: String,
    /// Its domain.
    pub domain: Option<String>,
}

impl ClientInput {
    /// Trims, and refuses a name without letters or digits and a domain that is none.
    pub fn checked(self) -> Result<Self, ApiError> {
        let name = self.name.trim().to_owned();
        if !name.contains(char::is_alphanumeric) {
            return Err(ApiError::invalid("/name", "The name must hold at least one letter or digit."));
        }
        if fold(&name).len() > FOLDED_BYTES || name.chars().any(char::is_control) {
            return Err(ApiError::invalid("/name", "The name holds characters that no name has."));
        }
        let domain =
            self.domain.map(|domain| domain.trim().to_lowercase()).filter(|domain| !domain.is_empty());
        if domain.as_ref().is_some_and(|domain| {
            !domain.contains('.')
                || domain.contains(|c: char| c.is_whitespace() || matches!(c, '/' | '@' | ':'))
        }) {
            return Err(ApiError::invalid("/domain", "Write the bare domain, such as contoso.com."));
        }
        Ok(Self { name, domain })
    }
}

fn write_error(error: ClientWriteError) -> ApiError {
    match error {
        ClientWriteError::NameTaken => ApiError::new(
            Code::AlreadyExists,
            "Another client has this name. Case, spaces and punctuation do not tell names apart.",
        ),
        ClientWriteError::Storage(error) => error.into(),
    }
}

/// Adds a client.
pub async fn create(
    tx: &mut OrgTx,
    id: ClientId,
    input: &ClientInput,
    now: DateTime<Utc>,
) -> Result<ClientRow, ApiError> {
    clients::insert(tx, id, &input.name, input.domain.as_deref(), "manual", now).await.map_err(write_error)
}

/// Changes a client that still has this version.
pub async fn update(
    tx: &mut OrgTx,
    id: ClientId,
    version: i64,
    input: &ClientInput,
    now: DateTime<Utc>,
) -> Result<ClientRow, ApiError> {
    let changed = clients::update(tx, id, version, &input.name, input.domain.as_deref(), now).await;
    match changed.map_err(write_error)? {
        Some(row) => Ok(row),
        None => match clients::find(tx, id).await? {
            Some(_) => Err(ApiError::stale()),
            None => Err(ApiError::not_found()),
        },
    }
}

/// The client of a correction: its resource, or the client that has its name by now, as audits find it. A correction
/// can be older than the client's resource, or carry a name that only a mapping knew.
///
/// # Errors
/// 409 with what to do, when no client has the name.
pub async fn of_correction(tx: &mut OrgTx, row: &CorrectionRow) -> Result<ClientId, ApiError> {
    if let Some(known) = row.client_id {
        return Ok(ClientId::new(known));
    }
    let named = clients::ids_by_name(tx).await?.get(&fold(&row.client)).copied();
    named.map(ClientId::new).ok_or_else(|| {
        ApiError::new(
            Code::Conflict,
            format!(
                "The correction knows its client only by the name \"{}\", which no client has. Add a client of this \
                 name (POST /v1/clients), register its contact (PATCH /v1/clients/{{client_id}}), and ask again.",
                row.client
            ),
        )
    })
}
