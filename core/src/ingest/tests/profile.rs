use super::files::workbook;
use super::*;
use crate::records::{Held, LineType, Side, Term};
use std::collections::BTreeMap;

const GERMAN: &str = include_str!("../../../fixtures/profile/rechnungspositionen.csv");
const NESTED: &str = include_str!("../../../fixtures/profile/seats.json");

/// The one table of an unknown file.
fn table(text: &str) -> SeenTable {
    match error(text) {
        FileError::UnknownFormat { mut tables, .. } => tables.remove(0),
        other => panic!("{other}"),
    }
}

fn mapped(profile: &ImportProfile) -> BTreeMap<&str, &str> {
    let column = |source: &'_ FieldSource| source.column.is_some();
    profile
        .fields
        .iter()
        .filter(|(_, source)| column(source))
        .map(|(field, source)| (field.as_str(), source.column.as_deref().unwrap()))
        .collect()
}

/// The proposal for the German file as its owner corrects it.
fn german() -> ImportProfile {
    let mut profile = table(GERMAN).proposal.profile;
    profile.name = "Nordsee ERP".to_owned();
    profile.fields.insert("currency".to_owned(), FieldSource::constant("EUR"));
    profile.skip_rows = vec![SkipRows { column: "Kundenname".to_owned(), values: vec!["summe".to_owned()] }];
    assert_eq!(profile.check(), []);
    profile
}

fn with(profiles: Vec<ImportProfile>) -> ReadOptions {
    ReadOptions { profiles, ..ReadOptions::default() }
}

fn read_with(text: &str, profiles: &[ImportProfile]) -> FileReport {
    read("upload", text.as_bytes(), &with(profiles.to_vec())).unwrap()
}

#[test]
fn an_unknown_file_comes_with_its_columns_and_a_mapping() {
    let seen = table(GERMAN);
    assert_eq!(seen.columns[1].samples, ["Nordlicht GmbH", "Hafenkontor KG", "Summe"]);
    let proposal = &seen.proposal;
    assert_eq!(proposal.profile.kind, ProfileKind::Billing);
    assert_eq!(
        mapped(&proposal.profile),
        BTreeMap::from([
            ("invoice", "Rechnungs-Nr."),
            ("client", "Kundenname"),
            ("client_id", "Kd.-Nr."),
            ("product", "Artikelbezeichnung"),
            ("quantity", "Anzahl"),
            ("unit_price", "Einzelpreis netto"),
            ("from", "Leistungsbeginn"),
            ("until", "Leistungsende"),
            ("term", "Laufzeit"),
        ])
    );
    assert_eq!(proposal.missing, ["currency"]);
    assert_eq!(
        (proposal.profile.date_order, proposal.profile.decimal, proposal.profile.until_is),
        (Some(DateOrder::Dmy), Some(DecimalSign::Comma), Some(UntilIs::LastDay))
    );
    assert!(proposal.score > dec("0.8"), "{}", proposal.score);
    let price = proposal.fields.iter().find(|field| field.field == "unit_price").unwrap();
    assert_eq!(price.reason, "`Einzelpreis netto` is like a name of it; its values are prices");
}

#[test]
fn rows_are_read_as_the_template_and_complaints_are_in_the_files_own_words() {
    let report = read_with(GERMAN, &[german()]);
    assert_eq!((report.format, report.source().as_str()), (PROFILE_FORMAT, "profile_nordsee_erp"));
    assert_eq!((report.sides.as_slice(), report.confidence), (&[Side::Billing][..], Decimal::ONE));
    let rows = billing(&report);
    let (line, first) = rows[0];
    assert_eq!(
        (line, first.client.name.as_deref(), first.client.id.as_deref()),
        (2, Some("Nordlicht GmbH"), Some("10042"))
    );
    assert_eq!((first.quantity, first.unit_price, first.currency.as_str()), (dec("12"), dec("20.90"), "EUR"));
    assert_eq!(
        (first.span, first.term),
        (Span::new(day("2026-02-01"), day("2026-03-01")), Some(Term::Annual))
    );
    assert_eq!(rows[1].1.unit_price, dec("1003.80"));
    assert_eq!(
        refusals(&report),
        [
            (4, "Anzahl", "is not a number"),
            (5, "Anzahl", "is below zero, which only a credit, proration or one_off line may be (line_type)"),
            (6, "Leistungsende", "is before the first day, 2026-03-01"),
        ]
    );
    let values: Vec<_> = report.refused.iter().map(|refusal| refusal.value.as_deref().unwrap()).collect();
    assert_eq!(values, ["abc", "-2", "28.02.2026"]);
    assert_eq!(report.refused[0].client.as_ref().unwrap().name.as_deref(), Some("Hafenkontor KG"));
    assert_eq!(note_codes(&report), [(Some(7), "skipped_row")]);
    assert_eq!(report.unknown_columns, ["Gesamtpreis"]);
    assert_eq!((report.read, report.records.len()), (6, 2));

    let credits = ImportProfile { below_zero: Some(LineType::Credit), ..german() };
    let report = read_with(GERMAN, &[credits]);
    assert_eq!(billing(&report)[2].1.line_type, LineType::Credit);
}

