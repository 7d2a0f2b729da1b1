//! The two fonts, and how words become glyphs of them.

use super::PdfError;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::LazyLock;

/// A weight of the one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Face {
    /// Text.
    Regular,
    /// Headings and sums.
    SemiBold,
}

impl Face {
    /// The font file.
    pub(crate) const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Regular => include_bytes!("../../data/fonts/IBMPlexSans-Regular.ttf"),
            Self::SemiBold => include_bytes!("../../data/fonts/IBMPlexSans-SemiBold.ttf"),
        }
    }
}

/// One glyph; lengths in font units, a thousandth of the letters' size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glyph {
    /// Its number in the font; 0: the font has none, and a box is drawn.
    pub(crate) id: u32,
    /// To the next one.
    pub(crate) advance: i32,
    /// Moved to the right.
    pub(crate) x_offset: i32,
    /// Moved upwards.
    pub(crate) y_offset: i32,
    /// The bytes of the text that it stands for.
    pub(crate) range: Range<usize>,
}

/// A word as glyphs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shaped {
    /// From left to right.
    pub(crate) glyphs: Vec<Glyph>,
    /// Their advances together.
    pub(crate) advance: i64,
}

/// Units that the letters' size has; both fonts have as many.
pub(crate) const UNITS: i64 = 1000;

struct Loaded {
    face: rustybuzz::Face<'static>,
    plan: rustybuzz::ShapePlan,
}

/// Everything is shaped from left to right and as Latin: no other way of writing has glyphs here that
/// would depend on it. Ligatures are off, so that what is copied out of a page is letter by letter
/// what stands there.
fn load(of: Face) -> Option<Loaded> {
    let face = rustybuzz::Face::from_slice(of.bytes(), 0)?;
    if i64::from(face.units_per_em()) != UNITS {
        return None;
    }
    let off = |tag: &[u8; 4]| rustybuzz::Feature::new(rustybuzz::ttf_parser::Tag::from_bytes(tag), 0, ..);
    let plan = rustybuzz::ShapePlan::new(
        &face,
        rustybuzz::Direction::LeftToRight,
        Some(rustybuzz::script::LATIN),
        None,
        &[off(b"liga"), off(b"clig"), off(b"calt")],
    );
    Some(Loaded { face, plan })
}

static REGULAR: LazyLock<Option<Loaded>> = LazyLock::new(|| load(Face::Regular));
static SEMI_BOLD: LazyLock<Option<Loaded>> = LazyLock::new(|| load(Face::SemiBold));

/// Makes glyphs of words, each only once.
pub(crate) struct Shaper {
    regular: &'static Loaded,
    semi_bold: &'static Loaded,
    known: RefCell<HashMap<(Face, String), Rc<Shaped>>>,
}

impl Shaper {
    /// # Errors
    /// When a font cannot be read, which only a damaged program has.
    pub(crate) fn new() -> Result<Self, PdfError> {
        let regular = REGULAR.as_ref().ok_or(PdfError::Font)?;
        let semi_bold = SEMI_BOLD.as_ref().ok_or(PdfError::Font)?;
        Ok(Self { regular, semi_bold, known: RefCell::default() })
    }

    /// A word, or any text of one line.
    pub(crate) fn shape(&self, face: Face, word: &str) -> Rc<Shaped> {
        let key = (face, word.to_owned());
        if let Some(known) = self.known.borrow().get(&key) {
            return Rc::clone(known);
        }
        let shaped = Rc::new(self.shaped(face, word));
        self.known.borrow_mut().insert(key, Rc::clone(&shaped));
        shaped
    }

    fn shaped(&self, face: Face, word: &str) -> Shaped {
        let loaded = match face {
            Face::Regular => self.regular,
            Face::SemiBold => self.semi_bold,
        };
        let mut buffer = rustybuzz::UnicodeBuffer::new();
        buffer.push_str(word);
        buffer.set_direction(rustybuzz::Direction::LeftToRight);
        buffer.set_script(rustybuzz::script::LATIN);
        let out = rustybuzz::shape_with_plan(&loaded.face, &loaded.plan, buffer);
        let starts: Vec<usize> =
            out.glyph_infos().iter().map(|info| usize::try_from(info.cluster).unwrap_or(0)).collect();
        let mut shaped = Shaped::default();
        for (index, (info, place)) in out.glyph_infos().iter().zip(out.glyph_positions()).enumerate() {
            let start = starts[index];
            let end = starts[index..].iter().copied().find(|next| *next > start).unwrap_or(word.len());
            shaped.advance += i64::from(place.x_advance);
            shaped.glyphs.push(Glyph {
                id: info.glyph_id,
                advance: place.x_advance,
                x_offset: place.x_offset,
                y_offset: place.y_offset,
                range: start..end,
            });
        }
        shaped
    }
}

impl std::fmt::Debug for Shaper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shaper").finish_non_exhaustive()
    }
}
