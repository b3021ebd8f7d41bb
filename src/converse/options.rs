//! Request options of Converse: provider fields, guardrail, output format, performance, service
//! tier.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::JsonText;
use super::json::read_bounded;

/// The provider's fields in the order in which they were set, each key once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields(Vec<(String, JsonText)>);

impl Fields {
    /// Sets `key`; an existing key keeps its position.
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

    /// Appends `key`, which must not be set.
    pub fn push(&mut self, key: &str, value: JsonText) {
        self.0.push((key.to_owned(), value));
    }

    /// Removes the entries for which `keep` returns false.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &JsonText) -> bool) {
        self.0.retain(|(key, value)| keep(key, value));
    }

    /// Removes `key`.
    pub fn remove(&mut self, key: &str) -> Option<JsonText> {
        let position = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(position).1)
    }

    /// Whether no keys are set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of keys.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Parses an object; `None` if `text` is not an object, or has too many members for its size.
    pub fn from_object(text: &JsonText) -> Option<Self> {
        read_bounded(text.as_str())
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

/// A repeated key keeps its first position and its last value. Untrusted objects may have very
/// many keys, so this neither searches all keys for each one nor copies them.
fn merge_repeated(fields: &mut Vec<(String, JsonText)>) {
    let key = |index: &usize| fields.get(*index).map(|(key, _)| key.as_str());
    let mut order: Vec<usize> = (0..fields.len()).collect();
    // A stable sort keeps the indices of a key in order.
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

/// The guardrail that evaluates the request and the response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GuardrailConfig {
    /// Its id or ARN.
    pub guardrail_identifier: String,
    /// `DRAFT` or a version number.
    pub guardrail_version: String,
    /// Whether the response includes the guardrail trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<GuardrailTrace>,
    /// How a stream is evaluated; supported by ConverseStream only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_processing_mode: Option<GuardrailStreamMode>,
}

/// Whether a response includes the guardrail trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardrailTrace {
    /// Included.
    Enabled,
    /// Not included.
    Disabled,
    /// Included, with content that was not blocked.
    EnabledFull,
}

/// How a guardrail evaluates a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GuardrailStreamMode {
    /// Chunks are sent after they are evaluated.
    Sync,
    /// Chunks are sent while they are evaluated.
    Async,
}

/// The format of the response.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputConfig {
    /// The format of the response's text.
    pub text_format: TextFormat,
}

/// The format of the response's text: JSON that matches a schema.
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

/// A named schema.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JsonSchemaDefinition {
    /// The schema, as a JSON string.
    pub schema: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The purpose of the schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether the response always matches the schema; on Converse it always does.
    #[serde(skip)]
    pub strict: Option<bool>,
}

impl OutputConfig {
    /// A response that matches the schema.
    pub fn json_schema(definition: JsonSchemaDefinition) -> Self {
        Self {
            text_format: TextFormat {
                r#type: TextFormatType::JsonSchema,
                structure: TextFormatStructure::JsonSchema(definition),
            },
        }
    }

    /// The schema.
    pub fn schema(&self) -> &JsonSchemaDefinition {
        let TextFormatStructure::JsonSchema(definition) = &self.text_format.structure;
        definition
    }

    /// The schema, as a JSON string.
    pub fn schema_mut(&mut self) -> &mut String {
        let TextFormatStructure::JsonSchema(definition) = &mut self.text_format.structure;
        &mut definition.schema
    }
}

/// The latency mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PerformanceConfig {
    /// The mode.
    pub latency: Latency,
}

/// A latency mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Latency {
    /// Standard latency.
    Standard,
    /// Optimized latency.
    Optimized,
}

/// The service tier of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ServiceTier {
    /// The tier.
    pub r#type: ServiceTierType,
}

/// The service tiers (botocore, bedrock-runtime: `ServiceTierType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceTierType {
    /// Processed before other requests, at a higher price.
    Priority,
    /// Standard processing.
    Default,
    /// Processed after other requests, at a lower price.
    Flex,
    /// Reserved capacity.
    Reserved,
}

impl ServiceTierType {
    /// The value on the wire.
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
