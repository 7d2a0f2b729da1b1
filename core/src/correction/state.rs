//! The five states of a correction, the commands, and the one table that says which command is allowed
//! in which state and where it leads. Nothing else changes a state.

use serde::{Deserialize, Serialize};

macro_rules! named {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $text:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$of])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in the database and on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// From its name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+};
}
pub(super) use named;

named! {
    /// Where a correction stands.
    State {
        /// A person works on it; the client knows nothing yet.
        Found = "found",
        /// The client was told, with data and what happens next.
        Communicated = "communicated",
        /// The client objects, to all or to a part.
        Disputed = "disputed",
        /// All money is disposed of and the client agrees or need not.
        Resolved = "resolved",
        /// All that was left is given up, confirmed by the client in writing.
        Waived = "waived",
    }

    /// What can be asked of a correction.
    Action {
        /// Tell the client.
        Communicate = "communicate",
        /// The client objects.
        Dispute = "dispute",
        /// Answer an objection with its evidence.
        Answer = "answer",
        /// A later audit has other figures.
        Amend = "amend",
        /// End it.
        Resolve = "resolve",
        /// The seats are not there after all.
        Withdraw = "withdraw",
        /// Give up all that is left, or a part.
        Waive = "waive",
        /// Begin again.
        Reopen = "reopen",
        /// Charge, with an invoice.
        Bill = "bill",
        /// Give back, with a credit note or refund.
        Credit = "credit",
        /// Ask for a waiver.
        RequestWaiver = "request_waiver",
        /// Attach what the client wrote.
        AttachConfirmation = "attach_confirmation",
        /// Offer payment in parts.
        OfferPlan = "offer_plan",
        /// The client takes the plan.
        AcceptPlan = "accept_plan",
        /// An instalment was invoiced.
        InvoiceInstalment = "invoice_instalment",
        /// An instalment was paid.
        PayInstalment = "pay_instalment",
        /// The client promises a day of payment.
        Promise = "promise",
        /// An instalment was missed, or a promise was broken.
        RecordBreak = "record_break",
        /// Give a plan up that was broken twice.
        BreakPlan = "break_plan",
        /// The client accepts.
        Accept = "accept",
        /// The message arrived.
        Deliver = "deliver",
        /// Remind the client.
        Remind = "remind",
        /// An admin approves an invoice shock or the size of instalments.
        Approve = "approve",
        /// An admin decides what a refusal means for the relationship.
        Decide = "decide",
        /// A contract review has ended.
        EndReview = "end_review",
        /// Give it to another owner.
        Assign = "assign",
        /// Imports prove entries.
        Verify = "verify",
    }
}

/// Where a command leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// To this state.
    To(State),
    /// To this state when it concerns all that is left, else it stays.
    ToWhenWhole(State),
    /// It stays.
    Stay,
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The command.
    pub action: Action,
    /// States in which it is allowed.
    pub from: &'static [State],
    /// Where it leads.
    pub target: Target,
}

use Action as A;
use State::{Communicated, Disputed, Found, Resolved, Waived};
use Target::{Stay, To, ToWhenWhole};

const fn rule(action: Action, from: &'static [State], target: Target) -> Rule {
    Rule { action, from, target }
}

/// Every command, the states that allow it, and where it leads.
///
/// An answer to one of several open disputes stays until the last one is answered. A waiver of a part
/// stays. Everything else that is listed as staying concerns money, promises or records only.
pub const TABLE: &[Rule] = &[
    rule(A::Communicate, &[Found], To(Communicated)),
    rule(A::Dispute, &[Communicated, Disputed, Resolved], To(Disputed)),
    rule(A::Answer, &[Disputed], ToWhenWhole(Communicated)),
    rule(A::Amend, &[Communicated, Disputed], To(Found)),
    rule(A::Resolve, &[Communicated, Disputed], To(Resolved)),
    rule(A::Withdraw, &[Found], To(Resolved)),
    rule(A::Waive, &[Found, Communicated, Disputed], ToWhenWhole(Waived)),
    rule(A::Reopen, &[Resolved, Waived], To(Found)),
    rule(A::Bill, &[Communicated, Disputed], Stay),
    rule(A::Credit, &[Communicated, Disputed], Stay),
    rule(A::RequestWaiver, &[Found, Communicated, Disputed], Stay),
    rule(A::AttachConfirmation, State::ALL, Stay),
    rule(A::OfferPlan, &[Found, Communicated, Disputed], Stay),
    rule(A::AcceptPlan, &[Communicated, Disputed], Stay),
    rule(A::InvoiceInstalment, &[Communicated, Disputed, Resolved], Stay),
    rule(A::PayInstalment, &[Communicated, Disputed, Resolved], Stay),
    rule(A::Promise, &[Communicated, Disputed, Resolved], Stay),
    rule(A::RecordBreak, &[Communicated, Disputed, Resolved], Stay),
    rule(A::BreakPlan, &[Communicated, Disputed], Stay),
    rule(A::Accept, &[Communicated, Disputed], Stay),
    rule(A::Deliver, &[Communicated, Disputed], Stay),
    rule(A::Remind, &[Communicated, Disputed, Resolved], Stay),
    rule(A::Approve, &[Found, Communicated, Disputed], Stay),
    rule(A::Decide, &[Disputed], Stay),
    rule(A::EndReview, &[Communicated, Disputed], Stay),
    rule(A::Assign, State::ALL, Stay),
    rule(A::Verify, &[Communicated, Disputed, Resolved, Waived], Stay),
];

