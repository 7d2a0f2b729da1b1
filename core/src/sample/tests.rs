//! The sample says what it is meant to show, and every number in it adds up.

use super::{FILES, MOST_ROWS, audit, file, request};
use crate::audit::{AuditDocument, CoverageStatus, Direction, GapKind, Reason};
use crate::records::MappingSide;
use crate::visit::{FileAnswers, NamedPair, VisitAnswer, VisitError, VisitRequest};
use rust_decimal::Decimal;
use std::collections::BTreeSet;

fn answer(request: &VisitRequest) -> VisitAnswer {
    audit(request).expect("the sample can be audited")
}

fn document() -> AuditDocument {
    answer(&VisitRequest::default()).audit.expect("a document")
}

#[test]
fn every_total_is_the_sum_of_its_gaps_and_every_gap_the_sum_of_its_months() {
    let document = document();
    let currencies: BTreeSet<String> =
        document.totals.iter().map(|total| total.currency.to_string()).collect();
    assert_eq!(currencies, ["EUR".to_owned(), "USD".to_owned()].into());
    for total in &document.totals {
        let of = |direction: Direction| {
            document.gaps.iter().filter(move |gap| {
                gap.direction == direction && gap.amount.is_some_and(|money| money.currency == total.currency)
            })
        };
        let amount =
            |direction| of(direction).filter_map(|gap| gap.amount).map(|money| money.amount).sum::<Decimal>();
        let forward = |direction| {
            of(direction).filter_map(|gap| gap.monthly_forward).map(|money| money.amount).sum::<Decimal>()
        };
        assert_eq!((total.under, total.over), (amount(Direction::Under), amount(Direction::Over)));
        assert_eq!(
            (total.forward_under, total.forward_over),
            (forward(Direction::Under), forward(Direction::Over))
        );
        assert_eq!(total.kinds.iter().map(|kind| kind.amount).sum::<Decimal>(), total.under + total.over);
    }
    for gap in &document.gaps {
        let claimed = gap.months.iter().filter(|month| !month.time_barred && !month.provisional);
        let amount: Decimal = claimed.map(|month| month.amount).sum();
        assert_eq!(gap.amount.map(|money| money.amount), Some(amount), "{} {}", gap.client, gap.product);
        let barred: Decimal =
            gap.months.iter().filter(|month| month.time_barred).map(|month| month.amount).sum();
        assert_eq!(gap.time_barred.amount, barred, "{} {}", gap.client, gap.product);
    }
}

#[test]
fn every_gap_can_be_followed_to_the_lines_of_the_files() {
    for gap in document().gaps {
        let asked = VisitRequest { explain: Some(gap.id.clone()), ..VisitRequest::default() };
        let explanation = answer(&asked).explanation.expect("an explanation");
        assert_eq!(explanation.gap, gap);
        assert!(!explanation.rows.is_empty() && !explanation.months.is_empty(), "{}", gap.client);
        for row in &explanation.rows {
            let text = file(&row.file).expect("a file of the sample").text;
            let line = text.lines().nth(row.line as usize - 1).expect("a line of it");
            assert!(line.contains(&gap.client), "line {} of {} is {line}", row.line, row.file);
        }
        let sum: Decimal = explanation
            .months
            .iter()
            .filter(|month| month.counts_as == "claimed")
            .map(|month| month.amount)
            .sum();
        assert_eq!(gap.amount.map(|money| money.amount), Some(sum), "{}", gap.client);
    }
}

#[test]
fn every_kind_of_difference_occurs() {
    let document = document();
    let kinds: BTreeSet<GapKind> = document.gaps.iter().map(|gap| gap.kind).collect();
    let all = [GapKind::UnderBilled, GapKind::Unbilled, GapKind::OverBilled, GapKind::BilledNotProvisioned];
    assert_eq!(kinds, all.into());
    assert!(!document.price_differences.is_empty());
    assert!(!document.term_mix.is_empty());
    assert!(document.waste.iter().all(|waste| waste.cost.is_some()) && !document.waste.is_empty());
    assert!(document.gaps.iter().any(|gap| !gap.time_barred.amount.is_zero()));
    assert!(document.gaps.iter().any(|gap| gap.amount_after_adjustments != gap.amount));
    assert_eq!(document.unpriced_gaps, 0);
    assert_eq!(document.notes, Vec::<String>::new());
}

