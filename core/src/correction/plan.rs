//! Payment in parts: exact cents, dates, promises, reminders, and what happens when it is broken.

use super::policy::{Said, days_after};
use super::refusal::{Code, Refusal};
use super::share::equal;
use super::state::named;
use chrono::{Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

/// Instalments that a plan has at most: five years of months.
pub const MOST_INSTALMENTS: u16 = 60;

/// Times that a plan may be broken before it is given up.
pub const BREAKS: usize = 2;

named! {
    /// How far instalments lie apart.
    Cadence {
        /// Seven days.
        Weekly = "weekly",
        /// The same day of each month, or its last.
        Monthly = "monthly",
    }

    /// How far an instalment is.
    InstalmentState {
        /// To come.
        Scheduled = "scheduled",
        /// On an invoice.
        Invoiced = "invoiced",
        /// Paid.
        Paid = "paid",
    }

    /// How a plan was broken.
    BreakKind {
        /// Nothing was paid or promised by the end of the grace days.
        Missed = "missed",
        /// A promised day passed without payment.
        PromiseBroken = "promise_broken",
    }
}

/// How a sum is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// In how many parts.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 60, example = 6))]
    pub count: u16,
    /// How far apart.
    pub cadence: Cadence,
    /// When the first is due.
    pub first_on: NaiveDate,
}

/// The client's word to pay on a day: reminders rest until then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// The promised day.
    pub on: NaiveDate,
    /// Who promised.
    pub said: Said,
}

/// One part of the sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instalment {
    /// Counts from 1.
    pub number: u16,
    /// When it is due.
    pub due_on: NaiveDate,
    /// Minor units.
    pub minor: i64,
    /// How far it is.
    pub state: InstalmentState,
    /// Its invoice.
    pub document: Option<String>,
    /// When it was paid.
    pub paid_on: Option<NaiveDate>,
    /// The last promise.
    pub promise: Option<Promise>,
    /// When the client was last reminded of it.
    pub reminded_on: Option<NaiveDate>,
}

impl Instalment {
    /// Whether it waits for money that rests: there is nothing to pay of it now.
    pub fn is_empty(&self) -> bool {
        self.state == InstalmentState::Scheduled && self.minor == 0
    }
}

/// A time at which the plan was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// Which instalment.
    pub instalment: u16,
    /// How.
    pub kind: BreakKind,
    /// The day that passed: the due day, or the promised one.
    pub of: NaiveDate,
}

/// The instalments of a sum, the larger ones first.
///
/// # Errors
/// When there are none, too many, or more than minor units to pay.
pub fn schedule(total: i64, terms: Terms) -> Result<Vec<Instalment>, Refusal> {
    if terms.count == 0 || terms.count > MOST_INSTALMENTS || i64::from(terms.count) > total {
        return Err(Refusal::new(
            Code::PlanCount,
            format!("A plan has 1 to {MOST_INSTALMENTS} instalments, none of them empty."),
        ));
    }
    let dated = equal(total, terms.count).into_iter().zip(1..).map(|(minor, number)| {
        Some(Instalment {
            number,
            due_on: due(terms, number)?,
            minor,
            state: InstalmentState::Scheduled,
            document: None,
            paid_on: None,
            promise: None,
            reminded_on: None,
        })
    });
    let dated: Option<Vec<Instalment>> = dated.collect();
    dated.ok_or_else(|| Refusal::new(Code::PlanCount, "The last instalment lies beyond the calendar."))
}

fn due(terms: Terms, number: u16) -> Option<NaiveDate> {
    let steps = u32::from(number.saturating_sub(1));
    match terms.cadence {
        Cadence::Weekly => terms.first_on.checked_add_days(Days::new(u64::from(steps) * 7)),
        // From the first day on, so that the 31st comes back after a shorter month.
        Cadence::Monthly => terms.first_on.checked_add_months(Months::new(steps)),
    }
}

/// A plan that the client accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// As agreed.
    pub terms: Terms,
    /// The parts.
    pub instalments: Vec<Instalment>,
    /// Who accepted it.
    pub accepted: Said,
    /// When it was not kept.
    pub breaks: Vec<Break>,
    /// Given up: what was not invoiced is outstanding again.
    pub given_up: bool,
}