impl Action {
    /// The line of the table for this command.
    pub fn rule(self) -> Option<&'static Rule> {
        TABLE.iter().find(|rule| rule.action == self)
    }

    /// States in which it is allowed.
    pub fn from(self) -> &'static [State] {
        self.rule().map_or(&[], |rule| rule.from)
    }

    /// The state after it, or none where it is not allowed. `whole`: it concerns all that is left.
    pub fn next(self, state: State, whole: bool) -> Option<State> {
        let rule = self.rule().filter(|rule| rule.from.contains(&state))?;
        Some(match rule.target {
            To(next) => next,
            ToWhenWhole(next) if whole => next,
            ToWhenWhole(_) | Stay => state,
        })
    }
}

impl State {
    /// Whether its gap-months are being worked on, so that no other correction may take them.
    pub const fn is_open(self) -> bool {
        matches!(self, Found | Communicated | Disputed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each of the five states makes of a command, in the order of [`State::ALL`]: the first letter
    /// of the state that follows when it concerns everything, `-` where it is refused.
    const EXPECTED: &[(Action, &str)] = &[
        (A::Communicate, "c----"),
        (A::Dispute, "-ddd-"),
        (A::Answer, "--c--"),
        (A::Amend, "-ff--"),
        (A::Resolve, "-rr--"),
        (A::Withdraw, "r----"),
        (A::Waive, "www--"),
        (A::Reopen, "---ff"),
        (A::Bill, "-cd--"),
        (A::Credit, "-cd--"),
        (A::RequestWaiver, "fcd--"),
        (A::AttachConfirmation, "fcdrw"),
        (A::OfferPlan, "fcd--"),
        (A::AcceptPlan, "-cd--"),
        (A::InvoiceInstalment, "-cdr-"),
        (A::PayInstalment, "-cdr-"),
        (A::Promise, "-cdr-"),
        (A::RecordBreak, "-cdr-"),
        (A::BreakPlan, "-cd--"),
        (A::Accept, "-cd--"),
        (A::Deliver, "-cd--"),
        (A::Remind, "-cdr-"),
        (A::Approve, "fcd--"),
        (A::Decide, "--d--"),
        (A::EndReview, "-cd--"),
        (A::Assign, "fcdrw"),
        (A::Verify, "-cdrw"),
    ];

    #[test]
    fn every_pair_of_state_and_command_leads_where_it_should() {
        for action in Action::ALL {
            let expected = EXPECTED.iter().find(|(of, _)| of == action).expect("every command is listed").1;
            for (state, letter) in State::ALL.iter().zip(expected.chars()) {
                let next = action.next(*state, true);
                let found = next.map_or('-', |next| next.as_str().chars().next().unwrap());
                assert_eq!(found, letter, "{action} in {state}");
            }
        }
    }

    #[test]
    fn a_part_stays_where_it_is() {
        for (action, state) in
            [(A::Waive, Found), (A::Waive, Communicated), (A::Waive, Disputed), (A::Answer, Disputed)]
        {
            assert_eq!(action.next(state, false), Some(state), "{action} in {state}");
        }
    }

    #[test]
    fn every_command_stands_in_the_table_once() {
        for action in Action::ALL {
            assert_eq!(TABLE.iter().filter(|rule| rule.action == *action).count(), 1, "{action}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for action in Action::ALL {
            assert_eq!(Action::parse(action.as_str()), Some(*action));
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
        }
    }
}
