//! A correction as the facts of a letter. Only what it proves is filled in; everything else is left out, and
//! then not said.

use chrono::NaiveDate;
use leakage_core::correction::case::{Correction, GoingForward};
use leakage_core::correction::dispute::{Answer, Dispute};
use leakage_core::correction::finding::Line;
use leakage_core::correction::offer::Offer;
use leakage_core::correction::plan::{Instalment, schedule};
use leakage_core::correction::quantity::{Cells, Place, total};
use leakage_core::letters::{
    CreditFacts, DisputeFacts, DueInstalment, InstalmentFacts, LetterFacts, LineFacts, NextBilling, NextLine,
    PaymentFacts, PlanFacts, PlanWay, PriceConversationFacts, ProvisioningFacts, RecountFacts, ReminderFacts,
    ReviewFacts,
};
use leakage_core::money::Money;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// The correction, as any letter about it may speak of it.
pub(super) fn facts(correction: &Correction, forward: Option<&GoingForward>) -> LetterFacts {
    let lines: Vec<LineFacts> =
        correction.lines.iter().filter_map(|line| of_line(correction, line)).collect();
    let currency = correction.subject.currency;
    let claimed = total(&correction.claimed()).minor;
    LetterFacts {
        client: correction.subject.client.clone(),
        billing_entity: correction.subject.billing_entity.clone(),
        direction: Some(correction.subject.direction),
        lines,
        next_billing: forward.map(|forward| next_billing(correction, forward)),
        retro_billing_on: forward.map(|forward| forward.invoice_on).filter(|_| correction.is_under()),
        plan: plan(correction),
        credit: (!correction.is_under()).then(|| CreditFacts {
            amount: Money::from_minor(claimed, currency),
            document: None,
            on: None,
            refund: false,
        }),
        ..LetterFacts::default()
    }
}

fn of_line(correction: &Correction, line: &Line) -> Option<LineFacts> {
    let claimed = correction.claimed().into_iter().filter(|(place, _)| place.line == line.number);
    let claimed: Cells = claimed.collect();
    let (first, last) = (claimed.keys().next()?.month, claimed.keys().next_back()?.month);
    let differs = u32::try_from((line.agreed - line.billed).abs()).ok().filter(|seats| *seats > 0);
    let at_last = line.seats.values().next_back().and_then(|seats| u32::try_from(*seats).ok());
    let currency = correction.subject.currency;
    let money = |minor| Money::from_minor(minor, currency);
    Some(LineFacts {
        product: line.product.clone(),
        seats: differs.or(at_last)?,
        provisioned: differs.and_then(|_| u32::try_from(line.agreed).ok()),
        billed: differs.and_then(|_| u32::try_from(line.billed).ok()),
        seat_months: leakage_core::correction::quantity::seat_months(&claimed).normalize(),
        months: u32::try_from(claimed.len()).unwrap_or(u32::MAX),
        first_month: first,
        last_month: last,
        unit_price: line.price.map(|price| Money { amount: price.normalize(), currency }),
        amount: money(total(&claimed).minor),
        monthly: (line.forward > 0).then(|| money(line.forward)),
        active_seats: None,
    })
}

/// What the next invoice holds: of a gap with several lines the last one speaks.
fn next_billing(correction: &Correction, forward: &GoingForward) -> NextBilling {
    let mut products: BTreeMap<&str, (&str, i64)> = BTreeMap::new();
    for line in &correction.lines {
        if let Some(seats) = forward.quantities.get(&line.number) {
            products.insert(&line.gap, (&line.product, *seats));
        }
    }
    let lines = products.into_values().map(|(product, seats)| NextLine {
        product: product.to_owned(),
        quantity: u32::try_from(seats).unwrap_or_default(),
        monthly_amount: None,
    });
    NextBilling { on: forward.invoice_on, lines: lines.collect() }
}

