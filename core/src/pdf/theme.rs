//! Sizes and colours of everything, in one place.

use super::brand::{Brand, Colour};
use super::font::Face;
use super::unit::{Unit, tenths};

/// How text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// Weight.
    pub(crate) face: Face,
    /// Size of the letters.
    pub(crate) size: Unit,
    /// From line to line.
    pub(crate) leading: Unit,
    /// Colour.
    pub(crate) colour: Colour,
}

impl Style {
    /// In another colour.
    #[must_use]
    pub(crate) const fn of(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    /// Smaller by as many tenths of its size.
    #[must_use]
    pub(crate) const fn shrunk(self, by_tenths: i64) -> Self {
        let part = 10 - by_tenths;
        Self { size: self.size * part / 10, leading: self.leading * part / 10, ..self }
    }
}

/// Text.
pub(crate) const INK: Colour = Colour::new(0x1f, 0x29, 0x33);
/// What is said beside.
pub(crate) const MUTED: Colour = Colour::new(0x5b, 0x67, 0x73);
/// Lines between rows.
pub(crate) const HAIRLINE: Colour = Colour::new(0xd9, 0xde, 0xe4);

/// The looks of one document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Theme {
    /// Headings, readable on white.
    pub(crate) primary: Colour,
    /// As the MSP gave it, for areas.
    pub(crate) fill: Colour,
    /// The second colour, for areas.
    pub(crate) accent: Colour,
    /// Behind what stands out.
    pub(crate) tint: Colour,
    /// Top of a document.
    pub(crate) title: Style,
    /// A section.
    pub(crate) section: Style,
    /// A part of a section.
    pub(crate) part: Style,
    /// Paragraphs.
    pub(crate) body: Style,
    /// Paragraphs of a letter.
    pub(crate) letter: Style,
    /// Cells.
    pub(crate) cell: Style,
    /// Cells that stand out.
    pub(crate) strong: Style,
    /// Over columns.
    pub(crate) column: Style,
    /// Under or beside something.
    pub(crate) small: Style,
    /// Head and foot of pages.
    pub(crate) running: Style,
    /// Large figures.
    pub(crate) figure: Style,
}

impl Theme {
    /// In the colours of a brand.
    pub(crate) fn of(brand: &Brand) -> Self {
        let style = |face, size, leading, colour| Style {
            face,
            size: tenths(size),
            leading: tenths(leading),
            colour,
        };
        let primary = brand.primary.readable();
        let (regular, strong) = (Face::Regular, Face::SemiBold);
        Self {
            primary,
            fill: brand.primary,
            accent: brand.accent,
            tint: primary.lighter(93),
            title: style(strong, 230, 280, primary),
            section: style(strong, 145, 190, primary),
            part: style(strong, 100, 140, INK),
            body: style(regular, 97, 145, INK),
            letter: style(regular, 105, 160, INK),
            cell: style(regular, 85, 120, INK),
            strong: style(strong, 85, 120, INK),
            column: style(strong, 78, 105, MUTED),
            small: style(regular, 78, 110, MUTED),
            running: style(regular, 75, 100, MUTED),
            figure: style(strong, 170, 210, primary),
        }
    }
}
