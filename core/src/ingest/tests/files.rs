use super::*;
use std::io::Write as _;

const CSV: &str = "client,product,purchased,from\nCafé Ltd,P,1,2026-01-01\n";

/// A zip archive of these members.
pub(super) fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn read_bytes(bytes: &[u8]) -> Result<FileReport, FileError> {
    read("upload", bytes, &ReadOptions::default())
}

/// A workbook with one sheet of inline texts for each name.
pub(super) fn workbook(sheets: &[(&str, &str)]) -> Vec<u8> {
    let list = (1..=sheets.len())
        .zip(sheets)
        .map(|(id, (name, _))| format!(r#"<sheet name="{name}" sheetId="{id}" r:id="rId{id}"/>"#))
        .collect::<Vec<_>>()
        .concat();
    let links = (1..=sheets.len())
        .map(|id| format!(r#"<Relationship Id="rId{id}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet{id}.xml"/>"#))
        .collect::<Vec<_>>().concat();
    let book = format!(
        r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>{list}</sheets></workbook>"#
    );
    let links = format!(
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{links}</Relationships>"#
    );
    let styles = r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#;
    let mut members = vec![
        ("[Content_Types].xml".to_owned(), "<Types/>".to_owned()),
        ("_rels/.rels".to_owned(), r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#.to_owned()),
        ("xl/workbook.xml".to_owned(), book),
        ("xl/_rels/workbook.xml.rels".to_owned(), links),
        ("xl/styles.xml".to_owned(), styles.to_owned()),
    ];
    for (id, (_, data)) in (1..).zip(sheets) {
        let sheet = format!(
            r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{data}</sheetData></worksheet>"#
        );
        members.push((format!("xl/worksheets/sheet{id}.xml"), sheet));
    }
    let members: Vec<(&str, &str)> =
        members.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    zip(&members)
}

pub(super) fn texts(row: u32, cells: &[&str]) -> String {
    let cells = cells
        .iter()
        .zip('A'..)
        .map(|(text, column)| format!(r#"<c r="{column}{row}" t="inlineStr"><is><t>{text}</t></is></c>"#))
        .collect::<Vec<_>>()
        .concat();
    format!(r#"<row r="{row}">{cells}</row>"#)
}

#[test]
fn containers_and_encodings_are_told() {
    let gz = gzip(CSV);
    let two = [gzip(CSV), gzip("Other,P,2,2026-01-01\n")].concat();
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(CSV.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let (cp1252, _, _) = encoding_rs::WINDOWS_1252.encode(CSV);
    for (bytes, container, encoding, rows) in [
        (CSV.as_bytes(), "csv", "utf-8", 1),
        (&gz, "csv.gz", "utf-8", 1),
        (&two, "csv.gz", "utf-8", 2),
        (&utf16, "csv", "utf-16le", 1),
        (&cp1252, "csv", "windows-1252", 1),
        (&zip(&[("a.csv", CSV), ("__MACOSX/._a.csv", "junk")]), "zip", "utf-8", 1),
        (&zip(&[("a.csv", CSV), ("b/c.csv", CSV)]), "zip", "utf-8", 2),
    ] {
        let report = read_bytes(bytes).unwrap();
        assert_eq!(
            (report.container.as_str(), report.encoding.as_str(), report.records.len()),
            (container, encoding, rows)
        );
        assert_eq!(entitlements(&report)[0].1.client.name.as_deref(), Some("Café Ltd"));
    }
}

#[test]
fn a_workbook_is_read_cell_by_cell_with_numbers_and_dates_as_they_look() {
    let head = texts(2, &["client", "product", "quantity", "unit_price", "currency", "from"]);
    let row = r#"<row r="5"><c r="A5" t="inlineStr"><is><t>A</t></is></c><c r="B5" t="inlineStr"><is><t>P</t></is></c><c r="C5"><v>3</v></c><c r="D5"><v>9.4000000000000004</v></c><c r="E5" t="inlineStr"><is><t>USD</t></is></c><c r="F5" s="1"><v>46054</v></c></row>"#;
    let seats =
        [texts(1, &["client", "product", "purchased", "from"]), texts(2, &["A", "P", "4", "2026-01-01"])]
            .concat();
    let pivot = texts(1, &["Sum of seats", "7"]) + &texts(2, &["x", "y"]);
    let bytes =
        workbook(&[("bills", &format!("{head}{row}")), ("held", &seats), ("pivot", &pivot), ("blank", "")]);
    let report = read_bytes(&bytes).unwrap();
    assert_eq!(
        (report.format, report.container.as_str(), report.encoding.as_str()),
        (TEMPLATE, "xlsx", "utf-8")
    );
    assert_eq!(report.sides, [Side::Billing, Side::Entitlement]);
    let (line, bill) = billing(&report)[0];
    assert_eq!((line, bill.unit_price, bill.span.from), (5, dec("9.4"), day("2026-02-01")));
    assert_eq!(entitlements(&report).len(), 1);
    assert_eq!(note_codes(&report), [(None, "unread_sheet")]);
}

#[test]
fn a_far_cell_and_a_workbook_that_unpacks_to_much_are_refused_at_once() {
    let far = workbook(&[("a", r#"<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>"#)]);
    assert_eq!(read_bytes(&far).unwrap_err().code(), "file_too_large");
    let limits = Limits { spreadsheet_inflated: 10_000, ..Limits::default() };
    let big = workbook(&[("a", &texts(1, &[&"x".repeat(20_000)]))]);
    let error = read("upload", &big, &ReadOptions { limits, ..ReadOptions::default() }).unwrap_err();
    assert_eq!(error.code(), "file_too_large");
}

#[test]
fn bombs_are_stopped_while_they_unpack() {
    let zeros = "0,".repeat(10 << 20);
    for bytes in [gzip(&zeros), zip(&[("a.csv", &zeros)])] {
        assert_eq!(read_bytes(&bytes).unwrap_err().code(), "unpacks_too_large");
    }
    let limits = Limits { entries: 3, inflated: 100, ..Limits::default() };
    let options = ReadOptions { limits, ..ReadOptions::default() };
    let many = zip(&[("1", "a"), ("2", "a"), ("3", "a"), ("4", "a")]);
    assert_eq!(read("upload", &many, &options).unwrap_err().code(), "file_too_large");
    assert_eq!(read("upload", &gzip(&"a,b\n".repeat(100)), &options).unwrap_err().code(), "file_too_large");
    let keys: String = (0..2_000).map(|key| format!("{{\"k{key}\":1}}")).collect::<Vec<_>>().join("\n");
    assert_eq!(read_bytes(keys.as_bytes()).unwrap_err().code(), "file_too_large");
    let nested = (0..5).fold(CSV.as_bytes().to_vec(), |inner, _| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&inner).unwrap();
        encoder.finish().unwrap()
    });
    assert_eq!(read_bytes(&nested).unwrap_err().code(), "wrong_file_type");
}

#[test]
fn what_is_no_data_says_what_it_is() {
    let cut = &gzip(CSV)[..20];
    let cut_zip = &zip(&[("a.csv", CSV)])[..40];
    let rows: Vec<(&str, &[u8], &str)> = vec![
        ("a.csv", b"", "empty_file"),
        ("a.csv", b" \r\n\t ", "empty_file"),
        ("a.csv", b"a,b\n1,\x002\n", "binary_data"),
        ("a.xlsx", b"a,b\n1,2\n", "wrong_file_type"),
        ("a.csv", b"%PDF-1.7", "wrong_file_type"),
        ("a.xls", &[0xd0, 0xcf, 0x11, 0xe0, 0xa1], "wrong_file_type"),
        ("a.csv", b"<!DOCTYPE html><html>", "wrong_file_type"),
        ("a.gz", cut, "damaged_file"),
        ("a.zip", cut_zip, "damaged_file"),
        ("a.json", b"{\"value\": [", "damaged_file"),
        ("a.json", b"{\"openapi\":\"3.0.1\",\"paths\":{}}", "schema_not_data"),
        (
            "a.json",
            b"{\"Ticket\":{\"id\":\"integer\",\"title\":\"string\",\"due\":\"date\"}}",
            "schema_not_data",
        ),
        ("a.json", b"{\"value\":[]}", "no_rows"),
        ("a.json", b"[]", "no_rows"),
        ("a.csv", b"client,product,purchased,from\n", "no_rows"),
        ("a.csv", b"one,two\n1,2\n", "unknown_format"),
        ("a.json", b"[1,2,3]", "unknown_format"),
    ];
    for (name, bytes, code) in rows {
        let error = read(name, bytes, &ReadOptions::default()).unwrap_err();
        assert_eq!(error.code(), code, "{name}: {error}");
    }
    let nul = read_bytes(b"a,b\n1,\x002\n").unwrap_err();
    assert_eq!((nul.line(), nul.column()), (Some(2), Some(3)));
    let unknown = read_bytes(b"one,two\n1,2\n").unwrap_err().to_string();
    assert!(unknown.contains("columns seen: one, two"), "{unknown}");
}

#[test]
fn a_member_that_fails_is_named() {
    let error = read_bytes(&zip(&[("a.csv", CSV), ("b.csv", "what,is\n1,2\n")])).unwrap_err();
    assert_eq!(error.code(), "unknown_format");
    assert!(error.to_string().starts_with("b.csv: "), "{error}");
}

#[test]
fn refusals_are_listed_to_a_limit_and_counted_beyond() {
    let rows = "A,P,x,2026-01-01\n".repeat(30);
    let limits = Limits { listed: 10, ..Limits::default() };
    let text = format!("client,product,purchased,from\n{rows}");
    let report = read("upload", text.as_bytes(), &ReadOptions { limits, ..ReadOptions::default() }).unwrap();
    assert_eq!((report.refused.len(), report.refused_total, report.read), (10, 30, 30));
}

#[test]
fn the_document_of_a_file_is_what_the_contract_says() {
    let text = include_str!("../../../fixtures/microsoft_partner_center/reconciliation.csv");
    let document = inspect_document("r.csv", &read_bytes(text.as_bytes()), true);
    for (pointer, value) in [
        ("/format", serde_json::json!("microsoft_partner_center_new_commerce")),
        ("/sides", serde_json::json!(["cost"])),
        ("/confidence", serde_json::json!("1.00")),
        ("/container", serde_json::json!("csv")),
        ("/read", serde_json::json!(5)),
        ("/refused", serde_json::json!([])),
        ("/records/0/record", serde_json::json!("vendor_charge")),
        ("/records/0/line", serde_json::json!(2)),
        ("/records/0/client", serde_json::json!("Wide World, Inc.")),
        ("/records/0/quantity", serde_json::json!("1")),
        ("/records/0/amount", serde_json::json!("4")),
        ("/records/0/until", serde_json::json!("2026-05-01")),
        ("/states/1/quantity", serde_json::json!("2")),
        ("/states/1/from", serde_json::json!("2026-04-02")),
    ] {
        assert_eq!(document.pointer(pointer), Some(&value), "{pointer}");
    }
    let failed = inspect_document("x", &read_bytes(b""), true);
    assert_eq!(failed.pointer("/error/code"), Some(&serde_json::json!("empty_file")));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        let _ = read_bytes(&bytes);
    }

    #[test]
    fn no_change_of_a_good_file_makes_the_reader_panic(at in 0_usize..3000, byte in proptest::num::u8::ANY) {
        for good in [
            workbook(&[("a", &texts(1, &["client", "product", "purchased", "from"]))]),
            zip(&[("a.csv", CSV)]),
            include_bytes!("../../../fixtures/microsoft_partner_center/reconciliation.csv").to_vec(),
            include_bytes!("../../../fixtures/connectwise/agreements_with_additions.json").to_vec(),
        ] {
            let mut bytes = good;
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = read_bytes(&bytes);
        }
    }
}

#[test]
fn every_format_stands_in_the_guide_to_importing() {
    let guide = include_str!("../../../../docs/importing.md");
    for format in FORMATS {
        assert!(guide.contains(&format!("`{}`", format.name)), "add {} to docs/importing.md", format.name);
    }
}
