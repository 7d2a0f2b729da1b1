//! Import profiles at an import: the question what a file's columns are, the answer to it, and what the
//! file was read with.

use super::ImportAnswers;
use super::bounds::shown;
use crate::app::App;
use crate::auth::Actor;
use crate::error::ApiError;
use crate::services::import_profiles;
use crate::storage::import_profiles::{self as stored, ProfileRow};
use crate::storage::imports::Findings;
use crate::storage::{OrgTx, StorageError};
use leakage_core::id::{ImportId, ImportProfileId};
use leakage_core::ingest::{
    FileError, FileReport, ImportProfile, ProfileFault, ReadOptions, SeenColumn, unknown_json,
};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use std::fmt;
use utoipa::ToSchema;
use uuid::Uuid;

/// How a file is to be read: the id or name of a saved import profile, or a definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ProfileAnswer {
    /// Id or name of a saved one.
    Saved(String),
    /// A definition, such as the proposed one after correction.
    Given(Box<ImportProfile>),
}

impl<'de> Deserialize<'de> for ProfileAnswer {
    /// By its JSON type, so that a fault in a definition is told with its place.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = ProfileAnswer;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the id or name of an import profile, or a definition")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<ProfileAnswer, E> {
                Ok(ProfileAnswer::Saved(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ProfileAnswer, A::Error> {
                let profile = ImportProfile::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ProfileAnswer::Given(Box::new(profile)))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A table of the file as the question shows it.
#[derive(Deserialize)]
struct Table {
    columns: Vec<SeenColumn>,
    columns_total: usize,
    proposed_profile: ImportProfile,
    #[serde(default)]
    other_tables: Vec<Self>,
}

/// The tables that an import asks about; none when it asks nothing of the kind.
fn asked(questions: &Value) -> Vec<Table> {
    let question =
        questions.as_array().into_iter().flatten().find(|question| question["question"] == "profile");
    let first = question.and_then(|question| serde_json::from_value::<Table>(question.clone()).ok());
    let Some(mut first) = first else { return Vec::new() };
    let others = std::mem::take(&mut first.other_tables);
    std::iter::once(first).chain(others).collect()
}

/// Settles the answer to what the columns are: a profile's definition takes the place of its name, so that
/// the answer stays what it was when the profile changes, and what is to be saved is saved. `questions`:
/// what the import asks, to tell at once what cannot be.
pub(super) async fn settle(
    app: &App,
    tx: &mut OrgTx,
    actor: &Actor,
    answers: &mut ImportAnswers,
    questions: &Value,
) -> Result<(), ApiError> {
    let save_as = answers.save_as.take();
    let mut profile = match answers.profile.take() {
        None if save_as.is_some() => {
            return Err(ApiError::invalid(
                "/save_as",
                "is the name for a definition in `profile`, and there is none",
            ));
        }
        None => return Ok(()),
        Some(ProfileAnswer::Saved(_)) if save_as.is_some() => {
            return Err(ApiError::invalid("/save_as", "this import profile is saved already"));
        }
        Some(ProfileAnswer::Saved(text)) => saved(tx, &text).await?,
        Some(ProfileAnswer::Given(profile)) => *profile,
    };
    if let Some(name) = &save_as {
        profile.name = crate::services::text::short("/save_as", name, 60)?;
    }
    let faults = profile.check();
    if !faults.is_empty() {
        return Err(import_profiles::refused("/profile", faults));
    }
    suits(&mut profile, &asked(questions))?;
    if save_as.is_some() {
        let id = ImportProfileId::new(Uuid::now_v7());
        import_profiles::create(tx, actor, "/profile", profile.clone(), id, app.clock.now()).await?;
    }
    answers.profile = Some(ProfileAnswer::Given(Box::new(profile)));
    Ok(())
}

/// The definition of a saved profile.
pub(super) async fn saved(tx: &mut OrgTx, text: &str) -> Result<ImportProfile, ApiError> {
    let row = import_profiles::named(tx, text.trim()).await?;
    row.map(|row| row.definition.0)
        .ok_or_else(|| ApiError::invalid("/profile", "There is no import profile with this id or name."))
}

/// Checks a profile against the tables of the file, and gives it the header of the one that it is for.
fn suits(profile: &mut ImportProfile, tables: &[Table]) -> Result<(), ApiError> {
    let mut least: Option<Vec<ProfileFault>> = None;
    for table in tables {
        let faults = profile.check_against(&table.columns, table.columns_total <= table.columns.len());
        if faults.is_empty() {
            if profile.header.is_empty() {
                profile.header.clone_from(&table.proposed_profile.header);
            }
            return Ok(());
        }
        if least.as_ref().is_none_or(|least| faults.len() < least.len()) {
            least = Some(faults);
        }
    }
    least.map_or(Ok(()), |faults| Err(import_profiles::refused("/profile", faults)))
}

/// The profiles of an organization, to read a file with.
pub(super) struct Profiles(Vec<ProfileRow>);

impl Profiles {
    pub(super) async fn of(tx: &mut OrgTx) -> Result<Self, StorageError> {
        stored::list(tx, None, import_profiles::MOST).await.map(Self)
    }

    /// Reads with them, and first with the one that was answered.
    pub(super) fn offer(&self, answers: &ImportAnswers, options: &mut ReadOptions) {
        options.profiles = self.0.iter().map(|row| row.definition.0.clone()).collect();
        if let Some(ProfileAnswer::Given(profile)) = &answers.profile {
            options.profile = Some((**profile).clone());
        }
    }

    /// Notes with the import what it was read with: the definitions as they are now.
    pub(super) async fn note_use(
        &self,
        tx: &mut OrgTx,
        id: ImportId,
        report: &FileReport,
        answers: &ImportAnswers,
    ) -> Result<(), ApiError> {
        let given = match &answers.profile {
            Some(ProfileAnswer::Given(profile)) => {
                Some((profile.digest().map_err(ApiError::internal)?, &**profile))
            }
            _ => None,
        };
        let mut first = None;
        let mut used = Vec::new();
        for one in &report.profiles {
            let row = self.0.iter().find(|row| row.digest == one.digest);
            first = first.or(row.map(|row| row.id));
            let own = given.as_ref().filter(|(digest, _)| *digest == one.digest).map(|(_, profile)| *profile);
            used.push(json!({
                "profile_id": row.map(|row| row.id), "version": row.map(|row| row.version), "name": one.name,
                "source": one.source, "kind": one.kind, "digest": one.digest,
                "definition": row.map(|row| &row.definition.0).or(own),
            }));
        }
        Ok(stored::note_use(tx, id, first, &shown(Value::Array(used))).await?)
    }
}

/// What is found of a file of no known format that a person can say the columns of: a question.
pub(super) fn question(error: &FileError) -> Option<Findings<'static>> {
    if error.tables().is_empty() {
        return None;
    }
    let mut question = unknown_json(error.tables());
    question.insert("question".to_owned(), json!("profile"));
    question.insert("choices".to_owned(), json!(error.fitting()));
    question.insert("detail".to_owned(), json!(error.to_string()));
    let questions = shown(Value::Array(vec![Value::Object(question)]));
    Some(Findings {
        status: "needs_input",
        questions,
        problem: None,
        ..super::findings::refused(Value::Null)
    })
}
