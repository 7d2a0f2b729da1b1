//! Gaps, people and circumstances for the tests.

use crate::audit::Direction;
use crate::correction::case::{Correction, GoingForward};
use crate::correction::command::{Command, Message};
use crate::correction::finding::{Finding, FoundMonth};
use crate::correction::open::{Elsewhere, open};
use crate::correction::plan::{Cadence, Terms};
use crate::correction::policy::{Actor, Channel, Context, Facts, Policy, Said};
use crate::correction::quantity::{Extent, Part, Quantity};
use crate::correction::refusal::{Code, Refusal};
use crate::money::{Currency, Money};
use crate::period::Month;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(super) fn month(text: &str) -> Month {
    text.parse().unwrap()
}

/// A gap of so many seats in months one after the other.
pub(super) fn finding(
    product: &str,
    billed: i64,
    billable: i64,
    price: &str,
    from: &str,
    months: i32,
) -> Finding {
    let direction = if billable >= billed { Direction::Under } else { Direction::Over };
    let seats = (billable - billed).abs();
    let price: Decimal = price.parse().unwrap();
    let cost = Money::round(price * Decimal::from(seats), Currency::USD).minor().unwrap();
    let of = |at: i32| {
        let month = month(from).plus(at);
        let quantity = Quantity::new(seats * i64::from(month.days()), cost);
        (month, FoundMonth { quantity, seats, time_barred: false })
    };
    Finding {
        audit: "audit-1".to_owned(),
        gap: format!("gap of {product}"),
        client: "Contoso".to_owned(),
        billing_entity: None,
        needs_allocation: false,
        product: product.to_owned(),
        sku: None,
        currency: Some(Currency::USD),
        direction,
        unpriced: false,
        unconfirmed: false,
        assumed: false,
        billed,
        billable,
        forward: cost,
        price: Some(price),
        adjusted: 0,
        adjusted_by: Vec::new(),
        months: (0..months).map(of).collect(),
    }
}

/// Who acts, when, and what is known.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub actor: Actor,
    pub now: DateTime<Utc>,
    pub policy: Policy,
    pub facts: Facts,
}

impl Scene {
    /// A biller at noon of that day, in a team, with a client that is used to 1,320.00.
    pub(super) fn on(date: &str) -> Self {
        Self {
            actor: Actor { label: "user:biller".to_owned(), person: true, admin: false },
            now: day(date).and_hms_opt(12, 0, 0).unwrap().and_utc(),
            policy: Policy::default(),
            facts: Facts {
                invoices: vec![132_000, 132_000, 132_000],
                members: 3,
                frozen: Some("sha256:frozen".to_owned()),
                ..Facts::default()
            },
        }
    }

    pub(super) fn admin(mut self) -> Self {
        self.actor = Actor { label: "user:admin".to_owned(), person: true, admin: true };
        self
    }

    pub(super) fn context(&self) -> Context<'_> {
        Context {
            actor: &self.actor,
            now: self.now,
            today: self.now.date_naive(),
            policy: &self.policy,
            facts: &self.facts,
        }
    }

    pub(super) fn open(&self, findings: &[Finding]) -> Result<Correction, Code> {
        open(findings, &Elsewhere::default(), &self.context()).map_err(|refusal| refusal.code())
    }

    #[track_caller]
    pub(super) fn apply(&self, correction: &Correction, command: &Command) -> Correction {
        correction
            .apply(command, &self.context())
            .unwrap_or_else(|refusal| panic!("{command:?}: {refusal:?}"))
    }

    #[track_caller]
    pub(super) fn refuse(&self, correction: &Correction, command: &Command) -> Refusal {
        match correction.apply(command, &self.context()) {
            Ok(_) => panic!("{command:?} was not refused"),
            Err(refusal) => refusal,
        }
    }
}

pub(super) fn said() -> Said {
    let at = "2026-10-01T09:00:00Z".parse().unwrap();
    Said { by: "Casey Client".to_owned(), channel: Channel::Email, at }
}

pub(super) fn going_forward(correction: &Correction, on: &str) -> GoingForward {
    let quantities = correction.lines.iter().map(|line| (line.number, line.agreed)).collect();
    GoingForward { invoice_on: day(on), quantities, corrected: false }
}

pub(super) fn message() -> Message {
    Message {
        context: "We found seats that were provisioned and not billed.".to_owned(),
        data: "12 seats, February to September".to_owned(),
        going_forward: "From the next invoice on we bill 72 seats.".to_owned(),
        to: None,
        channel: None,
        reference: None,
        letter: None,
        price_change: None,
    }
}

pub(super) fn communicate(correction: &Correction, invoice_on: &str) -> Command {
    Command::Communicate {
        message: message(),
        going_forward: Some(going_forward(correction, invoice_on)),
        gaps_confirmed: true,
        reply_by: None,
        provisioning_evidence: Vec::new(),
    }
}

pub(super) fn seats(line: u32, seats: u32) -> Part {
    Part { line, extent: Extent::Seats { seats, months: None } }
}

pub(super) fn terms(count: u16, first: &str) -> Terms {
    Terms { count, cadence: Cadence::Monthly, first_on: day(first) }
}

pub(super) fn offer(count: u16, first: &str) -> Command {
    Command::OfferPlan { terms: terms(count, first), others: Vec::new() }
}

/// Told, with a small shock.
pub(super) fn told(scene: &Scene, findings: &[Finding], invoice_on: &str) -> Correction {
    let mut scene = scene.clone();
    scene.facts.invoices = vec![100_000_000];
    let correction = scene.open(findings).unwrap();
    scene.apply(&correction, &communicate(&correction, invoice_on))
}

pub(super) fn seat_days(months: &[(&str, i64)]) -> BTreeMap<Month, i64> {
    months.iter().map(|(of, days)| (month(of), *days)).collect()
}
