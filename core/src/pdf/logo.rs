//! A logo, read with limits: whoever gives us one may mean harm.

use super::unit::Unit;
use png::{BitDepth, ColorType, Transformations};
use std::io::Cursor;

/// Bytes of the file.
pub const MOST_BYTES: usize = 256 * 1024;
/// Points in a row, or in a column.
const MOST_SIDE: u32 = 3000;
/// Points altogether: at most 16 MB of memory.
const MOST_POINTS: u32 = 4_000_000;

/// A picture, as red, green, blue and opacity of each point.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    /// Points in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Four bytes a point.
    pub(crate) rgba: Vec<u8>,
}

impl std::fmt::Debug for Logo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Logo({} x {})", self.width, self.height)
    }
}

/// Why a file is not a logo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    /// Not a format that we read.
    #[error("the file is neither PNG nor JPEG; save the logo as PNG")]
    Format,
    /// Too many bytes.
    #[error("the file is larger than 256 kB; save the logo smaller, 600 points wide is enough")]
    Large,
    /// Too many points.
    #[error(
        "the picture has more than 3000 points in a row or column, or more than 4 million; 600 points wide is enough"
    )]
    Wide,
    /// What is in it cannot be read.
    #[error("the file is damaged: its picture cannot be read; save the logo as PNG again")]
    Damaged,
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";

impl Logo {
    /// Reads a PNG or JPEG, all of it.
    ///
    /// # Errors
    /// When it is too large, damaged, or something else.
    pub fn read(bytes: &[u8]) -> Result<Self, LogoError> {
        if bytes.starts_with(JPEG) {
            if bytes.len() > MOST_BYTES {
                return Err(LogoError::Large);
            }
            return jpeg(bytes);
        }
        Self::read_png(bytes)
    }

    /// Reads a PNG, all of it.
    ///
    /// # Errors
    /// When it is too large, damaged, or something else.
    pub fn read_png(bytes: &[u8]) -> Result<Self, LogoError> {
        if bytes.len() > MOST_BYTES {
            return Err(LogoError::Large);
        }
        if !bytes.starts_with(PNG) {
            return Err(LogoError::Format);
        }
        from_png(bytes)
    }

    /// As large as it fits into a box, with its proportions; never without width or height.
    pub(crate) fn within(&self, width: Unit, height: Unit) -> (Unit, Unit) {
        let (own_width, own_height) = (i64::from(self.width.max(1)), i64::from(self.height.max(1)));
        if own_width * height > width * own_height {
            (width, (width * own_height / own_width).max(1000))
        } else {
            ((height * own_width / own_height).max(1000), height)
        }
    }
}

fn bounded(width: u32, height: u32) -> Result<(), LogoError> {
    let points = width.saturating_mul(height);
    if width == 0 || height == 0 {
        return Err(LogoError::Damaged);
    }
    if width > MOST_SIDE || height > MOST_SIDE || points > MOST_POINTS {
        return Err(LogoError::Wide);
    }
    Ok(())
}

fn from_png(bytes: &[u8]) -> Result<Logo, LogoError> {
    let damaged = |_| LogoError::Damaged;
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: 32 << 20 });
    decoder.set_transformations(Transformations::normalize_to_color8());
    let header = decoder.read_header_info().map_err(damaged)?;
    let (width, height) = (header.width, header.height);
    bounded(width, height)?;
    let mut reader = decoder.read_info().map_err(damaged)?;
    let size = reader.output_buffer_size().ok_or(LogoError::Wide)?;
    let mut points = vec![0; size];
    let info = reader.next_frame(&mut points).map_err(damaged)?;
    if info.bit_depth != BitDepth::Eight {
        return Err(LogoError::Damaged);
    }
    points.truncate(info.buffer_size());
    let rgba = match info.color_type {
        ColorType::Rgba => points,
        ColorType::Rgb => points.chunks_exact(3).flat_map(|c| [c[0], c[1], c[2], 255]).collect(),
        ColorType::Grayscale => points.iter().flat_map(|c| [*c, *c, *c, 255]).collect(),
        ColorType::GrayscaleAlpha => points.chunks_exact(2).flat_map(|c| [c[0], c[0], c[0], c[1]]).collect(),
        ColorType::Indexed => return Err(LogoError::Damaged),
    };
    checked(width, height, rgba)
}

fn jpeg(bytes: &[u8]) -> Result<Logo, LogoError> {
    use zune_jpeg::zune_core::colorspace::ColorSpace;
    use zune_jpeg::zune_core::options::DecoderOptions;
    let side = usize::try_from(MOST_SIDE).unwrap_or(usize::MAX);
    let options = DecoderOptions::new_safe()
        .set_max_width(side)
        .set_max_height(side)
        .jpeg_set_out_colorspace(ColorSpace::RGBA);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(Cursor::new(bytes), options);
    decoder.decode_headers().map_err(|_| LogoError::Damaged)?;
    let info = decoder.info().ok_or(LogoError::Damaged)?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    bounded(width, height)?;
    let rgba = decoder.decode().map_err(|_| LogoError::Damaged)?;
    checked(width, height, rgba)
}

fn checked(width: u32, height: u32, rgba: Vec<u8>) -> Result<Logo, LogoError> {
    let points = u64::from(width) * u64::from(height);
    if u64::try_from(rgba.len()).ok() == Some(points * 4) {
        Ok(Logo { width, height, rgba })
    } else {
        Err(LogoError::Damaged)
    }
}
