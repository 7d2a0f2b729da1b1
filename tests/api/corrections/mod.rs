//! Corrections through HTTP: the worked examples step by step, every kind of refusal, many at once, and what
//! the database itself refuses.

mod approvals;
mod billing;
mod bulk;
mod conversation;
mod database;
mod entities;
mod examples;
mod proof;
mod refusals;

pub(crate) use database::{denied, refused};

use leakage_tests::{Caller, Org, TestApp, send};
use serde_json::{Value, json};

pub(crate) const PREMIUM: &str = "Microsoft 365 Business Premium";

/// Billing rows of our template, one a month of 2026, from one month up to another, included.
pub(crate) fn billed(
    quantity: u32,
    price: &str,
    currency: &str,
    months: std::ops::RangeInclusive<u32>,
) -> String {
    let header = "client,product,quantity,unit_price,currency,from,until\n".to_owned();
    let rows = months.map(|month| {
        let next = if month == 12 { "2027-01".to_owned() } else { format!("2026-{:02}", month + 1) };
        format!("Contoso,{PREMIUM},{quantity},{price},{currency},2026-{month:02}-01,{next}-01\n")
    });
    std::iter::once(header).chain(rows).collect()
}

/// An organization whose client Contoso has `provisioned` seats, with so many billed in some months at 22.00.
pub(crate) async fn audited(
    app: &TestApp,
    provisioned: u32,
    quantity: u32,
    months: std::ops::RangeInclusive<u32>,
) -> (Org<'_>, String) {
    let first = *months.start();
    let entitlements =
        format!("client,product,purchased,from\nContoso,{PREMIUM},{provisioned},2026-{first:02}-01\n");
    let last = *months.end();
    let org = app.audited_org(&entitlements, &billed(quantity, "22.00", "USD", months)).await;
    let document =
        org.audit(json!({"from": format!("2026-{first:02}"), "to": format!("2026-{last:02}")})).await;
    let gap = document["gaps"][0]["id"].as_str().unwrap_or_else(|| panic!("{document:#}")).to_owned();
    (org, gap)
}

/// Someone who works on one correction, and knows its last version.
pub(crate) struct Desk {
    pub(crate) id: String,
    pub(crate) version: i64,
}

impl Desk {
    /// Opens a correction of gaps.
    pub(crate) async fn open(caller: &Caller, gaps: &[&str]) -> (Self, Value) {
        let (status, correction) = send(caller.post("/v1/corrections").json(&json!({ "gaps": gaps }))).await;
        assert_eq!(status, 201, "{correction:#}");
        let id = correction["id"].as_str().unwrap().to_owned();
        (Self { id, version: correction["version"].as_i64().unwrap() }, correction)
    }

    /// Sends a command, with the version that was read last.
    pub(crate) async fn ask(&self, caller: &Caller, command: &str, body: Value) -> (u16, Value) {
        let path = format!("/v1/corrections/{}/{command}", self.id);
        let tag = format!("\"v{}\"", self.version);
        send(caller.post(&path).header("If-Match", tag).json(&body)).await
    }

    /// Sends a command that must succeed; answers the correction as it then is.
    pub(crate) async fn ok(&mut self, caller: &Caller, command: &str, body: Value) -> Value {
        let (status, answer) = self.ask(caller, command, body).await;
        assert_eq!(status, 200, "{command}: {answer:#}");
        self.version = answer["version"].as_i64().unwrap();
        answer
    }

    /// Sends a command that must be refused; answers the codes of all that is missing, the weightiest first.
    pub(crate) async fn refused(&self, caller: &Caller, command: &str, body: Value) -> (u16, Vec<String>) {
        let (status, problem) = self.ask(caller, command, body).await;
        assert!(status >= 400, "{command} was not refused: {problem:#}");
        assert_eq!(problem["type"], format!("/docs/errors#{}", problem["code"].as_str().unwrap()));
        let codes = problem["errors"].as_array().into_iter().flatten();
        let mut codes: Vec<String> =
            codes.filter_map(|fault| fault["code"].as_str()).map(str::to_owned).collect();
        if codes.is_empty() {
            codes.push(problem["code"].as_str().unwrap().to_owned());
        }
        assert_eq!(problem["code"], codes[0].as_str(), "{problem:#}");
        (status, codes)
    }

    /// Attaches what the client wrote.
    pub(crate) async fn attach(&mut self, caller: &Caller, query: &str, file: &str) -> (u16, Value) {
        let path = format!(
            "/v1/corrections/{}/confirmations?said_by=Casey%20Client&said_at=2026-11-22T09:00:00Z&{query}",
            self.id
        );
        let tag = format!("\"v{}\"", self.version);
        let answer = send(caller.post(&path).header("If-Match", tag).body(file.to_owned())).await;
        if answer.0 == 200 {
            self.version = answer.1["version"].as_i64().unwrap();
        }
        answer
    }

    /// Reads the correction, or what hangs on it.
    pub(crate) async fn read(&mut self, caller: &Caller, what: &str) -> Value {
        let (status, value) = send(caller.get(&format!("/v1/corrections/{}{what}", self.id))).await;
        assert_eq!(status, 200, "{what}: {value:#}");
        if what.is_empty() {
            self.version = value["version"].as_i64().unwrap();
        }
        value
    }
}

pub(crate) fn said() -> Value {
    json!({"by": "Casey Client", "channel": "email", "at": "2026-11-22T09:00:00Z"})
}

/// A message that lacks nothing, for so many seats on the invoice of 1 December.
pub(crate) fn message(seats: u32) -> Value {
    json!({
        "message": {
            "context": "We found seats that were provisioned and not billed.",
            "data": "February to September 2026, month by month.",
            "going_forward": format!("From 1 December on we bill {seats} seats."),
        },
        "going_forward": {"invoice_on": "2026-12-01", "lines": [{"line": 1, "seats": seats}]},
        "gaps_confirmed": true,
    })
}

/// A figure of a balance: seat-months and money.
pub(crate) fn share<'a>(balance: &'a Value, bucket: &str) -> (&'a str, &'a str) {
    let share = &balance[bucket];
    (share["seat_months"].as_str().unwrap(), share["amount"]["amount"].as_str().unwrap())
}
