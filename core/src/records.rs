//! The canonical rows: what every file becomes, whichever system wrote it.
//!
//! A record keeps what its source says, in the source's own precision: quantities and prices are
//! exact decimals, ids stay text, spans are half-open days. Nothing here is matched, prorated or
//! rounded; that is the work of [`crate::matching`] and [`crate::audit`].
//!
//! Names of clients and products are shared: a file of a million rows names some hundred of them, and a
//! reader may give all rows of one client the same reference.

use crate::audit::{Allocation, AuditInput, BillingEntity, PolicyOverride, SettledMonth};
use crate::money::Currency;
use crate::period::Span;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A side of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What the client has: purchased, assigned or active seats.
    Entitlement,
    /// What the client is charged.
    Billing,
    /// What the MSP is charged by its vendor.
    Cost,
    /// Who used what, and who was given what: evidence, never a count of its own.
    Activity,
}

/// How a source names a client. At least one field is filled, unless the file names no client at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClientRef {
    /// The source's own id (a Microsoft tenant id, a PSA company id), as text.
    pub id: Option<String>,
    /// The name as written.
    pub name: Option<String>,
    /// A domain, lower case.
    pub domain: Option<String>,
}

/// How a source names a product. At least one field is filled.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProductRef {
    /// The name as written.
    pub name: Option<String>,
    /// The vendor's id: a Graph `skuId` (lower-case GUID) or a Partner Center `ProductId:SkuId`.
    pub sku: Option<String>,
    /// Microsoft's `skuPartNumber` / `String_Id`, such as `SPB`.
    pub part_number: Option<String>,
    /// The PSA's item code.
    pub code: Option<String>,
}

/// A commitment term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// One month.
    Monthly,
    /// One year.
    Annual,
    /// Three years.
    Triennial,
}

/// A billing cycle: what a unit price pays for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cycle {
    /// One month.
    #[default]
    Monthly,
    /// Three months.
    Quarterly,
    /// Twelve months.
    Annual,
    /// Thirty-six months.
    Triennial,
}

impl Cycle {
    /// Months that one unit price pays for. A price per seat-month is price / months, divided last.
    pub const fn months(self) -> u32 {
        match self {
            Self::Monthly => 1,
            Self::Quarterly => 3,
            Self::Annual => 12,
            Self::Triennial => 36,
        }
    }
}

/// What kind of line a billing line is. Only regular lines are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LineType {
    /// The recurring charge for a quantity of seats.
    #[default]
    Regular,
    /// A part of a period, charged apart.
    Proration,
    /// Money given back.
    Credit,
    /// A charge made once.
    OneOff,
}

/// When an entitlement holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Held {
    /// On these days.
    During(Span),
    /// As seen at one moment. `on` is the day that the file itself states; without one the importer
    /// states it, and the offline command stretches it over the whole period (`assumed`).
    Snapshot {
        /// Day of the snapshot, if the file states one.
        on: Option<NaiveDate>,
    },
}

/// Seats that a client has of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlement {
    /// Whose.
    pub client: Arc<ClientRef>,
    /// Of what.
    pub product: Arc<ProductRef>,
    /// The vendor's subscription id, if seats are told apart by it.
    pub subscription: Option<String>,
    /// Commitment term, where the source states it.
    pub term: Option<Term>,
    /// Seats bought.
    pub purchased: Option<Decimal>,
    /// Seats given to users.
    pub assigned: Option<Decimal>,
    /// Seats in use.
    pub active: Option<Decimal>,
    /// Free, trial or viral SKU by the source's own word or by the catalog's list: never billable.
    pub free: bool,
    /// When.
    pub held: Held,
}

