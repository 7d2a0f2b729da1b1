//! How much of a file is read before it is called hostile.

/// Caps that hold for every container and encoding. The defaults suit a service; the anonymous
/// audit and tests pass smaller ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file as uploaded.
    pub bytes: u64,
    /// Bytes after unpacking, counted while unpacking (a container's own statement is not believed),
    /// over all members together.
    pub inflated: u64,
    /// The same for a spreadsheet, whose texts are held in memory at several times their size.
    pub spreadsheet_inflated: u64,
    /// Unpacked bytes per packed byte, once more than [`Limits::ratio_from`] bytes came out.
    pub ratio: u64,
    /// Below this many unpacked bytes the ratio does not matter.
    pub ratio_from: u64,
    /// Members of an archive.
    pub entries: usize,
    /// Columns of a table.
    pub columns: usize,
    /// Bytes of one cell.
    pub field: usize,
    /// Bytes of one JSON item, which is held in memory while it is read.
    pub item: usize,
    /// Cells of a workbook, over all sheets.
    pub cells: usize,
    /// Nesting of JSON.
    pub json_depth: usize,
    /// Refused rows, and flagged rows, that are listed; all are counted.
    pub listed: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 512 << 20,
            inflated: 2 << 30,
            spreadsheet_inflated: 128 << 20,
            ratio: 200,
            ratio_from: 16 << 20,
            entries: 1_000,
            columns: 1_024,
            field: 1 << 20,
            item: 64 << 20,
            cells: 20_000_000,
            json_depth: 64,
            listed: 1_000,
        }
    }
}
