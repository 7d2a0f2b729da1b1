//! Templates: what they look like, and the rules that they must keep.
//!
//! A template is text in lines. One line is one sentence; an empty line ends a paragraph.
//!
//! ```text
//! // A remark.
//! subject: Your {{ products }} licences
//! [context]
//! While comparing our records we found {{ seats }} that we had not billed.
//! {? activity_every_seat } Use is recorded for every one of them.
//! {? active_seats, not activity_every_seat } Use is recorded for {{ active_seats }}.
//! {table lines}
//! ```
//!
//! There are no loops, no expressions and no text that is chosen otherwise, so that a reader (and the
//! checks here) can tell from a line alone which facts it needs: those in its braces. Where one of them
//! does not hold, the line is not written. `subject` may stand several times; the first one whose facts
//! hold is taken.

use super::catalog::{Fact, PRICE_CHANGES, fact};
use super::claims;
use super::fault::{TemplateFault, TemplateRule};
use super::kind::{Group, LetterKind, Part};
use super::tables::{TableFact, table};

/// Characters that a template may have.
pub const MOST_CHARACTERS: usize = 20_000;

/// Something that a sentence needs to hold.
#[derive(Clone, Copy, Debug)]
pub(super) enum Needed {
    Fact(&'static Fact),
    Table(&'static TableFact),
}

impl Needed {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Fact(fact) => fact.name,
            Self::Table(table) => table.name,
        }
    }

    const fn group(self) -> Group {
        match self {
            Self::Fact(fact) => fact.group,
            Self::Table(table) => table.group,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) needed: Needed,
    pub(super) holds: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    Fact(&'static Fact),
    Table(&'static TableFact),
}

/// One line: its conditions, and what is written.
#[derive(Clone, Debug)]
pub(super) struct Sentence {
    pub(super) line: u32,
    pub(super) conditions: Vec<Condition>,
    pub(super) pieces: Vec<Piece>,
}

impl Sentence {
    /// Names of what must hold for it to be written.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        let conditions = self.conditions.iter().filter(|condition| condition.holds);
        let pieces = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Fact(fact) => Some(fact.name),
            Piece::Table(table) => Some(table.name),
        });
        conditions.map(|condition| condition.needed.name()).chain(pieces)
    }

    /// Whether a table is all that it is.
    pub(super) const fn is_table(&self) -> bool {
        matches!(self.pieces.as_slice(), [Piece::Table(_)])
    }
}

/// Sentences that belong together; a table stands alone.
pub(super) type Paragraph = Vec<Sentence>;

/// A template that keeps all rules.
#[derive(Clone, Debug)]
pub struct Template {
    pub(super) kind: LetterKind,
    pub(super) subjects: Vec<Sentence>,
    pub(super) blocks: Vec<(Part, Vec<Paragraph>)>,
}

impl Template {
    /// Reads and checks a template.
    ///
    /// # Errors
    /// Every fault that it has, by line.
    pub fn parse(kind: LetterKind, text: &str) -> Result<Self, Vec<TemplateFault>> {
        let mut reader = Reader::new(kind);
        let characters = text.chars().count();
        if characters > MOST_CHARACTERS {
            reader.fault(
                1,
                TemplateRule::Syntax,
                format!("A template has at most {MOST_CHARACTERS} characters; this has {characters}."),
            );
            return Err(reader.faults);
        }
        let mut last = 0;
        for (index, line) in text.lines().enumerate() {
            last = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
            reader.line(last, line.trim());
        }
        reader.end(last.max(1));
        if reader.faults.is_empty() {
            return Ok(reader.template);
        }
        reader.faults.sort_by_key(|fault| fault.line);
        Err(reader.faults)
    }

    /// The template that is used until an organization has its own.
    ///
    /// # Errors
    /// Never, as the tests see to.
    pub fn default_for(kind: LetterKind) -> Result<Self, Vec<TemplateFault>> {
        Self::parse(kind, kind.default_template())
    }

    /// What kind of letter it makes.
    pub const fn kind(&self) -> LetterKind {
        self.kind
    }
}

struct Reader {
    kind: LetterKind,
    template: Template,
    paragraph: Paragraph,
    /// Where each block begins.
    begins: Vec<(Part, u32)>,
    faults: Vec<TemplateFault>,
}

