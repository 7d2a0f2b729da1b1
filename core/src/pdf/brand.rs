//! What makes a page look like the MSP's own.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A colour, written `#1f6feb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^#[0-9a-fA-F]{6}$", example = "#1d4e79", min_length = 7, max_length = 7))]
#[serde(try_from = "String", into = "String")]
pub struct Colour([u8; 3]);

/// The text is not a colour.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a colour; write it as # and six hexadecimal digits, such as #1d4e79")]
pub struct ColourError(pub String);

impl Colour {
    /// From its parts.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self([red, green, blue])
    }

    /// Its parts.
    pub(crate) const fn parts(self) -> [u8; 3] {
        self.0
    }

    /// Mixed with white: 0 is the colour itself, 100 is white.
    #[must_use]
    pub const fn lighter(self, percent: u8) -> Self {
        self.toward(255, percent)
    }

    /// Mixed with black: 0 is the colour itself, 100 is black.
    #[must_use]
    pub const fn darker(self, percent: u8) -> Self {
        self.toward(0, percent)
    }

    const fn toward(self, end: u8, percent: u8) -> Self {
        let Self([red, green, blue]) = self;
        Self([toward(red, end, percent), toward(green, end, percent), toward(blue, end, percent)])
    }

    /// How light it looks, 0 to 255 (ITU-R BT.601 weights).
    const fn lightness(self) -> u32 {
        let Self([red, green, blue]) = self;
        (red as u32 * 299 + green as u32 * 587 + blue as u32 * 114) / 1000
    }

    /// Dark enough to be read on white: a light colour is darkened until it can.
    #[must_use]
    pub fn readable(self) -> Self {
        let mut colour = self;
        while colour.lightness() > 120 {
            colour = colour.darker(10);
        }
        colour
    }
}

const fn toward(from: u8, to: u8, percent: u8) -> u8 {
    let percent = if percent > 100 { 100 } else { percent as u16 };
    // At most 255 * 100 / 100.
    ((from as u16 * (100 - percent) + to as u16 * percent) / 100).to_le_bytes()[0]
}

impl FromStr for Colour {
    type Err = ColourError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ColourError(text.chars().take(40).collect());
        let digits = text.strip_prefix('#').ok_or_else(error)?;
        if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(error());
        }
        let part = |at: usize| {
            digits.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok()).ok_or_else(error)
        };
        Ok(Self::new(part(0)?, part(2)?, part(4)?))
    }
}

impl TryFrom<String> for Colour {
    type Error = ColourError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.to_string()
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([red, green, blue]) = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// What makes a page look like the MSP's own.
#[derive(Clone, Debug)]
pub struct Brand {
    /// Bytes of a PNG or JPEG. What cannot be read is left out of the page; [`super::Logo::read`] tells
    /// why, at the time when it is given to us.
    pub logo: Option<Vec<u8>>,
    /// Headings, and what was to be billed.
    pub primary: Colour,
    /// What was billed, and emphasis.
    pub accent: Colour,
}

impl Default for Brand {
    fn default() -> Self {
        Self { logo: None, primary: Colour::new(0x1d, 0x4e, 0x79), accent: Colour::new(0xd9, 0x82, 0x2b) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_six_digits() {
        for bad in ["", "1d4e79", "#1d4e7", "#1d4e799", "#1d4e7g", "#é4e79", "red"] {
            assert!(bad.parse::<Colour>().is_err(), "{bad}");
        }
        assert_eq!("#1D4e79".parse::<Colour>().unwrap().to_string(), "#1d4e79");
    }

    #[test]
    fn a_colour_for_words_is_dark_enough() {
        for light in ["#ffffff", "#ffff00", "#00ffff", "#f0f0f0"] {
            assert!(light.parse::<Colour>().unwrap().readable().lightness() <= 120, "{light}");
        }
        let dark: Colour = "#1d4e79".parse().unwrap();
        assert_eq!(dark.readable(), dark);
    }

    #[test]
    fn mixing_ends_at_white_and_black() {
        let colour = Colour::new(10, 200, 77);
        assert_eq!((colour.lighter(0), colour.lighter(100)), (colour, Colour::new(255, 255, 255)));
        assert_eq!(colour.darker(100), Colour::new(0, 0, 0));
    }
}
