//! The letters of a correction: the one that tells the client is the message, and what becomes of it moves the
//! correction. What a message must hold is asked of the letter that is sent, not of what someone typed.

use super::{Beside, Loaded, apply, facts, letter_facts, load};
use crate::app::App;
use crate::error::ApiError;
use crate::services::clients;
use crate::services::deliveries::{self, Channel, NewDelivery};
use crate::services::letters::{self, NewLetter};
use crate::storage::audits;
use crate::storage::corrections as stored;
use crate::storage::deliveries::{self as sent, DeliveryRow};
use crate::storage::letters::{self as kept, LetterRow};
use crate::storage::{OrgTx, StorageError};
use chrono::NaiveDate;
use leakage_core::correction::case::{Correction, GoingForward, KeptLetter};
use leakage_core::correction::command::{Command, Message};
use leakage_core::correction::dispute::Answer;
use leakage_core::correction::policy;
use leakage_core::id::{CorrectionId, LetterId};
use leakage_core::letters::{Letter, LetterFacts, LetterKind, Part, RecountFacts, Section};
use serde_json::json;
use uuid::Uuid;

/// Kinds of letters that tell a client for the first time.
const TELLING: &[LetterKind] =
    &[LetterKind::FirstNotice, LetterKind::SmallFix, LetterKind::OverBillingApology];

/// What letter goes out, and to whom.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// One that was written before; none: it is written now, from the correction.
    pub letter: Option<LetterId>,
    /// Written now: the person who is addressed.
    pub contact: Option<String>,
    /// Written now: why it was found late, in a whole sentence.
    pub delay: Option<String>,
    /// To whom it goes; none: it went out before.
    pub recipient: Option<String>,
    /// How.
    pub channel: Option<Channel>,
}

/// A letter that goes out, or did.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The letter.
    pub letter: LetterRow,
    /// When it got through, if it did already.
    got_through: Option<NaiveDate>,
}

/// Finds or writes the letter that tells the client, sees to it that it is sent, and makes it the message.
///
/// # Errors
/// 422 where the letter is of another correction or kind, or says something else than the correction.
pub async fn telling(
    app: &App,
    tx: &mut OrgTx,
    by: &str,
    loaded: &Loaded,
    wanted: &Wanted,
    forward: Option<GoingForward>,
) -> Result<(Outgoing, Message, Option<GoingForward>), ApiError> {
    let correction = &loaded.correction;
    let letter = if let Some(id) = wanted.letter {
        of_correction(tx, loaded.id(), id).await?
    } else {
        let kind =
            if correction.is_under() { LetterKind::FirstNotice } else { LetterKind::OverBillingApology };
        let facts = letter_facts::facts(correction, forward.as_ref());
        write(app, tx, by, loaded, kind, spoken(facts, wanted)).await?
    };
    if !TELLING.iter().any(|kind| kind.as_str() == letter.kind) {
        return Err(refused(
            "It is no letter that tells a client for the first time, such as `first_notice`.",
        ));
    }
    let facts: LetterFacts = serde_json::from_value(letter.facts.clone()).map_err(ApiError::internal)?;
    let forward = forward.or_else(|| letter_facts::forward_of(correction, &facts));
    fits(correction, forward.as_ref(), &facts)?;
    let message = message(&letter)?;
    let outgoing = deliver(app, tx, by, letter, wanted).await?;
    Ok((outgoing, message, forward))
}

/// Finds or writes the letter that answers an objection, and sees to it that it is sent. Answers its text.
///
/// # Errors
/// As [`telling`]; of a recount also those of the answer itself, for its letter says what it comes to.
pub async fn answering(
    app: &App,
    tx: &mut OrgTx,
    actor: &policy::Actor,
    loaded: &Loaded,
    wanted: &Wanted,
    command: &Command,
) -> Result<String, ApiError> {
    let Command::Answer { dispute: number, answer, .. } = command else {
        return Err(ApiError::internal("a letter that answers goes with an answer"));
    };
    let reason = answer.fits().map_or("", |reason| reason.as_str());
    let kind = LetterKind::parse(&format!("answer_{reason}"));
    let kind = kind.ok_or_else(|| refused("There is no letter for this answer."))?;
    let letter = if let Some(id) = wanted.letter {
        of_correction(tx, loaded.id(), id).await?
    } else {
        let recount = recounted(app, tx, actor, loaded, command).await?;
        let dispute = loaded.correction.disputes.iter().find(|dispute| dispute.number == *number);
        let facts = dispute
            .and_then(|dispute| letter_facts::of_answer(&loaded.correction, dispute, answer, recount))
            .ok_or_else(|| refused(&write_first(kind)))?;
        write(app, tx, &actor.label, loaded, kind, spoken(facts, wanted)).await?
    };
    if letter.kind != kind.as_str() {
        return Err(refused(&format!("This answer's letter is of the kind `{kind}`.")));
    }
    let text = letter.body_text.clone();
    deliver(app, tx, &actor.label, letter, wanted).await?;
    Ok(text)
}

