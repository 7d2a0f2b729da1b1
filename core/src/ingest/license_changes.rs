//! Microsoft's logs of who was given which licence, as far as their spellings agree: entries to seats given
//! and taken.
//!
//! Sources: <https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities>,
//! <https://learn.microsoft.com/office/office-365-management-api/office-365-management-activity-api-schema>.
//!
//! - `Change user license` often carries no detail. The detail stands in a sibling `Update user` of the same
//!   correlation and target, as the full list of licences before and after: the change is the
//!   difference. Both together are one change.
//! - Long values are cut into pieces: entries of one correlation with a sequence number.
//! - Entries are missing at times. So a log is evidence, never a count of seats.

use super::graph_json;
use super::json::{self, Object, Raw};
use super::sink::{Bad, Sink};
use crate::records::{ClientRef, ProductRef, ProvisioningAction, ProvisioningEvent, Record};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Licences by SKU id.
type Licences = BTreeMap<String, ProductRef>;

/// What an entry says of licences.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Told {
    /// That they changed.
    Nothing,
    /// All that the user had before and after.
    Lists(Licences, Licences),
    /// A part of a text that says it, and its place among the parts.
    Piece(u32, String),
}

/// An entry that is about licences.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) line: u32,
    pub(super) id: Option<String>,
    pub(super) at: DateTime<Utc>,
    /// `Change user license`, which an `Update user` may tell better.
    pub(super) is_change: bool,
    pub(super) correlation: Option<String>,
    /// The user's principal name; the id where there is none.
    pub(super) user: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) client: ClientRef,
    pub(super) actor: Option<String>,
    pub(super) automatic: bool,
    pub(super) told: Told,
}

/// Entries without a correlation id belong together when they are no further apart.
const TOGETHER: TimeDelta = TimeDelta::seconds(5);

impl Entry {
    /// What names the user, lower case: entries of one change may name it differently.
    fn aliases(&self) -> impl Iterator<Item = String> {
        self.user.iter().chain(&self.user_id).map(|name| name.to_lowercase())
    }
}

/// The entries that tell lists, by what joins others to them.
#[derive(Debug, Default)]
struct Detailed {
    /// User and correlation.
    correlated: HashSet<(String, String)>,
    correlations: HashSet<String>,
    /// Moments per user, and those of entries without a correlation.
    moments: HashMap<String, [BTreeSet<DateTime<Utc>>; 2]>,
}

impl Detailed {
    fn of<'e>(entries: impl Iterator<Item = &'e Entry>) -> Self {
        let mut detailed = Self::default();
        for entry in entries.filter(|entry| matches!(entry.told, Told::Lists(..))) {
            detailed.correlations.extend(entry.correlation.clone());
            for alias in entry.aliases() {
                let [all, bare] = detailed.moments.entry(alias.clone()).or_default();
                all.insert(entry.at);
                match &entry.correlation {
                    Some(correlation) => {
                        detailed.correlated.insert((alias, correlation.clone()));
                    }
                    None => {
                        bare.insert(entry.at);
                    }
                }
            }
        }
        detailed
    }

    /// Whether another entry tells what this one only says: of the same user, with the same correlation or,
    /// where one of them has none, at nearly the same time.
    fn tells(&self, entry: &Entry) -> bool {
        let near = |moments: &BTreeSet<DateTime<Utc>>| {
            let from = entry.at.checked_sub_signed(TOGETHER).unwrap_or(entry.at);
            let until = entry.at.checked_add_signed(TOGETHER).unwrap_or(entry.at);
            moments.range(from..=until).next().is_some()
        };
        let mut aliases = entry.aliases().peekable();
        let Some(correlation) = &entry.correlation else {
            return aliases.any(|alias| self.moments.get(&alias).is_some_and(|[all, _]| near(all)));
        };
        if aliases.peek().is_none() {
            return self.correlations.contains(correlation);
        }
        aliases.any(|alias| {
            self.moments.get(&alias).is_some_and(|[_, bare]| near(bare))
                || self.correlated.contains(&(alias, correlation.clone()))
        })
    }
}

/// An operation's name without letter case and the final dot of the unified log.
pub(super) fn operation(text: &str) -> String {
    graph_json::id(text).trim_end_matches('.').to_owned()
}

/// Whether an operation changes licences by its name.
pub(super) fn is_license_change(operation: &str) -> bool {
    matches!(operation, "change user license" | "change user licence")
}

