//! Refuses facts that contradict each other: a letter must not say two things that cannot both be true.

use super::facts::{LetterFacts, LineFacts, NextLine};
use super::kind::LetterKind;
use crate::audit::Direction;
use crate::money::Money;
use rust_decimal::Decimal;
use serde_json::Value;

/// Larger amounts are a slip; sums of smaller ones cannot overflow.
const MOST: Decimal = Decimal::from_parts(2_764_472_320, 232_830, 0, false, 0);

/// What is wrong with a fact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {reason}")]
pub struct FactFault {
    /// JSON pointer into the facts.
    pub pointer: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// The sum of amounts of one currency; none for no amount, and for several currencies.
pub(super) fn total(amounts: impl IntoIterator<Item = Money>) -> Option<Money> {
    let mut amounts = amounts.into_iter();
    let first = amounts.next()?;
    amounts.try_fold(first, |sum, next| {
        let amount = sum.amount.checked_add(next.amount).filter(|_| sum.currency == next.currency)?;
        Some(Money { amount, currency: sum.currency })
    })
}

#[derive(Default)]
struct Faults(Vec<FactFault>);

impl Faults {
    fn add(&mut self, pointer: impl Into<String>, reason: impl Into<String>) {
        self.0.push(FactFault { pointer: pointer.into(), reason: reason.into() });
    }

    fn unless(&mut self, holds: bool, pointer: impl Into<String>, reason: impl Into<String>) {
        if !holds {
            self.add(pointer, reason);
        }
    }
}

impl LetterFacts {
    /// The money over all lines.
    pub fn amount(&self) -> Option<Money> {
        total(self.lines.iter().map(|line| line.amount))
    }

    /// The seats over all lines.
    pub fn seats(&self) -> u64 {
        self.lines.iter().map(|line| u64::from(line.seats)).sum()
    }

    /// What is wrong with the facts, for this kind of letter. Empty: they can be used.
    pub fn faults(&self, kind: LetterKind) -> Vec<FactFault> {
        let mut faults = Faults::default();
        if let Ok(value) = serde_json::to_value(self) {
            lengths(&mut faults, &value, &mut String::new());
        }
        faults.unless(!self.msp.trim().is_empty(), "/msp", "The name of the MSP is needed.");
        faults.unless(!self.client.trim().is_empty(), "/client", "The name of the client is needed.");
        let link = self.evidence.as_ref().and_then(|evidence| evidence.link.as_deref());
        faults.unless(
            link.is_none_or(is_address),
            "/evidence/link",
            "An address begins with https:// and has no spaces.",
        );
        faults.unless(
            self.client_link.as_deref().is_none_or(is_page),
            "/client_link",
            "An address has no spaces.",
        );
        if kind.about_lines() {
            self.correction(&mut faults, kind);
        } else {
            faults.unless(
                self.statement.is_some(),
                "/statement",
                "A statement needs what the comparison came to.",
            );
        }
        self.money(&mut faults);
        self.plan(&mut faults);
        self.remedies(&mut faults);
        faults.0
    }

    fn correction(&self, faults: &mut Faults, kind: LetterKind) {
        match (self.direction, kind.direction()) {
            (None, _) => faults.add("/direction", "Say `under` or `over`."),
            (Some(given), Some(wanted)) if given != wanted => faults.add("/direction", wrong_way(given)),
            _ => {}
        }
        faults.unless(!self.lines.is_empty(), "/lines", "At least one product is needed.");
        for (index, line) in self.lines.iter().enumerate() {
            self.line(faults, &format!("/lines/{index}"), line);
            let same_month = kind != LetterKind::SmallFix || line.first_month == line.last_month;
            faults.unless(
                same_month,
                format!("/lines/{index}/first_month"),
                "A small fix is about one month. Several months need a first notice.",
            );
        }
    }

