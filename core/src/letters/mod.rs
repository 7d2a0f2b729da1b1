//! Letters to clients, written from facts.
//!
//! A letter goes from context to data to what happens next. A sentence is written only if every fact that
//! it names holds: "use is recorded for every seat" needs the record of every seat. What must be said and
//! cannot be is an error, never a letter with a hole. Which remedy is offered follows the sign: what was
//! not billed will be billed, what was billed too much is given back with an apology. Prices that change
//! are never mixed into a letter about quantities.
//!
//! Facts come in typed ([`LetterFacts`]) and are only written down here, not computed: the caller knows
//! audits and corrections, this module must not. It sends nothing.
//!
//! Read in this order: [`LetterKind`] (which letters there are and what each must say), [`LetterFacts`],
//! `catalog` and `tables` (which facts a template can name), [`Template`] (the language and its rules),
//! [`render`].

mod catalog;
mod check;
mod claims;
mod examples;
mod facts;
mod fault;
mod kept;
mod kind;
mod letter;
mod pdf;
mod read;
mod render;
mod statement;
mod tables;
mod template;
#[cfg(test)]
mod tests;
pub(crate) mod wording;

pub use catalog::{FACTS, Fact};
pub use check::FactFault;
pub use examples::example;
pub use facts::{
    AccountManager, CreditFacts, DisputeFacts, DueInstalment, EvidenceFacts, FindingFacts, FixedFacts,
    InstalmentFacts, LetterFacts, LineFacts, NextBilling, NextLine, NotComparedFacts, PaymentFacts,
    PlanFacts, PlanWay, PriceConversationFacts, ProvisioningFacts, RecountFacts, ReminderFacts, ReviewFacts,
    StatementFacts, VerificationFacts, WaiverFacts,
};
pub use fault::{TemplateFault, TemplateRule};
pub use kind::{Demand, Group, LetterKind, Part};
pub use letter::{Cell, Content, Letter, Section, Table};
pub use pdf::{Letterhead, kept_pdf};
pub use render::{LetterError, Unsaid, render};
pub use statement::statement_of;
pub use tables::{TABLES, TableFact};
pub use template::{MOST_CHARACTERS, Template};
