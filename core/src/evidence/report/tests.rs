//! The example reports as pages. What stands in the bytes is read by `tests/report.rs`.

use super::{Report, examples, laid, pdf};
use crate::letters::LetterKind;
use crate::pdf::Brand;
use std::collections::BTreeSet;

fn text(report: &Report) -> String {
    let lines: Vec<String> = laid(report).unwrap().placed().into_iter().map(|line| line.text).collect();
    lines.join("\n")
}

#[test]
fn nothing_is_beyond_the_margins() {
    for report in [examples::under_billed(), examples::credit(), examples::large()] {
        laid(&report).unwrap().assert_inside();
    }
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    for report in [examples::under_billed(), examples::credit()] {
        assert_eq!(pdf(&report).unwrap(), pdf(&report.clone()).unwrap());
    }
}

#[test]
fn a_credit_says_that_we_over_billed() {
    let text = text(&examples::credit());
    for said in ["We over-billed you", "EUR 105.30", "Given back, before tax", "we are sorry"] {
        assert!(text.contains(said), "{said}");
    }
    assert!(!text.contains("not billed, before tax") && !text.contains("-EUR") && !text.contains("EUR -105"));
}

#[test]
fn currencies_have_totals_of_their_own() {
    let text = text(&examples::large());
    assert!(text.contains("Total in USD") && text.contains("Total in EUR"));
}

#[test]
fn every_section_can_be_jumped_to_and_comes_once() {
    let laid = laid(&examples::large()).unwrap();
    let titles: Vec<&str> = laid.bookmarks.iter().map(|mark| mark.title.as_str()).collect();
    assert_eq!(titles.iter().collect::<BTreeSet<_>>().len(), titles.len(), "{titles:?}");
    assert!(titles.contains(&"What we found") && titles.contains(&"How to check this document"));
    assert!(laid.bookmarks.windows(2).all(|two| two[0].page <= two[1].page));
}

#[test]
fn a_report_of_nothing_is_a_report() {
    let empty = Report {
        brand: Brand { logo: Some(b"\x89PNG\r\n\x1a\n and nothing else".to_vec()), ..Brand::default() },
        msp: String::new(),
        client: String::new(),
        reference: String::new(),
        state: String::new(),
        months: None,
        as_of: None,
        prepared_by: None,
        chart: Vec::new(),
        gaps: Vec::new(),
        provisioning: Vec::new(),
        activity: Vec::new(),
        ledger: None,
        timeline: Vec::new(),
        letters: Vec::new(),
        sources: Vec::new(),
        ..examples::under_billed()
    };
    let said = text(&empty);
    assert!(said.contains("No difference is left.") && said.contains("nothing is claimed"), "{said}");
    pdf(&empty).unwrap();
}

#[test]
fn every_letter_can_be_part_of_a_report() {
    use crate::letters::{Letterhead, Template, example, render};
    for kind in LetterKind::ALL.iter().copied() {
        let letter = render(&Template::default_for(kind).unwrap(), &example(kind)).unwrap();
        let mut report = examples::under_billed();
        report.letters[0].body = super::LetterBody::Text(letter.text());
        laid(&report).unwrap().assert_inside();
        let head = Letterhead {
            brand: Brand::default(),
            msp: "Example MSP".to_owned(),
            to: vec!["Ms Carter".to_owned()],
            on: report.prepared_on,
            reference: None,
        };
        assert!(letter.pdf(&head).unwrap().starts_with(b"%PDF-"), "{kind:?}");
    }
}
