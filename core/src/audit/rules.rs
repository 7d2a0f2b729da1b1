//! Rules with their names resolved: what is taken off counted seats, and the back-billing limits.

use super::calendar::{Calendar, Day, Days};
use super::document::{Direction, Waterfall};
use super::identity::{ClientId, Identity, ProductId};
use super::policies::{Held, PolicyLimit};
use super::rows::whole;
use super::series::Series;
use crate::matching::fold;
use crate::period::Month;
use crate::records::{Rule, RuleKind, RuleValue};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::collections::{HashMap, HashSet};

/// A rule's number of seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RuleSeats {
    All,
    Number(i64),
    /// Not a whole number: the product cannot be compared while the rule holds.
    NotWhole,
}

/// A rule of the waterfall.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub kind: RuleKind,
    pub seats: RuleSeats,
    pub client: Option<ClientId>,
    pub product: Option<ProductId>,
    pub parent: Option<ProductId>,
    pub days: Days,
}

/// A back-billing limit.
#[derive(Clone, Copy, Debug)]
struct Limit {
    direction: Direction,
    months: u32,
    client: Option<ClientId>,
    product: Option<ProductId>,
    days: Days,
}

/// All rules of an audit.
#[derive(Debug, Default)]
pub(super) struct Rules {
    by_product: HashMap<ProductId, Vec<Step>>,
    any_product: Vec<Step>,
    limits: Vec<Limit>,
    /// Parents of bundles, of one client or of all.
    parents: HashSet<(Option<ClientId>, ProductId)>,
}

/// What makes two rules the same: a rule that is kept in two places, or uploaded twice, holds once.
///
/// The reason belongs to it: two seats that are excluded for two reasons are two rules. Who answers for it
/// and when it is looked at again do not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SameRule {
    kind: RuleKind,
    all: bool,
    number: Decimal,
    client: Option<ClientId>,
    product: Option<ProductId>,
    parent: Option<ProductId>,
    from: Day,
    reason: String,
}

impl SameRule {
    fn of(rule: &Rule, identity: &Identity) -> Self {
        let days = Days::of(rule.span);
        let product = |product: &Option<crate::records::ProductRef>| {
            product.as_ref().map(|product| identity.product(product, days.from))
        };
        Self {
            kind: rule.kind,
            all: rule.value == RuleValue::All,
            number: match rule.value {
                RuleValue::All => Decimal::ZERO,
                RuleValue::Number(number) => number.normalize(),
            },
            client: rule.client.as_ref().map(|client| identity.client(client, days.from)),
            product: product(&rule.product),
            parent: product(&rule.parent_product),
            from: days.from,
            reason: fold(&rule.reason),
        }
    }
}

/// The rules, each once, in the order given.
pub(super) fn distinct<'r>(rules: &'r [Rule], identity: &Identity) -> Vec<&'r Rule> {
    let mut seen = HashSet::new();
    rules.iter().filter(|rule| seen.insert((SameRule::of(rule, identity), rule.span.until))).collect()
}

/// Rules that are the same but for their end: both hold, and one of them may have been meant to be ended.
fn unlike_ends(rules: &[&Rule], identity: &Identity) -> Vec<String> {
    let mut seen = HashSet::new();
    let again = rules.iter().filter(|rule| !seen.insert(SameRule::of(rule, identity)));
    again
        .map(|rule| {
            format!(
                "the rule `{}` of {} is there more than once with different ends; each of them counts",
                rule.reason, rule.owner
            )
        })
        .collect()
}

