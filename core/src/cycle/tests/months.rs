//! Over many months and any schedule: one cycle a month, each reminder once, one status a client.

use super::super::{Cycle, Reminder, Schedule, Status, reminder, status};
use super::{day, schedule};
use crate::ingest::InvoiceTiming;
use crate::period::{Month, day_after};
use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeSet;

/// The reminders that go out when someone looks on each of these days.
fn reminders(schedule: &Schedule, cycle: &Cycle, days: &[NaiveDate]) -> Vec<(NaiveDate, Reminder)> {
    let mut sent: Vec<(NaiveDate, Reminder)> = Vec::new();
    for today in days {
        let last = sent.last().map(|(_, reminder)| reminder.offset);
        sent.extend(reminder(schedule, cycle, *today, last).map(|reminder| (*today, reminder)));
    }
    sent
}

fn days(from: &str, count: u64) -> Vec<NaiveDate> {
    (0..count).map(|later| day(from) + Days::new(later)).collect()
}

#[test]
fn reminders_go_out_on_their_days() {
    let schedule =
        schedule(json!({"invoice_day": 5, "remind_days_before": [1, 5], "remind_days_overdue": [7, 1]}));
    let cycle = schedule.cycle("2026-11".parse().unwrap());
    let sent = reminders(&schedule, &cycle, &days("2026-11-01", 90));
    let found: Vec<(String, i32, bool)> =
        sent.into_iter().map(|(on, reminder)| (on.to_string(), reminder.offset, reminder.overdue)).collect();
    let expected = [
        ("2026-11-28", -5, false),
        ("2026-12-02", -1, false),
        ("2026-12-04", 1, true),
        ("2026-12-10", 7, true),
    ];
    assert_eq!(found, expected.map(|(on, offset, overdue)| (on.to_owned(), offset, overdue)));
}

#[test]
fn whoever_looks_seldom_is_told_once_and_what_holds_now() {
    let schedule =
        schedule(json!({"invoice_day": 5, "remind_days_before": [5, 1], "remind_days_overdue": [3]}));
    let cycle = schedule.cycle("2026-11".parse().unwrap());
    // Due on 3 December: both first reminders have come, one is sent.
    assert_eq!(
        reminders(&schedule, &cycle, &[day("2026-12-03"), day("2026-12-03")]),
        [(day("2026-12-03"), Reminder { offset: -1, overdue: false })]
    );
    // The day after, nothing is "due soon" any more.
    assert_eq!(reminders(&schedule, &cycle, &[day("2026-12-04"), day("2026-12-05")]), []);
    assert_eq!(
        reminders(&schedule, &cycle, &[day("2027-01-20")]),
        [(day("2027-01-20"), Reminder { offset: 3, overdue: true })]
    );
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    let timing = prop_oneof![Just(InvoiceTiming::Advance), Just(InvoiceTiming::Arrears)];
    let before = proptest::collection::btree_set(0_u16..=60, 0..5);
    let overdue = proptest::collection::btree_set(1_u16..=60, 0..5);
    (1_u16..=31, timing, 0_u16..=27, 0_u16..=31, before, overdue).prop_map(
        |(invoice_day, invoiced, due_days_before, fresh_days, before, overdue)| Schedule {
            enabled: true,
            invoice_day,
            invoiced,
            due_days_before,
            fresh_days,
            remind_days_before: before.into_iter().collect(),
            remind_days_overdue: overdue.into_iter().collect(),
            ..Schedule::unset()
        },
    )
}

fn any_day() -> impl Strategy<Value = NaiveDate> {
    (0_u64..20_000).prop_map(|later| day("2000-01-01") + Days::new(later))
}

proptest! {
    #[test]
    fn each_month_has_one_cycle_and_each_day_is_in_one(schedule in any_schedule(), start in any_day()) {
        prop_assert_eq!(schedule.check(), Ok(()));
        let (mut today, mut before, mut invoiced) = (start, schedule.current(start), BTreeSet::new());
        for _ in 0..500 {
            let cycle = schedule.current(today);
            prop_assert_eq!(cycle, schedule.cycle(cycle.month));
            prop_assert!(today <= cycle.invoice_date);
            prop_assert!(schedule.cycle(cycle.month.plus(-1)).invoice_date < today);
            // Months follow one another without a hole.
            prop_assert!(cycle.month == before.month || cycle.month == before.month.next());
            prop_assert!(cycle.month.first_day() <= cycle.opens_on);
            prop_assert!(cycle.opens_on <= cycle.due_date && cycle.due_date <= cycle.invoice_date);
            prop_assert!(cycle.opens_on < cycle.month.end());
            invoiced.insert((Month::of(cycle.invoice_date), cycle.month));
            (today, before) = (day_after(today), cycle);
        }
        let months: BTreeSet<Month> = invoiced.iter().map(|(_, month)| *month).collect();
        let dates: BTreeSet<Month> = invoiced.iter().map(|(date, _)| *date).collect();
        prop_assert_eq!((months.len(), dates.len()), (invoiced.len(), invoiced.len()));
    }

    #[test]
    fn no_reminder_is_sent_twice_nor_in_the_wrong_order(
        schedule in any_schedule(),
        month in any_day().prop_map(Month::of),
        looks in proptest::collection::vec(0_u64..150, 1..60),
    ) {
        let cycle = schedule.cycle(month);
        let mut looks: Vec<NaiveDate> =
            looks.into_iter().map(|later| month.first_day() - Days::new(30) + Days::new(later)).collect();
        looks.sort_unstable();
        let sent = reminders(&schedule, &cycle, &looks);
        prop_assert!(sent.windows(2).all(|pair| pair[0].1.offset < pair[1].1.offset));
        for (on, reminder) in sent {
            prop_assert_eq!(reminder.overdue, on > cycle.due_date);
            let days = u16::try_from(reminder.offset.unsigned_abs()).unwrap();
            let of = if reminder.overdue { &schedule.remind_days_overdue } else { &schedule.remind_days_before };
            prop_assert!(of.contains(&days));
        }
    }

    #[test]
    fn every_client_stands_in_one_place_and_moves_on(
        schedule in any_schedule(),
        month in any_day().prop_map(Month::of),
        complete_after in 0_u64..120,
        audited_after in proptest::option::of(0_u64..60),
    ) {
        let cycle = schedule.cycle(month);
        let complete_on = month.first_day() + Days::new(complete_after);
        let audited_on = audited_after.map(|later| complete_on + Days::new(later));
        let mut before = Status::Waiting;
        for later in 0..200 {
            let today = month.first_day() + Days::new(later);
            let audited = audited_on.filter(|on| *on <= today);
            let now = status(&cycle, today, complete_on <= today, audited);
            prop_assert_eq!(Status::ALL.into_iter().filter(|status| *status == now).count(), 1);
            prop_assert_eq!(Status::parse(now.as_str()), Some(now));
            // The order of a month; only an audit can make Late of nothing else.
            prop_assert!(before <= now, "{before:?} then {now:?} on {today}");
            prop_assert_eq!(matches!(now, Status::Waiting | Status::Due | Status::Overdue), today < complete_on);
            before = now;
        }
    }
}
