use super::*;
use crate::records::{ChargeKind, Cycle, Term};
use crate::seat_states::seat_states;

const RECONCILIATION: &str = include_str!("../../../fixtures/microsoft_partner_center/reconciliation.csv");
const LINE_ITEMS: &str = include_str!("../../../fixtures/microsoft_partner_center/line_items.json");

#[test]
fn reconciliation_rows_become_charges_with_half_open_days() {
    let report = report(RECONCILIATION);
    assert_eq!(
        (report.format, report.read, report.refused_total),
        ("microsoft_partner_center_new_commerce", 5, 0)
    );
    assert_eq!(report.unknown_columns, Vec::<String>::new());
    let rows = charges(&report);
    let (first, line) = rows[0];
    assert_eq!(line, 2);
    assert_eq!(first.client.id.as_deref(), Some("bbbb0000-1111-4222-8333-444455556666"));
    assert_eq!(first.client.domain.as_deref(), Some("wideworld.example"));
    assert_eq!(first.product.sku.as_deref(), Some("CFQ7TTC0LCHC:0002"));
    assert_eq!(first.span, Span::new(day("2026-04-01"), day("2026-05-01")));
    assert_eq!(first.subscription_span, Some(Span::new(day("2026-04-01"), day("2027-04-01"))));
    assert_eq!(
        (first.term, first.cycle, first.kind),
        (Some(Term::Annual), Cycle::Monthly, ChargeKind::Licence)
    );
    let (change, _) = rows[1];
    assert_eq!((change.charge_type.as_deref(), change.quantity), (Some("add_quantity"), dec("1")));
    assert_eq!(
        (change.amount, change.unit_price.to_string()),
        (dec("-3.87"), "-3.8666666666666667".to_owned())
    );
    assert_eq!((rows[3].0.kind, rows[3].0.quantity), (ChargeKind::Usage, dec("0.005001")));
    assert_eq!((rows[4].0.kind, rows[4].0.span.until), (ChargeKind::OneTime, None));
}

#[test]
fn the_seats_of_a_reconciliation_file_follow_in_any_row_order() {
    let mut lines: Vec<&str> = RECONCILIATION.lines().collect();
    let told = |text: &str| {
        let report = report(text);
        let states = seat_states(&charges(&report)).states;
        states.iter().map(|state| (state.from, state.until, state.quantity)).collect::<Vec<_>>()
    };
    let expected =
        [(day("2026-04-01"), day("2026-04-02"), dec("1")), (day("2026-04-02"), day("2026-05-01"), dec("2"))];
    assert_eq!(told(RECONCILIATION), expected);
    lines[1..].reverse();
    assert_eq!(told(&lines.join("\n")), expected);
}

#[test]
fn line_items_of_the_api_read_like_the_file() {
    let report = report(LINE_ITEMS);
    assert_eq!(report.format, "microsoft_partner_center_new_commerce");
    assert_eq!(report.unknown_columns, ["surprise"]);
    let (row, line) = charges(&report)[0];
    assert_eq!((line, row.client.id.as_deref()), (1, Some("bbbb0000-1111-4222-8333-444455556666")));
    assert_eq!((row.invoice.as_deref(), row.reference.as_deref()), (None, Some("r9")));
    assert_eq!((row.ordered_on, row.span.until), (Some(day("2026-04-01")), Some(day("2026-05-01"))));
    assert_eq!((row.unit_price.to_string(), row.list_price), ("19.80".to_owned(), Some(dec("22"))));
    assert_eq!((row.term, row.cycle), (Some(Term::Triennial), Cycle::Monthly));
    assert_eq!(row.subscription_span.unwrap().until, None, "year 1 is no date");
}

