//! One client: which of its products can be compared, with what, and what comes out.

use super::AuditError;
use super::allocation::{self, Allocations, Part};
use super::calendar::{Calendar, Chunk, Day, Days, intersect, union};
use super::choose::Chosen;
use super::compare::{Compared, Timeline};
use super::document::{
    AllocatedPart, Coverage, CoverageStatus, Gap, PriceDifference, Reason, SourceConflict, TermMix, Waste,
};
use super::identity::{ClientId, Identity, ProductId};
use super::input::{AuditInput, Basis, Source};
use super::policies::{Held, Policies};
use super::pricing::{ListPrice, PriceList};
use super::proposals::Undecided;
use super::rows::{Bill, Charge, Count, Seats};
use super::rules::{RuleSeats, Rules, Step};
use super::settled::Settlements;
use super::sides::{Formats, covered, covered_by, spans_of};
use super::timeline::{self, timeline};
use super::{conflicts, gaps, price_differences, product_months, waste};
use crate::money::Currency;
use crate::period::Month;
use crate::records::{RuleKind, Side};
use std::collections::BTreeSet;

/// What all clients share.
pub(super) struct Context<'a> {
    pub input: &'a AuditInput,
    pub calendar: &'a Calendar,
    pub identity: &'a Identity,
    pub rules: &'a Rules,
    pub prices: &'a PriceList,
    pub formats: &'a Formats,
    pub chosen: &'a Chosen<'a>,
    pub sources: &'a [&'a Source],
    pub undecided: &'a Undecided,
    pub policies: &'a Policies<'a>,
    pub allocations: &'a Allocations<'a>,
    /// Clients with refused rows.
    pub incomplete: &'a BTreeSet<ClientId>,
    /// A refused row named nobody.
    pub all_incomplete: bool,
    /// Months of gaps that are settled.
    pub settled: &'a Settlements<'a>,
    /// The clients that are asked for; none: all.
    pub wanted: Option<&'a BTreeSet<ClientId>>,
}

/// The rows of one client, sorted by product.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClientRows<'a> {
    pub counts: &'a [Count],
    pub states: &'a [Count],
    pub bills: &'a [Bill<'a>],
    pub charges: &'a [Charge<'a>],
}

/// What an audit finds at a client.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub gaps: Vec<Gap>,
    pub price_differences: Vec<PriceDifference>,
    pub term_mix: Vec<TermMix>,
    pub waste: Vec<Waste>,
    pub source_conflicts: Vec<SourceConflict>,
    pub coverage: Vec<Coverage>,
    pub allocated: Vec<AllocatedPart>,
    pub notes: BTreeSet<String>,
}

/// The covered days of a client's sides, per format and in sum, inside the audited days.
pub(super) struct ClientDays<'a> {
    entitled: Vec<(u32, &'a [Days])>,
    billed: Vec<(u32, &'a [Days])>,
    charged: Vec<(u32, &'a [Days])>,
    audited: Days,
}

/// One product of a client, with the rows that are used.
#[derive(Clone)]
pub(super) struct Subject<'a> {
    pub client: ClientId,
    pub product: ProductId,
    /// Seats by the source that is used.
    pub counts: Vec<&'a Count>,
    /// Lines by the source that is used.
    pub bills: Vec<&'a Bill<'a>>,
    /// Charges of the product.
    pub charges: Vec<&'a Charge<'a>>,
    /// Lines of the parents of bundles that include the product.
    pub parents: Vec<&'a Bill<'a>>,
    pub entitlement_from: Side,
    /// Days that the used entitlement source covers.
    pub entitled: Vec<Days>,
    /// Days that the used billing source covers.
    pub billed: Vec<Days>,
    pub policy: Held,
    pub steps: Vec<Step>,
    pub list: Vec<ListPrice>,
    /// The client's billing entity, if its lines name exactly one, by what gaps are known by and as shown; and
    /// whether they name several.
    pub entity: Option<&'a str>,
    pub entity_shown: Option<&'a str>,
    pub needs_allocation: bool,
    /// The one currency that the client is billed in, if it is one.
    pub client_currency: Option<Currency>,
    pub assumed_before: Day,
}

impl Subject<'_> {
    /// Days that both sides cover.
    pub(super) fn common(&self) -> Vec<Days> {
        intersect(&self.entitled, &self.billed)
    }
}

