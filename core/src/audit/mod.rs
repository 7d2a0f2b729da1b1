//! Records to gaps: what clients have against what they are charged, in seats, seat-months and money.
//!
//! [`run`] is a function of its input alone: it reads no clock, no file and no database, and the order
//! of files and rows changes nothing. Where something is not known it says so in the coverage instead
//! of a number. It must not know how files are read, how names are matched, or who asks.
//!
//! Read in the order of the work: `identity` (names to numbers), `rows`, `choose` (which rows count),
//! `proposals` (what waits for a person), `client` (what of a client can be compared), `rules` (the
//! waterfall), `pricing`, `terms`, `compare` (day by day), `gaps` (what is shown).
//!
//! Decisions where the definitions leave room:
//! - A day counts only if both sides cover it. `full_month` takes a month's covered days as the last of
//!   them. `next_month` takes them as the month's first day; where that day is not covered the state is
//!   not known and the month has no gap.
//! - A month is closed when its last day is audited. Back-billing limits count from the last closed month
//!   of the period, not from a later `as_of`: the same period gives the same claim whenever it is run.
//! - Going forward takes the day that stands for the last audited day: under `next_month` the first of
//!   its month, so that nothing is announced which no audited month has.
//! - What was charged by an adjustment settles under-billing and what was given back by one settles
//!   over-billing; a credit never raises what is still to be charged.
//! - A product billed in several currencies: see `Timeline::on`. Terms are compared where one currency
//!   prices the product.
//! - Where a row that was "still so" in an older file meets a row of the same key that begins later in a
//!   newer file of the same source, it ends there.

mod allocation;
mod assemble;
mod billing_rows;
mod calendar;
mod choose;
mod client;
mod compare;
mod conflicts;
mod covered;
mod delta;
mod document;
mod explain;
mod explanation;
mod gaps;
mod identity;
mod input;
mod invoiced;
mod json;
mod margins;
mod margins_document;
mod margins_render;
mod needed;
mod order;
mod policies;
mod price_differences;
mod pricing;
mod product_months;
mod proposals;
mod references;
mod render;
mod rows;
mod rules;
mod series;
mod settled;
mod sides;
mod standing;
mod terms;
#[cfg(test)]
mod tests;
mod timeline;
mod users;
mod vendor_cost;
mod vendor_lines;
mod waste;
mod waste_batches;
mod waste_document;
mod what_if;
mod what_if_document;
mod what_if_render;
mod what_if_sums;

pub use assemble::digest_of;
pub use billing_rows::BillingRow;
pub use delta::{ChangedGap, ChangedMonth, CoverageChange, Delta, GapFigures, delta};
pub use document::{
    Adjustment, AllocatedPart, AppliedPolicy, AuditDocument, AuditPeriod, Coverage, CoverageStatus,
    Direction, Gap, GapKind, GapMonth, GapSource, KindTotal, MatchMethod, PolicyFrom, PriceDifference,
    Proposal, ProposalStatus, Reason, Settled, SourceConflict, TermMix, TimeBarred, Total, Waste, Waterfall,
};
pub use explanation::{
    ExplainedMonth, ExplainedName, ExplainedPrice, ExplainedRow, ExplainedRule, Explanation, RowRole, Stretch,
};
pub use gaps::GapIdentity;
pub use input::{
    AllocateBy, Allocation, AuditInput, Basis, BillingEntity, ChoiceError, Incomplete, LeftOut, Policy,
    PolicyOverride, Proration, SettledMonth, Source,
};
pub use invoiced::{Invoiced, InvoicedDocument, InvoicedEntity, InvoicedProduct, InvoicedReference};
pub use json::json;
pub use margins_document::{
    BillableMargin, Margin, MarginFigures, MarginMonth, MarginNotCompared, MarginTotal, Margins, NoMargin,
};
pub use needed::{SharedKeys, needed};
pub(crate) use render::defused;
pub use render::{csv, table};
pub use standing::Standing;
pub use waste_document::{DropReason, WasteBatch};
pub use what_if_document::{
    AgreementWhatIf, ClientWhatIf, GapUnderSetting, GapWhatIf, Setting, SettingFigures, SideBySide,
    UnderSetting, WhatIf, WhatIfLine, WhatIfTotal,
};

