//! Words of audits to figures: by tables, and by properties over any words in any order.

use super::reports::{
    AgeBucket, ClientMonth, Grouping, KnownGap, NotKnownReason, Range, ageing, clean_streaks, leakage,
    same_cycle,
};
use super::*;
use crate::audit::Direction;
use crate::money::{Currency, Money};
use chrono::TimeZone as _;
use proptest::prelude::*;
use uuid::Uuid;

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn at(day: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap() + chrono::TimeDelta::days(i64::from(day))
}

/// The audit that knew what was known on this day.
fn audit(day: u32) -> Said {
    Said { closed: true, known_at: at(day), audit: AuditId::new(Uuid::from_u128(u128::from(day))) }
}

/// A whole month of `seats` seats at $22; none: compared and equal.
fn word(said: Said, text: &str, seats: i64) -> Word {
    let month = month(text);
    let difference = (seats != 0).then(|| Difference {
        billable: 20 + seats,
        billed: 20,
        seat_days: seats * i64::from(month.days()),
        amount_minor: Some(seats * 2200),
        unpriced: false,
        time_barred: false,
        assumed: false,
    });
    Word { month, said, difference }
}

/// An audit's words: `2026-03:2 2026-04:0` means two seats in March, and none in April.
fn says(day: u32, text: &str) -> Vec<Word> {
    let one = |part: &str| {
        let (month, seats) = part.split_once(':').unwrap();
        word(audit(day), month, seats.parse().unwrap())
    };
    text.split_whitespace().map(one).collect()
}

fn of(words: &[Word]) -> GapFigures {
    figures(&months(words), Some(Currency::USD)).unwrap()
}

fn sum(seat_months: &str, amount: &str) -> SeatsAndMoney {
    let money = Money { amount: amount.parse().unwrap(), currency: Currency::USD };
    SeatsAndMoney { seat_months: seat_months.parse().unwrap(), amount: Some(money) }
}

const EIGHT: &str = "2026-03:2 2026-04:2 2026-05:2 2026-06:2 2026-07:2 2026-08:2 2026-09:2 2026-10:2";

#[test]
fn two_seats_found_late_are_sixteen_seat_months_and_found_in_month_one_are_two() {
    let first = of(&says(100, "2026-03:2"));
    assert_eq!((first.age_months, first.accumulated), (1, sum("2.000000", "44.00")));
    let mut words = says(100, "2026-03:2");
    words.extend(says(320, EIGHT));
    let later = of(&words);
    assert_eq!((later.age_months, later.months, later.recurrences), (8, 8, 0));
    assert_eq!(later.accumulated, sum("16.000000", "352.00"));
    assert_eq!(later.found_in_month_one, Some(sum("2.000000", "44.00")));
    assert_eq!((later.status, later.began), (GapStatus::Open, Some(month("2026-03"))));
    assert_eq!(later.episodes[0].first_audit_id, audit(100).audit);
}

