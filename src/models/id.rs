use std::fmt;
use std::sync::Arc;

/// The maximum length of a model id or ARN in Bedrock's URL paths (botocore, bedrock-runtime).
const MAX_ID_BYTES: usize = 2048;

/// Prefixes of cross-region inference profiles.
const GEOGRAPHIES: &[&str] = &[
    "us-gov.", "us.", "eu.", "apac.", "jp.", "au.", "ca.", "sa.", "uk.", "in.", "global.",
];

/// The geographies whose inference profiles a region may call, narrowest first. `global.` is
/// excluded because nothing permits data to leave the geography.
///
/// From the regions in AWS's user guide, "Supported Regions and models for inference profiles"
/// (read in November 2026).
const GEOGRAPHIES_OF_REGIONS: &[(&str, &[&str])] = &[
    ("us-gov-", &["us-gov."]),
    ("us-", &["us."]),
    ("eu-", &["eu."]),
    ("ap-northeast-1", &["jp.", "apac."]),
    ("ap-northeast-3", &["jp.", "apac."]),
    ("ap-southeast-2", &["au.", "apac."]),
    ("ap-southeast-4", &["au.", "apac."]),
    ("ap-", &["apac."]),
    ("ca-", &["ca."]),
    ("sa-", &["sa."]),
];

/// The id of a foundation model or inference profile, or an ARN, as used in Bedrock's URL paths.
/// Clones share the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelId(Arc<str>);

/// What an id names, judged by its form (botocore 1.44.5, bedrock-runtime,
/// `ConversationalModelId`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelKind {
    /// A foundation model, or a system-defined inference profile, whose id contains the
    /// foundation model's id.
    ///
    /// Includes every id that is not an ARN, although provisioned throughput may have a bare
    /// name.
    Foundation,
    /// An application inference profile of the account.
    ApplicationProfile,
    /// Provisioned throughput.
    ProvisionedModel,
    /// A customized model.
    CustomModel,
    /// A customized model deployed for on-demand inference.
    CustomModelDeployment,
    /// An imported model.
    ImportedModel,
    /// A prompt router, which selects a model for each prompt.
    PromptRouter,
    /// A resource that does not identify a model: a managed prompt, a SageMaker endpoint.
    Other,
}

/// Why a model id is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidModelId(&'static str);

