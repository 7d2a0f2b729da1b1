//! Background work, one file per job.
