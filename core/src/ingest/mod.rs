//! Files to canonical records: what a file is, and what its rows say.
//!
//! [`read_source`] reads one file, hands its records over while it reads, and answers with a [`FileReport`]
//! or with the reason why the file as a whole cannot be read; [`read`] does the same with bytes in memory
//! and puts the records into the report. A file is known by its columns or keys, never by its name. Rows that
//! cannot be read are listed with line, column, value and rule, and reading goes on; whether an import
//! with refused rows is taken at all is for the caller to decide. Nothing is guessed: where a file can
//! be read in two ways (day and month, whose file it is), the report asks.
//!
//! A format is one file in this folder and one line in [`FORMATS`]. Shared by all: [`survey`] and
//! [`encoding`] (containers, encodings), [`blocks`], [`rows`] and [`parallel`] (delimited text), [`items`]
//! and [`json`], [`sheet`], [`table`] (rows of cells of them all), [`layout`] (columns), [`number`] and
//! [`date`] (spellings). Shared by Microsoft's: [`graph_json`] (answers), [`usage_report`], [`user_words`],
//! [`license_changes`] (logs). Knows nothing of matching (but for how a stock code is spelled), prices or
//! gaps.

mod autotask_billing_items;
mod autotask_contract_services;
mod autotask_names;
mod batch;
mod blocks;
mod charge_words;
mod connectwise_addition_list;
mod connectwise_agreement_list;
mod connectwise_agreements;
mod crayon_usage_cost;
mod date;
mod datto_rmm_sites;
mod day_order;
mod dicker_data;
mod duo_accounts;
mod encoding;
mod english_dates;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod google_reseller_subscriptions;
mod google_workspace_license_assignments;
mod google_workspace_products;
mod graph_json;
mod halopsa_invoices;
mod halopsa_licences;
mod halopsa_line;
mod halopsa_recurring_invoices;
mod huntress_organizations;
mod inspect;
mod invoice_period;
mod items;
mod json;
mod layout;
mod license_changes;
mod limits;
mod magic;
mod members;
mod microsoft_admin_center_active_users;
mod microsoft_admin_center_licenses;
mod microsoft_graph_directory_audits;
mod microsoft_graph_directory_subscriptions;
mod microsoft_graph_email_activity_user_detail;
mod microsoft_graph_license_details;
mod microsoft_graph_m365_app_user_detail;
mod microsoft_graph_office365_active_user_detail;
mod microsoft_graph_organization;
mod microsoft_graph_subscribed_skus;
mod microsoft_graph_users;
mod microsoft_graph_workload_user_detail;
mod microsoft_partner_center_customers;
mod microsoft_partner_center_daily_usage;
mod microsoft_partner_center_invoices;
mod microsoft_partner_center_legacy_licenses;
mod microsoft_partner_center_legacy_usage;
mod microsoft_partner_center_license_deployment;
mod microsoft_partner_center_new_commerce;
mod microsoft_partner_center_price_sheet;
mod microsoft_partner_center_service_costs;
mod microsoft_partner_center_subscribed_skus;
mod microsoft_partner_center_subscriptions;
mod microsoft_partner_center_without_amounts;
mod microsoft_product_names;
mod microsoft_unified_audit_log;
mod msp_hub_partner_invoice;
mod number;
mod parallel;
mod partner_center_items;
mod pax8_invoice_items;
mod pax8_invoices;
mod pax8_subscriptions;
mod pax8_terms;
mod profile;
mod quickbooks_invoice_import;
mod quickbooks_invoices;
mod reader;
mod repeats;
mod rows;
mod seen_lines;
mod sentinelone_sites;
mod shared;
mod sheet;
mod sheet_lines;
mod sherweb_payable_charges;
mod sink;
mod source;
mod superops_client_contracts;
mod survey;
mod syncro_schedules;
mod table;
mod table_answers;
mod td_synnex_streamone_subscriptions;
mod template;
mod unpack;
mod usage_report;
mod user_words;
mod vendor_item;
mod xarios_charges;
mod xero_invoice_export;
mod xero_invoice_import;
mod xero_invoices;
mod xero_line;
mod xero_repeating_invoices;

pub use error::FileError;
pub use inspect::{inspect_document, record_json, unknown_json};
pub use limits::Limits;
pub use profile::{
    DecimalSign, FieldSource, ImportProfile, PROFILE_SOURCE, PROFILE_VERSION, ProfileFault, ProfileKind,
    Proposal, ProposedField, ProposedKind, SeenColumn, SeenTable, SkipRows, UntilIs, UsedProfile,
    profile_source,
};
pub use reader::{read, read_source};
pub use sheet_lines::{EachSheetEvent, SheetEvent, SheetReader, read_sheets, write_sheets};
pub use source::{Progress, ReadSeek, Source, Stage, Taker};