/// The plan that runs, or else the one that is offered.
fn plan(correction: &Correction) -> Option<PlanFacts> {
    let running = correction.plan.as_ref().filter(|plan| !plan.given_up).map(|plan| plan.instalments.clone());
    let offer = correction.offer.as_ref().filter(|_| running.is_none());
    let available = total(&correction.available()).minor;
    // Of several ways one is shown part by part: the first in parts.
    let shown = offer.and_then(|offer| offer.in_parts().next());
    let instalments = running.or_else(|| schedule(available, shown?.1).ok())?;
    let due: Vec<&Instalment> = instalments.iter().filter(|one| !one.is_empty()).collect();
    // Instalments of an earlier plan may lie among them: then no table could be read.
    let rising = due.windows(2).all(|pair| pair[0].due_on < pair[1].due_on);
    let money = |minor| Money::from_minor(minor, correction.subject.currency);
    (rising && !due.is_empty()).then(|| PlanFacts {
        total: money(due.iter().map(|one| one.minor).sum()),
        instalments: due
            .iter()
            .map(|one| InstalmentFacts { due_on: one.due_on, amount: money(one.minor) })
            .collect(),
        others: offer
            .into_iter()
            .flat_map(Offer::ways)
            .filter(|(number, _)| shown.is_none_or(|(of, _)| of != *number))
            .filter_map(|(_, terms)| {
                let first = schedule(available, terms).ok()?.first()?.minor;
                Some(PlanWay { instalments: terms.count, amount: money(first), first_on: terms.first_on })
            })
            .collect(),
    })
}

/// A reminder of the message.
pub(super) fn of_reply(correction: &Correction) -> Option<LetterFacts> {
    let told = correction.announcement.as_ref()?;
    Some(LetterFacts {
        reply_by: Some(told.reply_by),
        reminder: Some(ReminderFacts { told_on: Some(told.on), instalment: None }),
        ..facts(correction, correction.going_forward.as_ref())
    })
}

/// A reminder of an instalment.
pub(super) fn of_instalment(correction: &Correction, number: u16) -> Option<LetterFacts> {
    let plan = correction.plan.as_ref()?;
    let instalment = plan.instalment(number)?;
    let due = DueInstalment {
        number,
        of: plan.instalments.iter().map(|one| one.number).max()?,
        due_on: instalment.due_on,
        amount: Money::from_minor(instalment.minor, correction.subject.currency),
        document: instalment.document.clone(),
        promised_on: instalment.promise.as_ref().map(|promise| promise.on),
    };
    Some(LetterFacts {
        reminder: Some(ReminderFacts { told_on: None, instalment: Some(due) }),
        ..facts(correction, correction.going_forward.as_ref())
    })
}

/// What a recount comes to, of the correction as it was before it and as the answer leaves it.
pub(super) fn of_recount(before: &Correction, after: &Correction, on: NaiveDate) -> RecountFacts {
    let (was, is) = (before.claimed(), after.claimed());
    let left = |line: &Line| {
        let own = |cells: &Cells| -> Cells {
            cells.iter().filter(|(place, _)| place.line == line.number).map(|(at, of)| (*at, *of)).collect()
        };
        if own(&was) == own(&is) {
            return of_line(before, line).map_or(0, |line| line.seats);
        }
        // What is left of it in its last month.
        own(&is).into_iter().next_back().map_or(0, |(at, of)| seats(&[(at, of)].into()))
    };
    RecountFacts {
        on,
        seats: before.lines.iter().map(left).fold(0, u32::saturating_add),
        amount: Money::from_minor(total(&is).minor, before.subject.currency),
    }
}

