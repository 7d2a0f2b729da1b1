//! The rules that a template must keep, and how a broken one is told.

use serde::{Deserialize, Serialize};

/// A rule that a template breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TemplateRule {
    /// It cannot be read.
    Syntax,
    /// There is no such fact or table.
    UnknownFact,
    /// The fact exists, but not for this kind of letter.
    FactOfAnotherLetter,
    /// A price that changes in a letter about quantities.
    PriceChange,
    /// `context`, `data` or `going_forward` is not there, or empty.
    MissingBlock,
    /// Blocks in another order than context, data, going forward; or twice.
    BlockOrder,
    /// A block does not say what it must.
    MissingFact,
    /// A sentence claims something without naming the fact that proves it.
    ClaimWithoutFact,
    /// A remedy that does not fit the direction.
    WrongRemedy,
    /// No line of the subject.
    MissingSubject,
}

impl TemplateRule {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::UnknownFact => "unknown_fact",
            Self::FactOfAnotherLetter => "fact_of_another_letter",
            Self::PriceChange => "price_change",
            Self::MissingBlock => "missing_block",
            Self::BlockOrder => "block_order",
            Self::MissingFact => "missing_fact",
            Self::ClaimWithoutFact => "claim_without_fact",
            Self::WrongRemedy => "wrong_remedy",
            Self::MissingSubject => "missing_subject",
        }
    }
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {}: {reason}", .rule.as_str())]
pub struct TemplateFault {
    /// The line, from 1. Of something that is missing: the line where it should stand, or the last one.
    pub line: u32,
    /// The rule.
    pub rule: TemplateRule,
    /// What is wrong, and what would be right.
    pub reason: String,
}
