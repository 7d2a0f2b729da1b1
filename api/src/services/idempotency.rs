//! Doing something once, however often the request arrives.
