//! Pages of paper: text, tables and charts as PDF.
//!
//! The layout is whole numbers (thousandths of a point), so that the same facts give the same pages on every
//! machine; only `write`, which hands the finished pages to the PDF library, has the floats that the library
//! asks for. No clock and nothing random: the date of a document is one of its facts.
//!
//! Read in this order: `unit` and `theme` (sizes and colours), `font` and `text` (words to lines),
//! `sheet` (what stands on a page), `flow` (blocks from page to page), `table`, `chart`, `blocks`, `write`.

mod blocks;
mod brand;
mod chart;
mod flow;
mod font;
mod logo;
mod sheet;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod unit;
mod write;

pub use brand::{Brand, Colour, ColourError};
pub use logo::{Logo, LogoError, MOST_BYTES};

pub(crate) use blocks::Figure;
pub(crate) use chart::{Chart, Group};
pub(crate) use flow::{Flow, Laid, Running};
pub(crate) use table::{Cell, Column, Table};
pub(crate) use theme::MUTED;
pub(crate) use unit::pt;
pub(crate) use write::{About, write};

/// Why a document cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PdfError {
    /// A font cannot be read.
    #[error("the fonts of the program cannot be read")]
    Font,
    /// The library refuses.
    #[error("the document cannot be written: {0}")]
    Write(String),
}
