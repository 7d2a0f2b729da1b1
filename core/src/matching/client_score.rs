//! How likely two client references mean the same client, with reasons.

use super::fold::as_guid;
use super::product_score::finish;
use super::propose::word_hints;
use super::similar::{FULL, compare, has_digit};
use super::{PROPOSAL_THRESHOLD, Scored, fold, fold_id};
use crate::records::ClientRef;
use std::collections::BTreeSet;

/// Legal forms and articles: they tell little about who it is.
const LEGAL: &[&str] = &[
    "ltd",
    "limited",
    "inc",
    "incorporated",
    "llc",
    "llp",
    "lp",
    "plc",
    "corp",
    "corporation",
    "co",
    "company",
    "gmbh",
    "ag",
    "kg",
    "ug",
    "se",
    "sa",
    "sarl",
    "sas",
    "srl",
    "spa",
    "bv",
    "nv",
    "ab",
    "as",
    "oy",
    "aps",
    "pty",
    "pte",
    "the",
    "and",
];

/// Domains that belong to a provider, not to a client.
const SHARED_DOMAINS: &[&str] =
    &["gmail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "aol.com"];

/// A reference, read once for many comparisons.
#[derive(Debug)]
pub(super) struct Prepared {
    tenant: Option<String>,
    folded: String,
    words: Vec<String>,
    /// The words without spaces.
    joined: String,
    /// The words with a digit, sorted: a client that has others is another client.
    numbers: Vec<String>,
    domain: Option<String>,
}

impl Prepared {
    pub(super) fn new(client: &ClientRef) -> Self {
        let folded = client.name.as_deref().map(fold).unwrap_or_default();
        let all: Vec<String> = folded.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let words: Vec<String> = all.iter().filter(|word| !LEGAL.contains(&word.as_str())).cloned().collect();
        let domain = client.domain.as_deref().map(fold_id).filter(|domain| domain.contains('.'));
        let words = if words.is_empty() { all } else { words };
        let mut numbers: Vec<String> = words.iter().filter(|word| has_digit(word)).cloned().collect();
        numbers.sort_unstable();
        Self {
            tenant: client.id.as_deref().and_then(|id| as_guid(&fold_id(id))),
            folded,
            joined: words.concat(),
            numbers,
            words,
            domain: domain.filter(|domain| !SHARED_DOMAINS.contains(&domain.as_str())),
        }
    }
}

impl Prepared {
    /// What a client that may be the same has at least one of.
    pub(super) fn hints(&self) -> BTreeSet<String> {
        let labels = self.domain.as_deref().map(|domain| label(domain).replace('-', ""));
        let words = self.words.iter().chain([&self.joined]).filter(|word| !word.is_empty());
        let mut hints: BTreeSet<String> = words.flat_map(|word| word_hints(word)).collect();
        hints.extend(labels.iter().flat_map(|label| word_hints(label)));
        hints
    }
}

/// The label that a domain is known by: `contoso` of `contoso.com` and of `contoso.onmicrosoft.com`.
fn label(domain: &str) -> &str {
    domain.split('.').next().unwrap_or(domain)
}

/// How likely two references mean the same client; `None`: not worth proposing.
///
/// Two tenants with different ids are two clients, whatever they are called.
pub fn score_clients(a: &ClientRef, b: &ClientRef) -> Option<Scored> {
    score(&Prepared::new(a), &Prepared::new(b))
}

/// The same for references that were read before.
pub(super) fn score(a: &Prepared, b: &Prepared) -> Option<Scored> {
    if a.tenant.is_some() && b.tenant.is_some() && a.tenant != b.tenant {
        return None;
    }
    let mut found: Vec<(u32, String)> = [by_domain(a, b), by_name(a, b)].into_iter().flatten().collect();
    found.sort_by(|x, y| (y.0, &x.1).cmp(&(x.0, &y.1)));
    let best = found.first()?.0;
    // Two reasons of different kinds are worth more than one.
    let score = if found.len() > 1 { (best + 30).min(980) } else { best };
    let reasons = found.into_iter().map(|(_, reason)| reason).collect();
    Some(finish(score, reasons)).filter(|scored| scored.score >= PROPOSAL_THRESHOLD)
}

fn by_domain(a: &Prepared, b: &Prepared) -> Option<(u32, String)> {
    if let (Some(one), Some(two)) = (&a.domain, &b.domain)
        && one == two
    {
        return Some((950, format!("the same domain, `{one}`")));
    }
    for (domain, named) in [(&a.domain, b), (&b.domain, a)] {
        if let Some(domain) = domain.as_deref()
            && label(domain).len() >= 4
            && named.joined == label(domain).replace('-', "")
        {
            return Some((880, format!("the name is that of the domain `{domain}`")));
        }
    }
    None
}

/// Whether every word of the shorter name may have a counterpart in the other: one that begins or ends
/// the same. Cheap, and tells most clients of a thousand apart.
fn may_pair(a: &[String], b: &[String]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let ends = |word: &str| (word.chars().next(), word.chars().next_back());
    short.iter().map(|word| ends(word)).all(|(first, last)| {
        long.iter().map(|word| ends(word)).any(|(begin, end)| begin == first || end == last)
    })
}

fn by_name(a: &Prepared, b: &Prepared) -> Option<(u32, String)> {
    if a.words.is_empty() || b.words.is_empty() {
        return None;
    }
    if a.folded == b.folded {
        return Some((950, "the same name, under different ids".to_owned()));
    }
    if a.words == b.words {
        return Some((930, "the same name but for the legal form".to_owned()));
    }
    if a.joined == b.joined {
        return Some((920, "the same name but for spaces".to_owned()));
    }
    // "North" and "South", "Branch 1" and "Branch 2" are different clients.
    if a.numbers != b.numbers || !may_pair(&a.words, &b.words) {
        return None;
    }
    let comparison = compare(&a.words, &b.words, |_| 10);
    let missing: Vec<&str> = comparison.only_a.iter().chain(&comparison.only_b).copied().collect();
    if !comparison.only_a.is_empty() && !comparison.only_b.is_empty() {
        return None;
    }
    let score = comparison.share() * 930 / FULL;
    let reason = if missing.is_empty() {
        "the names are spelled almost the same".to_owned()
    } else {
        format!("only one of the names says `{}`", missing.join(" "))
    };
    Some((score, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name|id|domain`, missing ones empty.
    fn client(text: &str) -> ClientRef {
        let mut fields = text.split('|').map(|field| (!field.is_empty()).then(|| field.to_owned()));
        let mut next = || fields.next().flatten();
        ClientRef { name: next(), id: next(), domain: next() }
    }

    #[test]
    fn clients_are_proposed_by_name_and_domain() {
        for (a, b, proposed) in [
            ("Contoso", "Contoso Ltd.", true),
            ("Contoso GmbH & Co. KG", "Contoso", true),
            ("Northwind Traders", "North Wind Traders", true),
            ("Northwind Traders", "Northwind Tradres", true),
            ("Contoso||contoso.com", "Contoso Group||contoso.com", true),
            ("Fabrikam", "||fabrikam.onmicrosoft.com", true),
            ("Contoso|1|", "Contoso|2|", true),
            ("Contoso North", "Contoso South", false),
            ("Contoso 1", "Contoso 2", false),
            ("Contoso", "Contoso Holdings International", false),
            ("Contoso", "Fabrikam", false),
            ("Alpha||gmail.com", "Beta||gmail.com", false),
            ("Ltd", "Inc", false),
            (
                "Contoso|72f988bf-86f1-41af-91ab-2d7cd011db47|",
                "Contoso|82f988bf-86f1-41af-91ab-2d7cd011db47|",
                false,
            ),
        ] {
            let there = score_clients(&client(a), &client(b));
            assert_eq!(there, score_clients(&client(b), &client(a)), "{a} / {b}");
            assert_eq!(there.is_some(), proposed, "{a} / {b}");
        }
    }

    #[test]
    fn name_and_domain_together_score_higher_and_are_never_certain() {
        let score = |a: &str, b: &str| score_clients(&client(a), &client(b)).unwrap().score.to_string();
        assert_eq!(score("Contoso||contoso.com", "Contoso Ltd||contoso.com"), "0.98");
        assert_eq!(score("Contoso", "Contoso Ltd"), "0.93");
    }

    #[test]
    fn what_scores_shares_a_hint() {
        let all: Vec<Prepared> = [
            "Contoso",
            "Contoso Ltd.",
            "Contoso||contoso.com",
            "Con Toso",
            "Kontoso Inc",
            "Fabrikam",
            "||fabrikam.onmicrosoft.com",
            "Northwind Traders",
            "North Wind Traders",
            "Northwind Tradres",
            "Adventure-Works|1|",
            "Adventure Works Cycles",
            "||adventureworks.com",
            "Wide World Importers",
        ]
        .iter()
        .map(|text| Prepared::new(&client(text)))
        .collect();
        for a in &all {
            for b in all.iter().filter(|b| score(a, b).is_some()) {
                assert!(!a.hints().is_disjoint(&b.hints()), "{a:?} {b:?}");
            }
        }
    }
}