/// One client: its covered days, why it cannot be compared if it cannot, and its products.
pub(super) struct View<'a> {
    pub days: ClientDays<'a>,
    pub reason: Option<Reason>,
    pub subjects: Vec<Subject<'a>>,
}

/// Looks at one client.
pub(super) fn view<'a>(context: &Context<'a>, client: ClientId, rows: ClientRows<'a>) -> View<'a> {
    let chosen = context.chosen;
    let days = ClientDays {
        entitled: spans_of(&chosen.entitled, client),
        billed: spans_of(&chosen.billed, client),
        charged: spans_of(&chosen.charged, client),
        audited: context.calendar.audited,
    };
    let reason = days.reason(context, client);
    let mut products: BTreeSet<ProductId> = BTreeSet::new();
    // Rows of a product stand together.
    let of_counts = |counts: &'a [Count]| counts.chunk_by(|a, b| a.product == b.product);
    products.extend(
        of_counts(rows.counts)
            .chain(of_counts(rows.states))
            .filter_map(|rows| rows.first())
            .map(|row| row.product),
    );
    let of_bills = rows.bills.chunk_by(|a, b| a.product == b.product);
    products
        .extend(of_bills.filter_map(|rows| rows.iter().find(|bill| bill.regular())).map(|bill| bill.product));
    if reason.is_none() {
        products.extend(context.rules.minimums(client));
    }
    let regular = || rows.bills.iter().filter(|bill| bill.regular());
    let entities: BTreeSet<Option<&str>> =
        regular().map(|bill| bill.record.billing_entity.as_deref()).collect();
    let currencies: BTreeSet<Currency> = regular().map(|bill| bill.record.currency).collect();
    let subject = |product| {
        let mut subject = days.subject(context, client, product, rows);
        subject.entity = if entities.len() == 1 { entities.first().copied().flatten() } else { None };
        subject.entity_shown = subject.entity;
        subject.needs_allocation = entities.len() > 1;
        subject.client_currency = currencies.first().copied().filter(|_| currencies.len() == 1);
        subject
    };
    let subjects = products.into_iter().map(subject).collect();
    View { days, reason, subjects }
}

/// Audits one client.
pub(super) fn audit<'a>(
    context: &Context<'a>,
    client: ClientId,
    rows: ClientRows<'a>,
) -> Result<Found, AuditError> {
    let View { days, reason, subjects } = view(context, client, rows);
    let mut found = Found::default();
    found.coverage.push(days.coverage(context, client, reason));
    for subject in subjects {
        conflicts::find(context, client, subject.product, rows, &days, &mut found.source_conflicts);
        if reason.is_none() {
            compare(context, &subject, rows, &days, &mut found)?;
        } else if matches!(reason, Some(Reason::NoBilling | Reason::NoCommonDays)) {
            found.waste.extend(waste::find(context, &subject)?);
        }
    }
    found.gaps.sort_by(gaps::order);
    Ok(found)
}

/// A product that was compared. Where both sides are the same on every day only the days are in it.
pub(super) struct Comparison {
    pub timeline: Timeline,
    /// The covered days in runs that count alike.
    pub chunks: Vec<Chunk>,
    pub compared: Compared,
}

