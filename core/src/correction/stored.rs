//! Cells as JSON: a list, because JSON knows no keys of two parts.

/// For `#[serde(with)]`.
pub(super) mod cells {
    use crate::correction::quantity::{Cells, Place, Quantity};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::correction) fn serialize<S: Serializer>(cells: &Cells, to: S) -> Result<S::Ok, S::Error> {
        cells.iter().collect::<Vec<_>>().serialize(to)
    }

    pub(in crate::correction) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Cells, D::Error> {
        Ok(Vec::<(Place, Quantity)>::deserialize(from)?.into_iter().collect())
    }
}
