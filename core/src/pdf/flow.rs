//! Blocks one under the other, from page to page.
//!
//! A heading stays with what it stands over; a paragraph leaves no single line behind; the space between
//! blocks is no space at the top of a page.

use super::PdfError;
use super::brand::Brand;
use super::font::Shaper;
use super::logo::Logo;
use super::sheet::{Bookmark, Kind, Mark, Node, Owner, Sheet, Tree};
use super::text::{Line, fitted, measure, wrap};
use super::theme::{HAIRLINE, Style, Theme};
use super::unit::{BOTTOM, FIRST_TOP, PAGE_HEIGHT, PAGE_WIDTH, SIDE, TOP, Unit, WIDTH, pt, tenths};

/// Lines that wait for what they belong to.
struct Kept {
    before: Unit,
    after: Unit,
    lines: Vec<Line>,
    node: Node,
    bookmark: Option<(u16, String)>,
}

impl Kept {
    fn height(&self) -> Unit {
        self.lines.iter().map(|line| line.style.leading).sum()
    }
}

/// What stands at the head and foot of every page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Running {
    /// Head, left; not on the first page.
    pub(crate) left: String,
    /// Head, right; not on the first page.
    pub(crate) right: String,
    /// Foot, left.
    pub(crate) foot: String,
}

/// Pages that are laid out.
#[derive(Debug)]
pub(crate) struct Laid {
    /// In order.
    pub(crate) sheets: Vec<Sheet>,
    /// What it says.
    pub(crate) tree: Tree,
    /// Places to jump to.
    pub(crate) bookmarks: Vec<Bookmark>,
    /// The picture of `Mark::Logo`.
    pub(crate) logo: Option<Logo>,
}

/// Lays blocks out.
pub(crate) struct Flow {
    /// Sizes and colours.
    pub(crate) theme: Theme,
    /// Glyphs.
    pub(crate) shaper: Shaper,
    sheets: Vec<Sheet>,
    tree: Tree,
    bookmarks: Vec<Bookmark>,
    logo: Option<Logo>,
    y: Unit,
    top: Unit,
    gap: Unit,
    indent: Unit,
    bar: Option<Unit>,
    kept: Vec<Kept>,
}

impl Flow {
    /// An empty first page. A logo that cannot be read is left out.
    ///
    /// # Errors
    /// When the fonts cannot be read.
    pub(crate) fn new(brand: &Brand) -> Result<Self, PdfError> {
        Ok(Self {
            theme: Theme::of(brand),
            shaper: Shaper::new()?,
            sheets: vec![Sheet::default()],
            tree: Tree::default(),
            bookmarks: Vec::new(),
            logo: brand.logo.as_deref().and_then(|bytes| Logo::read(bytes).ok()),
            y: FIRST_TOP,
            top: FIRST_TOP,
            gap: 0,
            indent: 0,
            bar: None,
            kept: Vec::new(),
        })
    }

    /// From the left edge of the page.
    pub(crate) const fn left(&self) -> Unit {
        SIDE + self.indent
    }

    /// What blocks are wide.
    pub(crate) const fn width(&self) -> Unit {
        WIDTH - self.indent
    }

    /// From the top edge of the page.
    pub(crate) const fn y(&self) -> Unit {
        self.y
    }

    /// What is left of the page.
    pub(crate) const fn room(&self) -> Unit {
        BOTTOM - self.y
    }

    /// Whether nothing stands on the page yet.
    pub(crate) const fn at_top(&self) -> bool {
        self.y == self.top
    }

    /// At least this much space before the next block.
    pub(crate) fn space(&mut self, height: Unit) {
        self.gap = self.gap.max(height);
    }

    /// Goes down.
    pub(crate) const fn down(&mut self, height: Unit) {
        self.y += height;
    }

    /// Adds to what the document says.
    pub(crate) fn node(&mut self, kind: Kind, parent: Option<Node>) -> Node {
        self.tree.add(kind, parent)
    }

    /// Draws.
    pub(crate) fn draw(&mut self, owner: Owner, mark: Mark) {
        if let Some(sheet) = self.sheets.last_mut() {
            sheet.marks.push((owner, mark));
        }
    }

