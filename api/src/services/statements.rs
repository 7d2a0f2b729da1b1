//! Monthly statements: what the latest audit says of a client and a month.

use super::{brand, client_history, letters};
use crate::error::{ApiError, Code};
use crate::storage::gaps::{self, AuditGapFilter};
use crate::storage::{OrgTx, audits, clients, organizations};
use chrono::{DateTime, Utc};
use leakage_core::audit::AuditDocument;
use leakage_core::id::{AuditId, ClientId};
use leakage_core::letters::{Letter, LetterFacts, LetterKind, StatementFacts, statement_of};
use leakage_core::matching::fold;
use leakage_core::period::Month;
use uuid::Uuid;

/// Audits of a month that are looked through for the client: a later one may be of other clients only.
const LOOKED_THROUGH: i64 = 20;

/// A statement.
#[derive(Debug)]
pub struct Statement {
    /// The audit that it is from.
    pub audit: AuditId,
    /// What that says.
    pub facts: StatementFacts,
    /// As a letter.
    pub letter: Letter,
    /// Name of the client.
    pub client: String,
}

/// The statement of a client for a month; none: the last month that an audit of the client spans.
pub async fn statement(
    tx: &mut OrgTx,
    client: ClientId,
    month: Option<Month>,
) -> Result<Statement, ApiError> {
    let row = clients::find(tx, client).await?.ok_or_else(ApiError::not_found)?;
    let own = organizations::find(tx).await?.ok_or_else(ApiError::not_found)?;
    let (audit, found) = found(tx, client, month).await?;
    let facts = LetterFacts {
        msp: own.name,
        client: row.name.clone(),
        statement: Some(found.clone()),
        ..LetterFacts::default()
    };
    let written = letters::write(tx, LetterKind::MonthlyStatement, &facts).await?;
    Ok(Statement { audit, facts: found, letter: written.letter, client: row.name })
}

/// A statement under the organization's head, of the day on which it is asked for. The transaction ends before
/// the page is laid out.
pub async fn pdf(mut tx: OrgTx, statement: Statement, now: DateTime<Utc>) -> Result<Vec<u8>, ApiError> {
    let head = brand::letterhead(&mut tx, vec![statement.client], now, None).await?;
    tx.commit().await?;
    let letter = statement.letter;
    brand::paper(move || letter.pdf(&head)).await
}

async fn found(
    tx: &mut OrgTx,
    client: ClientId,
    month: Option<Month>,
) -> Result<(AuditId, StatementFacts), ApiError> {
    let names = clients::ids_by_name(tx).await?;
    let is_client = |name: &str| names.get(&fold(name)) == Some(&client.uuid());
    for (audit, last) in audits::covering(tx, month.map(Month::first_day), LOOKED_THROUGH).await? {
        let document = document(tx, audit, client.uuid()).await?;
        let month = month.unwrap_or(Month::of(last));
        if let Some(facts) = document.and_then(|document| statement_of(&document, month, is_client)) {
            let fixed = client_history::fixed_in(tx, client.uuid(), month).await?;
            return Ok((audit, StatementFacts { fixed, ..facts }));
        }
    }
    let which = month.map_or_else(|| "any month".to_owned(), |month| month.to_string());
    Err(ApiError::new(
        Code::NotAudited,
        format!("No completed audit has looked at this client for {which}. Run one, then ask again."),
    ))
}

/// The document of an audit with the gaps of one client only.
async fn document(tx: &mut OrgTx, audit: AuditId, client: Uuid) -> Result<Option<AuditDocument>, ApiError> {
    let Some(mut document) = audits::document(tx, audit).await? else { return Ok(None) };
    let filter = AuditGapFilter { client_id: Some(client), ..AuditGapFilter::default() };
    let found = gaps::of_audit(tx, audit, &filter, -1, i64::MAX).await?;
    document["gaps"] = found.into_iter().map(|(_, gap)| gap).collect();
    serde_json::from_value(document).map(Some).map_err(ApiError::internal)
}
