//! Why a whole file could not be read. Single rows that could not be are
//! [`Refusal`](super::Refusal)s.

/// A file that could not be read at all, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// A table's header, and no row under it.
    #[error("the file has a header but no rows{}", known.map(|name| format!(" (the header is that of {name})")).unwrap_or_default())]
    NoRows {
        /// Format that the header belongs to, if any.
        known: Option<&'static str>,
    },
    /// No format fits.
    #[error("unknown format; {seen}{}", nearest_text(nearest))]
    UnknownFormat {
        /// Columns or keys that were seen, as written, the first 60.
        columns: Vec<String>,
        /// The same as text, with the part of the container they stand in.
        seen: String,
        /// Names of the formats that come closest, nearest first.
        nearest: Vec<&'static str>,
    },
    /// Nearly a known format.
    #[error("{format} needs the column{} {}, which the file does not have", if columns.len() == 1 { "" } else { "s" }, quoted(columns))]
    MissingColumn {
        /// The format.
        format: &'static str,
        /// What it lacks.
        columns: Vec<String>,
    },
    /// Two columns with one meaning.
    #[error("the columns {} mean the same; keep one of them", quoted(columns))]
    DuplicateColumn {
        /// As written.
        columns: Vec<String>,
        /// Line of the header.
        line: u32,
    },
    /// A description of data (OpenAPI, JSON schema, lists of field types).
    #[error("this is a schema ({evidence}), not data; export the records themselves")]
    Schema {
        /// What shows it.
        evidence: String,
    },
    /// A known file that holds nothing to compare, and what to export in its place.
    #[error("this is {what}, which {lacks}; {instead}")]
    NothingToCompare {
        /// What it is: `a list of Partner Center invoices`.
        what: &'static str,
        /// What it lacks: `has totals and no lines`.
        lacks: &'static str,
        /// What to do: `export the line items of the invoice`.
        instead: &'static str,
    },
    /// Several formats in one file that do not belong together.
    #[error("the file mixes {} and {}; upload them one by one", formats[..formats.len().saturating_sub(1)].join(", "), formats.last().copied().unwrap_or_default())]
    MixedFormats {
        /// Their names.
        formats: Vec<&'static str>,
    },
    /// Over a limit.
    #[error("{what} is over the limit of {limit}")]
    TooLarge {
        /// Of what: `the file`, `a cell`, ...
        what: &'static str,
        /// The limit, with its unit.
        limit: String,
        /// Where, if known.
        line: Option<u32>,
    },
    /// Unpacks to suspiciously much.
    #[error("the file unpacks to more than {limit} times its size")]
    Ratio {
        /// The limit.
        limit: u64,
    },
    /// Nested too deeply.
    #[error("the JSON is nested more than {limit} levels deep")]
    TooDeep {
        /// The limit.
        limit: usize,
        /// Line.
        line: u32,
    },
    /// A container that does not hold together.
    #[error("the {container} is damaged: {detail}")]
    Broken {
        /// `gzip`, `zip`, `xlsx`, `json`, `csv`.
        container: &'static str,
        /// What the reader said.
        detail: String,
        /// Line, if there are lines.
        line: Option<u32>,
        /// Column of that line.
        column: Option<u32>,
    },
    /// A quote that is opened and never closed: the rest of the file would be one cell.
    #[error("a quote that is opened in line {line} is never closed")]
    UnclosedQuote {
        /// Line where the row begins.
        line: u32,
    },
    /// Another kind of file than its name or its use says.
    #[error("{0}")]
    WrongMagic(String),
    /// Binary data where text should be.
    #[error("line {line} holds a NUL byte: this is not a text file")]
    NulByte {
        /// Line.
        line: u32,
        /// Byte in the line, 1-based.
        column: u32,
    },
    /// Its bytes could not be had.
    #[error("the file could not be read: {0}")]
    Unreadable(String),
    /// Who takes the records wanted no more.
    #[error("the reading was stopped")]
    Stopped,
    /// A member of an archive failed.
    #[error("{member}: {error}")]
    Member {
        /// Its name.
        member: String,
        /// What failed.
        error: Box<FileError>,
    },
}

impl FileError {
    /// A stable code, lower snake case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty_file",
            Self::NoRows { .. } => "no_rows",
            Self::UnknownFormat { .. } => "unknown_format",
            Self::MissingColumn { .. } => "missing_column",
            Self::DuplicateColumn { .. } => "duplicate_column",
            Self::Schema { .. } => "schema_not_data",
            Self::NothingToCompare { .. } => "nothing_to_compare",
            Self::MixedFormats { .. } => "mixed_formats",
            Self::TooLarge { .. } => "file_too_large",
            Self::Ratio { .. } => "unpacks_too_large",
            Self::TooDeep { .. } => "nested_too_deep",
            Self::Broken { .. } => "damaged_file",
            Self::UnclosedQuote { .. } => "unclosed_quote",
            Self::WrongMagic(_) => "wrong_file_type",
            Self::NulByte { .. } => "binary_data",
            Self::Unreadable(_) => "unreadable_file",
            Self::Stopped => "stopped",
            Self::Member { error, .. } => error.code(),
        }
    }

    /// A workbook that cannot be read, and why.
    pub fn unreadable_workbook(why: &dyn std::fmt::Display) -> Self {
        Self::Broken { container: "xlsx", detail: why.to_string(), line: None, column: None }
    }

    /// The bytes of a file could not be had.
    pub(super) fn unreadable(error: &std::io::Error) -> Self {
        Self::Unreadable(error.to_string())
    }

    /// What failed while bytes were read through the layers of a file.
    pub(super) fn of_io(error: std::io::Error) -> Self {
        error.downcast::<Self>().unwrap_or_else(|error| Self::unreadable(&error))
    }

    /// The line it speaks of, if it speaks of one.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::TooLarge { line, .. } | Self::Broken { line, .. } => *line,
            Self::DuplicateColumn { line, .. }
            | Self::TooDeep { line, .. }
            | Self::UnclosedQuote { line }
            | Self::NulByte { line, .. } => Some(*line),
            Self::Member { error, .. } => error.line(),
            _ => None,
        }
    }

    /// The column of that line (for missing columns see the message), if known.
    pub fn column(&self) -> Option<u32> {
        match self {
            Self::Broken { column, .. } => *column,
            Self::NulByte { column, .. } => Some(*column),
            Self::Member { error, .. } => error.column(),
            _ => None,
        }
    }

    /// Puts the name of an archive's member in front.
    pub(super) fn in_member(self, member: Option<&str>) -> Self {
        match member {
            Some(member) => Self::Member { member: member.to_owned(), error: Box::new(self) },
            None => self,
        }
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn nearest_text(nearest: &[&str]) -> String {
    if nearest.is_empty() { String::new() } else { format!("; nearest: {}", nearest.join(", ")) }
}
