//! A log that was exported whole.

use super::*;
use crate::evidence::verify::{LogFile, Outcome, verify_log};
use crate::log::{Checkpoint, CheckpointError, Frontier, NoteKey, leaf, leaf_hash};
use serde_json::{Value, json};

const ORIGIN: &str = "msp.example/log";

/// Lines of a log of so many entries, and a checkpoint over the first of them.
fn exported(size: u64, checkpoint_at: u64) -> (Vec<Value>, String) {
    let seal = TestSeal::of(1);
    let key = NoteKey::new(ORIGIN, seal.public_key()).unwrap();
    let (mut tree, mut lines, mut note) = (Frontier::default(), Vec::new(), String::new());
    for place in 0..size {
        let words = leaf(&json!({"place": place, "command": "bill", "salt": "x"})).unwrap();
        tree.append(leaf_hash(&words));
        lines.push(json!({
            "place": place,
            "leaf": leaf_hash(&words),
            "entry": String::from_utf8(words).unwrap(),
            "erased_at": null,
        }));
        if place + 1 == checkpoint_at {
            let sign = |message: &[u8]| Ok::<_, CheckpointError>(seal.sign(message).unwrap());
            note = Checkpoint::of(ORIGIN, &tree).sign(&key, sign).unwrap().to_string();
        }
    }
    (lines, note)
}

fn check(lines: &[Value], checkpoints: &[String], keys: &[[u8; 32]]) -> Verification {
    let text = lines.iter().map(|line| format!("{line}\n")).collect::<Vec<_>>().concat();
    verify_log(LogFile { lines: &mut text.as_bytes(), checkpoints, keys }, &signature)
}

fn own() -> [[u8; 32]; 1] {
    [TestSeal::of(1).public_key()]
}

#[test]
fn a_log_holds_with_a_checkpoint_beside_or_among_its_entries() {
    let (mut lines, note) = exported(9, 6);
    let beside = check(&lines, std::slice::from_ref(&note), &own());
    assert!(beside.holds(), "{beside:?}");
    lines.insert(0, json!({"size": 6, "note": note}));
    let among = check(&lines, &[], &own());
    assert!(among.holds() && among.checks.len() == 3, "{among:?}");
    let unsigned = check(&lines, &[], &[]);
    assert!(unsigned.holds() && unsigned.checks.last().unwrap().outcome == Outcome::Remark);
}

#[test]
fn an_erased_entry_holds_by_its_hash() {
    let (mut lines, note) = exported(5, 5);
    lines[2]["entry"] = Value::Null;
    let checked = check(&lines, &[note], &own());
    assert!(checked.holds() && checked.checks[0].says.contains("1 of them erased"), "{checked:?}");
}

#[test]
fn the_first_entry_that_does_not_hold_is_named() {
    let (lines, note) = exported(7, 7);
    let mut reworded = lines.clone();
    reworded[3]["entry"] = json!(reworded[3]["entry"].as_str().unwrap().replace("bill", "pill"));
    let mut dropped = lines.clone();
    dropped.remove(4);
    let mut swapped = lines.clone();
    swapped.swap(5, 6);
    for (changed, says) in [(reworded, "Entry 3 "), (dropped, "Entry 4 "), (swapped, "Entry 5 ")] {
        let checked = check(&changed, std::slice::from_ref(&note), &own());
        assert!(checked.first_failure().unwrap().says.contains(says), "{checked:?}");
    }
    let shorter = check(&lines[..5], &[note], &own());
    assert!(shorter.first_failure().unwrap().says.contains("entry 5 is missing"), "{shorter:?}");
}

#[test]
fn a_log_that_was_rewritten_as_a_whole_does_not_fit_an_old_checkpoint() {
    let (_, note) = exported(6, 6);
    let (mut lines, _) = exported(6, 6);
    let words = leaf(&json!({"place": 2, "command": "other"})).unwrap();
    lines[2] = json!({"place": 2, "leaf": leaf_hash(&words), "entry": String::from_utf8(words).unwrap()});
    let checked = check(&lines, &[note], &own());
    assert!(checked.first_failure().unwrap().says.contains("one of the first 6 was changed"), "{checked:?}");
    assert!(check(&lines, &[], &own()).checks.iter().any(|check| check.says.contains("No checkpoint")));
}

#[test]
fn a_checkpoint_that_another_key_signed_is_refused() {
    let (lines, note) = exported(4, 4);
    let checked = check(&lines, &[note], &[TestSeal::of(2).public_key()]);
    assert!(checked.first_failure().unwrap().says.contains("none of the keys"), "{checked:?}");
    let nonsense = check(&lines, &["nonsense".to_owned()], &own());
    assert!(nonsense.first_failure().unwrap().says.contains("no signed checkpoint"));
}
