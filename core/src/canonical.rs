//! Canonical JSON (RFC 8785) by putting the members of what serde writes in order.
//!
//! serde writes text without blanks, escapes as the canonical form does, and writes whole numbers plainly.
//! What is left is the order of members. Where more is needed (fractions, keys that are not plain ASCII)
//! the careful way is taken, with the same outcome.

use serde::Serialize;
use serde_json::Value;

/// Members to leave out, each by the keys that lead to it; lists on the way are passed through.
pub(crate) type Omitted<'o> = &'o [&'o [&'o str]];

/// The canonical JSON of a value, without some members.
///
/// # Errors
/// When the value has no JSON form.
pub(crate) fn to_vec(value: &impl Serialize, omitted: Omitted<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let text = serde_json::to_vec(value)?;
    let mut writer =
        Writer { text: &text, omitted, out: Vec::with_capacity(text.len()), ..Writer::default() };
    let paths = omitted.iter().map(|_| true).collect::<Vec<_>>();
    if writer.value(0, 0, &paths) == Some(text.len()) {
        return Ok(writer.out);
    }
    careful(&text, omitted)
}

fn careful(text: &[u8], omitted: Omitted<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let mut value: Value = serde_json::from_slice(text)?;
    for path in omitted {
        leave_out(&mut value, path);
    }
    serde_json_canonicalizer::to_vec(&value)
}

fn leave_out(value: &mut Value, path: &[&str]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| leave_out(item, path)),
        Value::Object(members) => match path {
            [] => {}
            [last] => {
                members.remove(*last);
            }
            [next, rest @ ..] => {
                if let Some(member) = members.get_mut(*next) {
                    leave_out(member, rest);
                }
            }
        },
        _ => {}
    }
}

/// A member of the object that is being written: where its key stands in the text, and the whole of it in
/// what was written.
#[derive(Clone, Copy)]
struct Member {
    key: (usize, usize),
    written: (usize, usize),
}

/// Writes canonical text. Every answer of `None` asks for the careful way.
#[derive(Default)]
struct Writer<'t> {
    text: &'t [u8],
    omitted: Omitted<'t>,
    out: Vec<u8>,
    members: Vec<Member>,
    scratch: Vec<u8>,
}

