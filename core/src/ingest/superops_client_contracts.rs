//! SuperOps' client contracts: known, and nothing to compare.
//!
//! Source: the GraphQL query `getClientContractList`, <https://developer.superops.com/msp>. Its contracts
//! have a value and dates, and no lines: neither products nor quantities. So the file says what to export.

use super::json::Object;
use super::members::fit;
use super::reader::Shape;
use super::sink::Sink;
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::Side;

pub(super) const FORMAT: Format = Format {
    name: "superops_client_contracts",
    title: "SuperOps client contracts",
    sides: &[Side::Billing],
    detect,
    read,
};

const LISTS: &[&str] = &["data", "getClientContractList", "clientContracts"];

fn detect(shape: &Shape<'_>) -> Fit {
    fit(shape, LISTS, &is_contract, "has SuperOps contracts: items with contractId, client and contract")
}

fn is_contract(item: &Object<'_>) -> bool {
    item.has(&["contractId", "client", "contract"])
        || item.has(&["contractId", "client", "contractStatus", "startDate"])
}

fn read(_: &[&Shape<'_>], _: &ReadOptions, _: &mut Sink) -> Result<(), FileError> {
    Err(FileError::NothingToCompare {
        what: "a list of SuperOps client contracts",
        lacks: "has neither products nor quantities",
        instead: "export the invoices with their items, or write the contracts' items in our billing template",
    })
}
