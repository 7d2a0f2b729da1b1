//! Tables: columns as wide as they need, rows that go on on the next page under the same head.

use super::flow::Flow;
use super::sheet::{Kind, Mark, Node, Owner};
use super::text::{Line, widest_word};
use super::theme::{MUTED, Style};
use super::unit::{Unit, pt, tenths};

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    heading: String,
    right: bool,
}

impl Column {
    /// Of words.
    pub(crate) fn text(heading: &str) -> Self {
        Self { heading: heading.to_owned(), right: false }
    }

    /// Of numbers, which stand at the right.
    pub(crate) fn number(heading: &str) -> Self {
        Self { heading: heading.to_owned(), right: true }
    }
}

/// A cell: a text, and a smaller one under it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    note: Option<String>,
}

impl Cell {
    /// With a smaller text under it.
    pub(crate) fn noted(text: impl Into<String>, note: Option<String>) -> Self {
        Self { text: text.into(), note: note.filter(|note| !note.is_empty()) }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), note: None }
    }
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowKind {
    Plain,
    /// Stays with the row before it.
    Sum,
    /// Over the rows after it, as wide as the table.
    Group,
}

/// A table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<(RowKind, Vec<Cell>)>,
}

impl Table {
    /// Without rows yet.
    pub(crate) const fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// A row.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push((RowKind::Plain, cells));
    }

    /// A row of sums.
    pub(crate) fn sum(&mut self, cells: Vec<Cell>) {
        self.rows.push((RowKind::Sum, cells));
    }

    /// A heading of rows.
    pub(crate) fn group(&mut self, text: impl Into<Cell>) {
        self.rows.push((RowKind::Group, vec![text.into()]));
    }
}

/// Above and below the text of a row.
const PAD: Unit = tenths(42);
/// Between columns.
const BETWEEN: Unit = pt(12);
/// A note does not widen its column beyond this.
const WIDEST_NOTE: Unit = pt(305);

/// A row that is ready: for each cell its lines, where it begins and ends, and its side.
struct Ready {
    kind: RowKind,
    cells: Vec<ReadyCell>,
}

struct ReadyCell {
    lines: Vec<Line>,
    x: Unit,
    width: Unit,
    right: bool,
}

impl Ready {
    fn height(&self) -> Unit {
        let of = |cell: &ReadyCell| cell.lines.iter().map(|line| line.style.leading).sum::<Unit>();
        self.cells.iter().map(of).max().unwrap_or(0) + 2 * PAD
    }
}

impl Flow {
    /// A table. One without rows is nothing.
    pub(crate) fn table(&mut self, table: &Table) {
        if table.rows.is_empty() || table.columns.is_empty() {
            return;
        }
        let places = self.places(table);
        let head = self.head(table, &places);
        let height = head.height();
        let rows: Vec<Ready> =
            table.rows.iter().map(|(kind, cells)| self.ready(*kind, cells, table, &places)).collect();
        let least: Unit = rows.iter().take(2).map(Ready::height).sum();
        self.need((height + least).min(pt(200)));
        let node = self.node(Kind::Table, None);
        self.head_row(&head, Some(node));
        let heights: Vec<Unit> = rows.iter().map(Ready::height).collect();
        let kinds: Vec<RowKind> = rows.iter().map(|row| row.kind).collect();
        for (at, row) in rows.into_iter().enumerate() {
            let mut together = heights[at];
            let mut next = at + 1;
            // A heading stays with its first row, a row with the sums after it.
            while let Some(kind) = kinds.get(next) {
                if *kind != RowKind::Sum && kinds[next - 1] != RowKind::Group {
                    break;
                }
                together += heights[next];
                next += 1;
            }
            let fits = together.min(pt(300)).max(heights[at].min(pt(300)));
            if fits > self.room() {
                self.turn();
                self.head_row(&head, None);
            }
            self.body_row(row, node, &head);
        }
        self.space(pt(14));
    }

