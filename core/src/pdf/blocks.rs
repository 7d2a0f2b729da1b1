//! Blocks that are neither paragraphs nor tables: large figures, names with values.

use super::flow::Flow;
use super::sheet::{Kind, Mark, Owner};
use super::text::Line;
use super::theme::{MUTED, Style};
use super::unit::{Unit, pt};

/// A large figure with what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    /// What it is.
    pub(crate) label: String,
    /// The figure; one line each.
    pub(crate) values: Vec<String>,
}

const GAP: Unit = pt(10);
const PAD: Unit = pt(11);

impl Flow {
    /// Figures side by side.
    pub(crate) fn figures(&mut self, figures: &[Figure]) {
        let count = i64::try_from(figures.len()).unwrap_or(0);
        if count == 0 {
            return;
        }
        let width = (self.width() - GAP * (count - 1)) / count;
        let label = self.theme.small.of(MUTED);
        let inner = width - 2 * PAD;
        let style = self.figure_style(figures, inner);
        let texts: Vec<(Vec<Line>, Vec<Line>)> = figures
            .iter()
            .map(|figure| {
                let values =
                    figure.values.iter().flat_map(|value| self.wrapped(value, style, inner)).collect();
                (self.wrapped(&figure.label, label, inner), values)
            })
            .collect();
        let high = |lines: &[Line]| lines.iter().map(|line| line.style.leading).sum::<Unit>();
        let labels = texts.iter().map(|(label, _)| high(label)).max().unwrap_or(0);
        let values = texts.iter().map(|(_, values)| high(values)).max().unwrap_or(0);
        let height = labels + pt(3) + values + 2 * PAD - pt(3);
        self.need(height);
        let (left, y) = (self.left(), self.y());
        for ((label, values), at) in texts.into_iter().zip(0..) {
            let x = left + at * (width + GAP);
            self.draw(Owner::Decor, Mark::rectangle(x, y, width, height, self.theme.tint));
            self.draw(Owner::Decor, Mark::rectangle(x, y, pt(2), height, self.theme.fill));
            let node = self.node(Kind::Paragraph, None);
            let mut down = y + PAD - pt(1);
            for line in label {
                let leading = line.style.leading;
                self.text(Owner::Node(node), line, x + PAD, down);
                down += leading;
            }
            let mut down = y + PAD + labels + pt(3) - pt(1);
            for line in values {
                let leading = line.style.leading;
                self.text(Owner::Node(node), line, x + PAD, down);
                down += leading;
            }
        }
        self.down(height);
        self.space(pt(18));
    }

    /// The largest size in which every figure stands on one line.
    fn figure_style(&self, figures: &[Figure], width: Unit) -> Style {
        let mut style = self.theme.figure;
        if figures.iter().any(|figure| figure.values.len() > 1) {
            style = style.shrunk(2);
        }
        let fits = |style: Style| {
            let values = figures.iter().flat_map(|figure| &figure.values);
            values.into_iter().all(|value| self.measure(value, style) <= width)
        };
        while !fits(style) && style.size > pt(10) {
            style = style.shrunk(1);
        }
        style
    }

    /// Names with their values, one under the other.
    pub(crate) fn pairs(&mut self, pairs: &[(String, String)]) {
        let (name, value) = (self.theme.cell.of(MUTED), self.theme.cell);
        let first = pt(112);
        for (of, text) in pairs {
            let names = self.wrapped(of, name, first - pt(10));
            let values = self.wrapped(text, value, self.width() - first);
            let rows = names.len().max(values.len());
            let height = value.leading * i64::try_from(rows).unwrap_or(0);
            self.need(height.min(pt(300)));
            let node = self.node(Kind::Paragraph, None);
            let (mut names, mut values) = (names.into_iter(), values.into_iter());
            for _ in 0..rows {
                if self.room() < value.leading {
                    self.turn();
                }
                let (x, y) = (self.left(), self.y());
                if let Some(line) = names.next() {
                    self.text(Owner::Node(node), line, x, y);
                }
                if let Some(line) = values.next() {
                    self.text(Owner::Node(node), line, x + first, y);
                }
                self.down(value.leading);
            }
            self.space(pt(4));
        }
        self.space(pt(12));
    }
}