/// One line that a client is charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingLine {
    /// Who is charged.
    pub client: Arc<ClientRef>,
    /// Which billing entity of the client, where the source tells.
    pub billing_entity: Option<String>,
    /// For what.
    pub product: Arc<ProductRef>,
    /// The agreement or contract it belongs to.
    pub agreement: Option<String>,
    /// Invoice number.
    pub invoice: Option<String>,
    /// The source's own id of this line (a ConnectWise addition id): its natural key, by which a
    /// newer file replaces the line of an older one. Lines of an invoice have the invoice's id: it is
    /// replaced as a whole, also when it was voided or lost a line.
    pub source_id: Option<String>,
    /// Commitment term, where the source states it.
    pub term: Option<Term>,
    /// What one unit price pays for.
    pub cycle: Cycle,
    /// Seats on the line, free ones included.
    pub quantity: Decimal,
    /// Free seats inside `quantity`.
    pub included: Decimal,
    /// Price per seat and cycle, before tax.
    pub unit_price: Decimal,
    /// Currency of the price.
    pub currency: Currency,
    /// Days it covers. Without an end: one cycle for an invoice line, still so for an agreement line.
    pub span: Span,
    /// Whether the line recurs until cancelled (an agreement addition) or covers one cycle (an
    /// invoice line).
    pub recurring: bool,
    /// What kind of line.
    pub line_type: LineType,
    /// False for lines that are kept but charge nothing (`DoNotBill`, `NoCharge`): billed 0.
    pub billable: bool,
}

/// What a vendor charge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeKind {
    /// Seats.
    Licence,
    /// Metered use: money, no seats.
    Usage,
    /// Bought once: money, no seats over time.
    OneTime,
}

/// One line that the vendor charges the MSP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorCharge {
    /// For which client.
    pub client: Arc<ClientRef>,
    /// For what.
    pub product: Arc<ProductRef>,
    /// Subscription id.
    pub subscription: Option<String>,
    /// Invoice number, which the rows of an invoice share.
    pub invoice: Option<Arc<str>>,
    /// The change event that joins the refund and the charge of one seat change.
    pub reference: Option<String>,
    /// Seats, metered use, or a one-time purchase.
    pub kind: ChargeKind,
    /// Charge type, lower snake case of what the file says (`add_quantity`). There are few.
    pub charge_type: Option<Arc<str>>,
    /// Whether the charge type is one that the format documents. Unknown ones are kept and flagged.
    pub known_charge_type: bool,
    /// Commitment term, where it can be told.
    pub term: Option<Term>,
    /// What one unit price pays for.
    pub cycle: Cycle,
    /// Quantity as the file says: positive on both halves of a change.
    pub quantity: Decimal,
    /// Unit price as charged (effective, prorated), as the file says.
    pub unit_price: Decimal,
    /// List price of a whole cycle, where stated.
    pub list_price: Option<Decimal>,
    /// Amount before tax, as the file says; its sign tells refund from charge.
    pub amount: Decimal,
    /// Currency of the amount.
    pub currency: Currency,
    /// Days charged.
    pub span: Span,
    /// The subscription's own span, where stated.
    pub subscription_span: Option<Span>,
    /// Day of the order, where stated: settles the order of changes on one charge date.
    pub ordered_on: Option<NaiveDate>,
}

/// What a source knows of one user's use of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact that a source states by itself")]
pub struct Activity {
    /// Whose user.
    pub client: Arc<ClientRef>,
    /// The user's principal name or id; 32 hex digits when the tenant conceals names.
    pub user: String,
    /// The licensed product; a user without a licence has none.
    pub product: Option<ProductRef>,
    /// Last day of use that the source knows. None: not in its window, which is not "never".
    pub last_active: Option<NaiveDate>,
    /// Day the source speaks of.
    pub as_of: Option<NaiveDate>,
    /// Sign-in is blocked (still a paid seat).
    pub blocked: bool,
    /// The user is deleted; its licences are listed but not held.
    pub deleted: bool,
    /// The user is a guest of the tenant.
    pub guest: bool,
    /// The tenant conceals names: `user` is a pseudonym that joins with no other source.
    pub concealed: bool,
    /// How the licence came to the user, where the source says. Directly and through a group is one seat.
    pub assigned_by: Option<AssignedBy>,
    /// Day on which the licence was given or last changed, where the source says.
    pub assigned_on: Option<NaiveDate>,
    /// The user's department, where the source says.
    #[serde(default)]
    pub department: Option<String>,
    /// Id of the group that gave the licence, where one did; of several the first.
    #[serde(default)]
    pub licence_group: Option<String>,
}

