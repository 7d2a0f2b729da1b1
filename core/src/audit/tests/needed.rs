//! An audit of some clients from the rows that it needs is the audit from all rows.

use super::build::*;
use crate::audit::{AuditInput, Incomplete, LeftOut, SharedKeys, Source, needed, run};
use crate::records::{
    Activity, ClientRef, Entitlement, Held, LineType, MappingRow, MappingSide, ProductRef, Record, RuleKind,
    Side, Sourced,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const SPB: &str = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46";

/// Names that resemble each other, share ids, or are nobody's.
fn any_client() -> impl Strategy<Value = ClientRef> {
    prop::sample::select(vec![
        ("Contoso", "", ""),
        ("Contoso Ltd", "", ""),
        ("Contoso", "1", ""),
        ("Contoso", TENANT, "contoso.com"),
        ("Fabrikam", "", ""),
        ("Fabrikam", "2", "fabrikam.com"),
        ("Fabrikam Inc", "3", ""),
        ("", "", "contoso.com"),
        ("", "", ""),
        ("Northwind", "", ""),
        ("Adventure Works", "4", ""),
    ])
    .prop_map(|(name, id, domain)| {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ClientRef { name: text(name), id: text(id), domain: text(domain) }
    })
}

fn any_product() -> impl Strategy<Value = ProductRef> {
    prop::sample::select(vec![
        ("", SPB, "SPB"),
        ("Microsoft 365 Business Premium", "", ""),
        ("M365 Business Premium", "", ""),
        ("Microsoft 365 Business Premium", "CFQ7TTC0LCHC:0002", ""),
        ("Backup", "", ""),
        ("Backup", "B-1", ""),
        ("Backup", "B-2", ""),
    ])
    .prop_map(|(name, sku, part)| {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ProductRef { name: text(name), sku: text(sku), part_number: text(part), code: None }
    })
}

fn any_days() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "2026-01-01..",
        "2026-01-01..2026-02-01",
        "2026-02-01..2026-03-01",
        "2026-01-15..2026-03-01",
        "2026-03-01..",
    ])
}

fn any_row(kind: usize) -> impl Strategy<Value = Record> {
    let texts = (0_u8..4, 0_u8..3);
    (any_client(), any_product(), any_days(), 0_u8..6, texts).prop_map(
        move |(client, product, days, seats, (id, other))| {
            let (client, product) = (Arc::new(client), Arc::new(product));
            let seats_text = seats.to_string();
            match kind {
                0 => Record::Entitlement(Entitlement {
                    client,
                    product,
                    held: if other == 0 {
                        Held::Snapshot { on: (id > 0).then(|| day("2026-02-10")) }
                    } else {
                        Held::During(span(days))
                    },
                    ..purchased("", "", &seats_text, days)
                }),
                1 => {
                    let mut row = billed("", "", &seats_text, "22.00", days);
                    (row.client, row.product) = (client, product);
                    row.source_id = (id > 0).then(|| format!("line-{id}"));
                    row.recurring = other > 0;
                    row.line_type = if other == 2 { LineType::OneOff } else { LineType::Regular };
                    Record::BillingLine(row)
                }
                2 => {
                    let free = id == 0;
                    let mut row = charged("", "", &seats_text, if free { "0.00" } else { "8.00" }, days);
                    if free {
                        row.unit_price = dec("0");
                        row.charge_type = Some("add_quantity".into());
                    }
                    (row.client, row.product) = (client, product);
                    row.subscription = (other > 0).then(|| format!("s-{other}"));
                    row.reference = (id < 2).then(|| format!("r-{}", seats % 2));
                    Record::VendorCharge(row)
                }
                3 => Record::Activity(Activity {
                    client,
                    user: format!("user-{seats}@contoso.com"),
                    product: None,
                    last_active: None,
                    as_of: None,
                    blocked: false,
                    deleted: false,
                    guest: false,
                    concealed: false,
                    assigned_by: None,
                    assigned_on: None,
                    department: None,
                    licence_group: None,
                }),
                _ => Record::Client(ClientRef::clone(&client)),
            }
        },
    )
}

fn any_source() -> impl Strategy<Value = Source> {
    (0_usize..5, any::<bool>(), 0_u8..8).prop_flat_map(|(kind, again, told)| {
        let rows = prop::collection::vec(any_row(kind), 0..9);
        rows.prop_map(move |records| {
            let name = ["entitlements", "billing", "cost", "activity", "clients"][kind];
            let side = [Side::Entitlement, Side::Billing, Side::Cost, Side::Activity];
            Source {
                // Two formats of each side: files of one are one source.
                format: format!("{name}_{again}"),
                sides: side.get(kind).copied().into_iter().collect(),
                client: (told == 0).then(|| "Contoso".to_owned()),
                incomplete: match told {
                    1 => Incomplete::Clients(vec![client("Fabrikam")]),
                    _ => Incomplete::None,
                },
                ..source(name, records)
            }
        })
    })
}

