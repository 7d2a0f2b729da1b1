//! What handlers take apart: bodies, keys, preconditions.