/// Compares a product on the days that both sides cover.
///
/// The inner error says why it cannot be compared; none: it has no row and is not listed.
pub(super) fn comparison<'a>(
    context: &Context<'a>,
    subject: &Subject<'a>,
    rows: ClientRows<'a>,
) -> Result<Result<Comparison, Option<Reason>>, AuditError> {
    if let Some(reason) = unfit(context, subject, rows) {
        return Ok(Err(Some(reason)));
    }
    let common = subject.common();
    if common.is_empty() {
        let rows = !subject.counts.is_empty() || !subject.bills.is_empty();
        return Ok(Err(rows.then_some(Reason::NoCommonDays)));
    }
    let alike = timeline::alike(subject, context.calendar) && !context.allocations.concern(subject.client);
    let timeline = if alike {
        Timeline::default()
    } else {
        timeline(subject, context.calendar).ok_or(AuditError::Overflow)?
    };
    let chunks = subject.policy.chunks(context.calendar, &common, &timeline.changes());
    if alike {
        return Ok(Ok(Comparison { timeline, chunks, compared: Compared::default() }));
    }
    let compared = timeline.compare(&chunks)?;
    Ok(Ok(Comparison { timeline, chunks, compared }))
}

fn compare<'a>(
    context: &Context<'a>,
    subject: &Subject<'a>,
    rows: ClientRows<'a>,
    days: &ClientDays<'a>,
    found: &mut Found,
) -> Result<(), AuditError> {
    match comparison(context, subject, rows)? {
        Err(reason) => {
            found.coverage.extend(reason.map(|reason| not_compared(context, subject, reason)));
        }
        Ok(whole) => {
            found.coverage.extend(product_months::lacking(context, subject, days, &whole.chunks));
            found.notes.extend(policies_differ(context, subject));
            found.notes.extend(allocation::merged_and_split(context, subject));
            match allocation::share(context, subject, &whole)? {
                None => {
                    found.gaps.extend(gaps::gaps(context, subject, &whole.timeline, &whole.compared)?);
                }
                Some(Err(reason)) => found.coverage.push(not_compared(context, subject, reason)),
                Some(Ok(parts)) => {
                    for Part { subject, comparison } in &parts {
                        let Comparison { timeline, compared, .. } = comparison;
                        found.gaps.extend(gaps::gaps(context, subject, timeline, compared)?);
                    }
                    found.allocated.extend(allocation::shown(context, &parts)?);
                }
            }
            found.term_mix.extend(gaps::mixes(context, subject, &whole.compared)?);
            found.price_differences.extend(price_differences::find(context, subject)?);
            found.waste.extend(waste::find(context, subject)?);
        }
    }
    Ok(())
}

/// The agreements of a product that say different things of it.
fn policies_differ(context: &Context<'_>, subject: &Subject<'_>) -> Option<String> {
    subject.policy.differs.then(|| {
        format!(
            "`{}` of `{}` is billed under agreements with different policies; the client's own policy is used",
            context.identity.product_name(subject.product),
            context.identity.client_name(subject.client),
        )
    })
}

/// Why a product cannot be compared, if it cannot.
pub(super) fn unfit(context: &Context<'_>, subject: &Subject<'_>, rows: ClientRows<'_>) -> Option<Reason> {
    let (client, product) = (subject.client, subject.product);
    let audited = context.calendar.audited;
    if context.undecided.products.contains(&(client, product)) {
        return Some(Reason::UnconfirmedMapping);
    }
    let regular = |bill: &&Bill<'_>| bill.regular() && bill.product == product;
    if subject.bills.is_empty() && rows.bills.iter().any(|bill| regular(&bill)) {
        return Some(Reason::SourceConflict);
    }
    if subject.counts.is_empty() && context.rules.is_parent(client, product) {
        return Some(Reason::NoEntitlement);
    }
    let counts = || subject.counts.iter().filter(|count| count.days.meets(audited) && !count.free);
    let of_basis = |count: &Count| subject.policy.seats(context.calendar, count);
    let counted = |count: &&Count, kind| {
        of_basis(count).iter().any(|(days, seats)| *seats == kind && days.meets(audited))
    };
    let seats = |kind: Seats| counts().any(|count| counted(count, kind));
    let lines = subject.bills.iter().chain(&subject.parents).filter(|bill| bill.days.meets(audited));
    let rule = subject.steps.iter().any(|step| {
        let bundle = step.kind != RuleKind::Exclude && step.seats == RuleSeats::All;
        bundle || step.seats == RuleSeats::NotWhole
    });
    if seats(Seats::NotWhole) || rule || lines.into_iter().any(|bill| bill.billed == Seats::NotWhole) {
        return Some(Reason::FractionalQuantity);
    }
    seats(Seats::Unknown).then_some(Reason::BasisUnknown)
}

