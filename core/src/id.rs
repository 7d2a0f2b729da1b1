//! Ids of the things that the service stores: one type each, so that a client's id cannot be passed
//! where an import's is meant. `UUIDv7`, made by the service and passed in.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an id that was made or read elsewhere.
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// The bare id, for the places that store it.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// An organization: one MSP, the tenant.
    OrgId;
    /// A person who signs in; can belong to several organizations.
    UserId;
    /// A signed-in session: the family of refresh tokens that began with one sign-in.
    SessionId;
    /// An invitation to join an organization.
    InvitationId;
    /// An API key of an integration.
    ApiKeyId;
    /// A client: a customer of the MSP.
    ClientId;
    /// A billing entity of a client.
    BillingEntityId;
    /// An import: one uploaded file and the rows read from it.
    ImportId;
    /// An import profile: how an organization's files of no known format are read.
    ImportProfileId;
    /// A mapping between names of the sources.
    MappingId;
    /// A rule of the entitlement waterfall, or a limit of back-billing.
    RuleId;
    /// A price of the organization's price list.
    PriceId;
    /// A policy of a client, an agreement or a product.
    PolicyId;
    /// A rule of how a client's seats are shared over its billing entities.
    AllocationId;
    /// An audit: one reconciliation run over a period.
    AuditId;
    /// A letter as it was written.
    LetterId;
    /// A letter to one recipient.
    DeliveryId;
    /// An address that events are sent to.
    WebhookEndpointId;
    /// One event on its way to one such address.
    WebhookDeliveryId;
    /// A correction: the case that a person works from gaps to a fix that is proved.
    CorrectionId;
    /// A client's link to one correction.
    ClientLinkId;
    /// A unit of background work.
    JobId;
}
