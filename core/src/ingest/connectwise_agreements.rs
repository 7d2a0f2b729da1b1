//! ConnectWise PSA agreements and their additions: what a client is charged, over time.
//!
//! Source: the REST API, `GET /finance/agreements` and `GET /finance/agreements/{id}/additions`.
//! Additions name their agreement by `agreementId`; company, currency and billing cycle stand on the
//! agreement. So both belong in one upload: additions nested in their agreements, one JSON with the lists
//! `agreements` and `additions`, a list or pages of both, or an archive of both files. Additions alone
//! are read when they carry `company` themselves, or when they are all of one agreement: then the
//! uploader says whose it is and in which currency.
//!
//! Billed is `quantity` less `lessIncluded`. `cancelledDate` is the first day that is not charged; it is
//! absent on additions that run on. `DoNotBill` and `NoCharge` additions are kept and charge nothing.

mod line;

use super::json::{Object, Raw};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{Detection, FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Record, Side};
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(super) const FORMAT: Format = Format {
    name: "connectwise_agreements",
    title: "ConnectWise PSA agreements and additions",
    sides: &[Side::Billing],
    detect,
    read,
};

const ADDITION: [&str; 4] = ["product", "quantity", "unitPrice", "effectiveDate"];
const AGREEMENT: [&str; 3] = ["company", "startDate", "name"];

fn detect(shape: &Shape<'_>) -> Fit {
    let (mut additions, mut agreements, mut shared) = (0, 0, 0);
    for item in shape.sample().filter_map(Object::of) {
        if is_addition(&item) {
            additions += 1;
        } else if is_agreement(&item) {
            agreements += 1;
        } else if let Some(both) = both(&item) {
            agreements += both.0.iter().filter_map(|raw| Object::of(raw)).filter(is_agreement).count();
            additions += both.1.iter().filter_map(|raw| Object::of(raw)).filter(is_addition).count();
        }
        let of = |keys: &[&str]| keys.iter().filter(|key| item.has(&[key])).count();
        shared = shared.max(of(&ADDITION)).max(of(&AGREEMENT));
    }
    if additions + agreements == 0 {
        return Fit::No { shared };
    }
    let mut reasons = Vec::new();
    if agreements > 0 {
        reasons.push("has agreements: items with company, name, startDate and billing fields".to_owned());
    }
    if additions > 0 {
        reasons.push(
            "has additions: items with product, quantity, unitPrice and agreementId or billCustomer"
                .to_owned(),
        );
    }
    Fit::Yes(Detection { confidence: Decimal::new(100, 2), reasons })
}

fn is_addition(item: &Object<'_>) -> bool {
    item.has(&["product", "quantity"])
        && (item.has(&["agreementId"]) || item.has(&["agreement"]) || item.has(&["billCustomer"]))
        && (item.has(&["unitPrice"]) || item.has(&["effectiveDate"]))
        && item.object("product").is_some_and(|product| product.has(&["identifier"]))
}

fn is_agreement(item: &Object<'_>) -> bool {
    item.has(&["id", "company"])
        && !item.has(&["product"])
        && [
            "agreementStatus",
            "billingCycle",
            "noEndingDateFlag",
            "cancelledFlag",
            "billAmount",
            "billStartDate",
        ]
        .iter()
        .filter(|key| item.has(&[key]))
        .count()
            >= 2
}

/// The two lists of a JSON that holds both.
fn both<'a>(item: &Object<'a>) -> Option<(Vec<Raw<'a>>, Vec<Raw<'a>>)> {
    let agreements = item.list("agreements");
    let additions = item.list("additions");
    (agreements.is_some() || additions.is_some())
        .then(|| (agreements.unwrap_or_default(), additions.unwrap_or_default()))
}

/// An addition, where it stands, and the agreement that it is nested in.
struct Found {
    raw: Box<RawValue>,
    line: u32,
    part: Option<String>,
    agreement: Option<String>,
}

