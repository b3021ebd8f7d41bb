use aws_sdk_sts::error::ProvideErrorMetadata;

use crate::bedrock::auth::credentials::{CredentialsUnavailable, with_causes};
use crate::bedrock::client::Bedrock;

/// The identity behind the gateway's credentials. Only for the operator.
#[derive(Debug, Clone)]
pub struct CallerIdentity {
    /// The AWS account id.
    pub account: String,
    /// The ARN of the user or role session.
    pub arn: String,
}

/// Why STS did not return the identity.
#[derive(Debug, Clone)]
pub enum IdentityError {
    /// STS rejected the request, most likely because of the credentials.
    Refused {
        /// AWS's error code.
        code: String,
        /// AWS's message.
        message: String,
    },
    /// There was no response.
    NoResponse(String),
}

/// Requests the caller identity from STS. A Bedrock API key has none.
pub async fn caller_identity(bedrock: &Bedrock) -> Result<CallerIdentity, IdentityError> {
    let client = aws_sdk_sts::Client::new(bedrock.sdk());
    let identity = client.get_caller_identity().send().await;
    let identity = identity.map_err(|error| match error.code() {
        Some(code) => IdentityError::Refused {
            code: code.to_owned(),
            message: error.message().unwrap_or_default().to_owned(),
        },
        None => IdentityError::NoResponse(with_causes(&error)),
    })?;
    Ok(CallerIdentity {
        account: identity.account().unwrap_or_default().to_owned(),
        arn: identity.arn().unwrap_or_default().to_owned(),
    })
}

/// The log filter for the SDK. It warns about every credentials source without credentials and
/// dumps its own structures; the gateway reports the resulting error in one line.
pub const SDK_LOG: &str = "aws_config=error,aws_smithy_runtime=error,aws_runtime=error";

/// Why there are no credentials, and the remedy, each in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsTrouble {
    /// The error of the SDK's provider chain.
    pub finding: String,
    /// What the operator should do.
    pub remedy: String,
}

impl CredentialsTrouble {
    /// The diagnosis of `error`. `profile` is the name of the configured profile.
    pub fn of(error: &CredentialsUnavailable, profile: Option<&str>) -> Self {
        const SOURCES: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or \
                               AWS_BEARER_TOKEN_BEDROCK, or run with a role (EC2, ECS, EKS)";
        let text = error.to_string();
        let lower = text.to_lowercase();
        let has = |words: &str| lower.contains(words);
        // The SDK's text has one line for each source of the chain.
        let has_none = has("no credentials found in chain");
        let finding = match has_none {
            true => "no credentials in the environment, a profile, a web identity, the container \
                     or the instance"
                .to_owned(),
            false => text.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        let remedy = match profile {
            _ if has("sso") => format!(
                "sign in again: `aws sso login{}`",
                profile.map_or_else(String::new, |profile| format!(" --profile {profile}"))
            ),
            _ if has("web identity") || has("assumerolewithwebidentity") => {
                "check AWS_ROLE_ARN and the role's trust policy: STS rejects the service account's \
                 token"
                    .to_owned()
            }
            Some(profile) if has_none || has("profile") => format!(
                "the profile `{profile}` has no credentials: check its name in ~/.aws/config and \
                 ~/.aws/credentials (`aws configure list-profiles`), or {SOURCES}"
            ),
            _ => SOURCES.to_owned(),
        };
        Self { finding, remedy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_credentials_are_reported_in_one_line_with_a_remedy() {
        let chain = "the credential provider was not enabled: no credentials found in chain. \
                     Attempted:\n  Environment: not set\n  Profile: not enabled";
        let sso =
            "an error occurred while loading credentials: failed to load the cached SSO token";
        for (text, profile, finding, remedy) in [
            (
                chain,
                None,
                "no credentials in the",
                "set AWS_ACCESS_KEY_ID",
            ),
            (
                chain,
                Some("dev"),
                "no credentials in the",
                "the profile `dev` has no credentials",
            ),
            (
                sso,
                Some("dev"),
                "cached SSO token",
                "`aws sso login --profile dev`",
            ),
            (sso, None, "cached SSO token", "`aws sso login`"),
            (
                "failed to load IMDS session token:\n  request forbidden",
                Some("default"),
                "session token: request forbidden",
                "set AWS_ACCESS_KEY_ID",
            ),
        ] {
            let error = CredentialsUnavailable(text.to_owned());
            let trouble = CredentialsTrouble::of(&error, profile);
            assert!(trouble.finding.contains(finding), "{trouble:?}");
            assert!(trouble.remedy.contains(remedy), "{trouble:?}");
            assert!(!trouble.finding.contains('\n'), "{trouble:?}");
        }
    }
}