impl Rules {
    pub(super) fn build(rules: &[Rule], identity: &Identity, notes: &mut Vec<String>) -> Self {
        let mut built = Self::default();
        let said = distinct(rules, identity);
        notes.extend(unlike_ends(&said, identity));
        for rule in said {
            let days = Days::of(rule.span);
            let client = rule.client.as_ref().map(|client| identity.client(client, days.from));
            let product = rule.product.as_ref().map(|product| identity.product(product, days.from));
            let parent = rule.parent_product.as_ref().map(|product| identity.product(product, days.from));
            match rule.kind {
                RuleKind::BackBillingMonths | RuleKind::CreditBackMonths => {
                    let direction = if rule.kind == RuleKind::BackBillingMonths {
                        Direction::Under
                    } else {
                        Direction::Over
                    };
                    if let RuleValue::Number(months) = rule.value
                        && let Some(months) = months.to_u32().filter(|_| months.fract().is_zero())
                    {
                        built.limits.push(Limit { direction, months, client, product, days });
                    } else {
                        notes.push(format!(
                            "the limit `{}` of {} is not a whole number of months and is not used",
                            rule.reason, rule.owner
                        ));
                    }
                }
                RuleKind::Exclude | RuleKind::Bundle | RuleKind::Allowance | RuleKind::Minimum => {
                    let seats = match rule.value {
                        RuleValue::All => RuleSeats::All,
                        RuleValue::Number(value) if value.is_sign_negative() => RuleSeats::NotWhole,
                        RuleValue::Number(value) => {
                            whole(value).map_or(RuleSeats::NotWhole, RuleSeats::Number)
                        }
                    };
                    let step = Step { kind: rule.kind, seats, client, product, parent, days };
                    if rule.kind == RuleKind::Bundle {
                        built.parents.extend(parent.map(|parent| (client, parent)));
                    }
                    match product {
                        Some(product) => built.by_product.entry(product).or_default().push(step),
                        None => built.any_product.push(step),
                    }
                }
            }
        }
        built
    }

    /// The rules that hold for a client's product on some of these days.
    pub(super) fn of(&self, client: ClientId, product: ProductId, days: Days) -> Vec<Step> {
        let named = self.by_product.get(&product).into_iter().flatten();
        let rules = named.chain(&self.any_product);
        rules
            .filter(|step| step.client.is_none_or(|only| only == client) && step.days.meets(days))
            .copied()
            .collect()
    }

    /// Products for which a minimum names this client: billable though nobody may have a row of them.
    pub(super) fn minimums(&self, client: ClientId) -> impl Iterator<Item = ProductId> + '_ {
        let steps = self.by_product.values().flatten();
        steps
            .filter(move |step| step.kind == RuleKind::Minimum && step.client == Some(client))
            .filter_map(|step| step.product)
    }

    /// Whether a bundle of this client has this product as its parent.
    pub(super) fn is_parent(&self, client: ClientId, product: ProductId) -> bool {
        self.parents.contains(&(None, product)) || self.parents.contains(&(Some(client), product))
    }

    /// Months before this one are time-barred; none: no limit.
    ///
    /// Of several rules and policies that hold on the last audited day the most particular counts (client
    /// and product, agreement, client, product, all), of equals the shorter for under-billing, the longer for
    /// over-billing. Over-billing is never credited back less far than under-billing is charged.
    pub(super) fn barred_before(
        &self,
        client: ClientId,
        product: ProductId,
        policy: &Held,
        direction: Direction,
        calendar: &Calendar,
    ) -> Option<Month> {
        let under = self.limit(client, product, policy, Direction::Under, calendar);
        let months = match direction {
            Direction::Under => under?,
            Direction::Over => {
                let over = self.limit(client, product, policy, Direction::Over, calendar)?;
                over.max(under.unwrap_or(0))
            }
        };
        let first_open = calendar.last_closed()?.next();
        // A limit of more than a thousand years is none.
        let back = i32::try_from(months).ok().filter(|months| *months <= 12_000)?;
        Some(first_open.plus(back.saturating_neg()))
    }

    fn limit(
        &self,
        client: ClientId,
        product: ProductId,
        policy: &Held,
        direction: Direction,
        calendar: &Calendar,
    ) -> Option<u32> {
        let last = calendar.audited.until.saturating_sub(1);
        let holding = self.limits.iter().filter(|limit| {
            limit.direction == direction
                && limit.client.is_none_or(|only| only == client)
                && limit.product.is_none_or(|only| only == product)
                && limit.days.contains(last)
        });
        let of_rule = |limit: &Limit| PolicyLimit {
            months: limit.months,
            particular: (limit.client.is_some(), limit.product.is_some(), false),
        };
        let all = holding.map(of_rule).chain(policy.limit(direction));
        let best = all.clone().map(|limit| limit.particular).max()?;
        let best = all.filter(|limit| limit.particular == best).map(|limit| limit.months);
        if direction == Direction::Under { best.min() } else { best.max() }
    }
}

