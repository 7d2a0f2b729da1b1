//! Files that are made to break the reader, or that a wrong reading would let pass.

use super::files::{read_bytes, texts, workbook, zip};
use super::*;

const HEAD: &str = "client,product,quantity,unit_price,currency,from\n";
const ROW: &str = "A,P,2,3.00,USD,2026-01-01\n";

fn failed(bytes: &[u8]) -> (&'static str, Option<u32>, Option<u32>) {
    let error = read_bytes(bytes).unwrap_err();
    (error.code(), error.line(), error.column())
}

fn utf16(text: &str, wrong: u16) -> Vec<u8> {
    let units = text.encode_utf16().map(|unit| if unit == u16::from(b'~') { wrong } else { unit });
    [0xfeff].into_iter().chain(units).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn utf_8_with_one_damaged_letter_is_not_taken_for_another_encoding() {
    let mut damaged = format!("{HEAD}Müller,P,2,3,USD,2026-01-01\nX").into_bytes();
    damaged.push(0xff);
    damaged.extend_from_slice(&ROW.as_bytes()[1..]);
    assert_eq!(failed(&damaged), ("damaged_file", Some(3), Some(2)));
    let mut marked = format!("\u{feff}{HEAD}X").into_bytes();
    marked.push(0xfc);
    marked.extend_from_slice(&ROW.as_bytes()[1..]);
    assert_eq!(failed(&marked), ("damaged_file", Some(2), Some(2)), "a byte order mark says UTF-8");
    let mut windows = format!("{HEAD}M").into_bytes();
    windows.push(0xfc);
    windows.extend_from_slice(ROW.as_bytes());
    assert_eq!(read_bytes(&windows).unwrap().encoding, "windows-1252");
}

#[test]
fn half_letters_and_nul_characters_are_refused_in_every_encoding() {
    let text = format!("{HEAD}A~{}", &ROW[1..]);
    assert_eq!(failed(&utf16(&text, 0xd800)), ("damaged_file", Some(2), Some(2)));
    assert_eq!(failed(&utf16(&text, 0)), ("binary_data", Some(2), Some(2)));
    assert_eq!(failed(text.replace('~', "\0").as_bytes()), ("binary_data", Some(2), Some(2)));
    let item = |client: &str| {
        format!(
            "[{{\"product\":\"P\",\"quantity\":2,\"unit_price\":3,\"currency\":\"USD\",\"from\":\"2026-01-01\",\n\"client\":\"{client}\"}}]"
        )
    };
    for wrong in ["\\ud800", "\\udc00", "\\ud83dx", "\\ud83d\\n", "\\u0000"] {
        assert_eq!(
            failed(item(&format!("A{wrong}")).as_bytes()),
            ("damaged_file", Some(2), Some(12)),
            "{wrong}"
        );
    }
    let good = report(&item("\\ud83d\\ude00 \\\\ud800"));
    assert_eq!(billing(&good)[0].1.client.name.as_deref(), Some("😀 \\ud800"));
    let cell =
        workbook(&[("a", &[texts(1, &["client", "product"]), texts(2, &["A_x0000_B", "P"])].concat())]);
    assert_eq!(failed(&cell), ("binary_data", Some(2), Some(1)));
}

#[test]
fn a_forgotten_quote_does_not_run_rows_together() {
    let text = format!("{HEAD}A,\"P{}{ROW}C,\"R\"{}{ROW}", &ROW[3..], &ROW[3..]);
    let report = report(&text);
    assert_eq!(refusals(&report)[0].0, 2);
    assert!(refusals(&report)[0].2.contains("runs over 3 lines"), "{:?}", report.refused);
    assert_eq!(billing(&report).iter().map(|(line, _)| *line).collect::<Vec<_>>(), [5]);
    let quoted = super::report(&format!("{HEAD}\"A \"\"x\"\", Inc.\nLtd\",\"\",2,3,USD,2026-01-01\n{ROW}"));
    assert_eq!(refusals(&quoted), [(2, "product", "is empty, and is needed")]);
}

#[test]
fn a_quote_that_is_never_closed_is_told_without_reading_the_whole_file() {
    let limits = Limits { field: 1_000, ..Limits::default() };
    let text = format!("{HEAD}{ROW}\nA,\"P,{}", ROW.repeat(2_000));
    let error =
        read("upload", text.as_bytes(), &ReadOptions { limits, ..ReadOptions::default() }).unwrap_err();
    assert_eq!((error.code(), error.line()), ("file_too_large", Some(4)));
}

#[test]
fn a_text_longer_than_a_cell_may_be_is_refused_in_json_too() {
    let text = format!("[{{\"client\":\n\"{}\"}}]", "A".repeat((1 << 20) + 1));
    assert_eq!(failed(text.as_bytes()), ("file_too_large", Some(2), None));
}

#[test]
fn a_shared_text_counts_wherever_it_stands_and_a_sheet_only_once() {
    let limits = Limits { spreadsheet_inflated: 40_000, ..Limits::default() };
    let options = ReadOptions { limits, ..ReadOptions::default() };
    let shared = (1..400)
        .map(|row| format!(r#"<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>"#))
        .collect::<Vec<_>>()
        .concat();
    let bytes = shared_workbook(&shared, &"x".repeat(400), 1);
    let error = read("upload", &bytes, &options).unwrap_err();
    assert!(error.to_string().contains("text of all cells"), "{error}");
    let many = shared_workbook(&texts(1, &["a"]), "x", 50);
    assert!(read_bytes(&many).unwrap_err().to_string().contains("lists 50 sheets and holds 1"));
}

/// A workbook that lists its one sheet so many times, with one shared text.
fn shared_workbook(rows: &str, text: &str, sheets: usize) -> Vec<u8> {
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let list = (1..=sheets)
        .map(|id| format!(r#"<sheet name="s{id}" sheetId="{id}" r:id="r1"/>"#))
        .collect::<Vec<_>>()
        .concat();
    zip(&[
        ("[Content_Types].xml", "<Types/>"),
        (
            "_rels/.rels",
            &format!(
                r#"<Relationships xmlns="{package}"><Relationship Id="r" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/workbook.xml",
            &format!(r#"<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{list}</sheets></workbook>"#),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &format!(
                r#"<Relationships xmlns="{package}"><Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="{office}/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#
            ),
        ),
        ("xl/sharedStrings.xml", &format!(r#"<sst xmlns="{main}"><si><t>{text}</t></si></sst>"#)),
        (
            "xl/worksheets/sheet1.xml",
            &format!(r#"<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>"#),
        ),
    ])
}

#[test]
fn a_workbook_that_packs_far_too_well_is_refused_before_it_is_read() {
    let bytes = shared_workbook(&" ".repeat(2 << 20), "x", 1);
    assert_eq!(failed(&bytes).0, "unpacks_too_large");
}

#[test]
fn errors_and_formulas_without_a_value_are_not_read_as_texts_or_blanks() {
    let head = texts(1, &["client", "product", "quantity", "unit_price", "currency", "from", "until", "x"]);
    let row = |line: u32, client: &str, quantity: &str, until: &str| {
        format!(
            r#"<row r="{line}">{client}<c r="B{line}" t="inlineStr"><is><t>P</t></is></c>{quantity}<c r="D{line}"><v>0.30000000000000004</v></c><c r="E{line}" t="inlineStr"><is><t>USD</t></is></c><c r="F{line}" s="1"><v>46054</v></c>{until}<c r="H{line}" t="e"><v>#N/A</v></c></row>"#
        )
    };
    let name = |line: u32| format!(r#"<c r="A{line}" t="inlineStr"><is><t>A</t></is></c>"#);
    let rows = [
        head,
        row(2, &name(2), r#"<c r="C2"><f>1+2</f><v>3</v></c>"#, ""),
        row(3, &name(3), r#"<c r="C3"><v>3</v></c>"#, r#"<c r="G3" s="1"><f>F3+31</f></c>"#),
        row(4, r#"<c r="A4" t="e"><v>#REF!</v></c>"#, r#"<c r="C4"><v>3</v></c>"#, ""),
    ];
    let report = read_bytes(&workbook(&[("a", &rows.concat())])).unwrap();
    let (line, bill) = billing(&report)[0];
    assert_eq!((line, bill.quantity, bill.unit_price), (2, dec("3"), dec("0.3")), "fifteen digits are shown");
    assert_eq!(
        refusals(&report).iter().map(|r| (r.0, r.1)).collect::<Vec<_>>(),
        [(3, "until"), (4, "client")]
    );
    let saved = super::report(&format!("{HEAD}#REF!{}", &ROW[1..]));
    assert_eq!(refusals(&saved)[0].1, "client");
}

#[test]
fn a_decimal_comma_is_read_where_the_file_proves_it() {
    for delimiter in [";", "\t"] {
        let text = format!("{HEAD}{ROW}B,P,1.000,1.234,USD,2026-01-01\n").replace(',', delimiter);
        let european = text.replace("3.00", "3,50").replace("1.234", "1,234").replace("1.000", "1.000,00");
        let read = report(&european);
        let prices: Vec<String> =
            billing(&read).iter().map(|(_, bill)| bill.unit_price.to_string()).collect();
        assert_eq!(prices, ["3.50", "1.234"], "{:?}", read.refused);
        assert_eq!(billing(&read)[1].1.quantity, dec("1000"));
        assert!(read.reasons.iter().any(|reason| reason.contains("`3,50` in line 2")), "{:?}", read.reasons);
        let unclear = report(&text.replace("3.00", "3").replace("1.234", "1,234").replace("1.000", "1"));
        assert_eq!(refusals(&unclear)[0].1, "unit_price", "one and a quarter, or twelve hundred");
        let mixed = report(&text.replace("1.234", "9,5"));
        assert_eq!(refusals(&mixed)[0].1, "unit_price", "a file with both proves nothing");
    }
}

#[test]
fn a_date_that_stands_for_none_is_no_end() {
    let text = format!("{}{}", HEAD.replace("from", "from,until"), ROW.replace("-01\n", "-01,9999-12-31\n"));
    let read = report(&text);
    assert_eq!(billing(&read)[0].1.span.until, None);
    let none = report(&text.replace("2026-01-01", "0001-01-01"));
    assert_eq!(refusals(&none), [(2, "from", "stands for no date")]);
    let never = report(&text.replace("2026-01-01", "0000-00-00"));
    assert_eq!(refusals(&never), [(2, "from", "is not a date written as 2026-02-01")]);
}

#[test]
fn numbers_of_any_size_are_read_exactly_or_refused() {
    let huge = "9".repeat(400);
    for (number, read) in [
        ("-0", Some("0")),
        ("1e3", Some("1000")),
        ("\"1,000\"", Some("1000")),
        ("\"1.000,00\"", Some("1000")),
        ("1e999999", None),
        ("1e99999999999", None),
        (huge.as_str(), None),
        ("NaN", None),
    ] {
        let report = report(&format!("{HEAD}A,P,{number},3,USD,2026-01-01\n"));
        let quantity = billing(&report).first().map(|(_, bill)| bill.quantity);
        assert_eq!(quantity, read.map(dec), "{number}");
        assert_eq!(refusals(&report).len(), usize::from(read.is_none()), "{number}");
    }
}
