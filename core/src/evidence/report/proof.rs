//! What a reader checks: the letters as sent, the files behind the numbers, and this document itself.

use super::facts::{LetterBody, Report, SentLetter};
use super::words;
use crate::letters::wording as say;
use crate::pdf::{Cell, Column, Flow, Table, pt};
use rust_decimal::Decimal;

/// What was recorded where the client was told and no letter is kept.
pub(super) fn told(flow: &mut Flow, report: &Report) {
    let Some(told) = &report.told else { return };
    flow.heading(2, "What the client was told");
    flow.lead(&told.says);
    let recorded = |value: &Option<String>| value.clone().unwrap_or_else(|| "not recorded".to_owned());
    flow.pairs(&[
        ("Told on".to_owned(), say::date(told.on)),
        ("Person".to_owned(), recorded(&told.to)),
        ("Channel".to_owned(), recorded(&told.channel)),
        ("The MSP's letter".to_owned(), recorded(&told.reference)),
        ("Recorded by".to_owned(), told.recorded_by.clone()),
        ("Recorded".to_owned(), words::time(told.recorded_at)),
    ]);
    flow.indent();
    for paragraph in &told.note {
        let style = flow.theme.body;
        flow.paragraph(paragraph, style, pt(6));
    }
    flow.outdent();
    flow.space(pt(18));
}

/// Letters as they were sent.
pub(super) fn letters(flow: &mut Flow, report: &Report) {
    if report.letters.is_empty() {
        return;
    }
    flow.heading(2, if report.letters.len() == 1 { "The letter" } else { "The letters" });
    for letter in &report.letters {
        one(flow, letter);
    }
}

fn one(flow: &mut Flow, letter: &SentLetter) {
    flow.heading(3, &letter.subject);
    let sent = letter.sent_at.map_or_else(|| "not by this system, or not yet".to_owned(), words::time);
    let mut pairs = vec![("Sent".to_owned(), sent)];
    pairs.extend(letter.to.iter().map(|to| ("To".to_owned(), to.clone())));
    pairs.extend(letter.digest.iter().map(|digest| ("Digest".to_owned(), digest.clone())));
    pairs.extend(letter.erased_on.map(|on| {
        let says = format!("A person, on {}; the digest is of the words before.", say::date(on));
        ("Erased".to_owned(), says)
    }));
    flow.pairs(&pairs);
    flow.indent();
    match &letter.body {
        LetterBody::Letter(letter) => flow.letter(letter),
        LetterBody::Text(text) => flow.kept_letter(text),
    }
    flow.outdent();
    flow.space(pt(18));
}

/// The files that the numbers come from.
pub(super) fn sources(flow: &mut Flow, report: &Report) {
    if report.sources.is_empty() {
        return;
    }
    flow.heading(2, "Where the numbers come from");
    flow.lead("The digest of a file is its SHA-256: a file with one other byte has another digest.");
    let mut table = Table::new(vec![
        Column::text("File"),
        Column::text("Tells"),
        Column::text("Received"),
        Column::number("Rows"),
    ]);
    for file in &report.sources {
        let rows = file.rows.map_or_else(|| say::NONE.to_owned(), |rows| say::number(Decimal::from(rows)));
        table.row(vec![
            Cell::noted(file.name.as_str(), Some(file.digest.clone())),
            file.what.as_str().into(),
            words::day(file.received_on).into(),
            rows.into(),
        ]);
    }
    flow.table(&table);
}

/// How this document is checked.
pub(super) fn check(flow: &mut Flow, report: &Report) {
    let check = &report.check;
    flow.heading(2, "How to check this document");
    let style = flow.theme.body;
    flow.paragraph(
        &format!(
            "This document is the file {} of an evidence bundle. It cannot hold its own digest; the file {} beside it \
             lists the SHA-256 of every file of the bundle, this one too, and is signed with the key of {}.",
            check.file, check.manifest, report.msp
        ),
        style,
        pt(6),
    );
    flow.paragraph(
        &format!(
            "To check the whole bundle, without us and without a network, run: {}. To check one file by hand, compare \
             what sha256sum says of it with its line in {}. Every number here stands in the other files of the bundle \
             too, down to the rows of the files that it comes from.",
            check.command, check.manifest
        ),
        style,
        pt(12),
    );
    let named = [("Audit", &check.audit_digest), ("Computed by", &check.engine), ("Signing key", &check.key)];
    let mut pairs: Vec<(String, String)> = named
        .into_iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| (name.to_owned(), value.clone())))
        .collect();
    pairs.extend(check.more.iter().cloned());
    flow.pairs(&pairs);
}
