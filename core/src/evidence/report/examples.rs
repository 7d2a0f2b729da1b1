//! Example reports, with figures that are right: to look at, and for tests.

use super::facts::{
    Check, Happened, LedgerBalance, LedgerEntry, LetterBody, MonthSeats, Provisioned, Report, ReportGap,
    ReportInstalment, ReportLedger, ReportMonth, ReportPlan, SeatUse, SentLetter, SourceFile, Summary,
};
use crate::audit::Direction;
use crate::letters::{self, LetterKind, Template};
use crate::money::{Currency, Money};
use crate::pdf::Brand;
use crate::period::Month;
use chrono::{DateTime, Days, NaiveDate, Utc};
use rust_decimal::Decimal;

const PREMIUM: &str = "Microsoft 365 Business Premium";

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

fn at(on: NaiveDate, hour: u32) -> DateTime<Utc> {
    on.and_hms_opt(hour, 30, 0).unwrap_or_default().and_utc()
}

fn month(year: i32, number: u32) -> Month {
    Month::of(day(year, number, 1))
}

fn letter(kind: LetterKind) -> Option<LetterBody> {
    let template = Template::default_for(kind).ok()?;
    letters::render(&template, &letters::example(kind)).ok().map(LetterBody::Letter)
}

/// A gap of the same number of seats in every month.
fn even(
    product: &str,
    direction: Direction,
    billable: i64,
    billed: i64,
    price: (i64, Currency),
    first: Month,
    count: i32,
) -> ReportGap {
    let seats = (billable - billed).abs();
    let (minor, currency) = price;
    let months: Vec<ReportMonth> = (0..count)
        .map(|at| ReportMonth {
            month: first.plus(at),
            billable: Decimal::from(billable),
            billed: Decimal::from(billed),
            seat_months: Decimal::from(seats),
            amount: Some(Money::from_minor(seats * minor, currency)),
            note: None,
        })
        .collect();
    let all = seats * i64::from(count);
    ReportGap {
        product: product.to_owned(),
        sku: None,
        kind: match direction {
            Direction::Under => "billed less than provisioned",
            Direction::Over => "billed more than provisioned",
        }
        .to_owned(),
        direction,
        seats: Decimal::from(seats),
        superseded: false,
        seat_months: Decimal::from(all),
        unit_price: Some(Money::from_minor(minor, currency)),
        amount: Some(Money::from_minor(all * minor, currency)),
        time_barred: None,
        monthly_forward: Some(Money::from_minor(seats * minor, currency)),
        months,
        sources: vec!["billing.csv, lines 3 and 9".to_owned(), "entitlements.csv, line 2".to_owned()],
    }
}

fn sources() -> Vec<SourceFile> {
    let file = |name: &str, what: &str, digit: &str, rows| SourceFile {
        name: name.to_owned(),
        what: what.to_owned(),
        digest: format!("sha256:{}", digit.repeat(64)),
        received_on: Some(day(2026, 11, 2)),
        rows: Some(rows),
    };
    vec![
        file("billing.csv", "what the client is billed", "a", 412),
        file("entitlements.csv", "what the client has", "b", 96),
    ]
}

fn check() -> Check {
    Check {
        manifest: "manifest.json".to_owned(),
        file: "report.pdf".to_owned(),
        command: "leakage verify LF-1042.zip".to_owned(),
        audit_digest: Some(format!("sha256:{}", "c".repeat(64))),
        engine: Some("leakage 0.1.0".to_owned()),
        key: Some("Ed25519, thumbprint kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".to_owned()),
        more: vec![("Checkpoint of the log".to_owned(), "entry 12 of 12, in timeline.json".to_owned())],
    }
}

fn happened(on: NaiveDate, what: &str, detail: &str, actor: &str, seq: u64) -> Happened {
    Happened {
        at: at(on, 9),
        what: what.to_owned(),
        detail: Some(detail.to_owned()),
        actor: actor.to_owned(),
        seq: Some(seq),
    }
}