use crate::parallel;
use crate::period::Month;
use crate::records::{MappingSide, Price, Record};
use allocation::Allocations;
use calendar::Calendar;
use choose::{Chosen, choose};
use client::{ClientRows, Context, Found};
use identity::{ClientId, Identity, ProductId};
use policies::Policies;
use pricing::PriceList;
use proposals::{Scores, Undecided};
use rows::raw_rows;
use rules::Rules;
use rust_decimal::Decimal;
use settled::Settlements;
use sides::Formats;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use users::Users;

/// Why no audit could be made.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The months are the wrong way round.
    #[error("the period ends in {to}, before it begins in {from}")]
    PeriodReversed {
        /// First month asked for.
        from: Month,
        /// Last month asked for.
        to: Month,
    },
    /// No day of the period is audited.
    #[error(
        "the period begins in {from}, after the day {as_of} on which the audit speaks; no day can be audited"
    )]
    NothingToAudit {
        /// First month asked for.
        from: Month,
        /// The day on which the audit speaks.
        as_of: chrono::NaiveDate,
    },
    /// Longer than any books are kept.
    #[error("the period has more than {0} months")]
    PeriodTooLong(usize),
    /// A sum of seats or money is larger than can be exact.
    #[error(
        "a sum of seats or money is too large to be exact; look for a quantity or price that cannot be right"
    )]
    Overflow,
    /// The document has no JSON form.
    #[error("the document cannot be written as JSON")]
    Document(#[source] serde_json::Error),
}

/// A period may have so many months: a hundred years.
const MOST_MONTHS: usize = 1200;

/// Audits.
///
/// # Errors
/// When the period is empty, or a sum cannot be exact.
pub fn run(input: &AuditInput) -> Result<AuditDocument, AuditError> {
    run_on(input, 1)
}

