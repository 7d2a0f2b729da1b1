//! What is asked of the reader with any bytes at all. The fuzz targets and the replay of their corpus
//! (`core/tests/corpus.rs`) call the same functions.
//!
//! Each takes what a fuzzer or a corpus file gives and builds files of one container of it. Of every file:
//! it is read or refused without a panic, the outcome is the same with one thread and with two, and a line
//! that is told is a line of the file.

use leakage_core::ingest::{
    DateOrder, FileError, FileReport, InvoiceTiming, Limits, ReadOptions, fuzzing, read,
};
use leakage_core::money::Currency;
use std::io::{Cursor, Write as _};

/// Small, so that each of them is met by small files.
const LIMITS: Limits = Limits {
    bytes: 256 << 10,
    inflated: 512 << 10,
    spreadsheet_inflated: 256 << 10,
    ratio: 200,
    ratio_from: 64 << 10,
    entries: 8,
    columns: 64,
    field: 4 << 10,
    item: 64 << 10,
    cells: 10_000,
    json_depth: 16,
    listed: 20,
};

/// Delimited text, or whatever else the bytes are.
pub fn csv(bytes: &[u8]) {
    hold(bytes);
}

/// JSON: as it is, and as the value of an answer's list.
pub fn json(bytes: &[u8]) {
    hold(bytes);
    hold(&[b"{\"value\":[".as_slice(), bytes, b"]}"].concat());
}

/// Gzip: the bytes packed in one member and in two, and the bytes as what follows a gzip's first ones.
pub fn gzip(bytes: &[u8]) {
    hold(&gzipped(bytes));
    let (first, second) = bytes.split_at(bytes.len() / 2);
    hold(&[gzipped(first), gzipped(second)].concat());
    hold(&after(b"\x1f\x8b\x08", bytes));
}

/// Zip: the bytes as members, parted by NUL characters, and the bytes as what follows a zip's first ones.
pub fn zip(bytes: &[u8]) {
    let names =
        ["a.csv", "b.json", "c/d.csv", "e.csv.gz", "f.zip", "g.txt", "h.xlsx", "__MACOSX/._a.csv", "i.csv"];
    let members: Vec<(&str, Vec<u8>)> =
        names.into_iter().zip(bytes.split(|&byte| byte == 0).map(<[u8]>::to_vec)).collect();
    hold(&zipped(&members));
    hold(&after(b"PK\x03\x04", bytes));
}

