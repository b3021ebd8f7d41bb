//! What AWS's errors mean for an operator: what is wrong, and what to do about it.

use super::upstream_error::UpstreamError;

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The credentials are refused, whatever is called with them.
    Credentials,
    /// The credentials are good, and are not allowed to do this.
    Permission,
    /// There is no such model here, or it goes by another id.
    Model,
    /// The request itself is refused, so that a good one would be taken.
    Request,
    /// It may pass by itself, or stands outside of AWS.
    Other,
}

/// What is wrong, in one line each.
#[derive(Debug)]
pub struct Trouble {
    /// What kind of thing is wrong.
    pub cause: Cause,
    /// What AWS says.
    pub finding: String,
    /// What to do.
    pub remedy: String,
}

impl Trouble {
    /// What a failed call means.
    pub fn of_error(error: &UpstreamError) -> Self {
        let mut trouble = Self::of(&error.code, &error.detail);
        if let Some(id) = error.upstream_request_id() {
            trouble.finding.push_str(&format!(" (AWS request {id})"));
        }
        trouble
    }

    /// What AWS's error `code` with this message means.
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
    /// Whether there were no credentials to call with, so that nothing was sent.
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
                "this machine's clock is wrong: set it, for example by NTP",
            )
        }
        "InvalidSignatureException" | "SignatureDoesNotMatch" => (
            Cause::Credentials,
            "the secret is not that of the access key: set AWS_SECRET_ACCESS_KEY, or the profile's, \
             again, whole and without quotes or spaces",
        ),
        "UnrecognizedClientException" | "InvalidClientTokenId" => (
            Cause::Credentials,
            "AWS does not know the access key, or not with this session token: it was mistyped or \
             deleted, or AWS_SESSION_TOKEN is missing or left over from another key",
        ),
        "ExpiredTokenException" | "ExpiredToken" => (
            Cause::Credentials,
            "the session is over: sign in again (`aws sso login`), or set new temporary keys",
        ),
        "MissingAuthenticationTokenException"
        | "MissingAuthenticationToken"
        | "IncompleteSignatureException"
        | "IncompleteSignature" => (
            Cause::Credentials,
            "something on the way changes the request: see that no proxy removes its headers",
        ),
        "AccessDeniedException" if has("api key") || has("bearer token") => (
            Cause::Credentials,
            "AWS_BEARER_TOKEN_BEDROCK is no valid Bedrock API key: it was mistyped or has expired; \
             create one in the Bedrock console, in this region",
        ),
        "AccessDeniedException" | "AccessDenied" if has("not authorized to perform") => {
            return (Cause::Permission, permission(message));
        }
        "AccessDeniedException" | "AccessDenied" => (
            Cause::Permission,
            "request access to the model in the Bedrock console, and allow bedrock:InvokeModel and \
             bedrock:InvokeModelWithResponseStream on it (for a profile: on the profile and on \
             the model in every region it routes to)",
        ),
        "ValidationException" if has("on-demand throughput") => (
            Cause::Model,
            "ask for the inference profile instead of the bare id: us., eu., global. or another \
             group of regions before it",
        ),
        "ValidationException" if has("model identifier is invalid") => (
            Cause::Model,
            "mind the spelling and the region; the gateway lists what there is under /v1/models",
        ),
        "ValidationException" => (Cause::Request, "the message above is AWS's own"),
        "ResourceNotFoundException" if has("end of its life") => (
            Cause::Model,
            "ask for a newer model; this one is not there any more",
        ),
        "ResourceNotFoundException" => (
            Cause::Model,
            "mind the id, its account and its region; what it names may have been deleted",
        ),
        "ThrottlingException" | "TooManyRequestsException" | "ServiceQuotaExceededException" => (
            Cause::Other,
            "raise the quota in the Service Quotas console, or use a cross-region profile",
        ),
        "Connection" | "Timeout" => (
            Cause::Other,
            "see that this machine reaches the endpoint: DNS, proxy, VPC endpoint, firewall",
        ),
        _ => (
            Cause::Other,
            "ask again in a moment; the message above is AWS's own",
        ),
    };
    (cause, remedy.to_owned())
}

/// AWS names the action and who may not do it.
fn permission(message: &str) -> String {
    let after = |words: &str| {
        let (_, rest) = message.split_once(words)?;
        rest.split_whitespace().next()
    };
    let action = after("not authorized to perform: ").unwrap_or("the action");
    let who = after("User: ").map_or_else(String::new, |arn| format!(" of {arn}"));
    match message.contains("explicit deny") {
        true => format!(
            "a policy denies `{action}` in so many words (look for it in the policies{who}, the \
             permission boundary and the organization's service control policies)"
        ),
        false => format!("allow `{action}` in the policy{who}; deploy/iam has the policies"),
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
                "AWS's own",
            ),
        ] {
            let trouble = Trouble::of(code, message);
            assert_eq!(trouble.cause, cause, "{message}");
            assert!(trouble.remedy.contains(remedy), "{}", trouble.remedy);
            assert!(!trouble.remedy.contains('\n'));
        }
    }
}
