//! A rendered letter: its paragraphs and tables, as text, and as HTML that mail programs show.

use super::kind::{LetterKind, Part};
use super::wording as say;
pub(super) use crate::visible::plain;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// A letter, ready to be sent or to be set as a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Letter {
    /// What kind.
    pub kind: LetterKind,
    /// One line.
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    pub subject: String,
    /// Its blocks, in order, none of them empty.
    #[cfg_attr(feature = "openapi", schema(max_items = 5))]
    pub sections: Vec<Section>,
    /// Addresses in its paragraphs that can be followed.
    #[cfg_attr(feature = "openapi", schema(max_items = 10))]
    pub links: Vec<String>,
}

/// One block of a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Section {
    /// Which.
    pub part: Part,
    /// What stands in it.
    #[cfg_attr(feature = "openapi", schema(max_items = 200))]
    pub content: Vec<Content>,
}

/// A paragraph or a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Sentences.
    Paragraph(String),
    /// A table.
    Table(Table),
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Table {
    /// What it shows.
    #[cfg_attr(feature = "openapi", schema(max_length = 300))]
    pub caption: String,
    /// Its columns.
    #[cfg_attr(feature = "openapi", schema(max_items = 20))]
    pub headings: Vec<Cell>,
    /// Its rows, as long as the headings.
    #[cfg_attr(feature = "openapi", schema(max_items = 10_000))]
    pub rows: Vec<Vec<Cell>>,
}

/// A cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cell {
    /// What stands in it.
    #[cfg_attr(feature = "openapi", schema(max_length = 2000))]
    pub text: String,
    /// Whether it is a number, to stand at the right.
    pub numeric: bool,
}

/// Where lines of the text form end.
const WIDTH: usize = 76;

impl Letter {
    /// As plain text, in lines of at most 76 characters where words allow it.
    pub fn text(&self) -> String {
        let mut blocks: Vec<String> = Vec::new();
        for content in self.sections.iter().flat_map(|section| &section.content) {
            blocks.push(match content {
                Content::Paragraph(text) => wrapped(text),
                Content::Table(table) => table.text(),
            });
        }
        let mut text = blocks.join("\n\n");
        text.push('\n');
        text
    }

    /// As an HTML page that needs nothing else: no script, no image, no font.
    pub fn html(&self) -> String {
        let mut body = String::new();
        for content in self.sections.iter().flat_map(|section| &section.content) {
            match content {
                Content::Paragraph(text) => {
                    let _ = writeln!(body, "<p style=\"margin:0 0 16px\">{}</p>", self.linked(text));
                }
                Content::Table(table) => table.html(&mut body),
            }
        }
        format!(
            "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{}</title>\n</head>\n\
             <body style=\"margin:0;padding:24px;background:#ffffff;color:#1f2328;font:16px/1.5 Arial,Helvetica,sans-serif\">\n\
             <div style=\"max-width:680px;margin:0 auto\">\n{body}</div>\n</body>\n</html>\n",
            say::LANGUAGE,
            escaped(&self.subject),
        )
    }

    /// Escaped, with the letter's own addresses as links.
    fn linked(&self, text: &str) -> String {
        let mut out = escaped(text);
        for link in &self.links {
            let link = escaped(link);
            out = out.replace(&link, &format!("<a href=\"{link}\" style=\"color:#0b5cad\">{link}</a>"));
        }
        out
    }
}

impl Table {
    fn text(&self) -> String {
        let rows = || std::iter::once(&self.headings).chain(&self.rows);
        let width =
            |column: usize| rows().filter_map(|row| row.get(column)).map(|cell| length(&cell.text)).max();
        let widths: Vec<usize> = (0..self.headings.len()).map(|column| width(column).unwrap_or(0)).collect();
        let line = |row: &Vec<Cell>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| {
                let gap = " ".repeat(width.saturating_sub(length(&cell.text)));
                if cell.numeric { format!("{gap}{}", cell.text) } else { format!("{}{gap}", cell.text) }
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        let mut lines = vec![format!("{}:", self.caption), line(&self.headings), rule.join("  ")];
        lines.extend(self.rows.iter().map(line));
        lines.join("\n")
    }

    fn html(&self, out: &mut String) {
        let cell = |tag: &str, cell: &Cell| {
            let align = if cell.numeric { "right" } else { "left" };
            let style = format!(
                "padding:6px 10px;border-bottom:1px solid #d0d7de;text-align:{align};vertical-align:top"
            );
            let scope = if tag == "th" { " scope=\"col\"" } else { "" };
            format!("<{tag}{scope} style=\"{style}\">{}</{tag}>", escaped(&cell.text))
        };
        let row = |tag: &str, row: &[Cell]| {
            format!("<tr>{}</tr>\n", row.iter().map(|one| cell(tag, one)).collect::<String>())
        };
        let _ = write!(
            out,
            "<table style=\"border-collapse:collapse;width:100%;margin:0 0 16px;font-size:14px\">\n\
             <caption style=\"text-align:left;font-weight:bold;padding:0 0 6px\">{}</caption>\n<thead>\n{}</thead>\n<tbody>\n",
            escaped(&self.caption),
            row("th", &self.headings),
        );
        for cells in &self.rows {
            out.push_str(&row("td", cells));
        }
        out.push_str("</tbody>\n</table>\n");
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let fits =
            lines.last().is_some_and(|line| line.is_empty() || length(line) + 1 + length(word) <= WIDTH);
        match lines.last_mut().filter(|_| fits) {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
