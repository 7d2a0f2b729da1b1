//! What a visitor's files are read as, what they ask, and which months are taken.

use super::{FileAnswers, GivenFile, Reading, VisitAnswer, VisitError, VisitRequest, audit};
use crate::digest;
use crate::ingest::DateOrder;
use crate::period::Month;
use crate::records::Side;
use chrono::NaiveDate;

const ENTITLEMENTS: &str = "client,product,purchased,from,until\nContoso,Seat,10,2026-03-01,\n";
const BILLING: &str =
    "client,product,quantity,unit_price,currency,from,until\nContoso,Seat,8,5.00,USD,2026-02-01,2026-06-01\n";

fn asked(request: &VisitRequest, files: &[(&str, &str)]) -> Result<VisitAnswer, VisitError> {
    let bytes: Vec<&[u8]> = files.iter().map(|(_, text)| text.as_bytes()).collect();
    let files: Vec<GivenFile<'_>> = files
        .iter()
        .zip(&bytes)
        .map(|((name, text), bytes)| GivenFile { name, digest: digest::of_bytes(text.as_bytes()), bytes })
        .collect();
    let reading = Reading { rows: 100, ..Reading::default() };
    let today = NaiveDate::from_ymd_opt(2026, 11, 22).expect("a day");
    audit(request, &files, &reading, today)
}

fn month(text: &str) -> Month {
    text.parse().expect("a month")
}

#[test]
fn months_are_those_that_both_sides_tell() {
    let answer = asked(&VisitRequest::default(), &[("e.csv", ENTITLEMENTS), ("b.csv", BILLING)]);
    let answer = answer.expect("an answer");
    let months = answer.months.expect("months");
    assert_eq!((months.from, months.to, months.chosen), (month("2026-03"), month("2026-05"), true));
    let document = answer.audit.expect("a document");
    assert_eq!(document.totals[0].under.to_string(), "30.00");
    assert_eq!(answer.questions, Vec::new());
}

#[test]
fn months_that_are_asked_for_are_taken_and_checked() {
    let files = [("e.csv", ENTITLEMENTS), ("b.csv", BILLING)];
    let request = |from, to| VisitRequest { from, to, ..VisitRequest::default() };
    let answer = asked(&request(Some(month("2026-04")), None), &files).expect("an answer");
    let months = answer.months.expect("months");
    assert_eq!((months.from, months.to), (month("2026-04"), month("2026-05")));
    for (from, to) in [("2026-05", "2026-04"), ("2016-01", "2026-04"), ("2027-01", "2027-02")] {
        let refused = asked(&request(Some(month(from)), Some(month(to))), &files);
        assert!(matches!(refused, Err(VisitError::Months { .. })), "{from} to {to}: {refused:?}");
    }
}

#[test]
fn a_file_that_names_no_client_asks_for_one_and_takes_the_answer() {
    let licenses = "Product Title,Total Licenses,Expired Licenses,Assigned licenses\nSeat,10,0,9\n";
    let files = [("licences.csv", licenses), ("b.csv", BILLING)];
    let answer = asked(&VisitRequest::default(), &files).expect("an answer");
    assert_eq!(answer.audit, None);
    assert!(answer.not_audited.is_some());
    assert_eq!(answer.questions[0].question, "client");
    let said = FileAnswers {
        name: "licences.csv".to_owned(),
        client: Some("Contoso".to_owned()),
        ..FileAnswers::default()
    };
    let answer = asked(&VisitRequest { files: vec![said], ..VisitRequest::default() }, &files);
    let document = answer.expect("an answer").audit.expect("a document");
    assert_eq!(document.gaps.len(), 1);
    assert!(document.gaps[0].assumed);
}

#[test]
fn the_order_of_dates_is_asked_and_answered() {
    let additions = "Agreement,Company,Product,Description,Qty,Unit Price,Bill,Effective Date,Cancelled Date,Currency\n\
                     Cloud,Contoso,SEAT,Seat,8,5.00,Billable,03/04/2026,,USD\n";
    let files = [("e.csv", ENTITLEMENTS), ("additions.csv", additions)];
    let answer = asked(&VisitRequest::default(), &files).expect("an answer");
    assert_eq!(answer.questions[0].question, "date_order");
    assert_eq!(answer.questions[0].choices, ["dmy", "mdy"]);
    for (order, first) in [(DateOrder::Dmy, "2026-04"), (DateOrder::Mdy, "2026-03")] {
        let said = FileAnswers {
            name: "additions.csv".to_owned(),
            date_order: Some(order),
            ..FileAnswers::default()
        };
        let answer = asked(&VisitRequest { files: vec![said], ..VisitRequest::default() }, &files);
        assert_eq!(answer.expect("an answer").months.expect("months").from, month(first));
    }
}

#[test]
fn a_file_of_another_kind_is_named_and_the_others_are_used() {
    let files = [("e.csv", ENTITLEMENTS), ("b.csv", BILLING), ("notes.txt", "hello there\nworld\n")];
    let answer = asked(&VisitRequest::default(), &files).expect("an answer");
    assert!(answer.audit.is_some());
    let unread = &answer.files[2];
    assert!(!unread.used && unread.error.is_some(), "{unread:?}");
}

#[test]
fn a_side_that_the_file_does_not_have_is_an_error_of_the_file() {
    let said = FileAnswers { name: "b.csv".to_owned(), side: Some(Side::Cost), ..FileAnswers::default() };
    let request = VisitRequest { files: vec![said], ..VisitRequest::default() };
    let answer = asked(&request, &[("e.csv", ENTITLEMENTS), ("b.csv", BILLING)]).expect("an answer");
    assert_eq!(answer.files[1].error.as_ref().map(|error| error.code.as_str()), Some("wrong_side"));
}

#[test]
fn clients_of_refused_rows_are_not_compared() {
    let billing = format!("{BILLING}Contoso,Seat,many,5.00,USD,2026-02-01,2026-06-01\n");
    let answer = asked(&VisitRequest::default(), &[("e.csv", ENTITLEMENTS), ("b.csv", &billing)]);
    let answer = answer.expect("an answer");
    assert_eq!((answer.files[1].refused_total, answer.files[1].refused[0].line), (1, 3));
    let document = answer.audit.expect("a document");
    assert_eq!((document.gaps.len(), document.coverage[0].reason.is_some()), (0, true));
}

#[test]
fn two_files_of_one_name_and_too_many_rows_are_refused() {
    let refused = asked(&VisitRequest::default(), &[("e.csv", ENTITLEMENTS), ("e.csv", BILLING)]);
    assert_eq!(refused, Err(VisitError::SameName { name: "e.csv".to_owned() }));
    let many = format!("{ENTITLEMENTS}{}", "Contoso,Seat,10,2026-03-01,\n".repeat(100));
    let refused = asked(&VisitRequest::default(), &[("e.csv", &many)]);
    assert_eq!(refused, Err(VisitError::TooManyRows { most: 100 }));
}

#[test]
fn no_file_is_no_audit_and_no_error() {
    let answer = asked(&VisitRequest::default(), &[]).expect("an answer");
    assert!(answer.audit.is_none() && answer.not_audited.is_some());
}
