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
    NoResponse(String),
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
        None => IdentityError::NoResponse(with_causes(&error)),
    })?;
    Ok(CallerIdentity {
        account: identity.account().unwrap_or_default().to_owned(),
        arn: identity.arn().unwrap_or_default().to_owned(),
    })
}

/// How much of the SDK is logged. It warns of every source of credentials that has none, with its own
/// structures printed whole; what comes of it is an error that the gateway reports in one line.
pub const SDK_LOG: &str = "aws_config=error,aws_smithy_runtime=error,aws_runtime=error";

/// Why there are no credentials, and what to do about it, each on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsTrouble {
    /// What stood in the way of the SDK's chain.
    pub finding: String,
    /// What to do.
    pub remedy: String,
}

impl CredentialsTrouble {
    /// What `error` means. `profile` is the profile that was asked for.
    pub fn of(error: &CredentialsUnavailable, profile: Option<&str>) -> Self {
        const SOURCES: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or \
                               AWS_BEARER_TOKEN_BEDROCK, or run where a role gives them (EC2, ECS, \
                               EKS)";
        let text = error.to_string();
        let lower = text.to_lowercase();
        let has = |words: &str| lower.contains(words);
        // Each source of the chain has a line of its own in the SDK's text.
        let has_none = has("no credentials found in chain");
        let finding = match has_none {
            true => "there are none in the environment, a profile, a web identity, the container \
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
                "mind AWS_ROLE_ARN and the role's trust policy: the service account's token is \
                 not taken"
                    .to_owned()
            }
            Some(profile) if has_none || has("profile") => format!(
                "the profile `{profile}` gives none: mind its name in ~/.aws/config and \
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
            (chain, None, "there are none in", "set AWS_ACCESS_KEY_ID"),
            (
                chain,
                Some("dev"),
                "there are none in",
                "the profile `dev` gives none",
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
