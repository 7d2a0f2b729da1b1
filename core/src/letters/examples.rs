//! One set of facts for each kind of letter, all of the same case: for previews, for documentation and for
//! tests.

use super::facts::{
    AccountManager, CreditFacts, DisputeFacts, DueInstalment, EvidenceFacts, FindingFacts, FixedFacts,
    InstalmentFacts, LetterFacts, LineFacts, NextBilling, NextLine, NotComparedFacts, PaymentFacts,
    PlanFacts, PriceConversationFacts, ProvisioningFacts, RecountFacts, ReminderFacts, ReviewFacts,
    StatementFacts, VerificationFacts, WaiverFacts,
};
use super::kind::LetterKind;
use crate::audit::{Direction, Reason};
use crate::money::{Currency, Money};
use crate::period::Month;
use chrono::{Months, NaiveDate};
use rust_decimal::Decimal;

const PRODUCT: &str = "Microsoft 365 Business Premium";

fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::USD)
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

fn month(year: i32, number: u32) -> Month {
    Month::of(day(year, number, 1))
}

/// Example facts for a kind of letter: Business Premium at 22.00 USD, 22 seats provisioned and 20 billed
/// for eight months; for what was billed too much, 47 and 50 at 11.70 EUR for three.
pub fn example(kind: LetterKind) -> LetterFacts {
    let mut facts = case();
    match kind {
        LetterKind::FirstNotice => {}
        LetterKind::SmallFix => small(&mut facts),
        LetterKind::AnswerUnauthorizedSeats => {
            facts.dispute = Some(dispute(2, 35_200));
        }
        LetterKind::AnswerLateBilling => {
            facts.dispute = Some(dispute(2, 35_200));
            facts.delay = Some("The two seats were added in March directly with the vendor, and the change did not reach our billing system.".to_owned());
            facts.plan = Some(plan());
        }
        LetterKind::AnswerContractReview | LetterKind::ReviewAcceptance => {
            facts.dispute = Some(dispute(2, 35_200));
            facts.review = Some(ReviewFacts { on: day(2026, 12, 3), frozen: true, outcome: None });
        }
        LetterKind::AnswerCountWrong => {
            facts.dispute = Some(dispute(1, 17_600));
            facts.recount = Some(RecountFacts { on: day(2026, 11, 24), seats: 2, amount: usd(35_200) });
        }
        LetterKind::AnswerAlreadyPaid => {
            facts.dispute = Some(dispute(2, 35_200));
            facts.payment = Some(PaymentFacts {
                matched: false,
                document: Some("INV-2041".to_owned()),
                amount: Some(usd(35_200)),
                reason: Some("It paid for a new firewall, as its lines show.".to_owned()),
            });
        }
        LetterKind::AnswerPrice => {
            facts.dispute = Some(dispute(2, 35_200));
            facts.price_conversation =
                Some(PriceConversationFacts { on: day(2026, 12, 8), agreed: Some(usd(2200)) });
        }
        LetterKind::AnswerRefusal => {
            facts.dispute = Some(dispute(2, 35_200));
            facts.plan = Some(plan());
        }
        LetterKind::PlanOffer => facts.plan = Some(plan()),
        LetterKind::WaiverConfirmationRequest => {
            facts.waiver = Some(WaiverFacts {
                amount: usd(17_600),
                seat_months: Some(Decimal::from(8)),
                reason: Some("Our log has no request for one of the two seats.".to_owned()),
                confirmed_on: None,
            });
        }
        LetterKind::ReplyReminder => {
            facts.reminder = Some(ReminderFacts { told_on: Some(day(2026, 11, 16)), instalment: None });
        }
        LetterKind::InstalmentReminder => {
            facts.plan = Some(plan());
            facts.reminder = Some(ReminderFacts { told_on: None, instalment: Some(due_instalment()) });
        }
        LetterKind::OverBillingApology => return over_billed(),
        LetterKind::VerifiedClosure => {
            facts.verification = Some(VerificationFacts {
                document: Some("INV-2107".to_owned()),
                on: day(2026, 12, 1),
                lines: vec![next_line(22)],
            });
            facts.next_billing = Some(NextBilling { on: day(2027, 1, 1), lines: vec![next_line(22)] });
        }
        LetterKind::MonthlyStatement => return statement(),
    }
    facts
}

fn case() -> LetterFacts {
    LetterFacts {
        msp: "Example MSP".to_owned(),
        client: "Contoso Legal".to_owned(),
        contact: Some("Ms Carter".to_owned()),
        account_manager: Some(manager()),
        reference: Some("LF-1042".to_owned()),
        direction: Some(Direction::Under),
        lines: vec![line()],
        provisioning: vec![ProvisioningFacts {
            on: day(2026, 3, 1),
            product: PRODUCT.to_owned(),
            seats: 2,
            requested_by: Some("Mr Singh, Contoso Legal".to_owned()),
            reference: Some("Ticket 8123".to_owned()),
        }],
        next_billing: Some(NextBilling { on: day(2026, 12, 1), lines: vec![next_line(22)] }),
        retro_billing_on: Some(day(2026, 12, 1)),
        reply_by: Some(day(2026, 11, 27)),
        evidence: Some(evidence("LF-1042")),
        ..LetterFacts::default()
    }
}

