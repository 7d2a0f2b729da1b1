//! Bytes to text: containers unpacked with counted limits, encodings told and decoded.
//!
//! Knows nothing of tables or formats. What a container says of its own sizes is not believed:
//! bytes are counted as they come out.

use super::error::FileError;
use super::limits::Limits;
use std::borrow::Cow;
use std::io::{Cursor, Read};

/// A decoded file: one part, or one for each member of an archive.
pub(super) struct Decoded<'a> {
    pub(super) parts: Vec<Part<'a>>,
    /// `plain`, `gzip`, `zip`; the reader adds what is inside.
    pub(super) wrapping: Wrapping,
    /// Encodings of the parts, in order, each once.
    pub(super) encodings: Vec<&'static str>,
}

impl Decoded<'_> {
    fn saw(&mut self, encoding: &'static str) {
        if !self.encodings.contains(&encoding) {
            self.encodings.push(encoding);
        }
    }
}

/// How the text was wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrapping {
    Plain,
    Gzip,
    Zip,
}

/// One text or workbook.
pub(super) struct Part<'a> {
    /// Name of the archive's member.
    pub(super) member: Option<String>,
    pub(super) body: Body<'a>,
}

pub(super) enum Body<'a> {
    Text(Cow<'a, str>),
    Workbook(Cow<'a, [u8]>),
}

/// Bytes that may still come out, shared by nested containers.
struct Budget<'l> {
    limits: &'l Limits,
    packed: u64,
    left: u64,
    out: u64,
}

impl Budget<'_> {
    fn take(&mut self, count: usize) -> Result<(), FileError> {
        let count = count as u64;
        self.out += count;
        if count > self.left {
            return Err(FileError::TooLarge {
                what: "the unpacked file",
                limit: bytes_text(self.limits.inflated),
                line: None,
            });
        }
        self.left -= count;
        if self.out > self.limits.ratio_from && self.out / self.packed.max(1) > self.limits.ratio {
            return Err(FileError::Ratio { limit: self.limits.ratio });
        }
        Ok(())
    }

    fn read(&mut self, mut from: impl Read, container: &'static str) -> Result<Vec<u8>, FileError> {
        let mut out = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = from.read(&mut buffer).map_err(|error| broken(container, &error))?;
            if count == 0 {
                return Ok(out);
            }
            self.take(count)?;
            out.extend_from_slice(&buffer[..count]);
        }
    }
}

fn bytes_text(bytes: u64) -> String {
    match bytes {
        b if b >= 1 << 20 => format!("{} MiB", b >> 20),
        b if b >= 1 << 10 => format!("{} KiB", b >> 10),
        b => format!("{b} bytes"),
    }
}

fn broken(container: &'static str, error: &dyn std::fmt::Display) -> FileError {
    FileError::Broken { container, detail: error.to_string(), line: None, column: None }
}

/// Unpacks and decodes a file.
///
/// # Errors
/// Empty, over a limit, damaged, or not text at all.
pub(super) fn decode<'a>(name: &str, bytes: &'a [u8], limits: &Limits) -> Result<Decoded<'a>, FileError> {
    let size = bytes.len() as u64;
    if size > limits.bytes {
        return Err(FileError::TooLarge { what: "the file", limit: bytes_text(limits.bytes), line: None });
    }
    let mut decoded = Decoded { parts: Vec::new(), wrapping: Wrapping::Plain, encodings: Vec::new() };
    let mut budget = Budget { limits, packed: size, left: limits.inflated, out: 0 };
    unpack(name, Cow::Borrowed(bytes), None, 0, &mut budget, &mut decoded)?;
    if decoded.parts.is_empty() { Err(FileError::Empty) } else { Ok(decoded) }
}

/// Containers inside containers: a zip of gzips is common, more is not.
const NESTING: u32 = 2;

