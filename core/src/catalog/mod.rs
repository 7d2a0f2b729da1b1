//! Vendor SKUs.
