//! `tests/compatibility/samples.toml`

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use outcrop::converse::media::{RemoteFiles, RemoteMedia};
use serde::Deserialize;
use serde_json::Value;

pub struct Samples {
    pub models: Vec<Model>,
    pub topics: Vec<Topic>,
    bases: BTreeMap<String, Value>,
    fetched: RemoteFiles,
}

#[derive(Deserialize)]
pub struct Model {
    pub name: String,
    pub id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    pub name: String,
    #[serde(rename = "row")]
    pub rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub at: String,
    #[serde(deserialize_with = "json")]
    pub value: Value,
    #[serde(default = "plain")]
    pub base: String,
    pub name: Option<String>,
    pub display_value: Option<String>,
    #[serde(default)]
    pub unknown: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    model: Vec<Model>,
    fetched: BTreeMap<String, String>,
    base: BTreeMap<String, String>,
    topic: Vec<Topic>,
}

impl Samples {
    pub fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compatibility/samples.toml");
        let file: File = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        // Longer than the minimum prefix of every model that caches prompts.
        let long = "Ores are rocks that are worth mining. ".repeat(400);
        let bases = file.base.into_iter().map(|(name, text)| {
            let request = serde_json::from_str(&text.replace("$LONG", &long));
            (name, request.unwrap())
        });
        let fetched = file.fetched.into_iter().map(|(address, bytes)| {
            let media = RemoteMedia {
                bytes: BASE64_STANDARD.decode(bytes).unwrap().into(),
                content_type: None,
            };
            (address, media)
        });
        Self {
            models: file.model,
            topics: file.topic,
            bases: bases.collect(),
            fetched: fetched.collect(),
        }
    }

    /// The table of the sample models.
    pub fn model_table(&self) -> Vec<String> {
        let head = ["| model | id |".to_owned(), "| --- | --- |".to_owned()];
        let models = self.models.iter();
        let models = models.map(|model| format!("| {} | `{}` |", model.name, model.id));
        head.into_iter().chain(models).collect()
    }

    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.topics.iter().flat_map(|topic| &topic.rows)
    }

    pub fn base(&self, name: &str) -> &Value {
        let base = self.bases.get(name);
        base.unwrap_or_else(|| panic!("no base request `{name}`"))
    }

    pub fn fetched(&self) -> &RemoteFiles {
        &self.fetched
    }
}

fn plain() -> String {
    "plain".to_owned()
}

fn json<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let text = String::deserialize(deserializer)?;
    serde_json::from_str(&text).map_err(serde::de::Error::custom)
}
