//! Autotask PSA: adjustments of a contract's services, and charges of the contract.
//!
//! Source: the REST API, `ContractServiceAdjustments` (`unitChange` from `effectiveDate` on; they are made, never
//! changed: <https://ww1.autotask.net/help/DeveloperHelp/Content/APIs/REST/Entities/RecurringSerContractEntityRelation.htm>)
//! and `ContractCharges`. Billing items cannot be made through the API: a charge becomes one when it is approved and
//! posted. An adjustment inside a billing period is always prorated, so it is dated with the beginning of one, see
//! [`super::proration`].

use super::instructions::{OneOff, Recurring, RowChange};
use super::proration::Rule;
use super::targets::{Adapter, Target};
use super::write::{Cell, Draft, Written, agreement_id, midnight, number};
use rust_decimal::Decimal;
use serde_json::json;

pub(super) const ADAPTER: Adapter = Adapter {
    target: Target::Autotask,
    name: "autotask",
    title: "Autotask PSA",
    formats: "autotask",
    rule: Rule::Whole,
    write,
};

const CONTRACT: &str = "The number of the contract; the imported rows hold only its name. Query Contracts by the \
                        company's name.";
const SERVICE: &str =
    "The number of the service. Import the answers of Services and ContractServices together.";
const CODE: &str =
    "The material code that charges are booked with (Admin, Features and Settings, Billing Codes).";

fn write(draft: &Draft<'_>) -> Written {
    let mut out = Written::default();
    let header = [
        "Company",
        "Contract",
        "Charge Name",
        "Description",
        "Date",
        "Units",
        "Unit Price",
        "Billable",
        "Purpose",
    ];
    let one_off = draft.one_off.iter().map(|line| charge(draft, line, &mut out)).collect();
    out.table("one_off", &header, one_off);
    let header = ["Company", "Contract", "Service", "Service ID", "Unit Change", "Units", "Effective Date"];
    let recurring = draft.rows().map(|(change, row)| units(draft, change, row, &mut out)).collect();
    out.table("recurring", &header, recurring);
    if !draft.one_off.is_empty() {
        out.notes
            .push("Autotask: approve and post the charges; they are billing items only then.".to_owned());
    }
    if !draft.recurring.is_empty() {
        out.notes.push(
            "Autotask: the effective date must be the first day of a billing period; on any other day it prorates by \
             itself. Where a contract's periods begin on another day than 1, ask again with `billing_day`."
                .to_owned(),
        );
    }
    out
}

/// A contract's name or number as the number that paths take.
fn contract(name: Option<&str>, out: &mut Written) -> String {
    out.segment(agreement_id(name), "contractID", CONTRACT)
}

fn charge(draft: &Draft<'_>, line: &OneOff, out: &mut Written) -> Vec<Cell> {
    let id = contract(line.agreement.as_deref(), out);
    out.lacks("billingCodeID", CODE);
    // A charge's name holds 100 characters: product and reference come first in the text.
    let name: String = line.description.chars().take(100).collect();
    let body = json!({
        "contractID": id.parse::<u64>().ok(),
        "name": name,
        "description": line.description,
        "datePurchased": midnight(line.on),
        "unitQuantity": 1,
        "unitPrice": number(line.amount.amount),
        "isBillableToCompany": true,
        "billingCodeID": null,
    });
    let purpose = if line.minor < 0 { "Give back once" } else { "Charge once" };
    out.request(purpose.to_owned(), "POST", format!("/V1.0/Contracts/{id}/Charges"), body);
    vec![
        draft.named().into(),
        Cell::of(line.agreement.as_deref()),
        Cell::Text(name),
        Cell::Text(line.description.clone()),
        line.on.into(),
        Decimal::ONE.into(),
        line.amount.amount.into(),
        "Yes".into(),
        purpose.into(),
    ]
}

fn units(draft: &Draft<'_>, change: &Recurring, row: &RowChange, out: &mut Written) -> Vec<Cell> {
    let id = contract(row.agreement.as_deref(), out);
    let difference = row.to_quantity - row.from_quantity;
    let bundle = row.product_code.as_deref().and_then(|code| code.strip_prefix("bundle "));
    let (entity, field, service) = match bundle {
        Some(bundle) => ("ServiceBundleAdjustments", "serviceBundleID", Some(bundle)),
        None => ("ServiceAdjustments", "serviceID", row.product_code.as_deref()),
    };
    let mut body = json!({
        "contractID": id.parse::<u64>().ok(),
        "unitChange": number(difference),
        "effectiveDate": midnight(change.effective_on),
    });
    let service = out.id(service, field, SERVICE);
    if let Some(members) = body.as_object_mut() {
        members.insert(field.to_owned(), service);
    }
    out.request("Adjust the units".to_owned(), "POST", format!("/V1.0/Contracts/{id}/{entity}"), body);
    vec![
        draft.named().into(),
        Cell::of(row.agreement.as_deref()),
        Cell::of(row.product_name.as_deref().or(Some(&change.product))),
        Cell::of(row.product_code.as_deref()),
        difference.into(),
        (row.to_quantity - row.included).into(),
        change.effective_on.into(),
    ]
}
