//! Names without a counterpart: which of them may be the same, and what is not compared meanwhile.

use super::choose::Chosen;
use super::document::{Proposal, ProposalStatus};
use super::identity::{ClientId, Identity, ProductId};
use super::input::AuditInput;
use super::rules::Rules;
use crate::matching::{Scored, fold};
use crate::records::MappingSide;
use rust_decimal::Decimal;
use std::cmp::Reverse;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Pairs that score, and the ends that wait for a person.
#[derive(Debug, Default)]
pub(super) struct Undecided {
    pub clients: BTreeSet<ClientId>,
    pub products: BTreeSet<(ClientId, ProductId)>,
    client_pairs: BTreeMap<(u32, u32), Scored>,
    product_pairs: BTreeMap<(u32, u32), Scored>,
}

/// Scores of product pairs: the same pair is met at many clients.
pub(super) type Scores = HashMap<(ProductId, ProductId), Option<Scored>>;

/// A client's products on both sides.
#[derive(Debug, Default)]
struct Sides {
    entitled: BTreeSet<ProductId>,
    billed: BTreeSet<ProductId>,
    /// Of the entitled: those that an entitlement source counts.
    counted: BTreeSet<ProductId>,
}

impl Undecided {
    /// Finds the names that wait, given the rows that count: all of them, or what concerns the wanted clients.
    pub(super) fn find(
        input: &AuditInput,
        identity: &Identity,
        rules: &Rules,
        chosen: &Chosen<'_>,
        wanted: Option<&BTreeSet<ClientId>>,
        scores: &mut Scores,
    ) -> Self {
        let mut found = Self::default();
        let sides = sides(identity, rules, chosen);
        found.find_clients(input, identity, &sides, wanted);
        for (client, sides) in &sides {
            if wanted.is_none_or(|wanted| wanted.contains(client)) {
                found.find_products(input, identity, *client, sides, scores);
            }
        }
        found
    }

    fn find_clients(
        &mut self,
        input: &AuditInput,
        identity: &Identity,
        sides: &BTreeMap<ClientId, Sides>,
        wanted: Option<&BTreeSet<ClientId>>,
    ) {
        let concerns = |ends: [u32; 2]| {
            wanted.is_none_or(|wanted| ends.iter().any(|end| wanted.contains(&ClientId(*end))))
        };
        let lone = |one: fn(&Sides) -> &BTreeSet<ProductId>, other: fn(&Sides) -> &BTreeSet<ProductId>| {
            let lone = sides.iter().filter(|(_, sides)| !one(sides).is_empty() && other(sides).is_empty());
            lone.map(|(client, _)| *client).collect::<Vec<_>>()
        };
        let sources = lone(|sides| &sides.billed, |sides| &sides.entitled);
        let targets = lone(|sides| &sides.entitled, |sides| &sides.billed);
        let keys =
            |ids: &[ClientId]| ids.iter().filter_map(|id| identity.client_key(*id)).collect::<Vec<_>>();
        for proposal in identity.clients.propose(&keys(&sources), &keys(&targets)) {
            let (source, target) = (number(proposal.source.index()), number(proposal.target.index()));
            if concerns([source, target]) && !rejected(input, identity, MappingSide::Client, source, target) {
                self.clients.extend([ClientId(source), ClientId(target)]);
                self.client_pairs.insert((source, target), proposal.scored);
            }
        }
        for client in sides.keys().filter(|client| identity.ambiguous_client(**client).is_some()) {
            self.clients.insert(*client);
        }
    }

    fn find_products(
        &mut self,
        input: &AuditInput,
        identity: &Identity,
        client: ClientId,
        sides: &Sides,
        scores: &mut Scores,
    ) {
        let ambiguous = |product: &&ProductId| identity.ambiguous_product(**product).is_some();
        for product in sides.billed.union(&sides.entitled).filter(ambiguous) {
            self.products.insert((client, *product));
        }
        self.find_charged(input, identity, client, sides, scores);
        if sides.billed.is_empty() || sides.entitled.is_empty() {
            return;
        }
        score_all(input, identity, sides, scores);
        // A name of several ids may be any of them, matched or not.
        let of_name = |source: &ProductId| identity.ambiguous_product(*source).into_iter().flatten().copied();
        for source in sides.billed.iter().filter(|source| ambiguous(source)) {
            for target in of_name(source).filter(|target| sides.entitled.contains(target)) {
                self.pair(input, identity, client, *source, target, scores);
            }
        }
        for source in sides.billed.difference(&sides.entitled) {
            for target in sides.entitled.difference(&sides.billed) {
                self.pair(input, identity, client, *source, *target, scores);
            }
        }
    }

