//! Names and addresses of persons: how they are compared, found in texts, and replaced there.
//!
//! This is the only place that folds them. A database folds by other rules (`ß`, `İ`, `Σ`), and a person who is
//! found by one rule and looked for by another is not found.

use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::decompose_compatible;

/// The dot that a small `i` keeps of `İ`.
const DOT_ABOVE: char = '\u{307}';

/// Members of JSON that may hold a name of one word. In other members a text without a blank or an `@` is a code, a
/// date or an id, whatever it reads like.
const NAMES: [&str; 18] = [
    "actor",
    "attached_by",
    "by",
    "contact",
    "delay",
    "document",
    "email",
    "entered_by",
    "file",
    "file_name",
    "name",
    "note",
    "recipient",
    "said_by",
    "seat",
    "text",
    "to",
    "user",
];

/// Members that name companies and products, and things by which others find them.
const STAYS: [&str; 9] =
    ["billing_entity", "client", "gap", "id", "msp", "organization", "product", "products", "sku"];

/// What comes before the id of whoever acted.
const KINDS: [&str; 5] = ["user:", "api_key:", "job:", "client:", "system:"];

/// A name or an address without what does not tell persons apart: case, the form of letters, the number of blanks.
pub fn fold(text: &str) -> String {
    let letters: String = Letters::of(text).map(|letter| letter.is).collect();
    letters.trim().nfc().collect()
}

/// A folded letter, and the place in the text that it comes from.
#[derive(Clone, Copy)]
struct Letter {
    is: char,
    from: usize,
    until: usize,
}

/// The folded letters of a text, decomposed, so that one letter can be several.
struct Letters;

impl Letters {
    fn of(text: &str) -> impl Iterator<Item = Letter> {
        let mut last = ' ';
        let mut letters: Vec<Letter> = Vec::with_capacity(text.len());
        for (from, c) in text.char_indices() {
            let until = from + c.len_utf8();
            let mut parts = Vec::new();
            decompose_compatible(c, |part| parts.push(part));
            // Up and down again: what is one letter in either case is one here. Down first, for the capital `ẞ`.
            let cased = parts.into_iter().flat_map(char::to_lowercase).flat_map(char::to_uppercase);
            for part in cased.flat_map(char::to_lowercase) {
                let is = if part.is_whitespace() { ' ' } else { part };
                // Of several blanks one counts, and `İ` is the `i` that its owner types without a dot.
                if matches!((last, is), (' ', ' ') | ('i', DOT_ABOVE)) {
                    if let Some(before) = letters.last_mut() {
                        before.until = until;
                    }
                } else {
                    letters.push(Letter { is, from, until });
                    last = is;
                }
            }
        }
        letters.into_iter()
    }
}

/// A person who is looked for, by one name or several.
#[derive(Clone, Debug)]
pub struct Named {
    /// As [`fold`] leaves them.
    folded: Vec<String>,
    /// Their letters, decomposed; also as a page in HTML writes them. The longest first.
    letters: Vec<Vec<char>>,
    /// Their first words.
    heads: Vec<String>,
}

