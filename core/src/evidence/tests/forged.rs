//! Somebody with the key signs files that do not agree: what they say is checked, too.

use super::*;
use crate::evidence::verify::Check;
use serde_json::Value;

/// The first failure of a bundle in which one file was changed and signed anew.
fn forged(path: &str, change: impl FnOnce(&str) -> String) -> Check {
    let mut files = unpacked(sample());
    let own = file(&mut files, path);
    let before = String::from_utf8(own.clone()).unwrap();
    let after = change(&before);
    assert_ne!(before, after, "nothing was changed in {path}");
    *own = after.into_bytes();
    let bundle = resealed(files, |_| ());
    let verification = checked(&bundle);
    verification.first_failure().cloned().unwrap_or_else(|| panic!("{path}: {verification:#?}"))
}

fn json(path: &str, change: impl FnOnce(&mut Value)) -> Check {
    forged(path, |text| {
        let mut value: Value = serde_json::from_str(text).unwrap();
        change(&mut value);
        crate::digest::canonical(&value).unwrap().0
    })
}

#[track_caller]
fn says(check: &Check, file: &str, part: &str) {
    assert_eq!(check.file.as_deref(), Some(file), "{}", check.says);
    assert!(check.says.contains(part), "{}", check.says);
}

#[test]
fn a_table_that_differs_from_the_audit_is_named_by_cell() {
    says(
        &forged("gaps.csv", |text| text.replacen("44.00", "45.00", 1)),
        "gaps.csv",
        "row 2: amount is `45.00`",
    );
    says(
        &forged("gaps.csv", |text| format!("{text}1,2,3\n")),
        "gaps.csv",
        "a row that audit.json does not have",
    );
    says(
        &forged("gaps.csv", |text| text.split_inclusive('\n').take(5).collect()),
        "gaps.csv",
        "ends before row 6",
    );
}

#[test]
fn months_that_do_not_add_up_to_the_gap_are_named() {
    let check = json("audit.json", |audit| {
        audit["gaps"][1]["gap"]["amount"]["amount"] = "400.00".into();
    });
    says(&check, "audit.json", "gap gap-0002: the claimed months add up to 352.00, and not to 400.00");
    let check = json("audit.json", |audit| audit["audit"]["digest"] = "sha256:00".into());
    says(&check, "audit.json", "another audit");
}

#[test]
fn a_ledger_that_does_not_add_up_is_named() {
    let check = json("correction.json", |of| of["ledger"]["entries"][0]["quantity"]["minor"] = 100.into());
    says(&check, "correction.json", "takes more than there is in 2026-02 of line 1");
    let check = json("correction.json", |of| of["ledger"]["balance"]["outstanding"]["minor"] = 1.into());
    says(&check, "correction.json", "balances");
    let check = json("correction.json", |of| {
        of["ledger"]["entries"][0]["quantity"]["minor"] = (1_i64 << 62).into();
        of["ledger"]["entries"][1]["quantity"]["minor"] = (1_i64 << 62).into();
    });
    says(&check, "correction.json", "cannot be right");
    let check = json("correction.json", |of| of["ledger"]["entries"][0]["seq"] = 7.into());
    says(&check, "correction.json", "numbered");
}

#[test]
fn rows_of_files_that_the_manifest_lacks_are_named() {
    let other = crate::digest::of_bytes(b"other");
    let own = crate::digest::of_bytes(b"billing.csv");
    let check = forged("source-rows.csv", |text| text.replacen(&own, &other, 1));
    says(&check, "source-rows.csv", "a row of the file `billing.csv`");
}

#[test]
fn letters_and_replies_that_are_others_are_named() {
    let path = "letters/001-first_notice.txt";
    says(&forged(path, |text| text.replace("two", "three")), path, "not the letter that was written");
    let path = "replies/001-1-Our-letter.txt";
    says(&forged(path, |text| text.replace("not ", "")), path, "not the file that the reply came with");
}

#[test]
fn a_timeline_that_is_not_the_log_is_named() {
    let path = "timeline.json";
    let check =
        json(path, |timeline| timeline["entries"][0]["entry"]["after"]["outstanding"] = "1.00".into());
    says(&check, path, "entry 1 is not what the log has");
    let check = json(path, |timeline| {
        let entries = timeline["entries"].as_array_mut().unwrap();
        entries.swap(0, 1);
    });
    says(&check, path, "not in the order of the log");
    let check = json(path, |timeline| {
        timeline["entries"][1]["proof"].as_array_mut().unwrap().pop();
    });
    says(&check, path, "entry 2 is not in the log");
    let check = json(path, |timeline| {
        timeline["entries"][0]["entry"] = Value::Null;
    });
    says(&check, path, "entry 1 does not show what it should");
    let check = json(path, |timeline| timeline["entries"][0]["state"] = "pseudonymised".into());
    says(&check, path, "entry 1 does not show what it should");
    let check = json(path, |timeline| timeline["size"] = 6.into());
    says(&check, path, "another checkpoint");
    let check = json(path, |timeline| {
        timeline["entries"].as_array_mut().unwrap().pop();
    });
    says(&check, path, "entry 4 does not name the digest");
}

#[test]
fn a_checkpoint_that_is_not_signed_is_named() {
    let check = forged("checkpoint.txt", |text| text.replacen("\n5\n", "\n6\n", 1));
    says(&check, "checkpoint.txt", "does not fit the text");
}

#[test]
fn files_that_the_log_does_not_know_are_found() {
    // A file that nothing else checks: only the log tells that it was another one.
    let check = forged("activity.csv", |text| text.replacen("Legal", "Sales", 1));
    says(&check, "manifest.json", "what was frozen is not that of the files");
    let mut files = unpacked(sample());
    let own = file(&mut files, "activity.csv");
    *own = String::from_utf8(own.clone()).unwrap().replacen("Legal", "Sales", 1).into_bytes();
    let bundle = resealed(files, |manifest| {
        manifest.frozen.digest = super::manifest::frozen_digest(&manifest.files);
    });
    let (file, text) = failure(&bundle);
    assert_eq!(file.as_deref(), Some("timeline.json"), "{text}");
}