impl ModelId {
    /// Accepts `text` if it is safe in a URL path.
    pub fn parse(text: &str) -> Result<Self, InvalidModelId> {
        if text.is_empty() {
            return Err(InvalidModelId("is empty"));
        }
        if text.len() > MAX_ID_BYTES {
            return Err(InvalidModelId("exceeds 2048 characters"));
        }
        let allowed =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/');
        if !text.chars().all(allowed) {
            return Err(InvalidModelId(
                "contains characters other than letters, digits and `-_.:/`",
            ));
        }
        if text
            .split('/')
            .any(|segment| matches!(segment, "" | "." | ".."))
        {
            return Err(InvalidModelId("contains an empty segment, `.` or `..`"));
        }
        Ok(Self(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as shared text.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// The kind of resource that the id names, judged by its form.
    pub fn kind(&self) -> ModelKind {
        if !self.is_arn() {
            return ModelKind::Foundation;
        }
        let Some((kind, rest)) = self.resource() else {
            return ModelKind::Other;
        };
        match kind {
            "foundation-model" => ModelKind::Foundation,
            // A profile id without a dot contains no provider and model.
            "inference-profile" if rest.contains('.') => ModelKind::Foundation,
            "inference-profile" | "application-inference-profile" => ModelKind::ApplicationProfile,
            "provisioned-model" => ModelKind::ProvisionedModel,
            "custom-model" => ModelKind::CustomModel,
            "custom-model-deployment" => ModelKind::CustomModelDeployment,
            "imported-model" => ModelKind::ImportedModel,
            "prompt-router" | "default-prompt-router" => ModelKind::PromptRouter,
            _ => ModelKind::Other,
        }
    }

    /// Whether `foundation_id` is reliable; otherwise the control plane has to resolve the id.
    pub fn names_foundation_model(&self) -> bool {
        self.kind() == ModelKind::Foundation
    }

    /// The foundation model's id, as far as the id contains it: without ARN and geography.
    ///
    /// Most ARNs of custom models do not contain it; for those the last part is returned.
    pub fn foundation_id(&self) -> &str {
        let id = match self.resource() {
            // The base model, or `imported`, precedes the custom model's id (botocore 1.44.5,
            // bedrock, `ModelArn`).
            Some(("custom-model", rest)) => rest.split('/').next().unwrap_or(rest),
            Some((_, rest)) => rest,
            None => &self.0,
        };
        GEOGRAPHIES
            .iter()
            .find_map(|geography| id.strip_prefix(geography))
            .unwrap_or(id)
    }

    /// `foundation_id` as a `ModelId`.
    #[must_use]
    pub fn foundation(&self) -> Self {
        Self(self.foundation_id().into())
    }

    /// The geography of a system-defined inference profile, such as `us` or `global`.
    pub fn geography(&self) -> Option<&str> {
        let before = self.0.strip_suffix(self.foundation_id())?;
        before.rsplit('/').next()?.strip_suffix('.')
    }

    /// Whether it is a foundation model's id, neither a profile nor an ARN.
    pub fn is_bare(&self) -> bool {
        !self.is_arn() && self.foundation_id() == self.as_str() && self.0.contains('.')
    }

    /// The inference profile ids that a foundation model would have in `region`, narrowest first.
    pub fn likely_profiles(&self, region: &str) -> Vec<Self> {
        let mut regions = GEOGRAPHIES_OF_REGIONS.iter();
        let geographies = regions.find(|(start, _)| region.starts_with(start));
        let geographies = geographies.map_or(&[] as &[&str], |(_, geographies)| geographies);
        let profile =
            |geography: &&str| Self(format!("{geography}{}", self.foundation_id()).into());
        geographies.iter().map(profile).collect()
    }

    /// The service of an ARN, for example `sagemaker`.
    pub fn service(&self) -> Option<&str> {
        self.part_of_arn(2)
    }

    /// The region of an ARN; empty if the ARN covers all regions.
    pub fn region(&self) -> Option<&str> {
        self.part_of_arn(3)
    }

    /// The account of an ARN, if it has one.
    pub fn account(&self) -> Option<&str> {
        self.part_of_arn(4).filter(|account| !account.is_empty())
    }

    /// Whether it is the id or ARN of a system-defined inference profile.
    pub fn is_system_profile(&self) -> bool {
        match self.resource() {
            Some((kind, _)) => kind == "inference-profile" && self.names_foundation_model(),
            None => self.foundation_id() != self.as_str(),
        }
    }

    /// A component of `arn:partition:service:region:account:resource`, counted from 0.
    fn part_of_arn(&self, index: usize) -> Option<&str> {
        self.is_arn()
            .then(|| self.0.splitn(6, ':').nth(index))
            .flatten()
    }

    fn is_arn(&self) -> bool {
        self.0.starts_with("arn:")
    }

    /// The type and name of an ARN's resource: `arn:aws:bedrock:region:account:type/name`.
    fn resource(&self) -> Option<(&str, &str)> {
        let after = self.0.strip_prefix("arn:")?;
        after.splitn(5, ':').nth(4)?.split_once('/')
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
    fn ids_profiles_and_arns_resolve_to_the_foundation_model() {
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
            (
                "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-lite-v1:0:300k/abcdefghijkl",
                "amazon.nova-lite-v1:0:300k",
            ),
            (
                "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl",
                "abcdefghijkl",
            ),
            ("arn:aws:bedrock", "arn:aws:bedrock"),
        ] {
            assert_eq!(
                ModelId::parse(id).map(|id| id.foundation_id().to_owned()),
                Ok(foundation.to_owned()),
                "{id}"
            );
        }
    }

    #[test]
    fn an_arn_states_its_kind_and_any_other_id_is_a_foundation_model() {
        let of_account =
            |resource: &str| format!("arn:aws-us-gov:bedrock:r-1:123456789012:{resource}");
        for (id, kind) in [
            ("amazon.nova-lite-v1:0".to_owned(), ModelKind::Foundation),
            ("provisioned-by-name".to_owned(), ModelKind::Foundation),
            (
                "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0".to_owned(),
                ModelKind::Foundation,
            ),
            (
                of_account("inference-profile/us.amazon.nova-lite-v1:0"),
                ModelKind::Foundation,
            ),
            (
                of_account("inference-profile/abcdefghijkl"),
                ModelKind::ApplicationProfile,
            ),
            (
                of_account("application-inference-profile/abcdefghijkl"),
                ModelKind::ApplicationProfile,
            ),
            (
                of_account("provisioned-model/abcdefghijkl"),
                ModelKind::ProvisionedModel,
            ),
            (
                of_account("custom-model/amazon.nova-lite-v1:0/abcdefghijkl"),
                ModelKind::CustomModel,
            ),
            (
                of_account("custom-model-deployment/abcdefghijkl"),
                ModelKind::CustomModelDeployment,
            ),
            (
                of_account("imported-model/abcdefghijkl"),
                ModelKind::ImportedModel,
            ),
            (
                of_account("default-prompt-router/anthropic.claude:1"),
                ModelKind::PromptRouter,
            ),
            (of_account("prompt-router/abc"), ModelKind::PromptRouter),
            (of_account("prompt/ABCDEFGHIJ:1"), ModelKind::Other),
            (
                "arn:aws:sagemaker:us-east-1:123456789012:endpoint/mine".to_owned(),
                ModelKind::Other,
            ),
            ("arn:aws:bedrock".to_owned(), ModelKind::Other),
        ] {
            let parsed = ModelId::parse(&id).expect("an id");
            assert_eq!(parsed.kind(), kind, "{id}");
        }
    }

    #[test]
    fn an_arn_states_its_service_region_and_account() {
        for (id, service, region, account) in [
            ("amazon.nova-lite-v1:0", None, None, None),
            (
                "arn:aws:bedrock:::foundation-model/amazon.nova-pro-v1:0",
                Some("bedrock"),
                Some(""),
                None,
            ),
            (
                "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/mine",
                Some("sagemaker"),
                Some("eu-west-1"),
                Some("123456789012"),
            ),
        ] {
            let id = ModelId::parse(id).expect("an id");
            assert_eq!(
                (id.service(), id.region(), id.account()),
                (service, region, account),
                "{id}"
            );
        }
    }

    #[test]
    fn a_system_profile_resolves_by_id_or_arn() {
        let front = "arn:aws:bedrock:us-east-1:123456789012";
        for (id, is_profile) in [
            ("us.amazon.nova-lite-v1:0".to_owned(), true),
            ("amazon.nova-lite-v1:0".to_owned(), false),
            (
                format!("{front}:inference-profile/us.amazon.nova-lite-v1:0"),
                true,
            ),
            (
                format!("{front}:application-inference-profile/abcdefghijkl"),
                false,
            ),
            (format!("{front}:inference-profile/abcdefghijkl"), false),
        ] {
            let id = ModelId::parse(&id).expect("an id");
            assert_eq!(id.is_system_profile(), is_profile, "{id}");
        }
    }

    #[test]
    fn a_bare_id_has_profiles_for_the_geography_of_the_region() {
        let id = ModelId::parse("amazon.nova-lite-v1:0").expect("an id");
        assert!(id.is_bare());
        for (region, profiles) in [
            ("us-west-2", &["us.amazon.nova-lite-v1:0"] as &[&str]),
            ("us-gov-west-1", &["us-gov.amazon.nova-lite-v1:0"]),
            (
                "ap-northeast-1",
                &["jp.amazon.nova-lite-v1:0", "apac.amazon.nova-lite-v1:0"],
            ),
            ("me-central-1", &[]),
        ] {
            let likely = id.likely_profiles(region);
            let likely: Vec<&str> = likely.iter().map(ModelId::as_str).collect();
            assert_eq!(likely, profiles, "{region}");
            assert!(
                !likely
                    .iter()
                    .any(|id| ModelId::parse(id).is_ok_and(|id| id.is_bare()))
            );
        }
        assert!(!ModelId::parse("gpt-5").expect("an id").is_bare());
    }

    #[test]
    fn ids_that_would_change_the_url_path_are_rejected() {
        for id in [
            "", "..", "a/../b", "a//b", "a;b", "a b", "a\nb", "a?b", "a%2Fb", "ü",
        ] {
            assert!(ModelId::parse(id).is_err(), "{id:?}");
        }
        assert!(ModelId::parse(&"a".repeat(2049)).is_err());
    }
}
