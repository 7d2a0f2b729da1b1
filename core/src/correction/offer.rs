//! Ways to pay that a client is offered: one, or several of which it chooses one; and whether each keeps
//! within what the growth of the client's invoice asks for.

use super::case::Correction;
use super::plan::{Terms, schedule};
use super::policy::Context;
use super::quantity::total;
use super::refusal::{Code, Refusal};
use super::shock::{Band, Bands, Shock, instalment_too_large};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Ways that are offered at once at most.
pub const MOST_WAYS: usize = 5;

/// Payment in parts, offered. A way of one instalment is to pay all at once, on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// How: the first way.
    pub terms: Terms,
    /// Further ways of which the client may choose one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Terms>,
    /// When it was offered.
    pub at: DateTime<Utc>,
}

impl Offer {
    /// Every way with its number, which counts from 1.
    pub fn ways(&self) -> impl Iterator<Item = (u16, Terms)> {
        (1..).zip(std::iter::once(&self.terms).chain(&self.others).copied())
    }

    /// Those in more than one part; where there is none, all.
    pub fn in_parts(&self) -> impl Iterator<Item = (u16, Terms)> {
        let any = self.has_parts();
        self.ways().filter(move |(_, terms)| !any || terms.count > 1)
    }

    fn has_parts(&self) -> bool {
        self.ways().any(|(_, terms)| terms.count > 1)
    }

    /// The way that the client chose. Where there is one only it need not be named.
    ///
    /// # Errors
    /// When none of several is named, or one that is not offered.
    pub fn chosen(&self, number: Option<u16>) -> Result<Terms, Refusal> {
        let Some(number) = number else {
            return if self.others.is_empty() {
                Ok(self.terms)
            } else {
                Err(Refusal::new(
                    Code::PlanChoiceMissing,
                    "Several ways to pay are offered: name the one that the client chose.",
                ))
            };
        };
        let way = self.ways().find(|(of, _)| *of == number).map(|(_, terms)| terms);
        way.ok_or_else(|| {
            Refusal::new(Code::PlanChoiceUnknown, format!("No way to pay with number {number} is offered."))
        })
    }

    /// Whether these ways can be told apart, and are not too many to choose from.
    pub(super) fn check(terms: Terms, others: &[Terms]) -> Result<(), Refusal> {
        let twice = others
            .iter()
            .enumerate()
            .any(|(at, way)| *way == terms || others.iter().take(at).any(|before| before == way));
        if others.len() < MOST_WAYS && !twice {
            return Ok(());
        }
        Err(Refusal::new(Code::PlanWays, format!("Offer 1 to {MOST_WAYS} ways to pay, each of them once.")))
    }
}

impl Correction {
    /// Whether a way keeps within the limits for an invoice, or was approved for it.
    ///
    /// To pay all at once beside ways in parts is what the invoice comes to without a plan: the growth of the
    /// invoice must be approved where its band asks for it. Everything else is weighed by its largest
    /// instalment with the increase of each invoice.
    ///
    /// # Errors
    /// With what it lacks.
    pub fn weigh_way(
        &self,
        terms: Terms,
        shock: &Shock,
        bands: Bands,
        invoice_on: Option<NaiveDate>,
    ) -> Result<(), Refusal> {
        if terms.count == 1 && self.offer.as_ref().is_some_and(Offer::has_parts) {
            if shock.band != Band::PlanAndApproval || self.approved_shock(shock, invoice_on) {
                return Ok(());
            }
            return Err(Refusal::new(
                Code::ShockApprovalMissing,
                "To pay all at once makes the invoice grow by more than half: an admin must approve this growth of \
                 this invoice first.",
            ));
        }
        let Some(instalment) = self.largest_of(terms)? else { return Ok(()) };
        let forward = shock.announced.forward;
        let sum = instalment.saturating_add(forward);
        if instalment_too_large(instalment, forward, shock.usual, bands)
            && !self.approved_instalments(sum, shock.usual, invoice_on)
        {
            return Err(Refusal::new(
                Code::InstalmentTooLarge,
                "An instalment with the increase of each invoice is more than the limit: offer a longer plan, or \
                 have an admin approve the instalments.",
            ));
        }
        Ok(())
    }

    /// Whether a way keeps within the limits for the announced invoice, or was approved for it.
    pub(super) fn weigh_now(&self, terms: Terms, context: &Context<'_>) -> Result<(), Refusal> {
        self.weigh_way(terms, &self.shock(context), context.policy.bands, self.invoice_on())
    }

    /// Whether every way in parts keeps within the limits, or was approved: a client is not offered what it
    /// cannot choose.
    pub(super) fn weigh_instalments(&self, context: &Context<'_>) -> Result<(), Refusal> {
        let Some(offer) = &self.offer else { return Ok(()) };
        offer.in_parts().try_for_each(|(_, terms)| self.weigh_now(terms, context))
    }

    /// The largest instalment of all ways in parts, and the increase of each invoice beside it: also by what
    /// other corrections announced for it.
    ///
    /// # Errors
    /// When a way cannot be: more instalments than minor units.
    pub fn largest_instalment(&self, context: &Context<'_>) -> Result<Option<(i64, i64)>, Refusal> {
        let Some(offer) = &self.offer else { return Ok(None) };
        let mut largest = None;
        for (_, terms) in offer.in_parts() {
            largest = self.largest_of(terms)?.max(largest);
        }
        Ok(largest.map(|instalment| (instalment, self.shock(context).announced.forward)))
    }

    fn largest_of(&self, terms: Terms) -> Result<Option<i64>, Refusal> {
        let sum = match total(&self.available()).minor {
            0 => total(&self.ledger.outstanding()).minor,
            available => available,
        };
        if sum == 0 {
            return Ok(None);
        }
        Ok(schedule(sum, terms)?.first().map(|instalment| instalment.minor))
    }

    /// What an approval of instalments covers on one invoice.
    pub(super) fn instalments_to_approve(&self, context: &Context<'_>) -> Result<i64, Refusal> {
        let (instalment, forward) = self.largest_instalment(context)?.ok_or_else(|| {
            Refusal::new(Code::PlanNotOffered, "Offer the plan first, so that its instalments are known.")
        })?;
        Ok(instalment.saturating_add(forward))
    }
}
