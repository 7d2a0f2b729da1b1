//! What a letter may speak of. Whatever is absent here is not said.
//!
//! The caller fills in what is proved and leaves out the rest. [`LetterFacts::faults`] refuses facts that
//! contradict each other, such as instalments that do not add up.

use crate::audit::{Direction, Reason};
use crate::money::Money;
use crate::period::Month;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

macro_rules! facts {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $field:ident: $type:ty,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$of])* pub $field: $type,)+ }
    )+};
}

/// The facts of one letter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct LetterFacts {
    /// Name of the MSP.
    #[cfg_attr(feature = "openapi", schema(max_length = 300, example = "Example MSP"))]
    pub msp: String,
    /// Name of the client.
    #[cfg_attr(feature = "openapi", schema(max_length = 300, example = "Contoso Legal"))]
    pub client: String,
    /// The part of the client that is billed.
    #[cfg_attr(feature = "openapi", schema(max_length = 300))]
    pub billing_entity: Option<String>,
    /// The person who is addressed.
    #[cfg_attr(feature = "openapi", schema(max_length = 300))]
    pub contact: Option<String>,
    /// The person who answers questions.
    pub account_manager: Option<AccountManager>,
    /// What both sides call the case.
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub reference: Option<String>,
    /// Which way the correction goes.
    pub direction: Option<Direction>,
    /// What is corrected, one product each.
    #[cfg_attr(feature = "openapi", schema(max_items = 500))]
    pub lines: Vec<LineFacts>,
    /// Changes of seats as the vendor's log has them.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    pub provisioning: Vec<ProvisioningFacts>,
    /// The next regular invoice.
    pub next_billing: Option<NextBilling>,
    /// Date of the invoice that bills past months at once.
    pub retro_billing_on: Option<NaiveDate>,
    /// Payment in parts.
    pub plan: Option<PlanFacts>,
    /// The day by which an answer is asked for.
    pub reply_by: Option<NaiveDate>,
    /// Where the proof can be seen.
    pub evidence: Option<EvidenceFacts>,
    /// Address of the client's own page. Filled in when a letter is sent, for its recipient alone.
    #[cfg_attr(feature = "openapi", schema(max_length = 2000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_link: Option<String>,
    /// Why the difference was found late, in a whole sentence.
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    pub delay: Option<String>,
    /// What the client objects to.
    pub dispute: Option<DisputeFacts>,
    /// A contract review.
    pub review: Option<ReviewFacts>,
    /// A second count.
    pub recount: Option<RecountFacts>,
    /// A payment that the client named.
    pub payment: Option<PaymentFacts>,
    /// The conversation about a price.
    pub price_conversation: Option<PriceConversationFacts>,
    /// What is given up.
    pub waiver: Option<WaiverFacts>,
    /// What was decided after a refusal, in a whole sentence.
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    pub decision: Option<String>,
    /// What is given back.
    pub credit: Option<CreditFacts>,
    /// What the client is reminded of.
    pub reminder: Option<ReminderFacts>,
    /// What the next invoice showed.
    pub verification: Option<VerificationFacts>,
    /// What a month's comparison came to.
    pub statement: Option<StatementFacts>,
}

