//! The kinds of letters, and what each must say in which block.

use crate::audit::Direction;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A block of a letter, in the order in which a reader meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Who is addressed.
    Greeting,
    /// What happened, in plain words. Required.
    Context,
    /// The numbers and where they come from. Required.
    Data,
    /// What happens next, and by when. Required.
    GoingForward,
    /// Who writes.
    Closing,
}

impl Part {
    /// All of them, in order.
    pub const ALL: &'static [Self] =
        &[Self::Greeting, Self::Context, Self::Data, Self::GoingForward, Self::Closing];

    /// The name in templates and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Greeting => "greeting",
            Self::Context => "context",
            Self::Data => "data",
            Self::GoingForward => "going_forward",
            Self::Closing => "closing",
        }
    }

    /// Whether every letter has it.
    pub const fn required(self) -> bool {
        matches!(self, Self::Context | Self::Data | Self::GoingForward)
    }
}

/// What a group of facts is about. A kind of letter may use the facts of its groups only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Names, and what any letter may say.
    Common,
    /// Seats and money of a correction, whichever way.
    Correction,
    /// What will be charged.
    Charge,
    /// What will be given back.
    Credit,
    /// Payment in parts.
    Plan,
    /// What the client objects to.
    Dispute,
    /// A contract review.
    Review,
    /// A second count.
    Recount,
    /// A payment that the client says it made.
    Payment,
    /// What is given up.
    Waiver,
    /// A decision after a refusal.
    Decision,
    /// The conversation about a price, with a date of its own.
    PriceConversation,
    /// What the client is reminded of.
    Reminder,
    /// The proof on the next invoice.
    Verification,
    /// What a monthly comparison came to.
    Statement,
}

/// One thing that a block must say: any of these facts.
pub type Demand = (Part, &'static [&'static str]);

/// What is true of a kind.
struct Row {
    direction: Option<Direction>,
    lines: bool,
    groups: &'static [Group],
    demands: &'static [Demand],
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $direction:expr, $lines:literal, [$($group:ident),*],
        [$($part:ident: $($fact:literal)|+),*];)+) => {
        /// A kind of letter. New ones may be added.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum LetterKind { $($(#[$doc])* $variant,)+ }

        impl LetterKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in the database and on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The template that is used until an organization has its own.
            pub const fn default_template(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(concat!("templates/", $name, ".txt")),)+
                }
            }

            const fn row(self) -> Row {
                match self {
                    $(Self::$variant => Row {
                        direction: $direction,
                        lines: $lines,
                        groups: &[Group::Common, $(Group::$group),*],
                        demands: &[$((Part::$part, &[$($fact),+])),*],
                    },)+
                }
            }
        }
    };
}

const UNDER: Option<Direction> = Some(Direction::Under);
const OVER: Option<Direction> = Some(Direction::Over);

