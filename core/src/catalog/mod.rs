//! Vendor SKUs: Microsoft's ids, part numbers and product names as reference data, with the traps that
//! come with them.
//!
//! The facts are Microsoft's published "Product names and service plan identifiers for licensing", one
//! copy, dated. In them a name is not a key: fifteen names belong to two GUIDs, three GUIDs have two
//! names, one part number has two GUIDs, and part numbers mislead (`O365_BUSINESS_PREMIUM` is Business
//! Standard, `SPB` is Business Premium). So every lookup answers with all that it finds.
//!
//! This module states facts. It must not know clients, files or audits, and it decides no match; that
//! rests with [`crate::matching`].

mod former;
mod offers;
mod variant;

pub use former::{FormerName, former_names};
pub use offers::{CheckedOffer, checked_offers};
pub use variant::{Variant, Variants};

use crate::matching::fold;
use crate::period::Month;
use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

const MICROSOFT: &str = include_str!("../../data/microsoft-skus.csv");

/// A product name of a SKU, and the month of the copy of Microsoft's table that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkuName {
    /// The name as Microsoft writes it.
    pub text: String,
    /// The copy of the table in which it stands.
    pub copy: Month,
}

/// One SKU of Microsoft's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sku {
    /// Graph's `skuId`: a GUID in lower case.
    pub guid: String,
    /// Graph's `skuPartNumber`, Microsoft's `String_Id`, as Microsoft writes it.
    pub part_number: String,
    /// Its product names, at least one; the one to show comes first.
    pub names: Vec<SkuName>,
    /// Never billed by the seat: on the list of free, trial and viral SKUs. Only that list decides;
    /// neither a name that says "trial" nor a large number of seats does.
    pub free: bool,
    /// What sets it apart from the plain product: no Teams, EEA, donation, faculty and so on.
    pub variants: Variants,
}

impl Sku {
    /// The name to show.
    pub fn name(&self) -> &str {
        self.names.first().map_or(self.part_number.as_str(), |name| name.text.as_str())
    }
}

/// A table of SKUs with its lookups. All of them ignore case.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    skus: Vec<Sku>,
    guids: HashMap<String, usize>,
    part_numbers: HashMap<String, Vec<usize>>,
    names: HashMap<String, Vec<usize>>,
    folded_parts: HashMap<String, Vec<usize>>,
    readings: OnceLock<HashMap<String, Vec<usize>>>,
}

/// GUID, part number, name, free, copy.
type Row = (String, String, String, String, String);

/// The reference data cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Not the CSV that it should be.
    #[error("the table of SKUs is not readable")]
    Csv(#[from] csv::Error),
    /// A cell says something that no SKU has.
    #[error("line {line} of the table of SKUs: `{value}` is no {what}")]
    Cell {
        /// Line in the file, 1-based.
        line: u64,
        /// What the column holds.
        what: &'static str,
        /// What stands there.
        value: String,
    },
}

