use super::*;
use crate::records::ProvisioningAction::{Assigned, Changed, Removed};

const AUDITS: &str = include_str!("../../../fixtures/microsoft_graph/directory_audits.json");
const RECORDS: &str = include_str!("../../../fixtures/microsoft_unified_audit_log/records.json");
const EXPORT: &str = include_str!("../../../fixtures/microsoft_unified_audit_log/export.csv");

/// Line, user (as far as the at sign), action, part number, automatic.
fn told(report: &FileReport) -> Vec<(u32, String, crate::records::ProvisioningAction, String, bool)> {
    let part = |event: &ProvisioningEvent| event.product.as_ref()?.part_number.clone();
    let user = |event: &ProvisioningEvent| event.user.as_ref()?.split('@').next().map(str::to_owned);
    events(report)
        .iter()
        .map(|(line, event)| {
            (
                *line,
                user(event).unwrap_or_default(),
                event.action,
                part(event).unwrap_or_default(),
                event.automatic,
            )
        })
        .collect()
}

fn row(
    line: u32,
    user: &str,
    action: crate::records::ProvisioningAction,
    part: &str,
    automatic: bool,
) -> (u32, String, crate::records::ProvisioningAction, String, bool) {
    (line, user.to_owned(), action, part.to_owned(), automatic)
}

#[test]
fn a_change_is_the_difference_of_two_lists_and_counts_once() {
    let report = report(AUDITS);
    assert_eq!(
        (report.format, report.read, report.refused_total),
        ("microsoft_graph_directory_audits", 8, 0)
    );
    assert_eq!((report.names_client, report.snapshot), (false, false));
    assert_eq!(report.unknown_columns, Vec::<String>::new());
    assert_eq!(
        told(&report),
        [
            row(2, "anna", Assigned, "SPB", false),
            row(3, "bert", Removed, "SPB", true),
            row(4, "cleo", Changed, "", false),
            row(5, "dora", Assigned, "EMS", false),
        ],
        "the first entry is told by the second, the fifth and sixth are one text"
    );
    assert_eq!(note_codes(&report), [(None, "not_about_licences"), (None, "failed_operation")]);
    let (_, first) = events(&report)[0];
    assert_eq!(first.at.to_rfc3339(), "2026-04-02T08:15:30.223456700+00:00");
    assert_eq!(first.actor.as_deref(), Some("admin@wideworld.example"));
    assert_eq!(first.event.as_deref(), Some("Directory_2"));
    assert_eq!(first.product.as_ref().unwrap().sku.as_deref(), Some("cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"));
    assert_eq!(events(&report)[1].1.actor.as_deref(), Some("Microsoft Azure AD Group-Based Licensing"));
}