    /// Products that only the vendor's charges name, under the name of one that is counted by another id: Graph's
    /// ids and Partner Center's do not join by themselves. The charges wait, for they would be seats once more;
    /// what is counted and billed is compared meanwhile.
    fn find_charged(
        &mut self,
        input: &AuditInput,
        identity: &Identity,
        client: ClientId,
        sides: &Sides,
        scores: &mut Scores,
    ) {
        let charged = sides.entitled.difference(&sides.counted);
        let charged =
            charged.filter(|product| !sides.billed.contains(*product) && !identity.graph(**product));
        for source in charged {
            let name = fold(identity.product_name(*source));
            for target in &sides.counted {
                if !identity.graph(*target)
                    || fold(identity.product_name(*target)) != name
                    || rejected(input, identity, MappingSide::Product, source.0, target.0)
                {
                    continue;
                }
                let known =
                    scores.entry((*source, *target)).or_insert_with(|| same_name(identity, *source, *target));
                if let Some(scored) = known {
                    self.products.insert((client, *source));
                    self.product_pairs.insert((source.0, target.0), scored.clone());
                }
            }
        }
    }

    fn pair(
        &mut self,
        input: &AuditInput,
        identity: &Identity,
        client: ClientId,
        source: ProductId,
        target: ProductId,
        scores: &mut Scores,
    ) {
        let known = scores.entry((source, target)).or_insert_with(|| {
            if rejected(input, identity, MappingSide::Product, source.0, target.0) {
                return None;
            }
            let (source, target) = (identity.product_key(source)?, identity.product_key(target)?);
            identity.products.propose(&[source], &[target]).into_iter().next().map(|found| found.scored)
        });
        if let Some(scored) = known {
            self.products.extend([(client, source), (client, target)]);
            self.product_pairs.insert((source.0, target.0), scored.clone());
        }
    }

    /// Pairs of clients to use on request: of pairs that share an end only the one that scores best.
    pub(super) fn accepted_clients(&self, least: Decimal) -> Vec<(ClientId, ClientId)> {
        best(&self.client_pairs, least).map(|(source, target)| (ClientId(source), ClientId(target))).collect()
    }

    /// Pairs of products to use on request.
    pub(super) fn accepted_products(&self, least: Decimal) -> Vec<(ProductId, ProductId)> {
        best(&self.product_pairs, least)
            .map(|(source, target)| (ProductId(source), ProductId(target)))
            .collect()
    }

    /// All pairs that wait, as the document lists them.
    pub(super) fn waiting(&self, identity: &Identity) -> Vec<Proposal> {
        let sides = [(MappingSide::Client, &self.client_pairs), (MappingSide::Product, &self.product_pairs)];
        let all = sides.into_iter().flat_map(|(side, pairs)| pairs.iter().map(move |pair| (side, pair)));
        let all = all
            .map(|(side, (ends, scored))| document(identity, side, *ends, scored, ProposalStatus::Waiting));
        by_names(all)
    }

    /// A pair that was used on request.
    pub(super) fn used(&self, identity: &Identity, side: MappingSide, ends: (u32, u32)) -> Option<Proposal> {
        let pairs = if side == MappingSide::Client { &self.client_pairs } else { &self.product_pairs };
        let scored = pairs.get(&ends)?;
        Some(document(identity, side, ends, scored, ProposalStatus::Unconfirmed))
    }
}

fn document(
    identity: &Identity,
    side: MappingSide,
    ends: (u32, u32),
    scored: &Scored,
    status: ProposalStatus,
) -> Proposal {
    let (source, target) = identity.texts(side, ends.0, ends.1);
    let (source_ids, target_ids) = (identity.ids(side, ends.0), identity.ids(side, ends.1));
    let (score, reasons) = (scored.score, scored.reasons.clone());
    Proposal { side, source, target, source_ids, target_ids, score, reasons, status }
}

/// What reads the same is one proposal, with all ids that go by the two names: to confirm it takes them for one.
/// Its score and reasons are those of the best pair.
fn by_names(all: impl Iterator<Item = Proposal>) -> Vec<Proposal> {
    let mut named: BTreeMap<(MappingSide, String, String), Proposal> = BTreeMap::new();
    for proposal in all {
        let key = (proposal.side, proposal.source.clone(), proposal.target.clone());
        match named.entry(key) {
            Entry::Vacant(free) => {
                free.insert(proposal);
            }
            Entry::Occupied(mut same) => {
                let same = same.get_mut();
                if (Reverse(proposal.score), &proposal.reasons) < (Reverse(same.score), &same.reasons) {
                    (same.score, same.reasons) = (proposal.score, proposal.reasons);
                }
                for (ids, more) in
                    [(&mut same.source_ids, proposal.source_ids), (&mut same.target_ids, proposal.target_ids)]
                {
                    let new: Vec<String> = more.into_iter().filter(|id| !ids.contains(id)).collect();
                    ids.extend(new);
                }
            }
        }
    }
    named.into_values().collect()
}

