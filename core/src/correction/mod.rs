//! The correction: the case that a person works from a gap to a fix that is proved.
//!
//! Pure. A command is applied to a correction as it is and gives the correction as it would be, or a
//! refusal that names all that is missing. Instants and days are passed in; what is known of the client
//! (its last invoices, its earlier waivers) is passed in; nothing is stored here, and no letter is written.
//!
//! Read in this order: [`state`] (the table), [`quantity`] and [`ledger`] (seats and money), [`finding`]
//! and [`open`] (from gaps to a correction), [`case`], [`command`], `apply`, then the guards by subject: `tell`
//! (messages, approvals, acceptance), `object` (disputes, answers, decisions), `settle` (invoices, credits,
//! waivers, withdrawals), `pay` ([`plan`]), `end` (resolving, amending, reopening), and what surrounds
//! them: [`shock`], [`waiver`], [`deadline`], [`todo`], [`track`], [`verification`], [`proof`].
//!
//! Decisions where the rules leave room:
//! - Seats and money are held for each month of each line, because a month is where money is rounded. A
//!   part's money is its share by seat-days, rounded once for the part; an amount takes the oldest months
//!   first. So the sums hold for months, lines and the correction alike.
//! - The correction stays disputed until the last of several disputes is answered. What is disputed or
//!   frozen rests: it can be neither billed nor planned; everything else moves on.
//! - An offer of payment in parts may be written at any size; what is checked is the offer that a message
//!   needs, and the plan that a client accepts.
//! - A plan that is given up puts back what was only planned. What stands on invoices stays billed.
//! - A resolved correction has nothing outstanding. A plan in it that was broken twice reopens it.
//! - Forward, a line that was reopened stands for its gap in place of the one before it.

mod apply;
pub mod case;
pub mod command;
pub mod deadline;
pub mod dispute;
mod end;
pub mod finding;
pub mod ledger;
mod object;
pub mod offer;
pub mod open;
mod pay;
pub mod plan;
pub mod policy;
pub mod proof;
pub mod quantity;
pub mod refusal;
mod settle;
pub mod share;
pub mod shock;
pub mod state;
mod stored;
mod tell;
#[cfg(test)]
mod tests;
pub mod todo;
pub mod track;
pub mod verification;
pub mod waiver;

pub use case::Correction;
pub use command::Command;
pub use open::open;
pub use refusal::Refusal;
pub use state::State;
