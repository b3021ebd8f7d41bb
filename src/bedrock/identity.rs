use aws_sdk_sts::error::ProvideErrorMetadata;

use super::client::Bedrock;
use super::credentials::{CredentialsUnavailable, with_causes};

/// Whose credentials the gateway uses. For the operator's eyes only.
#[derive(Debug, Clone)]
pub struct CallerIdentity {
    /// The account.
    pub account: String,
    /// The user or the role's session.
    pub arn: String,
}

/// Why STS does not say whose the credentials are.
#[derive(Debug, Clone)]
pub enum IdentityError {
    /// It refuses, most likely the credentials.
    Refused {
        /// AWS's name of the error.
        code: String,
        /// AWS's words.
        message: String,
    },
    /// There was no answer.
    NoAnswer(String),
}

/// Asks STS who the credentials belong to. A Bedrock API key has no such answer.
pub async fn caller_identity(bedrock: &Bedrock) -> Result<CallerIdentity, IdentityError> {
    let client = aws_sdk_sts::Client::new(bedrock.sdk());
    let identity = client.get_caller_identity().send().await;
    let identity = identity.map_err(|error| match error.code() {
        Some(code) => IdentityError::Refused {
            code: code.to_owned(),
            message: error.message().unwrap_or_default().to_owned(),
        },
        None => IdentityError::NoAnswer(with_causes(&error)),
    })?;
    Ok(CallerIdentity {
        account: identity.account().unwrap_or_default().to_owned(),
        arn: identity.arn().unwrap_or_default().to_owned(),
    })
}

/// How much of the SDK is logged. It warns of every source of credentials that has none, with its own
/// structures printed whole; what comes of it is an error that the gateway reports in one line.
pub const SDK_LOG: &str = "aws_config=error,aws_smithy_runtime=error,aws_runtime=error";

/// What to do where there are no credentials, by what stood in the way of the SDK's chain.
pub fn credentials_remedy(error: &CredentialsUnavailable) -> &'static str {
    let text = error.to_string().to_lowercase();
    let has = |words: &str| text.contains(words);
    if has("sso") {
        "sign in again: `aws sso login`, with the profile that AWS_PROFILE names"
    } else if has("profile") && !has("imds") {
        "name a profile of ~/.aws/config in AWS_PROFILE (or `[aws] profile`), or unset it and set \
         AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    } else if has("web identity") || has("assumerolewithwebidentity") {
        "mind the role's trust policy and AWS_ROLE_ARN: the service account's token is not taken"
    } else {
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or \
         AWS_BEARER_TOKEN_BEDROCK, or run where a role gives them (EC2, ECS, EKS)"
    }
}
