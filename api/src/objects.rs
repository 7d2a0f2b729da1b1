//! Where uploaded files are kept: a local folder or S3.