#[test]
fn columns_are_known_by_name_in_five_languages() {
    for (header, row, kind, fields) in [
        (
            "Customer Name,Subscription Name,Qty,Unit Price,Currency,Billing Start,Billing End",
            "Contoso,M365 E3,3,36.00,USD,2026-02-01,2026-03-01",
            ProfileKind::Billing,
            vec![
                ("client", 0),
                ("product", 1),
                ("quantity", 2),
                ("unit_price", 3),
                ("currency", 4),
                ("from", 5),
                ("until", 6),
            ],
        ),
        (
            "Client;Désignation;Qté;P.U. HT;Devise;Date de début;Date de fin",
            "Société A;M365 E3;3;36,00;EUR;01/02/2026;28/02/2026",
            ProfileKind::Billing,
            vec![
                ("client", 0),
                ("product", 1),
                ("quantity", 2),
                ("unit_price", 3),
                ("currency", 4),
                ("from", 5),
                ("until", 6),
            ],
        ),
        (
            "Cliente;Descripción;Cantidad;Precio unitario;Moneda;Mes",
            "Empresa A;M365 E3;3;36,00;EUR;02/2026",
            ProfileKind::Billing,
            vec![
                ("client", 0),
                ("product", 1),
                ("quantity", 2),
                ("unit_price", 3),
                ("currency", 4),
                ("from", 5),
                ("until", 5),
            ],
        ),
        (
            "Klant;Omschrijving;Aantal;Inkoopprijs;Ingangsdatum;Einddatum;Valuta",
            "Bedrijf A;M365 E3;3;€ 36,00;01-02-2026;28-02-2026;EUR",
            ProfileKind::Cost,
            vec![
                ("client", 0),
                ("product", 1),
                ("quantity", 2),
                ("unit_cost", 3),
                ("from", 4),
                ("until", 5),
                ("currency", 6),
            ],
        ),
        (
            "Firma,Lizenz,Zugewiesen,Gesamt,Domäne",
            "Nordlicht GmbH,M365 E3,3,5,nordlicht.example",
            ProfileKind::Entitlements,
            vec![("client", 0), ("product", 1), ("assigned", 2), ("purchased", 3), ("domain", 4)],
        ),
        (
            "Artikel;Verkaufspreis;Währung;Gültig ab",
            "M365 E3;36,50;CHF;01.01.2026",
            ProfileKind::Prices,
            vec![("product", 0), ("unit_price", 1), ("currency", 2), ("from", 3)],
        ),
    ] {
        let seen = table(&format!("{header}\n{row}\n"));
        let columns: Vec<&str> = header.split([';', ',']).collect();
        let wanted: BTreeMap<&str, &str> =
            fields.into_iter().map(|(field, at)| (field, columns[at])).collect();
        let proposal = &seen.proposal;
        assert_eq!(mapped(&proposal.profile), wanted, "{header}: {proposal:#?}");
        assert_eq!(proposal.profile.kind, kind, "{header}");
    }
}

