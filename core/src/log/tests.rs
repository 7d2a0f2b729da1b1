//! The tree against the vectors of RFC 6962's own implementation, proofs of all sizes, and the text forms
//! against notes that other tools made.

use super::*;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use proptest::prelude::*;
use serde_json::json;

/// The entries of the test tree of certificate-transparency.
const ENTRIES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

/// Its roots, by size.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn hash(hex: &str) -> Hash {
    Hash::new(bytes(hex).try_into().unwrap())
}

fn hashes(hex: &[&str]) -> Vec<Hash> {
    hex.iter().map(|hex| hash(hex)).collect()
}

fn leaves() -> Vec<Hash> {
    ENTRIES.iter().map(|entry| leaf_hash(&bytes(entry))).collect()
}

fn some_leaves(size: usize) -> Vec<Hash> {
    (0..size).map(|entry| leaf_hash(entry.to_string().as_bytes())).collect()
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap()
}

#[test]
fn roots_are_those_of_the_reference_tree() {
    let mut frontier = Frontier::default();
    for (size, expected) in ROOTS.iter().enumerate() {
        assert_eq!(root(&leaves()[..size]), hash(expected), "{size}");
        assert_eq!(frontier.root(), hash(expected), "{size}");
        assert_eq!(Frontier::of(frontier.size(), frontier.peaks().to_vec()), Some(frontier.clone()));
        if size < 8 {
            assert_eq!(frontier.append(leaves()[size]), wide(size));
        }
    }
    assert_eq!(Frontier::of(3, vec![empty_root()]), None);
}

