//! Facts and a template to a letter.

use super::check::{FactFault, is_address, is_page};
use super::facts::LetterFacts;
use super::kind::Part;
use super::letter::{Content, Letter, Section, Table, plain};
use super::template::{Condition, Needed, Piece, Sentence, Template};

/// Why a letter cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LetterError {
    /// Facts are missing that every letter of the kind needs, or they contradict each other.
    #[error("the facts cannot be used: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Facts(Vec<FactFault>),
    /// A block would not say what it must, because the facts for it are missing.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Unsaid(Vec<Unsaid>),
    /// No line of the subject has all its facts.
    #[error("no subject can be written: each of its lines needs a fact that is missing")]
    NoSubject,
}

/// Something that a block would not say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` would not say {}: {why}", part.as_str(), any.join(" or "), why = if any.is_empty() { "no sentence of it has its facts" } else { "the fact is missing, or its sentence has a condition that does not hold" })]
pub struct Unsaid {
    /// The block.
    pub part: Part,
    /// Any of these facts would do; empty: the block would be empty.
    pub any: Vec<&'static str>,
}

/// Writes a letter. Each sentence whose facts hold is written, and no other.
///
/// # Errors
/// When the facts contradict each other, or a block would not say what it must.
pub fn render(template: &Template, facts: &LetterFacts) -> Result<Letter, LetterError> {
    let faults = facts.faults(template.kind);
    if !faults.is_empty() {
        return Err(LetterError::Facts(faults));
    }
    let subject =
        template.subjects.iter().find_map(|subject| written(subject, facts)).ok_or(LetterError::NoSubject)?;
    let mut unsaid = Vec::new();
    let mut sections = Vec::new();
    for (part, paragraphs) in &template.blocks {
        let mut said: Vec<&'static str> = Vec::new();
        let mut content = Vec::new();
        for paragraph in paragraphs {
            let mut sentences = Vec::new();
            for sentence in paragraph {
                if let Some(table) = shown(sentence, facts) {
                    content.push(Content::Table(table));
                } else if let Some(text) = written(sentence, facts) {
                    sentences.push(text);
                } else {
                    continue;
                }
                said.extend(sentence.names());
            }
            if !sentences.is_empty() {
                content.push(Content::Paragraph(sentences.join(" ")));
            }
        }
        let demands = template.kind.demands().iter().filter(|(of, _)| of == part);
        let missing = demands.filter(|(_, any)| !any.iter().any(|name| said.contains(name)));
        unsaid.extend(missing.map(|(part, any)| Unsaid { part: *part, any: any.to_vec() }));
        if !content.is_empty() {
            sections.push(Section { part: *part, content });
        } else if part.required() {
            unsaid.push(Unsaid { part: *part, any: Vec::new() });
        }
    }
    if !unsaid.is_empty() {
        return Err(LetterError::Unsaid(unsaid));
    }
    let link = facts.evidence.as_ref().and_then(|evidence| evidence.link.clone());
    let page = facts.client_link.clone().filter(|page| is_page(page));
    let links = link.into_iter().filter(|link| is_address(link)).chain(page).collect();
    Ok(Letter { kind: template.kind, subject, sections, links })
}

fn holds(condition: &Condition, facts: &LetterFacts) -> bool {
    let found = match condition.needed {
        Needed::Fact(fact) => (fact.read)(facts).is_some(),
        Needed::Table(table) => (table.read)(facts).is_some(),
    };
    found == condition.holds
}

/// The sentence, if everything that it names holds. A text of nothing but spaces does not.
fn written(sentence: &Sentence, facts: &LetterFacts) -> Option<String> {
    if !sentence.conditions.iter().all(|condition| holds(condition, facts)) {
        return None;
    }
    let mut text = String::new();
    for piece in &sentence.pieces {
        match piece {
            Piece::Text(words) => text.push_str(words),
            Piece::Fact(fact) => text
                .push_str(&(fact.read)(facts).map(|value| plain(&value)).filter(|value| !value.is_empty())?),
            Piece::Table(_) => return None,
        }
    }
    Some(plain(&text))
}

fn shown(sentence: &Sentence, facts: &LetterFacts) -> Option<Table> {
    let [Piece::Table(table)] = sentence.pieces.as_slice() else { return None };
    let holding = sentence.conditions.iter().all(|condition| holds(condition, facts));
    (table.read)(facts).filter(|_| holding)
}