fn any_mapping() -> impl Strategy<Value = MappingRow> {
    let clients = prop::sample::select(vec!["Contoso", "Contoso Ltd", "Fabrikam Inc", "2", "contoso.com"]);
    let products = prop::sample::select(vec!["M365 Business Premium", "Backup", "B-1", "SPB"]);
    (any::<bool>(), clients.clone(), clients, products.clone(), products, 0_u8..3).prop_map(
        |(of_clients, from, to, product, other, dated)| {
            let row = if of_clients {
                mapping(MappingSide::Client, from, to)
            } else {
                mapping(MappingSide::Product, product, other)
            };
            MappingRow { span: (dated == 0).then(|| span("2026-02-01..")), ..row }
        },
    )
}

fn any_input() -> impl Strategy<Value = AuditInput> {
    let sources = prop::collection::vec(any_source(), 1..7);
    let mappings = prop::collection::vec(any_mapping(), 0..3);
    let asked = prop::sample::select(vec!["Contoso", "Contoso Ltd", "Fabrikam", "Northwind", "4", "Nobody"]);
    let asked = prop::collection::vec(asked, 1..3);
    (sources, mappings, asked, 0_u8..4).prop_map(|(sources, mappings, asked, ruled)| {
        let sources = (1..).zip(sources).map(|(learned, source)| Source { learned, ..source }).collect();
        let mut input = input("2026-01", "2026-03", sources);
        input.mappings = mappings;
        input.stretch_snapshots = true;
        input.clients = Some(asked.into_iter().map(str::to_owned).collect());
        if ruled == 0 {
            input.rules.push(rule(RuleKind::Exclude, "1", "Fabrikam", "Backup"));
            input.rules.push(rule(RuleKind::Allowance, "1", "Nobody", "Nothing"));
        }
        input
    })
}

const fn compared(record: &Record) -> bool {
    matches!(record, Record::Entitlement(_) | Record::BillingLine(_) | Record::VendorCharge(_))
}

/// The same input with the rows that are needed, as a store of rows would give them.
fn narrowed(full: &AuditInput) -> AuditInput {
    let mut input = full.clone();
    for source in &mut input.sources {
        let rows = std::mem::take(&mut source.records);
        let (mut clients, mut products, mut others) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for record in rows.iter().map(|sourced| &sourced.record) {
            match (compared(record), record.client(), record.product()) {
                (true, Some(client), Some(product)) => {
                    clients.insert(client.clone());
                    products.insert(product.clone());
                }
                (false, Some(client), _) => {
                    others.insert(client.clone());
                }
                _ => {}
            }
        }
        source.records =
            rows.into_iter().filter(|sourced| matches!(sourced.record, Record::Client(_))).collect();
        source.left_out = LeftOut {
            clients: clients.into_iter().map(Arc::new).collect(),
            products: products.into_iter().map(Arc::new).collect(),
            others: others.into_iter().map(Arc::new).collect(),
        };
    }
    let needed = needed(&input).unwrap();
    let mut keys = SharedKeys::default();
    let own = |record: &Record, wanted: &std::collections::HashSet<ClientRef>| {
        matches!(record, Record::Client(_)) || record.client().is_some_and(|client| wanted.contains(client))
    };
    for (source, wanted) in full.sources.iter().zip(&needed) {
        let rows: Vec<Sourced> =
            source.records.iter().filter(|row| own(&row.record, wanted)).cloned().collect();
        for row in &rows {
            keys.add(row);
        }
    }
    for ((source, whole), wanted) in input.sources.iter_mut().zip(&full.sources).zip(&needed) {
        let rows = whole.records.iter();
        source.records =
            rows.filter(|row| own(&row.record, wanted) || keys.hold(&row.record)).cloned().collect();
    }
    input
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn the_rows_that_are_needed_give_the_same_document(full in any_input()) {
        let narrow = narrowed(&full);
        prop_assert_eq!(run(&narrow).unwrap(), run(&full).unwrap());
    }
}

#[test]
fn rows_of_others_are_left_out() {
    let names = ["Contoso", "Contoso Ltd", "Fabrikam", "Northwind"];
    let rows = |who: &&str| purchased(who, "Backup", "2", "2026-01-01..");
    let lines = |who: &&str| billed(who, "Backup", "1", "5.00", "2026-01-01..");
    let sources =
        vec![entitlements(names.iter().map(rows).collect()), billing(names.iter().map(lines).collect())];
    let mut full = input("2026-01", "2026-01", sources);
    full.clients = Some(vec!["Contoso".to_owned()]);
    let narrow = narrowed(&full);
    let left: Vec<&str> = narrow.sources[0]
        .records
        .iter()
        .filter_map(|sourced| sourced.record.client()?.name.as_deref())
        .collect();
    assert_eq!(left, ["Contoso", "Contoso Ltd"], "a name that resembles it may be the same client");
    assert_eq!(run(&narrow).unwrap(), run(&full).unwrap());
}
