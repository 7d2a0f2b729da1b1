//! Containers: which texts and workbooks a file holds, found by a first pass over all of it, and how each
//! is opened again.
//!
//! Knows nothing of tables or formats. What a container says of its own sizes is not believed: bytes are
//! counted as they come out, and damage is found before a row is read. Nothing is kept but workbooks and
//! archives within archives, which are held in memory under the limit of spreadsheets.

use super::encoding::{self, Facts};
use super::error::FileError;
use super::limits::Limits;
use super::source::Source;
use super::unpack::{Base, Budget, Way, broken, bytes_text};
use std::cell::RefCell;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What the passes over a file share: how far one is, and whether the taker wants more.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) bytes: AtomicU64,
    pub(super) stopped: AtomicBool,
}

impl Run {
    /// # Errors
    /// When the taker wants no more.
    pub(super) fn go_on(&self) -> Result<(), FileError> {
        if self.stopped.load(Ordering::Relaxed) { Err(FileError::Stopped) } else { Ok(()) }
    }
}

/// What a file holds.
pub(super) struct Surveyed<'s> {
    /// One part, or one for each member of an archive.
    pub(super) parts: Vec<Part<'s>>,
    /// The reader adds what is inside.
    pub(super) wrapping: Wrapping,
    /// Encodings of the parts, in order, each once.
    pub(super) encodings: Vec<&'static str>,
}

impl Surveyed<'_> {
    fn saw(&mut self, encoding: &'static str) {
        if !self.encodings.contains(&encoding) {
            self.encodings.push(encoding);
        }
    }
}

/// How the text was wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrapping {
    Plain,
    Gzip,
    Zip,
}

/// One text or workbook.
pub(super) struct Part<'s> {
    /// Name of the archive's member.
    pub(super) member: Option<String>,
    pub(super) body: Body<'s>,
}

pub(super) enum Body<'s> {
    Text(Text<'s>),
    Workbook(Arc<Vec<u8>>),
}

/// A text that can be opened as often as needed.
pub(super) struct Text<'s> {
    way: Way<'s>,
    pub(super) facts: Facts,
    /// It is meant as JSON.
    pub(super) json: bool,
    run: &'s Run,
}

impl Text<'_> {
    /// Gives the text as UTF-8 from its beginning.
    pub(super) fn read(
        &self,
        each: &mut dyn FnMut(&mut dyn Read) -> Result<(), FileError>,
    ) -> Result<(), FileError> {
        self.run.bytes.store(0, Ordering::Relaxed);
        self.way.open(self.run, None, &mut |bytes| {
            let mut text = self.facts.decoded(bytes).map_err(FileError::of_io)?;
            each(&mut text)
        })
    }
}

/// Looks through a file; `tick` is called now and then and may end it.
///
/// # Errors
/// Empty, over a limit, damaged, or not text at all.
pub(super) fn survey<'s>(
    name: &str,
    source: &'s dyn Source,
    limits: &Limits,
    run: &'s Run,
    tick: &mut dyn FnMut() -> Result<(), FileError>,
) -> Result<Surveyed<'s>, FileError> {
    let size = source.size();
    if size > limits.bytes {
        return Err(FileError::TooLarge { what: "the file", limit: bytes_text(limits.bytes), line: None });
    }
    let budget = RefCell::new(Budget { limits, packed: size, left: limits.inflated, out: 0 });
    let into = Surveyed { parts: Vec::new(), wrapping: Wrapping::Plain, encodings: Vec::new() };
    let mut search = Search { limits, run, budget, into, tick };
    let way = Way { base: Base::Source(source), member: None, gzips: 0 };
    search.look(name, way, None, 0)?;
    if search.into.parts.is_empty() { Err(FileError::Empty) } else { Ok(search.into) }
}

/// Containers inside containers: a zip of gzips is common, more is not.
const NESTING: u32 = 2;

/// Bytes by which a file is known.
const HEAD: u64 = 8 << 10;

struct Search<'l, 's, 't> {
    limits: &'l Limits,
    run: &'s Run,
    budget: RefCell<Budget<'l>>,
    into: Surveyed<'s>,
    tick: &'t mut dyn FnMut() -> Result<(), FileError>,
}

impl<'s> Search<'_, 's, '_> {
    fn look(
        &mut self,
        name: &str,
        way: Way<'s>,
        member: Option<String>,
        level: u32,
    ) -> Result<(), FileError> {
        let mut head = Vec::new();
        way.open(self.run, None, &mut |bytes| {
            bytes.take(HEAD).read_to_end(&mut head).map_err(FileError::of_io).map(|_| ())
        })?;
        let (gzip, zip) = (head.starts_with(&[0x1f, 0x8b]), head.starts_with(b"PK\x03\x04"));
        if (gzip || zip) && level > NESTING {
            return Err(FileError::WrongMagic(
                "archives nested in archives are not read; unpack them first".into(),
            ));
        }
        if gzip {
            self.into.wrapping = if level == 0 { Wrapping::Gzip } else { self.into.wrapping };
            let way = Way { gzips: way.gzips + 1, ..way };
            return self.look(name.trim_end_matches(".gz"), way, member, level + 1);
        }
        if zip {
            return self.unzip(way, member, level);
        }
        super::magic::check(name, &head)?;
        let mut facts = None;
        let (run, budget, tick) = (self.run, &self.budget, &mut self.tick);
        run.bytes.store(0, Ordering::Relaxed);
        way.open(run, Some(budget), &mut |bytes| {
            facts = Some(encoding::survey(&head, bytes, tick)?);
            Ok(())
        })?;
        let Some(facts) = facts.filter(|facts| !facts.blank) else {
            return if member.is_some() { Ok(()) } else { Err(FileError::Empty) };
        };
        self.into.saw(facts.name());
        let mut text = Text { way, facts, json: false, run };
        let mut beginning = Vec::new();
        text.read(&mut |bytes| {
            bytes.take(HEAD).read_to_end(&mut beginning).map_err(FileError::of_io).map(|_| ())
        })?;
        text.json = String::from_utf8_lossy(&beginning).trim_start().starts_with(['{', '[']);
        self.into.parts.push(Part { member, body: Body::Text(text) });
        Ok(())
    }