/// How a licence came to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssignedBy {
    /// Given to the user.
    Direct,
    /// Inherited from a group.
    Group,
    /// Both: still one seat.
    DirectAndGroup,
}

/// What happened to a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProvisioningAction {
    /// The user got the licence.
    Assigned,
    /// The user lost the licence.
    Removed,
    /// Licences were changed; the log does not say which.
    Changed,
}

/// One entry of a vendor's log of who was given what: evidence of a seat, never a count of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisioningEvent {
    /// Whose user.
    pub client: Arc<ClientRef>,
    /// The source's own id of the entry, by which an entry in two files is one.
    pub event: Option<String>,
    /// When it happened, UTC.
    pub at: DateTime<Utc>,
    /// What happened.
    pub action: ProvisioningAction,
    /// The user whose seat it is: principal name or id.
    pub user: Option<String>,
    /// The licensed product, where the log says.
    pub product: Option<ProductRef>,
    /// Who did it: a person's principal name, or the name of an application.
    pub actor: Option<String>,
    /// An application or group licensing did it, not a person.
    pub automatic: bool,
}

/// A price to use where billing lines give none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// For this client only; none: for all.
    pub client: Option<ClientRef>,
    /// Of this product.
    pub product: ProductRef,
    /// Of this term only.
    pub term: Option<Term>,
    /// Per seat and cycle.
    pub cycle: Cycle,
    /// Price before tax.
    pub unit_price: Decimal,
    /// Its currency.
    pub currency: Currency,
    /// Days it holds.
    pub span: Span,
}

/// A vendor's price list entry: what the MSP pays and what the vendor suggests. Never a client's price by
/// itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPrice {
    /// Of this product.
    pub product: ProductRef,
    /// Commitment term.
    pub term: Option<Term>,
    /// What one price pays for.
    pub cycle: Cycle,
    /// What the MSP pays for a seat and cycle.
    pub unit_cost: Option<Decimal>,
    /// What the vendor suggests that the client pays (Microsoft's ERP price).
    pub suggested_price: Option<Decimal>,
    /// Currency of both.
    pub currency: Currency,
    /// Market, such as `US`, where the list has several.
    pub market: Option<String>,
    /// Customer segment, such as `Commercial`, where the list has several.
    pub segment: Option<String>,
    /// Seats that the price is for, where the list has tiers: the least number.
    pub from_quantity: Option<Decimal>,
    /// Days it holds.
    pub span: Span,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// Seats that are not billed (free, internal, self-pay, blocked, shared).
    Exclude,
    /// Each billed `parent_product` includes `value` seats of `product`.
    Bundle,
    /// Seats given free.
    Allowance,
    /// Seats billed at least.
    Minimum,
    /// Closed months that may be charged back.
    BackBillingMonths,
    /// Closed months that must be credited back.
    CreditBackMonths,
}

/// A rule's value: a number, or everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleValue {
    /// All seats (of an exclusion).
    All,
    /// This many seats or months.
    Number(Decimal),
}

/// A step of the entitlement waterfall or a limit, with the person who answers for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What it does.
    pub kind: RuleKind,
    /// How much.
    pub value: RuleValue,
    /// For this client only; none: for all.
    pub client: Option<ClientRef>,
    /// For this product only; none: for all.
    pub product: Option<ProductRef>,
    /// The bundle that includes `product`.
    pub parent_product: Option<ProductRef>,
    /// Days it holds.
    pub span: Span,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// When it is looked at again.
    pub review_date: Option<NaiveDate>,
}

/// What a mapping joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MappingSide {
    /// Names of clients.
    Client,
    /// Names of products.
    Product,
}

/// A confirmed "these two are the same": a source's name or id, and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingRow {
    /// Clients or products.
    pub side: MappingSide,
    /// Name, id, part number or code as the source writes it.
    pub source: String,
    /// Name or id of the canonical client or product.
    pub target: String,
    /// The person who confirmed it.
    pub approved_by: String,
    /// Days it holds; none: always.
    pub span: Option<Span>,
}

