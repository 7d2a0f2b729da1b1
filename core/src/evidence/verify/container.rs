//! The zip of a bundle, read so that every byte of it is accounted for.
//!
//! Readers of zips are kind: they find a directory somewhere near the end, take the last of two entries of
//! one name, and pass over what lies between. Two readers can then see two bundles in one file. Ours are
//! written in one way, so only that way is taken: files one after the other from the first byte on, the directory
//! right behind them, its end right behind that.

use std::collections::HashSet;

/// The largest bundle that is looked at.
pub const MOST_BYTES: usize = 1 << 29;
/// What may come out of it altogether.
pub const MOST_INFLATED: u64 = 1 << 30;
/// Files in it at most.
pub const MOST_FILES: usize = 10_000;
/// Length of a path at most.
const MOST_PATH: usize = 200;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const LOCAL_LENGTH: usize = 30;
const CENTRAL_LENGTH: usize = 46;
const END_LENGTH: usize = 22;
const DEFLATED: u16 = 8;
/// 1 January 1980, the first day that a zip can name.
const FIRST_DAY: u16 = 0x21;
/// A regular file that everybody reads and its owner writes.
const ATTRIBUTES: u32 = 0o100_644 << 16;

/// Why an archive, or a file of it, is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// The file, where it is one.
    pub(super) file: Option<String>,
    /// Why, in a sentence.
    pub(super) reason: String,
}

fn whole(reason: impl Into<String>) -> Refused {
    Refused { file: None, reason: reason.into() }
}

fn of(path: &str, reason: &str) -> Refused {
    Refused { file: Some(path.to_owned()), reason: format!("{path} {reason}") }
}

/// The archive.
pub(super) struct Container<'b> {
    members: Vec<Member<'b>>,
}

/// A file of it, packed.
pub(super) struct Member<'b> {
    /// Its path.
    pub(super) path: String,
    /// Its length unpacked, as the directory says.
    size: u32,
    crc: u32,
    packed: &'b [u8],
}

/// Numbers at places.
#[derive(Clone, Copy)]
struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    fn at(bytes: &'b [u8], from: usize, length: usize) -> Option<Self> {
        bytes.get(from..from.checked_add(length)?).map(Self)
    }

    fn short(self, at: usize) -> u16 {
        let two = self.0.get(at..at + 2).and_then(|bytes| bytes.try_into().ok());
        two.map_or(0, u16::from_le_bytes)
    }

    fn long(self, at: usize) -> u32 {
        let four = self.0.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        four.map_or(0, u32::from_le_bytes)
    }
}

impl<'b> Container<'b> {
    /// Reads the directory and holds it against the files.
    pub(super) fn open(bytes: &'b [u8]) -> Result<Self, Refused> {
        if bytes.len() > MOST_BYTES {
            return Err(whole(format!("The file is larger than {} MB.", MOST_BYTES >> 20)));
        }
        let end = bytes.len().checked_sub(END_LENGTH);
        let end = end.and_then(|at| Some((at, Fields::at(bytes, at, END_LENGTH)?)));
        let Some((directory_end, end)) = end.filter(|(_, end)| end.long(0) == END) else {
            return Err(whole("The file is not a whole zip archive, or something follows its end."));
        };
        let count = end.short(10);
        // One disk, no comment.
        if (end.short(4), end.short(6), end.short(8), end.short(20)) != (0, 0, count, 0) {
            return Err(whole("The end of the archive is not as it was written."));
        }
        let (length, directory) = (end.long(12) as usize, end.long(16) as usize);
        if usize::from(count) > MOST_FILES {
            return Err(whole(format!("The archive has more than {MOST_FILES} files.")));
        }
        if directory.checked_add(length) != Some(directory_end) {
            return Err(whole("Something stands between the archive's directory and its end."));
        }
        let mut reader = Reader { bytes, directory_at: directory, local_at: 0, directory };
        let members: Vec<Member<'b>> = (0..count).map(|_| reader.next()).collect::<Result<_, _>>()?;
        if (reader.directory_at, reader.local_at) != (directory_end, directory) {
            return Err(whole("Something stands between the files of the archive and its directory."));
        }
        let container = Self { members };
        container.sound()?;
        Ok(container)
    }

    fn sound(&self) -> Result<(), Refused> {
        let mut seen = HashSet::new();
        let mut inflated = 0_u64;
        for member in &self.members {
            if !seen.insert(member.path.to_ascii_lowercase()) {
                return Err(of(&member.path, "is in the archive twice."));
            }
            inflated += u64::from(member.size);
        }
        if inflated > MOST_INFLATED {
            return Err(whole(format!("The files come to more than {} MB.", MOST_INFLATED >> 20)));
        }
        Ok(())
    }

    /// Its files in order.
    pub(super) fn members(&self) -> &[Member<'b>] {
        &self.members
    }