impl Catalog {
    /// Microsoft's table, read once.
    pub fn microsoft() -> &'static Self {
        // The text is part of the program, and the tests below read it whole: the empty table of an
        // unreadable file never leaves the workshop.
        static TABLE: LazyLock<Catalog> = LazyLock::new(|| Catalog::parse(MICROSOFT).unwrap_or_default());
        &TABLE
    }

    /// Reads a table of the columns `guid,part_number,name,free,copy`, one row per SKU and name, lines
    /// that begin with `#` left out.
    ///
    /// # Errors
    /// A row that is not CSV, or a cell that is no GUID, truth value or month.
    pub fn parse(text: &str) -> Result<Self, CatalogError> {
        let mut catalog = Self::default();
        let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
        for row in reader.records() {
            let row = row?;
            let line = row.position().map_or(0, csv::Position::line);
            let (guid, part_number, name, free, copy): Row = row.deserialize(None)?;
            let bad = |what, value: &str| CatalogError::Cell { line, what, value: value.to_owned() };
            let id = uuid::Uuid::parse_str(&guid).map_err(|_| bad("GUID", &guid))?;
            let free = free.parse::<bool>().map_err(|_| bad("truth value", &free))?;
            let copy = copy.parse::<Month>().map_err(|_| bad("month", &copy))?;
            catalog.add(id.to_string(), part_number, SkuName { text: name, copy }, free);
        }
        catalog.finish();
        Ok(catalog)
    }

    fn add(&mut self, guid: String, part_number: String, name: SkuName, free: bool) {
        let at = *self.guids.entry(guid.clone()).or_insert(self.skus.len());
        if at == self.skus.len() {
            let variants = Variants::default();
            self.skus.push(Sku { guid, part_number, names: Vec::new(), free, variants });
        }
        if let Some(sku) = self.skus.get_mut(at) {
            sku.names.push(name);
            sku.free |= free;
        }
    }

    /// Orders names (newest copy first, then by the alphabet) and fills the lookups.
    fn finish(&mut self) {
        for (at, sku) in self.skus.iter_mut().enumerate() {
            sku.names.sort_by(|a, b| (b.copy, &a.text).cmp(&(a.copy, &b.text)));
            sku.variants = Variants::of_all(sku.names.iter().map(|name| name.text.as_str()));
            push_once(self.part_numbers.entry(sku.part_number.to_lowercase()).or_default(), at);
            push_once(self.folded_parts.entry(fold(&sku.part_number)).or_default(), at);
            for name in &sku.names {
                push_once(self.names.entry(fold(&name.text)).or_default(), at);
            }
        }
    }

    /// All SKUs, by GUID.
    pub fn skus(&self) -> &[Sku] {
        &self.skus
    }

    /// The SKU of this GUID.
    pub fn by_guid(&self, guid: &str) -> Option<&Sku> {
        let at = match self.guids.get(guid) {
            Some(at) => at,
            None => self.guids.get(guid.trim().to_lowercase().as_str())?,
        };
        self.skus.get(*at)
    }

    /// Every SKU of this part number: `MCOPSTN5` has two.
    pub fn by_part_number(&self, part_number: &str) -> Vec<&Sku> {
        self.list(self.part_numbers.get(part_number.trim().to_lowercase().as_str()))
    }

    /// Every SKU of this product name, which must be folded by [`fold`]: fifteen names have two.
    pub fn by_name(&self, folded: &str) -> Vec<&Sku> {
        self.list(self.names.get(folded))
    }

    /// Every SKU whose part number reads like this folded name: `o365 business premium`.
    pub(crate) fn by_folded_part(&self, folded: &str) -> Vec<&Sku> {
        self.list(self.folded_parts.get(folded))
    }

    /// Every SKU with a name that reads as this. `reading` must always be the same function: its results
    /// for all names are kept.
    pub(crate) fn by_reading(&self, read: &str, reading: fn(&str) -> String) -> Vec<&Sku> {
        let readings = self.readings.get_or_init(|| {
            let mut readings: HashMap<String, Vec<usize>> = HashMap::new();
            for (at, sku) in self.skus.iter().enumerate() {
                for name in &sku.names {
                    push_once(readings.entry(reading(&name.text)).or_default(), at);
                }
            }
            readings
        });
        self.list(readings.get(read))
    }

    fn list(&self, at: Option<&Vec<usize>>) -> Vec<&Sku> {
        at.into_iter().flatten().filter_map(|at| self.skus.get(*at)).collect()
    }
}

