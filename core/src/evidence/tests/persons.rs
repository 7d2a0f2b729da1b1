//! Persons replaced, everywhere and by the same word.

use super::*;
use crate::evidence::BundleError;
use crate::evidence::facts::PseudonymScope;

fn with(scope: PseudonymScope, change: impl FnOnce(&mut Facts)) -> Vec<u8> {
    let mut facts = facts();
    facts.pseudonyms = Some(scope);
    change(&mut facts);
    bundle_of(facts)
}

/// The word for the user of the first activity record.
fn pseudonym(bundle: &[u8]) -> String {
    let activity = text(bundle, "activity.csv");
    activity.lines().nth(1).unwrap().split(',').next().unwrap().to_owned()
}

#[test]
fn no_file_names_a_person() {
    let bundle = with(PseudonymScope::Organization, |_| ());
    assert_eq!(checked(&bundle).first_failure(), None);
    for (path, bytes) in unpacked(&bundle) {
        let text = String::from_utf8_lossy(&bytes);
        for name in ["Casey", "casey@", "user0@", "Surname", "admin@", "Alex", "Owen", "Mapper"] {
            assert!(!text.contains(name), "{path} has {name}");
        }
    }
    let pseudonym = pseudonym(&bundle);
    assert!(pseudonym.starts_with("person-") && pseudonym.len() == 19, "{pseudonym}");
    for path in ["source-rows.csv", "provisioning.csv"] {
        assert!(text(&bundle, path).contains(&pseudonym), "{path}");
    }
    // Her name and her address are one person.
    let letter = text(&bundle, "letters/001-first_notice.txt");
    let casey = letter.split_whitespace().nth(1).unwrap().trim_end_matches(',');
    assert!(text(&bundle, "letters/index.json").contains(casey), "{letter}");
}

#[test]
fn companies_products_figures_and_ids_stay() {
    let bundle = with(PseudonymScope::Organization, |facts| {
        // The MSP is called as its founder.
        facts
            .people
            .push(crate::evidence::facts::Person { name: Some("Example MSP".to_owned()), address: None });
    });
    let rows = text(&bundle, "source-rows.csv");
    for part in ["Contoso Legal", "Microsoft 365 Business Premium", "22.00", ",Legal,"] {
        assert!(rows.contains(part), "{part}\n{rows}");
    }
    assert!(text(&bundle, "README.txt").contains("Example MSP to Contoso Legal"));
    assert_eq!(text(&bundle, "gaps.csv"), text(&bundle_of(facts()), "gaps.csv"));
}

