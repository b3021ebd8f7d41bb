use std::collections::BTreeMap;
use std::time::Duration;

use toml::Value;

use super::chat::{ChatOverrides, Guardrails, ModelFiles, read_overrides};
use super::embeddings::read_purpose;
use crate::config::reader::Section;
use crate::models::Purpose;
use crate::models::{ChatUpstream, ModelId};

const MODEL_REMEDY: &str = "write a Bedrock model id, inference profile id or ARN";

/// An alias of `[models]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelEntry {
    /// The model it stands for.
    pub target: ModelId,
    /// How chat requests to it are treated.
    pub chat: ChatOverrides,
    /// The purpose of embeddings if a request has none.
    pub embedding_input_type: Option<Purpose>,
    /// The API that chat requests are sent to; `None` for that of the table of models.
    pub upstream: Option<ChatUpstream>,
}

impl From<ModelId> for ModelEntry {
    fn from(target: ModelId) -> Self {
        Self {
            target,
            chat: ChatOverrides::default(),
            embedding_input_type: None,
            upstream: None,
        }
    }
}

/// The list of models, and data about them: `[catalog]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogSettings {
    /// The models in the list.
    pub list: CatalogList,
    /// The interval at which models and base models are loaded from Bedrock.
    pub refresh: Duration,
    /// Files with capabilities and prices.
    pub files: ModelFiles,
}

/// The models that `/v1/models` lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogList {
    /// The aliases of `[models]`, and all models of the region and the account.
    All,
    /// The aliases of `[models]` only.
    Configured,
}

impl Default for CatalogSettings {
    fn default() -> Self {
        Self {
            list: CatalogList::All,
            refresh: Duration::from_secs(15 * 60),
            files: ModelFiles::default(),
        }
    }
}

pub(crate) fn read_catalog(section: &mut Section<'_>) -> CatalogSettings {
    let mut settings = CatalogSettings::default();
    section.text("list", &mut settings.list, |text| match text {
        "all" => Ok(CatalogList::All),
        "configured" => Ok(CatalogList::Configured),
        _ => Err("write \"all\" or \"configured\"".to_owned()),
    });
    section.duration("refresh", &mut settings.refresh);
    let path = |text: &str| Ok((!text.is_empty()).then(|| text.into()));
    section.text("capabilities", &mut settings.files.capabilities, path);
    section.text("prices", &mut settings.files.prices, path);
    // The rate limits of the control plane are low.
    if settings.refresh < Duration::from_secs(60) {
        section.mistake("refresh", "too short", "write at least \"1m\"");
    }
    settings
}

/// `[models]`: each entry is an alias with a model id, inference profile id or ARN, or with a
/// section.
pub(crate) fn read(
    section: &mut Section<'_>,
    guardrails: &Guardrails,
) -> BTreeMap<String, ModelEntry> {
    let mut models = BTreeMap::new();
    for (name, value) in section.entries() {
        let mut upstream = None;
        let (target, chat, embedding_input_type) = match value {
            Value::Table(table) => {
                let mut entry = section.of_table(&name, table);
                let mut target = None;
                entry.text("target", &mut target, |text| Ok(Some(text.to_owned())));
                entry.text("upstream", &mut upstream, |word| {
                    let remedy = "write \"converse\", \"runtime_openai\" or \"mantle\"";
                    ChatUpstream::parse(word).map(Some).ok_or(remedy.to_owned())
                });
                let chat = read_overrides(&mut entry, guardrails);
                let embedding_input_type = read_purpose(&mut entry);
                if target.is_none() {
                    entry.mistake("target", "missing", MODEL_REMEDY);
                }
                entry.finish();
                (target.map(Value::String), chat, embedding_input_type)
            }
            other => (Some(other), ChatOverrides::default(), None),
        };
        if let Some(target) = target.and_then(|target| read_id(section, &name, &target)) {
            let entry = ModelEntry {
                target,
                chat,
                embedding_input_type,
                upstream,
            };
            models.insert(name, entry);
        }
    }
    models
}

/// `[base_models]`: each entry is the ARN of a model with the id of its foundation model.
pub(crate) fn read_bases(section: &mut Section<'_>) -> BTreeMap<String, ModelId> {
    let mut bases = read_ids(section);
    bases.retain(|model, base| {
        if let Err(error) = ModelId::parse(model) {
            section.mistake(model, error, "write a model's ARN in quotes");
            return false;
        }
        if !base.names_foundation_model() {
            let remedy = "write a foundation model's id";
            section.mistake(model, format!("`{base}` is not a foundation model"), remedy);
            return false;
        }
        true
    });
    bases
}

fn read_ids(section: &mut Section<'_>) -> BTreeMap<String, ModelId> {
    let mut models = BTreeMap::new();
    for (name, value) in section.entries() {
        if let Some(id) = read_id(section, &name, &value) {
            models.insert(name, id);
        }
    }
    models
}

fn read_id(section: &mut Section<'_>, name: &str, value: &Value) -> Option<ModelId> {
    let Value::String(text) = value else {
        section.mistake(name, "not a model id", "write a model's id in quotes");
        return None;
    };
    match ModelId::parse(text) {
        Ok(id) => Some(id),
        Err(error) => {
            section.mistake(name, format!("`{text}` {error}"), MODEL_REMEDY);
            None
        }
    }
}