#[test]
fn a_change_and_its_update_are_joined_however_they_name_the_user() {
    let entry = |operation: &str, second: u32, user: &str, correlation: &str, lists: &str| {
        format!(
            r#"{{"activityDisplayName":"{operation}","activityDateTime":"2026-04-02T08:00:{second:02}Z",{correlation}"targetResources":[{{"type":"User",{user},"modifiedProperties":[{lists}]}}]}}"#
        )
    };
    let lists =
        r#"{"displayName":"AssignedLicense","oldValue":"[]","newValue":"[\"[SkuName=SPB, SkuId=a]\"]"}"#;
    let (name, id, both) = (
        r#""userPrincipalName":"A@x.example""#,
        r#""id":"1""#,
        r#""id":"1","userPrincipalName":"a@x.example""#,
    );
    let (one, two, none) = (r#""correlationId":"1","#, r#""correlationId":"2","#, "");
    for (change, update, seconds, entries) in [
        ((name, one), (both, one), 40, 1),
        ((id, one), (both, one), 40, 1),
        ((id, none), (both, one), 4, 1),
        ((id, one), (both, none), 4, 1),
        ((id, none), (both, one), 40, 2),
        ((id, two), (both, one), 0, 2),
        ((r#""id":"2""#, one), (both, one), 0, 2),
    ] {
        let first = entry("Change user license", 0, change.0, change.1, "");
        let second = entry("Update user", seconds, update.0, update.1, lists);
        let report = report(&format!("[{first},{second}]"));
        assert_eq!(events(&report).len(), entries, "{change:?} {update:?} {seconds}");
    }
    let change = entry("Change user license", 0, both, one, lists);
    let told = told(&report(&format!("[{change},{}]", entry("Update user", 1, both, one, lists))));
    assert_eq!(told, [row(2, "a", Assigned, "SPB", false)], "both carry the lists");
}

#[test]
fn pieces_that_are_not_all_there_say_that_something_changed() {
    let lacking = report(
        &AUDITS.replace("\"seq\",\n          \"value\": \"1\"", "\"seq\",\n          \"value\": \"3\""),
    );
    assert!(told(&lacking).contains(&row(5, "dora", Changed, "", false)), "{:?}", told(&lacking));
    assert!(note_codes(&lacking).contains(&(Some(5), "incomplete_entry")));
}

#[test]
fn the_unified_log_is_read_as_records_as_export_and_as_rows() {
    let records = report(RECORDS);
    assert_eq!(
        (records.format, records.read, records.names_client),
        ("microsoft_unified_audit_log", 4, true)
    );
    assert_eq!(
        told(&records),
        [
            row(2, "anna", Assigned, "SPE_E3", false),
            row(2, "anna", Assigned, "SPB", false),
            row(4, "bert", Removed, "SPE_E3", true),
        ]
    );
    let (_, first) = events(&records)[0];
    assert_eq!(first.at.to_rfc3339(), "2026-05-18T21:42:25+00:00", "without an offset it is UTC");
    assert_eq!(first.client.id.as_deref(), Some("aaaa0000-1111-4222-8333-444455556666"));
    assert_eq!(note_codes(&records), [(None, "not_about_licences")]);

    let export = report(EXPORT);
    assert_eq!((export.format, export.unknown_columns.len()), ("microsoft_unified_audit_log", 0));
    let bare =
        |report: &FileReport| events(report).into_iter().map(|(_, event)| event.clone()).collect::<Vec<_>>();
    assert_eq!(bare(&export), bare(&records));

    let rows: Vec<String> = RECORDS
        .lines()
        .map(|record| {
            let text = serde_json::to_string(record).unwrap();
            format!(
                r#"{{"RecordType":"AzureActiveDirectory","UserIds":"x","AuditData":{text},"ResultIndex":1}}"#
            )
        })
        .collect();
    assert_eq!(bare(&report(&format!("[{}]", rows.join(",")))), bare(&records));
    let nested: Vec<String> = RECORDS
        .lines()
        .map(|record| format!(r#"{{"id":"x","operation":"y","auditData":{record}}}"#))
        .collect();
    assert_eq!(bare(&report(&format!("{{\"value\":[{}]}}", nested.join(",")))), bare(&records));
}

#[test]
fn an_entry_in_two_files_counts_once_and_a_cut_cell_is_refused() {
    let twice = report(&format!("{RECORDS}{RECORDS}"));
    assert_eq!(told(&twice), told(&report(RECORDS)));
    let cut =
        report("CreationDate,UserIds,Operations,AuditData\n2026-05-18,x,Update user.,\"{\"\"Id\"\":\"\n");
    assert_eq!(cut.refused[0].column.as_deref(), Some("AuditData"));
}

#[test]
fn a_list_that_cannot_be_read_is_refused_and_one_that_stays_the_same_gives_no_seat() {
    let odd = report(&RECORDS.replace("\"OldValue\": \"[]\"", "\"OldValue\": \"SPB\""));
    assert_eq!(refusals(&odd), [(2, "oldValue", "is not a list of licences")]);
    let entry = |old: &str| {
        format!(
            r#"[{{"activityDisplayName":"Update user","activityDateTime":"2026-04-02T08:00:00Z","targetResources":[{{"Type":"User","userPrincipalName":"a@x.example","modifiedProperties":[{{"displayName":"AssignedLicense","oldValue":{old},"newValue":"[\"[SkuName=SPB, SkuId=a, DisabledPlans=[b]]\"]"}}]}}]}}]"#
        )
    };
    let same = report(&entry(r#""[\"[SkuName=SPB, SkuId=A, DisabledPlans=[]]\"]""#));
    assert_eq!((same.records.len(), note_codes(&same)), (0, vec![(Some(1), "same_licences")]));
    assert_eq!(told(&report(&entry("null"))), [row(1, "a", Assigned, "SPB", false)]);
}