/// What to do where the correction does not have the facts of a letter.
fn write_first(kind: LetterKind) -> String {
    format!(
        "The correction does not have the facts of this letter. Write it first (`POST /v1/letters` with the kind `{kind}`, \
         this correction's id and the facts), and name it in `letter_id`."
    )
}

/// What a recount comes to: the correction as the answer would leave it, which is not stored.
async fn recounted(
    app: &App,
    tx: &mut OrgTx,
    actor: &policy::Actor,
    loaded: &Loaded,
    command: &Command,
) -> Result<Option<RecountFacts>, ApiError> {
    let Command::Answer { answer: Answer::CountWrong { audit, .. }, .. } = command else { return Ok(None) };
    let policy = super::policy(app, tx).await?;
    let known = facts::facts(app, tx, loaded, command, None).await?;
    let context = super::context(app, actor, &policy, &known.facts);
    let after = loaded.correction.apply(command, &context)?;
    let audit = audit.parse().map_err(|_| ApiError::internal("an answer names no audit"))?;
    let counted = audits::find(tx, audit).await?.and_then(|row| row.completed_at);
    let on = counted.map_or_else(|| app.clock.today(), |at| at.date_naive());
    Ok(Some(letter_facts::of_recount(&loaded.correction, &after, on)))
}

/// The letter was told: if it had got through before, the message has arrived.
pub async fn told(
    app: &App,
    tx: &mut OrgTx,
    actor: &policy::Actor,
    moved: Loaded,
    outgoing: &Outgoing,
) -> Result<Loaded, ApiError> {
    let Some(on) = outgoing.got_through else { return Ok(moved) };
    deliver_message(app, tx, actor, moved, on).await
}

