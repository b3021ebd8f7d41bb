//! Maps requests to operations.

use http::Method;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

/// An operation of the simulator, named as in AWS's API references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
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
    /// `POST /guardrail-checks/invoke`
    InvokeGuardrailChecks,
    /// `POST /guardrail/{guardrailIdentifier}/version/{guardrailVersion}/apply`
    ApplyGuardrail,
    /// `POST /openai/v1/chat/completions`, of `bedrock-runtime` and of `bedrock-mantle`
    ChatCompletions,
    /// The same with `"stream": true`
    ChatCompletionsStream,
    /// `GET /foundation-models` of the control plane
    ListFoundationModels,
    /// `GET /inference-profiles` of the control plane
    ListInferenceProfiles,
    /// `GET /model-customization/custom-model-deployments` of the control plane
    ListCustomModelDeployments,
    /// `GET /imported-models` of the control plane
    ListImportedModels,
    /// `GET /provisioned-model-throughputs` of the control plane
    ListProvisionedModelThroughputs,
    /// `GET /prompt-routers` of the control plane
    ListPromptRouters,
    /// `GET /marketplace-model/endpoints` of the control plane
    ListMarketplaceModelEndpoints,
    /// `GET /inference-profiles/{id}` of the control plane
    GetInferenceProfile,
    /// `GET /provisioned-model-throughput/{id}` of the control plane
    GetProvisionedModelThroughput,
    /// `GET /custom-models/{id}` of the control plane
    GetCustomModel,
    /// `GET /model-customization/custom-model-deployments/{id}` of the control plane
    GetCustomModelDeployment,
    /// `GET /imported-models/{id}` of the control plane
    GetImportedModel,
    /// `GET /prompt-routers/{arn}` of the control plane
    GetPromptRouter,
    /// `POST /model-invocation-job` of the control plane
    CreateModelInvocationJob,
    /// `GET /model-invocation-job/{arn}` of the control plane
    GetModelInvocationJob,
    /// `GET /model-invocation-jobs` of the control plane
    ListModelInvocationJobs,
    /// `POST /model-invocation-job/{arn}/stop` of the control plane
    StopModelInvocationJob,
    /// `POST /` of STS with `Action=GetCallerIdentity`
    GetCallerIdentity,
    /// `POST /async-invoke`
    StartAsyncInvoke,
    /// `GET /async-invoke/{invocationArn}`
    GetAsyncInvoke,
    /// `GET /async-invoke`
    ListAsyncInvokes,
    /// `HEAD /{bucket}` of S3
    HeadBucket,
    /// `GET /{bucket}?list-type=2` of S3
    ListObjectsV2,
    /// `POST /{bucket}?delete` of S3
    DeleteObjects,
    /// `PUT /{bucket}/{key}` of S3
    PutObject,
    /// `GET /{bucket}/{key}` of S3
    GetObject,
    /// `HEAD /{bucket}/{key}` of S3
    HeadObject,
    /// `DELETE /{bucket}/{key}` of S3
    DeleteObject,
    /// `POST /{bucket}/{key}?uploads` of S3
    CreateMultipartUpload,
    /// `PUT /{bucket}/{key}?partNumber&uploadId` of S3
    UploadPart,
    /// `POST /{bucket}/{key}?uploadId` of S3
    CompleteMultipartUpload,
    /// `DELETE /{bucket}/{key}?uploadId` of S3
    AbortMultipartUpload,
}

/// The path of OpenAI's chat completions, on both hosts.
pub(crate) const CHAT_COMPLETIONS: &str = "/openai/v1/chat/completions";

/// The operation of a request, with its path parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) operation: Operation,
    /// The model id in the path, percent-decoded. Slashes inside an ARN may be encoded or not.
    pub(crate) model: Option<String>,
    /// The id of the requested control-plane resource, percent-decoded.
    pub(crate) resource: Option<String>,
}

/// Lists, by path.
const LISTS: [(&str, Operation); 9] = [
    ("/async-invoke", Operation::ListAsyncInvokes),
    ("/model-invocation-jobs", Operation::ListModelInvocationJobs),
    ("/foundation-models", Operation::ListFoundationModels),
    ("/inference-profiles", Operation::ListInferenceProfiles),
    (
        "/model-customization/custom-model-deployments",
        Operation::ListCustomModelDeployments,
    ),
    ("/imported-models", Operation::ListImportedModels),
    (
        "/provisioned-model-throughputs",
        Operation::ListProvisionedModelThroughputs,
    ),
    ("/prompt-routers", Operation::ListPromptRouters),
    (
        "/marketplace-model/endpoints",
        Operation::ListMarketplaceModelEndpoints,
    ),
];