fn changed(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(RECONCILIATION.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

#[test]
fn other_spellings_of_the_same_file_give_the_same_charges() {
    let plain = report(RECONCILIATION);
    let (header, body) = RECONCILIATION.split_once("\r\n").unwrap();
    let camel: Vec<String> = header
        .split(',')
        .map(|name| {
            let name = name.replace("MPNID", "MpnId").replace("ID", "Id");
            let name = if name == "Total" { "totalForCustomer".to_owned() } else { name };
            let (first, rest) = name.split_at(1);
            format!("{}{rest}", first.to_lowercase())
        })
        .collect();
    let guarded = changed(&[
        (",1,4,0,4,", ",1,'4.000000000000000000,'0E-20,4,"),
        (",-3.87,", ",'-3.870000000000000000,"),
    ]);
    let zoned = changed(&[("4/1/2026,4/30/2026", "4/1/2026 12:00:00 AM,2026-04-30T00:00:00Z")]);
    for text in [format!("\u{feff}{}\n{body}", camel.join(",")), guarded, zoned] {
        let other = report(&text);
        assert_eq!(other.refused, [], "{text}");
        let bare = |report: &FileReport| {
            charges(report)
                .iter()
                .map(|(row, _)| (row.span, row.quantity, row.amount.normalize(), row.reference.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(bare(&other), bare(&plain));
    }
}

#[test]
fn the_same_line_twice_counts_once_and_is_said() {
    let again = RECONCILIATION.lines().nth(1).unwrap();
    let report = report(&format!("{RECONCILIATION}{again}\r\n"));
    assert_eq!((report.read, report.records.len()), (6, 5));
    assert_eq!(note_codes(&report), [(Some(7), "duplicate_line")]);
    let overlapping = super::files::zip(&[("april.csv", RECONCILIATION), ("again.csv", RECONCILIATION)]);
    let both = read("upload", &overlapping, &ReadOptions::default()).unwrap();
    assert_eq!((both.read, both.records.len(), both.notes_total), (10, 5, 5));
}

#[test]
fn unknown_charge_types_are_kept_and_flagged() {
    let report = report(&changed(&[(",addQuantity,", ",tierTransitionFee,")]));
    assert_eq!(report.records.len(), 5);
    assert_eq!(note_codes(&report), [(Some(3), "unknown_charge_type"), (Some(4), "unknown_charge_type")]);
    assert_eq!(charges(&report)[1].0.charge_type.as_deref(), Some("tier_transition_fee"));
}

#[test]
fn zeros_that_a_spreadsheet_dropped_come_back_and_are_said() {
    let report = report(&changed(&[(",CFQ7TTC0LCHC,0002,", ",CFQ7TTC0LCHC,2,")]));
    assert_eq!(charges(&report)[0].0.product.sku.as_deref(), Some("CFQ7TTC0LCHC:0002"));
    assert_eq!(report.notes[0].code, "padded_sku");
}

#[test]
fn rewritten_dates_are_read_as_they_prove_or_asked_about() {
    let dotted = |text: &str| {
        let mut text = text.to_owned();
        for (us, eu) in [
            ("4/30/2026", "30.04.2026"),
            ("3/31/2027", "31.03.2027"),
            ("4/1/2026", "01.04.2026"),
            ("4/2/2026", "02.04.2026"),
            ("4/3/2026", "03.04.2026"),
        ] {
            text = text.replace(us, eu);
        }
        text
    };
    let proved = report(&dotted(RECONCILIATION));
    assert_eq!(charges(&proved)[0].0.span, Span::new(day("2026-04-01"), day("2026-05-01")));
    assert!(proved.reasons.iter().any(|reason| reason.contains("day/month/year")));

    // Only days that are months too: nothing proves the order.
    let short = RECONCILIATION.replace("4/30/2026", "5/1/2026").replace("3/31/2027", "4/1/2027");
    assert_eq!(report(&short).needs_input, [], "as the source writes it, it is month first");
    let unclear = dotted(&short).replace("5/1/2026", "01.05.2026").replace("4/1/2027", "01.04.2027");
    let asking = report(&unclear);
    assert_eq!(asking.needs_input[0].question, "date_order");
    assert_eq!((asking.records.len(), asking.read), (0, 5));
    let options = ReadOptions { date_order: Some(DateOrder::Dmy), ..ReadOptions::default() };
    let answered = read("upload", unclear.as_bytes(), &options).unwrap();
    assert_eq!((answered.needs_input.len(), charges(&answered)[0].0.span.from), (0, day("2026-04-01")));
}

#[test]
fn bad_rows_are_all_listed_with_line_column_and_value() {
    let report = report(&changed(&[
        (",-3.87,0,4,", ",n/a,0,4,"),
        (",7.74,0,4,USD", ",7.74,0,4,"),
        (",900,0,", ",,0,"),
    ]));
    let listed: Vec<_> = refusals(&report).into_iter().map(|(line, column, _)| (line, column)).collect();
    assert_eq!(listed, [(3, "Subtotal"), (4, "Currency"), (6, "Subtotal")]);
    assert_eq!(report.refused[0].value.as_deref(), Some("n/a"));
    assert_eq!(
        report.refused[0].client.as_ref().and_then(|client| client.name.as_deref()),
        Some("Wide World, Inc.")
    );
    assert_eq!((report.refused_total, report.records.len()), (3, 2));
}

#[test]
fn a_header_alone_and_a_lacking_column_say_so() {
    let header = RECONCILIATION.lines().next().unwrap();
    assert_eq!(error(header), FileError::NoRows { known: Some("microsoft_partner_center_new_commerce") });
    let lacking = error(&changed(&[(",Subtotal,", ",Sub,")]));
    assert_eq!(
        lacking.to_string(),
        "microsoft_partner_center_new_commerce needs the column `Subtotal`, which the file does not have"
    );
    let twice = error(&changed(&[(",TaxTotal,", ",sub_total,")]));
    assert_eq!((twice.code(), twice.line()), ("duplicate_column", Some(1)));
}

#[test]
fn a_file_saved_again_by_a_european_spreadsheet_gives_the_same_charges() {
    let (header, body) = RECONCILIATION.split_once("\r\n").unwrap();
    let mut out = vec![header.replace(',', ";")];
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(body.as_bytes());
    for row in reader.records() {
        let cells: Vec<String> = row
            .unwrap()
            .iter()
            .map(|cell| {
                let date: Vec<&str> = cell.split('/').collect();
                match date[..] {
                    [month, day, year] if year.len() == 4 => format!("{day:0>2}.{month:0>2}.{year}"),
                    _ if cell.parse::<Decimal>().is_ok() && cell.contains('.') => cell.replace('.', ","),
                    _ if cell.contains([';', '"']) => format!("\"{}\"", cell.replace('"', "\"\"")),
                    _ => cell.to_owned(),
                }
            })
            .collect();
        out.push(cells.join(";"));
    }
    let options = ReadOptions { date_order: Some(DateOrder::Dmy), ..ReadOptions::default() };
    let other = read("upload", out.join("\r\n").as_bytes(), &options).unwrap();
    assert_eq!(other.refused, []);
    let bare = |report: &FileReport| {
        let key =
            |row: &VendorCharge| (row.span, row.quantity, row.amount, row.unit_price, row.product.clone());
        charges(report).iter().map(|(row, _)| key(row)).collect::<Vec<_>>()
    };
    assert_eq!(bare(&other), bare(&report(RECONCILIATION)));
}