#[test]
fn inclusion_proofs_are_those_of_the_reference_tree() {
    let cases: [(usize, usize, &[&str]); 5] = [
        (0, 1, &[]),
        (
            0,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            &[
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (
            1,
            5,
            &[
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ];
    for (place, size, path) in cases {
        assert_eq!(inclusion_proof(&leaves()[..size], place), Ok(hashes(path)), "{place} of {size}");
        verify_inclusion(leaves()[place], wide(place), wide(size), &hashes(path), hash(ROOTS[size])).unwrap();
    }
}

#[test]
fn consistency_proofs_are_those_of_the_reference_tree() {
    let cases: [(usize, usize, &[&str]); 4] = [
        (1, 1, &[]),
        (
            1,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            &[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            &[
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ];
    for (first, second, path) in cases {
        assert_eq!(consistency_proof(&leaves()[..second], first), Ok(hashes(path)), "{first} to {second}");
        let of = |size: usize| (wide(size), hash(ROOTS[size]));
        verify_consistency(of(first), of(second), &hashes(path)).unwrap();
    }
}

#[test]
fn every_proof_of_every_size_holds_and_no_other_does() {
    for size in 1..=40 {
        let leaves = some_leaves(size);
        let top = root(&leaves);
        for place in 0..size {
            let proof = inclusion_proof(&leaves, place).unwrap();
            verify_inclusion(leaves[place], wide(place), wide(size), &proof, top).unwrap();
            for other in (0..size).filter(|other| *other != place) {
                assert!(verify_inclusion(leaves[place], wide(other), wide(size), &proof, top).is_err());
            }
        }
        for first in 0..=size {
            let before = root(&leaves[..first]);
            let proof = consistency_proof(&leaves, first).unwrap();
            verify_consistency((wide(first), before), (wide(size), top), &proof).unwrap();
            let forged = leaf_hash(b"forged");
            assert!(verify_consistency((wide(first), forged), (wide(size), top), &proof).is_err());
            assert!(
                verify_consistency((wide(first), before), (wide(size), forged), &proof).is_err()
                    || first == 0
            );
        }
    }
    assert!(inclusion_proof(&some_leaves(3), 3).is_err());
    assert!(consistency_proof(&some_leaves(3), 4).is_err());
    assert!(verify_inclusion(empty_root(), 0, 0, &[], empty_root()).is_err());
}

proptest! {
    #[test]
    fn a_proof_that_is_changed_does_not_hold(
        size in 2_usize..300, at in any::<proptest::sample::Index>(), which in any::<proptest::sample::Index>(),
        bit in 0_usize..256, longer in any::<bool>(),
    ) {
        let leaves = some_leaves(size);
        let (top, place) = (root(&leaves), at.index(size));
        let mut proof = inclusion_proof(&leaves, place).unwrap();
        verify_inclusion(leaves[place], wide(place), wide(size), &proof, top).unwrap();
        let cut = &proof[..proof.len() - 1];
        prop_assert!(verify_inclusion(leaves[place], wide(place), wide(size), cut, top).is_err());
        if longer {
            proof.push(top);
        } else {
            let chosen = which.index(proof.len());
            let mut bytes = *proof[chosen].bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            proof[chosen] = Hash::new(bytes);
        }
        prop_assert!(verify_inclusion(leaves[place], wide(place), wide(size), &proof, top).is_err());
    }

    #[test]
    fn a_log_that_changed_an_old_entry_is_not_consistent(
        size in 1_usize..200, more in 0_usize..100, at in any::<proptest::sample::Index>(),
    ) {
        let honest = some_leaves(size);
        let mut rewritten = some_leaves(size + more);
        rewritten[at.index(size)] = leaf_hash(b"rewritten");
        let proof = consistency_proof(&rewritten, size).unwrap();
        let (before, after) = ((wide(size), root(&honest)), (wide(size + more), root(&rewritten)));
        prop_assert!(verify_consistency(before, after, &proof).is_err());
    }

    #[test]
    fn the_edge_of_a_tree_tells_its_root(size in 0_usize..400) {
        let leaves = some_leaves(size);
        let mut frontier = Frontier::default();
        for leaf in &leaves {
            frontier.append(*leaf);
        }
        prop_assert_eq!(frontier.root(), root(&leaves));
        let kept: Frontier = serde_json::from_str(&serde_json::to_string(&frontier).unwrap()).unwrap();
        prop_assert_eq!(kept, frontier);
    }

    #[test]
    fn reading_a_note_never_fails_otherwise_than_by_an_error(text in "\\PC{0,200}|[\n\u{2014} a+/=]{0,80}") {
        if let Ok(note) = SignedNote::parse(&text) {
            prop_assert_eq!(note.to_string(), text.clone());
        }
        let _ = Checkpoint::parse(&text);
        let _ = text.parse::<NoteKey>();
    }
}

fn verify(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
}

/// The example of Go's package `golang.org/x/mod/sumdb/note`.
#[test]
fn a_note_that_another_tool_signed_is_verified() {
    let key: NoteKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap();
    let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
                \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let note = SignedNote::parse(text).unwrap();
    assert!(note.verify(&key, verify).unwrap().starts_with("If you think"));
    assert_eq!(note.to_string(), text);
    assert_eq!(key.to_string(), "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
    let changed = SignedNote::parse(&text.replace("answer", "anwser")).unwrap();
    assert_eq!(changed.verify(&key, verify), Err(NoteError::Wrong));
    let other = NoteKey::new("PeterNeumann", [7; 32]).unwrap();
    assert_eq!(note.verify(&other, verify), Err(NoteError::Unsigned));
}

/// The example of c2sp.org/tlog-checkpoint.
#[test]
fn a_checkpoint_of_another_tool_is_read() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let checkpoint = Checkpoint::parse(text).unwrap();
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.to_string(), text);
    for wrong in [
        "",
        "a\n",
        "a\n1\n",
        "a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\n1\nAAAA\n",
        "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\n+1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    ] {
        assert_eq!(Checkpoint::parse(wrong), Err(CheckpointError::Malformed), "{wrong:?}");
    }
}

#[test]
fn a_signed_checkpoint_is_opened_with_its_key_and_for_its_log_only() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap();
    let key = NoteKey::new("msp.example/log", pair.public_key().as_ref().try_into().unwrap()).unwrap();
    let mut frontier = Frontier::default();
    frontier.append(leaf_hash(b"first"));
    let sign = |message: &[u8]| Ok::<_, CheckpointError>(pair.sign(message).as_ref().try_into().unwrap());
    let checkpoint = Checkpoint::of("msp.example/log", &frontier);
    let note = checkpoint.sign(&key, sign).unwrap().to_string();
    assert_eq!(Checkpoint::open(&note, "msp.example/log", &key, verify), Ok(checkpoint.clone()));
    assert_eq!(Checkpoint::open(&note, "msp.example/other", &key, verify), Err(CheckpointError::OtherLog));
    let forged = note.replace("\n1\n", "\n2\n");
    assert_eq!(Checkpoint::open(&forged, "msp.example/log", &key, verify), Err(NoteError::Wrong.into()));
    let torn = Checkpoint { origin: "two\nlines".to_owned(), ..checkpoint };
    assert_eq!(torn.sign(&key, sign), Err(CheckpointError::Malformed));
    assert_eq!(NoteKey::new("a b", [0; 32]), Err(NoteError::Name));
}

#[test]
fn an_entry_has_the_same_bytes_whatever_the_order_of_its_members() {
    let entry = |after: serde_json::Value| TimelineEntry {
        organization: "018f0000-0000-7000-8000-000000000001".parse().unwrap(),
        place: 7,
        at: "2026-11-22T12:00:00.5Z".parse().unwrap(),
        actor: "user:1".to_owned(),
        command: "communicate".to_owned(),
        subject: "correction:2".to_owned(),
        before: json!({"state": "found"}),
        after,
        reason: None,
    };
    let one = leaf(&entry(json!({"state": "communicated", "amount": "352.00"}))).unwrap();
    assert_eq!(one, leaf(&entry(json!({"amount": "352.00", "state": "communicated"}))).unwrap());
    assert_eq!(
        String::from_utf8(one.clone()).unwrap(),
        r#"{"actor":"user:1","after":{"amount":"352.00","state":"communicated"},"at":"2026-11-22T12:00:00.500000Z","before":{"state":"found"},"command":"communicate","organization":"018f0000-0000-7000-8000-000000000001","place":7,"reason":null,"subject":"correction:2"}"#
    );
    let read: TimelineEntry = serde_json::from_slice(&one).unwrap();
    assert_eq!(leaf(&read).unwrap(), one);
    for number in [json!(0.5), json!(9_007_199_254_740_992_i64), json!(1e300)] {
        let error = leaf(&entry(json!({"seats": [1, number]}))).unwrap_err();
        assert!(error.to_string().contains("/after/seats/1"), "{error}");
    }
}
