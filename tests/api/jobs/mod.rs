//! Background work: how it is done, and how callers see it.

mod http;
mod queue;
