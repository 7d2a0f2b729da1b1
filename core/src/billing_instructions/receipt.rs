//! What was entered where the client is billed, said back: which command it is. Money is written by commands only.

use crate::correction::Correction;
use crate::correction::command::Command;
use crate::correction::plan::InstalmentState;
use crate::correction::quantity::{Cells, Extent, Part, take_amount, total};
use crate::correction::refusal::{Code, Fault, Refusal};
use crate::money::Money;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

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

/// What is known of a document, by the ledger or by an earlier receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What of it is of the correction.
    pub amount: Money,
    /// Its date, where anyone said it.
    pub on: Option<NaiveDate>,
    /// The instalments that it charges.
    pub instalments: BTreeSet<u16>,
}

impl Receipt {
    /// Whether a document that is known is told again as it is known. A receipt that names no instalment contradicts
    /// none.
    ///
    /// # Errors
    /// With every difference, each with its own code.
    pub fn repeats(&self, known: &Known) -> Result<(), Refusal> {
        let document = self.document.trim();
        let fault = |differs: bool, code, detail: String| differs.then_some(Fault { code, detail });
        let was = known.on.unwrap_or(self.on);
        let charges = match known.instalments.iter().map(u16::to_string).collect::<Vec<_>>().as_slice() {
            [] => "no instalment".to_owned(),
            numbers => format!("instalment {}", numbers.join(" and ")),
        };
        let faults = [
            fault(
                known.amount != self.amount,
                Code::ReceiptDiffers,
                format!("{document} is known with {}, and not with {}.", known.amount, self.amount),
            ),
            fault(
                was != self.on,
                Code::ReceiptDateDiffers,
                format!("{document} is known with the date {was}, and not {}.", self.on),
            ),
            fault(
                self.instalment.is_some_and(|number| !known.instalments.contains(&number)),
                Code::ReceiptInstalmentDiffers,
                format!(
                    "{document} is known to charge {charges}, and not instalment {}.",
                    self.instalment.unwrap_or_default()
                ),
            ),
        ];
        Refusal::unless_none(faults.into_iter().flatten())
    }
}

/// What the ledger knows of a document; none: it does not have it. `on`: the date that was stated when it was
/// entered.
fn known(correction: &Correction, document: &str, on: Option<NaiveDate>) -> Option<Known> {
    // What a credit note gives back is negative there.
    let entered = correction.documents().get(document)?.abs();
    let plans = correction.former_plans.iter().chain(&correction.plan);
    let charged = plans.flat_map(|plan| &plan.instalments);
    let charged = charged.filter(|one| one.document.as_deref() == Some(document));
    Some(Known {
        amount: Money::from_minor(entered, correction.subject.currency),
        on,
        instalments: charged.map(|one| one.number).collect(),
    })
}

/// The command that a receipt is; none: the ledger has the document already, as it is told. `entered_on`: the date
/// that was stated when the ledger got it, if one was.
///
/// # Errors
/// When currency or amount cannot be, or the state does not allow it, or the ledger knows the document otherwise,
/// each with its own code.
pub fn command(
    correction: &Correction,
    receipt: &Receipt,
    entered_on: Option<NaiveDate>,
) -> Result<Option<Command>, Refusal> {
    let minor = amount(correction, receipt)?;
    let document = receipt.document.trim();
    if let Some(known) = known(correction, document, entered_on) {
        return receipt.repeats(&known).map(|()| None);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn every_difference_of_a_known_document_is_told_with_its_own_code() {
        let known = Known {
            amount: Money::from_minor(17_600, Currency::USD),
            on: "2026-12-01".parse().ok(),
            instalments: BTreeSet::from([1]),
        };
        let receipt = |minor, on: &str, instalment| Receipt {
            document: " INV-1 ".to_owned(),
            on: on.parse().unwrap(),
            amount: Money::from_minor(minor, Currency::USD),
            instalment,
            apology: None,
        };
        let cases: [(Receipt, &[Code]); 7] = [
            (receipt(17_600, "2026-12-01", Some(1)), &[]),
            (receipt(17_600, "2026-12-01", None), &[]),
            (receipt(17_599, "2026-12-01", Some(1)), &[Code::ReceiptDiffers]),
            (receipt(17_600, "2026-12-02", Some(1)), &[Code::ReceiptDateDiffers]),
            (receipt(17_600, "2026-12-01", Some(2)), &[Code::ReceiptInstalmentDiffers]),
            (receipt(1, "2026-12-02", None), &[Code::ReceiptDiffers, Code::ReceiptDateDiffers]),
            (
                receipt(1, "2026-12-02", Some(2)),
                &[Code::ReceiptDiffers, Code::ReceiptDateDiffers, Code::ReceiptInstalmentDiffers],
            ),
        ];
        for (receipt, codes) in cases {
            let refused = receipt.repeats(&known).err();
            let found: Vec<Code> = refused.iter().flat_map(Refusal::faults).map(|fault| fault.code).collect();
            assert_eq!(found, codes, "{receipt:?}");
        }
        let undated = Known { on: None, instalments: BTreeSet::new(), ..known };
        assert!(receipt(17_600, "2026-12-05", None).repeats(&undated).is_ok());
        let refused = receipt(17_600, "2026-12-05", Some(1)).repeats(&undated).unwrap_err();
        assert_eq!(refused.to_string(), "INV-1 is known to charge no instalment, and not instalment 1.");
    }
}
