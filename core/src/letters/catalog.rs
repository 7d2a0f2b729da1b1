//! Every fact that a template can name, and how it is read from the facts of a letter.
//!
//! A fact either holds, and has a text or is a mere flag, or it does not, and then no sentence that names
//! it is written.

use super::facts::LetterFacts;
use super::kind::Group;
use super::read::{
    active_seats, by_month, due, found, logged, monthly, one, products, quantities, recount_confirms, rest,
    same, settled, some,
};
use super::wording as say;
use crate::audit::Direction;
use crate::money::Money;

/// A fact that a template can name.
#[derive(Debug)]
pub struct Fact {
    /// Its name in templates.
    pub name: &'static str,
    /// What it belongs to.
    pub group: Group,
    /// Whether it only holds or not, and has no text.
    pub flag: bool,
    /// What it says.
    pub about: &'static str,
    pub(super) read: fn(&LetterFacts) -> Option<String>,
}

const fn text(
    name: &'static str,
    group: Group,
    about: &'static str,
    read: fn(&LetterFacts) -> Option<String>,
) -> Fact {
    Fact { name, group, flag: false, about, read }
}

macro_rules! flag {
    ($name:literal, $group:ident, $about:literal, $holds:expr) => {
        Fact {
            name: $name,
            group: Group::$group,
            flag: true,
            about: $about,
            read: |facts| {
                let holds: fn(&LetterFacts) -> bool = $holds;
                holds(facts).then(String::new)
            },
        }
    };
}

use Group::{
    Charge, Common, Correction, Credit, Decision as Decided, Dispute, Payment, Plan, PriceConversation,
    Recount, Reminder, Review, Statement, Verification, Waiver,
};

