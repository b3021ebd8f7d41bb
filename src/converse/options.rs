//! What a request says beside its turns and tools: guardrail, form of the answer, tier, labels.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::JsonText;
use crate::json_body;

/// Keys of the provider's own, in the order in which they were set; each key once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields(Vec<(String, JsonText)>);

impl Fields {
    /// Sets `key`, in its old place where there is one.
    pub fn set(&mut self, key: &str, value: JsonText) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    /// Sets `key` unless it is set.
    pub fn set_if_absent(&mut self, key: &str, value: JsonText) {
        if self.get(key).is_none() {
            self.0.push((key.to_owned(), value));
        }
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&JsonText> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// Sets `key`, which is known not to be set.
    pub fn push(&mut self, key: &str, value: JsonText) {
        self.0.push((key.to_owned(), value));
    }

    /// Gives `key` another name, in its place; what had that name goes.
    pub fn rename(&mut self, key: &str, name: &str) {
        if key != name && self.get(key).is_some() {
            self.0.retain(|(other, _)| other != name);
        }
        if let Some((old, _)) = self.0.iter_mut().find(|(other, _)| other == key) {
            name.clone_into(old);
        }
    }

    /// Takes out what `keep` does not want, by key and value.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &JsonText) -> bool) {
        self.0.retain(|(key, value)| keep(key, value));
    }

    /// Takes `key` out.
    pub fn remove(&mut self, key: &str) -> Option<JsonText> {
        let position = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(position).1)
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many keys are set.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Reads an object; `None` if `text` is none, or has too many members for its size.
    pub fn from_object(text: &JsonText) -> Option<Self> {
        json_body::read_bounded(text.as_str())
    }

    /// The keys and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &JsonText)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields: Vec<(String, JsonText)> = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                merge_repeated(&mut fields);
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// Gives a key that comes again its last value in its first place. An object of foreign bytes may
/// have very many keys: too many to look through all for each, or to keep twice.
fn merge_repeated(fields: &mut Vec<(String, JsonText)>) {
    let key = |index: &usize| fields.get(*index).map(|(key, _)| key.as_str());
    let mut order: Vec<usize> = (0..fields.len()).collect();
    // Stable, so that the places of one key stay in order.
    order.sort_by(|one, other| key(one).cmp(&key(other)));
    let repeated: Vec<Vec<usize>> = order
        .chunk_by(|one, other| key(one) == key(other))
        .filter(|indices| indices.len() > 1)
        .map(<[usize]>::to_vec)
        .collect();
    if repeated.is_empty() {
        return;
    }
    let mut is_repeated = vec![false; fields.len()];
    for indices in repeated {
        let [first, .., last] = indices[..] else {
            continue;
        };
        let value = fields.get(last).map(|(_, value)| value.clone());
        if let (Some(value), Some((_, old))) = (value, fields.get_mut(first)) {
            *old = value;
        }
        for index in indices.into_iter().skip(1) {
            if let Some(flag) = is_repeated.get_mut(index) {
                *flag = true;
            }
        }
    }
    let mut flags = is_repeated.into_iter();
    fields.retain(|_| !flags.next().unwrap_or_default());
}

/// The guardrail that looks at the request and the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GuardrailConfig {
    /// Its id or ARN.
    pub guardrail_identifier: String,
    /// `DRAFT` or a number.
    pub guardrail_version: String,
    /// Whether the answer tells what it found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<GuardrailTrace>,
    /// How a stream is looked at; ConverseStream alone takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_processing_mode: Option<GuardrailStreamMode>,
}

/// Whether a guardrail tells what it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardrailTrace {
    /// It does.
    Enabled,
    /// It does not.
    Disabled,
    /// It does, also of what it let pass.
    EnabledFull,
}

/// How a guardrail looks at a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GuardrailStreamMode {
    /// A piece is shown once it has been looked at.
    Sync,
    /// Pieces are shown while they are looked at.
    Async,
}

/// The form of the answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputConfig {
    /// What its text has to be.
    pub text_format: TextFormat,
}

/// What an answer's text has to be: JSON that fits a schema.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TextFormat {
    r#type: TextFormatType,
    structure: TextFormatStructure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum TextFormatType {
    JsonSchema,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
enum TextFormatStructure {
    JsonSchema(JsonSchemaDefinition),
}

/// A schema with its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JsonSchemaDefinition {
    /// The schema, as a string of JSON.
    pub schema: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl OutputConfig {
    /// An answer that fits the schema.
    pub fn json_schema(definition: JsonSchemaDefinition) -> Self {
        Self {
            text_format: TextFormat {
                r#type: TextFormatType::JsonSchema,
                structure: TextFormatStructure::JsonSchema(definition),
            },
        }
    }

    /// The schema, as a string of JSON.
    pub fn schema_mut(&mut self) -> &mut String {
        let TextFormatStructure::JsonSchema(definition) = &mut self.text_format.structure;
        &mut definition.schema
    }
}

/// Whether the model runs on faster machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PerformanceConfig {
    /// Which machines.
    pub latency: Latency,
}

/// Which machines a model runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Latency {
    /// The usual ones.
    Standard,
    /// Faster ones.
    Optimized,
}

/// Which tier a call runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ServiceTier {
    /// The tier.
    pub r#type: ServiceTierType,
}

/// The tiers (botocore, bedrock-runtime: `ServiceTierType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceTierType {
    /// Before the others, at a higher price.
    Priority,
    /// As usual.
    Default,
    /// After the others, at a lower price.
    Flex,
    /// On capacity that was bought.
    Reserved,
}

impl ServiceTierType {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Flex => "flex",
            Self::Priority => "priority",
            Self::Reserved => "reserved",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duplicate_key_keeps_its_first_position_and_last_value() {
        let text = r#"{"a":1,"b":2,"a":[3]}"#.to_owned();
        let fields = JsonText::parse(text).ok();
        let fields = fields.and_then(|text| Fields::from_object(&text));
        let written = fields.and_then(|fields| serde_json::to_string(&fields).ok());
        assert_eq!(written.as_deref(), Some(r#"{"a":[3],"b":2}"#));
    }
}