kinds! {
    /// The first word about seats that were not billed, before they are invoiced.
    FirstNotice = "first_notice", UNDER, true, [Correction, Charge, Plan],
        [Data: "seats", Data: "seat_months", Data: "amount", GoingForward: "next_billing_date",
         GoingForward: "next_billing_quantity"];
    /// A difference found in the month in which it arose.
    SmallFix = "small_fix", UNDER, true, [Correction, Charge],
        [Data: "seats", Data: "amount", GoingForward: "next_billing_date", GoingForward: "next_billing_quantity"];
    /// "We never ordered these": the provisioning log answers.
    AnswerUnauthorizedSeats = "answer_unauthorized_seats", UNDER, true, [Correction, Charge, Dispute, Waiver],
        [Context: "disputed_seats", Data: "provisioning", GoingForward: "next_billing_date"];
    /// "Why so late": the honest delay and payment in parts.
    AnswerLateBilling = "answer_late_billing", UNDER, true, [Correction, Charge, Dispute, Plan],
        [Data: "amount", Data: "first_month", GoingForward: "plan_instalments" | "plan"];
    /// "Our contract says otherwise": a date to look at it together.
    AnswerContractReview = "answer_contract_review", UNDER, true, [Correction, Charge, Dispute, Review],
        [Data: "amount", GoingForward: "review_date"];
    /// "You counted wrong": a second count.
    AnswerCountWrong = "answer_count_wrong", UNDER, true, [Correction, Charge, Dispute, Recount],
        [Data: "recount_date", Data: "recount_seats", GoingForward: "next_billing_date"];
    /// "We paid this": the payment matched, or shown not to match.
    AnswerAlreadyPaid = "answer_already_paid", UNDER, true, [Correction, Charge, Dispute, Payment],
        [Data: "payment_matched" | "payment_not_matched", GoingForward: "next_billing_date"];
    /// "The price is wrong": moved to a conversation of its own.
    AnswerPrice = "answer_price", UNDER, true, [Correction, Charge, Dispute, PriceConversation],
        [Data: "seats", GoingForward: "price_conversation_date"];
    /// "We will not pay": the evidence, and a plan or a decision.
    AnswerRefusal = "answer_refusal", UNDER, true, [Correction, Charge, Dispute, Plan, Decision],
        [Data: "seats", Data: "amount", GoingForward: "plan_instalments" | "plan" | "decision"];
    /// Payment in parts, offered.
    PlanOffer = "plan_offer", UNDER, true, [Correction, Charge, Plan],
        [Data: "plan_total", Data: "plan", GoingForward: "plan_first_date"];
    /// What is given up, for the client to confirm in writing.
    WaiverConfirmationRequest = "waiver_confirmation_request", UNDER, true, [Correction, Charge, Dispute, Waiver],
        [Data: "waiver_amount", GoingForward: "next_billing_date", GoingForward: "next_billing_quantity"];
    /// A contract review is agreed, or has an outcome.
    ReviewAcceptance = "review_acceptance", UNDER, true, [Correction, Charge, Dispute, Review],
        [Context: "review_date", Data: "amount", GoingForward: "review_pending" | "review_outcome"];
    /// We charged too much: an apology, and the credit.
    OverBillingApology = "over_billing_apology", OVER, true, [Correction, Credit],
        [Data: "seats", Data: "seat_months", Data: "amount", GoingForward: "credit_amount",
         GoingForward: "next_billing_quantity"];
    /// The day for a reply has passed, and nobody objected: the first letter once more, in short.
    ReplyReminder = "reply_reminder", UNDER, true, [Correction, Charge, Plan, Reminder],
        [Context: "told_on", Data: "seats", Data: "amount", GoingForward: "next_billing_date",
         GoingForward: "next_billing_quantity"];
    /// An instalment is due, or a promise to pay it was not kept.
    InstalmentReminder = "instalment_reminder", UNDER, true, [Correction, Charge, Plan, Reminder],
        [Context: "instalment_number", Data: "instalment_amount", Data: "instalment_due_date"];
    /// The next invoice shows that it is right.
    VerifiedClosure = "verified_closure", None, true, [Correction, Charge, Credit, Waiver, Verification],
        [Data: "verified_quantity", GoingForward: "next_billing_quantity"];
    /// What a month's comparison came to.
    MonthlyStatement = "monthly_statement", None, false, [Statement],
        [Context: "statement_month",
         Data: "all_matches" | "quantities_match" | "matches_so_far" | "findings" | "fixed" | "not_compared" | "nothing_compared",
         GoingForward: "next_statement_month"];
}

impl LetterKind {
    /// From its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }

    /// The direction that it is about; none: either.
    pub const fn direction(self) -> Option<Direction> {
        self.row().direction
    }

    /// Whether it is about the lines of a correction.
    pub const fn about_lines(self) -> bool {
        self.row().lines
    }

    /// The groups whose facts it may use.
    pub const fn groups(self) -> &'static [Group] {
        self.row().groups
    }

    /// What its blocks must say.
    pub const fn demands(self) -> &'static [Demand] {
        self.row().demands
    }

    /// Whether it is about the price itself, and so may speak of one.
    pub const fn about_price(self) -> bool {
        matches!(self, Self::AnswerPrice)
    }
}

impl fmt::Display for LetterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
