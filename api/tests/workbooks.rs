//! Workbooks are read in a process of their own, and whatever becomes of it is an error of one file.
#![expect(clippy::unwrap_used, reason = "helpers of tests, outside the functions that clippy excepts")]

use leakage_api::workbooks::WorkbookProcess;
use leakage_core::ingest::{FileError, Limits, SheetEvent, SheetReader};
use leakage_tests::TestApp;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const LEAKAGE: &str = env!("CARGO_BIN_EXE_leakage");

/// A workbook of one sheet with these rows of XML and these shared strings.
fn workbook(rows: &str, strings: &str) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006";
    let parts = [
        (
            "[Content_Types].xml",
            format!(
                "<Types xmlns=\"{package}/content-types\"><Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>"
            ),
        ),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"r1\" Type=\"{relations}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{relations}\"><sheets><sheet name=\"billing\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"r1\" Type=\"{relations}/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"r2\" Type=\"{relations}/sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>"
            ),
        ),
        ("xl/sharedStrings.xml", format!("<sst xmlns=\"{main}\">{strings}</sst>")),
        (
            "xl/worksheets/sheet1.xml",
            format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>"),
        ),
    ];
    for (name, content) in parts {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A row of inline texts.
fn row(number: u32, cells: &[&str]) -> String {
    let mut row = format!("<row r=\"{number}\">");
    for (column, cell) in ('A'..).zip(cells) {
        write!(row, "<c r=\"{column}{number}\" t=\"inlineStr\"><is><t>{cell}</t></is></c>").unwrap();
    }
    row + "</row>"
}

fn billing() -> Vec<u8> {
    let header = ["client", "product", "quantity", "unit_price", "currency", "from"];
    let rows = row(1, &header) + &row(2, &["Contoso", "Seat", "5", "22.00", "USD", "2026-02-01"]);
    workbook(&rows, "")
}

/// One cell where the last column and row are: a range around it would take hundreds of gigabytes.
fn far_cell() -> Vec<u8> {
    workbook("<row r=\"1048576\"><c r=\"XFD1048576\" t=\"inlineStr\"><is><t>far</t></is></c></row>", "")
}

/// Many empty shared strings: few bytes in the file, and twenty-four for each in memory, before any cell.
fn shared_strings_bomb() -> Vec<u8> {
    workbook(&row(1, &["client"]), &"<si><t/></si>".repeat(6_000_000))
}

fn read(process: &WorkbookProcess, workbook: &[u8]) -> Result<Vec<String>, FileError> {
    let mut rows = Vec::new();
    process.read(&workbook, &Limits::default(), &mut |event| {
        match event {
            SheetEvent::Sheet(name) => rows.push(name.to_owned()),
            SheetEvent::Row(number, cells) => rows.push(format!("{number}:{}", cells.join("|"))),
        }
        Ok(())
    })?;
    Ok(rows)
}

#[test]
fn a_workbook_comes_through_as_it_is() {
    let rows = read(&WorkbookProcess::of(LEAKAGE), &billing()).unwrap();
    assert_eq!(
        rows,
        [
            "billing",
            "1:client|product|quantity|unit_price|currency|from",
            "2:Contoso|Seat|5|22.00|USD|2026-02-01"
        ]
    );
}

#[test]
fn a_far_cell_is_refused_for_its_column() {
    let error = read(&WorkbookProcess::of(LEAKAGE), &far_cell()).unwrap_err();
    assert_eq!(error.code(), "file_too_large", "{error}");
}

#[test]
fn a_bomb_of_shared_strings_ends_its_process_and_no_other() {
    let small =
        WorkbookProcess::of(LEAKAGE).limited(128 << 20, Duration::from_mins(1), Duration::from_mins(1));
    let error = read(&small, &shared_strings_bomb()).unwrap_err();
    assert_eq!(error.code(), "damaged_file", "{error}");
    assert_eq!(read(&small, &billing()).unwrap().len(), 3, "the limit leaves room for ordinary ones");
}

#[test]
fn a_process_that_is_silent_is_killed() {
    // It takes the arguments of ours for files, and waits for its input to end without a word.
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("silent");
    std::fs::write(&script, "#!/bin/sh\nexec /bin/sleep 1000\n").unwrap();
    Command::new("chmod").arg("755").arg(&script).status().unwrap();
    let silent =
        WorkbookProcess::of(&script).limited(1 << 30, Duration::from_mins(1), Duration::from_millis(400));
    let begun = Instant::now();
    let error = read(&silent, &billing()).unwrap_err();
    assert_eq!(error.code(), "damaged_file", "{error}");
    assert!(begun.elapsed() < Duration::from_mins(1));
}

#[test]
fn a_program_that_is_missing_is_an_error_of_the_file() {
    let error = read(&WorkbookProcess::of("/nowhere/leakage"), &billing()).unwrap_err();
    assert_eq!(error.code(), "damaged_file", "{error}");
}

#[test]
fn what_is_no_workbook_is_one_line() {
    let mut child = Command::new(LEAKAGE)
        .args(["read-workbook", "--memory=134217728", "--processor=5"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .env_clear()
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"no workbook").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(lines.starts_with("{\"error\"") && lines.lines().count() == 1, "{lines}");
}

#[tokio::test]
async fn the_service_imports_workbooks_and_outlives_the_others() {
    let process =
        WorkbookProcess::of(LEAKAGE).limited(128 << 20, Duration::from_mins(1), Duration::from_mins(1));
    // Made first: the service closes connections on which nothing happens for some seconds.
    let hostile = [far_cell(), shared_strings_bomb()];
    let app = TestApp::start_reading(|_| {}, Some(Arc::new(process))).await;
    let org = app.org("Example MSP").await;
    let import = org.import_whole("billing.xlsx", billing(), "").await;
    assert_eq!((import["container"].as_str(), import["records"].as_i64()), (Some("xlsx"), Some(1)));
    for hostile in hostile {
        let import = org.import("hostile.xlsx", hostile, "").await;
        assert_eq!(import["problem"]["code"], "file_unreadable", "{import:#}");
    }
}

#[test]
fn the_command_reads_workbooks_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("billing.xlsx");
    std::fs::write(&path, billing()).unwrap();
    let output = Command::new(LEAKAGE).arg("inspect").arg(&path).output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&document["format"], &document["read"]),
        (&"leakage_billing".into(), &1.into()),
        "{document:#}"
    );
}
