use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A JSON value kept as its original text, so that key order, number format and white space are
/// preserved: prompt caches compare bytes, and models fill in fields in the order of the schema.
#[derive(Clone)]
pub struct JsonText(Box<RawValue>);

impl JsonText {
    /// Accepts `text` if it is a complete JSON value.
    pub fn parse(text: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text).map(Self)
    }

    /// Serializes `value`.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    /// `{}`
    pub fn empty_object() -> Self {
        // Cannot fail; the fallback avoids a panic.
        Self::parse("{}".to_owned()).unwrap_or_else(|_| Self(RawValue::NULL.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The text, without copying.
    pub fn into_text(self) -> String {
        Box::<str>::from(self.0).into_string()
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.as_str().starts_with('{')
    }

    /// Whether the value is `null`, `false`, `0`, `""`, `[]` or `{}`, which clients send for
    /// unset fields.
    pub fn is_neutral(&self) -> bool {
        let mut text = self.as_str().chars().filter(|c| !c.is_whitespace());
        let first: String = text.by_ref().take(6).collect();
        matches!(
            first.as_str(),
            "null" | "false" | "0" | "0.0" | "\"\"" | "[]" | "{}"
        )
    }
}

impl fmt::Debug for JsonText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neutral_values_are_recognized() {
        let neutral = |text: &str| JsonText::parse(text.to_owned()).is_ok_and(|t| t.is_neutral());
        for text in ["null", "false", "0", "0.0", "\"\"", "[]", "{ }", "[\n]"] {
            assert!(neutral(text), "{text}");
        }
        for text in ["true", "1", "0.5", "\"a\"", "[0]", "{\"a\":0}", "false_"] {
            assert!(!neutral(text), "{text}");
        }
    }
}