impl Plan {
    /// An instalment by its number.
    pub fn instalment(&self, number: u16) -> Option<&Instalment> {
        self.instalments.iter().find(|instalment| instalment.number == number)
    }

    pub(super) fn instalment_mut(&mut self, number: u16) -> Result<&mut Instalment, Refusal> {
        self.instalments.iter_mut().find(|instalment| instalment.number == number).ok_or_else(|| {
            Refusal::new(Code::InstalmentUnknown, format!("The plan has no instalment {number}."))
        })
    }

    /// What is still to come.
    pub fn scheduled(&self) -> i64 {
        let scheduled = self.instalments.iter().filter(|one| one.state == InstalmentState::Scheduled);
        scheduled.map(|instalment| instalment.minor).sum()
    }

    /// Divides a new sum over the instalments to come, the larger first. Those for which nothing is left go,
    /// unless some of the sum rests: then they wait for it, empty.
    pub(super) fn rebalance(&mut self, total: i64, rests: bool) {
        let scheduled = self.instalments.iter().filter(|one| one.state == InstalmentState::Scheduled).count();
        let count = u16::try_from(scheduled).unwrap_or(MOST_INSTALMENTS);
        let mut parts = equal(total, count).into_iter();
        for instalment in &mut self.instalments {
            if instalment.state == InstalmentState::Scheduled {
                instalment.minor = parts.next().unwrap_or_default();
            }
        }
        if !rests {
            self.drop_empty();
        }
    }

    /// Instalments to come for which nothing is left go.
    pub(super) fn drop_empty(&mut self) {
        self.instalments.retain(|one| !one.is_empty());
    }

    /// Whether instalments are to come, be they empty.
    pub(super) fn is_running(&self) -> bool {
        !self.given_up && self.instalments.iter().any(|one| one.state == InstalmentState::Scheduled)
    }

    /// Whether it was broken so often that it is given up.
    pub fn broken_twice(&self) -> bool {
        self.breaks.len() >= BREAKS
    }

    /// What was missed or broken by today and is not recorded yet.
    ///
    /// A day that a promise puts off is not missed; the promise is what can be broken then. After a broken
    /// promise the same instalment is not counted once more until the client promises again.
    pub fn breaks_due(&self, today: NaiveDate, grace_days: u16) -> Vec<Break> {
        if self.given_up {
            return Vec::new();
        }
        let unpaid =
            self.instalments.iter().filter(|one| one.state != InstalmentState::Paid && !one.is_empty());
        let found = unpaid.filter_map(|one| {
            let found = match &one.promise {
                Some(promise) => {
                    Break { instalment: one.number, kind: BreakKind::PromiseBroken, of: promise.on }
                }
                None => Break { instalment: one.number, kind: BreakKind::Missed, of: one.due_on },
            };
            let last = match found.kind {
                BreakKind::PromiseBroken => found.of,
                BreakKind::Missed => days_after(found.of, grace_days),
            };
            (last < today && !self.breaks.contains(&found)).then_some(found)
        });
        found.collect()
    }