#[test]
fn twelve_clients_are_listed_and_one_cannot_be_compared() {
    let coverage = document().coverage;
    let whole: Vec<_> = coverage.iter().filter(|line| line.product.is_none()).collect();
    assert_eq!(whole.len(), 12);
    let not: Vec<_> = whole.iter().filter(|line| line.status == CoverageStatus::InsufficientData).collect();
    assert_eq!(not.len(), 1);
    assert_eq!(not.first().and_then(|line| line.reason), Some(Reason::NoEntitlement));
}

#[test]
fn the_proposal_hides_a_gap_until_it_is_confirmed() {
    let waiting = document();
    let proposal = waiting.proposals.first().expect("a proposal");
    assert_eq!((waiting.proposals.len(), proposal.side), (1, MappingSide::Product));
    let same =
        NamedPair { side: proposal.side, source: proposal.source.clone(), target: proposal.target.clone() };
    assert!(!waiting.gaps.iter().any(|gap| gap.client == "Kestrel Outdoor"));
    let confirmed = answer(&VisitRequest { mappings: vec![same.clone()], ..VisitRequest::default() });
    let confirmed = confirmed.audit.expect("a document");
    let gap = confirmed.gaps.iter().find(|gap| gap.client == "Kestrel Outdoor").expect("the gap");
    assert_eq!(gap.amount.map(|money| money.to_string()), Some("400.00 USD".to_owned()));
    assert!(confirmed.proposals.is_empty());
    let rejected = answer(&VisitRequest { rejected: vec![same], ..VisitRequest::default() });
    assert!(rejected.audit.expect("a document").proposals.is_empty());
}

#[test]
fn an_edited_file_stands_in_place_of_the_samples() {
    let billing = file("psa-billing.csv").expect("the file").text;
    let edited = billing.replace(
        "Dunmore Legal,Managed workplace,Microsoft 365 Business Premium,40",
        "Dunmore Legal,Managed workplace,Microsoft 365 Business Premium,35",
    );
    assert_ne!(billing, edited);
    let said =
        FileAnswers { name: "psa-billing.csv".to_owned(), text: Some(edited), ..FileAnswers::default() };
    let document = answer(&VisitRequest { files: vec![said], ..request() }).audit.expect("a document");
    let gap = document.gaps.iter().find(|gap| gap.client == "Dunmore Legal").expect("a gap");
    assert_eq!((gap.direction, gap.seats), (Direction::Under, Decimal::from(5)));
}

#[test]
fn too_many_rows_and_unknown_names_are_refused() {
    assert!(FILES.iter().map(|file| file.text.lines().count() as u64).sum::<u64>() < MOST_ROWS);
    let many = format!("client,product,purchased,from\n{}", "A,B,1,2026-01-01\n".repeat(50_001));
    let said = FileAnswers { name: "many.csv".to_owned(), text: Some(many), ..FileAnswers::default() };
    let refused = audit(&VisitRequest { files: vec![said], ..VisitRequest::default() });
    assert_eq!(refused, Err(VisitError::TooManyRows { most: MOST_ROWS }));
    let said = FileAnswers { name: "none.csv".to_owned(), ..FileAnswers::default() };
    let refused = audit(&VisitRequest { files: vec![said], ..VisitRequest::default() });
    assert_eq!(refused, Err(VisitError::NoSuchFile { name: "none.csv".to_owned(), index: 0 }));
    let gap = VisitRequest { explain: Some("nothing".to_owned()), ..VisitRequest::default() };
    assert_eq!(audit(&gap), Err(VisitError::NoSuchGap));
}
