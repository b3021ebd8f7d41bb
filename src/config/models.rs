use std::collections::BTreeMap;
use std::time::Duration;

use toml::Value;

use super::reader::Section;
use crate::models::ModelId;

/// What `/v1/models` shows: `[catalog]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogSettings {
    /// Which models.
    pub show: Shown,
    /// How often Bedrock is asked which there are.
    pub refresh: Duration,
}

/// Which models `/v1/models` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The names of `[models]`, and all that the region and the account have.
    All,
    /// The names of `[models]` alone.
    Configured,
}

impl Default for CatalogSettings {
    fn default() -> Self {
        Self {
            show: Shown::All,
            refresh: Duration::from_secs(15 * 60),
        }
    }
}

pub(super) fn read_catalog(section: &mut Section<'_>) -> CatalogSettings {
    let mut settings = CatalogSettings::default();
    section.text("show", &mut settings.show, |text| match text {
        "all" => Ok(Shown::All),
        "configured" => Ok(Shown::Configured),
        _ => Err("write \"all\" or \"configured\"".to_owned()),
    });
    section.duration("refresh", &mut settings.refresh);
    // The control plane is throttled hard.
    if settings.refresh < Duration::from_secs(60) {
        section.mistake("refresh", "too often", "write at least \"1m\"");
    }
    settings
}

/// `[models]`: each entry is a name with the Bedrock id, profile id or ARN it stands for.
pub(super) fn read(section: &mut Section<'_>) -> BTreeMap<String, ModelId> {
    let mut models = BTreeMap::new();
    for (name, value) in section.entries() {
        let Value::String(text) = &value else {
            section.mistake(&name, "this is no model", "write a model's id in quotes");
            continue;
        };
        match ModelId::parse(text) {
            Ok(id) => {
                models.insert(name, id);
            }
            Err(error) => section.mistake(
                &name,
                format!("`{text}` {error}"),
                "write a Bedrock model id, inference profile id or ARN",
            ),
        }
    }
    models
}