#[test]
fn episodes_end_and_come_again() {
    use EpisodeStatus::{Closed, Corrected, Open};
    type Case<'a> = (&'a str, &'a [(u32, &'a str)], GapStatus, &'a [(EpisodeStatus, &'a str, &'a str)]);
    let cases: &[Case<'_>] = &[
        ("still there", &[(1, "2026-03:2 2026-04:2")], GapStatus::Open, &[(Open, "2026-03", "2026-04")]),
        (
            "a later month has none",
            &[(1, "2026-03:2"), (2, "2026-04:0")],
            GapStatus::Closed,
            &[(Closed, "2026-03", "2026-03")],
        ),
        (
            "nobody looked at the month between",
            &[(1, "2026-03:2"), (2, "2026-05:2")],
            GapStatus::Open,
            &[(Open, "2026-03", "2026-05")],
        ),
        (
            "one audit sees both times",
            &[(1, "2026-03:2 2026-04:0 2026-05:2")],
            GapStatus::Open,
            &[(Closed, "2026-03", "2026-03"), (Open, "2026-05", "2026-05")],
        ),
        (
            "billing was corrected backwards, and it came again",
            &[(1, "2026-03:2 2026-04:2"), (2, "2026-03:0 2026-04:0"), (3, "2026-05:2")],
            GapStatus::Open,
            &[(Corrected, "2026-03", "2026-04"), (Open, "2026-05", "2026-05")],
        ),
        (
            "all of it was an error",
            &[(1, "2026-03:2 2026-04:2"), (2, "2026-03:0 2026-04:0")],
            GapStatus::Corrected,
            &[(Corrected, "2026-03", "2026-04")],
        ),
        (
            "one month in the middle was an error",
            &[(1, "2026-03:2 2026-04:2 2026-05:2"), (2, "2026-04:0")],
            GapStatus::Open,
            &[(Closed, "2026-03", "2026-03"), (Open, "2026-05", "2026-05")],
        ),
        (
            "the last month was corrected, and it came again",
            &[(1, "2026-03:2 2026-04:2"), (2, "2026-04:0"), (3, "2026-05:1")],
            GapStatus::Open,
            &[(Closed, "2026-03", "2026-03"), (Open, "2026-05", "2026-05")],
        ),
    ];
    for (name, audits, status, expected) in cases {
        let words: Vec<Word> = audits.iter().flat_map(|(day, text)| says(*day, text)).collect();
        let found = of(&words);
        let episodes: Vec<_> = found
            .episodes
            .iter()
            .map(|episode| (episode.status, episode.first_month.to_string(), episode.last_month.to_string()))
            .collect();
        let expected: Vec<_> =
            expected.iter().map(|(s, from, to)| (*s, (*from).to_owned(), (*to).to_owned())).collect();
        assert_eq!((found.status, &episodes), (*status, &expected), "{name}");
        assert_eq!(found.recurrences as usize, episodes.len() - 1, "{name}");
    }
}

#[test]
fn an_episode_names_the_audits_that_saw_it_begin_and_end() {
    let mut words = says(1, "2026-03:2 2026-04:2");
    words.extend(says(2, "2026-05:0"));
    words.extend(says(3, "2026-05:0 2026-06:0"));
    let found = of(&words);
    let only = found.episodes[0];
    assert_eq!((only.first_audit_id, only.ended_audit_id), (audit(1).audit, Some(audit(2).audit)));
    assert_eq!(only.ended_known_at, Some(at(2)));
}

#[test]
fn a_month_run_again_as_it_was_known_changes_nothing_learned_since() {
    let known = says(10, "2026-03:2");
    let taken_back = says(20, "2026-03:0");
    let again = says(10, "2026-03:2").into_iter().map(|word| {
        let audit = AuditId::new(Uuid::from_u128(999));
        Word { said: Said { audit, ..word.said }, ..word }
    });
    let words: Vec<Word> = known.into_iter().chain(taken_back).chain(again).collect();
    let found = of(&words);
    assert_eq!((found.status, found.corrected_months), (GapStatus::Corrected, 1));
    assert_eq!((found.accumulated, found.began), (sum("0.000000", "0.00"), None));
}

#[test]
fn a_part_of_a_month_does_not_replace_the_whole() {
    let mut part = word(audit(20), "2026-03", 0);
    part.said.closed = false;
    let found = of(&[word(audit(10), "2026-03", 2), part]);
    assert_eq!(found.accumulated, sum("2.000000", "44.00"));
    let mut before = word(audit(5), "2026-03", 1);
    before.said.closed = false;
    let alone = of(&[before]);
    assert_eq!((alone.accumulated, alone.provisional), (sum("0.000000", "0.00"), sum("1.000000", "22.00")));
    assert_eq!((alone.age_months, alone.found_in_month_one), (0, None));
}

#[test]
fn what_is_too_old_is_a_part_of_what_accumulated() {
    let mut words = says(1, EIGHT);
    for word in words.iter_mut().take(3) {
        word.difference.as_mut().unwrap().time_barred = true;
    }
    let found = of(&words);
    assert_eq!(found.accumulated, sum("16.000000", "352.00"));
    assert_eq!((found.claimable, found.time_barred), (sum("10.000000", "220.00"), sum("6.000000", "132.00")));
}

#[test]
fn seat_months_are_added_exactly_and_rounded_once() {
    let mut tally = Tally::default();
    for text in ["2026-01", "2026-02", "2026-03", "2028-02", "2026-04"] {
        let one = Difference { seat_days: 1, ..word(audit(1), text, 1).difference.unwrap() };
        tally.add(month(text), &one);
    }
    // 2/31 + 1/28 + 1/29 + 1/30
    assert_eq!(tally.sum(None).unwrap().seat_months.to_string(), "0.168047");
}