#[test]
fn the_bundle_says_so_and_leaves_out_what_cannot_be_rewritten() {
    let bundle = with(PseudonymScope::Bundle, |_| ());
    assert!(text(&bundle, "manifest.json").contains(r#""pseudonyms":"bundle""#));
    assert!(text(&bundle, "README.txt").contains("this bundle only"));
    assert!(text(&bundle, "replies/index.json").contains(r#""withheld":"pseudonyms""#));
    assert!(text(&bundle, "letters/index.json").contains(r#""pseudonymised":true"#));
    // The entry that says who agreed is proved by its place only; the others are whole.
    let timeline = text(&bundle, "timeline.json");
    assert_eq!(timeline.matches(r#""state":"pseudonymised""#).count(), 1, "{timeline}");
    assert_eq!(timeline.matches(r#""state":"shown""#).count(), 2);
    let said = checked(&bundle).checks;
    assert!(said.iter().any(|check| check.says.contains("in 1 of them persons are replaced")));
}

#[test]
fn a_person_keeps_the_word_as_far_as_is_asked_for() {
    let other = |facts: &mut Facts| facts.bundle.id = uuid::Uuid::from_u128(77);
    let [one, same] = [with(PseudonymScope::Organization, |_| ()), with(PseudonymScope::Organization, other)]
        .map(|bundle| pseudonym(&bundle));
    assert_eq!(one, same);
    let [one, next, later] = [
        with(PseudonymScope::Bundle, |_| ()),
        with(PseudonymScope::Bundle, other),
        with(PseudonymScope::Bundle, |facts| facts.bundle.version = 2),
    ]
    .map(|bundle| pseudonym(&bundle));
    assert_ne!(one, next);
    assert_eq!(one, later);
}

#[test]
fn a_bundle_that_would_still_name_a_person_is_not_made() {
    let mut facts = facts();
    facts.pseudonyms = Some(PseudonymScope::Organization);
    // A place where nobody expects a person.
    facts.correction.lines[0].sku = Some("bo@contoso.test".to_owned());
    let refused = crate::evidence::frozen_digest(&facts, &TestSeal::of(1));
    assert!(matches!(refused, Err(BundleError::Persons { path }) if path == "gaps.csv"));
}

#[test]
fn an_entry_may_not_claim_that_persons_were_replaced_where_none_are() {
    let mut files = unpacked(&with(PseudonymScope::Bundle, |_| ()));
    let own = file(&mut files, "replies/index.json");
    own.push(b' ');
    let bundle = resealed(files, |manifest| manifest.pseudonyms = None);
    assert!(failure(&bundle).1.contains("persons replaced"));
}

#[test]
fn whoever_stands_anywhere_in_a_bundle_is_known_to_be_named() {
    let mut facts = logged(facts());
    facts.rows[0].columns.push("Contact name".to_owned());
    facts.rows[0].rows[0].cells.push("Rita Row".to_owned());
    facts.letters[0].text.push_str("Ask lena.letter@msp.test or Alex Account.\n");
    let log = facts.log.as_mut().unwrap();
    let entry = log.entries[0].entry.as_mut().unwrap();
    let mut said: serde_json::Value = serde_json::from_str(entry).unwrap();
    said["actor"] = serde_json::json!("client:Cleo@Contoso.test by link 0190");
    *entry = said.to_string();
    let before = facts.clone();
    let named = crate::evidence::named(&mut facts).unwrap();
    assert_eq!(facts, before, "looking changes nothing");
    for person in [
        "rita row",
        "lena.letter@msp.test",
        "alex account",
        "cleo@contoso.test",
        "casey client, cfo",
        "casey client",
        "casey@contoso.test",
        "user0@contoso.test",
        "person0 surname0",
        "admin@contoso.test",
        "owen owner",
    ] {
        assert!(named.contains(person), "{person}: {named:#?}");
    }
    assert!(!named.contains("contoso legal"), "a company is nobody");
}

#[test]
fn what_was_recorded_of_telling_a_person_has_its_names_replaced() {
    let told = crate::evidence::facts::Told {
        by: "user:0190".to_owned(),
        at: "2026-11-22T09:00:00Z".parse().unwrap(),
        on: "2026-11-22".parse().unwrap(),
        to: Some("Tom Told".to_owned()),
        channel: Some(crate::correction::policy::Channel::Phone),
        reference: Some("Ticket of Tom Told".to_owned()),
        context: "Tom Told was rung up.".to_owned(),
        data: "2 seats".to_owned(),
        going_forward: "22 seats, said to tom@contoso.test".to_owned(),
    };
    let bundle = with(PseudonymScope::Organization, |facts| facts.told = Some(told));
    let recorded = text(&bundle, "letters/told.json");
    assert!(!recorded.contains("Tom") && !recorded.contains("tom@"), "{recorded}");
    assert!(
        recorded.contains("22 seats, said to person-") && recorded.contains(r#""by":"user:0190""#),
        "{recorded}"
    );
}

#[test]
fn an_archive_itself_tells_whom_it_names() {
    let bundle = bundle_of(facts());
    let names = |person: &str| crate::evidence::verify::names(&bundle, &crate::person::Named::of([person]));
    assert!(names("CASEY client") && names("user0@contoso.test") && names("admin@contoso.test"));
    assert!(!names("asey Client") && !names("nobody@contoso.test"));
    assert!(crate::evidence::verify::names(b"no archive", &crate::person::Named::of(["anybody"])));
}