    fn line(&self, faults: &mut Faults, at: &str, line: &LineFacts) {
        faults.unless(!line.product.trim().is_empty(), format!("{at}/product"), "The product is needed.");
        faults.unless(line.seats > 0, format!("{at}/seats"), "There is no difference to write about.");
        faults.unless(
            line.seat_months > Decimal::ZERO && line.seat_months < MOST,
            format!("{at}/seat_months"),
            "Seat-months are more than 0.",
        );
        if let (Some(provisioned), Some(billed), Some(direction)) =
            (line.provisioned, line.billed, self.direction)
        {
            let (more, less) = match direction {
                Direction::Under => (provisioned, billed),
                Direction::Over => (billed, provisioned),
            };
            faults.unless(
                more.checked_sub(less) == Some(line.seats),
                format!("{at}/seats"),
                format!(
                    "{provisioned} provisioned and {billed} billed do not make a difference of {}.",
                    line.seats
                ),
            );
        }
        let active = line.active_seats.is_none_or(|active| active <= line.seats);
        faults.unless(
            active,
            format!("{at}/active_seats"),
            "Not more seats than the difference can show use.",
        );
        let mut month = line.first_month;
        let mut span = 0_u32;
        while month <= line.last_month && span < 1200 {
            (month, span) = (month.next(), span + 1);
        }
        faults.unless(
            (1..=span).contains(&line.months),
            format!("{at}/months"),
            format!("From {} to {} there are {span} months.", line.first_month, line.last_month),
        );
    }

    /// Every amount: not below 0, not absurd, and of one currency.
    fn money(&self, faults: &mut Faults) {
        let mut all: Vec<(String, Money)> = Vec::new();
        let mut add = |pointer: String, money: Option<Money>| all.extend(money.map(|money| (pointer, money)));
        for (index, line) in self.lines.iter().enumerate() {
            add(format!("/lines/{index}/amount"), Some(line.amount));
            add(format!("/lines/{index}/unit_price"), line.unit_price);
            add(format!("/lines/{index}/monthly"), line.monthly);
        }
        let next = |at: &str, lines: &[NextLine]| -> Vec<(String, Option<Money>)> {
            let each = lines.iter().enumerate();
            each.map(|(index, line)| (format!("{at}/lines/{index}/monthly_amount"), line.monthly_amount))
                .collect()
        };
        let billing =
            self.next_billing.as_ref().map(|next_billing| next("/next_billing", &next_billing.lines));
        let verified = self.verification.as_ref().map(|found| next("/verification", &found.lines));
        for (pointer, money) in billing.into_iter().chain(verified).flatten() {
            add(pointer, money);
        }
        if let Some(plan) = &self.plan {
            add("/plan/total".to_owned(), Some(plan.total));
            for (index, instalment) in plan.instalments.iter().enumerate() {
                add(format!("/plan/instalments/{index}/amount"), Some(instalment.amount));
            }
            for (index, way) in plan.others.iter().enumerate() {
                add(format!("/plan/others/{index}/amount"), Some(way.amount));
            }
        }
        add("/dispute/amount".to_owned(), self.dispute.as_ref().map(|dispute| dispute.amount));
        add("/recount/amount".to_owned(), self.recount.as_ref().map(|recount| recount.amount));
        add("/payment/amount".to_owned(), self.payment.as_ref().and_then(|payment| payment.amount));
        add("/waiver/amount".to_owned(), self.waiver.as_ref().map(|waiver| waiver.amount));
        let due = self.reminder.as_ref().and_then(|reminder| reminder.instalment.as_ref());
        add("/reminder/instalment/amount".to_owned(), due.map(|instalment| instalment.amount));
        add("/credit/amount".to_owned(), self.credit.as_ref().map(|credit| credit.amount));
        let currency = all.first().map(|(_, money)| money.currency);
        for (pointer, money) in all {
            let sound = !money.amount.is_sign_negative() && money.amount < MOST;
            faults.unless(sound, pointer.clone(), "Amounts have no sign and fewer than 16 digits.");
            faults.unless(
                currency.is_none_or(|currency| currency == money.currency),
                pointer,
                "A letter is about one currency. Write one letter for each.",
            );
        }
    }

