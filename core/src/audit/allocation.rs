//! One client billed to several billing entities: whose seats are whose.
//!
//! The waterfall runs over the client's seats as a whole; what is billable is then shared by the client's
//! allocations, in this order: seats of users by licensing group, by department, by domain; then fixed
//! numbers, in the order of the entities; then the one that takes the rest. Each takes what is left at most,
//! so that the parts always sum to the whole, and what the waterfall took off is missing at the end of the
//! order. What nobody takes stays as a part of its own, without an entity. Allocations of the product replace
//! those of the whole client.
//!
//! Billing lines belong to the entity that they name. On days without any allocation the client is compared
//! as a whole, in the part without an entity.
//!
//! Fixed numbers work on any count. Users are known from sources that list them with their products; without
//! one, or where it conceals names, a product with such an allocation is not compared.

use super::AuditError;
use super::calendar::{Calendar, Day, Days, OPEN, intersect, union};
use super::client::{Comparison, Context, Subject};
use super::compare::Timeline;
use super::document::{AllocatedPart, Reason};
use super::identity::{ClientId, Identity, ProductId};
use super::input::{AllocateBy, AuditInput};
use super::pricing::{PriceLine, Prices, Rate};
use super::rows::Bill;
use super::rules::Fall;
use super::series::{Changes, Series};
use super::users::{UserSeat, Users};
use crate::matching::fold;
use crate::money::Currency;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The allocations of an audit, by client.
#[derive(Debug, Default)]
pub(super) struct Allocations<'a> {
    clients: HashMap<ClientId, OfClient<'a>>,
    users: Users,
}

/// The billing entities of a client, and how its seats are shared over them.
#[derive(Debug, Default)]
struct OfClient<'a> {
    entities: Vec<Entity<'a>>,
    rules: Vec<Rule<'a>>,
}

#[derive(Clone, Debug)]
struct Entity<'a> {
    /// What gaps are known by.
    first: &'a str,
    /// How it is shown.
    shown: &'a str,
    /// Folded names under which lines may name it.
    names: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule<'a> {
    by: &'a AllocateBy,
    entity: usize,
    product: Option<ProductId>,
    days: Days,
}

/// One allocation of a product, ready to be taken.
#[derive(Debug)]
struct Taking {
    entity: usize,
    days: Days,
    wanted: Wanted,
}

#[derive(Debug)]
enum Wanted {
    Seats(Series),
    Rest,
}

/// A part of a product's seats: those of one entity, or (`None`) those that nobody takes.
#[derive(Clone, Debug)]
pub(super) struct Share {
    takings: Arc<Vec<Taking>>,
    entity: Option<usize>,
}

impl Share {
    /// What of a day's billable seats falls to this part.
    pub(super) fn of(&self, day: Day, fall: Fall) -> Fall {
        let (mut left, mut own) = (fall.billable, 0);
        for taking in self.takings.iter().filter(|taking| taking.days.contains(day)) {
            let taken = match &taking.wanted {
                Wanted::Rest => left,
                Wanted::Seats(series) => series.at(day).clamp(0, left),
            };
            left -= taken;
            if Some(taking.entity) == self.entity {
                own += taken;
            }
        }
        let billable = if self.entity.is_some() { own } else { left };
        Fall { billable, elsewhere: fall.billable - billable, ..fall }
    }

    /// The days on which it may change.
    pub(super) fn days(&self) -> impl Iterator<Item = Day> + '_ {
        self.takings.iter().flat_map(|taking| {
            let series = match &taking.wanted {
                Wanted::Seats(series) => Some(series.days()),
                Wanted::Rest => None,
            };
            [taking.days.from, taking.days.until].into_iter().chain(series.into_iter().flatten())
        })
    }
}

impl<'a> Allocations<'a> {
    /// Whether a client's seats are shared over billing entities.
    pub(super) fn concern(&self, client: ClientId) -> bool {
        self.clients.contains_key(&client)
    }

    /// The billing entity that a line belongs to, as it is shown; where a client's seats are not shared, as the line
    /// names it.
    pub(super) fn billed_to<'b>(&'b self, bill: &Bill<'b>) -> Option<&'b str> {
        match self.clients.get(&bill.client) {
            Some(own) => own.entities.get(own.entity(bill)?).map(|entity| entity.shown),
            None => bill.record.billing_entity.as_deref(),
        }
    }