impl Writer<'_> {
    /// Writes the value that begins here, and answers where it ends. `paths`: which omitted members may
    /// lie in it, `depth` keys down the way.
    fn value(&mut self, at: usize, depth: usize, paths: &[bool]) -> Option<usize> {
        match self.text.get(at)? {
            b'{' => self.object(at, depth, paths),
            b'[' => self.list(at, depth, paths),
            b'"' => self.copy(at, self.end_of_string(at)?),
            b'-' | b'0'..=b'9' => self.copy(at, self.end_of_number(at)?),
            b't' | b'n' => self.copy(at, at + 4),
            b'f' => self.copy(at, at + 5),
            _ => None,
        }
    }

    fn copy(&mut self, from: usize, until: usize) -> Option<usize> {
        self.out.extend_from_slice(self.text.get(from..until)?);
        Some(until)
    }

    fn list(&mut self, at: usize, depth: usize, paths: &[bool]) -> Option<usize> {
        // Lists of lines are half of a document.
        if let Some(end) = self.end_of_numbers(at + 1) {
            return self.copy(at, end);
        }
        self.out.push(b'[');
        let mut at = at + 1;
        loop {
            at = self.value(at, depth, paths)?;
            let next = *self.text.get(at)?;
            self.out.push(next);
            at += 1;
            match next {
                b',' => {}
                b']' => return Some(at),
                _ => return None,
            }
        }
    }

    fn object(&mut self, at: usize, depth: usize, paths: &[bool]) -> Option<usize> {
        let (begin, first) = (self.out.len(), self.members.len());
        if self.text.get(at + 1) == Some(&b'}') {
            self.out.extend_from_slice(b"{}");
            return Some(at + 2);
        }
        let mut at = at + 1;
        loop {
            let end = self.end_of_string(at)?;
            let key = (at + 1, end - 1);
            let plain = self.text.get(key.0..key.1)?.iter().all(|byte| byte.is_ascii() && *byte != b'\\');
            if !plain || self.text.get(end) != Some(&b':') {
                return None;
            }
            let from = self.out.len();
            self.out.push(b',');
            self.copy(at, end + 1)?;
            at = self.member(end + 1, key, depth, paths, from)?;
            match self.text.get(at)? {
                b',' => at += 1,
                b'}' => break,
                _ => return None,
            }
        }
        self.close(begin, first)?;
        Some(at + 1)
    }

    /// Writes the value of a member, or takes back what was written of it.
    fn member(
        &mut self,
        at: usize,
        key: (usize, usize),
        depth: usize,
        paths: &[bool],
        from: usize,
    ) -> Option<usize> {
        let mut leave = false;
        let end = if paths.contains(&true) {
            let name = self.text.get(key.0..key.1)?;
            let leads = |(path, open): (&&[&str], &bool)| {
                *open && path.get(depth).is_some_and(|step| step.as_bytes() == name)
            };
            leave = self
                .omitted
                .iter()
                .zip(paths)
                .any(|(path, open)| leads((path, open)) && path.len() == depth + 1);
            let inside: Vec<bool> = self.omitted.iter().zip(paths).map(leads).collect();
            self.value(at, depth + 1, &inside)?
        } else {
            self.value(at, depth + 1, paths)?
        };
        if leave {
            self.out.truncate(from);
        } else {
            self.members.push(Member { key, written: (from, self.out.len()) });
        }
        Some(end)
    }

    /// Puts the members of an object in order. Each is written with a comma before it.
    fn close(&mut self, begin: usize, first: usize) -> Option<()> {
        let (text, members) = (self.text, self.members.get_mut(first..)?);
        let name = |member: &Member| text.get(member.key.0..member.key.1).unwrap_or_default();
        if members.is_sorted_by(|a, b| name(a) < name(b)) && !members.is_empty() {
            self.members.truncate(first);
            // In place of the first comma.
            *self.out.get_mut(begin)? = b'{';
            self.out.push(b'}');
            return Some(());
        }
        members.sort_by(|a, b| name(a).cmp(name(b)));
        if members.windows(2).any(|pair| matches!(pair, [a, b] if name(a) == name(b))) {
            return None;
        }
        self.scratch.clear();
        for member in members.iter() {
            self.scratch.extend_from_slice(self.out.get(member.written.0..member.written.1)?);
        }
        self.members.truncate(first);
        self.out.truncate(begin);
        self.out.push(b'{');
        self.out.extend_from_slice(self.scratch.get(1..).unwrap_or_default());
        self.out.push(b'}');
        Some(())
    }

    /// The place behind the string that begins here.
    fn end_of_string(&self, at: usize) -> Option<usize> {
        if self.text.get(at) != Some(&b'"') {
            return None;
        }
        let mut at = at + 1;
        loop {
            at += memchr::memchr2(b'"', b'\\', self.text.get(at..)?)?;
            if self.text.get(at) == Some(&b'"') {
                return Some(at + 1);
            }
            at += 2;
        }
    }

    /// The place behind the list whose first item begins here, if all its items are natural numbers that any
    /// reader keeps as they are.
    fn end_of_numbers(&self, at: usize) -> Option<usize> {
        let rest = self.text.get(at..)?;
        let mut digits = 0;
        let end = rest.iter().position(|byte| {
            digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
            !(*byte == b',' || (1..=15).contains(&digits))
        })?;
        (rest.get(end) == Some(&b']')).then_some(at + end + 1)
    }

    /// The place behind the whole number that begins here, if it is one that any reader keeps as it is.
    fn end_of_number(&self, at: usize) -> Option<usize> {
        let rest = self.text.get(at..)?;
        let digits = rest.strip_prefix(b"-").unwrap_or(rest);
        let signs = rest.len() - digits.len();
        let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let whole = !matches!(digits.get(length), Some(b'.' | b'e' | b'E'));
        let negative_zero = signs == 1 && digits.first() == Some(&b'0');
        ((1..=15).contains(&length) && whole && !negative_zero).then_some(at + signs + length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1000_i64..1000).prop_map(Value::from),
            Just(json!(0.5)),
            "\\PC{0,6}".prop_map(Value::from),
            "[a\"\\\\\n\u{1}\u{7f}/é]{0,6}".prop_map(Value::from),
        ];
        let key = prop_oneof![8 => "[a-d]{1,2}", 1 => "[a\"é\u{10000}\u{e000}]{0,2}"];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((key.clone(), inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn is_what_the_careful_way_gives(value in values()) {
            let text = serde_json::to_vec(&value).unwrap();
            for omitted in [&[][..], &[&["a"][..], &["b", "a"][..]][..]] {
                prop_assert_eq!(to_vec(&value, omitted).unwrap(), careful(&text, omitted).unwrap());
            }
        }
    }

    #[test]
    fn the_plain_way_is_the_usual_one() {
        let text = br#"{"b":[{"z":"\u0001 \"q\"","a":-12}],"a":{},"c":null,"d":[]}"#;
        let mut writer = Writer { text, ..Writer::default() };
        assert_eq!(writer.value(0, 0, &[]), Some(text.len()));
        assert_eq!(writer.out, br#"{"a":{},"b":[{"a":-12,"z":"\u0001 \"q\""}],"c":null,"d":[]}"#);
    }
}