/// Audits by several threads: the document is the same with any number. 0 and 1: the caller's own and no
/// other.
///
/// # Errors
/// As [`run`].
pub fn run_on(input: &AuditInput, threads: usize) -> Result<AuditDocument, AuditError> {
    prepared(input, threads, |context, proposals, notes| {
        let mut clients: Vec<(ClientId, ClientRows<'_>)> = context.clients().collect();
        // As the document has them: there is little left to sort.
        clients.sort_by_key(|(client, _)| context.identity.client_name(*client));
        let audited =
            parallel::each(&clients, threads, |(client, rows)| client::audit(context, *client, *rows));
        let audited = audited.into_iter().collect::<Result<Vec<Found>, AuditError>>()?;
        let mut found = Found::default();
        found.gaps.reserve(audited.iter().map(|of_client| of_client.gaps.len()).sum());
        for of_client in audited {
            found.extend(of_client);
        }
        let notes = notes.into_iter().chain(std::mem::take(&mut found.notes)).collect();
        assemble::document(input, context.calendar, found, proposals, notes, threads)
    })
}

/// Explains one gap of the audit that this input makes, from its rows to the cent. `None` when the audit
/// does not find it.
///
/// # Errors
/// As [`run`].
pub fn explain(input: &AuditInput, gap: &str) -> Result<Option<Explanation>, AuditError> {
    prepared(input, 1, |context, _, _| explain::explain(context, gap))
}

/// The same facts under every proration, and with `all_bases` under every count basis, side by side.
///
/// # Errors
/// As [`run`].
pub fn what_if(input: &AuditInput, all_bases: bool) -> Result<WhatIf, AuditError> {
    prepared(input, 1, |context, _, _| what_if::what_if(context, all_bases))
}

/// One gap under every proration, and with `all_bases` under every count basis. `None` when neither the audit
/// that this input makes nor any of the settings finds it.
///
/// # Errors
/// As [`run`].
pub fn gap_what_if(input: &AuditInput, gap: &str, all_bases: bool) -> Result<Option<GapWhatIf>, AuditError> {
    prepared(input, 1, |context, _, _| what_if::of_gap(context, gap, all_bases))
}

/// What clients are billed against what the vendor charges, where the cost is known.
///
/// # Errors
/// As [`run`].
pub fn margins(input: &AuditInput) -> Result<Margins, AuditError> {
    prepared(input, 1, |context, _, _| margins::margins(context))
}

/// What the clients of this input are billed, month by month, and by which documents.
///
/// # Errors
/// As [`run`].
pub fn invoiced(input: &AuditInput) -> Result<Invoiced, AuditError> {
    prepared(input, 1, |context, _, _| invoiced::invoiced(context))
}

/// Billable seats of the clients of this input, by what it knows last.
///
/// # Errors
/// As [`run`].
pub fn standing(input: &AuditInput) -> Result<Vec<Standing>, AuditError> {
    prepared(input, 1, |context, _, _| standing::standing(context))
}

/// The regular rows by which the clients of this input are billed.
///
/// # Errors
/// As [`run`].
pub fn billing_rows(input: &AuditInput) -> Result<Vec<BillingRow>, AuditError> {
    prepared(input, 1, |context, _, _| Ok(billing_rows::billing_rows(context)))
}

/// Settles everything that comes before clients are compared, and hands it to `work`, with the proposals
/// and the notes so far.
fn prepared<T>(
    input: &AuditInput,
    threads: usize,
    work: impl FnOnce(&Context<'_>, Vec<Proposal>, BTreeSet<String>) -> Result<T, AuditError>,
) -> Result<T, AuditError> {
    if input.to < input.from {
        return Err(AuditError::PeriodReversed { from: input.from, to: input.to });
    }
    if input.from.plus(1200) <= input.to {
        return Err(AuditError::PeriodTooLong(MOST_MONTHS));
    }
    let calendar = Calendar::new(input.from, input.to, input.as_of);
    if calendar.audited.is_empty() {
        return Err(AuditError::NothingToAudit { from: input.from, as_of: input.as_of });
    }
    let sources = distinct(&input.sources);
    let formats = Formats::order(sources.iter().map(|source| source.format.as_str()), &input.source_order);
    let ranks: Vec<u32> = sources.iter().map(|source| formats.rank(&source.format)).collect();
    let mut identity = Identity::build(input, &sources, threads);
    let mut raw = raw_rows(&sources, &ranks, &identity, threads);
    formats.drop_usage(&mut raw);
    let mut chosen = choose(raw, &sources, &identity, &calendar, input.stretch_snapshots, threads);
    let mut notes: BTreeSet<String> = identity.notes().into_iter().collect();
    notes.extend(sources.iter().filter_map(|source| {
        let stated = source.client.as_ref().filter(|_| !identity::one_client(source))?;
        Some(format!(
            "the file {} names several clients: `{stated}` stands only for rows that name none",
            source.import
        ))
    }));
    let mut proposals = use_proposals(input, &mut identity, &mut chosen);
    let mut rule_notes = Vec::new();
    let rules = Rules::build(&input.rules, &identity, &mut rule_notes);
    notes.extend(rule_notes);
    let wanted = wanted(input, &identity, &mut notes);
    notes.extend(remarks(&mut chosen, &identity, wanted.as_ref()));
    notes.extend(unmet_rules(input, &identity, &chosen));
    sort_rows(&mut chosen, threads);
    let undecided = Undecided::find(input, &identity, &rules, &chosen, wanted.as_ref(), &mut Scores::new());
    proposals.extend(undecided.waiting(&identity));
    let prices = PriceList::build(prices_of(input, &sources, &identity), &identity);
    let (incomplete, all_incomplete) = incomplete(&sources, &identity);
    let policies = Policies::build(&input.policy, &identity, &mut notes);
    let read_users =
        |clients: &BTreeSet<ClientId>| Users::read(clients, &sources, &ranks, &identity, &calendar);
    let allocations = Allocations::build(input, &identity, read_users, &mut notes);
    let settled = Settlements::of(input);
    let context = Context {
        input,
        policies: &policies,
        allocations: &allocations,
        calendar: &calendar,
        identity: &identity,
        rules: &rules,
        prices: &prices,
        formats: &formats,
        chosen: &chosen,
        sources: &sources,
        undecided: &undecided,
        incomplete: &incomplete,
        all_incomplete,
        settled: &settled,
        wanted: wanted.as_ref(),
    };
    work(&context, proposals, notes)
}

/// The sources, each once, in the order in which they were learned: the same file twice for the same
/// client counts once.
fn distinct(sources: &[Source]) -> Vec<&Source> {
    let mut ordered: Vec<&Source> = sources.iter().collect();
    ordered.sort_by(|a, b| {
        (a.learned, &a.import, &a.client, &a.file).cmp(&(b.learned, &b.import, &b.client, &b.file))
    });
    let mut seen = HashSet::new();
    // Of the same file the newest is kept: its word on the snapshot's day is the newest.
    let mut kept: Vec<&Source> = ordered
        .into_iter()
        .rev()
        .filter(|source| seen.insert((&source.import, &source.client, &source.sides)))
        .collect();
    kept.reverse();
    kept
}

/// Joins what undecided proposals say is the same, where the caller asks for it.
fn use_proposals(input: &AuditInput, identity: &mut Identity, chosen: &mut Chosen<'_>) -> Vec<Proposal> {
    let mut used = Vec::new();
    let Some(least) = input.accept_proposals else { return used };
    let mut ignored = Vec::new();
    let rules = Rules::build(&input.rules, identity, &mut ignored);
    let undecided = Undecided::find(input, identity, &rules, chosen, None, &mut Scores::new());
    for (source, target) in undecided.accepted_clients(least) {
        used.extend(undecided.used(identity, MappingSide::Client, (source.0, target.0)));
        identity.join_clients(source, target);
    }
    chosen.rename(identity);
    let rules = Rules::build(&input.rules, identity, &mut ignored);
    let undecided = Undecided::find(input, identity, &rules, chosen, None, &mut Scores::new());
    for (source, target) in undecided.accepted_products(least) {
        used.extend(undecided.used(identity, MappingSide::Product, (source.0, target.0)));
        identity.join_products(source, target);
    }
    chosen.rename(identity);
    used
}

/// What is to be said of the rows that count: of an audit of some clients, what is about them.
fn remarks(chosen: &mut Chosen<'_>, identity: &Identity, wanted: Option<&BTreeSet<ClientId>>) -> Vec<String> {
    let about = |clients: &BTreeSet<ClientId>| {
        let ours = |wanted: &BTreeSet<ClientId>| {
            clients.iter().any(|client| wanted.contains(&identity.client_alias(*client)))
        };
        wanted.is_none_or(ours)
    };
    chosen.notes.drain(..).filter(|(clients, _)| about(clients)).map(|(_, text)| text).collect()
}

/// Rules that name a client or a product that no row has: a typing mistake would go unnoticed. An audit of
/// some clients may not have the rows of the others, but knows whom and what they name.
fn unmet_rules(input: &AuditInput, identity: &Identity, chosen: &Chosen<'_>) -> Vec<String> {
    if input.rules.is_empty() {
        return Vec::new();
    }
    let counts = chosen.counts.iter().chain(&chosen.states);
    let mut clients: HashSet<ClientId> = counts.clone().map(|count| count.client).collect();
    clients.extend(chosen.bills.iter().map(|bill| bill.client));
    let mut products: HashSet<ProductId> = counts.map(|count| count.product).collect();
    products.extend(chosen.bills.iter().map(|bill| bill.product));
    let has_client = |client: ClientId| match input.clients {
        None => clients.contains(&client),
        Some(_) => identity.has_client(client),
    };
    let has_product = |product: ProductId| match input.clients {
        None => products.contains(&product),
        Some(_) => identity.has_product(product),
    };
    let mut notes = Vec::new();
    for rule in &input.rules {
        let on = calendar::day(rule.span.from);
        if let Some(client) = &rule.client
            && !has_client(identity.client(client, on))
        {
            let name = client.name.as_deref().or(client.id.as_deref()).unwrap_or_default();
            notes.push(format!(
                "the rule `{}` of {} names the client `{name}`, which no row has",
                rule.reason, rule.owner
            ));
        }
        for product in [&rule.product, &rule.parent_product].into_iter().flatten() {
            if !has_product(identity.product(product, on)) {
                let name = product.name.as_deref().or(product.sku.as_deref()).unwrap_or_default();
                notes.push(format!(
                    "the rule `{}` of {} names the product `{name}`, which no row has",
                    rule.reason, rule.owner
                ));
            }
        }
    }
    notes
}

/// The price list: the organization's, and prices that stand in files.
fn prices_of<'a>(
    input: &'a AuditInput,
    sources: &'a [&'a Source],
    identity: &'a Identity,
) -> impl Iterator<Item = &'a Price> {
    let in_files = identity.not_compared(sources).filter_map(|record| match record {
        Record::Price(price) => Some(price.as_ref()),
        _ => None,
    });
    input.prices.iter().chain(in_files)
}