#[test]
fn values_tell_what_names_do_not() {
    let seen = table("A,B,C,D\nContoso,22.00 EUR,2026-02-01,USD\nFabrikam,7.00 EUR,2026-02-14,USD\n");
    let fields = mapped(&seen.proposal.profile);
    assert_eq!((fields.get("from"), fields.get("currency")), (Some(&"C"), Some(&"D")), "{fields:?}");
    let beside = table("Kunde;Artikel;Menge;Preis;Monat\nA;P;1;22,00 €;02/2026\n");
    let fields = mapped(&beside.proposal.profile);
    assert_eq!((fields["currency"], fields["unit_price"]), ("Preis", "Preis"));
    let mut profile = beside.proposal.profile;
    profile.name = "Shop".to_owned();
    let report =
        read_with("Kunde;Artikel;Menge;Preis;Monat\nA;P;1;22,00 €;02/2026\nA;P;1;7 $;02/2026\n", &[profile]);
    assert_eq!(billing(&report)[0].1.span, Span::new(day("2026-02-01"), day("2026-03-01")));
    assert_eq!(refusals(&report), [(3, "Preis", "is not a currency code such as USD")]);
}

#[test]
fn a_price_in_another_currency_than_its_row_is_refused() {
    let mut profile = table("Kunde;Artikel;Menge;Preis;Monat\nA;P;1;22,00 €;02/2026\n").proposal.profile;
    profile.fields.insert("currency".to_owned(), FieldSource::constant("CHF"));
    let report = read_with("Kunde;Artikel;Menge;Preis;Monat\nA;P;1;22,00 €;02/2026\n", &[profile]);
    assert_eq!(refusals(&report), [(2, "Preis", "is in EUR, but the row's currency is CHF")]);
}

#[test]
fn the_profile_that_was_made_for_a_header_is_preferred_and_of_two_equals_none() {
    let exact = german();
    let mut fewer = german();
    fewer.name = "Other ERP".to_owned();
    fewer.header.pop();
    fewer.fields.remove("term");
    assert_eq!(read_with(GERMAN, &[fewer.clone(), exact.clone()]).profiles[0].name, "Nordsee ERP");
    let longer = GERMAN
        .replace("Laufzeit\n", "Laufzeit;Notiz\n")
        .replace("lich\n", "lich;x\n")
        .replace(";;;\n", ";;;;\n");
    let report = read_with(&longer, std::slice::from_ref(&exact));
    assert_eq!(
        (report.confidence, report.unknown_columns),
        (dec("0.80"), vec!["Gesamtpreis".to_owned(), "Notiz".to_owned()])
    );
    let twin = ImportProfile { name: "Twin".to_owned(), ..exact.clone() };
    let two = read("upload", GERMAN.as_bytes(), &with(vec![exact, twin])).unwrap_err();
    assert_eq!(two.fitting(), ["Nordsee ERP", "Twin"]);
    let renamed = GERMAN.replace("Anzahl", "Stueck");
    assert_eq!(
        read("upload", renamed.as_bytes(), &with(vec![german()])).unwrap_err().code(),
        "unknown_format"
    );
}

#[test]
fn our_own_formats_win_unless_a_profile_is_named() {
    let ours =
        "client,product,quantity,unit_price,currency,from,until\nA,P,1,2.50,USD,2026-01-01,2026-01-31\n";
    let fields = ["client", "product", "quantity", "unit_price", "currency", "from", "until"];
    let fields = fields.map(|field| (field.to_owned(), FieldSource::column(field)));
    let mut profile = ImportProfile { decimal: None, fields: BTreeMap::from(fields), ..german() };
    profile.skip_rows.clear();
    assert_eq!(read_with(ours, std::slice::from_ref(&profile)).format, "leakage_billing");
    let named = ReadOptions { profile: Some(profile), ..ReadOptions::default() };
    let report = read("upload", ours.as_bytes(), &named).unwrap();
    assert_eq!(
        (report.format, billing(&report)[0].1.span),
        (PROFILE_FORMAT, Span::new(day("2026-01-01"), day("2026-02-01")))
    );
    let other = read("upload", GERMAN.as_bytes(), &named).unwrap_err();
    assert_eq!(
        (other.code(), other.to_string().contains("`quantity`")),
        ("profile_mismatch", true),
        "{other}"
    );
}

