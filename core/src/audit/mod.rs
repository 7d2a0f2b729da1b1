//! Records to gaps.
