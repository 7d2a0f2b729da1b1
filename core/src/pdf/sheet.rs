//! What stands where on a page, and what it is for those who cannot see it.

use super::brand::Colour;
use super::text::Line;
use super::unit::Unit;

/// A place in the tree of meaning.
pub(crate) type Node = usize;

/// Something that is drawn. Lengths are from the left and from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// A line of text.
    Text {
        /// What.
        line: Line,
        /// Where it begins.
        x: Unit,
        /// Where its letters stand.
        baseline: Unit,
    },
    /// An area.
    Area {
        /// Its corners.
        corners: Vec<(Unit, Unit)>,
        /// Its colour.
        colour: Colour,
    },
    /// The logo.
    Logo {
        /// From the left.
        x: Unit,
        /// From the top.
        y: Unit,
        /// How wide.
        width: Unit,
        /// How high.
        height: Unit,
    },
}

impl Mark {
    /// A rectangle.
    pub(crate) fn rectangle(x: Unit, y: Unit, width: Unit, height: Unit, colour: Colour) -> Self {
        let corners = vec![(x, y), (x + width, y), (x + width, y + height), (x, y + height)];
        Self::Area { corners, colour }
    }
}

/// What a mark is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Of what is read.
    Node(Node),
    /// Of the head of pages.
    Head,
    /// Of the foot of pages.
    Foot,
    /// Lines and areas that say nothing.
    Decor,
}

/// One page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sheet {
    /// In the order in which they are drawn.
    pub(crate) marks: Vec<(Owner, Mark)>,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A heading of this depth, from 1.
    Heading(u16, String),
    /// A paragraph.
    Paragraph,
    /// A picture, and what it shows in words.
    Figure(String),
    /// A table.
    Table,
    /// A row of a table.
    Row,
    /// A cell over a column.
    HeadCell,
    /// A cell.
    Cell,
}

/// What a document says, without its looks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    /// Each with its parent; the order is that of reading.
    pub(crate) nodes: Vec<(Kind, Option<Node>)>,
}

impl Tree {
    /// Adds a node after all others.
    pub(crate) fn add(&mut self, kind: Kind, parent: Option<Node>) -> Node {
        self.nodes.push((kind, parent));
        self.nodes.len() - 1
    }
}

/// A place that a reader can jump to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bookmark {
    /// Depth, from 1.
    pub(crate) level: u16,
    /// Its name.
    pub(crate) title: String,
    /// Page, from 0.
    pub(crate) page: usize,
    /// From the top.
    pub(crate) y: Unit,
}
