//! What was billed too little and too much, by month, client, product or cause. What is bought and not used
//! is waste, and in none of these sums.

use super::super::{SeatsAndMoney, Tally};
use super::sheet::{Cells, sheet};
use super::{KnownGap, Range, word};
use crate::audit::{AuditError, Direction};
use crate::id::ClientId;
use crate::matching::fold;
use crate::money::Currency;
use crate::period::Month;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a leakage report has a row for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// Each month.
    #[default]
    Month,
    /// Each client.
    Client,
    /// Each product.
    Product,
    /// Each cause; gaps without one are `not_set`.
    RootCause,
}

/// Leakage by one grouping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeakageReport {
    /// What rows are for.
    pub by: Grouping,
    /// One row for each group, direction and currency.
    pub rows: Vec<LeakageRow>,
    /// One for each direction and currency. Directions are never netted, currencies never added.
    pub totals: Vec<LeakageTotal>,
}

/// One group in one direction and currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeakageRow {
    /// By month: the month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<Month>,
    /// By client: its resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// By client: its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// By product: its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// By product: the vendor's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// By cause: the cause, or `not_set`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_cause: Option<String>,
    /// The figures.
    #[serde(flatten)]
    pub figures: LeakageTotal,
}

/// Sums in one direction and currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeakageTotal {
    /// `under`: billed too little; `over`: billed too much.
    pub direction: Direction,
    /// None: seats of gaps without a price in any currency.
    pub currency: Option<Currency>,
    /// How many gaps.
    pub gaps: u32,
    /// Months that are over.
    pub leakage: SeatsAndMoney,
    /// Of these, what is older than the back-billing limit.
    pub time_barred: SeatsAndMoney,
    /// Apart from them: months that are not over.
    pub provisional: SeatsAndMoney,
    /// Whether some days have no price: they are in seat-months, not in money.
    pub unpriced: bool,
}

#[derive(Clone, Copy, Default)]
struct Tallies {
    gaps: u32,
    over: Tally,
    barred: Tally,
    provisional: Tally,
    unpriced: bool,
}

impl Tallies {
    fn total(self, currency: Option<Currency>, direction: Direction) -> Result<LeakageTotal, AuditError> {
        Ok(LeakageTotal {
            direction,
            currency,
            gaps: self.gaps,
            leakage: self.over.sum(currency)?,
            time_barred: self.barred.sum(currency)?,
            provisional: self.provisional.sum(currency)?,
            unpriced: self.unpriced,
        })
    }
}

/// What a group is sorted by and told apart by.
type Key = (String, String);
type Sums = BTreeMap<(Option<Currency>, Direction), Tallies>;

/// Adds the gaps' months inside the range up.
///
/// # Errors
/// When a sum is larger than can be exact.
pub fn leakage(gaps: &[KnownGap], by: Grouping, range: Range) -> Result<LeakageReport, AuditError> {
    let mut groups: BTreeMap<Key, (LeakageRow, Sums)> = BTreeMap::new();
    let mut totals = Sums::new();
    for gap in gaps {
        let (place, mut counted) = ((gap.currency, gap.direction), BTreeSet::new());
        for (month, difference) in gap.standing(range) {
            let key = key(gap, by, month.month);
            let (_, sums) =
                groups.entry(key.clone()).or_insert_with(|| (named(gap, by, month.month), Sums::new()));
            let total = totals.entry(place).or_default();
            total.gaps += u32::from(counted.is_empty());
            let row = sums.entry(place).or_default();
            row.gaps += u32::from(counted.insert(key));
            for tallies in [row, total] {
                tallies.unpriced |= difference.unpriced;
                if !month.said.closed {
                    tallies.provisional.add(month.month, difference);
                    continue;
                }
                tallies.over.add(month.month, difference);
                if difference.time_barred {
                    tallies.barred.add(month.month, difference);
                }
            }
        }
    }
    let mut rows = Vec::new();
    for (named, sums) in groups.into_values() {
        for ((currency, direction), tallies) in sums {
            rows.push(LeakageRow { figures: tallies.total(currency, direction)?, ..named.clone() });
        }
    }
    let total = |((currency, direction), tallies): (_, Tallies)| tallies.total(currency, direction);
    Ok(LeakageReport { by, rows, totals: totals.into_iter().map(total).collect::<Result<_, _>>()? })
}

fn key(gap: &KnownGap, by: Grouping, month: Month) -> Key {
    match by {
        Grouping::Month => (month.to_string(), String::new()),
        Grouping::Client => (fold(&gap.client), gap.client_key.clone()),
        // A name is not a key: products of one name and different ids stay apart.
        Grouping::Product => (fold(&gap.product), gap.sku.clone().unwrap_or_default()),
        Grouping::RootCause => (cause(gap), String::new()),
    }
}

fn cause(gap: &KnownGap) -> String {
    gap.root_cause.map_or_else(|| "not_set".to_owned(), |cause| cause.to_string())
}

fn named(gap: &KnownGap, by: Grouping, month: Month) -> LeakageRow {
    let is = |grouping| by == grouping;
    LeakageRow {
        month: is(Grouping::Month).then_some(month),
        client_id: gap.client_id.filter(|_| is(Grouping::Client)),
        client: is(Grouping::Client).then(|| gap.client.clone()),
        product: is(Grouping::Product).then(|| gap.product.clone()),
        sku: gap.sku.clone().filter(|_| is(Grouping::Product)),
        root_cause: is(Grouping::RootCause).then(|| cause(gap)),
        figures: LeakageTotal {
            direction: gap.direction,
            currency: None,
            gaps: 0,
            leakage: SeatsAndMoney { seat_months: rust_decimal::Decimal::ZERO, amount: None },
            time_barred: SeatsAndMoney { seat_months: rust_decimal::Decimal::ZERO, amount: None },
            provisional: SeatsAndMoney { seat_months: rust_decimal::Decimal::ZERO, amount: None },
            unpriced: false,
        },
    }
}

impl LeakageReport {
    /// The rows as CSV; the totals are left to the spreadsheet.
    pub fn csv(&self) -> String {
        let group: &[&str] = match self.by {
            Grouping::Month => &["month"],
            Grouping::Client => &["client_id", "client"],
            Grouping::Product => &["product", "sku"],
            Grouping::RootCause => &["root_cause"],
        };
        let figures = [
            "direction",
            "currency",
            "gaps",
            "seat_months",
            "amount",
            "time_barred_seat_months",
            "time_barred_amount",
            "provisional_seat_months",
            "provisional_amount",
            "unpriced",
        ];
        let header: Vec<&str> = group.iter().copied().chain(figures).collect();
        sheet(&header, self.rows.iter().map(|row| self.cells(row)))
    }

    fn cells(&self, row: &LeakageRow) -> Cells {
        let cells = match self.by {
            Grouping::Month => Cells::new().maybe(row.month),
            Grouping::Client => Cells::new().maybe(row.client_id).text(row.client.as_deref()),
            Grouping::Product => Cells::new().text(row.product.as_deref()).text(row.sku.as_deref()),
            Grouping::RootCause => Cells::new().text(row.root_cause.as_deref()),
        };
        let figures = &row.figures;
        cells
            .plain(&word(figures.direction))
            .maybe(figures.currency)
            .plain(&figures.gaps)
            .sum(&figures.leakage)
            .sum(&figures.time_barred)
            .sum(&figures.provisional)
            .plain(&figures.unpriced)
    }
}