    /// Draws a line of text into the height of its leading, from `y` on.
    pub(crate) fn text(&mut self, owner: Owner, line: Line, x: Unit, y: Unit) {
        let style = line.style;
        // Capitals are about seven tenths of the size; they stand in the middle.
        let baseline = y + i64::midpoint(style.leading, style.size * 7 / 10);
        self.draw(owner, Mark::Text { line, x, baseline });
    }

    /// A new page.
    pub(crate) fn turn(&mut self) {
        self.end_of_bar();
        self.sheets.push(Sheet::default());
        self.top = TOP;
        self.y = TOP;
        self.gap = 0;
        if self.bar.is_some() {
            self.bar = Some(TOP);
        }
    }

    /// Makes sure that this much is left, with the headings that wait, and puts them.
    pub(crate) fn need(&mut self, height: Unit) {
        let mut whole = height;
        let mut gap = self.gap;
        for kept in &self.kept {
            whole += gap.max(kept.before) + kept.height();
            gap = kept.after;
        }
        whole += gap;
        if whole > self.room() && !self.at_top() {
            self.turn();
        }
        for kept in std::mem::take(&mut self.kept) {
            self.space(kept.before);
            self.skip();
            if let Some((level, title)) = kept.bookmark {
                let page = self.sheets.len() - 1;
                self.bookmarks.push(Bookmark { level, title, page, y: self.y });
            }
            for line in kept.lines {
                self.put(line, kept.node);
            }
            self.gap = kept.after;
        }
        self.skip();
    }

    fn skip(&mut self) {
        if !self.at_top() {
            self.y += self.gap;
        }
        self.gap = 0;
    }

    fn put(&mut self, line: Line, node: Node) {
        let leading = line.style.leading;
        if leading > self.room() && !self.at_top() {
            self.turn();
        }
        let (x, y) = (self.left(), self.y);
        self.text(Owner::Node(node), line, x, y);
        self.y += leading;
    }

    /// Lines of this width.
    pub(crate) fn wrapped(&self, text: &str, style: Style, width: Unit) -> Vec<Line> {
        wrap(&self.shaper, text, style, width)
    }

    /// The width of a text of one line.
    pub(crate) fn measure(&self, text: &str, style: Style) -> Unit {
        measure(&self.shaper, text, style)
    }

    /// A heading, from 1 for a title to 3, which the next block stays with. Titles and sections can be
    /// jumped to.
    pub(crate) fn heading(&mut self, level: u16, text: &str) {
        let (style, before, after) = match level {
            1 => (self.theme.title, pt(0), pt(4)),
            2 => (self.theme.section, pt(26), pt(8)),
            _ => (self.theme.part, pt(14), pt(4)),
        };
        let lines = self.wrapped(text, style, self.width());
        let node = self.node(Kind::Heading(level, text.to_owned()), None);
        let bookmark = (level < 3).then(|| (level, text.to_owned()));
        self.kept.push(Kept { before, after, lines, node, bookmark });
    }

    /// A paragraph that the next block stays with: it says what that is.
    pub(crate) fn lead(&mut self, text: &str) {
        let style = self.theme.body.of(super::theme::MUTED);
        let lines = self.wrapped(text, style, self.width());
        let node = self.node(Kind::Paragraph, None);
        self.kept.push(Kept { before: 0, after: pt(8), lines, node, bookmark: None });
    }

    /// A paragraph.
    pub(crate) fn paragraph(&mut self, text: &str, style: Style, after: Unit) {
        let lines = self.wrapped(text, style, self.width());
        let node = self.node(Kind::Paragraph, None);
        self.lines(lines, node);
        self.space(after);
    }

    fn lines(&mut self, lines: Vec<Line>, node: Node) {
        let Some(leading) = lines.first().map(|line| line.style.leading) else { return };
        let count = lines.len();
        let of = |lines: usize| leading * i64::try_from(lines).unwrap_or(0);
        self.need(of(if count <= 3 { count } else { 2 }));
        for (at, line) in lines.into_iter().enumerate() {
            if at > 0 && count - at == 2 && self.room() < of(2) {
                self.turn();
            }
            self.put(line, node);
        }
    }

