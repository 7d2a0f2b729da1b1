//! Files that are read block by block, by any number of threads, and handed over while they are read.

use super::files::{texts, workbook};
use super::*;
use std::io::{BufReader, Read as _};
use std::ops::ControlFlow;
use std::sync::Arc;

const RECONCILIATION: &str = include_str!("../../../fixtures/microsoft_partner_center/reconciliation.csv");

/// Rows of several blocks: other ids in each, quoted line ends, repeats near and far, refused rows.
fn large() -> String {
    let (header, body) = RECONCILIATION.split_once("\r\n").unwrap();
    let rows: Vec<&str> = body.split_terminator("\r\n").collect();
    let mut text = format!("{header}\r\n");
    for copy in 0..1_200 {
        for row in &rows {
            let row = match copy % 100 {
                7 => row.replace("4/1/2026", "4/x/2026"),
                8 => row.replace("Wide World, Inc.", "Wide \r\n\"\"World\"\", Inc."),
                9 => row.replace(",addQuantity,", ",tierTransitionFee,"),
                _ => (*row).to_owned(),
            };
            let invoice = if copy % 10 == 3 { 3 } else { copy };
            text.push_str(&row.replacen("G0", &format!("G{invoice}0"), 1));
            text.push_str("\r\n");
        }
        text.push_str(if copy % 50 == 0 { "\r\n,,,\r\n" } else { "" });
    }
    text
}

#[test]
fn any_number_of_threads_reads_the_same() {
    let text = large();
    assert!(text.len() > 2 << 20, "{}", text.len());
    let alone = report(&text);
    assert!(alone.refused_total > 0 && alone.notes_total > 500 && alone.records.len() > 1_000);
    for threads in [2, 3, 8] {
        let options = ReadOptions { threads, ..ReadOptions::default() };
        assert_eq!(read("upload", text.as_bytes(), &options).unwrap(), alone, "{threads}");
    }
}

#[test]
fn a_mistake_is_told_in_its_line_with_any_number_of_threads() {
    let mut text = large();
    text.push_str("a,\"never\r\nclosed");
    let line = u32::try_from(text.lines().count() - 1).unwrap();
    for threads in [1, 4] {
        let options = ReadOptions { threads, ..ReadOptions::default() };
        let error = read("upload", text.as_bytes(), &options).unwrap_err();
        assert_eq!(error, FileError::UnclosedQuote { line });
    }
}

/// Notes what it is told, and breaks after so many records.
struct Watch {
    most: usize,
    taken: usize,
    discarded: u32,
    surveyed: bool,
    rows: u64,
}

impl Watch {
    fn until(most: usize) -> Self {
        Self { most, taken: 0, discarded: 0, surveyed: false, rows: 0 }
    }
}

impl Taker for Watch {
    fn take(&mut self, records: Vec<Sourced>, progress: Progress) -> ControlFlow<()> {
        assert_eq!(progress.stage, Stage::Rows);
        assert!(progress.bytes <= progress.size && progress.rows >= self.rows);
        self.rows = progress.rows;
        self.taken += records.len();
        if self.taken > self.most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn discard(&mut self) {
        self.taken = 0;
        self.rows = 0;
        self.discarded += 1;
    }

    fn progress(&mut self, progress: Progress) -> ControlFlow<()> {
        self.surveyed |= progress.stage == Stage::Survey;
        ControlFlow::Continue(())
    }
}

#[test]
fn records_come_in_batches_and_a_taker_may_stop() {
    let text = large();
    for threads in [1, 2] {
        let options = ReadOptions { threads, ..ReadOptions::default() };
        let mut all = Watch::until(usize::MAX);
        let told = read_source("upload", &text.as_bytes(), &options, &mut all).unwrap();
        assert_eq!((told.records.len(), all.taken), (0, report(&text).records.len()));
        assert!(all.surveyed && all.rows == told.read);
        let mut some = Watch::until(10);
        let error = read_source("upload", &text.as_bytes(), &options, &mut some).unwrap_err();
        assert_eq!(error, FileError::Stopped);
        assert!(some.taken < all.taken);
    }
}

#[test]
fn what_was_taken_is_void_when_a_late_date_shows_another_order() {
    let late = RECONCILIATION.lines().nth(1).unwrap().replace("4/30/2026", "30.04.2026");
    let mut watch = Watch::until(usize::MAX);
    let text = format!("{}{late}\r\n", large());
    let told = read_source("upload", &text.as_bytes(), &ReadOptions::default(), &mut watch).unwrap();
    assert_eq!(watch.discarded, 1);
    assert_eq!(
        watch.taken as u64,
        told.read
            - told.refused_total
            - told.notes.iter().filter(|note| note.code == "duplicate_line").count() as u64
    );
}

#[derive(Debug)]
struct Elsewhere;

impl SheetReader for Elsewhere {
    fn read(
        &self,
        workbook: &dyn Source,
        limits: &Limits,
        each: &mut EachSheetEvent<'_>,
    ) -> Result<(), FileError> {
        let (mut bytes, mut lines) = (Vec::new(), Vec::new());
        workbook.open().unwrap().read_to_end(&mut bytes).unwrap();
        write_sheets(&bytes, limits, &mut lines).unwrap();
        read_sheets(&mut BufReader::new(lines.as_slice()), limits, each)
    }
}

#[test]
fn a_workbook_read_elsewhere_is_the_same_workbook() {
    let head = texts(1, &["client", "product", "purchased", "from"]);
    let row = texts(3, &["A &quot;&#10;", "P", "4", "2026-01-01"]);
    let options = ReadOptions { sheets: Some(Arc::new(Elsewhere)), ..ReadOptions::default() };
    for bytes in [
        workbook(&[("held", &[head.clone(), row].concat()), ("blank", "")]),
        workbook(&[("a", &[head, texts(2, &["A_x0000_B", "P"])].concat())]),
        workbook(&[("a", r#"<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>"#)]),
    ] {
        let here = read("upload", &bytes, &ReadOptions::default());
        assert_eq!(read("upload", &bytes, &options), here);
    }
    let mut cut = BufReader::new(&b"{\"sheet\":\"a\"}\n[1,[\"x\"]]\n"[..]);
    let error = read_sheets(&mut cut, &Limits::default(), &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.code(), "damaged_file");
}