    pub(super) fn build(
        input: &'a AuditInput,
        identity: &Identity,
        users: impl FnOnce(&BTreeSet<ClientId>) -> Users,
        notes: &mut BTreeSet<String>,
    ) -> Self {
        let mut built = Self::default();
        for own in &input.entities {
            let Some(client) = identity.find_client(&own.client) else { continue };
            let entities = &mut built.clients.entry(client).or_default().entities;
            let (Some(first), Some(shown)) = (own.names.first(), own.names.last()) else { continue };
            if entities.iter().all(|entity| entity.first != first) {
                let names = own.names.iter().map(|name| fold(name)).collect();
                entities.push(Entity { first, shown, names });
            }
        }
        for own in &input.allocations {
            let Some(client) = identity.find_client(&own.client) else {
                notes.insert(format!("no row names the client `{}` that an allocation is for", own.client));
                continue;
            };
            let of_client = built.clients.entry(client).or_default();
            let Some(entity) = of_client.entities.iter().position(|entity| entity.first == own.entity) else {
                continue;
            };
            let days = Days::of(own.span);
            let product = own.product.as_ref().map(|product| identity.product(product, days.from));
            of_client.rules.push(Rule { by: &own.by, entity, product, days });
        }
        built.clients.retain(|_, of_client| !of_client.rules.is_empty());
        for of_client in built.clients.values_mut() {
            // What is said twice, of two names of one client, counts once.
            of_client.rules.sort_by_key(|rule| (rule.by.order(), rule.entity, *rule));
            of_client.rules.dedup();
        }
        let by_users =
            built.clients.iter().filter(|(_, own)| own.rules.iter().any(|rule| rule.by.needs_users()));
        let wanted: BTreeSet<ClientId> = by_users.map(|(client, _)| *client).collect();
        if !wanted.is_empty() {
            built.users = users(&wanted);
        }
        built
    }
}

impl OfClient<'_> {
    /// The allocations that hold for a product on some audited day, in the order in which they take: its own,
    /// or those of the whole client.
    fn rules(&self, product: ProductId, audited: Days) -> Vec<Rule<'_>> {
        let holding = || self.rules.iter().filter(|rule| rule.days.meets(audited));
        let own = |rest: bool| {
            let of_kind = move |rule: &&Rule<'_>| (*rule.by == AllocateBy::Rest) == rest;
            let own: Vec<Rule<'_>> =
                holding().filter(of_kind).filter(|rule| rule.product == Some(product)).copied().collect();
            if own.is_empty() {
                holding().filter(of_kind).filter(|rule| rule.product.is_none()).copied().collect()
            } else {
                own
            }
        };
        let mut rules = own(false);
        rules.extend(own(true));
        rules
    }

    /// The entity that a line names.
    fn entity(&self, bill: &Bill<'_>) -> Option<usize> {
        let name = fold(bill.record.billing_entity.as_deref()?);
        self.entities.iter().position(|entity| entity.names.contains(&name))
    }
}

/// A part of a compared product.
pub(super) struct Part<'a> {
    pub subject: Subject<'a>,
    pub comparison: Comparison,
}

/// What sharing a product gives: its parts, or why it cannot be shared.
pub(super) type Shared<'a> = Result<Vec<Part<'a>>, Reason>;

/// Shares a product over the billing entities of its client. `None`: nothing says that it is to be shared.
pub(super) fn share<'a>(
    context: &Context<'a>,
    subject: &Subject<'a>,
    whole: &Comparison,
) -> Result<Option<Shared<'a>>, AuditError> {
    let Some(of_client) = context.allocations.clients.get(&subject.client) else { return Ok(None) };
    let rules = of_client.rules(subject.product, context.calendar.audited);
    if rules.is_empty() {
        return Ok(None);
    }
    let Some(takings) = takings(context, subject, &rules) else {
        return Ok(Some(Err(Reason::AllocationNeedsUsers)));
    };
    let takings = Arc::new(takings);
    let shared_on = union(rules.iter().map(|rule| rule.days).collect());
    let mut named: BTreeSet<usize> = rules.iter().map(|rule| rule.entity).collect();
    named.extend(subject.bills.iter().filter_map(|bill| of_client.entity(bill)));
    let mut parts = Vec::new();
    for entity in named.into_iter().map(Some).chain([None]) {
        let share = Share { takings: Arc::clone(&takings), entity };
        parts.push(part(context, subject, whole, (of_client, &shared_on), &share)?);
    }
    Ok(Some(Ok(parts)))
}

