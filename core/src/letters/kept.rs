//! A letter as it is kept, as text, back to paragraphs and tables: the reverse of [`super::Letter::text`].

use super::letter::{Cell, Content, Table};

/// The paragraphs and tables of a kept text.
pub(crate) fn contents(text: &str) -> Vec<Content> {
    let text = text.replace("\r\n", "\n");
    let blocks = text.split("\n\n").map(|block| block.trim_matches('\n')).filter(|block| !block.is_empty());
    blocks.map(content).collect()
}

fn content(block: &str) -> Content {
    match table(block) {
        Some(table) => Content::Table(table),
        None => Content::Paragraph(block.split('\n').map(str::trim).collect::<Vec<_>>().join(" ")),
    }
}

/// A caption with a colon, headings, a rule of dashes for each column, and rows.
fn table(block: &str) -> Option<Table> {
    let mut lines = block.split('\n');
    let caption = lines.next()?.strip_suffix(':')?;
    let headings = lines.next()?;
    let rule = lines.next()?;
    if rule.is_empty() || !rule.chars().all(|c| c == '-' || c == ' ') {
        return None;
    }
    let widths: Vec<usize> = rule.split("  ").map(str::len).collect();
    let rows: Vec<Vec<String>> =
        [headings].into_iter().chain(lines).map(|line| parted(line, &widths)).collect();
    // Numbers end where their column ends; words begin where it begins.
    let numeric: Vec<bool> = (0..widths.len())
        .map(|at| {
            let cells = || rows.iter().filter_map(|row| row.get(at)).filter(|cell| !cell.trim().is_empty());
            cells().all(|cell| cell.chars().count() == widths[at] && !cell.ends_with(' '))
                && (cells().any(|cell| cell.starts_with(' ')) || cells().skip(1).all(|cell| is_number(cell)))
        })
        .collect();
    let cells = |row: &Vec<String>| {
        let cell =
            |(text, numeric): (&String, &bool)| Cell { text: text.trim().to_owned(), numeric: *numeric };
        row.iter().zip(&numeric).map(cell).collect::<Vec<Cell>>()
    };
    let (head, body) = rows.split_first()?;
    Some(Table { caption: caption.to_owned(), headings: cells(head), rows: body.iter().map(cells).collect() })
}

/// A line in columns of these widths, two blanks apart; the line may end early.
fn parted(line: &str, widths: &[usize]) -> Vec<String> {
    let line: Vec<char> = line.chars().collect();
    let mut at = 0;
    let cell = |width: &usize| {
        let end = (at + width).min(line.len());
        let text: String = line.get(at.min(end)..end).unwrap_or_default().iter().collect();
        at += width + 2;
        text
    };
    widths.iter().map(cell).collect()
}

fn is_number(cell: &str) -> bool {
    cell.trim().chars().any(|c| c.is_ascii_digit())
        && cell.trim().chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase() || " .,+-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::super::{LetterKind, Template, example, render};
    use super::*;

    #[test]
    fn what_is_kept_as_text_has_the_paragraphs_and_tables_of_the_letter() {
        for kind in LetterKind::ALL.iter().copied() {
            let template = Template::default_for(kind).unwrap();
            let letter = render(&template, &example(kind)).unwrap();
            let all: Vec<Content> =
                letter.sections.iter().flat_map(|section| section.content.iter().cloned()).collect();
            assert_eq!(contents(&letter.text()), all, "{kind:?}");
        }
    }

    #[test]
    fn text_of_others_is_paragraphs() {
        let paragraph = |text: &str| Content::Paragraph(text.to_owned());
        assert_eq!(
            contents("One\ntwo.\r\n\r\nThree:\n- four\n"),
            [paragraph("One two."), paragraph("Three: - four")]
        );
        for odd in ["", "\n\n\n", "a:\nb\n-", "a:\nb\n--  --", ":\n\n-", "a:\n\u{e9}\u{e9}\u{e9}\n--  --\nx"]
        {
            contents(odd);
        }
    }
}
