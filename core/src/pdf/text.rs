//! Words to lines that fit.

use super::font::{Glyph, Shaper, UNITS};
use super::theme::Style;
use super::unit::Unit;
use crate::visible::plain;
use unicode_normalization::char::is_combining_mark;

/// Characters of one paragraph or cell that are set. More is no longer something that people read; where
/// text ends early it says so.
const LONGEST: usize = 20_000;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// What it says.
    pub(crate) text: String,
    /// As glyphs; their ranges are of `text`.
    pub(crate) glyphs: Vec<Glyph>,
    /// How wide it is.
    pub(crate) width: Unit,
    /// How it looks.
    pub(crate) style: Style,
}

impl Line {
    const fn empty(style: Style) -> Self {
        Self { text: String::new(), glyphs: Vec::new(), width: 0, style }
    }

    fn push(&mut self, shaper: &Shaper, text: &str) {
        let at = self.text.len();
        let run = shaper.shape(self.style.face, text);
        self.text.push_str(text);
        self.glyphs.extend(
            run.glyphs
                .iter()
                .map(|glyph| Glyph { range: glyph.range.start + at..glyph.range.end + at, ..glyph.clone() }),
        );
        let advance: i64 = self.glyphs.iter().map(|glyph| i64::from(glyph.advance)).sum();
        self.width = advance * self.style.size / UNITS;
    }
}

/// The width of a text of one line.
pub(crate) fn measure(shaper: &Shaper, text: &str, style: Style) -> Unit {
    let words = tokens(text);
    let space = shaper.shape(style.face, " ").advance;
    let between = space * i64::try_from(words.len().saturating_sub(1)).unwrap_or(0);
    let advance: i64 = words.iter().map(|word| shaper.shape(style.face, word).advance).sum();
    (advance + between) * style.size / UNITS
}

/// The widest of the words that do not part.
pub(crate) fn widest_word(shaper: &Shaper, text: &str, style: Style) -> Unit {
    let widths = tokens(text).into_iter().map(|word| shaper.shape(style.face, &word).advance);
    widths.max().unwrap_or(0) * style.size / UNITS
}

/// Text in lines of at most this width. A word that is wider is broken, after a sign where it can be. No
/// text gives no line.
pub(crate) fn wrap(shaper: &Shaper, text: &str, style: Style, width: Unit) -> Vec<Line> {
    let space = shaper.shape(style.face, " ").advance * style.size / UNITS;
    let mut lines = Vec::new();
    let mut line = Line::empty(style);
    for word in tokens(text) {
        let wide = shaper.shape(style.face, &word).advance * style.size / UNITS;
        if !line.text.is_empty() && line.width + space + wide <= width {
            line.push(shaper, " ");
            line.push(shaper, &word);
            continue;
        }
        if !line.text.is_empty() {
            lines.push(std::mem::replace(&mut line, Line::empty(style)));
        }
        let mut rest = word.as_str();
        while let Some((piece, after)) = broken(shaper, rest, style, width) {
            let mut full = Line::empty(style);
            full.push(shaper, piece);
            lines.push(full);
            rest = after;
        }
        if !rest.is_empty() {
            line.push(shaper, rest);
        }
    }
    if !line.text.is_empty() {
        lines.push(line);
    }
    lines
}

/// One line, cut with an ellipsis where it is too wide.
pub(crate) fn fitted(shaper: &Shaper, text: &str, style: Style, width: Unit) -> Line {
    let mut text = tokens(text).join(" ");
    let mut line = Line::empty(style);
    line.push(shaper, &text);
    while line.width > width && !text.is_empty() {
        let over = usize::try_from((line.width - width) / style.size.max(1)).unwrap_or(0).max(1);
        for _ in 0..over {
            text.pop();
        }
        line = Line::empty(style);
        line.push(shaper, &format!("{}\u{2026}", text.trim_end()));
    }
    line
}

/// Words; a currency stays with its amount.
fn tokens(text: &str) -> Vec<String> {
    let mut text = plain(text);
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push_str(" \u{2026}");
    }
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let number = word.trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit());
        match words.last_mut().filter(|last| number && word.len() < 24 && is_currency(last)) {
            Some(last) => {
                last.push(' ');
                last.push_str(word);
            }
            None => words.push(word.to_owned()),
        }
    }
    words
}

fn is_currency(word: &str) -> bool {
    let code = word.trim_start_matches('(');
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The beginning of a word that is too wide, and the rest; none where it fits. At least one character, so
/// that it comes to an end.
fn broken<'a>(shaper: &Shaper, word: &'a str, style: Style, width: Unit) -> Option<(&'a str, &'a str)> {
    let fits = |end: usize| shaper.shape(style.face, &word[..end]).advance * style.size / UNITS <= width;
    // No line holds more.
    let ends: Vec<usize> = word
        .char_indices()
        .skip(1)
        .filter(|(_, next)| !is_combining_mark(*next))
        .map(|(end, _)| end)
        .chain([word.len()])
        .take(512)
        .collect();
    // Every character has some width: the place is looked for by halves.
    let count = ends.partition_point(|end| fits(*end)).max(1);
    let last = ends.get(count - 1).copied().unwrap_or(word.len());
    if last == word.len() {
        return None;
    }
    let signs = ['/', '-', '.', '@', '_', ':', '&', '=', '?', ',', ';'];
    let after_sign = word[..last].rfind(signs).map(|at| at + 1).filter(|end| *end * 2 > last);
    Some(word.split_at(after_sign.unwrap_or(last)))
}
