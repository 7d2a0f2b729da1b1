//! Spreadsheets to rows of text, cell by cell: never a whole range, whose size a hostile file chooses.

use super::error::FileError;
use super::limits::Limits;
use super::sheet_lines::{EachSheetEvent, SheetEvent, SheetReader};
use super::table::NOT_CALCULATED;
use calamine::{DataRef, Reader as _, Xlsx};
use csv::StringRecord;
use rust_decimal::Decimal;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A sheet's rows that hold anything, with their numbers (1-based).
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) rows: Vec<(u32, StringRecord)>,
}

/// All sheets of a workbook whose unpacked size was counted already, read by the given reader or here.
///
/// # Errors
/// Damaged, or more cells or columns than the limits allow.
pub(super) fn sheets(
    bytes: &[u8],
    reader: Option<&dyn SheetReader>,
    limits: &Limits,
) -> Result<Vec<Sheet>, FileError> {
    let mut sheets: Vec<Sheet> = Vec::new();
    let mut each = |event: SheetEvent<'_>| {
        match (event, sheets.last_mut()) {
            (SheetEvent::Sheet(name), _) => sheets.push(Sheet { name: name.to_owned(), rows: Vec::new() }),
            (SheetEvent::Row(line, cells), Some(sheet)) => sheet.rows.push((line, cells.into())),
            (SheetEvent::Row(line, _), None) => {
                return Err(broken(&format!("row {line} is of no sheet")));
            }
        }
        Ok(())
    };
    match reader {
        Some(reader) => reader.read(&bytes, limits, &mut each)?,
        None => read(bytes, limits, &mut each)?,
    }
    Ok(sheets)
}

/// Gives the rows of all sheets, read here.
///
/// # Errors
/// What `each` answers, and as [`sheets`].
pub(super) fn read(bytes: &[u8], limits: &Limits, each: &mut EachSheetEvent<'_>) -> Result<(), FileError> {
    // The reader of the format is not ours: should it panic on a file nobody thought of, that is one
    // refused file and not a dead worker.
    catch_unwind(AssertUnwindSafe(|| read_all(bytes, limits, each)))
        .unwrap_or_else(|_| Err(broken(&"the spreadsheet cannot be read; save it as CSV")))
}

fn broken(error: &dyn std::fmt::Display) -> FileError {
    FileError::unreadable_workbook(error)
}

fn read_all(bytes: &[u8], limits: &Limits, each: &mut EachSheetEvent<'_>) -> Result<(), FileError> {
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let names = workbook.sheet_names();
    check_sheets(bytes, names.len())?;
    let mut used = Used::default();
    for name in names {
        each(SheetEvent::Sheet(&name))?;
        match workbook.worksheet_cells_reader(&name) {
            Ok(reader) => rows(reader, &mut used, limits, each)?,
            // A chart or dialog sheet has no cells.
            Err(calamine::XlsxError::NotAWorksheet(_)) => {}
            Err(error) => return Err(broken(&error)),
        }
    }
    Ok(())
}

/// A workbook may list one sheet many times, and each time all of it would be read.
fn check_sheets(bytes: &[u8], named: usize) -> Result<(), FileError> {
    let archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let held = archive
        .file_names()
        .filter_map(std::result::Result::ok)
        .filter(|name| name.to_lowercase().contains("sheets/") && !name.ends_with(".rels"))
        .count();
    if named > held {
        return Err(broken(&format!("it lists {named} sheets and holds {held}")));
    }
    Ok(())
}

/// What all sheets of a workbook hold together.
#[derive(Default)]
struct Used {
    cells: usize,
    /// Bytes of text: a shared text is stored once and counts wherever it stands.
    bytes: u64,
}

fn rows<RS: std::io::Read + std::io::Seek>(
    mut reader: calamine::XlsxCellReader<'_, RS>,
    used: &mut Used,
    limits: &Limits,
    each: &mut EachSheetEvent<'_>,
) -> Result<(), FileError> {
    let (mut last, mut record): (u32, Vec<String>) = (0, Vec::new());
    while let Some(cell) = reader.next_cell_with_formula_metadata().map_err(|error| broken(&error))? {
        let text = match (&cell.value, &cell.formula) {
            // Written by a program that leaves the calculation to the spreadsheet: not a blank cell.
            (DataRef::Empty, Some(_)) => NOT_CALCULATED.to_owned(),
            (value, _) => text(value),
        };
        if text.is_empty() {
            continue;
        }
        let (row, column) = cell.pos;
        let (line, column) = (row.saturating_add(1), column as usize);
        if text.contains('\0') {
            return Err(FileError::NulByte { line, column: u32::try_from(column + 1).unwrap_or(u32::MAX) });
        }
        if column >= limits.columns {
            return Err(too_large("the number of columns", limits.columns, line));
        }
        if text.len() > limits.field {
            return Err(too_large("a cell", limits.field, line));
        }
        if last < line {
            if !record.is_empty() {
                each(SheetEvent::Row(last, &record))?;
            }
            record.clear();
            last = line;
        }
        if last != line || record.len() > column {
            return Err(broken(&format!("the cells of row {line} are out of order")));
        }
        // Gaps count too: a row with one far cell costs as much as a full one.
        used.cells += column + 1 - record.len();
        if used.cells > limits.cells {
            return Err(too_large("the number of cells", limits.cells, line));
        }
        used.bytes += text.len() as u64;
        if used.bytes > limits.spreadsheet_inflated {
            return Err(FileError::TooLarge {
                what: "the text of all cells",
                limit: format!("{} bytes; save the sheet as CSV", limits.spreadsheet_inflated),
                line: Some(line),
            });
        }
        record.resize(column, String::new());
        record.push(text);
    }
    if !record.is_empty() {
        each(SheetEvent::Row(last, &record))?;
    }
    Ok(())
}

fn too_large(what: &'static str, limit: usize, line: u32) -> FileError {
    FileError::TooLarge { what, limit: limit.to_string(), line: Some(line) }
}

/// A number with the fifteen digits that a spreadsheet shows and keeps; what it stores beyond them is
/// the error of its binary arithmetic (0.1 + 0.2 is 0.30000000000000004).
fn digits(scientific: String) -> String {
    Decimal::from_scientific(&scientific).map_or(scientific, |number| number.normalize().to_string())
}

/// A cell as text, as the spreadsheet's user saw it.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => digits(format!("{number:.14e}")),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::DateTime(moment) if moment.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            if (hour, minute, second) == (0, 0, 0) {
                format!("{year:04}-{month:02}-{day:02}")
            } else {
                format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
            }
        }
        DataRef::DateTime(duration) => duration.to_string(),
        DataRef::Error(error) => error.to_string(),
    }
}
