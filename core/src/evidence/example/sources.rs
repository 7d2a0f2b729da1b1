//! Where the example's numbers come from, and what was written.

use super::super::BundleError;
use super::super::facts::{
    Attachment, Captured, GapFacts, InputFile, LetterSent, Reply, SourceFile, SourceRow,
};
use super::super::letters;
use super::{CLIENT, at, day, id, input, product};
use crate::audit::RowRole;
use crate::digest;
use crate::id::ImportId;
use crate::records::{Activity, ClientRef, ProductRef, ProvisioningAction, ProvisioningEvent};
use std::sync::Arc;

fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}

pub(super) fn billing_rows(gaps: &[GapFacts], rows: u32) -> SourceFile {
    let InputFile { import, file, sha256, .. } = input(4, "billing.csv");
    let row = |number: u32| {
        let gap = gaps.get(number as usize % gaps.len().max(1));
        let (line, product) = gap.map_or((1, ""), |of| (of.line, of.gap.product.as_str()));
        let cells =
            texts([CLIENT, product, "20", "22.00", "USD", "2026-02-01", "=HYPERLINK(\"x\")", "-3.87"]);
        SourceRow { line: number + 2, lines: vec![line], role: RowRole::Billed, cells }
    };
    SourceFile {
        import,
        file,
        sha256,
        sheet: None,
        columns: texts([
            "client",
            "product",
            "quantity",
            "unit_price",
            "currency",
            "from",
            "remark",
            "credit",
        ]),
        rows: (0..rows.div_ceil(2)).map(row).collect(),
    }
}

fn user(number: u32) -> String {
    format!("user{number}@contoso.test")
}

pub(super) fn user_rows(rows: u32) -> SourceFile {
    let InputFile { import, file, sha256, .. } = input(5, "users.csv");
    let row = |number: u32| {
        let name = format!("Person{number} Surname{number}");
        let cells = texts([&name, &user(number), "SPB", "2026-02-10", "Legal"]);
        SourceRow { line: number + 2, lines: vec![1], role: RowRole::Counted, cells }
    };
    SourceFile {
        import,
        file,
        sha256,
        sheet: Some("Users".to_owned()),
        columns: texts(["Display name", "User principal name", "Licenses", "Assigned on", "Department"]),
        rows: (0..rows / 2).map(row).collect(),
    }
}

fn premium() -> ProductRef {
    ProductRef { name: Some(product(1)), part_number: Some("SPB".to_owned()), ..ProductRef::default() }
}

pub(super) fn provisioning(rows: u32) -> Vec<Captured<ProvisioningEvent>> {
    let client = Arc::new(ClientRef { name: Some(CLIENT.to_owned()), ..ClientRef::default() });
    let event = |number: u32| Captured::Kept {
        record: ProvisioningEvent {
            client: Arc::clone(&client),
            event: Some(format!("event-{number}")),
            at: at(i64::from(number) - 400_000),
            action: ProvisioningAction::Assigned,
            user: Some(user(number)),
            product: Some(premium()),
            actor: Some("admin@contoso.test".to_owned()),
            automatic: false,
        },
        import: ImportId::new(id(5)),
        line: number + 2,
        captured_at: at(0),
    };
    (0..rows.div_ceil(10)).map(event).collect()
}

pub(super) fn activity(rows: u32) -> Vec<Captured<Activity>> {
    let client = Arc::new(ClientRef { name: Some(CLIENT.to_owned()), ..ClientRef::default() });
    let user = |number: u32| Captured::Kept {
        record: Activity {
            client: Arc::clone(&client),
            user: user(number),
            product: Some(premium()),
            last_active: Some(day(number % 240)),
            as_of: Some(day(242)),
            blocked: false,
            deleted: false,
            guest: false,
            concealed: false,
            assigned_by: None,
            assigned_on: None,
            department: Some("Legal".to_owned()),
            licence_group: None,
        },
        import: ImportId::new(id(5)),
        line: number + 2,
        captured_at: at(0),
    };
    (0..rows.div_ceil(10)).map(user).collect()
}

pub(super) fn letter() -> Result<LetterSent, BundleError> {
    let (subject, text) = ("Seats of Microsoft 365", "Dear Casey Client,\n\ntwo seats were not billed.\n");
    let html = "<!doctype html>\n<p>Dear Casey Client,</p>\n<p>two seats were not billed.</p>\n";
    Ok(LetterSent {
        number: 1,
        kind: "first_notice".to_owned(),
        subject: subject.to_owned(),
        text: text.to_owned(),
        html: html.to_owned(),
        sha256: letters::digest_of(subject, text, html)?,
        recipients: texts(["casey@contoso.test"]),
        sent_at: Some(at(2)),
        erased_at: None,
    })
}

pub(super) fn reply() -> Reply {
    let bytes = b"We did not authorise those seats. Casey Client".to_vec();
    Reply {
        number: 1,
        kind: "dispute".to_owned(),
        by: "Casey Client, CFO".to_owned(),
        channel: "mail".to_owned(),
        at: at(3),
        text: Some("We did not authorise those seats.".to_owned()),
        authenticated: true,
        attachments: vec![Attachment {
            name: "Our letter.txt".to_owned(),
            media_type: "text/plain".to_owned(),
            sha256: digest::of_bytes(&bytes),
            bytes: Some(bytes),
        }],
    }
}
