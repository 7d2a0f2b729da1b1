//! Corrections step by step: the worked examples, every guard, and random histories.

mod build;
mod examples;
mod guards;
mod histories;