/// The entries of a file.
#[derive(Debug, Default)]
pub(super) struct Log {
    entries: Vec<Entry>,
    ids: HashSet<String>,
    others: u64,
    failed: u64,
}

impl Log {
    /// An entry that is about something else.
    pub(super) const fn other(&mut self) {
        self.others += 1;
    }

    /// An entry about licences that says that nothing was changed.
    pub(super) const fn failure(&mut self) {
        self.failed += 1;
    }

    pub(super) fn add(&mut self, entry: Entry, sink: &mut Sink) {
        // A log's id is of the entry; pieces of one change have ids of their own.
        let again = entry.id.as_ref().is_some_and(|id| {
            !self.ids.insert(format!("{id}\n{}", entry.user.as_deref().unwrap_or_default()))
        });
        if again {
            sink.note(
                Some(entry.line),
                "duplicate_line",
                "the entry stands in the file before; counted once",
            );
        } else {
            self.entries.push(entry);
        }
    }

    /// Puts together what belongs together, and keeps the changes in the order of the file.
    pub(super) fn finish(mut self, sink: &mut Sink) {
        self.join_pieces(sink);
        let detailed = Detailed::of(self.entries.iter());
        // Both entries of a change may carry the lists: the update's are kept.
        let mut order: Vec<&Entry> = self.entries.iter().collect();
        order.sort_by_key(|entry| (entry.is_change, entry.line));
        let mut lists = HashSet::new();
        let mut kept: Vec<&Entry> = Vec::new();
        for entry in order {
            let joined = entry.correlation.clone().unwrap_or_else(|| entry.at.to_rfc3339());
            let told = match entry.told {
                Told::Lists(..) => !lists.insert((entry.aliases().next(), joined, &entry.told)),
                _ => detailed.tells(entry),
            };
            if !told {
                kept.push(entry);
            }
        }
        kept.sort_by_key(|entry| entry.line);
        for entry in kept {
            keep(entry, sink);
        }
        let mut total = |count: u64, code: &'static str, what: &str| {
            if count > 0 {
                sink.note(None, code, format!("{what}: {count} entries"));
            }
        };
        total(self.others, "not_about_licences", "not about licences of users");
        total(self.failed, "failed_operation", "operations that failed, so that no licence changed");
    }

    /// Joins the pieces of each change into the first of them.
    fn join_pieces(&mut self, sink: &mut Sink) {
        let mut groups: BTreeMap<(Option<String>, Option<String>), Vec<usize>> = BTreeMap::new();
        for (index, entry) in self.entries.iter().enumerate() {
            if matches!(entry.told, Told::Piece(..)) {
                groups.entry((entry.correlation.clone(), entry.user.clone())).or_default().push(index);
            }
        }
        let mut gone = HashSet::new();
        for group in groups.into_values() {
            let mut pieces: Vec<(u32, &str)> = group
                .iter()
                .filter_map(|&index| match &self.entries.get(index)?.told {
                    Told::Piece(place, text) => Some((*place, text.as_str())),
                    _ => None,
                })
                .collect();
            pieces.sort_by_key(|(place, _)| *place);
            let complete = pieces.first().is_some_and(|(first, _)| *first <= 1)
                && pieces.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1);
            let text: String = pieces.iter().map(|(_, text)| *text).collect();
            let told = if complete { whole(&text) } else { Err(Bad::row("a piece is missing")) };
            gone.extend(group.iter().skip(1).copied());
            let Some(entry) = group.first().and_then(|&first| self.entries.get_mut(first)) else { continue };
            match told {
                Ok(Some(lists)) => entry.told = lists,
                // Whole, and about something else.
                Ok(None) if !entry.is_change => {
                    self.others += 1;
                    gone.extend(group.first());
                }
                _ if text.contains("AssignedLicense") || entry.is_change => {
                    entry.told = Told::Nothing;
                    let text = "the entry is one of several pieces that do not make a whole: which licence changed is not told";
                    sink.note(Some(entry.line), "incomplete_entry", text);
                }
                _ => {
                    self.others += 1;
                    gone.extend(group.first());
                }
            }
        }
        let mut index = 0;
        self.entries.retain(|_| {
            index += 1;
            !gone.contains(&(index - 1))
        });
    }
}

