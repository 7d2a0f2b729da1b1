//! Objections by reason, age, outcome, evidence, client, product or biller: what clients object to, what
//! answers them, and what comes back of what was found.
//!
//! Recovered is what imports proved, and nothing else. A correction with several objections stands in each of
//! their groups with all that was found and recovered of it, and once in the totals.

use super::sheet::{Cells, sheet};
use super::{AgeBucket, Range};
use crate::correction::dispute::DisputeReason;
use crate::correction::track::{DisputeOutcome, Evidence};
use crate::id::ClientId;
use crate::money::{Currency, Money};
use crate::period::Month;
use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a report of objections has a row for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DisputeGrouping {
    /// Each reason.
    #[default]
    Reason,
    /// Each age: months from the first disputed one to the objection.
    Age,
    /// Each outcome.
    Outcome,
    /// What answered it.
    Evidence,
    /// Each client.
    Client,
    /// Each product.
    Product,
    /// Whoever told the client.
    Biller,
}

/// An objection, as the report adds it up.
#[derive(Clone, Debug)]
pub struct KnownDispute {
    /// Which correction: the same for all its objections.
    pub correction: String,
    /// Name of the client.
    pub client: String,
    /// The client's resource.
    pub client_id: Option<ClientId>,
    /// Whoever told the client, as records name them.
    pub biller: Option<String>,
    /// Of the correction.
    pub currency: Currency,
    /// Why.
    pub reason: DisputeReason,
    /// How it ended.
    pub outcome: DisputeOutcome,
    /// What answered it.
    pub evidence: Evidence,
    /// The first month that is disputed.
    pub first_month: Option<Month>,
    /// When it was recorded.
    pub recorded_on: NaiveDate,
    /// Days until it was answered.
    pub days_to_answer: Option<u32>,
    /// Disputed money by product, minor units.
    pub products: BTreeMap<String, i64>,
    /// Found by the correction, minor units.
    pub found: i64,
    /// Proved of it, minor units.
    pub recovered: i64,
}

impl KnownDispute {
    fn age(&self) -> AgeBucket {
        let recorded = Month::of(self.recorded_on);
        let mut months = 0_u32;
        let mut month = self.first_month.unwrap_or(recorded);
        while month < recorded && months < 13 {
            (month, months) = (month.next(), months + 1);
        }
        AgeBucket::of(months)
    }

    /// The groups that it is in, with its money in each.
    fn groups(&self, by: DisputeGrouping) -> Vec<(String, i64)> {
        let all: i64 = self.products.values().sum();
        let one = |name: &str| vec![(name.to_owned(), all)];
        match by {
            DisputeGrouping::Reason => one(self.reason.as_str()),
            DisputeGrouping::Age => one(self.age().as_str()),
            DisputeGrouping::Outcome => one(self.outcome.as_str()),
            DisputeGrouping::Evidence => one(self.evidence.as_str()),
            DisputeGrouping::Client => one(&self.client),
            DisputeGrouping::Biller => one(self.biller.as_deref().unwrap_or("none")),
            DisputeGrouping::Product => {
                self.products.iter().map(|(product, minor)| (product.clone(), *minor)).collect()
            }
        }
    }
}

/// Objections by one grouping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DisputeReport {
    /// What rows are for.
    pub by: DisputeGrouping,
    /// One row for each group and currency.
    pub rows: Vec<DisputeRow>,
    /// One for each currency. Currencies are never added.
    pub totals: Vec<DisputeTotal>,
}

/// One group in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DisputeRow {
    /// The reason, age, outcome, evidence, client, product or biller.
    pub group: String,
    /// The figures.
    #[serde(flatten)]
    pub figures: DisputeTotal,
}

/// Figures in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DisputeTotal {
    /// The currency.
    pub currency: Currency,
    /// How many objections.
    pub disputes: u32,
    /// Without an answer.
    pub open: u32,
    /// Answered, and the correction goes on.
    pub waiting: u32,
    /// Nothing of them was given up.
    pub stood: u32,
    /// A part was.
    pub partly: u32,
    /// All of it was.
    pub conceded: u32,
    /// Stood of those that have ended, 0.0000 to 1.0000; none: none has ended.
    pub stood_share: Option<Decimal>,
    /// Days from the objection to its answer: the median, rounded up; none: none was answered.
    pub median_days_to_answer: Option<u32>,
    /// Money in question.
    pub disputed: Money,
    /// Found by the corrections that were disputed.
    pub found: Money,
    /// Proved of it by imports.
    pub recovered: Money,
    /// Recovered of found, 0.0000 to 1.0000.
    pub recovered_share: Option<Decimal>,
}

#[derive(Default)]
struct Tally<'a> {
    outcomes: BTreeMap<DisputeOutcome, u32>,
    days: Vec<u32>,
    disputed: i64,
    corrections: BTreeSet<&'a str>,
    found: i64,
    recovered: i64,
}

impl<'a> Tally<'a> {
    fn add(&mut self, dispute: &'a KnownDispute, minor: i64) {
        *self.outcomes.entry(dispute.outcome).or_default() += 1;
        self.days.extend(dispute.days_to_answer);
        self.disputed += minor;
        if self.corrections.insert(&dispute.correction) {
            self.found += dispute.found;
            self.recovered += dispute.recovered;
        }
    }

