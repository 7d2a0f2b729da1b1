//! Where the value of a field stands in a row of the file.

use super::super::table::{Row, clean};
use super::known::Place;
use super::names::folded;
use super::seen::plain;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;

/// Where a field's value comes from.
pub(super) enum Filled {
    Constant(String),
    Column { place: Place, values: HashMap<String, String> },
}

impl Filled {
    /// The cell as written, or what the profile says that it stands for.
    pub(super) fn text<'r>(&'r self, row: &'r Row<'_>) -> Cow<'r, str> {
        match self {
            Self::Constant(value) => Cow::Borrowed(value),
            Self::Column { place, values } => {
                let written = cell(row, place);
                if values.is_empty() {
                    return written;
                }
                values.get(&folded(&written)).map_or(written, |value| Cow::Borrowed(value.as_str()))
            }
        }
    }
}

/// The cell at a place, without blanks around it.
pub(super) fn cell<'r>(row: &'r Row<'_>, place: &Place) -> Cow<'r, str> {
    let text = clean(row.cells.get(place.column).unwrap_or_default());
    if place.path.is_empty() || text.is_empty() {
        return Cow::Borrowed(text);
    }
    let Ok(mut value) = serde_json::from_str::<Value>(text) else { return Cow::Borrowed("") };
    for name in &place.path {
        value = value.get_mut(name).map(Value::take).unwrap_or_default();
    }
    Cow::Owned(plain(&value))
}
