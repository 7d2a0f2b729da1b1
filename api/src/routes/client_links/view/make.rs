//! From what was gathered to what is answered.

use super::{
    ClientLetter, ClientLine, ClientLineMonth, ClientLinkView, ClientMessage, ClientObjection,
    ClientPlanPart, ClientPossible, ClientShare, ClientSourceRows, ClientTotals, ClientWaiver, ClientWay,
};
use crate::app::App;
use crate::error::ApiError;
use crate::services::client_links::open::{Opened, is_planned, open_requests};
use crate::services::client_links::shown::{FrozenGap, Shown};
use crate::services::client_links::{LinkAction, codes};
use crate::services::corrections::direction;
use chrono::{DateTime, Utc};
use leakage_core::audit::GapSource;
use leakage_core::correction::case::Correction;
use leakage_core::correction::dispute::Dispute;
use leakage_core::correction::ledger::Bucket;
use leakage_core::correction::offer::Offer;
use leakage_core::correction::plan::{Instalment, Terms, schedule};
use leakage_core::correction::quantity::{Cells, seat_months, total};
use leakage_core::money::{Currency, Money};

/// Lines of one file that are named; of more their number is told.
const SHOWN_LINES: usize = 200;

impl ClientShare {
    fn of(cells: &Cells, currency: Currency) -> Self {
        Self { seat_months: seat_months(cells), amount: Money::from_minor(total(cells).minor, currency) }
    }
}

impl ClientLinkView {
    /// Of what was gathered.
    pub(in crate::routes::client_links) fn of(app: &App, shown: &Shown) -> Self {
        let (opened, correction) = (&shown.opened, shown.opened.correction());
        let currency = correction.subject.currency;
        let told = correction.announcement.as_ref();
        let contact = opened.contact.as_ref().filter(|_| app.mailer.is_some());
        Self {
            msp: shown.msp.clone(),
            client: correction.subject.client.clone(),
            billing_entity: correction.subject.billing_entity.clone(),
            reference: opened.loaded.row.id.to_string(),
            state: correction.state.as_str(),
            version: opened.loaded.row.version,
            direction: direction(correction),
            currency,
            message: told.map(|told| ClientMessage {
                on: told.on,
                context: told.context.clone(),
                data: told.data.clone(),
                going_forward: told.going_forward.clone(),
                reply_by: told.reply_by,
            }),
            letter: shown.letter.as_ref().map(|letter| ClientLetter {
                subject: letter.subject.clone(),
                text: letter.text.clone(),
                sent_at: letter.at,
            }),
            totals: totals(correction, told.is_some()),
            next_invoice_on: told.and(correction.going_forward.as_ref()).map(|next| next.invoice_on),
            monthly_forward: Money::from_minor(told.map_or(0, |told| told.announced.forward), currency),
            lines: shown.gaps.iter().filter_map(|gap| line(correction, gap)).collect(),
            objections: correction.disputes.iter().map(|one| objection(one, currency)).collect(),
            offered_plan: first(correction),
            offered_ways: offered(opened),
            agreed_plan: agreed(correction),
            waivers: open_requests(correction)
                .map(|one| ClientWaiver {
                    request: one.number,
                    amount: Money::from_minor(one.quantity.minor, currency),
                })
                .collect(),
            accepted_at: correction.acceptance.as_ref().map(|said| said.at),
            possible: possible(shown, app.clock.now()),
            codes_to: contact.map(|contact| codes::masked(&contact.person.email)),
            facts_sha256: shown.frozen_sha256.clone(),
            expires_at: opened.link.expires_at,
        }
    }
}

/// Nothing while the client was told nothing.
fn totals(correction: &Correction, told: bool) -> ClientTotals {
    let currency = correction.subject.currency;
    let known = |cells: Cells| if told { cells } else { Cells::new() };
    let of = |bucket| known(correction.ledger.in_bucket(bucket));
    let mut given_up = of(Bucket::Waived);
    for (place, quantity) in of(Bucket::WrittenOff) {
        *given_up.entry(place).or_default() += quantity;
    }
    ClientTotals {
        claimed: ClientShare::of(&known(correction.claimed()), currency),
        billed: ClientShare::of(&of(Bucket::Billed), currency),
        credited: ClientShare::of(&of(Bucket::Credited), currency),
        given_up: ClientShare::of(&given_up, currency),
        open: ClientShare::of(&known(correction.ledger.outstanding()), currency),
    }
}

