//! Somebody without the key changes a bundle.

use super::*;
use crate::evidence::verify::Outcome;
use proptest::prelude::*;

#[test]
fn a_change_in_any_file_names_that_file() {
    let bundle = sample();
    let files = unpacked(bundle);
    for (index, (path, bytes)) in files.iter().enumerate() {
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut changed = files.clone();
            changed[index].1[at] ^= 0x01;
            let (_, says) = failure(&packed(&changed));
            assert!(says.contains(path.as_str()), "{path} at {at}: {says}");
        }
        let mut longer = files.clone();
        longer[index].1.push(b' ');
        assert!(failure(&packed(&longer)).1.contains(path.as_str()), "{path}");
    }
}

#[test]
fn a_file_that_is_dropped_added_or_moved_is_named() {
    let files = unpacked(sample());
    for index in 0..files.len() {
        let mut dropped = files.clone();
        let (path, _) = dropped.remove(index);
        assert_eq!(failure(&packed(&dropped)).0, Some(path));
    }
    let mut added = files.clone();
    added.insert(3, ("notes.txt".to_owned(), b"x".to_vec()));
    assert_eq!(failure(&packed(&added)).0.as_deref(), Some("notes.txt"));
    for index in 1..files.len() {
        let mut moved = files.clone();
        moved.swap(index - 1, index);
        let (file, says) = failure(&packed(&moved));
        assert!(says.contains("place"), "{says}");
        assert_eq!(file.as_ref(), Some(&files[index].0));
    }
    let mut renamed = files;
    renamed[1].0 = "gap.csv".to_owned();
    assert!(!checked(&packed(&renamed)).holds());
}

#[test]
fn what_the_files_say_is_not_checked_when_they_are_not_as_signed() {
    let mut files = unpacked(sample());
    file(&mut files, "gaps.csv").push(b'\n');
    let verification = checked(&packed(&files));
    let last = verification.checks.last().unwrap();
    assert_eq!(last.outcome, Outcome::Remark);
    assert!(last.says.contains("was not checked"));
}

#[test]
fn a_key_that_nobody_compared_is_told_and_another_one_is_refused() {
    let bundle = sample();
    let alone = verify(bundle, &[], &signature);
    assert!(alone.holds());
    let remark = alone.checks.iter().find(|check| check.outcome == Outcome::Remark).unwrap();
    assert!(remark.says.contains("NOT COMPARED"), "{}", remark.says);
    assert!(remark.says.contains(&crate::evidence::key::fingerprint(&TestSeal::of(1).public_key())));
    let other = [TestSeal::of(2).public_key()];
    let refused = verify(bundle, &other, &signature);
    assert!(refused.first_failure().unwrap().says.contains("none of those that you gave"));
    let several = [TestSeal::of(2).public_key(), TestSeal::of(1).public_key()];
    assert!(verify(bundle, &several, &signature).holds());
}

#[test]
fn a_bundle_that_somebody_else_signed_is_refused() {
    let stranger = TestSeal::of(2);
    let facts = example::logged(facts(), &stranger).unwrap();
    let bundle = write(&facts, &stranger, Cursor::new(Vec::new())).unwrap().0.into_inner();
    assert!(verify(&bundle, &[], &signature).holds());
    assert_eq!(failure(&bundle).0.as_deref(), Some("public-key.pem"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn no_byte_of_the_archive_can_be_changed(at in any::<prop::sample::Index>()) {
        let mut bundle = sample().to_vec();
        let at = at.index(bundle.len());
        bundle[at] ^= 0xff;
        prop_assert!(!checked(&bundle).holds(), "byte {at}");
    }

    #[test]
    fn any_byte_of_any_file_is_found_and_its_file_named(
        which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), by in 1_u8..,
    ) {
        let mut files = unpacked(sample());
        let which = which.index(files.len());
        let at = at.index(files[which].1.len());
        files[which].1[at] ^= by;
        let (_, says) = failure(&packed(&files));
        prop_assert!(says.contains(files[which].0.as_str()), "{says}");
    }

    #[test]
    fn a_bundle_that_was_cut_off_or_grew_is_refused(cut in any::<prop::sample::Index>(), more in 1_usize..40) {
        let bundle = sample();
        prop_assert!(!checked(&bundle[..cut.index(bundle.len())]).holds());
        let longer = [bundle, &vec![0; more]].concat();
        prop_assert!(!checked(&longer).holds());
        let later = [&vec![0; more], bundle].concat();
        prop_assert!(!checked(&later).holds());
    }
}
