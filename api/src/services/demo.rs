//! The demonstration organization of a bare start: what a newcomer logs in to and looks at.
//!
//! It is made through the same use cases as every other organization's data; nothing in it is
//! inserted past them.

use crate::app::App;
use crate::error::ApiError;

/// What the start prints of the demonstration.
#[derive(Clone, Debug)]
pub struct Demonstration {
    /// The name of the organization.
    pub organization: String,
    /// Who to log in as.
    pub email: String,
    /// With which password.
    pub password: String,
    /// Titles of the columns of the table of gaps.
    pub columns: Vec<String>,
    /// Its rows, a cell per column, as they shall be printed.
    pub rows: Vec<Vec<String>>,
}

/// Makes the demonstration on the first start, and reads it on each. None: this build has none.
///
/// The worker is running when this is called, so it may enqueue jobs and wait for them.
#[expect(clippy::unused_async, reason = "the demonstration itself waits for jobs")]
pub async fn ensure(_app: &App) -> Result<Option<Demonstration>, ApiError> {
    Ok(None)
}