/// An answer to an objection; none where it rests on facts that the correction does not have. `recount`: what the
/// second count comes to, where it answers with one.
pub(super) fn of_answer(
    correction: &Correction,
    dispute: &Dispute,
    answer: &Answer,
    recount: Option<RecountFacts>,
) -> Option<LetterFacts> {
    let mut facts = facts(correction, correction.going_forward.as_ref());
    facts.dispute = Some(DisputeFacts {
        on: dispute.said.at.date_naive(),
        by: Some(dispute.said.by.clone()),
        seats: seats(&dispute.cells).min(u32::try_from(facts.seats()).unwrap_or(u32::MAX)),
        amount: Money::from_minor(dispute.quantity().minor, correction.subject.currency),
    });
    match answer {
        Answer::UnauthorizedSeats { log } => {
            let product = facts.lines.first()?.product.clone();
            facts.provisioning = log
                .iter()
                .map(|entry| ProvisioningFacts {
                    on: entry.on,
                    product: product.clone(),
                    seats: 1,
                    requested_by: entry.ordered_by.clone(),
                    reference: Some(entry.seat.clone()),
                })
                .collect();
        }
        Answer::LateBilling { honest_delay } => facts.delay = Some(honest_delay.clone()),
        Answer::ContractReview { review_on } => {
            facts.review = Some(ReviewFacts { on: *review_on, frozen: true, outcome: None });
        }
        Answer::AlreadyPaid { payment, shown_not_to_match } => {
            facts.payment = Some(PaymentFacts {
                matched: payment.is_some(),
                document: payment.as_ref().map(|(document, _)| document.clone()),
                amount: None,
                reason: shown_not_to_match.clone(),
            });
        }
        Answer::Price { conversation_on } => {
            facts.price_conversation = Some(PriceConversationFacts { on: *conversation_on, agreed: None });
        }
        Answer::Refusal => {
            facts.decision = correction.decision.as_ref().map(|decision| decision.reason.clone());
        }
        Answer::CountWrong { .. } => facts.recount = Some(recount?),
        Answer::Superseded { .. } => return None,
    }
    Some(facts)
}

/// Seats of cells: of each line the most of any month, rounded up.
fn seats(cells: &Cells) -> u32 {
    let mut most: BTreeMap<u32, i64> = BTreeMap::new();
    for (Place { month, line }, quantity) in cells {
        let days = i64::from(month.days());
        let seats = (quantity.seat_days + days - 1) / days;
        let of = most.entry(*line).or_default();
        *of = seats.max(*of);
    }
    u32::try_from(most.values().sum::<i64>()).unwrap_or(u32::MAX)
}

/// Whether a letter's amount is what the correction claims, or what is left of it.
pub(super) fn same_money(correction: &Correction, facts: &LetterFacts) -> bool {
    let Some(amount) = facts.amount() else { return false };
    let same = |minor: i64| Money::from_minor(minor, correction.subject.currency).amount == amount.amount;
    amount.currency == correction.subject.currency
        && (same(total(&correction.claimed()).minor) || same(correction.ledger.balance().outstanding.minor))
}

/// Whether a letter's next invoice is the one that is agreed: day, products and seats.
pub(super) fn same_forward(correction: &Correction, forward: &GoingForward, facts: &LetterFacts) -> bool {
    let Some(said) = &facts.next_billing else { return false };
    let quantities = |billing: &NextBilling| -> BTreeMap<String, Decimal> {
        let mut sums = BTreeMap::new();
        for line in &billing.lines {
            *sums.entry(leakage_core::matching::fold(&line.product)).or_insert(Decimal::ZERO) +=
                Decimal::from(line.quantity);
        }
        sums
    };
    let agreed = next_billing(correction, forward);
    said.on == agreed.on && quantities(said) == quantities(&agreed)
}

/// What a letter says of the next invoice, for every line of the correction; none where it lacks one.
pub(super) fn forward_of(correction: &Correction, facts: &LetterFacts) -> Option<GoingForward> {
    let said = facts.next_billing.as_ref()?;
    let seats = |line: &Line| {
        let product = leakage_core::matching::fold(&line.product);
        let of = said.lines.iter().find(|one| leakage_core::matching::fold(&one.product) == product)?;
        Some((line.number, i64::from(of.quantity)))
    };
    let quantities = correction.lines.iter().map(seats).collect::<Option<BTreeMap<u32, i64>>>()?;
    Some(GoingForward { invoice_on: said.on, quantities, corrected: false })
}