    /// Where each column begins, and how wide it is.
    fn places(&self, table: &Table) -> Vec<(Unit, Unit)> {
        let (cell, column) = (self.theme.cell, self.theme.column);
        let count = table.columns.len();
        let room = self.width() - BETWEEN * i64::try_from(count.saturating_sub(1)).unwrap_or(0);
        let mut wanted: Vec<Wanted> = Vec::with_capacity(count);
        for (at, of) in table.columns.iter().enumerate() {
            let word = widest_word(&self.shaper, &of.heading, column);
            let wide = if of.right { word } else { self.measure(&of.heading, column) };
            let mut one = Wanted { wide, word, right: of.right };
            for (kind, cells) in &table.rows {
                let style = if *kind == RowKind::Sum { self.theme.strong } else { cell };
                let Some(text) = cells.get(at).filter(|_| *kind != RowKind::Group) else { continue };
                let note = text.note.as_deref().unwrap_or("");
                one.wide = one.wide.max(self.measure(&text.text, style));
                one.wide = one.wide.max(self.measure(note, self.theme.small).min(WIDEST_NOTE));
                one.word = one.word.max(widest_word(&self.shaper, &text.text, style));
            }
            // Thousandths are cut off where widths are measured.
            wanted.push(Wanted { wide: one.wide + 1, word: one.word + 1, ..one });
        }
        let widths = shared(&wanted, room);
        let mut x = self.left();
        let place = |width: Unit| {
            let from = x;
            x += width + BETWEEN;
            (from, width)
        };
        widths.into_iter().map(place).collect()
    }

    fn ready(&self, kind: RowKind, cells: &[Cell], table: &Table, places: &[(Unit, Unit)]) -> Ready {
        let style = if kind == RowKind::Plain { self.theme.cell } else { self.theme.strong };
        let whole = (self.left(), self.width());
        let places: &[(Unit, Unit)] = if kind == RowKind::Group { &[whole] } else { places };
        let cells = cells.iter().zip(places).zip(&table.columns).map(|((cell, (x, width)), column)| {
            let mut lines = self.wrapped(&cell.text, style, *width);
            if let Some(note) = &cell.note {
                lines.extend(self.wrapped(note, self.theme.small, *width));
            }
            ReadyCell { lines, x: *x, width: *width, right: column.right && kind != RowKind::Group }
        });
        Ready { kind, cells: cells.collect() }
    }

    fn head(&self, table: &Table, places: &[(Unit, Unit)]) -> Ready {
        let style: Style = self.theme.column;
        let cells = table.columns.iter().zip(places).map(|(column, (x, width))| ReadyCell {
            lines: self.wrapped(&column.heading, style, *width),
            x: *x,
            width: *width,
            right: column.right,
        });
        Ready { kind: RowKind::Plain, cells: cells.collect() }
    }

    /// The head; only the first one is read aloud. Its texts stand at its foot.
    fn head_row(&mut self, head: &Ready, table: Option<Node>) {
        let row = table.map(|table| self.node(Kind::Row, Some(table)));
        let (y, height) = (self.y(), head.height());
        for cell in &head.cells {
            let owner = match row {
                Some(row) => Owner::Node(self.node(Kind::HeadCell, Some(row))),
                None => Owner::Decor,
            };
            let own: Unit = cell.lines.iter().map(|line| line.style.leading).sum();
            self.cell(owner, cell, cell.lines.clone(), y + height - PAD - own);
        }
        self.down(height);
        let rule = Mark::rectangle(self.left(), self.y(), self.width(), tenths(9), self.theme.primary);
        self.draw(Owner::Decor, rule);
        self.down(tenths(9));
    }

    /// A row. One that is higher than what is left goes on on the next page.
    fn body_row(&mut self, mut row: Ready, table: Node, head: &Ready) {
        let node = self.node(Kind::Row, Some(table));
        let nodes: Vec<Node> = row.cells.iter().map(|_| self.node(Kind::Cell, Some(node))).collect();
        loop {
            let room = self.room() - 2 * PAD;
            let mut height = 0;
            let mut parts: Vec<Vec<Line>> = Vec::new();
            for cell in &mut row.cells {
                let mut used = 0;
                let mut count = 0;
                for line in &cell.lines {
                    if used + line.style.leading > room {
                        break;
                    }
                    used += line.style.leading;
                    count += 1;
                }
                let rest = cell.lines.split_off(count);
                parts.push(std::mem::replace(&mut cell.lines, rest));
                height = height.max(used);
            }
            self.background(row.kind, height + 2 * PAD);
            let y = self.y() + PAD;
            for ((cell, lines), node) in row.cells.iter().zip(parts).zip(&nodes) {
                self.cell(Owner::Node(*node), cell, lines, y);
            }
            self.down(height + 2 * PAD);
            self.hairline();
            if row.cells.iter().all(|cell| cell.lines.is_empty()) {
                return;
            }
            self.turn();
            self.head_row(head, None);
        }
    }