#[test]
fn nested_json_without_a_client_or_a_date_is_a_snapshot_of_whoever_is_named() {
    let seen = table(NESTED);
    let names: Vec<&str> = seen.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["company.id", "company.name", "app", "seats_used", "tags"]);
    assert_eq!(mapped(&seen.proposal.profile)["client"], "company.name");
    let mut profile = seen.proposal.profile;
    profile.kind = ProfileKind::Entitlements;
    profile.fields = BTreeMap::from([
        ("client".to_owned(), FieldSource::column("company.name")),
        ("product".to_owned(), FieldSource::column("app")),
        ("assigned".to_owned(), FieldSource::column("seats_used")),
    ]);
    profile.until_is = None;
    let report = read_with(NESTED, std::slice::from_ref(&profile));
    let rows = entitlements(&report);
    assert_eq!((rows[1].1.client.name.as_deref(), rows[1].1.assigned), (Some("Fabrikam"), Some(dec("3"))));
    assert_eq!((report.snapshot, rows[0].1.held), (true, Held::Snapshot { on: None }));
    profile.fields.remove("client");
    let report = read_with(NESTED, &[profile]);
    assert_eq!(
        (report.names_client, report.needs_input[0].question.as_str(), report.records.len()),
        (false, "client", 2)
    );
}

#[test]
fn dates_that_could_be_either_are_asked_about() {
    let text = "Kunde;Artikel;Menge;Preis;Von;Bis\nA;P;1;2,50;01.02.2026;03.04.2026\n";
    let mut profile = table(text).proposal.profile;
    assert_eq!(profile.date_order, None);
    profile.fields.insert("currency".to_owned(), FieldSource::constant("EUR"));
    let mut options = with(vec![profile]);
    let asking = read("upload", text.as_bytes(), &options).unwrap();
    assert_eq!(
        (asking.needs_input[0].question.as_str(), asking.records.len(), asking.read),
        ("date_order", 0, 1)
    );
    options.date_order = Some(DateOrder::Mdy);
    let report = read("upload", text.as_bytes(), &options).unwrap();
    assert_eq!(billing(&report)[0].1.span, Span::new(day("2026-01-02"), day("2026-03-05")));
}

#[test]
fn words_of_the_files_own_are_translated_by_the_profile() {
    let text =
        "Kunde;Artikel;Menge;Preis;Von;Bindung\nA;P;1;2,50;2026-02-01;Kurz\nA;P;1;2,50;2026-02-01;Lang\n";
    let mut profile = table(text).proposal.profile;
    profile.fields.insert("currency".to_owned(), FieldSource::constant("EUR"));
    let mut term = FieldSource::column("Bindung");
    profile.fields.insert("term".to_owned(), term.clone());
    let seen = table(text).columns;
    let fault = &profile.check_against(&seen, true)[0];
    assert_eq!(fault.pointer, "/fields/term/column");
    assert!(fault.reason.contains("`Kurz`") && fault.reason.contains("`values`"), "{fault}");
    term.values =
        BTreeMap::from([("kurz".to_owned(), "monthly".to_owned()), ("Lang".to_owned(), "annual".to_owned())]);
    profile.fields.insert("term".to_owned(), term);
    assert_eq!(profile.check_against(&seen, true), []);
    let report = read_with(text, &[profile]);
    let terms: Vec<_> = billing(&report).iter().map(|(_, row)| row.term).collect();
    assert_eq!(terms, [Some(Term::Monthly), Some(Term::Annual)]);
}

