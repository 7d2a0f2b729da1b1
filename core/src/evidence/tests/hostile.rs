//! Archives that nobody honest writes.

use super::*;
use proptest::prelude::*;
use std::io::Write as _;

/// One entry: its name in its own head and in the directory, its bytes, the length that it claims.
struct Raw<'r> {
    names: [&'r str; 2],
    bytes: &'r [u8],
    claims: Option<u32>,
    flags: u16,
    attributes: u32,
}

fn raw<'r>(name: &'r str, bytes: &'r [u8]) -> Raw<'r> {
    Raw { names: [name, name], bytes, claims: None, flags: 0, attributes: 0o100_644 << 16 }
}

fn zip(entries: &[Raw<'_>]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        deflate.write_all(entry.bytes).unwrap();
        let packed = deflate.finish().unwrap();
        let mut crc = flate2::Crc::new();
        crc.update(entry.bytes);
        let shared = |name: &str| {
            let mut head = Vec::new();
            for short in [20, entry.flags, 8, 0, 0x21] {
                head.extend(short.to_le_bytes());
            }
            let size = entry.claims.unwrap_or_else(|| u32::try_from(entry.bytes.len()).unwrap());
            for long in [crc.sum(), u32::try_from(packed.len()).unwrap(), size] {
                head.extend(long.to_le_bytes());
            }
            head.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
            head.extend([0, 0]);
            head
        };
        let offset = u32::try_from(out.len()).unwrap();
        out.extend(0x0403_4b50_u32.to_le_bytes());
        out.extend(shared(entry.names[0]));
        out.extend(entry.names[0].as_bytes());
        out.extend(&packed);
        directory.extend(0x0201_4b50_u32.to_le_bytes());
        directory.extend(0x0314_u16.to_le_bytes());
        directory.extend(shared(entry.names[1]));
        directory.extend([0; 6]);
        directory.extend(entry.attributes.to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(entry.names[1].as_bytes());
    }
    let at = u32::try_from(out.len()).unwrap();
    let count = u16::try_from(entries.len()).unwrap();
    out.extend(&directory);
    out.extend(0x0605_4b50_u32.to_le_bytes());
    out.extend([0; 4]);
    out.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    out.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

#[track_caller]
fn refused(bundle: &[u8], part: &str) {
    let (_, says) = failure(bundle);
    assert!(says.contains(part), "{says}");
}

#[test]
fn the_same_files_packed_by_hand_are_a_bundle() {
    let files = unpacked(sample());
    let entries: Vec<Raw<'_>> = files.iter().map(|(path, bytes)| raw(path, bytes)).collect();
    assert_eq!(checked(&zip(&entries)).first_failure(), None);
}

#[test]
fn what_is_no_archive_is_refused() {
    for nothing in [&b""[..], b"PK", b"hello", &[0; 22], &[0xff; 4000]] {
        refused(nothing, "not a whole zip archive");
    }
    refused(&zip(&[]), "manifest.json is missing");
}

#[test]
fn paths_that_lead_elsewhere_are_refused() {
    for path in ["../x", "/etc/x", "a\\b", "a//b", "a/", ".x", "a/../b", "C:x", "", "caf\u{e9}", "a b"] {
        refused(&zip(&[raw(path, b"x")]), "no path of a bundle's file");
    }
    refused(&zip(&[raw(&"a".repeat(201), b"x")]), "no path of a bundle's file");
}

#[test]
fn two_files_of_one_name_are_refused() {
    refused(&zip(&[raw("gaps.csv", b"x"), raw("gaps.csv", b"y")]), "gaps.csv is in the archive twice");
    refused(&zip(&[raw("gaps.csv", b"x"), raw("GAPS.csv", b"y")]), "twice");
    let two = Raw { names: ["gaps.csv", "gaqs.csv"], ..raw("", b"x") };
    refused(&zip(&[two]), "another head");
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    let zeros = vec![0; 20_000_000];
    let small = Raw { claims: Some(1000), ..raw("manifest.json", &zeros) };
    refused(&zip(&[small]), "manifest.json is longer than the archive says");
    let large = Raw { claims: Some(u32::MAX), ..raw("manifest.json", b"x") };
    refused(&zip(&[large]), "come to more than 1024 MB");
    let names: Vec<String> = (0..10_001).map(|number| format!("f{number}")).collect();
    let many: Vec<Raw<'_>> = names.iter().map(|name| raw(name, b"")).collect();
    refused(&zip(&many), "more than 10000 files");
}

#[test]
fn entries_of_another_kind_are_refused() {
    refused(&zip(&[Raw { flags: 1, ..raw("x", b"x") }]), "not packed as a bundle's files");
    let link = Raw { attributes: 0o120_777 << 16, ..raw("x", b"/etc/passwd") };
    refused(&zip(&[link]), "another entry");
    let cut = zip(&[raw("manifest.json", b"{}")]);
    refused(&cut[1..], "");
}

#[test]
fn what_is_no_manifest_is_refused() {
    refused(&zip(&[raw("manifest.json", b"{}")]), "manifest.json cannot be read");
    let mut files = unpacked(sample());
    let own = file(&mut files, "manifest.json");
    *own = String::from_utf8(own.clone())
        .unwrap()
        .replace("leakage-evidence/1", "leakage-evidence/9")
        .into_bytes();
    refused(&packed(&files), "does not know");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_given_makes_the_check_fail_otherwise_than_by_saying_so(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        prop_assert!(!checked(&bytes).holds());
        let mut bundle = sample().to_vec();
        for (at, byte) in changes {
            let at = at.index(bundle.len());
            bundle[at] = byte;
        }
        let _ = checked(&bundle);
    }
}
