//! The operation of Bedrock's runtime API that a request calls, from its method and path.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::bedrock::Pace;
use crate::usage::Upstream;

/// The supported operations (botocore 1.44.5, bedrock-runtime).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// `POST /model/{modelId}/converse`
    Converse,
    /// `POST /model/{modelId}/converse-stream`
    ConverseStream,
    /// `POST /model/{modelId}/invoke`
    InvokeModel,
    /// `POST /model/{modelId}/invoke-with-response-stream`
    InvokeModelWithResponseStream,
    /// `POST /model/{modelId}/count-tokens`
    CountTokens,
    /// `POST /guardrail/{guardrailIdentifier}/version/{guardrailVersion}/apply`
    ApplyGuardrail,
    /// `POST /guardrail-checks/invoke`
    InvokeGuardrailChecks,
    /// `POST /async-invoke`
    StartAsyncInvoke,
    /// `GET /async-invoke`
    ListAsyncInvokes,
    /// `GET /async-invoke/{invocationArn}`
    GetAsyncInvoke,
}

/// The operation and the id in a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OperationRoute {
    pub(super) operation: Operation,
    /// The id in the path, decoded: of a model, a guardrail or a job. Slashes in ARNs may be
    /// encoded or not.
    pub(super) id: String,
}

impl OperationRoute {
    /// Parses an encoded path; `None` if no operation has it.
    pub(super) fn of(method: &Method, path: &str) -> Option<Self> {
        let (operation, id) = match *method {
            Method::GET => match path {
                "/async-invoke" => (Operation::ListAsyncInvokes, ""),
                path => (
                    Operation::GetAsyncInvoke,
                    path.strip_prefix("/async-invoke/")?,
                ),
            },
            Method::POST => post(path)?,
            _ => return None,
        };
        let id = percent_decode_str(id).decode_utf8().ok()?.into_owned();
        Some(Self { operation, id })
    }
}

fn post(path: &str) -> Option<(Operation, &str)> {
    match path {
        "/guardrail-checks/invoke" => return Some((Operation::InvokeGuardrailChecks, "")),
        "/async-invoke" => return Some((Operation::StartAsyncInvoke, "")),
        _ => {}
    }
    if let Some(rest) = path.strip_prefix("/guardrail/") {
        let (id, version) = rest.strip_suffix("/apply")?.rsplit_once("/version/")?;
        // `DRAFT` or a number.
        let is_one = !version.is_empty() && version.chars().all(|c| c.is_ascii_alphanumeric());
        return is_one.then_some((Operation::ApplyGuardrail, id));
    }
    let (id, action) = path.strip_prefix("/model/")?.rsplit_once('/')?;
    let operation = match action {
        "converse" => Operation::Converse,
        "converse-stream" => Operation::ConverseStream,
        "invoke" => Operation::InvokeModel,
        "invoke-with-response-stream" => Operation::InvokeModelWithResponseStream,
        "count-tokens" => Operation::CountTokens,
        _ => return None,
    };
    Some((operation, id))
}

impl Operation {
    /// The API that serves the operation.
    pub(super) fn upstream(self) -> Upstream {
        match self {
            Self::Converse | Self::ConverseStream => Upstream::Converse,
            Self::InvokeModel | Self::InvokeModelWithResponseStream => Upstream::InvokeModel,
            Self::CountTokens => Upstream::CountTokens,
            Self::ApplyGuardrail | Self::InvokeGuardrailChecks => Upstream::Guardrails,
            Self::StartAsyncInvoke | Self::ListAsyncInvokes | Self::GetAsyncInvoke => {
                Upstream::AsyncInvoke
            }
        }
    }

    /// The last segment of its path.
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Converse => "converse",
            Self::ConverseStream => "converse-stream",
            Self::InvokeModel | Self::InvokeGuardrailChecks => "invoke",
            Self::InvokeModelWithResponseStream => "invoke-with-response-stream",
            Self::CountTokens => "count-tokens",
            Self::ApplyGuardrail => "apply",
            Self::StartAsyncInvoke | Self::ListAsyncInvokes | Self::GetAsyncInvoke => {
                "async-invoke"
            }
        }
    }

    /// The kind of its response.
    pub(super) fn pace(self) -> Pace {
        match self {
            Self::ConverseStream | Self::InvokeModelWithResponseStream => Pace::Stream,
            Self::Converse | Self::InvokeModel => Pace::Model,
            _ => Pace::Immediate,
        }
    }

    /// Whether it concerns asynchronous jobs, which belong to the whole account.
    pub(super) fn is_of_jobs(self) -> bool {
        matches!(
            self,
            Self::StartAsyncInvoke | Self::ListAsyncInvokes | Self::GetAsyncInvoke
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: Method, path: &str) -> Option<(Operation, String)> {
        OperationRoute::of(&method, path).map(|route| (route.operation, route.id))
    }

    #[test]
    fn ids_are_decoded_if_encoded() {
        let arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.x";
        for (path, id) in [
            ("/model/a.b-v1:0/converse", "a.b-v1:0"),
            ("/model/a.b-v1%3A0/converse", "a.b-v1:0"),
            (
                "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.x/converse",
                arn,
            ),
            (
                "/model/arn:aws:bedrock:us-east-1:1:inference-profile/us.x/converse",
                arn,
            ),
        ] {
            let found = of(Method::POST, path);
            assert_eq!(found, Some((Operation::Converse, id.to_owned())));
        }
    }

    #[test]
    fn every_operation_has_its_path() {
        for (method, path, operation) in [
            (Method::POST, "/model/a/invoke", Operation::InvokeModel),
            (
                Method::POST,
                "/guardrail/a/version/1/apply",
                Operation::ApplyGuardrail,
            ),
            (
                Method::POST,
                "/guardrail/arn:b:guardrail/a/version/DRAFT/apply",
                Operation::ApplyGuardrail,
            ),
            (
                Method::POST,
                "/guardrail-checks/invoke",
                Operation::InvokeGuardrailChecks,
            ),
            (Method::POST, "/async-invoke", Operation::StartAsyncInvoke),
            (Method::GET, "/async-invoke", Operation::ListAsyncInvokes),
            (
                Method::GET,
                "/async-invoke/arn%3Aa",
                Operation::GetAsyncInvoke,
            ),
        ] {
            let found = of(method, path).map(|(operation, _)| operation);
            assert_eq!(found, Some(operation), "{path}");
        }
    }

    #[test]
    fn unknown_paths_and_methods_are_no_operation() {
        for (method, path) in [
            (Method::GET, "/model/a/converse"),
            (Method::POST, "/model/converse"),
            (Method::POST, "/model/a/sing"),
            (Method::POST, "/guardrail/a/apply"),
            (Method::POST, "/guardrail/a/version/1/2/apply"),
            (Method::DELETE, "/async-invoke"),
        ] {
            assert_eq!(of(method, path), None, "{path}");
        }
    }
}