/// Who takes what of a product's seats. `None` when users are needed and nobody knows them.
fn takings(context: &Context<'_>, subject: &Subject<'_>, rules: &[Rule<'_>]) -> Option<Vec<Taking>> {
    let by_users: Vec<&Rule<'_>> = rules.iter().filter(|rule| rule.by.needs_users()).collect();
    let mut of_users: Vec<Changes> = by_users.iter().map(|_| Changes::default()).collect();
    if !by_users.is_empty() {
        let preferred = subject.counts.first().map(|count| count.rank);
        let seats = context.allocations.users.of(subject.client, subject.product, preferred)?;
        for seat in seats {
            give(seat, &by_users, &mut of_users);
        }
    }
    let mut of_users = of_users.into_iter();
    let taking = |rule: &Rule<'_>| {
        let wanted = match rule.by {
            AllocateBy::Rest => Wanted::Rest,
            AllocateBy::Fixed(seats) => {
                let mut changes = Changes::default();
                changes.add(rule.days, i64::from(*seats));
                Wanted::Seats(changes.series()?)
            }
            _ => Wanted::Seats(of_users.next()?.series()?),
        };
        Some(Taking { entity: rule.entity, days: rule.days, wanted })
    };
    rules.iter().map(taking).collect()
}

/// Gives a user's seat to the first allocation that it fits, on each of its days.
fn give(seat: &UserSeat, rules: &[&Rule<'_>], taken: &mut [Changes]) {
    let mut left = vec![seat.days];
    for (rule, taken) in rules.iter().zip(taken) {
        if !seat.fits(rule.by) {
            continue;
        }
        for days in intersect(&left, &[rule.days]) {
            taken.add(days, 1);
        }
        left = without(&left, rule.days);
    }
}

/// Ascending spans less one.
fn without(spans: &[Days], gone: Days) -> Vec<Days> {
    let parts = |span: &Days| {
        let before = Days { from: span.from, until: span.until.min(gone.from) };
        let after = Days { from: span.from.max(gone.until), until: span.until };
        [before, after]
    };
    spans.iter().flat_map(parts).filter(|span| !span.is_empty()).collect()
}

fn part<'a>(
    context: &Context<'a>,
    subject: &Subject<'a>,
    whole: &Comparison,
    (of_client, shared_on): (&OfClient<'a>, &[Days]),
    share: &Share,
) -> Result<Part<'a>, AuditError> {
    let own_days = |bill: &Bill<'_>| match (of_client.entity(bill), share.entity) {
        (Some(named), Some(entity)) if named == entity => intersect(&[bill.days], shared_on),
        (Some(_), None) => shared_on.iter().fold(vec![bill.days], |left, days| without(&left, *days)),
        (None, None) => vec![bill.days],
        _ => Vec::new(),
    };
    let mut lines: Vec<(&'a Bill<'a>, Vec<Days>)> = subject
        .bills
        .iter()
        .map(|bill| (*bill, own_days(bill)))
        .filter(|(_, days)| !days.is_empty())
        .collect();
    if share.entity.is_none() {
        // An adjustment settles one gap: that of the entity that it names, where that has days.
        let whole = |bill: &Bill<'_>| bill.regular() || intersect(&[bill.days], shared_on).is_empty();
        lines.retain(|(bill, _)| of_client.entity(bill).is_none() || whole(bill));
    }
    let timeline = timeline(context.calendar, &whole.timeline, &lines, share)?;
    let mut subject = subject.clone();
    subject.bills = lines.into_iter().map(|(bill, _)| bill).collect();
    let entity = share.entity.and_then(|entity| of_client.entities.get(entity));
    subject.entity = entity.map(|entity| entity.first);
    subject.entity_shown = entity.map(|entity| entity.shown);
    subject.needs_allocation = entity.is_none();
    let chunks = subject.policy.chunks(context.calendar, &subject.common(), &timeline.changes());
    let compared = timeline.compare(&chunks)?;
    Ok(Part { subject, comparison: Comparison { timeline, chunks, compared } })
}