/// A letter got through: what it told has arrived, or its reminder counts. Where the correction has moved on
/// meanwhile, nothing happens: the delivery is a fact all the same.
pub async fn got_through(
    app: &App,
    tx: &mut OrgTx,
    actor: &policy::Actor,
    letter: LetterId,
    on: NaiveDate,
) -> Result<(), ApiError> {
    let Some(letter) = kept::find(tx, letter).await? else { return Ok(()) };
    let Some(id) = letter.correction_id.map(CorrectionId::new) else { return Ok(()) };
    stored::lock(tx, id).await?;
    let loaded = load(tx, id).await?;
    let Some(told) = loaded.correction.announcement.clone() else { return Ok(()) };
    let is_message = told.letter.is_some_and(|kept| kept.id == letter.id.to_string());
    let moved = if is_message && loaded.correction.delivered_on.is_none() {
        deliver_message(app, tx, actor, loaded, on).await
    } else if letter.kind == LetterKind::ReplyReminder.as_str() && told.at <= letter.created_at {
        remind(app, tx, actor, loaded, None, letter.id).await
    } else {
        return Ok(());
    };
    match moved {
        Ok(_) => Ok(()),
        Err(error) if error.code().status().is_client_error() => {
            tracing::info!(correction.id = %id, "a letter got through of which the correction has moved on");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

async fn deliver_message(
    app: &App,
    tx: &mut OrgTx,
    actor: &policy::Actor,
    loaded: Loaded,
    on: NaiveDate,
) -> Result<Loaded, ApiError> {
    // A letter that went out before it became the message arrived with the message.
    let told = loaded.correction.announcement.as_ref().map_or(on, |told| told.on);
    let command = Command::Deliver { on: on.max(told) };
    let beside = Beside { detail: json!({ "on": on.max(told), "by": "letter" }), ..Beside::default() };
    apply(app, tx, actor, loaded, (&command, None), beside).await
}

/// Records a reminder that a letter makes.
pub async fn remind(
    app: &App,
    tx: &mut OrgTx,
    actor: &policy::Actor,
    loaded: Loaded,
    instalment: Option<u16>,
    letter: Uuid,
) -> Result<Loaded, ApiError> {
    let detail = json!({ "instalment": instalment, "letter_id": letter });
    let beside = Beside { detail, ..Beside::default() };
    apply(app, tx, actor, loaded, (&Command::Remind { instalment }, None), beside).await
}

/// Writes a reminder to whoever had the last letter of the correction, and sends it the same way; none: no
/// letter of it ever went out, so nobody is known to write to.
pub async fn write_reminder(
    app: &App,
    tx: &mut OrgTx,
    by: &str,
    loaded: &Loaded,
    instalment: Option<u16>,
) -> Result<Option<LetterRow>, ApiError> {
    let Some(last) = sent::last_of_correction(tx, loaded.id()).await? else { return Ok(None) };
    // Whoever it went to was erased: nobody is known to write to.
    if last.recipient.contains(crate::services::erasures::ERASED) {
        return Ok(None);
    }
    let correction = &loaded.correction;
    let (kind, facts) = match instalment {
        Some(number) => (LetterKind::InstalmentReminder, letter_facts::of_instalment(correction, number)),
        None => (LetterKind::ReplyReminder, letter_facts::of_reply(correction)),
    };
    let Some(mut facts) = facts else { return Ok(None) };
    // It speaks to the same person, and in the name of the same one.
    if let Some(before) = kept::find(tx, LetterId::new(last.letter_id)).await? {
        let before: LetterFacts = serde_json::from_value(before.facts).map_err(ApiError::internal)?;
        facts.contact = before.contact;
        facts.account_manager = before.account_manager;
        facts.reference = before.reference;
        facts.evidence = before.evidence;
    }
    let letter = write(app, tx, by, loaded, kind, facts).await?;
    let delivery = NewDelivery { channel: Some(channel(app, &last)), recipient: last.recipient };
    deliveries::create_as(app, tx, by, LetterId::new(letter.id), &delivery).await?;
    Ok(Some(letter))
}

/// As the last letter went, if that can still be done.
fn channel(app: &App, last: &DeliveryRow) -> Channel {
    match last.channel.as_str() {
        "smtp" if app.mailer.is_some() => Channel::Smtp,
        _ => Channel::HandedOut,
    }
}

fn spoken(facts: LetterFacts, wanted: &Wanted) -> LetterFacts {
    let delay = wanted.delay.clone().or(facts.delay.clone());
    LetterFacts { contact: wanted.contact.clone(), delay, ..facts }
}

async fn write(
    app: &App,
    tx: &mut OrgTx,
    by: &str,
    loaded: &Loaded,
    kind: LetterKind,
    facts: LetterFacts,
) -> Result<LetterRow, ApiError> {
    let client = clients::of_correction(tx, &loaded.row).await?;
    let correction_id = Some(loaded.id().uuid());
    let new = NewLetter { kind, client_id: client, correction_id, client_link: false, facts };
    letters::create_as(app, tx, by, new, LetterId::new(Uuid::now_v7())).await
}

/// A letter of this correction.
async fn of_correction(tx: &mut OrgTx, id: CorrectionId, letter: LetterId) -> Result<LetterRow, ApiError> {
    let row = kept::find(tx, letter).await?.filter(|row| row.correction_id == Some(id.uuid()));
    row.ok_or_else(|| refused("The correction has no letter with this id."))
}

/// The letter is sent now, or went out before.
async fn deliver(
    app: &App,
    tx: &mut OrgTx,
    by: &str,
    letter: LetterRow,
    wanted: &Wanted,
) -> Result<Outgoing, ApiError> {
    let id = LetterId::new(letter.id);
    if let Some(recipient) = &wanted.recipient {
        let delivery = NewDelivery { recipient: recipient.clone(), channel: wanted.channel };
        deliveries::create_as(app, tx, by, id, &delivery).await?;
        return Ok(Outgoing { letter, got_through: None });
    }
    let out: Vec<DeliveryRow> = sent::of_letter(tx, id, None, 100).await?;
    let out = out.into_iter().filter(|one| one.status != "failed").collect::<Vec<_>>();
    if out.is_empty() {
        return Err(ApiError::invalid(
            "/letter/recipient",
            "The letter went to nobody yet: say to whom it goes.",
        ));
    }
    let through = out.iter().filter_map(|one| match one.status.as_str() {
        "delivered" => one.delivered_at,
        "sent" => Some(one.updated_at),
        _ => None,
    });
    let got_through = through.map(|at| at.date_naive()).min();
    Ok(Outgoing { letter, got_through })
}

/// Whether a letter says what the correction is.
fn fits(
    correction: &Correction,
    forward: Option<&GoingForward>,
    facts: &LetterFacts,
) -> Result<(), ApiError> {
    if facts.direction != Some(correction.subject.direction) || !letter_facts::same_money(correction, facts) {
        return Err(refused("It speaks of other money than the correction: write it anew."));
    }
    let Some(forward) = forward else {
        return Err(refused("It does not say how many seats of every line the next invoice holds."));
    };
    if letter_facts::same_forward(correction, forward, facts) {
        return Ok(());
    }
    Err(refused("Its next invoice has another day or other seats than `going_forward`: make them agree."))
}

/// The letter's own words, block by block.
fn message(letter: &LetterRow) -> Result<Message, ApiError> {
    let sections = letter.sections.clone();
    let sections =
        sections.ok_or_else(|| refused("It was written before blocks were kept: write it anew."))?;
    let sections: Vec<Section> =
        serde_json::from_value(sections).map_err(|_| StorageError::Corrupt { column: "letters.sections" })?;
    let kind = LetterKind::parse(&letter.kind).ok_or(StorageError::Corrupt { column: "letters.kind" })?;
    let part = |part: Part| {
        let own = sections.iter().filter(|section| section.part == part).cloned().collect();
        Letter { kind, subject: letter.subject.clone(), sections: own, links: Vec::new() }.text()
    };
    Ok(Message {
        context: part(Part::Context),
        data: part(Part::Data),
        going_forward: part(Part::GoingForward),
        to: None,
        channel: None,
        reference: Some(letter.id.to_string()),
        letter: Some(KeptLetter { id: letter.id.to_string(), sha256: letter.sha256.clone() }),
        price_change: None,
    })
}

fn refused(reason: &str) -> ApiError {
    ApiError::invalid("/letter", reason)
}