/// The clients with refused rows, and whether a refused row named nobody.
fn incomplete(sources: &[&Source], identity: &Identity) -> (BTreeSet<ClientId>, bool) {
    let mut clients = BTreeSet::new();
    let mut all = false;
    for source in sources {
        match &source.incomplete {
            Incomplete::None => {}
            Incomplete::Clients(refs) => {
                clients.extend(refs.iter().map(|client| identity.client(client, identity::BEGINNING)));
            }
            Incomplete::All => all = true,
        }
    }
    (clients, all)
}

/// The clients that are asked for; none: all.
fn wanted(
    input: &AuditInput,
    identity: &Identity,
    notes: &mut BTreeSet<String>,
) -> Option<BTreeSet<ClientId>> {
    let names = input.clients.as_ref()?;
    let mut wanted = BTreeSet::new();
    for name in names {
        match identity.find_client(name) {
            Some(client) => {
                wanted.insert(client);
            }
            None => {
                notes.insert(format!("no row names the client `{name}` that was asked for"));
            }
        }
    }
    Some(wanted)
}

fn sort_rows(chosen: &mut Chosen<'_>, threads: usize) {
    let Chosen { counts, states, bills, charges, .. } = chosen;
    let held = || {
        order::sort(counts, |row| ((row.client, row.product), (row.days, row.line)));
        order::sort(states, |row| ((row.client, row.product), (row.days, row.line)));
    };
    let charged = || {
        order::sort(bills, |row| ((row.client, row.product), (row.days, row.line)));
        order::sort(charges, |row| ((row.client, row.product), (row.days, row.line)));
    };
    parallel::both(threads, held, charged);
}

