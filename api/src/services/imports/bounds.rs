//! What a record must keep to so that the database can hold it: names that indexes take, no U+0000.
//!
//! A row beyond that is refused as every other one, with its line, and never a fault of the job that
//! stores it.

use leakage_core::audit::AllocateBy;
use leakage_core::ingest::{FileReport, Refusal};
use leakage_core::matching::fold;
use leakage_core::records::{ClientRef, Decision, ProductRef, Record, Sourced};
use serde_json::Value;

/// Refused rows that are listed; the reader lists as many.
const LISTED: usize = 1_000;
/// Characters of one name or id; of a client's name; of a domain.
const NAME_CHARS: usize = 500;
const CLIENT_CHARS: usize = 300;
const DOMAIN_CHARS: usize = 253;
/// Bytes of one name or id, and of all of them together: an index entry holds 2,704.
const NAME_BYTES: usize = 1_200;
const REF_BYTES: usize = 2_000;

/// The records of one file that cannot be stored.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    refused: Vec<Refusal>,
    total: u64,
    /// Line of the last one: one row can give several records, and is refused once.
    last: Option<u32>,
}

impl Bounds {
    /// Takes the records out that cannot be stored.
    pub(super) fn refuse_unstorable(&mut self, records: &mut Vec<Sourced>) {
        records.retain(|sourced| match fault(&sourced.record) {
            None => true,
            Some(fault) => {
                self.refuse(sourced, fault);
                false
            }
        });
    }

    fn refuse(&mut self, sourced: &Sourced, (column, value, reason): Fault) {
        if self.last.replace(sourced.line) == Some(sourced.line) {
            return;
        }
        self.total += 1;
        if self.refused.len() < LISTED {
            self.refused.push(Refusal {
                sheet: None,
                line: sourced.line,
                column: Some(column.to_owned()),
                value: Some(value.chars().take(200).collect()),
                reason,
                client: sourced.record.client().filter(|client| holds(client)).cloned(),
            });
        }
    }

    /// Adds them to the refused rows of the file.
    pub(super) fn report(self, report: &mut FileReport) {
        report.refused_total += self.total;
        let room = LISTED.saturating_sub(report.refused.len());
        report.refused.extend(self.refused.into_iter().take(room));
    }
}

