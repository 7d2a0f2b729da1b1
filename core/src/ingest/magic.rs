//! What is plainly no text, told by its first bytes.

use super::error::FileError;

/// Refuses what is plainly not text, by its first bytes.
pub(super) fn check(name: &str, bytes: &[u8]) -> Result<(), FileError> {
    const OTHER: &[(&[u8], &str)] = &[
        (b"%PDF", "a PDF; export the table as CSV, XLSX or JSON"),
        (
            &[0xd0, 0xcf, 0x11, 0xe0],
            "an old Excel file (.xls) or one with a password; save it as .xlsx or CSV",
        ),
        (b"PK\x05\x06", "an empty zip archive"),
        (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
        (b"Rar!", "a RAR archive; unpack it first"),
        (b"\x28\xb5\x2f\xfd", "a zstd archive; unpack it first"),
        (b"BZh", "a bzip2 archive; unpack it first"),
        (b"\x89PNG", "a picture; export the table as CSV, XLSX or JSON"),
        (b"\xff\xd8\xff", "a picture; export the table as CSV, XLSX or JSON"),
        (b"PAR1", "a Parquet file; export it as CSV"),
        (b"SQLite format 3", "a database; export the table as CSV"),
    ];
    for (magic, what) in OTHER {
        if bytes.starts_with(magic) {
            return Err(FileError::WrongMagic(format!("the file is {what}")));
        }
    }
    let lower = name.to_lowercase();
    for extension in ["xlsx", "zip"] {
        if lower.strip_suffix(extension).is_some_and(|stem| stem.ends_with('.')) && !bytes.is_empty() {
            return Err(FileError::WrongMagic(format!(
                "the name says .{extension}, but the content is not a zip container; is it cut off or misnamed?"
            )));
        }
    }
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]).to_lowercase();
    if head.trim_start_matches(['\u{feff}', ' ', '\r', '\n', '\t']).starts_with("<!doctype html")
        || head.trim_start().starts_with("<html")
    {
        return Err(FileError::WrongMagic(
            "the file is a web page, perhaps a sign-in page saved instead of the export".into(),
        ));
    }
    Ok(())
}