impl Named {
    /// Who goes by these names and addresses.
    pub fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut folded: Vec<String> = names.into_iter().map(fold).filter(|name| !name.is_empty()).collect();
        folded.sort_unstable();
        folded.dedup();
        let written = folded.iter().flat_map(|name| [name.clone(), html(name)]);
        let mut letters: Vec<Vec<char>> = written.map(|name| name.nfkd().collect()).collect();
        letters.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        letters.dedup();
        let heads = letters.iter().map(|name| name.iter().take_while(|c| **c != ' ').collect()).collect();
        Self { folded, letters, heads }
    }

    /// The names, folded.
    pub fn folded(&self) -> &[String] {
        &self.folded
    }

    /// Whether a text is one of the names and nothing else.
    pub fn is(&self, text: &str) -> bool {
        let text = fold(text);
        self.folded.contains(&text)
    }

    /// Whether one of the names stands in a text, as whole words. What acted, and not who, is passed over
    /// (`user:` before an id).
    pub fn stands_in(&self, text: &str) -> bool {
        let kind = kind(text);
        if !self.may_stand_in(text) {
            return false;
        }
        let letters: Vec<Letter> = Letters::of(text.get(kind..).unwrap_or_default()).collect();
        self.first(&letters, 0).is_some()
    }

    /// Whether it is worth looking: most texts are plain, and name somebody else.
    fn may_stand_in(&self, text: &str) -> bool {
        if !text.is_ascii() {
            return true;
        }
        let text = text.to_ascii_lowercase();
        self.heads.iter().any(|head| text.contains(head.as_str()))
    }

    /// The text with `word` in the names' places; none: they do not stand in it.
    pub fn replaced(&self, text: &str, word: &str) -> Option<String> {
        if !self.may_stand_in(text) {
            return None;
        }
        let kind = kind(text);
        let rest = text.get(kind..).unwrap_or_default();
        let letters: Vec<Letter> = Letters::of(rest).collect();
        let (mut out, mut done, mut from) = (text.get(..kind)?.to_owned(), 0, 0);
        while let Some((start, end)) = self.first(&letters, from) {
            let (first, last) = (letters.get(start)?, letters.get(end - 1)?);
            out.push_str(rest.get(done..first.from)?);
            out.push_str(word);
            (done, from) = (last.until, end);
        }
        if from == 0 {
            return None;
        }
        out.push_str(rest.get(done..)?);
        Some(out)
    }

    /// Puts `word` in the names' places in whatever people wrote in JSON. Codes, dates and ids stay, whatever they
    /// read like. Whether there were any.
    pub fn replace_in(&self, json: &mut Value, word: &str) -> bool {
        self.replace_in_member(json, word, false)
    }

    /// Whether one of the names stands in whatever people wrote in JSON.
    pub fn stands_in_json(&self, json: &Value) -> bool {
        self.replace_in(&mut json.clone(), "")
    }

    fn replace_in_member(&self, json: &mut Value, word: &str, written: bool) -> bool {
        match json {
            Value::String(text) => {
                let prose = written || text.contains(|c: char| c.is_whitespace() || c == '@');
                let replaced = if prose { self.replaced(text, word) } else { None };
                let found = replaced.is_some();
                if let Some(replaced) = replaced {
                    *text = replaced;
                }
                found
            }
            Value::Array(items) => {
                let mut found = false;
                for item in items {
                    found |= self.replace_in_member(item, word, written);
                }
                found
            }
            Value::Object(members) => {
                let mut found = false;
                for (name, member) in members {
                    // An object may be told of a client: what is in it is looked at.
                    if member.is_string() && STAYS.contains(&name.as_str()) {
                        continue;
                    }
                    found |= self.replace_in_member(member, word, NAMES.contains(&name.as_str()));
                }
                found
            }
            _ => false,
        }
    }

    /// Where the first name at or after a place begins and ends.
    fn first(&self, letters: &[Letter], from: usize) -> Option<(usize, usize)> {
        (from..letters.len()).find_map(|start| {
            let rest = letters.get(start..)?;
            self.letters.iter().find_map(|name| {
                let same =
                    rest.len() >= name.len() && name.iter().zip(rest).all(|(one, other)| *one == other.is);
                let end = start + name.len();
                (same && apart_before(letters, start) && apart_after(letters, end)).then_some((start, end))
            })
        })
    }
}

/// Length of what names the kind of an actor before its id.
fn kind(text: &str) -> usize {
    KINDS.iter().find(|kind| text.starts_with(**kind)).map_or(0, |kind| kind.len())
}

/// How a page in HTML writes a name.
fn html(name: &str) -> String {
    name.replace('&', "&amp;").replace('\'', "&#39;").replace('"', "&quot;")
}

fn at(letters: &[Letter], place: Option<usize>) -> Option<char> {
    place.and_then(|place| letters.get(place)).map(|letter| letter.is)
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '@' | '_' | '+' | '%')
        || unicode_normalization::char::is_combining_mark(c)
}

/// `.`, `-` and `'` join what stands on both their sides.
const fn joins(c: char) -> bool {
    matches!(c, '.' | '-' | '\'' | '\u{2019}')
}

fn apart_before(letters: &[Letter], start: usize) -> bool {
    let before = at(letters, start.checked_sub(1));
    let joined = before.is_some_and(joins) && at(letters, start.checked_sub(2)).is_some_and(in_word);
    !joined && !before.is_some_and(in_word)
}

