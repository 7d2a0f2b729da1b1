//! What a check of a bundle says.

use serde::Serialize;

/// What came of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// Nothing was checked; the reader should know.
    Remark,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What came of it.
    pub outcome: Outcome,
    /// The file that it is about, where it is one.
    pub file: Option<String>,
    /// The check, in a sentence.
    pub says: String,
}

/// All checks of a bundle, in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The checks.
    pub checks: Vec<Check>,
}

impl Verification {
    /// Whether everything that was checked holds.
    pub fn holds(&self) -> bool {
        self.first_failure().is_none() && !self.checks.is_empty()
    }

    /// The first thing that does not hold.
    pub fn first_failure(&self) -> Option<&Check> {
        self.checks.iter().find(|check| check.outcome == Outcome::Fails)
    }

    fn add(&mut self, outcome: Outcome, file: Option<&str>, says: impl Into<String>) {
        self.checks.push(Check { outcome, file: file.map(str::to_owned), says: says.into() });
    }

    pub(super) fn holding(&mut self, file: Option<&str>, says: impl Into<String>) {
        self.add(Outcome::Holds, file, says);
    }

    pub(super) fn failing(&mut self, file: Option<&str>, says: impl Into<String>) {
        self.add(Outcome::Fails, file, says);
    }

    pub(super) fn remark(&mut self, file: Option<&str>, says: impl Into<String>) {
        self.add(Outcome::Remark, file, says);
    }

    /// Notes a check of a file that ends at the first fault.
    pub(super) fn take(&mut self, file: &str, outcome: Result<String, Fault>) {
        match outcome {
            Ok(says) => self.holding(Some(file), says),
            Err(fault) => self.failing(Some(fault.file.as_deref().unwrap_or(file)), fault.says),
        }
    }
}

/// Why a check of a file does not hold.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    /// The file, where it is another one than the check is about.
    pub(super) file: Option<String>,
    /// In a sentence.
    pub(super) says: String,
}

impl From<String> for Fault {
    fn from(says: String) -> Self {
        Self { file: None, says }
    }
}

impl From<&str> for Fault {
    fn from(says: &str) -> Self {
        says.to_owned().into()
    }
}

impl From<super::container::Refused> for Fault {
    fn from(refused: super::container::Refused) -> Self {
        Self { file: refused.file, says: refused.reason }
    }
}
