//! A letter as a page with the head of the MSP.

use super::kept::contents;
use super::letter::{Content, Letter, Table};
use super::wording as say;
use crate::pdf::{self, Brand, Cell, Column, Flow, Laid, PdfError, Running, pt};
use chrono::NaiveDate;

/// What stands around a letter.
#[derive(Clone, Debug)]
pub struct Letterhead {
    /// Logo and colours.
    pub brand: Brand,
    /// Name of the MSP.
    pub msp: String,
    /// To whom; lines.
    pub to: Vec<String>,
    /// The day of the letter, also that of the PDF: the same letter gives the same bytes.
    pub on: NaiveDate,
    /// What both sides call the case.
    pub reference: Option<String>,
}

impl Letter {
    /// As a PDF.
    ///
    /// # Errors
    /// When it cannot be written, which no letter should bring about.
    pub fn pdf(&self, head: &Letterhead) -> Result<Vec<u8>, PdfError> {
        let contents: Vec<Content> =
            self.sections.iter().flat_map(|section| section.content.iter().cloned()).collect();
        paper(&self.subject, &contents, head)
    }
}

/// A letter that is kept as text, as a PDF.
///
/// # Errors
/// As [`Letter::pdf`].
pub fn kept_pdf(subject: &str, text: &str, head: &Letterhead) -> Result<Vec<u8>, PdfError> {
    paper(subject, &contents(text), head)
}

fn paper(subject: &str, contents: &[Content], head: &Letterhead) -> Result<Vec<u8>, PdfError> {
    let about = pdf::About {
        title: subject.to_owned(),
        author: head.msp.clone(),
        language: say::LANGUAGE,
        on: head.on,
    };
    pdf::write(&laid(subject, contents, head)?, &about)
}

fn laid(subject: &str, contents: &[Content], head: &Letterhead) -> Result<Laid, PdfError> {
    let mut flow = Flow::new(&head.brand)?;
    let reference = head.reference.iter().map(|reference| format!("Reference {reference}"));
    let right: Vec<String> = [say::date(head.on)].into_iter().chain(reference).collect();
    flow.letterhead(&head.msp, &right);
    let style = flow.theme.letter;
    for line in &head.to {
        flow.paragraph(line, style, 0);
    }
    flow.space(pt(26));
    flow.heading(2, subject);
    flow.contents(contents);
    let foot = head.reference.as_deref().unwrap_or(subject);
    Ok(flow.finish(&Running {
        left: head.msp.clone(),
        right: subject.to_owned(),
        foot: format!("{}  \u{b7}  {foot}", head.msp),
    }))
}

impl Flow {
    /// The paragraphs and tables of a letter.
    pub(crate) fn letter(&mut self, letter: &Letter) {
        for section in &letter.sections {
            self.contents(&section.content);
        }
    }

    /// The same of a letter that is kept as text.
    pub(crate) fn kept_letter(&mut self, text: &str) {
        self.contents(&contents(text));
    }

    fn contents(&mut self, contents: &[Content]) {
        let style = self.theme.letter;
        for content in contents {
            match content {
                Content::Paragraph(text) => self.paragraph(text, style, pt(10)),
                Content::Table(table) => {
                    self.heading(3, &table.caption);
                    self.table(&set(table));
                }
            }
        }
    }
}

fn set(table: &Table) -> pdf::Table {
    let column = |cell: &super::letter::Cell| {
        if cell.numeric { Column::number(&cell.text) } else { Column::text(&cell.text) }
    };
    let mut set = pdf::Table::new(table.headings.iter().map(column).collect());
    for row in &table.rows {
        set.row(row.iter().map(|cell| Cell::from(cell.text.as_str())).collect());
    }
    set
}