type Fault = (&'static str, String, String);

/// Whether a client's name can stand among those whose rows were refused.
fn holds(client: &ClientRef) -> bool {
    client_fault(client).is_none()
}

fn fault(record: &Record) -> Option<Fault> {
    let client = record.client().and_then(client_fault);
    let (product, texts): (_, Vec<(&'static str, Option<&str>)>) = match record {
        Record::Entitlement(row) => {
            (product_fault(&row.product), vec![("subscription", row.subscription.as_deref())])
        }
        Record::BillingLine(row) => (
            product_fault(&row.product),
            vec![
                ("billing_entity", row.billing_entity.as_deref()),
                ("agreement", row.agreement.as_deref()),
                ("invoice", row.invoice.as_deref()),
                ("source_id", row.source_id.as_deref()),
            ],
        ),
        Record::VendorCharge(row) => (
            product_fault(&row.product),
            vec![
                ("subscription", row.subscription.as_deref()),
                ("invoice", row.invoice.as_deref()),
                ("reference", row.reference.as_deref()),
                ("charge_type", row.charge_type.as_deref()),
            ],
        ),
        Record::Activity(row) => {
            (row.product.as_ref().and_then(product_fault), vec![("user", Some(row.user.as_str()))])
        }
        Record::Mapping(row) => (
            None,
            vec![
                ("source", Some(row.source.as_str())),
                ("target", Some(row.target.as_str())),
                ("approved_by", Some(row.approved_by.as_str())),
            ],
        ),
        Record::Provisioning(row) => (
            row.product.as_ref().and_then(product_fault),
            vec![
                ("event", row.event.as_deref()),
                ("user", row.user.as_deref()),
                ("actor", row.actor.as_deref()),
            ],
        ),
        Record::ListPrice(row) => (
            product_fault(&row.product),
            vec![("market", row.market.as_deref()), ("segment", row.segment.as_deref())],
        ),
        Record::Client(_) => (None, Vec::new()),
        Record::Product(product) => (product_fault(product), Vec::new()),
        Record::Price(row) => {
            (row.client.as_ref().and_then(client_fault).or_else(|| product_fault(&row.product)), Vec::new())
        }
        Record::Decision(row) => (decision_product(row).and_then(product_fault), decision_texts(row)),
        Record::Rule(row) => {
            let mut products = [&row.product, &row.parent_product].into_iter().flatten();
            (
                row.client.as_ref().and_then(client_fault).or_else(|| products.find_map(product_fault)),
                vec![("reason", Some(row.reason.as_str())), ("owner", Some(row.owner.as_str()))],
            )
        }
    };
    let mut texts = texts.into_iter();
    client
        .or(product)
        .or_else(|| texts.find_map(|(column, text)| text.and_then(|text| long(column, text, NAME_CHARS))))
}

fn decision_product(decision: &Decision) -> Option<&ProductRef> {
    match decision {
        Decision::Policy(policy) => policy.product.as_ref(),
        Decision::Allocation(own) => own.product.as_ref(),
        Decision::BillingEntity(_) | Decision::Settled(_) => None,
    }
}

fn decision_texts(decision: &Decision) -> Vec<(&'static str, Option<&str>)> {
    match decision {
        Decision::Policy(policy) => {
            vec![("client", policy.client.as_deref()), ("agreement", policy.agreement.as_deref())]
        }
        Decision::BillingEntity(entity) => {
            let names = entity.names.iter().map(|name| ("billing_entity", Some(name.as_str())));
            std::iter::once(("client", Some(entity.client.as_str()))).chain(names).collect()
        }
        Decision::Allocation(own) => {
            let value = match &own.by {
                AllocateBy::Group(text) | AllocateBy::Department(text) | AllocateBy::Domain(text) => {
                    Some(text.as_str())
                }
                AllocateBy::Fixed(_) | AllocateBy::Rest => None,
            };
            vec![
                ("client", Some(own.client.as_str())),
                ("billing_entity", Some(own.entity.as_str())),
                ("value", value),
            ]
        }
        Decision::Settled(settled) => {
            let documents = settled.documents.iter().map(|name| ("document", Some(name.as_str())));
            [("gap", Some(settled.gap.as_str())), ("settled_by", Some(settled.settled_by.as_str()))]
                .into_iter()
                .chain(documents)
                .collect()
        }
    }
}

fn client_fault(client: &ClientRef) -> Option<Fault> {
    let parts = [
        ("client_id", &client.id, NAME_CHARS),
        ("client", &client.name, CLIENT_CHARS),
        ("domain", &client.domain, DOMAIN_CHARS),
    ];
    name_fault(&parts).or_else(|| {
        // Some characters become up to eighteen when names are compared.
        let name = client.name.as_ref().filter(|name| !name.is_ascii() && fold(name).len() > REF_BYTES)?;
        Some(("client", name.clone(), "is too long a name when it is written out".to_owned()))
    })
}

fn product_fault(product: &ProductRef) -> Option<Fault> {
    name_fault(&[
        ("product", &product.name, NAME_CHARS),
        ("sku", &product.sku, NAME_CHARS),
        ("part_number", &product.part_number, NAME_CHARS),
        ("code", &product.code, NAME_CHARS),
    ])
}

fn name_fault(parts: &[(&'static str, &Option<String>, usize)]) -> Option<Fault> {
    let mut bytes = 0;
    for (column, text, most) in parts {
        let Some(text) = text else { continue };
        if let Some(fault) = long(column, text, *most) {
            return Some(fault);
        }
        bytes += text.len();
        if text.len() > NAME_BYTES || bytes > REF_BYTES {
            let reason = format!(
                "is too long: a name or id has at most {NAME_BYTES} bytes, and all that name one thing {REF_BYTES}"
            );
            return Some((column, text.clone(), reason));
        }
    }
    None
}

fn long(column: &'static str, text: &str, most: usize) -> Option<Fault> {
    if text.contains('\0') {
        return Some((column, text.replace('\0', "\u{fffd}"), "holds the character U+0000".to_owned()));
    }
    // Characters are at least as few as bytes.
    let count = if text.len() > most { text.chars().count() } else { 0 };
    (count > most)
        .then(|| (column, text.to_owned(), format!("has {count} characters; at most {most} are read")))
}

/// Shows U+0000 as U+FFFD, in what is told of a file: the database holds no such character.
pub(super) fn shown(value: Value) -> Value {
    match value {
        Value::String(text) if text.contains('\0') => Value::String(text.replace('\0', "\u{fffd}")),
        Value::Array(items) => Value::Array(items.into_iter().map(shown).collect()),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, shown(value))).collect())
        }
        other => other,
    }
}