fn gap(client: &str, currency: Currency, direction: Direction, seen: u32, words: &[Word]) -> KnownGap {
    KnownGap {
        client_key: client.to_owned(),
        client: client.to_owned(),
        client_id: None,
        product: "=Premium".to_owned(),
        sku: None,
        currency: Some(currency),
        direction,
        root_cause: None,
        first_seen_at: at(seen),
        months: months(words),
    }
}

#[test]
fn directions_are_not_netted_and_currencies_not_added() {
    let gaps = [
        gap("A", Currency::USD, Direction::Under, 1, &says(1, "2026-03:2 2026-04:2")),
        gap("A", Currency::USD, Direction::Over, 1, &says(1, "2026-03:3")),
        gap("B", Currency::EUR, Direction::Under, 1, &says(1, "2026-04:1")),
    ];
    let report = leakage(&gaps, Grouping::Client, Range::default()).unwrap();
    let shown: Vec<String> = report
        .totals
        .iter()
        .map(|total| format!("{:?} {} {}", total.direction, total.leakage.amount.unwrap(), total.gaps))
        .collect();
    assert_eq!(shown, ["Under 22.00 EUR 1", "Under 88.00 USD 1", "Over 66.00 USD 1"]);
    let april = Range { from: Some(month("2026-04")), to: None };
    let report = leakage(&gaps, Grouping::Month, april).unwrap();
    assert_eq!(report.rows.len(), 2, "{report:#?}");
    let sheet = leakage(&gaps, Grouping::Product, Range::default()).unwrap().csv();
    assert!(sheet.lines().skip(1).all(|line| line.starts_with("'=Premium,")), "{sheet}");
}

#[test]
fn open_gaps_fall_into_the_bucket_of_their_age() {
    for (age, bucket) in [
        (0, AgeBucket::NotClosed),
        (1, AgeBucket::One),
        (2, AgeBucket::TwoToThree),
        (3, AgeBucket::TwoToThree),
        (4, AgeBucket::FourToSix),
        (6, AgeBucket::FourToSix),
        (7, AgeBucket::SevenToTwelve),
        (12, AgeBucket::SevenToTwelve),
        (13, AgeBucket::OverTwelve),
    ] {
        assert_eq!(AgeBucket::of(age), bucket, "{age}");
    }
    let open = gap("A", Currency::USD, Direction::Under, 1, &says(1, EIGHT));
    let closed = gap("B", Currency::USD, Direction::Under, 1, &says(1, "2026-03:2 2026-04:0"));
    let report = ageing(&[open, closed], Range::default()).unwrap();
    let full: Vec<_> = report.rows.iter().filter(|row| row.gaps > 0).collect();
    assert_eq!(full.len(), 1, "{report:#?}");
    assert_eq!((full[0].bucket, full[0].accumulated), (AgeBucket::SevenToTwelve, sum("16.000000", "352.00")));
    assert_eq!(report.rows.len(), 6, "every bucket is listed");
}

#[test]
fn a_gap_is_caught_until_the_end_of_the_next_month() {
    // Began in March; day 120 of 2026, counted from 0, is 1 May.
    for (seen, caught) in [(70, 1), (119, 1), (120, 0)] {
        let gap = gap("A", Currency::USD, Direction::Under, seen, &says(1, "2026-03:2"));
        let report = same_cycle(&[gap], Range::default());
        assert_eq!((report.rows[0].gaps, report.rows[0].caught), (1, caught), "{seen}");
    }
}

#[test]
fn a_streak_goes_back_to_the_last_gap_and_skips_what_is_not_known() {
    let known = |text: &str, compared: bool, partial: bool, products_missing: bool| ClientMonth {
        client_key: "A".to_owned(),
        client: "A".to_owned(),
        client_id: None,
        month: month(text),
        compared,
        closed: true,
        partial,
        products_missing,
    };
    let months = [
        known("2026-01", true, false, false),
        known("2026-02", true, false, false),
        known("2026-03", true, false, false),
        known("2026-04", true, true, false),
        known("2026-05", true, false, false),
        known("2026-07", true, false, true),
        known("2026-08", true, false, false),
    ];
    let gaps = [gap("A", Currency::USD, Direction::Under, 1, &says(1, "2026-02:2"))];
    let report = clean_streaks(&months, &gaps, Range::default(), month("2026-08"));
    let row = &report.rows[0];
    assert_eq!((row.months, row.since, row.broken_by), (3, Some(month("2026-03")), Some(month("2026-02"))));
    let reasons: Vec<_> = row.not_known.iter().map(|one| (one.month.to_string(), one.reason)).collect();
    assert_eq!(
        reasons,
        [
            ("2026-07".to_owned(), NotKnownReason::ProductsNotCompared),
            ("2026-06".to_owned(), NotKnownReason::NotCompared),
            ("2026-04".to_owned(), NotKnownReason::PartlyCovered),
        ]
    );
}

