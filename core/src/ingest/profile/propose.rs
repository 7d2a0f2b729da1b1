//! Which column may stand for which field: by the column's name in five languages, and by what its
//! values look like. Proposes, with score and reason; a person decides.

use super::cells::Holds;
use super::names::{folded, tokens};
use super::seen::Sampled;
use super::shapes::{self, Looks, looks};
use super::words::{NAMES, NO_FIELD, Names, SPOILS};
use super::{FieldSource, ImportProfile, PROFILE_VERSION, ProfileKind};
use rust_decimal::Decimal;
use serde::Serialize;
use std::collections::BTreeMap;

/// A profile to begin with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// The profile; it lacks what `missing` names.
    #[serde(skip)]
    pub profile: ImportProfile,
    /// How sure it is, from 0.00 to 1.00.
    pub score: Decimal,
    /// What shows it, field by field.
    pub fields: Vec<ProposedField>,
    /// Fields that are needed and for which no column was found; of several names one is needed. Name a
    /// column, or give a value as `constant`.
    pub missing: Vec<String>,
    /// What the file may be, the likeliest first.
    pub kinds: Vec<ProposedKind>,
}

/// A kind of template that a file may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProposedKind {
    /// The kind.
    pub kind: ProfileKind,
    /// From 0.00 to 1.00.
    pub score: Decimal,
}

/// A column that may stand for a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProposedField {
    /// Field of the template kind.
    pub field: String,
    /// Column as written.
    pub column: String,
    /// From 0.00 to 1.00.
    pub score: Decimal,
    /// Why.
    pub reason: String,
}

/// The whole of a score.
const FULL: u32 = 1000;
/// Below this a column is not proposed.
const LEAST: u32 = 500;
/// Names spelled this much alike may be the same with a typing error.
const ALIKE: u32 = 850;

/// How alike two texts are, from 0 to [`FULL`]: the normalised indel similarity, in whole steps.
fn ratio(a: &str, b: &str) -> u32 {
    let length = a.chars().count() + b.chars().count();
    let distance = rapidfuzz::distance::indel::distance(a.chars(), b.chars());
    u32::try_from((length - distance.min(length)) * FULL as usize / length.max(1)).unwrap_or(0)
}

/// The name that is most like this one, if any is.
pub(super) fn nearest<'a>(wanted: &str, names: &'a [String]) -> Option<&'a str> {
    let wanted = folded(wanted);
    let scored = names.iter().map(|name| (ratio(&wanted, &folded(name)), name));
    scored.max_by_key(|(score, _)| *score).filter(|(score, _)| *score >= 700).map(|(_, name)| name.as_str())
}

struct Column<'a> {
    sampled: &'a Sampled,
    folded: String,
    tokens: Vec<String>,
    /// Some words in a row, written as one.
    runs: Vec<String>,
    looks: Looks,
}

/// Characters and words of a name that are looked at, and words that are taken together: a name can be as
/// long as a file makes it.
const LONGEST: usize = 80;
const WORDS: usize = 12;
const TOGETHER: usize = 4;

impl<'a> Column<'a> {
    fn of(sampled: &'a Sampled) -> Self {
        let name: String = sampled.name.chars().take(LONGEST).collect();
        let tokens: Vec<String> = tokens(&name).into_iter().take(WORDS).collect();
        let runs = (1..=TOGETHER).flat_map(|length| tokens.windows(length).map(<[String]>::concat)).collect();
        Self { sampled, folded: folded(&name), tokens, runs, looks: looks(sampled) }
    }
}

/// A field's column and how sure it is.
#[derive(Clone, Debug)]
struct Found {
    column: usize,
    score: u32,
    reason: String,
}

type Assigned = BTreeMap<&'static str, Found>;

/// Proposes a profile for columns with these values.
pub(super) fn propose(columns: &[Sampled], header: &[String]) -> Proposal {
    let columns: Vec<Column<'_>> =
        columns.iter().filter(|sampled| !sampled.name.is_empty()).map(Column::of).collect();
    let mut kinds: Vec<(u32, ProfileKind, Assigned)> = ProfileKind::ALL
        .into_iter()
        .map(|kind| {
            let assigned = assign(kind, &columns);
            (weigh(kind, &assigned, &columns), kind, assigned)
        })
        .collect();
    // Stable: of equals the first one, which explains the most columns.
    kinds.sort_by_key(|(score, _, _)| std::cmp::Reverse(*score));
    let ranked =
        kinds.iter().map(|(score, kind, _)| ProposedKind { kind: *kind, score: share(*score) }).collect();
    let (score, kind, assigned) = kinds.swap_remove(0);
    Proposal {
        profile: profile(kind, &assigned, &columns, header),
        score: share(score),
        fields: assigned
            .iter()
            .map(|(field, found)| ProposedField {
                field: (*field).to_owned(),
                column: columns[found.column].sampled.name.clone(),
                score: share(found.score),
                reason: found.reason.clone(),
            })
            .collect(),
        missing: kind
            .needed()
            .iter()
            .filter(|group| !group.iter().any(|field| assigned.contains_key(field)))
            .map(|group| group.join(" or "))
            .collect(),
        kinds: ranked,
    }
}