fn unpack<'a>(
    name: &str,
    bytes: Cow<'a, [u8]>,
    member: Option<String>,
    level: u32,
    budget: &mut Budget<'_>,
    into: &mut Decoded<'a>,
) -> Result<(), FileError> {
    let packed = bytes.starts_with(&[0x1f, 0x8b]) || bytes.starts_with(b"PK\x03\x04");
    if packed && level > NESTING {
        return Err(FileError::WrongMagic(
            "archives nested in archives are not read; unpack them first".into(),
        ));
    }
    if bytes.starts_with(&[0x1f, 0x8b]) {
        into.wrapping = if level == 0 { Wrapping::Gzip } else { into.wrapping };
        // All members: Partner Center's files come as several, and the first alone is a part.
        let inner = budget.read(flate2::read::MultiGzDecoder::new(&*bytes), "gzip")?;
        return unpack(name.trim_end_matches(".gz"), Cow::Owned(inner), member, level + 1, budget, into);
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return unzip(bytes, member, level, budget, into);
    }
    check_magic(name, &bytes)?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return if member.is_some() { Ok(()) } else { Err(FileError::Empty) };
    }
    let (text, encoding) = text(bytes)?;
    into.saw(encoding);
    into.parts.push(Part { member, body: Body::Text(text) });
    Ok(())
}

fn unzip<'a>(
    bytes: Cow<'a, [u8]>,
    member: Option<String>,
    level: u32,
    budget: &mut Budget<'_>,
    into: &mut Decoded<'a>,
) -> Result<(), FileError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(&*bytes)).map_err(|error| broken("zip", &error))?;
    if archive.len() > budget.limits.entries {
        return Err(FileError::TooLarge {
            what: "the number of files in the archive",
            limit: budget.limits.entries.to_string(),
            line: None,
        });
    }
    let workbook = archive.index_for_name("xl/workbook.xml").is_some();
    if workbook {
        count_workbook(&mut archive, budget)?;
        drop(archive);
        // The XML inside is UTF-8.
        into.saw("utf-8");
        into.parts.push(Part { member, body: Body::Workbook(bytes) });
        return Ok(());
    }
    into.wrapping = if level == 0 { Wrapping::Zip } else { into.wrapping };
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|error| broken("zip", &error))?;
        let entry_name = entry.name().map_err(|error| broken("zip", &error))?.into_owned();
        let base = entry_name.rsplit('/').next().unwrap_or_default();
        // What macOS and Windows add by themselves is not the user's data.
        if entry.is_dir()
            || entry_name.starts_with("__MACOSX/")
            || base.starts_with('.')
            || base == "Thumbs.db"
        {
            continue;
        }
        let inner = budget.read(entry, "zip").map_err(|error| error.in_member(Some(&entry_name)))?;
        unpack(&entry_name, Cow::Owned(inner), Some(entry_name.clone()), level + 1, budget, into)
            .map_err(|error| error.in_member(Some(&entry_name)))?;
    }
    Ok(())
}

/// Bytes of a workbook from which the ratio counts.
const WORKBOOK_RATIO_FROM: u64 = 1 << 20;

/// Counts what a workbook unpacks to before anything reads it.
fn count_workbook<R: Read + std::io::Seek>(
    archive: &mut zip::ZipArchive<R>,
    budget: &mut Budget<'_>,
) -> Result<(), FileError> {
    let cap = budget.limits.spreadsheet_inflated;
    let mut total = 0_u64;
    let mut buffer = vec![0; 64 << 10];
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| broken("xlsx", &error))?;
        loop {
            let count = entry.read(&mut buffer).map_err(|error| broken("xlsx", &error))?;
            if count == 0 {
                break;
            }
            budget.take(count)?;
            total += count as u64;
            // Its reader is slow, and no sheet packs this well: asked earlier than of other files.
            if total > WORKBOOK_RATIO_FROM && total / budget.packed.max(1) > budget.limits.ratio {
                return Err(FileError::Ratio { limit: budget.limits.ratio });
            }
            if total > cap {
                return Err(FileError::TooLarge {
                    what: "the unpacked spreadsheet",
                    limit: format!("{}; save the sheet as CSV", bytes_text(cap)),
                    line: None,
                });
            }
        }
    }
    Ok(())
}