/// Two seats that were not billed for eight months.
pub fn under_billed() -> Report {
    let first = month(2026, 3);
    let gap = ReportGap {
        sku: Some("SPB, cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46".to_owned()),
        ..even(PREMIUM, Direction::Under, 22, 20, (2200, Currency::USD), first, 8)
    };
    let chart = gap.months.iter().map(|of| MonthSeats {
        month: of.month,
        billable: of.billable,
        billed: of.billed,
        provisional: false,
    });
    let found = Money::from_minor(35_200, Currency::USD);
    let balance = |account: &str, seat_months: i64, minor| LedgerBalance {
        account: account.to_owned(),
        seat_months: Decimal::from(seat_months),
        amount: Money::from_minor(minor, Currency::USD),
    };
    let entry = |account: &str, reason: &str, document: Option<&str>, on: NaiveDate| LedgerEntry {
        at: at(on, 10),
        account: account.to_owned(),
        of: Some(format!("{PREMIUM}, March to October 2026")),
        seat_months: Decimal::from(16),
        amount: found,
        reason: reason.to_owned(),
        document: document.map(ToOwned::to_owned),
        actor: "Bea Miller".to_owned(),
    };
    Report {
        brand: Brand::default(),
        msp: "Example MSP".to_owned(),
        client: "Contoso Legal".to_owned(),
        billing_entity: None,
        reference: "LF-1042".to_owned(),
        direction: Direction::Under,
        state: "resolved".to_owned(),
        prepared_on: day(2026, 11, 25),
        prepared_by: Some("Bea Miller".to_owned()),
        months: Some((first, month(2026, 10))),
        as_of: Some(day(2026, 10, 31)),
        summary: Summary::default(),
        chart: chart.collect(),
        gaps: vec![gap],
        provisioning: vec![Provisioned {
            on: day(2026, 3, 1),
            product: PREMIUM.to_owned(),
            seats: Decimal::TWO,
            account: Some("j.ortega@contoso.example, p.novak@contoso.example".to_owned()),
            by: Some("Mr Singh, Contoso Legal".to_owned()),
            reference: Some("Ticket 8123".to_owned()),
        }],
        activity: ["j.ortega@contoso.example", "p.novak@contoso.example"]
            .into_iter()
            .map(|account| SeatUse {
                account: account.to_owned(),
                product: PREMIUM.to_owned(),
                provisioned_on: Some(day(2026, 3, 1)),
                last_active_on: Some(day(2026, 10, 30)),
                recorded_on: Some(day(2026, 10, 31)),
            })
            .collect(),
        plan: None,
        ledger: Some(ReportLedger {
            balance: vec![
                balance("Found", 16, 35_200),
                balance("Billed", 16, 35_200),
                balance("Waived", 0, 0),
                balance("Outstanding", 0, 0),
            ],
            entries: vec![
                entry("Found", "found when the correction was opened", None, day(2026, 11, 3)),
                entry("Billed", "invoiced at once", Some("INV-2207"), day(2026, 12, 1)),
            ],
        }),
        timeline: vec![
            happened(day(2026, 11, 2), "Audit", "Difference found.", "Leakage Finder", 9),
            happened(day(2026, 11, 3), "Opened", "One line, 16 seat-months.", "Bea Miller", 10),
            happened(day(2026, 11, 12), "Communicated", "Letter sent to Ms Carter.", "Bea Miller", 11),
            happened(day(2026, 11, 20), "Resolved", "Accepted in writing.", "Bea Miller", 12),
        ],
        letters: letter(LetterKind::FirstNotice)
            .map(|body| SentLetter {
                sent_at: Some(at(day(2026, 11, 12), 9)),
                to: Some("Ms Carter <carter@contoso.example>".to_owned()),
                digest: Some(format!("sha256:{}", "d".repeat(64))),
                erased_on: None,
                subject:
                    "Your Microsoft 365 Business Premium licences: 2 seats that we had not billed (LF-1042)"
                        .to_owned(),
                body,
            })
            .into_iter()
            .collect(),
        told: None,
        sources: sources(),
        check: check(),
    }
}