/// One row for each licence that was given or taken; one row for a change of which no more is known.
fn keep(entry: &Entry, sink: &mut Sink) {
    let event = |action: ProvisioningAction, product: Option<ProductRef>| {
        Record::Provisioning(ProvisioningEvent {
            client: entry.client.clone().into(),
            event: entry.id.clone(),
            at: entry.at,
            action,
            user: entry.user.clone(),
            product,
            actor: entry.actor.clone(),
            automatic: entry.automatic,
        })
    };
    let Told::Lists(before, after) = &entry.told else {
        sink.keep(entry.line, event(ProvisioningAction::Changed, None));
        return;
    };
    let without = |some: &Licences, others: &Licences| -> Vec<ProductRef> {
        some.iter()
            .filter(|(sku, _)| !others.contains_key(*sku))
            .map(|(_, product)| product.clone())
            .collect()
    };
    let (removed, assigned) = (without(before, after), without(after, before));
    if removed.is_empty() && assigned.is_empty() {
        let text = "the same licences before and after: only plans inside them changed, no seat";
        sink.note(Some(entry.line), "same_licences", text);
    }
    for product in removed {
        sink.keep(entry.line, event(ProvisioningAction::Removed, Some(product)));
    }
    for product in assigned {
        sink.keep(entry.line, event(ProvisioningAction::Assigned, Some(product)));
    }
}

/// What the list of modified properties says of licences; `None` when they are not among them.
///
/// The two logs write `displayName`, `oldValue`, `newValue` and `Name`, `OldValue`, `NewValue`.
pub(super) fn lists(properties: &[Object<'_>]) -> Result<Option<Told>, Bad> {
    let property = properties.iter().find(|property| {
        let name = graph_json::id_of(property, "displayName").or_else(|| graph_json::id_of(property, "name"));
        matches!(name.as_deref(), Some("assignedlicense" | "assignedlicenses"))
    });
    let Some(property) = property else { return Ok(None) };
    let side = |key: &str| -> Result<Licences, Bad> {
        let Some(raw) = property.get(key) else { return Ok(Licences::new()) };
        let text = json::scalar(raw).unwrap_or(std::borrow::Cow::Borrowed(raw.get()));
        licences(&text).ok_or_else(|| Bad::member(key, Some(&text), "is not a list of licences"))
    };
    Ok(Some(Told::Lists(side("oldValue")?, side("newValue")?)))
}

/// The objects of a list.
pub(super) fn objects(raws: Vec<Raw<'_>>) -> Vec<Object<'_>> {
    raws.into_iter().filter_map(Object::of).collect()
}

/// Reads `["[SkuName=SPB, AccountId=…, SkuId=…, DisabledPlans=[]]"]`, also with line breaks in it.
fn licences(text: &str) -> Option<Licences> {
    let text = text.trim();
    if text.is_empty() || text == "null" {
        return Some(Licences::new());
    }
    // No name holds a NUL, and no database takes one.
    if text.contains("\\u0000") {
        return None;
    }
    let list: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let mut licences = Licences::new();
    for raw in list {
        let (name, sku) = if let Some(object) = Object::of(raw) {
            (graph_json::words(&object, "SkuName"), graph_json::id_of(&object, "SkuId"))
        } else {
            let text = json::scalar(raw)?;
            (pseudo(&text, "SkuName="), pseudo(&text, "SkuId=").map(|sku| graph_json::id(&sku)))
        };
        let product = ProductRef { sku: sku.clone(), part_number: name.clone(), ..ProductRef::default() };
        licences.insert(sku.or_else(|| name.as_deref().map(graph_json::id))?, product);
    }
    Some(licences)
}

/// A member of a pseudo object.
fn pseudo(text: &str, key: &str) -> Option<String> {
    let value = text.split_once(key)?.1.split([',', ']']).next()?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// What a text says of licences that was put together from its pieces.
fn whole(text: &str) -> Result<Option<Told>, Bad> {
    let wrong = |_| Bad::row("the pieces make no JSON");
    let whole: &RawValue = serde_json::from_str(text).map_err(wrong)?;
    let properties = match Object::of(whole) {
        Some(object) => object.get("targetUpdatedProperties"),
        None => Some(whole),
    };
    let Some(raw) = properties else { return Ok(None) };
    // The list may be a text inside the text.
    let inner = json::scalar(raw).unwrap_or(std::borrow::Cow::Borrowed(raw.get()));
    let list: Vec<&RawValue> = serde_json::from_str(&inner).map_err(wrong)?;
    lists(&objects(list))
}