/// Something that was decided or settled outside of the files that are compared, as an audit takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "decision")]
pub enum Decision {
    /// How seats are counted, prorated and limited.
    Policy(PolicyOverride),
    /// A part of a client that is billed by itself.
    BillingEntity(BillingEntity),
    /// Which seats go to it.
    Allocation(Allocation),
    /// A month of a gap that was settled.
    Settled(SettledMonth),
}

impl Decision {
    /// Gives it to an audit.
    pub fn add_to(self, input: &mut AuditInput) {
        match self {
            Self::Policy(policy) => input.policy.overrides.push(policy),
            Self::BillingEntity(entity) => input.entities.push(entity),
            Self::Allocation(allocation) => input.allocations.push(allocation),
            Self::Settled(settled) => input.settled.push(settled),
        }
    }
}

/// Any canonical row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "record")]
pub enum Record {
    /// Seats that a client has.
    Entitlement(Entitlement),
    /// A line that a client is charged.
    BillingLine(BillingLine),
    /// A line that the vendor charges.
    VendorCharge(VendorCharge),
    /// A user's use of a product.
    Activity(Activity),
    /// A price.
    Price(Box<Price>),
    /// A rule.
    Rule(Box<Rule>),
    /// A policy, a billing entity, an allocation or a settled month.
    Decision(Box<Decision>),
    /// A mapping.
    Mapping(MappingRow),
    /// An entry of a vendor's log of seats given and taken.
    Provisioning(ProvisioningEvent),
    /// An entry of a vendor's price list.
    ListPrice(Box<ListPrice>),
    /// A client as a directory names it: which id, name and domain belong together.
    Client(ClientRef),
    /// A product as a directory names it: which ids and name belong together.
    Product(ProductRef),
}

impl Record {
    /// Whose row it is, for rows of one client.
    pub fn client(&self) -> Option<&ClientRef> {
        match self {
            Self::Entitlement(row) => Some(&row.client),
            Self::BillingLine(row) => Some(&row.client),
            Self::VendorCharge(row) => Some(&row.client),
            Self::Activity(row) => Some(&row.client),
            Self::Provisioning(row) => Some(&row.client),
            Self::Client(client) => Some(client),
            Self::Price(_)
            | Self::Rule(_)
            | Self::Decision(_)
            | Self::Mapping(_)
            | Self::ListPrice(_)
            | Self::Product(_) => None,
        }
    }

    /// The same, to be named as the uploader names it. A directory's entries are not: they say who is who.
    pub fn client_mut(&mut self) -> Option<&mut ClientRef> {
        match self {
            Self::Entitlement(row) => Some(Arc::make_mut(&mut row.client)),
            Self::BillingLine(row) => Some(Arc::make_mut(&mut row.client)),
            Self::VendorCharge(row) => Some(Arc::make_mut(&mut row.client)),
            Self::Activity(row) => Some(Arc::make_mut(&mut row.client)),
            Self::Provisioning(row) => Some(Arc::make_mut(&mut row.client)),
            Self::Client(_)
            | Self::Price(_)
            | Self::Rule(_)
            | Self::Decision(_)
            | Self::Mapping(_)
            | Self::ListPrice(_)
            | Self::Product(_) => None,
        }
    }

    /// The product that it is about, where it names one.
    pub fn product(&self) -> Option<&ProductRef> {
        match self {
            Self::Entitlement(row) => Some(&row.product),
            Self::BillingLine(row) => Some(&row.product),
            Self::VendorCharge(row) => Some(&row.product),
            Self::Activity(row) => row.product.as_ref(),
            Self::Provisioning(row) => row.product.as_ref(),
            Self::ListPrice(row) => Some(&row.product),
            Self::Product(product) => Some(product),
            Self::Price(_) | Self::Rule(_) | Self::Decision(_) | Self::Mapping(_) | Self::Client(_) => None,
        }
    }
}

/// A record and where it stands in its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sourced<T = Record> {
    /// Line of the file as an editor counts, 1-based (the header of a CSV is line 1); for JSON the
    /// position of the item in its list, 1-based.
    pub line: u32,
    /// What the row says.
    pub record: T,
}
