//! Import profiles: how the columns of a file that no format of ours knows stand for the fields of our
//! own template.
//!
//! A profile is what a person said once of a file: which template kind it is, which column (or which
//! fixed value) stands for each field, how its dates and numbers are written. [`propose`] suggests one
//! from header and cells; nothing is read by a suggestion. A profile is known again by the columns that
//! it was made for. Reading with one is reading its template kind (see [`super::template`]): the same
//! rules, with the file's own column names in every complaint.

mod cells;
mod check;
mod dates;
mod filled;
mod known;
mod names;
mod propose;
mod read;
mod seen;
mod shapes;
mod words;

pub use check::ProfileFault;
pub use propose::{Proposal, ProposedField, ProposedKind};
pub use seen::{SeenColumn, SeenTable};

pub(super) use known::{Match, best, explicit};
pub(super) use read::read;
pub(super) use seen::seen;

use super::template::{self, Kind};
use super::{DateOrder, FORMATS};
use crate::digest;
use crate::records::{LineType, Side};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The version of the form in which profiles are written.
pub const PROFILE_VERSION: u32 = 1;

/// How the source names of files that were read with a profile begin: what `source_order` names.
pub const PROFILE_SOURCE: &str = "profile";

/// How a file's columns stand for the fields of one of our template kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "version": 1, "name": "Acme PSA invoices", "kind": "leakage_billing",
    "fields": {
        "client": {"column": "Kunde"}, "product": {"column": "Artikel"}, "quantity": {"column": "Menge"},
        "unit_price": {"column": "Einzelpreis"}, "currency": {"constant": "EUR"},
        "from": {"column": "von"}, "until": {"column": "bis"}
    },
    "date_order": "dmy", "decimal": "comma", "until_is": "last_day"
})))]
#[serde(deny_unknown_fields)]
pub struct ImportProfile {
    /// The version of this form: 1.
    #[serde(default = "current")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1, default = 1))]
    pub version: u32,
    /// What the file is called among people: the system that it comes from and what it lists. It is the
    /// source's identity in audits: files of one name replace each other's rows, files of two add to them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[cfg_attr(feature = "openapi", schema(max_length = 60))]
    pub name: String,
    /// Which kind of our template its rows are.
    pub kind: ProfileKind,
    /// Field of the template kind -> where its value is. Several fields may use one column.
    pub fields: BTreeMap<String, FieldSource>,
    /// Order of day and month. Without it the file must show it, or the reader asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_order: Option<DateOrder>,
    /// The sign before the decimals. Without it the file must show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<DecimalSign>,
    /// What the file's ends of periods are. Needed where `until` has a column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_is: Option<UntilIs>,
    /// Of billing: what a line below zero is where the file does not say. Without it such a line is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below_zero: Option<LineType>,
    /// Rows that are no data, such as sums: they are noted, and not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(max_items = 20))]
    pub skip_rows: Vec<SkipRows>,
    /// All columns of the file that it was made for: a file with the same ones is surely its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(max_items = 1024))]
    pub header: Vec<String>,
}

const fn current() -> u32 {
    PROFILE_VERSION
}

/// A kind of our template that a profile can stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ProfileKind {
    /// What clients have.
    #[serde(rename = "leakage_entitlements")]
    Entitlements,
    /// What clients are charged.
    #[serde(rename = "leakage_billing")]
    Billing,
    /// What the vendor charges.
    #[serde(rename = "leakage_cost")]
    Cost,
    /// Agreed prices.
    #[serde(rename = "leakage_prices")]
    Prices,
}

impl ProfileKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Billing, Self::Cost, Self::Entitlements, Self::Prices];

    pub(super) const fn template(self) -> &'static Kind {
        match self {
            Self::Entitlements => &template::entitlements::KIND,
            Self::Billing => &template::billing::KIND,
            Self::Cost => &template::cost::KIND,
            Self::Prices => &template::prices::KIND,
        }
    }

    /// The template format's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Entitlements => "leakage_entitlements",
            Self::Billing => "leakage_billing",
            Self::Cost => "leakage_cost",
            Self::Prices => "leakage_prices",
        }
    }

    /// The sides that its records stand on.
    pub fn sides(self) -> &'static [Side] {
        FORMATS.iter().find(|format| format.name == self.name()).map_or(&[], |format| format.sides)
    }

    /// The fields that it can have.
    pub fn fields(self) -> impl Iterator<Item = &'static str> {
        self.template().layout.fields.iter().map(|field| field.name)
    }
}

impl fmt::Display for ProfileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a field's value is: in a column, or the same in every row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FieldSource {
    /// The column as the file writes it (case, spaces and punctuation do not count); of nested JSON
    /// `company.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 500))]
    pub column: Option<String>,
    /// The value of all rows, as our template writes it. Instead of a column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 500))]
    pub constant: Option<String>,
    /// What cells of the column stand for, where the file has words of its own: `{"12 Monate": "annual"}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
}

impl FieldSource {
    /// A column.
    pub fn column(name: impl Into<String>) -> Self {
        Self { column: Some(name.into()), ..Self::default() }
    }

    /// A value of all rows.
    pub fn constant(value: impl Into<String>) -> Self {
        Self { constant: Some(value.into()), ..Self::default() }
    }
}

/// The sign before the decimals of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DecimalSign {
    /// `1,234.50`
    Point,
    /// `1.234,50`
    Comma,
}

/// What the end of a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UntilIs {
    /// The last day (or month) of it.
    LastDay,
    /// The day after the last one, as in our template.
    DayAfter,
}

/// Rows that are no data: those whose cell in this column is one of these values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SkipRows {
    /// The column.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 500))]
    pub column: String,
    /// The values (case, spaces and punctuation do not count); `""` is a blank cell.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 50))]
    pub values: Vec<String>,
}

impl ImportProfile {
    /// The digest of the definition: two profiles with one digest read alike.
    ///
    /// # Errors
    /// Never, in fact: a profile has a JSON form.
    pub fn digest(&self) -> Result<String, serde_json::Error> {
        digest::of_json(self)
    }

    /// The name of the source that its files are in audits: `profile_` and the profile's name in lower
    /// snake case. Also what tells two profiles of an organization apart.
    pub fn source(&self) -> String {
        names::source(&self.name)
    }
}

/// The name of the source that the files of a profile with this name have.
pub fn profile_source(name: &str) -> String {
    names::source(name)
}

/// A profile that a file was read with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsedProfile {
    /// Its name; empty for one that was given without.
    pub name: String,
    /// Name of the source, see [`ImportProfile::source`].
    pub source: String,
    /// Digest of its definition.
    pub digest: String,
    /// Kind of template that the rows are.
    pub kind: ProfileKind,
}