    fn total(mut self, currency: Currency) -> DisputeTotal {
        let count = |outcome| self.outcomes.get(&outcome).copied().unwrap_or_default();
        let (stood, partly, conceded) =
            (count(DisputeOutcome::Stood), count(DisputeOutcome::Partly), count(DisputeOutcome::Conceded));
        self.days.sort_unstable();
        let money = |minor| Money::from_minor(minor, currency);
        DisputeTotal {
            currency,
            disputes: self.outcomes.values().sum(),
            open: count(DisputeOutcome::Open),
            waiting: count(DisputeOutcome::Waiting),
            stood,
            partly,
            conceded,
            stood_share: share(i64::from(stood), i64::from(stood + partly + conceded)),
            median_days_to_answer: median(&self.days),
            disputed: money(self.disputed),
            found: money(self.found),
            recovered: money(self.recovered),
            recovered_share: share(self.recovered, self.found),
        }
    }
}

fn share(part: i64, whole: i64) -> Option<Decimal> {
    let exact = Decimal::from(part).checked_div(Decimal::from(whole))?;
    let mut share = exact.round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero);
    share.rescale(4);
    Some(share)
}

/// Of sorted days; of two in the middle their mean, rounded up.
fn median(days: &[u32]) -> Option<u32> {
    let upper = days.get(days.len() / 2)?;
    if days.len() % 2 == 1 {
        return Some(*upper);
    }
    let lower = days.get(days.len() / 2 - 1)?;
    Some((lower + upper).div_ceil(2))
}

/// Adds objections up that were recorded inside the range.
pub fn disputes(known: &[KnownDispute], by: DisputeGrouping, range: Range) -> DisputeReport {
    let mut groups: BTreeMap<(String, Currency), Tally<'_>> = BTreeMap::new();
    let mut totals: BTreeMap<Currency, Tally<'_>> = BTreeMap::new();
    for dispute in known.iter().filter(|dispute| range.contains(Month::of(dispute.recorded_on))) {
        for (group, minor) in dispute.groups(by) {
            groups.entry((group, dispute.currency)).or_default().add(dispute, minor);
        }
        totals.entry(dispute.currency).or_default().add(dispute, dispute.products.values().sum());
    }
    let row = |((group, currency), tally): ((String, Currency), Tally<'_>)| DisputeRow {
        group,
        figures: tally.total(currency),
    };
    DisputeReport {
        by,
        rows: groups.into_iter().map(row).collect(),
        totals: totals.into_iter().map(|(currency, tally)| tally.total(currency)).collect(),
    }
}

impl DisputeReport {
    /// The rows as CSV.
    pub fn csv(&self) -> String {
        let header = [
            "group",
            "currency",
            "disputes",
            "open",
            "waiting",
            "stood",
            "partly",
            "conceded",
            "stood_share",
            "median_days_to_answer",
            "disputed",
            "found",
            "recovered",
            "recovered_share",
        ];
        let cells = |row: &DisputeRow| {
            let of = &row.figures;
            Cells::new()
                .text(Some(&row.group))
                .plain(&of.currency)
                .plain(&of.disputes)
                .plain(&of.open)
                .plain(&of.waiting)
                .plain(&of.stood)
                .plain(&of.partly)
                .plain(&of.conceded)
                .maybe(of.stood_share)
                .maybe(of.median_days_to_answer)
                .plain(&of.disputed.amount)
                .plain(&of.found.amount)
                .plain(&of.recovered.amount)
                .maybe(of.recovered_share)
        };
        sheet(&header, self.rows.iter().map(cells))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dispute(correction: &str, reason: DisputeReason, outcome: DisputeOutcome, minor: i64) -> KnownDispute {
        KnownDispute {
            correction: correction.to_owned(),
            client: "=Contoso".to_owned(),
            client_id: None,
            biller: None,
            currency: Currency::USD,
            reason,
            outcome,
            evidence: Evidence::ProvisioningLog,
            first_month: "2026-02".parse().ok(),
            recorded_on: "2026-11-25".parse().unwrap(),
            days_to_answer: Some(2),
            products: BTreeMap::from([("Premium".to_owned(), minor)]),
            found: 211_200,
            recovered: 29_334,
        }
    }

    #[test]
    fn a_correction_with_two_objections_counts_once_in_what_was_found() {
        let known = [
            dispute("a", DisputeReason::UnauthorizedSeats, DisputeOutcome::Partly, 70_400),
            dispute("a", DisputeReason::LateBilling, DisputeOutcome::Stood, 10_000),
        ];
        let report = disputes(&known, DisputeGrouping::Reason, Range::default());
        assert_eq!(report.rows.len(), 2);
        assert!(report.rows.iter().all(|row| row.figures.found.minor() == Some(211_200)));
        let [total] = report.totals.as_slice() else { panic!("{report:?}") };
        assert_eq!((total.disputes, total.disputed.minor()), (2, Some(80_400)));
        assert_eq!((total.found.minor(), total.recovered.minor()), (Some(211_200), Some(29_334)));
        assert_eq!(total.recovered_share.unwrap().to_string(), "0.1389");
        assert_eq!(total.stood_share.unwrap().to_string(), "0.5000");
    }

    #[test]
    fn groups_are_ages_and_clients_and_no_spreadsheet_runs_them() {
        let known = [dispute("a", DisputeReason::Refusal, DisputeOutcome::Open, 100)];
        let of = |by| disputes(&known, by, Range::default()).rows[0].group.clone();
        assert_eq!(of(DisputeGrouping::Age), "7_to_12");
        assert_eq!(of(DisputeGrouping::Product), "Premium");
        let csv = disputes(&known, DisputeGrouping::Client, Range::default()).csv();
        assert!(csv.contains("'=Contoso"), "{csv}");
        let december = Range { from: "2026-12".parse().ok(), to: None };
        assert!(disputes(&known, DisputeGrouping::Reason, december).rows.is_empty());
    }

    #[test]
    fn the_median_of_two_is_rounded_up() {
        assert_eq!((median(&[]), median(&[3]), median(&[2, 3])), (None, Some(3), Some(3)));
    }
}
