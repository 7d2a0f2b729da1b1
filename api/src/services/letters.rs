//! Letters: facts and a template become a letter that is kept as it is.

use super::client_links::mailed;
use super::{brand, clients as resources, letter_templates};
use crate::app::App;
use crate::auth::Actor;
use crate::error::{ApiError, Code};
use crate::storage::OrgTx;
use crate::storage::clients::{self, ClientRow};
use crate::storage::letters::{self as stored, LetterRow, NewLetter as Stored};
use crate::storage::{corrections, organizations};
use leakage_core::digest;
use leakage_core::id::{ClientId, CorrectionId, LetterId};
use leakage_core::letters::{Letter, LetterFacts, LetterKind, kept_pdf, render};
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
    /// Carry the client's link: a page on which the client sees the correction and answers. Such a letter is
    /// sent by the service only, and to the client's registered contact only.
    #[serde(default)]
    pub client_link: bool,
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
    app: &App,
    tx: &mut OrgTx,
    actor: &Actor,
    new: NewLetter,
    id: LetterId,
) -> Result<LetterRow, ApiError> {
    create_as(app, tx, &actor.label(), new, id).await
}

/// Writes a letter and keeps it; `by` is who writes it, as records name them.
pub async fn create_as(
    app: &App,
    tx: &mut OrgTx,
    by: &str,
    mut new: NewLetter,
    id: LetterId,
) -> Result<LetterRow, ApiError> {
    if new.facts.client_link.is_some() {
        return Err(ApiError::invalid(
            "/facts/client_link",
            "is filled in when the letter is sent. Leave it out, and say `client_link: true`",
        ));
    }
    let client = clients::find(tx, new.client_id).await?;
    let client = client.ok_or_else(|| ApiError::invalid("/client_id", "There is no client with this id."))?;
    if let Some(correction) = new.correction_id {
        belongs(tx, CorrectionId::new(correction), &client).await?;
    }
    if new.client_link {
        if new.correction_id.is_none() {
            return Err(ApiError::invalid("/correction_id", "A link shows a correction: name it."));
        }
        new.facts.client_link = Some(mailed::placeholder(&app.config.public_url));
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
    Ok(stored::insert(tx, &stored, app.clock.now()).await?)
}

/// A kept letter under the organization's head. The transaction ends before the page is laid out.
pub async fn pdf(mut tx: OrgTx, row: LetterRow) -> Result<Vec<u8>, ApiError> {
    let facts: LetterFacts = serde_json::from_value(row.facts).map_err(ApiError::internal)?;
    let to = addressed(facts.contact, facts.client, facts.billing_entity);
    let head = brand::letterhead(&mut tx, to, row.created_at, facts.reference).await?;
    tx.commit().await?;
    brand::paper(move || kept_pdf(&row.subject, &row.body_text, &head)).await
}

/// To whom: the person, the client, its part.
pub fn addressed(contact: Option<String>, client: String, entity: Option<String>) -> Vec<String> {
    contact.into_iter().chain([client]).chain(entity).filter(|line| !line.trim().is_empty()).collect()
}

/// A letter to a client belongs to a correction of this client.
async fn belongs(tx: &mut OrgTx, correction: CorrectionId, client: &ClientRow) -> Result<(), ApiError> {
    let invalid = |reason: &str| ApiError::invalid("/correction_id", reason);
    let row = corrections::find(tx, correction).await?;
    let row = row.ok_or_else(|| invalid("There is no correction with this id."))?;
    // One that knows its client by name only is of the client that has this name.
    match resources::of_correction(tx, &row).await {
        Ok(of) if of.uuid() == client.id => return Ok(()),
        Err(error) if error.code() != Code::Conflict => return Err(error),
        _ => {}
    }
    Err(invalid("The correction is of another client. Name one of this client, or leave it out."))
}

/// The digest of what is sent.
fn digest_of(subject: &str, text: &str, html: &str) -> Result<String, ApiError> {
    digest::of_json(&serde_json::json!({"subject": subject, "text": text, "html": html}))
        .map_err(ApiError::internal)
}