    /// A file by its path, unpacked.
    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, Refused> {
        let member = self.members.iter().find(|member| member.path == path);
        let member = member.ok_or_else(|| of(path, "is missing."))?;
        let mut bytes = Vec::new();
        member.unpack(&mut |part| bytes.extend_from_slice(part))?;
        Ok(bytes)
    }
}

/// Goes through directory and files side by side.
struct Reader<'b> {
    bytes: &'b [u8],
    directory_at: usize,
    local_at: usize,
    /// Where files end.
    directory: usize,
}

impl<'b> Reader<'b> {
    fn next(&mut self) -> Result<Member<'b>, Refused> {
        let torn = || whole("The archive's directory is not as it was written.");
        let entry = Fields::at(self.bytes, self.directory_at, CENTRAL_LENGTH).ok_or_else(torn)?;
        let length = usize::from(entry.short(28));
        let name = self.bytes.get(self.directory_at + CENTRAL_LENGTH..).and_then(|rest| rest.get(..length));
        let path = plain(name.ok_or_else(torn)?)?;
        let changed = || of(&path, "has another entry in the archive's directory than was written.");
        let written = entry.long(0) == CENTRAL
            && usize::try_from(entry.long(42)) == Ok(self.local_at)
            && (entry.short(30), entry.short(32), entry.short(34), entry.short(36)) == (0, 0, 0, 0)
            && entry.long(38) == ATTRIBUTES
            && entry.short(4) == MADE_BY;
        if !written {
            return Err(changed());
        }
        let local = Fields::at(self.bytes, self.local_at, LOCAL_LENGTH).ok_or_else(changed)?;
        // From the version that is needed to the length of what is extra, both say the same.
        let same = local.0.get(4..30) == entry.0.get(6..32);
        let own_name = self.bytes.get(self.local_at + LOCAL_LENGTH..).and_then(|rest| rest.get(..length));
        if local.long(0) != LOCAL || !same || own_name != name {
            return Err(of(&path, "has another head than the archive's directory says."));
        }
        let expected = (NEEDED, 0, DEFLATED, 0, FIRST_DAY);
        if (local.short(4), local.short(6), local.short(8), local.short(10), local.short(12)) != expected {
            return Err(of(&path, "is not packed as a bundle's files are."));
        }
        let from = self.local_at + LOCAL_LENGTH + length;
        let until = from.checked_add(local.long(18) as usize).filter(|until| *until <= self.directory);
        let packed = until.and_then(|until| self.bytes.get(from..until)).ok_or_else(changed)?;
        self.directory_at += CENTRAL_LENGTH + length;
        self.local_at = from + packed.len();
        Ok(Member { path, size: local.long(22), crc: local.long(14), packed })
    }
}

/// Made by a program for Unix, by version 2.0 of the format.
const MADE_BY: u16 = 0x0314;
/// Version 2.0 of the format.
const NEEDED: u16 = 20;

/// A path that leads nowhere else: letters, digits, dots, dashes, folders below this one.
fn plain(name: &[u8]) -> Result<String, Refused> {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/');
    let path = std::str::from_utf8(name).ok().filter(|_| name.iter().all(fits) && name.len() <= MOST_PATH);
    let parts = |path: &&str| path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    path.filter(parts).map(str::to_owned).ok_or_else(|| {
        let shown = String::from_utf8_lossy(name).escape_debug().take(MOST_PATH).collect::<String>();
        Refused {
            file: Some(shown.clone()),
            reason: format!("The archive names a file `{shown}`, which is no path of a bundle's file."),
        }
    })
}

impl Member<'_> {
    /// Unpacks it and gives what comes out, part by part. It stops at the length that the directory says.
    pub(super) fn unpack(&self, each: &mut dyn FnMut(&[u8])) -> Result<(), Refused> {
        let torn = || of(&self.path, "cannot be unpacked: it was changed or cut off.");
        let mut inflate = flate2::Decompress::new(false);
        let (mut crc, mut buffer) = (flate2::Crc::new(), vec![0; 1 << 16]);
        loop {
            let read = usize::try_from(inflate.total_in()).ok();
            let rest = read.and_then(|read| self.packed.get(read..)).unwrap_or_default();
            let (taken, given) = (inflate.total_in(), inflate.total_out());
            let status = inflate.decompress(rest, &mut buffer, flate2::FlushDecompress::None);
            let status = status.map_err(|_| torn())?;
            let out = usize::try_from(inflate.total_out() - given).unwrap_or_default();
            let part = buffer.get(..out).unwrap_or_default();
            if inflate.total_out() > u64::from(self.size) {
                return Err(of(&self.path, "is longer than the archive says."));
            }
            crc.update(part);
            each(part);
            if status == flate2::Status::StreamEnd {
                break;
            }
            if (inflate.total_in(), inflate.total_out()) == (taken, given) {
                return Err(torn());
            }
        }
        let whole = inflate.total_in() == self.packed.len() as u64
            && inflate.total_out() == u64::from(self.size)
            && crc.sum() == self.crc;
        if whole { Ok(()) } else { Err(torn()) }
    }
}
