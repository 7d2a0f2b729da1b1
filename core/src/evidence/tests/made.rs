//! What a bundle holds, and what is refused when it is made.

use super::*;
use crate::evidence::facts::{Captured, Erasure, Predecessor};
use crate::evidence::{BundleError, frozen_digest};
use crate::log::leaf_hash;

#[test]
fn the_same_facts_give_the_same_bytes() {
    assert_eq!(bundle_of(facts()), bundle_of(facts()));
}

#[test]
fn a_bundle_holds_and_says_every_check() {
    let verification = checked(&bundle_of(facts()));
    assert_eq!(verification.first_failure(), None);
    let said: Vec<&str> = verification.checks.iter().map(|check| check.says.as_str()).collect();
    for part in [
        "signed with that key",
        "one that you gave",
        "gaps.csv is as it was signed",
        "gaps.csv says the same as audit.json: 24 months of 3 lines",
        "The ledger adds up",
        "12 source rows",
        "1 letters are those that were written",
        "3 entries of the timeline",
        "checkpoint.txt is signed",
        "Entry 4 of the log names the digest of these files",
    ] {
        assert!(said.iter().any(|says| says.contains(part)), "{part}\n{}", said.join("\n"));
    }
}

#[test]
fn every_file_is_there_and_in_order() {
    let bundle = bundle_of(facts());
    let files: Vec<String> = unpacked(&bundle).into_iter().map(|(path, _)| path).collect();
    assert_eq!(
        files,
        [
            "README.txt",
            "report.pdf",
            "gaps.csv",
            "audit.json",
            "correction.json",
            "source-rows.csv",
            "provisioning.csv",
            "activity.csv",
            "letters/001-first_notice.txt",
            "letters/001-first_notice.html",
            "letters/index.json",
            "replies/001-1-Our-letter.txt",
            "replies/index.json",
            "timeline.json",
            "checkpoint.txt",
            "public-key.pem",
            "manifest.json",
            "manifest.sig",
            "SHA256SUMS",
        ]
    );
}

