//! Words that claim something. A sentence that has them must name the fact that proves the claim, or it
//! would be written whether it is true or not.
//!
//! This reads words, not meaning: it catches what is usually written, and a person who wants to claim
//! without proof can still find other words.

use super::fault::{TemplateFault, TemplateRule};
use super::kind::{Group, LetterKind};
use super::template::{Piece, Sentence};
use crate::audit::Direction;

/// Words, and the facts of which the sentence must name one.
const CLAIMS: &[(&[&str], &[&str])] = &[
    (
        &[
            "active usage",
            "actively use",
            "in active use",
            "are being used",
            "is being used",
            "are in use",
            "is in use",
            "use is recorded",
            "usage is recorded",
            "show use",
            "show usage",
            "shows usage",
            "activity",
        ],
        &["activity_every_seat", "active_seats"],
    ),
    (
        &["all matches", "everything matches", "all match", "no difference", "no discrepanc"],
        &["all_matches", "quantities_match"],
    ),
    (
        &[
            "the log shows",
            "our log shows",
            "log has",
            "was requested by",
            "were requested by",
            "was ordered by",
            "were ordered by",
        ],
        &[
            "provisioning",
            "provisioning_every_seat",
            "first_provisioned",
            "last_provisioned",
            "logged_seats",
            "log_covers_dispute",
            "unlogged_seats",
        ],
    ),
    (&["recount confirm", "count confirms", "recount came to the same"], &["recount_confirms"]),
    (&["you confirmed", "your confirmation of"], &["waiver_confirmed_on"]),
];

/// Words of a price that changes.
const PRICES: &[&str] = &[
    "price increase",
    "price change",
    "price rise",
    "price adjustment",
    "new price",
    "higher price",
    "lower price",
    "raise our price",
    "raise the price",
    "raise your price",
    "increase our price",
    "increase the price",
    "increase your price",
    "rate increase",
    "new rate",
    "prices will",
    "price will",
];

/// Words of giving back, which fit over-billing only.
const GIVING_BACK: &[&str] =
    &["credit note", "we will refund", "we refund", "refund you", "credit you", "will be credited"];

/// Words of charging, which fit under-billing only.
const CHARGING: &[&str] = &[
    "we will charge",
    "we will invoice the difference",
    "will be charged to you",
    "please pay",
    "back-bill",
];

/// Checks one sentence.
pub(super) fn check(kind: LetterKind, sentence: &Sentence, faults: &mut Vec<TemplateFault>) {
    let text = words(sentence);
    let named: Vec<&str> = sentence.names().collect();
    let mut fault =
        |rule: TemplateRule, reason: String| faults.push(TemplateFault { line: sentence.line, rule, reason });
    for (claims, proofs) in CLAIMS {
        let claimed = claims.iter().find(|claim| text.contains(**claim));
        let (Some(claimed), false) = (claimed, proofs.iter().any(|proof| named.contains(proof))) else {
            continue;
        };
        let proofs: Vec<String> = proofs.iter().map(|proof| format!("`{proof}`")).collect();
        let reason = format!(
            "\"{claimed}\" is a claim. Put a condition before the sentence, such as {{? {} }}; it must name one of {}.",
            proofs.first().map_or("", |proof| proof.trim_matches('`')),
            proofs.join(", ")
        );
        fault(TemplateRule::ClaimWithoutFact, reason);
    }
    let price = PRICES.iter().find(|words| text.contains(**words)).filter(|_| !kind.about_price());
    if let Some(words) = price {
        let reason = format!(
            "\"{words}\": a price that changes has no place in a letter about quantities. It is a conversation of its own."
        );
        fault(TemplateRule::PriceChange, reason);
    }
    let has = |group: Group| kind.groups().contains(&group);
    let against: &[&str] = match kind.direction() {
        Some(Direction::Under) if !has(Group::Credit) => GIVING_BACK,
        Some(Direction::Over) if !has(Group::Charge) => CHARGING,
        _ => &[],
    };
    if let Some(words) = against.iter().find(|words| text.contains(**words)) {
        let reason = format!(
            "\"{words}\" does not fit: what was not billed is billed, what was billed too much is given back."
        );
        fault(TemplateRule::WrongRemedy, reason);
    }
}

/// The sentence's own words, in small letters, with one space between; facts are a space.
fn words(sentence: &Sentence) -> String {
    let mut text = String::new();
    for piece in &sentence.pieces {
        match piece {
            Piece::Text(words) => text.push_str(&words.to_lowercase()),
            Piece::Fact(_) | Piece::Table(_) => text.push(' '),
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