fn push_once(list: &mut Vec<usize>, at: usize) {
    if list.last() != Some(&at) {
        list.push(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn microsoft() -> Catalog {
        Catalog::parse(MICROSOFT).unwrap()
    }

    fn guids(skus: &[&Sku]) -> Vec<String> {
        skus.iter().map(|sku| sku.guid[..8].to_owned()).collect()
    }

    #[test]
    fn microsofts_table_is_whole() {
        let catalog = microsoft();
        assert_eq!(catalog.skus().len(), 619);
        assert_eq!(catalog.names.values().filter(|skus| skus.len() == 2).count(), 15);
        assert_eq!(catalog.names.values().filter(|skus| skus.len() > 2).count(), 0);
        assert_eq!(catalog.skus().iter().filter(|sku| sku.names.len() == 2).count(), 3);
        assert_eq!(catalog.skus().iter().filter(|sku| sku.names.len() > 2).count(), 0);
        let shared: Vec<_> = catalog.part_numbers.iter().filter(|(_, skus)| skus.len() > 1).collect();
        assert_eq!(shared.len(), 1, "{shared:?}");
        assert_eq!(catalog.by_part_number("MCOPSTN5").len(), 2);
        assert_eq!(Catalog::microsoft().skus(), catalog.skus());
    }

    #[test]
    fn cells_are_clean() {
        for sku in microsoft().skus() {
            assert_eq!(sku.guid, sku.guid.to_lowercase());
            for text in sku.names.iter().map(|name| &name.text).chain([&sku.part_number]) {
                assert_eq!(text.trim(), text);
                assert!(!text.contains(['\u{a0}', '\t']), "{text}");
            }
        }
    }

    #[test]
    fn misleading_part_numbers_have_the_right_names() {
        let catalog = microsoft();
        for (part, guid, name) in [
            ("O365_BUSINESS_PREMIUM", "f245ecc8", "Microsoft 365 Business Standard"),
            ("spb", "cbdc14ab", "Microsoft 365 Business Premium"),
            ("O365_BUSINESS_ESSENTIALS", "3b555118", "Microsoft 365 Business Basic"),
            ("SPE_F1", "66b55226", "Microsoft 365 F3"),
            ("RIGHTSMANAGEMENT_CE_GOV", "78362de1", "Azure Information Protection Premium P1 for Government"),
            ("MCOCAP_FACULTY", "420c7602", "Microsoft Teams Shared Devices for Faculty"),
        ] {
            let found = catalog.by_part_number(part);
            assert_eq!(guids(&found), [guid], "{part}");
            assert_eq!(found[0].name(), name);
        }
    }

    #[test]
    fn a_name_answers_with_all_its_skus() {
        let catalog = microsoft();
        for (name, count) in [
            ("Microsoft 365 Business Basic", 2),
            ("MICROSOFT 365 apps for business", 2),
            ("Visio Plan 1", 2),
            ("Visio Plan 2", 2),
            ("Microsoft 365 F1", 2),
            ("Microsoft 365 Business Premium", 1),
            ("Microsoft Copilot Studio User License", 1),
            ("Power Virtual Agent User License", 1),
            ("Office 365 Business Premium", 0),
            ("O365_BUSINESS_PREMIUM", 0),
        ] {
            assert_eq!(catalog.by_name(&fold(name)).len(), count, "{name}");
        }
    }

    #[test]
    fn only_the_list_makes_a_sku_free() {
        let catalog = microsoft();
        assert_eq!(catalog.skus().iter().filter(|sku| sku.free).count(), 26);
        for (part, free) in
            [("FLOW_FREE", true), ("TEAMS_EXPLORATORY", true), ("SPB", false), ("DYN365_RETAIL_TRIAL", false)]
        {
            assert_eq!(catalog.by_part_number(part)[0].free, free, "{part}");
        }
    }

    #[test]
    fn guids_are_found_in_any_case() {
        let catalog = microsoft();
        let sku = catalog.by_guid("CBDC14AB-D96C-4C30-B9F4-6ADA7CDC1D46").unwrap();
        assert_eq!(sku.part_number, "SPB");
        assert!(catalog.by_guid("00000000-0000-0000-0000-000000000000").is_none());
    }

    #[test]
    fn a_wrong_cell_is_named_with_its_line() {
        let text = "# note\nguid,part_number,name,free,copy\nnot-a-guid,X,Y,false,2026-08\n";
        let error = Catalog::parse(text).unwrap_err();
        assert_eq!(error.to_string(), "line 3 of the table of SKUs: `not-a-guid` is no GUID");
    }
}
