//! `source-rows.csv`: the exact rows behind the numbers, in the words of their files.
//!
//! Files differ in their columns, so each sheet of each file begins with a line of its column names
//! (`header`), and cells follow the columns that tell where a row stands.

use super::BundleError;
use super::facts::{InputFile, SourceFile};
use super::renderer::{File, Material, Renderer, word};
use super::sheet::Sheet;

pub(super) const RENDERER: Renderer = Renderer { name: PATH, frozen: true, render };
pub(super) const PATH: &str = "source-rows.csv";

/// The columns before the cells.
const COLUMNS: [&str; 8] =
    ["kind", "import", "file", "sha256", "sheet", "line", "correction_lines", "used_as"];

fn render(material: &Material<'_>) -> Result<Vec<File>, BundleError> {
    let files = &material.facts.rows;
    let widths = files.iter().flat_map(|file| {
        std::iter::once(file.columns.len()).chain(file.rows.iter().map(|row| row.cells.len()))
    });
    let mut sheet = Sheet::new(&COLUMNS, widths.max().unwrap_or_default())?;
    for file in files {
        let listed = |input: &InputFile| input.import == file.import && input.sha256 == file.sha256;
        if !material.facts.inputs.iter().any(listed) {
            return Err(BundleError::Input { name: file.file.clone() });
        }
        if !file.columns.is_empty() {
            let place = place("header", file, String::new(), String::new(), String::new());
            sheet.row(place.into_iter().chain(file.columns.iter().cloned()))?;
        }
        for row in &file.rows {
            let lines: Vec<String> = row.lines.iter().map(u32::to_string).collect();
            let place = place("row", file, row.line.to_string(), lines.join(" "), word(row.role));
            sheet.row(place.into_iter().chain(row.cells.iter().cloned()))?;
        }
    }
    Ok(vec![File::csv(PATH, sheet)?])
}

fn place(kind: &str, file: &SourceFile, line: String, lines: String, used_as: String) -> [String; 8] {
    [
        kind.to_owned(),
        file.import.to_string(),
        file.file.clone(),
        file.sha256.clone(),
        file.sheet.clone().unwrap_or_default(),
        line,
        lines,
        used_as,
    ]
}