pub(super) fn not_compared(context: &Context<'_>, subject: &Subject<'_>, reason: Reason) -> Coverage {
    let months = |days: &[Days]| context.calendar.months_of(days);
    let from_cost = subject.entitlement_from == Side::Cost;
    Coverage {
        client: context.identity.client_name(subject.client).to_owned(),
        product: Some(context.identity.product_name(subject.product).to_owned()),
        status: CoverageStatus::InsufficientData,
        reason: Some(reason),
        entitlement: if from_cost { None } else { months(&subject.entitled) },
        billing: months(&subject.billed),
        cost: if from_cost { months(&subject.entitled) } else { None },
        missing_months: Vec::new(),
        partial_months: Vec::new(),
        assumed: false,
    }
}

impl<'a> ClientDays<'a> {
    /// Days that any entitlement source covers; without one, those that vendor charges cover.
    fn provisioned(&self) -> Vec<Days> {
        let entitled = covered(&self.entitled, self.audited);
        union(entitled.into_iter().chain(covered(&self.charged, self.audited)).collect())
    }

    /// Days that both sides cover, whatever the product.
    pub(super) fn common(&self) -> Vec<Days> {
        intersect(&self.provisioned(), &covered(&self.billed, self.audited))
    }

    fn reason(&self, context: &Context<'_>, client: ClientId) -> Option<Reason> {
        let billed = covered(&self.billed, self.audited);
        let provisioned = self.provisioned();
        if context.undecided.clients.contains(&client) {
            Some(Reason::UnconfirmedMapping)
        } else if context.all_incomplete || context.incomplete.contains(&client) {
            Some(Reason::IncompleteImport)
        } else if context.chosen.undated.contains(&client) {
            Some(Reason::UndatedSnapshot)
        } else if billed.is_empty() {
            Some(Reason::NoBilling)
        } else if provisioned.is_empty() {
            Some(Reason::NoEntitlement)
        } else if intersect(&provisioned, &billed).is_empty() {
            Some(Reason::NoCommonDays)
        } else {
            None
        }
    }

    fn coverage(&self, context: &Context<'_>, client: ClientId, reason: Option<Reason>) -> Coverage {
        let calendar = context.calendar;
        let months = |spans: &[(u32, &[Days])]| calendar.months_of(&covered(spans, self.audited));
        let common = if reason.is_none() { self.common() } else { Vec::new() };
        let (mut missing, mut partial): (Vec<Month>, Vec<Month>) = (Vec::new(), Vec::new());
        for month in calendar.months.iter().filter(|month| !month.audited.is_empty()) {
            let days: i64 = common.iter().map(|days| days.and(month.audited).count()).sum();
            if days == 0 {
                missing.push(month.month);
            } else if days < month.audited.count() {
                partial.push(month.month);
            }
        }
        let assumed = self.entitled.iter().any(|(rank, _)| {
            let before = context.chosen.assumed.get(&(client, *rank)).copied().unwrap_or(Day::MIN);
            before > self.audited.from
        });
        Coverage {
            client: context.identity.client_name(client).to_owned(),
            product: None,
            status: if reason.is_none() {
                CoverageStatus::Compared
            } else {
                CoverageStatus::InsufficientData
            },
            reason,
            entitlement: months(&self.entitled),
            billing: months(&self.billed),
            cost: months(&self.charged),
            missing_months: missing,
            partial_months: partial,
            assumed,
        }
    }

