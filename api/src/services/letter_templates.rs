//! Templates of letters: an organization's own, or the default.

use crate::auth::Actor;
use crate::error::{ApiError, Code, FieldError};
use crate::storage::OrgTx;
use crate::storage::letter_templates::{self as stored, TemplateRow};
use chrono::{DateTime, Utc};
use leakage_core::letters::{FactFault, LetterError, LetterKind, Template, TemplateFault};

/// The version of a template that was never changed.
pub const UNCHANGED: i64 = 1;

/// The template of a kind as it counts now.
#[derive(Clone, Debug)]
pub struct Current {
    /// Which kind.
    pub kind: LetterKind,
    /// Counts changes; 1: never changed.
    pub version: i64,
    /// The organization's own text; none: the default counts.
    pub own: Option<String>,
    /// Who changed it last, and when.
    pub changed: Option<(String, DateTime<Utc>)>,
}

impl Current {
    fn of(kind: LetterKind, row: Option<TemplateRow>) -> Self {
        match row {
            None => Self { kind, version: UNCHANGED, own: None, changed: None },
            Some(row) => Self {
                kind,
                version: row.version,
                own: row.template,
                changed: Some((row.created_by, row.created_at)),
            },
        }
    }

    /// The text that counts.
    pub fn text(&self) -> &str {
        self.own.as_deref().unwrap_or(self.kind.default_template())
    }

    /// The template, read. One that was saved keeps the rules of its time; where the rules have changed
    /// since, the person is told.
    pub fn parsed(&self) -> Result<Template, ApiError> {
        Template::parse(self.kind, self.text()).map_err(refused)
    }
}

/// A kind by its name in an address.
pub fn kind(name: &str) -> Result<LetterKind, ApiError> {
    LetterKind::parse(name).ok_or_else(ApiError::not_found)
}

/// All kinds, in the order of their names.
pub async fn all(tx: &mut OrgTx) -> Result<Vec<Current>, ApiError> {
    let rows = stored::newest(tx).await?;
    let mut kinds = LetterKind::ALL.to_vec();
    kinds.sort_by_key(|kind| kind.as_str());
    let of = |kind: LetterKind| Current::of(kind, rows.iter().find(|row| row.kind == kind.as_str()).cloned());
    Ok(kinds.into_iter().map(of).collect())
}

/// The template of one kind.
pub async fn current(tx: &mut OrgTx, kind: LetterKind) -> Result<Current, ApiError> {
    Ok(Current::of(kind, stored::find(tx, kind.as_str()).await?))
}

/// Replaces the template of a kind that still has this version.
pub async fn change(
    tx: &mut OrgTx,
    actor: &Actor,
    kind: LetterKind,
    version: i64,
    text: &str,
    now: DateTime<Utc>,
) -> Result<Current, ApiError> {
    Template::parse(kind, text).map_err(refused)?;
    let row = stored::add(tx, kind.as_str(), version, Some(text), &actor.label(), now).await?;
    Ok(Current::of(kind, Some(row.ok_or_else(ApiError::stale)?)))
}

/// Lets the default count again. Nothing happens where it counts already.
pub async fn reset(
    tx: &mut OrgTx,
    actor: &Actor,
    kind: LetterKind,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let current = current(tx, kind).await?;
    if current.own.is_some() {
        let row = stored::add(tx, kind.as_str(), current.version, None, &actor.label(), now).await?;
        row.ok_or_else(|| ApiError::new(Code::Conflict, "It is being changed right now. Try again."))?;
    }
    Ok(())
}

/// A template that breaks rules: each with its line.
pub fn refused(faults: Vec<TemplateFault>) -> ApiError {
    let errors = faults.into_iter().map(|fault| FieldError {
        pointer: Some("/template".to_owned()),
        line: Some(fault.line),
        value: Some(fault.rule.as_str().to_owned()),
        reason: fault.reason.chars().take(1000).collect(),
        ..FieldError::default()
    });
    ApiError::new(
        Code::TemplateRefused,
        "The template breaks rules that every letter keeps. See `errors`: the line, and the rule in `value`.",
    )
    .with_all(errors.take(1000))
}

/// A letter that cannot be written from these facts. `prefix`: where the facts stand in the body.
pub fn unwritten(prefix: &str, error: LetterError) -> ApiError {
    let field = |pointer: String, reason: String| FieldError {
        pointer: Some(pointer.chars().take(500).collect()),
        reason: reason.chars().take(1000).collect(),
        ..FieldError::default()
    };
    let errors: Vec<FieldError> = match error {
        LetterError::Facts(faults) => {
            let one = |fault: FactFault| field(format!("{prefix}{}", fault.pointer), fault.reason);
            faults.into_iter().map(one).collect()
        }
        LetterError::Unsaid(unsaid) => {
            unsaid.into_iter().map(|one| field(prefix.to_owned(), one.to_string())).collect()
        }
        LetterError::NoSubject => vec![field(prefix.to_owned(), LetterError::NoSubject.to_string())],
    };
    ApiError::new(
        Code::LetterIncomplete,
        "The letter cannot be written from these facts: it would say too little, or contradict itself. See `errors`.",
    )
    .with_all(errors.into_iter().take(1000))
}
