//! Autotask's contract services: what a client is charged, period by period.
//!
//! Source: the REST API, entities `ContractServices`, `ContractServiceUnits`, `ContractServiceBundleUnits`,
//! Contracts, Companies and Services (see [`super::autotask_names`]). Only the units have a quantity, and
//! each row of them is one period; `endDate` is its last day. The price stands on the contract service.
//! Adjustments are changes that the units already contain. Client and product follow by id from contracts,
//! companies and services, so these belong in the same upload: one JSON, or an archive of the answers.
//! Companies and services alone are a directory.

mod units;

use super::autotask_names::{Entity, LISTS, Names, code, entity};
use super::json::Object;
use super::members::{Seen, check_once, expand, first_line, fit, number, text};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Record, Side};
use rust_decimal::Decimal;
use std::collections::{BTreeSet, HashMap};
use units::{Units, billing};

pub(super) const FORMAT: Format = Format {
    name: "autotask_contract_services",
    title: "Autotask contract services and their units",
    sides: &[Side::Billing],
    detect,
    read,
};

fn detect(shape: &Shape<'_>) -> Fit {
    let of = |kinds: fn(Entity) -> bool| move |item: &Object<'_>| entity(item).is_some_and(kinds);
    // With billing items companies and services only name what those are of.
    let items = fit(shape, LISTS, &of(|kind| kind == Entity::BillingItem), "");
    if matches!(items, Fit::Yes(_)) {
        return Fit::No { shared: 0 };
    }
    let reason = "has Autotask entities: contract services, units, contracts, companies or services";
    fit(shape, LISTS, &of(|_| true), reason)
}

/// Everything of the file, by id.
#[derive(Default)]
struct Contents {
    names: Names,
    services: HashMap<String, Service>,
    units: Vec<Units>,
    adjustments: u64,
    contracts: u64,
    invoices: u64,
    seen: Seen,
    line: u32,
}

/// What a contract service says of its units.
#[derive(Clone, Debug, Default)]
struct Service {
    unit_price: Option<Decimal>,
    description: Option<String>,
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let mut contents = Contents::default();
    for shape in shapes {
        let part = shape.table.part.as_deref();
        shape.each_item(&mut |_, raw| {
            for raw in expand(raw, LISTS, &|item| entity(item).is_some()) {
                if Object::of(raw).is_some_and(|item| is_empty_answer(&item)) {
                    continue;
                }
                contents.line += 1;
                sink.read += 1;
                let item = Object::of(raw);
                let kind = item.as_ref().and_then(entity);
                let (Some(item), Some(kind)) = (item, kind) else {
                    let bad = Bad::row("the item is no Autotask entity that is known here");
                    sink.refuse(part, contents.line, bad, None);
                    continue;
                };
                if kind == Entity::BillingItem {
                    return Err(FileError::MixedFormats {
                        formats: vec!["autotask_contract_services", "autotask_billing_items"],
                    });
                }
                if let Err(bad) = contents.take(kind, &item, raw.get(), part, sink) {
                    sink.refuse(part, contents.line, bad, None);
                }
            }
            Ok(())
        })?;
    }
    contents.check(sink)?;
    contents.keep(options, sink);
    Ok(())
}

/// A page without entities: `pageDetails` and an empty list.
fn is_empty_answer(item: &Object<'_>) -> bool {
    item.has(&["pageDetails"]) && item.list("items").is_none_or(|items| items.is_empty())
}

impl Contents {
    fn take(
        &mut self,
        kind: Entity,
        item: &Object<'_>,
        raw: &str,
        part: Option<&str>,
        sink: &mut Sink,
    ) -> Result<(), Bad> {
        check_once(&[Some(item)])?;
        match kind {
            Entity::Company | Entity::Service | Entity::Bundle => {
                self.names.take(kind, item, self.line, sink);
            }
            Entity::Contract => {
                self.contracts += 1;
                self.names.take(kind, item, self.line, sink);
            }
            Entity::ContractService => {
                let bundle = item.has(&["serviceBundleID"]) && !item.has(&["serviceID"]);
                let id = text(item, "id").ok_or_else(|| Bad::member("id", None, "is missing"))?;
                let service = Service {
                    unit_price: number(item, "unitPrice")?,
                    description: first_line(item, "invoiceDescription"),
                };
                self.services.insert(code(bundle, &id), service);
            }
            Entity::Units => {
                let units = Units::of(item, self.line, part);
                if self.seen.first(units.id.as_deref(), raw, self.line, sink)? {
                    self.units.push(units);
                }
            }
            Entity::Adjustment => self.adjustments += 1,
            Entity::Invoice => self.invoices += 1,
            Entity::BillingItem => {}
        }
        Ok(())
    }

    /// Whether there is anything to compare, or a directory to keep.
    fn check(&self, sink: &mut Sink) -> Result<(), FileError> {
        if !self.units.is_empty() {
            if self.adjustments > 0 {
                let text = "adjustments of contract services are not read: their units already contain them";
                sink.note(None, "adjustments_not_read", text);
            }
            return Ok(());
        }
        if !self.services.is_empty() || self.adjustments > 0 {
            return Err(FileError::NothingToCompare {
                what: "a list of Autotask contract services or their adjustments",
                lacks: "has prices or changes and no quantities",
                instead: "export ContractServiceUnits as well, with Contracts, Companies and Services",
            });
        }
        if self.invoices > 0 {
            return Err(FileError::NothingToCompare {
                what: "a list of Autotask invoices",
                lacks: "has totals and no lines",
                instead: "export BillingItems, or ContractServiceUnits with Contracts and Companies",
            });
        }
        if self.contracts > 0 && sink.records.is_empty() {
            return Err(FileError::NothingToCompare {
                what: "a list of Autotask contracts",
                lacks: "has no services",
                instead: "export ContractServiceUnits and ContractServices with the contracts and companies",
            });
        }
        Ok(())
    }

    fn keep(&self, options: &ReadOptions, sink: &mut Sink) {
        let orphans: BTreeSet<&str> = self
            .units
            .iter()
            .filter(|units| self.client(units).is_none())
            .map(|units| units.contract.as_deref().unwrap_or_default())
            .collect();
        let one_orphan = orphans.len() == 1;
        if one_orphan {
            sink.names_client = false;
            sink.ask("client", &[]);
        }
        for units in &self.units {
            let client = self.client(units).or_else(|| one_orphan.then(ClientRef::default));
            let whose = client.clone().filter(|client| *client != ClientRef::default());
            match billing(units, client, self, options, sink) {
                Ok(Some(line)) => sink.keep(units.line, Record::BillingLine(line)),
                Ok(None) => {}
                Err(bad) => sink.refuse(units.part.as_deref(), units.line, bad, whose),
            }
        }
    }

    fn client(&self, units: &Units) -> Option<ClientRef> {
        let company = self.names.contract(units.contract.as_deref()?)?.company.as_deref()?;
        Some(self.names.client(company))
    }
}