/// Workbooks: the bytes as the rows of a sheet, then (after NUL characters) its shared texts, styles and
/// list of sheets, in XML; the bytes as comma separated cells; and the bytes as a zip.
pub fn xlsx(bytes: &[u8]) {
    let mut parts = bytes.split(|&byte| byte == 0);
    let rows = parts.next().unwrap_or_default();
    let shared = parts.next().unwrap_or(b"<si><t>client</t></si><si><t>product</t></si>");
    let styles =
        parts.next().unwrap_or(br#"<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>"#);
    let sheets = parts.next().unwrap_or(br#"<sheets><sheet name="s" sheetId="1" r:id="r1"/></sheets>"#);
    hold(&workbook(rows, shared, styles, sheets));
    hold(&workbook(cells(bytes).as_bytes(), shared, styles, sheets));
    hold(&after(b"PK\x03\x04", bytes));
}

/// Spellings of numbers: what is read is the same number when it is written and read again.
pub fn number(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for number in fuzzing::number(&text).into_iter().flatten() {
        let written = number.to_string();
        let [again, ..] = fuzzing::number(&written);
        assert_eq!(again, Some(number), "{text:?} was written as {written}");
    }
}

/// Spellings of dates: what is read has a year that a calendar and a database know.
pub fn date(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for day in fuzzing::date(&text).into_iter().flatten() {
        assert!(
            day.to_string().len() == "2026-01-01".len() && &*day.to_string() >= "0001",
            "{text:?} is {day}"
        );
    }
}

/// Reads a file as it comes, and with all questions answered.
fn hold(file: &[u8]) {
    same_with_any_threads(file, &ReadOptions { limits: LIMITS, ..ReadOptions::default() });
    let answered = ReadOptions {
        date_order: Some(DateOrder::Mdy),
        currency: Some(Currency::USD),
        invoice_timing: Some(InvoiceTiming::Advance),
        limits: LIMITS,
        ..ReadOptions::default()
    };
    same_with_any_threads(file, &answered);
}

fn same_with_any_threads(file: &[u8], options: &ReadOptions) {
    let with = |threads| read("upload", file, &ReadOptions { threads, ..options.clone() });
    let one = with(1);
    check(&one);
    assert_eq!(one, with(2), "two threads read otherwise than one");
}

fn check(outcome: &Result<FileReport, FileError>) {
    match outcome {
        Ok(report) => {
            for refusal in &report.refused {
                assert!(refusal.line >= 1, "{refusal:?} is of no line");
            }
            for record in &report.records {
                assert!(record.line >= 1, "{record:?} is of no line");
            }
            assert!(report.notes.iter().all(|note| note.line != Some(0)), "{:?}", report.notes);
            assert!(report.refused_total <= report.read, "{} of {}", report.refused_total, report.read);
            assert!(report.refused.len() as u64 <= report.refused_total, "{:?}", report.refused);
            assert!(report.refused.len() <= LIMITS.listed && report.notes.len() <= LIMITS.listed);
        }
        Err(error) => {
            assert_ne!(error.line(), Some(0), "{error:?} is of no line");
            assert!(!error.to_string().is_empty() && !error.code().is_empty());
        }
    }
}

/// The bytes, made to begin like a container.
fn after(magic: &[u8], bytes: &[u8]) -> Vec<u8> {
    if bytes.starts_with(magic) { bytes.to_vec() } else { [magic, bytes].concat() }
}

// Writing into memory does not fail; if it did, the file would be a damaged one.

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let written = encoder.write_all(bytes);
    written.and_then(|()| encoder.finish()).unwrap_or_default()
}

fn zipped(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        if archive.start_file(*name, ::zip::write::SimpleFileOptions::default()).is_ok() {
            let _ = archive.write_all(bytes);
        }
    }
    archive.finish().map(Cursor::into_inner).unwrap_or_default()
}

/// Lines of comma separated texts as rows of a sheet.
fn cells(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace('&', "&amp;").replace('<', "&lt;");
    let row = |line: &str| {
        let cell = |text: &str| format!(r#"<c t="inlineStr"><is><t>{text}</t></is></c>"#);
        format!("<row>{}</row>", line.split(',').map(cell).collect::<String>())
    };
    text.lines().map(row).collect()
}

fn workbook(rows: &[u8], shared: &[u8], styles: &[u8], sheets: &[u8]) -> Vec<u8> {
    const MAIN: &str = r#"xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main""#;
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = r#"xmlns="http://schemas.openxmlformats.org/package/2006/relationships""#;
    let link = |id: u32, kind: &str, target: &str| {
        format!(r#"<Relationship Id="r{id}" Type="{OFFICE}/{kind}" Target="{target}"/>"#)
    };
    let links =
        |all: &[String]| format!("<Relationships {PACKAGE}>{}</Relationships>", all.concat()).into_bytes();
    let within =
        |open: String, middle: &[u8], close: &str| [open.as_bytes(), middle, close.as_bytes()].concat();
    zipped(&[
        ("[Content_Types].xml", b"<Types/>".to_vec()),
        ("_rels/.rels", links(&[link(1, "officeDocument", "xl/workbook.xml")])),
        (
            "xl/workbook.xml",
            within(format!(r#"<workbook {MAIN} xmlns:r="{OFFICE}">"#), sheets, "</workbook>"),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            links(&[
                link(1, "worksheet", "worksheets/sheet1.xml"),
                link(2, "sharedStrings", "sharedStrings.xml"),
            ]),
        ),
        ("xl/styles.xml", within(format!("<styleSheet {MAIN}>"), styles, "</styleSheet>")),
        ("xl/sharedStrings.xml", within(format!("<sst {MAIN}>"), shared, "</sst>")),
        (
            "xl/worksheets/sheet1.xml",
            within(format!("<worksheet {MAIN}><sheetData>"), rows, "</sheetData></worksheet>"),
        ),
    ])
}
