//! What is wrong with a profile, before a file is read with it.

use super::super::layout::Need;
use super::super::number::Commas;
use super::cells::{self, Holds};
use super::dates::{self, Dated, End};
use super::known::{Absent, place};
use super::names::folded;
use super::seen::SeenColumn;
use super::{DecimalSign, FieldSource, ImportProfile, PROFILE_VERSION, ProfileKind, UntilIs};
use chrono::NaiveDate;
use serde::Serialize;
use std::fmt;

/// Something that is wrong with a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProfileFault {
    /// JSON pointer into the profile.
    pub pointer: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl fmt::Display for ProfileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.reason)
    }
}

/// Characters of the profile's name, and of a column's or value.
const NAME: usize = 60;
const TEXT: usize = 500;
/// Characters of a column in the header.
pub(super) const HEADER: usize = 200;

impl ProfileKind {
    /// The fields without which no row can be read, in groups of which one is needed. The client may be
    /// said with the file; what clients have may be a snapshot without a date.
    pub(super) fn needed(self) -> Vec<Vec<&'static str>> {
        let fields = self.template().layout.fields;
        let optional = |name: &str| name == "client" || (name == "from" && self == Self::Entitlements);
        let mut groups: Vec<(Need, Vec<&'static str>)> = Vec::new();
        for field in fields.iter().filter(|field| field.need != Need::Optional && !optional(field.name)) {
            let shared = matches!(field.need, Need::OneOf(_) | Need::SignatureOneOf(_));
            match groups.iter_mut().find(|(need, _)| shared && *need == field.need) {
                Some((_, names)) => names.push(field.name),
                None => groups.push((field.need, vec![field.name])),
            }
        }
        groups.into_iter().map(|(_, names)| names).collect()
    }
}

/// RFC 6901.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

struct Faults(Vec<ProfileFault>);

impl Faults {
    fn add(&mut self, pointer: impl Into<String>, reason: impl Into<String>) {
        self.0.push(ProfileFault { pointer: pointer.into(), reason: reason.into() });
    }

    fn text(&mut self, pointer: &str, text: &str, longest: usize) {
        let length = text.chars().count();
        if length == 0 || length > longest {
            self.add(pointer, format!("must have 1 to {longest} characters, not {length}"));
        } else if text.chars().any(char::is_control) {
            self.add(pointer, "must not hold control characters, such as line breaks");
        }
    }
}

impl ImportProfile {
    /// What is wrong with it, whatever the file.
    pub fn check(&self) -> Vec<ProfileFault> {
        let mut faults = Faults(Vec::new());
        if self.version != PROFILE_VERSION {
            faults.add("/version", format!("must be {PROFILE_VERSION}, the only version there is"));
        }
        if !self.name.is_empty() {
            faults.text("/name", &self.name, NAME);
            if !self.name.contains(char::is_alphanumeric) {
                faults.add("/name", "must hold a letter or digit");
            }
        }
        for (name, source) in &self.fields {
            self.check_field(name, source, &mut faults);
        }
        for group in self.kind.needed() {
            if !group.iter().any(|name| self.fields.contains_key(*name)) {
                let reason = match group.as_slice() {
                    [_] => {
                        "is needed: name its column, or give one value for all rows as `constant`".to_owned()
                    }
                    several => format!("one of {} is needed", several.join(", ")),
                };
                faults.add(format!("/fields/{}", group.first().copied().unwrap_or_default()), reason);
            }
        }
        let until = self.fields.get("until");
        if until.is_some_and(|until| until.column.is_some()) && self.until_is.is_none() {
            faults.add(
                "/until_is",
                "is needed where `until` has a column: `last_day`, or `day_after` the last one",
            );
        }
        if until.is_some() && !self.fields.contains_key("from") {
            faults.add("/fields/from", "is needed where there is an `until`");
        }
        if self.below_zero.is_some() && self.kind != ProfileKind::Billing {
            faults.add("/below_zero", "is for leakage_billing only");
        }
        if self.columns().is_empty() {
            faults.add("/fields", "must name at least one column");
        }
        for (at, rows) in self.skip_rows.iter().enumerate() {
            faults.text(&format!("/skip_rows/{at}/column"), &rows.column, TEXT);
            if rows.values.is_empty() || rows.values.len() > 50 {
                faults.add(format!("/skip_rows/{at}/values"), "must have 1 to 50 values");
            }
        }
        if self.skip_rows.len() > 20 {
            faults.add("/skip_rows", "must have 20 entries at most");
        }
        if self.header.len() > 1024 || self.header.iter().any(|column| column.chars().count() > HEADER) {
            faults.add("/header", format!("must have at most 1024 columns of at most {HEADER} characters"));
        }
        faults.0
    }

    fn check_field(&self, name: &str, source: &FieldSource, faults: &mut Faults) {
        let pointer = format!("/fields/{}", escape(name));
        if !self.kind.fields().any(|field| field == name) {
            let fields: Vec<_> = self.kind.fields().collect();
            faults
                .add(pointer, format!("is no field of {}; its fields are {}", self.kind, fields.join(", ")));
            return;
        }
        let holds = Holds::of(name);
        match (&source.column, &source.constant) {
            (Some(column), None) => faults.text(&format!("{pointer}/column"), column, TEXT),
            (None, Some(constant)) => {
                let pointer = format!("{pointer}/constant");
                faults.text(&pointer, constant, TEXT);
                if let Some(reason) = wrong_value(constant, holds) {
                    faults.add(pointer, reason);
                }
                if !source.values.is_empty() {
                    faults.add("/fields", format!("`{name}` has a constant: `values` are for columns"));
                }
            }
            _ => faults.add(pointer.clone(), "must have either `column` or `constant`"),
        }
        if source.values.len() > 200 {
            faults.add(format!("{pointer}/values"), "must have 200 entries at most");
        }
        for (written, value) in &source.values {
            if let Some(reason) = wrong_value(value, holds) {
                faults.add(format!("{pointer}/values/{}", escape(written)), reason);
            }
        }
    }