facts! {
    /// The person who answers questions.
    AccountManager {
        /// Name.
        #[cfg_attr(feature = "openapi", schema(max_length = 300))]
        name: String,
        /// E-mail address.
        #[cfg_attr(feature = "openapi", schema(max_length = 320))]
        email: Option<String>,
        /// Telephone number.
        #[cfg_attr(feature = "openapi", schema(max_length = 50))]
        phone: Option<String>,
    }

    /// One product of a correction.
    LineFacts {
        /// The product.
        #[cfg_attr(feature = "openapi", schema(max_length = 300))]
        product: String,
        /// The difference in seats on the last day that has one, without a sign.
        #[cfg_attr(feature = "openapi", schema(maximum = 1_000_000_000))]
        seats: u32,
        /// Seats that the client has on that day, and that are to be billed.
        #[cfg_attr(feature = "openapi", schema(maximum = 1_000_000_000))]
        provisioned: Option<u32>,
        /// Seats that were billed on that day.
        #[cfg_attr(feature = "openapi", schema(maximum = 1_000_000_000))]
        billed: Option<u32>,
        /// Over all its months.
        #[cfg_attr(feature = "openapi", schema(value_type = String, max_length = 40, example = "16"))]
        seat_months: Decimal,
        /// Months that have the difference.
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1200))]
        months: u32,
        /// The first of them.
        first_month: Month,
        /// The last of them.
        last_month: Month,
        /// The agreed price of a seat for a month, where it was one price throughout.
        unit_price: Option<Money>,
        /// Money over all its months, without a sign.
        amount: Money,
        /// What the difference makes in each month from now on.
        monthly: Option<Money>,
        /// How many of the seats in question show use; none where nobody looked at each of them.
        #[cfg_attr(feature = "openapi", schema(maximum = 1_000_000_000))]
        active_seats: Option<u32>,
    }

    /// One change of seats.
    ProvisioningFacts {
        /// When.
        on: NaiveDate,
        /// The product.
        #[cfg_attr(feature = "openapi", schema(max_length = 300))]
        product: String,
        /// Seats added; negative where seats were removed.
        #[cfg_attr(feature = "openapi", schema(minimum = -1_000_000_000, maximum = 1_000_000_000))]
        seats: i32,
        /// Who asked for it.
        #[cfg_attr(feature = "openapi", schema(max_length = 300))]
        requested_by: Option<String>,
        /// Ticket or entry of the log.
        #[cfg_attr(feature = "openapi", schema(max_length = 300))]
        reference: Option<String>,
    }

    /// The next regular invoice.
    NextBilling {
        /// Its date.
        on: NaiveDate,
        /// What it will hold of the products in question.
        #[cfg_attr(feature = "openapi", schema(max_items = 500))]
        lines: Vec<NextLine>,
    }

    /// One product of the next regular invoice.
    NextLine {
        /// The product.
        #[cfg_attr(feature = "openapi", schema(max_length = 300))]
        product: String,
        /// Seats.
        #[cfg_attr(feature = "openapi", schema(maximum = 1_000_000_000))]
        quantity: u32,
        /// What they cost a month.
        monthly_amount: Option<Money>,
    }

    /// Payment in parts.
    PlanFacts {
        /// What is paid by it; the instalments add up to this.
        total: Money,
        /// The parts, by date.
        #[cfg_attr(feature = "openapi", schema(max_items = 500))]
        instalments: Vec<InstalmentFacts>,
        /// Other ways to pay the same, of which the client may choose one instead.
        #[cfg_attr(feature = "openapi", schema(max_items = 4))]
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        others: Vec<PlanWay>,
    }

    /// Another way to pay.
    PlanWay {
        /// In how many parts; 1: all at once.
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 60))]
        instalments: u16,
        /// The largest part.
        amount: Money,
        /// When the first is due.
        first_on: NaiveDate,
    }

    /// One part.
    InstalmentFacts {
        /// When.
        due_on: NaiveDate,
        /// How much.
        amount: Money,
    }

    /// Where the proof can be seen.
    EvidenceFacts {
        /// An address, `https://`.
        #[cfg_attr(feature = "openapi", schema(max_length = 2000))]
        link: Option<String>,
        /// What to ask for.
        #[cfg_attr(feature = "openapi", schema(max_length = 300))]
        reference: Option<String>,
    }

    /// What the client objects to.
    DisputeFacts {
        /// When it said so.
        on: NaiveDate,
        /// Who said so.
        #[cfg_attr(feature = "openapi", schema(max_length = 300))]
        by: Option<String>,
        /// Seats in question.
        #[cfg_attr(feature = "openapi", schema(maximum = 1_000_000_000))]
        seats: u32,
        /// Money in question.
        amount: Money,
    }

    /// A contract review.
    ReviewFacts {
        /// The agreed day.
        on: NaiveDate,
        /// Whether the part for past months waits for its outcome.
        frozen: bool,
        /// What came out of it, in a whole sentence.
        #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
        outcome: Option<String>,
    }

    /// A second count.
    RecountFacts {
        /// When.
        on: NaiveDate,
        /// Seats of the difference after it.
        #[cfg_attr(feature = "openapi", schema(maximum = 1_000_000_000))]
        seats: u32,
        /// Money of the difference after it.
        amount: Money,
    }

    /// A payment that the client named.
    PaymentFacts {
        /// Whether it paid for the seats in question.
        matched: bool,
        /// Its document.
        #[cfg_attr(feature = "openapi", schema(max_length = 300))]
        document: Option<String>,
        /// What it paid.
        amount: Option<Money>,
        /// Why it does not match, in a whole sentence.
        #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
        reason: Option<String>,
    }

    /// The conversation about a price, apart from the correction of quantities.
    PriceConversationFacts {
        /// Its day.
        on: NaiveDate,
        /// The price that is agreed today, where the client asked. What it might become has no place in a
        /// letter about quantities.
        agreed: Option<Money>,
    }

    /// What is given up.
    WaiverFacts {
        /// How much.
        amount: Money,
        /// Seat-months.
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 40))]
        seat_months: Option<Decimal>,
        /// Why, in a whole sentence.
        #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
        reason: Option<String>,
        /// When the client confirmed it in writing.
        confirmed_on: Option<NaiveDate>,
    }

    /// What is given back.
    CreditFacts {
        /// How much: all of it.
        amount: Money,
        /// Number of the credit note.
        #[cfg_attr(feature = "openapi", schema(max_length = 100))]
        document: Option<String>,
        /// When it is, or was, issued.
        on: Option<NaiveDate>,
        /// Money is sent back instead of a credit note.
        refund: bool,
    }

    /// What the client is reminded of.
    ReminderFacts {
        /// Day of the letter that it is reminded of.
        told_on: Option<NaiveDate>,
        /// The instalment that is due.
        instalment: Option<DueInstalment>,
    }

    /// An instalment that is due.
    DueInstalment {
        /// Which one.
        #[cfg_attr(feature = "openapi", schema(maximum = 65_535))]
        number: u16,
        /// Of how many.
        #[cfg_attr(feature = "openapi", schema(maximum = 65_535))]
        of: u16,
        /// When it was due.
        due_on: NaiveDate,
        /// How much it is.
        amount: Money,
        /// Its invoice.
        #[cfg_attr(feature = "openapi", schema(max_length = 300))]
        document: Option<String>,
        /// The day that was promised and has passed.
        promised_on: Option<NaiveDate>,
    }

    /// What the next invoice showed.
    VerificationFacts {
        /// Number of the invoice.
        #[cfg_attr(feature = "openapi", schema(max_length = 100))]
        document: Option<String>,
        /// Its date.
        on: NaiveDate,
        /// What it holds of the products in question.
        #[cfg_attr(feature = "openapi", schema(max_items = 500))]
        lines: Vec<NextLine>,
    }

    /// What a month's comparison came to.
    StatementFacts {
        /// The month.
        month: Month,
        /// The last day that was looked at.
        as_of: NaiveDate,
        /// Whether anything could be compared.
        compared: bool,
        /// Differences.
        #[cfg_attr(feature = "openapi", schema(max_items = 10_000))]
        findings: Vec<FindingFacts>,
        /// Differences of before that are proved to be right by now.
        #[cfg_attr(feature = "openapi", schema(max_items = 10_000))]
        fixed: Vec<FixedFacts>,
        /// What could not be compared, and why.
        #[cfg_attr(feature = "openapi", schema(max_items = 10_000))]
        not_compared: Vec<NotComparedFacts>,
        /// The month was not over on `as_of`.
        provisional: bool,
        /// Only some of its days could be compared.
        partial: bool,
        /// Part of it rests on a count that was taken on another day.
        assumed: bool,
        /// Prices that differ from the agreed ones; they are looked at apart.
        #[cfg_attr(feature = "openapi", schema(maximum = 1_000_000_000))]
        price_differences: u32,
    }

    /// One difference.
    FindingFacts {
        /// The product.
        #[cfg_attr(feature = "openapi", schema(max_length = 300))]
        product: String,
        /// Which way.
        direction: Direction,
        /// Seats on the last day of the month that has the difference.
        #[cfg_attr(feature = "openapi", schema(value_type = String, max_length = 40))]
        seats: Decimal,
        /// Seat-months of the month.
        #[cfg_attr(feature = "openapi", schema(value_type = String, max_length = 40))]
        seat_months: Decimal,
        /// Money of the month; none where there is no price.
        amount: Option<Money>,
        /// Too old to be charged or given back.
        time_barred: bool,
        /// Other lines of the product and month (prorations, credits, one-offs) may have settled it.
        adjusted: bool,
    }

    /// One difference that is proved to be right by now.
    FixedFacts {
        /// The product.
        #[cfg_attr(feature = "openapi", schema(max_length = 300))]
        product: String,
        /// Which way it went.
        direction: Direction,
        /// Money.
        amount: Money,
        /// The document that proves it.
        #[cfg_attr(feature = "openapi", schema(max_length = 100))]
        document: Option<String>,
        /// When it was proved.
        verified_on: NaiveDate,
    }

    /// What could not be compared.
    NotComparedFacts {
        /// The product; none: the client as a whole.
        #[cfg_attr(feature = "openapi", schema(max_length = 300))]
        product: Option<String>,
        /// Why; none: no day of the month is covered by both sides.
        reason: Option<Reason>,
    }
}