/// Three seats that were billed too much for three months, given back; names of several languages.
pub fn credit() -> Report {
    let product = "Microsoft 365 Business Standard \u{2013} Lizenz f\u{fc}r Gesch\u{e4}ftsf\u{fc}hrer";
    let gap = even(product, Direction::Over, 47, 50, (1170, Currency::EUR), month(2026, 3), 3);
    let chart = gap.months.iter().map(|of| MonthSeats {
        month: of.month,
        billable: of.billable,
        billed: of.billed,
        provisional: false,
    });
    let balance = |account: &str, seat_months: i64, minor| LedgerBalance {
        account: account.to_owned(),
        seat_months: Decimal::from(seat_months),
        amount: Money::from_minor(minor, Currency::EUR),
    };
    let accounts = [
        "Zo\u{eb} M\u{fc}ller-L\u{fc}denscheidt",
        "Gra\u{17c}yna \u{141}\u{119}cka-W\u{f3}jcik",
        "Ji\u{159}\u{ed} \u{17d}ilka, \u{10c}esk\u{e9} Bud\u{11b}jovice",
        "\u{395}\u{3bb}\u{3ad}\u{3bd}\u{3b7} \u{3a0}\u{3b1}\u{3c0}\u{3b1}\u{3b4}\u{3bf}\u{3c0}\u{3bf}\u{3cd}\u{3bb}\u{3bf}\u{3c5}",
        "\u{414}\u{43c}\u{438}\u{442}\u{440}\u{438}\u{439} \u{429}\u{435}\u{440}\u{431}\u{430}\u{43a}\u{43e}\u{432}",
    ];
    Report {
        client: "B\u{e4}ckerei Gr\u{f6}\u{df}enwahn GmbH & Co. KG".to_owned(),
        billing_entity: Some("Filiale D\u{fc}sseldorf".to_owned()),
        reference: "LF-1043".to_owned(),
        direction: Direction::Over,
        months: Some((month(2026, 3), month(2026, 5))),
        as_of: Some(day(2026, 5, 31)),
        chart: chart.collect(),
        gaps: vec![gap],
        provisioning: Vec::new(),
        activity: accounts
            .into_iter()
            .map(|account| SeatUse {
                account: account.to_owned(),
                product: product.to_owned(),
                provisioned_on: None,
                last_active_on: None,
                recorded_on: Some(day(2026, 5, 31)),
            })
            .collect(),
        ledger: Some(ReportLedger {
            balance: vec![
                balance("Found", 9, 10_530),
                balance("Credited", 9, 10_530),
                balance("Outstanding", 0, 0),
            ],
            entries: Vec::new(),
        }),
        letters: letter(LetterKind::OverBillingApology)
            .map(|body| SentLetter {
                sent_at: None,
                to: None,
                digest: None,
                erased_on: None,
                subject: "We billed you too much: EUR 105.30 is given back".to_owned(),
                body,
            })
            .into_iter()
            .collect(),
        ..under_billed()
    }
}

/// As large and as awkward as they come: 400 gaps in two currencies, 2,000 accounts, a plan, names of 300
/// characters, a word of 200, and writing that no font here has.
pub fn large() -> Report {
    let currencies = [Currency::USD, Currency::EUR];
    let names = [
        format!("{PREMIUM} {}", "with everything that was ever sold beside it ".repeat(6)),
        format!("{}-licence", "Donaudampfschifffahrtsgesellschaft".repeat(6)),
        "\u{645}\u{627}\u{64a}\u{643}\u{631}\u{648}\u{633}\u{648}\u{641}\u{62a} \u{5fae}\u{8f6f} \u{1f600} Premium".to_owned(),
    ];
    let product = |at: usize| names.get(at).cloned().unwrap_or_else(|| format!("Product {:03}", at + 1));
    let gaps: Vec<ReportGap> = (0..400)
        .map(|at| {
            let price = (1995, currencies[at % 2]);
            let many = i64::try_from(at).unwrap_or(0);
            even(
                &product(at),
                Direction::Under,
                100 + many,
                97 + many,
                price,
                month(2025, 11),
                2 + i32::from(at < 9) * 22,
            )
        })
        .collect();
    let activity = (0..2000_u64)
        .map(|at| SeatUse {
            account: format!("user{at:04}@contoso-legal-holdings.example"),
            product: product(usize::try_from(at % 7).unwrap_or(0)),
            provisioned_on: Some(day(2025, 11, 1) + Days::new(at % 200)),
            last_active_on: (at % 9 != 0).then(|| day(2026, 10, 1) + Days::new(at % 30)),
            recorded_on: Some(day(2026, 10, 31)),
        })
        .collect();
    let parts = [29_334, 29_334, 29_333, 29_333, 29_333, 29_333];
    let plan = ReportPlan {
        total: Money::from_minor(176_000, Currency::USD),
        state: "accepted".to_owned(),
        instalments: (0..)
            .zip(parts)
            .map(|(at, minor)| ReportInstalment {
                due_on: month(2026, 12).plus(at).first_day(),
                amount: Money::from_minor(minor, Currency::USD),
                state: if at == 0 { "invoiced" } else { "scheduled" }.to_owned(),
                document: (at == 0).then(|| "INV-2207".to_owned()),
            })
            .collect(),
    };
    let chart = (0..24).map(|at| MonthSeats {
        month: month(2024, 12).plus(at),
        billable: Decimal::from(60 + at),
        billed: Decimal::from(60),
        provisional: at == 23,
    });
    let essay =
        "Nobody had told the billing desk of these hires, and the order was placed by telephone. ".repeat(90);
    Report {
        client: "Contoso Legal Holdings and all its Subsidiaries, Affiliates and Partners worldwide"
            .to_owned(),
        reference: "LF-1044".to_owned(),
        months: Some((month(2024, 12), month(2026, 11))),
        chart: chart.collect(),
        gaps,
        activity,
        plan: Some(plan),
        timeline: vec![happened(day(2026, 11, 2), "Noted", &essay, "Bea Miller", 1)],
        ..under_billed()
    }
}