    /// What comes next stands beside a bar, until [`Flow::outdent`].
    pub(crate) fn indent(&mut self) {
        self.need(pt(40));
        self.indent = pt(16);
        self.bar = Some(self.y);
    }

    /// The bar ends.
    pub(crate) fn outdent(&mut self) {
        self.end_of_bar();
        self.bar = None;
        self.indent = 0;
    }

    fn end_of_bar(&mut self) {
        if let Some(from) = self.bar.filter(|from| *from < self.y) {
            let bar = Mark::rectangle(SIDE, from, tenths(16), self.y - from, self.theme.primary.lighter(65));
            self.draw(Owner::Decor, bar);
        }
    }

    /// A thin line as wide as the text.
    pub(crate) fn hairline(&mut self) {
        let mark = Mark::rectangle(self.left(), self.y, self.width(), tenths(5), HAIRLINE);
        self.draw(Owner::Decor, mark);
    }

    /// The head of the first page: the logo or the name, and lines at the right, beside a logo with the name.
    pub(crate) fn letterhead(&mut self, name: &str, right: &[String]) {
        let named = self.logo.as_ref().map(|_| name.to_owned());
        let (style, small) = (self.theme.section.shrunk(1), self.theme.small);
        let node = self.node(Kind::Paragraph, None);
        let top = self.y;
        let half = WIDTH / 2;
        let height = match self.logo.as_ref().map(|logo| logo.within(pt(150), pt(42))) {
            Some((width, height)) => {
                let owner = self.node(Kind::Figure(name.to_owned()), None);
                self.draw(Owner::Node(owner), Mark::Logo { x: SIDE, y: top, width, height });
                height
            }
            None => self.column(node, style, &[name.to_owned()], SIDE, half),
        };
        let mut low = top;
        for text in named.iter().chain(right) {
            for line in self.wrapped(text, small, half - pt(20)) {
                let x = PAGE_WIDTH - SIDE - line.width;
                self.text(Owner::Node(node), line, x, low);
                low += small.leading;
            }
        }
        self.y = (top + height).max(low) + pt(12);
        let bar = Mark::rectangle(SIDE, self.y, WIDTH, tenths(12), self.theme.fill);
        self.draw(Owner::Decor, bar);
        self.y += tenths(12);
        self.space(pt(26));
    }

    fn column(&mut self, node: Node, style: Style, texts: &[String], x: Unit, width: Unit) -> Unit {
        let mut height = 0;
        for text in texts {
            for line in self.wrapped(text, style, width) {
                let y = self.y + height;
                self.text(Owner::Node(node), line, x, y);
                height += style.leading;
            }
        }
        height
    }

    /// All pages, with their heads and feet.
    pub(crate) fn finish(mut self, running: &Running) -> Laid {
        self.need(0);
        self.outdent();
        let count = self.sheets.len();
        let (style, theme) = (self.theme.running, self.theme);
        let third = WIDTH * 48 / 100;
        for (index, sheet) in self.sheets.iter_mut().enumerate() {
            let mut put = |owner, text: &str, right: bool, y: Unit, width: Unit| {
                let line = fitted(&self.shaper, text, style, width);
                let x = if right { PAGE_WIDTH - SIDE - line.width } else { SIDE };
                sheet.marks.push((owner, Mark::Text { line, x, baseline: y }));
            };
            let foot = PAGE_HEIGHT - pt(34);
            put(Owner::Foot, &running.foot, false, foot, WIDTH * 3 / 4);
            put(Owner::Foot, &format!("Page {} of {count}", index + 1), true, foot, WIDTH / 5);
            if index > 0 {
                put(Owner::Head, &running.left, false, pt(46), third);
                put(Owner::Head, &running.right, true, pt(46), third);
                let rule = Mark::rectangle(SIDE, pt(54), WIDTH, tenths(5), theme.primary.lighter(60));
                sheet.marks.push((Owner::Decor, rule));
            }
            let rule = Mark::rectangle(SIDE, foot - pt(14), WIDTH, tenths(5), HAIRLINE);
            sheet.marks.push((Owner::Decor, rule));
        }
        Laid { sheets: self.sheets, tree: self.tree, bookmarks: self.bookmarks, logo: self.logo }
    }
}