#[test]
fn figures_and_rows_are_those_of_the_facts() {
    let bundle = bundle_of(facts());
    let gaps = text(&bundle, "gaps.csv");
    assert_eq!(gaps.lines().count(), 25);
    assert!(gaps.contains(
        "1,gap-0001,Microsoft 365 Business Premium,SPB,under,under_billed,2026-02,22,20,2.000000,44.00,USD,claimed,false,false"
    ));
    let rows = text(&bundle, "source-rows.csv");
    assert!(rows.contains("header,"), "{rows}");
    assert!(rows.contains(",\"'=HYPERLINK(\"\"x\"\")\",-3.87\n"), "{rows}");
    assert!(rows.contains(",Users,2,1,counted,Person0 Surname0,user0@contoso.test,"), "{rows}");
    let correction = text(&bundle, "correction.json");
    assert!(correction.contains(r#""balance":{"billed":{"minor":13200"#), "{correction}");
}

#[test]
fn versions_are_linked_by_the_digest_of_the_manifest() {
    let first = write(&logged(facts()), &TestSeal::of(1), Cursor::new(Vec::new())).unwrap().1;
    let mut next = facts();
    next.bundle.version = 2;
    next.bundle.predecessor =
        Some(Predecessor { version: 1, manifest_sha256: first.manifest_sha256.clone() });
    let bundle = bundle_of(next);
    assert!(checked(&bundle).holds());
    assert!(text(&bundle, "manifest.json").contains(&first.manifest_sha256));
    assert!(text(&bundle, "README.txt").contains(&first.manifest_sha256));
}

#[test]
fn facts_that_the_log_does_not_know_make_no_bundle() {
    let seal = TestSeal::of(1);
    let made = |facts: &Facts| write(facts, &seal, Cursor::new(Vec::new())).map(|_| ()).unwrap_err();
    assert!(matches!(made(&facts()), BundleError::NotLogged));
    let mut changed = logged(facts());
    changed.correction.version += 1;
    assert!(matches!(made(&changed), BundleError::NotFrozen { place: 4, .. }));
    let mut other = logged(facts());
    other.log.as_mut().unwrap().entries[0].entry = Some("{}".to_owned());
    assert!(matches!(made(&other), BundleError::Entry { place: 1, .. }));
    let mut stranger = logged(facts());
    stranger.log = example::logged(facts(), &TestSeal::of(2)).unwrap().log;
    assert!(matches!(made(&stranger), BundleError::Checkpoint(_)));
}

#[test]
fn the_log_is_no_part_of_what_is_frozen() {
    let seal = TestSeal::of(1);
    let before = frozen_digest(&facts(), &seal).unwrap();
    assert_eq!(frozen_digest(&logged(facts()), &seal).unwrap(), before);
}

#[test]
fn a_file_that_is_another_one_and_rows_of_unknown_files_are_refused() {
    let seal = TestSeal::of(1);
    let mut wrong = facts();
    wrong.replies[0].attachments[0].bytes = Some(b"other".to_vec());
    assert!(matches!(frozen_digest(&wrong, &seal), Err(BundleError::Attachment { .. })));
    let mut wrong = facts();
    wrong.inputs.pop();
    assert!(matches!(frozen_digest(&wrong, &seal), Err(BundleError::Input { .. })));
}

#[test]
fn what_was_erased_shows_its_leaf_only_and_the_log_still_holds() {
    let mut facts = facts();
    let erasure = Erasure { leaf: leaf_hash(b"x"), erased_on: "2026-11-20".parse().unwrap() };
    facts.provisioning[0] = Captured::Erased(erasure.clone());
    facts.activity[0] = Captured::Erased(erasure.clone());
    facts.replies[0].attachments[0].bytes = None;
    let mut facts = logged(facts);
    facts.log.as_mut().unwrap().entries[1].entry = None;
    let bundle = write(&facts, &TestSeal::of(1), Cursor::new(Vec::new())).unwrap().0.into_inner();
    let verification = checked(&bundle);
    assert_eq!(verification.first_failure(), None);
    assert!(verification.checks.iter().any(|check| check.says.contains("of 1 nothing is left")));
    let expected = format!("erased,2026-11-20,{}\n", erasure.leaf);
    for path in ["provisioning.csv", "activity.csv"] {
        assert!(text(&bundle, path).contains(&expected), "{path}");
    }
    assert!(text(&bundle, "replies/index.json").contains(r#""withheld":"erased""#));
}

#[test]
fn facts_are_kept_as_json_without_loss() {
    let facts = logged(facts());
    let kept: Facts = serde_json::from_str(&serde_json::to_string(&facts).unwrap()).unwrap();
    assert_eq!(kept, facts);
}

#[test]
fn where_no_letter_is_kept_the_bundle_says_what_was_recorded_and_makes_up_none() {
    let mut facts = facts();
    facts.letters.clear();
    facts.told = Some(crate::evidence::facts::Told {
        by: "user:0190".to_owned(),
        at: "2026-11-22T09:00:00Z".parse().unwrap(),
        on: "2026-11-22".parse().unwrap(),
        to: None,
        channel: None,
        reference: None,
        context: "We rang.".to_owned(),
        data: "Two seats.".to_owned(),
        going_forward: "22 seats from December on.".to_owned(),
    });
    let bundle = bundle_of(facts);
    assert_eq!(checked(&bundle).first_failure(), None);
    let recorded = text(&bundle, "letters/told.json");
    for said in [
        r#""letter_kept":false"#,
        r#""context":"We rang.""#,
        r#""to":null"#,
        r#""channel":null"#,
        r#""on":"2026-11-22""#,
        "the service keeps no letter",
    ] {
        assert!(recorded.contains(said), "{said}\n{recorded}");
    }
    assert_eq!(text(&bundle, "letters/index.json"), "[]");
    let paths: Vec<String> = unpacked(&bundle).into_iter().map(|(path, _)| path).collect();
    assert!(!paths.iter().any(|path| path.starts_with("letters/") && path.contains(".txt")), "{paths:?}");
}

#[test]
fn a_letter_that_waits_to_be_sent_says_so_and_one_with_an_erased_person_keeps_its_digest() {
    let mut facts = facts();
    let mut waiting = facts.letters[0].clone();
    (waiting.number, waiting.sent_at) = (2, None);
    facts.letters.push(waiting);
    facts.letters[0].text = facts.letters[0].text.replace("Casey Client", "erased-0123456789abcdef");
    facts.letters[0].erased_at = Some("2026-11-25T00:00:00Z".parse().unwrap());
    let bundle = bundle_of(facts.clone());
    let verification = checked(&bundle);
    assert_eq!(verification.first_failure(), None);
    let says = "1 of 2 letters are those that were written (SHA-256); from 1 a person was erased";
    assert!(verification.checks.iter().any(|check| check.says.contains(says)), "{verification:#?}");
    let index = text(&bundle, "letters/index.json");
    assert!(index.contains(r#""sent_at":null"#) && index.contains(&facts.letters[0].sha256), "{index}");
    // Other words without an erasure are found out.
    facts.letters[0].erased_at = None;
    assert!(failure(&bundle_of(facts)).1.contains("its digest is another"));
}

#[test]
fn a_version_that_was_not_recorded_is_not_made_up() {
    let mut facts = facts();
    facts.audit.engine_version = None;
    let bundle = bundle_of(facts);
    assert!(text(&bundle, "manifest.json").contains(r#""engine_version":null"#));
    assert!(text(&bundle, "audit.json").contains(r#""engine_version":null"#));
    assert!(text(&bundle, "README.txt").contains("Audit made by version (not recorded)"));
    assert_eq!(checked(&bundle).first_failure(), None);
}