/// All facts with a text or a flag; tables stand in [`super::tables`].
pub const FACTS: &[Fact] = &[
    text("msp", Common, "Your name.", |f| Some(f.msp.clone())),
    text("client", Common, "The client's name.", |f| Some(f.client.clone())),
    text("billing_entity", Common, "The part of the client that is billed.", |f| f.billing_entity.clone()),
    text("contact", Common, "The person who is addressed.", |f| f.contact.clone()),
    text("account_manager", Common, "The person who answers questions.", |f| {
        f.account_manager.as_ref().map(|person| person.name.clone())
    }),
    text("account_manager_email", Common, "That person's e-mail address.", |f| {
        f.account_manager.as_ref()?.email.clone()
    }),
    text("account_manager_phone", Common, "That person's telephone number.", |f| {
        f.account_manager.as_ref()?.phone.clone()
    }),
    text("reference", Common, "What both sides call the case.", |f| f.reference.clone()),
    text("evidence_link", Common, "Address of the proof.", |f| f.evidence.as_ref()?.link.clone()),
    text("evidence_reference", Common, "What to ask for to see the proof.", |f| {
        f.evidence.as_ref()?.reference.clone()
    }),
    text(
        "client_link",
        Common,
        "Address of the client's own page; in letters that are sent with one.",
        |f| f.client_link.clone(),
    ),
    text("reply_by", Common, "The day by which an answer is asked for.", |f| f.reply_by.map(say::date)),
    flag!("under", Correction, "Too little was billed.", |f| f.direction == Some(Direction::Under)),
    flag!("over", Correction, "Too much was billed.", |f| f.direction == Some(Direction::Over)),
    text("products", Correction, "The products, as a list.", products),
    flag!("several_products", Correction, "There is more than one product.", |f| f.lines.len() > 1),
    text("seats", Correction, "The difference in seats.", |f| some(f, say::seats(f.seats()))),
    text("provisioned", Correction, "Seats that the client has; of one product.", |f| {
        one(&f.lines)?.provisioned.map(say::seats)
    }),
    text("billed", Correction, "Seats that were billed; of one product.", |f| {
        one(&f.lines)?.billed.map(say::seats)
    }),
    text("seat_months", Correction, "Seat-months over all products.", |f| {
        some(f, say::seat_months(f.lines.iter().map(|line| line.seat_months).sum()))
    }),
    text("months", Correction, "How many months; where all products have the same.", |f| {
        same(&f.lines, |line| Some((line.first_month, line.last_month, line.months)))
            .map(|(_, _, months)| say::months(months))
    }),
    flag!("one_month", Correction, "It is about one month only.", |f| {
        same(&f.lines, |line| Some(line.first_month)).is_some()
            && f.lines.iter().all(|line| line.first_month == line.last_month)
    }),
    text("first_month", Correction, "The first month.", |f| {
        f.lines.iter().map(|line| line.first_month).min().map(say::month)
    }),
    text("last_month", Correction, "The last month.", |f| {
        f.lines.iter().map(|line| line.last_month).max().map(say::month)
    }),
    text("unit_price", Correction, "The agreed price of a seat for a month; where there is one.", |f| {
        same(&f.lines, |line| line.unit_price.map(|price| (price.amount, price.currency)))
            .map(|(amount, currency)| say::money(Money { amount, currency }))
    }),
    text("amount", Correction, "Money over all products.", |f| f.amount().map(say::money)),
    text("next_billing_date", Correction, "Date of the next regular invoice.", |f| {
        f.next_billing.as_ref().map(|next| say::date(next.on))
    }),
    text("next_billing_quantity", Correction, "Seats on the next regular invoice.", |f| {
        quantities(&f.next_billing.as_ref()?.lines)
    }),
    text("next_billing_amount", Correction, "What these cost a month.", |f| {
        monthly(&f.next_billing.as_ref()?.lines)
    }),
    flag!("activity_every_seat", Correction, "Use is recorded for every seat of the difference.", |f| {
        !f.lines.is_empty()
            && f.lines.iter().all(|line| line.active_seats.is_some_and(|active| active >= line.seats))
    }),
    text("active_seats", Correction, "How many of the seats show use; where it was looked at.", active_seats),
    flag!(
        "provisioning_every_seat",
        Correction,
        "The log has an entry for every seat of the difference.",
        |f| { !f.lines.is_empty() && logged(f) >= f.seats() }
    ),
    text("first_provisioned", Correction, "Day of the first entry of the log.", |f| {
        f.provisioning.iter().map(|entry| entry.on).min().map(say::date)
    }),
    text("last_provisioned", Correction, "Day of the last entry of the log.", |f| {
        f.provisioning.iter().map(|entry| entry.on).max().map(say::date)
    }),
    text("delay", Correction, "Why it was found late: a sentence.", |f| f.delay.clone()),
    text("retro_billing_date", Charge, "Date of the invoice that bills past months at once.", |f| {
        f.retro_billing_on.map(say::date)
    }),
    text("monthly_increase", Charge, "What is charged more in each month from now on.", |f| {
        by_month(f, Direction::Under)
    }),
    text("monthly_decrease", Credit, "What is charged less in each month from now on.", |f| {
        by_month(f, Direction::Over)
    }),
    text("credit_amount", Credit, "What is given back.", |f| {
        f.credit.as_ref().map(|credit| say::money(credit.amount))
    }),
    text("credit_document", Credit, "Number of the credit note.", |f| f.credit.as_ref()?.document.clone()),
    text("credit_date", Credit, "Day of the credit.", |f| f.credit.as_ref()?.on.map(say::date)),
    flag!("refund", Credit, "Money is sent back.", |f| f.credit.as_ref().is_some_and(|credit| credit.refund)),
    flag!("credit_note", Credit, "A credit note is written.", |f| f
        .credit
        .as_ref()
        .is_some_and(|credit| !credit.refund)),
    text("plan_total", Plan, "What is paid in parts.", |f| {
        f.plan.as_ref().map(|plan| say::money(plan.total))
    }),
    text("plan_instalments", Plan, "How many instalments.", |f| {
        f.plan.as_ref().map(|plan| say::instalments(plan.instalments.len()))
    }),
    text("plan_first_date", Plan, "When the first one is due.", |f| {
        f.plan.as_ref()?.instalments.first().map(|part| say::date(part.due_on))
    }),
    text("plan_last_date", Plan, "When the last one is due.", |f| {
        f.plan.as_ref()?.instalments.last().map(|part| say::date(part.due_on))
    }),
    text("plan_first_amount", Plan, "How much the first one is.", |f| {
        f.plan.as_ref()?.instalments.first().map(|part| say::money(part.amount))
    }),
    text("plan_others", Plan, "Other ways to pay, to be put behind \"pay\".", |f| {
        say::ways(&f.plan.as_ref()?.others)
    }),
    text("disputed_seats", Dispute, "Seats that the client objects to.", |f| {
        f.dispute.as_ref().map(|dispute| say::seats(dispute.seats))
    }),
    text("disputed_amount", Dispute, "Money that the client objects to.", |f| {
        f.dispute.as_ref().map(|dispute| say::money(dispute.amount))
    }),
    text("disputed_on", Dispute, "When the client said so.", |f| {
        f.dispute.as_ref().map(|dispute| say::date(dispute.on))
    }),
    text("disputed_by", Dispute, "Who said so.", |f| f.dispute.as_ref()?.by.clone()),
    text("logged_seats", Dispute, "How many of the disputed seats the log has.", |f| {
        let seats = u64::from(f.dispute.as_ref()?.seats);
        (logged(f) > 0).then(|| say::part_of(logged(f).min(seats), seats))
    }),
    flag!("log_covers_dispute", Dispute, "The log has every disputed seat.", |f| {
        f.dispute.as_ref().is_some_and(|dispute| logged(f) >= u64::from(dispute.seats))
    }),
    text("unlogged_seats", Dispute, "Disputed seats that the log does not have.", |f| {
        let missing = u64::from(f.dispute.as_ref()?.seats).saturating_sub(logged(f));
        (missing > 0).then(|| say::seats(missing))
    }),
    text("review_date", Review, "The agreed day of the review.", |f| {
        f.review.as_ref().map(|review| say::date(review.on))
    }),
    flag!("review_frozen", Review, "The part for past months waits for the outcome.", |f| f
        .review
        .as_ref()
        .is_some_and(|review| review.frozen)),
    flag!("review_pending", Review, "There is no outcome yet.", |f| f
        .review
        .as_ref()
        .is_some_and(|review| review.outcome.is_none())),
    text("review_outcome", Review, "What came out of it: a sentence.", |f| {
        f.review.as_ref()?.outcome.clone()
    }),
    text("recount_date", Recount, "Day of the second count.", |f| {
        f.recount.as_ref().map(|recount| say::date(recount.on))
    }),
    text("recount_seats", Recount, "The difference after it.", |f| {
        f.recount.as_ref().map(|recount| say::seats(recount.seats))
    }),
    text("recount_amount", Recount, "Money after it.", |f| {
        f.recount.as_ref().map(|recount| say::money(recount.amount))
    }),
    flag!("recount_confirms", Recount, "The second count came to the same.", recount_confirms),
    flag!("recount_differs", Recount, "The second count came to something else.", |f| f.recount.is_some()
        && !recount_confirms(f)),
    flag!("payment_matched", Payment, "The payment paid for the seats.", |f| f
        .payment
        .as_ref()
        .is_some_and(|payment| payment.matched)),
    flag!("payment_not_matched", Payment, "The payment was for something else.", |f| f
        .payment
        .as_ref()
        .is_some_and(|payment| !payment.matched)),
    text("payment_document", Payment, "The payment's document.", |f| f.payment.as_ref()?.document.clone()),
    text("payment_amount", Payment, "What was paid.", |f| f.payment.as_ref()?.amount.map(say::money)),
    text("payment_reason", Payment, "Why it does not match: a sentence.", |f| {
        f.payment.as_ref()?.reason.clone()
    }),
    text("price_conversation_date", PriceConversation, "Day of the conversation about the price.", |f| {
        f.price_conversation.as_ref().map(|price| say::date(price.on))
    }),
    text("price_agreed", PriceConversation, "The price that is agreed today.", |f| {
        f.price_conversation.as_ref()?.agreed.map(say::money)
    }),
    text("waiver_amount", Waiver, "What is given up.", |f| {
        f.waiver.as_ref().map(|waiver| say::money(waiver.amount))
    }),
    text("waiver_seat_months", Waiver, "Seat-months that are given up.", |f| {
        f.waiver.as_ref()?.seat_months.map(say::seat_months)
    }),
    text("waiver_reason", Waiver, "Why: a sentence.", |f| f.waiver.as_ref()?.reason.clone()),
    text("waiver_confirmed_on", Waiver, "When the client confirmed it.", |f| {
        f.waiver.as_ref()?.confirmed_on.map(say::date)
    }),
    flag!("waiver_whole", Waiver, "All of the correction is given up.", |f| f.waiver.is_some()
        && rest(f).is_none()),
    text("rest_amount", Waiver, "What stays to be paid.", |f| rest(f).map(say::money)),
    text("decision", Decided, "What was decided: a sentence.", |f| f.decision.clone()),
    text("told_on", Reminder, "Day of the letter that the client is reminded of.", |f| {
        f.reminder.as_ref()?.told_on.map(say::date)
    }),
    text("instalment_number", Reminder, "Which instalment is due, of how many.", |f| {
        due(f).map(|one| say::instalment_of(one.number, one.of))
    }),
    text("instalment_amount", Reminder, "How much it is.", |f| due(f).map(|one| say::money(one.amount))),
    text("instalment_due_date", Reminder, "When it was due.", |f| due(f).map(|one| say::date(one.due_on))),
    text("instalment_document", Reminder, "Its invoice.", |f| due(f)?.document.clone()),
    text("promised_date", Reminder, "The day that was promised and has passed.", |f| {
        due(f)?.promised_on.map(say::date)
    }),
    text("verified_on", Verification, "Date of the invoice that proves it.", |f| {
        f.verification.as_ref().map(|found| say::date(found.on))
    }),
    text("verified_document", Verification, "Number of that invoice.", |f| {
        f.verification.as_ref()?.document.clone()
    }),
    text("verified_quantity", Verification, "Seats on that invoice.", |f| {
        quantities(&f.verification.as_ref()?.lines)
    }),
    text("verified_amount", Verification, "What these cost a month.", |f| {
        monthly(&f.verification.as_ref()?.lines)
    }),
    text("statement_month", Statement, "The month.", |f| {
        f.statement.as_ref().map(|found| say::month(found.month))
    }),
    text("statement_as_of", Statement, "The last day that was looked at.", |f| {
        f.statement.as_ref().map(|found| say::date(found.as_of))
    }),
    text("next_statement_month", Statement, "The month after.", |f| {
        f.statement.as_ref().map(|found| say::month(found.month.next()))
    }),
    flag!("all_matches", Statement, "All was compared, and nothing differs.", |f| {
        f.statement.as_ref().is_some_and(|found| settled(found) && found.price_differences == 0)
    }),
    flag!("quantities_match", Statement, "All quantities match; a price is looked at apart.", |f| {
        f.statement.as_ref().is_some_and(|found| settled(found) && found.price_differences > 0)
    }),
    flag!("matches_so_far", Statement, "What was compared matches, and that was not all.", |f| {
        f.statement
            .as_ref()
            .is_some_and(|found| found.compared && found.findings.is_empty() && !settled(found))
    }),
    flag!("nothing_compared", Statement, "Nothing could be compared.", |f| f
        .statement
        .as_ref()
        .is_some_and(|found| !found.compared)),
    flag!("provisional", Statement, "The month was not over.", |f| f
        .statement
        .as_ref()
        .is_some_and(|found| found.provisional)),
    flag!("partial", Statement, "Only some days could be compared.", |f| f
        .statement
        .as_ref()
        .is_some_and(|found| found.partial)),
    flag!("assumed", Statement, "A count of another day was used.", |f| f
        .statement
        .as_ref()
        .is_some_and(|found| found.assumed)),
    flag!("price_apart", Statement, "A price is looked at apart.", |f| f
        .statement
        .as_ref()
        .is_some_and(|found| found.price_differences > 0)),
    text("found_under", Statement, "What was not billed, by currency.", |f| found(f, Direction::Under)),
    text("found_over", Statement, "What was billed too much, by currency.", |f| found(f, Direction::Over)),
];

/// Names by which a template might speak of a price that changes. No letter about quantities has them.
pub(super) const PRICE_CHANGES: &[&str] = &[
    "price_change",
    "price_changes",
    "price_difference",
    "price_differences",
    "price_increase",
    "price_new",
    "price_old",
    "price_proposed",
    "new_price",
    "old_price",
    "proposed_price",
    "expected_price",
    "billed_price",
];

/// A fact by its name.
pub(super) fn fact(name: &str) -> Option<&'static Fact> {
    FACTS.iter().find(|fact| fact.name == name)
}