impl Reader {
    fn new(kind: LetterKind) -> Self {
        let template = Template { kind, subjects: Vec::new(), blocks: Vec::new() };
        Self { kind, template, paragraph: Vec::new(), begins: Vec::new(), faults: Vec::new() }
    }

    fn fault(&mut self, line: u32, rule: TemplateRule, reason: impl Into<String>) {
        self.faults.push(TemplateFault { line, rule, reason: reason.into() });
    }

    fn line(&mut self, number: u32, line: &str) {
        if line.starts_with("//") {
            return;
        }
        if line.is_empty() {
            return self.end_paragraph();
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return self.heading(number, name.trim());
        }
        if let Some(subject) = line.strip_prefix("subject:").filter(|_| self.begins.is_empty()) {
            let subject = self.sentence(number, subject.trim());
            return self.template.subjects.extend(subject);
        }
        if self.begins.is_empty() {
            let reason = "Text stands in a block. Begin with `subject:` and `[context]`.";
            return self.fault(number, TemplateRule::Syntax, reason);
        }
        let Some(sentence) = self.sentence(number, line) else { return };
        if sentence.is_table() {
            self.end_paragraph();
            self.paragraph.push(sentence);
            self.end_paragraph();
        } else {
            self.paragraph.push(sentence);
        }
    }

    fn end_paragraph(&mut self) {
        let paragraph = std::mem::take(&mut self.paragraph);
        if let (false, Some((_, paragraphs))) = (paragraph.is_empty(), self.template.blocks.last_mut()) {
            paragraphs.push(paragraph);
        }
    }

    fn heading(&mut self, number: u32, name: &str) {
        self.end_paragraph();
        let Some(part) = Part::ALL.iter().copied().find(|part| part.as_str() == name) else {
            let known: Vec<&str> = Part::ALL.iter().map(|part| part.as_str()).collect();
            return self.fault(
                number,
                TemplateRule::Syntax,
                format!("`[{name}]` is no block; blocks are {}.", known.join(", ")),
            );
        };
        if let Some((before, _)) = self.begins.last().filter(|(before, _)| *before >= part) {
            let reason = format!(
                "`[{}]` stands after `[{}]`. A letter goes from context to data to what happens next, each once.",
                part.as_str(),
                before.as_str()
            );
            self.fault(number, TemplateRule::BlockOrder, reason);
        }
        self.begins.push((part, number));
        self.template.blocks.push((part, Vec::new()));
    }

    /// One line: conditions, then text with facts.
    fn sentence(&mut self, number: u32, line: &str) -> Option<Sentence> {
        let before = self.faults.len();
        let mut sentence = Sentence { line: number, conditions: Vec::new(), pieces: Vec::new() };
        let mut rest = line;
        if let Some(inner) = rest.strip_prefix("{?") {
            let Some((conditions, text)) = inner.split_once('}') else {
                self.fault(number, TemplateRule::Syntax, "`{?` has no `}`.");
                return None;
            };
            sentence.conditions = self.conditions(number, conditions);
            rest = text.trim_start();
        }
        if let Some(name) = rest.strip_prefix("{table").and_then(|rest| rest.strip_suffix('}')) {
            let needed = self.needed(number, name.trim(), true)?;
            if let Needed::Table(table) = needed {
                sentence.pieces.push(Piece::Table(table));
            }
        } else {
            self.pieces(number, rest, &mut sentence.pieces);
        }
        if sentence.pieces.is_empty() && self.faults.len() == before {
            self.fault(number, TemplateRule::Syntax, "Nothing would be written here.");
        }
        if self.faults.len() > before {
            return None;
        }
        claims::check(self.kind, &sentence, &mut self.faults);
        Some(sentence)
    }

    fn conditions(&mut self, number: u32, text: &str) -> Vec<Condition> {
        let mut conditions = Vec::new();
        for name in text.split(',').map(str::trim) {
            let negated = name.strip_prefix("not ").map(str::trim);
            // A table may be named as a condition as well.
            let name = negated.unwrap_or(name);
            let needed = self.needed(number, name, table(name).is_some());
            conditions.extend(needed.map(|needed| Condition { needed, holds: negated.is_none() }));
        }
        conditions
    }

