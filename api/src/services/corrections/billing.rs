//! What to enter where the client is billed, and what was entered there.

use super::{Beside, Loaded, apply, load, weighed};
use crate::app::App;
use crate::error::ApiError;
use crate::services::{audits, recomputed};
use crate::storage::OrgTx;
use crate::storage::corrections::receipts::{self, ReceiptRow};
use crate::storage::corrections::{self as stored};
use chrono::NaiveDate;
use leakage_core::audit;
use leakage_core::billing_instructions::receipt::{Known, Receipt, command};
use leakage_core::billing_instructions::{self, Asked, Instructions, Reference, Target};
use leakage_core::correction::policy;
use leakage_core::correction::refusal::{Code, Refusal};
use leakage_core::id::{CorrectionId, OrgId};
use leakage_core::money::Money;
use leakage_core::period::Month;
use serde_json::json;

/// Months in which the client's billing rows are looked for.
const LOOK_BACK: i32 = 12;

/// For which system, and how it bills.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The system; none: the one that the client's billing rows come from.
    pub target: Option<Target>,
    /// From when on quantities change.
    pub effective_on: Option<NaiveDate>,
    /// The day on which billing periods begin.
    pub billing_day: u32,
}

/// What to enter.
pub async fn instructions(
    app: &App,
    org: OrgId,
    id: CorrectionId,
    wanted: Wanted,
) -> Result<Instructions, ApiError> {
    let turn = recomputed::turn(app).await?;
    let mut tx = app.db.begin_snapshot(org).await?;
    let mut correction = load(&mut tx, id).await?.correction;
    let today = app.clock.today();
    let this = Month::of(today);
    let client = &correction.subject.client;
    let input = audits::known_now(app, &mut tx, (this.plus(-LOOK_BACK), this), client).await?;
    tx.commit().await?;
    let made = recomputed::Facts::new(input, turn).compute(move |input| {
        let rows = audit::billing_rows(input)?;
        // As rows are said to belong to it now.
        correction.subject.billing_entity = weighed::entity(input, &correction.subject);
        let entity = correction.subject.billing_entity.as_deref();
        let billable = &weighed::billable(&correction, &audit::standing(input)?, entity);
        let Wanted { target, effective_on, billing_day } = wanted;
        let reference = &Reference::of(id);
        let asked = Asked {
            correction: &correction,
            reference,
            target,
            rows: &rows,
            billable,
            untold: billing_instructions::untold(&audit::invoiced(input)?.references, reference, &correction),
            today,
            effective_on,
            billing_day,
        };
        Ok(billing_instructions::instruct(&asked))
    });
    made.await?.map_err(|error| Refusal::new(Code::TooLarge, error.to_string()).into())
}

/// What was entered, as told.
#[derive(Clone, Debug)]
pub struct Told {
    /// Document, date, amount.
    pub receipt: Receipt,
    /// Ids of its lines there.
    pub line_ids: Vec<String>,
    /// Who entered it.
    pub entered_by: Option<String>,
}

/// A receipt as it is kept, the correction with it, and whether it is new.
#[derive(Debug)]
pub struct Kept {
    /// The receipt.
    pub row: ReceiptRow,
    /// The correction as it is now.
    pub loaded: Loaded,
    /// It was not told before.
    pub new: bool,
}

/// Keeps a receipt: the command that it is, through the one way in which money is written. Told again, it
/// changes nothing.
///
/// # Errors
/// Those of the command, and of a receipt, each with its own code.
pub async fn receive(
    app: &App,
    tx: &mut OrgTx,
    actor: &policy::Actor,
    id: CorrectionId,
    told: &Told,
) -> Result<Kept, ApiError> {
    // It is read in several statements, and receipts are numbered.
    stored::lock(tx, id).await?;
    let loaded = load(tx, id).await?;
    let receipt = &told.receipt;
    if let Some(row) = receipts::find(tx, id, &receipt.document).await? {
        return again(row, loaded, receipt);
    }
    let entered_on = receipts::entered_on(tx, id, &receipt.document).await?;
    let command = command(&loaded.correction, receipt, entered_on)?;
    let row = ReceiptRow {
        number: 0,
        document: receipt.document.clone(),
        dated_on: receipt.on,
        minor: receipt.amount.minor().unwrap_or_default(),
        instalment: receipt.instalment.map(i32::from),
        line_ids: told.line_ids.clone(),
        entered_by: told.entered_by.clone(),
        became: command.as_ref().map_or("linked", |command| command.action().as_str()).to_owned(),
        recorded_by: actor.label.clone(),
        recorded_at: app.clock.now(),
    };
    let loaded = match command {
        Some(command) => {
            let detail = json!({
                "psa_receipt": receipt.document, "on": receipt.on, "amount": receipt.amount,
                "line_ids": told.line_ids, "entered_by": told.entered_by,
            });
            let beside = Beside { detail, reason: receipt.apology.clone(), ..Beside::default() };
            apply(app, tx, actor, loaded, (&command, None), beside).await?
        }
        None => loaded,
    };
    let number = receipts::insert(tx, id, &row).await?;
    Ok(Kept { row: ReceiptRow { number, ..row }, loaded, new: true })
}

/// A document that was told before: documents do not change.
fn again(row: ReceiptRow, loaded: Loaded, receipt: &Receipt) -> Result<Kept, ApiError> {
    let known = Known {
        amount: Money::from_minor(row.minor, loaded.correction.subject.currency),
        on: Some(row.dated_on),
        instalments: row.instalment.and_then(|number| u16::try_from(number).ok()).into_iter().collect(),
    };
    receipt.repeats(&known)?;
    Ok(Kept { row, loaded, new: false })
}