/// How likely products of one name and different ids are the same: as matching scores them, else by the name.
fn same_name(identity: &Identity, source: ProductId, target: ProductId) -> Option<Scored> {
    let (from, to) = (identity.product_key(source)?, identity.product_key(target)?);
    let scored = identity.products.propose(&[from], &[to]).into_iter().next().map(|found| found.scored);
    Some(scored.unwrap_or_else(|| Scored {
        score: Decimal::new(95, 2),
        reasons: vec!["the same name, under different ids".to_owned()],
    }))
}

/// Scores a client's names without a counterpart, all at once: each name is read once, not once a pair.
fn score_all(input: &AuditInput, identity: &Identity, sides: &Sides, scores: &mut Scores) {
    let targets: Vec<ProductId> = sides.entitled.difference(&sides.billed).copied().collect();
    let sources = sides.billed.difference(&sides.entitled).copied();
    let sources: Vec<ProductId> = sources
        .filter(|source| targets.iter().any(|target| !scores.contains_key(&(*source, *target))))
        .collect();
    let keys = |ids: &[ProductId]| ids.iter().filter_map(|id| identity.product_key(*id)).collect::<Vec<_>>();
    for found in identity.products.propose(&keys(&sources), &keys(&targets)) {
        let (source, target) = (number(found.source.index()), number(found.target.index()));
        if !rejected(input, identity, MappingSide::Product, source, target) {
            scores.insert((ProductId(source), ProductId(target)), Some(found.scored));
        }
    }
    for source in &sources {
        for target in &targets {
            scores.entry((*source, *target)).or_insert(None);
        }
    }
}

/// Which products each client has, and which it is charged for. Free SKUs wait for nobody; nor does
/// the parent of a bundle, which no vendor counts.
fn sides(identity: &Identity, rules: &Rules, chosen: &Chosen<'_>) -> BTreeMap<ClientId, Sides> {
    let mut sides: BTreeMap<ClientId, Sides> = BTreeMap::new();
    for (counted, counts) in [(true, &chosen.counts), (false, &chosen.states)] {
        let mut last = None;
        for count in counts {
            // A product's rows stand together in most files.
            let told = Some((count.client, count.product, count.free));
            if std::mem::replace(&mut last, told) == told {
                continue;
            }
            let sides = sides.entry(count.client).or_default();
            if !count.free && !identity.free(count.product) {
                sides.entitled.insert(count.product);
                if counted {
                    sides.counted.insert(count.product);
                }
            }
        }
    }
    let mut last = None;
    for bill in &chosen.bills {
        let told = Some((bill.client, bill.product));
        if last == told || !bill.regular() {
            continue;
        }
        last = told;
        if !rules.is_parent(bill.client, bill.product) {
            sides.entry(bill.client).or_default().billed.insert(bill.product);
        }
    }
    sides
}

/// Whether a person has rejected this pair, whichever way round.
fn rejected(input: &AuditInput, identity: &Identity, side: MappingSide, source: u32, target: u32) -> bool {
    if input.rejected_proposals.is_empty() {
        return false;
    }
    let (source, target) = identity.texts(side, source, target);
    let ends = [fold(&source), fold(&target)];
    input.rejected_proposals.iter().filter(|(of, _, _)| *of == side).any(|(_, one, other)| {
        let (one, other) = (fold(one), fold(other));
        ends == [one.clone(), other.clone()] || ends == [other, one]
    })
}

/// Pairs with at least this score, best first, each end once. Of two that share an end and score the
/// same neither is used: nobody could say why.
fn best(pairs: &BTreeMap<(u32, u32), Scored>, least: Decimal) -> impl Iterator<Item = (u32, u32)> {
    let mut order: Vec<((u32, u32), Decimal)> = pairs
        .iter()
        .map(|(ends, scored)| (*ends, scored.score))
        .filter(|(_, score)| *score >= least)
        .collect();
    order.sort_by_key(|(ends, score)| (Reverse(*score), *ends));
    let (mut sources, mut targets) = (BTreeSet::new(), BTreeSet::new());
    let mut best = Vec::new();
    for ((source, target), score) in &order {
        let rival = order.iter().any(|(ends, other)| {
            other == score
                && (ends.0 == *source) != (ends.1 == *target)
                && !sources.contains(&ends.0)
                && !targets.contains(&ends.1)
        });
        if !sources.contains(source) && !targets.contains(target) && !rival {
            best.push((*source, *target));
            sources.insert(*source);
            targets.insert(*target);
        }
    }
    best.into_iter()
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
