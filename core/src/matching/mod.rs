//! Names to products and clients: which rows of different sources speak of the same thing.
//!
//! Exact matches are found here (the same id; the same part number or folded name while it belongs to
//! one id only), confirmed mappings are followed, and everything else gets a score with reasons. This
//! module never decides: a scored pair is a proposal for a person. It must not know quantities, prices,
//! audits or how a proposal is stored.
//!
//! How an audit uses it: give every reference of all sides to [`ProductIndex::build`] and
//! [`ClientIndex::build`], turn each row's reference into a key with `resolve` (cheap: one lookup), and
//! ask `propose` for the keys that found no counterpart.

mod client;
mod client_score;
mod fold;
mod identity;
mod names;
mod product;
mod product_score;
mod propose;
mod redirect;
mod similar;
mod stock_code;
mod words;

pub use client::{ClientDisplay, ClientIndex, ClientKey};
pub use client_score::score_clients;
pub use fold::{fold, fold_id};
pub use product::{ProductDisplay, ProductIndex, ProductKey};
pub use product_score::score_products;
pub use stock_code::stock_code;

use rust_decimal::Decimal;
use std::fmt;
use std::sync::Arc;

/// Pairs that score below this are not proposed: they would keep true gaps from being compared.
pub const PROPOSAL_THRESHOLD: Decimal = Decimal::from_parts(80, 0, 0, false, 2);

/// What a reference stands for on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution<K> {
    /// The key that all references to the same thing share.
    pub key: K,
    /// How it was found.
    pub method: Method<K>,
}

/// How a reference was resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method<K> {
    /// By an id, or by a name that belongs to one id only. A name that no id claims is exact too, for
    /// all that carry it bare.
    Exact {
        /// What was the same.
        by: ExactBy,
    },
    /// By a mapping that a person confirmed and that holds on the day.
    Mapping {
        /// Who confirmed it (of a chain: its first step).
        approved_by: Arc<str>,
    },
    /// The name, part number or code belongs to several ids, these: to be asked, not to be compared.
    /// The resolution's key is then that of the bare name itself, shared by all that carry only it.
    Ambiguous(Arc<[K]>),
    /// The reference names nothing: no id, no name.
    Itself,
}

/// What made a match exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExactBy {
    /// The vendor's id.
    Id,
    /// Microsoft's part number.
    PartNumber,
    /// The PSA's item code.
    Code,
    /// The folded name.
    Name,
}

/// How alike two references are, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scored {
    /// From [`PROPOSAL_THRESHOLD`] to 0.99, two digits. 1.00 would be certain, and certain is exact.
    pub score: Decimal,
    /// For a person to read, the strongest first.
    pub reasons: Vec<String>,
}

/// "These two may be the same", for a person to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal<K> {
    /// The one that would be mapped.
    pub source: K,
    /// What it would stand for.
    pub target: K,
    /// How alike, and why.
    pub scored: Scored,
}

/// Something about mappings or ids that a person should look at. Nothing was guessed over it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchNote {
    /// Mappings lead in a circle; all in it are taken as the same.
    Cycle {
        /// One in the circle.
        source: String,
    },
    /// Two mappings that begin on the same day send the same source to different targets; none of them
    /// is followed.
    Contradiction {
        /// The source.
        source: String,
    },
    /// A mapping joins two different ids of one vendor. It is followed: a person said so.
    JoinsDifferentIds {
        /// The source.
        source: String,
        /// The target.
        target: String,
    },
    /// A mapping's target is a name that belongs to several ids.
    AmbiguousTarget {
        /// The target.
        target: String,
    },
    /// A row's own ids belong to different products; the first one counts.
    IdsDisagree {
        /// The id that counts.
        id: String,
        /// What it disagrees with.
        with: String,
    },
}

impl fmt::Display for MatchNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cycle { source } => {
                write!(f, "the mappings of `{source}` lead in a circle: all in it are taken as the same")
            }
            Self::Contradiction { source } => {
                write!(f, "`{source}` is mapped to different targets from the same day on: withdraw one")
            }
            Self::JoinsDifferentIds { source, target } => {
                write!(f, "the mapping of `{source}` to `{target}` joins two different ids")
            }
            Self::AmbiguousTarget { target } => {
                write!(f, "a mapping's target `{target}` is a name of several ids: name the id instead")
            }
            Self::IdsDisagree { id, with } => {
                write!(f, "a row says `{id}` and `{with}`, which are different products: `{id}` counts")
            }
        }
    }
}
