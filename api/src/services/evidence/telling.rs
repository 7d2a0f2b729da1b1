//! How the client was told: by letters that are kept, or in another way, of which there is what was recorded. Nothing
//! is made up: where no letter is kept, the bundle has none.

use crate::error::ApiError;
use crate::storage::evidence_bundles::BundleRow;
use crate::storage::letters::LetterRow;
use crate::storage::{OrgTx, deliveries, letters};
use chrono::{DateTime, Utc};
use leakage_core::correction::case::Correction;
use leakage_core::evidence::facts::{LetterSent, Person, Told};
use leakage_core::id::LetterId;
use leakage_core::letters::LetterFacts;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The letters of the correction that had gone out when the bundle was asked for, and the one that told the client
/// also while it waits to be sent; with the persons whom they address and name.
pub(super) async fn sent(
    tx: &mut OrgTx,
    row: &BundleRow,
    correction: &Correction,
) -> Result<(Vec<LetterSent>, Vec<Person>), ApiError> {
    let told = correction.announcement.as_ref().and_then(|told| told.letter.as_ref());
    let (mut sent, mut people) = (Vec::new(), Vec::new());
    for letter in letters::list(tx, None, Some(row.correction_id), None, 1000).await? {
        let is_message = told.is_some_and(|told| told.id == letter.id.to_string());
        let (recipients, sent_at) = to_whom(tx, row, &letter, is_message).await?;
        if sent_at.is_none() && !is_message {
            continue;
        }
        people.extend(named(&letter));
        sent.push(LetterSent {
            number: 0,
            kind: letter.kind,
            subject: letter.subject,
            text: letter.body_text,
            html: letter.body_html,
            sha256: letter.sha256,
            recipients,
            sent_at,
            erased_at: letter.erased_at,
        });
    }
    sent.sort_by(|a, b| {
        (a.sent_at.is_none(), a.sent_at, &a.sha256).cmp(&(b.sent_at.is_none(), b.sent_at, &b.sha256))
    });
    for (letter, number) in sent.iter_mut().zip(1..) {
        letter.number = number;
    }
    Ok((sent, people))
}

/// Who has a letter, and since when the first of them; of the message also those to whom it is still to be sent.
async fn to_whom(
    tx: &mut OrgTx,
    row: &BundleRow,
    letter: &LetterRow,
    is_message: bool,
) -> Result<(Vec<String>, Option<DateTime<Utc>>), ApiError> {
    let delivered = deliveries::of_letter(tx, LetterId::new(letter.id), None, 1000).await?;
    let ids: Vec<Uuid> = delivered.iter().map(|one| one.id).collect();
    let attempts = deliveries::attempts(tx, &ids).await?;
    let out = attempts.iter().filter(|attempt| {
        attempt.at <= row.created_at
            && matches!(attempt.outcome.as_str(), "sent" | "handed_out" | "delivered")
    });
    let out: BTreeMap<Uuid, DateTime<Utc>> =
        out.rev().map(|attempt| (attempt.delivery_id, attempt.at)).collect();
    let sent_at = out.values().min().copied();
    let waits = sent_at.is_none() && is_message;
    let to = delivered.into_iter();
    let to = to.filter(|one| out.contains_key(&one.id) || (waits && one.created_at <= row.created_at));
    Ok((to.map(|one| one.recipient).collect(), sent_at))
}

/// Whom a letter was written to, and in whose name.
fn named(letter: &LetterRow) -> Vec<Person> {
    let Ok(facts) = serde_json::from_value::<LetterFacts>(letter.facts.clone()) else { return Vec::new() };
    let contact = facts.contact.map(|name| Person { name: Some(name), address: None });
    let manager = facts.account_manager.map(|one| Person { name: Some(one.name), address: one.email });
    contact.into_iter().chain(manager).collect()
}

/// What was recorded of telling the client without a letter of ours.
pub(super) fn told_outside(correction: &Correction) -> Option<Told> {
    let told = correction.announcement.as_ref().filter(|told| told.letter.is_none())?;
    Some(Told {
        by: told.by.clone(),
        at: told.at,
        on: told.on,
        to: told.to.clone(),
        channel: told.channel,
        reference: told.reference.clone(),
        context: told.context.clone(),
        data: told.data.clone(),
        going_forward: told.going_forward.clone(),
    })
}