/// Rows of a sheet, cells between semicolons, all of them texts.
fn sheet_rows(rows: &[&str]) -> String {
    let cell = |text: &str| format!(r#"<c t="inlineStr"><is><t>{text}</t></is></c>"#);
    let cells = |row: &str| row.split(';').map(cell).collect::<Vec<_>>().concat();
    let row = |row: &&str| format!("<row>{}</row>", cells(row));
    rows.iter().map(row).collect::<Vec<_>>().concat()
}

#[test]
fn sheets_are_read_with_a_profile_each_and_others_are_told() {
    let orders = sheet_rows(&["Kunde;Artikel;Menge;Preis;Von", "Nordlicht;P;1;2.5;2026-02-01"]);
    let seats = sheet_rows(&["Firma;Lizenz;Zugewiesen", "Nordlicht;P;3"]);
    let title = sheet_rows(&["Auswertung", "Stand März"]);
    let book = workbook(&[("Titel", &title), ("Rechnung", &orders), ("Bestand", &seats)]);
    let unknown = read("a.xlsx", &book, &ReadOptions::default()).unwrap_err();
    let sheets: Vec<_> = unknown.tables().iter().map(|table| table.sheet.as_deref().unwrap()).collect();
    assert_eq!(sheets, ["Rechnung", "Bestand"], "{unknown}");
    let mut profiles: Vec<ImportProfile> =
        unknown.tables().iter().map(|table| table.proposal.profile.clone()).collect();
    profiles[0].name = "Rechnung".to_owned();
    profiles[1].name = "Bestand".to_owned();
    profiles[0].fields.insert("currency".to_owned(), FieldSource::constant("EUR"));
    let report = read("a.xlsx", &book, &with(profiles)).unwrap();
    assert_eq!((report.refused_total, report.records.len()), (0, 2), "{report:#?}");
    assert_eq!(
        (report.source().as_str(), report.format),
        ("profile_bestand+profile_rechnung", PROFILE_FORMAT)
    );
    assert_eq!(note_codes(&report), [(None, "unread_sheet")]);
}

#[test]
fn what_is_wrong_with_a_profile_is_told_with_its_place() {
    let mut profile = german();
    profile.fields.remove("quantity");
    profile.fields.insert("colour".to_owned(), FieldSource::column("Farbe"));
    profile.fields.insert("currency".to_owned(), FieldSource::constant("Euros"));
    profile.fields.insert("cycle".to_owned(), FieldSource::constant("sometimes"));
    profile.fields.insert(
        "term".to_owned(),
        FieldSource { constant: Some("annual".into()), ..FieldSource::column("x") },
    );
    profile.until_is = None;
    profile.version = 2;
    let faults = profile.check();
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    for wanted in [
        "/version",
        "/fields/quantity",
        "/fields/colour",
        "/fields/currency/constant",
        "/fields/cycle/constant",
        "/fields/term",
        "/until_is",
    ] {
        assert!(pointers.contains(&wanted), "{wanted}: {faults:?}");
    }
}

#[test]
fn a_mapping_that_cannot_be_this_files_is_told_before_it_is_read() {
    let seen = table(GERMAN).columns;
    assert_eq!(german().check_against(&seen, true), []);
    let mut profile = german();
    profile.fields.insert("quantity".to_owned(), FieldSource::column("Artikelbezeichnung"));
    profile.fields.insert("unit_price".to_owned(), FieldSource::column("Einzelpreis nettto"));
    profile.fields.insert("from".to_owned(), FieldSource::column("Kundenname"));
    let faults: Vec<String> = profile.check_against(&seen, true).iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "/fields/from/column: the column `Kundenname` holds values such as `Nordlicht GmbH`, which is no date",
            "/fields/quantity/column: the column `Artikelbezeichnung` holds values such as `Microsoft 365 Business Premium`, which is no number",
            "/fields/unit_price/column: the file has no column `Einzelpreis nettto`; do you mean `Einzelpreis netto`?",
        ]
    );
}

#[test]
fn garbage_is_no_table_to_be_mapped() {
    for text in [
        "colour,size\nred,4\n",
        "Dear all, please find attached\nthe list, of, what we owe, this month\nand, so on\n",
        "one\n1\n",
    ] {
        assert_eq!(error(text).tables(), [], "{text}");
    }
    let bare = "Kunde;Artikel;Menge;Preis;Von\n";
    assert_eq!(error(bare).code(), "no_rows");
}

#[test]
fn inspecting_an_unknown_file_proposes_what_can_be_saved() {
    let outcome = read("upload", GERMAN.as_bytes(), &ReadOptions::default());
    let document = inspect_document("rechnung.csv", &outcome, false);
    assert_eq!(document["error"]["code"], "unknown_format");
    assert_eq!(document["columns"][4]["name"], "Anzahl");
    let saved: ImportProfile = serde_json::from_value(document["proposed_profile"].clone()).unwrap();
    assert_eq!(saved.fields["quantity"].column.as_deref(), Some("Anzahl"));
    assert_eq!(document["proposal"]["missing"][0], "currency");
    let report = inspect_document("rechnung.csv", &Ok(read_with(GERMAN, &[german()])), false);
    assert_eq!(
        (&report["format"], &report["profiles"][0]["name"]),
        (&"profile".into(), &"Nordsee ERP".into())
    );
}

proptest::proptest! {
    #[test]
    fn proposals_never_panic(text in "[A-Za-zé€$ ,;.\"0-9/\n-]{0,200}") {
        let _ = read("upload", text.as_bytes(), &ReadOptions::default());
    }
}
