//! Names to products and clients: which rows of different sources speak of the same thing.
//!
//! Exact matches are found here (the same id; the same part number or folded name while it belongs to
//! one id only), confirmed mappings are followed, and everything else gets a score with reasons. This
//! module never decides: a scored pair is a proposal for a person. It must not know quantities, prices,
//! audits or how a proposal is stored.

mod fold;
mod stock_code;

pub use fold::{fold, fold_id};
pub use stock_code::stock_code;