    /// Instalments of which the client is to be reminded today: due, not paid, no promise that still runs,
    /// and not reminded of within the last days. A broken promise makes them due again at once.
    pub fn reminders_due(&self, today: NaiveDate, every_days: u16) -> Vec<u16> {
        if self.given_up {
            return Vec::new();
        }
        let due = self.instalments.iter().filter(|one| {
            let rests = one.promise.as_ref().is_some_and(|promise| today <= promise.on);
            let broken_since = one.promise.as_ref().is_some_and(|promise| {
                promise.on < today && one.reminded_on.is_none_or(|last| last <= promise.on)
            });
            let rested = one.reminded_on.is_none_or(|last| days_after(last, every_days) <= today);
            one.state != InstalmentState::Paid
                && !one.is_empty()
                && one.due_on <= today
                && !rests
                && (rested || broken_since)
        });
        due.map(|instalment| instalment.number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correction::policy::Channel;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn said() -> Said {
        let at = "2026-11-22T12:00:00Z".parse().unwrap();
        Said { by: "Casey Client".to_owned(), channel: Channel::Email, at }
    }

    fn plan(total: i64, count: u16, cadence: Cadence, first: &str) -> Plan {
        let terms = Terms { count, cadence, first_on: day(first) };
        let instalments = schedule(total, terms).unwrap();
        Plan { terms, instalments, accepted: said(), breaks: Vec::new(), given_up: false }
    }

    fn amounts(plan: &Plan) -> Vec<i64> {
        plan.instalments.iter().map(|instalment| instalment.minor).collect()
    }

    #[test]
    fn six_parts_of_1760_are_exact_the_larger_ones_first() {
        let plan = plan(176_000, 6, Cadence::Monthly, "2026-12-31");
        assert_eq!(amounts(&plan), [29_334, 29_334, 29_333, 29_333, 29_333, 29_333]);
        let dates: Vec<String> = plan.instalments.iter().map(|one| one.due_on.to_string()).collect();
        assert_eq!(
            dates,
            ["2026-12-31", "2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"]
        );
    }

    #[test]
    fn weekly_parts_lie_seven_days_apart() {
        let plan = plan(300, 3, Cadence::Weekly, "2026-12-28");
        assert_eq!(plan.instalments.last().unwrap().due_on, day("2027-01-11"));
    }

    #[test]
    fn empty_and_endless_plans_are_refused() {
        for (total, count) in [(100, 0), (100, 61), (5, 6), (0, 1)] {
            let terms = Terms { count, cadence: Cadence::Weekly, first_on: day("2026-12-01") };
            assert_eq!(schedule(total, terms).unwrap_err().code(), Code::PlanCount, "{total} in {count}");
        }
    }

    #[test]
    fn what_is_left_is_divided_over_what_is_to_come() {
        let mut plan = plan(100_000, 4, Cadence::Monthly, "2026-12-01");
        plan.instalments[0].state = InstalmentState::Invoiced;
        plan.rebalance(50_000, false);
        assert_eq!(amounts(&plan), [25_000, 16_667, 16_667, 16_666]);
        plan.rebalance(2, false);
        assert_eq!(amounts(&plan), [25_000, 1, 1]);
        plan.rebalance(0, true);
        assert_eq!(amounts(&plan), [25_000, 0, 0], "what rests comes back");
        assert!(plan.breaks_due(day("2027-12-31"), 5).iter().all(|one| one.instalment == 1));
        plan.rebalance(0, false);
        assert_eq!(amounts(&plan), [25_000]);
    }

    #[test]
    fn a_promise_pauses_reminders_and_a_broken_one_resumes_them() {
        let mut plan = plan(200, 2, Cadence::Monthly, "2026-12-01");
        assert_eq!(plan.reminders_due(day("2026-11-30"), 7), [] as [u16; 0]);
        assert_eq!(plan.reminders_due(day("2026-12-01"), 7), [1]);
        plan.instalments[0].reminded_on = Some(day("2026-12-01"));
        assert_eq!(plan.reminders_due(day("2026-12-05"), 7), [] as [u16; 0]);
        assert_eq!(plan.reminders_due(day("2026-12-08"), 7), [1]);
        plan.instalments[0].promise = Some(Promise { on: day("2026-12-10"), said: said() });
        assert_eq!(plan.reminders_due(day("2026-12-10"), 7), [] as [u16; 0]);
        assert_eq!(plan.reminders_due(day("2026-12-11"), 7), [1]);
    }

    #[test]
    fn a_missed_day_and_a_broken_promise_break_a_plan_twice() {
        let mut plan = plan(200, 2, Cadence::Monthly, "2026-12-01");
        assert!(plan.breaks_due(day("2026-12-06"), 5).is_empty(), "the grace days are not over");
        let missed = plan.breaks_due(day("2026-12-07"), 5);
        assert_eq!(missed.len(), 1);
        plan.breaks.extend(missed);
        assert!(plan.breaks_due(day("2026-12-08"), 5).is_empty() && !plan.broken_twice());
        plan.instalments[0].promise = Some(Promise { on: day("2026-12-20"), said: said() });
        assert!(plan.breaks_due(day("2026-12-20"), 5).is_empty());
        let broken = plan.breaks_due(day("2026-12-21"), 5);
        assert_eq!(broken[0].kind, BreakKind::PromiseBroken);
        plan.breaks.extend(broken);
        assert!(plan.broken_twice());
    }
}