    fn unzip(&mut self, way: Way<'s>, member: Option<String>, level: u32) -> Result<(), FileError> {
        let way = if way.seekable() { way } else { self.hold(&way, "an archive in an archive")? };
        let archive = |way: &Way<'s>| {
            let base = way.base(self.run)?;
            Ok(zip::ZipArchive::new(base).map_err(|error| broken("zip", &error))?.len())
        };
        let count: Result<usize, FileError> = archive(&way);
        let count = count?;
        if count > self.limits.entries {
            return Err(FileError::TooLarge {
                what: "the number of files in the archive",
                limit: self.limits.entries.to_string(),
                line: None,
            });
        }
        if let Some(way) = self.workbook(&way)? {
            // The XML inside is UTF-8.
            self.into.saw("utf-8");
            let Base::Held(bytes) = way.base else { return Err(FileError::Empty) };
            self.into.parts.push(Part { member, body: Body::Workbook(bytes) });
            return Ok(());
        }
        self.into.wrapping = if level == 0 { Wrapping::Zip } else { self.into.wrapping };
        for index in 0..count {
            let Some(name) = self.entry(&way, index)? else { continue };
            let way = Way { member: Some(index), ..way.clone() };
            self.look(&name, way, Some(name.clone()), level + 1)
                .map_err(|error| error.in_member(Some(&name)))?;
        }
        Ok(())
    }

    /// The name of a member, unless it is a folder, or what macOS and Windows add by themselves.
    fn entry(&self, way: &Way<'s>, index: usize) -> Result<Option<String>, FileError> {
        let mut archive = zip::ZipArchive::new(way.base(self.run)?).map_err(|error| broken("zip", &error))?;
        let entry = archive.by_index(index).map_err(|error| broken("zip", &error))?;
        let name = entry.name().map_err(|error| broken("zip", &error))?.into_owned();
        let base = name.rsplit('/').next().unwrap_or_default();
        let foreign =
            entry.is_dir() || name.starts_with("__MACOSX/") || base.starts_with('.') || base == "Thumbs.db";
        Ok(if foreign { None } else { Some(name) })
    }

    /// The bytes of a workbook, held in memory once it is counted what they unpack to; none if the
    /// archive is no workbook.
    fn workbook(&self, way: &Way<'s>) -> Result<Option<Way<'s>>, FileError> {
        let mut archive = zip::ZipArchive::new(way.base(self.run)?).map_err(|error| broken("zip", &error))?;
        if archive.index_for_name("xl/workbook.xml").is_none() {
            return Ok(None);
        }
        self.count_workbook(&mut archive)?;
        Ok(Some(self.hold(way, "the spreadsheet")?))
    }

    /// Counts what a workbook unpacks to before anything reads it.
    fn count_workbook<R: Read + io::Seek>(&self, archive: &mut zip::ZipArchive<R>) -> Result<(), FileError> {
        let cap = self.limits.spreadsheet_inflated;
        let packed = self.budget.borrow().packed;
        let mut total = 0_u64;
        let mut buffer = vec![0; 64 << 10];
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(|error| broken("xlsx", &error))?;
            loop {
                let count = entry.read(&mut buffer).map_err(|error| broken("xlsx", &error))?;
                if count == 0 {
                    break;
                }
                self.budget.borrow_mut().take(count)?;
                total += count as u64;
                // Its reader is slow, and no sheet packs this well: asked earlier than of other files.
                if total > WORKBOOK_RATIO_FROM && total / packed.max(1) > self.limits.ratio {
                    return Err(FileError::Ratio { limit: self.limits.ratio });
                }
                if total > cap {
                    return Err(FileError::TooLarge {
                        what: "the unpacked spreadsheet",
                        limit: format!("{}; save the sheet as CSV", bytes_text(cap)),
                        line: None,
                    });
                }
            }
        }
        Ok(())
    }

    /// Holds in memory what must be read in any order.
    fn hold(&self, way: &Way<'s>, what: &'static str) -> Result<Way<'s>, FileError> {
        if way.seekable() && matches!(way.base, Base::Held(_)) {
            return Ok(way.clone());
        }
        let most = self.limits.spreadsheet_inflated;
        let mut held = Vec::new();
        way.open(self.run, Some(&self.budget), &mut |bytes| {
            bytes.take(most.saturating_add(1)).read_to_end(&mut held).map_err(FileError::of_io).map(|_| ())
        })?;
        if held.len() as u64 > most {
            return Err(FileError::TooLarge { what, limit: bytes_text(most), line: None });
        }
        Ok(Way { base: Base::Held(Arc::new(held)), member: None, gzips: 0 })
    }
}

/// Bytes of a workbook from which the ratio counts.
const WORKBOOK_RATIO_FROM: u64 = 1 << 20;