fn manager() -> AccountManager {
    AccountManager {
        name: "Bea Miller".to_owned(),
        email: Some("bea.miller@msp.example".to_owned()),
        phone: Some("+1 555 0100".to_owned()),
    }
}

fn evidence(reference: &str) -> EvidenceFacts {
    EvidenceFacts {
        link: Some(format!("https://msp.example/evidence/{reference}")),
        reference: Some(reference.to_owned()),
    }
}

fn line() -> LineFacts {
    LineFacts {
        product: PRODUCT.to_owned(),
        seats: 2,
        provisioned: Some(22),
        billed: Some(20),
        seat_months: Decimal::from(16),
        months: 8,
        first_month: month(2026, 3),
        last_month: month(2026, 10),
        unit_price: Some(usd(2200)),
        amount: usd(35_200),
        monthly: Some(usd(4400)),
        active_seats: Some(2),
    }
}

fn next_line(quantity: u32) -> NextLine {
    NextLine { product: PRODUCT.to_owned(), quantity, monthly_amount: Some(usd(2200 * i64::from(quantity))) }
}

fn small(facts: &mut LetterFacts) {
    let first = LineFacts {
        seat_months: Decimal::from(2),
        months: 1,
        first_month: month(2026, 10),
        amount: usd(4400),
        ..line()
    };
    facts.lines = vec![first];
    facts.provisioning.iter_mut().for_each(|entry| entry.on = day(2026, 10, 1));
}

fn dispute(seats: u32, minor: i64) -> DisputeFacts {
    DisputeFacts { on: day(2026, 11, 23), by: Some("Ms Carter".to_owned()), seats, amount: usd(minor) }
}

fn plan() -> PlanFacts {
    let due = |index: u32| day(2026, 12, 1).checked_add_months(Months::new(index)).unwrap_or_default();
    let instalments = (0..4).map(|index| InstalmentFacts { due_on: due(index), amount: usd(8800) }).collect();
    PlanFacts { total: usd(35_200), instalments, others: Vec::new() }
}

fn due_instalment() -> DueInstalment {
    DueInstalment {
        number: 2,
        of: 4,
        due_on: day(2027, 1, 1),
        amount: usd(8800),
        document: Some("INV-2133".to_owned()),
        promised_on: Some(day(2027, 1, 8)),
    }
}

fn over_billed() -> LetterFacts {
    let eur = |minor: i64| Money::from_minor(minor, Currency::EUR);
    let product = "Exchange Online Plan 2".to_owned();
    LetterFacts {
        reference: Some("LF-1043".to_owned()),
        direction: Some(Direction::Over),
        lines: vec![LineFacts {
            product: product.clone(),
            seats: 3,
            provisioned: Some(47),
            billed: Some(50),
            seat_months: Decimal::from(9),
            months: 3,
            first_month: month(2026, 3),
            last_month: month(2026, 5),
            unit_price: Some(eur(1170)),
            amount: eur(10_530),
            monthly: Some(eur(3510)),
            active_seats: None,
        }],
        provisioning: Vec::new(),
        next_billing: Some(NextBilling {
            on: day(2026, 12, 1),
            lines: vec![NextLine { product, quantity: 47, monthly_amount: Some(eur(54_990)) }],
        }),
        credit: Some(CreditFacts {
            amount: eur(10_530),
            document: Some("CN-311".to_owned()),
            on: Some(day(2026, 11, 26)),
            refund: false,
        }),
        retro_billing_on: None,
        reply_by: None,
        evidence: Some(evidence("LF-1043")),
        ..case()
    }
}

fn statement() -> LetterFacts {
    LetterFacts {
        msp: "Example MSP".to_owned(),
        client: "Contoso Legal".to_owned(),
        contact: Some("Ms Carter".to_owned()),
        account_manager: Some(manager()),
        statement: Some(StatementFacts {
            month: month(2026, 10),
            as_of: day(2026, 10, 31),
            compared: true,
            findings: vec![FindingFacts {
                product: PRODUCT.to_owned(),
                direction: Direction::Under,
                seats: Decimal::TWO,
                seat_months: Decimal::TWO,
                amount: Some(usd(4400)),
                time_barred: false,
                adjusted: false,
            }],
            fixed: vec![FixedFacts {
                product: "Exchange Online Plan 2".to_owned(),
                direction: Direction::Over,
                amount: Money::from_minor(10_530, Currency::EUR),
                document: Some("CN-311".to_owned()),
                verified_on: day(2026, 10, 5),
            }],
            not_compared: vec![NotComparedFacts {
                product: Some("Backup per workstation".to_owned()),
                reason: Some(Reason::UnconfirmedMapping),
            }],
            provisional: false,
            partial: false,
            assumed: false,
            price_differences: 0,
        }),
        ..LetterFacts::default()
    }
}