/// Any words of up to six audits on up to six months; an audit speaks of a month once.
fn any_words() -> impl Strategy<Value = Vec<Word>> {
    let one = (0_u32..6, 0_i32..6, 0_i64..4, any::<bool>(), any::<bool>());
    proptest::collection::vec(one, 1..30).prop_map(|drawn| {
        let mut words: BTreeMap<(u32, i32), Word> = BTreeMap::new();
        for (day, later, seats, closed, barred) in drawn {
            let mut word = word(audit(day), &month("2026-01").plus(later).to_string(), seats);
            word.said.closed = closed;
            if let Some(difference) = &mut word.difference {
                difference.time_barred = barred;
            }
            words.insert((day, later), word);
        }
        words.into_values().collect()
    })
}

proptest! {
    #[test]
    fn what_accumulated_is_the_sum_of_the_words_that_count(words in any_words()) {
        let found = of(&words);
        let mut latest: BTreeMap<Month, &Word> = BTreeMap::new();
        for word in &words {
            let newer = latest.get(&word.month).is_none_or(|known| word.said > known.said);
            if newer {
                latest.insert(word.month, word);
            }
        }
        let count = |closed: bool| latest.values()
            .filter(|word| word.said.closed == closed)
            .filter_map(|word| word.difference?.amount_minor)
            .sum::<i64>();
        let money = |minor| Some(Money::from_minor(minor, Currency::USD));
        prop_assert_eq!(found.accumulated.amount, money(count(true)));
        prop_assert_eq!(found.provisional.amount, money(count(false)));
        let parts = [found.claimable, found.time_barred].map(|part| part.amount.unwrap().amount);
        prop_assert_eq!(parts[0] + parts[1], found.accumulated.amount.unwrap().amount);
        let episodes = found.episodes.iter().map(|episode| episode.accumulated.amount.unwrap().amount);
        prop_assert_eq!(episodes.sum::<rust_decimal::Decimal>(), found.accumulated.amount.unwrap().amount);
    }

    #[test]
    fn the_order_in_which_words_come_does_not_matter(
        (words, shuffled) in any_words().prop_flat_map(|words| (Just(words.clone()), Just(words).prop_shuffle()))
    ) {
        let ordered = months(&words);
        let mut heard: BTreeMap<Month, MonthHistory> = BTreeMap::new();
        for word in &shuffled {
            heard.entry(word.month).and_modify(|m| m.hear(word)).or_insert_with(|| MonthHistory::new(word));
        }
        for (month, one) in &ordered {
            let other = &heard[month];
            prop_assert_eq!(
                (one.said, one.difference, one.first), (other.said, other.difference, other.first)
            );
            prop_assert_eq!(one.equal_since.is_some(), other.equal_since.is_some());
        }
        prop_assert_eq!(of(&words), of(&shuffled));
    }

    #[test]
    fn reports_add_up_with_the_gaps_they_come_from(drawn in proptest::collection::vec(any_words(), 1..5)) {
        let gaps: Vec<KnownGap> = drawn.iter().enumerate()
            .map(|(n, words)| gap(&format!("client {n}"), Currency::USD, Direction::Under, 1, words))
            .collect();
        let total: rust_decimal::Decimal = drawn.iter().map(|w| of(w).accumulated.amount.unwrap().amount).sum();
        for by in [Grouping::Month, Grouping::Client, Grouping::Product, Grouping::RootCause] {
            let report = leakage(&gaps, by, Range::default()).unwrap();
            let rows: rust_decimal::Decimal =
                report.rows.iter().map(|row| row.figures.leakage.amount.unwrap().amount).sum();
            let totals: rust_decimal::Decimal =
                report.totals.iter().map(|total| total.leakage.amount.unwrap().amount).sum();
            prop_assert_eq!((rows, totals), (total, total));
        }
    }
}