use crate::money::Currency;
use crate::period::Span;
use crate::records::{ClientRef, Side, Sourced};
use reader::Shape;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Order of day and month in dates such as `03/09/2026`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
}

impl FromStr for DateOrder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "dmy" => Ok(Self::Dmy),
            "mdy" => Ok(Self::Mdy),
            _ => Err(format!("`{text}` is not a date order; it is `dmy` or `mdy`")),
        }
    }
}

impl fmt::Display for DateOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Dmy { "dmy" } else { "mdy" })
    }
}

/// When an invoice without a service period charges its months: accounting systems give a date only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InvoiceTiming {
    /// The month of the invoice date and on: billed in advance.
    Advance,
    /// The month before the invoice date: billed in arrears.
    Arrears,
}

impl FromStr for InvoiceTiming {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "advance" => Ok(Self::Advance),
            "arrears" => Ok(Self::Arrears),
            _ => Err(format!("`{text}` is not an invoice timing; it is `advance` or `arrears`")),
        }
    }
}

/// What the caller knows that the file may not say: answers to a report's questions.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Answer to the question `date_order`. It is taken before anything that the file shows.
    pub date_order: Option<DateOrder>,
    /// Answer to the question `currency`: of prices in a file that names none.
    pub currency: Option<Currency>,
    /// Answer to the question `invoice_timing`.
    pub invoice_timing: Option<InvoiceTiming>,
    /// Import profiles that are tried, in no order, on what no format of ours fits.
    pub profiles: Vec<ImportProfile>,
    /// The profile to read with, whatever else fits: the answer to the question `profile`.
    pub profile: Option<ImportProfile>,
    /// Caps on hostile files.
    pub limits: Limits,
    /// Threads that read rows. 0 and 1: the caller's own and no other. The outcome is the same with any
    /// number.
    pub threads: usize,
    /// Reads workbooks, such as a process of its own; none: they are read here.
    pub sheets: Option<Arc<dyn SheetReader>>,
}

/// What was found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// Name of the format, lower snake case, vendor first; [`PROFILE_FORMAT`] for import profiles.
    pub format: &'static str,
    /// The import profiles that it was read with.
    pub profiles: Vec<UsedProfile>,
    /// The sides that its records stand on; none for prices, rules and mappings.
    pub sides: Vec<Side>,
    /// From 0.00 to 1.00.
    pub confidence: Decimal,
    /// Why it is taken for this format.
    pub reasons: Vec<String>,
    /// Such as `utf-8`, `windows-1252`; several joined with `+`.
    pub encoding: String,
    /// `csv`, `json`, `xlsx`, `csv.gz`, `json.gz`, or `zip`.
    pub container: String,
    /// Rows (items) read, refused ones included, blank ones not.
    pub read: u64,
    /// The first refused rows, at most [`Limits::listed`].
    pub refused: Vec<Refusal>,
    /// All refused rows.
    pub refused_total: u64,
    /// Columns that the format does not know, as written.
    pub unknown_columns: Vec<String>,
    /// What must be answered before the records can be used. An unanswered question other than `client`
    /// leaves [`FileReport::records`] empty. `client` is asked by every file that names no client
    /// (see [`FileReport::names_client`]) and answered by naming one on the import.
    pub needs_input: Vec<Question>,
    /// Rows that were read and flagged, the first [`Limits::listed`].
    pub notes: Vec<Note>,
    /// All flagged rows.
    pub notes_total: u64,
    /// False when the uploader must say whose file it is.
    pub names_client: bool,
    /// The rows are a snapshot that states no day.
    pub snapshot: bool,
    /// Days that the file itself says it covers.
    pub stated_span: Option<Span>,
    /// The canonical rows, in the order of the file; none after [`read_source`], which hands them over.
    pub records: Vec<Sourced>,
}

impl FileReport {
    /// The source that the file belongs to, as audits order sources: the format, or the import profile.
    pub fn source(&self) -> String {
        let mut names: Vec<&str> = self.profiles.iter().map(|used| used.source.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() { self.format.to_owned() } else { names.join("+") }
    }
}

/// A row that was not read, and the rule that it broke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Sheet of a workbook or member of an archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Line of the file, as [`Sourced::line`].
    pub line: u32,
    /// Column as the file writes it; none when the row as a whole is wrong.
    pub column: Option<String>,
    /// The cell, cut to 200 characters; none when it is empty.
    pub value: Option<String>,
    /// The rule.
    pub reason: String,
    /// The row's client, if it could be read: its comparison is not safe without the row.
    #[serde(skip)]
    pub client: Option<ClientRef>,
}

/// Something that only the user knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// `date_order`, `currency`, `invoice_timing`, `client`, or `profile` (of a file of no known format).
    pub question: String,
    /// The answers to choose from; none when it is free.
    pub choices: Vec<String>,
}