fn apart_after(letters: &[Letter], end: usize) -> bool {
    let (next, after) = (at(letters, Some(end)), at(letters, Some(end + 1)));
    let joined = next.is_some_and(joins) && after.is_some_and(in_word);
    // "Anna's" is Anna.
    let possessive = next.is_some_and(|c| matches!(c, '\'' | '\u{2019}'))
        && after == Some('s')
        && !at(letters, Some(end + 2)).is_some_and(in_word);
    possessive || (!joined && !next.is_some_and(in_word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn named(name: &str) -> Named {
        Named::of([name])
    }

    #[test]
    fn one_person_folds_to_one_name_however_it_is_written() {
        for (a, b) in [
            ("STRASSE@X.EXAMPLE", "stra\u{df}e@x.example"),
            ("\u{130}pek Y\u{131}lmaz", "ipek Yilmaz"),
            ("\u{39f}\u{394}\u{39f}\u{3a3}", "\u{3bf}\u{3b4}\u{3bf}\u{3c2}"),
            ("Mu\u{308}ller", "M\u{fc}ller"),
            ("\u{ff21}nna", "anna"),
            (" Anna \u{a0}\t Smith ", "anna smith"),
        ] {
            assert_eq!(fold(a), fold(b), "{a} and {b}");
            assert!(named(a).is(b) && named(b).stands_in(&format!("to {a}, please")), "{a} and {b}");
        }
        assert_ne!(fold("M\u{fc}ller"), fold("Muller"), "marks tell persons apart");
    }

    #[test]
    fn names_are_found_as_whole_words_only() {
        for (name, text, found) in [
            ("user", "user:0190 assigned it", false),
            ("user", "a superuser, users, user_name, user@x.example", false),
            ("user", "the user did", true),
            ("act", "contract, actor, re-act, act.on, interact", false),
            ("act", "(Act)", true),
            ("erase", "erase_person", false),
            ("anna@contoso.example", "joanna@contoso.example, x.anna@contoso.example", false),
            ("anna@contoso.example", "anna@contoso.example.org, anna@contoso.example-x", false),
            ("anna@contoso.example", "client:Anna@Contoso.example by link 1", true),
            ("anna@contoso.example", "Write to <anna@contoso.example>.", true),
            ("Anna", "Anna's seat", true),
            ("Anna", "Anna-Maria, O'Anna, Annas", false),
            ("Pat O'Brien", "<p>Dear Pat O&#39;Brien,</p>", true),
            ("Anna Smith", "Dear ANNA\n  Smith,", true),
            ("Anna Smith", "Anna Smithson, Joanna Smith", false),
        ] {
            assert_eq!(named(name).stands_in(text), found, "{name} in {text}");
            assert_eq!(named(name).replaced(text, "x").is_some(), found, "{name} in {text}");
        }
    }

    #[test]
    fn of_several_names_the_longest_that_fits_is_found() {
        let anna = Named::of(["Anna Smith", "Anna Smith Jones"]);
        assert_eq!(anna.replaced("Anna Smith Jonesy", "N").as_deref(), Some("N Jonesy"));
        assert_eq!(anna.replaced("Anna Smith Jones", "N").as_deref(), Some("N"));
    }

    #[test]
    fn every_name_of_a_person_is_replaced_and_nothing_beside_it() {
        let casey = Named::of(["casey@contoso.example", "Casey Client"]);
        let text = "Dear casey  CLIENT,\nwe write to Casey@contoso.example; \u{e4}\u{20ac}";
        assert_eq!(casey.replaced(text, "N").as_deref(), Some("Dear N,\nwe write to N; \u{e4}\u{20ac}"));
    }

    #[test]
    fn codes_dates_and_ids_of_json_stay_whatever_the_person_is_called() {
        let mut json = json!({
            "state": "found", "channel": "email", "on": "2026-11-22", "by": "user:0190", "note": "Email",
            "said": {"by": "email", "channel": "email"}, "free": "by email and", "list": ["email", "the email"],
            "client": "The Email Company", "reason": "email",
        });
        assert!(named("email").replace_in(&mut json, "N"));
        assert_eq!(
            json,
            json!({
                "state": "found", "channel": "email", "on": "2026-11-22", "by": "user:0190", "note": "N",
                "said": {"by": "N", "channel": "email"}, "free": "by N and", "list": ["email", "the N"],
                "client": "The Email Company", "reason": "email",
            })
        );
        assert!(!named("user").replace_in(&mut json, "N"), "who acted is told by an id");
    }

    proptest! {
        #[test]
        fn folding_is_once_for_all_and_no_text_breaks_it(name in "\\PC{0,12}", text in ".*") {
            prop_assert_eq!(fold(&fold(&name)), fold(&name));
            let person = named(&name);
            let replaced = person.replaced(&text, "\u{2205}");
            prop_assert_eq!(replaced.is_some(), person.stands_in(&text));
        }

        #[test]
        fn what_was_replaced_does_not_stand_there_any_more(before in "[a-z ]{0,8}", after in "[a-z ]{0,8}") {
            let person = named("\u{130}nci Wei\u{df}");
            let text = format!("{before} inci WEISS {after}");
            let replaced = person.replaced(&text, "erased-0").unwrap();
            prop_assert!(!person.stands_in(&replaced));
            prop_assert!(replaced.contains(before.trim()) && replaced.contains(after.trim()));
        }
    }
}