/// A part's seats and lines over time. Terms are compared on the whole: whose seats are of which term nobody
/// knows. A part without a priced line of its own has the client's prices.
fn timeline(
    calendar: &Calendar,
    whole: &Timeline,
    lines: &[(&Bill<'_>, Vec<Days>)],
    share: &Share,
) -> Result<Timeline, AuditError> {
    let mut billed: BTreeMap<Option<Currency>, Changes> = BTreeMap::new();
    let mut prices = Prices { lines: Vec::new(), list: whole.prices.list.clone() };
    for (bill, days) in lines.iter().filter(|(bill, _)| bill.regular()) {
        let changes = billed.entry(Some(bill.record.currency)).or_default();
        for days in days {
            changes.add(*days, bill.billed.known().unwrap_or(0));
        }
        if bill.record.unit_price > Decimal::ZERO {
            prices.lines.push(PriceLine {
                days: bill.days,
                quantity: bill.record.quantity,
                rate: Rate::of(bill.record.unit_price, bill.record.cycle).ok_or(AuditError::Overflow)?,
                term: bill.record.term,
                currency: bill.record.currency,
            });
        }
    }
    if prices.lines.is_empty() {
        prices.lines.clone_from(&whole.prices.lines);
    }
    if billed.is_empty() {
        let last = calendar.audited.until.saturating_sub(1);
        let leading = whole.prices.leading(last, super::document::Direction::Under);
        let only = whole.billed.first().and_then(|(currency, _)| *currency);
        billed.insert(leading.or(only), Changes::default());
    }
    let series = |(currency, changes): (Option<Currency>, Changes)| Some((currency, changes.series()?));
    Ok(Timeline {
        counted: whole.counted.clone(),
        counted_by_term: BTreeMap::new(),
        billed: billed.into_iter().map(series).collect::<Option<_>>().ok_or(AuditError::Overflow)?,
        billed_by_term: BTreeMap::new(),
        steps: whole.steps.clone(),
        prices,
        assumed_before: whole.assumed_before,
        share: Some(share.clone()),
    })
}

/// What each part has on the last day that is compared.
pub(super) fn shown(context: &Context<'_>, parts: &[Part<'_>]) -> Result<Vec<AllocatedPart>, AuditError> {
    let mut out = Vec::new();
    for Part { subject, comparison } in parts {
        let Some(last) = comparison.chunks.last() else { continue };
        let state = comparison.timeline.on(last.at)?;
        let billed: i64 = state.parts.iter().map(|part| part.billed).sum();
        out.push(AllocatedPart {
            client: context.identity.client_name(subject.client).to_owned(),
            product: context.identity.product_name(subject.product).to_owned(),
            billing_entity: subject.entity_shown.map(str::to_owned),
            billable: Decimal::from(state.fall.billable),
            billed: Decimal::from(billed),
        });
    }
    Ok(out)
}

/// A product that is billed by a line without a billing entity and by lines of entities for the same days: what
/// is left of a line that was split.
pub(super) fn merged_and_split(context: &Context<'_>, subject: &Subject<'_>) -> Option<String> {
    if subject.bills.iter().all(|bill| bill.record.billing_entity.is_none()) {
        return None;
    }
    let charged = |bill: &&&Bill<'_>| bill.regular() && bill.billed.known().is_some_and(|seats| seats > 0);
    let days = |named: bool| {
        let lines = subject.bills.iter().filter(charged);
        let of_kind = lines.filter(|bill| bill.record.billing_entity.is_some() == named);
        intersect(&union(of_kind.map(|bill| bill.days).collect()), &[context.calendar.audited])
    };
    let both = intersect(&days(false), &days(true));
    let (first, last) = (both.first()?, both.last()?);
    let until = if last.until == OPEN { context.calendar.audited.until } else { last.until };
    Some(format!(
        "`{}` of `{}` is billed by lines without a billing entity and by lines of billing entities from {} to {}: if \
         the line was split, one of the two is a duplicate",
        context.identity.product_name(subject.product),
        context.identity.client_name(subject.client),
        super::calendar::date(first.from),
        super::calendar::date(until.saturating_sub(1)),
    ))
}