/// Something about a row that was read, which a person should see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Its line, if it is about one.
    pub line: Option<u32>,
    /// Stable, lower snake case: `unknown_charge_type`, `duplicate_line`, `unread_sheet`, ...
    pub code: &'static str,
    /// For people.
    pub text: String,
}

/// How sure a format is that a file is its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detection {
    /// From 0.00 to 1.00.
    pub confidence: Decimal,
    /// What shows it.
    pub reasons: Vec<String>,
}

/// A format's answer to a table.
enum Fit {
    Yes(Detection),
    /// It is this format's, but lacks columns.
    Near {
        missing: Vec<String>,
        shared: usize,
    },
    /// Not this format's; so many of the needed columns are there all the same.
    No {
        shared: usize,
    },
}

/// A readable format.
pub struct Format {
    /// Lower snake case, vendor first.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// The sides that its records stand on.
    pub sides: &'static [Side],
    detect: fn(&Shape<'_>) -> Fit,
    read: fn(&[&Shape<'_>], &ReadOptions, &mut sink::Sink<'_>) -> Result<(), FileError>,
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Format").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Every format that is read. A new one is its own file and a line here.
pub const FORMATS: &[Format] = &[
    microsoft_graph_subscribed_skus::FORMAT,
    microsoft_graph_directory_subscriptions::FORMAT,
    microsoft_graph_users::FORMAT,
    microsoft_graph_license_details::FORMAT,
    microsoft_graph_organization::FORMAT,
    microsoft_graph_office365_active_user_detail::FORMAT,
    microsoft_graph_m365_app_user_detail::FORMAT,
    microsoft_graph_email_activity_user_detail::FORMAT,
    microsoft_graph_workload_user_detail::FORMAT,
    microsoft_graph_directory_audits::FORMAT,
    microsoft_unified_audit_log::FORMAT,
    microsoft_product_names::FORMAT,
    microsoft_admin_center_licenses::FORMAT,
    microsoft_admin_center_active_users::FORMAT,
    microsoft_partner_center_subscribed_skus::FORMAT,
    microsoft_partner_center_subscriptions::FORMAT,
    microsoft_partner_center_license_deployment::FORMAT,
    microsoft_partner_center_new_commerce::FORMAT,
    microsoft_partner_center_legacy_licenses::FORMAT,
    microsoft_partner_center_service_costs::FORMAT,
    microsoft_partner_center_daily_usage::FORMAT,
    microsoft_partner_center_legacy_usage::FORMAT,
    microsoft_partner_center_price_sheet::FORMAT,
    microsoft_partner_center_customers::FORMAT,
    microsoft_partner_center_invoices::FORMAT,
    connectwise_agreements::FORMAT,
    microsoft_partner_center_without_amounts::FORMAT,
    pax8_invoice_items::FORMAT,
    pax8_subscriptions::FORMAT,
    pax8_invoices::FORMAT,
    sherweb_payable_charges::FORMAT,
    dicker_data::annuity_details::FORMAT,
    dicker_data::invoice_details::FORMAT,
    td_synnex_streamone_subscriptions::FORMAT,
    msp_hub_partner_invoice::FORMAT,
    xarios_charges::FORMAT,
    crayon_usage_cost::FORMAT,
    google_reseller_subscriptions::FORMAT,
    google_workspace_license_assignments::FORMAT,
    google_workspace_products::FORMAT,
    sentinelone_sites::FORMAT,
    huntress_organizations::FORMAT,
    datto_rmm_sites::FORMAT,
    duo_accounts::FORMAT,
    connectwise_addition_list::FORMAT,
    connectwise_agreement_list::FORMAT,
    autotask_contract_services::FORMAT,
    autotask_billing_items::FORMAT,
    halopsa_recurring_invoices::FORMAT,
    halopsa_invoices::FORMAT,
    halopsa_licences::FORMAT,
    syncro_schedules::FORMAT,
    superops_client_contracts::FORMAT,
    xero_invoices::FORMAT,
    xero_repeating_invoices::FORMAT,
    xero_invoice_export::FORMAT,
    xero_invoice_import::FORMAT,
    quickbooks_invoices::FORMAT,
    quickbooks_invoice_import::FORMAT,
    template::entitlements::FORMAT,
    template::billing::FORMAT,
    template::cost::FORMAT,
    template::prices::FORMAT,
    template::rules::FORMAT,
    template::mappings::FORMAT,
    template::policies::FORMAT,
    template::billing_entities::FORMAT,
    template::allocations::FORMAT,
    template::settled::FORMAT,
];

/// Name of the format of files that are read with an import profile.
pub const PROFILE_FORMAT: &str = "profile";

/// Name of a workbook or archive that holds several files of our own template.
pub const TEMPLATE: &str = "leakage_template";

#[cfg(test)]
mod tests;
