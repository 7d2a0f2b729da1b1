//! What another program reads in our PDF files: every number, exactly, and how many pages there are.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what cannot be read fails the test")]

use leakage_core::evidence::report::{Report, examples, pdf};
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Runs one of poppler's programs on a PDF. Without it the tests fail: what reads nothing proves nothing.
fn poppler(program: &str, arguments: &[&str], bytes: &[u8]) -> String {
    let child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| {
        panic!(
            "{program} cannot be run ({error}). Install poppler (Debian: apt-get install poppler-utils; macOS: brew \
             install poppler), or run scripts/test, which does."
        )
    });
    let mut input = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{program}");
    String::from_utf8(output.stdout).unwrap()
}

/// The words of a PDF, one blank apart.
fn words(report: &Report) -> String {
    let text = poppler("pdftotext", &["-layout", "-", "-"], &pdf(report).unwrap());
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn pages(report: &Report) -> usize {
    let bytes = pdf(report).unwrap();
    // A form feed ends each page.
    poppler("pdftotext", &["-", "-"], &bytes).matches('\u{c}').count()
}

#[test]
fn two_seats_for_eight_months_are_read_as_they_are() {
    let report = examples::under_billed();
    let words = words(&report);
    for said in [
        "16 seat-months",
        "USD 352.00",
        "USD 44.00",
        "USD 22.00",
        "March 2026 22 20 +2 2 USD 44.00",
        "Total in USD 2 16 USD 352.00",
        "Found 16 USD 352.00",
        "j.ortega@contoso.example",
        "30 October 2026",
        "LF-1042",
        "manifest.json",
        "leakage verify LF-1042.zip",
        "Page 1 of",
    ] {
        assert!(words.contains(said), "{said}\n{words}");
    }
    assert!((3..=8).contains(&pages(&report)));
}

#[test]
fn names_of_many_languages_are_read_as_they_are() {
    let words = words(&examples::credit());
    for said in [
        "B\u{e4}ckerei Gr\u{f6}\u{df}enwahn GmbH & Co. KG",
        "Zo\u{eb} M\u{fc}ller-L\u{fc}denscheidt",
        "Gra\u{17c}yna \u{141}\u{119}cka-W\u{f3}jcik",
        "Ji\u{159}\u{ed} \u{17d}ilka",
        "\u{395}\u{3bb}\u{3ad}\u{3bd}\u{3b7}",
        "\u{414}\u{43c}\u{438}\u{442}\u{440}\u{438}\u{439}",
        "Total in EUR 3 9 EUR 105.30",
        "none recorded up to 31 May 2026",
    ] {
        assert!(words.contains(said), "{said}\n{words}");
    }
}

#[test]
fn what_is_not_shown_is_said_and_counted() {
    let mut report = examples::under_billed();
    let account = report.activity[0].clone();
    report.activity = vec![account; 2_001];
    let words = words(&report);
    let said =
        "The first 2,000 of 2,001 rows are shown; activity.csv in the evidence bundle has all of them.";
    assert!(words.contains(said), "{words}");
    assert!(words.contains("Use is recorded for 2,001 of 2,001 accounts."));
}

/// With a comma between thousands.
fn grouped(amount: rust_decimal::Decimal) -> String {
    let text = amount.to_string();
    match text.len().checked_sub("000.00".len()).filter(|at| *at > 0) {
        Some(at) => format!("{},{}", &text[..at], &text[at..]),
        None => text,
    }
}

#[test]
fn of_a_large_report_nothing_is_lost() {
    let report = examples::large();
    let words = words(&report);
    for part in &report.plan.as_ref().unwrap().instalments {
        assert!(words.contains(&format!("USD {}", part.amount.amount)), "{part:?}");
    }
    for account in &report.activity {
        assert!(words.contains(&account.account), "{account:?}");
    }
    for gap in &report.gaps {
        let amount = gap.amount.unwrap();
        assert!(words.contains(&format!("{} {}", amount.currency, grouped(amount.amount))), "{gap:?}");
        assert!(gap.product.len() > 12 || words.contains(&gap.product), "{}", gap.product);
    }
    assert!(words.contains("USD 293.34") && words.contains("Total accepted USD 1,760.00"));
    assert!(pages(&report) > 60);
}