/// Each client's rows, of rows that are sorted by client.
fn by_client<'a>(
    chosen: &'a Chosen<'a>,
    incomplete: &BTreeSet<ClientId>,
) -> BTreeMap<ClientId, ClientRows<'a>> {
    let mut clients: BTreeMap<ClientId, ClientRows<'a>> = BTreeMap::new();
    for rows in chosen.counts.chunk_by(|a, b| a.client == b.client) {
        if let Some(first) = rows.first() {
            clients.entry(first.client).or_default().counts = rows;
        }
    }
    for rows in chosen.states.chunk_by(|a, b| a.client == b.client) {
        if let Some(first) = rows.first() {
            clients.entry(first.client).or_default().states = rows;
        }
    }
    for rows in chosen.bills.chunk_by(|a, b| a.client == b.client) {
        if let Some(first) = rows.first() {
            clients.entry(first.client).or_default().bills = rows;
        }
    }
    for rows in chosen.charges.chunk_by(|a, b| a.client == b.client) {
        if let Some(first) = rows.first() {
            clients.entry(first.client).or_default().charges = rows;
        }
    }
    for client in chosen.undated.iter().chain(incomplete).filter(|client| client.0 != u32::MAX) {
        clients.entry(*client).or_default();
    }
    clients
}

impl<'a> Context<'a> {
    /// The clients that are asked for, each with its rows.
    fn clients(&self) -> impl Iterator<Item = (ClientId, ClientRows<'a>)> + use<'a, '_> {
        let wanted = |client: &ClientId| self.wanted.is_none_or(|wanted| wanted.contains(client));
        by_client(self.chosen, self.incomplete).into_iter().filter(move |(client, _)| wanted(client))
    }
}

impl Found {
    fn extend(&mut self, other: Self) {
        self.gaps.extend(other.gaps);
        self.price_differences.extend(other.price_differences);
        self.term_mix.extend(other.term_mix);
        self.waste.extend(other.waste);
        self.source_conflicts.extend(other.source_conflicts);
        self.coverage.extend(other.coverage);
        self.allocated.extend(other.allocated);
        self.notes.extend(other.notes);
    }
}

/// Whether a decimal is a whole number; tables show it without a fraction.
fn plain(value: Decimal) -> String {
    value.normalize().to_string()
}
