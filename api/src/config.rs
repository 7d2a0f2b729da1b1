//! Settings: defaults, then a file, then the environment; checked once at start.

/// All settings of the service.
#[derive(Clone, Debug)]
pub struct Config {}
