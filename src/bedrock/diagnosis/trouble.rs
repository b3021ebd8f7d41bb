//! Diagnoses AWS's errors for the operator: what is wrong, and the remedy.

use crate::bedrock::errors::UpstreamError;

/// The kind of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// AWS rejects the credentials in general.
    Credentials,
    /// The credentials are valid, but lack a permission.
    Permission,
    /// The model does not exist here, or has another id.
    Model,
    /// The request is invalid; a valid one would succeed.
    Request,
    /// A temporary problem, or one outside of AWS.
    Other,
}

/// A diagnosis, in one line each.
#[derive(Debug)]
pub struct Trouble {
    /// The kind of the problem.
    pub cause: Cause,
    /// AWS's error code and message.
    pub finding: String,
    /// What the operator should do.
    pub remedy: String,
}

impl Trouble {
    /// The diagnosis of a failed call.
    pub fn of_error(error: &UpstreamError) -> Self {
        let mut trouble = Self::of(&error.code, &error.detail);
        if let Some(id) = error.upstream_request_id() {
            trouble.finding.push_str(&format!(" (AWS request {id})"));
        }
        trouble
    }

    /// The diagnosis of AWS's error `code` with this message.
    pub fn of(code: &str, message: &str) -> Self {
        let (cause, remedy) = explained(code, message);
        Self {
            cause,
            finding: match message.is_empty() {
                true => code.to_owned(),
                false => format!("{code}: {message}"),
            },
            remedy,
        }
    }
}

impl UpstreamError {
    /// Whether the call failed because there are no credentials, so that nothing was sent.
    pub fn is_without_credentials(&self) -> bool {
        self.code == "Credentials"
    }
}

fn explained(code: &str, message: &str) -> (Cause, String) {
    let lower = message.to_lowercase();
    let has = |words: &str| lower.contains(words);
    let (cause, remedy) = match code {
        "InvalidSignatureException" | "SignatureDoesNotMatch" | "RequestExpired"
            if has("expired") || has("not yet current") || code == "RequestExpired" =>
        {
            (
                Cause::Credentials,
                "this machine's clock is wrong: synchronize it, for example with NTP",
            )
        }
        "InvalidSignatureException" | "SignatureDoesNotMatch" => (
            Cause::Credentials,
            "the secret does not belong to the access key: set AWS_SECRET_ACCESS_KEY (or the \
             profile's secret) again, complete and without quotes or spaces",
        ),
        "UnrecognizedClientException" | "InvalidClientTokenId" => (
            Cause::Credentials,
            "AWS does not know the access key, or not with this session token: it is mistyped or \
             deleted, or AWS_SESSION_TOKEN is missing or belongs to another key",
        ),
        "ExpiredTokenException" | "ExpiredToken" => (
            Cause::Credentials,
            "the session has expired: sign in again (`aws sso login`), or set new temporary \
             credentials",
        ),
        "MissingAuthenticationTokenException"
        | "MissingAuthenticationToken"
        | "IncompleteSignatureException"
        | "IncompleteSignature" => (
            Cause::Credentials,
            "the request was modified in transit: check that no proxy removes its headers",
        ),
        "AccessDeniedException" if has("api key") || has("bearer token") => (
            Cause::Credentials,
            "AWS_BEARER_TOKEN_BEDROCK is not a valid Bedrock API key: it is mistyped or has \
             expired; create one in the Bedrock console, in this region",
        ),
        "AccessDeniedException" | "AccessDenied" if has("not authorized to perform") => {
            return (Cause::Permission, permission(message));
        }
        "AccessDeniedException" | "AccessDenied" => (
            Cause::Permission,
            "request access to the model in the Bedrock console, and allow bedrock:InvokeModel and \
             bedrock:InvokeModelWithResponseStream on it (for an inference profile: on the profile \
             and on the model in every region it routes to)",
        ),
        "ValidationException" if has("on-demand throughput") => (
            Cause::Model,
            "use the inference profile instead of the bare id: put us., eu., global. or another \
             geography before the id",
        ),
        "ValidationException" if has("model identifier is invalid") => (
            Cause::Model,
            "check the spelling and the region; GET /v1/models lists the available models",
        ),
        "ValidationException" => (Cause::Request, "see AWS's message above"),
        "ResourceNotFoundException" if has("end of its life") => (
            Cause::Model,
            "use a newer model; this one has reached its end of life",
        ),
        "ResourceNotFoundException" => (
            Cause::Model,
            "check the id, its account and its region; the resource may have been deleted",
        ),
        "ThrottlingException" | "TooManyRequestsException" | "ServiceQuotaExceededException" => (
            Cause::Other,
            "raise the quota in the Service Quotas console, or use a cross-region inference \
             profile",
        ),
        "Connection" | "Timeout" => (
            Cause::Other,
            "check that this machine can reach the endpoint: DNS, proxy, VPC endpoint, firewall",
        ),
        _ => (
            Cause::Other,
            "try again in a moment; see AWS's message above",
        ),
    };
    (cause, remedy.to_owned())
}

/// The remedy for a missing permission. AWS's message names the action and the principal.
fn permission(message: &str) -> String {
    let after = |words: &str| {
        let (_, rest) = message.split_once(words)?;
        rest.split_whitespace().next()
    };
    let action = after("not authorized to perform: ").unwrap_or("the action");
    let who = after("User: ").map_or_else(String::new, |arn| format!(" of {arn}"));
    match message.contains("explicit deny") {
        true => format!(
            "a policy explicitly denies `{action}` (check the policies{who}, the permission \
             boundary and the organization's service control policies)"
        ),
        false => format!("allow `{action}` in the policy{who}; deploy/iam contains the policies"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_error_has_a_cause_and_a_remedy() {
        for (code, message, cause, remedy) in [
            (
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided.",
                Cause::Credentials,
                "AWS_SECRET_ACCESS_KEY",
            ),
            (
                "InvalidSignatureException",
                "Signature expired: 20261121T000000Z is now earlier than 20261121T010000Z",
                Cause::Credentials,
                "clock",
            ),
            (
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
                Cause::Credentials,
                "does not know the access key",
            ),
            (
                "ExpiredTokenException",
                "The security token included in the request is expired",
                Cause::Credentials,
                "aws sso login",
            ),
            (
                "AccessDeniedException",
                "Authentication failed: Please make sure your API Key is valid.",
                Cause::Credentials,
                "AWS_BEARER_TOKEN_BEDROCK",
            ),
            (
                "AccessDeniedException",
                "User: arn:aws:iam::1:user/a is not authorized to perform: bedrock:InvokeModel on \
                 resource: b because no identity-based policy allows the bedrock:InvokeModel action",
                Cause::Permission,
                "allow `bedrock:InvokeModel` in the policy of arn:aws:iam::1:user/a",
            ),
            (
                "AccessDeniedException",
                "User: a is not authorized to perform: bedrock:InvokeModel with an explicit deny",
                Cause::Permission,
                "service control policies",
            ),
            (
                "AccessDeniedException",
                "You don't have access to the model with the specified model ID.",
                Cause::Permission,
                "request access to the model",
            ),
            (
                "ValidationException",
                "The provided model identifier is invalid.",
                Cause::Model,
                "spelling",
            ),
            (
                "ValidationException",
                "A conversation must start with a user message.",
                Cause::Request,
                "AWS's message",
            ),
        ] {
            let trouble = Trouble::of(code, message);
            assert_eq!(trouble.cause, cause, "{message}");
            assert!(trouble.remedy.contains(remedy), "{}", trouble.remedy);
            assert!(!trouble.remedy.contains('\n'));
        }
    }
}
