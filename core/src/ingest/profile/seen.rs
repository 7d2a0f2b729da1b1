//! What a person is shown of a file that is not known: its columns with a few values each, and what they
//! may stand for.

use super::super::error::FileError;
use super::super::limits::Limits;
use super::super::reader::Shape;
use super::super::table::clean;
use super::check::HEADER;
use super::propose::{Proposal, propose};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Columns that are shown.
const COLUMNS: usize = 200;
/// Values of a column that are shown.
const SAMPLES: usize = 5;
/// Characters of a value that are shown.
const SHOWN: usize = 80;
/// Characters of a column's name that are kept.
const NAME: usize = 500;
/// Rows that are looked at.
const ROWS: usize = 200;
/// Characters of a cell that are looked at.
const LOOKED_AT: usize = 200;

/// A table of a file: a sheet, an archive's member, or all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeenTable {
    /// Sheet or member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Its columns, the first 200.
    pub columns: Vec<SeenColumn>,
    /// All columns.
    pub columns_total: usize,
    /// What they may stand for.
    pub proposal: Proposal,
    /// It looks like data: most rows stand under the header.
    #[serde(skip)]
    pub plausible: bool,
}

/// A column with a few of its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct SeenColumn {
    /// As written; a member of nested JSON as `company.name`.
    pub name: String,
    /// The first different values, cut to 80 characters.
    pub samples: Vec<String>,
}

/// A column with all the values that were looked at, in the order of the rows.
#[derive(Debug)]
pub(super) struct Sampled {
    pub(super) name: String,
    /// Blank where the row has none.
    pub(super) cells: Vec<String>,
}

impl Sampled {
    pub(super) fn filled(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().map(String::as_str).filter(|cell| !cell.is_empty())
    }

    fn shown(&self) -> SeenColumn {
        let mut seen = BTreeSet::new();
        let different = self.filled().filter(|cell| seen.insert((*cell).to_owned()));
        SeenColumn { name: self.name.clone(), samples: different.take(SAMPLES).map(cut).collect() }
    }
}

/// Columns of a header that is kept whole.
const WIDEST: usize = 1024;

/// Whether a header can be kept with a profile.
fn kept(header: &[String]) -> bool {
    header.len() <= WIDEST && header.iter().all(|column| column.chars().count() <= HEADER)
}

/// A name without line breaks and other control characters; what it means to a reader is the same.
fn one_line(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).take(NAME).collect();
    plain.trim().to_owned()
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

/// Looks at a table.
///
/// # Errors
/// When its first rows cannot be read at all.
pub(in super::super) fn seen(shape: &Shape<'_>, limits: &Limits) -> Result<SeenTable, FileError> {
    let table = &shape.table;
    let mut columns: Vec<Sampled> = table
        .columns
        .iter()
        .take(COLUMNS)
        .map(|name| Sampled { name: one_line(name), cells: Vec::new() })
        .collect();
    let (mut rows, mut broken) = (0_usize, 0_usize);
    table.rows(limits, &mut |row| {
        rows += 1;
        if row.broken.is_some() {
            broken += 1;
        } else {
            for (place, column) in columns.iter_mut().enumerate() {
                let cell = clean(row.cells.get(place).unwrap_or_default());
                column.cells.push(cell.chars().take(LOOKED_AT).collect());
            }
        }
        Ok(rows < ROWS)
    })?;
    if shape.is_json() {
        columns = columns.into_iter().flat_map(opened).take(COLUMNS).collect();
    }
    let named = columns.iter().filter(|column| !column.name.is_empty()).count();
    let header: Vec<String> = table.columns.iter().map(|name| one_line(name)).collect();
    let proposal = propose(&columns, if kept(&header) { &header } else { &[] });
    // A person can say what columns mean; of prose with commas in it nobody can.
    let plausible = broken * 2 < rows && (named >= 3 || (named == 2 && !proposal.fields.is_empty()));
    Ok(SeenTable {
        sheet: table.part.clone(),
        columns_total: table.columns.len().max(columns.len()),
        columns: columns.iter().map(Sampled::shown).collect(),
        proposal,
        plausible,
    })
}

/// A column of JSON objects as the columns of their members.
fn opened(column: Sampled) -> Vec<Sampled> {
    if !column.filled().any(|cell| cell.starts_with('{')) {
        return vec![column];
    }
    let objects: Vec<Option<Value>> =
        column.cells.iter().map(|cell| serde_json::from_str(cell).ok()).collect();
    let mut names: Vec<String> = Vec::new();
    for members in objects.iter().flatten().filter_map(Value::as_object) {
        for (name, value) in members {
            if !value.is_object() && !value.is_array() && !names.contains(name) && names.len() < COLUMNS {
                names.push(name.clone());
            }
        }
    }
    if names.is_empty() {
        return vec![column];
    }
    let member = |object: &Option<Value>, name: &str| {
        object.as_ref().and_then(|object| object.get(name)).map(plain).unwrap_or_default()
    };
    names
        .into_iter()
        .map(|name| Sampled {
            cells: objects.iter().map(|object| member(object, &name)).collect(),
            name: format!("{}.{name}", column.name),
        })
        .collect()
}

/// A scalar as a cell.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => clean(text).to_owned(),
        other => other.to_string(),
    }
}
