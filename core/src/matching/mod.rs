//! Names to products and clients.
