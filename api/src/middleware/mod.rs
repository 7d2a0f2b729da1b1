//! Around every request.