    fn background(&mut self, kind: RowKind, height: Unit) {
        let (x, y, width) = (self.left(), self.y(), self.width());
        match kind {
            RowKind::Plain => {}
            RowKind::Group => {
                self.draw(Owner::Decor, Mark::rectangle(x, y, width, height, self.theme.tint));
            }
            RowKind::Sum => {
                self.draw(Owner::Decor, Mark::rectangle(x, y - tenths(2), width, tenths(7), MUTED));
            }
        }
    }

    fn cell(&mut self, owner: Owner, cell: &ReadyCell, lines: Vec<Line>, mut y: Unit) {
        for line in lines {
            let leading = line.style.leading;
            let x = if cell.right { cell.x + cell.width - line.width } else { cell.x };
            self.text(owner, line, x, y);
            y += leading;
        }
    }
}

/// What a column would like.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    /// Every cell on one line.
    wide: Unit,
    /// No word broken.
    word: Unit,
    /// Of numbers, which are not broken.
    right: bool,
}

/// Widths that add up to the room. Where everything fits, columns of words get what is left. Else columns
/// of numbers get what they want, and the others the same, but no more than they want and no less than their
/// words need: a long name makes its own column narrow, not those of others.
fn shared(wanted: &[Wanted], room: Unit) -> Vec<Unit> {
    let want: Unit = wanted.iter().map(|column| column.wide).sum();
    if want <= room {
        let gains = |column: &&Wanted| !column.right || wanted.iter().all(|other| other.right);
        let gaining: Unit = wanted.iter().filter(gains).map(|column| column.wide).sum();
        let gain =
            |column: &Wanted| if gains(&column) { (room - want) * column.wide / gaining.max(1) } else { 0 };
        return wanted.iter().map(|column| column.wide + gain(column)).collect();
    }
    // A word of nearly half the page is broken in any case: it claims no more than its part.
    let words = |column: &Wanted| if column.word > room * 2 / 5 { room / 5 } else { column.word };
    let least = |column: &Wanted| if column.right { column.wide } else { words(column).min(column.wide) };
    let at = |level: Unit| wanted.iter().map(move |column| level.clamp(least(column), column.wide));
    let (mut low, mut high) = (0, room);
    if at(low).sum::<Unit>() <= room {
        while low < high {
            let middle = (low + high + 1) / 2;
            if at(middle).sum::<Unit>() <= room { low = middle } else { high = middle - 1 }
        }
        return at(low).collect();
    }
    // Not even the words fit: the narrow columns keep theirs, and the others share what is left.
    let count = i64::try_from(wanted.len()).unwrap_or(1).max(1);
    let fair = room / count;
    let kept: Unit = wanted.iter().map(least).filter(|width| *width <= fair).sum();
    let wide: Unit = wanted.iter().map(least).filter(|width| *width > fair).sum();
    let share = |width: Unit| if width <= fair { width } else { (room - kept) * width / wide.max(1) };
    wanted.iter().map(least).map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn columns_fill_the_room_and_no_more(
            columns in prop::collection::vec((1_i64..900_000, 1_i64..900_000, any::<bool>()), 1..9),
            room in 100_000_i64..500_000,
        ) {
            let of = |(one, other, right): &(i64, i64, bool)| Wanted {
                wide: *one.max(other),
                word: *one.min(other),
                right: *right,
            };
            let wanted: Vec<Wanted> = columns.iter().map(of).collect();
            let widths = shared(&wanted, room);
            let sum: Unit = widths.iter().sum();
            prop_assert!(sum <= room && sum > room - 1000, "{widths:?} of {room}");
            prop_assert!(widths.iter().all(|width| *width >= 1), "{widths:?}");
        }
    }

    #[test]
    fn a_long_name_leaves_dates_and_numbers_whole() {
        let column = |wide, word, right| Wanted { wide: pt(wide), word: pt(word), right };
        let wanted =
            [column(150, 150, false), column(900, 700, false), column(70, 40, false), column(60, 60, true)];
        let widths = shared(&wanted, pt(450));
        assert_eq!((widths[0], widths[2], widths[3]), (pt(150), pt(70), pt(60)));
        assert!(widths[1] > pt(160));
    }
}
