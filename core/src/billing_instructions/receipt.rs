//! What was entered where the client is billed, said back: which command it is. Money is written by commands only.

use crate::correction::Correction;
use crate::correction::command::Command;
use crate::correction::plan::InstalmentState;
use crate::correction::quantity::{Cells, Extent, Part, take_amount, total};
use crate::correction::refusal::{Code, Refusal};
use crate::money::Money;
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// What was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Number of the invoice or credit note.
    pub document: String,
    /// Its date.
    pub on: NaiveDate,
    /// What of it is of the correction, before tax.
    pub amount: Money,
    /// The instalment that it charges.
    pub instalment: Option<u16>,
    /// Of over-billing: the text that was sent with the money.
    pub apology: Option<String>,
}

/// The command that a receipt is; none: the ledger has the document already, with this amount.
///
/// # Errors
/// When currency or amount cannot be, or the state does not allow it, each with its own code.
pub fn command(correction: &Correction, receipt: &Receipt) -> Result<Option<Command>, Refusal> {
    let minor = amount(correction, receipt)?;
    let document = receipt.document.trim();
    // What a credit note gives back is negative there.
    if let Some(entered) = correction.documents().get(document).map(|entered| entered.abs()) {
        return if entered == minor {
            Ok(None)
        } else {
            Err(Refusal::new(
                Code::ReceiptDiffers,
                format!(
                    "The ledger has {document} with {}.",
                    Money::from_minor(entered, correction.subject.currency)
                ),
            ))
        };
    }
    let command = match receipt.instalment {
        Some(number) => instalment(correction, number, document, minor)?,
        None if correction.is_under() => {
            let parts = parts(&within(correction, &correction.available(), minor)?, minor)?;
            Command::Bill { document: document.to_owned(), on: receipt.on, parts }
        }
        None => {
            within(correction, &correction.ledger.outstanding(), minor)?;
            // Whole and at once: an amount that is less is refused by the command itself.
            let outstanding = correction.ledger.outstanding();
            let whole = total(&outstanding).minor == minor;
            let parts = if whole { Vec::new() } else { parts(&outstanding, minor)? };
            Command::Credit {
                document: document.to_owned(),
                parts,
                apology: receipt.apology.clone(),
                reason: None,
            }
        }
    };
    let action = command.action();
    if !action.from().contains(&correction.state) {
        return Err(Refusal::new(
            Code::ReceiptState,
            format!(
                "The correction is {}: it takes no {action}. What was entered in the billing system has to be taken \
                 back there, or the correction moved first.",
                correction.state
            ),
        ));
    }
    Ok(Some(command))
}

fn amount(correction: &Correction, receipt: &Receipt) -> Result<i64, Refusal> {
    let currency = correction.subject.currency;
    if receipt.amount.currency != currency {
        return Err(Refusal::new(
            Code::ReceiptCurrency,
            format!("The correction is in {currency}; currencies are never converted here."),
        ));
    }
    let exact = |minor: &i64| Money::from_minor(*minor, currency).amount == receipt.amount.amount;
    receipt.amount.minor().filter(exact).filter(|minor| *minor > 0).ok_or_else(|| {
        Refusal::new(
            Code::ReceiptAmount,
            format!(
                "Write an amount above 0 with at most {} digits after the point; of a credit note too.",
                currency.minor_digits()
            ),
        )
    })
}

/// The cells, if they hold so much.
fn within(correction: &Correction, cells: &Cells, minor: i64) -> Result<Cells, Refusal> {
    let held = total(cells).minor;
    if minor > held {
        let held = Money::from_minor(held, correction.subject.currency);
        return Err(Refusal::new(
            Code::ReceiptTooLarge,
            format!(
                "{held} of the correction can be entered now; what is settled, planned, disputed or frozen cannot."
            ),
        ));
    }
    Ok(cells.clone())
}

/// So much of the cells, the oldest months first, as parts of lines; all of it: no parts.
fn parts(cells: &Cells, minor: i64) -> Result<Vec<Part>, Refusal> {
    if total(cells).minor == minor {
        return Ok(Vec::new());
    }
    let mut lines: BTreeMap<u32, i64> = BTreeMap::new();
    for (place, quantity) in take_amount(cells, minor)? {
        *lines.entry(place.line).or_default() += quantity.minor;
    }
    Ok(lines.into_iter().map(|(line, minor)| Part { line, extent: Extent::Amount(minor) }).collect())
}

fn instalment(correction: &Correction, number: u16, document: &str, minor: i64) -> Result<Command, Refusal> {
    let plan = correction.plan.as_ref().filter(|plan| !plan.given_up);
    let found = plan.and_then(|plan| plan.instalment(number));
    let found = found.filter(|one| one.state == InstalmentState::Scheduled).ok_or_else(|| {
        Refusal::new(Code::InstalmentUnknown, format!("The plan has no instalment {number} to come."))
    })?;
    if found.minor != minor {
        let code = if minor > found.minor { Code::ReceiptTooLarge } else { Code::ReceiptDiffers };
        let due = Money::from_minor(found.minor, correction.subject.currency);
        return Err(Refusal::new(code, format!("Instalment {number} comes to {due}; it is invoiced whole.")));
    }
    Ok(Command::InvoiceInstalment { instalment: number, document: document.to_owned() })
}