    fn pieces(&mut self, number: u32, text: &str, pieces: &mut Vec<Piece>) {
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, braced) = rest.split_at(at);
            let name = braced.strip_prefix("{{").and_then(|inner| inner.split_once("}}"));
            let Some((name, after)) = name else {
                let reason = "Braces stand for facts only: `{{ seats }}`, `{? reply_by }`, or `{table lines}` on a line of its own.";
                return self.fault(number, TemplateRule::Syntax, reason);
            };
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            match self.needed(number, name.trim(), false) {
                Some(Needed::Fact(fact)) if fact.flag => {
                    let reason = format!(
                        "`{}` holds or does not hold and has no text. Write {{? {} }} before the sentence.",
                        fact.name, fact.name
                    );
                    self.fault(number, TemplateRule::Syntax, reason);
                }
                Some(Needed::Fact(fact)) => pieces.push(Piece::Fact(fact)),
                _ => {}
            }
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
    }

    /// The fact or table of this name, if this kind of letter has it.
    fn needed(&mut self, number: u32, name: &str, of_tables: bool) -> Option<Needed> {
        let shown: String = name.chars().take(60).collect();
        if PRICE_CHANGES.contains(&name) {
            let reason = format!(
                "`{shown}`: a price that changes has no place in a letter about quantities. It is a conversation of its own."
            );
            self.fault(number, TemplateRule::PriceChange, reason);
            return None;
        }
        let found = if of_tables { table(name).map(Needed::Table) } else { fact(name).map(Needed::Fact) };
        let Some(needed) = found else {
            let what = if of_tables { "table" } else { "fact" };
            let near =
                nearest(name, of_tables).map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
            self.fault(number, TemplateRule::UnknownFact, format!("There is no {what} `{shown}`.{near}"));
            return None;
        };
        if !self.kind.groups().contains(&needed.group()) {
            let reason = format!("`{shown}` is not among the facts of {}.", self.kind);
            self.fault(number, TemplateRule::FactOfAnotherLetter, reason);
            return None;
        }
        Some(needed)
    }

    fn end(&mut self, last: u32) {
        self.end_paragraph();
        if self.template.subjects.is_empty()
            && !self.faults.iter().any(|fault| fault.rule == TemplateRule::Syntax)
        {
            self.fault(1, TemplateRule::MissingSubject, "Begin with a line `subject: ...`.");
        }
        for part in Part::ALL.iter().copied().filter(|part| part.required()) {
            let begins = self.begins.iter().find(|(begun, _)| *begun == part).map(|(_, line)| *line);
            let Some(begins) = begins else {
                let reason = format!(
                    "There is no `[{}]`. Every letter says what happened, the data, and what happens next.",
                    part.as_str()
                );
                self.fault(last, TemplateRule::MissingBlock, reason);
                continue;
            };
            let block = self.template.blocks.iter().find(|(begun, _)| *begun == part);
            let sentences: Vec<&Sentence> =
                block.into_iter().flat_map(|(_, paragraphs)| paragraphs.iter().flatten()).collect();
            if sentences.is_empty() && self.faults.is_empty() {
                self.fault(begins, TemplateRule::MissingBlock, format!("`[{}]` is empty.", part.as_str()));
                continue;
            }
            let said: Vec<&str> = sentences.iter().flat_map(|sentence| sentence.names()).collect();
            let missing: Vec<_> = self
                .kind
                .demands()
                .iter()
                .filter(|(of, any)| *of == part && !any.iter().any(|name| said.contains(name)))
                .collect();
            // A line that could not be read may be the one that says it.
            if self.faults.iter().all(|fault| fault.rule == TemplateRule::MissingFact) {
                for (_, any) in missing {
                    let reason = format!(
                        "`[{}]` of {} must say {}.",
                        part.as_str(),
                        self.kind,
                        any.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
                    );
                    self.fault(begins, TemplateRule::MissingFact, reason);
                }
            }
        }
    }
}

/// The known name that is most like this one.
fn nearest(name: &str, of_tables: bool) -> Option<&'static str> {
    let known: Vec<&'static str> = if of_tables {
        super::tables::TABLES.iter().map(|table| table.name).collect()
    } else {
        super::catalog::FACTS.iter().map(|fact| fact.name).collect()
    };
    let distance =
        |known: &&str| rapidfuzz::distance::levenshtein::distance(name.bytes().take(60), known.bytes());
    known.into_iter().min_by_key(distance).filter(|known| distance(known) <= 3)
}