fn line(correction: &Correction, frozen: &FrozenGap) -> Option<ClientLine> {
    let line = correction.line(frozen.line)?;
    let currency = correction.subject.currency;
    let months = frozen.gap.months.iter().filter(|month| line.seats.contains_key(&month.month));
    Some(ClientLine {
        number: line.number,
        product: line.product.clone(),
        billed_seats: line.billed,
        next_seats: line.agreed,
        unit_price: line.price.map(|price| price.normalize()),
        seats: line.seats.values().copied().min().unwrap_or_default(),
        months: months
            .map(|month| ClientLineMonth {
                month: month.month,
                billable: month.billable.normalize(),
                billed: month.billed.normalize(),
                seat_months: month.seat_months,
                amount: Money::round(month.amount, currency),
                time_barred: month.time_barred,
            })
            .collect(),
        sources: frozen.gap.sources.iter().map(rows).collect(),
    })
}

fn rows(source: &GapSource) -> ClientSourceRows {
    ClientSourceRows {
        file: source.file.clone(),
        sha256: source.import.clone(),
        lines: source.lines.iter().copied().take(SHOWN_LINES).collect(),
        more: source.lines.len().saturating_sub(SHOWN_LINES),
    }
}

fn objection(dispute: &Dispute, currency: Currency) -> ClientObjection {
    ClientObjection {
        number: dispute.number,
        reason: dispute.reason.as_str().to_owned(),
        disputed: ClientShare::of(&dispute.cells, currency),
        said_at: dispute.said.at,
        reply_by: dispute.reply_by,
        open: dispute.is_open(),
        answer: dispute.answer.as_ref().and_then(|answer| answer.text.clone()),
    }
}

/// What is offered. Nothing while the client was told nothing, and nothing any more once a way was agreed.
fn offer(correction: &Correction) -> Option<&Offer> {
    correction.offer.as_ref().filter(|_| correction.announcement.is_some() && !is_planned(correction))
}

/// Every way to pay that is offered, of what could be paid now.
fn offered(opened: &Opened) -> Vec<ClientWay> {
    let correction = opened.correction();
    let sum = total(&correction.available()).minor;
    let way = |(choice, terms): (u16, Terms)| {
        let parts = schedule(sum, terms).ok()?;
        let checked = opened.check_way(choice.into());
        Some(ClientWay {
            choice,
            cadence: terms.cadence.as_str(),
            parts: parts.iter().map(|part| plan_part(part, correction.subject.currency)).collect(),
            allowed: checked.is_ok(),
            why: checked.err().map(|error| error.detail().to_owned()),
        })
    };
    offer(correction).into_iter().flat_map(Offer::ways).filter_map(way).collect()
}

/// The first way, part by part.
fn first(correction: &Correction) -> Vec<ClientPlanPart> {
    let Some(offer) = offer(correction) else { return Vec::new() };
    let parts = schedule(total(&correction.available()).minor, offer.terms).unwrap_or_default();
    parts.iter().map(|part| plan_part(part, correction.subject.currency)).collect()
}

fn agreed(correction: &Correction) -> Vec<ClientPlanPart> {
    let living = correction.plan.iter().filter(|plan| !plan.given_up);
    let parts = living.flat_map(|plan| &plan.instalments).filter(|part| !part.is_empty());
    parts.map(|part| plan_part(part, correction.subject.currency)).collect()
}

fn plan_part(part: &Instalment, currency: Currency) -> ClientPlanPart {
    ClientPlanPart {
        due_on: part.due_on,
        amount: Money::from_minor(part.minor, currency),
        state: part.state.as_str(),
    }
}

fn possible(shown: &Shown, now: DateTime<Utc>) -> Vec<ClientPossible> {
    let simple = [LinkAction::Accept, LinkAction::Dispute, LinkAction::Plan].map(|action| (action, None));
    let waivers = open_requests(shown.opened.correction())
        .map(|request| (LinkAction::ConfirmWaiver, Some(request.number)));
    let one = |(action, request): (LinkAction, Option<u32>)| {
        let way = || if action == LinkAction::Plan { shown.opened.first_way() } else { 0 };
        let checked = shown.opened.check(action, request.unwrap_or_else(way), now);
        let error = checked.as_ref().err();
        ClientPossible {
            action,
            request,
            allowed: checked.is_ok(),
            code: error.map(ApiError::name),
            why: error.map(|error| error.detail().to_owned()),
        }
    };
    simple.into_iter().chain(waivers).map(one).collect()
}