/// The waterfall of one client's product.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps {
    pub rules: Vec<Step>,
    /// Free and trial seats among the counted.
    pub free: Series,
    /// Included seats on billing lines.
    pub included: Series,
    /// Billed seats of the parents of bundles.
    pub parents: HashMap<ProductId, Series>,
}

impl Steps {
    /// From counted to billable seats on a day. `None` when a number does not fit or a rule is not
    /// whole.
    pub(super) fn on(&self, day: Day, counted: i64) -> Option<Fall> {
        let holding =
            |kind| self.rules.iter().filter(move |step| step.kind == kind && step.days.contains(day));
        let mut excluded = self.free.at(day).max(0);
        let mut all = false;
        for step in holding(RuleKind::Exclude) {
            match step.seats {
                RuleSeats::All => all = true,
                RuleSeats::Number(seats) => excluded = excluded.checked_add(seats)?,
                RuleSeats::NotWhole => return None,
            }
        }
        if all {
            excluded = excluded.max(counted);
        }
        let mut bundled = 0_i64;
        for step in holding(RuleKind::Bundle) {
            let RuleSeats::Number(each) = step.seats else { return None };
            let parents = step.parent.and_then(|parent| self.parents.get(&parent));
            let billed = parents.map_or(0, |series| series.at(day).max(0));
            bundled = bundled.checked_add(billed.checked_mul(each)?)?;
        }
        let mut allowance = None;
        for step in holding(RuleKind::Allowance) {
            let RuleSeats::Number(seats) = step.seats else { return None };
            allowance = Some(allowance.unwrap_or(0_i64).checked_add(seats)?);
        }
        let allowance = allowance.unwrap_or_else(|| self.included.at(day).max(0));
        let mut minimum = 0;
        for step in holding(RuleKind::Minimum) {
            let RuleSeats::Number(seats) = step.seats else { return None };
            minimum = minimum.max(seats);
        }
        let mut left = counted.max(0);
        let mut take = |wanted: i64| {
            let taken = wanted.min(left);
            left -= taken;
            taken
        };
        let (off_excluded, off_bundled, off_allowance) = (take(excluded), take(bundled), take(allowance));
        let wanted = excluded.checked_add(bundled)?.checked_add(allowance)?;
        let taken = off_excluded + off_bundled + off_allowance;
        Some(Fall {
            counted,
            excluded: off_excluded,
            bundled: off_bundled,
            allowance: off_allowance,
            not_fitting: wanted - taken,
            minimum,
            elsewhere: 0,
            billable: left.max(minimum),
        })
    }

    /// The days on which it may change.
    pub(super) fn days(&self) -> impl Iterator<Item = Day> + '_ {
        let rules = self.rules.iter().flat_map(|step| [step.days.from, step.days.until]);
        let series = [&self.free, &self.included].into_iter().chain(self.parents.values());
        rules.chain(series.flat_map(Series::days))
    }
}

/// The waterfall on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fall {
    pub counted: i64,
    pub excluded: i64,
    pub bundled: i64,
    pub allowance: i64,
    pub not_fitting: i64,
    pub minimum: i64,
    /// Billable seats that other parts of the client take.
    pub elsewhere: i64,
    pub billable: i64,
}

impl Fall {
    pub(super) fn document(self) -> Waterfall {
        Waterfall {
            counted: Decimal::from(self.counted),
            excluded: Decimal::from(self.excluded),
            bundled: Decimal::from(self.bundled),
            allowance: Decimal::from(self.allowance),
            not_fitting: Decimal::from(self.not_fitting),
            minimum: Decimal::from(self.minimum),
            elsewhere: Decimal::from(self.elsewhere),
            billable: Decimal::from(self.billable),
        }
    }
}
