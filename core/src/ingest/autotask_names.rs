//! What kind of Autotask entity an item is, and the names that entities give one another by id.
//!
//! Source: the REST API, <https://autotask.net/help/developerhelp/Content/APIs/REST/Entities/_EntitiesOverview.htm>.
//! An answer has `items` and `pageDetails`, a single entity stands under `item`; scripts put several answers into
//! one JSON by the entities' names. Members are `contractID` in answers and `ContractID` in the description.

use super::json::Object;
use super::members::{first_line, text};
use super::sink::Sink;
use crate::records::{ClientRef, ProductRef, Record};
use std::collections::HashMap;

/// Members that hold entities.
pub(super) const LISTS: &[&str] = &[
    "item",
    "items",
    "companies",
    "contracts",
    "services",
    "serviceBundles",
    "contractServices",
    "contractServiceUnits",
    "contractServiceAdjustments",
    "contractServiceBundles",
    "contractServiceBundleUnits",
    "contractServiceBundleAdjustments",
    "billingItems",
    "invoices",
];

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entity {
    Company,
    Contract,
    Service,
    Bundle,
    /// Price without quantity.
    ContractService,
    /// Quantity of a service or bundle in a period.
    Units,
    /// A change of a quantity.
    Adjustment,
    BillingItem,
    Invoice,
}

/// What this item is, by the members that no other entity has.
pub(super) fn entity(item: &Object<'_>) -> Option<Entity> {
    let any = |keys: &[&str]| keys.iter().any(|key| item.has(&[key]));
    if item.has(&["units", "contractID", "startDate", "endDate"])
        && any(&["contractServiceID", "contractServiceBundleID"])
    {
        Some(Entity::Units)
    } else if item.has(&["unitChange", "contractID", "effectiveDate"]) {
        Some(Entity::Adjustment)
    } else if any(&["billingItemType"]) && any(&["itemDate", "postedDate"]) && any(&["extendedPrice", "rate"])
    {
        Some(Entity::BillingItem)
    } else if item.has(&["contractID", "unitPrice", "id"]) && any(&["serviceID", "serviceBundleID"]) {
        Some(Entity::ContractService)
    } else if item.has(&["contractName", "companyID"])
        && any(&["contractType", "contractCategory", "contractPeriodType", "status"])
    {
        Some(Entity::Contract)
    } else if item.has(&["invoiceTotal", "invoiceNumber", "companyID"]) {
        Some(Entity::Invoice)
    } else if item.has(&["companyName", "id"])
        && any(&["companyType", "companyNumber", "ownerResourceID", "isTaxExempt", "marketSegmentID"])
    {
        Some(Entity::Company)
    } else if item.has(&["name", "id", "periodType"]) && any(&["unitDiscount", "percentageDiscount"]) {
        Some(Entity::Bundle)
    } else if item.has(&["name", "id", "periodType"])
        && any(&["billingCodeID", "vendorCompanyID", "markupRate"])
    {
        Some(Entity::Service)
    } else {
        None
    }
}

/// A contract: what it is called and whose it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Contract {
    pub(super) name: Option<String>,
    pub(super) company: Option<String>,
}

/// Names by id.
#[derive(Debug, Default)]
pub(super) struct Names {
    companies: HashMap<String, ClientRef>,
    products: HashMap<String, ProductRef>,
    contracts: HashMap<String, Contract>,
}

impl Names {
    /// Takes an entity that names something, and keeps it as an entry of a directory.
    pub(super) fn take(&mut self, kind: Entity, item: &Object<'_>, line: u32, sink: &mut Sink) {
        let Some(id) = text(item, "id") else {
            sink.note(Some(line), "no_id", "the entity has no id, so nothing can be named by it");
            return;
        };
        match kind {
            Entity::Company => {
                let name = text(item, "companyName");
                let client = ClientRef { id: Some(id.clone()), name, domain: None };
                if self.companies.insert(id, client.clone()).is_none_or(|known| known != client) {
                    sink.keep(line, Record::Client(client));
                }
            }
            Entity::Service | Entity::Bundle => {
                let code = code(kind == Entity::Bundle, &id);
                let product = ProductRef {
                    name: first_line(item, "name"),
                    code: Some(code.clone()),
                    ..ProductRef::default()
                };
                if self.products.insert(code, product.clone()).is_none_or(|known| known != product) {
                    sink.keep(line, Record::Product(product));
                }
            }
            Entity::Contract => {
                let contract =
                    Contract { name: text(item, "contractName"), company: text(item, "companyID") };
                self.contracts.insert(id, contract);
            }
            _ => {}
        }
    }

    pub(super) fn contract(&self, id: &str) -> Option<&Contract> {
        self.contracts.get(id)
    }

    /// The company with this id; a name only where the companies are in the file.
    pub(super) fn client(&self, company: &str) -> ClientRef {
        let unnamed = || ClientRef { id: Some(company.to_owned()), ..ClientRef::default() };
        self.companies.get(company).cloned().unwrap_or_else(unnamed)
    }

    /// The service or bundle with this code; where it is not in the file, by what the invoice calls it.
    pub(super) fn product(&self, code: &str, description: Option<&str>) -> ProductRef {
        let unnamed = || ProductRef {
            name: description.map(str::to_owned),
            code: Some(code.to_owned()),
            ..ProductRef::default()
        };
        self.products.get(code).filter(|product| product.name.is_some()).cloned().unwrap_or_else(unnamed)
    }

    /// How an agreement is shown.
    pub(super) fn agreement(&self, contract: &str) -> String {
        match self.contracts.get(contract).and_then(|contract| contract.name.as_deref()) {
            Some(name) => format!("{name} ({contract})"),
            None => contract.to_owned(),
        }
    }
}

/// Services and bundles count their ids apart.
pub(super) fn code(bundle: bool, id: &str) -> String {
    if bundle { format!("bundle {id}") } else { id.to_owned() }
}
