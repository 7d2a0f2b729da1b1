//! How alike two lists of words are, in whole thousandths.

/// The whole of a likeness.
pub(super) const FULL: u32 = 1000;

/// Words that are spelled this much alike may be the same word with a typing error.
const SAME_WORD: u32 = 800;

/// How alike two texts are, from 0 to [`FULL`]: the normalised indel similarity of `rapidfuzz`
/// (`fuzz::ratio`), from its distance in whole steps, so that no float comes near.
pub(super) fn ratio(a: &str, b: &str) -> u32 {
    let length = a.chars().count() + b.chars().count();
    if length == 0 {
        return FULL;
    }
    let distance = rapidfuzz::distance::indel::distance(a.chars(), b.chars());
    u32::try_from((length - distance.min(length)) * FULL as usize / length).unwrap_or(0)
}

/// Two lists of words set against each other.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison<'a> {
    /// Words of the first list without a counterpart.
    pub(super) only_a: Vec<&'a str>,
    /// Words of the second list without a counterpart.
    pub(super) only_b: Vec<&'a str>,
    /// Pairs that are not spelled the same, each by the alphabet.
    pub(super) misspelled: Vec<(&'a str, &'a str)>,
    /// Weight of all words.
    pub(super) weight: u32,
    /// Weight of the words with a counterpart, by their likeness, in thousandths of `weight`'s unit.
    pub(super) matched: u64,
}

impl Comparison<'_> {
    /// Share of the weight that has a counterpart, from 0 to [`FULL`].
    pub(super) fn share(&self) -> u32 {
        u32::try_from(self.matched / u64::from(self.weight.max(1))).unwrap_or(FULL)
    }
}

/// Pairs the words of two lists, the same ones first, then the most alike; words with a digit are
/// never taken for one another.
pub(super) fn compare<'a>(a: &'a [String], b: &'a [String], weigh: fn(&str) -> u32) -> Comparison<'a> {
    let weight = a.iter().chain(b).map(|word| weigh(word)).sum();
    let mut comparison = Comparison { weight, ..Comparison::default() };
    let mut left: Vec<&str> = a.iter().map(String::as_str).collect();
    let mut right: Vec<&str> = b.iter().map(String::as_str).collect();
    left.sort_unstable();
    right.sort_unstable();
    left.retain(|word| {
        let Some(at) = right.iter().position(|other| other == word) else { return true };
        right.remove(at);
        comparison.matched += u64::from(2 * weigh(word) * FULL);
        false
    });
    while let Some((likeness, at_a, at_b)) = closest(&left, &right) {
        let (word_a, word_b) = (left.remove(at_a), right.remove(at_b));
        comparison.matched += u64::from((weigh(word_a) + weigh(word_b)) * likeness);
        comparison.misspelled.push((word_a.min(word_b), word_a.max(word_b)));
    }
    comparison.only_a = left;
    comparison.only_b = right;
    comparison
}

fn closest(left: &[&str], right: &[&str]) -> Option<(u32, usize, usize)> {
    let mut best: Option<(u32, usize, usize)> = None;
    for (at_a, a) in left.iter().enumerate() {
        for (at_b, b) in right.iter().enumerate() {
            if has_digit(a) || has_digit(b) || a.len().min(b.len()) < 4 {
                continue;
            }
            let likeness = ratio(a, b);
            if likeness >= SAME_WORD && best.is_none_or(|(most, ..)| likeness > most) {
                best = Some((likeness, at_a, at_b));
            }
        }
    }
    best
}

pub(super) fn has_digit(word: &str) -> bool {
    word.contains(|c: char| c.is_numeric())
}
