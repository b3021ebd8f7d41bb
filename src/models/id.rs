use std::fmt;

/// The longest model id or ARN that Bedrock takes in a path (botocore, bedrock-runtime).
const LONGEST_ID: usize = 2048;

/// Prefixes of cross-region inference profiles.
const GEOGRAPHIES: &[&str] = &[
    "us-gov.", "us.", "eu.", "apac.", "jp.", "au.", "ca.", "sa.", "uk.", "in.", "global.",
];

/// The id of a foundation model or inference profile, or an ARN, as Bedrock takes it in the path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelId(String);

/// Why a name cannot be a model's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidModelId(&'static str);

impl ModelId {
    /// Takes `text` if it can stand in Bedrock's path without meaning anything else there.
    pub fn parse(text: &str) -> Result<Self, InvalidModelId> {
        if text.is_empty() {
            return Err(InvalidModelId("is empty"));
        }
        if text.len() > LONGEST_ID {
            return Err(InvalidModelId("is longer than 2048 characters"));
        }
        let allowed =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/');
        if !text.chars().all(allowed) {
            return Err(InvalidModelId(
                "has characters other than letters, digits and `-_.:/`",
            ));
        }
        if text
            .split('/')
            .any(|segment| matches!(segment, "" | "." | ".."))
        {
            return Err(InvalidModelId("has an empty segment, `.` or `..` in it"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The id as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The foundation model's id, as far as the id itself tells: without ARN and geography.
    ///
    /// The ARN of an application profile or of provisioned throughput does not tell; it comes
    /// back as the last part of the ARN.
    pub fn foundation_id(&self) -> &str {
        let id = match self.0.starts_with("arn:") {
            true => self.0.rsplit('/').next().unwrap_or(&self.0),
            false => &self.0,
        };
        GEOGRAPHIES
            .iter()
            .find_map(|geography| id.strip_prefix(geography))
            .unwrap_or(id)
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for InvalidModelId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl std::error::Error for InvalidModelId {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_profiles_and_arns_lead_to_the_foundation_model() {
        for (id, foundation) in [
            ("amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
            ("us.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
            (
                "us-gov.anthropic.claude-3-haiku",
                "anthropic.claude-3-haiku",
            ),
            ("global.anthropic.claude-opus-5", "anthropic.claude-opus-5"),
            (
                "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0",
                "amazon.nova-pro-v1:0",
            ),
            (
                "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.meta.llama3-3-70b",
                "meta.llama3-3-70b",
            ),
        ] {
            assert_eq!(
                ModelId::parse(id).map(|id| id.foundation_id().to_owned()),
                Ok(foundation.to_owned()),
                "{id}"
            );
        }
    }

    #[test]
    fn what_would_change_the_path_is_refused() {
        for id in [
            "", "..", "a/../b", "a//b", "a;b", "a b", "a\nb", "a?b", "a%2Fb", "ü",
        ] {
            assert!(ModelId::parse(id).is_err(), "{id:?}");
        }
        assert!(ModelId::parse(&"a".repeat(2049)).is_err());
    }
}