/// Refuses what is plainly not text, by its first bytes.
fn check_magic(name: &str, bytes: &[u8]) -> Result<(), FileError> {
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

/// Decodes: a byte order mark decides, else strict UTF-8, else Windows-1252 (FORMATS: real exports come in all).
fn text(bytes: Cow<'_, [u8]>) -> Result<(Cow<'_, str>, &'static str), FileError> {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(&bytes)
        && encoding != encoding_rs::UTF_8
    {
        let name = if encoding == encoding_rs::UTF_16LE { "utf-16le" } else { "utf-16be" };
        let (text, damaged) = encoding.decode_without_bom_handling(&bytes[mark..]);
        if damaged {
            // The first replacement shows where, unless the text holds one of its own before it.
            let at = text.find('\u{fffd}').unwrap_or(text.len());
            return Err(not_encoded(name, text[..at].as_bytes()));
        }
        if let Some(at) = text.find('\0') {
            let (line, column) = place(&text.as_bytes()[..at]);
            return Err(FileError::NulByte { line, column });
        }
        return Ok((Cow::Owned(text.into_owned()), name));
    }
    // The fast search first: nearly no file has any.
    if bytes.contains(&0)
        && let Some(at) = bytes.iter().position(|&b| b == 0)
    {
        let (line, column) = place(&bytes[..at]);
        return Err(FileError::NulByte { line, column });
    }
    let (text, encoding) = match bytes {
        Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => (Cow::Borrowed(text), "utf-8"),
            Err(error) => (windows_1252(bytes, error)?, "windows-1252"),
        },
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) => (Cow::Owned(text), "utf-8"),
            Err(error) => (windows_1252(error.as_bytes(), error.utf8_error())?, "windows-1252"),
        },
    };
    Ok((strip_marks(text), encoding))
}

/// Decodes what is not UTF-8; unless it is UTF-8 that is damaged, whose other letters would be misread.
fn windows_1252<'a>(bytes: &[u8], error: std::str::Utf8Error) -> Result<Cow<'a, str>, FileError> {
    let marked = bytes.starts_with(b"\xef\xbb\xbf");
    let (mut letters, mut damages) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        letters += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        damages += usize::from(!chunk.invalid().is_empty());
    }
    // Text in Windows-1252 hardly ever has two letters in a row that are one in UTF-8.
    if marked || letters >= damages {
        return Err(not_encoded("utf-8", &bytes[..error.valid_up_to()]));
    }
    let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes);
    Ok(Cow::Owned(text.into_owned()))
}

/// What follows these bytes is not in the encoding that all else is in.
fn not_encoded(encoding: &'static str, before: &[u8]) -> FileError {
    let (line, column) = place(before);
    FileError::Broken {
        container: encoding,
        detail: format!("a letter in line {line} is not in this encoding; save the file again as UTF-8"),
        line: Some(line),
        column: Some(column),
    }
}

/// Line and byte (both 1-based) of what follows these bytes.
fn place(before: &[u8]) -> (u32, u32) {
    let line = before.split(|&b| b == b'\n').count();
    let start = before.iter().rposition(|&b| b == b'\n').map_or(0, |newline| newline + 1);
    (to_u32(line), to_u32(before.len() - start + 1))
}

/// Removes a byte order mark, also one that an earlier program read as Windows-1252 and saved as text.
fn strip_marks(text: Cow<'_, str>) -> Cow<'_, str> {
    let bare = text.trim_start_matches('\u{feff}').trim_start_matches("ï»¿");
    let cut = text.len() - bare.len();
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[cut..]),
        Cow::Owned(mut text) => {
            text.drain(..cut);
            Cow::Owned(text)
        }
    }
}

/// A count as `u32`, at its end when it does not fit.
pub(super) fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
