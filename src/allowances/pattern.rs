use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The maximum length of a pattern: that of an ARN.
const MAX_LENGTH: usize = 2048;

/// A pattern for the names and ids of models, in which `*` stands for any characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 1, max_length = 2048)]
pub struct ModelPattern(Box<str>);

impl ModelPattern {
    /// Parses a pattern; the error is the remedy.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_name = |c: char| c.is_ascii_graphic() && c != ',';
        match text {
            "" => {
                Err("write the name or the id of a model, with `*` for any characters".to_owned())
            }
            text if text.len() > MAX_LENGTH || !text.chars().all(is_name) => Err(format!(
                "write at most {MAX_LENGTH} visible ASCII characters, without spaces and commas"
            )),
            text => Ok(Self(text.into())),
        }
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `name` matches, in time proportional to the lengths of both.
    pub fn matches(&self, name: &str) -> bool {
        let Some((start, rest)) = self.0.split_once('*') else {
            return *self.0 == *name;
        };
        let Some(mut name) = name.strip_prefix(start) else {
            return false;
        };
        let mut rest = rest;
        // Each part is searched from the left: an earlier match leaves more for the others.
        while let Some((part, after)) = rest.split_once('*') {
            let Some(found) = name.find(part) else {
                return false;
            };
            name = name.get(found + part.len()..).unwrap_or_default();
            rest = after;
        }
        name.ends_with(rest)
    }
}

impl TryFrom<String> for ModelPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<ModelPattern> for String {
    fn from(pattern: ModelPattern) -> Self {
        pattern.0.into()
    }
}

impl fmt::Display for ModelPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, matches) in [
            ("gpt-4o", "gpt-4o", true),
            ("gpt-4o", "gpt-4o-mini", false),
            ("gpt-*", "gpt-4o", true),
            ("gpt-*", "gpt-", true),
            ("*", "", true),
            ("*.claude-*-v1:*", "us.anthropic.claude-x-v1:0", true),
            ("*.claude-*-v1:*", "us.anthropic.claude-x-v2:0", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*opus*", "us.anthropic.claude-opus-4-1", true),
            ("*ab", "aab", true),
        ] {
            let parsed = ModelPattern::parse(pattern).expect("a pattern");
            assert_eq!(parsed.matches(name), matches, "{pattern} {name}");
        }
        assert!(ModelPattern::parse("a b").is_err());
        assert!(ModelPattern::parse("").is_err());
    }
}
