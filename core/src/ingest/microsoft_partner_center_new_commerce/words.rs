//! What comes again in row after row of a reconciliation file: words and what they mean, clients, products.

use super::super::charge_words::{is_known_charge_type, snake, term};
use super::super::table::fold;
use crate::records::{ClientRef, ProductRef, Term};
use std::sync::Arc;

/// What comes again in row after row: told once for each thread.
#[derive(Default)]
pub(super) struct Words {
    pub(super) clients: Recent<3, Arc<ClientRef>>,
    pub(super) products: Recent<4, Arc<ProductRef>>,
    charge_types: Vec<(String, ChargeType)>,
    /// The number of the last invoice.
    invoice: Option<Arc<str>>,
    terms: Vec<(String, TermWords)>,
    frequencies: Vec<(String, Frequency)>,
}

#[derive(Clone)]
pub(super) struct ChargeType {
    pub(super) name: Arc<str>,
    pub(super) known: bool,
    pub(super) usage: bool,
}

#[derive(Clone, Copy)]
pub(super) struct TermWords {
    pub(super) term: Option<Term>,
    pub(super) blank: bool,
    /// Compute bought ahead.
    pub(super) ahead: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Frequency {
    pub(super) blank: bool,
    pub(super) once: bool,
}

/// What was last read from cells: a few dozen, each in a place that its texts choose.
pub(super) struct Recent<const N: usize, T> {
    slots: Vec<Option<([String; N], T)>>,
}

impl<const N: usize, T> Default for Recent<N, T> {
    fn default() -> Self {
        Self { slots: std::iter::repeat_with(|| None).take(SLOTS).collect() }
    }
}

/// An organization sells some dozens of products.
const SLOTS: usize = 128;

impl<const N: usize, T: Clone> Recent<N, T> {
    pub(super) fn get(&self, texts: [&str; N]) -> Option<T> {
        let (known, value) = self.slots[Self::slot(texts)].as_ref()?;
        known.iter().zip(texts).all(|(known, text)| known == text).then(|| value.clone())
    }

    pub(super) fn put(&mut self, texts: [&str; N], value: T) -> T {
        self.slots[Self::slot(texts)] = Some((texts.map(str::to_owned), value.clone()));
        value
    }

    /// Ids differ in their last signs.
    fn slot(texts: [&str; N]) -> usize {
        let mut slot = 0_usize;
        for text in texts {
            if let [.., a, b, c] = text.as_bytes() {
                slot = slot * 7 + usize::from(*a) + usize::from(*b) * 3 + usize::from(*c) * 31;
            }
        }
        slot % SLOTS
    }
}

/// What a text means, by memory or told now. A file of ever new texts is not kept.
fn remembered<'w, T>(words: &'w mut Vec<(String, T)>, text: &str, tell: impl FnOnce() -> T) -> &'w T {
    let known = words.iter().position(|(word, _)| word == text);
    let place = known.unwrap_or_else(|| {
        if words.len() >= 64 {
            words.clear();
        }
        words.push((text.to_owned(), tell()));
        words.len() - 1
    });
    &words[place].1
}

impl Words {
    pub(super) fn charge_type(&mut self, text: &str) -> ChargeType {
        let tell = || {
            let name = snake(text);
            ChargeType {
                known: is_known_charge_type(&name),
                usage: name.contains("usage"),
                name: name.into(),
            }
        };
        remembered(&mut self.charge_types, text, tell).clone()
    }

    pub(super) fn invoice(&mut self, number: &str) -> Arc<str> {
        match &self.invoice {
            Some(last) if **last == *number => Arc::clone(last),
            _ => Arc::clone(self.invoice.insert(number.into())),
        }
    }

    pub(super) fn term(&mut self, text: &str) -> TermWords {
        *remembered(&mut self.terms, text, || {
            let lower = text.to_lowercase();
            TermWords {
                term: term(text, None),
                blank: text.is_empty(),
                ahead: lower.contains("reservation") || lower.contains("savings plan"),
            }
        })
    }

    pub(super) fn frequency(&mut self, text: &str) -> Frequency {
        *remembered(&mut self.frequencies, text, || Frequency {
            blank: text.is_empty(),
            once: fold(text) == "onetime",
        })
    }
}

/// Ids are ASCII, whose letters need no tables.
pub(super) fn lower(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_lowercase() }
}

/// Whether a text holds these lower-case ASCII words, in any case.
pub(super) fn has(text: &str, words: &str) -> bool {
    // Hardly any name has a z.
    memchr::memchr2(b'z', b'Z', text.as_bytes()).is_some()
        && text.as_bytes().windows(words.len()).any(|window| window.eq_ignore_ascii_case(words.as_bytes()))
}
