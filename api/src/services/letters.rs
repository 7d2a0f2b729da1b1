//! Letters: facts and a template become a letter that is kept as it is.

use super::letter_templates;
use crate::auth::Actor;
use crate::error::ApiError;
use crate::storage::OrgTx;
use crate::storage::clients::{self, ClientRow};
use crate::storage::letters::{self as stored, LetterRow, NewLetter as Stored};
use crate::storage::{corrections, organizations};
use chrono::{DateTime, Utc};
use leakage_core::digest;
use leakage_core::id::{ClientId, CorrectionId, LetterId};
use leakage_core::letters::{Letter, LetterFacts, LetterKind, render};
use leakage_core::matching::fold;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A letter to be written.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "kind": "small_fix",
    "client_id": "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e",
    "facts": {
        "direction": "under",
        "lines": [{
            "product": "Microsoft 365 Business Premium", "seats": 2, "provisioned": 22, "billed": 20,
            "seat_months": "2", "months": 1, "first_month": "2026-10", "last_month": "2026-10",
            "amount": {"amount": "44.00", "currency": "USD"},
        }],
        "next_billing": {"on": "2026-12-01", "lines": [{"product": "Microsoft 365 Business Premium", "quantity": 22}]},
    },
}))]
pub struct NewLetter {
    /// What kind.
    pub kind: LetterKind,
    /// To whom.
    pub client_id: ClientId,
    /// The correction that it belongs to, where there is one.
    #[serde(default)]
    pub correction_id: Option<Uuid>,
    /// What it may say. Names of the organization and the client are filled in where they are empty.
    pub facts: LetterFacts,
}

/// A letter, and the version of the template that it was written with.
#[derive(Debug)]
pub struct Written {
    /// The letter.
    pub letter: Letter,
    /// 1: the default.
    pub template_version: i64,
}

/// Writes a letter with the template that counts now.
pub async fn write(tx: &mut OrgTx, kind: LetterKind, facts: &LetterFacts) -> Result<Written, ApiError> {
    let template = letter_templates::current(tx, kind).await?;
    let letter =
        render(&template.parsed()?, facts).map_err(|error| letter_templates::unwritten("/facts", error))?;
    Ok(Written { letter, template_version: template.version })
}

/// Writes a letter and keeps it.
pub async fn create(
    tx: &mut OrgTx,
    actor: &Actor,
    new: NewLetter,
    id: LetterId,
    now: DateTime<Utc>,
) -> Result<LetterRow, ApiError> {
    create_as(tx, &actor.label(), new, id, now).await
}

/// Writes a letter and keeps it; `by` is who writes it, as records name them.
pub async fn create_as(
    tx: &mut OrgTx,
    by: &str,
    mut new: NewLetter,
    id: LetterId,
    now: DateTime<Utc>,
) -> Result<LetterRow, ApiError> {
    let client = clients::find(tx, new.client_id).await?;
    let client = client.ok_or_else(|| ApiError::invalid("/client_id", "There is no client with this id."))?;
    if let Some(correction) = new.correction_id {
        belongs(tx, CorrectionId::new(correction), &client).await?;
    }
    let own = organizations::find(tx).await?.ok_or_else(ApiError::not_found)?;
    for (name, known) in [(&mut new.facts.client, client.name), (&mut new.facts.msp, own.name)] {
        if name.trim().is_empty() {
            *name = known;
        }
    }
    let written = write(tx, new.kind, &new.facts).await?;
    let (text, html) = (written.letter.text(), written.letter.html());
    let stored = Stored {
        id,
        kind: new.kind.as_str(),
        correction_id: new.correction_id,
        client_id: new.client_id,
        template_version: written.template_version,
        subject: &written.letter.subject,
        text: &text,
        html: &html,
        sections: &serde_json::to_value(&written.letter.sections).map_err(ApiError::internal)?,
        facts: &serde_json::to_value(&new.facts).map_err(ApiError::internal)?,
        sha256: &digest_of(&written.letter.subject, &text, &html)?,
        by,
    };
    Ok(stored::insert(tx, &stored, now).await?)
}

/// A letter to a client belongs to a correction of this client.
async fn belongs(tx: &mut OrgTx, correction: CorrectionId, client: &ClientRow) -> Result<(), ApiError> {
    let invalid = |reason: &str| ApiError::invalid("/correction_id", reason);
    let row = corrections::find(tx, correction).await?;
    let row = row.ok_or_else(|| invalid("There is no correction with this id."))?;
    let of_client = match row.client_id {
        Some(id) => id == client.id,
        // It knows its client by name only.
        None => fold(&row.client) == fold(&client.name),
    };
    if of_client {
        return Ok(());
    }
    Err(invalid("The correction is of another client. Name one of this client, or leave it out."))
}

/// The digest of what is sent.
fn digest_of(subject: &str, text: &str, html: &str) -> Result<String, ApiError> {
    digest::of_json(&serde_json::json!({"subject": subject, "text": text, "html": html}))
        .map_err(ApiError::internal)
}
