//! Validation of model ids.

use http::StatusCode;

use super::is_known;
use crate::catalog::{self, ACCOUNT, Access, REGION};
use crate::error::AwsError;
use crate::families::{GEOGRAPHIES, bare_id};
use crate::options::Options;

/// Prefixes of model ids, by provider.
const PROVIDERS: [&str; 20] = [
    "ai21",
    "amazon",
    "anthropic",
    "cohere",
    "deepseek",
    "google",
    "luma",
    "meta",
    "minimax",
    "mistral",
    "moonshot",
    "moonshotai",
    "nvidia",
    "openai",
    "qwen",
    "stability",
    "twelvelabs",
    "writer",
    "xai",
    "zai",
];

/// Rejects a model that no IAM policy allows; Bedrock checks this first.
pub(crate) fn permitted(id: &str, options: &Options) -> Result<(), AwsError> {
    if !options.denied_models.iter().any(|denied| denied == id) {
        return Ok(());
    }
    Err(AwsError::new(
        StatusCode::FORBIDDEN,
        "AccessDeniedException",
        format!(
            "User: arn:aws:iam::{ACCOUNT}:user/bedrock-simulator is not authorized to perform: \
             bedrock:InvokeModel on resource: arn:aws:bedrock:{REGION}::foundation-model/{id} \
             because no identity-based policy allows the bedrock:InvokeModel action"
        ),
    ))
}

/// Rejects an unknown or retired model id. ARNs of another account's resources cannot be checked
/// here.
pub(crate) fn model(id: &str, options: &Options) -> Result<(), AwsError> {
    let Some(id) = named(id) else {
        return Ok(());
    };
    if !is_plausible(id) || !(options.any_model || is_known(bare_id(id))) {
        return Err(AwsError::validation(
            "The provided model identifier is invalid.",
        ));
    }
    let mut retired = options.retired_models.iter();
    if retired.any(|retired| retired == bare_id(id)) {
        return Err(AwsError::new(
            StatusCode::NOT_FOUND,
            "ResourceNotFoundException",
            "This model version has reached the end of its life. Please refer to the AWS documentation for more details.",
        ));
    }
    Ok(())
}

/// Rejects the bare id of a model that is only available through inference profiles. CountTokens
/// accepts such ids (recording `counttokens-claude-e53b8469`).
pub(crate) fn served(id: &str) -> Result<(), AwsError> {
    if catalog::find(id).is_some_and(|model| model.access == Access::ProfileOnly) {
        return Err(AwsError::validation(format!(
            "Invocation of model ID {id} with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model."
        )));
    }
    Ok(())
}

/// The model id itself, or the id in an ARN of a resource that AWS defines; `None` for ARNs of an
/// account's own resources.
fn named(id: &str) -> Option<&str> {
    if !id.starts_with("arn:") {
        return Some(id);
    }
    let mut kinds = [":foundation-model/", ":inference-profile/"].iter();
    kinds.find_map(|kind| Some(id.split_once(kind)?.1))
}

/// A known provider, with or without geographic prefix, followed by characters that occur in ids.
fn is_plausible(id: &str) -> bool {
    let provider = match id.split_once('.') {
        Some((geography, rest)) if GEOGRAPHIES.contains(&geography) => rest.split_once('.'),
        parts => parts,
    };
    let is_known_provider =
        provider.is_some_and(|(name, rest)| PROVIDERS.contains(&name) && !rest.is_empty());
    is_known_provider
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".:-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_ids_are_validated_as_bedrock_does() {
        let options = Options {
            retired_models: vec!["anthropic.claude-v2".to_owned()],
            ..Options::default()
        };
        let error_message = |id: &str| {
            let error_message = model(id, &options).and_then(|()| served(id));
            error_message.err().map(|error| error.status.as_u16())
        };
        assert_eq!(
            error_message("us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            None
        );
        assert_eq!(error_message("amazon.nova-lite-v1:0"), None);
        assert_eq!(
            error_message("arn:aws:bedrock:us-east-1:1:application-inference-profile/x"),
            None
        );
        assert_eq!(error_message("does-not-exist"), Some(400));
        assert_eq!(error_message("us.anthropic.claude-sonnet-9"), Some(400));
        assert_eq!(error_message("nvidia.of-tomorrow-v1:0"), None);
        let arn = |model: &str| format!("arn:aws:bedrock:us-east-1::foundation-model/{model}");
        assert_eq!(error_message(&arn("amazon.nova-lite-v1:0")), None);
        assert_eq!(error_message(&arn("amazon.nova-mini-v1:0")), Some(400));
        assert_eq!(
            error_message(
                "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-9"
            ),
            Some(400)
        );
        assert_eq!(error_message("us.does-not-exist-model-v1:0"), Some(400));
        assert_eq!(
            error_message("anthropic.claude-sonnet-4-5-20250929-v1:0"),
            Some(400)
        );
        assert_eq!(error_message("anthropic.claude-v2"), Some(404));

        let any_model = Options {
            any_model: true,
            ..options
        };
        assert!(model("us.anthropic.claude-sonnet-9", &any_model).is_ok());
        assert!(model("does-not-exist", &any_model).is_err());
    }
}
