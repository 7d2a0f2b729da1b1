//! Corrections step by step: the worked examples, every guard, and random histories.

mod build;
mod closed;
mod examples;
mod guards;
mod histories;
mod proved;
mod todo;
mod ways;
