//! What a visitor says beside the files.

use crate::audit::{Basis, Proration};
use crate::ingest::{DateOrder, InvoiceTiming};
use crate::money::Currency;
use crate::period::Month;
use crate::records::{MappingSide, Side};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What is asked, and the answers to what an earlier answer asked. All of it may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct VisitRequest {
    /// First month. Where none is named, the months that the files have in common, at most 24.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Month>,
    /// Last month, included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Month>,
    /// Later days are not audited. Today when not stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<NaiveDate>,
    /// Which seats are counted: purchased when not stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// How a change inside a month counts: daily when not stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proration: Option<Proration>,
    /// What is said of single files.
    #[cfg_attr(feature = "openapi", schema(max_items = 20))]
    pub files: Vec<FileAnswers>,
    /// Proposals that are confirmed.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    pub mappings: Vec<NamedPair>,
    /// Proposals that are rejected.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    pub rejected: Vec<NamedPair>,
    /// Id of a gap that is to be explained.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub explain: Option<String>,
}

/// What is said of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FileAnswers {
    /// Which file: its name.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 300))]
    pub name: String,
    /// Its text, in a request without uploads: in place of the sample's file of this name, or beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 10_485_760))]
    pub text: Option<String>,
    /// Use only what it says of this side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// Whose file it is, for files that name no client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 300))]
    pub client: Option<String>,
    /// Order of day and month, for files that do not show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_order: Option<DateOrder>,
    /// Currency of the prices, for files that do not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// When an invoice without a service period charges its months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice_timing: Option<InvoiceTiming>,
}

/// "These two are the same", as a proposal names its ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NamedPair {
    /// Clients or products.
    pub side: MappingSide,
    /// The billing side's name.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 500))]
    pub source: String,
    /// The entitlement side's name.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 500))]
    pub target: String,
}

impl NamedPair {
    pub(super) fn into_parts(self) -> (MappingSide, String, String) {
        (self.side, self.source, self.target)
    }
}