    /// The formats of a side, best first.
    pub(super) fn ranks(&self, side: Side) -> &[(u32, &'a [Days])] {
        match side {
            Side::Billing => &self.billed,
            Side::Cost => &self.charged,
            Side::Entitlement | Side::Activity => &self.entitled,
        }
    }

    /// The entitlement format that speaks of a product: the first that has rows of it, unless one
    /// before it would list it if it were there. Formats that cannot tell the seats that are counted
    /// stand back.
    pub(super) fn used_entitlement(
        &self,
        context: &Context<'_>,
        product: ProductId,
        counts: &[&Count],
        basis: Basis,
    ) -> Option<u32> {
        if counts.is_empty() {
            return None;
        }
        let known = context.identity.microsoft(product);
        let speaks = |rank: &u32| {
            counts.iter().any(|count| count.rank == *rank) || (known && context.formats.lists(*rank, basis))
        };
        let ranks = || self.entitled.iter().map(|(rank, _)| *rank);
        ranks()
            .find(|rank| context.formats.tells(*rank, basis) && speaks(rank))
            .or_else(|| ranks().find(speaks))
    }

    fn subject(
        &self,
        context: &Context<'a>,
        client: ClientId,
        product: ProductId,
        rows: ClientRows<'a>,
    ) -> Subject<'a> {
        let best = self.billed.first().map(|(rank, _)| *rank);
        let used = |bill: &&Bill<'a>| Some(bill.rank) == best;
        let bills: Vec<&Bill<'a>> =
            of_product(rows.bills, product, |bill| bill.product).into_iter().filter(used).collect();
        let held =
            |bills: &[&Bill<'a>], from| context.policies.of(client, product, bills, from, context.calendar);
        let policy = held(&bills, Side::Entitlement);
        let basis = policy.last.basis;
        let mut counts = of_product(rows.counts, product, |count| count.product);
        let mut entitlement_from = Side::Entitlement;
        let entitled;
        if let Some(rank) = self.used_entitlement(context, product, &counts, basis) {
            counts.retain(|count| count.rank == rank);
            entitled = covered_by(&self.entitled, rank, self.audited);
        } else {
            let states = of_product(rows.states, product, |count| count.product);
            let rank = states.iter().map(|count| count.rank).min();
            if rank.is_some() || self.entitled.is_empty() {
                entitlement_from = Side::Cost;
            }
            entitled = match rank {
                Some(rank) => covered_by(&self.charged, rank, self.audited),
                None if self.entitled.is_empty() => covered(&self.charged, self.audited),
                None => covered(&self.entitled, self.audited),
            };
            counts = states.into_iter().filter(|count| Some(count.rank) == rank).collect();
        }
        let billed = if bills.is_empty() {
            covered(&self.billed, self.audited)
        } else {
            covered_by(&self.billed, best.unwrap_or(u32::MAX), self.audited)
        };
        let steps = context.rules.of(client, product, self.audited);
        let parents =
            steps.iter().filter(|step| step.kind == RuleKind::Bundle).filter_map(|step| step.parent);
        let parents: BTreeSet<ProductId> = parents.collect();
        let of_parent = |parent: &ProductId| of_product(rows.bills, *parent, |bill| bill.product);
        let parents = parents.iter().flat_map(of_parent).filter(used).filter(|bill| bill.regular()).collect();
        let assumed = counts.first().map(|count| count.rank).or(self.entitled.first().map(|(rank, _)| *rank));
        let assumed = assumed.filter(|_| entitlement_from == Side::Entitlement);
        let assumed_before = assumed.and_then(|rank| context.chosen.assumed.get(&(client, rank))).copied();
        Subject {
            client,
            product,
            policy: if entitlement_from == Side::Cost { held(&bills, Side::Cost) } else { policy },
            counts,
            bills,
            charges: of_product(rows.charges, product, |charge| charge.product),
            parents,
            entitlement_from,
            entitled,
            billed,
            steps,
            list: context.prices.of(client, product),
            entity: None,
            entity_shown: None,
            needs_allocation: false,
            client_currency: None,
            assumed_before: assumed_before.unwrap_or(Day::MIN),
        }
    }
}

/// The rows of a product, of rows that are sorted by product.
pub(super) fn of_product<T>(rows: &[T], product: ProductId, key: impl Fn(&T) -> ProductId) -> Vec<&T> {
    let from = rows.partition_point(|row| key(row) < product);
    rows.iter().skip(from).take_while(|row| key(row) == product).collect()
}
