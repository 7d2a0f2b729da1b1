//! Finds names and e-mail addresses in text.

use std::collections::{HashMap, HashSet};

/// Names of persons, to be found in text.
#[derive(Default)]
pub(super) struct Names {
    /// Folded, of any number of words: found where a text is nothing else.
    whole: HashSet<String>,
    /// Folded, of several words, by the first of them; the longest first.
    by_word: HashMap<String, Vec<String>>,
}

/// Lower case, and one blank where there were some.
pub(super) fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

impl Names {
    /// All of these but those that stand in the other texts. Both are folded.
    pub(super) fn of(names: impl IntoIterator<Item = String>, others: &[String]) -> Self {
        let mut own = Self::default();
        let stands = |name: &String| others.iter().any(|other| other.contains(name.as_str()));
        for name in names.into_iter().filter(|name| !name.is_empty()).filter(|name| !stands(name)) {
            for written in [html(&name), Some(name.clone())].into_iter().flatten() {
                let several = written.contains(' ') && written.chars().any(char::is_alphabetic);
                let word = words(&written, 0).next().filter(|_| several);
                let word = word.and_then(|(start, end)| written.get(start..end)).map(str::to_owned);
                if let Some(word) = word {
                    own.by_word.entry(word).or_default().push(written);
                }
            }
            // A number or a letter stands alone in many cells.
            if name.chars().any(char::is_alphabetic) && name.chars().count() > 2 {
                own.whole.insert(name);
            }
        }
        own.by_word.values_mut().for_each(|names| {
            names.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
            names.dedup();
        });
        own
    }

    /// Whether the text is a person and nothing else.
    pub(super) fn is_whole(&self, text: &str) -> bool {
        !text.is_empty() && (self.whole.contains(&folded(text)) || is_address(text.trim()))
    }

    /// The first name or address at or after a place: where it begins and ends.
    pub(super) fn first(&self, text: &str, from: usize) -> Option<(usize, usize)> {
        let address = address(text, from);
        let before = address.map_or(text.len(), |(start, _)| start);
        self.name(text, from, before).or(address)
    }

    fn name(&self, text: &str, from: usize, before: usize) -> Option<(usize, usize)> {
        if self.by_word.is_empty() {
            return None;
        }
        for (start, end) in words(text, from).take_while(|(start, _)| *start < before) {
            let word = text.get(start..end)?.to_lowercase();
            let Some(names) = self.by_word.get(&word) else { continue };
            let found = names.iter().find_map(|name| {
                let end = matches(text.get(start..)?, name)?;
                Some((start, start + end))
            });
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// How a page in HTML writes it, where that differs.
fn html(name: &str) -> Option<String> {
    let escaped = name.replace('&', "&amp;").replace('\'', "&#39;").replace('"', "&quot;");
    (escaped != name).then_some(escaped)
}

/// Runs of letters and digits from a place on.
fn words(text: &str, from: usize) -> impl Iterator<Item = (usize, usize)> {
    let rest = text.get(from..).unwrap_or_default();
    let mut chars = rest.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, _) = chars.find(|(_, c)| c.is_alphanumeric())?;
        while chars.next_if(|(_, c)| c.is_alphanumeric()).is_some() {}
        let end = chars.peek().map_or(rest.len(), |(at, _)| *at);
        Some((from + start, from + end))
    })
}

/// Where the name ends that the text begins with: whatever its case, with any blanks, and not in the middle of a word.
fn matches(text: &str, name: &str) -> Option<usize> {
    let mut chars = text.char_indices().peekable();
    for expected in name.chars() {
        let (_, c) = chars.next()?;
        if expected == ' ' {
            if !c.is_whitespace() {
                return None;
            }
            while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {}
        } else if c != expected && !c.to_lowercase().eq([expected]) {
            return None;
        }
    }
    match chars.peek() {
        Some((_, c)) if c.is_alphanumeric() => None,
        Some((at, _)) => Some(*at),
        None => Some(text.len()),
    }
}

/// The first e-mail address at or after a place.
fn address(text: &str, from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    loop {
        at += text.get(at..)?.find('@')?;
        let before = text.get(from..at)?;
        let start = from + before.trim_end_matches(local).len();
        let after = text.get(at + 1..)?;
        let domain = after.len() - after.trim_start_matches(domain).len();
        let domain = after.get(..domain)?.trim_end_matches(['.', '-']);
        if start < at && is_domain(domain) {
            return Some((start, at + 1 + domain.len()));
        }
        at += 1;
    }
}

/// Whether the whole text is an e-mail address.
pub(super) fn is_address(text: &str) -> bool {
    address(text, 0) == Some((0, text.len())) && !text.is_empty()
}

fn local(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '#' | '\'')
}

fn domain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-')
}

/// With a dot, and letters after the last: `2@22.00` is a price.
fn is_domain(text: &str) -> bool {
    let last = text.rsplit_once('.').map(|(first, last)| (first.is_empty(), last));
    last.is_some_and(|(empty, last)| !empty && last.len() >= 2 && last.chars().all(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(names: &Names, text: &'t str) -> Vec<&'t str> {
        let (mut out, mut from) = (Vec::new(), 0);
        while let Some((start, end)) = names.first(text, from) {
            out.push(&text[start..end]);
            from = end;
        }
        out
    }

    fn names(of: &[&str]) -> Names {
        Names::of(of.iter().map(|name| folded(name)), &[folded("Jo Doe IT Services")])
    }

    #[test]
    fn addresses_are_found_in_the_middle_of_text() {
        let none = Names::default();
        for (text, expected) in [
            ("write to jo.doe@contoso.com.", vec!["jo.doe@contoso.com"]),
            ("<jo@a.example>, bo@b.example", vec!["jo@a.example", "bo@b.example"]),
            ("jo_x.com#EXT#@t.onmicrosoft.com", vec!["jo_x.com#EXT#@t.onmicrosoft.com"]),
            ("2@22.00 or @home or a@b or x@.", vec![]),
            ("j\u{f6}rg@m\u{fc}ller.de", vec!["j\u{f6}rg@m\u{fc}ller.de"]),
        ] {
            assert_eq!(found(&none, text), expected, "{text}");
        }
        assert!(is_address("jo@a.example") && !is_address("mail jo@a.example"));
    }

    #[test]
    fn names_are_found_whatever_their_case_and_blanks() {
        let names = names(&["Anna Smith", "Pat O'Brien", "Anna Smith Jones", "Billing"]);
        for (text, expected) in [
            ("Dear anna  SMITH,", vec!["anna  SMITH"]),
            ("Anna\nSmith wrote", vec!["Anna\nSmith"]),
            ("Anna Smithson, Joanna Smith", vec![]),
            ("Anna,Smith", vec![]),
            ("Anna Smith Jones and Pat O&#39;Brien", vec!["Anna Smith Jones", "Pat O&#39;Brien"]),
            ("Billing of Pat O'Brien", vec!["Pat O'Brien"]),
        ] {
            assert_eq!(found(&names, text), expected, "{text}");
        }
        assert!(names.is_whole(" BILLING ") && !names.is_whole("Billing office"));
    }

    #[test]
    fn a_name_that_is_a_company_is_nobody() {
        let names = names(&["Jo Doe", "Bo Doe"]);
        assert_eq!(found(&names, "Jo Doe and Bo Doe"), ["Bo Doe"]);
    }
}
