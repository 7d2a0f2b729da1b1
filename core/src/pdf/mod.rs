//! Pages of paper: text, tables and charts as PDF.

mod brand;

pub use brand::{Brand, Colour, ColourError};