    /// What is wrong with it for a file with these columns and values. `all`: the file has no others.
    pub fn check_against(&self, columns: &[SeenColumn], all: bool) -> Vec<ProfileFault> {
        let mut faults = Faults(Vec::new());
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let skipped = self.skip_rows.iter().enumerate();
        let wanted = self
            .fields
            .iter()
            .filter_map(|(field, source)| {
                Some((
                    format!("/fields/{}/column", escape(field)),
                    source.column.as_ref()?,
                    Some((field, source)),
                ))
            })
            .chain(skipped.map(|(at, rows)| (format!("/skip_rows/{at}/column"), &rows.column, None)));
        for (pointer, column, field) in wanted {
            match place(&names, column, false) {
                Ok(found) => {
                    let samples = columns.get(found.column).map(|column| column.samples.as_slice());
                    let wrong = field.and_then(|(name, source)| self.wrong_samples(name, source, samples?));
                    if let Some(reason) = wrong {
                        faults.add(pointer, format!("the column `{column}` {reason}"));
                    }
                }
                Err(Absent::Several(several)) => faults.add(
                    pointer,
                    format!("the file has several columns like `{column}`: {}", several.join(", ")),
                ),
                Err(Absent::None) if all => {
                    let near = super::propose::nearest(column, &names);
                    let hint = near.map_or_else(
                        || {
                            format!(
                                "its columns are {}",
                                names.iter().take(30).cloned().collect::<Vec<_>>().join(", ")
                            )
                        },
                        |near| format!("do you mean `{near}`?"),
                    );
                    faults.add(pointer, format!("the file has no column `{column}`; {hint}"));
                }
                Err(Absent::None) => {}
            }
        }
        faults.0
    }

    fn wrong_samples(&self, field: &str, source: &FieldSource, samples: &[String]) -> Option<String> {
        let holds = Holds::of(field);
        let stands_for = |sample: &String| {
            let known = source.values.iter().find(|(written, _)| folded(written) == folded(sample));
            known.map_or_else(|| sample.clone(), |(_, value)| value.clone())
        };
        let samples: Vec<String> = samples.iter().map(stands_for).collect();
        let reads = |sample: &&String| self.reads(sample, holds);
        let first = samples.first()?;
        let unread = samples.iter().find(|sample| !reads(sample));
        // Of words every one must be known; of numbers and dates a row in between may be a sum or a note.
        let words = matches!(holds, Holds::Term | Holds::Cycle | Holds::LineType);
        if words {
            let unread = unread?;
            return Some(format!(
                "holds `{unread}`, which is {}; say in `values` what it stands for",
                none_of(holds)
            ));
        }
        if samples.iter().any(|sample| reads(&sample)) {
            return None;
        }
        let what = match holds {
            Holds::Number | Holds::Money => "no number",
            Holds::First | Holds::Last => "no date",
            _ => "no currency",
        };
        Some(format!("holds values such as `{first}`, which is {what}"))
    }

    fn reads(&self, sample: &str, holds: Holds) -> bool {
        match holds {
            Holds::Text => true,
            Holds::Number | Holds::Money => {
                let commas = match self.decimal {
                    Some(DecimalSign::Point) => &[Commas::Thousands][..],
                    Some(DecimalSign::Comma) => &[Commas::Decimal],
                    None => &[Commas::Decimal, Commas::Thousands],
                };
                commas.iter().any(|commas| cells::amount(sample, *commas).is_ok())
            }
            Holds::Currency => cells::currency(sample).is_some(),
            Holds::First => dates::parse(sample, End::First).is_some(),
            Holds::Last => dates::parse(sample, End::Last(UntilIs::LastDay)).is_some(),
            Holds::Term | Holds::Cycle | Holds::LineType => wrong_value(sample, holds).is_none(),
        }
    }
}

const fn none_of(holds: Holds) -> &'static str {
    match holds {
        Holds::Term => "none of monthly, annual, triennial",
        Holds::Cycle => "none of monthly, quarterly, annual, triennial",
        _ => "none of regular, proration, credit, one_off",
    }
}

/// What is wrong with a value of ours for a field.
fn wrong_value(value: &str, holds: Holds) -> Option<&'static str> {
    let day = |value: &str| value.parse::<NaiveDate>().is_ok();
    let known = |value: &str| {
        let own: &[&str] = match holds {
            Holds::Term => &["monthly", "annual", "triennial"],
            Holds::Cycle => &["monthly", "quarterly", "annual", "triennial"],
            _ => &["regular", "proration", "credit", "one_off"],
        };
        own.contains(&value) || cells::word(value, holds).is_some()
    };
    match holds {
        Holds::Number | Holds::Money => cells::amount(value, Commas::Thousands)
            .err()
            .map(|_| "must be a number, with a point before its decimals"),
        Holds::Currency => cells::currency(value).is_none().then_some("must be a currency code, such as EUR"),
        Holds::First | Holds::Last => {
            let month = matches!(dates::parse(value, End::First), Some(Dated::Month(_)));
            (!day(value) && !month).then_some("must be a day written as 2026-02-01")
        }
        Holds::Term | Holds::Cycle | Holds::LineType => (!known(value)).then_some(match holds {
            Holds::Term => "must be one of monthly, annual, triennial",
            Holds::Cycle => "must be one of monthly, quarterly, annual, triennial",
            _ => "must be one of regular, proration, credit, one_off",
        }),
        Holds::Text => None,
    }
}