/// Lookups, by path prefix.
const LOOKUPS: [(&str, Operation); 8] = [
    ("/async-invoke/", Operation::GetAsyncInvoke),
    ("/inference-profiles/", Operation::GetInferenceProfile),
    (
        "/provisioned-model-throughput/",
        Operation::GetProvisionedModelThroughput,
    ),
    ("/custom-models/", Operation::GetCustomModel),
    (
        "/model-customization/custom-model-deployments/",
        Operation::GetCustomModelDeployment,
    ),
    ("/imported-models/", Operation::GetImportedModel),
    ("/prompt-routers/", Operation::GetPromptRouter),
    ("/model-invocation-job/", Operation::GetModelInvocationJob),
];

impl Target {
    /// `None` if AWS has no such operation.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        let listing = |operation| {
            Some(Self {
                operation,
                model: None,
                resource: None,
            })
        };
        if method == Method::GET {
            return match LISTS.iter().find(|(list, _)| *list == path) {
                Some((_, operation)) => listing(*operation),
                None => Self::of_lookup(path),
            };
        }
        if method != Method::POST {
            return None;
        }
        match path {
            "/" => return listing(Operation::GetCallerIdentity),
            "/guardrail-checks/invoke" => return listing(Operation::InvokeGuardrailChecks),
            _ => {}
        }
        if let Some(guardrail) = path.strip_prefix("/guardrail/") {
            return Self::of_guardrail(guardrail);
        }
        if path == "/async-invoke" {
            return listing(Operation::StartAsyncInvoke);
        }
        if let Some(job) = path.strip_prefix("/model-invocation-job") {
            return Self::of_job(job);
        }
        if path == CHAT_COMPLETIONS {
            return listing(Operation::ChatCompletions);
        }
        let (model, action) = path.strip_prefix("/model/")?.rsplit_once('/')?;
        let operation = match action {
            "converse" => Operation::Converse,
            "converse-stream" => Operation::ConverseStream,
            "invoke" => Operation::InvokeModel,
            "invoke-with-response-stream" => Operation::InvokeModelWithResponseStream,
            "count-tokens" => Operation::CountTokens,
            _ => return None,
        };
        let model = percent_decode_str(model).decode_utf8().ok()?.into_owned();
        (!model.is_empty()).then_some(Self {
            operation,
            model: Some(model),
            resource: None,
        })
    }

    /// The rest of the path is `{id}/version/{version}`.
    fn of_guardrail(path: &str) -> Option<Self> {
        let guardrail = percent_decode_str(path.strip_suffix("/apply")?);
        let guardrail = guardrail.decode_utf8().ok()?;
        guardrail.contains("/version/").then(|| Self {
            operation: Operation::ApplyGuardrail,
            model: None,
            resource: Some(guardrail.into_owned()),
        })
    }

    /// Operations on a batch job.
    fn of_job(rest: &str) -> Option<Self> {
        let (operation, resource) = match rest {
            "" => (Operation::CreateModelInvocationJob, None),
            rest => {
                let job = rest.strip_prefix('/')?.strip_suffix("/stop")?;
                let job = percent_decode_str(job).decode_utf8().ok()?;
                (Operation::StopModelInvocationJob, Some(job.into_owned()))
            }
        };
        Some(Self {
            operation,
            model: None,
            resource,
        })
    }

    fn of_lookup(path: &str) -> Option<Self> {
        LOOKUPS.iter().find_map(|(prefix, operation)| {
            let resource = percent_decode_str(path.strip_prefix(prefix)?)
                .decode_utf8()
                .ok()?;
            (!resource.is_empty()).then(|| Self {
                operation: *operation,
                model: None,
                resource: Some(resource.into_owned()),
            })
        })
    }
}

impl Operation {
    /// Whether the request has OpenAI's format.
    pub(crate) fn is_openai(self) -> bool {
        matches!(self, Self::ChatCompletions | Self::ChatCompletionsStream)
    }

    /// Whether the response is an event stream.
    pub(crate) fn streams(self) -> bool {
        matches!(
            self,
            Self::ConverseStream
                | Self::InvokeModelWithResponseStream
                | Self::ChatCompletionsStream
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model_of(path: &str) -> Option<String> {
        Target::of(&Method::POST, path).and_then(|target| target.model)
    }

    #[test]
    fn model_ids_are_accepted_percent_encoded_or_plain() {
        let bare = "/model/amazon.nova-lite-v1:0/converse";
        let encoded = "/model/amazon.nova-lite-v1%3A0/converse";
        let arn = "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.x/converse";
        let open_arn = "/model/arn:aws:bedrock:us-east-1:1:inference-profile/us.x/converse";

        assert_eq!(model_of(bare).as_deref(), Some("amazon.nova-lite-v1:0"));
        assert_eq!(model_of(encoded).as_deref(), Some("amazon.nova-lite-v1:0"));
        assert_eq!(model_of(arn), model_of(open_arn));
        assert_eq!(model_of("/model//converse"), None);
        assert_eq!(model_of("/model/x/sing"), None);
    }
}