/// Everything of the file, sorted by kind, and apart from it: additions may come before their agreement.
#[derive(Default)]
struct Contents {
    agreements: HashMap<String, Box<RawValue>>,
    agreement_lines: BTreeMap<u32, String>,
    additions: Vec<Found>,
    line: u32,
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let mut contents = Contents::default();
    for shape in shapes {
        shape.each_item(&mut |_, item| {
            sort(item, shape.table.part.as_deref(), None, &mut contents, sink);
            Ok(())
        })?;
    }
    let contents = contents;
    let used: BTreeSet<String> = contents.additions.iter().filter_map(agreement_id).collect();
    for (line, id) in contents.agreement_lines.iter().filter(|(_, id)| !used.contains(*id)) {
        let text =
            format!("the agreement {id} has no additions in this file; no billing line follows from it");
        sink.note(Some(*line), "agreement_without_additions", text);
    }
    let orphans: BTreeSet<String> = contents
        .additions
        .iter()
        .filter(|found| Object::of(&found.raw).is_some_and(|item| company(&item).is_none()))
        .map(|found| agreement_id(found).unwrap_or_default())
        .filter(|id| !contents.agreements.contains_key(id))
        .collect();
    let agreements = contents.agreements.iter();
    let agreements = agreements.filter_map(|(id, raw)| Some((id.as_str(), Object::of(raw)?))).collect();
    let context = Context { agreements, options, one_orphan: orphans.len() == 1 };
    if context.one_orphan {
        sink.names_client = false;
        sink.ask("client", &[]);
    }
    let mut seen: HashMap<String, (u32, &str)> = HashMap::new();
    for found in &contents.additions {
        sink.read += 1;
        match line::line(found, &context, sink) {
            Err(bad) => sink.refuse(found.part.as_deref(), found.line, bad, context.client(found)),
            Ok(None) => {}
            Ok(Some(billing)) => {
                let id = billing.source_id.clone().unwrap_or_default();
                match seen.get(&id).filter(|_| !id.is_empty()) {
                    Some((first, text)) if *text == found.raw.get() => {
                        let text = format!("the same addition as item {first}; counted once");
                        sink.note(Some(found.line), "duplicate_line", text);
                    }
                    Some((first, _)) => {
                        let reason = format!("the addition stands in item {first} with other values");
                        sink.refuse(
                            found.part.as_deref(),
                            found.line,
                            Bad::member("id", Some(&id), reason),
                            Some(ClientRef::clone(&billing.client)),
                        );
                    }
                    None => {
                        seen.insert(id, (found.line, found.raw.get()));
                        sink.keep(found.line, Record::BillingLine(billing));
                    }
                }
            }
        }
    }
    Ok(())
}

fn sort(raw: Raw<'_>, part: Option<&str>, within: Option<&str>, into: &mut Contents, sink: &mut Sink) {
    let Some(item) = Object::of(raw) else {
        into.line += 1;
        sink.read += 1;
        sink.refuse(part, into.line, Bad::row("the item is not an object"), None);
        return;
    };
    if is_agreement(&item) {
        into.line += 1;
        sink.read += 1;
        let id = item.text("id").unwrap_or_default().into_owned();
        let nested = item.list("additions").unwrap_or_default();
        into.agreement_lines.insert(into.line, id.clone());
        // Pages may overlap; the agreement that was changed last is the one that holds.
        let known = into.agreements.get(&id).and_then(|known| Object::of(known));
        if known.is_none_or(|known| updated(&known) <= updated(&item)) {
            into.agreements.insert(id.clone(), raw.to_owned());
        }
        for addition in nested {
            sort(addition, part, Some(&id), into, sink);
        }
    } else if let Some((agreements, additions)) = both(&item).filter(|_| !is_addition(&item)) {
        let all = agreements.into_iter().chain(additions);
        all.for_each(|raw| sort(raw, part, None, into, sink));
    } else {
        into.line += 1;
        into.additions.push(Found {
            raw: raw.to_owned(),
            line: into.line,
            part: part.map(str::to_owned),
            agreement: within.map(str::to_owned),
        });
    }
}

fn updated(item: &Object<'_>) -> Option<String> {
    item.object("_info")?.text("lastUpdated").map(std::borrow::Cow::into_owned)
}

/// The agreement that an addition is nested in or names.
fn agreement_id(found: &Found) -> Option<String> {
    let item = || Object::of(&found.raw);
    let named = || {
        let item = item()?;
        item.text("agreementId")
            .or_else(|| item.object("agreement")?.text("id"))
            .map(std::borrow::Cow::into_owned)
    };
    found.agreement.clone().or_else(named)
}

fn company<'a>(item: &Object<'a>) -> Option<Object<'a>> {
    item.object("company").or_else(|| item.object("agreement")?.object("company"))
}

struct Context<'a> {
    agreements: HashMap<&'a str, Object<'a>>,
    options: &'a ReadOptions,
    /// All additions without a company are of one agreement: one answer names their client.
    one_orphan: bool,
}

impl<'a> Context<'a> {
    fn agreement(&self, found: &Found) -> Option<&Object<'a>> {
        self.agreements.get(agreement_id(found)?.as_str())
    }

    fn client(&self, found: &Found) -> Option<ClientRef> {
        let item = Object::of(&found.raw)?;
        company(&item).or_else(|| self.agreement(found)?.object("company")).map(|company| client(&company))
    }
}

fn client(company: &Object<'_>) -> ClientRef {
    let text = |key| company.text(key).map(|text| text.trim().to_owned());
    ClientRef { id: text("id"), name: text("name").or_else(|| text("identifier")), domain: None }
}