fn share(score: u32) -> Decimal {
    Decimal::new(i64::from(score.min(FULL) / 10), 2)
}

/// The best column of each field, each column for one field, the surest first.
fn assign(kind: ProfileKind, columns: &[Column<'_>]) -> Assigned {
    let mut scored: Vec<(u32, usize, &'static str, String)> = Vec::new();
    for field in kind.fields() {
        let names = NAMES.iter().find(|names| names.field == field);
        for (at, column) in columns.iter().enumerate() {
            if let Some((score, reason)) = names.and_then(|names| score(names, column)) {
                scored.push((score, at, field, reason));
            }
        }
    }
    scored.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut assigned = Assigned::new();
    for (score, column, field, reason) in scored {
        let free = !assigned.values().any(|found| found.column == column);
        if score >= LEAST && free && !assigned.contains_key(field) {
            assigned.insert(field, Found { column, score, reason });
        }
    }
    dates(&mut assigned, columns);
    shared(kind, &mut assigned, columns);
    assigned
}

/// The only dates of a file are its days, whatever they are called.
fn dates(assigned: &mut Assigned, columns: &[Column<'_>]) {
    let free: Vec<usize> = (0..columns.len())
        .filter(|&at| columns[at].looks.dates && !assigned.values().any(|found| found.column == at))
        .collect();
    let only = |column, text: &str| Found { column, score: LEAST, reason: text.to_owned() };
    if assigned.contains_key("from") {
        return;
    }
    match (free.as_slice(), assigned.contains_key("until")) {
        ([one], _) => {
            assigned.insert("from", only(*one, "its values are the only other dates"));
        }
        ([first, last], false) => {
            assigned.insert("from", only(*first, "the first of the two columns with dates"));
            assigned.insert("until", only(*last, "the second of the two columns with dates"));
        }
        _ => {}
    }
}

/// Fields that stand in another field's column: both ends of a period, the currency beside a price.
fn shared(kind: ProfileKind, assigned: &mut Assigned, columns: &[Column<'_>]) {
    if let (Some(from), false) = (assigned.get("from").cloned(), assigned.contains_key("until"))
        && columns[from.column].looks.periods
    {
        let reason = "its values are months or periods".to_owned();
        assigned.insert("until", Found { reason, ..from });
    }
    let price = assigned.get(if kind == ProfileKind::Cost { "unit_cost" } else { "unit_price" }).cloned();
    if let (Some(price), false) = (price, assigned.contains_key("currency"))
        && let Some(currency) = columns[price.column].looks.beside
    {
        let reason = format!("{currency} stands beside its numbers");
        assigned.insert("currency", Found { reason, ..price });
    }
}

/// How well a column fits a field, and why; `None` when its values cannot be the field's.
fn score(names: &Names, column: &Column<'_>) -> Option<(u32, String)> {
    let looks = &column.looks;
    let by_name = by_name(names, column);
    if looks.filled == 0 {
        return by_name.filter(|(score, _)| *score >= 900).map(|(score, reason)| (score - 200, reason));
    }
    let holds = Holds::of(names.field);
    let possible = match holds {
        Holds::Number => looks.numbers && looks.beside.is_none() && (looks.whole || by_name.is_some()),
        Holds::Money => looks.numbers,
        Holds::Currency => looks.currency,
        Holds::First | Holds::Last => looks.dates,
        Holds::Term | Holds::Cycle => looks.spans,
        Holds::LineType => column.sampled.filled().all(|cell| super::cells::word(cell, holds).is_some()),
        Holds::Text => match names.field {
            "client" | "product" => {
                looks.text && !looks.guid && !looks.currency && (!looks.domain || by_name.is_some())
            }
            "domain" => looks.domain,
            "charge_type" => looks.text && !looks.guid,
            _ => !looks.dates && !looks.money,
        },
    };
    if !possible {
        return None;
    }
    let shape = match holds {
        Holds::Currency => Some((650, "its values are currency codes")),
        _ if names.field == "domain" => Some((600, "its values are domains")),
        _ => None,
    };
    match (by_name, shape) {
        (Some((score, reason)), Some((_, shape))) => {
            Some(((score + 100).min(FULL), format!("{reason}; {shape}")))
        }
        (Some((score, reason)), None) => {
            let fits = match holds {
                Holds::Money if looks.money => Some("its values are prices"),
                Holds::Number if looks.whole => Some("its values are whole numbers"),
                Holds::First | Holds::Last => Some("its values are dates"),
                _ if looks.guid && names.field.ends_with("id") => Some("its values are GUIDs"),
                _ => None,
            };
            Some(fits.map_or((score, reason.clone()), |fits| {
                ((score + 50).min(FULL), format!("{reason}; {fits}"))
            }))
        }
        (None, Some((score, shape))) => Some((score, shape.to_owned())),
        (None, None) => None,
    }
}

fn by_name(names: &Names, column: &Column<'_>) -> Option<(u32, String)> {
    if column.folded.is_empty() {
        return None;
    }
    if NO_FIELD.contains(&column.folded.as_str()) {
        return None;
    }
    let sure = names.sure.iter().map(|name| (alike(column, name), *name));
    let maybe = names.maybe.iter().map(|name| (alike(column, name) * 3 / 4, *name));
    let (best, name) = sure.chain(maybe).max_by_key(|(score, _)| *score)?;
    let exact = column.folded == name;
    let spoiled = !exact
        && SPOILS.iter().any(|(fields, words)| {
            fields.contains(&names.field) && column.tokens.iter().any(|token| words.contains(&token.as_str()))
        });
    let score = if spoiled { best.saturating_sub(350) } else { best };
    (score > 0).then(|| {
        let how = if exact { "is a name of it" } else { "is like a name of it" };
        (score, format!("`{}` {how}", column.sampled.name))
    })
}

/// How alike a column's name is to a known one, from 0 to [`FULL`].
fn alike(column: &Column<'_>, name: &str) -> u32 {
    let own = column.folded.as_str();
    if own == name {
        return FULL;
    }
    let length = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    let (long, short) = (length(own), length(name));
    let part = |base: u32| base + 300 * short.min(long) / long.max(1);
    // Several words in a row count as one: `Unit Price EUR`.
    let words = column.runs.iter().any(|run| run == name);
    if words && short >= 2 {
        return part(600).min(FULL - 50);
    }
    if long >= 5 && short >= 5 {
        let spelled = ratio(own, name);
        if spelled >= ALIKE {
            return spelled - 50;
        }
        if own.contains(name) {
            return part(450);
        }
    }
    0
}

/// How much of what a kind needs is there, in thousandths.
fn weigh(kind: ProfileKind, assigned: &Assigned, columns: &[Column<'_>]) -> u32 {
    let of = |fields: &[&str]| {
        fields.iter().filter_map(|field| assigned.get(field)).map(|found| found.score).max()
    };
    let counts: &[&str] = &["purchased", "assigned", "active"];
    let parts: &[(u32, &[&str])] = match kind {
        ProfileKind::Entitlements => {
            &[(2, &["client", "client_id"]), (3, &["product"]), (3, counts), (1, &["from"])]
        }
        ProfileKind::Billing => &[
            (2, &["client", "client_id"]),
            (3, &["product"]),
            (3, &["quantity"]),
            (3, &["unit_price"]),
            (1, &["currency"]),
            (2, &["from"]),
        ],
        ProfileKind::Cost => &[
            (2, &["client", "client_id"]),
            (3, &["product"]),
            (3, &["quantity"]),
            (3, &["unit_cost"]),
            (1, &["currency"]),
            (2, &["from"]),
        ],
        ProfileKind::Prices => &[(3, &["product"]), (3, &["unit_price"]), (1, &["currency"]), (2, &["from"])],
    };
    let whole: u32 = parts.iter().map(|(weight, _)| weight).sum();
    let there: u32 = parts.iter().map(|(weight, fields)| weight * of(fields).unwrap_or_default()).sum();
    let has = |field: &str| {
        let names = NAMES.iter().find(|names| names.field == field);
        names.is_some_and(|names| {
            columns.iter().any(|column| score(names, column).is_some_and(|(score, _)| score >= 700))
        })
    };
    // What it would leave unread speaks against it.
    let unread = match kind {
        ProfileKind::Entitlements => has("unit_price") || has("unit_cost"),
        ProfileKind::Prices => has("quantity"),
        ProfileKind::Billing => has("unit_cost") && !has("unit_price"),
        ProfileKind::Cost => has("unit_price") && !has("unit_cost"),
    };
    (there / whole.max(1)).saturating_sub(if unread { 250 } else { 0 })
}

fn profile(
    kind: ProfileKind,
    assigned: &Assigned,
    columns: &[Column<'_>],
    header: &[String],
) -> ImportProfile {
    let sampled = |field: &str| assigned.get(field).map(|found| columns[found.column].sampled);
    let fields = assigned
        .iter()
        .map(|(field, found)| {
            ((*field).to_owned(), FieldSource::column(columns[found.column].sampled.name.clone()))
        })
        .collect();
    let days: Vec<&Sampled> = ["from", "until"].into_iter().filter_map(sampled).collect();
    let numbers: Vec<&Sampled> = kind
        .fields()
        .filter(|field| matches!(Holds::of(field), Holds::Number | Holds::Money))
        .filter_map(sampled)
        .collect();
    let date_order = shapes::order(&days);
    let until_is = match (sampled("from"), sampled("until")) {
        (Some(from), Some(until)) => {
            // Most files write the last day; whoever confirms the profile sees it.
            Some(shapes::until(from, until, date_order).unwrap_or(super::UntilIs::LastDay))
        }
        (None, Some(_)) => Some(super::UntilIs::LastDay),
        _ => None,
    };
    ImportProfile {
        version: PROFILE_VERSION,
        name: String::new(),
        kind,
        fields,
        date_order,
        decimal: shapes::decimal(&numbers),
        until_is,
        below_zero: None,
        skip_rows: Vec::new(),
        header: header.to_vec(),
    }
}