    fn plan(&self, faults: &mut Faults) {
        let Some(plan) = &self.plan else { return };
        let sum = total(plan.instalments.iter().map(|instalment| instalment.amount));
        faults.unless(
            sum.is_some_and(|sum| sum.amount == plan.total.amount),
            "/plan/instalments",
            format!("The instalments do not add up to {}.", plan.total),
        );
        let rising = plan.instalments.windows(2).all(|pair| pair[0].due_on < pair[1].due_on);
        faults.unless(rising, "/plan/instalments", "Every instalment is due after the one before.");
        let possible = plan.others.iter().all(|way| {
            way.instalments > 0 && way.amount.amount <= plan.total.amount && !way.amount.amount.is_zero()
        });
        faults.unless(
            possible,
            "/plan/others",
            "Another way to pay has parts, none of them more than the whole.",
        );
    }

    /// What is given up or back is not more than what is there; what was charged too much goes back whole.
    fn remedies(&self, faults: &mut Faults) {
        let Some(amount) = self.amount().map(|money| money.amount) else { return };
        if let Some(waiver) = &self.waiver {
            let within = waiver.amount.amount <= amount && !waiver.amount.amount.is_zero();
            faults.unless(
                within,
                "/waiver/amount",
                "More than nothing and not more than the correction can be given up.",
            );
            let possible = self.direction != Some(Direction::Over);
            faults.unless(possible, "/waiver", "What was charged too much is given back, never waived.");
        }
        if let Some(credit) = &self.credit {
            let whole = credit.amount.amount == amount;
            faults.unless(
                whole,
                "/credit/amount",
                "What was charged too much is given back whole and at once.",
            );
            let possible = self.direction != Some(Direction::Under);
            faults.unless(possible, "/credit", "Nothing is given back where too little was charged.");
        }
        let due = self.reminder.as_ref().and_then(|reminder| reminder.instalment.as_ref());
        let within = due.is_none_or(|due| due.amount.amount <= amount && (1..=due.of).contains(&due.number));
        faults.unless(
            within,
            "/reminder/instalment",
            "An instalment is one of the plan's, and not more than the correction is about.",
        );
        if let Some(dispute) = &self.dispute {
            let within = dispute.amount.amount <= amount && u64::from(dispute.seats) <= self.seats();
            faults.unless(within, "/dispute", "Not more can be in dispute than the correction is about.");
        }
        let planned = self.plan.as_ref().is_none_or(|plan| plan.total.amount <= amount);
        faults.unless(planned, "/plan/total", "Not more can be paid by a plan than the correction is about.");
    }
}

const fn wrong_way(given: Direction) -> &'static str {
    match given {
        Direction::Under => {
            "This letter is about seats that were billed too much; too little was billed here."
        }
        Direction::Over => {
            "This letter is about seats that were not billed; too much was billed here: write the apology."
        }
    }
}

pub(super) fn is_address(link: &str) -> bool {
    link.strip_prefix("https://").is_some_and(is_plain)
}

/// A page of the service itself, which may be tried out without TLS.
pub(super) fn is_page(link: &str) -> bool {
    is_address(link) || link.strip_prefix("http://").is_some_and(is_plain)
}

fn is_plain(rest: &str) -> bool {
    !rest.is_empty()
        && !rest.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\"'`{}|\\^".contains(c))
}

/// Texts that are too long, and lists.
fn lengths(faults: &mut Faults, value: &Value, pointer: &mut String) {
    let name = pointer.rsplit('/').next().unwrap_or_default();
    match value {
        Value::String(text) => {
            let most = match name {
                "link" | "client_link" => 2000,
                "delay" | "decision" | "outcome" | "reason" => 1000,
                _ => 320,
            };
            if text.chars().count() > most {
                faults.add(pointer.clone(), format!("At most {most} characters."));
            }
        }
        Value::Array(items) => {
            if items.len() > 10_000 {
                faults.add(pointer.clone(), "At most 10,000 items.");
            }
            for (index, item) in items.iter().enumerate() {
                nested(faults, item, pointer, &index.to_string());
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                nested(faults, member, pointer, name);
            }
        }
        _ => {}
    }
}

fn nested(faults: &mut Faults, value: &Value, pointer: &mut String, name: &str) {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(name);
    lengths(faults, value, pointer);
    pointer.truncate(length);
}
